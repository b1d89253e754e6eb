/*
 * What time takes away: messages that waited too long, bodies and keys that are old enough. In small batches.
 * Invariant: nothing that is open, held or unknown is ever pruned, nor the newest message (ids are not used
 * twice).
 */
#include "base/mem.h"
#include "store/expire.h"
#include "store/sqlite.h"
#include <string.h>

enum { PRUNE_ROWS = 500, REASON_MAX = 1024 };

/* ---- Expire ---- */

/* The last failure says more than "gave up"; absent: the reason that is there stays. */
static enum err reason_of(struct sqlite *q, const struct row *r, bool is_too_old, struct buf *out)
{
    bool has_failed =
        r->has_reason && strcmp(r->outcome, "delivered") != 0; /* else it speaks of a part that was */
    if (!has_failed) {
        message_parts_say(
            &r->parts, is_too_old ? SPAN_LIT("too old: it waited longer than allowed") : SPAN_LIT("gave up"),
            out);
        return OK;
    }
    if (r->parts.sent == 0)
        return OK;
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_REASON_GET);
    bool has_row;
    sql_bind(st, "i", r->id);
    TRY(sql_step(q, st, &has_row));
    if (!has_row)
        return OK;
    message_parts_say(&r->parts, sql_text(st, 0), out);
    sql_reset(st);
    return OK;
}

static enum err expire_one(struct sqlite *q, struct row *r, struct store_expire *p)
{
    bool ignored = false;
    struct store_expired *x = &p->expired[p->expired_n++];
    x->id = r->id;
    x->direction = r->direction;
    x->kind = r->kind;
    memcpy(x->channel, r->channel->name, sizeof x->channel);
    x->is_too_old = r->attempt == r->attempt_base && r->parts.sent == 0;
    if (r->direction == MESSAGE_OUT && r->kind == KIND_MESSAGE)
        TRY(report_add(q, r, p->now));
    struct buf reason;
    buf_init(&reason, REASON_MAX);
    enum err e = reason_of(q, r, x->is_too_old, &reason);
    if (e == OK)
        e = row_leave(q, r, MESSAGE_DEAD, reason.n > 0 ? buf_span(&reason) : SPAN_NONE, p->now, &ignored);
    buf_fini(&reason);
    return e;
}

static enum err expire_queue(struct sqlite *q, int64_t queue, struct store_expire *p)
{
    while (p->expired_n < ARRAY_LEN(p->expired)) {
        sqlite3_stmt *st = sql_of(q, &q->writer, SQL_EXPIRED);
        struct row r;
        bool has_row;
        sql_bind(st, "ii", queue, p->now);
        TRY(sql_step(q, st, &has_row));
        if (!has_row)
            return OK;
        TRY(row_from(q, st, &r));
        sql_reset(st);
        TRY(expire_one(q, &r, p));
    }
    return OK;
}

enum err sqlite_expire(struct sqlite *q, struct store_op *op)
{
    struct store_expire *p = container_of(op, struct store_expire, op);
    p->next_at = INT64_MAX;
    for (size_t i = 0; i < q->channel_n; i++) {
        for (int d = 0; d < 2; d++) {
            if (q->channel[i]->now[d].n[MESSAGE_QUEUED] == 0)
                continue;
            int64_t queue = queue_id(q->channel[i], (enum message_direction)d);
            TRY(expire_queue(q, queue, p));
            TRY(sql_earlier(q, &q->writer, SQL_NEXT_EXPIRY, queue, &p->next_at));
        }
    }
    p->is_more = p->next_at <= p->now;
    return OK;
}

/* ---- Prune: a pass goes up the ids until it meets what is too young, some rows each time ---- */

struct old {
    int64_t id;
    bool is_prunable;
};

static bool may_lose_body(int state)
{
    return message_is_settled((enum message_state)state);
}

static bool may_lose_key(int state)
{
    return message_is_settled((enum message_state)state) || state == MESSAGE_DEAD;
}

/* *at moves on; 0 means that the pass has come to its end. */
static enum err gather(struct sqlite *q, enum sql id, wall_ms_t before, bool (*may)(int), int64_t *at,
                       struct old *old, unsigned *n)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, id);
    sql_bind(st, "ii", *at, (int64_t)PRUNE_ROWS);
    for (*n = 0;; ++*n) {
        bool has_row;
        TRY(sql_step(q, st, &has_row)); /* after PRUNE_ROWS there is none: the statement's LIMIT */
        bool is_orphan = has_row && sqlite3_column_type(st, 1) == SQLITE_NULL;
        if (!has_row || (!is_orphan && sqlite3_column_int64(st, 2) >= before)) {
            if (has_row)
                sql_reset(st);
            *at = *n == PRUNE_ROWS ? old[*n - 1].id : 0;
            return OK;
        }
        int state = sqlite3_column_int(st, 1);
        bool is_known = (unsigned)state < MESSAGE_STATE_N;
        old[*n].id = sqlite3_column_int64(st, 0);
        old[*n].is_prunable = is_orphan || (is_known && sqlite3_column_int64(st, 3) < before && may(state));
    }
}

static enum err drop(struct sqlite *q, enum sql id, int64_t message_id)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, id);
    sql_bind(st, "i", message_id);
    return sql_run(q, st);
}

static enum err drop_message(struct sqlite *q, int64_t id)
{
    struct row r;
    TRY(row_read(q, id, &r));
    count_add(r.channel, r.direction, r.state, -1, -r.body_n);
    TRY(drop(q, SQL_BODY_DROP, id));
    TRY(drop(q, SQL_ATTEMPT_DROP, id));
    TRY(drop(q, SQL_RECEIPT_DROP, id));
    TRY(drop(q, SQL_PART_DROP, id));
    return drop(q, SQL_MESSAGE_DROP, id);
}

static enum err prune_bodies(struct sqlite *q, struct store_prune *p)
{
    struct old old[PRUNE_ROWS];
    unsigned n;
    TRY(gather(q, SQL_PRUNE_BODIES, p->bodies_before, may_lose_body, &q->prune_at, old, &n));
    for (unsigned i = 0; i < n; i++) {
        if (!old[i].is_prunable)
            continue;
        TRY(drop(q, SQL_BODY_DROP, old[i].id));
        p->body_n++;
    }
    q->is_prune_of_keys = q->prune_at == 0;
    p->is_more = true;
    return OK;
}

static enum err prune_keys(struct sqlite *q, struct store_prune *p)
{
    struct old old[PRUNE_ROWS];
    int64_t newest;
    unsigned n;
    TRY(last_id(q, &newest));
    TRY(gather(q, SQL_PRUNE_KEYS, p->keys_before, may_lose_key, &q->prune_at, old, &n));
    for (unsigned i = 0; i < n; i++) {
        if (!old[i].is_prunable || old[i].id == newest)
            continue;
        TRY(drop_message(q, old[i].id));
        p->key_n++;
    }
    q->is_prune_of_keys = p->is_more = q->prune_at != 0;
    return OK;
}

enum err sqlite_prune(struct sqlite *q, struct store_op *op)
{
    struct store_prune *p = container_of(op, struct store_prune, op);
    bool is_more = false;
    TRY(events_prune(q, p->bodies_before, p->keys_before, &is_more));
    TRY(files_prune(q, p, &is_more));
    TRY(map_prune(q, p, &is_more));
    TRY(q->is_prune_of_keys ? prune_keys(q, p) : prune_bodies(q, p));
    p->is_more = p->is_more || is_more;
    return OK;
}
