/*
 * What is written in the chat: messages of all customers in order. Pure.
 */
#ifndef SIM_CHAT_STORE_H
#define SIM_CHAT_STORE_H

#include "base/clock.h"
#include "base/json.h"
#include "sim/index.h"
#include <stdbool.h>
#include <sys/queue.h>

enum { CHAT_MESSAGES_MAX = 100000, CHAT_LIST_MAX = 500 };

enum chat_state {
    CHAT_RECEIVED, /* from an agent */
    CHAT_WAITING,  /* from the customer: the bridge has not taken it yet */
    CHAT_TAKEN,
    CHAT_REFUSED,
};

struct chat_message {
    char id[24];
    char *handle, *name, *text;
    char *author,
        *conversation; /* of an agent's message: their name; our conversation, if the bridge told it */
    enum chat_state state;
    wall_ms_t at;
    char *why;          /* the last failure */
    unsigned attempt_n; /* posts to the bridge; for an agent's message: how often it was delivered */
    bool is_posting;
    STAILQ_ENTRY(chat_message) link; /* in waiting */
};

struct chat_store {
    struct chat_message **item;
    unsigned n, cap;
    uint64_t sequence;
    struct sim_index by_webhook; /* webhook-id → the message it brought */
    STAILQ_HEAD(chat_messages, chat_message) waiting;
};

void chat_store_init(struct chat_store *s, wall_ms_t now);
void chat_store_clear(struct chat_store *s);
/* NULL: there is no room. Strings are copied. */
struct chat_message *chat_store_add(struct chat_store *s, const char *handle, struct span text,
                                    wall_ms_t now);
/* The last messages of handle, or of everyone (absent), oldest first. */
void chat_store_list(const struct chat_store *s, struct span handle, struct jout *j);

#endif
