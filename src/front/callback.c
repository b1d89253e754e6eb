/*
 * Tells what Front sent by the keys a body has, through one table, and reads the ids that everyone else works
 * with. It refuses what the bridge could not act on, and nothing else: fields that we do not use may hold
 * anything. Invariant: at most one row of the table fits a body.
 */
#include "front/callback.h"
#include "base/mem.h"
#include "front/message.h"
#include <stdlib.h>

enum {
    HAS_CONTENT = 1u << 0,       /* recipients or body */
    HAS_EVENT_ID = 1u << 1,      /* id begins evt_ */
    HAS_PAYLOAD = 1u << 2,       /* payload is an object */
    HAS_PAYLOAD_EVENT = 1u << 3, /* payload.id begins evt_ */
    HAS_AUTHORIZATION = 1u << 4, /* authorization is an object */
};

typedef enum err read_fn(struct callback *c, struct jval root, struct buf *why);
static read_fn read_message, read_event, read_envelope, read_webhook, read_nothing;

/* clang-format off */
static const struct shape {
    enum callback_shape shape;
    const char *name, *type; /* type NULL: any */
    unsigned needs, lacks;
    read_fn *read;
} shapes[] = {
    {CALLBACK_MESSAGE, "message", NULL, HAS_CONTENT, HAS_PAYLOAD | HAS_EVENT_ID, read_message},
    {CALLBACK_EVENT, "event", NULL, HAS_EVENT_ID, HAS_PAYLOAD | HAS_CONTENT, read_event},
    {CALLBACK_WEBHOOK, "webhook", NULL, HAS_AUTHORIZATION | HAS_PAYLOAD | HAS_PAYLOAD_EVENT,
     HAS_CONTENT | HAS_EVENT_ID, read_webhook},
    {CALLBACK_SYNC, "sync", "sync", 0, HAS_CONTENT | HAS_EVENT_ID | HAS_PAYLOAD_EVENT, read_nothing},
    {CALLBACK_APP_MESSAGE, "app_message", "message", HAS_PAYLOAD,
     HAS_CONTENT | HAS_EVENT_ID | HAS_PAYLOAD_EVENT, read_envelope},
    {CALLBACK_APP_AUTO_REPLY, "app_auto_reply", "message_autoreply", HAS_PAYLOAD,
     HAS_CONTENT | HAS_EVENT_ID | HAS_PAYLOAD_EVENT, read_envelope},
    {CALLBACK_APP_IMPORTED, "app_imported", "message_imported", HAS_PAYLOAD,
     HAS_CONTENT | HAS_EVENT_ID | HAS_PAYLOAD_EVENT, read_nothing},
    {CALLBACK_APP_AUTHORIZATION, "app_authorization", "authorization", 0,
     HAS_CONTENT | HAS_EVENT_ID | HAS_PAYLOAD_EVENT, read_nothing},
    {CALLBACK_APP_ADDRESSES, "app_addresses", "list_addresses", 0,
     HAS_CONTENT | HAS_EVENT_ID | HAS_PAYLOAD_EVENT, read_nothing},
    {CALLBACK_APP_DELETE, "app_delete", "delete", 0,
     HAS_CONTENT | HAS_EVENT_ID | HAS_PAYLOAD_EVENT, read_nothing},
};
/* clang-format on */

const char *callback_shape_name(enum callback_shape s)
{
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
        if (shapes[i].shape == s)
            return shapes[i].name;
    return "none";
}

static bool is_event_id(struct jval id)
{
    return json_type(id) == JSON_STRING && span_starts(json_raw(id), "\"evt_");
}

static unsigned features(struct jval root)
{
    struct jval payload = json_get(root, "payload");
    unsigned f = 0;

    if (json_type(json_get(root, "recipients")) || json_type(json_get(root, "body")))
        f |= HAS_CONTENT;
    if (is_event_id(json_get(root, "id")))
        f |= HAS_EVENT_ID;
    if (json_type(payload) == JSON_OBJECT)
        f |= HAS_PAYLOAD;
    if (is_event_id(json_get(payload, "id")))
        f |= HAS_PAYLOAD_EVENT;
    if (json_type(json_get(root, "authorization")) == JSON_OBJECT)
        f |= HAS_AUTHORIZATION;
    return f;
}

static const struct shape *recognise(struct jval root)
{
    struct jval type = json_get(root, "type");
    unsigned f = features(root);

    for (const struct shape *s = shapes; s < shapes + ARRAY_LEN(shapes); s++)
        if ((f & s->needs) == s->needs && (f & s->lacks) == 0 && (!s->type || json_is(type, s->type)))
            return s;
    return NULL;
}

static enum err read_nothing(struct callback *c, struct jval root, struct buf *why)
{
    (void)c;
    (void)root;
    (void)why;
    return OK;
}

static enum err read_message(struct callback *c, struct jval root, struct buf *why)
{
    return message_read(c, root, why);
}

static enum err read_envelope(struct callback *c, struct jval root, struct buf *why)
{
    enum err e = message_read(c, json_get(root, "payload"), why);

    return e ? e : message_read_conversations(c, json_get(root, "metadata"), why);
}

static enum err read_event(struct callback *c, struct jval event, struct buf *why)
{
    c->event = event;
    enum err e = front_event_read(&c->what, event, why);
    c->foreign_link_n += c->what.foreign_link_n;
    return e;
}

static enum err read_webhook(struct callback *c, struct jval root, struct buf *why)
{
    return read_event(c, json_get(root, "payload"), why);
}

static enum err parse(struct callback *c, struct span body, struct buf *why)
{
    if (body.n == 0) {
        buf_add_str(why, "The request has no body.");
        return ERR_INVALID;
    }
    enum err e = json_parse(&c->doc, body);
    if (e == ERR_LIMIT)
        buf_addf(why, "The body goes beyond a limit: %s at byte %zu.", c->doc.error, c->doc.error_at);
    else if (e)
        buf_addf(why, "The body is not JSON: %s at byte %zu.", c->doc.error, c->doc.error_at);
    else if (json_type(json_root(&c->doc)) != JSON_OBJECT) {
        buf_add_str(why, "The body is JSON, but not an object at the top.");
        return ERR_INVALID;
    }
    return e;
}

enum err callback_decode(struct callback *c, struct span body, struct buf *why)
{
    *c = (struct callback){0};
    enum err e = parse(c, body, why);
    if (e)
        return e;
    struct jval root = json_root(&c->doc);
    const struct shape *s = recognise(root);
    if (!s) {
        buf_add_str(
            why,
            "The body is JSON, but nothing that Front sends to a channel: no message, no event, no known "
            "envelope.");
        return ERR_INVALID;
    }
    c->shape = s->shape;
    return s->read(c, root, why);
}

enum err callback_of_message(struct callback *c, struct span message, struct span event_id, struct buf *why)
{
    *c = (struct callback){.shape = CALLBACK_EVENT};
    enum err e = parse(c, message, why);
    if (e)
        return e;
    c->what.id = span_strdup(event_id);
    return message_read(c, json_root(&c->doc), why);
}

void callback_fini(struct callback *c)
{
    for (unsigned i = 0; i < c->to_n; i++) {
        free(c->to[i].handle);
        free(c->to[i].name);
    }
    for (unsigned i = 0; i < c->external_conversation_n; i++)
        free(c->external_conversation[i]);
    free(c->message_id);
    front_event_fini(&c->what);
    free(c->conversation_id);
    free(c->from_handle);
    free(c->in_reply_to);
    free(c->replied_to);
    json_fini(&c->doc);
    *c = (struct callback){0};
}
