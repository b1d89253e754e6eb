/*
 * Settling: outcome → verdict → commit → whoever waits. The one place where the final line of a message is
 * logged.
 */
#include "bridge/attempt.h"
#include "base/log.h"
#include "base/mem.h"
#include "bridge/catch_up.h"
#include "bridge/keeper.h"
#include "bridge/reception.h"
#include "bridge/report.h"
#include <stdlib.h>

enum { REASON_MAX = 8192 };

static void on_settled(struct store_op *op);

static struct queue *queue_of(struct attempt *a)
{
    if (a->kind == KIND_IMPORT)
        return &a->channel->history;
    return a->facts.direction == MESSAGE_OUT ? &a->channel->out : &a->channel->in;
}

struct attempt *attempt_new(struct channel *ch, enum message_direction d, const struct store_message *m)
{
    struct attempt *a = mem_zalloc(sizeof *a);

    a->channel = ch;
    a->kind = m->kind;
    a->facts = (struct verdict_facts){.direction = d,
                                      .id = m->id,
                                      .attempt = m->attempt - m->attempt_base,
                                      .crash_n = m->crash_n,
                                      .part_sent = m->parts.sent,
                                      .created_at = m->created_at,
                                      .is_history = m->kind == KIND_IMPORT,
                                      .is_resendable = channel_may_resend(ch, d)};
    a->attempt = m->attempt;
    a->parts = m->parts;
    a->source_id = mem_strdup(m->source_id);
    a->started_at = clock_mono_ms();
    queue_of(a)->in_flight++;
    ch->bridge->attempt_n++;
    return a;
}

void attempt_free(struct attempt *a)
{
    queue_of(a)->in_flight--;
    a->channel->bridge->attempt_n--;
    free(a->source_id);
    free(a->reason);
    free(a->external_id);
    free(a->conversation_id);
    free(a->front_conversation);
    free(a);
}

void attempt_learn(struct attempt *a, struct breaker *breaker, const struct outcome *o)
{
    bool is_unreachable = o->kind == OUTCOME_RETRY && o->is_unreachable;

    if (is_unreachable && a->facts.direction == MESSAGE_OUT)
        outage_failed(&a->channel->presence.outage, clock_mono_ms());
    a->facts.is_spared = is_unreachable && breaker->is_open && !a->is_probe;
    if (is_unreachable && breaker->is_probing && !a->is_probe)
        return;
    if (!breaker_learn(breaker, is_unreachable, clock_mono_ms()))
        return;
    if (breaker->is_open)
        log_warn("paused", LOG_STR("channel", a->channel->config->name),
                 LOG_STR("direction", message_direction_name(a->facts.direction)),
                 LOG_SPAN("reason", o->reason));
    else
        log_info("resumed", LOG_STR("channel", a->channel->config->name),
                 LOG_STR("direction", message_direction_name(a->facts.direction)));
    if (!breaker->is_open && a->facts.direction == MESSAGE_IN)
        catcher_soon(a->channel->account->catcher); /* Front could not be reached: nor we, perhaps */
}

/* What ends a message for good also says what has arrived of it: the agent reads that. */
static char *reason_of(const struct attempt *a, const struct outcome *o)
{
    const struct verdict *v = &a->verdict;
    struct buf text;

    buf_init(&text, REASON_MAX);
    if (v->verb == VERB_KILL || v->verb == VERB_REJECT)
        message_parts_say(&a->parts, SPAN_NONE, &text);
    if (v->because)
        buf_addf(&text, "%s%s", v->because, o->reason.n > 0 ? ": " : "");
    buf_add_span(&text, o->reason);
    char *reason = text.n > 0 ? span_strdup(buf_span(&text)) : NULL;
    buf_fini(&text);
    return reason;
}

/* What is known of its parts after this attempt; n 0: nothing new. How it is cut holds from the first attempt on that has
 * said it; one that a crash has ended says nothing. */
static struct message_parts parts_after(const struct attempt *a, const struct outcome *o)
{
    bool is_delivered = o->kind == OUTCOME_DELIVERED;

    if (a->facts.direction != MESSAGE_OUT || o->part_n <= 1)
        return (struct message_parts){0};
    return (struct message_parts){.sent = a->parts.sent + is_delivered, .n = o->part_n, .cut = o->part_cut};
}

/* An application channel names its conversations itself. What an agent wrote joins one that is known, if any. */
static bool wants_learning(const struct attempt *a)
{
    bool is_new_to_us = a->kind == KIND_MESSAGE || (a->kind == KIND_AGENT && !a->has_conversation);

    return !a->is_elsewhere && a->facts.direction == MESSAGE_IN && is_new_to_us &&
           a->channel->config->kind == CHANNEL_CUSTOM;
}

void attempt_settle(struct attempt *a, const struct outcome *o)
{
    struct channel *ch = a->channel;
    wall_ms_t now = clock_wall_ms();

    a->facts.is_told = a->facts.direction == MESSAGE_OUT && o->kind == OUTCOME_REJECTED &&
                       receptions_tell(ch->bridge, a->facts.id);
    a->verdict = verdict_of(ch->config, &a->facts, o, now);
    a->outcome = o->kind;
    a->reason = reason_of(a, o);
    a->external_id = span_strdup(o->external_id);
    a->conversation_id = span_strdup(o->conversation_id);
    a->settle = (struct store_settle){
        .op.on_done = on_settled,
        .id = a->facts.id,
        .attempt = a->attempt,
        .verb = a->verdict.verb,
        .outcome = outcome_name(o->kind),
        .reason = span_of(a->reason),
        .code = o->code,
        .now = now,
        .due_at = a->verdict.due_at,
        .expires_at =
            a->verdict.is_unburnt || a->facts.is_history ? 0 : retry_expiry(ch->config, a->facts.created_at),
        .is_unburnt = a->verdict.is_unburnt,
        .is_unsure = o->kind == OUTCOME_UNKNOWN || a->is_unsure,
        .was_crash = o->was_crash,
        .was_alone = o->was_alone,
        .external_id = span_of(a->external_id),
        .peer_conversation = span_of(a->conversation_id),
        .front_conversation = span_of(a->front_conversation),
        .parts = parts_after(a, o),
        .wants_report =
            a->facts.direction == MESSAGE_OUT && a->kind == KIND_MESSAGE && a->verdict.verb == VERB_KILL,
        .wants_learning = wants_learning(a),
    };
    store_post_settle(ch->bridge->store, &a->settle);
}

static void write_line(const struct attempt *a)
{
    char id[STORE_ID_BYTES];
    struct log_field field[12] = {
        LOG_STR("channel", a->channel->config->name),
        LOG_STR("direction", message_direction_name(a->facts.direction)),
        LOG_STR("kind", message_kind_name(a->kind)),
        LOG_STR("id", id),
        LOG_STR("source_id", a->source_id),
        LOG_I64("attempt", a->facts.attempt),
        LOG_STR("outcome", outcome_name(a->outcome)),
        LOG_I64("code", a->settle.code),
        LOG_I64("took_ms", clock_mono_ms() - a->started_at),
    };
    unsigned n = 9;

    store_id_format(a->channel->bridge->store, a->facts.id, id);
    if (a->settle.parts.n > 0) {
        field[n++] = LOG_I64("part", a->parts.sent + 1);
        field[n++] = LOG_I64("part_n", a->settle.parts.n);
    }
    if (a->reason)
        field[n++] = LOG_STR("reason", a->reason);
    bool is_for_people = a->verdict.verb == VERB_KILL || a->verdict.verb == VERB_UNSURE;
    log_line(is_for_people ? LOG_WARN : LOG_INFO, message_state_name(a->settle.state), field, n);
}

static void count(struct attempt *a)
{
    struct channel_stats *stats = &a->channel->stats;

    uint64_t *n = a->kind == KIND_IMPORT              ? stats->history
                  : a->facts.direction == MESSAGE_OUT ? stats->deliveries
                                                      : stats->inbound;
    if (a->verdict.verb != VERB_PART) /* one delivery, however many parts it has */
        n[a->outcome]++;
    if (a->facts.direction == MESSAGE_OUT && a->kind == KIND_MESSAGE && a->verdict.verb == VERB_DELIVER)
        histogram_add(&stats->delivery_time, clock_wall_ms() - a->facts.created_at);
    if (a->facts.direction == MESSAGE_OUT && a->outcome == OUTCOME_DELIVERED)
        outage_worked(&a->channel->presence.outage);
    if (a->settle.wants_report) {
        stats->late_failures++;
        reporter_soon(a->channel->reporter);
    }
}

static void on_settled(struct store_op *op)
{
    struct attempt *a = container_of(op, struct attempt, settle.op);
    struct channel *ch = a->channel;
    struct queue *q = queue_of(a);

    if (op->result == OK) {
        write_line(a);
        count(a);
        if (a->settle.state == MESSAGE_QUEUED)
            queue_again(q, &a->settle);
        if (a->settle.is_promoted)
            queue_promoted(q, a->settle.now);
        if (a->settle.wants_learning && a->settle.state == MESSAGE_ACCEPTED)
            keeper_learn_soon(ch);
        if (a->facts.direction == MESSAGE_OUT)
            receptions_settled(ch->bridge, a->facts.id, a->settle.state, a->settle.code, a->settle.reason);
    } else {
        /* Cancelled or dropped meanwhile; the store has kept what it ended as. */
        log_warn("late_outcome", LOG_STR("channel", ch->config->name), LOG_STR("source_id", a->source_id),
                 LOG_I64("attempt", a->facts.attempt), LOG_STR("outcome", outcome_name(a->outcome)));
    }
    attempt_free(a);
    queue_kick(q);
}
