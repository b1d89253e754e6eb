/* Receptions from the first byte to the store, and what becomes of their parts; the answer is reception_answer.c's. */
#include "base/log.h"
#include "base/mem.h"
#include "bridge/delivery.h"
#include "bridge/keeper.h"
#include "bridge/reception_part.h"
#include <stdlib.h>
#include <string.h>

enum {
    BUCKETS = 4096,
    COMMIT_MAX_MS = 6000, /* with `wait: 0`: the most that a commit may take */
};

struct receptions {
    struct part *bucket[BUCKETS];
    struct reception *first;
    unsigned n;
};

static void on_put(struct store_op *op);

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

void reception_unwatch(struct part *p)
{
    struct part **at = bucket_of(p->reception->channel->bridge->receptions, p->id);

    while (*at && *at != p)
        at = &(*at)->next;
    if (*at)
        *at = p->next;
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
    r->deadline = evtimer_new(ch->bridge->base, reception_on_deadline, r);
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
            reception_unwatch(&r->part[i]);
        free(r->part[i].reason);
    }
    outgoing_fini(&r->out);
    event_free(r->deadline);
    free(r->part);
    free(r);
}

void reception_free_if_over(struct reception *r)
{
    if (!r->x && r->is_put_done && r->cancel_n == 0)
        reception_free(r);
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

static void answer_at_once(struct reception *r, enum front_error e, struct span message)
{
    r->is_put_done = true;
    r->part_n = 0;
    reception_answer(r, e, message);
    reception_free_if_over(r);
}

static void answer_echo(struct reception *r)
{
    log_info("echo", LOG_STR("channel", r->channel->config->name),
             LOG_STR("source_id", r->out.callback->message_id));
    answer_at_once(r, FRONT_OK, SPAN_NONE);
}

static void refuse_large(struct reception *r)
{
    log_warn("refused", LOG_STR("channel", r->channel->config->name),
             LOG_STR("source_id", r->out.callback->message_id),
             LOG_STR("reason", "it is too large to be stored"));
    answer_at_once(r, FRONT_BAD_REQUEST,
                   SPAN_LIT("The message is too large; please shorten it, or send it in parts."));
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
    if (r->out.is_too_large) {
        refuse_large(r);
        return;
    }
    reception_arm(r, reception_promised_ms(r) > 0 ? reception_promised_ms(r) : COMMIT_MAX_MS);
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
        .reply = item->reply,
        .peer_recipient = item->peer_recipient,
        .body = (char *)item->body.p,
        .body_n = item->body.n,
        .attempt = item->attempt,
        .attempt_base = item->attempt - 1,
        .revision = item->revision,
        .parts = item->parts,
        .created_at = r->out.put.created_at,
    };

    delivery_start(r->channel, &m);
}

/* The error went out before the commit came back: what was stored is taken out again, and nothing is sent. */
static void take_back(struct reception *r)
{
    for (unsigned i = 0; i < r->part_n; i++) {
        struct part *p = &r->part[i];
        if (p->is_ours && !p->is_cancelling)
            reception_cancel(p, "stored too late");
    }
}

static void refuse(struct reception *r, enum err e)
{
    if (e == ERR_FULL)
        reception_answer(r, FRONT_TOO_MANY_REQUESTS,
                         SPAN_LIT("Too many messages are waiting; please try again in a minute."));
    else
        reception_answer(r, FRONT_INTERNAL_ERROR,
                         SPAN_LIT("The message could not be stored; please send it again."));
}

/* Nothing more is sent by itself: whoever reads "sent" would not ask. */
static void close_unknown(struct part *p)
{
    reception_close_part(p, PART_BAD, FRONT_REQUEST_TIMEOUT,
                         SPAN_LIT("It is not known whether the message arrived, and it is not sent again by "
                                  "itself; ask who runs the chat system."));
}

/* What is found just before an earlier reception takes it out is taken out for this one too: success would be a lie. */
static void open_parts(struct reception *r)
{
    for (unsigned i = 0; i < r->part_n; i++) {
        struct part *p = &r->part[i];
        const struct store_item *item = &r->out.item[i];
        bool is_unknown = item->how == STORE_ASIDE && item->state == MESSAGE_UNKNOWN;
        p->id = item->id;
        p->is_ours = item->how == STORE_NEW || item->how == STORE_AGAIN;
        p->state = p->is_ours || is_unknown || item->how == STORE_RUNNING ? PART_OPEN : PART_GOOD;
        if (p->state != PART_OPEN)
            continue;
        watch(p);
        if (is_unknown)
            close_unknown(p);
        else if (receptions_deny(r->channel->bridge, p->id))
            reception_cancel(p, "an earlier callback of it is taken back");
    }
}

static void hold(struct reception *r)
{
    struct channel *ch = r->channel;
    bool is_full = ch->bridge->receptions->n > ch->bridge->config->held || ch->bridge->is_stopping;

    for (unsigned i = 0; i < r->part_n; i++) {
        struct part *p = &r->part[i];
        if (p->state != PART_OPEN || p->is_cancelling)
            continue;
        if (reception_promised_ms(r) == 0)
            reception_close_part(p, PART_GOOD, FRONT_OK, SPAN_NONE);
        else if (is_full || r->out.item[i].is_behind)
            reception_time_out(p);
    }
    reception_decide(r);
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
    reception_free_if_over(r);
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
        reception_close_part(p, PART_GOOD, FRONT_OK, SPAN_NONE);
        break;
    case MESSAGE_REJECTED:
    case MESSAGE_DEAD:
        reception_close_part(p, PART_BAD, front_error_of_backend(code), reason);
        break;
    case MESSAGE_CANCELLED:
    case MESSAGE_DROPPED:
        reception_close_part(p, PART_BAD, FRONT_REQUEST_TIMEOUT,
                             SPAN_LIT("The message was taken out of the queue."));
        break;
    case MESSAGE_UNKNOWN:
        close_unknown(p);
        break;
    case MESSAGE_HELD:
        reception_time_out(p);
        break;
    default: /* still on its way */
        return;
    }
    reception_decide(r);
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
        reception_free_if_over(r);
    }
}

void receptions_stop(struct bridge *b)
{
    struct reception *next;

    for (struct reception *r = b->receptions->first; r; r = next) {
        next = r->next;
        if (!r->x || !r->is_put_done || r->is_over_time)
            continue;
        reception_end_time(r, clock_mono_ms() - r->started_at);
        reception_free_if_over(r);
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
