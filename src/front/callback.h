/*
 * What Front sends, told apart by shape and never by guess. Pure; fuzzed.
 *
 * Shapes (one table in callback.c): a Message object (custom channels), an event (preview or full, decided
 * per part), an application channel's envelope, an application webhook's envelope. Anything else is no
 * callback. Nothing here is believed beyond its shape: links yield ids only, hosts are ignored. Owns: struct
 * callback borrows the body, which must outlive it, and owns what it decoded; it must not be copied or moved.
 */
#ifndef FRONT_CALLBACK_H
#define FRONT_CALLBACK_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "front/event.h"
#include "front/link.h"
#include <stdbool.h>

enum callback_shape {
    CALLBACK_NONE = 0,
    CALLBACK_MESSAGE,        /* shape 1: the Message object itself */
    CALLBACK_EVENT,          /* shapes 2 and 3 */
    CALLBACK_APP_MESSAGE,    /* shape 4: message */
    CALLBACK_APP_AUTO_REPLY, /* shape 4: message_autoreply; its id is made from message_replied_to */
    CALLBACK_APP_AUTHORIZATION,
    CALLBACK_APP_ADDRESSES,
    CALLBACK_APP_IMPORTED,
    CALLBACK_APP_DELETE,
    CALLBACK_WEBHOOK, /* shape 5: an event in an envelope */
    CALLBACK_SYNC,    /* shape 5: the handshake */
};
const char *callback_shape_name(enum callback_shape s); /* for metrics: "message", "app_message", … */

enum {
    CALLBACK_ID_MAX = 200,
    CALLBACK_RECIPIENTS_MAX = 100,
    CALLBACK_CONVERSATIONS_MAX = 32,
    CALLBACK_HANDLE_MAX = 512,
    CALLBACK_ATTACHMENTS_MAX = 100
};

struct callback_recipient {
    char *handle, *name;
};

struct callback {
    enum callback_shape shape;
    struct json doc;
    struct jval message; /* the Message object, for shapes that carry one */
    char *message_id;
    struct jval event;       /* the event as it came, for shapes that carry one */
    struct front_event what; /* and what was read of it */
    char *conversation_id; /* Front's cnv_…, from the last segment of _links.related.conversation; NULL if not
                              there */
    char *from_handle;     /* the channel's own address; NULL if not there */
    char *in_reply_to;     /* metadata.headers.in_reply_to; NULL if not there */
    char *replied_to; /* Front's msg_… of the message that it answers, from _links; NULL if not there */
    struct callback_recipient to[CALLBACK_RECIPIENTS_MAX];
    unsigned to_n;
    char *external_conversation[CALLBACK_CONVERSATIONS_MAX]; /* application channels: any of them may be
                                                                answered */
    unsigned external_conversation_n;
    unsigned foreign_link_n; /* links to hosts other than Front's: counted, never contacted */
};

/*
 * callback_decode reads body. On ERR_INVALID or ERR_LIMIT why holds one plain sentence for the answer, such
 * as "The body is not JSON: a comma is missing at byte 12." and shape is set as far as it was recognised.
 * Always call callback_fini after it.
 */
MUST_CHECK enum err callback_decode(struct callback *c, struct span body, struct buf *why);
void callback_fini(struct callback *c);
/* callback_of_message reads a Message object that did not come as a callback but by an event, whose id it keeps. Always
 * call callback_fini after it. */
MUST_CHECK enum err callback_of_message(struct callback *c, struct span message, struct span event_id,
                                        struct buf *why);

/*
 * callback_delivery writes the part of a delivery (wire form, README "The http wire") that is known at
 * acceptance: everything but id, attempt, channel, conversation_id and in_reply_to, which delivery_complete adds when
 * an attempt leaves.
 */
void callback_delivery(const struct callback *c, unsigned recipient, wall_ms_t now, struct buf *out);

/* delivery_is_same compares what two of these say: subject, text and files, but not when, by whom or by which event. Thread:
 * any. */
bool delivery_is_same(struct span a, struct span b);

struct delivery_head {
    const char *id; /* the idempotency key */
    const char *channel;
    uint32_t attempt;
    struct span conversation_id; /* the backend's; absent: unknown */
    struct span handle;          /* the recipient's, as the backend writes it; absent: as it is stored */
    struct span in_reply_to;     /* the backend's id of what this answers; absent: nothing, or unknown */
};
/* Each joins the head and a stored body into the wire form that goes to the adapter; a notice has no attempt and names
 * its own type. */
void delivery_complete(const struct delivery_head *h, struct span stored, struct buf *out);
void notice_complete(const struct delivery_head *h, struct span stored, struct buf *out);

#endif
