/* From a fast local answer to Front's patience of seven seconds and beyond. */
#include "base/histogram.h"

const double histogram_bounds_s[HISTOGRAM_BUCKETS] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.1,
                                                      0.25,  0.5,    1,     2.5,  5,     7};

void histogram_add(struct histogram *h, int64_t ms)
{
    double s = (double)ms / 1000.0;

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        if (s <= histogram_bounds_s[i]) {
            h->bucket[i]++;
            break;
        }
    h->n++;
    h->sum_s += s;
}
