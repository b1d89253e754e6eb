/*
 * Carries out the control API. Refuses to know how a send goes (send.c) or what a conversation is
 * (account.c). Invariant: every exchange is answered once; one that waits for a send is answered by the
 * send's end.
 */
#include "sim/control.h"
#include "base/mem.h"
#include "sim/attach.h"
#include "sim/burst.h"
#include "sim/chat.h"
#include "sim/control_io.h"
#include "sim/emit.h"
#include "sim/shape.h"
#include "sim/view.h"
#include "sim/world.h"
#include <stdlib.h>
#include <string.h>

enum { SEND_BODY_MAX = 40 << 20 };

/* ---- Reading ---- */

static void list_channels(struct http_exchange *x, struct sim *s)
{
    struct buf out;
    struct jout j;
    control_open(&out, &j);
    jout_array(&j);
    for (unsigned i = 0; i < s->account.channel_n; i++)
        sim_view_channel(&j, s->account.channel[i]);
    jout_array_end(&j);
    control_reply(x, 200, &out);
}

static void add_channel(struct http_exchange *x, struct sim *s)
{
    struct json doc;
    struct buf out, why;
    struct jout j;
    if (!control_read(x, &doc))
        return;
    buf_init(&why, 512);
    struct sim_channel *c = sim_configure_channel(s, json_root(&doc), &why);
    json_fini(&doc);
    if (!c) {
        control_refuse(x, 400, &why);
        return;
    }
    buf_fini(&why);
    control_open(&out, &j);
    sim_view_channel(&j, c);
    control_reply(x, 201, &out);
}

static void on_channels(struct http_exchange *x, void *arg)
{
    if (span_is(http_method(x), "GET"))
        list_channels(x, arg);
    else
        add_channel(x, arg);
}

static void on_conversations(struct http_exchange *x, void *arg)
{
    struct sim *s = arg;
    struct span id = http_rest(x);
    struct buf out;
    struct jout j;
    const struct sim_conversation *c = sim_conversation_find(&s->account, id);
    if (id.n && !c) {
        http_refuse(x, 404, "There is no such conversation");
        return;
    }
    control_open(&out, &j);
    if (c)
        sim_view_conversation(&j, c);
    else
        sim_view_conversations(&j, &s->account);
    control_reply(x, 200, &out);
}

static void on_messages(struct http_exchange *x, void *arg)
{
    struct sim *s = arg;
    struct span id = http_rest(x);
    const struct sim_message *m = sim_message_find(&s->account, id);
    struct buf out;
    struct jout j;
    if (!m) {
        http_refuse(x, 404, "There is no such message");
        return;
    }
    control_open(&out, &j);
    sim_view_message(&j, m);
    control_reply(x, 200, &out);
}

static void on_files(struct http_exchange *x, void *arg)
{
    const struct sim *s = arg;
    const struct sim_file *f = sim_files_find(&s->account.files, http_rest(x));
    if (f && f->bytes)
        http_reply(x, 200, "application/octet-stream", (struct span){f->bytes, f->size}, NULL);
    else
        http_refuse(x, 404, "There is no such file, or its bytes are no longer kept");
}

static void on_log(struct http_exchange *x, void *arg)
{
    struct sim *s = arg;
    struct buf text, out;
    struct jout j;
    uint64_t after = 0;
    buf_init(&text, 32);
    if (http_query_get(x, "after", &text) == OK && !span_u64(buf_span(&text), &after))
        after = 0;
    buf_fini(&text);
    control_open(&out, &j);
    sim_journal_write(&s->journal, &j, after);
    control_reply(x, 200, &out);
}

static void on_stream(struct http_exchange *x, void *arg)
{
    struct sim *s = arg;
    sim_feed_join(&s->feed, x);
}

/* ---- Sending ---- */

static void reply_message(struct http_exchange *x, int status, const struct sim_message *m)
{
    struct buf out;
    struct jout j;
    control_open(&out, &j);
    sim_view_message(&j, m);
    control_reply(x, status, &out);
}

static void on_sent(void *arg, const struct sim_message *m)
{
    struct http_exchange *x = arg;
    if (m)
        reply_message(x, 200, m);
    else
        http_refuse(x, 409, "The simulator was reset while the message was on its way");
}

struct send_text { /* what a sim_send points to */
    char *channel, *conversation, *text, *html, *subject, *author_name, *author_email;
    struct sim_attachments files;
    struct sim_person to[SIM_RECIPIENTS_MAX];
    unsigned to_n;
};

static void send_text_fini(struct send_text *t)
{
    char *owned[] = {t->channel, t->conversation, t->text,        t->html,
                     t->subject, t->author_name,  t->author_email};
    for (size_t i = 0; i < ARRAY_LEN(owned); i++)
        free(owned[i]);
    for (unsigned i = 0; i < t->to_n; i++) {
        free(t->to[i].handle);
        free(t->to[i].name);
    }
    sim_attachments_fini(&t->files);
}

static void read_author(struct send_text *t, struct jval body)
{
    struct jval author = json_get(body, "author");
    if (json_type(author) == JSON_NULL)
        return;
    t->author_name = json_dup(json_get(author, "name"), 200);
    t->author_email = json_dup(json_get(author, "email"), 200);
    if (t->author_name || t->author_email)
        return;
    t->author_name = mem_strdup("Grace Hopper");
    t->author_email = mem_strdup("grace@example.com");
}

static bool read_recipient(struct send_text *t, struct jval to)
{
    struct sim_person p = {.handle = json_dup(json_get(to, "handle"), 512)};
    if (!p.handle || !*p.handle || t->to_n == SIM_RECIPIENTS_MAX) {
        free(p.handle);
        return false;
    }
    p.name = json_dup(json_get(to, "name"), 512);
    t->to[t->to_n++] = p;
    return true;
}

static const char *read_send(struct send_text *t, struct jval body)
{
    t->channel = json_dup(json_get(body, "channel"), 64);
    t->conversation = json_dup(json_get(body, "conversation"), 64);
    t->text = json_dup(json_get(body, "text"), SIM_TEXT_MAX);
    t->html = json_dup(json_get(body, "html"), SIM_TEXT_MAX);
    t->subject = json_dup(json_get(body, "subject"), 1024);
    read_author(t, body);
    if (!t->channel)
        return "channel is missing";
    if (!t->text && !t->html)
        return "text (or html) is missing or longer than 256 KiB";
    for (struct jval e = json_first(json_get(body, "to")); e.doc; e = json_next(e))
        if (!read_recipient(t, e))
            return "to is an array of at most 100 {\"handle\",\"name\"}";
    return sim_attachments_read(&t->files, json_get(body, "attachments"));
}

static void send_now(struct http_exchange *x, struct sim *s, struct jval body)
{
    struct send_text t = {0};
    const char *why = read_send(&t, body);
    bool waits = json_bool(json_get(body, "wait"), true);
    const struct sim_message *m = NULL;
    if (!why) {
        const struct sim_send send = {.channel = t.channel,
                                      .conversation = t.conversation,
                                      .to = t.to,
                                      .to_n = t.to_n,
                                      .text = t.text,
                                      .html = t.html,
                                      .file = t.files.spec,
                                      .file_n = t.files.n,
                                      .subject = t.subject,
                                      .author_name = t.author_name,
                                      .author_email = t.author_email,
                                      .is_draft = json_bool(json_get(body, "is_draft"), false)};
        m = sim_send(s, &send, waits ? on_sent : NULL, x, &why);
    }
    send_text_fini(&t);
    if (!m)
        http_refuse(x, 400, why);
    else if (!waits)
        reply_message(x, 202, m);
}

static void on_send(struct http_exchange *x, void *arg)
{
    struct json doc;
    if (!control_read(x, &doc))
        return;
    send_now(x, arg, json_root(&doc));
    json_fini(&doc);
}

static void resend_now(struct http_exchange *x, struct sim *s, struct jval body)
{
    char *id = json_dup(json_get(body, "message"), 64);
    char *text = json_dup(json_get(body, "text"), SIM_TEXT_MAX);
    bool waits = json_bool(json_get(body, "wait"), true);
    struct sim_message *m = sim_message_find(&s->account, span_of(id));
    if (!m)
        http_refuse(x, 404, "There is no such message");
    else if (sim_resend(s, m, span_of(text), waits ? on_sent : NULL, x) != OK)
        http_refuse(x, 409, "Only a message that failed can be sent again");
    else if (!waits)
        reply_message(x, 202, m);
    free(id);
    free(text);
}

static void on_resend(struct http_exchange *x, void *arg)
{
    struct json doc;
    if (!control_read(x, &doc))
        return;
    resend_now(x, arg, json_root(&doc));
    json_fini(&doc);
}

static void on_burst(struct http_exchange *x, void *arg)
{
    struct json doc;
    const char *why = NULL;
    if (!control_read(x, &doc))
        return;
    if (sim_burst(arg, json_root(&doc), x, &why) != OK)
        http_refuse(x, 400, why);
    json_fini(&doc);
}

/* ---- The rest ---- */

static void on_comment(struct http_exchange *x, void *arg)
{
    struct sim *s = arg;
    struct json doc;
    if (!control_read(x, &doc))
        return;
    char *id = json_dup(json_get(json_root(&doc), "conversation"), 64);
    char *text = json_dup(json_get(json_root(&doc), "text"), SIM_TEXT_MAX);
    char *author = json_dup(json_get(json_root(&doc), "author"), 200);
    struct sim_conversation *c = sim_conversation_find(&s->account, span_of(id));
    if (!c || !text || !*text) {
        http_refuse(x, 400, "A comment needs a conversation that is there, and a text");
    } else {
        const struct sim_person by = {.handle = author ? author : "Grace Hopper"};
        const struct sim_comment *comment =
            sim_conversation_comment(&s->account, c, text, by.handle, clock_wall_ms());
        sim_changed(s, c);
        sim_emit_comment(s, c, comment, sim_part_teammate(&by));
        http_reply(x, 201, "application/json", SPAN_LIT("{}"), NULL);
    }
    free(id);
    free(text);
    free(author);
    json_fini(&doc);
}

static void add_fault(struct http_exchange *x, struct sim *s)
{
    struct json doc;
    const char *why;
    if (!control_read(x, &doc))
        return;
    if (sim_faults_add(&s->faults, json_root(&doc), &why) == OK)
        http_reply(x, 201, "application/json", SPAN_LIT("{}"), NULL);
    else
        http_refuse(x, 400, why);
    json_fini(&doc);
}

static void list_faults(struct http_exchange *x, const struct sim *s)
{
    struct buf out;
    struct jout j;
    control_open(&out, &j);
    jout_array(&j);
    for (unsigned i = 0; i < s->faults.n; i++) {
        jout_object(&j);
        jout_kv_str(&j, "call", s->faults.item[i].call);
        jout_kv_i64(&j, "left", s->faults.item[i].left);
        jout_object_end(&j);
    }
    jout_array_end(&j);
    control_reply(x, 200, &out);
}

static void on_faults(struct http_exchange *x, void *arg)
{
    struct sim *s = arg;
    if (span_is(http_method(x), "POST")) {
        add_fault(x, s);
        return;
    }
    if (span_is(http_method(x), "DELETE"))
        s->faults.n = 0;
    list_faults(x, s);
}

static void on_config(struct http_exchange *x, void *arg)
{
    struct json doc;
    struct buf why;
    if (!control_read(x, &doc))
        return;
    buf_init(&why, 512);
    enum err e = sim_configure(arg, json_root(&doc), &why);
    json_fini(&doc);
    if (e != OK) {
        control_refuse(x, 400, &why);
        return;
    }
    buf_fini(&why);
    http_reply(x, 200, "application/json", SPAN_LIT("{}"), NULL);
}

static void on_reset(struct http_exchange *x, void *arg)
{
    struct sim *s = arg;
    sim_create_stop(s);
    sim_account_clear(&s->account);
    sim_chat_clear(s->chat);
    sim_journal_clear(&s->journal);
    s->faults.n = 0;
    sim_limiter_init(&s->limiter, s->limiter.limit, s->limiter.burst_limit, s->limiter.per_resource,
                     clock_wall_ms());
    sim_feed_tell(&s->feed, "reset", SPAN_LIT("{}"));
    http_reply(x, 200, "application/json", SPAN_LIT("{}"), NULL);
}

#define ROUTE(m, p, kind, max, fn)                                                                           \
    {                                                                                                        \
        .methods = (m), .path = (p), .match = (kind), .body_max_bytes = (max), .handler = (fn)               \
    }
const struct http_route sim_control_routes[] = {
    ROUTE("GET POST", "/sim/channels", HTTP_EXACT, CONTROL_BODY_MAX, on_channels),
    ROUTE("GET", "/sim/conversations", HTTP_PREFIX, 0, on_conversations),
    ROUTE("GET", "/sim/messages", HTTP_PREFIX, 0, on_messages),
    ROUTE("GET", "/sim/files", HTTP_PREFIX, 0, on_files),
    ROUTE("POST", "/sim/send", HTTP_EXACT, SEND_BODY_MAX, on_send),
    ROUTE("POST", "/sim/resend", HTTP_EXACT, CONTROL_BODY_MAX, on_resend),
    ROUTE("POST", "/sim/comment", HTTP_EXACT, CONTROL_BODY_MAX, on_comment),
    ROUTE("GET POST DELETE", "/sim/faults", HTTP_EXACT, CONTROL_BODY_MAX, on_faults),
    ROUTE("GET", "/sim/log", HTTP_EXACT, 0, on_log),
    ROUTE("POST", "/sim/config", HTTP_EXACT, CONTROL_BODY_MAX, on_config),
    ROUTE("POST", "/sim/burst", HTTP_EXACT, CONTROL_BODY_MAX, on_burst),
    ROUTE("POST", "/sim/reset", HTTP_EXACT, CONTROL_BODY_MAX, on_reset),
    ROUTE("GET", "/sim/stream", HTTP_EXACT, 0, on_stream),
};
const size_t sim_control_route_n = ARRAY_LEN(sim_control_routes);
