/*
 * One attempt of one message, either way: from its commit to its one outcome, settled.
 *
 * Invariant: an attempt that was committed as open ends in exactly one settle while the process lives; what
 * dies with the process is settled as unknown at the next start.
 */
#ifndef BRIDGE_ATTEMPT_H
#define BRIDGE_ATTEMPT_H

#include "bridge/channel.h"
#include "store/claim.h"

struct attempt {
    struct channel *channel;
    struct verdict_facts facts;
    enum message_kind kind;
    uint32_t attempt; /* as the store counts; facts has those that count */
    char *source_id;  /* for the log: the id on the side where it came from */
    bool is_probe;
    bool has_conversation;      /* in: Front's conversation is known */
    bool is_elsewhere;          /* in: it is told in another thread than its own */
    bool is_unsure;             /* in: an earlier attempt may have arrived, and that is not cleared up */
    struct message_parts parts; /* out: what was delivered before it */
    uint64_t token;             /* in the host */
    mono_ms_t started_at;
    struct store_settle settle;
    struct verdict verdict;
    enum outcome_kind outcome;
    char *reason, *external_id, *conversation_id, *front_conversation;
};

struct attempt *attempt_new(struct channel *ch, enum message_direction d, const struct store_message *m);
/* attempt_free forgets an attempt without a settle: only when the bridge closes. */
void attempt_free(struct attempt *a);
/* attempt_learn tells the breaker of the other side what this attempt says of it. */
void attempt_learn(struct attempt *a, struct breaker *breaker, const struct outcome *o);
/* attempt_settle takes the outcome, posts the settle and, when it is durable, tells whoever waits; a is gone
 * then. */
void attempt_settle(struct attempt *a, const struct outcome *o);

#endif
