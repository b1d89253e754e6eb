/*
 * What the store costs: puts per second with 256 in flight, claim and settle per second, memory, time to
 * open, each at growing backlogs. Run it on the disk that matters:
 *
 *     build/tests/store_bench DIR [-l LANES] [-n PUTS] [BACKLOG…]
 *
 * -l: messages come from that many conversations at random; without it each has its own, in order.
 * It decides nothing: the figures are for people.
 */
#include "base/mem.h"
#include "store/claim.h"
#include "store/put.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { IN_FLIGHT = 256, BODY_BYTES = 1300, CLAIMS = 4, CLAIM_N = 64 };

static struct event_base *base;
static struct store *store;
static unsigned long lanes;
static unsigned long made, to_make, answered;
static unsigned seed = 1;

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static long pss_kib(void)
{
    FILE *f = fopen("/proc/self/smaps_rollup", "re");
    char line[256];
    long kib = 0;
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "Pss: %ld", &kib) == 1)
            break;
    if (f)
        fclose(f);
    return kib;
}

/* ---- Puts ---- */

struct sender {
    struct store_put put;
    struct store_item item;
    char source[32], recipient[32], lane[80], conversation[32], body[BODY_BYTES];
    unsigned start_max;
};

static void send_next(struct sender *s)
{
    unsigned long n = ++made, lane = lanes ? (unsigned long)rand_r(&seed) % lanes : n;
    struct store_put *p = &s->put;
    p->source_id = (struct span){s->source, (size_t)sprintf(s->source, "msg_%08lx", n)};
    p->conversation = (struct span){s->conversation, (size_t)sprintf(s->conversation, "cnv_%08lx", lane)};
    s->item.recipient =
        (struct span){s->recipient, (size_t)sprintf(s->recipient, "+4915%08lu", lane % 100000)};
    s->item.lane = (struct span){s->lane, (size_t)sprintf(s->lane, "%s %s", s->conversation, s->recipient)};
    memcpy(s->body + 8, s->source, 12);
    s->item.body = (struct span){s->body, BODY_BYTES};
    p->thread_ref = p->conversation;
    p->now = p->created_at = clock_wall_ms();
    p->expires_at = p->now + DAY_MS;
    p->start_max = s->start_max;
    store_post_put(store, p);
}

static void on_put(struct store_op *op)
{
    struct sender *s = container_of(container_of(op, struct store_put, op), struct sender, put);
    if (op->result != OK) {
        fprintf(stderr, "put: error %d\n", (int)op->result);
        exit(1);
    }
    store_put_fini(&s->put);
    answered++;
    if (made < to_make)
        send_next(s);
    else if (answered == to_make)
        event_base_loopbreak(base);
}

static double put_many(unsigned long n, unsigned start_max, double *cpu)
{
    struct sender *all = mem_calloc(IN_FLIGHT, sizeof *all);
    double from = seconds();
    *cpu = cpu_seconds();
    to_make = made + n;
    for (int i = 0; i < IN_FLIGHT; i++) {
        all[i].put =
            (struct store_put){.op.on_done = on_put, .channel = "support", .item = &all[i].item, .item_n = 1};
        all[i].start_max = start_max;
        memset(all[i].body, 'x', sizeof all[i].body);
        send_next(&all[i]);
    }
    event_base_dispatch(base);
    *cpu = cpu_seconds() - *cpu;
    free(all);
    return seconds() - from;
}

/* ---- Claim and settle ---- */

struct worker {
    struct store_claim claim;
    struct store_settle settle[CLAIM_N];
    unsigned out;
};

static unsigned long settled, to_settle;

static void claim_next(struct worker *w)
{
    w->claim.now = clock_wall_ms();
    store_post_claim(store, &w->claim);
}

static void on_settle(struct store_op *op)
{
    struct store_settle *p = container_of(op, struct store_settle, op);
    struct worker *w = (struct worker *)(void *)(uintptr_t)p->external_id.p;
    must(op->result == OK);
    if (++settled == to_settle)
        event_base_loopbreak(base);
    if (--w->out == 0 && settled < to_settle)
        claim_next(w);
}

static void on_claim(struct store_op *op)
{
    struct worker *w = container_of(container_of(op, struct store_claim, op), struct worker, claim);
    if (op->result == ERR_CANCELLED)
        return;
    must(op->result == OK);
    for (unsigned i = 0; i < w->claim.message_n; i++) {
        const struct store_message *m = &w->claim.message[i];
        w->settle[i] = (struct store_settle){.op.on_done = on_settle,
                                             .id = m->id,
                                             .attempt = m->attempt,
                                             .verb = VERB_DELIVER,
                                             .outcome = "delivered",
                                             .external_id = {(char *)w, 8},
                                             .now = w->claim.now};
        w->out++;
        store_post_settle(store, &w->settle[i]);
    }
    store_claim_fini(&w->claim);
}

static double settle_many(unsigned long n, double *cpu)
{
    static struct worker worker[CLAIMS];
    double from = seconds();
    *cpu = cpu_seconds();
    settled = 0;
    to_settle = n;
    for (int i = 0; i < CLAIMS; i++) {
        worker[i] = (struct worker){.claim = {.op.on_done = on_claim, .channel = "support", .max = CLAIM_N}};
        claim_next(&worker[i]);
    }
    event_base_dispatch(base);
    double took = seconds() - from;
    *cpu = cpu_seconds() - *cpu;
    event_base_loop(base, EVLOOP_NONBLOCK);
    usleep(20000);
    event_base_loop(base, EVLOOP_NONBLOCK);
    return took;
}

/* ---- */

static double open_store(const char *dir)
{
    struct buf why;
    double from = seconds();
    buf_init(&why, 1024);
    if (store_open(&store, base, &(struct store_options){.url = dir}, &why) != OK ||
        !store_is_healthy(store)) {
        store_reason(store, &why);
        fprintf(stderr, "%s\n", why.p);
        exit(1);
    }
    buf_fini(&why);
    return seconds() - from;
}

static double commit_ms(void)
{
    struct store_commit_times t;
    store_commit_times(store, &t);
    return t.n ? t.sum_s / (double)t.n * 1e3 : 0;
}

static void measure(const char *dir, unsigned long backlog, unsigned long n)
{
    double cpu;
    if (made < backlog)
        put_many(backlog - made, 0, &cpu);
    store_close(store, 1000);
    double opened = open_store(dir);
    double put = put_many(n, 0, &cpu), put_cpu = cpu;
    double start = put_many(n, 1, &cpu);
    long pss = pss_kib();
    double settle = settle_many(n, &cpu), us = 1e6 / (double)n;
    printf("%8lu  %8.0f %6.1f us  %9.0f  %8.0f %6.1f us  %6.1f ms  %6.1f MB  %6.2f ms\n", backlog,
           (double)n / put, put_cpu * us, (double)n / start, (double)n / settle, cpu * us, opened * 1e3,
           (double)pss / 1024, commit_ms());
    fflush(stdout);
}

int main(int argc, char **argv)
{
    unsigned long n = 100000;
    int option;
    while ((option = getopt(argc, argv, "l:n:")) > 0) {
        if (option == 'l')
            lanes = strtoul(optarg, NULL, 10);
        else
            n = strtoul(optarg, NULL, 10);
    }
    if (optind >= argc || (mkdir(argv[optind], 0700) != 0 && errno != EEXIST)) {
        fprintf(stderr, "usage: store_bench DIR [-l LANES] [-n PUTS] [BACKLOG...]\n");
        return 2;
    }
    base = event_base_new();
    open_store(argv[optind]);
    printf("%8s  %8s %9s  %9s  %8s %9s  %9s  %9s  %9s\n", "backlog", "puts/s", "cpu", "started/s", "settle/s",
           "cpu", "open", "Pss", "commit");
    for (int i = optind + 1; i < argc; i++)
        measure(argv[optind], strtoul(argv[i], NULL, 10), n);
    store_close(store, 1000);
    event_base_free(base);
    return 0;
}
