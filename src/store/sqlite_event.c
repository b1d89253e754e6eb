/*
 * Front's events: stored once for each URL they came to, handed out until they are ended, found again by time.
 * It refuses to know what an event means. Invariants: a lane has one head, the first of those that wait, if any
 * waits; only heads are handed out, so that what waits behind costs nothing; one that was ended is never handed
 * out unless it is replayed.
 */
#include "base/mem.h"
#include "store/event.h"
#include "store/sqlite.h"
#include <stdio.h>
#include <stdlib.h>

enum { LIST_DEFAULT = 100, LIST_MAX = 1000, LIST_BYTES_MAX = 16 << 20, REPLAY_ROWS = 500, PRUNE_ROWS = 200 };

/* ---- Heads ---- */

static enum err crown(struct sqlite *q, struct span account, struct span lane)
{
    static const enum sql steps[] = {SQL_EVENT_BEHEAD, SQL_EVENT_CROWN};

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        sqlite3_stmt *st = sql_of(q, &q->writer, steps[i]);
        sql_bind(st, "tt", account, lane);
        TRY(sql_run(q, st));
    }
    return OK;
}

/* st stands on the row that an UPDATE of one event returned: its lane's head may be another one now. */
static enum err crown_returned(struct sqlite *q, sqlite3_stmt *st)
{
    char *account = span_strdup(sql_text(st, 0)), *lane = span_strdup(sql_text(st, 1));
    sql_reset(st);
    enum err e = crown(q, span_of(account), span_of(lane));
    free(account);
    free(lane);
    return e;
}

static enum err step_and_crown(struct sqlite *q, sqlite3_stmt *st)
{
    bool has_row;

    TRY(sql_step(q, st, &has_row));
    return has_row ? crown_returned(q, st) : ERR_NOT_FOUND;
}

enum err sqlite_event_put(struct sqlite *q, struct store_op *op)
{
    struct store_event_put *p = container_of(op, struct store_event_put, op);
    if (!p->event_id.p || !p->type.p || !p->lane.p || !p->body.p)
        return ERR_INVALID;
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_EVENT_PUT);
    sql_bind(st, "ssttiiiitbti", p->account, p->via, p->event_id, p->type, (int64_t)p->origin, p->emitted_at,
             p->now, p->due_at, p->lane, p->body, p->about, (int64_t)p->is_failure);
    TRY(sql_run(q, st));
    p->is_new = sqlite3_changes(q->writer.db) > 0;
    return p->is_new ? crown(q, span_of(p->account), p->lane) : OK;
}

static void read_event(sqlite3_stmt *st, struct store_event *e)
{
    struct span body = sql_text(st, 14);
    *e = (struct store_event){
        .id = sqlite3_column_int64(st, 0),
        .account = span_strdup(sql_text(st, 1)),
        .via = span_strdup(sql_text(st, 2)),
        .event_id = span_strdup(sql_text(st, 3)),
        .type = span_strdup(sql_text(st, 4)),
        .origin = (enum event_origin)sqlite3_column_int(st, 5),
        .emitted_at = sqlite3_column_int64(st, 6),
        .stored_at = sqlite3_column_int64(st, 7),
        .state = (enum event_state)sqlite3_column_int(st, 8),
        .due_at = sqlite3_column_int64(st, 9),
        .tries = (unsigned)sqlite3_column_int64(st, 10),
        .tried_at = sqlite3_column_int64(st, 11),
        .result = span_strdup(sql_text(st, 12)),
        .is_aside = sqlite3_column_int(st, 13),
        .body = span_strdup(body),
        .body_n = body.n,
    };
}

/* ---- Handing out ---- */

static enum err read_all(struct sqlite *q, struct store_events_due *p, sqlite3_stmt *st)
{
    for (;;) {
        bool has_row;
        TRY(sql_step(q, st, &has_row));
        if (!has_row)
            return OK;
        read_event(st, &p->event[p->event_n++]);
    }
}

static enum err gather(struct sqlite *q, struct store_events_due *p, enum sql id, wall_ms_t than)
{
    unsigned max = p->max < STORE_EVENTS_MAX ? p->max : STORE_EVENTS_MAX;
    if (p->event_n >= max)
        return OK;
    sqlite3_stmt *st = sql_of(q, &q->writer, id);
    sql_bind(st, "sii", p->account, than, (int64_t)(max - p->event_n));
    return read_all(q, p, st);
}

/* What is suspect comes first, and alone: so it is known who it was if the process dies again. */
static enum err gather_suspect(struct sqlite *q, struct store_events_due *p, bool *is_any)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_EVENT_SUSPECT);
    sql_bind(st, "s", p->account);
    TRY(read_all(q, p, st));
    *is_any = p->event_n > 0;
    if (*is_any && (p->at_work_n > 0 || p->max == 0))
        store_events_due_fini(p); /* not yet */
    return OK;
}

static enum err gather_due(struct sqlite *q, struct store_events_due *p)
{
    bool is_any;
    TRY(gather_suspect(q, p, &is_any));
    if (is_any)
        return OK;
    TRY(gather(q, p, SQL_EVENT_DUE, p->now));
    return p->wait_max_ms > 0 ? gather(q, p, SQL_EVENT_AHEAD, p->now + p->wait_max_ms) : OK;
}

static void word(sqlite3_stmt *st, int column, char out[STORE_EVENT_WORD_BYTES])
{
    snprintf(out, STORE_EVENT_WORD_BYTES, "%.*s", SPAN_FMT(sql_text(st, column)));
}

/* One at most: it was alone. */
static enum err set_aside(struct sqlite *q, struct store_events_due *p)
{
    bool has_row;
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_EVENT_SET_ASIDE);
    sql_bind(
        st, "sit", p->account, (int64_t)STORE_EVENT_DEATHS_MAX,
        SPAN_LIT("set aside: the bridge died three times while this event alone was at work; it is taken "
                 "again by front-bridge events replay "));
    TRY(sql_step(q, st, &has_row));
    if (!has_row)
        return OK;
    word(st, 2, p->set_aside_id);
    word(st, 3, p->set_aside_type);
    return crown_returned(q, st);
}

/* A process has died, and these were at work. */
static enum err suspend(struct sqlite *q, struct store_events_due *p)
{
    bool has_row;
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_EVENT_OUT_N);
    sql_bind(st, "s", p->account);
    TRY(sql_step(q, st, &has_row));
    bool was_alone = has_row && sqlite3_column_int64(st, 0) == 1;
    sql_reset(st);
    st = sql_of(q, &q->writer, SQL_EVENT_SUSPEND);
    sql_bind(st, "si", p->account, (int64_t)was_alone);
    TRY(sql_run(q, st));
    return set_aside(q, p);
}

static enum err find_failure(struct sqlite *q, struct store_event *e)
{
    bool has_row;
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_EVENT_FAILED_AT);
    sql_bind(st, "i", e->id);
    TRY(sql_step(q, st, &has_row));
    if (!has_row)
        return OK;
    e->failed_at = sqlite3_column_int64(st, 0); /* NULL reads as 0 */
    sql_reset(st);
    return OK;
}

enum err sqlite_events_due(struct sqlite *q, struct store_op *op)
{
    struct store_events_due *p = container_of(op, struct store_events_due, op);
    p->next_at = INT64_MAX;
    if (p->is_first)
        TRY(suspend(q, p));
    TRY(gather_due(q, p));
    for (unsigned i = 0; i < p->event_n; i++) {
        struct store_event *e = &p->event[i];
        sqlite3_stmt *st = sql_of(q, &q->writer, SQL_EVENT_LATER);
        if (e->tried_at == 0)
            e->tried_at = p->now;
        sql_bind(st, "iii", e->id, p->now + p->retry_ms, e->tried_at);
        TRY(sql_run(q, st));
        TRY(find_failure(q, e));
    }
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_EVENT_NEXT);
    bool has_row;
    sql_bind(st, "s", p->account);
    TRY(sql_step(q, st, &has_row));
    if (!has_row)
        return OK;
    p->next_at = sqlite3_column_int64(st, 0);
    sql_reset(st);
    return OK;
}

/* Its followers need not wait for it any more. */
static enum err step_aside(struct sqlite *q, int64_t id)
{
    bool has_row;
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_EVENT_LANE);
    sql_bind(st, "i", id);
    TRY(sql_step(q, st, &has_row));
    if (!has_row)
        return ERR_NOT_FOUND;
    char *account = span_strdup(sql_text(st, 0)), *lane = span_strdup(sql_text(st, 1));
    sql_reset(st);
    st = sql_of(q, &q->writer, SQL_EVENT_ASIDE);
    sql_bind(st, "i", id);
    enum err e = sql_run(q, st);
    if (e == OK)
        e = crown(q, span_of(account), span_of(lane));
    free(account);
    free(lane);
    return e;
}

enum err sqlite_event_end(struct sqlite *q, struct store_op *op)
{
    struct store_event_end *p = container_of(op, struct store_event_end, op);
    if (p->steps_aside)
        TRY(step_aside(q, p->id));
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_EVENT_END);
    sql_bind(st, "iiit", p->id, (int64_t)p->state, p->due_at, p->result);
    return step_and_crown(q, st);
}

enum err sqlite_event_release(struct sqlite *q, struct store_op *op)
{
    struct store_event_release *p = container_of(op, struct store_event_release, op);
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_EVENT_RELEASE);
    sql_bind(st, "si", p->account, p->now);
    TRY(sql_run(q, st));
    p->event_n = (unsigned)sqlite3_changes(q->writer.db);
    return OK;
}

/* ---- Lists ---- */

static sqlite3_stmt *bind_filter(struct sqlite *q, struct conn *c, enum sql id,
                                 const struct store_event_filter *f, unsigned max)
{
    sqlite3_stmt *st = sql_of(q, c, id);
    sql_bind(st, "sssiiii", f->account, f->channel, f->types, f->after, f->before ? f->before : INT64_MAX,
             (int64_t)(f->states ? f->states : ~0u), (int64_t)max);
    if (f->event_id)
        sqlite3_bind_text(st, 11, f->event_id, -1, SQLITE_STATIC);
    return st;
}

static struct store_event *grow(struct store_event_list *p, unsigned *cap)
{
    if (p->event_n == *cap) {
        *cap = *cap ? *cap * 2 : 16;
        p->event = mem_realloc(p->event, *cap * sizeof *p->event);
    }
    return &p->event[p->event_n];
}

enum err sqlite_event_list(struct sqlite *q, struct store_op *op)
{
    struct store_event_list *p = container_of(op, struct store_event_list, op);
    unsigned max = p->max == 0 ? LIST_DEFAULT : p->max < LIST_MAX ? p->max : LIST_MAX, cap = 0;
    size_t bytes = 0;
    enum sql by = p->filter.event_id ? SQL_EVENT_LIST_ID : SQL_EVENT_LIST;
    sqlite3_stmt *st = bind_filter(q, &q->reader, by, &p->filter, max + 1);
    sqlite3_bind_int64(st, 8, p->from_at ? p->from_at : INT64_MAX);
    sqlite3_bind_int64(st, 9, p->from_id ? p->from_id : INT64_MAX);
    sqlite3_bind_int(st, 10, p->wants_body);
    for (;;) {
        bool has_row;
        TRY(sql_step(q, st, &has_row));
        if (!has_row)
            return OK;
        if (p->event_n == max || bytes > LIST_BYTES_MAX)
            break;
        struct store_event *e = grow(p, &cap);
        read_event(st, e);
        bytes += e->body_n;
        p->event_n++;
    }
    p->is_more = true;
    sql_reset(st);
    return OK;
}

/* From where the last one ended: what was picked there may have been ended again meanwhile. */
static enum err pick(struct sqlite *q, struct store_event_replay *p, int64_t *id)
{
    struct store_event_filter f = p->filter;
    f.states = (f.states ? f.states : ~0u) & ~(1u << EVENT_WAITING);
    p->event_n = 0;
    if (f.states == 0)
        return OK;
    sqlite3_stmt *st =
        bind_filter(q, &q->writer, f.event_id ? SQL_EVENT_PICK_ID : SQL_EVENT_PICK, &f, REPLAY_ROWS);
    sqlite3_bind_int64(st, 8, p->from_at);
    sqlite3_bind_int64(st, 9, p->from_id);
    for (;; p->event_n++) {
        bool has_row;
        TRY(sql_step(q, st, &has_row));
        if (!has_row)
            return OK;
        id[p->event_n] = p->from_id = sqlite3_column_int64(st, 0);
        p->from_at = sqlite3_column_int64(st, 1);
    }
}

enum err sqlite_event_replay(struct sqlite *q, struct store_op *op)
{
    struct store_event_replay *p = container_of(op, struct store_event_replay, op);
    int64_t id[REPLAY_ROWS];
    TRY(pick(q, p, id));
    for (unsigned i = 0; i < p->event_n; i++) {
        sqlite3_stmt *st = sql_of(q, &q->writer, SQL_EVENT_REPLAY);
        sql_bind(st, "ii", id[i], p->now);
        TRY(step_and_crown(q, st));
    }
    p->is_more = p->event_n == REPLAY_ROWS;
    return OK;
}

/* ---- Pruning ---- */

static enum err prune(struct sqlite *q, enum sql id, wall_ms_t before, bool *is_more)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, id);
    sql_bind(st, "ii", before, (int64_t)PRUNE_ROWS);
    TRY(sql_run(q, st));
    *is_more = *is_more || sqlite3_changes(q->writer.db) == PRUNE_ROWS;
    return OK;
}

enum err events_prune(struct sqlite *q, wall_ms_t bodies_before, wall_ms_t keys_before, bool *is_more)
{
    TRY(prune(q, SQL_EVENT_PRUNE_BODY, bodies_before, is_more));
    return prune(q, SQL_EVENT_PRUNE, keys_before, is_more);
}
