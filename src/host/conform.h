/*
 * The conformance suite: does an adapter keep the promises of front_bridge/channel.h? It runs the adapter in
 * a real host against a scripted bridge side and reports one line for each promise. A crash breaks the promise
 * under test alone: the next one gets a process of its own. Where nothing was delivered a promise about deliveries is
 * not kept but skipped: it was not seen. Landlock hides nothing from it.
 */
#ifndef HOST_CONFORM_H
#define HOST_CONFORM_H

#include "base/buf.h"
#include <stdbool.h>
#include <stdint.h>

enum conform_result { CONFORM_KEPT, CONFORM_BROKEN, CONFORM_SKIPPED };

struct conform_options {
    const char *adapter_path;
    struct span settings; /* as struct host_options wants them */
    int64_t attempt_ms;   /* deadline of each call; 0: 10 s */
    unsigned repeat;      /* messages for the search for leaks, twice; 0: 100 */
    const char *token;    /* a secret for the webhook's Authorization header, or NULL */
    /* What the adapter logs, a line each, borrowed; or NULL. */
    void (*on_line)(const char *text, void *arg);
    unsigned *delivered_n; /* counts what was delivered; or NULL */
};

/* promise: a few words; text: what was seen, "" if there is nothing to say. Borrowed. */
typedef void conform_report_fn(enum conform_result result, const char *promise, const char *text, void *arg);

/* conform_run blocks until the suite has ended; true if no promise is broken. */
bool conform_run(const struct conform_options *o, conform_report_fn *report, void *arg);

#endif
