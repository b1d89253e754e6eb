/*
 * Reads the wire forms "inbound" and "receipt" by tables of fields.
 *
 * Decides what a backend may say and with which sentence it is refused; does not know how the JSON came.
 * Invariant: every string of an item obeys the rules of the ABI (no control characters), or the item is
 * refused.
 */
#include "base/mem.h"
#include "field.h"
#include "wire.h"
#include <stdlib.h>
#include <string.h>

static const struct wire_field message_fields[] = {
    FIELD("id", inbound.id, FIELD_ID),
    FIELD("conversation_id", inbound.conversation_id, FIELD_ID),
    FIELD("sender.handle", sender.handle, FIELD_ID),
    FIELD("sender.name", sender.name, FIELD_LINE),
    FIELD("sender.email", sender.email, FIELD_LINE),
    FIELD("text", inbound.text, FIELD_TEXT),
    FIELD("markdown", inbound.markdown, FIELD_TEXT),
    FIELD("html", inbound.html, FIELD_TEXT),
    FIELD("subject", inbound.subject, FIELD_LINE),
    FIELD("in_reply_to", inbound.in_reply_to, FIELD_ID),
    FIELD("author_email", inbound.author_email, FIELD_LINE),
};

static const struct wire_field receipt_fields[] = {
    FIELD("delivery_id", receipt.delivery_id, FIELD_ID),
    FIELD("external_id", receipt.external_id, FIELD_ID),
    FIELD("reason", receipt.reason, FIELD_LINE),
};

static const size_t field_max[] = {
    [FIELD_ID] = WIRE_ID_MAX, [FIELD_LINE] = WIRE_LINE_MAX, [FIELD_TEXT] = WIRE_TEXT_MAX};

static bool is_digits(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0;
}

static bool has_control(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < ' ' || *s == 0x7f)
            return true;
    return false;
}

/* text_clean drops control characters in place; each kind of line break becomes a newline. */
static void text_clean(char *s)
{
    char *to = s;
    for (const char *p = s; *p; p++) {
        if (*p == '\r' && p[1] != '\n')
            *to++ = '\n';
        else if ((unsigned char)*p >= ' ' ? *p != 0x7f : *p == '\n' || *p == '\t')
            *to++ = *p;
    }
    *to = '\0';
}

/* field_dup gives the string of v by the rules of its kind, or NULL and a sentence. */
static char *field_dup(struct jval v, const char *path, enum wire_field_kind kind, struct buf *why)
{
    bool is_number = kind == FIELD_ID && json_type(v) == JSON_NUMBER && is_digits(json_raw(v));
    if (!is_number && json_type(v) != JSON_STRING) {
        buf_addf(why, "`%s` must be a string.", path);
        return NULL;
    }
    char *s =
        is_number && json_raw(v).n <= WIRE_ID_MAX ? span_strdup(json_raw(v)) : json_dup(v, field_max[kind]);
    if (!s) {
        buf_addf(why, "`%s` is longer than %zu bytes.", path, field_max[kind]);
        return NULL;
    }
    if (kind == FIELD_ID && has_control(s)) {
        buf_addf(why, "`%s` must not hold control characters.", path);
        free(s);
        return NULL;
    }
    if (kind == FIELD_LINE)
        wire_line(span_of(s), s, strlen(s) + 1);
    else if (kind == FIELD_TEXT)
        text_clean(s);
    return s;
}

/* field_read sets *to to a string owned by item; NULL if it is absent or empty. */
static enum err field_read(struct jval v, const char *path, enum wire_field_kind kind, struct wire_item *item,
                           const char **to, struct buf *why)
{
    if (!json_has(v))
        return OK;
    char *s = field_dup(v, path, kind, why);
    if (!s)
        return ERR_INVALID;
    must(item->own_n < WIRE_OWN_MAX);
    item->own[item->own_n++] = s;
    *to = *s ? s : NULL;
    return OK;
}

enum err wire_read_fields(struct jval v, const struct wire_field *fields, size_t n, struct wire_item *item,
                          struct buf *why)
{
    for (size_t i = 0; i < n; i++) {
        const char **to = (const char **)(void *)((char *)item + fields[i].at);
        if (field_read(json_path(v, fields[i].path), fields[i].path, fields[i].kind, item, to, why))
            return ERR_INVALID;
    }
    return OK;
}

enum err wire_refuse(struct buf *why, const char *sentence)
{
    buf_add_str(why, sentence);
    return ERR_INVALID;
}

static enum err sent_at_read(struct jval v, struct fb_inbound *inbound, struct buf *why)
{
    int64_t ms;
    if (!json_has(v))
        return OK;
    if (json_type(v) != JSON_NUMBER || json_millis(v, &ms) || ms <= 0)
        return wire_refuse(why, "`sent_at` must be a time in Unix seconds.");
    if (ms > INT64_C(100000000000000)) /* the year 5138 in seconds is 2001 to 2286 in milliseconds */
        return wire_refuse(why, "`sent_at` must be in seconds, not in milliseconds.");
    inbound->sent_at_ms = ms;
    return OK;
}

static enum err to_read(struct jval v, struct wire_item *item, struct buf *why)
{
    uint32_t n = json_len(v);
    if (json_type(v) != JSON_ARRAY || !n || n > WIRE_TO_MAX) {
        buf_addf(why, "`to` must name 1 to %d customers, as in [{\"handle\":\"alice\"}].", WIRE_TO_MAX);
        return ERR_INVALID;
    }
    struct fb_person *to = item->to;
    for (struct jval e = json_first(v); e.doc; e = json_next(e), to++) {
        to->size = sizeof *to;
        if (field_read(json_get(e, "handle"), "to.handle", FIELD_ID, item, &to->handle, why) ||
            field_read(json_get(e, "name"), "to.name", FIELD_LINE, item, &to->name, why) ||
            field_read(json_get(e, "email"), "to.email", FIELD_LINE, item, &to->email, why))
            return ERR_INVALID;
        if (!to->handle)
            return wire_refuse(why, "Each of `to` needs a `handle`.");
    }
    item->inbound.to = item->to;
    item->inbound.to_n = n;
    return OK;
}

static enum err direction_read(struct jval v, struct wire_item *item, struct buf *why)
{
    struct jval direction = json_get(v, "direction");
    if (!json_has(direction) || json_is(direction, "inbound"))
        return OK;
    if (!json_is(direction, "outbound"))
        return wire_refuse(
            why, "`direction` must be \"inbound\" (a customer wrote) or \"outbound\" (one of the company).");
    item->inbound.direction = FB_FROM_AGENT;
    return to_read(json_get(v, "to"), item, why);
}

/* What no single field can say. */
static enum err message_check(const struct wire_item *item, bool has_files, struct buf *why)
{
    const struct fb_inbound *m = &item->inbound;
    int text_n = !!m->text + !!m->markdown + !!m->html;
    if (text_n != 1 && (text_n || !has_files))
        return wire_refuse(why, "Give exactly one of `text`, `markdown` and `html`, and not empty; "
                                "it may be left out beside attachments.");
    return OK;
}

enum err wire_read_inbound(struct jval v, struct wire_item *out, struct buf *why)
{
    *out = (struct wire_item){.inbound.size = sizeof out->inbound, .sender.size = sizeof out->sender};
    out->inbound.sender = &out->sender;
    if (json_type(v) != JSON_OBJECT)
        return wire_refuse(why, "A message is a JSON object.");
    if (wire_read_fields(v, message_fields, ARRAY_LEN(message_fields), out, why) ||
        sent_at_read(json_get(v, "sent_at"), &out->inbound, why) || direction_read(v, out, why))
        return ERR_INVALID;
    return out->sender.handle ? OK : wire_refuse(why, "`sender.handle` is missing: it says who wrote.");
}

enum err wire_read_message(struct jval v, const struct wire_also *also, struct wire_item *out,
                           struct buf *why)
{
    struct jval files = json_get(v, "attachments");
    bool has_some = json_has(files) && (json_type(files) != JSON_ARRAY || json_len(files) > 0);
    enum err e = wire_read_inbound(v, out, why);
    if (!e)
        e = message_check(out, has_some || also->part_n > 0, why);
    return e ? e : wire_read_files(files, also, out, why); /* last, since it costs most */
}

enum err wire_read_receipt(struct jval v, struct wire_item *out, struct buf *why)
{
    static const char *const names[] = {
        [FB_RECEIPT_DELIVERED] = "delivered", [FB_RECEIPT_READ] = "read", [FB_RECEIPT_FAILED] = "failed"};
    *out = (struct wire_item){.is_receipt = true, .receipt.size = sizeof out->receipt};
    if (wire_read_fields(v, receipt_fields, ARRAY_LEN(receipt_fields), out, why))
        return ERR_INVALID;
    for (uint32_t i = FB_RECEIPT_DELIVERED; i < ARRAY_LEN(names); i++)
        if (json_is(json_get(v, "status"), names[i]))
            out->receipt.status = i;
    if (!out->receipt.status)
        return wire_refuse(why, "`status` of a receipt must be \"delivered\", \"read\" or \"failed\".");
    if (!out->receipt.delivery_id && !out->receipt.external_id)
        return wire_refuse(why, "A receipt needs `delivery_id` or `external_id`.");
    if (out->receipt.delivery_id)
        out->receipt.external_id = NULL; /* the host takes one of them, and ours is the surer one */
    return OK;
}

void wire_item_fini(struct wire_item *item)
{
    wire_files_close(item);
    while (item->own_n)
        free(item->own[--item->own_n]);
}

bool wire_id(struct jval v, char out[WIRE_ID_MAX + 1])
{
    bool is_number = json_type(v) == JSON_NUMBER && is_digits(json_raw(v)) && json_raw(v).n <= WIRE_ID_MAX;
    char *s = is_number ? span_strdup(json_raw(v)) : json_dup(v, WIRE_ID_MAX);
    bool is_fit = s && *s && !has_control(s);
    if (is_fit)
        memcpy(out, s, strlen(s) + 1);
    free(s);
    return is_fit;
}
