/*
 * Deliveries: attempts that go to a backend through the channel's host.
 */
#ifndef BRIDGE_DELIVERY_H
#define BRIDGE_DELIVERY_H

#include "bridge/attempt.h"

/* How many deliveries may start now: the host's credits, less what is promised, as the breaker and suspects
 * allow. */
unsigned delivery_capacity(const struct channel *ch, mono_ms_t now);
/* Until the breaker lets a probe go; -1: it is not that which we wait for. */
int64_t delivery_wait_ms(const struct channel *ch, mono_ms_t now);
/* delivery_start sends an attempt that is committed as open. */
void delivery_start(struct channel *ch, struct store_message *m);

/* What the host says (struct host_events); arg is the channel. */
void delivery_on_outcome(struct host *h, uint64_t token, const struct outcome *o, void *arg);
void delivery_on_credit(struct host *h, void *arg);

#endif
