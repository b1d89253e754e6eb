/* The way into the store and out of it. Refuses to know what is made of an event: happening.c. */
#include "bridge/events.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/point.h"
#include "bridge/happening.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    LEASE_MS = 15 * 1000,         /* what a dead process had in hand is handed out again after it */
    FAILED_MS = 1000,             /* after a store failure */
    WAIT_MAX_MS = 10 * 60 * 1000, /* more than any event waits: the clock was set back */
};

struct eventer {
    struct account *account;
    wall_ms_t started_at;
    struct store_events_due due;
    bool is_posted, has_begun;
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
    struct event_words words;
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
    e->due.wait_max_ms = WAIT_MAX_MS;
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
    struct channel *ch = r->channel;

    if (op->result == OK && r->op.found)
        ch->has_events = true;
    if (op->result == OK || op->result == ERR_NOT_FOUND)
        ch->recall = RECALL_DONE;
    else if (ch->recall != RECALL_DONE)
        ch->recall = RECALL_FAILED;
    ch->bridge->taking_n--;
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

static void recall(struct channel *ch)
{
    ch->recall = RECALL_ASKED;
    post_fact(ch, false);
}

void events_recall(struct bridge *b)
{
    for (size_t i = 0; i < b->config->channel_n; i++)
        recall(&b->channel[i]);
}

/* What could not be read is not a "no". */
static void recall_again(struct account *a)
{
    for (size_t i = 0; i < a->bridge->config->channel_n; i++)
        if (a->bridge->channel[i].account == a && a->bridge->channel[i].recall == RECALL_FAILED)
            recall(&a->bridge->channel[i]);
}

bool channel_knows_source(const struct channel *ch)
{
    return ch->config->source != SOURCE_AUTO || ch->has_events || ch->recall == RECALL_DONE;
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

void event_words_put(struct event_words *w, const struct front_event *e, struct store_event_put *p)
{
    bool is_of_message = e->target.kind == EVENT_OF_MESSAGE && !e->fault;

    *w = (struct event_words){.event_id = mem_strdup(e->id),
                              .type = mem_strdup(e->type_name),
                              .lane = span_strdup(events_lane(e)),
                              .about = is_of_message ? span_strdup(span_of(e->target.id)) : NULL};
    p->event_id = span_of(w->event_id);
    p->type = span_of(w->type);
    p->lane = span_of(w->lane);
    p->about = span_of(w->about);
    p->is_failure = w->about && (e->type == EVENT_SENDING_ERROR || e->type == EVENT_BOUNCE_ERROR);
}

void event_words_fini(struct event_words *w)
{
    free(w->event_id);
    free(w->type);
    free(w->lane);
    free(w->about);
}

void events_take(struct account *a, struct channel *via, struct http_exchange *x, const struct callback *c)
{
    struct taking *t = mem_zalloc(sizeof *t);
    struct span raw = json_raw(c->event);
    wall_ms_t now = clock_wall_ms();

    *t = (struct taking){.account = a, .via = via, .x = x, .shape = c->shape};
    buf_init(&t->body, raw.n);
    buf_add_span(&t->body, raw);
    t->put = (struct store_event_put){
        .op.on_done = on_taken,
        .account = a->config->name,
        .via = via ? via->config->name : "",
        .body = buf_span(&t->body),
        .origin = EVENT_CALLED,
        .emitted_at = c->what.emitted_at,
        .now = now,
        .due_at = now,
    };
    event_words_put(&t->words, &c->what, &t->put);
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
    else
        t->account->webhooks[e]++;
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
    event_words_fini(&t->words);
    free(t);
}

/* ---- Out ---- */

void eventer_soon(struct eventer *e)
{
    e->next_at = 0;
    eventer_tick(e, clock_wall_ms());
}

static bool is_time(const struct eventer *e, wall_ms_t now)
{
    bool is_set_back = e->next_at < INT64_MAX && e->next_at > now + WAIT_MAX_MS;

    return now >= e->next_at || is_set_back;
}

void eventer_tick(struct eventer *e, wall_ms_t now)
{
    if (e->account->bridge->is_stopping)
        return;
    recall_again(e->account);
    if (e->account->bridge->roll) /* an app's token is made with a channel's id, which may be learnt */
        return;
    if (e->is_posted || e->at_work_n == STORE_EVENTS_MAX || !is_time(e, now))
        return;
    e->is_posted = true;
    e->next_at = INT64_MAX;
    e->due.is_first = !e->has_begun;
    e->due.at_work_n = e->at_work_n;
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

static void report_set_aside(struct account *a, const struct store_events_due *due)
{
    struct buf cure;

    buf_init(&cure, 2 * STORE_EVENT_WORD_BYTES);
    buf_addf(&cure, "front-bridge events replay %s", due->set_aside_id);
    a->events[event_type_parse(span_of(due->set_aside_type))][EVENT_FAILED]++;
    log_error("event_set_aside", LOG_STR("account", a->config->name), LOG_STR("id", due->set_aside_id),
              LOG_STR("type", due->set_aside_type),
              LOG_STR("reason", "the bridge died three times while this event alone was at work"),
              LOG_SPAN("cure", buf_span(&cure)));
    buf_fini(&cure);
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
    e->has_begun = true;
    if (e->due.next_at < e->next_at)
        e->next_at = e->due.next_at;
    if (*e->due.set_aside_id)
        report_set_aside(e->account, &e->due);
    for (unsigned i = 0; i < e->due.event_n; i++)
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
