/*
 * Decides the form of the database, and brings an older one up to date. It refuses to know what the tables
 * mean. Invariant: PRAGMA user_version is the number of migrations that were applied, each in its own
 * transaction.
 *
 * To change the schema:
 *  1. Add a string at the end of migration[]. Never edit or remove one that was released: databases out there
 * were made by it.
 *  2. Write it so that it works on a database with a million messages: ADD COLUMN with a constant default is
 * free, a new partial index on rare rows is cheap, rewriting `message` is not. What needs rewriting is filled
 * in later, by batches, with the code reading both forms.
 *  3. An older binary refuses a newer database by its user_version, so going back means restoring a backup:
 *     say so in the CHANGELOG.
 *  4. A new index on `message` costs every put: measure with tests/bench/store_bench.c before and after.
 *  5. Any column in an UPDATE's SET makes SQLite rewrite each index that names it, also in its WHERE. That is
 * why `seq`, not `state`, says who is in a lane: starting and retrying leave the lane's index alone.
 *  6. States and directions are stored as their numbers: append to the enums only.
 *  7. In tests/unit/store/schema_test.c add a case that builds the former version, puts rows in and opens it.
 *  8. Look at the plans: `./dev test` fails if a statement of sqlite_sql.c scans or sorts where it must not.
 */
#include "base/crypto.h"
#include "store/sqlite.h"
#include <string.h>

enum { APPLICATION_ID = 0x46726e42 }; /* "FrnB" */

static const char *const migration[] = {
    /* 1: the first release. queue_id is 2 * channel.id + direction. */
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;"

    "CREATE TABLE channel (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, kv_n INTEGER NOT NULL DEFAULT "
    "0)"
    " STRICT;"

    "CREATE TABLE counter (queue_id INTEGER, state INTEGER, n INTEGER NOT NULL, bytes INTEGER NOT NULL,"
    " PRIMARY KEY (queue_id, state)) STRICT, WITHOUT ROWID;"

    /* The last attempt lives in its message (started_at 0: none; ended_at 0: it is open), so that a delivery
       which works the first time writes one row. */
    "CREATE TABLE message ("
    " id INTEGER PRIMARY KEY,"
    " queue_id INTEGER NOT NULL,"
    " state INTEGER NOT NULL,"
    " is_head INTEGER NOT NULL," /* the oldest open one of its lane */
    " seq INTEGER,"              /* place in the lane; NULL: not open */
    " attempt INTEGER NOT NULL,"
    " attempt_base INTEGER NOT NULL DEFAULT 0,"
    " revision INTEGER NOT NULL DEFAULT 1,"
    " crash_n INTEGER NOT NULL DEFAULT 0,"
    " is_suspect INTEGER NOT NULL DEFAULT 0,"
    " due_at INTEGER NOT NULL,"
    " expires_at INTEGER NOT NULL,"
    " created_at INTEGER NOT NULL,"
    " stored_at INTEGER NOT NULL,"
    " updated_at INTEGER NOT NULL,"
    " started_at INTEGER NOT NULL DEFAULT 0,"
    " ended_at INTEGER NOT NULL DEFAULT 0,"
    " code INTEGER NOT NULL DEFAULT 0,"
    " body_n INTEGER NOT NULL,"
    " source_id TEXT,"
    " recipient TEXT NOT NULL,"
    " lane TEXT NOT NULL,"
    " conversation TEXT,"
    " thread_ref TEXT,"
    " event_id TEXT,"
    " external_id TEXT,"
    " outcome TEXT,"
    " reason TEXT) STRICT;"
    "CREATE UNIQUE INDEX message_source ON message (queue_id, source_id, recipient);"
    "CREATE INDEX message_lane ON message (queue_id, lane, seq) WHERE seq IS NOT NULL;"
    "CREATE INDEX message_head ON message (queue_id, state, due_at) WHERE is_head = 1;"
    "CREATE INDEX message_expiry ON message (queue_id, expires_at) WHERE is_head = 1 AND state = 0;"
    "CREATE INDEX message_suspect ON message (queue_id) WHERE is_suspect = 1;"
    "CREATE INDEX message_aside ON message (id) WHERE state BETWEEN 6 AND 8;" /* held, unknown, dead */

    /* Apart from the message, so that a change of state rewrites 200 bytes and not the text. */
    "CREATE TABLE body (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;"

    /* Attempts before the last one. */
    "CREATE TABLE attempt (message_id INTEGER, n INTEGER, started_at INTEGER NOT NULL, ended_at INTEGER NOT "
    "NULL,"
    " outcome TEXT NOT NULL, code INTEGER NOT NULL, reason TEXT, PRIMARY KEY (message_id, n))"
    " STRICT, WITHOUT ROWID;"

    /* peer: the backend's conversation; conversation: Front's, once learnt; learn_at: ask Front again then.
     */
    "CREATE TABLE thread (id INTEGER PRIMARY KEY, channel_id INTEGER NOT NULL, thread_ref TEXT NOT NULL,"
    " handle TEXT, peer TEXT, conversation TEXT, message_uid TEXT, learn_at INTEGER,"
    " tries INTEGER NOT NULL DEFAULT 0, seen_at INTEGER NOT NULL, UNIQUE (channel_id, thread_ref)) STRICT;"
    "CREATE INDEX thread_learn ON thread (channel_id, learn_at) WHERE learn_at IS NOT NULL;"
    "CREATE INDEX thread_handle ON thread (channel_id, handle, seen_at);"
    /* thread_ref: what Front was told as this conversation, where it asked us. */
    "CREATE TABLE link (channel_id INTEGER, conversation TEXT, peer TEXT NOT NULL, thread_ref TEXT,"
    " PRIMARY KEY (channel_id, conversation)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX link_peer ON link (channel_id, peer);"

    /* Failures that the agent in Front has not been told of yet. */
    "CREATE TABLE report (message_id INTEGER PRIMARY KEY, channel_id INTEGER NOT NULL, due_at INTEGER NOT "
    "NULL,"
    " tries INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE INDEX report_due ON report (channel_id, due_at);"

    "CREATE TABLE kv (channel_id INTEGER, key BLOB, value BLOB NOT NULL, PRIMARY KEY (channel_id, key))"
    " STRICT, WITHOUT ROWID;",

    /* 2: kinds of messages; what the bridge has learnt; Front's events; how channels stand with Front; files. */
    "ALTER TABLE message ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;"
    /* Written when a message settles of which the other side tells its id; no put touches it. */
    "CREATE INDEX message_external ON message (queue_id, external_id) WHERE external_id IS NOT NULL;"
    /* reply_to: what it answers. front_id: Front's id of an inbound message, where Front has shown it. */
    "ALTER TABLE message ADD COLUMN reply_to TEXT;"
    "ALTER TABLE message ADD COLUMN front_id TEXT;"
    "CREATE INDEX message_front ON message (queue_id, front_id) WHERE front_id IS NOT NULL;"
    /* Conversations that Front has merged into others. */
    "CREATE TABLE moved (conversation TEXT PRIMARY KEY, into_id TEXT NOT NULL, seen_at INTEGER NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "CREATE INDEX moved_into ON moved (into_id);"
    /* What Front is told (ref) for an id of the backend, where that is not the id itself. */
    "CREATE TABLE alias (channel_id INTEGER, ref TEXT, id TEXT NOT NULL, seen_at INTEGER NOT NULL,"
    " PRIMARY KEY (channel_id, ref)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE receipt (message_id INTEGER, status INTEGER, at INTEGER NOT NULL, reason TEXT,"
    " PRIMARY KEY (message_id, status)) STRICT, WITHOUT ROWID;"
    "ALTER TABLE message ADD COLUMN unsure_at INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE link ADD COLUMN seen_at INTEGER NOT NULL DEFAULT 0;"
    "DROP INDEX link_peer;"
    "CREATE INDEX link_peer ON link (channel_id, peer, seen_at);"
    /* When an agent wrote last in it: seen_at is the customer's, by which threads are chosen. */
    "ALTER TABLE thread ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE link ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX thread_conversation ON thread (channel_id, conversation) WHERE conversation IS NOT NULL;"

    /* owner: "account/NAME", "channel/NAME" */
    "CREATE TABLE fact (owner TEXT, key TEXT, value TEXT NOT NULL, PRIMARY KEY (owner, key))"
    " STRICT, WITHOUT ROWID;"

    /* via: the channel whose own URL it came to, else "". lane: its conversation. state: enum event_state. is_head: the
     * first of those of its lane that wait. */
    "CREATE TABLE event ("
    " id INTEGER PRIMARY KEY,"
    " account TEXT NOT NULL,"
    " via TEXT NOT NULL,"
    " event_id TEXT NOT NULL,"
    " lane TEXT NOT NULL,"
    " type TEXT NOT NULL,"
    " origin INTEGER NOT NULL,"
    " emitted_at INTEGER NOT NULL,"
    " stored_at INTEGER NOT NULL,"
    " state INTEGER NOT NULL DEFAULT 0,"
    " is_head INTEGER NOT NULL DEFAULT 0,"
    " due_at INTEGER NOT NULL,"
    " tries INTEGER NOT NULL DEFAULT 0,"
    " tried_at INTEGER NOT NULL DEFAULT 0," /* for the first time; 0: not yet */
    " about TEXT,"                          /* the message that it is about */
    " is_failure INTEGER NOT NULL DEFAULT 0,"
    " out INTEGER NOT NULL DEFAULT 0,"     /* 1: handed out; 2: it was, when a process died */
    " crash_n INTEGER NOT NULL DEFAULT 0," /* deaths that it was alone at work in */
    " result TEXT,"
    " body BLOB) STRICT;"
    "CREATE UNIQUE INDEX event_key ON event (event_id, account, via);"
    "CREATE INDEX event_due ON event (account, due_at, emitted_at) WHERE is_head = 1;"
    "CREATE UNIQUE INDEX event_head ON event (account, lane) WHERE is_head = 1;"
    "CREATE INDEX event_lane ON event (account, lane, emitted_at, length(event_id), event_id) WHERE state = "
    "0;"
    "CREATE INDEX event_out ON event (account, out) WHERE out > 0;"
    "CREATE INDEX event_held ON event (account) WHERE state = 0 AND due_at = 9223372036854775807;"
    "CREATE INDEX event_emitted ON event (emitted_at, id);"
    "CREATE INDEX event_failure ON event (account, about) WHERE is_failure = 1;"
    "CREATE INDEX event_ended ON event (stored_at) WHERE state > 0;"
    "CREATE INDEX event_body ON event (stored_at) WHERE state > 0 AND body IS NOT NULL;"

    /* What Front has told of a channel, and was told: a row for each of which there is anything. */
    "CREATE TABLE standing (channel_id INTEGER PRIMARY KEY, front_channel TEXT NOT NULL DEFAULT '',"
    " life INTEGER NOT NULL DEFAULT 0, life_at INTEGER NOT NULL DEFAULT 0,"
    " life_since INTEGER NOT NULL DEFAULT 0, is_offline INTEGER NOT NULL DEFAULT 0) STRICT;"

    /* file_n: rows of `file`; files_left: those that are still wanted, for which the message waits. */
    "ALTER TABLE message ADD COLUMN file_n INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE message ADD COLUMN files_left INTEGER NOT NULL DEFAULT 0;"

    /* A message's files. state: enum file_state; message_id NULL: of no message any more; due_at: fetch it then, NULL:
       not at all; name: of the file beside the database, which rows may share; links are made of ids, so none is ever
       used twice. */
    "CREATE TABLE file ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " queue_id INTEGER NOT NULL,"
    " message_id INTEGER,"
    " n INTEGER NOT NULL,"
    " state INTEGER NOT NULL,"
    " due_at INTEGER,"
    " tries INTEGER NOT NULL DEFAULT 0,"
    " bytes INTEGER NOT NULL,"
    " origin TEXT,"
    " filename TEXT NOT NULL,"
    " content_type TEXT NOT NULL,"
    " cid TEXT,"
    " name TEXT,"
    " sha256 TEXT,"
    " reason TEXT) STRICT;"
    "CREATE INDEX file_message ON file (message_id, n);"
    "CREATE INDEX file_due ON file (queue_id, due_at) WHERE due_at IS NOT NULL;"
    "CREATE INDEX file_origin ON file (queue_id, origin) WHERE origin IS NOT NULL;"
    "CREATE INDEX file_name ON file (name) WHERE name IS NOT NULL;"

    /* A delivery in parts; see struct message_parts. */
    "ALTER TABLE message ADD COLUMN part_sent INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE message ADD COLUMN part_n INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE message ADD COLUMN part_cut INTEGER NOT NULL DEFAULT 0;"
    /* What the backend calls the parts before the last one, which is called as its message is. */
    "CREATE TABLE part (queue_id INTEGER, external_id TEXT, message_id INTEGER,"
    " PRIMARY KEY (queue_id, external_id, message_id)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX part_message ON part (message_id);",
};

enum { VERSION = (int)(sizeof migration / sizeof migration[0]) };

static int exec(struct conn *c, const char *sql)
{
    return sqlite3_exec(c->db, sql, NULL, NULL, NULL);
}

static int pragma_get(struct conn *c, const char *sql, int *out)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(c->db, sql, -1, &st, NULL);
    if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        *out = sqlite3_column_int(st, 0);
        rc = SQLITE_OK;
    }
    sqlite3_finalize(st);
    return rc;
}

static int make_tag(struct conn *c)
{
    char tag[7], sql[80];
    crypto_random_id(tag, sizeof tag - 1);
    sqlite3_snprintf(sizeof sql, sql, "INSERT INTO meta VALUES ('tag', '%s');", tag);
    return exec(c, sql);
}

static int apply(struct conn *c, int number)
{
    char sql[96];
    int rc = exec(c, "BEGIN IMMEDIATE");
    if (rc == SQLITE_OK)
        rc = exec(c, migration[number]);
    if (rc == SQLITE_OK && number == 0)
        rc = make_tag(c);
    sqlite3_snprintf(sizeof sql, sql, "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
                     APPLICATION_ID, number + 1);
    return rc == SQLITE_OK ? exec(c, sql) : rc;
}

/* A file that is SQLite's but not ours is left alone. */
static int check_owner(struct conn *c, const char *path, int version, struct buf *why)
{
    int application = 0, objects = 0;
    int rc = pragma_get(c, "PRAGMA application_id", &application);
    if (rc == SQLITE_OK)
        rc = pragma_get(c, "SELECT count(*) FROM sqlite_schema", &objects);
    if (rc == SQLITE_OK && objects > 0 && application != APPLICATION_ID)
        buf_addf(why, "%s is a database of another program: give front-bridge a directory of its own", path);
    if (rc == SQLITE_OK && version > VERSION)
        buf_addf(why,
                 "%s was written by a newer front-bridge (format %d, this one knows %d): run the newer one",
                 path, version, VERSION);
    return rc;
}

/* A build from between two releases may have made a file of this number in another form: it is refused here, rather than
 * each message later. */
static int check_form(struct conn *c, const char *path, struct buf *why)
{
    int rc = SQLITE_OK;
    for (enum sql id = 0; id < SQL_N && rc == SQLITE_OK; id++) {
        sqlite3_stmt *st = NULL;
        rc = sqlite3_prepare_v2(c->db, sql_text_of[id], -1, &st, NULL);
        sqlite3_finalize(st);
    }
    if (rc == SQLITE_ERROR)
        buf_addf(
            why,
            "%s was made by an unreleased front-bridge and has another form (%s): run that one until nothing "
            "waits, then give this one a new directory",
            path, sqlite3_errmsg(c->db));
    return rc;
}

enum err schema_migrate(struct conn *c, const char *path, struct buf *why)
{
    int version = 0;
    int rc = pragma_get(c, "PRAGMA user_version", &version);
    if (rc == SQLITE_OK)
        rc = check_owner(c, path, version, why);
    if (rc == SQLITE_OK && why->n > 0)
        return ERR_IO;
    while (rc == SQLITE_OK && version < VERSION)
        rc = apply(c, version++);
    if (rc == SQLITE_OK)
        rc = check_form(c, path, why);
    if (rc == SQLITE_OK)
        return OK;
    if (why->n > 0)
        return ERR_IO;
    sql_sentence(path, c->db, rc, why);
    return ERR_IO;
}
