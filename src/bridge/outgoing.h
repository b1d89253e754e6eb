/*
 * What Front sends, as the store takes it: one message, an item for each recipient. The same whether it came as
 * a callback that waits for its answer, or was learnt from an event.
 */
#ifndef BRIDGE_OUTGOING_H
#define BRIDGE_OUTGOING_H

#include "bridge/channel.h"
#include "store/put.h"

struct outgoing {
    struct callback *callback;
    char *reply_to;                   /* what it answers, as the store takes it; NULL: nothing */
    char *external_id, *conversation; /* told to Front, the same each time; conversation: once it is stored */
    struct span named[CALLBACK_CONVERSATIONS_MAX]; /* Front's own names of the conversation */
    struct store_put put;                          /* complete but for on_done and start_max */
    struct store_item *item;
    struct outgoing_text {
        struct buf body, lane;
    } * text;
    unsigned item_n;
    bool is_too_large;            /* it is cut off, and must not be stored */
    struct outgoing_files *files; /* of every item; NULL: none, or the adapter takes none */
};

/* outgoing_init takes *c, which was decoded with a message; made_at: when its life begins, for too_old. */
void outgoing_init(struct outgoing *o, struct channel *ch, struct callback **c, wall_ms_t now,
                   wall_ms_t made_at);
void outgoing_fini(struct outgoing *o);
/* outgoing_stored says that the put is durable: what Front is told is fixed, and its files are fetched. */
void outgoing_stored(struct outgoing *o, struct channel *ch);

/* outgoing_own_id: a message that the bridge posted itself carries our id, and is where it belongs already. Gives that id;
 * NULL: it is none of ours. */
char *outgoing_own_id(const struct store *s, const struct callback *message);

/* delivery_external_id: what Front is told as the external id of its own message. */
char *delivery_external_id(const char *message_id);

/* outgoing_phone writes a number in its one spelling; what is none stays, and is refused when it is to leave. */
void outgoing_phone(char **handle);

/* lane_write appends the lane of what goes to handle in a conversation (NULL: none): order is kept in it. */
void lane_write(const char *conversation, const char *handle, struct buf *out);

#endif
