/*
 * What the loop spends on a callback apart from sockets and the store, in CPU time, which hardly depends on
 * what else the machine does: signature, decoding, the delivery that is stored.
 *
 *     build/tests/front_bench [CALLBACKS]
 */
#include "front/callback.h"
#include "front/signature.h"
#include "messages.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BODY_MAX = 1 << 20 };

static double cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void check_signature(struct span body, struct span header)
{
    char secret[] = "the-company-api-secret", *secrets[] = {secret};

    must(signature_check_sha1(body, header, secrets, 1) == SIGNATURE_OK);
}

static void decode(struct span body, struct span header)
{
    struct callback c;
    struct buf why;

    (void)header;
    buf_init(&why, 1024);
    must(callback_decode(&c, body, &why) == OK);
    callback_fini(&c);
    buf_fini(&why);
}

static void parse(struct span body, struct span header)
{
    struct json doc;

    (void)header;
    must(json_parse(&doc, body) == OK);
    json_fini(&doc);
}

static void decode_and_write(struct span body, struct span header)
{
    struct callback c;
    struct buf why, out;

    (void)header;
    buf_init(&why, 1024);
    buf_init(&out, BODY_MAX);
    must(callback_decode(&c, body, &why) == OK);
    callback_delivery(&c, 0, 1, &out);
    callback_fini(&c);
    buf_fini(&out);
    buf_fini(&why);
}

static void run(const char *name, void (*step)(struct span body, struct span header), struct messages *m,
                unsigned long n)
{
    double start = cpu_ns();

    for (unsigned long i = 0; i < n; i++) {
        struct span request = messages_get(m, i), body = request;
        body.p += request.n - messages_body_bytes(m);
        body.n = messages_body_bytes(m);
        step(body, (struct span){body.p - 4 - 28, 28}); /* it is the last header */
    }
    printf("%-40s %8.0f ns\n", name, (cpu_ns() - start) / (double)n);
}

static void nothing(struct span body, struct span header)
{
    (void)body;
    (void)header;
}

int main(int argc, char **argv)
{
    unsigned long n = argc > 1 ? strtoul(argv[1], NULL, 10) : 200000;
    struct messages *m = messages_new(&(struct messages_options){
        .host = "127.0.0.1", .path = "/front/bench", .secret = "the-company-api-secret", .n = n});

    run("making the message (part of each below)", nothing, m, n);
    run("signature", check_signature, m, n);
    run("JSON", parse, m, n);
    run("decoding, with JSON", decode, m, n);
    run("decoding, and writing the delivery", decode_and_write, m, n);
    messages_free(m);
    return 0;
}
