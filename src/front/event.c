/*
 * Reads an event by one table of types. It decides whether the parts of an event belong together, and refuses
 * to know what is done about it. Invariant: an event without a fault has no other target than its type demands.
 */
#include "front/event.h"
#include "base/mem.h"
#include "front/link.h"
#include "front/message.h"
#include <stdlib.h>
#include <string.h>

enum { LINK_MAX_BYTES = 4096 };

#define OF(kind) (1u << EVENT_OF_##kind)

/* clang-format off */
static const struct row {
    const char *name;
    const char *webhook; /* the name in application webhooks, where it is another */
    unsigned sources, targets;
} rows[EVENT_TYPE_N] = {
    [EVENT_ASSIGN] = {"assign", "assignee_changed", OF(TEAMMATE) | OF(RULE), OF(TEAMMATE)},
    [EVENT_UNASSIGN] = {"unassign", NULL, OF(TEAMMATE) | OF(RULE), OF(NOTHING)},
    [EVENT_ARCHIVE] = {"archive", "conversation_archived", OF(TEAMMATE) | OF(RULE), OF(NOTHING)},
    [EVENT_REOPEN] = {"reopen", "conversation_reopened", OF(TEAMMATE) | OF(RULE), OF(NOTHING)},
    [EVENT_TRASH] = {"trash", "conversation_deleted", OF(TEAMMATE) | OF(RULE), OF(NOTHING)},
    [EVENT_RESTORE] = {"restore", "conversation_restored", OF(TEAMMATE) | OF(RULE), OF(NOTHING)},
    [EVENT_COMMENT] = {"comment", "new_comment_added", OF(TEAMMATE), OF(COMMENT)},
    [EVENT_MENTION] = {"mention", NULL, OF(TEAMMATE), OF(COMMENT)},
    [EVENT_INBOUND] = {"inbound", "inbound_received", OF(INBOXES), OF(MESSAGE)},
    [EVENT_OUTBOUND] = {"outbound", "outbound_sent", OF(INBOXES), OF(MESSAGE)},
    [EVENT_OUT_REPLY] = {"out_reply", NULL, OF(INBOXES), OF(MESSAGE)},
    [EVENT_MOVE] = {"move", "conversation_moved", OF(TEAMMATE) | OF(RULE), OF(INBOXES)},
    [EVENT_FORWARD] = {"forward", NULL, OF(TEAMMATE) | OF(RULE), OF(MESSAGE)},
    [EVENT_TAG] = {"tag", "tag_added", OF(TEAMMATE) | OF(RULE), OF(TAG)},
    [EVENT_UNTAG] = {"untag", "tag_removed", OF(TEAMMATE) | OF(RULE), OF(TAG)},
    [EVENT_LINK_ADDED] = {"link_added", NULL, OF(TEAMMATE) | OF(RULE), OF(LINK)},
    [EVENT_LINK_REMOVED] = {"link_removed", NULL, OF(TEAMMATE) | OF(RULE), OF(LINK)},
    [EVENT_SENDING_ERROR] = {"sending_error", "message_delivery_failed", OF(RECIPIENT), OF(MESSAGE)},
    [EVENT_BOUNCE_ERROR] = {"message_bounce_error", NULL, OF(RECIPIENT), OF(MESSAGE)},
    [EVENT_REMINDER] = {"reminder", NULL, OF(NOTHING), OF(NOTHING)},
    [EVENT_MERGED] = {"conversations_merged", NULL, OF(TEAMMATE), OF(MERGED)},
};

static const struct kind_row {
    const char *name;
    enum event_kind kind;
    const char *prefix; /* of its ids; NULL: not checked */
} kinds[] = {
    {"teammate", EVENT_OF_TEAMMATE, "tea_"},
    {"rule", EVENT_OF_RULE, NULL},
    {"inboxes", EVENT_OF_INBOXES, NULL},
    {"inbox", EVENT_OF_INBOXES, NULL},
    {"recipient", EVENT_OF_RECIPIENT, NULL},
    {"message", EVENT_OF_MESSAGE, "msg_"},
    {"comment", EVENT_OF_COMMENT, "com_"},
    {"tag", EVENT_OF_TAG, NULL},
    {"link", EVENT_OF_LINK, NULL},
    {"deleted_conversation_ids", EVENT_OF_MERGED, NULL},
    {"api", EVENT_OF_PROGRAM, NULL},
    {"oauth_client", EVENT_OF_PROGRAM, NULL},
};
/* clang-format on */

const char *event_type_name(enum event_type t)
{
    return rows[t].name;
}

enum event_type event_type_parse(struct span name)
{
    for (unsigned t = EVENT_UNKNOWN + 1; t < EVENT_TYPE_N; t++)
        if (span_is(name, rows[t].name) || (rows[t].webhook && span_is(name, rows[t].webhook)))
            return (enum event_type)t;
    return EVENT_UNKNOWN;
}

struct span event_type_canonical(struct span name)
{
    enum event_type t = event_type_parse(name);

    return t == EVENT_UNKNOWN ? name : span_of(rows[t].name);
}

bool event_type_fits(enum event_type t, enum event_kind target)
{
    /* Nothing is demanded of a type that is not acted on by its target. */
    return t == EVENT_UNKNOWN || (rows[t].targets & OF(NOTHING)) || (rows[t].targets & (1u << target));
}

unsigned event_type_sources(enum event_type t)
{
    return rows[t].sources;
}

/* ---- Parts ---- */

static char *id_in_link(struct front_event *e, struct jval link)
{
    struct buf scratch;

    buf_init(&scratch, LINK_MAX_BYTES);
    struct span text = json_span(link, &scratch);
    char *id = span_strdup(front_id_of_link(text));
    e->foreign_link_n += json_type(link) == JSON_STRING && front_link_is_foreign(text);
    buf_fini(&scratch);
    return id;
}

static char *plain(struct jval v, size_t max_bytes)
{
    struct buf ignored;
    char *s = NULL;

    buf_init(&ignored, 256);
    if (message_take(v, "It", max_bytes, &s, &ignored) != OK)
        s = NULL;
    buf_fini(&ignored);
    return s;
}

static const struct kind_row *kind_of(const char *type)
{
    for (const struct kind_row *k = kinds; type && k < kinds + ARRAY_LEN(kinds); k++)
        if (strcmp(type, k->name) == 0)
            return k;
    return NULL;
}

/* The same id must stand in `id` and in the link: whoever names two things means neither. */
static void read_id(struct front_event *e, struct event_part *p, struct jval thing, const char *prefix)
{
    char *linked = id_in_link(e, json_path(thing, "_links.self"));

    p->id = plain(json_get(thing, "id"), EVENT_ID_MAX);
    if (p->id && linked && strcmp(p->id, linked) != 0)
        e->fault = "an id and its link disagree";
    if (p->id && prefix && strncmp(p->id, prefix, strlen(prefix)) != 0)
        e->fault = "an id is not of the type that it is said to be";
    if (!p->id && json_type(json_get(thing, "id")) == JSON_ABSENT && linked &&
        (!prefix || strncmp(linked, prefix, strlen(prefix)) == 0)) {
        p->id = linked;
        return;
    }
    free(linked);
}

/* Data of nothing but an id and links says no more than a preview. */
static bool is_slim(struct jval data)
{
    struct buf scratch;
    bool is_slim = json_type(data) == JSON_OBJECT;

    buf_init(&scratch, EVENT_TYPE_MAX);
    for (struct jval m = json_first(data); m.doc && is_slim; m = json_next(m)) {
        struct span key = json_key(m, &scratch);
        is_slim =
            span_is(key, "id") || span_is(key, "_links") || span_is(key, "type") || span_is(key, "_meta");
        buf_clear(&scratch);
    }
    buf_fini(&scratch);
    return is_slim;
}

static void read_part(struct front_event *e, struct event_part *p, struct jval part)
{
    struct jval data = json_get(part, "data");
    bool has_data = json_type(data) != JSON_ABSENT, is_full = has_data && !is_slim(data);

    if (json_type(part) != JSON_OBJECT)
        return;
    p->form = is_full ? EVENT_FULL : EVENT_PREVIEW;
    p->type = plain(json_path(part, "_meta.type"), EVENT_TYPE_MAX);
    if (!p->type)
        p->type = plain(json_get(part, "type"), EVENT_TYPE_MAX);
    const struct kind_row *k = kind_of(p->type);
    p->kind = k ? k->kind : EVENT_OF_ANOTHER;
    p->data = is_full ? data : (struct jval){0};
    if (!has_data || json_type(data) == JSON_OBJECT)
        read_id(e, p, has_data ? data : part, k ? k->prefix : NULL);
}

/* A conversation stands in the event itself: in full it has more than a preview's id, type and links. */
static void read_conversation(struct front_event *e, struct event_part *p, struct jval c)
{
    struct jval data = json_get(c, "data");

    if (json_type(c) != JSON_OBJECT)
        return;
    if (json_type(data) == JSON_OBJECT)
        c = data;
    bool is_full =
        json_type(json_get(c, "status")) != JSON_ABSENT || json_type(json_get(c, "subject")) != JSON_ABSENT;
    p->form = is_full ? EVENT_FULL : EVENT_PREVIEW;
    p->kind = EVENT_OF_ANOTHER;
    p->data = is_full ? c : (struct jval){0};
    read_id(e, p, c, "cnv_");
}

/* ---- The event ---- */

static bool is_digit36(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
}

/* The digits of evt_…, without leading zeros; absent if it is no such id. */
static struct span digits_of(struct span id)
{
    if (!span_starts(id, "evt_") || id.n == 4 || id.n > EVENT_ID_MAX)
        return SPAN_NONE;
    struct span d = {id.p + 4, id.n - 4};
    for (size_t i = 0; i < d.n; i++)
        if (!is_digit36(d.p[i]))
            return SPAN_NONE;
    while (d.n > 1 && d.p[0] == '0')
        d = (struct span){d.p + 1, d.n - 1};
    return d;
}

enum err event_id_compare(struct span a, struct span b, int *order)
{
    struct span x = digits_of(a), y = digits_of(b);

    if (!x.p || !y.p)
        return ERR_INVALID;
    /* In ASCII digits come before letters, as in base 36. */
    *order = x.n != y.n ? (x.n < y.n ? -1 : 1) : memcmp(x.p, y.p, x.n);
    return OK;
}

static enum err read_type(struct front_event *e, struct jval type, struct buf *why)
{
    char *given;
    enum err error = message_take(type, "The event's type", EVENT_TYPE_MAX, &given, why);

    if (error)
        return error;
    e->type = event_type_parse(span_of(given));
    e->type_name = span_strdup(event_type_canonical(span_of(given)));
    free(given);
    return OK;
}

static enum err read_head(struct front_event *e, struct jval event, struct buf *why)
{
    enum err error = read_type(e, json_get(event, "type"), why);

    if (!error)
        error = message_take(json_get(event, "id"), "The event's id", EVENT_ID_MAX, &e->id, why);
    if (!error && !span_starts(span_of(e->id), "evt_")) {
        buf_add_str(why, "The event's id does not begin with evt_.");
        error = ERR_INVALID;
    }
    if (!error && json_has(json_get(event, "emitted_at")) &&
        (json_millis(json_get(event, "emitted_at"), &e->emitted_at) != OK || e->emitted_at < 0)) {
        buf_add_str(why, "The event's emitted_at is not a time in Unix seconds.");
        error = ERR_INVALID;
    }
    return error;
}

static void check(struct front_event *e, struct jval event)
{
    char *linked = id_in_link(e, json_path(event, "_links.self"));

    if (linked && strcmp(linked, e->id) != 0)
        e->fault = "its id and its link disagree";
    if (e->target.form != EVENT_ABSENT && !event_type_fits(e->type, e->target.kind))
        e->fault = "its target is not of the kind that belongs to its type";
    free(linked);
}

enum err front_event_read(struct front_event *e, struct jval event, struct buf *why)
{
    *e = (struct front_event){0};
    if (json_type(event) != JSON_OBJECT) {
        buf_add_str(why, "The event is not an object.");
        return ERR_INVALID;
    }
    enum err error = read_head(e, event, why);
    if (error) {
        front_event_fini(e);
        return error;
    }
    read_part(e, &e->source, json_get(event, "source"));
    read_part(e, &e->target, json_get(event, "target"));
    read_conversation(e, &e->conversation, json_get(event, "conversation"));
    check(e, event);
    return OK;
}

static void part_fini(struct event_part *p)
{
    free(p->type);
    free(p->id);
}

void front_event_fini(struct front_event *e)
{
    part_fini(&e->source);
    part_fini(&e->target);
    part_fini(&e->conversation);
    free(e->type_name);
    free(e->id);
    *e = (struct front_event){0};
}

/* Ids of a kind in an array of strings or of objects; one thing alone counts as an array of it. */
static void visit_ids(struct jval list, const char *prefix, void (*visit)(struct span id, void *arg),
                      void *arg)
{
    bool is_array = json_type(list) == JSON_ARRAY;
    unsigned n = 0;

    for (struct jval v = is_array ? json_first(list) : list; v.doc && n < EVENT_MERGED_MAX;
         v = is_array ? json_next(v) : (struct jval){0}) {
        char *id = plain(json_type(v) == JSON_OBJECT ? json_get(v, "id") : v, EVENT_ID_MAX);
        if (id && span_starts(span_of(id), prefix)) {
            visit(span_of(id), arg);
            n++;
        }
        free(id);
    }
}

void front_event_merged(const struct front_event *e, void (*visit)(struct span id, void *arg), void *arg)
{
    if (e->target.kind == EVENT_OF_MERGED)
        visit_ids(e->target.data, "cnv_", visit, arg);
}

void front_event_inboxes(const struct front_event *e, void (*visit)(struct span id, void *arg), void *arg)
{
    if (e->source.kind != EVENT_OF_INBOXES)
        return;
    if (e->source.form == EVENT_FULL)
        visit_ids(e->source.data, "inb_", visit, arg);
    else if (e->source.id)
        visit(span_of(e->source.id), arg);
}
