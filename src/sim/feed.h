/*
 * Server-sent events for the pages: everyone who listens is told what changed and asks for the rest.
 * Thread: the loop's only.
 */
#ifndef SIM_FEED_H
#define SIM_FEED_H

#include "http/server.h"
#include <sys/queue.h>

enum { SIM_FEED_MAX = 64 };

struct sim_listener;

struct sim_feed {
    LIST_HEAD(sim_listeners, sim_listener) listener;
    unsigned n;
};

void sim_feed_join(struct sim_feed *f, struct http_exchange *x);
void sim_feed_tell(struct sim_feed *f, const char *event, struct span json);
void sim_feed_end(struct sim_feed *f);

#endif
