/*
 * An operator's verbs, over one message or many. Oldest first, so that what is released keeps its order.
 * Invariant: a message with an attempt out is left alone; its outcome comes first.
 */
#include "base/mem.h"
#include "store/operator.h"
#include "store/sqlite_find.h"

enum { ADMIN_MAX = 500 };

static const char *const reason_of[MESSAGE_VERB_N] = {
    [VERB_HOLD] = "held by an operator",
    [VERB_DROP] = "dropped by an operator",
};

static bool is_legal(const struct row *r, enum message_verb v)
{
    return r->state != MESSAGE_SENDING && message_next(r->direction, r->state, v) >= 0;
}

static enum err hurry(struct sqlite *q, const struct row *r, const struct store_admin *p)
{
    TRY(row_retire(q, r, p->now));
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_HURRY);
    sql_bind(st, "iii", r->id, p->now, p->now + p->expires_in_ms);
    TRY(sql_run(q, st));
    return files_wake(q, r, p->now);
}

static enum err act(struct sqlite *q, struct row *r, struct store_admin *p)
{
    bool ignored = false;
    enum message_state to = (enum message_state)message_next(r->direction, r->state, p->verb);
    p->message_n++;
    if (r->state == MESSAGE_QUEUED && to == MESSAGE_QUEUED)
        return hurry(q, r, p);
    if (to == MESSAGE_QUEUED)
        return row_reopen(q, r, p->now, p->now + p->expires_in_ms);
    struct span reason = p->note.p ? p->note : span_of(reason_of[p->verb]);
    return row_leave(q, r, to, reason, p->now, &ignored);
}

/* States worth visiting: those asked for from which the verb leads on. Requeuing what is queued must be asked
 * for. */
static uint32_t states_of(const struct store_admin *p)
{
    uint32_t legal = 0;
    for (int s = 0; s < MESSAGE_STATE_N; s++) {
        struct row r = {.state = (enum message_state)s};
        if (is_legal(&r, p->verb))
            legal |= 1u << s;
    }
    if (p->filter.states)
        return p->filter.states & (p->filter.id ? ~0u : legal);
    return p->filter.id ? ~0u : legal & ~(p->verb == VERB_REQUEUE ? 1u << MESSAGE_QUEUED : 0);
}

static enum err pick(struct sqlite *q, const struct store_admin *p, struct row *row, unsigned max,
                     unsigned *n)
{
    uint32_t states = states_of(p);
    *n = 0;
    if (states == 0)
        return OK;
    sqlite3_stmt *st = find_bind(q, &q->writer, SQL_PICK_ID, &p->filter, states, p->after_id, max);
    for (;;) {
        bool has_row;
        TRY(sql_step(q, st, &has_row));
        if (!has_row)
            return OK;
        TRY(row_from(q, st, &row[(*n)++]));
    }
}

enum err sqlite_admin(struct sqlite *q, struct store_op *op)
{
    struct store_admin *p = container_of(op, struct store_admin, op);
    struct row row[ADMIN_MAX];
    unsigned n, max = p->max && p->max < ADMIN_MAX ? p->max : ADMIN_MAX;
    bool is_verb =
        p->verb == VERB_REQUEUE || p->verb == VERB_HOLD || p->verb == VERB_RELEASE || p->verb == VERB_DROP;
    if (!is_verb)
        return ERR_INVALID;
    TRY(pick(q, p, row, max, &n));
    if (n == 0)
        return p->filter.id && p->after_id == 0 ? ERR_NOT_FOUND : OK;
    for (unsigned i = 0; i < n; i++) {
        if (is_legal(&row[i], p->verb))
            TRY(act(q, &row[i], p));
        else
            p->skipped_n++;
    }
    p->is_more = n == max && !p->filter.id;
    p->last_id = row[n - 1].id;
    return OK;
}
