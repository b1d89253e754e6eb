/*
 * The store: every message, its state, and the schedule. The only writer of state.
 *
 * Shape: the loop posts operations; one store thread takes all that have queued up while the last commit ran,
 * runs them in one transaction (group commit) and hands each back to the loop with its result after the
 * commit. An operation is a struct of the caller's with its completion inside, so posting neither allocates
 * nor blocks.
 *
 * Semantics, which every engine must give:
 *  - Durable: on_done with OK means that the change survives kill -9 and power loss. A result other than OK
 *    means that nothing of that operation was written.
 *  - Isolated: an operation that fails leaves its neighbours in the batch as they are.
 *  - Order: operations of one batch run settle, cancel and thread first (they free resources), then the
 * others as posted. A caller that needs an order posts the second from the on_done of the first.
 *  - Refusal: only new work (store_put, store_import, store_event_put) is ever refused: ERR_FULL when too much is waiting or the channel is
 *    over its quota, ERR_IO while the engine is failing. Claims and reads answer ERR_IO while it is failing.
 *    Everything else waits in memory until the engine works again: a settle is never lost while the process
 * lives.
 *  - Schedule: within (channel, direction) a message may start when it is the oldest open one of its lane and
 *    its due time has come. Followers are not in the due index; the settle that closes a head promotes the
 * next.
 *  - Dedupe: (channel, direction, source_id, recipient) is unique and outlives the body.
 *  - Cost of put, claim and settle does not grow with the backlog.
 * Units: milliseconds of wall time. Thread: all functions from the loop's thread unless said otherwise;
 * on_done runs on the loop. Owns: the store copies what it keeps; inputs stay the caller's until on_done;
 * outputs are the caller's.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "store/state.h"
#include <event2/event.h>
#include <stdatomic.h>
#include <stdbool.h>

struct store;

/* The data directory belongs to one process: ERR_CONFLICT after wait_ms. Blocks; call before the loop runs.
 */
MUST_CHECK enum err store_lock(const char *dir, int64_t wait_ms, int *lock_fd, struct buf *why);

struct store_options {
    const char *url;    /* a directory, or a URL of another engine */
    size_t waiting_max; /* puts that may wait in memory; 0: 8192 */
    unsigned batch_max; /* operations per transaction; 0: 1024 */
    void (*on_health)(bool is_ok, const char *reason,
                      void *arg); /* on the loop, when it changes; may be NULL */
    void *arg;
};

/*
 * store_open starts the store thread. A database that cannot be opened, or is corrupt, is no error here: the
 * store is then unhealthy, refuses work, tries again every second and says why. ERR_INVALID: a URL that no
 * engine takes.
 */
MUST_CHECK enum err store_open(struct store **out, struct event_base *base, const struct store_options *o,
                               struct buf *why);
/*
 * store_close lets what is posted finish (at most wait_ms, if the engine fails), stops the thread and closes
 * the engine. What is still open is completed from inside this call, with ERR_CANCELLED where it could not be
 * done.
 */
void store_close(struct store *s, int64_t wait_ms);

bool store_is_healthy(const struct store *s);
/* store_reason copies the sentence that says what is wrong ("" while healthy). */
void store_reason(const struct store *s, struct buf *out);

/* ---- Operations ---- */

enum store_verb {
    STORE_PUT,
    STORE_IMPORT,
    STORE_CLAIM,
    STORE_SETTLE,
    STORE_CANCEL,
    STORE_ORPHANS,
    STORE_EXPIRE,
    STORE_PRUNE,
    STORE_ADMIN,
    STORE_LIST,
    STORE_SHOW,
    STORE_STATS,
    STORE_LEARN,
    STORE_LEARNT,
    STORE_MERGE,
    STORE_REPORTS,
    STORE_REPORTED,
    STORE_KV,
    STORE_FACT,
    STORE_EVENT_PUT,
    STORE_EVENTS_DUE,
    STORE_EVENT_END,
    STORE_EVENT_LIST,
    STORE_EVENT_REPLAY,
    STORE_FILES_DUE,
    STORE_FILE_END,
    STORE_FILE_GET,
    STORE_FILES_KNOWN,
    STORE_FILE_LOST,
    STORE_EVENT_RELEASE,
    STORE_FAILED,
    STORE_STANDINGS,
    STORE_STANDING,
    STORE_CONFIRM,
    STORE_RECEIPT,
    STORE_ABOUT,
    STORE_VERB_N
};

/*
 * History of a channel waits in a queue of its own, under the channel's name and ":import", so that no live message
 * ever waits behind it. No channel of a configuration can be called so.
 */
enum { STORE_CHANNEL_BYTES = 80 };
void store_history_name(const char *channel, char out[STORE_CHANNEL_BYTES]);
/* store_history_of: whether name is such a name; *channel is the channel's then. Thread: any. */
bool store_history_of(struct span name, struct span *channel);

struct store_op {
    enum store_verb verb; /* set by store_post_* */
    enum err result;
    void (*on_done)(struct store_op *op); /* set by the caller; may free the operation */
    atomic_bool is_abandoned;             /* see store_abandon */
    struct store_op *next;                /* the store's */
};

/* Post an operation. on_done is always called, once, from the loop and never from inside the post. */
struct store_put;
struct store_claim;
void store_post_put(struct store *s, struct store_put *p);
void store_post_claim(struct store *s, struct store_claim *p);

/*
 * store_abandon says that the caller has answered an error: if the put is not committed yet it is not
 * written, and ends with ERR_CANCELLED. If it was too late for that, on_done says OK and the caller posts a
 * cancel. A claim that was posted before that cancel may already hold the message: it completes after the
 * put, so the caller can still tell.
 */
void store_abandon(struct store_put *p);

/* ---- Put: new messages, all or none ---- */

enum store_put_how {
    STORE_NEW,     /* stored now */
    STORE_RUNNING, /* the same message is still open */
    STORE_DONE,    /* it was delivered or accepted before: answer as then */
    STORE_ASIDE,   /* it waits for an operator (held, unknown): answered as accepted */
    STORE_AGAIN,   /* it had ended in an answered error, and is a new attempt now */
};

struct store_file_put { /* one file of a message, see Files */
    struct span filename, content_type;
    struct span cid;    /* may be absent */
    struct span origin; /* where it is to be fetched from; absent: it came with the message */
    int64_t bytes;      /* how large it is, or is said to be; -1: not known */
    const char *name;   /* its file in the store's directory; NULL: it is still to be fetched */
    const char *sha256; /* of it, in hex */
    struct span reason; /* why it is gone from the beginning; absent: it is not */
};

struct store_item {
    struct span recipient; /* whom it is for, or the customer it is from; part of the dedupe key */
    struct span lane;      /* order is kept among open messages of the same lane */
    struct span body;      /* JSON object, stored as given */
    const struct store_file_put *file; /* an item with files is never started by its put */
    unsigned file_n;
    /* results */
    int64_t id;
    enum store_put_how how;
    enum message_state state;
    uint32_t attempt;  /* 1 if it was started in this very commit, else what it had */
    uint32_t revision; /* 1, or how many different texts this message has had */
    struct message_parts parts;
    bool is_started; /* attempt is open now, and the caller must send it */
    bool is_behind;  /* an older message of its lane is open */
    /* out, when is_started: the backend's conversation id, if known; the others as in store_message. store_put_fini */
    char *peer_conversation, *reply, *peer_recipient;
};

/* What Front is told under another name than the backend's own: ids that are too long for it, phone numbers. */
struct store_alias {
    struct span ref, id; /* as told; the backend's own */
};

/* In the source_id of what happened to a message, between its kind and its id, so that it is no message's of the same id: no id
 * of a backend holds a control character. */
#define STORE_SIGN_MARK '\x1f'

struct store_put {
    struct store_op op;
    enum message_direction direction;
    enum message_kind kind; /* of all items */
    const char *channel;
    struct span source_id; /* out: Front's message id; in: the backend's id */
    struct span
        conversation; /* out: Front's conversation id; in: the backend's conversation id; may be absent */
    struct span thread_ref; /* in: what Front will be told as the thread; out: the external conversation
                               id told to Front. Fixed here, never changed. */
    bool follows_link; /* in: if Front knows the conversation by another reference, told when an agent wrote
                          first, that one is kept instead of thread_ref */
    int64_t rolls_ms; /* in: the sender's last thread goes on unless it was silent for so long, and thread_ref
                         is for a new one; 0: thread_ref as it is */
    struct span event_id; /* out: Front's event id, if it came as an event; may be absent */
    /* out: Front's own external ids of the conversation, any of which may be told; see Threads. */
    const struct span *named;
    unsigned named_n;
    /* What it answers, absent: nothing. out: ids of Front, ours or the backend's, one a line, the first that is known
     * counts; in: the backend's id. */
    struct span reply_to;
    const struct store_alias *alias; /* in */
    unsigned alias_n;
    wall_ms_t now;
    wall_ms_t created_at; /* when the message was made, for too_old; usually now */
    wall_ms_t expires_at; /* still waiting then: dead */
    uint64_t quota_bytes; /* of the channel, both directions; 0: none */
    /* Whether two bodies say the same: then a new attempt is one of the same text, with what was delivered of it. NULL: if
     * they are equal. Pure; called by the store's thread. */
    bool (*is_same)(struct span before, struct span now);
    bool only_new;      /* what had ended is not begun again, */
    wall_ms_t sent_at;  /* unless it had ended before this, when it was sent once more; 0: not known */
    unsigned start_max; /* how many of the items may be started in this commit */
    struct store_item *item;
    unsigned item_n;
    /* result, out: what Front is told as the conversation, if that is not thread_ref; store_put_fini */
    char *told;
};
void store_put_fini(struct store_put *p); /* frees the results */

/*
 * ---- Files: what comes with messages, both ways ----
 *
 * The bytes lie in files of their own (store/files.h); here is what they are called and whose they are. A file is named
 * here only once it is complete and synced. A message whose files are not all here waits outside of the schedule, and is
 * due when the last of them is ready or gone. Deliveries that name the same origin share one file. The bytes of files
 * count in the channel's quota like bodies.
 */

enum file_state {              /* stored as these numbers */
                  FILE_WANTED, /* to be fetched from its origin */
                  FILE_READY,
                  FILE_GONE, /* cannot be had; reason says why. A new life of its message wants it again */
                  FILE_STATE_N
};

struct store_file {
    int64_t id;
    int64_t message_id; /* 0: of no message any more */
    enum message_direction direction;
    enum file_state state;
    int64_t bytes;  /* FILE_READY: its size; else what it is said to be, -1: not known */
    int64_t beside; /* bytes of its message's files that are here; files_due only */
    unsigned tries;
    char *origin, *filename, *content_type, *cid, *name, *sha256,
        *reason;     /* as put; NULL where there is none */
    char *source_id; /* of its message; files_due only */
    void *block;     /* all strings live in it */
};
void store_file_fini(struct store_file *f);

/* ---- Import: lines of history, all or none ---- */

enum { STORE_IMPORT_MAX = 1000 };

struct store_import_line {
    struct span source_id;                                      /* known or not by this alone */
    struct span recipient;                                      /* the customer's handle */
    struct span lane, conversation, thread_ref, reply_to, body; /* as in a put */
    const struct store_alias *alias;                            /* as in a put */
    unsigned alias_n;
    const struct store_file_put *file; /* as in a put */
    unsigned file_n;
    /* results */
    int64_t id;
    enum store_put_how how;
};

/* Each line becomes an inbound message of KIND_IMPORT in the history of the channel, in the order of the lines. A line
 * that is known already is no second message, whoever else it says it is from. */
struct store_import {
    struct store_op op;
    const char *channel; /* whose history it is */
    bool follows_link;   /* as in a put: the reference that Front knows the live conversation by is kept */
    wall_ms_t now, expires_at;
    uint64_t quota_bytes; /* of the channel's history */
    struct store_import_line *line;
    unsigned line_n; /* at most STORE_IMPORT_MAX */
};
void store_post_import(struct store *s, struct store_import *p);

/* ---- Messages read back ---- */

struct store_message {
    int64_t id;
    enum message_direction direction;
    enum message_kind kind;
    enum message_state state;
    char *channel, *source_id, *recipient, *lane;
    char *conversation;      /* as put */
    char *thread_ref;        /* as put */
    char *peer_conversation; /* out: the backend's conversation id, resolved from the thread map; else NULL */
    char *front_conversation; /* in: Front's conversation id, resolved from the thread map; else NULL */
    char *event_id;
    char *external_id; /* the other side's id once known: the backend's, or Front's message_uid */
    char *reply_to;    /* as put */
    /* What that is to the other side, if known. out: the backend's id of it; in: Front's id of the delivery, else reply_id is
     * the message of ours that it answers. */
    char *reply;
    int64_t reply_id;     /* 0: none */
    char *peer_recipient; /* out: how the backend writes recipient, if otherwise: an alias */
    char *reason;         /* of the last outcome */
    char *body;           /* NULL when pruned or not asked for */
    size_t body_n;
    uint32_t attempt; /* attempts started; never counts back, so that a late outcome finds its own attempt */
    uint32_t attempt_base; /* of these, those that do not count: unburnt ones and those of earlier lives.
                              attempt - attempt_base is what back-off and limits go by. */
    uint32_t revision;
    struct message_parts parts;
    uint32_t crash_n;     /* crashes it was alone in */
    bool is_suspect;      /* was in flight at a crash, not settled since */
    wall_ms_t unsure_at;  /* nobody knows whether an attempt arrived that was made then, or later; 0: none */
    wall_ms_t created_at; /* when its life began: anew when it is queued again by an operator or a resend */
    wall_ms_t stored_at;  /* when it was first put */
    wall_ms_t due_at, expires_at, updated_at;
    wall_ms_t ended_at;      /* of the last attempt, for a claim of the one before; 0: none, or it is out */
    struct store_file *file; /* its files, in order; NULL if they were not asked for: claim and show do */
    unsigned file_n;
    void *block; /* all strings above live in this one allocation: never free one by itself */
};
void store_message_fini(struct store_message *m);

struct store_attempt {
    uint32_t n;
    wall_ms_t started_at, ended_at;
    char outcome[16]; /* "delivered" "retry" "rejected" "hold" "unknown" */
    int code;         /* HTTP status where there is one, else 0 */
    char *reason;
};

/* The public form of a message id, such as "fb3k9x2m-1z": unique across stores. Thread: any. */
enum { STORE_ID_BYTES = 32 };
void store_id_format(const struct store *s, int64_t id, char out[STORE_ID_BYTES]);
MUST_CHECK enum err store_id_parse(const struct store *s, struct span text, int64_t *id);

/* ---- Claim: start what is due, and what waits for a time that was set by a clock ahead of ours ---- */

struct store_claim {
    struct store_op op;
    enum message_direction direction;
    const char *channel;
    wall_ms_t now;
    unsigned max;
    bool only_suspects_first; /* claim suspects before others */
    /* results: each message is SENDING, its attempt is committed */
    struct store_message *message; /* store_claim_fini */
    unsigned message_n;
    wall_ms_t next_due; /* the earliest head left; INT64_MAX: none */
};
void store_claim_fini(struct store_claim *p);

/* ---- Settle: how an attempt ended ---- */

/* The same settle twice is OK twice. After a cancel the outcome of the attempt that was out is still noted
 * (result OK), and `state` says what holds: cancelled, or delivered if that is what happened. A proof of
 * delivery (VERB_DELIVER for the last attempt) counts also when that attempt had ended as retry, hold, unknown
 * or dead. */

struct store_settle {
    struct store_op op;
    int64_t id;
    uint32_t attempt;       /* a settle for another attempt than the open one is ERR_CONFLICT */
    enum message_verb verb; /* VERB_DELIVER ACCEPT RETRY REJECT HOLD UNSURE KILL PART */
    const char *outcome;    /* for the timeline: "delivered" "retry" "rejected" "hold" "unknown" */
    struct span reason;
    int code;
    wall_ms_t now;
    wall_ms_t due_at;               /* VERB_RETRY PART */
    wall_ms_t expires_at;           /* VERB_RETRY PART: when it expires from now on; 0: as it was */
    bool is_unburnt;                /* this attempt does not count (nothing was tried) */
    bool is_unsure;                 /* the other side may have it all the same: see unsure_at */
    bool was_crash, was_alone;      /* the host died with it in flight; nothing else was */
    struct span external_id;        /* the other side's id, if told */
    struct span peer_conversation;  /* out: the backend's conversation id, if told: kept in the thread map */
    struct span front_conversation; /* in: Front's conversation, if told: kept in the thread map */
    /* out: what holds after this attempt; n 0: nothing new. With VERB_PART the message goes back to the head of its
     * lane, and the attempts of its next part count anew. Parts that were sent are kept by whatever ends the
     * message, so that a resend of the same text, or an operator's, goes on with the next one. */
    struct message_parts parts;
    /* out, VERB_KILL: the agent heard success and has to be told, see reports. Also a result: one of its parts was told as failed
     * before the last was delivered. */
    bool wants_report;
    bool wants_learning; /* in: remember to learn Front's conversation of this thread by external_id */
    /* results */
    enum message_state state;
    bool is_promoted; /* a follower of its lane is due now */
};
void store_post_settle(struct store *s, struct store_settle *p);

/* ---- Cancel: an error was answered ---- */

struct store_cancel {
    struct store_op op;
    int64_t id;
    wall_ms_t now;
    const char *reason;
    struct message_parts parts; /* what the backend has of it */
    enum message_state state;   /* after it; ERR_CONFLICT if it had ended otherwise */
    bool is_promoted;
};
void store_post_cancel(struct store *s, struct store_cancel *p);

/*
 * ---- Confirm: Front shows an inbound message; whatever we knew of it, it is there ----
 * A message that waits to be sent again is not sent again. Idempotent.
 */

struct store_confirm {
    struct store_op op;
    const char *channel;
    int64_t id;      /* ours; 0: by uid */
    struct span uid; /* Front's message_uid; finds accepted messages alone */
    /* Front's ids of the message and its conversation, kept in the map; may be absent. */
    struct span front_id, conversation;
    wall_ms_t now;
    /* results. ERR_NOT_FOUND: no inbound message of this channel; ERR_CONFLICT: it had ended otherwise */
    int64_t found_id;
    bool is_new; /* false: it was confirmed before */
    bool is_promoted;
    bool is_history; /* it is a line of the channel's history */
};
void store_post_confirm(struct store *s, struct store_confirm *p);

/* ---- Failed: Front says that a message has failed on its side; what is still open of it is cancelled ---- */

struct store_failed {
    struct store_op op;
    const char *channel;
    struct span source_id;
    struct span recipient; /* absent: all of them */
    wall_ms_t now;
    wall_ms_t failed_at; /* what was sent again after that is let alone; 0: not known */
    const char *reason;
    /* results: deliveries of it that were taken back now, that had arrived, and that had failed here before */
    unsigned cancelled_n, delivered_n, ended_n;
    bool is_promoted;
    int64_t cancelled[16];
};
void store_post_failed(struct store *s, struct store_failed *p);

/*
 * ---- Receipts: what became of a delivery later ----
 * Each status is noted once for a delivery, and shown in its timeline. `failed`, of one that was delivered, leaves a
 * report (see Reports); `read` puts a message of KIND_RECEIPT, whose source_id is STORE_SEEN and Front's id.
 */

enum receipt_status {
    RECEIPT_DELIVERED = 1,
    RECEIPT_READ = 2,
    RECEIPT_FAILED = 3
}; /* stored as these numbers */
#define STORE_SEEN "seen:"
enum { STORE_RECEIPT_KEY_BYTES = 300 };

struct store_receipt {
    struct store_op op;
    const char *channel;
    int64_t id;              /* ours; 0: by external_id, the backend's */
    struct span external_id; /* of it, or of one of its parts; several deliveries of one id: the newest */
    enum receipt_status status;
    struct span reason; /* RECEIPT_FAILED */
    wall_ms_t now, expires_at;
    /* results; ERR_NOT_FOUND: no delivery of this channel */
    int64_t found_id;
    bool is_new, has_report, is_queued;
};
void store_post_receipt(struct store *s, struct store_receipt *p);

/* ---- Orphans: attempts left open by a process that died ---- */

struct store_orphans {
    struct store_op op;
    enum message_direction direction;
    const char *channel; /* NULL: every channel */
    bool is_resent;      /* true: queued again as suspects; false: MESSAGE_UNKNOWN */
    wall_ms_t now;
    unsigned message_n; /* result */
};
void store_post_orphans(struct store *s, struct store_orphans *p);

/* ---- Expire and prune: small bounded batches; post again while is_more ---- */

struct store_expired {
    int64_t id;
    enum message_direction direction;
    enum message_kind kind;
    char channel[STORE_CHANNEL_BYTES];
    bool is_too_old; /* never attempted; else it gave up */
};

struct store_expire {
    struct store_op op;
    wall_ms_t now;
    struct store_expired expired[64]; /* results: these are dead now */
    unsigned expired_n;
    bool is_more;
    wall_ms_t next_at; /* INT64_MAX: nothing waits */
};
void store_post_expire(struct store *s, struct store_expire *p);

enum { STORE_DROPPED_MAX = 200 };

struct store_prune {
    struct store_op op;
    wall_ms_t bodies_before, keys_before, files_before;
    unsigned body_n, key_n; /* results */
    unsigned map_n; /* rows of the map of conversations, not used since keys_before: looked for once a day */
    char *dropped
        [STORE_DROPPED_MAX]; /* names of files that no message has any more: remove them; store_prune_fini */
    unsigned dropped_n;
    bool is_more;
};
void store_prune_fini(struct store_prune *p);
void store_post_prune(struct store *s, struct store_prune *p);

/* ---- Admin: an operator's verbs ---- */

struct store_filter {
    int direction;       /* -1: both */
    const char *channel; /* NULL: all */
    uint32_t states;     /* bit set of 1u << state; 0: all */
    const char *reason;  /* NULL, or the exact reason */
    int64_t id;          /* 0, or one message */
    int64_t before_id;   /* 0, or: ids smaller than this, for paging newest first */
};

struct store_admin {
    struct store_op op;
    enum message_verb verb; /* VERB_REQUEUE HOLD RELEASE DROP */
    struct store_filter filter;
    struct span note;             /* HOLD, DROP: the reason to be shown; absent: that an operator did it */
    unsigned max;                 /* messages per operation; 0: 500 */
    wall_ms_t now, expires_in_ms; /* a requeued message gets a new life of this length */
    unsigned message_n;           /* results: changed */
    unsigned skipped_n;           /* matched, but the verb is illegal in their state */
    bool is_more;                 /* post the same operation again: it goes on where it was; oldest first */
    int64_t after_id, last_id;    /* the store's: 0 at first */
};
void store_post_admin(struct store *s, struct store_admin *p);

/* ---- Reads: short snapshots on a second, read-only connection ---- */

struct store_list { /* ERR_LIMIT: took too long, the filter must be narrower */
    struct store_op op;
    struct store_filter filter;
    unsigned max; /* 0: 100; at most 1000 */
    bool wants_body;
    struct store_message *message; /* newest first; store_list_fini */
    unsigned message_n;
    bool is_more; /* older ones match too (max was reached, or their bodies would fill the memory) */
};
void store_post_list(struct store *s, struct store_list *p);
void store_list_fini(struct store_list *p);

struct store_show {
    struct store_op op;
    int64_t id;
    struct store_message message; /* store_show_fini */
    struct store_attempt *attempt;
    unsigned attempt_n;
};
void store_post_show(struct store *s, struct store_show *p);
void store_show_fini(struct store_show *p);

/* An earlier message of a channel, or of its history, by a name that the backend knows it by. ERR_NOT_FOUND: there is none,
 * or it is forgotten. */
enum { STORE_ABOUT_BODY_MAX = 1 << 20 };

struct store_about {
    struct store_op op;
    const char *channel;
    int64_t id;       /* ours, of a delivery; 0: by key */
    struct span key;  /* the backend's id: of a message that it handed over, else of a delivery, the newest */
    bool is_delivery; /* of a delivery alone */
    bool is_history;  /* result: it was imported */
    struct store_message message; /* without a body over STORE_ABOUT_BODY_MAX; store_about_fini */
};
void store_post_about(struct store *s, struct store_about *p);
void store_about_fini(struct store_about *p);

struct store_count {
    char channel[STORE_CHANNEL_BYTES];
    enum message_direction direction;
    uint64_t n[MESSAGE_STATE_N];
    uint64_t bytes;      /* of bodies that are not settled */
    wall_ms_t oldest_at; /* created_at of the open message that expires first; 0: none */
};

struct store_stats {
    struct store_op op;
    struct store_count *count; /* one per channel and direction; store_stats_fini */
    unsigned count_n;
    uint64_t file_bytes, wal_bytes;
};
void store_post_stats(struct store *s, struct store_stats *p);
void store_stats_fini(struct store_stats *p);

/* ---- Threads ---- */

/* thread: what the backend's side knows (channel, thread_ref, handle, the backend's conversation id).
 * link: a Front conversation and where its replies go. A put of an inbound message makes or refreshes the
 * thread; a settle of a delivery with peer_conversation makes the link; learning makes it for the first
 * message of a thread. For a delivery the backend's conversation is: the link of Front's conversation; else
 * the thread of thread_ref; else the newest thread of the recipient's handle whose Front conversation is not
 * learnt yet; else unknown. The other way, Front's conversation of a message of the backend is: what was learnt
 * of its thread; else the newest link to its conversation of the backend (for an agent's message, which belongs
 * where the conversation is now, that one first); else, for an agent's, what was learnt from an earlier one of
 * the same thread. A message without a conversation that answers one which is known belongs to the thread of that one,
 * both ways. What Front is told as the conversation of a delivery is what it was told of this message before; else, of
 * the ids that Front names, the first that the map knows, else the first; else what the map knows it by; else what the
 * put says. History joins the conversation that the map of its channel knows when the first line of a thread
 * is claimed, or none, and all later lines of that thread go where the first one went.
 */

struct store_lesson {
    int64_t thread_id;
    char *message_uid;
    unsigned tries;
};

struct store_learn { /* threads whose Front conversation is to be learnt now; each is put off by retry_ms */
    struct store_op op;
    const char *channel;
    wall_ms_t now;
    int64_t retry_ms;
    struct store_lesson lesson[16];
    unsigned lesson_n;
    wall_ms_t next_at; /* INT64_MAX: none */
};
void store_post_learn(struct store *s, struct store_learn *p);
void store_learn_fini(struct store_learn *p);

struct store_learnt {
    struct store_op op;
    int64_t thread_id;
    struct span conversation; /* Front's id; absent: given up */
    wall_ms_t now;
};
void store_post_learnt(struct store *s, struct store_learnt *p);

enum { STORE_MERGE_MAX = 100 };

/* Front has merged conversations: what is known of those that are gone is known of the one that is left, where
 * nothing was known of it before, and reports go there. The old ids keep their meaning: messages on their way still name them. Doing
 * it twice changes nothing. */
struct store_merge {
    struct store_op op;
    const char *channel; /* NULL: every channel */
    struct span into;    /* the conversation that is left */
    bool is_redirect; /* Front sent a call of ours from one to the other: kept also where nothing is known */
    const struct span *gone; /* at most STORE_MERGE_MAX */
    unsigned gone_n;
    wall_ms_t now;
    unsigned link_n; /* result: threads that go on in `into` */
};
void store_post_merge(struct store *s, struct store_merge *p);

/*
 * ---- Reports: deliveries that failed for good after the agent had heard success ----
 * A settle with wants_report, and the expiry of a delivery, leave one; it is handed out until it is done
 * with. Queueing the message again withdraws it.
 */

enum { STORE_REPORTS_MAX = 16 };

struct store_reports { /* what is to be told now; each is put off by retry_ms */
    struct store_op op;
    const char *channel;
    wall_ms_t now;
    int64_t retry_ms;
    struct store_message message[STORE_REPORTS_MAX]; /* without bodies; store_reports_fini */
    unsigned tries[STORE_REPORTS_MAX];
    char *moved_to
        [STORE_REPORTS_MAX]; /* the conversation that its own was merged into; NULL: none that is known */
    unsigned message_n;
    wall_ms_t next_at; /* INT64_MAX: none */
};
void store_post_reports(struct store *s, struct store_reports *p);
void store_reports_fini(struct store_reports *p);

struct store_reported { /* done with, told or not */
    struct store_op op;
    int64_t id;
};
void store_post_reported(struct store *s, struct store_reported *p);

/* ---- Key-value: an adapter's own small durable data ---- */

enum { STORE_KV_KEY_MAX = 256, STORE_KV_VALUE_MAX = 65536, STORE_KV_KEYS_MAX = 10000 };

struct store_kv {
    struct store_op op;
    const char *channel;
    struct span key;
    bool is_write;
    struct span value; /* written; absent deletes */
    char *found;       /* read: malloc'ed, or NULL with ERR_NOT_FOUND */
    size_t found_n;
};
void store_post_kv(struct store *s, struct store_kv *p);

/* ---- Facts: what the bridge has learnt and must find again after a restart ---- */

enum { STORE_FACT_MAX = 4096 };

struct store_fact {
    struct store_op op;
    const char *owner, *key; /* owner: "account/NAME" or "channel/NAME" */
    bool is_write;
    struct span value; /* written, up to STORE_FACT_MAX; absent deletes */
    char *found;       /* read: malloc'ed, or NULL with ERR_NOT_FOUND */
};
void store_post_fact(struct store *s, struct store_fact *p);

/* ---- Files: fetching them, finding them ---- */

enum { STORE_FILES_MAX = 16 };

struct
    store_files_due { /* what is to be fetched now; each is put off by retry_ms, and handed out once for all who want it */
    struct store_op op;
    enum message_direction direction;
    const char *channel;
    wall_ms_t now;
    int64_t retry_ms;
    unsigned max;                            /* at most STORE_FILES_MAX */
    struct store_file file[STORE_FILES_MAX]; /* store_files_due_fini */
    unsigned file_n;
    wall_ms_t next_at; /* INT64_MAX: none */
};
void store_post_files_due(struct store *s, struct store_files_due *p);
void store_files_due_fini(struct store_files_due *p);

/* ERR_NOT_FOUND: nobody wants it any more. ERR_FULL: it is over the channel's quota. ERR_LIMIT: with what is here of its
 * message, it is over message_bytes. */
struct store_file_end {
    struct store_op op;
    int64_t id;
    enum file_state state; /* FILE_WANTED: try again at due_at */
    wall_ms_t now, due_at;
    struct span reason;        /* not for FILE_READY */
    const char *name, *sha256; /* FILE_READY */
    int64_t bytes;
    uint64_t quota_bytes;   /* of the channel; 0: none */
    uint64_t message_bytes; /* of all files of the message; 0: none */
    unsigned message_n;     /* result: messages that are due now */
};
void store_post_file_end(struct store *s, struct store_file_end *p);

struct store_file_get {
    struct store_op op;
    int64_t id;
    struct store_file file; /* store_file_fini */
};
void store_post_file_get(struct store *s, struct store_file_get *p);

/* The bytes of a file are not on the disk any more: it is wanted again, or gone if nobody has it, in every message. Runs
 * before a settle that is posted after it. */
struct store_file_lost {
    struct store_op op;
    int64_t id;
    wall_ms_t now;
};
void store_post_file_lost(struct store *s, struct store_file_lost *p);

/* Which of these names belong to files of messages? */
struct store_files_known {
    struct store_op op;
    const char *const *name;
    bool *is_known; /* results */
    unsigned name_n;
};
void store_post_files_known(struct store *s, struct store_files_known *p);

/*
 * ---- Standing: how a channel stands with Front ----
 * What Front said when it was connected or deleted, and what Front was told of it.
 */

enum store_life {
    LIFE_OPEN,
    LIFE_STOPPED,  /* Front has deleted the channel: its messages are held */
    LIFE_RESUMING, /* open again as soon as its messages are released */
};

enum { STORE_FRONT_CHANNEL_BYTES = 201 };

struct standing {
    char front_channel[STORE_FRONT_CHANNEL_BYTES]; /* Front's id, learnt at authorization; "": not learnt */
    enum store_life life;
    wall_ms_t life_at;    /* of Front's last word on connecting or deleting, by Front's clock; 0: none */
    wall_ms_t life_since; /* by ours */
    bool is_offline;      /* Front was told so, or is about to be */
};

enum { STANDING_FRONT_CHANNEL = 1, STANDING_LIFE = 2, STANDING_LIFE_AT = 4, STANDING_OFFLINE = 8 };

struct store_standing { /* writes those members of `to` that fields names (STANDING_… bits) */
    struct store_op op;
    const char *channel;
    unsigned fields;
    struct standing to;
};
void store_post_standing(struct store *s, struct store_standing *p);

struct store_standings { /* every channel of which there are any; store_standings_fini */
    struct store_op op;
    struct store_channel_standing {
        char channel[64];
        struct standing standing;
    } * item;
    unsigned item_n;
};
void store_post_standings(struct store *s, struct store_standings *p);
void store_standings_fini(struct store_standings *p);

/* Time that the last commits took, for front_bridge_store_commit_seconds: cumulative counts per bucket.
 * Thread: any. */
enum { STORE_COMMIT_BUCKETS = 10 };
extern const double store_commit_bounds_s[STORE_COMMIT_BUCKETS];
struct store_commit_times {
    uint64_t bucket[STORE_COMMIT_BUCKETS], n;
    double sum_s;
};
void store_commit_times(const struct store *s, struct store_commit_times *out);

#endif
