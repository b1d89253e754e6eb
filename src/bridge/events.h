/*
 * Events of Front at work: stored before they are answered, then acted on one after the other in each
 * conversation.
 *
 *   callback or webhook → events_take → store … eventer → happening → store (a delivery, a notice, a proof …)
 *
 * Shape: one eventer an account; nothing of what waits is in memory but what is being acted on. Invariant: an event is
 * ended in the store only after what was made of it is durable there; a crash in between acts again, on keys that are
 * known by then. Thread: the loop's.
 */
#ifndef BRIDGE_EVENTS_H
#define BRIDGE_EVENTS_H

#include "bridge/channel.h"

struct eventer *eventer_new(struct account *a);
void eventer_free(struct eventer *e); /* after the store was closed */

/* events_recall asks the store which channels have had messages by events at their own URL. */
void events_recall(struct bridge *b);

/* channel_knows_source says whether channel_takes_events is known yet; it is soon after the start. */
bool channel_knows_source(const struct channel *ch);
/* channel_takes_events says whether messages that events tell of are delivered there: `source`. */
bool channel_takes_events(const struct channel *ch);

/* events_take stores the event of a callback and then answers x. via: the channel whose own URL it came to, or NULL. */
void events_take(struct account *a, struct channel *via, struct http_exchange *x, const struct callback *c);

/* eventer_soon says that something may be due. */
void eventer_soon(struct eventer *e);
/* eventer_tick asks the store for what is due, when it is. */
void eventer_tick(struct eventer *e, wall_ms_t now);

/* For the happening alone: it is over, and gone. */
void eventer_ended(struct eventer *e, int64_t id);
struct account *eventer_account(const struct eventer *e);
/* eventer_tried_since says since when an event has been tried: by this process, for what was not up, or what Front did not
 * show, may have been its predecessor. */
wall_ms_t eventer_tried_since(const struct eventer *e, const struct store_event *event);

/* What the store keeps of an event beside its body, copied for as long as a put is under way. */
struct event_words {
    char *event_id, *type, *lane, *about;
};
/* event_words_put copies them and points p at the copies. */
void event_words_put(struct event_words *w, const struct front_event *e, struct store_event_put *p);
void event_words_fini(struct event_words *w);
/* events_lane: the key under which events of one conversation are kept in order. */
struct span events_lane(const struct front_event *e);

#endif
