/*
 * A map from text to pointers: how the simulator finds messages, conversations and webhook ids it has seen.
 *
 * Owns: its keys; never what they point to. Keys may be taken out one by one.
 * Cost: constant; grows by doubling at two thirds full.
 */
#ifndef SIM_INDEX_H
#define SIM_INDEX_H

#include "base/buf.h"
#include <stddef.h>

struct sim_index_slot {
    char *key; /* NULL: free */
    void *value;
};

struct sim_index {
    struct sim_index_slot *slot;
    size_t n, cap;
};

void sim_index_fini(struct sim_index *i);
void *sim_index_get(const struct sim_index *i, struct span key); /* NULL: not there */
/* sim_index_put sets key to value (never NULL), replacing what was there. */
void sim_index_put(struct sim_index *i, struct span key, void *value);
void sim_index_remove(struct sim_index *i, struct span key);

#endif
