/*
 * New messages in the store, all of one put or none.
 *
 * Shape: a put brings one item per recipient and learns of each what became of it: new, or known from before. Items with no
 * older message before them may be started in the same commit, so that the caller sends at once.
 * Errors: ERR_FULL and ERR_IO refuse the whole put; ERR_CANCELLED: it was abandoned in time.
 * Owns: strings and results are the caller's; store_put_fini frees the results. Units and thread as in store.h.
 */
#ifndef STORE_PUT_H
#define STORE_PUT_H

#include "store/store.h"

enum store_put_how {
    STORE_NEW,     /* stored now */
    STORE_RUNNING, /* the same message is still open */
    STORE_DONE,    /* it was delivered or accepted before: answer as then */
    STORE_ASIDE,   /* it waits for an operator (held, unknown): nothing is sent */
    STORE_AGAIN,   /* it had ended in an answered error, and is a new attempt now */
};

struct store_file_put; /* one file of a message: file.h */

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
    /* out: Front's own external ids of the conversation, any of which may be told; see map.h. */
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
void store_post_put(struct store *s, struct store_put *p);

/*
 * store_abandon says that the caller has answered an error: if the put is not committed yet it is not
 * written, and ends with ERR_CANCELLED. If it was too late for that, on_done says OK and the caller posts a
 * cancel. A claim that was posted before that cancel may already hold the message: it completes after the
 * put, so the caller can still tell.
 */
void store_abandon(struct store_put *p);

#endif
