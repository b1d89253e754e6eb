/*
 * A bounded table of things under way, each named by a token that is never used again: what comes back from a
 * child process or a late callback finds its thing or nothing, never another's.
 */
#ifndef BASE_SLOTS_H
#define BASE_SLOTS_H

#include <stdint.h>

struct slots {
    struct slot {
        void *item;
        uint64_t token;
        unsigned next_free;
    } * slot;
    unsigned max, used_n, first_free;
    uint64_t last_generation;
};

void slots_init(struct slots *s, unsigned max); /* max ≤ 65535 */
void slots_fini(struct slots *s);
uint64_t slots_add(struct slots *s, void *item);   /* 0: full */
void *slots_take(struct slots *s, uint64_t token); /* NULL: not there any more; else the slot is free again */

#endif
