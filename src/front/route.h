/*
 * Whose message is it: an event names inboxes, not channels, and an inbox may hold e-mail beside chat. Pure.
 */
#ifndef FRONT_ROUTE_H
#define FRONT_ROUTE_H

#include "base/clock.h"
#include "front/callback.h"

struct route_place {
    const char *address; /* the channel's handle in Front; NULL: not known */
    const char *type;    /* of the channel; NULL: not known */
};

/* route_is_for says whether a message was sent by the channel: its type and its `from` handle must fit, as far as both
 * are known. is_own_url: the event came to the channel's own URL, where a missing handle is no doubt. */
bool route_is_for(const struct callback *message, const struct route_place *place, bool is_own_url);

/* Messages whose event was emitted so long after they were made were not sent then: somebody imported them. */
enum { ROUTE_IMPORT_MS = 10 * 60 * 1000 };

/* The event that tells of a message, which Front may have sent more than once. */
struct route_telling {
    bool is_sending; /* Front is sending the message by this very event, at the channel's own URL */
    wall_ms_t emitted_at;
    wall_ms_t failed_at; /* the last failure of it that Front has told was emitted; 0: none */
};

/*
 * route_refusal says why a message must not be delivered though it is the channel's; NULL: it may be. An error that the
 * message shows is of an earlier time if Front is sending it now, or has told of the failure before it told of this.
 */
const char *route_refusal(const struct callback *message, const struct route_telling *t, wall_ms_t now,
                          int64_t too_old_ms);

/* route_made_at: when the message was made, by Front; 0: not said. */
wall_ms_t route_made_at(const struct callback *message);

#endif
