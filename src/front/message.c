/*
 * Decides whether a Message object can be delivered: an id, someone to deliver to, and the right type in
 * every field that is used. It is lenient where Front is: nulls everywhere, no author, no text, drafts.
 * Invariant: every string kept is within its limit and free of control characters.
 */
#include "front/message.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

enum { LINK_MAX_BYTES = 4096 };

#define BIT(type)   (1u << (type))
#define MAYBE(type) (BIT(type) | BIT(JSON_NULL) | BIT(JSON_ABSENT))

static const struct field {
    const char *path;
    unsigned types;
    const char *kind;
} fields[] = {
    {"id", MAYBE(JSON_STRING), "a string"},
    {"recipients", MAYBE(JSON_ARRAY), "an array"},
    {"body", MAYBE(JSON_STRING), "a string"},
    {"text", MAYBE(JSON_STRING), "a string"},
    {"subject", MAYBE(JSON_STRING), "a string"},
    {"created_at", MAYBE(JSON_NUMBER), "a number"},
    {"author", MAYBE(JSON_OBJECT), "an object"},
    {"author.email", MAYBE(JSON_STRING), "a string"},
    {"author.username", MAYBE(JSON_STRING), "a string"},
    {"author.first_name", MAYBE(JSON_STRING), "a string"},
    {"author.last_name", MAYBE(JSON_STRING), "a string"},
    {"attachments", MAYBE(JSON_ARRAY), "an array"},
    {"metadata", MAYBE(JSON_OBJECT), "an object"},
    {"_links", MAYBE(JSON_OBJECT), "an object"},
    {"_links.related", MAYBE(JSON_OBJECT), "an object"},
    {"_links.related.conversation", MAYBE(JSON_STRING), "a string"},
};

static enum err refuse(struct buf *why, enum err e, const char *what, const char *how)
{
    buf_addf(why, "%s %s.", what, how);
    return e;
}

static enum err check_fields(struct jval message, struct buf *why)
{
    for (const struct field *f = fields; f < fields + ARRAY_LEN(fields); f++)
        if (!(BIT(json_type(json_path(message, f->path))) & f->types)) {
            buf_addf(why, "The message's %s is not %s.", f->path, f->kind);
            return ERR_INVALID;
        }
    return OK;
}

static bool has_control(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            return true;
    return false;
}

enum err message_take(struct jval v, const char *what, size_t max_bytes, char **out, struct buf *why)
{
    if (!json_has(v))
        return refuse(why, ERR_INVALID, what, "is missing");
    if (json_type(v) != JSON_STRING)
        return refuse(why, ERR_INVALID, what, "is not a string");
    char *s = json_dup(v, max_bytes);
    if (!s) {
        buf_addf(why, "%s is longer than %zu bytes.", what, max_bytes);
        return ERR_LIMIT;
    }
    const char *wrong = *s == '\0' ? "is empty" : has_control(s) ? "contains control characters" : NULL;
    if (wrong) {
        free(s);
        return refuse(why, ERR_INVALID, what, wrong);
    }
    *out = s;
    return OK;
}

/* A string that we can do without: what does not fit is as good as absent. */
static char *take_optional(struct jval v, size_t max_bytes)
{
    char *s = json_dup(v, max_bytes);

    if (s && (*s == '\0' || has_control(s))) {
        free(s);
        return NULL;
    }
    return s;
}

static bool is_known(const struct callback *c, const char *handle)
{
    for (unsigned i = 0; i < c->to_n; i++)
        if (strcmp(c->to[i].handle, handle) == 0)
            return true;
    return false;
}

static enum err read_to(struct callback *c, struct jval recipient, struct buf *why)
{
    char *handle;
    enum err e = message_take(json_get(recipient, "handle"), "A recipient's handle", CALLBACK_HANDLE_MAX,
                              &handle, why);

    if (e)
        return e;
    if (is_known(c, handle)) {
        free(handle);
        return OK;
    }
    if (c->to_n == CALLBACK_RECIPIENTS_MAX) {
        free(handle);
        buf_addf(why, "The message has more than %d recipients.", CALLBACK_RECIPIENTS_MAX);
        return ERR_LIMIT;
    }
    char *name = take_optional(json_get(recipient, "name"), CALLBACK_HANDLE_MAX);
    c->to[c->to_n++] = (struct callback_recipient){handle, name};
    return OK;
}

static enum err read_recipients(struct callback *c, struct jval recipients, struct buf *why)
{
    for (struct jval r = json_first(recipients); r.doc; r = json_next(r)) {
        struct jval role = json_get(r, "role");
        if (json_type(r) != JSON_OBJECT || json_type(role) != JSON_STRING)
            return refuse(why, ERR_INVALID, "A recipient", "is not an object with a role");
        if (json_is(role, "from") && !c->from_handle)
            c->from_handle = take_optional(json_get(r, "handle"), CALLBACK_HANDLE_MAX);
        enum err e = json_is(role, "to") ? read_to(c, r, why) : OK;
        if (e)
            return e;
    }
    if (c->to_n == 0)
        return refuse(why, ERR_INVALID, "The message", "has no recipient with the role \"to\"");
    return OK;
}

static enum err check_attachments(struct jval attachments, struct buf *why)
{
    if (json_len(attachments) > CALLBACK_ATTACHMENTS_MAX) {
        buf_addf(why, "The message has more than %d attachments.", CALLBACK_ATTACHMENTS_MAX);
        return ERR_LIMIT;
    }
    for (struct jval a = json_first(attachments); a.doc; a = json_next(a))
        if (json_type(a) != JSON_OBJECT)
            return refuse(why, ERR_INVALID, "An attachment", "is not an object");
    return OK;
}

/* The id in a link; NULL if there is none. */
static char *id_of(struct jval link)
{
    struct buf scratch;

    buf_init(&scratch, LINK_MAX_BYTES);
    struct span id = front_id_of_link(json_span(link, &scratch));
    char *s = span_strdup(id);
    buf_fini(&scratch);
    return s;
}

static enum err read_id(struct callback *c, struct jval message, struct buf *why)
{
    static const char suffix[] = "_autoreply";

    if (json_has(json_get(message, "id")))
        return message_take(json_get(message, "id"), "The message's id", CALLBACK_ID_MAX, &c->message_id,
                            why);
    /* An automatic reply has no id of its own: one per message replied to. */
    bool is_auto = c->shape == CALLBACK_APP_AUTO_REPLY;
    char *replied = is_auto ? id_of(json_path(message, "_links.related.message_replied_to")) : NULL;
    if (!replied || strlen(replied) + sizeof suffix - 1 > CALLBACK_ID_MAX) {
        free(replied);
        return refuse(why, ERR_INVALID, "The message's id", "is missing");
    }
    size_t n = strlen(replied);
    replied = mem_realloc(replied, n + sizeof suffix);
    memcpy(replied + n, suffix, sizeof suffix);
    c->message_id = replied;
    return OK;
}

static unsigned count_foreign(struct jval link)
{
    struct buf scratch;

    if (json_type(link) != JSON_STRING)
        return 0;
    buf_init(&scratch, LINK_MAX_BYTES);
    unsigned n = front_link_is_foreign(json_span(link, &scratch));
    buf_fini(&scratch);
    return n;
}

static void count_links(struct callback *c, struct jval message)
{
    struct jval links = json_get(message, "_links");

    c->foreign_link_n += count_foreign(json_get(links, "self"));
    for (struct jval l = json_first(json_get(links, "related")); l.doc; l = json_next(l))
        c->foreign_link_n += count_foreign(l);
    for (struct jval a = json_first(json_get(message, "attachments")); a.doc; a = json_next(a))
        c->foreign_link_n += count_foreign(json_get(a, "url"));
}

enum err message_read(struct callback *c, struct jval message, struct buf *why)
{
    enum err e = check_fields(message, why);

    if (!e)
        e = read_id(c, message, why);
    if (!e && !json_has(json_get(message, "recipients")))
        e = refuse(why, ERR_INVALID, "The message", "has no recipients");
    if (!e)
        e = read_recipients(c, json_get(message, "recipients"), why);
    if (!e)
        e = check_attachments(json_get(message, "attachments"), why);
    if (e)
        return e;
    c->message = message;
    c->conversation_id = id_of(json_path(message, "_links.related.conversation"));
    c->in_reply_to = take_optional(json_path(message, "metadata.headers.in_reply_to"), CALLBACK_HANDLE_MAX);
    c->replied_to = id_of(json_path(message, "_links.related.message_replied_to"));
    count_links(c, message);
    return OK;
}

static void add_conversation(struct callback *c, struct jval id)
{
    if (c->external_conversation_n == CALLBACK_CONVERSATIONS_MAX)
        return;
    char *s = take_optional(id, CALLBACK_ID_MAX);
    for (unsigned i = 0; s && i < c->external_conversation_n; i++)
        if (strcmp(c->external_conversation[i], s) == 0) {
            free(s);
            return;
        }
    if (s)
        c->external_conversation[c->external_conversation_n++] = s;
}

enum err message_read_conversations(struct callback *c, struct jval metadata, struct buf *why)
{
    struct jval ids = json_get(metadata, "external_conversation_ids");

    if (!(BIT(json_type(metadata)) & MAYBE(JSON_OBJECT)))
        return refuse(why, ERR_INVALID, "The envelope's metadata", "is not an object");
    if (!(BIT(json_type(ids)) & MAYBE(JSON_ARRAY)))
        return refuse(why, ERR_INVALID, "The envelope's metadata.external_conversation_ids",
                      "is not an array");
    for (struct jval id = json_first(ids); id.doc; id = json_next(id))
        add_conversation(c, id);
    add_conversation(c, json_get(metadata, "external_conversation_id"));
    return OK;
}
