/*
 * Keeps the listeners. Invariant: a listener lives until its peer leaves or the feed ends, and is told at
 * most SIM_FEED_MAX ways.
 */
#include "sim/feed.h"
#include "base/mem.h"
#include <stdlib.h>

struct sim_listener {
    struct sim_feed *feed;
    struct http_exchange *x;
    LIST_ENTRY(sim_listener) link;
};

static void leave(struct sim_listener *l)
{
    LIST_REMOVE(l, link);
    l->feed->n--;
    free(l);
}

static void on_closed(void *arg)
{
    leave(arg);
}

void sim_feed_join(struct sim_feed *f, struct http_exchange *x)
{
    if (f->n == SIM_FEED_MAX) {
        http_refuse(x, 429, "Too many pages are open: close some");
        return;
    }
    struct sim_listener *l = mem_zalloc(sizeof *l);
    l->feed = f;
    l->x = x;
    LIST_INSERT_HEAD(&f->listener, l, link);
    f->n++;
    http_stream_start(x, on_closed, l);
    http_stream_event(x, "hello", SPAN_LIT("{}"));
}

void sim_feed_tell(struct sim_feed *f, const char *event, struct span json)
{
    for (struct sim_listener *l = LIST_FIRST(&f->listener), *next; l; l = next) {
        next = LIST_NEXT(l, link);
        http_stream_event(l->x, event, json);
    }
}

void sim_feed_end(struct sim_feed *f)
{
    for (struct sim_listener *l = LIST_FIRST(&f->listener), *next; l; l = next) {
        next = LIST_NEXT(l, link);
        http_stream_end(l->x);
        leave(l);
    }
}
