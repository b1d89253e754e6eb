/*
 * The life of an application channel: connected by Front's authorization, stopped when Front deletes it, resumed by
 * another authorization or by an operator.
 *
 * A stopped channel is closed: callbacks are refused, no attempt starts, and what is queued is held in the store with a
 * reason of its own, so that no time runs out on it. Resuming holds what is left, releases all of it oldest first,
 * and opens the channel then: so order is kept. Each step is durable before it counts, and goes on after a crash
 * where it was. Custom channels are always open.
 *
 * Front's word carries Front's time. One that is older than the last is not believed: a replayed DELETE must not stop a
 * channel that was connected since.
 */
#ifndef BRIDGE_LIFE_H
#define BRIDGE_LIFE_H

#include "bridge/channel.h"

/* life_start reads how the channels stand. Until that is known, application channels are closed. */
void life_start(struct bridge *b);
/* life_tick does what is due: reads again after a failure, holds what has come meanwhile. */
void life_tick(struct channel *ch, wall_ms_t now);
void life_fini(struct bridge *b);
bool life_is_idle(const struct bridge *b);

bool channel_is_closed(const struct channel *ch);
bool channel_is_stopped(const struct channel *ch);
/* channel_is_resuming says that nothing new may be queued for a moment, lest it overtakes what is released. */
bool channel_is_resuming(const struct channel *ch);
/* life_name: "deleted", "resuming", "starting"; NULL: open. */
const char *life_name(const struct channel *ch);

/* life_is_stale says whether a word of Front said at `at` is older than what the channel goes by, or the same
 * deletion again after an operator has resumed the channel. */
bool life_is_stale(const struct channel *ch, wall_ms_t at, bool is_deletion);

/* The changes. on_done comes after the commit; ERR_CANCELLED: the bridge is closing. at is Front's time. */
typedef void life_done_fn(enum err e, void *arg);
void life_connect(struct channel *ch, struct span front_channel, wall_ms_t at, life_done_fn *done, void *arg);
void life_stop(struct channel *ch, wall_ms_t at, life_done_fn *done, void *arg);
/* life_resume opens a stopped channel; ERR_CONFLICT, at once, if it is not stopped. */
void life_resume(struct channel *ch, life_done_fn *done, void *arg);
/* life_tell keeps what Front is told of the channel. */
void life_tell(struct channel *ch, bool is_offline, life_done_fn *done, void *arg);

#define LIFE_HOLD_REASON "held: Front has deleted the channel"

#endif
