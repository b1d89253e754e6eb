/* One answer for all parts of a reception, and before the promised time is over. */
#include "base/log.h"
#include "base/mem.h"
#include "base/point.h"
#include "bridge/delivery.h"
#include "bridge/reception_part.h"
#include <stdlib.h>

enum { CANCEL_MAX_MS = 300 /* beyond the promised time, for an error to become final */ };

static void on_cancelled(struct store_op *op);

void reception_close_part(struct part *p, enum part_state s, enum front_error e, struct span reason)
{
    must(p->state == PART_OPEN && s != PART_OPEN);
    reception_unwatch(p);
    p->state = s;
    p->error = e;
    p->reason = span_strdup(reason);
}

void reception_answer(struct reception *r, enum front_error e, struct span message)
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
            reception_close_part(p, PART_GOOD, FRONT_OK, SPAN_NONE);
        else
            reception_cancel(p, "not delivered in time");
    }
}

void reception_decide(struct reception *r)
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
        reception_answer(r, FRONT_OK, SPAN_NONE);
    else {
        must(bad);
        reception_answer(r, bad->error, span_of(bad->reason));
    }
}

/* ---- Time ---- */

void reception_arm(struct reception *r, int64_t after_start_ms)
{
    int64_t left = r->started_at + after_start_ms - clock_mono_ms();
    struct timeval tv = clock_tv(left);

    event_add(r->deadline, &tv);
}

int64_t reception_promised_ms(const struct reception *r)
{
    return r->channel->config->answer_wait_ms;
}

void reception_cancel(struct part *p, const char *reason)
{
    struct reception *r = p->reception;

    p->is_cancelling = true;
    r->cancel_n++;
    p->cancel = (struct store_cancel){
        .op.on_done = on_cancelled, .id = p->id, .now = clock_wall_ms(), .reason = reason};
    store_post_cancel(r->channel->bridge->store, &p->cancel);
}

void reception_time_out(struct part *p)
{
    if (p->state != PART_OPEN || p->is_cancelling || p->is_telling)
        return;
    if (p->reception->channel->config->answer_on_timeout == ON_TIMEOUT_ACCEPT)
        reception_close_part(p, PART_GOOD, FRONT_OK, SPAN_NONE);
    else
        p->is_late = true;
}

void reception_end_time(struct reception *r, int64_t after_start_ms)
{
    r->is_over_time = true;
    reception_arm(r, after_start_ms + CANCEL_MAX_MS);
    for (unsigned i = 0; i < r->part_n; i++)
        reception_time_out(&r->part[i]);
    reception_decide(r);
}

void reception_on_deadline(evutil_socket_t fd, short what, void *arg)
{
    struct reception *r = arg;

    (void)fd;
    (void)what;
    if (!r->is_put_done) {
        store_abandon(&r->out.put);
        reception_answer(r, FRONT_INTERNAL_ERROR,
                         SPAN_LIT("The message could not be stored in time; please send it again."));
    } else if (!r->is_over_time) {
        reception_end_time(r, reception_promised_ms(r));
    } else {
        reception_answer(r, FRONT_REQUEST_TIMEOUT,
                         SPAN_LIT("The message was not delivered in time and will not be sent."));
    }
    reception_free_if_over(r);
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

/* Too late; of a message in parts some may have been in time. */
static void close_late(struct part *p)
{
    const struct message_parts *sent = &p->cancel.parts;
    struct buf reason;

    buf_init(&reason, 256);
    message_parts_say(sent,
                      sent->sent > 0
                          ? SPAN_LIT("The rest was not delivered in time and will not be sent.")
                          : SPAN_LIT("The message was not delivered in time and will not be sent."),
                      &reason);
    reception_close_part(p, PART_BAD, FRONT_REQUEST_TIMEOUT, buf_span(&reason));
    buf_fini(&reason);
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
            reception_close_part(p, PART_GOOD, FRONT_OK, SPAN_NONE);
        else
            close_late(p);
    }
    reception_decide(r);
    reception_free_if_over(r);
    queue_kick(&ch->out);
}
