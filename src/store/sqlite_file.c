/*
 * The files of messages: which are wanted, which are here, whose they are. It refuses to know where bytes lie and how they
 * come. Invariant: files_left of a message is the number of its rows that are wanted, and while it is not 0 the message's
 * due time is the end of its life; a row that is ready names a file that was complete before.
 */
#include "base/mem.h"
#include "store/expire.h"
#include "store/message.h"
#include "store/put.h"
#include "store/sqlite.h"
#include <stdlib.h>
#include <string.h>

enum {
    SHARED_MAX = 4096, /* rows that one fetched file serves at once; the rest is handed out again */
    PRUNE_ROWS = STORE_DROPPED_MAX,
    FIRST_TEXT = 6, /* of FILE_COLUMNS */
    TEXT_N = 7,
    SOURCE_ID = FIRST_TEXT + TEXT_N, /* what SQL_FILE_DUE adds */
};

/* ---- Rows ---- */

static void read_file(sqlite3_stmt *st, bool has_source, struct store_file *f)
{
    char **field[] = {&f->origin, &f->filename, &f->content_type, &f->cid,
                      &f->name,   &f->sha256,   &f->reason,       &f->source_id};
    struct span text[TEXT_N + 1] = {SPAN_NONE};
    size_t size = 1, n = has_source ? TEXT_N + 1 : TEXT_N;
    for (size_t i = 0; i < n; i++) {
        text[i] = sql_text(st, FIRST_TEXT + (int)i);
        size += text[i].n + 1;
    }
    *f = (struct store_file){
        .id = sqlite3_column_int64(st, 0),
        .direction = (enum message_direction)(sqlite3_column_int64(st, 1) & 1),
        .message_id = sqlite3_column_int64(st, 2),
        .state = (enum file_state)sqlite3_column_int(st, 3),
        .bytes = sqlite3_column_int64(st, 4),
        .tries = (unsigned)sqlite3_column_int64(st, 5),
        .block = mem_zalloc(size),
    };
    char *at = f->block;
    for (size_t i = 0; i < n; i++) {
        if (!text[i].p)
            continue;
        *field[i] = memcpy(at, text[i].p, text[i].n);
        at += text[i].n + 1;
    }
}

static enum err read_row(struct sqlite *q, struct conn *c, int64_t id, int64_t *queue, struct store_file *out)
{
    sqlite3_stmt *st = sql_of(q, c, SQL_FILE_ROW);
    bool has_row;
    sql_bind(st, "i", id);
    TRY(sql_step(q, st, &has_row));
    if (!has_row)
        return ERR_NOT_FOUND;
    *queue = sqlite3_column_int64(st, 1);
    read_file(st, false, out);
    sql_reset(st);
    return OK;
}

enum err files_of(struct sqlite *q, struct conn *c, struct store_message *m)
{
    unsigned n = m->file_n;
    m->file_n = 0;
    if (n == 0)
        return OK;
    sqlite3_stmt *st = sql_of(q, c, SQL_FILES_OF);
    m->file = mem_calloc(n, sizeof *m->file);
    sql_bind(st, "i", m->id);
    for (;;) {
        bool has_row;
        TRY(sql_step(q, st, &has_row));
        if (!has_row)
            return OK;
        if (m->file_n < n)
            read_file(st, false, &m->file[m->file_n++]);
    }
}

/* ---- Put ---- */

size_t files_bytes(const struct store_item *item)
{
    size_t sum = 0;
    for (unsigned i = 0; i < item->file_n; i++)
        if (item->file[i].name)
            sum += (size_t)item->file[i].bytes;
    return sum;
}

static enum file_state state_of(const struct store_file_put *f)
{
    return f->name ? FILE_READY : f->reason.p ? FILE_GONE : FILE_WANTED;
}

static enum err add_row(struct sqlite *q, const struct row *r, unsigned n, const struct store_file_put *f,
                        wall_ms_t now)
{
    enum file_state state = state_of(f);
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_FILE_ADD);
    sql_bind(st, "iiiiiittttsst", queue_id(r->channel, r->direction), r->id, (int64_t)n, (int64_t)state, now,
             f->bytes, f->origin, f->filename, f->content_type, f->cid, f->name, f->sha256, f->reason);
    if (state != FILE_WANTED)
        sqlite3_bind_null(st, 5);
    return sql_run(q, st);
}

/* What another message of the channel had from the same origin is taken as it is: Front never changes a file. */
static enum err add_shared(struct sqlite *q, const struct row *r, unsigned n, const struct store_file_put *f,
                           wall_ms_t now, struct store_file_put *found)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_FILE_SAME);
    bool has_row;
    sql_bind(st, "it", queue_id(r->channel, r->direction), f->origin);
    TRY(sql_step(q, st, &has_row));
    *found = *f;
    if (!has_row)
        return add_row(q, r, n, f, now);
    char *name = span_strdup(sql_text(st, 0)), *sha256 = span_strdup(sql_text(st, 1));
    found->name = name;
    found->sha256 = sha256;
    found->bytes = sqlite3_column_int64(st, 2);
    sql_reset(st);
    enum err e = add_row(q, r, n, found, now);
    free(name);
    free(sha256);
    return e;
}

static enum err given(struct sqlite *q, struct row *r, unsigned file_n, int64_t left, int64_t bytes)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_FILES_GIVEN);
    sql_bind(st, "iiii", r->id, (int64_t)file_n, left, bytes);
    TRY(sql_run(q, st));
    count_add(r->channel, r->direction, r->state, 0, bytes);
    r->body_n += bytes;
    r->file_n = file_n;
    return OK;
}

enum err files_put(struct sqlite *q, struct row *r, const struct store_item *item, wall_ms_t now)
{
    int64_t left = 0, bytes = 0;
    if (r->file_n > 0) {
        sqlite3_stmt *st = sql_of(q, &q->writer, SQL_FILE_LEAVE);
        sql_bind(st, "i", r->id);
        TRY(sql_run(q, st));
    }
    if (r->file_n == 0 && item->file_n == 0)
        return OK;
    for (unsigned i = 0; i < item->file_n; i++) {
        const struct store_file_put *f = &item->file[i];
        struct store_file_put found = *f;
        bool is_shared = r->direction == MESSAGE_OUT && f->origin.p && state_of(f) == FILE_WANTED;
        TRY(is_shared ? add_shared(q, r, i, f, now, &found) : add_row(q, r, i, f, now));
        bytes += found.name ? found.bytes : 0;
        left += state_of(&found) == FILE_WANTED;
    }
    return given(q, r, item->file_n, left, bytes);
}

enum err files_wake(struct sqlite *q, const struct row *r, wall_ms_t now)
{
    struct row same = *r;
    bool has_row;
    if (r->file_n == 0)
        return OK;
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_FILE_WAKE);
    sql_bind(st, "ii", r->id, now);
    TRY(sql_run(q, st));
    st = sql_of(q, &q->writer, SQL_FILES_LEFT);
    sql_bind(st, "i", r->id);
    TRY(sql_step(q, st, &has_row));
    int64_t left = has_row ? sqlite3_column_int64(st, 0) : 0;
    sql_reset(st);
    return given(q, &same, r->file_n, left, 0);
}

enum err files_hurry(struct sqlite *q, int64_t queue, wall_ms_t now)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_FILE_HURRY);
    sql_bind(st, "ii", queue, now);
    return sql_run(q, st);
}

/* ---- Handing out ---- */

static bool is_known(const struct store_files_due *p, struct span origin)
{
    for (unsigned i = 0; i < p->file_n; i++)
        if (p->file[i].origin && span_is(origin, p->file[i].origin))
            return true;
    return false;
}

struct aside {
    int64_t id[STORE_FILES_MAX];
    unsigned n;
};

/* A message that is not in the queue needs no files now: it is asked for again when it has a new life. */
static enum err gather(struct sqlite *q, int64_t queue, struct store_files_due *p, struct aside *aside)
{
    unsigned max = p->max < STORE_FILES_MAX ? p->max : STORE_FILES_MAX;
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_FILE_DUE);
    sql_bind(st, "iii", queue, p->now, (int64_t)STORE_FILES_MAX);
    for (unsigned n = 0; n < STORE_FILES_MAX; n++) {
        bool has_row;
        TRY(sql_step(q, st, &has_row));
        if (!has_row)
            return OK;
        bool is_queued = sqlite3_column_type(st, SOURCE_ID + 1) != SQLITE_NULL &&
                         sqlite3_column_int(st, SOURCE_ID + 1) == MESSAGE_QUEUED;
        if (!is_queued)
            aside->id[aside->n++] = sqlite3_column_int64(st, 0);
        else if (p->file_n < max && !(p->direction == MESSAGE_OUT && is_known(p, sql_text(st, FIRST_TEXT))))
            read_file(st, true, &p->file[p->file_n++]);
    }
    sql_reset(st);
    return OK;
}

/* Of one message, what is here already. */
static enum err bytes_here(struct sqlite *q, int64_t message_id, int64_t *bytes)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_FILES_HERE);
    bool has_row;
    sql_bind(st, "i", message_id);
    TRY(sql_step(q, st, &has_row));
    *bytes = has_row ? sqlite3_column_int64(st, 0) : 0;
    if (has_row)
        sql_reset(st);
    return OK;
}

static enum err put_off(struct sqlite *q, int64_t queue, const struct store_file *f, wall_ms_t until)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_FILE_LATER);
    sql_bind(st, "ii", f->id, until);
    TRY(sql_run(q, st));
    if (f->direction == MESSAGE_IN || !f->origin)
        return OK;
    st = sql_of(q, &q->writer, SQL_FILE_LATER_SAME);
    sql_bind(st, "iiis", f->id, until, queue, f->origin);
    return sql_run(q, st);
}

enum err sqlite_files_due(struct sqlite *q, struct store_op *op)
{
    struct store_files_due *p = container_of(op, struct store_files_due, op);
    struct channel *c = channel_find(q, p->channel);
    struct aside aside = {.n = 0};
    p->next_at = INT64_MAX;
    if (!c)
        return OK;
    int64_t queue = queue_id(c, p->direction);
    TRY(gather(q, queue, p, &aside));
    for (unsigned i = 0; i < p->file_n; i++) {
        TRY(put_off(q, queue, &p->file[i], p->now + p->retry_ms));
        TRY(bytes_here(q, p->file[i].message_id, &p->file[i].beside));
    }
    for (unsigned i = 0; i < aside.n; i++) {
        sqlite3_stmt *st = sql_of(q, &q->writer, SQL_FILE_ASIDE);
        sql_bind(st, "i", aside.id[i]);
        TRY(sql_run(q, st));
    }
    return sql_earlier(q, &q->writer, SQL_FILE_NEXT, queue, &p->next_at);
}

/* ---- How a fetch ended ---- */

struct wanter {
    int64_t id, message_id;
};

static enum err wanters(struct sqlite *q, const struct store_file *f, int64_t queue, struct wanter **out,
                        unsigned *n)
{
    *n = 0;
    *out = mem_calloc(SHARED_MAX, sizeof **out);
    if (f->direction == MESSAGE_IN || !f->origin) {
        (*out)[(*n)++] = (struct wanter){f->id, f->message_id};
        return OK;
    }
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_FILE_WANTED_SAME);
    sql_bind(st, "isi", queue, f->origin, (int64_t)SHARED_MAX);
    for (;;) {
        bool has_row;
        TRY(sql_step(q, st, &has_row));
        if (!has_row)
            return OK;
        (*out)[(*n)++] = (struct wanter){sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1)};
    }
}

static enum err end_row(struct sqlite *q, int64_t id, const struct store_file *f,
                        const struct store_file_end *p)
{
    bool is_ready = p->state == FILE_READY;
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_FILE_END);
    sql_bind(st, "iiissit", id, (int64_t)p->state, p->due_at, is_ready ? p->name : NULL,
             is_ready ? p->sha256 : NULL, is_ready ? p->bytes : f->bytes, is_ready ? SPAN_NONE : p->reason);
    if (p->state != FILE_WANTED)
        sqlite3_bind_null(st, 3);
    return sql_run(q, st);
}

/* One more of a message's files is here, or will never be. */
static enum err came(struct sqlite *q, struct row *r, struct store_file_end *p)
{
    int64_t bytes = p->state == FILE_READY ? p->bytes : 0;
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_FILE_CAME);
    bool has_row;
    sql_bind(st, "iiit", r->id, bytes, p->now, p->state == FILE_GONE ? p->reason : SPAN_NONE);
    TRY(sql_step(q, st, &has_row));
    bool is_last = has_row && sqlite3_column_int64(st, 0) == 0;
    if (has_row)
        sql_reset(st);
    count_add(r->channel, r->direction, r->state, 0, bytes);
    p->message_n += is_last && r->state == MESSAGE_QUEUED;
    return OK;
}

static enum err missed(struct sqlite *q, const struct row *r, const struct store_file_end *p)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_FILE_MISSED);
    sql_bind(st, "it", r->id, p->reason);
    return sql_run(q, st);
}

static enum err end_wanter(struct sqlite *q, const struct wanter *w, const struct store_file *f,
                           struct store_file_end *p)
{
    struct row r;
    TRY(end_row(q, w->id, f, p));
    if (w->message_id == 0)
        return OK;
    enum err e = row_read(q, w->message_id, &r);
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    return p->state == FILE_WANTED ? missed(q, &r, p) : came(q, &r, p);
}

static bool is_over_quota(struct sqlite *q, int64_t queue, const struct store_file_end *p, unsigned n)
{
    const struct channel *c = channel_by_id(q, queue / 2);
    uint64_t needed = (uint64_t)p->bytes * n;
    return p->state == FILE_READY && p->quota_bytes > 0 && c && channel_bytes(c) + needed > p->quota_bytes;
}

static enum err check_message(struct sqlite *q, const struct store_file *f, const struct store_file_end *p)
{
    int64_t here = 0;
    if (p->state != FILE_READY || p->message_bytes == 0)
        return OK;
    TRY(bytes_here(q, f->message_id, &here));
    return (uint64_t)here + (uint64_t)p->bytes > p->message_bytes ? ERR_LIMIT : OK;
}

static enum err end_all(struct sqlite *q, const struct store_file *f, int64_t queue, struct store_file_end *p)
{
    struct wanter *w;
    unsigned n;
    enum err e = wanters(q, f, queue, &w, &n);
    if (e == OK)
        e = check_message(q, f, p);
    if (e == OK && is_over_quota(q, queue, p, n))
        e = ERR_FULL;
    for (unsigned i = 0; e == OK && i < n; i++)
        e = end_wanter(q, &w[i], f, p);
    free(w);
    return e;
}

/* After a commit of unknown result the same end is run again. */
static bool is_ended_so(const struct store_file *f, const struct store_file_end *p)
{
    return f->state == p->state && f->state != FILE_WANTED &&
           (f->state == FILE_GONE || (f->name && strcmp(f->name, p->name) == 0));
}

enum err sqlite_file_end(struct sqlite *q, struct store_op *op)
{
    struct store_file_end *p = container_of(op, struct store_file_end, op);
    struct store_file f = {0};
    int64_t queue;
    if ((p->state == FILE_READY) != (p->name && p->sha256))
        return ERR_INVALID;
    TRY(read_row(q, &q->writer, p->id, &queue, &f));
    enum err e = OK;
    if (is_ended_so(&f, p))
        p->message_n = 1; /* a look at the queue too many does no harm */
    else if (f.state != FILE_WANTED)
        e = ERR_NOT_FOUND;
    else
        e = end_all(q, &f, queue, p);
    store_file_fini(&f);
    return e;
}

/* ---- Bytes that are lost ---- */

static enum err lose_row(struct sqlite *q, const struct wanter *w, const struct store_file *f, wall_ms_t now)
{
    struct row r;
    bool is_wanted = f->origin != NULL;
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_FILE_END);
    sql_bind(st, "iiissit", w->id, (int64_t)(is_wanted ? FILE_WANTED : FILE_GONE), now, NULL, NULL, f->bytes,
             SPAN_LIT("The file was lost on the bridge's disk."));
    if (!is_wanted)
        sqlite3_bind_null(st, 3);
    TRY(sql_run(q, st));
    enum err e = w->message_id ? row_read(q, w->message_id, &r) : ERR_NOT_FOUND;
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    st = sql_of(q, &q->writer, SQL_FILE_WENT);
    sql_bind(st, "iii", r.id, (int64_t)is_wanted, f->bytes);
    TRY(sql_run(q, st));
    count_add(r.channel, r.direction, r.state, 0, -f->bytes);
    return OK;
}

static enum err lose_all(struct sqlite *q, const struct store_file *f, wall_ms_t now)
{
    struct wanter *w = mem_calloc(SHARED_MAX, sizeof *w);
    unsigned n = 0;
    bool has_row = true;
    enum err e = OK;
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_FILE_SHARERS);
    sql_bind(st, "si", f->name, (int64_t)SHARED_MAX);
    while (e == OK && has_row) {
        e = sql_step(q, st, &has_row);
        if (e == OK && has_row)
            w[n++] = (struct wanter){sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1)};
    }
    for (unsigned i = 0; e == OK && i < n; i++)
        e = lose_row(q, &w[i], f, now);
    free(w);
    return e;
}

enum err sqlite_file_lost(struct sqlite *q, struct store_op *op)
{
    struct store_file_lost *p = container_of(op, struct store_file_lost, op);
    struct store_file f = {0};
    int64_t queue;
    TRY(read_row(q, &q->writer, p->id, &queue, &f));
    enum err e = f.state == FILE_READY && f.name ? lose_all(q, &f, p->now) : OK;
    store_file_fini(&f);
    return e;
}

/* ---- Looking up ---- */

enum err sqlite_file_get(struct sqlite *q, struct store_op *op)
{
    struct store_file_get *p = container_of(op, struct store_file_get, op);
    int64_t queue;
    return read_row(q, &q->reader, p->id, &queue, &p->file);
}

static enum err is_named(struct sqlite *q, const char *name, bool *is_known)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_FILE_NAMED);
    sql_bind(st, "s", name);
    TRY(sql_step(q, st, is_known));
    if (*is_known)
        sql_reset(st);
    return OK;
}

enum err sqlite_files_known(struct sqlite *q, struct store_op *op)
{
    struct store_files_known *p = container_of(op, struct store_files_known, op);
    for (unsigned i = 0; i < p->name_n; i++)
        TRY(is_named(q, p->name[i], &p->is_known[i]));
    return OK;
}

/* ---- Pruning: a pass goes up the ids until it meets a file of a message that is too young ---- */

struct old {
    int64_t id;
    char *name;
};

static bool is_prunable(sqlite3_stmt *st, wall_ms_t before)
{
    int state = sqlite3_column_int(st, 2);
    if (sqlite3_column_type(st, 2) == SQLITE_NULL)
        return true;
    return (unsigned)state < MESSAGE_STATE_N && message_is_settled((enum message_state)state) &&
           sqlite3_column_int64(st, 4) < before;
}

static enum err gather_old(struct sqlite *q, wall_ms_t before, struct old *old, unsigned *n)
{
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_FILE_PRUNE);
    unsigned row_n = 0;
    int64_t last = 0;
    sql_bind(st, "ii", q->file_prune_at, (int64_t)PRUNE_ROWS);
    for (;; row_n++) {
        bool has_row;
        TRY(sql_step(q, st, &has_row)); /* after PRUNE_ROWS there is none: the statement's LIMIT */
        bool is_young =
            has_row && sqlite3_column_type(st, 2) != SQLITE_NULL && sqlite3_column_int64(st, 3) >= before;
        if (!has_row || is_young) {
            if (has_row)
                sql_reset(st);
            q->file_prune_at = row_n == PRUNE_ROWS ? last : 0;
            return OK;
        }
        last = sqlite3_column_int64(st, 0);
        if (is_prunable(st, before))
            old[(*n)++] = (struct old){last, span_strdup(sql_text(st, 1))};
    }
}

static enum err drop_row(struct sqlite *q, struct old *old, struct store_prune *p)
{
    bool is_shared;
    sqlite3_stmt *st = sql_of(q, &q->writer, SQL_FILE_DROP);
    sql_bind(st, "i", old->id);
    TRY(sql_run(q, st));
    if (!old->name)
        return OK;
    TRY(is_named(q, old->name, &is_shared));
    if (is_shared)
        return OK;
    p->dropped[p->dropped_n++] = old->name;
    old->name = NULL;
    return OK;
}

enum err files_prune(struct sqlite *q, struct store_prune *p, bool *is_more)
{
    struct old old[PRUNE_ROWS];
    unsigned n = 0;
    enum err e = gather_old(q, p->files_before, old, &n);
    for (unsigned i = 0; i < n; i++) {
        if (e == OK)
            e = drop_row(q, &old[i], p);
        free(old[i].name);
    }
    *is_more = *is_more || q->file_prune_at != 0;
    return e;
}
