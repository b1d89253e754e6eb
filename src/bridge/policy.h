/*
 * What an outcome means for a message: pure functions of the channel's rules, the message and the time.
 */
#ifndef BRIDGE_POLICY_H
#define BRIDGE_POLICY_H

#include "base/clock.h"
#include "base/config.h"
#include "host/host.h"
#include "store/state.h"

enum { CRASHES_MAX = 3 }; /* a message that was alone in flight at so many crashes is dead */

/*
 * retry_delay_ms is the wait after attempt n (1, 2, …): first × factor^(n-1), at most max, with ±20 % of
 * jitter drawn from seed, so that messages which failed together do not come back together.
 */
int64_t retry_delay_ms(const struct config_channel *rules, uint32_t attempt, uint64_t seed);

/*
 * retry_due_at is when the attempt after this one is due: as far from the creation as the delays up to it add
 * up to, so that a message's schedule does not depend on when the bridge was up; never before now + first,
 * never later than this attempt's own delay.
 */
wall_ms_t retry_due_at(const struct config_channel *rules, wall_ms_t created_at, uint32_t attempt,
                       uint64_t seed, wall_ms_t now);

/* A message that was never tried is worth nothing after too_old, one that was tried after give_up. */
wall_ms_t first_expiry(const struct config_channel *rules, wall_ms_t created_at);
wall_ms_t retry_expiry(const struct config_channel *rules, wall_ms_t created_at);
/* History waits as long as it takes; what was tried is given up by how often, and not by when it was imported. */
wall_ms_t history_expiry(wall_ms_t created_at);

struct verdict_facts {
    enum message_direction direction;
    int64_t id;
    uint32_t attempt;
    uint32_t crash_n;
    uint32_t part_sent; /* out: parts that were delivered before this attempt */
    wall_ms_t created_at;
    bool is_told;       /* whoever sent it waits for this very answer, and nothing else speaks for success */
    bool is_resendable; /* when_unsure: resend, or auto and the other side recognises our id */
    bool is_shown;      /* in: Front has been seen to show it */
    bool is_history;    /* its schedule begins with its first attempt, however long it waited for its turn */
    bool is_spared;     /* the peer was known to be unreachable already: this attempt says nothing new */
};

struct verdict {
    enum message_verb verb;
    wall_ms_t due_at;    /* VERB_RETRY PART */
    bool is_unburnt;     /* the attempt does not count */
    const char *because; /* why it is dead, when that is not the outcome's own reason; else NULL */
};

struct verdict verdict_of(const struct config_channel *rules, const struct verdict_facts *f,
                          const struct outcome *o, wall_ms_t now);

const char *outcome_name(enum outcome_kind k); /* "delivered" */

/* The breaker of one peer: connections that fail pause it; then one probe at a time, further and further
 * apart. */
struct breaker {
    bool is_open, is_probing;
    int64_t delay_ms;
    mono_ms_t probe_at;
};
enum { BREAKER_FIRST_MS = 500, BREAKER_MAX_MS = 30000 };

/* breaker_allows says how many attempts may start now: all that are wanted, one probe, or none. */
unsigned breaker_allows(const struct breaker *b, unsigned wanted, mono_ms_t now);
void breaker_started(struct breaker *b, unsigned n);
/* breaker_hurry lets the next probe go at once: an operator says that it is worth trying. */
void breaker_hurry(struct breaker *b, mono_ms_t now);
/* breaker_lost says that an attempt ended without a word on its peer: if it was the probe, another one may
 * go. */
void breaker_lost(struct breaker *b, bool was_probe);
/* breaker_learn takes an outcome; true if the breaker opened or closed by it. */
bool breaker_learn(struct breaker *b, bool is_unreachable, mono_ms_t now);

#endif
