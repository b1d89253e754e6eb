/*
 * Asks Front whether it has a message whose POST was not answered: the questions of one look (look.h), as calls.
 *
 * Shape: lookup_go_on does what can be done now and says what it waits for, or what was found; on_turn calls when
 * a call has ended, and the owner goes on then. Thread: the loop's. Owns: what it is given it copies; an open call
 * ends by on_turn, so free it only when nothing is asked.
 */
#ifndef BRIDGE_LOOKUP_H
#define BRIDGE_LOOKUP_H

#include "bridge/channel.h"
#include "bridge/look.h"
#include "front/reconcile.h"

struct lookup;

struct lookup_order {
    struct channel *channel;
    const char *id, *handle;  /* the message's, and its customer's */
    const char *conversation; /* Front's; NULL: not known */
    const char *comment;      /* its words, if it is a comment of that conversation; NULL: it is a message */
    bool is_from_agent;
    wall_ms_t unsure_at; /* Front cannot have got it earlier */
    wall_ms_t lost_at;   /* when the last attempt ended: since then Front has had time */
    wall_ms_t sent_at;   /* when it says to have been written; 0: it does not say */
    void (*on_turn)(void *arg);
    void *arg;
};

struct lookup *lookup_new(const struct lookup_order *o);
void lookup_free(struct lookup *l);

enum lookup_state { LOOKUP_WAITS, LOOKUP_ASKS, LOOKUP_FOUND, LOOKUP_ABSENT, LOOKUP_LATER, LOOKUP_IMPOSSIBLE };
enum lookup_state lookup_go_on(struct lookup *l, int64_t *wait_ms);

/* LOOKUP_FOUND: what Front shows of it. */
const struct finding *lookup_finding(const struct lookup *l);
/* LOOKUP_LATER, LOOKUP_IMPOSSIBLE: why, in a sentence. */
bool lookup_is_unreachable(const struct lookup *l); /* there was no connection at all */
const char *lookup_reason(const struct lookup *l);

#endif
