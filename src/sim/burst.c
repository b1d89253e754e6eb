/*
 * Keeps `concurrency` sends under way until all are done. Invariant: x is answered when the last send has
 * ended.
 */
#include "sim/burst.h"
#include "base/mem.h"
#include "sim/world.h"
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

struct burst {
    struct sim *sim;
    struct http_exchange *x;
    struct sim_channel *channel;
    unsigned n, conversation_n, started, done, sent;
    mono_ms_t began_at;
    int32_t *took_ms;
    char (*conversation)[SIM_ID_BYTES]; /* conversation_n of them; empty: not yet begun */
};

static int by_size(const void *a, const void *b)
{
    const int32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void report(struct burst *b)
{
    struct buf out;
    int64_t ms = clock_mono_ms() - b->began_at;
    qsort(b->took_ms, b->done, sizeof *b->took_ms, by_size);
    buf_init(&out, 1024);
    buf_addf(&out, "{\"n\":%u,\"sent\":%u,\"failed\":%u,\"seconds\":%.3f,\"per_second\":%.1f,", b->done,
             b->sent, b->done - b->sent, (double)ms / 1000, ms ? (double)b->done * 1000 / (double)ms : 0);
    buf_addf(&out, "\"p50_ms\":%d,\"p99_ms\":%d,\"max_ms\":%d}", b->took_ms[b->done / 2],
             b->took_ms[(uint64_t)b->done * 99 / 100], b->took_ms[b->done - 1]);
    http_reply(b->x, 200, "application/json", buf_span(&out), NULL);
    buf_fini(&out);
    free(b->took_ms);
    free(b->conversation);
    free(b);
}

static void on_sent(void *arg, const struct sim_message *m);

static bool start_one(struct burst *b)
{
    char handle[32], text[64];
    const char *why;
    unsigned k = b->started % b->conversation_n;
    snprintf(handle, sizeof handle, "burst-%u", k);
    snprintf(text, sizeof text, "Message %u of a burst of %u", b->started + 1, b->n);
    const struct sim_person to = {.handle = handle};
    const struct sim_send send = {.channel = b->channel->id,
                                  .conversation = *b->conversation[k] ? b->conversation[k] : NULL,
                                  .to = &to,
                                  .to_n = 1,
                                  .text = text,
                                  .author_name = "Grace Hopper",
                                  .author_email = "grace@example.com"};
    b->started++;
    const struct sim_message *m = sim_send(b->sim, &send, on_sent, b, &why);
    if (m)
        memcpy(b->conversation[k], m->conversation->id, SIM_ID_BYTES);
    return m;
}

static void on_sent(void *arg, const struct sim_message *m)
{
    struct burst *b = arg;
    b->took_ms[b->done++] = m ? (int32_t)m->took_ms : 0;
    b->sent += m && m->state == SIM_SENT;
    if (b->started < b->n && !start_one(b))
        b->n = b->started - 1; /* the simulator is full: what is under way ends the burst */
    if (b->done == b->n)
        report(b);
}

static unsigned number(struct jval spec, const char *key, unsigned fallback, unsigned max)
{
    int64_t n;
    if (json_i64(json_get(spec, key), &n) != OK)
        return fallback;
    return n < 1 || n > max ? 0 : (unsigned)n;
}

enum err sim_burst(struct sim *s, struct jval spec, struct http_exchange *x, const char **why)
{
    char *id = json_dup(json_get(spec, "channel"), 64);
    struct sim_channel *channel = sim_channel_find(&s->account, span_of(id));
    unsigned n = number(spec, "n", 100, SIM_BURST_MAX);
    unsigned concurrency = number(spec, "concurrency", 16, SIM_BURST_CONCURRENCY_MAX);
    unsigned conversation_n = number(spec, "conversations", n, SIM_BURST_MAX);
    free(id);
    *why = "A burst needs a custom or application channel, n up to 200000, concurrency up to 512";
    if (!channel || channel->type || !n || !concurrency || !conversation_n)
        return ERR_INVALID;
    *why = "The simulator is too full for this burst: POST /sim/reset";
    if (s->account.message_n + n > SIM_MESSAGES_MAX)
        return ERR_FULL;
    struct burst *b = mem_zalloc(sizeof *b);
    *b = (struct burst){.sim = s, .x = x, .channel = channel, .n = n, .conversation_n = conversation_n};
    b->took_ms = mem_calloc(n, sizeof *b->took_ms);
    b->conversation = mem_calloc(conversation_n, sizeof *b->conversation);
    b->began_at = clock_mono_ms();
    for (unsigned i = 0; i < concurrency && b->started < n; i++)
        must(start_one(b));
    return OK;
}
