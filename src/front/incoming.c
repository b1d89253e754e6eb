/*
 * Decides what a backend may say and how Front is told it. It knows nothing of calls, retries or threads in
 * the store. Invariant: what incoming_check accepted, the builders can build.
 */
#include "front/incoming.h"
#include "base/mem.h"
#include "front/link.h"
#include "front/thread.h"
#include "text/html.h"
#include "text/markdown.h"
#include <string.h>

enum { HTML_MAX = 8 << 20 };

/* ---- The text ---- */

static void html_from_markdown(struct span text, struct buf *out)
{
    struct buf html;

    buf_init(&html, HTML_MAX);
    markdown_to_html(text, &html);
    html_sanitise(buf_span(&html), out);
    out->is_over |= html.is_over;
    buf_fini(&html);
}

static const struct format {
    const char *key;
    void (*to_html)(struct span text, struct buf *out);
} formats[] = {
    {"text", html_from_text},
    {"markdown", html_from_markdown},
    {"html", html_sanitise},
};

static void make_html(struct jval root, struct buf *html)
{
    struct buf scratch;

    buf_init(&scratch, INCOMING_TEXT_MAX);
    for (const struct format *f = formats; f < formats + ARRAY_LEN(formats); f++)
        if (json_has(json_get(root, f->key)))
            f->to_html(json_span(json_get(root, f->key), &scratch), html);
    buf_fini(&scratch);
}

/* Front wants a body; a message without one gets a placeholder. */
static struct span body_of(const struct buf *html)
{
    struct span s = buf_span(html);

    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\n'))
        s.n--;
    return s.n > 0 ? s : SPAN_LIT("<em>(a message without text)</em>");
}

bool incoming_html(struct jval root, struct buf *html)
{
    struct buf made;

    buf_init(&made, HTML_MAX);
    make_html(root, &made);
    buf_add_span(html, body_of(&made));
    bool is_whole = !made.is_over && !html->is_over;
    buf_fini(&made);
    return is_whole;
}

/* ---- The check ---- */

static const struct field {
    const char *path;
    size_t max_bytes;
    bool is_required, is_text; /* is_text: line breaks and tabs belong in it */
} fields[] = {
    {"sender.handle", INCOMING_HANDLE_MAX, true, false}, {"sender.name", INCOMING_HANDLE_MAX, false, false},
    {"sender.email", INCOMING_HANDLE_MAX, false, false}, {"id", INCOMING_ID_MAX, false, false},
    {"conversation_id", INCOMING_ID_MAX, false, false},  {"in_reply_to", INCOMING_ID_MAX, false, false},
    {"subject", INCOMING_SUBJECT_MAX, false, false},     {"text", INCOMING_TEXT_MAX, false, true},
    {"markdown", INCOMING_MARKDOWN_MAX, false, true},    {"html", INCOMING_TEXT_MAX, false, true},
    {"author_email", INCOMING_HANDLE_MAX, false, false},
};

/* Of each of `to`. */
static const struct field to_fields[] = {
    {"handle", INCOMING_HANDLE_MAX, true, false},
    {"name", INCOMING_HANDLE_MAX, false, false},
    {"email", INCOMING_HANDLE_MAX, false, false},
};

static bool has_control(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return true;
    return false;
}

static enum err check_string(const struct field *f, struct jval v, struct buf *why)
{
    struct buf scratch;
    enum err e = OK;

    if (json_type(v) != JSON_STRING) {
        buf_addf(why, "%s is not a string", f->path);
        return ERR_INVALID;
    }
    buf_init(&scratch, f->max_bytes + 1);
    struct span s = json_span(v, &scratch);
    if (scratch.is_over || s.n > f->max_bytes) {
        buf_addf(why, "%s is longer than %zu bytes", f->path, f->max_bytes);
        e = ERR_LIMIT;
    } else if (f->is_required && s.n == 0) {
        buf_addf(why, "%s is empty", f->path);
        e = ERR_INVALID;
    } else if (!f->is_text && has_control(s)) {
        buf_addf(why, "%s contains control characters", f->path);
        e = ERR_INVALID;
    }
    buf_fini(&scratch);
    return e;
}

static enum err check_fields(struct jval root, const struct field *field, size_t n, struct buf *why)
{
    for (const struct field *f = field; f < field + n; f++) {
        struct jval v = json_path(root, f->path);
        if (!json_has(v) && f->is_required) {
            buf_addf(why, "%s is missing", f->path);
            return ERR_INVALID;
        }
        enum err e = json_has(v) ? check_string(f, v, why) : OK;
        if (e)
            return e;
    }
    return OK;
}

static enum err say(struct buf *why, const char *sentence)
{
    buf_add_str(why, sentence);
    return ERR_INVALID;
}

static enum err check_rest(struct jval root, struct buf *why)
{
    struct jval sent_at = json_get(root, "sent_at");
    unsigned text_n = 0;
    int64_t at;

    for (const struct format *f = formats; f < formats + ARRAY_LEN(formats); f++)
        text_n += json_has(json_get(root, f->key));
    if (text_n > 1)
        return say(why, "Only one of text, markdown and html may be given");
    if (text_n == 0 && json_len(json_get(root, "attachments")) == 0)
        return say(why, "One of text, markdown and html must be given");
    if (json_has(sent_at) && (json_millis(sent_at, &at) != OK || at < 0))
        return say(why, "sent_at is not a time in Unix seconds");
    return OK;
}

bool incoming_is_from_agent(struct jval wire)
{
    return json_is(json_get(wire, "direction"), "outbound");
}

static enum err check_direction(struct jval root, struct buf *why)
{
    struct jval direction = json_get(root, "direction"), to = json_get(root, "to");

    if (!json_has(direction) || json_is(direction, "inbound"))
        return OK;
    if (!incoming_is_from_agent(root))
        return say(why, "direction can only be inbound or outbound");
    if (json_type(to) != JSON_ARRAY || json_len(to) == 0 || json_len(to) > INCOMING_TO_MAX)
        return say(why, "to must name 1 to 50 customers if direction is outbound");
    for (struct jval v = json_first(to); v.doc; v = json_next(v)) {
        enum err e = json_type(v) == JSON_OBJECT ? check_fields(v, to_fields, ARRAY_LEN(to_fields), why)
                                                 : say(why, "to must hold objects with a handle");
        if (e)
            return e;
    }
    return OK;
}

static enum err check(struct jval root, struct buf *why)
{
    if (json_type(root) != JSON_OBJECT)
        return say(why, "The message is not a JSON object");
    if (json_type(json_get(root, "sender")) != JSON_OBJECT)
        return say(why, "sender is missing, or not an object");
    enum err e = check_fields(root, fields, ARRAY_LEN(fields), why);
    if (!e)
        e = check_rest(root, why);
    return e ? e : check_direction(root, why);
}

enum err incoming_check_root(struct jval root, struct buf *why)
{
    return check(root, why);
}

enum err incoming_check(struct span wire, struct buf *why)
{
    struct json doc;
    enum err e = json_parse(&doc, wire);

    if (e)
        buf_addf(why, "The message is not JSON: %s at byte %zu", doc.error, doc.error_at);
    else
        e = check(json_root(&doc), why);
    json_fini(&doc);
    return e;
}

/* ---- The bodies of calls ---- */

struct writer {
    struct jout j;
    struct jval root;
};

static void put_value(struct writer *w, const char *key, struct jval v)
{
    struct buf scratch;

    if (!json_has(v))
        return;
    buf_init(&scratch, INCOMING_TEXT_MAX);
    jout_kv_span(&w->j, key, json_span(v, &scratch));
    buf_fini(&scratch);
}

static void put(struct writer *w, const char *key, const char *path)
{
    put_value(w, key, json_path(w->root, path));
}

static void put_known(struct writer *w, const char *key, const char *value)
{
    if (value)
        jout_kv_str(&w->j, key, value);
}

/* ---- Who: the part of a body that comes first ---- */

static void put_sender(struct writer *w, bool has_email)
{
    jout_key(&w->j, "sender");
    jout_object(&w->j);
    put(w, "handle", "sender.handle");
    put(w, "name", "sender.name");
    if (has_email)
        put(w, "email", "sender.email");
    jout_object_end(&w->j);
}

static void who_custom(struct writer *w, const struct incoming *in)
{
    (void)in;
    put_sender(w, false);
}

static void who_application(struct writer *w, const struct incoming *in)
{
    (void)in;
    put_sender(w, true);
}

static void who_agent_application(struct writer *w, const struct incoming *in)
{
    (void)in;
    put(w, "sender_name", "sender.name");
    jout_key(&w->j, "to");
    jout_array(&w->j);
    for (struct jval v = json_first(json_get(w->root, "to")); v.doc; v = json_next(v)) {
        jout_object(&w->j);
        put_value(w, "handle", json_get(v, "handle"));
        put_value(w, "name", json_get(v, "name"));
        put_value(w, "email", json_get(v, "email"));
        jout_object_end(&w->j);
    }
    jout_array_end(&w->j);
}

static void who_agent_custom(struct writer *w, const struct incoming *in)
{
    jout_key(&w->j, "sender");
    jout_object(&w->j);
    put_known(w, "author_id", in->author_id);
    if (in->address)
        jout_kv_str(&w->j, "handle", in->address);
    else
        put(w, "handle", "sender.handle");
    put(w, "name", "sender.name");
    jout_object_end(&w->j);
    jout_key(&w->j, "to");
    jout_array(&w->j);
    for (struct jval v = json_first(json_get(w->root, "to")); v.doc; v = json_next(v)) {
        struct buf scratch;
        buf_init(&scratch, INCOMING_HANDLE_MAX);
        jout_span(&w->j, json_span(json_get(v, "handle"), &scratch));
        buf_fini(&scratch);
    }
    jout_array_end(&w->j);
}

/* ---- The rest: what goes behind the body ---- */

static void put_ref(struct writer *w, const char *key, const char *path)
{
    struct buf scratch, ref;

    buf_init(&scratch, INCOMING_ID_MAX);
    buf_init(&ref, FRONT_REF_MAX);
    struct span id = json_span(json_path(w->root, path), &scratch);
    if (id.n > 0) {
        front_ref(id, &ref);
        jout_kv_span(&w->j, key, buf_span(&ref));
    }
    buf_fini(&scratch);
    buf_fini(&ref);
}

static void put_custom(struct writer *w, const struct incoming *in)
{
    jout_kv_str(&w->j, "body_format", "html");
    jout_key(&w->j, "metadata");
    jout_object(&w->j);
    jout_kv_str(&w->j, "thread_ref", in->thread_ref);
    jout_key(&w->j, "headers");
    jout_object(&w->j);
    jout_kv_str(&w->j, "front_bridge_id", in->id);
    put_ref(w, "external_id", "id");
    put_ref(w, "external_conversation_id", "conversation_id");
    jout_object_end(&w->j);
    jout_object_end(&w->j);
}

static void put_ids(struct writer *w, const struct incoming *in)
{
    int64_t at;

    jout_key(&w->j, "metadata");
    jout_object(&w->j);
    jout_kv_str(&w->j, "external_id", in->id);
    jout_kv_str(&w->j, "external_conversation_id", in->thread_ref);
    jout_object_end(&w->j);
    if (json_millis(json_get(w->root, "sent_at"), &at) == OK && at > 0)
        jout_kv_i64(&w->j, "delivered_at", at / 1000);
}

static void put_agent_application(struct writer *w, const struct incoming *in)
{
    put_known(w, "author_id", in->author_id);
    put_ids(w, in);
}

static void put_agent_custom(struct writer *w, const struct incoming *in)
{
    int64_t at;

    if (json_millis(json_get(w->root, "sent_at"), &at) != OK || at <= 0)
        at = in->created_at;
    jout_kv_str(&w->j, "external_id", in->id);
    jout_kv_i64(&w->j, "created_at", at / 1000);
    jout_kv_str(&w->j, "type", "custom");
    put_known(w, "conversation_id", in->conversation);
    jout_key(&w->j, "metadata");
    jout_object(&w->j);
    jout_kv_str(&w->j, "thread_ref", in->thread_ref);
    jout_kv_bool(&w->j, "is_inbound", false);
    jout_kv_bool(&w->j, "is_archived", false); /* it is news, not history */
    jout_object_end(&w->j);
}

typedef void part_fn(struct writer *w, const struct incoming *in);

static enum err write_body(struct jval root, const struct incoming *in, part_fn *who, part_fn *rest,
                           struct buf *out)
{
    struct writer w = {.root = root};
    struct buf html;

    buf_init(&html, HTML_MAX);
    make_html(root, &html);
    jout_init(&w.j, out);
    jout_object(&w.j);
    who(&w, in);
    put(&w, "subject", "subject");
    jout_kv_span(&w.j, "body", body_of(&html));
    rest(&w, in);
    jout_object_end(&w.j);
    enum err e = html.is_over ? ERR_LIMIT : OK;
    buf_fini(&html);
    return e;
}

static enum err build(const struct incoming *in, part_fn *who, part_fn *rest, struct buf *out,
                      struct buf *why)
{
    struct json doc;
    enum err e = json_parse(&doc, in->wire);

    if (!e)
        e = check(json_root(&doc), why);
    else
        buf_add_str(why, "The stored message is not JSON");
    if (!e)
        e = write_body(json_root(&doc), in, who, rest, out);
    json_fini(&doc);
    return e;
}

enum err incoming_custom(const struct incoming *in, struct buf *out, struct buf *why)
{
    return build(in, who_custom, put_custom, out, why);
}

enum err incoming_application(const struct incoming *in, struct buf *out, struct buf *why)
{
    return build(in, who_application, put_ids, out, why);
}

enum err incoming_agent_application(const struct incoming *in, struct buf *out, struct buf *why)
{
    return build(in, who_agent_application, put_agent_application, out, why);
}

enum err incoming_agent_custom(const struct incoming *in, struct buf *out, struct buf *why)
{
    return build(in, who_agent_custom, put_agent_custom, out, why);
}

/* ---- Front's replies ---- */

static bool is_name(struct span s)
{
    return s.n > 0 && s.n <= FRONT_ID_MAX && !has_control(s);
}

enum err incoming_uid(const struct json *json, struct buf *uid)
{
    struct buf scratch;

    if (!json)
        return ERR_INVALID;
    buf_init(&scratch, FRONT_ID_MAX + 1);
    struct span s = json_span(json_get(json_root(json), "message_uid"), &scratch);
    enum err e = is_name(s) ? OK : ERR_INVALID;
    if (!e)
        buf_add_span(uid, s);
    buf_fini(&scratch);
    return e;
}

enum err incoming_conversation(const struct json *json, struct buf *id)
{
    struct buf scratch;

    if (!json)
        return ERR_INVALID;
    buf_init(&scratch, 4096);
    struct jval link = json_path(json_root(json), "_links.related.conversation");
    struct span s = front_id_of_link(json_span(link, &scratch));
    enum err e = s.p ? OK : ERR_INVALID;
    if (!e)
        buf_add_span(id, s);
    buf_fini(&scratch);
    return e;
}
