/*
 * Decides what a type of event does to a conversation, and what its source and target are made of.
 * Refuses to know how an event is written or sent. Invariant: an event whose effect cannot happen is not
 * emitted.
 */
#include "sim/act.h"
#include "base/mem.h"
#include "sim/conversation.h"
#include "sim/emit.h"
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 500, ID_MAX_BYTES = 64, MERGE_MAX = 64 };

struct act {
    struct sim *sim;
    struct jval spec;
    char *type;
    struct sim_conversation *conversation;
    struct sim_message *message; /* NULL: none was named */
    const struct sim_comment *comment;
    const struct sim_inbox *inbox;
    struct sim_person teammate, assignee;
    char *rule, *tag, *link, *field, *text;
};

/* ---- Reading ---- */

static char *text_or(struct jval v, const char *fallback)
{
    char *text = json_dup(v, NAME_MAX_BYTES);
    return text ? text : mem_strdup(fallback);
}

static struct sim_person read_person(struct jval v, const char *name, const char *email)
{
    struct sim_person p = {.name = text_or(json_get(v, "name"), name),
                           .email = text_or(json_get(v, "email"), email)};
    p.handle = mem_strndup(p.email, strcspn(p.email, "@"));
    return p;
}

static void person_fini(struct sim_person *p)
{
    free(p->handle);
    free(p->name);
    free(p->email);
}

static void find_place(struct act *a)
{
    char *message = json_dup(json_get(a->spec, "message"), ID_MAX_BYTES);
    char *conversation = json_dup(json_get(a->spec, "conversation"), ID_MAX_BYTES);
    char *inbox = json_dup(json_get(a->spec, "inbox"), ID_MAX_BYTES);
    a->message = sim_message_find(&a->sim->account, span_of(message));
    a->conversation = a->message ? a->message->conversation
                                 : sim_conversation_find(&a->sim->account, span_of(conversation));
    a->inbox = sim_inbox_find(&a->sim->account, span_of(inbox));
    free(message);
    free(conversation);
    free(inbox);
}

static void act_init(struct act *a, struct sim *s, struct jval spec)
{
    *a = (struct act){.sim = s, .spec = spec};
    a->type = json_dup(json_get(spec, "type"), SIM_EVENT_TYPE_MAX);
    a->teammate = read_person(json_get(spec, "teammate"), "Grace Hopper", "grace@example.com");
    a->assignee = read_person(json_get(spec, "assignee"), "Alan Turing", "alan@example.com");
    a->rule = text_or(json_get(spec, "rule"), "Round robin");
    a->tag = text_or(json_get(spec, "tag"), "urgent");
    a->link = text_or(json_get(spec, "link"), "https://example.com/ticket/1");
    a->field = text_or(json_get(spec, "field"), "Priority");
    a->text = text_or(json_get(spec, "text"), "A thing to know");
    find_place(a);
}

static void act_fini(struct act *a)
{
    char *owned[] = {a->type, a->rule, a->tag, a->link, a->field, a->text};
    for (size_t i = 0; i < ARRAY_LEN(owned); i++)
        free(owned[i]);
    person_fini(&a->teammate);
    person_fini(&a->assignee);
}

/* ---- Effects: NULL, or why not ---- */

static const char *assign(struct act *a)
{
    sim_conversation_assign(a->conversation, &a->assignee);
    return NULL;
}

static const char *unassign(struct act *a)
{
    sim_conversation_assign(a->conversation, NULL);
    return NULL;
}

static const char *archive(struct act *a)
{
    a->conversation->status = "archived";
    return NULL;
}

static const char *reopen(struct act *a)
{
    a->conversation->status = "open";
    return NULL;
}

static const char *trash(struct act *a)
{
    a->conversation->status = "deleted";
    return NULL;
}

static const char *comment(struct act *a)
{
    a->comment = sim_conversation_comment(&a->sim->account, a->conversation, a->text, a->teammate.name,
                                          clock_wall_ms());
    return NULL;
}

static const char *tag(struct act *a)
{
    sim_conversation_tag(a->conversation, a->tag, true);
    return NULL;
}

static const char *untag(struct act *a)
{
    sim_conversation_tag(a->conversation, a->tag, false);
    return NULL;
}

static const char *link_to(struct act *a)
{
    sim_conversation_link(a->conversation, a->link, true);
    return NULL;
}

static const char *unlink_from(struct act *a)
{
    sim_conversation_link(a->conversation, a->link, false);
    return NULL;
}

static const char *move(struct act *a)
{
    if (!a->inbox)
        return "inbox is the id of the inbox to which it moves";
    a->conversation->inbox = sim_inbox_find(&a->sim->account, span_of(a->inbox->id));
    return NULL;
}

static const char *find_message(struct act *a, bool is_inbound)
{
    for (unsigned i = a->conversation->message_n; i > 0 && !a->message; i--)
        if ((a->conversation->message[i - 1]->state == SIM_RECEIVED) == is_inbound)
            a->message = a->conversation->message[i - 1];
    return a->message ? NULL : "The conversation has no such message";
}

static const char *inbound(struct act *a)
{
    return find_message(a, true);
}

static const char *outbound(struct act *a)
{
    return find_message(a, false);
}

static const char *fail(struct act *a)
{
    const char *why = find_message(a, false);
    if (!why && a->message->state == SIM_SENT)
        sim_account_failed(a->message, json_has(json_get(a->spec, "text")) ? a->text : NULL, clock_wall_ms());
    return why;
}

static const char *refuse_merge(struct act *a)
{
    return json_has(json_get(a->spec, "target")) ? NULL : "POST /sim/merge merges conversations";
}

static const struct {
    const char *type;
    const char *(*happen)(struct act *a);
} effects[] = {
    {"assign", assign},
    {"unassign", unassign},
    {"archive", archive},
    {"reopen", reopen},
    {"trash", trash},
    {"restore", reopen},
    {"comment", comment},
    {"mention", comment},
    {"inbound", inbound},
    {"outbound", outbound},
    {"out_reply", outbound},
    {"forward", inbound},
    {"move", move},
    {"tag", tag},
    {"untag", untag},
    {"link_added", link_to},
    {"link_removed", unlink_from},
    {"sending_error", fail},
    {"message_bounce_error", fail},
    {"reminder", reopen},
    {"conversations_merged", refuse_merge},
};

static const char *happen(struct act *a)
{
    if (!a->type || !*a->type)
        return "type is missing";
    if (!a->conversation)
        return "conversation, or message, is the id of one that is there";
    for (size_t i = 0; i < ARRAY_LEN(effects); i++)
        if (!strcmp(effects[i].type, a->type))
            return effects[i].happen(a);
    return NULL;
}

/* ---- Parts ---- */

static struct sim_part teammate_part(const struct act *a, bool is_source)
{
    return sim_part_teammate(is_source ? &a->teammate : &a->assignee);
}

static struct sim_part rule_part(const struct act *a, bool is_source)
{
    (void)is_source;
    return sim_part_rule(a->rule);
}

static struct sim_part inbox_part(const struct act *a, bool is_source)
{
    return sim_part_inbox(a->inbox && !is_source ? a->inbox : a->conversation->inbox);
}

static struct sim_part message_part(const struct act *a, bool is_source)
{
    const struct sim_conversation *c = a->conversation;
    const struct sim_message *m = a->message     ? a->message
                                  : c->message_n ? c->message[c->message_n - 1]
                                                 : NULL;
    (void)is_source;
    return m ? sim_part_message(m) : sim_part_plain("message");
}

static struct sim_part recipient_part(const struct act *a, bool is_source)
{
    struct jval named = json_get(a->spec, "recipient");
    const struct sim_person *p = a->message && a->message->to_n ? &a->message->to[0] : NULL;
    (void)is_source;
    for (unsigned i = 0; a->message && i < a->message->to_n; i++)
        if (json_is(named, a->message->to[i].handle))
            p = &a->message->to[i];
    return sim_part_recipient(p);
}

static struct sim_part comment_part(const struct act *a, bool is_source)
{
    const struct sim_conversation *c = a->conversation;
    const struct sim_comment *found = a->comment     ? a->comment
                                      : c->comment_n ? &c->comment[c->comment_n - 1]
                                                     : NULL;
    (void)is_source;
    return found ? sim_part_comment(c, found) : sim_part_plain("comment");
}

static struct sim_part tag_part(const struct act *a, bool is_source)
{
    (void)is_source;
    return sim_part_tag(a->tag);
}

static struct sim_part link_part(const struct act *a, bool is_source)
{
    (void)is_source;
    return sim_part_link(a->link);
}

static struct sim_part field_part(const struct act *a, bool is_source)
{
    (void)is_source;
    return sim_part_field(a->field);
}

static const struct {
    const char *kind;
    struct sim_part (*make)(const struct act *a, bool is_source);
} kinds[] = {
    {"teammate", teammate_part}, {"rule", rule_part},           {"inboxes", inbox_part},
    {"message", message_part},   {"recipient", recipient_part}, {"comment", comment_part},
    {"tag", tag_part},           {"link", link_part},           {"custom_field", field_part},
};

static struct sim_part part_of_kind(const struct act *a, const char *kind, bool is_source)
{
    if (!kind || !strcmp(kind, "none"))
        return (struct sim_part){0};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (!strcmp(kinds[i].kind, kind))
            return kinds[i].make(a, is_source);
    return sim_part_plain(kind);
}

static struct sim_part part_as_given(struct jval given)
{
    char *kind = json_dup(json_get(given, "type"), SIM_PART_ID_MAX);
    char *id = json_dup(json_get(given, "id"), SIM_PART_ID_MAX);
    struct jval data = json_get(given, "data");
    struct sim_part p = sim_part_raw(kind ? kind : "unknown", id ? id : "",
                                     json_type(data) == JSON_ABSENT ? SPAN_NONE : json_raw(data));
    free(kind);
    free(id);
    return p;
}

static struct sim_part make_part(const struct act *a, struct jval given, const char *kind, bool is_source)
{
    if (json_type(given) == JSON_OBJECT)
        return part_as_given(given);
    char *named = json_dup(given, SIM_PART_ID_MAX);
    struct sim_part p = part_of_kind(a, named ? named : kind, is_source);
    free(named);
    return p;
}

/* ---- The event ---- */

static bool take_time(struct jval v, wall_ms_t *out)
{
    return !json_has(v) || (json_millis(v, out) == OK && *out > 0);
}

static struct sim_event *emit(struct act *a, const char **why)
{
    const struct sim_event_type *type = sim_event_type_find(a->type);
    struct sim_event draft = {.type = mem_strdup(a->type), .conversation = a->conversation};
    draft.source = make_part(a, json_get(a->spec, "source"), type ? type->source : NULL, true);
    draft.target = make_part(a, json_get(a->spec, "target"), type ? type->target : NULL, false);
    draft.created_at = draft.target.message ? draft.target.message->created_at : 0;
    if (!take_time(json_get(a->spec, "created_at"), &draft.created_at) ||
        !take_time(json_get(a->spec, "emitted_at"), &draft.emitted_at)) {
        *why = "emitted_at and created_at are seconds with up to three decimals";
        sim_part_fini(&draft.source);
        sim_part_fini(&draft.target);
        free(draft.type);
        return NULL;
    }
    struct sim_event *e = sim_write(a->sim, &draft);
    if (!e)
        *why = "The simulator is full: POST /sim/reset";
    sim_changed(a->sim, a->conversation);
    return e;
}

struct sim_event *sim_act(struct sim *s, struct jval spec, const char **why)
{
    struct act a;
    act_init(&a, s, spec);
    *why = happen(&a);
    struct sim_event *e = *why ? NULL : emit(&a, why);
    act_fini(&a);
    return e;
}

/* ---- Merging ---- */

static const char *read_merge(struct act *a, struct sim_conversation *from[MERGE_MAX], unsigned *n)
{
    const struct sim_account *account = &a->sim->account;
    char *into = json_dup(json_get(a->spec, "into"), ID_MAX_BYTES);
    a->conversation = sim_conversation_find(account, span_of(into));
    free(into);
    for (struct jval e = json_first(json_get(a->spec, "from")); e.doc && *n < MERGE_MAX; e = json_next(e)) {
        char *id = json_dup(e, ID_MAX_BYTES);
        struct sim_conversation *c = sim_conversation_find(account, span_of(id));
        free(id);
        if (!c || c == a->conversation)
            return "from names conversations that are there, and others than into";
        from[(*n)++] = c;
    }
    return a->conversation && *n ? NULL : "A merge needs into, a conversation's id, and from, some others";
}

static struct sim_event *merge(struct act *a, const char **why)
{
    struct sim_conversation *from[MERGE_MAX];
    unsigned n = 0;
    *why = read_merge(a, from, &n);
    for (unsigned i = 0; i < n && !*why; i++)
        if (sim_conversation_merge(&a->sim->account, a->conversation, from[i], clock_wall_ms()) != OK)
            *why = "A conversation is merged once only";
    if (*why)
        return NULL;
    struct sim_event draft = {.type = mem_strdup("conversations_merged"), .conversation = a->conversation};
    draft.source = sim_part_teammate(&a->teammate);
    draft.target = sim_part_deleted(from, n, json_is(json_get(a->spec, "deleted_as"), "objects"));
    struct sim_event *e = sim_write(a->sim, &draft);
    *why = e ? NULL : "The simulator is full: POST /sim/reset";
    sim_changed(a->sim, a->conversation);
    return e;
}

struct sim_event *sim_act_merge(struct sim *s, struct jval spec, const char **why)
{
    struct act a;
    act_init(&a, s, spec);
    struct sim_event *e = merge(&a, why);
    act_fini(&a);
    return e;
}
