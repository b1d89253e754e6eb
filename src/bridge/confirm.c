/*
 * From a proof of Front to the store, and counted. Which message it is, and what it means in its state, is the
 * store's to know.
 */
#include "bridge/confirm.h"
#include "base/log.h"
#include "base/mem.h"
#include "bridge/relay.h"
#include "store/later.h"
#include <stdlib.h>

struct confirmation {
    struct channel *channel;
    struct store_confirm op;
    char *uid, *front_id, *conversation;
    confirm_done_fn *done;
    void *arg;
};

static void count(struct confirmation *c)
{
    struct channel_stats *stats = &c->channel->stats;

    if (c->op.op.result != OK)
        stats->unconfirmed++;
    else if (c->op.is_new)
        stats->confirmed++;
    else
        stats->confirmed_again++;
}

static void write_line(const struct confirmation *c)
{
    char id[STORE_ID_BYTES];

    store_id_format(c->channel->bridge->store, c->op.found_id, id);
    log_info("confirmed", LOG_STR("channel", c->channel->config->name),
             LOG_STR("direction", message_direction_name(MESSAGE_IN)), LOG_STR("id", id));
}

static void on_confirmed(struct store_op *op)
{
    struct confirmation *c = container_of(op, struct confirmation, op.op);
    struct channel *ch = c->channel;
    struct queue *queue = c->op.is_history ? &ch->history : &ch->in;

    count(c);
    if (op->result == OK)
        relay_shown(ch, c->op.found_id);
    if (op->result == OK && c->op.is_new)
        write_line(c);
    if (op->result == OK && c->op.is_promoted)
        queue_promoted(queue, c->op.now);
    c->done(op->result, c->arg);
    ch->bridge->receive_n--;
    queue_kick(queue);
    free(c->uid);
    free(c->front_id);
    free(c->conversation);
    free(c);
}

static char *dup_or_null(struct span s)
{
    return s.n > 0 ? span_strdup(s) : NULL;
}

void confirm_message(struct channel *ch, const struct proof *proof, confirm_done_fn *done, void *arg)
{
    struct confirmation *c = mem_zalloc(sizeof *c);
    int64_t id = 0;

    *c = (struct confirmation){.channel = ch,
                               .uid = dup_or_null(proof->uid),
                               .front_id = dup_or_null(proof->front_id),
                               .conversation = dup_or_null(proof->conversation),
                               .done = done,
                               .arg = arg};
    if (proof->our_id.n > 0 && store_id_parse(ch->bridge->store, proof->our_id, &id) != OK)
        id = 0;
    c->op = (struct store_confirm){.op.on_done = on_confirmed,
                                   .channel = ch->config->name,
                                   .id = id,
                                   .uid = span_of(c->uid),
                                   .front_id = span_of(c->front_id),
                                   .conversation = span_of(c->conversation),
                                   .now = clock_wall_ms()};
    ch->bridge->receive_n++;
    store_post_confirm(ch->bridge->store, &c->op);
}
