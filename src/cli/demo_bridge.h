/*
 * A bridge of the demo's own: a temporary folder with a configuration, and the real program as a child
 * process.
 *
 * Owns: the folder and the process; demo_bridge_stop ends and removes both. Thread: the loop's only.
 */
#ifndef CLI_DEMO_BRIDGE_H
#define CLI_DEMO_BRIDGE_H

#include "base/buf.h"
#include "base/err.h"
#include <event2/event.h>

struct demo_bridge;

struct demo_bridge_options {
    unsigned front_port; /* where the simulator and its chat listen */
    const char *app_uid, *app_secret, *chat_secret;
};

/* What on_ready is told: both ports, or why there are none (one sentence). Later, if the bridge ends by
 * itself, on_ready is called once more with why. */
struct demo_bridge_state {
    unsigned port, admin_port;
    const char *why; /* NULL: it is ready */
};
typedef void demo_ready_fn(void *arg, const struct demo_bridge_state *state);

/* demo_bridge_start makes the folder and starts the process. ERR_IO: why holds one sentence. */
MUST_CHECK enum err demo_bridge_start(struct event_base *base, const struct demo_bridge_options *o,
                                      demo_ready_fn *on_ready, void *arg, struct demo_bridge **out,
                                      struct buf *why);
const char *demo_bridge_folder(const struct demo_bridge *b);
void demo_bridge_stop(struct demo_bridge *b); /* NULL is fine; waits for the process */

#endif
