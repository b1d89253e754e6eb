/*
 * Lists of the simulated API, a page at a time: ?limit= (50, at most 100) and ?page_token=.
 */
#ifndef SIM_PAGE_H
#define SIM_PAGE_H

#include "sim/api.h"

struct sim_page {
    unsigned at, end; /* the elements to write */
};

/* sim_page_open writes the head of a list of n elements under path, such as "inboxes/inb_1/channels"; write
 * the elements then, and close it. A page_token that is none of ours gives the first page. */
void sim_page_open(struct sim_page *p, struct sim_call *c, const char *path, unsigned n);
/* sim_page_number reads a number of the query, at most max; fallback where there is none. */
unsigned sim_page_number(const struct sim_call *c, const char *key, unsigned fallback, unsigned max);
void sim_page_close(struct sim_page *p, struct sim_call *c);

#endif
