/*
 * An operator's verbs and reads: change the messages that a filter matches, list them, show one, count all.
 *
 * Shape: a change goes in batches, for whoever posts again while is_more. Reads are short snapshots on a second, read-only
 * connection. Semantics, units, thread and ownership as in store.h.
 * Errors: a read ends with ERR_LIMIT if it took too long: the filter must be narrower.
 */
#ifndef STORE_OPERATOR_H
#define STORE_OPERATOR_H

#include "store/message.h"

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

/* ---- Reads ---- */

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

#endif
