/*
 * The promise to the agent: one answer within `answer.wait`, whatever the store, the adapter or the backend
 * do.
 */
#include "bridge/reception.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/point.h"
#include "bridge/delivery.h"
#include "bridge/keeper.h"
#include "bridge/outgoing.h"
#include <stdlib.h>
#include <string.h>

enum {
    BUCKETS = 4096,
    COMMIT_MAX_MS = 6000, /* with `wait: 0`: the most that a commit may take */
    CANCEL_MAX_MS = 300,  /* beyond the promised time, for an error to become final */
};

enum part_state { PART_OPEN, PART_GOOD, PART_BAD };

struct part {
    struct part *next; /* of its bucket, while its message is open */
    struct reception *reception;
    int64_t id;
    enum part_state state;
    bool is_ours, is_cancelling;
    bool is_late;    /* its time is over; what becomes of it depends on the others */
    bool is_telling; /* refused: the answer waits for the commit that says so */
    enum front_error error;
    char *reason;
    struct store_cancel cancel;
};

struct reception {
    struct reception *next, *prev;
    struct channel *channel;
    struct http_exchange *x; /* NULL once answered */
    mono_ms_t started_at;
    struct event *deadline;
    bool is_put_done, is_over_time, is_error;
    unsigned promised_n, cancel_n;
    struct outgoing out;
    struct part *part;
    unsigned part_n;
};

struct receptions {
    struct part *bucket[BUCKETS];
    struct reception *first;
    unsigned n;
};

static void on_put(struct store_op *op);
static void on_deadline(evutil_socket_t fd, short what, void *arg);
static void on_cancelled(struct store_op *op);
static void cancel(struct part *p, const char *reason);
static void decide(struct reception *r);

struct receptions *receptions_new(void)
{
    return mem_zalloc(sizeof(struct receptions));
}

unsigned receptions_n(const struct receptions *all)
{
    return all->n;
}

/* ---- Parts by message id ---- */

static struct part **bucket_of(const struct receptions *all, int64_t id)
{
    return (struct part **)&all->bucket[(uint64_t)id % BUCKETS];
}

static void watch(struct part *p)
{
    struct part **bucket = bucket_of(p->reception->channel->bridge->receptions, p->id);

    p->next = *bucket;
    *bucket = p;
}

static void unwatch(struct part *p)
{
    struct part **at = bucket_of(p->reception->channel->bridge->receptions, p->id);

    while (*at && *at != p)
        at = &(*at)->next;
    if (*at)
        *at = p->next;
}

static void close_part(struct part *p, enum part_state s, enum front_error e, struct span reason)
{
    must(p->state == PART_OPEN && s != PART_OPEN);
    unwatch(p);
    p->state = s;
    p->error = e;
    p->reason = span_strdup(reason);
}

/* ---- Life ---- */

static struct reception *reception_new(struct channel *ch, struct http_exchange *x, struct callback **c)
{
    struct reception *r = mem_zalloc(sizeof *r);
    struct receptions *all = ch->bridge->receptions;

    r->channel = ch;
    r->x = x;
    r->started_at = http_first_byte_at(x);
    wall_ms_t now = clock_wall_ms();
    outgoing_init(&r->out, ch, c, now, now);
    r->part_n = r->out.item_n;
    r->part = mem_calloc(r->part_n, sizeof *r->part);
    for (unsigned i = 0; i < r->part_n; i++)
        r->part[i].reception = r;
    r->deadline = evtimer_new(ch->bridge->base, on_deadline, r);
    must(r->deadline);
    r->next = all->first;
    if (all->first)
        all->first->prev = r;
    all->first = r;
    all->n++;
    return r;
}

static void reception_free(struct reception *r)
{
    struct receptions *all = r->channel->bridge->receptions;

    if (r->prev)
        r->prev->next = r->next;
    else
        all->first = r->next;
    if (r->next)
        r->next->prev = r->prev;
    all->n--;
    for (unsigned i = 0; i < r->part_n; i++) {
        if (r->part[i].state == PART_OPEN)
            unwatch(&r->part[i]);
        free(r->part[i].reason);
    }
    outgoing_fini(&r->out);
    event_free(r->deadline);
    free(r->part);
    free(r);
}

static void free_if_over(struct reception *r)
{
    if (!r->x && r->is_put_done && r->cancel_n == 0)
        reception_free(r);
}

/* ---- Answers ---- */

static void answer(struct reception *r, enum front_error e, struct span message)
{
    struct channel_stats *stats = &r->channel->stats;
    struct buf body;

    POINT("before_answer");
    buf_init(&body, 4096);
    if (e == FRONT_OK)
        front_answer_success(&body, span_of(r->out.external_id), span_of(r->out.conversation));
    else
        front_answer_error(&body, e, message);
    stats->callbacks[r->out.callback->shape][e]++;
    histogram_add(&stats->answer_time, clock_mono_ms() - r->started_at);
    r->is_error = e != FRONT_OK;
    http_reply(r->x, front_error_status(e), "application/json", buf_span(&body), NULL);
    r->x = NULL;
    buf_fini(&body);
    event_del(r->deadline);
}

/* Parts that are late end together: accepted if another one was good, since the answer is success then; else
 * cancelled, which ends in on_cancelled. */
static void end_late(struct reception *r)
{
    bool is_good = false;

    for (unsigned i = 0; i < r->part_n; i++) {
        if (r->part[i].state == PART_OPEN && !r->part[i].is_late)
            return;
        is_good |= r->part[i].state == PART_GOOD;
    }
    for (unsigned i = 0; i < r->part_n; i++) {
        struct part *p = &r->part[i];
        if (p->state != PART_OPEN || p->is_cancelling)
            continue;
        if (is_good)
            close_part(p, PART_GOOD, FRONT_OK, SPAN_NONE);
        else
            cancel(p, "not delivered in time");
    }
}

/* Answers as soon as no part is open: an error only if nothing speaks for success. */
static void decide(struct reception *r)
{
    const struct part *bad = NULL;
    bool is_good = false;

    if (!r->x || !r->is_put_done)
        return;
    end_late(r);
    for (unsigned i = 0; i < r->part_n; i++) {
        if (r->part[i].state == PART_OPEN)
            return;
        if (r->part[i].state == PART_GOOD)
            is_good = true;
        else if (!bad)
            bad = &r->part[i];
    }
    if (is_good)
        answer(r, FRONT_OK, SPAN_NONE);
    else {
        must(bad);
        answer(r, bad->error, span_of(bad->reason));
    }
}

/* ---- Time ---- */

static void arm(struct reception *r, int64_t after_start_ms)
{
    int64_t left = r->started_at + after_start_ms - clock_mono_ms();
    struct timeval tv = clock_tv(left);

    event_add(r->deadline, &tv);
}

static int64_t promised_ms(const struct reception *r)
{
    return r->channel->config->answer_wait_ms;
}

static void cancel(struct part *p, const char *reason)
{
    struct reception *r = p->reception;

    p->is_cancelling = true;
    r->cancel_n++;
    p->cancel = (struct store_cancel){
        .op.on_done = on_cancelled, .id = p->id, .now = clock_wall_ms(), .reason = reason};
    store_post_cancel(r->channel->bridge->store, &p->cancel);
}

/* The time is over for one part: accepted as it is, or late. The caller decides next. */
static void time_out(struct part *p)
{
    if (p->state != PART_OPEN || p->is_cancelling || p->is_telling)
        return;
    if (p->reception->channel->config->answer_on_timeout == ON_TIMEOUT_ACCEPT)
        close_part(p, PART_GOOD, FRONT_OK, SPAN_NONE);
    else
        p->is_late = true;
}

static void time_out_all(struct reception *r)
{
    for (unsigned i = 0; i < r->part_n; i++)
        time_out(&r->part[i]);
    decide(r);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
    struct reception *r = arg;

    (void)fd;
    (void)what;
    if (!r->is_put_done) {
        store_abandon(&r->out.put);
        answer(r, FRONT_INTERNAL_ERROR,
               SPAN_LIT("The message could not be stored in time; please send it again."));
    } else if (!r->is_over_time) {
        r->is_over_time = true;
        arm(r, promised_ms(r) + CANCEL_MAX_MS);
        time_out_all(r);
    } else {
        answer(r, FRONT_REQUEST_TIMEOUT,
               SPAN_LIT("The message was not delivered in time and will not be sent."));
    }
    free_if_over(r);
}

static void write_line(const struct part *p)
{
    const struct reception *r = p->reception;
    char id[STORE_ID_BYTES];

    store_id_format(r->channel->bridge->store, p->id, id);
    log_info(message_state_name(p->cancel.state), LOG_STR("channel", r->channel->config->name),
             LOG_STR("direction", message_direction_name(MESSAGE_OUT)), LOG_STR("id", id),
             LOG_STR("source_id", r->out.callback->message_id), LOG_STR("reason", p->cancel.reason));
}

static void on_cancelled(struct store_op *op)
{
    struct store_cancel *c = container_of(op, struct store_cancel, op);
    struct part *p = container_of(c, struct part, cancel);
    struct reception *r = p->reception;
    struct channel *ch = r->channel;

    r->cancel_n--;
    p->is_cancelling = false;
    if (op->result == OK)
        write_line(p);
    if (op->result == OK && c->is_promoted)
        queue_promoted(&ch->out, c->now);
    if (p->state == PART_OPEN) {
        if (op->result != OK && (c->state == MESSAGE_DELIVERED || c->state == MESSAGE_ACCEPTED))
            close_part(p, PART_GOOD, FRONT_OK, SPAN_NONE);
        else
            close_part(p, PART_BAD, FRONT_REQUEST_TIMEOUT,
                       SPAN_LIT("The message was not delivered in time and will not be sent."));
    }
    decide(r);
    free_if_over(r);
    queue_kick(&ch->out);
}

/* ---- Storing ---- */

static void post(struct reception *r)
{
    struct channel *ch = r->channel;
    unsigned capacity = delivery_capacity(ch, clock_mono_ms());

    r->promised_n = capacity < r->part_n ? capacity : r->part_n;
    if (ch->breaker.is_open)
        r->promised_n = 0; /* probes are claimed, oldest first */
    ch->promised_n += r->promised_n;
    r->out.put.op.on_done = on_put;
    r->out.put.start_max = r->promised_n;
    store_post_put(ch->bridge->store, &r->out.put);
}

static void answer_echo(struct reception *r)
{
    log_info("echo", LOG_STR("channel", r->channel->config->name),
             LOG_STR("source_id", r->out.callback->message_id));
    r->is_put_done = true;
    r->part_n = 0;
    answer(r, FRONT_OK, SPAN_NONE);
    free_if_over(r);
}

void reception_start(struct channel *ch, struct http_exchange *x, struct callback **c)
{
    struct reception *r = reception_new(ch, x, c);
    char *own = outgoing_own_id(ch->bridge->store, r->out.callback);

    if (own) {
        free(r->out.external_id);
        r->out.external_id = own;
        answer_echo(r);
        return;
    }
    arm(r, promised_ms(r) > 0 ? promised_ms(r) : COMMIT_MAX_MS);
    post(r);
}

/* ---- After the commit ---- */

static void start(struct reception *r, unsigned i)
{
    const struct store_item *item = &r->out.item[i];
    struct store_message m = {
        .id = item->id,
        .direction = MESSAGE_OUT,
        .source_id = r->out.callback->message_id,
        .recipient = r->out.callback->to[i].handle,
        .peer_conversation = item->peer_conversation,
        .body = (char *)item->body.p,
        .body_n = item->body.n,
        .attempt = item->attempt,
        .attempt_base = item->attempt - 1,
        .revision = item->revision,
        .created_at = r->out.put.created_at,
    };

    delivery_start(r->channel, &m);
}

/* The error went out before the commit came back: what was stored is taken out again, and nothing is sent. */
static void take_back(struct reception *r)
{
    for (unsigned i = 0; i < r->part_n; i++) {
        struct part *p = &r->part[i];
        if (!p->is_ours)
            continue;
        cancel(p, "stored too late");
    }
}

static void refuse(struct reception *r, enum err e)
{
    if (e == ERR_FULL)
        answer(r, FRONT_TOO_MANY_REQUESTS,
               SPAN_LIT("Too many messages are waiting; please try again in a minute."));
    else
        answer(r, FRONT_INTERNAL_ERROR, SPAN_LIT("The message could not be stored; please send it again."));
}

static void open_parts(struct reception *r)
{
    for (unsigned i = 0; i < r->part_n; i++) {
        struct part *p = &r->part[i];
        const struct store_item *item = &r->out.item[i];
        p->id = item->id;
        p->is_ours = item->how == STORE_NEW || item->how == STORE_AGAIN;
        p->state = p->is_ours || item->how == STORE_RUNNING ? PART_OPEN : PART_GOOD;
        if (p->state == PART_OPEN)
            watch(p);
    }
}

static void hold(struct reception *r)
{
    struct channel *ch = r->channel;
    bool is_full = ch->bridge->receptions->n > ch->bridge->config->held || ch->bridge->is_stopping;

    for (unsigned i = 0; i < r->part_n; i++) {
        struct part *p = &r->part[i];
        if (p->state == PART_OPEN && promised_ms(r) == 0)
            close_part(p, PART_GOOD, FRONT_OK, SPAN_NONE);
        else if (is_full || r->out.item[i].is_behind)
            time_out(p);
    }
    decide(r);
}

static void on_put(struct store_op *op)
{
    struct reception *r = container_of(op, struct reception, out.put.op);
    struct channel *ch = r->channel;

    r->is_put_done = true;
    ch->promised_n -= r->promised_n;
    if (op->result != OK) {
        if (r->x)
            refuse(r, op->result);
    } else if (!r->x) {
        open_parts(r);
        take_back(r);
    } else {
        open_parts(r);
        for (unsigned i = 0; i < r->part_n; i++) {
            if (r->out.item[i].is_started)
                start(r, i);
            else if (r->out.item[i].state == MESSAGE_QUEUED && !r->out.item[i].is_behind)
                queue_due(&ch->out, r->out.put.now);
        }
        outgoing_stored(&r->out, ch);
        keeper_expiry(ch->bridge->keeper, r->out.put.expires_at);
        hold(r);
    }
    store_put_fini(&r->out.put);
    free_if_over(r);
    queue_kick(&ch->out);
}

/* ---- Settled ---- */

static bool is_waited_for(const struct part *p)
{
    const struct reception *r = p->reception;

    for (unsigned i = 0; i < r->part_n; i++)
        if (r->part[i].id != p->id && r->part[i].state != PART_BAD)
            return false;
    return r->x != NULL;
}

/* From here to the commit no deadline may answer success: the message would be refused, and nobody told. */
bool receptions_tell(const struct bridge *b, int64_t id)
{
    bool is_told = false;

    for (struct part *p = *bucket_of(b->receptions, id); p; p = p->next) {
        if (p->id != id || !is_waited_for(p))
            continue;
        p->is_telling = true;
        is_told = true;
    }
    return is_told;
}

bool receptions_deny(const struct bridge *b, int64_t id)
{
    for (const struct part *p = *bucket_of(b->receptions, id); p; p = p->next)
        if (p->id == id && p->is_cancelling)
            return true;
    return false;
}

static void settle_part(struct part *p, enum message_state s, int code, struct span reason)
{
    struct reception *r = p->reception;

    switch (s) {
    case MESSAGE_DELIVERED:
        close_part(p, PART_GOOD, FRONT_OK, SPAN_NONE);
        break;
    case MESSAGE_REJECTED:
    case MESSAGE_DEAD:
        close_part(p, PART_BAD, front_error_of_backend(code), reason);
        break;
    case MESSAGE_CANCELLED:
    case MESSAGE_DROPPED:
        close_part(p, PART_BAD, FRONT_REQUEST_TIMEOUT, SPAN_LIT("The message was taken out of the queue."));
        break;
    case MESSAGE_HELD:
    case MESSAGE_UNKNOWN:
        time_out(p);
        break;
    default: /* still on its way */
        return;
    }
    decide(r);
}

void receptions_settled(struct bridge *b, int64_t id, enum message_state s, int code, struct span reason)
{
    struct part *p, *next;

    for (p = *bucket_of(b->receptions, id); p; p = next) {
        struct reception *r = p->reception;
        next = p->next;
        if (p->id != id)
            continue;
        settle_part(p, s, code, reason);
        free_if_over(r);
    }
}

void receptions_stop(struct bridge *b)
{
    struct reception *next;

    for (struct reception *r = b->receptions->first; r; r = next) {
        next = r->next;
        if (!r->x || !r->is_put_done || r->is_over_time)
            continue;
        r->is_over_time = true;
        arm(r, clock_mono_ms() - r->started_at + CANCEL_MAX_MS);
        time_out_all(r);
        free_if_over(r);
    }
}

void receptions_free(struct receptions *all)
{
    while (all->first) {
        struct reception *r = all->first;
        if (r->x)
            http_drop(r->x);
        reception_free(r);
    }
    free(all);
}
