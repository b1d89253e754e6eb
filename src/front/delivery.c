/*
 * Writes a delivery in the wire form: once at acceptance, without what an attempt adds, and then by splicing
 * the head of each attempt before the stored part, which is not parsed again.
 */
#include "front/callback.h"
#include "base/mem.h"
#include "text/html.h"
#include <string.h>

/* Every string of a delivery in turn passes through one scratch buffer, which no callback body can outgrow.
 */
struct writer {
    struct jout j;
    struct buf scratch;
};

static void put(struct writer *w, const char *key, struct jval v)
{
    buf_clear(&w->scratch);
    jout_kv_span(&w->j, key, json_span(v, &w->scratch));
}

static void put_front(struct writer *w, const struct callback *c)
{
    jout_key(&w->j, "front");
    jout_object(&w->j);
    jout_kv_str(&w->j, "message_id", c->message_id);
    jout_kv_str(&w->j, "conversation_id", c->conversation_id);
    jout_kv_str(&w->j, "event_id", c->what.id);
    jout_object_end(&w->j);
}

static void put_recipient(struct writer *w, const struct callback_recipient *to)
{
    jout_key(&w->j, "recipient");
    jout_object(&w->j);
    jout_kv_str(&w->j, "handle", to->handle);
    jout_kv_str(&w->j, "name", to->name);
    jout_object_end(&w->j);
}

static void add_word(struct buf *name, struct jval v)
{
    struct buf scratch;

    buf_init(&scratch, name->max_bytes);
    struct span word = json_span(v, &scratch);
    if (word.n > 0 && name->n > 0)
        buf_add_char(name, ' ');
    buf_add_span(name, word);
    buf_fini(&scratch);
}

/* The author's name is what Front shows of a teammate; null for API, rule and app senders, which have none.
 */
static void put_author(struct writer *w, struct jval author)
{
    struct buf name;

    buf_init(&name, CALLBACK_HANDLE_MAX);
    add_word(&name, json_get(author, "first_name"));
    add_word(&name, json_get(author, "last_name"));
    if (name.n == 0)
        add_word(&name, json_get(author, "username"));
    jout_key(&w->j, "author");
    if (name.n == 0 && !json_has(json_get(author, "email"))) {
        jout_null(&w->j);
    } else {
        jout_object(&w->j);
        jout_kv_span(&w->j, "name", name.n > 0 ? buf_span(&name) : SPAN_NONE);
        put(w, "email", json_get(author, "email"));
        jout_object_end(&w->j);
    }
    buf_fini(&name);
}

static void put_text(struct writer *w, struct jval message)
{
    struct jval body = json_get(message, "body");
    struct buf text;

    if (json_has(json_get(message, "text"))) {
        put(w, "text", json_get(message, "text"));
        return;
    }
    buf_clear(&w->scratch);
    buf_init(&text, w->scratch.max_bytes);
    if (json_has(body))
        html_to_text(json_span(body, &w->scratch), &text);
    jout_kv_span(&w->j, "text", buf_span(&text));
    buf_fini(&text);
}

static void put_attachments(struct writer *w, struct jval attachments)
{
    int64_t size;

    jout_key(&w->j, "attachments");
    jout_array(&w->j);
    for (struct jval a = json_first(attachments); a.doc; a = json_next(a)) {
        jout_object(&w->j);
        put(w, "filename", json_get(a, "filename"));
        put(w, "content_type", json_get(a, "content_type"));
        jout_key(&w->j, "size");
        if (json_i64(json_get(a, "size"), &size) == OK)
            jout_i64(&w->j, size);
        else
            jout_null(&w->j);
        jout_kv_str(&w->j, "url", NULL);
        jout_object_end(&w->j);
    }
    jout_array_end(&w->j);
}

static wall_ms_t created_at(struct jval message, wall_ms_t now)
{
    int64_t at;

    return json_millis(json_get(message, "created_at"), &at) == OK && at > 0 ? at : now;
}

void callback_delivery(const struct callback *c, unsigned recipient, wall_ms_t now, struct buf *out)
{
    struct writer w;

    must(recipient < c->to_n);
    jout_init(&w.j, out);
    buf_init(&w.scratch, c->doc.text.n + 64);
    buf_reserve(out, c->doc.text.n);
    jout_object(&w.j);
    put_recipient(&w, &c->to[recipient]); /* first: see splice */
    put_front(&w, c);
    put_author(&w, json_get(c->message, "author"));
    put(&w, "subject", json_get(c->message, "subject"));
    put_text(&w, c->message);
    put(&w, "html", json_get(c->message, "body"));
    put_attachments(&w, json_get(c->message, "attachments"));
    jout_kv_seconds(&w.j, "created_at", created_at(c->message, now));
    jout_object_end(&w.j);
    buf_fini(&w.scratch);
}

#define STORED_HANDLE "{\"recipient\":{\"handle\":\""

/* The length of the stored part up to behind the recipient's handle, if that is a phone number; 0: it is not. */
static size_t past_number(struct span stored)
{
    size_t n = sizeof STORED_HANDLE - 1;

    if (!span_starts(stored, STORED_HANDLE))
        return 0;
    while (n < stored.n && ((stored.p[n] >= '0' && stored.p[n] <= '9') || stored.p[n] == '+'))
        n++;
    return n < stored.n && stored.p[n] == '"' ? n + 1 : 0;
}

/* The head's object is left open: the members of the stored one follow, the recipient in the backend's spelling. */
static void splice(struct jout *j, struct span handle, struct span stored, struct buf *out)
{
    must(stored.n >= 2 && stored.p[0] == '{');
    size_t n = handle.p ? past_number(stored) : 0;
    if (n > 0) {
        jout_key(j, "recipient");
        jout_object(j);
        jout_kv_span(j, "handle", handle);
        buf_add(out, stored.p + n, stored.n - n);
        return;
    }
    if (stored.p[1] != '}')
        buf_add_char(out, ',');
    buf_add(out, stored.p + 1, stored.n - 1);
}

bool delivery_is_same(struct span a, struct span b)
{
    static const char *const says[] = {"subject", "text", "html", "attachments"};
    struct json before, now;
    bool is_same = json_parse(&before, a) == OK;

    is_same = json_parse(&now, b) == OK && is_same;
    for (size_t i = 0; i < ARRAY_LEN(says) && is_same; i++) {
        struct jval was = json_get(json_root(&before), says[i]), is = json_get(json_root(&now), says[i]);
        is_same = (was.doc != NULL) == (is.doc != NULL) && span_eq(json_raw(was), json_raw(is));
    }
    json_fini(&before);
    json_fini(&now);
    return is_same;
}

void delivery_complete(const struct delivery_head *h, struct span stored, struct buf *out)
{
    struct jout j;

    jout_init(&j, out);
    jout_object(&j);
    jout_kv_str(&j, "type", "message");
    jout_kv_str(&j, "id", h->id);
    jout_kv_i64(&j, "attempt", h->attempt);
    jout_kv_str(&j, "channel", h->channel);
    jout_kv_span(&j, "conversation_id", h->conversation_id);
    jout_kv_span(&j, "in_reply_to", h->in_reply_to);
    splice(&j, h->handle, stored, out);
}

void notice_complete(const struct delivery_head *h, struct span stored, struct buf *out)
{
    struct jout j;

    jout_init(&j, out);
    jout_object(&j);
    jout_kv_str(&j, "id", h->id);
    jout_kv_str(&j, "channel", h->channel);
    splice(&j, h->handle, stored, out);
}
