/*
 * A backend's message or receipt as JSON. The writing half runs beside the adapter and turns broken rules
 * into sentences; the checking half runs in the bridge and trusts nothing: it decides only whether the
 * document may be handed on.
 */
#include "host/inbound.h"
#include "base/json.h"
#include "base/mem.h"
#include "host/frame.h"
#include "host/text.h"
#include <string.h>

enum { NAME_MAX_BYTES = 255, URL_MAX_BYTES = 4096 };

#define BREAKS(why, rule) (*(why) = (rule), ERR_INVALID)

static bool fits(const char *s, size_t max)
{
    return !s || (strlen(s) <= max && text_is_clean(span_of(s)));
}

static bool is_given(const char *s)
{
    return s && *s;
}

static void put(struct jout *j, const char *key, const char *value)
{
    if (value)
        jout_kv_str(j, key, value);
}

static const char *person_fault(const struct fb_person *p)
{
    if (!p || !FB_HAS(p, email))
        return "a person is missing or its size is not set";
    if (!is_given(p->handle))
        return "a person has no handle";
    if (!fits(p->handle, INBOUND_ID_MAX) || !fits(p->name, INBOUND_ID_MAX) || !fits(p->email, INBOUND_ID_MAX))
        return "a person's handle, name or email is over 1024 bytes or not clean UTF-8";
    return NULL;
}

/* ---- Signs: what an fb_inbound tells of beside a message ---- */

static const struct sign {
    const char *type;
    bool needs_about, takes_text, needs_emoji;
} signs[] = {
    [FB_MESSAGE] = {"message", false, true, false}, [FB_EDIT] = {"edit", true, true, false},
    [FB_DELETE] = {"delete", true, false, false},   [FB_REACTION] = {"reaction", true, false, true},
    [FB_TYPING] = {"typing", false, false, false},
};

static const char *const about_keys[] = {"message_id", "delivery_id", "external_id"};

/* Adapters of ABI 1.1 know of messages alone. */
static uint32_t what_of(const struct fb_inbound *m)
{
    return FB_HAS(m, emoji) ? m->what : FB_MESSAGE;
}

static const char *about_of(const struct fb_inbound *m, size_t key)
{
    const char *const about[] = {m->about, m->about_delivery_id, m->about_external_id};
    return is_given(about[key]) ? about[key] : NULL;
}

static const char *sign_fault(const struct fb_inbound *m)
{
    unsigned about_n = 0;
    if (what_of(m) == FB_MESSAGE)
        return NULL;
    if (m->attachment_n)
        return "only a message has attachments";
    for (size_t i = 0; i < ARRAY_LEN(about_keys); i++) {
        about_n += about_of(m, i) != NULL;
        if (!fits(about_of(m, i), INBOUND_ID_MAX))
            return "the id of the message that is meant is over 1024 bytes or not clean UTF-8";
    }
    if (signs[m->what].needs_about && about_n != 1)
        return "exactly one of about, about_delivery_id and about_external_id is required";
    if (signs[m->what].needs_emoji && (!is_given(m->emoji) || !fits(m->emoji, INBOUND_EMOJI_MAX)))
        return "a reaction needs an emoji of at most 128 bytes of clean UTF-8";
    return NULL;
}

static void write_sign(struct jout *j, const struct fb_inbound *m)
{
    const struct sign *s = &signs[what_of(m)];
    if (what_of(m) == FB_MESSAGE)
        return;
    jout_kv_str(j, "type", s->type);
    for (size_t i = 0; s->needs_about && i < ARRAY_LEN(about_keys); i++)
        put(j, about_keys[i], about_of(m, i));
    if (!s->needs_emoji)
        return;
    jout_kv_str(j, "emoji", m->emoji);
    if (m->is_removed)
        jout_kv_bool(j, "removed", true);
}

/* ---- The rules ---- */

static const char *text_fault(const struct fb_inbound *m)
{
    bool is_optional = m->attachment_n > 0 && what_of(m) == FB_MESSAGE;
    int n = (m->text != NULL) + (m->markdown != NULL) + (m->html != NULL);
    const char *text = m->text ? m->text : m->markdown ? m->markdown : m->html;
    if (!signs[what_of(m)].takes_text)
        return n == 0 ? NULL : "only a message or its edit has a text";
    if (n > 1 || (n == 0 && !is_optional))
        return "exactly one of text, markdown and html is required (none if there are attachments)";
    if (n == 1 && *text == 0 && !is_optional)
        return "the text is empty and there are no attachments";
    if (!fits(text, INBOUND_TEXT_MAX))
        return "the text is over 512 KiB or not clean UTF-8";
    return NULL;
}

static bool is_address(struct span url)
{
    return (span_starts(url, "https://") && url.n > 8) || (span_starts(url, "http://") && url.n > 7);
}

/* How large they may be is the bridge's to say: its configuration has the limit, and a sentence for people. */
static const char *attachments_fault(const struct fb_inbound *m)
{
    if (m->attachment_n > INBOUND_ATTACHMENTS_MAX)
        return "there are more than 32 attachments";
    if (m->attachment_n && (!m->attachments || !FB_HAS(m->attachments, cid)))
        return "attachments are missing or their size is not set";
    for (uint32_t i = 0; i < m->attachment_n; i++) {
        const struct fb_attachment *a = FB_AT(m->attachments, i);
        if (!is_given(a->filename) || !is_given(a->content_type))
            return "an attachment needs a filename and a content type";
        if (!is_given(a->url) && a->fd <= 0)
            return "an attachment needs a url or a descriptor";
        if (!fits(a->filename, NAME_MAX_BYTES) || !fits(a->content_type, NAME_MAX_BYTES) ||
            !fits(a->url, URL_MAX_BYTES) || !fits(a->cid, NAME_MAX_BYTES))
            return "an attachment's filename, type, url or cid is too long or not clean UTF-8";
        if (is_given(a->url) && !is_address(span_of(a->url)))
            return "an attachment's url does not begin with https:// or http://";
    }
    return NULL;
}

static const char *to_fault(const struct fb_inbound *m)
{
    if (m->direction > FB_FROM_AGENT)
        return "the direction is none of enum fb_direction";
    if (m->direction == FB_FROM_AGENT && m->to_n == 0)
        return "a message from an agent names its customers in to";
    if (m->to_n > INBOUND_TO_MAX)
        return "there are more than 50 recipients";
    for (uint32_t i = 0; i < m->to_n; i++) {
        const char *fault = m->to ? person_fault(FB_AT(m->to, i)) : "to is missing";
        if (fault)
            return fault;
    }
    return NULL;
}

static const char *ids_fault(const struct fb_inbound *m)
{
    const char *const id[] = {m->id, m->conversation_id, m->subject, m->in_reply_to, m->author_email};
    for (size_t i = 0; i < ARRAY_LEN(id); i++) {
        if (!fits(id[i], INBOUND_ID_MAX))
            return "an id, the subject or the author's email is over 1024 bytes or not clean UTF-8";
    }
    return m->sent_at_ms < 0 ? "sent_at_ms is before 1970" : NULL;
}

static const char *inbound_fault(const struct fb_inbound *m)
{
    if (!m || !FB_HAS(m, author_email))
        return "the message is missing or its size is not set";
    if (what_of(m) > FB_TYPING)
        return "what it is is none of enum fb_what";
    const char *fault = person_fault(m->sender);
    if (!fault)
        fault = sign_fault(m);
    if (!fault)
        fault = text_fault(m);
    if (!fault)
        fault = ids_fault(m);
    if (!fault)
        fault = to_fault(m);
    return fault ? fault : attachments_fault(m);
}

static void write_person(struct jout *j, const struct fb_person *p)
{
    jout_object(j);
    jout_kv_str(j, "handle", p->handle);
    put(j, "name", p->name);
    put(j, "email", p->email);
    jout_object_end(j);
}

static void write_to(struct jout *j, const struct fb_inbound *m)
{
    jout_kv_str(j, "direction", "outbound");
    jout_key(j, "to");
    jout_array(j);
    for (uint32_t i = 0; i < m->to_n; i++)
        write_person(j, FB_AT(m->to, i));
    jout_array_end(j);
    put(j, "author_email", m->author_email);
}

static void write_attachments(struct jout *j, const struct fb_inbound *m, int *fd, unsigned *fd_n)
{
    jout_key(j, "attachments");
    jout_array(j);
    for (uint32_t i = 0; i < m->attachment_n; i++) {
        const struct fb_attachment *a = FB_AT(m->attachments, i);
        jout_object(j);
        jout_kv_str(j, "filename", a->filename);
        jout_kv_str(j, "content_type", a->content_type);
        put(j, "cid", a->cid);
        if (a->bytes && a->bytes <= INT64_MAX)
            jout_kv_i64(j, "size", (int64_t)a->bytes);
        if (is_given(a->url)) {
            jout_kv_str(j, "url", a->url);
        } else {
            jout_kv_i64(j, "fd", *fd_n);
            fd[(*fd_n)++] = a->fd;
        }
        jout_object_end(j);
    }
    jout_array_end(j);
}

enum err inbound_write(struct buf *out, const struct fb_inbound *m, int *fd, unsigned *fd_n, const char **why)
{
    const char *fault = inbound_fault(m);
    struct jout j;
    *fd_n = 0;
    if (fault)
        return BREAKS(why, fault);
    jout_init(&j, out);
    jout_object(&j);
    write_sign(&j, m);
    put(&j, "id", is_given(m->id) ? m->id : NULL);
    put(&j, "conversation_id", is_given(m->conversation_id) ? m->conversation_id : NULL);
    jout_key(&j, "sender");
    write_person(&j, m->sender);
    put(&j, "text", m->text);
    put(&j, "markdown", m->markdown);
    put(&j, "html", m->html);
    put(&j, "subject", m->subject);
    put(&j, "in_reply_to", is_given(m->in_reply_to) ? m->in_reply_to : NULL);
    if (m->sent_at_ms)
        jout_kv_seconds(&j, "sent_at", m->sent_at_ms);
    if (m->direction == FB_FROM_AGENT)
        write_to(&j, m);
    if (m->attachment_n)
        write_attachments(&j, m, fd, fd_n);
    jout_object_end(&j);
    return out->is_over ? BREAKS(why, "the message is over 1 MiB as JSON") : OK;
}

static const char *const receipt_status[] = {
    [FB_RECEIPT_DELIVERED] = "delivered", [FB_RECEIPT_READ] = "read", [FB_RECEIPT_FAILED] = "failed"};

enum err receipt_write(struct buf *out, const struct fb_receipt *r, const char **why)
{
    struct jout j;
    if (!r || !FB_HAS(r, reason))
        return BREAKS(why, "the receipt is missing or its size is not set");
    if (r->status < FB_RECEIPT_DELIVERED || r->status > FB_RECEIPT_FAILED)
        return BREAKS(why, "the status is none of enum fb_receipt_status");
    if (is_given(r->delivery_id) == is_given(r->external_id))
        return BREAKS(why, "exactly one of delivery_id and external_id is required");
    if (!fits(r->delivery_id, INBOUND_ID_MAX) || !fits(r->external_id, INBOUND_ID_MAX) ||
        !fits(r->reason, INBOUND_ID_MAX))
        return BREAKS(why, "an id or the reason is over 1024 bytes or not clean UTF-8");
    jout_init(&j, out);
    jout_object(&j);
    jout_kv_str(&j, "type", "receipt");
    put(&j, "delivery_id", is_given(r->delivery_id) ? r->delivery_id : NULL);
    put(&j, "external_id", is_given(r->external_id) ? r->external_id : NULL);
    jout_kv_str(&j, "status", receipt_status[r->status]);
    put(&j, "reason", r->reason);
    jout_object_end(&j);
    return out->is_over ? BREAKS(why, "the receipt is too large") : OK;
}

/* ---- The bridge's side ---- */

/* A string member: absent, or at most max bytes as it stands in the text. */
static bool is_string_or_absent(struct jval object, const char *key, size_t max)
{
    struct jval v = json_get(object, key);
    return json_type(v) == JSON_ABSENT || (json_type(v) == JSON_STRING && json_raw(v).n <= max);
}

static bool has_string(struct jval object, const char *key, size_t max)
{
    return json_type(json_get(object, key)) == JSON_STRING && json_raw(json_get(object, key)).n > 2 &&
           is_string_or_absent(object, key, max);
}

/* Escapes may make a byte six. */
enum {
    RAW_ID_MAX = 6 * INBOUND_ID_MAX + 2,
    RAW_EMOJI_MAX = 6 * INBOUND_EMOJI_MAX + 2,
    RAW_NAME_MAX = 6 * NAME_MAX_BYTES + 2,
    RAW_URL_MAX = 6 * URL_MAX_BYTES + 2,
};

static bool is_person(struct jval v)
{
    return json_type(v) == JSON_OBJECT && has_string(v, "handle", RAW_ID_MAX) &&
           is_string_or_absent(v, "name", RAW_ID_MAX) && is_string_or_absent(v, "email", RAW_ID_MAX);
}

/* A url or else the next descriptor. */
static const char *check_source(struct jval v, unsigned *used)
{
    struct buf scratch;
    int64_t at = -1;
    if (!json_has(json_get(v, "url")))
        return json_i64(json_get(v, "fd"), &at) == OK && at == (*used)++
                   ? NULL
                   : "an attachment without url or descriptor";
    buf_init(&scratch, RAW_URL_MAX);
    bool is_fair =
        is_string_or_absent(v, "url", RAW_URL_MAX) && is_address(json_span(json_get(v, "url"), &scratch));
    buf_fini(&scratch);
    return is_fair ? NULL : "an attachment whose url is none";
}

static const char *check_files(struct jval list, unsigned fd_n)
{
    unsigned used = 0;
    if (json_type(list) != JSON_ABSENT && json_type(list) != JSON_ARRAY)
        return "attachments are no list";
    if (json_len(list) > INBOUND_ATTACHMENTS_MAX)
        return "too many attachments";
    for (struct jval v = json_first(list); v.doc; v = json_next(v)) {
        int64_t bytes = 0;
        if (!has_string(v, "filename", RAW_NAME_MAX) || !has_string(v, "content_type", RAW_NAME_MAX) ||
            !is_string_or_absent(v, "cid", RAW_NAME_MAX))
            return "an attachment without filename or type";
        if (json_has(json_get(v, "size")) && (json_i64(json_get(v, "size"), &bytes) != OK || bytes < 0))
            return "an attachment of a size that is none";
        const char *fault = check_source(v, &used);
        if (fault)
            return fault;
    }
    return used == fd_n ? NULL : "descriptors that no attachment names";
}

static const char *check_to(struct jval root)
{
    struct jval to = json_get(root, "to");
    if (!json_has(json_get(root, "direction")))
        return json_has(to) ? "recipients of a customer's message" : NULL;
    if (!json_is(json_get(root, "direction"), "outbound") || json_type(to) != JSON_ARRAY ||
        json_len(to) == 0 || json_len(to) > INBOUND_TO_MAX)
        return "a message from an agent without customers";
    for (struct jval v = json_first(to); v.doc; v = json_next(v)) {
        if (!is_person(v))
            return "a customer without a handle";
    }
    return NULL;
}

/* The sign that it says it is; NULL: none that is known. */
static const struct sign *sign_of(struct jval root)
{
    struct jval type = json_get(root, "type");
    if (!json_has(type))
        return &signs[FB_MESSAGE];
    for (size_t i = FB_EDIT; i < ARRAY_LEN(signs); i++) {
        if (json_is(type, signs[i].type))
            return &signs[i];
    }
    return NULL;
}

static const char *check_sign(struct jval root, const struct sign *s)
{
    struct jval removed = json_get(root, "removed");
    unsigned about_n = 0;
    for (size_t i = 0; i < ARRAY_LEN(about_keys); i++) {
        about_n += has_string(root, about_keys[i], RAW_ID_MAX);
        if (!is_string_or_absent(root, about_keys[i], RAW_ID_MAX))
            return "the id of an earlier message of the wrong type or size";
    }
    if (s->needs_about && about_n != 1)
        return "a sign that does not name exactly one message";
    if (s->needs_emoji && !has_string(root, "emoji", RAW_EMOJI_MAX))
        return "a reaction without an emoji";
    if (json_type(removed) != JSON_ABSENT && json_type(removed) != JSON_BOOL)
        return "a reaction that is neither removed nor not";
    return json_len(json_get(root, "attachments")) ? "attachments of what is no message" : NULL;
}

static const char *check_message(struct jval root, unsigned fd_n)
{
    static const char *const ids[] = {"id", "conversation_id", "subject", "in_reply_to", "author_email"};
    static const char *const texts[] = {"text", "markdown", "html"};
    unsigned text_n = 0;
    if (json_type(root) != JSON_OBJECT || !is_person(json_get(root, "sender")))
        return "a message without a sender's handle";
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        if (!is_string_or_absent(root, ids[i], RAW_ID_MAX))
            return "an id or subject of the wrong type or size";
    }
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        enum json_type t = json_type(json_get(root, texts[i]));
        if (t != JSON_ABSENT && t != JSON_STRING)
            return "a text that is no string";
        text_n += t == JSON_STRING;
    }
    const struct sign *s = sign_of(root);
    if (!s)
        return "a message of a type that is none";
    if (s->takes_text ? text_n > 1 || (text_n == 0 && json_len(json_get(root, "attachments")) == 0)
                      : text_n > 0)
        return "a message without exactly one text";
    const char *fault = s == &signs[FB_MESSAGE] ? NULL : check_sign(root, s);
    if (!fault)
        fault = check_to(root);
    return fault ? fault : check_files(json_get(root, "attachments"), fd_n);
}

enum err inbound_check(struct span json, unsigned fd_n, const char **why)
{
    struct json doc;
    const char *fault = "a message that is no JSON";
    int64_t at = 0;
    if (json.n > FRAME_INBOUND_MAX)
        return BREAKS(why, "a message over 1 MiB");
    if (json_parse(&doc, json) == OK) {
        fault = check_message(json_root(&doc), fd_n);
        struct jval sent_at = json_get(json_root(&doc), "sent_at");
        if (!fault && json_type(sent_at) != JSON_ABSENT && (json_millis(sent_at, &at) != OK || at < 0))
            fault = "a time that is none";
    }
    json_fini(&doc);
    return fault ? BREAKS(why, fault) : OK;
}

static const char *check_receipt(struct jval root)
{
    struct jval status = json_get(root, "status");
    bool is_known = false;
    for (size_t i = FB_RECEIPT_DELIVERED; i < ARRAY_LEN(receipt_status); i++)
        is_known |= json_is(status, receipt_status[i]);
    if (!is_known)
        return "a receipt without a known status";
    if (has_string(root, "delivery_id", RAW_ID_MAX) == has_string(root, "external_id", RAW_ID_MAX))
        return "a receipt that names no delivery";
    return is_string_or_absent(root, "reason", RAW_ID_MAX) ? NULL : "a receipt whose reason is no string";
}

enum err receipt_check(struct span json, const char **why)
{
    struct json doc;
    const char *fault = "a receipt that is no JSON";
    if (json_parse(&doc, json) == OK)
        fault = check_receipt(json_root(&doc));
    json_fini(&doc);
    return fault ? BREAKS(why, fault) : OK;
}
