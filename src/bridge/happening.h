/*
 * One event, from its hand-out to its end: what is missing is asked of Front, then the type's act is done.
 *
 * Acts: outbound and out_reply are delivered; sending_error and message_bounce_error take back what is open and tell the
 * adapter; inbound proves our own posts; conversations_merged moves threads; what an adapter has asked for it hears.
 * Invariant: a happening ends exactly once, by happening's own end, later or drop.
 */
#ifndef BRIDGE_HAPPENING_H
#define BRIDGE_HAPPENING_H

#include "bridge/events.h"

/* happening_start takes what *event owns, and empties it. */
void happening_start(struct eventer *e, struct store_event *event);

#endif
