/*
 * What the simulated REST calls do: one function each, and the table that names them.
 * Refuses to know who may call and how often (api.c).
 */
#include "base/mem.h"
#include "sim/calls.h"
#include "sim/emit.h"
#include "sim/page.h"
#include "sim/upload.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Messages ---- */

bool sim_call_has_room(struct sim_call *c)
{
    if (c->sim->account.message_n < SIM_MESSAGES_MAX)
        return true;
    sim_call_refuse(c, 500, "The simulator is full: POST /sim/reset", SPAN_NONE);
    return false;
}

struct sim_channel *sim_call_channel_of_kind(struct sim_call *c, enum channel_kind kind)
{
    struct sim_channel *channel = sim_channel_find(&c->sim->account, sim_call_segment(c, 1));
    if (!channel)
        sim_call_refuse(c, 404, "Unknown channel", SPAN_NONE);
    else if (channel->kind != kind)
        sim_call_refuse(c, 400, "This call is not available for channels of this type", SPAN_NONE);
    else if (sim_call_has_room(c))
        return channel;
    return NULL;
}

static void take_sender(struct sim_fields *f, struct sim_message *m)
{
    m->author.handle = sim_take_text(f, "sender.handle", 512, SIM_REQUIRED);
    m->author.name = sim_take_text(f, "sender.name", 512, SIM_OPTIONAL);
    m->subject = sim_take_text(f, "subject", 1024, SIM_OPTIONAL);
}

void sim_call_take_body(struct sim_fields *f, bool is_html, struct sim_message *m)
{
    char *text = sim_take_text(f, "body", SIM_TEXT_MAX, SIM_REQUIRED);
    /* The rest is Markdown, shown as it is written; but a block of HTML in Markdown is HTML. */
    if (text && (is_html || span_starts(span_of(text), "<div>")))
        sim_message_html(m, span_of(text));
    else if (text)
        sim_message_text(m, span_of(text));
    free(text);
}

static void take_headers(struct sim_fields *f, struct sim_message *m)
{
    struct span raw = json_raw(sim_take(f, "metadata.headers", JSON_OBJECT, SIM_OPTIONAL));
    m->headers = span_strdup(raw);
}

void sim_call_answer_accepted(struct sim_call *c, const struct sim_message *m)
{
    c->status = 202;
    jout_object(&c->j);
    jout_kv_str(&c->j, "status", "accepted");
    jout_kv_str(&c->j, "message_uid", m->uid);
    jout_object_end(&c->j);
}

void sim_call_accept(struct sim_call *c, struct sim_message *m)
{
    sim_upload_attach(c, m);
    sim_call_answer_accepted(c, m);
    sim_create_later(c->sim, m);
}

static void incoming(struct sim_call *c)
{
    static const char *const formats[] = {"html", "markdown"};
    struct sim_channel *channel = sim_call_channel_of_kind(c, CHANNEL_CUSTOM);
    if (!channel)
        return;
    struct sim_message *m = sim_message_new(channel, clock_wall_ms());
    struct sim_fields f;
    m->state = SIM_RECEIVED;
    sim_fields_open(&f, c);
    take_sender(&f, m);
    const char *format = sim_take_choice(&f, "body_format", formats, ARRAY_LEN(formats), SIM_OPTIONAL);
    sim_call_take_body(&f, format && !strcmp(format, "html"), m);
    m->thread_ref = sim_take_text(&f, "metadata.thread_ref", 4096, SIM_OPTIONAL);
    take_headers(&f, m);
    if (sim_fields_close(&f, c))
        sim_call_accept(c, m);
    else
        sim_message_free(m);
}

static void inbound(struct sim_call *c)
{
    struct sim_channel *channel = sim_call_channel_of_kind(c, CHANNEL_APPLICATION);
    if (!channel)
        return;
    struct sim_message *m = sim_message_new(channel, clock_wall_ms());
    struct sim_fields f;
    m->state = SIM_RECEIVED;
    sim_fields_open(&f, c);
    take_sender(&f, m);
    m->author.email = sim_take_text(&f, "sender.email", 512, SIM_OPTIONAL);
    sim_call_take_body(&f, true, m);
    sim_call_take_external(&f, m);
    if (sim_fields_close(&f, c))
        sim_call_accept_once(c, m, channel->id, c->sim->dedupes);
    else
        sim_message_free(m);
}

/* A channel's JWT sees its own channel's things only. */
bool sim_call_may_see(const struct sim_call *c, const struct sim_channel *channel)
{
    return c->who.caller == SIM_CALLER_COMPANY || !strcmp(c->who.channel, channel->id);
}

static void message_get(struct sim_call *c)
{
    const struct sim_message *m = sim_message_find(&c->sim->account, sim_call_segment(c, 1));
    if (!m || !sim_call_may_see(c, m->channel) || m->visible_at > clock_wall_ms()) {
        sim_call_refuse(c, 404, "Unknown message", SPAN_NONE);
        return;
    }
    c->status = 200;
    sim_shape_message(&c->j, m, sim_call_view(c));
}

static bool take_failure(struct sim_call *c, char **reason)
{
    static const char *const failed[] = {"failed"};
    struct sim_fields f;
    sim_fields_open(&f, c);
    *reason = sim_take_text(&f, "reason", 4096, SIM_OPTIONAL);
    (void)sim_take_choice(&f, "status", failed, ARRAY_LEN(failed), SIM_REQUIRED);
    return sim_fields_close(&f, c);
}

static void message_status(struct sim_call *c)
{
    const struct sim_channel *channel = sim_call_channel_of_kind(c, CHANNEL_APPLICATION);
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
        sim_emit_failure(c->sim, m);
    } else {
        sim_call_refuse(c, 404, "Unknown message", SPAN_NONE);
    }
    free(reason);
}

/* ---- Conversations ---- */

/* A merged conversation is answered with the place where it went. */
static void refer(struct sim_call *c, const char *id)
{
    struct span path = http_path(c->x), query = http_query(c->x);
    const char *tail = memchr(path.p + strlen("/conversations/"), '/', path.n - strlen("/conversations/"));
    buf_addf(&c->headers, "Location: %s/conversations/%s", SIM_LINK_BASE, id);
    if (tail)
        buf_add(&c->headers, tail, (size_t)(path.p + path.n - tail));
    if (query.n)
        buf_addf(&c->headers, "?%.*s", SPAN_FMT(query));
    buf_add_str(&c->headers, "\r\n");
    c->status = 301;
}

struct sim_conversation *sim_call_conversation(struct sim_call *c)
{
    struct sim_conversation *named = sim_conversation_named(&c->sim->account, sim_call_segment(c, 1));
    struct sim_conversation *found = sim_conversation_now(named);
    if (!found || !sim_call_may_see(c, found->channel))
        sim_call_refuse(c, 404, "Unknown conversation", SPAN_NONE);
    else if (found != named)
        refer(c, found->id);
    else
        return found;
    return NULL;
}

static void conversation_get(struct sim_call *c)
{
    const struct sim_conversation *conversation = sim_call_conversation(c);
    if (!conversation)
        return;
    c->status = 200;
    sim_shape_conversation(&c->j, conversation, sim_call_view(c));
}

static void conversation_messages(struct sim_call *c)
{
    const struct sim_conversation *conversation = sim_call_conversation(c);
    if (!conversation)
        return;
    unsigned limit = sim_page_number(c, "limit", 50, 100);
    unsigned offset = sim_page_number(c, "page_token", 0, conversation->message_n);
    c->status = 200;
    sim_shape_messages(&c->j, conversation, sim_call_view(c), offset, limit ? limit : 50, clock_wall_ms());
}

static void conversation_comment(struct sim_call *c)
{
    struct sim_conversation *conversation = sim_call_conversation(c);
    if (!conversation)
        return;
    struct sim_fields f;
    sim_fields_open(&f, c);
    char *body = sim_take_text(&f, "body", SIM_TEXT_MAX, SIM_REQUIRED);
    if (sim_fields_close(&f, c)) {
        const struct sim_comment *comment =
            sim_conversation_comment(&c->sim->account, conversation, body, NULL, clock_wall_ms());
        c->status = 201;
        sim_shape_comment(&c->j, conversation, comment);
        sim_changed(c->sim, conversation);
        sim_emit_comment(c->sim, conversation, comment, sim_part_plain("api"));
    }
    free(body);
}

/* Newest first. */
static void conversation_comments(struct sim_call *c)
{
    const struct sim_conversation *conversation = sim_call_conversation(c);
    struct sim_page page;
    char path[128];
    if (!conversation)
        return;
    snprintf(path, sizeof path, "conversations/%s/comments", conversation->id);
    c->status = 200;
    sim_page_open(&page, c, path, conversation->comment_n);
    for (unsigned i = page.at; i < page.end; i++)
        sim_shape_comment(&c->j, conversation, &conversation->comment[conversation->comment_n - 1 - i]);
    sim_page_close(&page, c);
}

static void conversation_patch(struct sim_call *c)
{
    static const char *const known[] = {"archived", "open", "deleted", "spam"};
    struct sim_conversation *conversation = sim_call_conversation(c);
    if (!conversation)
        return;
    struct sim_fields f;
    sim_fields_open(&f, c);
    const char *status = sim_take_choice(&f, "status", known, ARRAY_LEN(known), SIM_OPTIONAL);
    if (!sim_fields_close(&f, c))
        return;
    const char *before = conversation->status;
    if (status)
        conversation->status = status;
    c->status = 204;
    sim_changed(c->sim, conversation);
    sim_emit_status(c->sim, conversation, before, sim_part_plain("api"));
}

static void me(struct sim_call *c)
{
    c->status = 200;
    sim_shape_me(&c->j, &c->sim->account);
}

#define ROUTE(m, p, called, who, needs, takes, fn)                                                           \
    {                                                                                                        \
        .method = (m), .pattern = (p), .name = (called), .allowed = (who), .scope = (needs),                 \
        .body = (takes), .handler = (fn)                                                                     \
    }
const struct sim_route sim_routes[] = {
    ROUTE("POST", "channels/+/incoming_messages", "incoming_messages", SIM_FOR_COMPANY, "messages:write",
          SIM_BODY_FILES, incoming),
    ROUTE("POST", "channels/+/inbound_messages", "inbound_messages", SIM_FOR_CHANNEL, NULL, SIM_BODY_FILES,
          inbound),
    ROUTE("PUT", "channels/+/conversations/+/messages/+/status", "message_status", SIM_FOR_BOTH,
          "messages:write", SIM_BODY_JSON, message_status),
    ROUTE("POST", "channels/+/outbound_messages", "outbound_messages", SIM_FOR_CHANNEL, NULL, SIM_BODY_FILES,
          sim_call_outbound),
    ROUTE("POST", "inboxes/+/imported_messages", "imported_messages", SIM_FOR_COMPANY, "messages:write",
          SIM_BODY_FILES, sim_call_import),
    ROUTE("GET", "channels", "channels", SIM_FOR_COMPANY, "channels:read", SIM_BODY_NONE, sim_call_channels),
    ROUTE("GET", "channels/+", "channel", SIM_FOR_BOTH, "channels:read", SIM_BODY_NONE, sim_call_channel),
    ROUTE("PATCH", "channels/+", "channel_patch", SIM_FOR_BOTH, "channels:write", SIM_BODY_JSON,
          sim_call_channel_patch),
    ROUTE("POST", "channels/+/validate", "channel_validate", SIM_FOR_COMPANY, "channels:write", SIM_BODY_NONE,
          sim_call_channel_validate),
    ROUTE("GET", "inboxes", "inboxes", SIM_FOR_COMPANY, "inboxes:read", SIM_BODY_NONE, sim_call_inboxes),
    ROUTE("GET", "inboxes/+", "inbox", SIM_FOR_COMPANY, "inboxes:read", SIM_BODY_NONE, sim_call_inbox),
    ROUTE("GET", "inboxes/+/channels", "inbox_channels", SIM_FOR_COMPANY, "channels:read", SIM_BODY_NONE,
          sim_call_inbox_channels),
    ROUTE("POST", "inboxes/+/channels", "channel_create", SIM_FOR_COMPANY, "channels:write", SIM_BODY_JSON,
          sim_call_channel_create),
    ROUTE("POST", "messages/+/seen", "seen", SIM_FOR_BOTH, "messages:write", SIM_BODY_OPTIONAL, sim_call_see),
    ROUTE("GET", "messages/+/seen", "seen_receipts", SIM_FOR_BOTH, "messages:read", SIM_BODY_NONE,
          sim_call_seen),
    ROUTE("GET", "messages/+", "message", SIM_FOR_BOTH, "messages:read", SIM_BODY_NONE, message_get),
    ROUTE("GET", "messages/+/download/+", "message_download", SIM_FOR_BOTH, "attachments:read", SIM_BODY_NONE,
          sim_call_message_download),
    ROUTE("GET", "download/+", "download", SIM_FOR_COMPANY, "attachments:read", SIM_BODY_NONE,
          sim_call_download),
    ROUTE("GET", "conversations/+", "conversation", SIM_FOR_BOTH, "conversations:read", SIM_BODY_NONE,
          conversation_get),
    ROUTE("GET", "conversations/+/messages", "conversation_messages", SIM_FOR_BOTH, "messages:read",
          SIM_BODY_NONE, conversation_messages),
    ROUTE("POST", "conversations/+/comments", "comments", SIM_FOR_BOTH, "comments:write", SIM_BODY_JSON,
          conversation_comment),
    ROUTE("GET", "conversations/+/comments", "conversation_comments", SIM_FOR_COMPANY, "comments:read",
          SIM_BODY_NONE, conversation_comments),
    ROUTE("PATCH", "conversations/+", "conversation_patch", SIM_FOR_BOTH, "conversations:write",
          SIM_BODY_JSON, conversation_patch),
    ROUTE("GET", "events", "events", SIM_FOR_COMPANY, "events:*:read", SIM_BODY_NONE, sim_call_events),
    ROUTE("GET", "events/+", "event", SIM_FOR_COMPANY, "events:*:read", SIM_BODY_NONE, sim_call_event),
    ROUTE("GET", "conversations/+/inboxes", "conversation_inboxes", SIM_FOR_COMPANY, "inboxes:read",
          SIM_BODY_NONE, sim_call_conversation_inboxes),
    ROUTE("GET", "conversations/+/events", "conversation_events", SIM_FOR_COMPANY, "events:*:read",
          SIM_BODY_NONE, sim_call_events),
    ROUTE("GET", "me", "me", SIM_FOR_BOTH, NULL, SIM_BODY_NONE, me),
};
const size_t sim_route_n = ARRAY_LEN(sim_routes);
