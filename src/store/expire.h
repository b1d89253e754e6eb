/*
 * What time does to messages: those that waited too long are dead, bodies and keys that were kept long enough go.
 *
 * Shape: small bounded batches, for whoever posts again while is_more. Semantics, units, thread and ownership as in store.h.
 */
#ifndef STORE_EXPIRE_H
#define STORE_EXPIRE_H

#include "store/store.h"

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

#endif
