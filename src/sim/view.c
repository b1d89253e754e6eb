/*
 * Writes what people and tests want to see. Decides nothing.
 */
#include "sim/view.h"
#include "base/mem.h"
#include <stdlib.h>

void sim_view_channel(struct jout *j, const struct sim_channel *c)
{
    jout_object(j);
    jout_kv_str(j, "id", c->id);
    jout_kv_str(j, "kind", c->kind == CHANNEL_CUSTOM ? "custom" : "application");
    jout_kv_str(j, "name", c->name);
    jout_kv_str(j, "address", c->address);
    jout_kv_str(j, "inbox", c->inbox->id);
    jout_kv_str(j, "webhook_url", c->webhook_url);
    jout_kv_str(j, "status", c->is_offline ? "offline" : "ok");
    jout_kv_i64(j, "undo_send_time", c->undo_send_s);
    jout_kv_bool(j, "all_teammates_can_reply", c->can_all_reply);
    jout_object_end(j);
}

static void person(struct jout *j, const struct sim_person *p)
{
    jout_object(j);
    jout_kv_str(j, "handle", p->handle);
    jout_kv_str(j, "name", p->name);
    if (p->email)
        jout_kv_str(j, "email", p->email);
    if (p->role)
        jout_kv_str(j, "role", p->role);
    jout_object_end(j);
}

static void identity(struct jout *j, const struct sim_message *m)
{
    jout_kv_str(j, "thread_ref", m->thread_ref);
    jout_kv_raw(j, "headers", m->headers ? span_of(m->headers) : SPAN_LIT("null"));
    jout_kv_str(j, "external_id", m->external_id);
    jout_kv_str(j, "external_conversation_id", m->external_conversation_id);
}

static void history(struct jout *j, const struct sim_message *m)
{
    jout_kv_str(j, "type", sim_message_type(m));
    jout_kv_str(j, "replied_to", m->replied_to ? m->replied_to->id : NULL);
    jout_kv_str(j, "sender_name", m->sender_name);
    jout_kv_i64(j, "seen_n", m->seen ? m->seen->n : 0);
    jout_kv_bool(j, "is_import", m->is_import);
    if (!m->is_import)
        return;
    jout_key(j, "sender");
    person(j, &m->sender);
    jout_kv_bool(j, "is_archived", m->is_archived);
    jout_kv_bool(j, "should_skip_rules", m->skips_rules);
}

static void outcome(struct jout *j, const struct sim_message *m)
{
    static const char *const states[] = {"received", "sending", "sent", "failed"};
    jout_kv_str(j, "state", states[m->state]);
    jout_kv_bool(j, "is_draft", m->is_draft);
    jout_kv_str(j, "error_type", m->error_type);
    jout_kv_str(j, "error_message", m->error_message);
    jout_kv_str(j, "hint", m->error_hint);
    jout_key(j, "took_ms");
    if (m->took_ms < 0)
        jout_null(j);
    else
        jout_i64(j, m->took_ms);
}

static void files(struct jout *j, const struct sim_message *m)
{
    jout_key(j, "attachments");
    jout_array(j);
    for (unsigned i = 0; i < m->file_n; i++) {
        const struct sim_file *f = m->file[i];
        jout_object(j);
        jout_kv_str(j, "id", f->id);
        jout_kv_str(j, "filename", f->filename);
        jout_kv_str(j, "content_type", f->content_type);
        jout_kv_str(j, "cid", f->cid);
        jout_kv_i64(j, "size", (int64_t)f->size);
        jout_kv_str(j, "sha256", f->sha256);
        jout_kv_bool(j, "is_kept", f->bytes);
        jout_object_end(j);
    }
    jout_array_end(j);
}

void sim_view_message(struct jout *j, const struct sim_message *m)
{
    jout_object(j);
    jout_kv_str(j, "id", m->id);
    jout_kv_str(j, "uid", m->uid);
    jout_kv_str(j, "conversation", m->conversation->id);
    jout_kv_bool(j, "is_inbound", m->state == SIM_RECEIVED);
    jout_kv_i64(j, "version", m->version);
    jout_kv_seconds(j, "created_at", m->created_at);
    jout_kv_str(j, "subject", m->subject);
    jout_kv_str(j, "text", m->text);
    jout_kv_str(j, "html", m->html);
    jout_key(j, "author");
    if (m->author.handle)
        person(j, &m->author);
    else
        jout_null(j);
    jout_key(j, "to");
    jout_array(j);
    for (unsigned i = 0; i < m->to_n; i++)
        person(j, &m->to[i]);
    jout_array_end(j);
    files(j, m);
    identity(j, m);
    history(j, m);
    outcome(j, m);
    jout_object_end(j);
}

static void head(struct jout *j, const struct sim_conversation *c)
{
    jout_kv_str(j, "id", c->id);
    jout_kv_str(j, "channel", c->channel == c->channel->inbox->none ? NULL : c->channel->id);
    jout_kv_str(j, "inbox", c->inbox->id);
    jout_kv_str(j, "channel_name", c->channel->name);
    jout_key(j, "customer");
    person(j, &c->customer);
    jout_kv_str(j, "subject", c->subject);
    jout_kv_str(j, "status", c->status);
    jout_kv_bool(j, "is_begun_by_agent", c->is_begun_by_agent);
    jout_kv_seconds(j, "created_at", c->created_at);
    jout_kv_seconds(j, "updated_at", c->updated_at);
    jout_kv_i64(j, "message_n", c->message_n);
    jout_key(j, "external_conversation_ids");
    jout_array(j);
    for (unsigned i = 0; i < c->external_n; i++)
        jout_str(j, c->external[i]);
    jout_array_end(j);
}

static void comment(struct jout *j, const struct sim_comment *c)
{
    jout_object(j);
    jout_kv_str(j, "id", c->id);
    jout_kv_str(j, "body", c->body);
    jout_kv_str(j, "author", c->author);
    jout_kv_seconds(j, "posted_at", c->posted_at);
    jout_object_end(j);
}

void sim_view_conversation(struct jout *j, const struct sim_conversation *c)
{
    jout_object(j);
    head(j, c);
    jout_key(j, "messages");
    jout_array(j);
    for (unsigned i = 0; i < c->message_n; i++)
        sim_view_message(j, c->message[i]);
    jout_array_end(j);
    jout_key(j, "comments");
    jout_array(j);
    for (unsigned i = 0; i < c->comment_n; i++)
        comment(j, &c->comment[i]);
    jout_array_end(j);
    jout_object_end(j);
}

static int by_change(const void *a, const void *b)
{
    const struct sim_conversation *const *x = a, *const *y = b;
    if ((*x)->updated_at != (*y)->updated_at)
        return (*x)->updated_at < (*y)->updated_at ? 1 : -1;
    return (*x)->created_at < (*y)->created_at ? 1 : -1;
}

void sim_view_conversations(struct jout *j, const struct sim_account *a)
{
    struct sim_conversation **sorted = mem_calloc(a->conversation_n + 1, sizeof *sorted);
    unsigned n = 0;
    for (unsigned i = 0; i < a->conversation_n; i++)
        if (!a->conversation[i]->merged_into)
            sorted[n++] = a->conversation[i];
    qsort(sorted, n, sizeof *sorted, by_change);
    jout_array(j);
    for (unsigned i = 0; i < n && i < SIM_VIEW_LIST_MAX; i++) {
        jout_object(j);
        head(j, sorted[i]);
        jout_key(j, "last");
        if (sorted[i]->message_n)
            sim_view_message(j, sorted[i]->message[sorted[i]->message_n - 1]);
        else
            jout_null(j);
        jout_object_end(j);
    }
    jout_array_end(j);
    free(sorted);
}
