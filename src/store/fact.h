/*
 * Small durable data beside the messages: an adapter's own, what the bridge has learnt and must find again after a restart, and
 * how each channel stands with Front.
 *
 * Errors: ERR_NOT_FOUND: there is none; ERR_FULL: the adapter has too many keys; ERR_LIMIT: a key or value is too long.
 * Semantics, units, thread and ownership as in store.h.
 */
#ifndef STORE_FACT_H
#define STORE_FACT_H

#include "store/store.h"

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

#endif
