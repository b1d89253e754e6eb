/*
 * Ids of the backend that are too long for Front are told to it as digests (front/thread.h): what the store must keep to
 * know them again. A phone number is told in one spelling, and the backend gets its own back. Pure.
 */
#ifndef BRIDGE_NAMING_H
#define BRIDGE_NAMING_H

#include "store/put.h"

enum { NAMING_MAX = 3 };

struct naming { /* what the aliases point to must stay as long */
    struct store_alias alias[NAMING_MAX];
    unsigned n;
    struct buf ref[NAMING_MAX];
};

/* naming_add_as keeps id, which Front is told as ref, if they differ; both must stay as long. */
void naming_add_as(struct naming *n, struct span ref, struct span id);
/* naming_add keeps id, if Front is told another one for it; at most NAMING_MAX. naming_fini frees it; {0} is empty. */
void naming_add(struct naming *n, struct span id);
void naming_fini(struct naming *n);

#endif
