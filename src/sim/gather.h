/*
 * An answer of the control API that waits for what it set going: the head at once, then one result for each
 * sending that ends.
 *
 * Owns: itself; it answers its exchange and is gone when the last hold is released.
 */
#ifndef SIM_GATHER_H
#define SIM_GATHER_H

#include "base/json.h"
#include "http/server.h"

struct sim_gather {
    struct http_exchange *x;
    unsigned holds;
    int status;
    struct buf out;
    struct jout j; /* in an object; in its array "sent" after sim_gather_open */
};

struct sim_gather *sim_gather_new(struct http_exchange *x, int status); /* held once */
void sim_gather_open(struct sim_gather *g); /* the head is written: results may come */
void sim_gather_hold(struct sim_gather *g); /* NULL: nothing waits */
void sim_gather_release(struct sim_gather *g);

#endif
