/*
 * Front shows a message that we posted: accepted becomes delivered, and what waits to be posted again is not.
 * It is told by the `message_imported` call of an application channel, and by `inbound` events.
 */
#ifndef BRIDGE_CONFIRM_H
#define BRIDGE_CONFIRM_H

#include "bridge/channel.h"

/* OK: confirmed now or before. ERR_NOT_FOUND: none of ours. ERR_CONFLICT: it had ended otherwise, such as dropped. */
typedef void confirm_done_fn(enum err e, void *arg);

/*
 * confirm_message confirms a message of ch by our id as Front shows it (metadata.external_id, or front_bridge_id of
 * metadata.headers), else by Front's uid; either may be absent. What Front calls it is kept in the map. done comes after the commit, never from inside.
 */
struct proof {
    struct span our_id, uid;
    struct span front_id,
        conversation; /* Front's ids of the message and its conversation; absent where not told */
};
void confirm_message(struct channel *ch, const struct proof *proof, confirm_done_fn *done, void *arg);

#endif
