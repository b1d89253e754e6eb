/*
 * The admin listener and STORE/admin.sock: health, metrics and the operators' API.
 *
 * On TCP a bearer token is demanded when one is set (and one must be set unless the listener is on loopback);
 * /healthz and /readyz need none. The socket is for its owner alone (mode 0600) and needs none.
 */
#ifndef ADMIN_ADMIN_H
#define ADMIN_ADMIN_H

#include "bridge/bridge.h"

struct admin;

MUST_CHECK enum err admin_open(struct admin **out, struct event_base *base, struct bridge *b,
                               const struct config *c, struct buf *why);
void admin_close(struct admin *a);
unsigned admin_port(const struct admin *a);

#endif
