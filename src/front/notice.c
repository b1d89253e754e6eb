/* Passes Front's own data on as it is; says null where there is none. */
#include "front/notice.h"
#include "front/callback.h"

static void put_front(struct jout *j, const struct notice *n)
{
    jout_key(j, "front");
    jout_object(j);
    jout_kv_str(j, "message_id", n->message_id);
    jout_kv_str(j, "conversation_id", n->event->conversation.id);
    jout_kv_str(j, "event_id", n->event->id);
    jout_object_end(j);
}

static void put_data(struct jout *j, const char *key, struct jval data)
{
    jout_key(j, key);
    if (json_has(data))
        jout_raw(j, json_raw(data));
    else
        jout_null(j);
}

static void put_part(struct jout *j, const char *key, const struct event_part *p)
{
    jout_key(j, key);
    if (p->form == EVENT_ABSENT) {
        jout_null(j);
        return;
    }
    jout_object(j);
    jout_kv_str(j, "type", p->type);
    jout_kv_str(j, "id", p->id);
    put_data(j, "data", p->data);
    jout_object_end(j);
}

static void put_conversation(struct jout *j, const struct event_part *p)
{
    if (p->form == EVENT_FULL) {
        put_data(j, "conversation", p->data);
        return;
    }
    jout_key(j, "conversation");
    if (!p->id) {
        jout_null(j);
        return;
    }
    jout_object(j);
    jout_kv_str(j, "id", p->id);
    jout_object_end(j);
}

static void put_recipient(struct jout *j, const struct notice *n)
{
    if (!n->handle.p)
        return;
    jout_key(j, "recipient");
    jout_object(j);
    jout_kv_span(j, "handle", n->handle);
    jout_kv_span(j, "name", n->name);
    jout_object_end(j);
}

void notice_write(const struct notice *n, struct buf *out)
{
    struct jout j;

    jout_init(&j, out);
    jout_object(&j);
    put_recipient(&j, n); /* first: see notice_complete */
    jout_kv_str(&j, "type", n->event->type_name);
    put_front(&j, n);
    jout_kv_seconds(&j, "emitted_at", n->event->emitted_at);
    put_part(&j, "source", &n->event->source);
    put_part(&j, "target", &n->event->target);
    put_conversation(&j, &n->event->conversation);
    if (n->reason.p)
        jout_kv_span(&j, "reason", n->reason);
    jout_object_end(&j);
}

void notice_read_failure(const struct front_event *e, struct buf *handle, struct buf *reason)
{
    if (e->source.kind == EVENT_OF_RECIPIENT && json_str(json_get(e->source.data, "handle"), handle) != OK)
        buf_clear(handle);
    if (e->target.kind == EVENT_OF_MESSAGE && json_str(json_get(e->target.data, "error_type"), reason) != OK)
        buf_clear(reason);
}
