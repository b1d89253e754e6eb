/*
 * One timer a second, and nothing done unless it is due. Each of its operations is one struct, so that none
 * is ever posted twice at a time.
 */
#include "bridge/keeper.h"
#include "bridge/fetch.h"
#include "base/log.h"
#include "base/mem.h"
#include "bridge/attempt.h"
#include "bridge/life.h"
#include "bridge/catch_up.h"
#include "bridge/events.h"
#include "bridge/presence.h"
#include "bridge/reception.h"
#include "bridge/report.h"
#include "bridge/staging.h"
#include "front/incoming.h"
#include "store/expire.h"
#include "store/files.h"
#include "store/map.h"
#include <stdlib.h>

enum {
    TICK_MS = 1000,
    PRUNE_EVERY_MS = 60 * 1000,
    LEARN_FIRST_MS = 300, /* Front answers 202 before the message exists */
    LEARN_AGAIN_MS = 2000,
    LEARN_TRIES_MAX = 30,
    RETRY_MS = 1000, /* after a store failure */
};

/* Learning of one channel; see store/map.h. */
struct learner {
    struct channel *channel;
    struct store_learn op;
    bool is_posted;
    wall_ms_t next_at;
    unsigned call_n;
};

struct lesson {
    struct channel *channel;
    struct front_call *call;
    struct store_learnt op;
    unsigned tries;
    char *conversation;
};

/* The attempts that a dead process left open, queue by queue. */
struct orphanage {
    struct keeper *keeper;
    struct queue *queue;
    struct store_orphans op;
};

struct keeper {
    struct bridge *bridge;
    struct event *tick;
    struct store_expire expire;
    struct store_prune prune;
    bool is_expiring, is_pruning, is_stopped;
    wall_ms_t expire_at, prune_at;
    unsigned lesson_n, orphanage_n;
    struct learner *learner;
    struct orphanage *orphanage;
};

static void on_tick(evutil_socket_t fd, short what, void *arg);
static void on_expired(struct store_op *op);
static void on_pruned(struct store_op *op);
static void on_learn(struct store_op *op);
static void on_orphans(struct store_op *op);

struct keeper *keeper_new(struct bridge *b)
{
    struct keeper *k = mem_zalloc(sizeof *k);
    size_t n = b->config->channel_n;

    k->bridge = b;
    k->tick = event_new(b->base, -1, EV_PERSIST, on_tick, k);
    must(k->tick);
    k->expire.op.on_done = on_expired;
    k->prune.op.on_done = on_pruned;
    k->learner = mem_calloc(n, sizeof *k->learner);
    k->orphanage = mem_calloc(WAY_N * n, sizeof *k->orphanage);
    for (size_t i = 0; i < n; i++) {
        struct channel *ch = &b->channel[i];
        ch->learner = &k->learner[i];
        *ch->learner =
            (struct learner){.channel = ch, .op.op.on_done = on_learn, .op.channel = ch->config->name};
        for (enum queue_way w = 0; w < WAY_N; w++)
            k->orphanage[WAY_N * i + w] = (struct orphanage){.keeper = k, .queue = channel_queue(ch, w)};
    }
    return k;
}

void keeper_free(struct keeper *k)
{
    if (!k)
        return;
    event_free(k->tick);
    free(k->learner);
    free(k->orphanage);
    free(k);
}

void keeper_stop(struct keeper *k)
{
    k->is_stopped = true;
    event_del(k->tick);
}

bool keeper_is_idle(const struct keeper *k)
{
    return k->lesson_n == 0 && !k->is_expiring && !k->is_pruning;
}

/* ---- At the start ---- */

void keeper_start(struct keeper *k)
{
    struct bridge *b = k->bridge;
    struct timeval tv = clock_tv(TICK_MS);

    event_add(k->tick, &tv);
    for (size_t i = 0; i < WAY_N * b->config->channel_n; i++) {
        struct orphanage *o = &k->orphanage[i];
        const struct channel *ch = o->queue->channel;
        o->op.op.on_done = on_orphans;
        o->op.direction = o->queue->direction;
        o->op.channel = o->queue->way == WAY_HISTORY ? ch->history_name : ch->config->name;
        o->op.is_resent = channel_may_resend(ch, o->op.direction);
        o->op.now = clock_wall_ms();
        k->orphanage_n++;
        store_post_orphans(b->store, &o->op);
    }
}

static void on_orphans(struct store_op *op)
{
    struct orphanage *o = container_of(op, struct orphanage, op.op);
    struct channel *ch = o->queue->channel;

    o->keeper->orphanage_n--;
    if (o->op.message_n > 0)
        log_warn("open_at_start", LOG_STR("channel", o->op.channel),
                 LOG_STR("direction", message_direction_name(o->op.direction)),
                 LOG_I64("messages", o->op.message_n),
                 LOG_STR("now", o->op.is_resent ? "queued" : "unknown"));
    if (o->op.direction == MESSAGE_OUT)
        ch->has_suspects = true; /* these, or of an earlier crash: the first claim says if there are none */
    o->queue->is_open = true;
    queue_kick(o->queue);
    fetcher_soon(ch->fetch[o->queue->way]);
}

/* ---- Expiry and pruning ---- */

void keeper_expiry(struct keeper *k, wall_ms_t at)
{
    if (at < k->expire_at)
        k->expire_at = at;
}

static void log_expired(struct keeper *k, const struct store_expired *e)
{
    char id[STORE_ID_BYTES];
    struct channel *ch = bridge_channel(k->bridge, span_of(e->channel));

    store_id_format(k->bridge->store, e->id, id);
    log_warn("dead", LOG_STR("channel", e->channel),
             LOG_STR("direction", message_direction_name(e->direction)), LOG_STR("id", id),
             LOG_STR("reason", e->is_too_old ? "too old" : "gave up"));
    if (ch && e->direction == MESSAGE_OUT && e->kind == KIND_MESSAGE) {
        ch->stats.late_failures++;
        reporter_soon(ch->reporter);
        receptions_settled(k->bridge, e->id, MESSAGE_DEAD, 0,
                           SPAN_LIT("The message could not be delivered in time."));
    }
}

static void post_expire(struct keeper *k, wall_ms_t now)
{
    k->is_expiring = true;
    k->expire_at = INT64_MAX;
    k->expire.now = now;
    store_post_expire(k->bridge->store, &k->expire);
}

static void on_expired(struct store_op *op)
{
    struct keeper *k = container_of(op, struct keeper, expire.op);

    k->is_expiring = false;
    if (op->result != OK) {
        keeper_expiry(k, clock_wall_ms() + RETRY_MS);
        return;
    }
    for (unsigned i = 0; i < k->expire.expired_n; i++)
        log_expired(k, &k->expire.expired[i]);
    keeper_expiry(k, k->expire.next_at);
    if (k->expire.expired_n > 0)
        bridge_requeued(k->bridge); /* followers were promoted */
    if (k->expire.is_more && !k->is_stopped)
        post_expire(k, clock_wall_ms());
}

static void post_prune(struct keeper *k, wall_ms_t now)
{
    const struct config *c = k->bridge->config;

    k->is_pruning = true;
    k->prune_at = now + PRUNE_EVERY_MS;
    k->prune.bodies_before = now - c->retention_bodies_ms;
    k->prune.keys_before = now - c->retention_keys_ms;
    k->prune.files_before = now - c->retention_files_ms;
    store_post_prune(k->bridge->store, &k->prune);
}

static void on_pruned(struct store_op *op)
{
    struct keeper *k = container_of(op, struct keeper, prune.op);

    k->is_pruning = false;
    for (unsigned i = 0; op->result == OK && k->bridge->files && i < k->prune.dropped_n; i++)
        files_remove(k->bridge->files, k->prune.dropped[i]);
    store_prune_fini(&k->prune);
    if (op->result == OK && k->prune.is_more)
        k->prune_at = 0; /* the next tick: pruning never keeps the store busy */
}

/* ---- Learning ---- */

void keeper_learn_soon(struct channel *ch)
{
    wall_ms_t at = clock_wall_ms() + LEARN_FIRST_MS;

    if (at < ch->learner->next_at)
        ch->learner->next_at = at;
}

static void lesson_free(struct lesson *l)
{
    l->channel->bridge->keeper->lesson_n--;
    free(l->conversation);
    free(l);
}

static void on_learnt(struct store_op *op)
{
    struct lesson *l = container_of(op, struct lesson, op.op);

    if (op->result == OK && l->conversation)
        log_info("thread_learnt", LOG_STR("channel", l->channel->config->name),
                 LOG_STR("conversation", l->conversation));
    lesson_free(l);
}

static void on_resource(const struct front_result *r, void *arg)
{
    struct lesson *l = arg;
    struct buf id;

    buf_init(&id, CALLBACK_ID_MAX);
    if (r->class == FRONT_CALL_OK && incoming_conversation(r->json, &id) == OK)
        l->conversation = buf_take(&id, NULL);
    buf_fini(&id);
    if (!l->conversation && l->tries < LEARN_TRIES_MAX) {
        lesson_free(l); /* the store has put it off, and will hand it out again */
        return;
    }
    l->op.op.on_done = on_learnt;
    l->op.conversation = span_of(l->conversation);
    l->op.now = clock_wall_ms();
    store_post_learnt(l->channel->bridge->store, &l->op);
}

static void ask(struct channel *ch, const struct store_lesson *given)
{
    struct lesson *l = mem_zalloc(sizeof *l);
    struct buf path;

    l->channel = ch;
    l->op.thread_id = given->thread_id;
    l->tries = given->tries;
    ch->bridge->keeper->lesson_n++;
    buf_init(&path, 1024);
    front_path(&path, "/messages/alt:uid:%s", given->message_uid);
    l->call = staging_call(ch,
                           &(struct front_request){.name = "message",
                                                   .lane = RATE_RESOLVE,
                                                   .auth = FRONT_AUTH_TOKEN,
                                                   .method = "GET",
                                                   .path = path.p},
                           on_resource, l);
    buf_fini(&path);
}

static void post_learn(struct learner *l, wall_ms_t now)
{
    l->is_posted = true;
    l->next_at = INT64_MAX;
    l->op.now = now;
    l->op.retry_ms = LEARN_AGAIN_MS;
    store_post_learn(l->channel->bridge->store, &l->op);
}

static void on_learn(struct store_op *op)
{
    struct learner *l = container_of(op, struct learner, op.op);

    l->is_posted = false;
    if (op->result != OK) {
        l->next_at = clock_wall_ms() + RETRY_MS;
        return;
    }
    if (l->op.next_at < l->next_at)
        l->next_at = l->op.next_at;
    for (unsigned i = 0; i < l->op.lesson_n; i++)
        if (!l->channel->bridge->is_stopping)
            ask(l->channel, &l->op.lesson[i]);
    store_learn_fini(&l->op);
}

/* ---- The tick ---- */

static void account_tick(struct account *a, wall_ms_t now)
{
    eventer_tick(a->eventer, now);
    catcher_tick(a->catcher, now);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct keeper *k = arg;
    wall_ms_t now = clock_wall_ms();

    (void)fd;
    (void)what;
    if (!k->is_expiring && now >= k->expire_at)
        post_expire(k, now);
    if (!k->is_pruning && now >= k->prune_at)
        post_prune(k, now);
    for (size_t i = 0; i < k->bridge->config->channel_n; i++) {
        struct learner *l = &k->learner[i];
        if (!l->is_posted && now >= l->next_at && l->channel->config->kind == CHANNEL_CUSTOM)
            post_learn(l, now);
        life_tick(l->channel, now);
        presence_tick(l->channel);
        if (!channel_is_closed(l->channel))
            reporter_tick(l->channel->reporter, now);
    }
    for (size_t i = 0; i < k->bridge->config->account_n; i++)
        account_tick(&k->bridge->account[i], now);
    bridge_wake(k->bridge); /* a jump of the wall clock is noticed within a second */
}
