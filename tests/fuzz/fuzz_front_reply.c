/*
 * Front's replies: "STATUS\nname: value\n...\n\nbody". Every one has a class and a clean sentence, no
 * redirect leaves the host, and no headers can stop the rate budget for long or for ever.
 */
#include "base/mem.h"
#include "base/utf8.h"
#include "front/incoming.h"
#include "front/reply.h"
#include <stdlib.h>
#include <string.h>

#define API "https://api2.frontapp.com"

enum { LONGEST_WAIT_MS = 10 * 60 * 1000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct span take_line(struct span *s)
{
    const char *end = s->n > 0 ? memchr(s->p, '\n', s->n) : NULL;
    struct span line = {s->p, end ? (size_t)(end - s->p) : s->n};
    size_t used = line.n + (end != NULL);

    *s = (struct span){s->p + used, s->n - used};
    return line;
}

static struct span header_of(const void *arg, const char *name)
{
    struct span head = *(const struct span *)arg;
    size_t length = strlen(name);

    while (head.n > 0) {
        struct span line = take_line(&head);
        if (line.n > length + 1 && line.p[length] == ':' &&
            span_ieq((struct span){line.p, length}, span_of(name)))
            return (struct span){line.p + length + 2, line.n - length - 2};
    }
    return SPAN_NONE;
}

static void check_rate(const struct rate_headers *h)
{
    struct rate *r = rate_new(20, 5, 0);
    mono_ms_t now = 0;

    for (unsigned i = 0; i < 8; i++) {
        int64_t wait;
        for (unsigned tries = 0; (wait = rate_take(r, RATE_INBOUND, SPAN_LIT("cha_1"), now)) > 0; tries++) {
            must(wait <= LONGEST_WAIT_MS && tries < 1000);
            now += wait;
        }
        rate_learn(r, h, SPAN_LIT("cha_1"), 1700000000000 + now, now);
    }
    rate_free(r);
}

static void check_sentence(struct span s)
{
    must(s.n > 0 && s.n <= REPLY_REASON_MAX);
    for (size_t i = 0; i < s.n; i++)
        must((unsigned char)s.p[i] >= 0x20 && s.p[i] != 0x7f);
    for (size_t i = 0; i < s.n;) {
        uint32_t character;
        unsigned used = utf8_read(s.p + i, s.n - i, &character);
        must(used > 0);
        i += used;
    }
}

static void check_redirect(struct span location)
{
    struct buf url;

    buf_init(&url, 16384);
    if (reply_redirect(API, location, &url) == OK) {
        must(span_starts(buf_span(&url), API "/"));
        for (size_t i = 0; i < url.n; i++)
            must((unsigned char)url.p[i] > ' ');
    } else {
        must(url.n == 0);
    }
    buf_fini(&url);
}

static void check_body(struct reply *reply, struct span body)
{
    struct json doc = {0};
    struct buf out;

    buf_init(&out, 4096);
    reply->has_json = body.n > 0 && json_parse(&doc, body) == OK;
    enum front_class class = reply_class(reply);
    must(class >= FRONT_CALL_OK && class < FRONT_CALL_CANCELLED);
    reply_reason(reply, reply->has_json ? json_root(&doc) : (struct jval){0}, &out);
    check_sentence(buf_span(&out));
    buf_clear(&out);
    if (incoming_uid(reply->has_json ? &doc : NULL, &out) == OK)
        must(out.n > 0 && out.n <= 200);
    buf_clear(&out);
    if (incoming_conversation(reply->has_json ? &doc : NULL, &out) == OK)
        must(out.n > 0 && out.n <= 200 && !memchr(out.p, '/', out.n));
    json_fini(&doc);
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct span rest = {(const char *)data, n};
    uint64_t status = 0;
    struct rate_headers h;

    if (!span_u64(take_line(&rest), &status) || status > 999)
        return 0;
    struct span head = rest, line;
    do
        line = take_line(&rest);
    while (line.n > 0);
    head.n = (size_t)(rest.p - head.p);
    reply_rate(&h, (int)status, header_of, &head, 1700000000000);
    check_rate(&h);
    check_redirect(header_of(&head, "location"));
    struct reply reply = {.is_sent = true, .status = (int)status, .is_post = n % 2};
    check_body(&reply, rest);
    return 0;
}
