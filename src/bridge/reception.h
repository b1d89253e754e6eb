/*
 * Receptions: callbacks of Front that carry a message, from the first byte to their one answer.
 *
 * Shape: a reception has a part for each recipient. It is put, then held until no part is open, or until the
 * promised time is over; then it is answered, once. What happens to the messages later is not its business.
 * Invariant: success is answered only for what is committed. After an error was answered, none of its
 * messages is sent: what was not committed is abandoned, what was is cancelled.
 */
#ifndef BRIDGE_RECEPTION_H
#define BRIDGE_RECEPTION_H

#include "bridge/channel.h"

struct receptions *receptions_new(void);
void receptions_free(struct receptions *all); /* connections of what is still held are closed */
unsigned receptions_n(const struct receptions *all);

/* reception_start takes *c (decoded, with a message; set to NULL) and answers x. */
void reception_start(struct channel *ch, struct http_exchange *x, struct callback **c);

/* receptions_tell says whether a refusal of message id would be the very answer that its sender waits for. */
bool receptions_tell(const struct bridge *b, int64_t id);
/* receptions_deny says whether an error was or is being answered for message id: it must not be sent. */
bool receptions_deny(const struct bridge *b, int64_t id);
/* receptions_settled tells that message id is in this state now, durably. */
void receptions_settled(struct bridge *b, int64_t id, enum message_state s, int code, struct span reason);
/* receptions_stop answers all that is held as if its time were over. */
void receptions_stop(struct bridge *b);

#endif
