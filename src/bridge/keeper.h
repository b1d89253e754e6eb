/*
 * The keeper: what must happen without anybody asking. Expiry, pruning, and learning Front's conversations.
 */
#ifndef BRIDGE_KEEPER_H
#define BRIDGE_KEEPER_H

#include "bridge/channel.h"

struct keeper *keeper_new(struct bridge *b);
void keeper_free(struct keeper *k);
/* keeper_start settles what an earlier process left open, then lets the queues run. */
void keeper_start(struct keeper *k);
void keeper_stop(struct keeper *k);
bool keeper_is_idle(const struct keeper *k);
/* keeper_expiry says that something is put that expires at `at`. */
void keeper_expiry(struct keeper *k, wall_ms_t at);
/* keeper_learn_soon says that Front has accepted the first message of a thread of this channel. */
void keeper_learn_soon(struct channel *ch);

#endif
