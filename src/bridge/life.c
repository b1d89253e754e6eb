/*
 * Standing of channels: from a word of Front to the store, and from there to memory. The only writer of
 * struct life. Invariant: memory says what is durable, never more.
 */
#include "bridge/life.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/point.h"
#include "bridge/fetch.h"
#include "bridge/place.h"
#include <stdlib.h>
#include <string.h>

enum {
    HOLD_EVERY_MS = 1000, /* while a channel is stopped: what an attempt put back, or a backend sent */
    AGAIN_MS = 1000,      /* after a store failure */
};

struct change {
    struct channel *channel;
    struct store_standing op;
    life_done_fn *done;
    void *arg;
};

struct roll {
    struct bridge *bridge;
    struct store_standings op;
    bool is_posted;
};

static void on_standings(struct store_op *op);
static void on_changed(struct store_op *op);
static void on_pass(struct store_op *op);

/* ---- What others ask ---- */

const char *channel_front_id(const struct channel *ch)
{
    const char *learnt = ch->life.standing.front_channel;

    return ch->config->front_channel ? ch->config->front_channel : *learnt ? learnt : NULL;
}

const char *channel_address(const struct channel *ch)
{
    return ch->config->address ? ch->config->address : ch->config->name;
}

static bool is_known(const struct channel *ch)
{
    return ch->bridge->roll == NULL;
}

bool channel_is_closed(const struct channel *ch)
{
    return ch->config->kind == CHANNEL_APPLICATION && (!is_known(ch) || ch->life.standing.life != LIFE_OPEN);
}

bool channel_is_stopped(const struct channel *ch)
{
    return channel_is_closed(ch) && ch->life.standing.life == LIFE_STOPPED;
}

bool channel_is_resuming(const struct channel *ch)
{
    return channel_is_closed(ch) && ch->life.standing.life != LIFE_STOPPED;
}

const char *life_name(const struct channel *ch)
{
    if (!channel_is_closed(ch))
        return NULL;
    return !is_known(ch) ? "starting" : channel_is_stopped(ch) ? "deleted" : "resuming";
}

bool life_is_stale(const struct channel *ch, wall_ms_t at, bool is_deletion)
{
    wall_ms_t last = ch->life.standing.life_at;

    return at < last || (is_deletion && at == last && !channel_is_stopped(ch));
}

/* ---- At the start ---- */

static void post_roll(struct roll *r)
{
    r->is_posted = true;
    store_post_standings(r->bridge->store, &r->op);
}

void life_start(struct bridge *b)
{
    b->roll = mem_zalloc(sizeof *b->roll);
    b->roll->bridge = b;
    b->roll->op.op.on_done = on_standings;
    post_roll(b->roll);
}

void life_fini(struct bridge *b)
{
    free(b->roll);
}

/* An id that the configuration now gives to another channel is no longer this one's. */
static bool is_taken(const struct channel *ch, const char *id)
{
    const struct bridge *b = ch->bridge;

    for (size_t i = 0; i < b->config->channel_n; i++) {
        const struct channel *o = &b->channel[i];
        if (o != ch && o->account == ch->account && o->config->front_channel &&
            strcmp(o->config->front_channel, id) == 0)
            return true;
    }
    return false;
}

static void raise_alert(struct channel *ch)
{
    char since[25];

    clock_iso(ch->life.standing.life_since, since);
    ch->stats.alerts++;
    log_error("channel_deleted", LOG_STR("channel", ch->config->name),
              LOG_STR("front_channel", channel_front_id(ch)), LOG_STR("since", since),
              LOG_STR("reason", "Front has deleted this channel: its messages are held"));
}

static void take_standing(struct bridge *b, const struct store_channel_standing *s)
{
    struct channel *ch = bridge_channel(b, span_of(s->channel));

    if (!ch || ch->config->kind != CHANNEL_APPLICATION)
        return;
    ch->life.standing = s->standing;
    if (is_taken(ch, ch->life.standing.front_channel))
        ch->life.standing.front_channel[0] = '\0';
    if (ch->life.standing.life == LIFE_STOPPED)
        raise_alert(ch);
}

static void on_standings(struct store_op *op)
{
    struct roll *r = container_of(op, struct roll, op.op);
    struct bridge *b = r->bridge;

    r->is_posted = false;
    if (op->result != OK)
        return; /* the next tick asks again */
    for (unsigned i = 0; i < r->op.item_n; i++)
        take_standing(b, &r->op.item[i]);
    store_standings_fini(&r->op);
    b->roll = NULL;
    free(r);
    /* They may have looked before, and do not look again by themselves. */
    for (size_t i = 0; i < b->config->channel_n; i++)
        for (enum queue_way w = 0; w < WAY_N; w++)
            fetcher_soon(b->channel[i].fetch[w]);
    bridge_wake(b);
}

/* ---- Changes ---- */

static void begin(struct channel *ch, unsigned fields, const struct standing *to, life_done_fn *done,
                  void *arg)
{
    struct change *c = mem_zalloc(sizeof *c);

    *c = (struct change){.channel = ch,
                         .done = done,
                         .arg = arg,
                         .op = {.channel = ch->config->name, .fields = fields, .to = *to}};
    c->op.op.on_done = on_changed;
    ch->life.change_n++;
    store_post_standing(ch->bridge->store, &c->op);
}

static void log_connected(const struct channel *ch, const char *before)
{
    const char *now = ch->life.standing.front_channel;

    log_info("channel_connected", LOG_STR("channel", ch->config->name), LOG_STR("front_channel", now),
             LOG_STR("before", *before && strcmp(before, now) != 0 ? before : NULL));
}

static void enter(struct channel *ch, enum store_life life)
{
    enum store_life before = ch->life.standing.life;

    ch->life.standing.life = life;
    ch->life.is_swept = false;
    ch->life.pass_at = 0;
    if (life == LIFE_STOPPED && before != LIFE_STOPPED)
        raise_alert(ch);
    if (life == LIFE_OPEN && before != LIFE_OPEN) {
        log_info("channel_resumed", LOG_STR("channel", ch->config->name));
        bridge_requeued(ch->bridge);
    }
}

static void take_change(struct channel *ch, unsigned fields, const struct standing *to)
{
    struct standing *s = &ch->life.standing;

    if (fields & STANDING_FRONT_CHANNEL) {
        char before[STORE_FRONT_CHANNEL_BYTES];
        memcpy(before, s->front_channel, sizeof before);
        memcpy(s->front_channel, to->front_channel, sizeof s->front_channel);
        log_connected(ch, before);
        placer_forget(ch->placer);
        queue_kick(&ch->in);
        queue_kick(&ch->history);
    }
    if (fields & STANDING_LIFE_AT)
        s->life_at = to->life_at;
    if (fields & STANDING_OFFLINE) {
        s->is_offline = to->is_offline;
        ch->presence.has_told_offline = false;
    }
    if (fields & STANDING_LIFE) {
        s->life_since = to->life_since;
        enter(ch, to->life);
    }
}

static void on_changed(struct store_op *op)
{
    struct change *c = container_of(op, struct change, op.op);
    struct channel *ch = c->channel;
    enum err e = op->result;

    POINT("life_step");
    ch->life.change_n--;
    if (e == OK)
        take_change(ch, c->op.fields, &c->op.to);
    if (c->done)
        c->done(e, c->arg);
    free(c);
    if (e == OK && !ch->bridge->is_stopping)
        life_tick(ch, clock_wall_ms());
}

void life_connect(struct channel *ch, struct span front_channel, wall_ms_t at, life_done_fn *done, void *arg)
{
    struct standing to = {.life = LIFE_RESUMING, .life_at = at, .life_since = clock_wall_ms()};
    unsigned fields = STANDING_FRONT_CHANNEL | STANDING_LIFE_AT;

    must(front_channel.n > 0 && front_channel.n < sizeof to.front_channel);
    memcpy(to.front_channel, front_channel.p, front_channel.n);
    if (channel_is_stopped(ch))
        fields |= STANDING_LIFE;
    if (!span_is(front_channel, ch->life.standing.front_channel))
        fields |= STANDING_OFFLINE; /* Front has been told nothing of this one */
    begin(ch, fields, &to, done, arg);
}

void life_stop(struct channel *ch, wall_ms_t at, life_done_fn *done, void *arg)
{
    const struct standing to = {.life = LIFE_STOPPED, .life_at = at, .life_since = clock_wall_ms()};

    begin(ch, STANDING_LIFE | STANDING_LIFE_AT, &to, done, arg);
}

void life_resume(struct channel *ch, life_done_fn *done, void *arg)
{
    const struct standing to = {.life = LIFE_RESUMING, .life_since = clock_wall_ms()};

    if (channel_is_stopped(ch))
        begin(ch, STANDING_LIFE, &to, done, arg);
    else
        done(ERR_CONFLICT, arg);
}

void life_tell(struct channel *ch, bool is_offline, life_done_fn *done, void *arg)
{
    begin(ch, STANDING_OFFLINE, &(struct standing){.is_offline = is_offline}, done, arg);
}

/* ---- Holding and releasing ---- */

static void post_pass(struct channel *ch, enum message_verb verb)
{
    struct life *l = &ch->life;

    l->is_passing = true;
    l->pass_for = l->standing.life;
    l->pass = (struct store_admin){
        .op.on_done = on_pass,
        .verb = verb,
        .filter = {.direction = -1,
                   .channel = ch->config->name,
                   .reason = verb == VERB_RELEASE ? LIFE_HOLD_REASON : NULL},
        .note = SPAN_LIT(LIFE_HOLD_REASON),
        .now = clock_wall_ms(),
        .expires_in_ms = ch->config->retry_give_up_ms,
    };
    store_post_admin(ch->bridge->store, &l->pass);
}

static void open_again(struct channel *ch)
{
    begin(ch, STANDING_LIFE, &(struct standing){.life = LIFE_OPEN, .life_since = clock_wall_ms()}, NULL,
          NULL);
}

/* The whole pass is done; if the channel changed its life meanwhile, the next tick begins what that asks for. */
static void end_pass(struct channel *ch)
{
    struct life *l = &ch->life;
    bool is_of_now = l->pass_for == l->standing.life && l->change_n == 0;

    l->pass_at = 0;
    if (!is_of_now)
        return;
    if (l->standing.life == LIFE_STOPPED)
        l->pass_at = clock_wall_ms() + HOLD_EVERY_MS;
    else if (l->is_swept)
        open_again(ch);
    else
        l->is_swept = true;
}

static void on_pass(struct store_op *op)
{
    struct store_admin *p = container_of(op, struct store_admin, op);
    struct life *l = container_of(p, struct life, pass);
    struct channel *ch = container_of(l, struct channel, life);

    POINT("life_step");
    if (op->result == OK && p->is_more) {
        store_post_admin(ch->bridge->store, p);
        return;
    }
    l->is_passing = false;
    if (op->result == OK)
        end_pass(ch);
    else
        l->pass_at = clock_wall_ms() + AGAIN_MS;
    if (!ch->bridge->is_stopping)
        life_tick(ch, clock_wall_ms());
}

void life_tick(struct channel *ch, wall_ms_t now)
{
    struct bridge *b = ch->bridge;
    struct life *l = &ch->life;

    if (b->roll && !b->roll->is_posted)
        post_roll(b->roll);
    if (!is_known(ch) || !channel_is_closed(ch) || l->is_passing || l->change_n > 0)
        return;
    bool is_due = now >= l->pass_at || l->pass_at > now + HOLD_EVERY_MS;
    if (is_due)
        post_pass(ch, l->is_swept ? VERB_RELEASE : VERB_HOLD);
}

bool life_is_idle(const struct bridge *b)
{
    for (size_t i = 0; i < b->config->channel_n; i++)
        if (b->channel[i].life.change_n > 0 || b->channel[i].life.is_passing)
            return false;
    return true;
}
