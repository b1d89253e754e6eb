/*
 * The bridge's side of a channel host: what the files of it share.
 *
 * Shape: parent.c is its life (start, restart, stop, status), parent_call.c what is in flight and its
 * deadlines, parent_frame.c what the child says. Invariant: one function changes the status; every pending
 * call ends for the caller exactly once.
 */
#ifndef HOST_PARENT_H
#define HOST_PARENT_H

#include "host/frame.h"
#include "host/host.h"
#include "host/link.h"
#include "host/spawn.h"

enum {
    HOST_IN_FLIGHT_MAX = 1024,
    HOST_FDS_MAX = 512, /* descriptors of files with a child at once; it may have 4096 in all */
    HOST_NOTICES_MAX = 64,
    HOST_REQUESTS_MAX = 256,
    HOST_SLOTS_MAX = HOST_IN_FLIGHT_MAX + HOST_NOTICES_MAX + HOST_REQUESTS_MAX,
    HOST_ASKED_MAX =
        64, /* unanswered receives and receipts, and as many key-value calls: past it nothing is read */
    HOST_OUT_MAX = 256 << 20,
    HOST_OUT_SOFT = 8 << 20,   /* no more deliveries or requests while so much waits for the child */
    HOST_CHATTER_BURST = 1000, /* log lines and the like; an honest child stays far below */
    HOST_CHATTER_PER_S = 500,
    HOST_GRACE_MS = 2000, /* of silence past a deadline */
    HOST_START_MS = 30000,
    HOST_HEARTBEAT_MS = 5000,
    HOST_BACKOFF_MS = 100,
    HOST_BACKOFF_MAX_MS = 5000,
    HOST_STEADY_MS = 30000, /* up so long: the back-off begins anew */
    HOST_EXIT_MS = 500,     /* between EOF, SIGTERM and SIGKILL */
};

enum pending_kind { PENDING_FREE = 0, PENDING_DELIVERY, PENDING_NOTICE, PENDING_REQUEST, PENDING_KINDS };

enum { LIST_ATTEMPTS, LIST_REQUESTS, LIST_EXPIRED, LISTS };

struct pending {
    enum pending_kind kind;
    uint8_t list;
    uint16_t fd_n;              /* of its files */
    struct message_parts parts; /* before it */
    uint64_t wire;              /* the child's token: generation and slot */
    uint64_t token;             /* the caller's */
    uint64_t position;          /* of its frame in the output */
    mono_ms_t due;              /* its deadline; in LIST_EXPIRED: when patience ends */
    unsigned prev, next;
};

struct pending_list { /* ordered by due, since all of a list wait equally long */
    unsigned first, last;
};

#define NO_SLOT (~0u)

struct host {
    struct event_base *base;
    struct event *tick;
    mono_ms_t tick_at; /* when it is armed for; INT64_MAX: not */
    const struct host_events *events;
    void *arg;
    struct host_options o; /* strings are ours */
    char **hide;

    enum host_status status;
    bool wants_up;
    unsigned callback_depth;
    struct spawn *spawn;
    struct link *link;
    uint64_t incarnation;
    mono_ms_t started_at, up_at, restart_at, heard_at, pinged_at;
    unsigned failures;
    int stop_phase;
    mono_ms_t stop_at; /* the next step towards the end of the child; 0: none */
    char *failure;     /* why open did not work, in the child's words */
    char *fault;       /* why we ended it, in ours */

    struct host_adapter adapter;
    bool is_known;
    char *wanted_events;
    unsigned credit_max;

    struct pending *slot;
    unsigned slot_cap, free_first;
    uint64_t generation;
    unsigned open_n[PENDING_KINDS];
    unsigned fd_n; /* of all calls */
    struct pending_list list[LISTS];

    uint64_t asked_last; /* the child's last ticket */
    unsigned stores_n, kvs_n;
    int64_t chatter; /* thousandths of a frame */
    mono_ms_t chatter_at;
};

/* parent.c */
void host_tick_by(struct host *h, mono_ms_t at); /* the tick comes no later than at */
void host_kill(struct host *h,
               const char *fault); /* ends the child; fault completes "its process was ended: …" */
void host_came_up(struct host *h);
void host_ask_again(struct host *h); /* reading goes on or pauses by what is unanswered */

/* parent_call.c */
void host_calls_init(struct host *h);
void host_calls_fini(struct host *h);
/* host_pending gives the open call of a wire token and kind, or NULL. */
struct pending *host_pending(struct host *h, uint64_t wire);
void host_release(struct host *h, struct pending *p);
/* host_expire ends for their callers what is past its deadline; true if the child has been silent too long
 * about one. */
bool host_expire(struct host *h, mono_ms_t now);
mono_ms_t host_calls_due(const struct host *h);
void host_settle_all(struct host *h, bool was_crash);

/* parent_frame.c: NULL or what is wrong with the frame. */
const char *host_on_frame(struct link *l, const struct frame *f, int *fd, void *arg);

#define HOST_CALLBACK(h, call)                                                                               \
    do {                                                                                                     \
        (h)->callback_depth++;                                                                               \
        (h)->events->call;                                                                                   \
        (h)->callback_depth--;                                                                               \
    } while (0)

#endif
