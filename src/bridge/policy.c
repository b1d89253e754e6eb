/*
 * Outcomes to verdicts. Decides nothing about order or capacity, and knows no clock but its arguments.
 */
#include "bridge/policy.h"
#include <math.h>

#define HISTORY_LIFE_MS (90 * DAY_MS) /* a million lines take nine days on the middle plan */

enum { SCHEDULE_MAX = 10000 }; /* attempts whose delays are added up, so that a long life stays cheap */

static uint64_t mix(uint64_t x)
{
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    return x;
}

int64_t retry_delay_ms(const struct config_channel *rules, uint32_t attempt, uint64_t seed)
{
    uint32_t n = attempt < 1 ? 1 : attempt;
    double delay = (double)rules->retry_first_ms * pow(rules->retry_factor, (double)(n - 1));

    if (!(delay < (double)rules->retry_max_ms))
        delay = (double)rules->retry_max_ms;
    double jitter = 0.8 + 0.4 * (double)(mix(seed + n) % 1024) / 1023.0;
    return (int64_t)(delay * jitter);
}

/* How far the attempt after `attempt` is from the first one, if each takes its turn. */
static int64_t schedule_ms(const struct config_channel *rules, uint32_t attempt, uint64_t seed)
{
    int64_t sum = 0;

    for (uint32_t n = 1; n <= attempt && n <= SCHEDULE_MAX; n++)
        sum += retry_delay_ms(rules, n, seed);
    return sum;
}

wall_ms_t retry_due_at(const struct config_channel *rules, wall_ms_t created_at, uint32_t attempt,
                       uint64_t seed, wall_ms_t now)
{
    wall_ms_t due = created_at + schedule_ms(rules, attempt, seed), soonest = now + rules->retry_first_ms;
    wall_ms_t latest = now + retry_delay_ms(rules, attempt, seed);

    if (due > latest)
        due = latest; /* the clock was ahead when it was created */
    return due > soonest ? due : soonest;
}

wall_ms_t first_expiry(const struct config_channel *rules, wall_ms_t created_at)
{
    return created_at + rules->too_old_ms;
}

wall_ms_t retry_expiry(const struct config_channel *rules, wall_ms_t created_at)
{
    return created_at + rules->retry_give_up_ms;
}

wall_ms_t history_expiry(wall_ms_t created_at)
{
    return created_at + HISTORY_LIFE_MS;
}

static bool is_over(const struct config_channel *rules, const struct verdict_facts *f, wall_ms_t due)
{
    if (f->is_history)
        return schedule_ms(rules, f->attempt, (uint64_t)f->id) >= rules->retry_give_up_ms;
    return due >= retry_expiry(rules, f->created_at);
}

static struct verdict retry(const struct config_channel *rules, const struct verdict_facts *f,
                            const struct outcome *o, wall_ms_t now)
{
    if (o->is_unsent || f->is_spared)
        return (struct verdict){.verb = VERB_RETRY, .due_at = now, .is_unburnt = true};

    wall_ms_t due = f->is_history ? now + retry_delay_ms(rules, f->attempt, (uint64_t)f->id)
                                  : retry_due_at(rules, f->created_at, f->attempt, (uint64_t)f->id, now);
    if (o->retry_after_ms > due - now)
        due = now + (o->retry_after_ms < DAY_MS ? o->retry_after_ms : DAY_MS);
    if (is_over(rules, f, due))
        /* The last failure says more than that it was the last; expiry in the store holds it the same way. */
        return (struct verdict){.verb = VERB_KILL, .because = o->reason.n > 0 ? NULL : "gave up"};
    return (struct verdict){.verb = VERB_RETRY, .due_at = due};
}

static struct verdict unknown(const struct config_channel *rules, const struct verdict_facts *f,
                              const struct outcome *o, wall_ms_t now)
{
    if (o->was_crash && o->was_alone && f->crash_n + 1 >= CRASHES_MAX)
        return (struct verdict){.verb = VERB_KILL, .because = "ended the adapter three times"};
    if (!f->is_resendable)
        return (struct verdict){.verb = VERB_UNSURE};
    if (o->was_crash ||
        f->direction == MESSAGE_IN) /* Front is asked whether it has it, and that takes its time */
        return (struct verdict){.verb = VERB_RETRY, .due_at = now};
    return retry(rules, f, o, now);
}

struct verdict verdict_of(const struct config_channel *rules, const struct verdict_facts *f,
                          const struct outcome *o, wall_ms_t now)
{
    switch (o->kind) {
    case OUTCOME_DELIVERED:
        if (f->direction == MESSAGE_OUT && f->part_sent + 1 < o->part_n)
            return (struct verdict){.verb = VERB_PART, .due_at = now};
        return (struct verdict){.verb =
                                    f->direction == MESSAGE_IN && !f->is_shown ? VERB_ACCEPT : VERB_DELIVER};
    case OUTCOME_REJECTED:
        return (struct verdict){.verb = f->is_told ? VERB_REJECT : VERB_KILL};
    case OUTCOME_HOLD:
        return (struct verdict){.verb = VERB_HOLD};
    case OUTCOME_RETRY:
        return retry(rules, f, o, now);
    case OUTCOME_UNKNOWN:
        return unknown(rules, f, o, now);
    }
    never("an outcome has one of five kinds");
}

const char *outcome_name(enum outcome_kind k)
{
    static const char *const name[] = {
        [OUTCOME_DELIVERED] = "delivered", [OUTCOME_RETRY] = "retry",     [OUTCOME_REJECTED] = "rejected",
        [OUTCOME_HOLD] = "hold",           [OUTCOME_UNKNOWN] = "unknown",
    };
    must((unsigned)k < sizeof name / sizeof name[0] && name[k]);
    return name[k];
}

unsigned breaker_allows(const struct breaker *b, unsigned wanted, mono_ms_t now)
{
    if (!b->is_open)
        return wanted;
    return wanted > 0 && !b->is_probing && now >= b->probe_at ? 1 : 0;
}

void breaker_started(struct breaker *b, unsigned n)
{
    if (b->is_open && n > 0)
        b->is_probing = true;
}

void breaker_hurry(struct breaker *b, mono_ms_t now)
{
    if (b->probe_at > now)
        b->probe_at = now;
}

void breaker_lost(struct breaker *b, bool was_probe)
{
    if (was_probe)
        b->is_probing = false;
}

bool breaker_learn(struct breaker *b, bool is_unreachable, mono_ms_t now)
{
    if (!is_unreachable) {
        bool was_open = b->is_open;
        *b = (struct breaker){0};
        return was_open;
    }
    if (b->is_open && !b->is_probing)
        return false; /* one of those that were under way when it opened */
    bool was_open = b->is_open;
    b->delay_ms = b->delay_ms ? b->delay_ms * 2 : BREAKER_FIRST_MS;
    if (b->delay_ms > BREAKER_MAX_MS)
        b->delay_ms = BREAKER_MAX_MS;
    b->is_open = true;
    b->is_probing = false;
    b->probe_at = now + b->delay_ms;
    return !was_open;
}
