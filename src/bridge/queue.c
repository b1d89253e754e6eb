/*
 * Claims. Decides when to ask the store and for how many; what is due, and in which order, is the store's to
 * know.
 */
#include "bridge/queue.h"
#include "base/mem.h"
#include "bridge/channel.h"
#include "bridge/delivery.h"
#include "bridge/keeper.h"
#include "bridge/relay.h"

enum {
    CLAIM_MAX = 64,        /* messages of one claim: bounds the memory of a turn */
    FAILED_AGAIN_MS = 500, /* after a claim that the store could not answer */
};

/* What differs between the ways. */
static const struct {
    enum message_direction direction;
    unsigned (*capacity)(const struct channel *ch, mono_ms_t now);
    int64_t (*wait_ms)(const struct channel *ch,
                       mono_ms_t now); /* until a probe may go; -1: nothing to wait for */
    void (*start)(struct channel *ch, struct store_message *m);
} ways[WAY_N] = {
    [WAY_OUT] = {MESSAGE_OUT, delivery_capacity, delivery_wait_ms, delivery_start},
    [WAY_IN] = {MESSAGE_IN, relay_capacity, relay_wait_ms, relay_start},
    [WAY_HISTORY] = {MESSAGE_IN, relay_history_capacity, relay_history_wait_ms, relay_start},
};

static void on_claimed(struct store_op *op);

void queue_init(struct queue *q, struct channel *ch, enum queue_way way)
{
    *q = (struct queue){.channel = ch, .way = way, .direction = ways[way].direction};
    q->claim.op.on_done = on_claimed;
}

void queue_due(struct queue *q, wall_ms_t at)
{
    if (at < q->next_due)
        q->next_due = at;
}

void queue_promoted(struct queue *q, wall_ms_t now)
{
    queue_due(q, now);
    keeper_expiry(q->channel->bridge->keeper, now);
}

void queue_again(struct queue *q, const struct store_settle *s)
{
    queue_due(q, s->due_at);
    keeper_expiry(q->channel->bridge->keeper, s->expires_at ? s->expires_at : s->now);
}

static struct bridge *bridge_of(const struct queue *q)
{
    return q->channel->bridge;
}

/* Until q is worth another look; INT64_MAX: whatever makes room for it kicks it. */
static int64_t wait_of(const struct queue *q, wall_ms_t now, mono_ms_t mono)
{
    if (q->next_due == INT64_MAX || q->is_claiming || !q->is_open)
        return INT64_MAX;
    int64_t probe = ways[q->way].wait_ms(q->channel, mono), due = q->next_due - now;
    int64_t wait = due > probe ? due : probe;
    if (wait > 0)
        return wait;
    return ways[q->way].capacity(q->channel, mono) > 0 ? 0 : INT64_MAX;
}

static void set_timer(struct bridge *b)
{
    wall_ms_t now = clock_wall_ms();
    mono_ms_t mono = clock_mono_ms();
    int64_t wait = INT64_MAX;

    if (b->is_stopping)
        return; /* the timer is off, and hosts and clients may be gone */
    for (size_t i = 0; i < b->config->channel_n; i++) {
        for (enum queue_way w = 0; w < WAY_N; w++) {
            int64_t own = wait_of(channel_queue(&b->channel[i], w), now, mono);
            wait = own < wait ? own : wait;
        }
    }
    if (wait == INT64_MAX)
        event_del(b->schedule);
    else
        event_add(b->schedule, &(struct timeval){.tv_sec = wait / 1000, .tv_usec = wait % 1000 * 1000});
}

static bool claim(struct queue *q)
{
    struct channel *ch = q->channel;
    wall_ms_t now = clock_wall_ms();

    if (!q->is_open || q->is_claiming || bridge_of(q)->is_stopping || q->next_due > now)
        return false;
    unsigned capacity = ways[q->way].capacity(ch, clock_mono_ms());
    if (capacity == 0)
        return false;
    q->is_claiming = true;
    q->is_kicked = false;
    q->next_due = INT64_MAX; /* what comes while the claim runs lowers it again */
    q->claim.direction = q->direction;
    q->claim.channel = q->way == WAY_HISTORY ? ch->history_name : ch->config->name;
    q->claim.now = now;
    q->claim.max = capacity < CLAIM_MAX ? capacity : CLAIM_MAX;
    q->claim.only_suspects_first = q->direction == MESSAGE_OUT && ch->has_suspects;
    store_post_claim(bridge_of(q)->store, &q->claim);
    return true;
}

void queue_kick(struct queue *q)
{
    if (q->is_claiming)
        q->is_kicked = true;
    else if (!claim(q))
        set_timer(bridge_of(q));
}

static void on_claimed(struct store_op *op)
{
    struct queue *q = container_of(op, struct queue, claim.op);
    struct channel *ch = q->channel;

    q->is_claiming = false;
    if (op->result != OK) {
        queue_due(q, clock_wall_ms() + FAILED_AGAIN_MS);
    } else {
        queue_due(q, q->claim.next_due);
        if (q->claim.only_suspects_first && (q->claim.message_n == 0 || !q->claim.message[0].is_suspect))
            ch->has_suspects = false;
        for (unsigned i = 0; i < q->claim.message_n; i++)
            ways[q->way].start(ch, &q->claim.message[i]);
        store_claim_fini(&q->claim);
    }
    if (!claim(q))
        set_timer(bridge_of(q));
}

void queue_tick(struct bridge *b)
{
    wall_ms_t now = clock_wall_ms();
    bool was_set_back = now < b->ticked_at; /* what we know of due times is worth nothing */

    b->ticked_at = now;
    for (size_t i = 0; i < b->config->channel_n; i++) {
        for (enum queue_way w = 0; w < WAY_N; w++) {
            struct queue *q = channel_queue(&b->channel[i], w);
            if (was_set_back)
                queue_due(q, now);
            claim(q);
        }
    }
    set_timer(b);
}
