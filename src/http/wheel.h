/*
 * Deadlines of many connections behind one timer.
 *
 * Shape: a wheel of slots of 100 ms; a node waits in the slot of its deadline, or in an earlier one.
 * Invariant: moving a deadline later only writes a number; the node moves when its slot comes round. So what
 * a keep-alive connection does on every request costs nothing.
 * Cost: every operation is O(1), wheel_next at most one round of slots.
 */
#ifndef HTTP_WHEEL_H
#define HTTP_WHEEL_H

#include "base/clock.h"
#include <stdbool.h>

enum { WHEEL_TICK_MS = 100, WHEEL_SLOTS = 1024 };
#define WHEEL_NEVER (INT64_MAX / 2)

struct wheel_node {
    struct wheel_node *next, **prev; /* prev is NULL outside the wheel */
    mono_ms_t due;
    int64_t tick;
};

struct wheel {
    struct wheel_node *slot[WHEEL_SLOTS];
    int64_t tick; /* all before it are empty */
};

void wheel_init(struct wheel *w, mono_ms_t now);
void wheel_set(struct wheel *w, struct wheel_node *n, mono_ms_t due);
void wheel_remove(struct wheel_node *n);
/* wheel_take removes and returns a node that is due, or NULL: call it until it gives NULL. */
struct wheel_node *wheel_take(struct wheel *w, mono_ms_t now);
/* wheel_at says when a node is looked at next; never before its deadline, and less than 200 ms after. */
mono_ms_t wheel_at(const struct wheel_node *n);
/* wheel_next says when wheel_take is worth calling; WHEEL_NEVER for an empty wheel. */
mono_ms_t wheel_next(const struct wheel *w);

#endif
