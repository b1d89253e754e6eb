/*
 * Telling Front that an application channel is offline, and that it is back: PATCH /channels/{id}, once a change.
 *
 * When is outage.h's to decide. What Front is told is durable before it is told, so that a bridge which starts while the
 * channel is offline says "ok" when it works; if it does not, it says "offline" once more. Custom channels have no such
 * status.
 */
#ifndef BRIDGE_PRESENCE_H
#define BRIDGE_PRESENCE_H

#include "bridge/channel.h"

void presence_init(struct channel *ch);
/* presence_tick looks how the channel is, and tells Front when that has changed. */
void presence_tick(struct channel *ch);

#endif
