/*
 * Events of Front in the store: stored before they are answered, handed out until they are ended. One that comes again,
 * to the same URL, is known by its id.
 *
 * Invariant: events of one lane are handed out one after the other, as they were emitted. Semantics, units, thread and
 * ownership as in store.h.
 */
#ifndef STORE_EVENT_H
#define STORE_EVENT_H

#include "store/store.h"

enum event_origin { EVENT_CALLED, EVENT_CAUGHT_UP, EVENT_ORIGIN_N }; /* stored as these numbers */

enum event_state {                /* stored as these numbers */
                   EVENT_WAITING, /* to be acted on */
                   EVENT_ACTED,   /* something was made of it */
                   EVENT_IGNORED, /* nothing was to be made of it */
                   EVENT_FAILED,  /* something should have been made of it, and could not */
                   EVENT_STATE_N
};

const char *store_event_state_name(enum event_state s); /* "waiting", "acted", "ignored", "failed" */
int store_event_state_parse(const char *name);          /* -1: no such state */

struct store_event {
    int64_t id; /* ours, in the order of arrival */
    char *account, *via, *event_id, *type;
    char *result; /* one sentence, once there is one */
    enum event_origin origin;
    enum event_state state;
    wall_ms_t emitted_at, stored_at, due_at;
    unsigned tries;
    wall_ms_t tried_at; /* for the first time; 0: not yet */
    bool is_aside;      /* it holds up nobody any more */
    wall_ms_t
        failed_at; /* when handed out: the last failure of its message that is known was emitted; 0: none */
    char *body;    /* NULL when pruned or not asked for */
    size_t body_n;
};
void store_event_fini(struct store_event *e);

struct store_event_put {
    struct store_op op;
    const char *account;
    const char *via; /* the channel whose own URL it came to, or "" */
    struct span event_id, type, body;
    struct span about; /* the message that it is about; absent: none */
    bool is_failure;   /* it says that sending that message failed */
    struct span lane;  /* events of one lane are handed out one after the other, as they were emitted */
    enum event_origin origin;
    wall_ms_t emitted_at, now;
    wall_ms_t due_at; /* INT64_MAX: when they are released */
    bool is_new;      /* result */
};
void store_post_event_put(struct store *s, struct store_event_put *p);

struct store_event_release { /* events that were put without a due time are due now */
    struct store_op op;
    const char *account;
    wall_ms_t now;
    unsigned event_n; /* result */
};
void store_post_event_release(struct store *s, struct store_event_release *p);

enum { STORE_EVENTS_MAX = 16, STORE_EVENT_DEATHS_MAX = 3, STORE_EVENT_WORD_BYTES = 256 };

/*
 * What is to be acted on now, oldest first; each is put off by retry_ms.
 * What was handed out and not ended when a process died is suspect: it is handed out alone, before all others, and is
 * set aside (EVENT_FAILED) when it was alone at work in three deaths.
 */
struct store_events_due {
    struct store_op op;
    const char *account;
    wall_ms_t now;
    int64_t retry_ms;
    int64_t
        wait_max_ms; /* nothing waits longer: what seems to was put by a clock ahead of ours; 0: not looked at */
    unsigned max;    /* at most STORE_EVENTS_MAX */
    unsigned at_work_n; /* of those that were handed out before */
    bool is_first;      /* of this process: whatever is out was out when another one ended */
    /* results */
    struct store_event event[STORE_EVENTS_MAX]; /* with bodies; store_events_due_fini */
    unsigned event_n;
    /* with is_first: what was set aside; "": nothing */
    char set_aside_id[STORE_EVENT_WORD_BYTES], set_aside_type[STORE_EVENT_WORD_BYTES];
    wall_ms_t next_at; /* INT64_MAX: none */
};
void store_post_events_due(struct store *s, struct store_events_due *p);
void store_events_due_fini(struct store_events_due *p);

struct store_event_end { /* what was made of it; EVENT_WAITING: it is due again at due_at */
    struct store_op op;
    int64_t id;
    enum event_state state;
    wall_ms_t due_at;
    struct span result;
    bool steps_aside; /* EVENT_WAITING: from now on it is a lane of its own */
};
void store_post_event_end(struct store *s, struct store_event_end *p);

struct store_event_filter {
    const char *account;     /* NULL: all */
    const char *channel;     /* NULL: all; else those that came to this channel's URL */
    const char *event_id;    /* NULL: all */
    const char *types;       /* NULL: all; else ",type,type," */
    wall_ms_t after, before; /* emitted: after <= at < before; before 0: no end */
    uint32_t states;         /* bit set of 1u << state; 0: all */
};

struct store_event_list {
    struct store_op op;
    struct store_event_filter filter;
    wall_ms_t
        from_at; /* for paging, newest first: what was emitted before (from_at, from_id); 0: the first page */
    int64_t from_id;
    unsigned max; /* 0: 100; at most 1000 */
    bool wants_body;
    struct store_event *event; /* store_event_list_fini */
    unsigned event_n;
    bool is_more;
};
void store_post_event_list(struct store *s, struct store_event_list *p);
void store_event_list_fini(struct store_event_list *p);

struct store_event_replay { /* makes ended events wait again, at most 500; post again while is_more */
    struct store_op op;
    struct store_event_filter filter;
    wall_ms_t now;
    wall_ms_t from_at; /* 0 at first; moved on by each */
    int64_t from_id;
    unsigned event_n; /* results */
    bool is_more;
};
void store_post_event_replay(struct store *s, struct store_event_replay *p);

#endif
