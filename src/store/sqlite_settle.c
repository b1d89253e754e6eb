/*
 * How attempts end: settle, cancel, and what a process that died left open.
 * Invariant: an attempt is settled once; the same settle again changes nothing and is answered OK, since
 * after a commit of unknown result all settles of its batch are run again.
 */
#include "base/mem.h"
#include "store/claim.h"
#include "store/later.h"
#include "store/sqlite.h"
#include <string.h>

enum { REASON_MAX = 1024 };

static bool is_outcome(enum message_verb v)
{
    return v == VERB_DELIVER || v == VERB_ACCEPT || v == VERB_RETRY || v == VERB_REJECT || v == VERB_HOLD ||
           v == VERB_UNSURE || v == VERB_KILL || v == VERB_PART;
}

static enum err note_parts(struct sqlite *q, const struct row *r, const struct store_settle *p)
{
    if (p->parts.n == 0)
        return OK;
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_PARTS_SET);
    sql_bind(st, "iiii", r->id, (int64_t)p->parts.sent, (int64_t)p->parts.n, p->parts.cut);
    TRY(sql_run(q, st));
    if (p->verb != VERB_PART || p->external_id.n == 0)
        return OK;
    st = sql_of(q, &q->writer, SQL_PART_ADD);
    sql_bind(st, "iit", r->id, queue_id(r->channel, r->direction), p->external_id);
    return sql_run(q, st);
}

static void bind_expiry(sqlite3_stmt *st, int at, wall_ms_t expires_at)
{
    if (expires_at)
        sqlite3_bind_int64(st, at, expires_at);
    else
        sqlite3_bind_null(st, at);
}

static enum err close_attempt(struct sqlite *q, struct row *r, struct store_settle *p, enum message_state to)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_SETTLE_CLOSE);
    sql_bind(st, "iistiitii", r->id, (int64_t)to, p->outcome, p->reason, (int64_t)p->code, p->now,
             p->external_id, (int64_t)r->crash_n + (p->was_crash && p->was_alone), (int64_t)p->is_unsure);
    TRY(sql_run(q, st));
    row_count(r, to);
    TRY(note_parts(q, r, p));
    TRY(thread_settled(q, r, p));
    if (to == MESSAGE_DELIVERED && p->parts.n > 1)
        TRY(receipt_of_part(q, r, p->now, &p->wants_report));
    else if (p->wants_report && to == MESSAGE_DEAD)
        TRY(report_add(q, r, p->now));
    return r->is_head ? row_promote(q, r->id, p->now, &p->is_promoted) : OK;
}

static enum err retry(struct sqlite *q, struct row *r, struct store_settle *p)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_SETTLE_RETRY);
    sql_bind(st, "istiitiiii", r->id, p->outcome, p->reason, (int64_t)p->code, p->now, p->external_id,
             (int64_t)r->crash_n + (p->was_crash && p->was_alone), p->due_at, (int64_t)p->was_crash,
             (int64_t)p->is_unburnt);
    bind_expiry(st, 11, p->expires_at);
    sqlite3_bind_int(st, 12, p->is_unsure);
    TRY(sql_run(q, st));
    row_count(r, MESSAGE_QUEUED);
    return thread_settled(q, r, p);
}

/* A part is there: the message stays the head of its lane. */
static enum err go_on(struct sqlite *q, struct row *r, struct store_settle *p)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_SETTLE_PART);
    sql_bind(st, "istiiti", r->id, p->outcome, p->reason, (int64_t)p->code, p->now, p->external_id,
             p->due_at);
    bind_expiry(st, 8, p->expires_at);
    TRY(sql_run(q, st));
    row_count(r, MESSAGE_QUEUED);
    TRY(note_parts(q, r, p));
    return thread_settled(q, r, p);
}

/* The attempt's own line in the timeline, where the message's row says something else. */
static enum err note(struct sqlite *q, const struct row *r, const struct store_settle *p)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_ATTEMPT_ADD);
    sql_bind(st, "iiiisit", r->id, (int64_t)p->attempt, r->started_at, p->now, p->outcome, (int64_t)p->code,
             p->reason);
    TRY(sql_run(q, st));
    st = sql_of(q, &q->writer, SQL_SETTLE_NOTE);
    sql_bind(st, "isii", r->id, p->outcome, (int64_t)p->code, p->now);
    return sql_run(q, st);
}

/* Front confirmed the message before its own answer came; what the answer says is still worth knowing. */
static enum err note_confirmed(struct sqlite *q, const struct row *r, const struct store_settle *p)
{
    TRY(note(q, r, p));
    TRY(confirm_note(q, r, p->external_id));
    return thread_settled(q, r, p);
}

static enum err deliver_late(struct sqlite *q, struct row *r, struct store_settle *p)
{
    TRY(note(q, r, p));
    return close_attempt(q, r, p, MESSAGE_DELIVERED);
}

static bool is_settled_so(const struct row *r, const struct store_settle *p)
{
    bool is_same = strncmp(r->outcome, p->outcome, sizeof r->outcome - 1) == 0;
    int then = message_next(r->direction, MESSAGE_SENDING, p->verb);
    return is_same && ((int)r->state == then || r->state == MESSAGE_CANCELLED);
}

static enum err settle_sending(struct sqlite *q, struct row *r, struct store_settle *p)
{
    int to = message_next(r->direction, MESSAGE_SENDING, p->verb);
    if (to < 0)
        return ERR_INVALID;
    if (p->verb == VERB_PART)
        return go_on(q, r, p);
    return to == MESSAGE_QUEUED ? retry(q, r, p) : close_attempt(q, r, p, (enum message_state)to);
}

/* The message went elsewhere while the attempt was out, or the attempt is settled already. */
static enum err settle_gone(struct sqlite *q, struct row *r, struct store_settle *p)
{
    bool is_out = r->started_at && !r->ended_at;
    bool is_proof = p->verb == VERB_DELIVER && message_next(r->direction, r->state, VERB_DELIVER) >= 0;
    if (r->started_at && is_proof)
        return deliver_late(q, r, p);
    if (is_out && p->verb == VERB_PART)
        TRY(note_parts(q, r, p));
    if (is_out)
        return r->state == MESSAGE_DELIVERED ? note_confirmed(q, r, p) : note(q, r, p);
    if (!is_settled_so(r, p))
        return ERR_CONFLICT;
    p->is_promoted = !message_is_open(r->state); /* a claim too many does no harm */
    return OK;
}

enum err sqlite_settle(struct sqlite *q, struct store_op *op)
{
    struct store_settle *p = container_of(op, struct store_settle, op);
    struct row r;
    if (!is_outcome(p->verb) || !p->outcome)
        return ERR_INVALID;
    TRY(row_read(q, p->id, &r));
    if (p->attempt == 0 || p->attempt != r.attempt)
        return ERR_CONFLICT;
    enum err e = r.state == MESSAGE_SENDING ? settle_sending(q, &r, p) : settle_gone(q, &r, p);
    if (e == OK)
        p->state = r.state;
    return e;
}

enum err sqlite_cancel(struct sqlite *q, struct store_op *op)
{
    struct store_cancel *p = container_of(op, struct store_cancel, op);
    struct row r;
    TRY(row_read(q, p->id, &r));
    p->state = r.state;
    p->parts = r.parts;
    if (r.state == MESSAGE_CANCELLED)
        return OK;
    if (message_next(r.direction, r.state, VERB_CANCEL) < 0)
        return ERR_CONFLICT;
    struct buf reason;
    buf_init(&reason, REASON_MAX);
    message_parts_say(&r.parts, span_of(p->reason), &reason);
    enum err e = row_leave(q, &r, MESSAGE_CANCELLED, p->reason ? buf_span(&reason) : SPAN_NONE, p->now,
                           &p->is_promoted);
    buf_fini(&reason);
    if (e == OK)
        p->state = r.state;
    return e;
}

/* ---- What Front says has failed ---- */

static enum err read_failed(struct sqlite *q, const struct channel *c, struct store_failed *p,
                            struct row *row, unsigned max, unsigned *n)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_FAILED_FIND);
    bool has_row;
    sql_bind(st, "itti", queue_id(c, MESSAGE_OUT), p->source_id, p->recipient,
             p->failed_at ? p->failed_at : INT64_MAX);
    for (*n = 0;;) {
        TRY(sql_step(q, st, &has_row));
        if (!has_row)
            return OK;
        if (*n == max)
            break;
        if (sqlite3_column_int(st, sqlite3_column_count(st) - 1))
            p->ended_n++; /* the try that failed is over; this is the next one */
        else
            TRY(row_from(q, st, &row[(*n)++]));
    }
    sql_reset(st);
    return OK;
}

/* Its backend has told of the failure, and we have told Front: what comes back is our own word. */
static enum err look_for_receipt(struct sqlite *q, int64_t id, bool *is_told)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_RECEIPT_OF_FAILURE);
    sql_bind(st, "i", id);
    TRY(sql_step(q, st, is_told));
    if (*is_told)
        sql_reset(st);
    return OK;
}

static enum err fail_one(struct sqlite *q, struct row *r, struct store_failed *p)
{
    if (r->state == MESSAGE_DELIVERED || r->state == MESSAGE_DROPPED) {
        bool is_known;
        TRY(look_for_receipt(q, r->id, &is_known));
        p->delivered_n += !is_known;
        p->ended_n += is_known;
        return OK;
    }
    bool is_pending = message_is_open(r->state) || r->state == MESSAGE_HELD || r->state == MESSAGE_UNKNOWN;
    if (!is_pending) {
        p->ended_n++;
        return OK;
    }
    TRY(row_leave(q, r, MESSAGE_CANCELLED, span_of(p->reason), p->now, &p->is_promoted));
    if (p->cancelled_n < ARRAY_LEN(p->cancelled))
        p->cancelled[p->cancelled_n] = r->id;
    p->cancelled_n++;
    return OK;
}

enum err sqlite_failed(struct sqlite *q, struct store_op *op)
{
    struct store_failed *p = container_of(op, struct store_failed, op);
    const struct channel *c = channel_find(q, p->channel);
    struct row row[128];
    unsigned n = 0;
    if (c)
        TRY(read_failed(q, c, p, row, ARRAY_LEN(row), &n));
    for (unsigned i = 0; i < n; i++)
        TRY(fail_one(q, &row[i], p));
    return OK;
}

/* ---- Orphans ---- */

static enum err orphan(struct sqlite *q, struct row *r, const struct store_orphans *p)
{
    struct store_settle end = {
        .outcome = "unknown",
        .verb = p->is_resent ? VERB_RETRY : VERB_UNSURE,
        .reason = SPAN_LIT("the bridge stopped while this attempt was out"),
        .now = p->now,
        .due_at = p->now,
        .was_crash = true,
        .is_unsure = true,
    };
    end.attempt = r->attempt;
    return settle_sending(q, r, &end);
}

static enum err orphans_of(struct sqlite *q, struct channel *c, struct store_orphans *p)
{
    TRY(files_hurry(q, queue_id(c, p->direction), p->now));
    for (;;) {
        struct row r;
        bool has_row;
        sqlite3_stmt *st = sql_of(q, &q->writer, SQL_ORPHANS);
        sql_bind(st, "i", queue_id(c, p->direction));
        TRY(sql_step(q, st, &has_row));
        if (!has_row)
            return OK;
        TRY(row_from(q, st, &r));
        sql_reset(st);
        TRY(orphan(q, &r, p));
        p->message_n++;
    }
}

enum err sqlite_orphans(struct sqlite *q, struct store_op *op)
{
    struct store_orphans *p = container_of(op, struct store_orphans, op);
    for (size_t i = 0; i < q->channel_n; i++)
        if (!p->channel || strcmp(p->channel, q->channel[i]->name) == 0)
            TRY(orphans_of(q, q->channel[i], p));
    return OK;
}

/* ---- What may or may not have been committed, and was answered with an error ---- */

static enum err undo_put(struct sqlite *q, struct row *r, wall_ms_t now)
{
    bool ignored = false;
    if (!message_is_open(r->state))
        return OK;
    return row_leave(q, r, MESSAGE_CANCELLED, SPAN_LIT("refused: the store failed while it was written"), now,
                     &ignored);
}

static enum err undo_claim(struct sqlite *q, struct row *r, uint32_t attempt)
{
    if (r->state != MESSAGE_SENDING || r->attempt != attempt)
        return OK;
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_TAKE_BACK);
    sql_bind(st, "i", r->id);
    TRY(sql_run(q, st));
    row_count(r, MESSAGE_QUEUED);
    return OK;
}

enum err sqlite_undo(struct sqlite *q, const struct engine_doubt *d, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct row r;
        enum err e = row_read(q, d[i].id, &r);
        if (e == ERR_NOT_FOUND)
            continue;
        TRY(e);
        TRY(d[i].attempt ? undo_claim(q, &r, d[i].attempt) : undo_put(q, &r, clock_wall_ms()));
    }
    return OK;
}
