/*
 * The calls of Front's API that inbound messages become: one table, by kind of message and kind of channel.
 */
#ifndef BRIDGE_RELAY_WAY_H
#define BRIDGE_RELAY_WAY_H

#include "base/config.h"
#include "front/client.h"
#include "front/incoming.h"
#include "store/state.h"

struct way {
    const char *call;
    enum front_auth auth;
    const char *path;
    enum { OF_CHANNEL, OF_INBOX, OF_MESSAGE, OF_CONVERSATION } of; /* what %s in path is */
    enum err (*build)(const struct incoming *in, struct buf *out, struct buf *why);
    const char *scope;    /* that the token needs; NULL: a channel's own token needs none */
    bool is_deduplicated; /* Front takes the same one once, or cannot be asked for it: no looking for it */
};

/* relay_way: without a call where Front has none. */
const struct way *relay_way(enum message_kind message, enum channel_kind channel);

/* What an agent wrote, in the history of an application channel. */
extern const struct way relay_history_outbound;
/* A sign that asks for nothing, in a conversation that is known. Front shows no id of ours with a comment: one whose
 * answer was lost is looked for by its words. */
extern const struct way relay_comment;

#endif
