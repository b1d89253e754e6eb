/*
 * The bridge: everything between Front's callbacks and the backends, and the way back.
 *
 *   outbound   intake → reception → store → queue → delivery → host … attempt → store → reception → Front
 *   inbound    host → receive → store → queue → relay → Front … attempt → store
 *
 * Shape: a bridge has accounts (a Front client each) and channels (a host and two queues each). Each file of
 * this directory is one station of a message's way. Thread: the loop's, which must be the main thread.
 */
#ifndef BRIDGE_BRIDGE_H
#define BRIDGE_BRIDGE_H

#include "base/buf.h"
#include "base/config.h"
#include "base/err.h"
#include "bridge/preflight.h"
#include <event2/event.h>

struct bridge;

/*
 * bridge_open opens the store, binds the public listener and starts the hosts. config must outlive it,
 * preflight only the call. On error why holds one sentence.
 */
MUST_CHECK enum err bridge_open(struct bridge **out, struct event_base *base, const struct config *config,
                                const struct preflight *preflight, struct buf *why);
/* bridge_stop takes nothing new, answers what it holds, gives attempts in flight five seconds, then calls
 * on_stopped. The backlog stays. */
void bridge_stop(struct bridge *b, void (*on_stopped)(void *arg), void *arg);
void bridge_close(struct bridge *b);

/* bridge_requeued says that an operator has changed messages: some may be due now. */
void bridge_requeued(struct bridge *b);
/* bridge_imported says that lines of history were stored for this channel. */
void bridge_imported(struct bridge *b, struct span channel);
/* bridge_reload reads the certificate of the public listener again; on error the old one stays. */
MUST_CHECK enum err bridge_reload(struct bridge *b, struct buf *why);
unsigned bridge_port(const struct bridge *b); /* of the public listener */
/* bridge_is_ready says whether the store is writable and the listeners are bound; why takes what is missing.
 */
bool bridge_is_ready(const struct bridge *b, struct buf *why);

#endif
