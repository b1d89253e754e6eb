/*
 * One message inside a transaction: the only code that writes a state after the put. Each function here keeps
 * together what belongs together: the row, its lane's head, its counts.
 * Invariant: a lane with open messages has exactly one head, and only open messages have a place (seq).
 */
#include "base/mem.h"
#include "store/message.h"
#include "store/sqlite.h"
#include <stdlib.h>
#include <string.h>

static struct message_parts parts_from(sqlite3_stmt *st, int column)
{
    return (struct message_parts){.sent = (uint32_t)sqlite3_column_int64(st, column),
                                  .n = (uint32_t)sqlite3_column_int64(st, column + 1),
                                  .cut = sqlite3_column_int64(st, column + 2)};
}

enum err row_from(struct sqlite *q, sqlite3_stmt *st, struct row *out)
{
    int64_t queue = sqlite3_column_int64(st, 1);
    *out = (struct row){
        .id = sqlite3_column_int64(st, 0),
        .channel = channel_by_id(q, queue / 2),
        .direction = (enum message_direction)(queue & 1),
        .state = (enum message_state)sqlite3_column_int(st, 2),
        .is_head = sqlite3_column_int(st, 3),
        .attempt = (uint32_t)sqlite3_column_int64(st, 4),
        .attempt_base = (uint32_t)sqlite3_column_int64(st, 5),
        .revision = (uint32_t)sqlite3_column_int64(st, 6),
        .crash_n = (uint32_t)sqlite3_column_int64(st, 7),
        .due_at = sqlite3_column_int64(st, 8),
        .expires_at = sqlite3_column_int64(st, 9),
        .started_at = sqlite3_column_int64(st, 10),
        .ended_at = sqlite3_column_int64(st, 11),
        .body_n = sqlite3_column_int64(st, 12),
        .has_reason = sqlite3_column_int(st, 14),
        .has_conversation = sqlite3_column_int(st, 15),
        .kind = (enum message_kind)sqlite3_column_int(st, 16),
        .file_n = (unsigned)sqlite3_column_int(st, 17),
        .parts = parts_from(st, 18),
    };
    struct span outcome = sql_text(st, 13);
    size_t n = outcome.n < sizeof out->outcome ? outcome.n : sizeof out->outcome - 1;
    if (n > 0)
        memcpy(out->outcome, outcome.p, n);
    if (out->channel && (unsigned)out->state < MESSAGE_STATE_N)
        return OK;
    return sql_failed(q, NULL, SQLITE_CORRUPT);
}

enum err row_one(struct sqlite *q, sqlite3_stmt *st, struct row *out)
{
    bool has_row;
    TRY(sql_step(q, st, &has_row));
    if (!has_row)
        return ERR_NOT_FOUND;
    enum err e = row_from(q, st, out);
    sql_reset(st);
    return e;
}

enum err row_read(struct sqlite *q, int64_t id, struct row *out)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_ROW);
    sql_bind(st, "i", id);
    return row_one(q, st, out);
}

void row_count(struct row *r, enum message_state to)
{
    count_add(r->channel, r->direction, r->state, -1, -r->body_n);
    count_add(r->channel, r->direction, to, 1, r->body_n);
    r->state = to;
}

enum err row_promote(struct sqlite *q, int64_t id, wall_ms_t now, bool *is_promoted)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_PROMOTE_FIND);
    sql_bind(st, "i", id);
    bool has_row;
    TRY(sql_step(q, st, &has_row));
    if (!has_row)
        return OK;
    int64_t next = sqlite3_column_int64(st, 0);
    sql_reset(st);
    st = sql_of(q, &q->writer, SQL_PROMOTE);
    sql_bind(st, "ii", next, now);
    TRY(sql_run(q, st));
    *is_promoted = true;
    return OK;
}

enum err row_retire(struct sqlite *q, const struct row *r, wall_ms_t now)
{
    if (r->started_at == 0)
        return OK;
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_RETIRE);
    sql_bind(st, "ii", r->id, now);
    return sql_run(q, st);
}

enum err row_leave(struct sqlite *q, struct row *r, enum message_state to, struct span reason, wall_ms_t now,
                   bool *is_promoted)
{
    if (reason.p && r->ended_at)
        TRY(row_retire(q, r, now)); /* the reason of that attempt is about to be overwritten */
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_LEAVE);
    sql_bind(st, "iiti", r->id, (int64_t)to, reason, now);
    TRY(sql_run(q, st));
    row_count(r, to);
    return r->is_head ? row_promote(q, r->id, now, is_promoted) : OK;
}

enum err row_reopen(struct sqlite *q, struct row *r, wall_ms_t now, wall_ms_t expires_at)
{
    /* Promotion finds the first of the lane by the message's own id; before it is open again, that is its
     * neighbour. */
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_PROMOTE_FIND);
    sql_bind(st, "i", r->id);
    bool is_behind;
    TRY(sql_step(q, st, &is_behind));
    if (is_behind)
        sql_reset(st);
    st = sql_of(q, &q->writer, SQL_REOPEN);
    /* An operator who sends again what is unknown has looked. */
    sql_bind(st, "iiiiii", r->id, q->next_id++, (int64_t)!is_behind, now, expires_at,
             (int64_t)(r->state != MESSAGE_UNKNOWN));
    TRY(sql_run(q, st));
    TRY(report_drop(q, r->id));
    row_count(r, MESSAGE_QUEUED);
    r->is_head = !is_behind;
    r->attempt_base = r->attempt;
    return files_wake(q, r, now);
}

enum err row_start(struct sqlite *q, struct row *r, wall_ms_t now)
{
    TRY(row_retire(q, r, now));
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_START);
    sql_bind(st, "iii", r->id, (int64_t)r->attempt + 1, now);
    TRY(sql_run(q, st));
    row_count(r, MESSAGE_SENDING);
    r->attempt++;
    return OK;
}

/* ---- Whole messages ---- */

enum { FIRST_TEXT = 22, TEXT_N = 9 };

static char *copy(char **at, struct span s)
{
    if (!s.p)
        return NULL;
    char *start = *at;
    memcpy(start, s.p, s.n);
    start[s.n] = 0;
    *at += s.n + 1;
    return start;
}

struct far { /* what the other side calls what the message belongs to; NULL where that is not known */
    char *conversation, *reply, *recipient;
};

static void far_fini(struct far *far)
{
    free(far->conversation);
    free(far->reply);
    free(far->recipient);
}

/* All strings in one block: a claim of a hundred messages would else be a thousand allocations. */
static void copy_texts(sqlite3_stmt *st, const char *channel, const struct far *far, struct store_message *m)
{
    struct span text[TEXT_N], body = sql_text(st, FIRST_TEXT + TEXT_N);
    struct span name = span_of(channel), far_text = span_of(far->conversation),
                reply_text = span_of(far->reply), recipient = span_of(far->recipient);
    size_t size = name.n + far_text.n + reply_text.n + recipient.n + body.n + 5;
    for (int i = 0; i < TEXT_N; i++) {
        text[i] = sql_text(st, FIRST_TEXT + i);
        size += text[i].n + 1;
    }
    char *at = m->block = mem_zalloc(size);
    m->channel = copy(&at, name);
    *(m->direction == MESSAGE_OUT ? &m->peer_conversation : &m->front_conversation) = copy(&at, far_text);
    m->reply = copy(&at, reply_text);
    m->peer_recipient = copy(&at, recipient);
    char **field[TEXT_N] = {&m->source_id, &m->recipient,   &m->lane,   &m->conversation, &m->thread_ref,
                            &m->event_id,  &m->external_id, &m->reason, &m->reply_to};
    for (int i = 0; i < TEXT_N; i++)
        *field[i] = copy(&at, text[i]);
    m->body = copy(&at, body);
    m->body_n = body.n;
}

static enum err find_far(struct sqlite *q, struct conn *c, const struct channel *channel, sqlite3_stmt *st,
                         struct store_message *m, struct far *far)
{
    struct span recipient = sql_text(st, FIRST_TEXT + 1), conversation = sql_text(st, FIRST_TEXT + 3),
                thread_ref = sql_text(st, FIRST_TEXT + 4);
    TRY(reply_find(q, c, channel, m->direction, sql_text(st, FIRST_TEXT + 8), recipient, &far->reply,
                   &m->reply_id));
    if (m->direction == MESSAGE_IN && m->kind == KIND_IMPORT)
        return thread_history(q, c, channel, conversation, thread_ref, &far->conversation);
    if (m->direction == MESSAGE_IN)
        return thread_front(q, c, channel->id, m->kind, conversation, thread_ref, &far->conversation);
    TRY(alias_recipient(q, c, channel->id, recipient, &far->recipient));
    return thread_peer(q, c, channel->id, conversation, thread_ref, recipient, &far->conversation);
}

enum err sqlite_message_read(struct sqlite *q, struct conn *c, sqlite3_stmt *st, struct store_message *out)
{
    int64_t queue = sqlite3_column_int64(st, 1);
    struct channel *channel = channel_by_id(q, queue / 2);
    *out = (struct store_message){
        .id = sqlite3_column_int64(st, 0),
        .direction = (enum message_direction)(queue & 1),
        .state = (enum message_state)sqlite3_column_int(st, 2),
        .attempt = (uint32_t)sqlite3_column_int64(st, 3),
        .attempt_base = (uint32_t)sqlite3_column_int64(st, 4),
        .revision = (uint32_t)sqlite3_column_int64(st, 5),
        .crash_n = (uint32_t)sqlite3_column_int64(st, 6),
        .is_suspect = sqlite3_column_int(st, 7),
        .created_at = sqlite3_column_int64(st, 8),
        .stored_at = sqlite3_column_int64(st, 9),
        .due_at = sqlite3_column_int64(st, 10),
        .expires_at = sqlite3_column_int64(st, 11),
        .updated_at = sqlite3_column_int64(st, 12),
        .ended_at = sqlite3_column_int64(st, 14),
        .kind = (enum message_kind)sqlite3_column_int(st, 16),
        .file_n = (unsigned)sqlite3_column_int(st, 17),
        .unsure_at = sqlite3_column_int64(st, 18),
        .parts = parts_from(st, 19),
    };
    if (!channel || (unsigned)out->state >= MESSAGE_STATE_N)
        return sql_failed(q, NULL, SQLITE_CORRUPT);
    struct far far = {0};
    enum err e = find_far(q, c, channel, st, out, &far);
    if (e == OK)
        copy_texts(st, channel->name, &far, out);
    far_fini(&far);
    return e;
}
