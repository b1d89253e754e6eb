/* How many calls ended with which status, for front_bridge_front_requests_total{account,call,status}. Pure;
 * in src/front only. */
#ifndef FRONT_TALLY_H
#define FRONT_TALLY_H

#include <stddef.h>
#include <stdint.h>

enum { TALLY_ROWS_MAX = 512 };

struct tally {
    struct {
        size_t name;
        int status;
        uint64_t n;
    } row[TALLY_ROWS_MAX];
    size_t row_n;
};

/* Calls are counted under names from one table, so that a label can never come from outside. */
size_t tally_name(const char *call);
const char *tally_name_text(size_t name);
void tally_add(struct tally *t, size_t name, int status); /* status 0: no answer */

#endif
