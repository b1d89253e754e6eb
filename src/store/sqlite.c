/*
 * The SQLite engine: opens the database, runs operations by a table, keeps the WAL short.
 * Invariant: after any failure of the file the connections are closed and never used again; whoever opens the
 * database anew must succeed in a checkpoint and in a real write first.
 */
#include "store/sqlite.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BUSY_MS = 5000,     /* how long another program may hold the write lock */
    READ_MS = 2000,     /* how long one read may take */
    READ_CHECK = 20000, /* steps of SQLite's machine between two looks at the clock: about 1 ms */
    WAL_PAGES = 2048,   /* 16 MB: then the WAL is copied into the database and begun anew */
};

#define SETTINGS                                                                                             \
    "PRAGMA page_size = 8192;"                                                                               \
    "PRAGMA journal_mode = WAL;"                                                                             \
    "PRAGMA synchronous = FULL;"                                                                             \
    "PRAGMA temp_store = MEMORY;"                                                                            \
    "PRAGMA wal_autocheckpoint = 0;"                                                                         \
    "PRAGMA journal_size_limit = 67108864;" /* after an outside reader made it grow */

static struct sqlite *self(struct engine *e)
{
    return container_of(e, struct sqlite, engine);
}

static bool sqlite_takes(const char *url)
{
    return !strstr(url, "://");
}

/* Counting all memory costs a lock at each allocation. */
static void set_up_library(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* ---- Open and close ---- */

static int on_wal(void *arg, sqlite3 *db, const char *name, int pages)
{
    (void)db, (void)name;
    ((struct sqlite *)arg)->wal_pages = pages;
    return SQLITE_OK;
}

static int on_read_step(void *arg)
{
    return clock_mono_ms() > ((struct sqlite *)arg)->read_until;
}

static int open_conn(struct conn *c, const char *path, int flags, const char *settings)
{
    int rc = sqlite3_open_v2(path, &c->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_extended_result_codes(c->db, 1);
    sqlite3_busy_timeout(c->db, BUSY_MS);
    return sqlite3_exec(c->db, settings, NULL, NULL, NULL);
}

/*
 * Made by us first, so that the database and its side files are nobody else's to read. Only while no
 * connection is open: closing any descriptor of a file drops the locks that the process holds on it.
 */
static void make_private(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
}

/* After a failed fsync the page cache may show what the disk does not have: a checkpoint writes it again. */
static int recover(struct sqlite *q)
{
    int rc = sqlite3_wal_checkpoint_v2(q->writer.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return (rc & 0xff) == SQLITE_BUSY ? SQLITE_OK : rc; /* someone reads: they hold nothing that we need */
}

static enum err read_tag(struct sqlite *q)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(q->writer.db, "SELECT value FROM meta WHERE key = 'tag'", -1, &st, NULL);
    if (rc == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
        snprintf(q->engine.tag, sizeof q->engine.tag, "%s", (const char *)sqlite3_column_text(st, 0));
    sqlite3_finalize(st);
    return q->engine.tag[0] ? OK : sql_failed(q, q->writer.db, SQLITE_CORRUPT);
}

static enum err open_writer(struct sqlite *q)
{
    struct conn *c = &q->writer;
    make_private(q->path);
    int rc = open_conn(c, q->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                       SETTINGS "PRAGMA cache_size = -6144");
    if (rc == SQLITE_OK && sqlite3_db_readonly(c->db, "main"))
        rc = SQLITE_READONLY;
    if (rc != SQLITE_OK)
        return sql_failed(q, c->db, rc);
    TRY(schema_migrate(c, q->path, &q->engine.why));
    sqlite3_wal_hook(c->db, on_wal, q);
    sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    rc = recover(q);
    if (rc != SQLITE_OK)
        return sql_failed(q, c->db, rc);
    TRY(sql_run(q, sql_of(q, c, SQL_PROBE)));
    TRY(read_tag(q));
    return counts_load(q);
}

static enum err open_reader(struct sqlite *q)
{
    int rc = open_conn(&q->reader, q->path, SQLITE_OPEN_READONLY,
                       "PRAGMA cache_size = -512; PRAGMA temp_store = MEMORY");
    if (rc != SQLITE_OK)
        return sql_failed(q, q->reader.db, rc);
    sqlite3_progress_handler(q->reader.db, READ_CHECK, on_read_step, q);
    return OK;
}

static void sqlite_close(struct engine *e)
{
    struct sqlite *q = self(e);
    sqlite_conn_close(&q->reader);
    sqlite_conn_close(&q->writer);
    counts_free(q);
    buf_fini(&e->why);
    free(q->forget.key);
    free(q->path);
    free(q);
}

static enum err sqlite_open(struct engine **out, const char *url, struct buf *why)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_up_library);
    struct sqlite *q = mem_zalloc(sizeof *q);
    size_t size = strlen(url) + sizeof "/front-bridge.db";
    q->engine.type = &engine_sqlite;
    buf_init(&q->engine.why, 1024);
    q->path = mem_zalloc(size);
    snprintf(q->path, size, "%s/front-bridge.db", url);
    enum err e = open_writer(q);
    if (e == OK)
        e = open_reader(q);
    if (e == OK) {
        *out = &q->engine;
        return OK;
    }
    buf_clear(why);
    buf_add_span(why, buf_span(&q->engine.why));
    sqlite_close(&q->engine);
    return ERR_IO;
}

/* ---- Transactions ---- */

static enum err simple(struct sqlite *q, enum sql id)
{
    return sql_run(q, sql_of(q, &q->writer, id));
}

static enum err sqlite_begin(struct engine *e, bool is_isolated)
{
    struct sqlite *q = self(e);
    e->is_spoilt = false;
    q->is_isolated = is_isolated;
    return simple(q, SQL_BEGIN);
}

static void sqlite_rollback(struct engine *e)
{
    struct sqlite *q = self(e);
    if (!sqlite3_get_autocommit(q->writer.db))
        (void)!simple(q, SQL_ROLLBACK);
    counts_rollback(q);
    e->is_spoilt = false;
}

static enum err sqlite_commit(struct engine *e)
{
    struct sqlite *q = self(e);
    TRY(counts_write(q));
    TRY(simple(q, SQL_COMMIT));
    counts_commit(q);
    return OK;
}

static enum err (*const run_of[STORE_VERB_N])(struct sqlite *, struct store_op *) = {
    [STORE_PUT] = sqlite_put,
    [STORE_IMPORT] = sqlite_import,
    [STORE_CLAIM] = sqlite_claim,
    [STORE_SETTLE] = sqlite_settle,
    [STORE_CANCEL] = sqlite_cancel,
    [STORE_ORPHANS] = sqlite_orphans,
    [STORE_EXPIRE] = sqlite_expire,
    [STORE_PRUNE] = sqlite_prune,
    [STORE_ADMIN] = sqlite_admin,
    [STORE_LIST] = sqlite_list,
    [STORE_SHOW] = sqlite_show,
    [STORE_ABOUT] = sqlite_about,
    [STORE_STATS] = sqlite_stats,
    [STORE_LEARN] = sqlite_learn,
    [STORE_LEARNT] = sqlite_learnt,
    [STORE_RECEIPT] = sqlite_receipt,
    [STORE_MERGE] = sqlite_merge,
    [STORE_REPORTS] = sqlite_reports,
    [STORE_REPORTED] = sqlite_reported,
    [STORE_KV] = sqlite_kv,
    [STORE_FACT] = sqlite_fact,
    [STORE_EVENT_PUT] = sqlite_event_put,
    [STORE_EVENTS_DUE] = sqlite_events_due,
    [STORE_EVENT_END] = sqlite_event_end,
    [STORE_EVENT_LIST] = sqlite_event_list,
    [STORE_EVENT_REPLAY] = sqlite_event_replay,
    [STORE_FILES_DUE] = sqlite_files_due,
    [STORE_FILE_END] = sqlite_file_end,
    [STORE_FILE_GET] = sqlite_file_get,
    [STORE_FILE_LOST] = sqlite_file_lost,
    [STORE_FILES_KNOWN] = sqlite_files_known,
    [STORE_EVENT_RELEASE] = sqlite_event_release,
    [STORE_FAILED] = sqlite_failed,
    [STORE_STANDINGS] = sqlite_standings,
    [STORE_STANDING] = sqlite_standing,
    [STORE_CONFIRM] = sqlite_confirm,
};

static enum err run_isolated(struct sqlite *q, struct store_op *op)
{
    TRY(simple(q, SQL_SAVEPOINT));
    counts_mark(q);
    enum err e = run_of[op->verb](q, op);
    if (q->engine.is_broken)
        return e;
    if (q->engine.is_spoilt) {
        q->engine.is_spoilt = false;
        TRY(simple(q, SQL_UNDO_SAVEPOINT));
        counts_undo(q);
    }
    TRY(simple(q, SQL_RELEASE));
    return e;
}

static enum err sqlite_run(struct engine *e, struct store_op *op)
{
    struct sqlite *q = self(e);
    return q->is_isolated ? run_isolated(q, op) : run_of[op->verb](q, op);
}

static enum err sqlite_read(struct engine *e, struct store_op *op)
{
    struct sqlite *q = self(e);
    e->is_spoilt = false;
    q->read_until = clock_mono_ms() + READ_MS;
    return run_of[op->verb](q, op);
}

static enum err sqlite_undo_all(struct engine *e, const struct engine_doubt *d, size_t n)
{
    TRY(sqlite_begin(e, false));
    enum err r = sqlite_undo(self(e), d, n);
    if (r == OK)
        return sqlite_commit(e);
    sqlite_rollback(e);
    return r;
}

/* The WAL goes back to its beginning once all of it is in the database and no outside reader needs it. */
static void sqlite_rest(struct engine *e)
{
    struct sqlite *q = self(e);
    if (q->wal_pages < WAL_PAGES)
        return;
    int rc = sqlite3_wal_checkpoint_v2(q->writer.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    q->wal_pages = 0;
    if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY)
        (void)sql_failed(q, q->writer.db, rc);
}

const struct engine_type engine_sqlite = {
    .name = "sqlite",
    .takes = sqlite_takes,
    .open = sqlite_open,
    .close = sqlite_close,
    .begin = sqlite_begin,
    .run = sqlite_run,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .read = sqlite_read,
    .undo = sqlite_undo_all,
    .rest = sqlite_rest,
};
