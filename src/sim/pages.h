/*
 * The two pages, embedded at build time from src/sim/pages: the agent's at /, the customer's at /chat.
 */
#ifndef SIM_PAGES_H
#define SIM_PAGES_H

#include "http/server.h"

extern const struct http_route sim_page_routes[];
extern const size_t sim_page_route_n;

#endif
