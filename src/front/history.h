/*
 * A line of history: a message of the past on its way to Front. Read when it is imported, made into the body of a call
 * when its turn comes. Pure; fuzzed.
 *
 * Shape: an inbound object of the wire (incoming.h) in which `id` and `created_at` must be, whose files have URLs, and that may
 * say `archived`, `skip_rules` and `tags`. In an inbox Front takes it once for each external_id, which is the line's own id.
 */
#ifndef FRONT_HISTORY_H
#define FRONT_HISTORY_H

#include "base/config.h"
#include "front/enclosure.h"
#include "front/incoming.h"

enum {
    HISTORY_LINE_MAX = 4 << 20, /* 512 KiB of text, each byte escaped */
    HISTORY_TAGS_MAX = 20,
    HISTORY_TAG_MAX = 200,
};

/* The parts by which a line is stored. */
struct history {
    struct buf id, customer, conversation, reply_to; /* the last two: empty if the line says none */
    struct buf spelling;      /* as the backend writes the customer's number, after history_phone */
    struct enclosures *files; /* NULL: none */
};

/*
 * history_read checks a line and takes its parts out. ERR_INVALID or ERR_LIMIT, and why says in a few words what is wrong
 * with it. now: nothing of the past is later. Always call history_fini.
 */
MUST_CHECK enum err history_read(struct history *h, struct span line, enum channel_kind kind, wall_ms_t now,
                                 struct buf *why);
/* history_phone gives the customer the one spelling of its phone number, and keeps the one it had. ERR_INVALID, and why, if it is none. */
MUST_CHECK enum err history_phone(struct history *h, struct buf *why);
void history_fini(struct history *h);

/* history_time reads created_at: Unix seconds, or ISO 8601 with its zone. */
MUST_CHECK enum err history_time(struct jval v, wall_ms_t *at);

/*
 * The bodies of calls; out is sticky: look at is_over. in->wire is the line.
 * Custom channels: POST /inboxes/{id}/imported_messages, in in->conversation if that is known, else in a thread of
 * history alone. Application channels: POST /channels/{id}/inbound_messages or outbound_messages, by
 * incoming_is_from_agent, in the thread of the live messages.
 */
MUST_CHECK enum err history_custom(const struct incoming *in, struct buf *out, struct buf *why);
MUST_CHECK enum err history_application(const struct incoming *in, struct buf *out, struct buf *why);

#endif
