/*
 * Decides what an answer of SQLite means: fine, one operation spoilt, or the engine broken. Statements are
 * prepared once and reset after each use. It refuses to know what they do.
 */
#include "base/mem.h"
#include "store/sqlite.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

sqlite3_stmt *sql_of(struct sqlite *q, struct conn *c, enum sql id)
{
    if (!c->stmt[id]) {
        int rc =
            sqlite3_prepare_v3(c->db, sql_text_of[id], -1, SQLITE_PREPARE_PERSISTENT, &c->stmt[id], NULL);
        if (rc != SQLITE_OK)
            (void)sql_failed(q, c->db, rc);
    } else if (sqlite3_stmt_busy(c->stmt[id])) {
        sqlite3_reset(c->stmt[id]); /* a failure left it where it was */
    }
    return c->stmt[id];
}

void sql_bind(sqlite3_stmt *st, const char *types, ...)
{
    va_list ap;
    va_start(ap, types);
    for (int i = 1; *types; types++, i++) {
        if (*types == 'i') {
            sqlite3_bind_int64(st, i, va_arg(ap, int64_t));
        } else if (*types == 's') {
            sqlite3_bind_text(st, i, va_arg(ap, const char *), -1, SQLITE_STATIC);
        } else {
            struct span s = va_arg(ap, struct span);
            if (*types == 't')
                sqlite3_bind_text64(st, i, s.p, s.n, SQLITE_STATIC, SQLITE_UTF8);
            else
                sqlite3_bind_blob64(st, i, s.p, s.n, SQLITE_STATIC);
        }
    }
    va_end(ap);
}

enum err sql_step(struct sqlite *q, sqlite3_stmt *st, bool *has_row)
{
    *has_row = false;
    if (!st)
        return ERR_IO; /* sql_of has said why */
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) {
        *has_row = true;
        return OK;
    }
    enum err e = OK;
    if (rc != SQLITE_DONE)
        e = sql_failed(q, sqlite3_db_handle(st), rc);
    sqlite3_reset(st);
    return e;
}

enum err sql_run(struct sqlite *q, sqlite3_stmt *st)
{
    bool has_row;
    TRY(sql_step(q, st, &has_row));
    if (has_row)
        sqlite3_reset(st);
    return OK;
}

enum err sql_first_text(struct sqlite *q, sqlite3_stmt *st, char **out)
{
    bool has_row;
    TRY(sql_step(q, st, &has_row));
    if (!has_row)
        return OK;
    *out = span_strdup(sql_text(st, 0));
    sql_reset(st);
    return OK;
}

enum err sql_find_text(struct sqlite *q, struct conn *c, enum sql id, int64_t owner, struct span key,
                       char **out)
{
    if (*out || !key.p)
        return OK;
    sqlite3_stmt *st = sql_of(q, c, id);
    sql_bind(st, "it", owner, key);
    return sql_first_text(q, st, out);
}

enum err sql_earlier(struct sqlite *q, struct conn *c, enum sql id, int64_t key, wall_ms_t *at)
{
    sqlite3_stmt *st = sql_of(q, c, id);
    bool has_row;
    sql_bind(st, "i", key);
    TRY(sql_step(q, st, &has_row));
    if (!has_row)
        return OK;
    wall_ms_t found = sqlite3_column_int64(st, 0);
    sql_reset(st);
    *at = found < *at ? found : *at;
    return OK;
}

void sql_reset(sqlite3_stmt *st)
{
    sqlite3_reset(st);
}

struct span sql_text(sqlite3_stmt *st, int column)
{
    const void *p = sqlite3_column_blob(st, column);
    size_t n = (size_t)sqlite3_column_bytes(st, column);
    if (!p && sqlite3_column_type(st, column) != SQLITE_NULL)
        p = "";
    return (struct span){p, p ? n : 0};
}

/* What ends an operation, and what ends the connection. */
static bool breaks_engine(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE:
    case SQLITE_ERROR:
    case SQLITE_MISUSE:
    case SQLITE_INTERRUPT:
        return false;
    default:
        return true;
    }
}

enum err sql_failed(struct sqlite *q, sqlite3 *db, int rc)
{
    struct engine *e = &q->engine;
    if ((rc & 0xff) == SQLITE_INTERRUPT)
        return ERR_LIMIT;
    if (!e->is_broken && !e->is_spoilt) {
        buf_clear(&e->why);
        sql_sentence(q->path, db, rc, &e->why);
    }
    if (breaks_engine(rc))
        e->is_broken = true;
    else
        e->is_spoilt = true;
    return ERR_IO;
}

static const struct {
    int code;
    const char *cure; /* after "PATH: SQLITE'S WORDS: " */
} cure[] = {
    {SQLITE_FULL, "free some space; the bridge goes on by itself"},
    {SQLITE_READONLY, "give the bridge's user the right to write this file and its directory"},
    {SQLITE_CANTOPEN, "give the bridge's user the right to write this directory"},
    {SQLITE_PERM, "give the bridge's user the right to write this file and its directory"},
    {SQLITE_CORRUPT,
     "the file is damaged: stop the bridge, move it and its -wal file aside, restore a backup"},
    {SQLITE_NOTADB,
     "the file is damaged: stop the bridge, move it and its -wal file aside, restore a backup"},
    {SQLITE_IOERR, "check the disk and its mount"},
    {SQLITE_BUSY, "another program is writing to it: end that program"},
    {SQLITE_LOCKED, "another program is writing to it: end that program"},
};

void sql_sentence(const char *path, sqlite3 *db, int rc, struct buf *why)
{
    buf_addf(why, "%s: %s", path, sqlite3_errstr(rc & 0xff));
    int os = db ? sqlite3_system_errno(db) : 0;
    if (os && (rc & 0xff) != SQLITE_FULL)
        buf_addf(why, " (%s)", strerror(os));
    for (size_t i = 0; i < ARRAY_LEN(cure); i++) {
        if (cure[i].code == (rc & 0xff)) {
            buf_addf(why, ": %s", cure[i].cure);
            return;
        }
    }
    if (db)
        buf_addf(why, ": %s (%d)", sqlite3_errmsg(db), rc);
}

void sqlite_conn_close(struct conn *c)
{
    for (int i = 0; i < SQL_N; i++)
        sqlite3_finalize(c->stmt[i]);
    sqlite3_close(c->db);
    *c = (struct conn){0};
}
