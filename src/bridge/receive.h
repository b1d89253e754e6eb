/*
 * What adapters hand over: messages for Front, receipts, and their key-value data. All of it is stored, then
 * answered.
 */
#ifndef BRIDGE_RECEIVE_H
#define BRIDGE_RECEIVE_H

#include "bridge/channel.h"

/* What the host says (struct host_events); arg is the channel. */
void receive_on_message(struct host *h, struct host_receive *r, void *arg);
void receive_on_kv(struct host *h, uint64_t ticket, bool is_write, struct span key, struct span value,
                   void *arg);

#endif
