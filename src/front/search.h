/*
 * GET /events: the query and its pages. Pure.
 *
 * Front filters by the time of emission and sorts by the time of creation, so every page of a window must be read, and
 * `before` is always fixed, so that pages do not move. Source: Front, "Events", sorting and filtering.
 */
#ifndef FRONT_SEARCH_H
#define FRONT_SEARCH_H

#include "base/clock.h"
#include "base/json.h"

enum { SEARCH_TOKEN_MAX = 2048, SEARCH_WORDS_MAX = 64, SEARCH_LIMIT = 15 /* Front's most */ };

struct search {
    const char *type[SEARCH_WORDS_MAX]; /* none: every type */
    unsigned type_n;
    const char *inbox[SEARCH_WORDS_MAX]; /* none: every inbox */
    unsigned inbox_n;
    wall_ms_t after, before; /* of emission */
    struct span page_token;  /* absent: the first page */
};

/* search_path appends "/events?…". */
void search_path(const struct search *s, struct buf *out);

/* search_next appends the token of the page after this one: ERR_NOT_FOUND: there is none, ERR_INVALID: what is there is
 * none. Only the token is taken from Front's link. */
MUST_CHECK enum err search_next(struct jval page, struct buf *token);

#endif
