/*
 * Decides by which index a filter is answered, from the counters: what is rare is read from its own small
 * index, what is common is met soon enough on the way through the ids. Invariant: the choice changes the
 * cost, never the result.
 */
#include "store/sqlite_find.h"
#include "store/operator.h"
#include <string.h>

/* Below this many a sort is cheaper than a walk through the ids. */
enum { FEW = 10000 };

static const uint32_t open_states = 1u << MESSAGE_QUEUED | 1u << MESSAGE_SENDING;
static const uint32_t aside_states = 1u << MESSAGE_HELD | 1u << MESSAGE_UNKNOWN | 1u << MESSAGE_DEAD;
static const uint32_t all_states = (1u << MESSAGE_STATE_N) - 1;

static int64_t count_of(const struct sqlite *q, const char *channel, uint32_t states)
{
    int64_t sum = 0;
    for (size_t i = 0; i < q->channel_n; i++)
        for (int s = 0; s < MESSAGE_STATE_N; s++)
            if ((states >> s & 1) && (!channel || strcmp(channel, q->channel[i]->name) == 0))
                sum += q->channel[i]->now[0].n[s] + q->channel[i]->now[1].n[s];
    return sum;
}

enum find_by find_by(const struct sqlite *q, const struct store_filter *f, uint32_t states)
{
    if (f->id)
        return FIND_ID;
    if ((states & ~aside_states) == 0)
        return FIND_ASIDE;
    if ((states & ~open_states) == 0 && count_of(q, NULL, states) < FEW)
        return FIND_OPEN;
    if (f->channel && count_of(q, f->channel, all_states) < FEW)
        return FIND_CHANNEL;
    return FIND_SCAN;
}

static int64_t channel_of(struct sqlite *q, const char *name)
{
    if (!name)
        return -1;
    const struct channel *c = channel_find(q, name);
    return c ? c->id : INT64_C(1) << 40; /* an id that no channel has: nothing is found */
}

sqlite3_stmt *find_bind(struct sqlite *q, struct conn *c, enum sql first, const struct store_filter *f,
                        uint32_t states, int64_t from_id, unsigned max)
{
    enum find_by by = find_by(q, f, states);
    sqlite3_stmt *st = sql_of(q, c, (enum sql)((int)first + (int)by));
    sql_bind(st, "iiitii", channel_of(q, f->channel), (int64_t)f->direction, (int64_t)states,
             span_of(f->reason), from_id, (int64_t)max);
    if (by == FIND_ID)
        sqlite3_bind_int64(st, 8, f->id);
    return st;
}
