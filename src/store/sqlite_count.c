/*
 * Channels, and how many messages of each state they have. Decides nothing; keeps sums.
 * Invariant: `now` is what the running transaction will have made true, `committed` what is on disk.
 */
#include "base/mem.h"
#include "store/import.h"
#include "store/sqlite.h"
#include <stdlib.h>
#include <string.h>

/* Where name is, or would be. */
static size_t place_of(const struct sqlite *q, const char *name, bool *found)
{
    size_t lo = 0, hi = q->channel_n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = strcmp(name, q->channel[mid]->name);
        if (order == 0) {
            *found = true;
            return mid;
        }
        if (order < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    *found = false;
    return lo;
}

static struct channel *insert(struct sqlite *q, size_t at, int64_t id, const char *name)
{
    struct channel *c = mem_zalloc(sizeof *c);
    c->id = id;
    memcpy(c->name, name, strlen(name) + 1);
    q->channel = mem_realloc(q->channel, (q->channel_n + 1) * sizeof(struct channel *));
    memmove(q->channel + at + 1, q->channel + at, (q->channel_n - at) * sizeof(struct channel *));
    q->channel[at] = c;
    q->channel_n++;
    return c;
}

struct channel *channel_find(struct sqlite *q, const char *name)
{
    bool found;
    size_t at = place_of(q, name, &found);
    return found ? q->channel[at] : NULL;
}

struct channel *channel_history(struct sqlite *q, const char *name)
{
    char history[STORE_CHANNEL_BYTES];
    struct span live;
    if (store_history_of(span_of(name), &live))
        return NULL;
    store_history_name(name, history);
    return channel_find(q, history);
}

struct channel *channel_live(struct sqlite *q, const char *history)
{
    char name[STORE_CHANNEL_BYTES];
    struct span live;
    if (!store_history_of(span_of(history), &live))
        return NULL;
    memcpy(name, live.p, live.n);
    name[live.n] = 0;
    return channel_find(q, name);
}

struct channel *channel_by_id(struct sqlite *q, int64_t id)
{
    for (size_t i = 0; i < q->channel_n; i++)
        if (q->channel[i]->id == id)
            return q->channel[i];
    return NULL;
}

enum err channel_get(struct sqlite *q, const char *name, struct channel **out)
{
    bool found;
    size_t at = place_of(q, name, &found);
    if (found) {
        *out = q->channel[at];
        return OK;
    }
    if (strlen(name) >= sizeof(*out)->name)
        return ERR_LIMIT;
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_CHANNEL_ADD);
    sql_bind(st, "s", name);
    bool has_row;
    TRY(sql_step(q, st, &has_row));
    must(has_row);
    int64_t id = sqlite3_column_int64(st, 0);
    sql_reset(st);
    *out = insert(q, at, id, name);
    (*out)->is_new = true;
    return OK;
}

uint64_t channel_bytes(const struct channel *c)
{
    int64_t sum = 0;
    for (int d = 0; d < 2; d++)
        for (int s = 0; s < MESSAGE_STATE_N; s++)
            sum += c->now[d].bytes[s];
    return sum > 0 ? (uint64_t)sum : 0;
}

void count_add(struct channel *c, enum message_direction d, enum message_state s, int64_t n, int64_t bytes)
{
    c->now[d].n[s] += n;
    if (!message_is_settled(s))
        c->now[d].bytes[s] += bytes;
    c->dirty[d] |= 1u << s;
}

static enum err load_channels(struct sqlite *q)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_CHANNEL_ALL);
    for (;;) {
        bool has_row, found;
        TRY(sql_step(q, st, &has_row));
        if (!has_row)
            return OK;
        const char *name = (const char *)sqlite3_column_text(st, 1);
        size_t at = place_of(q, name, &found);
        if (!found && strlen(name) < sizeof q->channel[0]->name)
            insert(q, at, sqlite3_column_int64(st, 0), name);
    }
}

static enum err load_counters(struct sqlite *q)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_COUNTER_ALL);
    for (;;) {
        bool has_row;
        TRY(sql_step(q, st, &has_row));
        if (!has_row)
            return OK;
        int64_t queue = sqlite3_column_int64(st, 0), state = sqlite3_column_int64(st, 1);
        struct channel *c = channel_by_id(q, queue / 2);
        if (!c || state < 0 || state >= MESSAGE_STATE_N)
            continue;
        c->now[queue & 1].n[state] = sqlite3_column_int64(st, 2);
        c->now[queue & 1].bytes[state] = sqlite3_column_int64(st, 3);
        c->committed[queue & 1] = c->now[queue & 1];
    }
}

enum err last_id(struct sqlite *q, int64_t *id)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_LAST_ID);
    bool has_row;
    TRY(sql_step(q, st, &has_row));
    must(has_row);
    *id = sqlite3_column_int64(st, 0);
    sql_reset(st);
    return OK;
}

enum err counts_load(struct sqlite *q)
{
    int64_t last;
    TRY(load_channels(q));
    TRY(load_counters(q));
    TRY(last_id(q, &last));
    q->next_id = q->committed_next_id = last + 1;
    return OK;
}

static enum err write_one(struct sqlite *q, const struct channel *c, int d, int s)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_COUNTER_SET);
    sql_bind(st, "iiii", queue_id(c, (enum message_direction)d), (int64_t)s, c->now[d].n[s],
             c->now[d].bytes[s]);
    return sql_run(q, st);
}

enum err counts_write(struct sqlite *q)
{
    for (size_t i = 0; i < q->channel_n; i++) {
        struct channel *c = q->channel[i];
        for (int d = 0; d < 2; d++)
            for (uint32_t left = c->dirty[d]; left; left &= left - 1)
                TRY(write_one(q, c, d, __builtin_ctz(left)));
    }
    return OK;
}

void counts_commit(struct sqlite *q)
{
    q->committed_next_id = q->next_id;
    for (size_t i = 0; i < q->channel_n; i++) {
        struct channel *c = q->channel[i];
        c->is_new = false;
        for (int d = 0; d < 2; d++)
            if (c->dirty[d])
                c->committed[d] = c->now[d];
        c->dirty[0] = c->dirty[1] = 0;
    }
}

void counts_rollback(struct sqlite *q)
{
    size_t kept = 0;
    q->next_id = q->committed_next_id;
    for (size_t i = 0; i < q->channel_n; i++) {
        struct channel *c = q->channel[i];
        if (c->is_new) {
            free(c);
            continue;
        }
        for (int d = 0; d < 2; d++)
            if (c->dirty[d])
                c->now[d] = c->committed[d];
        c->dirty[0] = c->dirty[1] = 0;
        q->channel[kept++] = c;
    }
    q->channel_n = kept;
}

void counts_mark(struct sqlite *q)
{
    q->mark_next_id = q->next_id;
    for (size_t i = 0; i < q->channel_n; i++) {
        struct channel *c = q->channel[i];
        c->is_marked = true;
        memcpy(c->mark, c->now, sizeof c->mark);
    }
}

void counts_undo(struct sqlite *q)
{
    size_t kept = 0;
    q->next_id = q->mark_next_id;
    for (size_t i = 0; i < q->channel_n; i++) {
        struct channel *c = q->channel[i];
        if (!c->is_marked) {
            free(c);
            continue;
        }
        memcpy(c->now, c->mark, sizeof c->now);
        q->channel[kept++] = c;
    }
    q->channel_n = kept;
}

void counts_free(struct sqlite *q)
{
    for (size_t i = 0; i < q->channel_n; i++)
        free(q->channel[i]);
    free(q->channel);
}
