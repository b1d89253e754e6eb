/*
 * Many sends at once, to measure a bridge: n messages over some conversations, at most `concurrency` under
 * way.
 *
 * The exchange is answered at the end:
 * {"n","sent","failed","seconds","per_second","p50_ms","p99_ms","max_ms"}. Messages of a burst are kept like
 * all others.
 */
#ifndef SIM_BURST_H
#define SIM_BURST_H

#include "http/server.h"
#include "sim/sim.h"

enum { SIM_BURST_MAX = 200000, SIM_BURST_CONCURRENCY_MAX = 512 };

/* On error why holds one sentence and x is still open. */
MUST_CHECK enum err sim_burst(struct sim *s, struct jval spec, struct http_exchange *x, const char **why);

#endif
