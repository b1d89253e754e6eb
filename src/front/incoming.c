/*
 * Decides what a backend may say and how Front is told it. It knows nothing of calls, retries or threads in
 * the store. Invariant: what incoming_check accepted, the builders can build.
 */
#include "front/incoming.h"
#include "base/mem.h"
#include "front/enclosure.h"
#include "front/link.h"
#include "front/phone.h"
#include "front/posting.h"
#include "front/sign.h"

enum { HTML_MAX = 9 << 20 };

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
    unsigned text_n = posting_text_n(root);
    int64_t at;

    if (text_n > 1)
        return say(why, "Only one of text, markdown and html may be given");
    if (text_n == 0 && sign_takes_text(root) && json_len(json_get(root, "attachments")) == 0)
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
    if (!e)
        e = sign_check(root, why);
    if (!e)
        e = enclosures_check(json_get(root, "attachments"), true, why);
    return e ? e : check_direction(root, why);
}

static enum err check_phone(struct jval handle, const char *what, struct buf *why)
{
    struct buf scratch, number;

    buf_init(&scratch, INCOMING_HANDLE_MAX);
    buf_init(&number, INCOMING_HANDLE_MAX);
    enum err e = phone_write(json_span(handle, &scratch), &number);
    if (e)
        buf_addf(why, "%s %s", what, PHONE_REFUSAL);
    buf_fini(&scratch);
    buf_fini(&number);
    return e;
}

enum err incoming_check_phones(struct jval root, struct buf *why)
{
    enum err e = OK;

    if (!incoming_is_from_agent(root))
        return check_phone(json_path(root, "sender.handle"), "sender.handle", why);
    for (struct jval v = json_first(json_get(root, "to")); v.doc && !e; v = json_next(v))
        e = check_phone(json_get(v, "handle"), "a handle of to", why);
    return e;
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

/* ---- Who: the part of a body that comes first ---- */

static void who_custom(struct posting *p)
{
    posting_person(p, "sender", json_get(p->root, "sender"), false);
}

static void who_application(struct posting *p)
{
    posting_person(p, "sender", json_get(p->root, "sender"), true);
}

static void who_agent_application(struct posting *p)
{
    posting_field(p, "sender_name", "sender.name");
    posting_customers(p);
}

static void who_agent_custom(struct posting *p)
{
    posting_imported_sender(p, false);
    posting_handles(p, NULL);
}

/* ---- The rest: what goes behind the body ---- */

static void put_custom(struct posting *p)
{
    jout_kv_str(&p->j, "body_format", "html");
    jout_key(&p->j, "metadata");
    jout_object(&p->j);
    jout_kv_str(&p->j, "thread_ref", p->in->thread_ref);
    jout_key(&p->j, "headers");
    jout_object(&p->j);
    jout_kv_str(&p->j, "front_bridge_id", p->in->id);
    posting_ref(p, "external_id", "id");
    posting_ref(p, "external_conversation_id", "conversation_id");
    posting_ref(p, "in_reply_to", "in_reply_to"); /* kept by Front, which makes nothing of it */
    jout_object_end(&p->j);
    jout_object_end(&p->j);
}

static void put_ids(struct posting *p)
{
    int64_t at;

    jout_key(&p->j, "metadata");
    jout_object(&p->j);
    jout_kv_str(&p->j, "external_id", p->in->id);
    jout_kv_str(&p->j, "external_conversation_id", p->in->thread_ref);
    posting_known(p, "referenced_message_external_id", p->in->reply_to);
    jout_object_end(&p->j);
    if (json_millis(json_get(p->root, "sent_at"), &at) == OK && at > 0)
        jout_kv_i64(&p->j, "delivered_at", at / 1000);
}

static void put_agent_application(struct posting *p)
{
    posting_known(p, "author_id", p->in->author_id);
    put_ids(p);
}

static void put_agent_custom(struct posting *p)
{
    int64_t at;

    if (json_millis(json_get(p->root, "sent_at"), &at) != OK || at <= 0)
        at = p->in->created_at;
    jout_kv_str(&p->j, "external_id", p->in->id);
    jout_kv_i64(&p->j, "created_at", at / 1000);
    jout_kv_str(&p->j, "type", "custom");
    posting_known(p, "conversation_id", p->in->conversation);
    jout_key(&p->j, "metadata");
    jout_object(&p->j);
    jout_kv_str(&p->j, "thread_ref", p->in->thread_ref);
    jout_kv_bool(&p->j, "is_inbound", false);
    jout_kv_bool(&p->j, "is_archived", false); /* it is news, not history */
    jout_object_end(&p->j);
}

typedef void part_fn(struct posting *p);

static enum err write_body(struct jval root, const struct incoming *in, part_fn *who, part_fn *rest,
                           struct buf *out)
{
    struct posting p = {.root = root, .in = in};
    struct buf html;

    buf_init(&html, HTML_MAX);
    bool is_whole = posting_html(&p, &html);
    jout_init(&p.j, out);
    jout_object(&p.j);
    who(&p);
    posting_field(&p, "subject", "subject");
    jout_kv_span(&p.j, "body", buf_span(&html));
    rest(&p);
    jout_object_end(&p.j);
    buf_fini(&html);
    return is_whole ? OK : ERR_LIMIT;
}

/* open_checked: call json_fini whatever it returns. */
static enum err open_checked(const struct incoming *in, struct json *doc, struct buf *why)
{
    enum err e = json_parse(doc, in->wire);

    if (!e)
        return check(json_root(doc), why);
    buf_add_str(why, "The stored message is not JSON");
    return e;
}

static enum err build(const struct incoming *in, part_fn *who, part_fn *rest, struct buf *out,
                      struct buf *why)
{
    struct json doc;
    enum err e = open_checked(in, &doc, why);

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

static enum err write_comment(struct jval root, const struct incoming *in, struct buf *out)
{
    struct posting p = {.root = root, .in = in};
    struct buf html, text;

    buf_init(&html, HTML_MAX);
    buf_init(&text, HTML_MAX);
    bool is_whole = posting_html(&p, &html);
    sign_comment(buf_span(&html), &text);
    jout_init(&p.j, out);
    jout_object(&p.j);
    jout_kv_span(&p.j, "body", buf_span(&text));
    jout_object_end(&p.j);
    is_whole &= !text.is_over;
    buf_fini(&html);
    buf_fini(&text);
    return is_whole ? OK : ERR_LIMIT;
}

enum err incoming_comment(const struct incoming *in, struct buf *out, struct buf *why)
{
    struct json doc;
    enum err e = open_checked(in, &doc, why);

    if (!e)
        e = write_comment(json_root(&doc), in, out);
    json_fini(&doc);
    return e;
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
