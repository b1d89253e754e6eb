/*
 * Reads what happens to messages, and typing: "edit", "delete", "reaction", "typing". What each demands is one table.
 */
#include "base/mem.h"
#include "field.h"
#include "wire.h"
#include <string.h>

static const struct sign {
    const char *type;
    uint32_t what;
    bool needs_about, takes_text, needs_emoji;
} signs[] = {
    {"edit", FB_EDIT, true, true, false},
    {"delete", FB_DELETE, true, false, false},
    {"reaction", FB_REACTION, true, false, true},
    {"typing", FB_TYPING, false, false, false},
};

static const struct wire_field sign_fields[] = {
    FIELD("message_id", inbound.about, FIELD_ID),
    FIELD("delivery_id", inbound.about_delivery_id, FIELD_ID),
    FIELD("external_id", inbound.about_external_id, FIELD_ID),
};
static const struct wire_field reaction_fields[] = {FIELD("emoji", inbound.emoji, FIELD_LINE)};

static const struct sign *sign_of(struct jval v)
{
    for (size_t i = 0; i < ARRAY_LEN(signs); i++)
        if (json_is(json_get(v, "type"), signs[i].type))
            return &signs[i];
    return NULL;
}

bool wire_is_sign(struct jval v)
{
    return sign_of(v) != NULL;
}

static enum err text_check(const struct sign *s, struct fb_inbound *m, struct buf *why)
{
    if (!s->takes_text)
        m->text = m->markdown = m->html = NULL; /* what it said is of no use */
    else if (!!m->text + !!m->markdown + !!m->html != 1)
        return wire_refuse(why,
                           "Give the new text: exactly one of `text`, `markdown` and `html`, and not empty; "
                           "if nothing is left, send a delete.");
    return OK;
}

static enum err about_check(const struct fb_inbound *m, struct buf *why)
{
    if (!!m->about + !!m->about_delivery_id + !!m->about_external_id == 1)
        return OK;
    return wire_refuse(why,
                       "Say which message is meant, by exactly one of `message_id` (yours, of a message), "
                       "`delivery_id` (ours) and `external_id` (yours, of a delivery).");
}

static enum err reaction_read(struct jval v, struct wire_item *item, struct buf *why)
{
    struct jval removed = json_get(v, "removed");
    if (wire_read_fields(v, reaction_fields, ARRAY_LEN(reaction_fields), item, why))
        return ERR_INVALID;
    if (!item->inbound.emoji || strlen(item->inbound.emoji) > WIRE_EMOJI_MAX) {
        buf_addf(why, "`emoji` must be the reaction, in 1 to %d bytes.", WIRE_EMOJI_MAX);
        return ERR_INVALID;
    }
    if (json_has(removed) && json_type(removed) != JSON_BOOL)
        return wire_refuse(why, "`removed` must be true or false.");
    item->inbound.is_removed = json_bool(removed, false);
    return OK;
}

enum err wire_read_sign(struct jval v, struct wire_item *out, struct buf *why)
{
    const struct sign *s = sign_of(v);
    must(s);
    if (wire_read_inbound(v, out, why))
        return ERR_INVALID;
    struct fb_inbound *m = &out->inbound;
    m->what = s->what;
    m->subject = m->in_reply_to = NULL;
    if (json_len(json_get(v, "attachments")))
        return wire_refuse(why, "Files are only taken with a message: send them as one.");
    if (s->needs_about &&
        (wire_read_fields(v, sign_fields, ARRAY_LEN(sign_fields), out, why) || about_check(m, why)))
        return ERR_INVALID;
    if (s->needs_emoji && reaction_read(v, out, why))
        return ERR_INVALID;
    return text_check(s, m, why);
}
