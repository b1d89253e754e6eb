/*
 * Lists, one message with its timeline, and figures, on the read-only connection. It refuses to hold a
 * snapshot for long: a read that takes more than READ_MS is broken off, since the store thread waits for it.
 */
#include "base/mem.h"
#include "store/operator.h"
#include "store/sqlite_find.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LIST_DEFAULT = 100, LIST_MAX = 1000, LIST_BYTES_MAX = 16 << 20 };

static struct store_message *grow(struct store_list *p, unsigned *cap)
{
    if (p->message_n == *cap) {
        *cap = *cap ? *cap * 2 : 16;
        p->message = mem_realloc(p->message, *cap * sizeof *p->message);
    }
    return &p->message[p->message_n];
}

enum err sqlite_list(struct sqlite *q, struct store_op *op)
{
    struct store_list *p = container_of(op, struct store_list, op);
    const struct store_filter *f = &p->filter;
    unsigned max = p->max == 0 ? LIST_DEFAULT : p->max < LIST_MAX ? p->max : LIST_MAX, cap = 0;
    size_t bytes = 0;
    sqlite3_stmt *st = find_bind(q, &q->reader, SQL_LIST_ID, f, f->states ? f->states : ~0u,
                                 f->before_id ? f->before_id : INT64_MAX, max + 1);
    sqlite3_bind_int(st, 7, p->wants_body);
    for (;;) {
        bool has_row;
        TRY(sql_step(q, st, &has_row));
        if (!has_row)
            return OK;
        if (p->message_n == max || bytes > LIST_BYTES_MAX)
            break;
        struct store_message *m = grow(p, &cap);
        TRY(sqlite_message_read(q, &q->reader, st, m));
        bytes += m->body_n;
        p->message_n++;
    }
    p->is_more = true;
    sql_reset(st);
    return OK;
}

/* ---- Show ---- */

static enum err read_message(struct sqlite *q, struct store_show *p)
{
    const struct store_filter f = {.direction = -1, .id = p->id};
    sqlite3_stmt *st = find_bind(q, &q->reader, SQL_LIST_ID, &f, ~0u, INT64_MAX, 1);
    bool has_row;
    sqlite3_bind_int(st, 7, 1);
    TRY(sql_step(q, st, &has_row));
    if (!has_row)
        return ERR_NOT_FOUND;
    enum err e = sqlite_message_read(q, &q->reader, st, &p->message);
    sql_reset(st);
    return e;
}

static enum err read_attempts(struct sqlite *q, struct store_show *p, enum sql id)
{
    sqlite3_stmt *st = sql_of(q, &q->reader, id);
    sql_bind(st, "i", p->id);
    for (;;) {
        bool has_row;
        TRY(sql_step(q, st, &has_row));
        if (!has_row)
            return OK;
        p->attempt = mem_realloc(p->attempt, (p->attempt_n + 1) * sizeof *p->attempt);
        struct store_attempt *a = &p->attempt[p->attempt_n++];
        *a = (struct store_attempt){
            .n = (uint32_t)sqlite3_column_int64(st, 0),
            .started_at = sqlite3_column_int64(st, 1),
            .ended_at = sqlite3_column_int64(st, 2),
            .code = sqlite3_column_int(st, 4),
            .reason = span_strdup(sql_text(st, 5)),
        };
        struct span outcome = sql_text(st, 3);
        memcpy(a->outcome, outcome.p, outcome.n < sizeof a->outcome ? outcome.n : sizeof a->outcome - 1);
    }
}

enum err sqlite_show(struct sqlite *q, struct store_op *op)
{
    struct store_show *p = container_of(op, struct store_show, op);
    TRY(read_message(q, p));
    TRY(files_of(q, &q->reader, &p->message));
    TRY(read_attempts(q, p, SQL_SHOW_ATTEMPTS));
    TRY(read_attempts(q, p, SQL_SHOW_LAST));
    return read_attempts(q, p, SQL_SHOW_RECEIPTS);
}

/* ---- Figures ---- */

static enum err count_queue(struct sqlite *q, const struct channel *c, enum message_direction d,
                            struct store_count *out)
{
    *out = (struct store_count){.direction = d};
    memcpy(out->channel, c->name, sizeof out->channel);
    for (int s = 0; s < MESSAGE_STATE_N; s++) {
        out->n[s] = (uint64_t)c->now[d].n[s];
        out->bytes += (uint64_t)c->now[d].bytes[s];
    }
    wall_ms_t oldest_at = INT64_MAX;
    TRY(sql_earlier(q, &q->reader, SQL_OLDEST, queue_id(c, d), &oldest_at));
    TRY(sql_earlier(q, &q->reader, SQL_OLDEST_SENDING, queue_id(c, d), &oldest_at));
    out->oldest_at = oldest_at == INT64_MAX ? 0 : oldest_at;
    return OK;
}

static uint64_t file_size(const char *path, const char *suffix)
{
    char name[4096];
    struct stat st;
    sqlite3_snprintf(sizeof name, name, "%s%s", path, suffix);
    return stat(name, &st) == 0 ? (uint64_t)st.st_size : 0;
}

enum err sqlite_stats(struct sqlite *q, struct store_op *op)
{
    struct store_stats *p = container_of(op, struct store_stats, op);
    p->count = mem_calloc(q->channel_n * 2, sizeof *p->count);
    for (size_t i = 0; i < q->channel_n; i++)
        for (int d = 0; d < 2; d++)
            TRY(count_queue(q, q->channel[i], (enum message_direction)d, &p->count[p->count_n++]));
    p->file_bytes = file_size(q->path, "");
    p->wal_bytes = file_size(q->path, "-wal");
    return OK;
}
