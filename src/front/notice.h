/*
 * Notices: what an adapter hears of an event, in the wire form (README, "The http wire"). Pure.
 */
#ifndef FRONT_NOTICE_H
#define FRONT_NOTICE_H

#include "base/buf.h"
#include "front/event.h"

struct notice {
    const struct front_event *event;
    const char *message_id;           /* of the target, if it is a message; else NULL */
    struct span handle, name, reason; /* of failures; absent: not known */
};

/* notice_write writes all but the id and the channel, which notice_complete (callback.h) adds when it leaves. */
void notice_write(const struct notice *n, struct buf *out);

/* What a failure says of itself, where Front says it: the recipient's handle, and the kind of error. */
void notice_read_failure(const struct front_event *e, struct buf *handle, struct buf *reason);

#endif
