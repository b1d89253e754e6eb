/*
 * A customer's message on its way to Front: checked at acceptance, and made into the body of a call when it
 * is relayed. Pure; fuzzed.
 *
 * Whatever the backend sent, Front is posted HTML that we wrote ourselves: plain text escaped with its line
 * breaks, Markdown rendered, HTML rebuilt from an allow-list. Our id goes with every message
 * (metadata.headers, metadata.external_id), so that one whose answer was lost can be found again.
 */
#ifndef FRONT_INCOMING_H
#define FRONT_INCOMING_H

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

enum {
    INCOMING_ID_MAX = 1024,
    INCOMING_HANDLE_MAX = 512,
    INCOMING_SUBJECT_MAX = 1024,
    INCOMING_TEXT_MAX = 512 << 10,
    INCOMING_MARKDOWN_MAX =
        64 << 10, /* libcmark 0.30.2 needs 0.1 s for the worst of these, but 9 s for 512 KiB */
};

/* incoming_check: ERR_INVALID or ERR_LIMIT, and why says what is wrong with an inbound object of the wire in
 * a few words. */
MUST_CHECK enum err incoming_check(struct span wire, struct buf *why);

struct incoming {
    struct span wire;       /* as accepted */
    const char *id;         /* ours */
    const char *thread_ref; /* see front/thread.h */
};

/* The body of POST /channels/{id}/incoming_messages. out is sticky: look at is_over. */
MUST_CHECK enum err incoming_custom(const struct incoming *in, struct buf *out, struct buf *why);
/* The body of POST /channels/{id}/inbound_messages. */
MUST_CHECK enum err incoming_application(const struct incoming *in, struct buf *out, struct buf *why);

/* The message_uid of Front's 202. json may be NULL: ERR_INVALID, as when it is not there. */
MUST_CHECK enum err incoming_uid(const struct json *json, struct buf *uid);
/* The conversation's id in a message resource. */
MUST_CHECK enum err incoming_conversation(const struct json *json, struct buf *id);

#endif
