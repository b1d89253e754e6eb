/*
 * Counts within the last hour. Invariant: at[n % MAX] is the oldest of the last MAX.
 */
#include "sim/seen.h"

int64_t sim_seen_mark(struct sim_seen *s, wall_ms_t now)
{
    wall_ms_t *oldest = &s->at[s->n % SIM_SEEN_MAX];
    if (s->n >= SIM_SEEN_MAX && *oldest + HOUR_MS > now)
        return *oldest + HOUR_MS - now;
    if (!s->n)
        s->first_at = now;
    *oldest = now;
    s->n++;
    return 0;
}
