/* The way into the store and out of it. Refuses to know what is made of an event: happening.c. */
#include "bridge/events.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/point.h"
#include "bridge/happening.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    LEASE_MS = 15 * 1000, /* what a dead process had in hand is handed out again after it */
    FAILED_MS = 1000,     /* after a store failure */
};

struct eventer {
    struct account *account;
    wall_ms_t started_at;
    struct store_events_due due;
    bool is_posted;
    wall_ms_t next_at;
    int64_t at_work[STORE_EVENTS_MAX]; /* 0: free */
    unsigned at_work_n;
};

/* A callback's event on its way into the store. */
struct taking {
    struct account *account;
    struct channel *via;
    struct http_exchange *x;
    enum callback_shape shape;
    struct buf body;
    char *event_id, *type, *lane;
    struct store_event_put put;
};

static void on_due(struct store_op *op);
static void on_taken(struct store_op *op);

struct eventer *eventer_new(struct account *a)
{
    struct eventer *e = mem_zalloc(sizeof *e);

    e->account = a;
    e->started_at = clock_wall_ms();
    e->due.op.on_done = on_due;
    e->due.account = a->config->name;
    return e;
}

void eventer_free(struct eventer *e)
{
    free(e);
}

struct account *eventer_account(const struct eventer *e)
{
    return e->account;
}

wall_ms_t eventer_tried_since(const struct eventer *e, const struct store_event *event)
{
    return event->tried_at > e->started_at ? event->tried_at : e->started_at;
}

/* ---- What `source: auto` goes by ---- */

struct recall {
    struct channel *channel;
    char owner[80];
    struct store_fact op;
};

static void on_recalled(struct store_op *op)
{
    struct recall *r = container_of(op, struct recall, op.op);

    if (op->result == OK && r->op.found)
        r->channel->has_events = true;
    r->channel->bridge->taking_n--;
    free(r->op.found);
    free(r);
}

static void post_fact(struct channel *ch, bool is_write)
{
    struct recall *r = mem_zalloc(sizeof *r);

    r->channel = ch;
    snprintf(r->owner, sizeof r->owner, "channel/%s", ch->config->name);
    r->op = (struct store_fact){.op.on_done = on_recalled,
                                .owner = r->owner,
                                .key = "has_events",
                                .is_write = is_write,
                                .value = SPAN_LIT("yes")};
    ch->bridge->taking_n++;
    store_post_fact(ch->bridge->store, &r->op);
}

void events_recall(struct bridge *b)
{
    for (size_t i = 0; i < b->config->channel_n; i++)
        post_fact(&b->channel[i], false);
}

bool channel_takes_events(const struct channel *ch)
{
    switch (ch->config->source) {
    case SOURCE_CALLBACKS:
        return false;
    case SOURCE_EVENTS:
        return true;
    case SOURCE_AUTO:
        return ch->has_events;
    }
    never("source has three values");
}

static void learn_from(struct channel *via, enum event_type t)
{
    if (!via || via->has_events || (t != EVENT_OUTBOUND && t != EVENT_OUT_REPLY))
        return;
    via->has_events = true;
    post_fact(via, true);
}

/* ---- In ---- */

struct span events_lane(const struct front_event *e)
{
    return span_of(e->conversation.id ? e->conversation.id : e->id);
}

void events_take(struct account *a, struct channel *via, struct http_exchange *x, const struct callback *c)
{
    struct taking *t = mem_zalloc(sizeof *t);
    struct span raw = json_raw(c->event);
    wall_ms_t now = clock_wall_ms();

    *t = (struct taking){.account = a, .via = via, .x = x, .shape = c->shape};
    buf_init(&t->body, raw.n);
    buf_add_span(&t->body, raw);
    t->event_id = mem_strdup(c->what.id);
    t->type = mem_strdup(c->what.type_name);
    t->lane = span_strdup(events_lane(&c->what));
    t->put = (struct store_event_put){
        .op.on_done = on_taken,
        .account = a->config->name,
        .via = via ? via->config->name : "",
        .event_id = span_of(t->event_id),
        .type = span_of(t->type),
        .body = buf_span(&t->body),
        .lane = span_of(t->lane),
        .origin = EVENT_CALLED,
        .emitted_at = c->what.emitted_at,
        .now = now,
        .due_at = now,
    };
    learn_from(via, c->what.type);
    a->bridge->taking_n++;
    store_post_event_put(a->bridge->store, &t->put);
}

static enum front_error answer_of(enum err result)
{
    return result == OK ? FRONT_OK : result == ERR_FULL ? FRONT_TOO_MANY_REQUESTS : FRONT_INTERNAL_ERROR;
}

static void answer(struct taking *t, enum err result)
{
    enum front_error e = answer_of(result);
    struct buf body;

    POINT("before_event_answer");
    buf_init(&body, 1024);
    if (e == FRONT_OK)
        front_answer_success(&body, SPAN_NONE, SPAN_NONE);
    else
        front_answer_error(&body, e, SPAN_LIT("The event could not be stored; please send it again."));
    if (t->via)
        t->via->stats.callbacks[t->shape][e]++;
    http_reply(t->x, front_error_status(e), "application/json", buf_span(&body), NULL);
    buf_fini(&body);
}

static void on_taken(struct store_op *op)
{
    struct taking *t = container_of(op, struct taking, put.op);
    struct account *a = t->account;

    answer(t, op->result);
    if (op->result == OK && t->put.is_new)
        eventer_soon(a->eventer);
    a->bridge->taking_n--;
    buf_fini(&t->body);
    free(t->event_id);
    free(t->type);
    free(t->lane);
    free(t);
}

/* ---- Out ---- */

void eventer_soon(struct eventer *e)
{
    e->next_at = 0;
    eventer_tick(e, clock_wall_ms());
}

void eventer_tick(struct eventer *e, wall_ms_t now)
{
    if (e->is_posted || e->at_work_n == STORE_EVENTS_MAX || now < e->next_at ||
        e->account->bridge->is_stopping)
        return;
    e->is_posted = true;
    e->next_at = INT64_MAX;
    e->due.now = now;
    e->due.retry_ms = LEASE_MS;
    e->due.max = STORE_EVENTS_MAX - e->at_work_n;
    store_post_events_due(e->account->bridge->store, &e->due);
}

static int64_t *place_of_work(struct eventer *e, int64_t id)
{
    for (unsigned i = 0; i < STORE_EVENTS_MAX; i++)
        if (e->at_work[i] == id)
            return &e->at_work[i];
    return NULL;
}

/* A lease may run out while Front's rate makes us wait: what is in hand is not taken twice. */
static void begin(struct eventer *e, struct store_event *event)
{
    if (place_of_work(e, event->id))
        return;
    int64_t *free_place = place_of_work(e, 0);
    must(free_place);
    *free_place = event->id;
    e->at_work_n++;
    happening_start(e, event);
}

static void on_due(struct store_op *op)
{
    struct eventer *e = container_of(op, struct eventer, due.op);
    wall_ms_t now = clock_wall_ms();

    e->is_posted = false;
    if (op->result != OK) {
        if (e->next_at > now + FAILED_MS)
            e->next_at = now + FAILED_MS;
        return;
    }
    if (e->due.next_at < e->next_at)
        e->next_at = e->due.next_at;
    for (unsigned i = 0; i < e->due.event_n; i++)
        if (!e->account->bridge->is_stopping)
            begin(e, &e->due.event[i]);
    store_events_due_fini(&e->due);
}

void eventer_ended(struct eventer *e, int64_t id)
{
    int64_t *place = place_of_work(e, id);

    must(place);
    *place = 0;
    e->at_work_n--;
    eventer_soon(e); /* its followers may be due now */
}
