/*
 * Which earlier message a backend means by an id. It refuses to guess: an id that is none of the channel's is not found.
 * An id of a message that the backend handed over goes before the same id of a delivery.
 */
#include "base/mem.h"
#include "store/message.h"
#include "store/sqlite.h"

/* Binds what the three statements have in common, and reads what they find. */
static enum err find(struct sqlite *q, sqlite3_stmt *st, struct store_about *p, bool *is_found)
{
    TRY(sql_step(q, st, is_found));
    if (!*is_found)
        return OK;
    enum err e = sqlite_message_read(q, &q->reader, st, &p->message);
    sql_reset(st);
    return e;
}

static enum err find_id(struct sqlite *q, const struct channel *c, struct store_about *p, bool *is_found)
{
    sqlite3_stmt *st = sql_of(q, &q->reader, SQL_ABOUT_ID);
    sql_bind(st, "iii", queue_id(c, MESSAGE_OUT), p->id, (int64_t)STORE_ABOUT_BODY_MAX);
    return find(q, st, p, is_found);
}

static enum err find_key(struct sqlite *q, const struct channel *c, enum message_direction d,
                         struct store_about *p, bool *is_found)
{
    if (*is_found || !c)
        return OK;
    sqlite3_stmt *st = sql_of(q, &q->reader, d == MESSAGE_OUT ? SQL_ABOUT_SENT : SQL_ABOUT_RECEIVED);
    sql_bind(st, "iti", queue_id(c, d), p->key, (int64_t)STORE_ABOUT_BODY_MAX);
    return find(q, st, p, is_found);
}

enum err sqlite_about(struct sqlite *q, struct store_op *op)
{
    struct store_about *p = container_of(op, struct store_about, op);
    const struct channel *c = channel_find(q, p->channel);
    bool is_found = false;
    if (p->id && c) {
        TRY(find_id(q, c, p, &is_found));
    } else if (p->key.n > 0) {
        if (!p->is_delivery)
            TRY(find_key(q, c, MESSAGE_IN, p, &is_found));
        TRY(find_key(q, c, MESSAGE_OUT, p, &is_found));
        if (!p->is_delivery && !is_found) {
            TRY(find_key(q, channel_history(q, p->channel), MESSAGE_IN, p, &is_found));
            p->is_history = is_found;
        }
    }
    return is_found ? OK : ERR_NOT_FOUND;
}
