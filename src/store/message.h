/*
 * A message as the store gives it back: with a claim, or to whoever asks for it.
 *
 * Owns: all strings of a message live in one block, and store_message_fini frees it with its files. Semantics, units and
 * thread as in store.h.
 */
#ifndef STORE_MESSAGE_H
#define STORE_MESSAGE_H

#include "store/file.h"

struct store_message {
    int64_t id;
    enum message_direction direction;
    enum message_kind kind;
    enum message_state state;
    char *channel, *source_id, *recipient, *lane;
    char *conversation;      /* as put */
    char *thread_ref;        /* as put */
    char *peer_conversation; /* out: the backend's conversation id, resolved from the thread map; else NULL */
    char *front_conversation; /* in: Front's conversation id, resolved from the thread map; else NULL */
    char *event_id;
    char *external_id; /* the other side's id once known: the backend's, or Front's message_uid */
    char *reply_to;    /* as put */
    /* What that is to the other side, if known. out: the backend's id of it; in: Front's id of the delivery, else reply_id is
     * the message of ours that it answers. */
    char *reply;
    int64_t reply_id;     /* 0: none */
    char *peer_recipient; /* out: how the backend writes recipient, if otherwise: an alias */
    char *reason;         /* of the last outcome */
    char *body;           /* NULL when pruned or not asked for */
    size_t body_n;
    uint32_t attempt; /* attempts started; never counts back, so that a late outcome finds its own attempt */
    uint32_t attempt_base; /* of these, those that do not count: unburnt ones and those of earlier lives.
                              attempt - attempt_base is what back-off and limits go by. */
    uint32_t revision;
    struct message_parts parts;
    uint32_t crash_n;     /* crashes it was alone in */
    bool is_suspect;      /* was in flight at a crash, not settled since */
    wall_ms_t unsure_at;  /* nobody knows whether an attempt arrived that was made then, or later; 0: none */
    wall_ms_t created_at; /* when its life began: anew when it is queued again by an operator or a resend */
    wall_ms_t stored_at;  /* when it was first put */
    wall_ms_t due_at, expires_at, updated_at;
    wall_ms_t ended_at;      /* of the last attempt, for a claim of the one before; 0: none, or it is out */
    struct store_file *file; /* its files, in order; NULL if they were not asked for: claim and show do */
    unsigned file_n;
    void *block; /* all strings above live in this one allocation: never free one by itself */
};
void store_message_fini(struct store_message *m);

struct store_attempt {
    uint32_t n;
    wall_ms_t started_at, ended_at;
    char outcome[16]; /* "delivered" "retry" "rejected" "hold" "unknown" */
    int code;         /* HTTP status where there is one, else 0 */
    char *reason;
};

/* An earlier message of a channel, or of its history, by a name that the backend knows it by. ERR_NOT_FOUND: there is none,
 * or it is forgotten. */
enum { STORE_ABOUT_BODY_MAX = 1 << 20 };

struct store_about {
    struct store_op op;
    const char *channel;
    int64_t id;       /* ours, of a delivery; 0: by key */
    struct span key;  /* the backend's id: of a message that it handed over, else of a delivery, the newest */
    bool is_delivery; /* of a delivery alone */
    bool is_history;  /* result: it was imported */
    struct store_message message; /* without a body over STORE_ABOUT_BODY_MAX; store_about_fini */
};
void store_post_about(struct store *s, struct store_about *p);
void store_about_fini(struct store_about *p);

#endif
