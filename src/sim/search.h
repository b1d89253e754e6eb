/*
 * GET /events: which events, in which order, page by page. Pure.
 *
 * The rule (Front, "Events"): events are filtered by when they were emitted, and sorted by when their target
 * was created, newest first; both bounds are exclusive. A page token is a place in that order, so that new
 * events move the pages of a search without a fixed `before`.
 */
#ifndef SIM_SEARCH_H
#define SIM_SEARCH_H

#include "base/buf.h"
#include "sim/event.h"

enum { SIM_SEARCH_LIMIT = 15, SIM_SEARCH_TYPES_MAX = 64, SIM_SEARCH_INBOXES_MAX = 64 };

struct sim_search {
    char *type[SIM_SEARCH_TYPES_MAX], *inbox[SIM_SEARCH_INBOXES_MAX];
    unsigned type_n, inbox_n;                    /* 0: all */
    wall_ms_t after, before;                     /* 0: no bound */
    const struct sim_conversation *conversation; /* NULL: all */
    bool is_ascending;
    bool is_thin; /* a page is cut before it is filtered: it may be short, or empty, and not the last */
    unsigned limit;
    uint64_t from; /* the place where the page begins */
};

/* sim_search_read takes a query string; on error why holds one sentence. Always call sim_search_fini. */
MUST_CHECK enum err sim_search_read(struct sim_search *q, struct span query, struct buf *why);
void sim_search_fini(struct sim_search *q);

struct sim_page {
    const struct sim_event *event[SIM_SEARCH_LIMIT];
    unsigned n;
    bool is_last;
    uint64_t next; /* the place where the next page begins */
};
void sim_search_page(const struct sim_event_log *log, const struct sim_search *q, wall_ms_t now,
                     struct sim_page *page);
/* sim_search_next writes the query of another page: the same but for the token. */
void sim_search_next(struct span query, uint64_t place, struct buf *out);

#endif
