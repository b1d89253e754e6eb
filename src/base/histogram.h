/*
 * A histogram of seconds with fixed bounds, as Prometheus counts them. Loop thread only.
 */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_BUCKETS = 12 };
extern const double histogram_bounds_s[HISTOGRAM_BUCKETS];

struct histogram {
    uint64_t bucket[HISTOGRAM_BUCKETS]; /* not cumulative; what is above the last bound counts in n alone */
    uint64_t n;
    double sum_s;
};

void histogram_add(struct histogram *h, int64_t ms);

#endif
