/*
 * Proof from Front that it shows an inbound message. It may come before the answer to our own call does, after
 * that answer was lost, or twice. Invariant: a confirmed message is never sent again.
 */
#include "base/mem.h"
#include "store/later.h"
#include "store/sqlite.h"

static enum err find_by_uid(struct sqlite *q, const struct channel *c, struct span uid, struct row *r)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_CONFIRM_UID);
    sql_bind(st, "it", queue_id(c, MESSAGE_IN), uid);
    return row_one(q, st, r);
}

static enum err find_in(struct sqlite *q, const struct store_confirm *p, const struct channel *c,
                        struct row *r)
{
    if (!c)
        return ERR_NOT_FOUND;
    if (p->id == 0)
        return p->uid.p ? find_by_uid(q, c, p->uid, r) : ERR_NOT_FOUND;
    TRY(row_read(q, p->id, r));
    return r->channel == c && r->direction == MESSAGE_IN ? OK : ERR_NOT_FOUND;
}

/* Front shows history as it shows what is new. */
static enum err find(struct sqlite *q, struct store_confirm *p, struct row *r)
{
    enum err e = find_in(q, p, channel_find(q, p->channel), r);
    p->is_history = false;
    if (e != ERR_NOT_FOUND)
        return e;
    TRY(find_in(q, p, channel_history(q, p->channel), r));
    p->is_history = true;
    return OK;
}

enum err confirm_note(struct sqlite *q, const struct row *r, struct span uid)
{
    if (!uid.p)
        return OK;
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_CONFIRM_NOTE);
    sql_bind(st, "it", r->id, uid);
    return sql_run(q, st);
}

/* What Front calls it, and where it shows it. */
static enum err note_shown(struct sqlite *q, const struct row *r, const struct store_confirm *p)
{
    if (p->front_id.p) {
        sqlite3_stmt *st = sql_of(q, &q->writer, SQL_CONFIRM_SHOWN);
        sql_bind(st, "it", r->id, p->front_id);
        TRY(sql_run(q, st));
    }
    return p->conversation.p ? thread_shown(q, r, p->conversation, p->now) : OK;
}

enum err sqlite_confirm(struct sqlite *q, struct store_op *op)
{
    struct store_confirm *p = container_of(op, struct store_confirm, op);
    struct row r;
    p->is_new = p->is_promoted = false;
    TRY(find(q, p, &r));
    p->found_id = r.id;
    if (r.state != MESSAGE_DELIVERED && message_next(r.direction, r.state, VERB_DELIVER) < 0)
        return ERR_CONFLICT;
    TRY(note_shown(q, &r, p));
    if (r.state == MESSAGE_DELIVERED)
        return OK;
    TRY(confirm_note(q, &r, p->uid));
    TRY(row_leave(q, &r, MESSAGE_DELIVERED, SPAN_NONE, p->now, &p->is_promoted));
    p->is_new = true;
    return OK;
}
