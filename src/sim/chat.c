/*
 * The chat's two ends of the http wire: deliveries in, customers' messages out.
 * Refuses to know Front. Invariant: a webhook-id brings at most one message.
 */
#include "sim/chat.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "sim/chat_post.h"
#include "sim/chat_store.h"
#include "sim/webhook.h"
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

enum {
    CHAT_BODY_MAX = 4 << 20,
    CHAT_TEXT_MAX = 256 << 10,
    CHAT_HANGING_MAX = 256,
};

enum chat_mode { MODE_OK, MODE_503, MODE_400, MODE_HANG, MODE_N };
static const char *const mode_names[MODE_N] = {"ok", "503", "400", "hang"};

struct sim_chat {
    struct sim_feed *feed;
    sim_chat_note_fn *note;
    void *arg;
    struct chat_store store;
    struct chat_poster poster;
    char *hook_url, *secret; /* NULL: none */
    enum chat_mode mode;
    int64_t mode_left; /* deliveries that mode still strikes; -1: all */
    struct http_exchange *hanging[CHAT_HANGING_MAX];
    unsigned hanging_n;
};

static void changed(struct sim_chat *c, const char *handle)
{
    struct buf out;
    struct jout j;
    buf_init(&out, 4096);
    jout_init(&j, &out);
    jout_object(&j);
    jout_kv_str(&j, "handle", handle);
    jout_kv_str(&j, "mode", mode_names[c->mode]);
    jout_object_end(&j);
    sim_feed_tell(c->feed, "chat", buf_span(&out));
    buf_fini(&out);
}

/* ---- What customers write ---- */

static void on_posted(void *arg, const struct chat_message *m, int status)
{
    struct sim_chat *c = arg;
    c->note(c->arg, &(struct sim_moment_info){
                        .at = SIM_AT_HOOK_ANSWERED, .text = m->text, .handle = m->handle, .status = status});
    changed(c, m->handle);
}

void sim_chat_write(struct sim_chat *c, const char *handle, const char *name, struct span text)
{
    struct chat_message *m = chat_store_add(&c->store, handle, text, clock_wall_ms());
    if (!m)
        return;
    m->name = name ? mem_strdup(name) : NULL;
    m->state = CHAT_WAITING;
    STAILQ_INSERT_TAIL(&c->store.waiting, m, link);
    chat_poster_pump(&c->poster);
    changed(c, handle);
}

/* ---- Deliveries: from the bridge ---- */

static void answer_delivery(struct http_exchange *x, const struct chat_message *m)
{
    struct buf out;
    struct jout j;
    char conversation[600];
    snprintf(conversation, sizeof conversation, "chat-%s", m->handle);
    buf_init(&out, 2048);
    jout_init(&j, &out);
    jout_object(&j);
    jout_kv_str(&j, "external_id", m->id);
    jout_kv_str(&j, "conversation_id", conversation);
    jout_object_end(&j);
    http_reply(x, 200, "application/json", buf_span(&out), NULL);
    buf_fini(&out);
}

static struct chat_message *take_delivery(struct sim_chat *c, struct jval delivery, struct span webhook_id)
{
    char *handle = json_dup(json_path(delivery, "recipient.handle"), 512);
    char *text = json_dup(json_get(delivery, "text"), CHAT_TEXT_MAX);
    struct chat_message *m = NULL;
    if (handle && text)
        m = chat_store_add(&c->store, handle, span_of(text), clock_wall_ms());
    if (m) {
        m->state = CHAT_RECEIVED;
        m->author = json_dup(json_path(delivery, "author.name"), 200);
        m->conversation = json_dup(json_get(delivery, "conversation_id"), 600);
        m->attempt_n = 1;
        if (webhook_id.n)
            sim_index_put(&c->store.by_webhook, webhook_id, m);
    }
    free(handle);
    free(text);
    return m;
}

static void receive(struct sim_chat *c, struct http_exchange *x)
{
    struct span id = http_header(x, "webhook-id");
    struct chat_message *m = id.n ? sim_index_get(&c->store.by_webhook, id) : NULL;
    struct json doc;
    if (m) {
        m->attempt_n++;
        answer_delivery(x, m);
        return;
    }
    if (json_parse(&doc, http_body(x)) == OK)
        m = take_delivery(c, json_root(&doc), id);
    json_fini(&doc);
    if (!m) {
        http_reply(x, 400, "application/json",
                   SPAN_LIT("{\"message\":\"This is no delivery the chat can show.\"}"), NULL);
        return;
    }
    c->note(c->arg, &(struct sim_moment_info){.at = SIM_AT_CHAT_RECEIVED,
                                              .text = m->text,
                                              .handle = m->handle,
                                              .conversation = m->conversation});
    answer_delivery(x, m);
    changed(c, m->handle);
}

static void hang(struct sim_chat *c, struct http_exchange *x)
{
    if (c->hanging_n == CHAT_HANGING_MAX)
        http_drop(x);
    else
        c->hanging[c->hanging_n++] = x;
}

static void let_go(struct sim_chat *c)
{
    while (c->hanging_n)
        http_drop(c->hanging[--c->hanging_n]);
}

static enum chat_mode take_mode(struct sim_chat *c)
{
    enum chat_mode mode = c->mode;
    if (c->mode_left > 0 && --c->mode_left == 0) {
        c->mode = MODE_OK;
        changed(c, NULL);
    }
    return mode;
}

static void on_deliver(struct http_exchange *x, void *arg)
{
    struct sim_chat *c = arg;
    const char *wrong =
        c->secret
            ? webhook_check(c->secret, http_header(x, "webhook-id"), http_header(x, "webhook-timestamp"),
                            http_header(x, "webhook-signature"), http_body(x), clock_wall_ms())
            : NULL;
    if (wrong) {
        http_refuse(x, 401, wrong);
        return;
    }
    switch (take_mode(c)) {
    case MODE_503:
        http_reply(x, 503, "application/json", SPAN_LIT("{\"message\":\"The chat is down for a moment.\"}"),
                   "Retry-After: 1\r\n");
        break;
    case MODE_400:
        http_reply(x, 400, "application/json", SPAN_LIT("{\"message\":\"This customer has left the chat.\"}"),
                   NULL);
        break;
    case MODE_HANG:
        hang(c, x);
        break;
    default:
        receive(c, x);
    }
}

/* ---- The page ---- */

static void on_say(struct http_exchange *x, void *arg)
{
    struct json doc;
    if (json_parse(&doc, http_body(x)) != OK) {
        json_fini(&doc);
        http_refuse(x, 400, "The body is not a JSON object");
        return;
    }
    char *handle = json_dup(json_get(json_root(&doc), "handle"), 512);
    char *name = json_dup(json_get(json_root(&doc), "name"), 512);
    char *text = json_dup(json_get(json_root(&doc), "text"), CHAT_TEXT_MAX);
    if (handle && *handle && text && *text) {
        sim_chat_write(arg, handle, name, span_of(text));
        http_reply(x, 202, "application/json", SPAN_LIT("{}"), NULL);
    } else {
        http_refuse(x, 400, "handle and text are needed");
    }
    free(handle);
    free(name);
    free(text);
    json_fini(&doc);
}

static void on_messages(struct http_exchange *x, void *arg)
{
    const struct sim_chat *c = arg;
    struct buf handle, out;
    struct jout j;
    buf_init(&handle, 1024);
    bool is_one = http_query_get(x, "handle", &handle) == OK;
    buf_init(&out, 64 << 20);
    jout_init(&j, &out);
    jout_object(&j);
    jout_kv_str(&j, "mode", mode_names[c->mode]);
    jout_kv_i64(&j, "hanging", c->hanging_n);
    jout_key(&j, "messages");
    chat_store_list(&c->store, is_one ? buf_span(&handle) : SPAN_NONE, &j);
    jout_object_end(&j);
    http_reply(x, 200, "application/json", buf_span(&out), "Cache-Control: no-store\r\n");
    buf_fini(&handle);
    buf_fini(&out);
}

static void on_mode(struct http_exchange *x, void *arg)
{
    struct sim_chat *c = arg;
    struct json doc;
    enum chat_mode mode = MODE_N;
    int64_t next = -1;
    if (json_parse(&doc, http_body(x)) == OK)
        for (enum chat_mode i = MODE_OK; i < MODE_N; i++)
            if (json_is(json_get(json_root(&doc), "mode"), mode_names[i]))
                mode = i;
    if (json_i64(json_get(json_root(&doc), "next"), &next) != OK || next < 1)
        next = -1;
    json_fini(&doc);
    if (mode == MODE_N) {
        http_refuse(x, 400, "mode is ok, 503, 400 or hang");
        return;
    }
    c->mode = mode;
    c->mode_left = next;
    let_go(c);
    changed(c, NULL);
    http_reply(x, 200, "application/json", SPAN_LIT("{}"), NULL);
}

#define ROUTE(m, p, max, fn)                                                                                 \
    {                                                                                                        \
        .methods = (m), .path = (p), .match = HTTP_EXACT, .body_max_bytes = (max), .handler = (fn)           \
    }
const struct http_route sim_chat_routes[] = {
    ROUTE("POST", "/chat/deliver", CHAT_BODY_MAX, on_deliver),
    ROUTE("POST", "/chat/say", CHAT_BODY_MAX, on_say),
    ROUTE("GET", "/chat/messages", 0, on_messages),
    ROUTE("POST", "/chat/mode", 1024, on_mode),
};
const size_t sim_chat_route_n = ARRAY_LEN(sim_chat_routes);

/* ---- The whole ---- */

struct sim_chat *sim_chat_new(struct event_base *base, struct http_client *http, struct sim_feed *feed,
                              sim_chat_note_fn *note, void *arg)
{
    struct sim_chat *c = mem_zalloc(sizeof *c);
    c->feed = feed;
    c->note = note;
    c->arg = arg;
    c->mode_left = -1;
    chat_store_init(&c->store, clock_wall_ms());
    c->poster = (struct chat_poster){.http = http, .store = &c->store, .on_posted = on_posted, .arg = c};
    chat_poster_init(&c->poster, base);
    return c;
}

void sim_chat_clear(struct sim_chat *c)
{
    chat_poster_clear(&c->poster);
    c->mode = MODE_OK;
    c->mode_left = -1;
    let_go(c);
    chat_store_clear(&c->store);
}

void sim_chat_free(struct sim_chat *c)
{
    sim_chat_clear(c);
    chat_poster_fini(&c->poster);
    free(c->hook_url);
    free(c->secret);
    free(c);
}

static void take(char **field, struct jval v)
{
    if (!json_has(v))
        return;
    free(*field);
    *field = json_dup(v, 4096);
    if (*field && !**field) {
        free(*field);
        *field = NULL;
    }
}

enum err sim_chat_configure(struct sim_chat *c, struct jval options, struct buf *why)
{
    char trial[WEBHOOK_SIGNATURE_MAX];
    take(&c->hook_url, json_get(options, "hook_url"));
    take(&c->secret, json_get(options, "secret"));
    c->poster.hook_url = c->hook_url;
    c->poster.secret = c->secret;
    if (c->secret && webhook_sign(c->secret, SPAN_LIT("a"), SPAN_LIT("1"), SPAN_LIT(""), trial) != OK) {
        buf_add_str(why, "chat.secret is \"whsec_\" and base64");
        return ERR_INVALID;
    }
    chat_poster_pump(&c->poster);
    return OK;
}
