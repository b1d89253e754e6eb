/*
 * The public listener's handlers: what Front sends to /front/CHANNEL.
 */
#ifndef BRIDGE_INTAKE_H
#define BRIDGE_INTAKE_H

#include "bridge/channel.h"

/* intake_front handles POST and DELETE /front/CHANNEL; arg is the bridge. */
void intake_front(struct http_exchange *x, void *arg);

/* intake_refuse answers an error about a channel's callback, and counts and logs it. */
void intake_refuse(struct channel *ch, struct http_exchange *x, enum callback_shape shape, enum front_error e,
                   struct span why);
/* intake_refuse_account is the same for what names no channel; the caller counts. */
void intake_refuse_account(const struct account *a, struct http_exchange *x, enum front_error e,
                           struct span why);
/* intake_challenge answers the handshake of an application webhook; false, and no answer, if its header is missing or too
 * long. */
bool intake_challenge(struct http_exchange *x);

/* route_name gives the first segment of what follows the route, and the rest of it from its "/" on. */
struct span route_name(const struct http_exchange *x, struct span *rest);

#endif
