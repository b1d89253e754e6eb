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
 *    others as posted. A caller that needs an order posts the second from the on_done of the first.
 *  - Refusal: only new work (store_put, store_import, store_event_put) is ever refused: ERR_FULL when too much
 *    is waiting or the channel is over its quota, ERR_IO while the engine is failing. Claims and reads answer
 *    ERR_IO while it is failing. Everything else waits in memory until the engine works again: a settle is
 *    never lost while the process lives.
 *  - Schedule: within (channel, direction) a message may start when it is the oldest open one of its lane and
 *    its due time has come. Followers are not in the due index; the settle that closes a head promotes the
 *    next.
 *  - Dedupe: (channel, direction, source_id, recipient) is unique and outlives the body.
 *  - Cost of put, claim and settle does not grow with the backlog.
 *
 * Here: opening, closing, health, and what all operations share. Each subject has a header of its own: put.h new messages,
 * claim.h their attempts, later.h what becomes known of them after, message.h one that is read back, expire.h their end,
 * file.h their files, import.h history, map.h conversations, event.h Front's events, fact.h what else must last,
 * operator.h an operator's changes and reads.
 *
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

enum { STORE_CHANNEL_BYTES = 80 }; /* of a channel's name, or of its history's (import.h) */

/* An operation is posted by store_post_…; on_done is always called, once, from the loop and never from inside the post. */
struct store_op {
    enum store_verb verb; /* set by store_post_* */
    enum err result;
    void (*on_done)(struct store_op *op); /* set by the caller; may free the operation */
    atomic_bool is_abandoned;             /* see store_abandon in put.h */
    struct store_op *next;                /* the store's */
};

/* The public form of a message id, such as "fb3k9x2m-1z": unique across stores. Thread: any. */
enum { STORE_ID_BYTES = 32 };
void store_id_format(const struct store *s, int64_t id, char out[STORE_ID_BYTES]);
MUST_CHECK enum err store_id_parse(const struct store *s, struct span text, int64_t *id);

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
