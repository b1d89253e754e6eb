/*
 * From a receipt of the wire to the store, and to whoever acts on it: the reporter for a failure, the relay for
 * what was read. Which delivery is meant, and whether that was said before, is the store's to know.
 */
#include "bridge/receipt.h"
#include "base/log.h"
#include "base/mem.h"
#include "bridge/keeper.h"
#include "bridge/report.h"
#include "store/later.h"
#include <stdlib.h>
#include <string.h>

enum { FIELD_MAX = 4096 };

struct receipt {
    struct channel *channel;
    uint64_t ticket;
    char *external_id, *reason;
    struct store_receipt op;
};

static const char *const status_names[] = {
    [RECEIPT_DELIVERED] = "delivered", [RECEIPT_READ] = "read", [RECEIPT_FAILED] = "failed"};

static void receipt_free(struct receipt *r)
{
    r->channel->bridge->receive_n--;
    free(r->external_id);
    free(r->reason);
    free(r);
}

static void act(struct receipt *r)
{
    struct channel *ch = r->channel;

    if (r->op.has_report) {
        ch->stats.late_failures++;
        reporter_soon(ch->reporter);
    }
    if (r->op.is_queued) {
        queue_due(&ch->in, r->op.now);
        keeper_expiry(ch->bridge->keeper, r->op.expires_at);
        queue_kick(&ch->in);
    }
}

static void on_noted(struct store_op *op)
{
    struct receipt *r = container_of(op, struct receipt, op.op);
    struct channel *ch = r->channel;
    char id[STORE_ID_BYTES];

    if (op->result == OK) {
        store_id_format(ch->bridge->store, r->op.found_id, id);
        log_info(r->op.is_new ? "receipt" : "receipt_again", LOG_STR("channel", ch->config->name),
                 LOG_STR("id", id), LOG_STR("status", status_names[r->op.status]));
        host_stored(ch->host, r->ticket, OK, !r->op.is_new, id, NULL);
        act(r);
    } else if (op->result == ERR_NOT_FOUND) {
        host_stored(
            ch->host, r->ticket, ERR_NOT_FOUND, false, NULL,
            "There is no such delivery in this channel; name it by the id that it came with, or by the "
            "external_id that you answered");
    } else {
        host_stored(ch->host, r->ticket, ERR_IO, false, NULL,
                    "The receipt could not be stored; send it again");
    }
    receipt_free(r);
}

static enum receipt_status status_of(struct jval status)
{
    for (unsigned i = RECEIPT_DELIVERED; i < ARRAY_LEN(status_names); i++)
        if (json_is(status, status_names[i]))
            return (enum receipt_status)i;
    return RECEIPT_DELIVERED; /* the host has looked */
}

/* How much of a delivery's id is the message's: what follows is the number of its text or of a part. */
static size_t own_length(const char *id)
{
    size_t tag = strcspn(id, "-");

    return tag + (id[tag] ? 1 + strcspn(id + tag + 1, "-.") : 0);
}

int64_t receipt_delivery(const struct channel *ch, struct jval v)
{
    char *text = json_dup(v, FIELD_MAX);
    int64_t id = 0;

    if (text) {
        struct span s = {text, own_length(text)};
        if (store_id_parse(ch->bridge->store, s, &id) != OK)
            id = 0;
    }
    free(text);
    return id;
}

void receipt_take(struct channel *ch, uint64_t ticket, struct jval wire)
{
    struct receipt *r = mem_zalloc(sizeof *r);
    wall_ms_t now = clock_wall_ms();

    *r = (struct receipt){.channel = ch,
                          .ticket = ticket,
                          .external_id = json_dup(json_get(wire, "external_id"), FIELD_MAX),
                          .reason = json_dup(json_get(wire, "reason"), FIELD_MAX)};
    if (!r->reason)
        r->reason = mem_strdup("The chat system says that it was not delivered after all");
    r->op = (struct store_receipt){.op.on_done = on_noted,
                                   .channel = ch->config->name,
                                   .id = receipt_delivery(ch, json_get(wire, "delivery_id")),
                                   .external_id = span_of(r->external_id),
                                   .status = status_of(json_get(wire, "status")),
                                   .now = now,
                                   .expires_at = retry_expiry(ch->config, now)};
    if (r->op.status == RECEIPT_FAILED)
        r->op.reason = span_of(r->reason);
    ch->bridge->receive_n++;
    store_post_receipt(ch->bridge->store, &r->op);
}
