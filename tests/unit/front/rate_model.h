/*
 * A model of Front's limiter and of a world that uses it, on a virtual clock: a minute's window that begins
 * with its first request, a burst that refills over ten minutes, five requests per second for one resource.
 */
#ifndef TEST_RATE_MODEL_H
#define TEST_RATE_MODEL_H

#include "front/rate.h"

struct world {
    /* what to simulate; 0 stands for the usual value, given here, and -1 for none */
    int64_t limit, burst; /* 200, half the limit */
    unsigned resources;   /* 1; our requests take turns over so many */
    unsigned reserve_percent;
    enum rate_lane lane;           /* RATE_INBOUND */
    int64_t latency_ms, jitter_ms; /* of a request: 100, 50 */
    double others_per_minute;
    unsigned lost_per_mille;     /* answers that never come */
    int64_t skew_ms;             /* our wall clock minus Front's */
    bool is_dateless, is_silent; /* Front sends no Date, no rate headers */
    int64_t slow_every;          /* every so many-th request takes 25 s; 0: none */
    int64_t live_every_ms;       /* on average: a request of RATE_INBOUND, whatever `lane` is; 0: none */
    unsigned live_resource;      /* 0, which others use too; at most 15 */
    bool is_quiet;               /* there are no requests but these */
    unsigned minutes;            /* 30 */
    unsigned seed;
    /* results */
    unsigned sent_n, refused_n, others_n, others_refused_n;
    unsigned live_n;
    int64_t live_waited_ms, live_worst_ms; /* until it could go: in all, and the longest */
    double allowance;                      /* what Front would have let us and the others send in that time */
};

void world_run(struct world *w);

#endif
