/*
 * Posts what customers wrote to the bridge: signed, in each customer's order, again every two seconds while
 * the bridge does not take it.
 *
 * Owns: nothing of the store; hook_url and secret are borrowed and may change between calls.
 */
#ifndef SIM_CHAT_POST_H
#define SIM_CHAT_POST_H

#include "http/client.h"
#include "sim/chat_store.h"

/* Told after each post: the message's state is new; status is the bridge's, 0 if there was no answer. */
typedef void chat_posted_fn(void *arg, const struct chat_message *m, int status);

struct chat_poster {
    struct http_client *http;
    struct chat_store *store;
    const char *hook_url, *secret; /* NULL: none */
    struct event *again;
    unsigned generation; /* counts clears: a post begun before one finds its message gone */
    chat_posted_fn *on_posted;
    void *arg;
};

void chat_poster_init(struct chat_poster *p, struct event_base *base);
void chat_poster_fini(struct chat_poster *p);  /* after the client: no post is under way */
void chat_poster_clear(struct chat_poster *p); /* before the store is cleared */
/* chat_poster_pump starts what may start; call it after a message was added or the aim has changed. */
void chat_poster_pump(struct chat_poster *p);

#endif
