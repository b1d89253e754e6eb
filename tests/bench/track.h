/*
 * A file that load and sink map at once: when each message left and when the backend saw it. Both clocks are
 * CLOCK_MONOTONIC of the same machine.
 */
#ifndef BENCH_TRACK_H
#define BENCH_TRACK_H

#include <stdint.h>
#include <time.h>

struct track_times {
    int64_t sent_ns, arrived_ns; /* 0: not yet */
};

struct track {
    uint64_t first, n; /* numbers of the messages: first (set by load), first + 1, … */
    struct track_times at[];
};

enum { NUMBER_DIGITS = 9 }; /* base 36, of fixed width, as in msg_00000002s */

/* track_open maps a file of zeros that somebody made: its size says how many messages it is for. Exits on
 * error. */
struct track *track_open(const char *path);

static inline int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

#endif
