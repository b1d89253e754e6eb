/*
 * The life of a message, as one table. Pure.
 *
 * Only the store writes a state, and only through message_next: what the table does not name cannot happen.
 */
#ifndef STORE_STATE_H
#define STORE_STATE_H

#include "base/buf.h"
#include <stdbool.h>
#include <stdint.h>

enum message_direction { MESSAGE_OUT /* Front to backend: a delivery */, MESSAGE_IN /* backend to Front */ };

/* What a message is, beyond its way. Stored as these numbers: append only. */
enum message_kind {
    KIND_MESSAGE = 0, /* out: what an agent wrote; in: what a customer wrote */
    KIND_FAILURE = 1, /* out: Front's sending_error or message_bounce_error, for the adapter's `failed` */
    KIND_EVENT = 2,   /* out: another event of Front, for the adapter's `event` */
    KIND_AGENT = 3,   /* in: what an agent wrote in the backend */
    KIND_RECEIPT = 4, /* in: what became of a delivery, and other signs of life of a customer */
    KIND_IMPORT = 5,  /* in: history */
    MESSAGE_KIND_N
};

/* Stored as these numbers: append only. */
enum message_state {
    MESSAGE_QUEUED = 0,    /* waits for its due time, or behind an older one of its lane */
    MESSAGE_SENDING = 1,   /* an attempt is open: it was committed before it left */
    MESSAGE_DELIVERED = 2, /* the other side has it; for inbound: Front showed it to us */
    MESSAGE_ACCEPTED = 3,  /* inbound only: Front answered 202 */
    MESSAGE_REJECTED = 4,  /* refused for good, and the sender was told in the answer */
    MESSAGE_CANCELLED = 5, /* answered with an error before it was settled; never sent again by itself */
    MESSAGE_HELD = 6,      /* put aside by an operator or by the adapter */
    MESSAGE_UNKNOWN = 7,   /* nobody knows whether the last attempt arrived, and resending was not allowed */
    MESSAGE_DEAD = 8,      /* failed for good after success was answered, or gave up: a dead letter */
    MESSAGE_DROPPED = 9,   /* taken out by an operator */
    MESSAGE_STATE_N
};

enum message_verb {
    VERB_START,    /* an attempt leaves */
    VERB_DELIVER,  /* outcome delivered (also a late proof) */
    VERB_ACCEPT,   /* outcome of a relay: 202 */
    VERB_RETRY,    /* outcome retry, or unknown where resending is allowed */
    VERB_REJECT,   /* outcome rejected, told at once */
    VERB_HOLD,     /* outcome hold, or an operator */
    VERB_UNSURE,   /* outcome unknown, resending not allowed */
    VERB_KILL,     /* gave up, too old, rejected too late, crashed too often */
    VERB_CANCEL,   /* the answer was an error */
    VERB_RESUBMIT, /* Front sent the same id again after an answered error */
    VERB_REQUEUE,  /* operator: retry */
    VERB_RELEASE,  /* operator: release what is held */
    VERB_DROP,     /* operator: drop */
    VERB_PART,     /* outcome delivered, of one part of several: the next is due */
    MESSAGE_VERB_N
};

/* A delivery that is too long for the backend goes in parts, one after the other, each by attempts of its own. */
struct message_parts {
    uint32_t sent, n; /* delivered, of so many; n 0: it is not known to be in parts */
    int64_t cut; /* how it was cut: whoever cuts gets it back with the next part, so that all fit together */
};
/* message_parts_say writes "2 of 3 parts were delivered; REASON", or the reason alone where that says nothing. */
void message_parts_say(const struct message_parts *p, struct span reason, struct buf *out);

/* message_next returns the state after verb, or -1 where the verb is illegal in that state. */
int message_next(enum message_direction d, enum message_state s, enum message_verb v);

/* An open message blocks those behind it in its lane. */
bool message_is_open(enum message_state s);
/* A settled message needs nobody's attention: its body may be pruned. */
bool message_is_settled(enum message_state s);
/* An answered error: the same id is a new attempt. */
bool message_is_failed(enum message_state s);

const char *message_state_name(enum message_state s);         /* "queued" */
int message_state_parse(const char *name);                    /* -1: no such state */
const char *message_direction_name(enum message_direction d); /* "out", "in" */
const char *message_kind_name(enum message_kind k);           /* "message", "failure", … */

#endif
