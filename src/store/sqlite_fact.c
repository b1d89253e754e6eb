/* What the bridge has learnt. It refuses to know what a fact means. */
#include "base/mem.h"
#include "store/fact.h"
#include "store/sqlite.h"

static enum err get(struct sqlite *q, struct store_fact *p)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_FACT_GET);
    bool has_row;
    sql_bind(st, "ss", p->owner, p->key);
    TRY(sql_step(q, st, &has_row));
    if (!has_row)
        return ERR_NOT_FOUND;
    p->found = span_strdup(sql_text(st, 0));
    sql_reset(st);
    return OK;
}

enum err sqlite_fact(struct sqlite *q, struct store_op *op)
{
    struct store_fact *p = container_of(op, struct store_fact, op);
    if (p->value.n > STORE_FACT_MAX)
        return ERR_LIMIT;
    if (!p->is_write)
        return get(q, p);
    sqlite3_stmt *st = sql_of(q, &q->writer, p->value.p ? SQL_FACT_SET : SQL_FACT_DROP);
    sql_bind(st, p->value.p ? "sst" : "ss", p->owner, p->key, p->value);
    return sql_run(q, st);
}
