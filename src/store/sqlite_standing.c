/*
 * How a channel stands with Front. Keeps it, and decides nothing about it.
 */
#include "base/mem.h"
#include "store/fact.h"
#include "store/sqlite.h"
#include <string.h>

static void copy_text(struct span s, char *out, size_t size)
{
    size_t n = s.n < size ? s.n : size - 1;
    if (n > 0)
        memcpy(out, s.p, n);
    out[n] = '\0';
}

static void read_row(sqlite3_stmt *st, struct standing *f)
{
    *f = (struct standing){
        .life = (enum store_life)sqlite3_column_int(st, 2),
        .life_at = sqlite3_column_int64(st, 3),
        .life_since = sqlite3_column_int64(st, 4),
        .is_offline = sqlite3_column_int(st, 5),
    };
    copy_text(sql_text(st, 1), f->front_channel, sizeof f->front_channel);
}

enum err sqlite_standings(struct sqlite *q, struct store_op *op)
{
    struct store_standings *p = container_of(op, struct store_standings, op);
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_STANDING_ALL);
    store_standings_fini(p);
    p->item = mem_calloc(q->channel_n + 1, sizeof *p->item);
    for (;;) {
        bool has_row;
        TRY(sql_step(q, st, &has_row));
        if (!has_row)
            return OK;
        const struct channel *c = channel_by_id(q, sqlite3_column_int64(st, 0));
        if (!c)
            return sql_failed(q, NULL, SQLITE_CORRUPT);
        struct store_channel_standing *item = &p->item[p->item_n++];
        copy_text(span_of(c->name), item->channel, sizeof item->channel);
        read_row(st, &item->standing);
    }
}

enum err sqlite_standing(struct sqlite *q, struct store_op *op)
{
    const struct store_standing *p = container_of(op, struct store_standing, op);
    struct channel *c;
    TRY(channel_get(q, p->channel, &c));
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_STANDING_SET);
    sql_bind(st, "isiiiii", c->id, p->to.front_channel, (int64_t)p->to.life, p->to.life_at, p->to.life_since,
             (int64_t)p->to.is_offline, (int64_t)p->fields);
    return sql_run(q, st);
}
