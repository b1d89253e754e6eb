/*
 * Decides when a customer's message leaves and whether it leaves again. Refuses to know what the bridge is.
 * Invariant: a customer's next message is posted when the one before it has been taken or refused.
 */
#include "sim/chat_post.h"
#include "base/mem.h"
#include "sim/webhook.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POST_MAX = 4 << 20, POST_AGAIN_MS = 2000, POST_WITHIN_MS = 10000 };

struct post {
    struct chat_poster *poster;
    struct chat_message *message;
    unsigned generation;
};

/* Why the bridge did not take it: its own sentence if it gave one. */
static char *why_not(const struct http_answer *a)
{
    struct json doc;
    char *why = NULL;
    if (a->fail != HTTP_FAIL_NONE)
        return mem_strdup(http_fail_text(a->fail));
    if (json_parse(&doc, a->body) == OK)
        why = json_dup(json_get(json_root(&doc), "message"), 300);
    json_fini(&doc);
    return why ? why : mem_strdup("the bridge did not take it");
}

static bool is_worth_retrying(const struct http_answer *a)
{
    return a->fail != HTTP_FAIL_NONE || a->status == 408 || a->status == 429 || a->status >= 500;
}

/* One timer for all: whoever fails while it runs is tried a little early. */
static void try_later(struct chat_poster *p)
{
    struct timeval delay = clock_tv(POST_AGAIN_MS);
    if (!evtimer_pending(p->again, NULL))
        evtimer_add(p->again, &delay);
}

static void settle(struct chat_poster *p, struct chat_message *m, const struct http_answer *a)
{
    bool is_taken = a->fail == HTTP_FAIL_NONE && a->status >= 200 && a->status < 300;
    m->is_posting = false;
    free(m->why);
    m->why = is_taken ? NULL : why_not(a);
    if (!is_taken && is_worth_retrying(a)) {
        try_later(p);
        return;
    }
    m->state = is_taken ? CHAT_TAKEN : CHAT_REFUSED;
    STAILQ_REMOVE(&p->store->waiting, m, chat_message, link);
    chat_poster_pump(p);
}

static void on_posted(const struct http_answer *a, void *arg)
{
    struct post *post = arg;
    struct chat_poster *p = post->poster;
    if (post->generation == p->generation && a->fail != HTTP_FAIL_CANCELLED) {
        settle(p, post->message, a);
        p->on_posted(p->arg, post->message, a->status);
    }
    free(post);
}

static void wire(const struct chat_message *m, struct buf *out)
{
    struct jout j;
    char conversation[600];
    snprintf(conversation, sizeof conversation, "chat-%s", m->handle);
    jout_init(&j, out);
    jout_object(&j);
    jout_kv_str(&j, "id", m->id);
    jout_kv_str(&j, "conversation_id", conversation);
    jout_key(&j, "sender");
    jout_object(&j);
    jout_kv_str(&j, "handle", m->handle);
    if (m->name)
        jout_kv_str(&j, "name", m->name);
    jout_object_end(&j);
    jout_kv_str(&j, "text", m->text);
    jout_kv_i64(&j, "sent_at", m->at / SECOND_MS);
    jout_object_end(&j);
}

static void post(struct chat_poster *p, struct chat_message *m)
{
    struct buf body;
    char timestamp[24], signature[WEBHOOK_SIGNATURE_MAX] = "";
    buf_init(&body, POST_MAX);
    wire(m, &body);
    snprintf(timestamp, sizeof timestamp, "%lld", (long long)(clock_wall_ms() / SECOND_MS));
    bool is_signed = p->secret && webhook_sign(p->secret, span_of(m->id), span_of(timestamp), buf_span(&body),
                                               signature) == OK;
    const struct http_header_line header[] = {{"Content-Type", "application/json"},
                                              {"webhook-id", m->id},
                                              {"webhook-timestamp", timestamp},
                                              {"webhook-signature", signature}};
    const struct http_request request = {.method = "POST",
                                         .url = p->hook_url,
                                         .headers = header,
                                         .header_n = is_signed ? 4 : 1,
                                         .body = buf_span(&body),
                                         .body_fd = -1,
                                         .timeout_ms = POST_WITHIN_MS};
    struct post *sent = mem_zalloc(sizeof *sent);
    *sent = (struct post){.poster = p, .message = m, .generation = p->generation};
    m->is_posting = true;
    m->attempt_n++;
    http_call_start(p->http, &request, on_posted, sent);
    buf_fini(&body);
}

static bool is_first_of_customer(const struct chat_poster *p, const struct chat_message *m)
{
    const struct chat_message *e;
    STAILQ_FOREACH(e, &p->store->waiting, link)
    {
        if (e == m)
            return true;
        if (!strcmp(e->handle, m->handle))
            return false;
    }
    return true;
}

void chat_poster_pump(struct chat_poster *p)
{
    struct chat_message *m;
    STAILQ_FOREACH(m, &p->store->waiting, link)
    {
        bool is_delayed = m->why && evtimer_pending(p->again, NULL);
        if (p->hook_url && !m->is_posting && !is_delayed && is_first_of_customer(p, m))
            post(p, m);
    }
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    chat_poster_pump(arg);
}

void chat_poster_init(struct chat_poster *p, struct event_base *base)
{
    p->again = evtimer_new(base, on_again, p);
    must(p->again);
}

void chat_poster_fini(struct chat_poster *p)
{
    event_free(p->again);
}

void chat_poster_clear(struct chat_poster *p)
{
    p->generation++;
    evtimer_del(p->again);
}
