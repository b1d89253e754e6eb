/*
 * The rate budget of one account: all of what Front allows, and never a 429. Pure: time is an argument.
 *
 * Front counts requests per company and minute (x-ratelimit-limit, -remaining, -reset), allows a burst of
 * about half that (x-ratelimit-burst-*), and 5 requests per second for one resource (/channels/{id}/…). What
 * its headers say always wins over what we counted. `reserve` percent of the minute is left to the company's
 * other tools.
 *
 * Shape: a request begins with rate_take and ends with rate_learn. What may still be sent is what the lowest
 * answer of this window said, less what is under way: right in whatever order answers arrive. A window is new
 * when an answer says so, never because a clock does; the very first request, and the first after the end of a
 * used-up one, goes alone for a second at most; so does a live message where only a guess about other tools is in the way. Lanes: RATE_STATUS may use
 * the reserve; only RATE_STATUS and RATE_INBOUND draw on the burst. RATE_HISTORY uses what the others leave,
 * spread evenly over the minute, and leaves the next place of the minute and of a resource free: however much
 * history waits, whoever else comes goes at once. Which lane asks first is the caller's business.
 */
#ifndef FRONT_RATE_H
#define FRONT_RATE_H

#include "base/buf.h"
#include "base/clock.h"
#include <stdbool.h>
#include <stdint.h>

enum rate_lane { RATE_STATUS, RATE_INBOUND, RATE_ATTACHMENTS, RATE_RESOLVE, RATE_HISTORY, RATE_LANE_N };

enum {
    RATE_PER_RESOURCE_MAX = 50, /* what the configuration allows too */
    RATE_ASSUMED = 50,          /* a minute, where Front does not say: its smallest plan */
};

struct rate;

/* per_resource_per_second is at most RATE_PER_RESOURCE_MAX. */
struct rate *rate_new(unsigned reserve_percent, unsigned per_resource_per_second, mono_ms_t now);
void rate_free(struct rate *r);

/* rate_take asks to send one request now: 0 and it is counted, else the ms to wait before asking again (an
 * answer may come sooner: ask then too). resource is the id whose own limit applies ("cha_123"), or absent.
 */
int64_t rate_take(struct rate *r, enum rate_lane lane, struct span resource, mono_ms_t now);

struct rate_headers { /* -1: not there */
    int64_t limit, remaining, reset_at_s, burst_limit, burst_remaining, retry_after_ms;
    int64_t date_s; /* Front's own clock, so that ours need not be right */
    int status;     /* 0: no answer came */
};
/* rate_learn ends a request with what its answer said; every request taken ends so, answered or not. */
void rate_learn(struct rate *r, const struct rate_headers *h, struct span resource, wall_ms_t wall_now,
                mono_ms_t now);

struct rate_view {
    int64_t limit, remaining; /* as far as we know, before the reserve; limit 0: Front has not said yet */
    int64_t pause_ms;         /* left of a Retry-After */
    uint64_t refused_n;       /* 429s seen */
};
struct rate_view rate_view(const struct rate *r, mono_ms_t now);

#endif
