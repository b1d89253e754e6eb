/*
 * The relay: inbound messages on their way to Front, as far as the account's budget lets them go.
 */
#ifndef BRIDGE_RELAY_H
#define BRIDGE_RELAY_H

#include "bridge/attempt.h"

/* How many messages may be started now: few, since what waits for the budget waits better in the store. */
unsigned relay_capacity(const struct channel *ch, mono_ms_t now);
int64_t relay_wait_ms(const struct channel *ch, mono_ms_t now);
/* The same for the history of the channel. */
unsigned relay_history_capacity(const struct channel *ch, mono_ms_t now);
int64_t relay_history_wait_ms(const struct channel *ch, mono_ms_t now);
/* relay_start takes the files of m. */
void relay_start(struct channel *ch, struct store_message *m);
/* relay_shown says that Front was seen to show a message: if it is looked for, it is found. */
void relay_shown(struct channel *ch, int64_t id);
/* relay_close ends what only waits; the client ends what it was asked. Both before the store closes. */
void relay_close(struct channel *ch);

#endif
