/*
 * The pages of one search for events: asked of Front one after the other, each stored before the next is asked for.
 *
 * Shape: the caller sets account, search, lane and the two callbacks, and calls event_pages_ask. on_page is called for each
 * page that is stored and has a successor, and calls event_pages_ask when it wants that; on_end is called once, whatever
 * happens, and then event_pages_fini. Events lie in the store without a due time until they are released.
 * Invariant: a token that was seen in this search ends it, since Front's pages would go round for ever. Thread: the loop's.
 */
#ifndef BRIDGE_EVENT_PAGES_H
#define BRIDGE_EVENT_PAGES_H

#include "bridge/channel.h"
#include "front/search.h"

enum event_pages_end {
    EVENT_PAGES_READ,    /* every page is stored */
    EVENT_PAGES_FAILED,  /* not now: Front or the store do not work */
    EVENT_PAGES_USELESS, /* it will not be better soon */
    EVENT_PAGES_STOPPED, /* the bridge is stopping */
};

struct event_pages {
    struct account *account;
    struct search search; /* but for its page_token; the words are the caller's */
    char *token;          /* of the page that is next; NULL: the first */
    enum rate_lane lane;
    void (*on_page)(struct event_pages *p);
    void (*on_end)(struct event_pages *p, enum event_pages_end how, const char *why); /* why: NULL if read */
    uint64_t page_n, found_n, new_n;                                                  /* so far */
    /* its own */
    uint64_t *seen; /* hashes of the tokens */
    unsigned seen_n;
    bool is_last, is_bad, is_lossy; /* lossy: not all of a page could be stored */
    unsigned put_n;                 /* puts under way */
};

void event_pages_ask(struct event_pages *p);
/* event_pages_fini frees what p owns, and makes it ready for another search. */
void event_pages_fini(struct event_pages *p);

#endif
