/* An adapter's own durable keys. Limits are kept here: whoever asks has none of the numbers at hand. */
#include "base/mem.h"
#include "store/fact.h"
#include "store/sqlite.h"
#include <stdlib.h>

static enum err get(struct sqlite *q, const struct channel *c, struct span key, struct span *value,
                    bool *found)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_KV_GET);
    sql_bind(st, "ib", c->id, key);
    TRY(sql_step(q, st, found));
    if (*found)
        *value = sql_text(st, 0); /* the caller resets */
    return OK;
}

static enum err key_count(struct sqlite *q, const struct channel *c, int64_t *n)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_KV_COUNT);
    bool has_row;
    sql_bind(st, "i", c->id);
    TRY(sql_step(q, st, &has_row));
    *n = has_row ? sqlite3_column_int64(st, 0) : 0;
    if (has_row)
        sql_reset(st);
    return OK;
}

static enum err change(struct sqlite *q, const struct channel *c, const struct store_kv *p, int64_t more)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, p->value.p ? SQL_KV_SET : SQL_KV_DROP);
    sql_bind(st, p->value.p ? "ibb" : "ib", c->id, p->key, p->value);
    TRY(sql_run(q, st));
    if (more == 0)
        return OK;
    st = sql_of(q, &q->writer, SQL_KV_COUNTED);
    sql_bind(st, "ii", c->id, more);
    return sql_run(q, st);
}

static enum err write_key(struct sqlite *q, const struct store_kv *p)
{
    struct channel *c;
    struct span former;
    bool is_there;
    int64_t n;
    TRY(channel_get(q, p->channel, &c));
    TRY(get(q, c, p->key, &former, &is_there));
    if (is_there)
        sql_reset(sql_of(q, &q->writer, SQL_KV_GET));
    TRY(key_count(q, c, &n));
    if (p->value.p && !is_there && n >= STORE_KV_KEYS_MAX)
        return ERR_FULL;
    return change(q, c, p, (int64_t)(p->value.p != NULL) - is_there);
}

static enum err read_key(struct sqlite *q, struct store_kv *p)
{
    const struct channel *c = channel_find(q, p->channel);
    struct span value;
    bool found = false;
    if (c)
        TRY(get(q, c, p->key, &value, &found));
    if (!found)
        return ERR_NOT_FOUND;
    p->found = span_strdup(value);
    p->found_n = value.n;
    sql_reset(sql_of(q, &q->writer, SQL_KV_GET));
    return OK;
}

enum err sqlite_kv(struct sqlite *q, struct store_op *op)
{
    struct store_kv *p = container_of(op, struct store_kv, op);
    if (!p->key.p || p->key.n == 0)
        return ERR_INVALID;
    if (p->key.n > STORE_KV_KEY_MAX || p->value.n > STORE_KV_VALUE_MAX)
        return ERR_LIMIT;
    return p->is_write ? write_key(q, p) : read_key(q, p);
}
