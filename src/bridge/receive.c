/*
 * From an adapter's hand to the store. The adapter hears "durable" only after the commit; what is wrong with
 * a message it hears at once.
 */
#include "bridge/receive.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "bridge/deposit.h"
#include "bridge/fetch.h"
#include "bridge/keeper.h"
#include "bridge/life.h"
#include "bridge/naming.h"
#include "bridge/receipt.h"
#include "front/incoming.h"
#include "front/phone.h"
#include "front/thread.h"
#include <stdlib.h>

enum { OUR_ID_BYTES = 24, FIELD_MAX = 4096 };

struct receive {
    TAILQ_ENTRY(receive) link; /* of the channel's, until it is posted or refused */
    struct channel *channel;
    uint64_t ticket;
    enum message_kind kind;
    enum sign sign;
    struct buf wire, handle, source_id, lane, conversation, thread_ref, reply_to, spelling;
    struct naming naming;
    struct deposit *deposit; /* its files; NULL: it has none */
    bool is_ready;           /* they are here */
    struct store_put put;
    struct store_item item;
};

static void on_put(struct store_op *op);

static void receive_free(struct receive *r)
{
    r->channel->bridge->receive_n--;
    buf_fini(&r->wire);
    buf_fini(&r->handle);
    buf_fini(&r->source_id);
    buf_fini(&r->lane);
    buf_fini(&r->conversation);
    buf_fini(&r->thread_ref);
    buf_fini(&r->reply_to);
    buf_fini(&r->spelling);
    naming_fini(&r->naming);
    free(r);
}

static void refuse(struct channel *ch, uint64_t ticket, const char *why)
{
    log_warn("inbound_refused", LOG_STR("channel", ch->config->name), LOG_STR("reason", why));
    host_stored(ch->host, ticket, ERR_INVALID, false, NULL, why);
}

static void add_string(struct jval v, struct buf *out)
{
    if (json_str(v, out) != OK)
        buf_clear(out);
}

/* Whose conversation it is: the customer's, also where an agent wrote. */
static struct jval customer_of(const struct receive *r, struct jval wire)
{
    return r->kind == KIND_AGENT ? json_get(json_first(json_get(wire, "to")), "handle")
                                 : json_path(wire, "sender.handle");
}

static bool has_phones(const struct channel *ch)
{
    return ch->config->handles == HANDLES_PHONE;
}

/* A backend without ids gets one of ours, which matches nothing. */
static void read_source_id(struct receive *r, struct jval wire)
{
    struct buf id;

    buf_init(&id, FIELD_MAX);
    add_string(json_get(wire, "id"), &id);
    if (r->sign != SIGN_NONE)
        buf_addf(&r->source_id, "%s%c", sign_name(r->sign), STORE_SIGN_MARK);
    if (id.n == 0) {
        char ours[OUR_ID_BYTES + 1];
        crypto_random_id(ours, OUR_ID_BYTES);
        buf_addf(&id, "none:%s", ours);
    }
    buf_add_span(&r->source_id, buf_span(&id));
    buf_fini(&id);
}

/* The earlier message that decides about the thread, where the conversation is not said. */
static struct jval answered(struct jval wire)
{
    static const char *const keys[] = {"message_id", "external_id", "in_reply_to"};
    struct jval v = {0};

    for (size_t i = 0; i < ARRAY_LEN(keys) && !json_has(v); i++)
        v = json_get(wire, keys[i]);
    return v;
}

/* The ids that order and deduplicate the message. */
static void read_ids(struct receive *r, struct jval wire)
{
    struct buf number;

    buf_init(&number, FIELD_MAX);
    add_string(customer_of(r, wire), &r->spelling);
    buf_add_span(&r->handle, phone_spelling(has_phones(r->channel), buf_span(&r->spelling), &number));
    buf_fini(&number);
    naming_add_as(&r->naming, buf_span(&r->handle), buf_span(&r->spelling));
    read_source_id(r, wire);
    add_string(json_get(wire, "conversation_id"), &r->conversation);
    add_string(answered(wire), &r->reply_to);
    naming_add(&r->naming, buf_span(&r->source_id));
    naming_add(&r->naming, buf_span(&r->conversation));
    buf_add_span(&r->lane, buf_span(r->conversation.n ? &r->conversation : &r->handle));
    thread_ref(r->channel->config->thread, buf_span(&r->handle), buf_span(&r->conversation), clock_wall_ms(),
               &r->thread_ref);
}

static void post(struct receive *r)
{
    struct channel *ch = r->channel;
    wall_ms_t now = clock_wall_ms();

    r->item = (struct store_item){
        .recipient = buf_span(&r->handle), .lane = buf_span(&r->lane), .body = buf_span(&r->wire)};
    if (r->deposit)
        r->item.file = deposit_files(r->deposit, &r->item.file_n);
    r->put = (struct store_put){
        .op.on_done = on_put,
        .direction = MESSAGE_IN,
        .kind = r->kind,
        .channel = ch->config->name,
        .source_id = buf_span(&r->source_id),
        .conversation = r->conversation.n ? buf_span(&r->conversation) : SPAN_NONE,
        .thread_ref = buf_span(&r->thread_ref),
        .reply_to = r->reply_to.n ? buf_span(&r->reply_to) : SPAN_NONE,
        .alias = r->naming.alias,
        .alias_n = r->naming.n,
        .rolls_ms = ch->config->thread == THREAD_ROLLING ? ch->config->thread_roll_ms : 0,
        .follows_link = ch->config->kind == CHANNEL_APPLICATION,
        .now = now,
        .created_at = now,
        .expires_at = retry_expiry(ch->config, now),
        .quota_bytes = ch->bridge->config->channel_quota_bytes,
        .item = &r->item,
        .item_n = 1,
    };
    store_post_put(ch->bridge->store, &r->put);
}

/* Behind one of its lane whose files are still copied: what came first is stored first. */
static bool is_behind(const struct receive *r)
{
    const struct receive *before;

    TAILQ_FOREACH(before, &r->channel->receives, link)
    {
        if (before == r)
            return false;
        if (span_eq(buf_span(&before->lane), buf_span(&r->lane)))
            return true;
    }
    return false;
}

static void post_ready(struct channel *ch)
{
    struct receive *r, *next;

    for (r = TAILQ_FIRST(&ch->receives); r; r = next) {
        next = TAILQ_NEXT(r, link);
        if (!r->is_ready || is_behind(r))
            continue;
        TAILQ_REMOVE(&ch->receives, r, link);
        post(r);
    }
}

/* An adapter that hears "not now" tries again; what is wrong with a message it hears as its own fault. */
static void on_deposited(enum err result, const char *why, void *arg)
{
    struct receive *r = arg;
    struct channel *ch = r->channel;

    r->is_ready = result == OK;
    if (result == ERR_INVALID || result == ERR_LIMIT)
        refuse(ch, r->ticket, why);
    else if (result != OK)
        host_stored(ch->host, r->ticket, result, false, NULL, why);
    if (result != OK) {
        TAILQ_REMOVE(&ch->receives, r, link);
        deposit_free(r->deposit, false);
        receive_free(r);
    }
    post_ready(ch);
}

static void receive_start(struct channel *ch, struct host_receive *m, struct jval wire)
{
    struct jval files = json_get(wire, "attachments");
    struct receive *r = mem_zalloc(sizeof *r);

    r->channel = ch;
    r->ticket = m->ticket;
    r->kind = incoming_is_from_agent(wire) ? KIND_AGENT : KIND_MESSAGE;
    r->sign = sign_of(wire);
    ch->bridge->receive_n++;
    buf_init(&r->wire, m->json.n);
    buf_init(&r->handle, FIELD_MAX);
    buf_init(&r->source_id, FIELD_MAX);
    buf_init(&r->lane, FIELD_MAX);
    buf_init(&r->conversation, FIELD_MAX);
    buf_init(&r->thread_ref, FIELD_MAX);
    buf_init(&r->reply_to, FIELD_MAX);
    buf_init(&r->spelling, FIELD_MAX);
    buf_add_span(&r->wire, m->json);
    read_ids(r, wire);
    if (r->source_id.is_over || r->conversation.is_over || r->handle.is_over) {
        refuse(ch, m->ticket, "An id or handle is longer than 4,096 bytes");
        receive_free(r);
        return;
    }
    TAILQ_INSERT_TAIL(&ch->receives, r, link);
    r->is_ready = json_len(files) == 0;
    if (r->is_ready)
        post_ready(ch);
    else
        r->deposit = deposit_new(ch, files, m->fd, m->fd_n, on_deposited, r);
}

/* Front has no place for it: it is counted. */
static void ignore(struct channel *ch, uint64_t ticket, enum sign s)
{
    ch->stats.signs[s][SIGN_NOT_KEPT]++;
    host_stored(ch->host, ticket, OK, false, NULL, NULL);
}

void receive_on_message(struct host *h, struct host_receive *m, void *arg)
{
    struct channel *ch = arg;
    struct json doc;
    struct buf why;

    (void)h;
    buf_init(&why, 1024);
    if (json_parse(&doc, m->json) != OK)
        refuse(ch, m->ticket, "The message is not JSON");
    else if (m->is_receipt && ch->bridge->is_stopping)
        host_stored(ch->host, m->ticket, ERR_FULL, false, NULL, "The bridge is stopping; send it again");
    else if (m->is_receipt)
        receipt_take(ch, m->ticket, json_root(&doc));
    else if (incoming_check(m->json, &why) != OK)
        refuse(ch, m->ticket, why.p ? why.p : "The message breaks a rule");
    else if (has_phones(ch) && incoming_check_phones(json_root(&doc), &why) != OK)
        refuse(ch, m->ticket, why.p ? why.p : "A handle is no phone number");
    else if (sign_form(json_root(&doc)) == SIGN_IGNORED)
        ignore(ch, m->ticket, sign_of(json_root(&doc)));
    else if (channel_is_resuming(ch))
        host_stored(ch->host, m->ticket, ERR_FULL, false, NULL, "The channel is being opened; send it again");
    else if (ch->bridge->is_stopping)
        host_stored(ch->host, m->ticket, ERR_FULL, false, NULL, "The bridge is stopping; send it again");
    else
        receive_start(ch, m, json_root(&doc));
    json_fini(&doc);
    buf_fini(&why);
}

static void on_put(struct store_op *op)
{
    struct receive *r = container_of(op, struct receive, put.op);
    struct channel *ch = r->channel;
    char id[STORE_ID_BYTES];
    bool is_new = op->result == OK && (r->item.how == STORE_NEW || r->item.how == STORE_AGAIN);

    if (op->result == OK) {
        store_id_format(ch->bridge->store, r->item.id, id);
        log_info(is_new ? "received" : "received_again", LOG_STR("channel", ch->config->name),
                 LOG_STR("kind", r->sign ? sign_name(r->sign) : message_kind_name(r->kind)),
                 LOG_STR("id", id), LOG_SPAN("source_id", buf_span(&r->source_id)));
        ch->stats.signs[r->sign][is_new ? SIGN_ACCEPTED : SIGN_AGAIN]++;
        host_stored(ch->host, r->ticket, OK, !is_new, id, NULL);
        queue_due(&ch->in, r->put.now);
        keeper_expiry(ch->bridge->keeper, r->put.expires_at);
        queue_kick(&ch->in);
        if (is_new && r->deposit && deposit_wants(r->deposit))
            fetcher_soon(ch->fetch[WAY_IN]);
    } else {
        host_stored(ch->host, r->ticket, op->result == ERR_FULL ? ERR_FULL : ERR_IO, false, NULL,
                    op->result == ERR_FULL ? "Too many messages are waiting; send it again later"
                                           : "The message could not be stored; send it again");
    }
    deposit_free(r->deposit, is_new);
    store_put_fini(&r->put);
    receive_free(r);
}

/* ---- Key-value ---- */

struct kv {
    struct channel *channel;
    uint64_t ticket;
    struct store_kv op;
    char *key, *value;
};

static void on_kv_done(struct store_op *op)
{
    struct kv *kv = container_of(op, struct kv, op.op);

    host_kv_done(kv->channel->host, kv->ticket, op->result, (struct span){kv->op.found, kv->op.found_n});
    kv->channel->bridge->receive_n--;
    free(kv->op.found);
    free(kv->key);
    free(kv->value);
    free(kv);
}

void receive_on_kv(struct host *h, uint64_t ticket, bool is_write, struct span key, struct span value,
                   void *arg)
{
    struct channel *ch = arg;
    struct kv *kv = mem_zalloc(sizeof *kv);

    (void)h;
    kv->channel = ch;
    kv->ticket = ticket;
    kv->key = mem_strndup(key.p, key.n);
    kv->value = span_strdup(value);
    kv->op = (struct store_kv){.op.on_done = on_kv_done,
                               .channel = ch->config->name,
                               .key = {kv->key, key.n},
                               .is_write = is_write,
                               .value = {kv->value, value.n}};
    ch->bridge->receive_n++;
    store_post_kv(ch->bridge->store, &kv->op);
}
