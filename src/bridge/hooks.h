/*
 * Requests of a backend: /hooks/CHANNEL[/…], handed to the channel's adapter, which answers.
 */
#ifndef BRIDGE_HOOKS_H
#define BRIDGE_HOOKS_H

#include "bridge/channel.h"

void hooks_request(struct http_exchange *x, void *arg); /* arg is the bridge */

/* What the host says (struct host_events); arg is the channel. */
void hooks_on_reply(struct host *h, uint64_t token, int status, struct span content_type, struct span body,
                    const char *headers, void *arg);

#endif
