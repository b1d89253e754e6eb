/*
 * Attempts: a claim starts what is due, a settle says how it ended, a cancel takes a message back, and orphans are the
 * attempts that a dead process left open.
 *
 * Invariant: a claimed message is SENDING and its attempt committed before anybody sees it.
 * Errors: ERR_NOT_FOUND: there is no such message; ERR_CONFLICT: it has gone another way. Semantics, units, thread and
 * ownership as in store.h.
 */
#ifndef STORE_CLAIM_H
#define STORE_CLAIM_H

#include "store/message.h"

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
void store_post_claim(struct store *s, struct store_claim *p);
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
    /* out, VERB_KILL: the agent heard success and has to be told, see later.h. Also a result: one of its parts was told as failed
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

#endif
