/*
 * One schedule of a channel, out, in, or of its history: when to ask the store for what is due, and for how many.
 *
 * Shape: nothing of the backlog is in memory; a queue knows the next due time and whether a claim is under
 * way. It asks again when a message is put, an attempt settles, a credit comes or the time does. Invariant:
 * at most one claim under way; what a claim hands out never exceeds the capacity it was made for.
 */
#ifndef BRIDGE_QUEUE_H
#define BRIDGE_QUEUE_H

#include "store/claim.h"

struct channel;
struct bridge;

enum queue_way { WAY_OUT, WAY_IN, WAY_HISTORY, WAY_N };

struct queue {
    struct channel *channel;
    enum queue_way way;
    enum message_direction direction;
    struct store_claim claim;
    bool is_open; /* what an earlier process left open is settled: attempts and fetches may begin */
    bool is_claiming, is_kicked;
    wall_ms_t next_due; /* of a head, as far as we know; INT64_MAX: nothing waits */
    unsigned in_flight; /* attempts that are open */
    unsigned looking_n; /* of these: inbound ones that are being looked for in Front, which may have them */
};

void queue_init(struct queue *q, struct channel *ch, enum queue_way way);
/* queue_due says that something is due at `at`, or may be. */
void queue_due(struct queue *q, wall_ms_t at);
/* queue_promoted says that a follower has become a head: it is due, or its time was over while it waited. */
void queue_promoted(struct queue *q, wall_ms_t now);
/* queue_again says that an attempt has put its message back: it is due again, and may expire before. */
void queue_again(struct queue *q, const struct store_settle *s);
/* queue_kick claims what is due, as far as there is capacity. */
void queue_kick(struct queue *q);
/* queue_tick kicks every queue of the bridge and sets its one timer. */
void queue_tick(struct bridge *b);

#endif
