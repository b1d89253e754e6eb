/*
 * Decides whether a call is within the company's and the resource's allowance, and says so in Front's
 * headers. Knows no HTTP. Invariant: used never exceeds limit; what is beyond was paid from the burst.
 */
#include "sim/limiter.h"
#include "base/mem.h"
#include <string.h>

void sim_limiter_init(struct sim_limiter *l, int64_t limit, int64_t burst_limit, unsigned per_resource,
                      wall_ms_t now)
{
    if (per_resource > SIM_RESOURCE_MAX_PER_S)
        per_resource = SIM_RESOURCE_MAX_PER_S;
    *l = (struct sim_limiter){.limit = limit,
                              .burst_limit = burst_limit,
                              .per_resource = per_resource,
                              .burst = (double)burst_limit,
                              .burst_at = now};
}

static void turn_window(struct sim_limiter *l, wall_ms_t now)
{
    if (now < l->window_at + MINUTE_MS && now >= l->window_at)
        return;
    l->window_at = now - now % SECOND_MS;
    l->used = 0;
}

static void refill_burst(struct sim_limiter *l, wall_ms_t now)
{
    if (now > l->burst_at)
        l->burst += (double)l->burst_limit * (double)(now - l->burst_at) / SIM_BURST_REFILL_MS;
    if (l->burst > (double)l->burst_limit)
        l->burst = (double)l->burst_limit;
    l->burst_at = now;
}

static struct sim_resource *resource_of(struct sim_limiter *l, struct span id)
{
    for (unsigned i = 0; i < l->resource_n; i++)
        if (span_is(id, l->resource[i].id))
            return &l->resource[i];
    /* With more resources than places the first ones are forgotten in turn: a limit too mild, never too
     * strict. */
    struct sim_resource *r = &l->resource[l->resource_next++ % SIM_RESOURCES_MAX];
    if (l->resource_n < SIM_RESOURCES_MAX)
        l->resource_n++;
    *r = (struct sim_resource){0};
    memcpy(r->id, id.p, id.n);
    return r;
}

static bool take_resource(struct sim_limiter *l, struct span id, wall_ms_t now)
{
    if (!l->per_resource || !id.p || id.n >= sizeof l->resource[0].id)
        return true;
    struct sim_resource *r = resource_of(l, id);
    wall_ms_t oldest = r->call_at[r->next % l->per_resource];
    if (oldest && now - oldest < SECOND_MS)
        return false;
    r->call_at[r->next++ % l->per_resource] = now;
    return true;
}

static bool take_company(struct sim_limiter *l)
{
    if (l->used < l->limit) {
        l->used++;
        return true;
    }
    if (l->burst < 1)
        return false;
    l->burst -= 1;
    return true;
}

static int64_t left_of_window_s(const struct sim_limiter *l, wall_ms_t now)
{
    return (l->window_at + MINUTE_MS - now + SECOND_MS - 1) / SECOND_MS;
}

struct sim_limit_verdict sim_limiter_take(struct sim_limiter *l, struct span resource, wall_ms_t now)
{
    if (!l->limit)
        return (struct sim_limit_verdict){.is_allowed = true};
    turn_window(l, now);
    refill_burst(l, now);
    if (l->used >= l->limit && l->burst < 1)
        return (struct sim_limit_verdict){.retry_after_s = left_of_window_s(l, now),
                                          .why = "Rate limit exceeded"};
    if (!take_resource(l, resource, now))
        return (struct sim_limit_verdict){.retry_after_s = 1, .why = "Rate limit exceeded for this resource"};
    must(take_company(l));
    return (struct sim_limit_verdict){.is_allowed = true};
}

void sim_limiter_headers(const struct sim_limiter *l, wall_ms_t now, struct buf *out)
{
    if (!l->limit)
        return;
    bool is_open = now < l->window_at + MINUTE_MS;
    int64_t reset_at_s = (is_open ? l->window_at + MINUTE_MS : now + MINUTE_MS) / SECOND_MS;
    buf_addf(out, "x-ratelimit-limit: %lld\r\nx-ratelimit-remaining: %lld\r\nx-ratelimit-reset: %lld\r\n",
             (long long)l->limit, (long long)(is_open ? l->limit - l->used : l->limit),
             (long long)reset_at_s);
    buf_addf(out, "x-ratelimit-burst-limit: %lld\r\nx-ratelimit-burst-remaining: %lld\r\nx-front-tier: 1\r\n",
             (long long)l->burst_limit, (long long)l->burst);
}
