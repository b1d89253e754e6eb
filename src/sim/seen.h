/*
 * How often a message was marked as seen. Pure: time is an argument.
 * Source: Front, "Mark message seen": 10 requests per message and hour.
 */
#ifndef SIM_SEEN_H
#define SIM_SEEN_H

#include "base/clock.h"

enum { SIM_SEEN_MAX = 10 };

struct sim_seen {
    wall_ms_t first_at;         /* 0: never */
    wall_ms_t at[SIM_SEEN_MAX]; /* a ring: the last ones */
    unsigned n;
};

/* sim_seen_mark counts one; else it gives the ms after which one may try again. */
int64_t sim_seen_mark(struct sim_seen *s, wall_ms_t now);

#endif
