/*
 * Forgets what the map of conversations has not been asked for so long as keys are kept: threads, links, aliases, moves.
 * A pass a day goes through each table by its key, some rows each time. Invariant: what a message that is still there
 * needs stays, whatever its age: nothing is forgotten that was used since the oldest message was stored.
 */
#include "base/mem.h"
#include "store/expire.h"
#include "store/put.h"
#include "store/sqlite.h"
#include <stdlib.h>

enum { FORGET_ROWS = 500 };

static const struct table {
    enum sql find, drop;
} tables[] = {
    {SQL_FORGET_THREADS, SQL_THREADS_FORGOTTEN},
    {SQL_FORGET_LINKS, SQL_LINKS_FORGOTTEN},
    {SQL_FORGET_ALIASES, SQL_ALIASES_FORGOTTEN},
    {SQL_FORGET_MOVES, SQL_MOVES_FORGOTTEN},
};

/* ---- Use ---- */

static enum err mark(struct sqlite *q, enum sql id, const struct channel *c, struct span key, wall_ms_t now)
{
    if (key.n == 0)
        return OK;
    sqlite3_stmt *st = sql_of(q, &q->writer, id);
    sql_bind(st, "iti", c->id, key, now);
    return sql_run(q, st);
}

enum err map_used(struct sqlite *q, const struct channel *c, const struct store_put *p,
                  struct span thread_ref, struct span conversation)
{
    if (p->direction == MESSAGE_IN && p->kind == KIND_AGENT)
        TRY(mark(q, SQL_AGENT_THREAD_USED, c, thread_ref, p->now));
    if (p->direction == MESSAGE_IN)
        return mark(q, SQL_PEER_USED, c, conversation, p->now);
    for (unsigned i = 0; i < p->item_n; i++)
        if (span_starts(p->item[i].recipient, "+")) /* see alias_recipient */
            TRY(mark(q, SQL_ALIAS_USED, c, p->item[i].recipient, p->now));
    TRY(mark(q, SQL_THREAD_USED, c, thread_ref, p->now));
    return mark(q, SQL_LINK_USED, c, conversation, p->now);
}

/* ---- Forgetting ---- */

/* Marks are a day old at most. */
static enum err last_of_use(struct sqlite *q, wall_ms_t keys_before, wall_ms_t *before)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_OLDEST_STORED);
    bool has_row;
    TRY(sql_step(q, st, &has_row));
    *before = keys_before;
    if (has_row) {
        wall_ms_t oldest = sqlite3_column_int64(st, 0);
        *before = oldest < keys_before ? oldest : keys_before;
        sql_reset(st);
    }
    *before -= DAY_MS;
    return OK;
}

/* The last row of this batch: FORGET_ROWS further, or the end. */
static enum err find_end(struct sqlite *q, const struct table *t, int64_t *id, char **key)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, t->find);
    bool has_row;
    sql_bind(st, "iti", q->forget.id, span_of(q->forget.key ? q->forget.key : ""), (int64_t)FORGET_ROWS - 1);
    TRY(sql_step(q, st, &has_row));
    *id = INT64_MAX;
    *key = NULL;
    if (!has_row)
        return OK;
    *id = sqlite3_column_int64(st, 0);
    *key = span_strdup(sql_text(st, 1));
    sql_reset(st);
    return OK;
}

static enum err forget_some(struct sqlite *q, wall_ms_t before, unsigned *n)
{
    const struct table *t = &tables[q->forget.table];
    int64_t id;
    char *key;
    TRY(find_end(q, t, &id, &key));
    sqlite3_stmt *st = sql_of(q, &q->writer, t->drop);
    sql_bind(st, "ititi", q->forget.id, span_of(q->forget.key ? q->forget.key : ""), id,
             span_of(key ? key : ""), before);
    enum err e = sql_run(q, st);
    *n = (unsigned)sqlite3_changes(q->writer.db);
    free(q->forget.key);
    q->forget.key = key;
    q->forget.id = id;
    if (!key) {
        q->forget.id = 0;
        q->forget.table = (q->forget.table + 1) % ARRAY_LEN(tables);
        q->forget.is_running = q->forget.table != 0;
    }
    return e;
}

enum err map_prune(struct sqlite *q, struct store_prune *p, bool *is_more)
{
    wall_ms_t before;
    if (!q->forget.is_running && q->forget.has_run && p->keys_before < q->forget.from + DAY_MS)
        return OK;
    if (!q->forget.is_running) {
        q->forget.is_running = q->forget.has_run = true;
        q->forget.from = p->keys_before;
    }
    TRY(last_of_use(q, p->keys_before, &before));
    TRY(forget_some(q, before, &p->map_n));
    *is_more |= q->forget.is_running;
    return OK;
}
