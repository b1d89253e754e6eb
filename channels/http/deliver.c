/*
 * To the backend: a POST for each delivery and notice, each with the id that makes it idempotent.
 *
 * Decides what is sent; what the answer means is answer.c's.
 * Invariant: every token that comes in is completed exactly once, or is in ch->posts.
 */
#include "base/mem.h"
#include "http.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEADLINE_MARGIN_MS = 250, TIMESTAMP_CHARS = 24, SIGNATURES_MAX = RING_KEYS_MAX * 64 };

struct post {
    struct channel *ch;
    fb_token token;
    uint64_t call;
    LIST_ENTRY(post) link;
};

/* What is sent, whether delivery or notice. */
struct letter {
    fb_token token;
    const char *id;
    struct span json;
    int64_t deadline_ms; /* 0: none */
};

static void post_free(struct post *p)
{
    LIST_REMOVE(p, link);
    free(p);
}

static void on_answer(void *arg, const struct fb_http_answer *a)
{
    struct post *p = arg;
    const struct fb_host *host = p->ch->host;
    struct verdict v;
    answer_judge(a, host->now_ms(host), &v);
    host->complete(host, p->token, &v.outcome);
    post_free(p);
}

static void not_now(const struct channel *ch, fb_token token, const char *reason)
{
    const struct fb_outcome o = {.size = sizeof o, .kind = FB_RETRY, .reason = reason};
    ch->host->complete(ch->host, token, &o);
}

static uint64_t call_start(struct channel *ch, const struct letter *l, int64_t now_ms, int64_t timeout_ms,
                           struct post *p)
{
    char timestamp[TIMESTAMP_CHARS];
    struct buf signature;
    snprintf(timestamp, sizeof timestamp, "%" PRId64, now_ms / 1000);
    buf_init(&signature, SIGNATURES_MAX);
    const struct signed_parts parts = {span_of(l->id), span_of(timestamp), l->json};
    signature_make(&ch->ring, &parts, &signature);

    struct fb_header h[FIXED_HEADERS + EXTRA_HEADERS_MAX] = {
        {"content-type", "application/json"}, {"webhook-id", l->id}, {"webhook-timestamp", timestamp}};
    uint32_t n = 3;
    if (ch->ring.n)
        h[n++] = (struct fb_header){"webhook-signature", signature.p};
    if (ch->bearer)
        h[n++] = (struct fb_header){"authorization", ch->bearer};
    h[n++] = (struct fb_header){"user-agent", "front-bridge/" FB_VERSION};
    memcpy(h + n, ch->extra, ch->extra_n * sizeof *h);
    n += (uint32_t)ch->extra_n;

    const struct fb_http_request r = {.size = sizeof r,
                                      .method = "POST",
                                      .url = ch->url,
                                      .headers = h,
                                      .header_n = n,
                                      .timeout_ms = (uint32_t)timeout_ms,
                                      .body = l->json.p,
                                      .body_n = l->json.n};
    uint64_t call = ch->host->http(ch->host, &r, on_answer, p);
    buf_fini(&signature);
    return call;
}

static void post(struct channel *ch, const struct letter *l)
{
    int64_t now_ms = ch->host->now_ms(ch->host);
    int64_t left_ms = l->deadline_ms ? l->deadline_ms - now_ms - DEADLINE_MARGIN_MS : ch->timeout_ms;
    int64_t timeout_ms = left_ms < ch->timeout_ms ? left_ms : ch->timeout_ms;
    if (timeout_ms <= 0) {
        not_now(ch, l->token, "There was no time left to send it.");
        return;
    }
    struct post *p = mem_zalloc(sizeof *p);
    *p = (struct post){.ch = ch, .token = l->token};
    LIST_INSERT_HEAD(&ch->posts, p, link);
    p->call = call_start(ch, l, now_ms, timeout_ms, p);
    if (!p->call) {
        post_free(p);
        not_now(ch, l->token, "Too many requests to the chat system are under way.");
    }
}

void deliver_message(void *self, fb_token token, const struct fb_delivery *d)
{
    post(self, &(struct letter){token, d->id, {d->json, d->json_n}, d->deadline_ms});
}

void deliver_notice(void *self, fb_token token, const struct fb_notice *n)
{
    int64_t deadline_ms = FB_HAS(n, deadline_ms) ? n->deadline_ms : 0;
    post(self, &(struct letter){token, n->id, {n->json, n->json_n}, deadline_ms});
}

void deliver_fini(struct channel *ch)
{
    struct post *p;
    while ((p = LIST_FIRST(&ch->posts))) {
        ch->host->http_cancel(ch->host, p->call);
        post_free(p);
    }
}
