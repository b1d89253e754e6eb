/*
 * What the simulated REST calls do: one function each, and the table that names them.
 * Refuses to know who may call and how often (api.c).
 */
#include "base/mem.h"
#include "sim/api.h"
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

/* ---- Checking bodies: every mistake is reported, as Front does, in _error.details ---- */

struct problems {
    struct buf text;
    struct jout j;
    unsigned n;
};

static void problem(struct problems *p, const char *field, const char *what)
{
    char line[160];
    snprintf(line, sizeof line, "%s: %s", field, what);
    jout_str(&p->j, line);
    p->n++;
}

/* take_text gives the field's text as a new string; what is missing, no string or longer than max is a
 * problem. */
static char *take_text(struct problems *p, struct jval body, const char *field, size_t max, bool is_required)
{
    struct jval v = json_path(body, field);
    if (!json_has(v)) {
        if (is_required)
            problem(p, field, "missing");
        return NULL;
    }
    if (json_type(v) != JSON_STRING) {
        problem(p, field, "should be a string");
        return NULL;
    }
    char *text = json_dup(v, max);
    if (!text)
        problem(p, field, "too long");
    else if (is_required && !*text)
        problem(p, field, "should not be empty");
    return text;
}

static void open_problems(struct problems *p)
{
    buf_init(&p->text, 4096);
    jout_init(&p->j, &p->text);
    p->n = 0;
    jout_array(&p->j);
}

/* close_problems refuses the call if there were any; true if there were none. */
static bool close_problems(struct problems *p, struct sim_call *c)
{
    jout_array_end(&p->j);
    if (p->n)
        sim_call_refuse(c, 400, "Body did not satisfy requirements", buf_span(&p->text));
    buf_fini(&p->text);
    return !p->n;
}

/* ---- Messages ---- */

static struct sim_channel *channel_of(struct sim_call *c, enum channel_kind kind)
{
    struct sim_channel *channel = sim_channel_find(&c->sim->account, sim_call_segment(c, 1));
    if (!channel)
        sim_call_refuse(c, 404, "Unknown channel", SPAN_NONE);
    else if (channel->kind != kind)
        sim_call_refuse(c, 400, "This call is not available for channels of this type", SPAN_NONE);
    else if (c->sim->account.message_n >= SIM_MESSAGES_MAX)
        sim_call_refuse(c, 500, "The simulator is full: POST /sim/reset", SPAN_NONE);
    else
        return channel;
    return NULL;
}

static void take_sender(struct problems *p, struct jval body, struct sim_message *m)
{
    m->author.handle = take_text(p, body, "sender.handle", 512, true);
    m->author.name = take_text(p, body, "sender.name", 512, false);
    m->subject = take_text(p, body, "subject", 1024, false);
}

static void take_body(struct problems *p, struct jval body, bool is_html, struct sim_message *m)
{
    char *text = take_text(p, body, "body", SIM_TEXT_MAX, true);
    if (text && is_html)
        sim_message_html(m, span_of(text));
    else if (text)
        sim_message_text(m, span_of(text));
    free(text);
}

static void take_headers(struct problems *p, struct jval body, struct sim_message *m)
{
    struct jval headers = json_path(body, "metadata.headers");
    if (!json_has(headers))
        return;
    struct span raw = json_raw(headers);
    if (json_type(headers) != JSON_OBJECT)
        problem(p, "metadata.headers", "should be an object");
    else
        m->headers = mem_strndup(raw.p, raw.n);
}

static void accept_message(struct sim_call *c, struct sim_message *m)
{
    c->status = 202;
    jout_object(&c->j);
    jout_kv_str(&c->j, "status", "accepted");
    jout_kv_str(&c->j, "message_uid", m->uid);
    jout_object_end(&c->j);
    sim_create_later(c->sim, m);
}

static void incoming(struct sim_call *c)
{
    struct sim_channel *channel = channel_of(c, CHANNEL_CUSTOM);
    if (!channel)
        return;
    struct jval body = json_root(&c->doc), format = json_get(body, "body_format");
    struct sim_message *m = sim_message_new(channel, clock_wall_ms());
    struct problems p;
    m->state = SIM_RECEIVED;
    open_problems(&p);
    take_sender(&p, body, m);
    if (json_has(format) && !json_is(format, "html") && !json_is(format, "markdown"))
        problem(&p, "body_format", "should be html or markdown");
    take_body(&p, body, json_is(format, "html"), m);
    m->thread_ref = take_text(&p, body, "metadata.thread_ref", 4096, false);
    take_headers(&p, body, m);
    if (close_problems(&p, c))
        accept_message(c, m);
    else
        sim_message_free(m);
}

static void inbound(struct sim_call *c)
{
    struct sim_channel *channel = channel_of(c, CHANNEL_APPLICATION);
    if (!channel)
        return;
    struct jval body = json_root(&c->doc), delivered = json_get(body, "delivered_at");
    struct sim_message *m = sim_message_new(channel, clock_wall_ms());
    struct problems p;
    int64_t at = 0;
    m->state = SIM_RECEIVED;
    open_problems(&p);
    take_sender(&p, body, m);
    m->author.email = take_text(&p, body, "sender.email", 512, false);
    take_body(&p, body, true, m);
    m->external_id = take_text(&p, body, "metadata.external_id", 200, true);
    m->external_conversation_id = take_text(&p, body, "metadata.external_conversation_id", 200, true);
    if (json_has(delivered) && json_i64(delivered, &at) != OK)
        problem(&p, "delivered_at", "should be an integer");
    else if (at > 0 && at < INT64_C(1) << 40)
        m->created_at = at * SECOND_MS;
    if (close_problems(&p, c))
        accept_message(c, m);
    else
        sim_message_free(m);
}

/* A channel's JWT sees its own channel's things only. */
static bool may_see(const struct sim_call *c, const struct sim_channel *channel)
{
    return c->who.caller == SIM_CALLER_COMPANY || !strcmp(c->who.channel, channel->id);
}

static void message_get(struct sim_call *c)
{
    const struct sim_message *m = sim_message_find(&c->sim->account, sim_call_segment(c, 1));
    if (!m || !may_see(c, m->channel)) {
        sim_call_refuse(c, 404, "Unknown message", SPAN_NONE);
        return;
    }
    c->status = 200;
    sim_shape_message(&c->j, m, sim_call_view(c));
}

static bool take_failure(struct sim_call *c, char **reason)
{
    struct problems p;
    open_problems(&p);
    *reason = take_text(&p, json_root(&c->doc), "reason", 4096, false);
    if (!json_is(json_get(json_root(&c->doc), "status"), "failed"))
        problem(&p, "status", "should be failed");
    return close_problems(&p, c);
}

static void message_status(struct sim_call *c)
{
    const struct sim_channel *channel = channel_of(c, CHANNEL_APPLICATION);
    char *reason = NULL;
    if (!channel || !take_failure(c, &reason)) {
        free(reason);
        return;
    }
    struct sim_message *m =
        sim_account_answered(&c->sim->account, channel, sim_call_segment(c, 3), sim_call_segment(c, 5));
    if (m) {
        c->status = 204;
        sim_account_failed(m, reason, clock_wall_ms());
        sim_changed(c->sim, m->conversation);
    } else {
        sim_call_refuse(c, 404, "Unknown message", SPAN_NONE);
    }
    free(reason);
}

/* ---- Conversations, channels ---- */

static struct sim_conversation *conversation_of(struct sim_call *c)
{
    struct sim_conversation *found = sim_conversation_find(&c->sim->account, sim_call_segment(c, 1));
    if (found && may_see(c, found->channel))
        return found;
    sim_call_refuse(c, 404, "Unknown conversation", SPAN_NONE);
    return NULL;
}

static void conversation_get(struct sim_call *c)
{
    const struct sim_conversation *conversation = conversation_of(c);
    if (!conversation)
        return;
    c->status = 200;
    sim_shape_conversation(&c->j, conversation, sim_call_view(c));
}

static uint64_t query_number(const struct sim_call *c, const char *key, uint64_t fallback, uint64_t max)
{
    struct buf text;
    uint64_t n = fallback;
    buf_init(&text, 32);
    if (http_query_get(c->x, key, &text) != OK || !span_u64(buf_span(&text), &n) || n > max)
        n = fallback;
    buf_fini(&text);
    return n;
}

static void conversation_messages(struct sim_call *c)
{
    const struct sim_conversation *conversation = conversation_of(c);
    if (!conversation)
        return;
    unsigned limit = (unsigned)query_number(c, "limit", 50, 100);
    unsigned offset = (unsigned)query_number(c, "page_token", 0, conversation->message_n);
    c->status = 200;
    sim_shape_messages(&c->j, conversation, sim_call_view(c), offset, limit ? limit : 50);
}

static void conversation_comment(struct sim_call *c)
{
    struct sim_conversation *conversation = conversation_of(c);
    if (!conversation)
        return;
    struct problems p;
    open_problems(&p);
    char *body = take_text(&p, json_root(&c->doc), "body", SIM_TEXT_MAX, true);
    if (close_problems(&p, c)) {
        c->status = 201;
        sim_shape_comment(
            &c->j, conversation,
            sim_conversation_comment(&c->sim->account, conversation, body, NULL, clock_wall_ms()));
        sim_changed(c->sim, conversation);
    }
    free(body);
}

static void conversation_patch(struct sim_call *c)
{
    static const char *const known[] = {"open", "archived", "deleted", "spam"};
    struct sim_conversation *conversation = conversation_of(c);
    if (!conversation)
        return;
    struct jval status = json_get(json_root(&c->doc), "status");
    const char *found = json_has(status) ? NULL : conversation->status;
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (json_is(status, known[i]))
            found = known[i];
    if (!found) {
        sim_call_refuse(c, 400, "Body did not satisfy requirements",
                        SPAN_LIT("[\"status: should be archived, open, deleted or spam\"]"));
        return;
    }
    conversation->status = found;
    c->status = 204;
    sim_changed(c->sim, conversation);
}

static void channel_get(struct sim_call *c)
{
    const struct sim_channel *channel = sim_channel_find(&c->sim->account, sim_call_segment(c, 1));
    if (!channel) {
        sim_call_refuse(c, 404, "Unknown channel", SPAN_NONE);
        return;
    }
    c->status = 200;
    sim_shape_channel(&c->j, channel);
}

static void me(struct sim_call *c)
{
    c->status = 200;
    sim_shape_me(&c->j, &c->sim->account);
}

const struct sim_route sim_routes[] = {
    {"POST", "channels/+/incoming_messages", "incoming_messages", SIM_FOR_COMPANY, true, incoming},
    {"POST", "channels/+/inbound_messages", "inbound_messages", SIM_FOR_CHANNEL, true, inbound},
    {"PUT", "channels/+/conversations/+/messages/+/status", "message_status", SIM_FOR_BOTH, true,
     message_status},
    {"GET", "channels/+", "channel", SIM_FOR_BOTH, false, channel_get},
    {"GET", "messages/+", "message", SIM_FOR_BOTH, false, message_get},
    {"GET", "conversations/+", "conversation", SIM_FOR_BOTH, false, conversation_get},
    {"GET", "conversations/+/messages", "conversation_messages", SIM_FOR_BOTH, false, conversation_messages},
    {"POST", "conversations/+/comments", "comments", SIM_FOR_COMPANY, true, conversation_comment},
    {"PATCH", "conversations/+", "conversation_patch", SIM_FOR_COMPANY, true, conversation_patch},
    {"GET", "me", "me", SIM_FOR_BOTH, false, me},
};
const size_t sim_route_n = ARRAY_LEN(sim_routes);
