/*
 * Inside the SQLite engine: the connections, the statements, and what its files share.
 *
 * Invariant: within a transaction the counters and next_id in memory are ahead of the database; commit writes
 * them, rollback puts them back. Thread: the store's.
 */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include "store/engine.h"
#include "store/sqlite_sql.h"
#include <sqlite3.h>

struct store_item;
struct store_message;
struct store_prune;
struct store_put;
struct store_settle;

struct conn {
    sqlite3 *db;
    sqlite3_stmt *stmt[SQL_N]; /* prepared when first used */
};

/* What is counted for one (channel, direction). Bodies of settled messages are not counted in bytes. */
struct tally {
    int64_t n[MESSAGE_STATE_N], bytes[MESSAGE_STATE_N];
};

struct channel {
    int64_t id;
    char name[STORE_CHANNEL_BYTES];
    bool is_new;    /* made in this transaction */
    bool is_marked; /* there when the running isolated operation began */
    struct tally now[2], committed[2], mark[2];
    uint32_t dirty[2]; /* states whose counts changed in this transaction */
};

struct sqlite {
    struct engine engine;
    char *path;
    struct conn writer, reader;
    struct channel **channel; /* sorted by name */
    size_t channel_n;
    int64_t next_id, committed_next_id, mark_next_id; /* of messages, and for places in lanes */
    int64_t file_prune_at;                            /* where the running pass over files is */
    int64_t prune_at; /* where the running pass of pruning is: first of bodies, then of keys */
    bool is_prune_of_keys;
    struct { /* where the running pass over the map of conversations is */
        bool is_running, has_run;
        wall_ms_t from; /* keys_before when the last one began */
        unsigned table;
        int64_t id;
        char *key;
    } forget;
    int wal_pages;
    bool is_isolated;
    mono_ms_t read_until;
};

/* queue ids join channel and direction, so that an index needs one small integer for both. */
static inline int64_t queue_id(const struct channel *c, enum message_direction d)
{
    return c->id * 2 + (int64_t)d;
}

/* ---- Statements (sqlite_sql.c) ---- */
/* sql_of returns the statement, ready to be bound; NULL (and the engine broken) if it cannot be prepared. */
sqlite3_stmt *sql_of(struct sqlite *q, struct conn *c, enum sql id);
/* sql_bind binds parameters 1, 2, … : i int64_t, t struct span (absent: NULL), s const char *, b span as
 * blob. */
void sql_bind(sqlite3_stmt *st, const char *types, ...);
/* sql_step: *has_row says whether there is one; when not, or on error, the statement is reset. */
MUST_CHECK enum err sql_step(struct sqlite *q, sqlite3_stmt *st, bool *has_row);
/* sql_earlier lowers *at to the time that statement id gives for key; without a row *at stays. */
MUST_CHECK enum err sql_earlier(struct sqlite *q, struct conn *c, enum sql id, int64_t key, wall_ms_t *at);
/* sql_run steps a statement without rows to its end. */
MUST_CHECK enum err sql_run(struct sqlite *q, sqlite3_stmt *st);
/* sql_first_text gives the first column of the only row; *out is malloc'ed, or untouched if there is none. */
MUST_CHECK enum err sql_first_text(struct sqlite *q, sqlite3_stmt *st, char **out);
/* sql_find_text does that for a statement of an owner (a channel or queue) and a key, unless *out is set already or there is no
 * key: several in a row give what the first one finds. */
MUST_CHECK enum err sql_find_text(struct sqlite *q, struct conn *c, enum sql id, int64_t owner,
                                  struct span key, char **out);
void sql_reset(sqlite3_stmt *st);
struct span sql_text(sqlite3_stmt *st, int column); /* borrowed until the next step or reset */
/* sql_failed decides what a result code means: spoilt or broken; returns ERR_IO. */
enum err sql_failed(struct sqlite *q, sqlite3 *db, int rc);
/* sql_sentence says in one sentence what is wrong with the database and what to do. */
void sql_sentence(const char *path, sqlite3 *db, int rc, struct buf *why);
void sqlite_conn_close(struct conn *c);

#define TRY(expr)                                                                                            \
    do {                                                                                                     \
        enum err try_ = (expr);                                                                              \
        if (try_ != OK)                                                                                      \
            return try_;                                                                                     \
    } while (0)

/* ---- Schema (sqlite_schema.c) ---- */
MUST_CHECK enum err schema_migrate(struct conn *c, const char *path, struct buf *why);

/* ---- Channels and counters (sqlite_count.c) ---- */
MUST_CHECK enum err counts_load(struct sqlite *q);
MUST_CHECK enum err last_id(struct sqlite *q, int64_t *id); /* of the newest message; 0: none */
MUST_CHECK enum err counts_write(struct sqlite *q);
void counts_commit(struct sqlite *q);
void counts_rollback(struct sqlite *q);
void counts_mark(struct sqlite *q); /* for counts_undo: as with a savepoint */
void counts_undo(struct sqlite *q);
void counts_free(struct sqlite *q);
struct channel *channel_find(struct sqlite *q, const char *name); /* NULL: nothing was ever stored for it */
/* The history of the channel of this name, and the channel of which that is the history. NULL: as above, or the name is of
 * the other kind. */
struct channel *channel_history(struct sqlite *q, const char *name);
struct channel *channel_live(struct sqlite *q, const char *history);
struct channel *channel_by_id(struct sqlite *q, int64_t id);
MUST_CHECK enum err channel_get(struct sqlite *q, const char *name, struct channel **out); /* makes it */
uint64_t channel_bytes(const struct channel *c); /* that count in its quota */
void count_add(struct channel *c, enum message_direction d, enum message_state s, int64_t n, int64_t bytes);

/* ---- One message in a transaction (sqlite_message.c) ---- */
struct row {
    int64_t id;
    struct channel *channel;
    enum message_direction direction;
    enum message_state state;
    bool is_head;
    uint32_t attempt, attempt_base, revision, crash_n;
    wall_ms_t due_at, expires_at, started_at, ended_at;
    int64_t body_n;
    char outcome[16];
    bool has_reason, has_conversation;
    enum message_kind kind;
    unsigned file_n;
    struct message_parts parts;
};
MUST_CHECK enum err row_read(struct sqlite *q, int64_t id, struct row *out); /* ERR_NOT_FOUND */
/* row_one runs a statement of ROW_COLUMNS for its first row. ERR_NOT_FOUND: it has none. */
MUST_CHECK enum err row_one(struct sqlite *q, sqlite3_stmt *st, struct row *out);
/* row_from reads the columns ROW_COLUMNS of a statement. */
MUST_CHECK enum err row_from(struct sqlite *q, sqlite3_stmt *st, struct row *out);
/* row_leave takes a message out of the schedule. A reason replaces the former one; absent keeps it. */
MUST_CHECK enum err row_leave(struct sqlite *q, struct row *r, enum message_state to, struct span reason,
                              wall_ms_t now, bool *is_promoted);
/* row_reopen puts a message that is not open at the end of its lane, for a new life. */
MUST_CHECK enum err row_reopen(struct sqlite *q, struct row *r, wall_ms_t now, wall_ms_t expires_at);
/* row_start opens the next attempt of a queued message. */
MUST_CHECK enum err row_start(struct sqlite *q, struct row *r, wall_ms_t now);
/* row_retire moves the last attempt from the message to the timeline. */
MUST_CHECK enum err row_retire(struct sqlite *q, const struct row *r, wall_ms_t now);
/* row_promote makes the next of the lane of message id its head. */
MUST_CHECK enum err row_promote(struct sqlite *q, int64_t id, wall_ms_t now, bool *is_promoted);
void row_count(struct row *r, enum message_state to); /* moves r's count, and its state, to another state */

/* sqlite_message_read makes a whole store_message out of the columns MESSAGE_COLUMNS. */
MUST_CHECK enum err sqlite_message_read(struct sqlite *q, struct conn *c, sqlite3_stmt *st,
                                        struct store_message *out);

/* ---- Threads (sqlite_thread.c) ---- */
/* thread_peer finds the backend's conversation for a delivery; *peer is malloc'ed, or NULL. */
MUST_CHECK enum err thread_peer(struct sqlite *q, struct conn *c, int64_t channel_id,
                                struct span conversation, struct span thread_ref, struct span handle,
                                char **peer);
/* thread_front finds Front's conversation of an inbound message; *conversation is malloc'ed, or NULL. */
MUST_CHECK enum err thread_front(struct sqlite *q, struct conn *c, int64_t channel_id, enum message_kind kind,
                                 struct span peer, struct span thread_ref, char **conversation);
/* thread_told: the thread that Front knows for an inbound message already, instead of p->thread_ref;
 * malloc'ed, or untouched. */
MUST_CHECK enum err thread_told(struct sqlite *q, int64_t channel_id, const struct store_put *p,
                                char **thread_ref);
/* thread_answer: what Front is told as the conversation of delivery p; malloc'ed, or untouched for p->thread_ref. */
MUST_CHECK enum err thread_answer(struct sqlite *q, const struct channel *c, const struct store_put *p,
                                  char **told);
/* thread_history finds the conversation that a line of history joins; *conversation is malloc'ed, or NULL. */
MUST_CHECK enum err thread_history(struct sqlite *q, struct conn *c, const struct channel *history,
                                   struct span peer, struct span thread_ref, char **conversation);
/* thread_chosen keeps what thread_history found, so that all of a thread goes there. */
MUST_CHECK enum err thread_chosen(struct sqlite *q, const struct channel *history,
                                  const struct store_message *m, wall_ms_t now);
/* thread_linked: the reference that Front knows the backend's conversation `peer` by; malloc'ed, or untouched. */
MUST_CHECK enum err thread_linked(struct sqlite *q, int64_t channel_id, struct span peer, char **thread_ref);
/* thread_is_talk: it belongs to a thread: a customer's message, or an agent's in the backend. */
bool thread_is_talk(const struct store_put *p);
MUST_CHECK enum err thread_seen(struct sqlite *q, const struct channel *c, const struct store_put *p,
                                struct span thread_ref, struct span conversation);
/* thread_shown: Front shows inbound message r in this conversation. */
MUST_CHECK enum err thread_shown(struct sqlite *q, const struct row *r, struct span conversation,
                                 wall_ms_t now);
/* thread_moved_to: what conversation (may be NULL) was merged into; malloc'ed, or untouched. */
MUST_CHECK enum err thread_moved_to(struct sqlite *q, const char *conversation, char **into);
MUST_CHECK enum err thread_settled(struct sqlite *q, const struct row *r, const struct store_settle *p);

/* ---- Replies and aliases (sqlite_reply.c) ---- */
/* reply_find says what reply_to is to the other side: *text, malloc'ed or NULL, and *id as in store_message. */
MUST_CHECK enum err reply_find(struct sqlite *q, struct conn *c, const struct channel *channel,
                               enum message_direction d, struct span reply_to, struct span recipient,
                               char **text, int64_t *id);
/* reply_thread finds the thread of the message that inbound p answers: Front's reference of it, and the backend's
 * conversation; both malloc'ed, or untouched where they are not known. */
MUST_CHECK enum err reply_thread(struct sqlite *q, const struct channel *channel, const struct store_put *p,
                                 char **thread_ref, char **conversation);
MUST_CHECK enum err alias_put(struct sqlite *q, const struct channel *channel, const struct store_put *p);
/* alias_recipient: how the backend writes a phone number; malloc'ed, or untouched. */
MUST_CHECK enum err alias_recipient(struct sqlite *q, struct conn *c, int64_t channel_id,
                                    struct span recipient, char **out);
/* alias_find gives the backend's own id behind ref, as sql_find_text does. */
MUST_CHECK enum err alias_find(struct sqlite *q, struct conn *c, int64_t channel_id, struct span ref,
                               char **id);

/* ---- Forgetting (sqlite_forget.c) ---- */
/* map_used marks what new message p uses of the map of conversations, where that was not done for a day. */
MUST_CHECK enum err map_used(struct sqlite *q, const struct channel *c, const struct store_put *p,
                             struct span thread_ref, struct span conversation);
/* map_prune drops what was not used for long, some rows each time; true in *is_more: call again. */
MUST_CHECK enum err map_prune(struct sqlite *q, struct store_prune *p, bool *is_more);

/* ---- Files (sqlite_file.c) ---- */
/* files_put gives message r the files of item; those that it had before are nobody's then. */
MUST_CHECK enum err files_put(struct sqlite *q, struct row *r, const struct store_item *item, wall_ms_t now);
/* files_wake wants again what was gone: the message has a new life. */
MUST_CHECK enum err files_wake(struct sqlite *q, const struct row *r, wall_ms_t now);
MUST_CHECK enum err files_of(struct sqlite *q, struct conn *c, struct store_message *m);
/* files_hurry: what a process that died was fetching is due now. */
MUST_CHECK enum err files_hurry(struct sqlite *q, int64_t queue, wall_ms_t now);
/* files_prune drops rows of files that nobody needs any more, some each time; true in *is_more: call again. */
MUST_CHECK enum err files_prune(struct sqlite *q, struct store_prune *p, bool *is_more);
size_t files_bytes(const struct store_item *item); /* of those that are here */

/* ---- Receipts (sqlite_receipt.c) ---- */
/* receipt_of_part: the message is delivered now, and one of its parts may have been told as failed before: the agent hears
 * of that. *has_report: set if so. */
MUST_CHECK enum err receipt_of_part(struct sqlite *q, struct row *r, wall_ms_t now, bool *has_report);

/* ---- Reports (sqlite_report.c) ---- */
MUST_CHECK enum err report_add(struct sqlite *q, const struct row *r, wall_ms_t now);
MUST_CHECK enum err report_drop(struct sqlite *q, int64_t id);

/* ---- Confirmations (sqlite_confirm.c) ---- */
/* confirm_note keeps Front's uid of an inbound message, if none is known; absent: nothing to keep. */
MUST_CHECK enum err confirm_note(struct sqlite *q, const struct row *r, struct span uid);

/* ---- Operations ---- */
enum err sqlite_put(struct sqlite *q, struct store_op *op);
enum err sqlite_import(struct sqlite *q, struct store_op *op);
enum err sqlite_claim(struct sqlite *q, struct store_op *op);
enum err sqlite_settle(struct sqlite *q, struct store_op *op);
enum err sqlite_cancel(struct sqlite *q, struct store_op *op);
enum err sqlite_orphans(struct sqlite *q, struct store_op *op);
enum err sqlite_expire(struct sqlite *q, struct store_op *op);
enum err sqlite_prune(struct sqlite *q, struct store_op *op);
enum err sqlite_admin(struct sqlite *q, struct store_op *op);
enum err sqlite_list(struct sqlite *q, struct store_op *op);
enum err sqlite_show(struct sqlite *q, struct store_op *op);
enum err sqlite_about(struct sqlite *q, struct store_op *op);
enum err sqlite_stats(struct sqlite *q, struct store_op *op);
enum err sqlite_learn(struct sqlite *q, struct store_op *op);
enum err sqlite_learnt(struct sqlite *q, struct store_op *op);
enum err sqlite_receipt(struct sqlite *q, struct store_op *op);
enum err sqlite_merge(struct sqlite *q, struct store_op *op);
enum err sqlite_reports(struct sqlite *q, struct store_op *op);
enum err sqlite_reported(struct sqlite *q, struct store_op *op);
enum err sqlite_kv(struct sqlite *q, struct store_op *op);
enum err sqlite_fact(struct sqlite *q, struct store_op *op);
enum err sqlite_event_put(struct sqlite *q, struct store_op *op);
enum err sqlite_events_due(struct sqlite *q, struct store_op *op);
enum err sqlite_event_end(struct sqlite *q, struct store_op *op);
enum err sqlite_event_list(struct sqlite *q, struct store_op *op);
enum err sqlite_event_replay(struct sqlite *q, struct store_op *op);
enum err sqlite_files_due(struct sqlite *q, struct store_op *op);
enum err sqlite_file_end(struct sqlite *q, struct store_op *op);
enum err sqlite_file_get(struct sqlite *q, struct store_op *op);
enum err sqlite_file_lost(struct sqlite *q, struct store_op *op);
enum err sqlite_files_known(struct sqlite *q, struct store_op *op);
enum err sqlite_event_release(struct sqlite *q, struct store_op *op);
enum err sqlite_failed(struct sqlite *q, struct store_op *op);
/* events_prune drops bodies and rows of ended events that are old enough, some each time; true in *is_more: call again. */
MUST_CHECK enum err events_prune(struct sqlite *q, wall_ms_t bodies_before, wall_ms_t keys_before,
                                 bool *is_more);
enum err sqlite_standings(struct sqlite *q, struct store_op *op);
enum err sqlite_standing(struct sqlite *q, struct store_op *op);
enum err sqlite_confirm(struct sqlite *q, struct store_op *op);
enum err sqlite_undo(struct sqlite *q, const struct engine_doubt *d, size_t n);

#endif
