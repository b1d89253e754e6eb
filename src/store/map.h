/*
 * The map of conversations: which one of Front belongs to which one of the backend.
 *
 * thread: what the backend's side knows (channel, thread_ref, handle, the backend's conversation id).
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
 *
 * Semantics, units, thread and ownership as in store.h.
 */
#ifndef STORE_MAP_H
#define STORE_MAP_H

#include "store/store.h"

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

#endif
