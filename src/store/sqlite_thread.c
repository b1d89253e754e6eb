/*
 * Which conversation of the backend a conversation of Front is, as far as it is known. Sources, best first:
 * what the backend said for a delivery or what was learnt from Front (link); the thread that Front names; the
 * last thread of that handle which Front has not yet shown a conversation for. It refuses to guess beyond
 * these. The other way it is the same map, read backwards.
 */
#include "base/mem.h"
#include "store/claim.h"
#include "store/import.h"
#include "store/map.h"
#include "store/sqlite.h"
#include <stdlib.h>
#include <string.h>

enum err thread_peer(struct sqlite *q, struct conn *c, int64_t channel_id, struct span conversation,
                     struct span thread_ref, struct span handle, char **peer)
{
    *peer = NULL;
    TRY(sql_find_text(q, c, SQL_LINK_GET, channel_id, conversation, peer));
    TRY(sql_find_text(q, c, SQL_THREAD_BY_REF, channel_id, thread_ref, peer));
    if (span_starts(thread_ref, "fb:")) /* of history alone, perhaps */
        TRY(alias_find(q, c, channel_id, thread_ref, peer));
    return sql_find_text(q, c, SQL_THREAD_BY_HANDLE, channel_id, handle, peer);
}

enum err thread_front(struct sqlite *q, struct conn *c, int64_t channel_id, enum message_kind kind,
                      struct span peer, struct span thread_ref, char **conversation)
{
    *conversation = NULL;
    if (kind == KIND_AGENT)
        TRY(sql_find_text(q, c, SQL_LINK_BACK, channel_id, peer, conversation));
    TRY(sql_find_text(q, c, SQL_THREAD_BACK, channel_id, thread_ref, conversation));
    TRY(sql_find_text(q, c, SQL_LINK_BACK, channel_id, peer, conversation));
    return kind == KIND_MESSAGE
               ? OK
               : sql_find_text(q, c, SQL_THREAD_BACK_AGENT, channel_id, thread_ref, conversation);
}

/* Chosen when the first line of the thread is sent: until then it is what the live channel's map says now. */
enum err thread_history(struct sqlite *q, struct conn *c, const struct channel *history, struct span peer,
                        struct span thread_ref, char **conversation)
{
    bool is_chosen;
    *conversation = NULL;
    sqlite3_stmt *st = sql_of(q, c, SQL_HISTORY_GET);
    sql_bind(st, "it", history->id, thread_ref);
    TRY(sql_step(q, st, &is_chosen));
    if (is_chosen) {
        *conversation = span_strdup(sql_text(st, 0));
        sql_reset(st);
        return OK;
    }
    const struct channel *live = channel_live(q, history->name);
    return live ? thread_front(q, c, live->id, KIND_IMPORT, peer, thread_ref, conversation) : OK;
}

enum err thread_chosen(struct sqlite *q, const struct channel *history, const struct store_message *m,
                       wall_ms_t now)
{
    if (!m->thread_ref)
        return OK;
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_HISTORY_SET);
    sql_bind(st, "itti", history->id, span_of(m->thread_ref), span_of(m->front_conversation), now);
    return sql_run(q, st);
}

/* Customers' and agents' messages are of the same conversation. */
bool thread_is_talk(const struct store_put *p)
{
    return p->direction == MESSAGE_IN && p->item_n > 0 && (p->kind == KIND_MESSAGE || p->kind == KIND_AGENT);
}

enum err thread_linked(struct sqlite *q, int64_t channel_id, struct span peer, char **thread_ref)
{
    return sql_find_text(q, &q->writer, SQL_LINK_REF, channel_id, peer, thread_ref);
}

enum err thread_told(struct sqlite *q, int64_t channel_id, const struct store_put *p, char **thread_ref)
{
    if (!thread_is_talk(p))
        return OK;
    if (p->follows_link)
        TRY(thread_linked(q, channel_id, p->conversation, thread_ref));
    if (*thread_ref || p->rolls_ms == 0)
        return OK;
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_THREAD_GOES_ON);
    sql_bind(st, "iti", channel_id, p->item[0].recipient, p->now - p->rolls_ms);
    return sql_first_text(q, st, thread_ref);
}

/* Of the names that Front gives: what it was told when an agent began the conversation, a thread of the backend, else
 * the first. */
static enum err choose_named(struct sqlite *q, const struct channel *c, const struct store_put *p,
                             char **told)
{
    char *begun = NULL;
    TRY(sql_find_text(q, &q->writer, SQL_TOLD_CONVERSATION, c->id, p->conversation, &begun));
    for (unsigned i = 0; begun && i < p->named_n; i++)
        if (span_is(p->named[i], begun)) {
            *told = begun;
            return OK;
        }
    free(begun);
    for (unsigned i = 0; i < p->named_n; i++)
        TRY(sql_find_text(q, &q->writer, SQL_TOLD_REF, c->id, p->named[i], told));
    if (!*told)
        *told = span_strdup(p->named[0]);
    return OK;
}

enum err thread_answer(struct sqlite *q, const struct channel *c, const struct store_put *p, char **told)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_TOLD_BEFORE);
    sql_bind(st, "it", queue_id(c, MESSAGE_OUT), p->source_id);
    TRY(sql_first_text(q, st, told));
    if (*told)
        return OK;
    if (p->named_n > 1)
        return choose_named(q, c, p, told);
    if (p->named_n == 1)
        *told = span_strdup(p->named[0]);
    TRY(sql_find_text(q, &q->writer, SQL_TOLD_CONVERSATION, c->id, p->conversation, told));
    return sql_find_text(q, &q->writer, SQL_REPLY_THREAD, c->id, p->conversation, told);
}

enum err thread_seen(struct sqlite *q, const struct channel *c, const struct store_put *p,
                     struct span thread_ref, struct span conversation)
{
    if (!thread_is_talk(p) || !thread_ref.p)
        return OK;
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_THREAD_SEEN);
    sql_bind(st, "itttii", c->id, thread_ref, p->item[0].recipient, conversation, p->now,
             (int64_t)(p->rolls_ms > 0));
    return sql_run(q, st);
}

static enum err link_message(struct sqlite *q, const struct row *r, struct span peer, wall_ms_t now)
{
    bool by_conversation = r->has_conversation;
    sqlite3_stmt *st = sql_of(q, &q->writer, by_conversation ? SQL_LINK_OF_MESSAGE : SQL_THREAD_OF_MESSAGE);
    sql_bind(st, "iiti", r->id, r->channel->id, peer, now);
    return sql_run(q, st);
}

enum err thread_shown(struct sqlite *q, const struct row *r, struct span conversation, wall_ms_t now)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_TOLD_THREAD);
    sql_bind(st, "iit", r->id, r->channel->id, conversation);
    TRY(sql_run(q, st));
    st = sql_of(q, &q->writer, SQL_TOLD_LINK);
    sql_bind(st, "iiti", r->id, r->channel->id, conversation, now);
    return sql_run(q, st);
}

enum err thread_settled(struct sqlite *q, const struct row *r, const struct store_settle *p)
{
    if (r->direction == MESSAGE_OUT && p->peer_conversation.p)
        return link_message(q, r, p->peer_conversation, p->now);
    if (r->direction == MESSAGE_IN && p->front_conversation.n > 0)
        return thread_shown(q, r, p->front_conversation, p->now);
    if (r->direction != MESSAGE_IN || !p->wants_learning || !p->external_id.p)
        return OK;
    enum sql start = r->kind == KIND_AGENT ? SQL_LEARN_START_AGENT : SQL_LEARN_START;
    sqlite3_stmt *st = sql_of(q, &q->writer, start);
    sql_bind(st, "iiti", r->id, r->channel->id, p->external_id, p->now);
    return sql_run(q, st);
}

/* ---- Learning ---- */

static enum err lessons(struct sqlite *q, const struct channel *c, struct store_learn *p)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_LEARN_DUE);
    sql_bind(st, "iii", c->id, p->now, (int64_t)ARRAY_LEN(p->lesson));
    for (;;) {
        bool has_row;
        TRY(sql_step(q, st, &has_row));
        if (!has_row)
            return OK;
        p->lesson[p->lesson_n++] = (struct store_lesson){
            .thread_id = sqlite3_column_int64(st, 0),
            .message_uid = span_strdup(sql_text(st, 1)),
            .tries = (unsigned)sqlite3_column_int(st, 2),
        };
    }
}

static enum err put_off(struct sqlite *q, const struct store_learn *p)
{
    for (unsigned i = 0; i < p->lesson_n; i++) {
        sqlite3_stmt *st = sql_of(q, &q->writer, SQL_LEARN_LATER);
        sql_bind(st, "ii", p->lesson[i].thread_id, p->now + p->retry_ms);
        TRY(sql_run(q, st));
    }
    return OK;
}

enum err sqlite_learn(struct sqlite *q, struct store_op *op)
{
    struct store_learn *p = container_of(op, struct store_learn, op);
    const struct channel *c = channel_find(q, p->channel);
    p->next_at = INT64_MAX;
    if (!c)
        return OK;
    TRY(lessons(q, c, p));
    TRY(put_off(q, p));
    return sql_earlier(q, &q->writer, SQL_LEARN_NEXT, c->id, &p->next_at);
}

enum err sqlite_learnt(struct sqlite *q, struct store_op *op)
{
    struct store_learnt *p = container_of(op, struct store_learnt, op);
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_LEARNT);
    sql_bind(st, "it", p->thread_id, p->conversation);
    TRY(sql_run(q, st));
    if (sqlite3_changes(q->writer.db) == 0)
        return ERR_NOT_FOUND;
    if (!p->conversation.p)
        return OK;
    st = sql_of(q, &q->writer, SQL_LEARNT_LINK);
    sql_bind(st, "iti", p->thread_id, p->conversation, p->now);
    return sql_run(q, st);
}

/* ---- Merging ---- */

static enum err merge(struct sqlite *q, const struct channel *c, struct span gone, struct store_merge *p,
                      bool *is_known)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_MERGE_LINK);
    sql_bind(st, "itti", c->id, gone, p->into, p->now);
    TRY(sql_run(q, st));
    unsigned n = (unsigned)sqlite3_changes(q->writer.db);
    p->link_n += n;
    *is_known |= n > 0;
    st = sql_of(q, &q->writer, SQL_MERGE_THREAD);
    sql_bind(st, "itt", c->id, gone, p->into);
    TRY(sql_run(q, st));
    *is_known |= sqlite3_changes(q->writer.db) > 0;
    return OK;
}

/* Calls go straight to where it went; what had moved there before goes on with it. */
static enum err move(struct sqlite *q, struct span gone, const struct store_merge *p)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_MOVED_BACK);
    sql_bind(st, "t", p->into);
    TRY(sql_run(q, st));
    st = sql_of(q, &q->writer, SQL_MOVED_SET);
    sql_bind(st, "tti", gone, p->into, p->now);
    TRY(sql_run(q, st));
    st = sql_of(q, &q->writer, SQL_MOVED_ON);
    sql_bind(st, "tt", gone, p->into);
    return sql_run(q, st);
}

enum err thread_moved_to(struct sqlite *q, const char *conversation, char **into)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_MOVED_GET);
    sql_bind(st, "t", span_of(conversation));
    return conversation ? sql_first_text(q, st, into) : OK;
}

/* The channel itself, or its history; NULL: every channel. */
static bool is_of(const struct channel *c, const char *name)
{
    struct span live, own = span_of(c->name);
    if (!name || span_is(own, name))
        return true;
    return store_history_of(own, &live) && span_is(live, name);
}

static enum err merge_one(struct sqlite *q, struct span gone, struct store_merge *p)
{
    bool is_known = p->is_redirect;
    for (size_t i = 0; i < q->channel_n; i++)
        if (is_of(q->channel[i], p->channel))
            TRY(merge(q, q->channel[i], gone, p, &is_known));
    return is_known ? move(q, gone, p) : OK;
}

enum err sqlite_merge(struct sqlite *q, struct store_op *op)
{
    struct store_merge *p = container_of(op, struct store_merge, op);
    if (p->into.n == 0 || p->gone_n > STORE_MERGE_MAX)
        return ERR_INVALID;
    for (unsigned i = 0; i < p->gone_n; i++)
        if (!span_eq(p->gone[i], p->into))
            TRY(merge_one(q, p->gone[i], p));
    return OK;
}
