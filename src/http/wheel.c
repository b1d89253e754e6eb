/*
 * Decides which deadlines have passed. Knows neither timers nor connections; time is an argument.
 * Invariant: a node's tick is never before the wheel's, and less than one round after it.
 */
#include "http/wheel.h"
#include <stddef.h>

void wheel_init(struct wheel *w, mono_ms_t now)
{
    *w = (struct wheel){.tick = now / WHEEL_TICK_MS};
}

static struct wheel_node **slot_of(struct wheel *w, int64_t tick)
{
    return &w->slot[tick % WHEEL_SLOTS];
}

static void link_node(struct wheel *w, struct wheel_node *n)
{
    int64_t tick = n->due / WHEEL_TICK_MS + 1;
    if (tick < w->tick)
        tick = w->tick;
    if (tick >= w->tick + WHEEL_SLOTS)
        tick = w->tick + WHEEL_SLOTS - 1;
    struct wheel_node **slot = slot_of(w, tick);
    n->tick = tick;
    n->next = *slot;
    n->prev = slot;
    if (n->next)
        n->next->prev = &n->next;
    *slot = n;
}

void wheel_remove(struct wheel_node *n)
{
    if (!n->prev)
        return;
    *n->prev = n->next;
    if (n->next)
        n->next->prev = n->prev;
    n->prev = NULL;
}

void wheel_set(struct wheel *w, struct wheel_node *n, mono_ms_t due)
{
    n->due = due;
    if (n->prev && wheel_at(n) <= due)
        return;
    wheel_remove(n);
    link_node(w, n);
}

struct wheel_node *wheel_take(struct wheel *w, mono_ms_t now)
{
    int64_t last = now / WHEEL_TICK_MS;
    if (last - w->tick > WHEEL_SLOTS) /* a loop that stood still looks at each slot once */
        last = w->tick + WHEEL_SLOTS;
    for (; w->tick <= last; w->tick++) {
        struct wheel_node *n;
        while ((n = *slot_of(w, w->tick))) {
            wheel_remove(n);
            if (n->due <= now)
                return n;
            link_node(w, n); /* its deadline is ahead, so in another slot */
        }
    }
    return NULL;
}

mono_ms_t wheel_at(const struct wheel_node *n)
{
    return n->tick * WHEEL_TICK_MS;
}

mono_ms_t wheel_next(const struct wheel *w)
{
    for (int64_t t = w->tick; t < w->tick + WHEEL_SLOTS; t++)
        if (w->slot[t % WHEEL_SLOTS])
            return t * WHEEL_TICK_MS;
    return WHEEL_NEVER;
}
