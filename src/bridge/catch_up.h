/*
 * Catching up: events that Front emitted while nobody listened, found by GET /events and taken like those that came.
 *
 * Shape: one catcher an account. A look reads every page of a window of emission, from the last mark less the overlap to
 * now, and stores what it finds; when the window is read, its events are released in the order of their emission and the
 * mark moves. Where it is stands in the store, page by page: a process that dies goes on there. The first mark is the
 * first start: nothing from before it is ever looked at.
 * Thread: the loop's.
 */
#ifndef BRIDGE_CATCH_UP_H
#define BRIDGE_CATCH_UP_H

#include "bridge/channel.h"

struct catcher *catcher_new(struct account *a);
void catcher_free(struct catcher *c); /* after the store was closed */
/* catcher_start recalls the mark; the first look comes as soon as the adapters have said what they want. */
void catcher_start(struct catcher *c);
/* catcher_soon asks for a look before its time: something may have been missed. */
void catcher_soon(struct catcher *c);
void catcher_tick(struct catcher *c, wall_ms_t now);

/* What is said of the last look, for people. */
struct catcher_view {
    wall_ms_t mark_at; /* all that was emitted before it is known; 0: not yet */
    bool is_looking;
    uint64_t pages_n, found_n, new_n, looks_n; /* since the start */
    const char *trouble;                       /* why the last look did not end; NULL: it did */
};
struct catcher_view catcher_view(const struct catcher *c);

/*
 * catcher_search looks at a window that an operator names, once: events that are not known are stored and acted on. done
 * is called once: found and new_n are its events, why is NULL or what is wrong. ERR_CONFLICT: a look is under way;
 * ERR_INVALID: the types or inboxes are none, too many or too long.
 */
struct catcher_search {
    char *types, *inboxes; /* comma-separated; NULL: as in every look */
    wall_ms_t after, before;
    void (*done)(struct catcher_search *s, uint64_t found_n, uint64_t new_n, const char *why);
};
MUST_CHECK enum err catcher_search(struct catcher *c, struct catcher_search *s);

#endif
