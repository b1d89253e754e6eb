/*
 * Fetching files: what Front attached to a message, and what a backend's message names by URL, into the store's directory.
 *
 * Shape: one fetcher for each queue of a channel; the store hands out what is due, a few at a time, and hears how each
 * ended. Invariant: bytes that are not complete, synced and as announced are never named by the store; a process that dies in
 * the middle leaves a file that nobody names, which is removed at the next start.
 */
#ifndef BRIDGE_FETCH_H
#define BRIDGE_FETCH_H

#include "bridge/channel.h"

struct fetcher *fetcher_new(struct queue *q);
/* Calls under way are cancelled, and what they wrote is left for the next start. */
void fetcher_close(struct fetcher *f);
void fetcher_free(struct fetcher *f);
/* fetcher_soon says that a file may be wanted now. */
void fetcher_soon(struct fetcher *f);

#endif
