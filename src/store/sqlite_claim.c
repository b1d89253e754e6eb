/*
 * Starts what is due: heads of lanes in the order of their due time, suspects first where that is asked for.
 * Invariant: what is handed out is SENDING, and its attempt is in the same commit.
 */
#include "base/mem.h"
#include "store/claim.h"
#include "store/sqlite.h"
#include <stdlib.h>

/* Bodies of one claim live in memory together. */
enum { CLAIM_BYTES_MAX = 4 << 20, CLAIM_MAX = 1024 };

enum { CLOCK_SLACK_MS = 1000 }; /* clocks are set right by less than this all the time */

struct claim {
    struct sqlite *q;
    struct store_claim *p;
    struct channel *channel;
    unsigned cap;
    size_t bytes;
    struct former {
        wall_ms_t started_at; /* of the last attempt */
        int64_t body_n;
    } former[CLAIM_MAX];
};

static struct store_message *slot(struct claim *c)
{
    struct store_claim *p = c->p;
    if (p->message_n == c->cap) {
        c->cap = c->cap ? c->cap * 2 : 8;
        p->message = mem_realloc(p->message, c->cap * sizeof *p->message);
    }
    return &p->message[p->message_n];
}

static bool is_full(const struct claim *c)
{
    return c->p->message_n >= c->p->max || c->bytes >= CLAIM_BYTES_MAX;
}

static enum err take(struct claim *c, sqlite3_stmt *st)
{
    struct store_message *m = slot(c);
    TRY(sqlite_message_read(c->q, &c->q->writer, st, m));
    c->former[c->p->message_n++] =
        (struct former){sqlite3_column_int64(st, 13), sqlite3_column_int64(st, 15)};
    c->bytes += m->body_n;
    return OK;
}

/* Reads rows until one may not be started now, whose due time is then the next. */
static enum err gather(struct claim *c, sqlite3_stmt *st)
{
    struct store_claim *p = c->p;
    for (;;) {
        bool has_row;
        TRY(sql_step(c->q, st, &has_row));
        if (!has_row)
            return OK;
        wall_ms_t due_at = sqlite3_column_int64(st, 10);
        if (due_at > p->now || is_full(c)) {
            p->next_due = due_at;
            sql_reset(st);
            return OK;
        }
        TRY(take(c, st));
    }
}

/* Reads what waits for a time that was set while the clock was ahead, the latest first: it is due now. */
static enum err gather_ahead(struct claim *c, sqlite3_stmt *st)
{
    struct store_claim *p = c->p;
    for (;;) {
        bool has_row;
        TRY(sql_step(c->q, st, &has_row));
        if (!has_row)
            return OK;
        wall_ms_t updated_at = sqlite3_column_int64(st, 12);
        if (updated_at <= p->now + CLOCK_SLACK_MS || is_full(c)) {
            sql_reset(st);
            return OK;
        }
        TRY(take(c, st));
        p->next_due = p->now; /* there may be more */
    }
}

static enum err start(struct claim *c, struct store_message *m, const struct former *f)
{
    struct row r = {.id = m->id,
                    .channel = c->channel,
                    .direction = m->direction,
                    .state = m->state,
                    .attempt = m->attempt,
                    .started_at = f->started_at,
                    .body_n = f->body_n};
    TRY(row_start(c->q, &r, c->p->now));
    if (m->kind == KIND_IMPORT)
        TRY(thread_chosen(c->q, c->channel, m, c->p->now));
    TRY(files_of(c->q, &c->q->writer, m));
    m->state = r.state;
    m->attempt = r.attempt;
    m->updated_at = c->p->now;
    return OK;
}

/* Rows are read first and started then: the update moves them in the index that is being read. */
static enum err claim_by(struct claim *c, enum sql id, enum err read(struct claim *, sqlite3_stmt *))
{
    struct store_claim *p = c->p;
    unsigned first = p->message_n;
    sqlite3_stmt *st = sql_of(c->q, &c->q->writer, id);
    sql_bind(st, "iii", queue_id(c->channel, p->direction), p->now, (int64_t)(p->max - first) + 1);
    TRY(read(c, st));
    for (unsigned i = first; i < p->message_n; i++)
        TRY(start(c, &p->message[i], &c->former[i]));
    return OK;
}

enum err sqlite_claim(struct sqlite *q, struct store_op *op)
{
    struct store_claim *p = container_of(op, struct store_claim, op);
    struct claim c = {.q = q, .p = p, .channel = channel_find(q, p->channel)};
    p->next_due = INT64_MAX;
    if (!c.channel)
        return OK;
    if (p->max > CLAIM_MAX)
        p->max = CLAIM_MAX;
    if (p->only_suspects_first)
        TRY(claim_by(&c, SQL_CLAIM_SUSPECT, gather));
    p->next_due = INT64_MAX;
    TRY(claim_by(&c, SQL_CLAIM_DUE, gather));
    if (p->next_due == INT64_MAX)
        return OK;
    if (is_full(&c)) {
        p->next_due = p->next_due < p->now ? p->next_due : p->now; /* what is ahead was not looked at */
        return OK;
    }
    return claim_by(&c, SQL_CLAIM_AHEAD, gather_ahead);
}
