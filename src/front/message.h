/*
 * Reads Front's Message object into a struct callback. Pure; inside src/front only.
 * Errors: ERR_INVALID or ERR_LIMIT with one sentence in why.
 */
#ifndef FRONT_MESSAGE_H
#define FRONT_MESSAGE_H

#include "front/callback.h"

MUST_CHECK enum err message_read(struct callback *c, struct jval message, struct buf *why);
/* The external conversation ids of an application channel's envelope. */
MUST_CHECK enum err message_read_conversations(struct callback *c, struct jval metadata, struct buf *why);
/* message_take copies a required string without control characters; what ("The message's id") begins the
 * sentence. */
MUST_CHECK enum err message_take(struct jval v, const char *what, size_t max_bytes, char **out,
                                 struct buf *why);

#endif
