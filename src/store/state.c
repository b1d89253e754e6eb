/*
 * Decides which state follows which, and nothing else. Invariant: what the table does not name cannot happen.
 * It refuses to know why something happens: that is the business of whoever asks for the verb.
 */
#include "store/state.h"
#include <string.h>

enum { OUT = 1u << MESSAGE_OUT, IN = 1u << MESSAGE_IN, BOTH = OUT | IN };

/* Column 1: for whom it is legal; column 2: the state after. */
struct step {
    unsigned char legal;
    unsigned char after;
};

#define STEP(who, state)                                                                                     \
    {                                                                                                        \
        (who), MESSAGE_##state                                                                               \
    }

/*
 * Three rules are behind the table: an answered error is final (only a resubmission leaves rejected or
 * cancelled, and cancel is legal wherever nothing was delivered); a proof of delivery counts whenever it
 * comes, since the truth keeps a resubmission from being delivered twice; an operator's drop is for good.
 */
static const struct step step[MESSAGE_STATE_N][MESSAGE_VERB_N] =
    {
        [MESSAGE_QUEUED] =
            {
                [VERB_START] = STEP(BOTH, SENDING),
                [VERB_DELIVER] = STEP(BOTH, DELIVERED),
                [VERB_HOLD] = STEP(BOTH, HELD),
                [VERB_KILL] = STEP(BOTH, DEAD),
                [VERB_CANCEL] = STEP(BOTH, CANCELLED),
                [VERB_REQUEUE] = STEP(BOTH, QUEUED),
                [VERB_DROP] = STEP(BOTH, DROPPED),
            },
        [MESSAGE_SENDING] =
            {
                [VERB_DELIVER] = STEP(BOTH, DELIVERED),
                [VERB_ACCEPT] = STEP(IN, ACCEPTED),
                [VERB_RETRY] = STEP(BOTH, QUEUED),
                [VERB_PART] = STEP(OUT, QUEUED),
                [VERB_REJECT] = STEP(BOTH, REJECTED),
                [VERB_HOLD] = STEP(BOTH, HELD),
                [VERB_UNSURE] = STEP(BOTH, UNKNOWN),
                [VERB_KILL] = STEP(BOTH, DEAD),
                [VERB_CANCEL] = STEP(BOTH, CANCELLED),
            },
        [MESSAGE_ACCEPTED] =
            {
                [VERB_DELIVER] = STEP(IN, DELIVERED),
            },
        [MESSAGE_REJECTED] =
            {
                [VERB_RESUBMIT] = STEP(BOTH, QUEUED),
            },
        [MESSAGE_CANCELLED] =
            {
                [VERB_DELIVER] = STEP(BOTH, DELIVERED),
                [VERB_RESUBMIT] = STEP(BOTH, QUEUED),
            },
        [MESSAGE_HELD] =
            {
                [VERB_DELIVER] = STEP(BOTH, DELIVERED),
                [VERB_CANCEL] = STEP(BOTH, CANCELLED),
                [VERB_REQUEUE] = STEP(BOTH, QUEUED),
                [VERB_RELEASE] = STEP(BOTH, QUEUED),
                [VERB_DROP] = STEP(BOTH, DROPPED),
            },
        [MESSAGE_UNKNOWN] =
            {
                [VERB_DELIVER] = STEP(BOTH, DELIVERED),
                [VERB_CANCEL] = STEP(BOTH, CANCELLED),
                [VERB_REQUEUE] = STEP(BOTH, QUEUED),
                [VERB_DROP] = STEP(BOTH, DROPPED),
            },
        [MESSAGE_DEAD] =
            {
                [VERB_DELIVER] = STEP(BOTH, DELIVERED),
                [VERB_CANCEL] = STEP(BOTH, CANCELLED),
                [VERB_RESUBMIT] = STEP(BOTH, QUEUED),
                [VERB_REQUEUE] = STEP(BOTH, QUEUED),
                [VERB_DROP] = STEP(BOTH, DROPPED),
            },
};

#undef STEP

static const char *const state_name[MESSAGE_STATE_N] = {
    [MESSAGE_QUEUED] = "queued",     [MESSAGE_SENDING] = "sending",   [MESSAGE_DELIVERED] = "delivered",
    [MESSAGE_ACCEPTED] = "accepted", [MESSAGE_REJECTED] = "rejected", [MESSAGE_CANCELLED] = "cancelled",
    [MESSAGE_HELD] = "held",         [MESSAGE_UNKNOWN] = "unknown",   [MESSAGE_DEAD] = "dead",
    [MESSAGE_DROPPED] = "dropped",
};

enum { BIT_OPEN = 1, BIT_SETTLED = 2, BIT_FAILED = 4 };

static const unsigned char kind[MESSAGE_STATE_N] = {
    [MESSAGE_QUEUED] = BIT_OPEN,
    [MESSAGE_SENDING] = BIT_OPEN,
    [MESSAGE_DELIVERED] = BIT_SETTLED,
    [MESSAGE_ACCEPTED] = BIT_SETTLED,
    [MESSAGE_REJECTED] = BIT_SETTLED | BIT_FAILED,
    [MESSAGE_CANCELLED] = BIT_SETTLED | BIT_FAILED,
    [MESSAGE_DEAD] = BIT_FAILED,
    [MESSAGE_DROPPED] = BIT_SETTLED,
};

void message_parts_say(const struct message_parts *p, struct span reason, struct buf *out)
{
    if (p->n > 0 && p->sent > 0 && p->sent < p->n)
        buf_addf(out, "%u of %u parts %s delivered; ", p->sent, p->n, p->sent == 1 ? "was" : "were");
    buf_add_span(out, reason);
}

int message_next(enum message_direction d, enum message_state s, enum message_verb v)
{
    if ((unsigned)s >= MESSAGE_STATE_N || (unsigned)v >= MESSAGE_VERB_N || (unsigned)d > MESSAGE_IN)
        return -1;
    const struct step *p = &step[s][v];
    return p->legal & (1u << d) ? p->after : -1;
}

bool message_is_open(enum message_state s)
{
    return kind[s] & BIT_OPEN;
}

bool message_is_settled(enum message_state s)
{
    return kind[s] & BIT_SETTLED;
}

bool message_is_failed(enum message_state s)
{
    return kind[s] & BIT_FAILED;
}

const char *message_state_name(enum message_state s)
{
    return (unsigned)s < MESSAGE_STATE_N ? state_name[s] : "?";
}

int message_state_parse(const char *name)
{
    for (int i = 0; name && i < MESSAGE_STATE_N; i++)
        if (strcmp(name, state_name[i]) == 0)
            return i;
    return -1;
}

const char *message_direction_name(enum message_direction d)
{
    return d == MESSAGE_OUT ? "out" : "in";
}

const char *message_kind_name(enum message_kind k)
{
    static const char *const names[MESSAGE_KIND_N] = {
        [KIND_MESSAGE] = "message", [KIND_FAILURE] = "failure", [KIND_EVENT] = "event",
        [KIND_AGENT] = "agent",     [KIND_RECEIPT] = "receipt", [KIND_IMPORT] = "import",
    };

    return (unsigned)k < MESSAGE_KIND_N ? names[k] : "?";
}
