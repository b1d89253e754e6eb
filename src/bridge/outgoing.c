/* Makes items of a message. Refuses to know who waits for them. */
#include "bridge/outgoing.h"
#include "base/mem.h"
#include "bridge/fetch.h"
#include "front/attachment.h"
#include "front/phone.h"
#include "front/thread.h"
#include <stdio.h>
#include <stdlib.h>

enum { STORED_BODY_MAX = 12 << 20 };

/* What Front is told as the conversation if neither Front nor the map has a name for it. */
static char *conversation_of(const struct callback *c)
{
    return delivery_external_id(c->conversation_id ? c->conversation_id : c->message_id);
}

/* Front takes no longer ones, so it names none. */
static void read_names(struct outgoing *o)
{
    const struct callback *c = o->callback;

    for (unsigned i = 0; i < c->external_conversation_n; i++)
        o->named[i] = span_of(c->external_conversation[i]);
}

/* Front says it twice, by its own id and by the uid, which a custom channel may have filled with another id. */
static char *reply_to_of(const struct callback *c)
{
    char *text;

    if (!c->in_reply_to || !c->replied_to)
        return span_strdup(span_of(c->in_reply_to ? c->in_reply_to : c->replied_to));
    must(asprintf(&text, "%s\n%s", c->in_reply_to, c->replied_to) >= 0);
    return text;
}

struct outgoing_files {
    struct attachments list;
    struct store_file_put put[ATTACHMENTS_MAX];
};

static void read_files(struct outgoing *o, const struct channel *ch)
{
    if (!channel_takes_files(ch) || json_len(json_get(o->callback->message, "attachments")) == 0)
        return;
    struct outgoing_files *f = o->files = mem_zalloc(sizeof *f);
    attachments_read(o->callback->message, ch->bridge->config->attachments_bytes, &f->list);
    for (unsigned i = 0; i < f->list.n; i++) {
        const struct attachment *a = &f->list.item[i];
        f->put[i] = (struct store_file_put){.filename = span_of(a->filename),
                                            .content_type = span_of(a->content_type),
                                            .cid = span_of(a->cid),
                                            .origin = span_of(a->id),
                                            .bytes = a->bytes,
                                            .reason = a->id ? SPAN_NONE : span_of(a->reason)};
    }
}

static void fill_item(struct outgoing *o, unsigned i, wall_ms_t now)
{
    const struct callback *c = o->callback;
    struct outgoing_text *t = &o->text[i];

    buf_init(&t->body, STORED_BODY_MAX);
    buf_init(&t->lane, 2 * (CALLBACK_HANDLE_MAX + CALLBACK_ID_MAX));
    callback_delivery(c, i, now, &t->body);
    o->is_too_large |= t->body.is_over;
    lane_write(c->conversation_id, c->to[i].handle, &t->lane);
    o->item[i] = (struct store_item){
        .recipient = span_of(c->to[i].handle), .lane = buf_span(&t->lane), .body = buf_span(&t->body)};
    if (o->files) {
        o->item[i].file = o->files->put;
        o->item[i].file_n = o->files->list.n;
    }
}

char *delivery_external_id(const char *message_id)
{
    struct buf name, ref;

    buf_init(&name, CALLBACK_ID_MAX + 4);
    buf_init(&ref, FRONT_REF_MAX + 1);
    buf_addf(&name, "fb-%s", message_id);
    front_ref(buf_span(&name), &ref);
    buf_fini(&name);
    return buf_take(&ref, NULL);
}

void outgoing_phone(char **handle)
{
    struct buf number;

    buf_init(&number, CALLBACK_HANDLE_MAX);
    char *spelt = span_strdup(phone_spelling(true, span_of(*handle), &number));
    free(*handle);
    *handle = spelt;
    buf_fini(&number);
}

void lane_write(const char *conversation, const char *handle, struct buf *out)
{
    buf_add_str(out, conversation ? conversation : "");
    buf_add_char(out, '|');
    buf_add_str(out, handle);
}

char *outgoing_own_id(const struct store *s, const struct callback *message)
{
    static const char *const paths[] = {"metadata.external_id", "metadata.headers.front_bridge_id"};

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        char *own = json_dup(json_path(message->message, paths[i]), STORE_ID_BYTES);
        int64_t id;
        if (own && store_id_parse(s, span_of(own), &id) == OK)
            return own;
        free(own);
    }
    return NULL;
}

void outgoing_init(struct outgoing *o, struct channel *ch, struct callback **c, wall_ms_t now,
                   wall_ms_t made_at)
{
    *o = (struct outgoing){.callback = *c, .item_n = (*c)->to_n};
    *c = NULL;
    o->external_id = delivery_external_id(o->callback->message_id);
    o->conversation = conversation_of(o->callback);
    o->reply_to = reply_to_of(o->callback);
    read_names(o);
    for (unsigned i = 0; ch->config->handles == HANDLES_PHONE && i < o->item_n; i++)
        outgoing_phone(&o->callback->to[i].handle);
    o->item = mem_calloc(o->item_n, sizeof *o->item);
    o->text = mem_calloc(o->item_n, sizeof *o->text);
    read_files(o, ch);
    for (unsigned i = 0; i < o->item_n; i++)
        fill_item(o, i, now);
    o->put = (struct store_put){
        .direction = MESSAGE_OUT,
        .channel = ch->config->name,
        .source_id = span_of(o->callback->message_id),
        .conversation = span_of(o->callback->conversation_id),
        .thread_ref = span_of(o->conversation),
        .event_id = span_of(o->callback->what.id),
        .named = o->named,
        .named_n = o->callback->external_conversation_n,
        .reply_to = span_of(o->reply_to),
        .now = now,
        .created_at = made_at,
        .expires_at = first_expiry(ch->config, made_at),
        .quota_bytes = ch->bridge->config->channel_quota_bytes,
        .is_same = delivery_is_same,
        .item = o->item,
        .item_n = o->item_n,
    };
}

void outgoing_stored(struct outgoing *o, struct channel *ch)
{
    if (o->put.told) {
        free(o->conversation);
        o->conversation = o->put.told;
        o->put.told = NULL;
    }
    if (o->files)
        fetcher_soon(ch->fetch[WAY_OUT]);
}

void outgoing_fini(struct outgoing *o)
{
    if (o->files)
        attachments_fini(&o->files->list);
    free(o->files);
    store_put_fini(&o->put);
    for (unsigned i = 0; i < o->item_n; i++) {
        buf_fini(&o->text[i].body);
        buf_fini(&o->text[i].lane);
    }
    if (o->callback)
        callback_fini(o->callback);
    free(o->callback);
    free(o->item);
    free(o->text);
    free(o->external_id);
    free(o->reply_to);
    free(o->conversation);
    *o = (struct outgoing){0};
}
