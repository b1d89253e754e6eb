/*
 * Staging safety: what may leave while a channel is being tried out (`dry_run`, `only_to`).
 *
 * Invariant: this is the one place that decides it. Whatever goes out passes it at its very last step, whatever
 * brought it there (a callback, a resend, an operator's retry, an event, an import, a report): a message by
 * staging_withholds, and a call to Front by staging_call. No other file of the bridge starts a call to Front (a
 * test looks).
 */
#ifndef BRIDGE_STAGING_H
#define BRIDGE_STAGING_H

#include "bridge/channel.h"

/*
 * staging_withholds says whether a message must not leave; instead is how its attempt ends then: delivered,
 * for the reason "dry run", or rejected, with a sentence for the agent. Notices (KIND_FAILURE, KIND_EVENT) are
 * written to nobody. Pure.
 */
bool staging_withholds(const struct config_channel *rules, const struct store_message *m,
                       struct outcome *instead);

/* staging_call starts a call to Front for a channel: with dry_run only one that changes nothing. */
struct front_call *staging_call(const struct channel *ch, const struct front_request *r,
                                front_done_fn *on_done, void *arg);

/* staging_read starts a call that belongs to no channel, and so may only read. */
struct front_call *staging_read(const struct account *a, const struct front_request *r,
                                front_done_fn *on_done, void *arg);

/* staging_announce writes into the log what holds for each channel, so that nobody forgets it. */
void staging_announce(const struct config *c);

#endif
