/*
 * Failures that the agent is still to be told of. A row stands until whoever tells is done with it: told
 * twice if the process dies in between, never not at all.
 */
#include "base/mem.h"
#include "store/later.h"
#include "store/sqlite.h"

enum err report_add(struct sqlite *q, const struct row *r, wall_ms_t now)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_REPORT_ADD);
    sql_bind(st, "iii", r->id, r->channel->id, now);
    return sql_run(q, st);
}

enum err report_drop(struct sqlite *q, int64_t id)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_REPORT_DROP);
    sql_bind(st, "i", id);
    return sql_run(q, st);
}

static enum err gather(struct sqlite *q, const struct channel *c, struct store_reports *p)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_REPORT_DUE);
    sql_bind(st, "iii", c->id, p->now, (int64_t)STORE_REPORTS_MAX);
    for (;;) {
        bool has_row;
        TRY(sql_step(q, st, &has_row));
        if (!has_row)
            return OK;
        p->tries[p->message_n] = (unsigned)sqlite3_column_int64(st, sqlite3_column_count(st) - 1);
        struct store_message *m = &p->message[p->message_n];
        TRY(sqlite_message_read(q, &q->writer, st, m));
        TRY(thread_moved_to(q, m->conversation, &p->moved_to[p->message_n++]));
    }
}

static enum err put_off(struct sqlite *q, const struct store_reports *p)
{
    for (unsigned i = 0; i < p->message_n; i++) {
        sqlite3_stmt *st = sql_of(q, &q->writer, SQL_REPORT_LATER);
        sql_bind(st, "ii", p->message[i].id, p->now + p->retry_ms);
        TRY(sql_run(q, st));
    }
    return OK;
}

enum err sqlite_reports(struct sqlite *q, struct store_op *op)
{
    struct store_reports *p = container_of(op, struct store_reports, op);
    const struct channel *c = channel_find(q, p->channel);
    p->next_at = INT64_MAX;
    if (!c)
        return OK;
    TRY(gather(q, c, p));
    TRY(put_off(q, p));
    return sql_earlier(q, &q->writer, SQL_REPORT_NEXT, c->id, &p->next_at);
}

enum err sqlite_reported(struct sqlite *q, struct store_op *op)
{
    return report_drop(q, container_of(op, struct store_reported, op)->id);
}
