/*
 * History: messages of before the bridge, put as lines of the channel's history, all of one import or none.
 *
 * Invariant: history never stands in the way of live messages, and a line that is known already is no second message.
 * Errors as in put.h; semantics, units, thread and ownership as in store.h.
 */
#ifndef STORE_IMPORT_H
#define STORE_IMPORT_H

#include "store/put.h"

/*
 * History of a channel waits in a queue of its own, under the channel's name and ":import", so that no live message
 * ever waits behind it. No channel of a configuration can be called so.
 */
void store_history_name(const char *channel, char out[STORE_CHANNEL_BYTES]);
/* store_history_of: whether name is such a name; *channel is the channel's then. Thread: any. */
bool store_history_of(struct span name, struct span *channel);

enum { STORE_IMPORT_MAX = 1000 };

struct store_import_line {
    struct span source_id;                                      /* known or not by this alone */
    struct span recipient;                                      /* the customer's handle */
    struct span lane, conversation, thread_ref, reply_to, body; /* as in a put */
    struct span
        spelling; /* the backend's own of the recipient; absent: the same. Kept if no other is known */
    const struct store_alias *alias; /* as in a put */
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

#endif
