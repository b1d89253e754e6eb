/*
 * What Front is asked about events: GETs, each under way only once however many want its answer.
 * Thread: the loop's.
 */
#ifndef BRIDGE_RESOLVE_H
#define BRIDGE_RESOLVE_H

#include "bridge/channel.h"

struct resolver *resolver_new(struct account *a);
void resolver_free(struct resolver *r); /* nothing is open any more: the account's client was freed before */

/*
 * resolve asks for path; done is called once, later, with the answer (FRONT_CALL_CANCELLED when the bridge closes).
 * resource: whose own rate limit applies; NULL: none. channel: whose token is used if the account has none of its own; NULL: none.
 */
void resolve(struct resolver *r, const char *call, const char *path, const char *resource,
             const char *channel, front_done_fn *done, void *arg);

#endif
