/*
 * Front's rate limits as its clients see them. Pure: time is an argument.
 *
 * A company may call `limit` times a minute; what goes beyond is taken from a burst allowance, which fills
 * again over ten minutes; one resource (/channels/{id}/…) takes 5 calls in any second.
 *
 * Source: Front, "Rate limiting". What it leaves open: the minute begins with the first call after the last
 * one ended, on a whole second.
 */
#ifndef SIM_LIMITER_H
#define SIM_LIMITER_H

#include "base/buf.h"
#include "base/clock.h"
#include <stdbool.h>
#include <stdint.h>

enum { SIM_RESOURCES_MAX = 64, SIM_RESOURCE_MAX_PER_S = 50, SIM_BURST_REFILL_MS = 10 * 60 * 1000 };

struct sim_resource {
    char id[40];
    wall_ms_t call_at[SIM_RESOURCE_MAX_PER_S]; /* a ring: the last `limit` calls */
    unsigned next;
};

struct sim_limiter {
    int64_t limit; /* calls a minute; 0: no limit at all */
    int64_t burst_limit;
    unsigned per_resource; /* calls a second; 0: no limit */
    wall_ms_t window_at;
    int64_t used;
    double burst; /* what is left of burst_limit */
    wall_ms_t burst_at;
    struct sim_resource resource[SIM_RESOURCES_MAX];
    unsigned resource_n, resource_next;
};

struct sim_limit_verdict {
    bool is_allowed;
    int64_t retry_after_s; /* when it is not */
    const char *why;       /* a plain sentence */
};

void sim_limiter_init(struct sim_limiter *l, int64_t limit, int64_t burst_limit, unsigned per_resource,
                      wall_ms_t now);
/* sim_limiter_take counts one call, on resource if it is not absent. A refused call costs nothing. */
struct sim_limit_verdict sim_limiter_take(struct sim_limiter *l, struct span resource, wall_ms_t now);
/* The header lines that go with every answer; nothing without a limit. */
void sim_limiter_headers(const struct sim_limiter *l, wall_ms_t now, struct buf *out);

#endif
