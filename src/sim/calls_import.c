/*
 * Messages that another system had before: outbound_messages of an application channel, and history that is
 * imported into an inbox. Refuses to know how they thread (account.c).
 *
 * Of imports Front says that no two have the same external id; what it answers to the second it does not
 * say: here it is the first one's answer. Whether inbound_messages and outbound_messages are deduplicated is
 * nowhere said either: they are if "dedupe" is set.
 */
#include "base/mem.h"
#include "sim/calls.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HANDLE_MAX = 512, EXTERNAL_ID_MAX = 200, THREAD_REF_MAX = 4096 };

/* ---- People ---- */

static struct sim_person *add_person(struct sim_fields *f, struct sim_message *m, const char *field)
{
    if (m->to_n == SIM_RECIPIENTS_MAX) {
        sim_mistake(f, field, "too many recipients");
        return NULL;
    }
    m->to = mem_realloc(m->to, (m->to_n + 1) * sizeof *m->to);
    struct sim_person *p = &m->to[m->to_n++];
    *p = (struct sim_person){0};
    return p;
}

/* to of outbound_messages: [{"handle","name"?,"email"?}]. */
static void take_people(struct sim_fields *f, struct sim_message *m)
{
    struct jval to = sim_take(f, "to", JSON_ARRAY, SIM_REQUIRED);
    if (json_has(to) && !json_len(to))
        sim_mistake(f, "to", "should not be empty");
    for (struct jval e = json_first(to); e.doc; e = json_next(e)) {
        struct sim_person *p = add_person(f, m, "to");
        if (!p)
            return;
        char shown[48];
        snprintf(shown, sizeof shown, "to[%u].handle", m->to_n - 1);
        p->handle = sim_take_text_of(f, e, "handle", shown, HANDLE_MAX, SIM_REQUIRED);
        snprintf(shown, sizeof shown, "to[%u].name", m->to_n - 1);
        p->name = sim_take_text_of(f, e, "name", shown, HANDLE_MAX, SIM_OPTIONAL);
        snprintf(shown, sizeof shown, "to[%u].email", m->to_n - 1);
        p->email = sim_take_text_of(f, e, "email", shown, HANDLE_MAX, SIM_OPTIONAL);
    }
}

/* to, cc and bcc of imported_messages: arrays of handles. */
static void take_handles(struct sim_fields *f, struct sim_message *m, const char *role, enum sim_need need)
{
    struct jval list = sim_take(f, role, JSON_ARRAY, need);
    if (json_has(list) && !json_len(list) && need == SIM_REQUIRED)
        sim_mistake(f, role, "should not be empty");
    for (struct jval e = json_first(list); e.doc; e = json_next(e)) {
        struct sim_person *p = add_person(f, m, role);
        if (!p)
            return;
        p->role = role;
        p->handle = json_dup(e, HANDLE_MAX);
        if (!p->handle || !*p->handle)
            sim_mistake(f, role, "should be an array of handles");
    }
}

/* A teammate by id or by alias: the account knows no others. */
static void take_author(struct sim_fields *f, struct sim_message *m, const char *field)
{
    char *id = sim_take_text(f, field, 200, SIM_OPTIONAL);
    struct span text = span_of(id);
    if (id && span_starts(text, "alt:email:") && text.n > 10) {
        m->author.email = mem_strdup(id + 10);
        m->author.handle = mem_strndup(id + 10, strcspn(id + 10, "@"));
    } else if (id && span_starts(text, "tea_")) {
        m->author.handle = mem_strdup(id);
    } else if (id) {
        sim_mistake(f, field, "should be the ID of a teammate");
    }
    free(id);
}

/* ---- Once only ---- */

static void accept_again(struct sim_call *c, const struct sim_message *first, struct sim_message *again)
{
    sim_call_answer_accepted(c, first);
    sim_message_free(again);
}

void sim_call_accept_once(struct sim_call *c, struct sim_message *m, const char *scope, bool is_once)
{
    const struct sim_message *first =
        is_once ? sim_account_external(&c->sim->account, scope, span_of(m->external_id)) : NULL;
    if (first) {
        accept_again(c, first, m);
        return;
    }
    sim_account_external_is(&c->sim->account, scope, m->external_id, m);
    sim_call_accept(c, m);
}

/* ---- outbound_messages ---- */

void sim_call_take_external(struct sim_fields *f, struct sim_message *m)
{
    m->external_id = sim_take_text(f, "metadata.external_id", EXTERNAL_ID_MAX, SIM_REQUIRED);
    m->external_conversation_id =
        sim_take_text(f, "metadata.external_conversation_id", EXTERNAL_ID_MAX, SIM_REQUIRED);
    m->referenced =
        sim_take_text(f, "metadata.referenced_message_external_id", EXTERNAL_ID_MAX, SIM_OPTIONAL);
    int64_t at_s = sim_take_number(f, "delivered_at", SIM_SECONDS_MAX, SIM_OPTIONAL);
    if (at_s)
        m->created_at = at_s * SECOND_MS;
}

void sim_call_outbound(struct sim_call *c)
{
    struct sim_channel *channel = sim_call_channel_of_kind(c, CHANNEL_APPLICATION);
    struct sim_fields f;
    if (!channel)
        return;
    struct sim_message *m = sim_message_new(channel, clock_wall_ms());
    m->state = SIM_SENT;
    sim_fields_open(&f, c);
    take_people(&f, m);
    take_author(&f, m, "author_id");
    m->sender_name = sim_take_text(&f, "sender_name", HANDLE_MAX, SIM_OPTIONAL);
    m->subject = sim_take_text(&f, "subject", 1024, SIM_OPTIONAL);
    sim_call_take_body(&f, true, m);
    sim_call_take_external(&f, m);
    if (sim_fields_close(&f, c))
        sim_call_accept_once(c, m, channel->id, c->sim->dedupes);
    else
        sim_message_free(m);
}

/* ---- imported_messages ---- */

static void take_place(struct sim_fields *f, const struct sim_account *a, struct sim_message *m)
{
    m->thread_ref = sim_take_text(f, "metadata.thread_ref", THREAD_REF_MAX, SIM_OPTIONAL);
    m->into = sim_take_text(f, "conversation_id", 64, SIM_OPTIONAL);
    if (!m->into)
        return;
    if (!sim_conversation_find(a, span_of(m->into)))
        sim_mistake(f, "conversation_id", "unknown conversation");
    free(m->thread_ref); /* it counts for nothing beside a conversation */
    m->thread_ref = NULL;
}

static void take_format(struct sim_fields *f, struct sim_message *m)
{
    static const char *const types[] = {"email", "sms", "intercom", "custom"};
    static const char *const formats[] = {"html", "markdown"};
    const char *type = sim_take_choice(f, "type", types, ARRAY_LEN(types), SIM_OPTIONAL);
    const char *format = sim_take_choice(f, "body_format", formats, ARRAY_LEN(formats), SIM_OPTIONAL);
    m->type = type ? type : "email";
    if (format && strcmp(m->type, "email") != 0)
        sim_mistake(f, "body_format", "only allowed for the type email");
    sim_call_take_body(f, format && !strcmp(format, "html"), m);
}

static char *copy(const char *text)
{
    return text ? mem_strdup(text) : NULL;
}

static void take_sender(struct sim_fields *f, struct sim_message *m)
{
    m->sender.handle = sim_take_text(f, "sender.handle", HANDLE_MAX, SIM_REQUIRED);
    m->sender.name = sim_take_text(f, "sender.name", HANDLE_MAX, SIM_OPTIONAL);
    if (m->state == SIM_SENT) {
        take_author(f, m, "sender.author_id"); /* ignored if the message is inbound */
        return;
    }
    m->author.handle = copy(m->sender.handle);
    m->author.name = copy(m->sender.name);
}

static void take_history(struct sim_fields *f, const struct sim_account *a, struct sim_message *m)
{
    bool is_inbound = sim_take_bool(f, "metadata.is_inbound", true, SIM_REQUIRED);
    m->state = is_inbound ? SIM_RECEIVED : SIM_SENT;
    m->is_import = true;
    m->is_archived = sim_take_bool(f, "metadata.is_archived", true, SIM_OPTIONAL);
    m->skips_rules = sim_take_bool(f, "metadata.should_skip_rules", true, SIM_OPTIONAL);
    m->created_at = sim_take_number(f, "created_at", SIM_SECONDS_MAX, SIM_REQUIRED) * SECOND_MS;
    m->external_id = sim_take_text(f, "external_id", THREAD_REF_MAX, SIM_REQUIRED);
    m->subject = sim_take_text(f, "subject", 1024, SIM_OPTIONAL);
    take_sender(f, m);
    take_handles(f, m, "to", SIM_REQUIRED);
    take_handles(f, m, "cc", SIM_OPTIONAL);
    take_handles(f, m, "bcc", SIM_OPTIONAL);
    take_format(f, m);
    take_place(f, a, m);
}

void sim_call_import(struct sim_call *c)
{
    struct sim_inbox *inbox = sim_inbox_find(&c->sim->account, sim_call_segment(c, 1));
    struct sim_fields f;
    if (!inbox) {
        sim_call_refuse(c, 404, "Unknown inbox", SPAN_NONE);
        return;
    }
    if (!sim_call_has_room(c))
        return;
    struct sim_message *m = sim_message_new(inbox->none, clock_wall_ms());
    sim_fields_open(&f, c);
    take_history(&f, &c->sim->account, m);
    if (sim_fields_close(&f, c))
        sim_call_accept_once(c, m, "imports", true);
    else
        sim_message_free(m);
}
