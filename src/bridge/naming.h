/*
 * Ids of the backend that are too long for Front are told to it as digests (front/thread.h): what the store must keep to
 * know them again. Pure.
 */
#ifndef BRIDGE_NAMING_H
#define BRIDGE_NAMING_H

#include "store/store.h"

enum { NAMING_MAX = 2 };

struct naming { /* what the aliases point to must stay as long */
    struct store_alias alias[NAMING_MAX];
    unsigned n;
    struct buf ref[NAMING_MAX];
};

/* naming_add keeps id, if Front is told another one for it; at most NAMING_MAX. naming_fini frees it; {0} is empty. */
void naming_add(struct naming *n, struct span id);
void naming_fini(struct naming *n);

#endif
