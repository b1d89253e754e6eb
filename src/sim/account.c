/*
 * Decides which conversation a message belongs to. Refuses to know how it came or where it goes.
 * Invariant: a message is in exactly one conversation, and in by_id and by_uid, from the moment the account
 * owns it.
 */
#include "sim/account.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "sim/markup.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sim_account_init(struct sim_account *a, const char *company, wall_ms_t now)
{
    struct sim_inbox *inbox;
    *a = (struct sim_account){.company = mem_strdup(company), .sequence = (uint64_t)now};
    sim_files_init(&a->files);
    sim_event_log_init(&a->events, (uint64_t)now);
    must(sim_inbox_add(a, SPAN_LIT("inb_1"), "Inbox", &inbox) == OK);
}

void sim_account_id(struct sim_account *a, const char *prefix, char out[SIM_ID_BYTES])
{
    char digits[16];
    size_t n = 0, at = strlen(prefix);
    for (uint64_t v = ++a->sequence; v; v /= 36)
        digits[n++] = "0123456789abcdefghijklmnopqrstuvwxyz"[v % 36];
    must(at + n < SIM_ID_BYTES);
    memcpy(out, prefix, at);
    while (n)
        out[at++] = digits[--n];
    out[at] = '\0';
}

static void new_uid(char out[33])
{
    uint8_t raw[16];
    crypto_random(raw, sizeof raw);
    for (size_t i = 0; i < sizeof raw; i++) {
        out[2 * i] = "0123456789abcdef"[raw[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[raw[i] & 15];
    }
    out[32] = '\0';
}

static void person_fini(struct sim_person *p)
{
    free(p->handle);
    free(p->name);
    free(p->email);
}

struct sim_message *sim_message_new(struct sim_channel *c, wall_ms_t now)
{
    struct sim_message *m = mem_zalloc(sizeof *m);
    m->channel = c;
    m->created_at = now;
    m->version = 1;
    m->took_ms = -1;
    new_uid(m->uid);
    return m;
}

void sim_message_free(struct sim_message *m)
{
    if (!m)
        return;
    for (unsigned i = 0; i < m->to_n; i++)
        person_fini(&m->to[i]);
    free(m->to);
    for (unsigned i = 0; i < m->file_n; i++)
        sim_file_free(m->file[i]);
    free(m->file);
    person_fini(&m->author);
    person_fini(&m->sender);
    free(m->seen);
    char *owned[] = {m->into,
                     m->referenced,
                     m->sender_name,
                     m->subject,
                     m->text,
                     m->html,
                     m->thread_ref,
                     m->headers,
                     m->external_id,
                     m->error_type,
                     m->external_conversation_id,
                     m->error_hint,
                     m->error_message};
    for (size_t i = 0; i < ARRAY_LEN(owned); i++)
        free(owned[i]);
    free(m);
}

const char *sim_message_type(const struct sim_message *m)
{
    return m->type ? m->type : m->channel->type ? m->channel->type : "custom";
}

void sim_message_attach(struct sim_message *m, struct sim_file *f)
{
    m->file = mem_realloc(m->file, (m->file_n + 1) * sizeof(struct sim_file *));
    m->file[m->file_n++] = f;
    f->message = m;
}

void sim_message_text(struct sim_message *m, struct span text)
{
    free(m->text);
    free(m->html);
    m->text = mem_strndup(text.p ? text.p : "", text.n);
    m->html = sim_html_of_text(text);
}

void sim_message_html(struct sim_message *m, struct span html)
{
    free(m->text);
    free(m->html);
    m->html = mem_strndup(html.p ? html.p : "", html.n);
    m->text = sim_text_of_html(html);
}

static void conversation_free(struct sim_conversation *c)
{
    for (unsigned i = 0; i < c->message_n; i++)
        sim_message_free(c->message[i]);
    for (unsigned i = 0; i < c->comment_n; i++) {
        free(c->comment[i].body);
        free(c->comment[i].author);
    }
    for (unsigned i = 0; i < c->external_n; i++)
        free(c->external[i]);
    for (unsigned i = 0; i < c->tag_n; i++)
        free(c->tag[i]);
    for (unsigned i = 0; i < c->link_n; i++)
        free(c->link[i]);
    free(c->tag);
    free(c->link);
    person_fini(&c->assignee);
    person_fini(&c->customer);
    free(c->subject);
    free(c->message);
    free(c->comment);
    free(c->external);
    free(c);
}

void sim_account_clear(struct sim_account *a)
{
    sim_event_log_clear(&a->events);
    for (unsigned i = 0; i < a->conversation_n; i++)
        conversation_free(a->conversation[i]);
    free(a->conversation);
    a->conversation = NULL;
    a->conversation_n = a->conversation_cap = a->message_n = 0;
    sim_index_fini(&a->by_id);
    sim_index_fini(&a->by_uid);
    sim_index_fini(&a->by_thread);
}

static void channel_free(struct sim_channel *c)
{
    char *owned[] = {c->name, c->address, c->webhook_url, c->secret, c->type};
    for (size_t k = 0; k < ARRAY_LEN(owned); k++)
        free(owned[k]);
    free(c);
}

void sim_account_fini(struct sim_account *a)
{
    sim_account_clear(a);
    for (unsigned i = 0; i < a->channel_n; i++)
        channel_free(a->channel[i]);
    free(a->channel);
    for (unsigned i = 0; i < a->inbox_n; i++) {
        channel_free(a->inbox[i]->none);
        free(a->inbox[i]->name);
        free(a->inbox[i]);
    }
    free(a->inbox);
    sim_files_fini(&a->files);
    free(a->company);
}

/* ---- Finding ---- */

struct sim_inbox *sim_inbox_find(const struct sim_account *a, struct span id)
{
    for (unsigned i = 0; i < a->inbox_n; i++)
        if (span_is(id, a->inbox[i]->id))
            return a->inbox[i];
    return NULL;
}

struct sim_channel *sim_channel_find(const struct sim_account *a, struct span id)
{
    for (unsigned i = 0; i < a->channel_n; i++)
        if (span_is(id, a->channel[i]->id))
            return a->channel[i];
    return NULL;
}

struct sim_conversation *sim_conversation_named(const struct sim_account *a, struct span id)
{
    return span_starts(id, "cnv_") ? sim_index_get(&a->by_id, id) : NULL;
}

struct sim_conversation *sim_conversation_now(struct sim_conversation *c)
{
    while (c && c->merged_into)
        c = c->merged_into;
    return c;
}

struct sim_conversation *sim_conversation_find(const struct sim_account *a, struct span id)
{
    return sim_conversation_now(sim_conversation_named(a, id));
}

struct sim_message *sim_message_find(const struct sim_account *a, struct span id)
{
    if (span_starts(id, "alt:uid:"))
        return sim_index_get(&a->by_uid, (struct span){id.p + 8, id.n - 8});
    return span_starts(id, "msg_") ? sim_index_get(&a->by_id, id) : NULL;
}

/* Its id has a blank, as no other has: what threads within it meets nothing else. */
static struct sim_channel *no_channel(struct sim_inbox *inbox)
{
    struct sim_channel *c = mem_zalloc(sizeof *c);
    snprintf(c->id, sizeof c->id, "- %.60s", inbox->id);
    c->inbox = inbox;
    c->name = mem_strdup("");
    c->address = mem_strdup("");
    return c;
}

enum err sim_inbox_add(struct sim_account *a, struct span id, const char *name, struct sim_inbox **out)
{
    struct sim_inbox *inbox = sim_inbox_find(a, id);
    if (!inbox) {
        if (a->inbox_n == SIM_INBOXES_MAX)
            return ERR_FULL;
        inbox = mem_zalloc(sizeof *inbox);
        if (!id.n || id.n >= sizeof inbox->id) {
            free(inbox);
            return ERR_LIMIT;
        }
        memcpy(inbox->id, id.p, id.n);
        inbox->none = no_channel(inbox);
        a->inbox = mem_realloc(a->inbox, (a->inbox_n + 1) * sizeof *a->inbox);
        a->inbox[a->inbox_n++] = inbox;
    }
    if (name || !inbox->name) {
        free(inbox->name);
        inbox->name = mem_strdup(name ? name : inbox->id);
    }
    *out = inbox;
    return OK;
}

enum err sim_channel_add(struct sim_account *a, const struct sim_channel_spec *spec, struct sim_channel **out)
{
    if (a->channel_n == SIM_CHANNELS_MAX)
        return ERR_FULL;
    if (spec->id && sim_channel_find(a, span_of(spec->id)))
        return ERR_CONFLICT;
    struct sim_channel *c = mem_zalloc(sizeof *c);
    if (spec->id && strlen(spec->id) >= sizeof c->id) {
        free(c);
        return ERR_LIMIT;
    }
    if (spec->id)
        memcpy(c->id, spec->id, strlen(spec->id) + 1);
    else
        sim_account_id(a, "cha_", c->id);
    c->kind = spec->kind;
    c->inbox = spec->inbox ? spec->inbox : a->inbox[0];
    c->can_all_reply = true;
    c->name = mem_strdup(spec->name ? spec->name : c->id);
    c->address = mem_strdup(spec->address ? spec->address : c->id);
    c->webhook_url = spec->webhook_url ? mem_strdup(spec->webhook_url) : NULL;
    c->secret = spec->secret ? mem_strdup(spec->secret) : NULL;
    a->channel = mem_realloc(a->channel, (a->channel_n + 1) * sizeof *a->channel);
    a->channel[a->channel_n++] = c;
    *out = c;
    return OK;
}

/* ---- Threads ---- */

/* The kinds of keys cannot meet: 'r' thread_ref, 's' sender, 'x' external id; a channel id has no blank. */
static void thread_key(struct buf *out, char kind, const struct sim_channel *c, const char *key)
{
    buf_init(out, 16384);
    buf_addf(out, "%c %s ", kind, c->id);
    buf_add_str(out, key);
}

static struct sim_conversation *thread_get(const struct sim_account *a, char kind,
                                           const struct sim_channel *c, const char *key)
{
    struct buf b;
    thread_key(&b, kind, c, key);
    struct sim_conversation *found = sim_index_get(&a->by_thread, buf_span(&b));
    buf_fini(&b);
    return found;
}

static void thread_put(struct sim_account *a, char kind, struct sim_conversation *conversation,
                       const char *key)
{
    struct buf b;
    thread_key(&b, kind, conversation->channel, key);
    sim_index_put(&a->by_thread, buf_span(&b), conversation);
    buf_fini(&b);
}

static void external_add(struct sim_account *a, struct sim_conversation *c, const char *id)
{
    c->external = mem_realloc(c->external, (c->external_n + 1) * sizeof *c->external);
    c->external[c->external_n++] = mem_strdup(id);
    thread_put(a, 'x', c, id);
}

static const struct sim_person *customer_of(const struct sim_message *m)
{
    return m->state == SIM_RECEIVED ? &m->author : &m->to[0];
}

static struct sim_conversation *conversation_new(struct sim_account *a, struct sim_message *m, wall_ms_t now)
{
    struct sim_conversation *c = mem_zalloc(sizeof *c);
    sim_account_id(a, "cnv_", c->id);
    bool is_inbound = m->state == SIM_RECEIVED;
    const struct sim_person *customer = customer_of(m);
    c->channel = m->channel;
    c->inbox = m->channel->inbox;
    c->customer.handle = mem_strdup(customer->handle);
    c->customer.name = customer->name ? mem_strdup(customer->name) : NULL;
    c->subject = m->subject ? mem_strdup(m->subject) : NULL;
    c->status = "open";
    c->is_begun_by_agent = !is_inbound;
    c->created_at = now;
    if (a->conversation_n == a->conversation_cap) {
        a->conversation_cap = a->conversation_cap ? 2 * a->conversation_cap : 64;
        a->conversation = mem_realloc(a->conversation, a->conversation_cap * sizeof *a->conversation);
    }
    a->conversation[a->conversation_n++] = c;
    sim_index_put(&a->by_id, span_of(c->id), c);
    return c;
}

static void append(struct sim_conversation *c, struct sim_message *m, wall_ms_t now)
{
    if (c->message_n == c->message_cap) {
        c->message_cap = c->message_cap ? 2 * c->message_cap : 8;
        c->message = mem_realloc(c->message, c->message_cap * sizeof(struct sim_message *));
    }
    unsigned at = c->message_n++;
    for (; at && c->message[at - 1]->created_at > m->created_at; at--)
        c->message[at] = c->message[at - 1];
    c->message[at] = m;
    c->updated_at = now;
    m->conversation = c;
}

static void own(struct sim_account *a, struct sim_message *m)
{
    sim_account_id(a, "msg_", m->id);
    sim_index_put(&a->by_id, span_of(m->id), m);
    sim_index_put(&a->by_uid, span_of(m->uid), m);
    a->message_n++;
}

static struct sim_conversation *thread_custom(struct sim_account *a, struct sim_message *m, wall_ms_t now)
{
    char kind = m->thread_ref ? 'r' : 's';
    const char *key = m->thread_ref ? m->thread_ref : customer_of(m)->handle;
    struct sim_conversation *c = thread_get(a, kind, m->channel, key);
    if (!c) {
        c = conversation_new(a, m, now);
        thread_put(a, kind, c, key);
    }
    return c;
}

static struct sim_conversation *thread_application(struct sim_account *a, struct sim_message *m,
                                                   wall_ms_t now)
{
    struct sim_conversation *c = thread_get(a, 'x', m->channel, m->external_conversation_id);
    if (!c) {
        c = conversation_new(a, m, now);
        external_add(a, c, m->external_conversation_id);
    }
    return c;
}

static const struct sim_message *last_received(const struct sim_conversation *c)
{
    for (unsigned i = c->message_n; i > 0; i--)
        if (c->message[i - 1]->state == SIM_RECEIVED)
            return c->message[i - 1];
    return NULL;
}

static void answered_key(struct buf *out, const struct sim_channel *c, struct span conversation,
                         struct span message)
{
    buf_init(out, 1024);
    buf_addf(out, "a %s %zu ", c->id, conversation.n);
    buf_add_span(out, conversation);
    buf_add_span(out, message);
}

static void answered_put(struct sim_account *a, struct sim_message *m)
{
    struct buf key;
    answered_key(&key, m->channel, span_of(m->external_conversation_id), span_of(m->external_id));
    sim_index_put(&a->by_thread, buf_span(&key), m);
    buf_fini(&key);
}

/* What a message answers: what it names, if that is there; else an outbound one answers the last inbound. */
static const struct sim_message *replied_to(const struct sim_account *a, const struct sim_message *m,
                                            const struct sim_conversation *c)
{
    const struct sim_message *named =
        m->referenced ? sim_account_external(a, m->channel->id, span_of(m->referenced)) : NULL;
    if (named && named->conversation)
        return named;
    return m->state == SIM_RECEIVED ? NULL : last_received(c);
}

void sim_account_receive(struct sim_account *a, struct sim_message *m, wall_ms_t now)
{
    own(a, m);
    struct sim_conversation *c =
        m->channel->kind == CHANNEL_CUSTOM ? thread_custom(a, m, now) : thread_application(a, m, now);
    m->replied_to = replied_to(a, m, c);
    append(c, m, now);
    if (m->state == SIM_RECEIVED)
        c->status = "open";
    else
        answered_put(a, m);
}

void sim_account_write(struct sim_account *a, struct sim_message *m, struct sim_conversation *conversation,
                       wall_ms_t now)
{
    m->state = SIM_SENDING;
    own(a, m);
    if (!conversation)
        conversation = conversation_new(a, m, now);
    m->replied_to = last_received(conversation);
    append(conversation, m, now);
}

void sim_account_import(struct sim_account *a, struct sim_message *m, struct sim_conversation *conversation,
                        bool is_inbound, wall_ms_t now)
{
    m->state = is_inbound ? SIM_RECEIVED : SIM_SENT;
    own(a, m);
    if (!conversation)
        conversation = conversation_new(a, m, now);
    m->replied_to = is_inbound ? NULL : last_received(conversation);
    append(conversation, m, now);
}

void sim_account_history(struct sim_account *a, struct sim_message *m, wall_ms_t now)
{
    struct sim_conversation *c = m->into ? sim_conversation_find(a, span_of(m->into)) : NULL;
    if (!c)
        c = thread_custom(a, m, now);
    bool is_new = !c->message_n;
    sim_account_import(a, m, c, m->state == SIM_RECEIVED, now);
    if (!m->is_archived)
        c->status = "open";
    else if (is_new)
        c->status = "archived"; /* a conversation that is there already stays as it is */
}

static void external_key(struct buf *out, const char *scope, struct span external_id)
{
    buf_init(out, 8192);
    buf_addf(out, "e %s ", scope);
    buf_add_span(out, external_id);
}

struct sim_message *sim_account_external(const struct sim_account *a, const char *scope,
                                         struct span external_id)
{
    struct buf key;
    external_key(&key, scope, external_id);
    struct sim_message *found = sim_index_get(&a->by_thread, buf_span(&key));
    buf_fini(&key);
    return found;
}

void sim_account_external_is(struct sim_account *a, const char *scope, const char *external_id,
                             struct sim_message *m)
{
    struct buf key;
    external_key(&key, scope, span_of(external_id));
    sim_index_put(&a->by_thread, buf_span(&key), m);
    buf_fini(&key);
}

static void move(struct sim_message *m, struct sim_conversation *to, wall_ms_t now)
{
    struct sim_conversation *from = m->conversation;
    unsigned at = 0;
    while (from->message[at] != m)
        at++;
    memmove(&from->message[at], &from->message[at + 1],
            (from->message_n - at - 1) * sizeof(struct sim_message *));
    from->message_n--;
    append(to, m, now);
}

static void thread_answer(struct sim_account *a, struct sim_message *m, const char *external, wall_ms_t now)
{
    for (unsigned i = 0; i < m->conversation->external_n; i++)
        if (!strcmp(m->conversation->external[i], external))
            return;
    struct sim_conversation *known = thread_get(a, 'x', m->channel, external);
    if (!known && !m->conversation->external_n) {
        external_add(a, m->conversation, external);
        return;
    }
    if (!known) {
        known = conversation_new(a, m, now);
        external_add(a, known, external);
    }
    move(m, known, now);
}

static void set(char **field, const char *value)
{
    char *copy = value ? mem_strdup(value) : NULL;
    free(*field);
    *field = copy;
}

void sim_account_sent(struct sim_account *a, struct sim_message *m, const char *external_id,
                      const char *external_conversation_id, wall_ms_t now)
{
    set(&m->external_id, external_id);
    set(&m->external_conversation_id, external_conversation_id);
    if (external_conversation_id && m->channel->kind == CHANNEL_APPLICATION)
        thread_answer(a, m, external_conversation_id, now);
    if (external_id && external_conversation_id)
        answered_put(a, m);
}

void sim_account_failed(struct sim_message *m, const char *reason, wall_ms_t now)
{
    m->state = SIM_FAILED;
    set(&m->error_type, "internal_error");
    set(&m->error_message,
        reason && *reason ? reason : "The channel reported that this message was not delivered.");
    m->conversation->status = "open";
    m->conversation->updated_at = now;
}

struct sim_message *sim_account_answered(const struct sim_account *a, const struct sim_channel *c,
                                         struct span external_conversation_id, struct span external_id)
{
    struct buf key;
    answered_key(&key, c, external_conversation_id, external_id);
    struct sim_message *m = sim_index_get(&a->by_thread, buf_span(&key));
    buf_fini(&key);
    return m;
}

struct sim_comment *sim_conversation_comment(struct sim_account *a, struct sim_conversation *c,
                                             const char *body, const char *author, wall_ms_t now)
{
    c->comment = mem_realloc(c->comment, (c->comment_n + 1) * sizeof *c->comment);
    struct sim_comment *comment = &c->comment[c->comment_n++];
    *comment = (struct sim_comment){.body = mem_strdup(body), .posted_at = now};
    comment->author = author ? mem_strdup(author) : NULL;
    sim_account_id(a, "com_", comment->id);
    c->updated_at = now;
    return comment;
}
