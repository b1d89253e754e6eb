/*
 * What a backend says of a delivery later: delivered, read, failed. Durable before it is acknowledged.
 */
#ifndef BRIDGE_RECEIPT_H
#define BRIDGE_RECEIPT_H

#include "bridge/channel.h"

/* receipt_take stores a receipt of the wire and answers the ticket. */
void receipt_take(struct channel *ch, uint64_t ticket, struct jval wire);

#endif
