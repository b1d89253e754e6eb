/*
 * What a backend says of a delivery later: delivered, read, failed. Durable before it is acknowledged.
 */
#ifndef BRIDGE_RECEIPT_H
#define BRIDGE_RECEIPT_H

#include "bridge/channel.h"

/* receipt_take stores a receipt of the wire and answers the ticket. */
void receipt_take(struct channel *ch, uint64_t ticket, struct jval wire);
/* receipt_delivery reads the id of a delivery, as in "fb3k9x2m-1z", "fb3k9x2m-1z.2" or "fb3k9x2m-1z.2-p1"; 0: it is none of
 * this store. */
int64_t receipt_delivery(const struct channel *ch, struct jval v);

#endif
