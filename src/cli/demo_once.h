/*
 * The demo's proof: one message each way through the real processes, told as a timeline.
 *
 * Shape: demo_once_start sends; demo_once_observe is the simulator's observer and sees everything that
 * happens; on_over is called once, when both have arrived and were checked, when something is wrong, or when
 * the time is up.
 */
#ifndef CLI_DEMO_ONCE_H
#define CLI_DEMO_ONCE_H

#include "base/buf.h"
#include "sim/sim.h"
#include <event2/event.h>
#include <stdbool.h>

struct demo_once;

typedef void demo_over_fn(void *arg);

struct demo_once *demo_once_start(struct event_base *base, struct sim *s, demo_over_fn *on_over, void *arg);
void demo_once_free(struct demo_once *d);
bool demo_once_is_fine(const struct demo_once *d);
/* The timeline, for people or as JSON. */
void demo_once_text(const struct demo_once *d, struct buf *out);
void demo_once_json(const struct demo_once *d, struct buf *out);

#endif
