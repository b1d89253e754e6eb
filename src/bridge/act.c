/*
 * What is made of an event: a table of acts by type. Each act asks for what it needs, decides by pure functions
 * (front/route.h, front/event.h), and leaves its result in the store before the event is ended there.
 */
#include "bridge/act.h"
#include "base/mem.h"
#include "bridge/keeper.h"
#include "bridge/place.h"
#include "bridge/reception.h"
#include "bridge/relay.h"
#include "front/notice.h"
#include "front/phone.h"
#include "front/route.h"
#include <stdlib.h>

/* ---- Channels ---- */

static bool is_candidate(const struct happening *h, const struct channel *ch)
{
    return h->via ? ch == h->via : ch->account == h->account;
}

/* The next channel that the event may concern, from h->next on; NULL: that was all. */
static struct channel *next_channel(struct happening *h)
{
    struct bridge *b = h->account->bridge;

    while (h->next < b->config->channel_n) {
        struct channel *ch = &b->channel[h->next++];
        if (is_candidate(h, ch))
            return ch;
    }
    return NULL;
}

struct search {
    const char *inbox;
    bool is_found;
};

static void look_for(struct span id, void *arg)
{
    struct search *s = arg;

    s->is_found |= span_is(id, s->inbox);
}

static bool names_inbox(const struct front_event *e, const char *inbox)
{
    struct search s = {.inbox = inbox};

    if (inbox)
        front_event_inboxes(e, look_for, &s);
    return s.is_found;
}

/* ---- outbound, out_reply: deliver ---- */

static void on_delivery_put(struct store_op *op)
{
    struct happening *h = container_of(op, struct happening, out.put.op);
    struct channel *ch = h->channel;
    bool is_new = false;

    if (!happening_is_done(h, op))
        return;
    if (op->result != OK) {
        happening_end(h, EVENT_FAILED, "the store refused the message");
        return;
    }
    for (unsigned i = 0; i < h->out.item_n; i++)
        is_new |= h->out.item[i].how == STORE_NEW || h->out.item[i].how == STORE_AGAIN;
    outgoing_stored(&h->out, ch);
    keeper_expiry(ch->bridge->keeper, h->out.put.expires_at);
    queue_due(&ch->out, h->out.put.now);
    queue_kick(&ch->out);
    happening_end(h, is_new ? EVENT_ACTED : EVENT_IGNORED,
                  is_new ? "taken for delivery" : "its message is known already");
}

/* A message that had ended here, and of which Front then tells again, was sent once more by its agent. Both clocks must say
 * so: Front's, when it was emitted, and ours, when it came. */
static wall_ms_t sent_again_at(const struct happening *h)
{
    wall_ms_t emitted_at = h->what.emitted_at, stored_at = h->event.stored_at;

    return emitted_at < stored_at ? emitted_at : stored_at;
}

static void deliver(struct happening *h, struct channel *ch)
{
    wall_ms_t now = clock_wall_ms(), made_at = route_made_at(h->message);
    const struct route_telling telling = {.is_sending = ch == h->via && h->event.origin == EVENT_CALLED,
                                          .emitted_at = h->what.emitted_at,
                                          .failed_at = h->event.failed_at};
    const char *refusal = route_refusal(h->message, &telling, now, ch->config->too_old_ms);

    if (!channel_knows_source(ch)) {
        happening_later(h, "it is not known yet whether the channel takes events", ACT_LAG_MAX_MS);
    } else if (!channel_takes_events(ch)) {
        happening_end(h, EVENT_IGNORED, "the channel takes its messages from callbacks");
    } else if (refusal) {
        ch->stats.unsent++;
        happening_end(h, EVENT_IGNORED, refusal);
    } else {
        h->channel = ch;
        outgoing_init(&h->out, ch, &h->message, now, made_at && made_at < now ? made_at : now);
        if (h->out.is_too_large) {
            happening_end(h, EVENT_FAILED, "its message is too large to be stored");
            return;
        }
        h->out.put.op.on_done = on_delivery_put;
        h->out.put.only_new = true;
        h->out.put.sent_at = sent_again_at(h);
        store_post_put(ch->bridge->store, &h->out.put);
    }
}

/* Our own message, posted for an agent of the backend, must not go back there. */
static bool is_ours(const struct happening *h)
{
    char *own = outgoing_own_id(h->account->bridge->store, h->message);
    bool is_ours = own != NULL;

    free(own);
    return is_ours;
}

static void route(struct happening *h)
{
    struct channel *ch;
    const char *unknown = NULL;

    if (is_ours(h)) {
        happening_end(h, EVENT_IGNORED, "the bridge made this message itself");
        return;
    }
    while ((ch = next_channel(h))) {
        const struct place *place = place_of(ch, &unknown);
        if (!place && ch != h->via)
            continue;
        const struct route_place known = {place && place->address ? place->address : ch->config->address,
                                          place ? place->type : NULL};
        bool is_in = ch == h->via || h->what.source.form != EVENT_FULL || names_inbox(&h->what, place->inbox);
        if (is_in && route_is_for(h->message, &known, ch == h->via)) {
            deliver(h, ch);
            return;
        }
    }
    if (unknown && !h->via)
        happening_later(h, unknown, ACT_LAG_MAX_MS);
    else
        happening_end(h, EVENT_IGNORED, "its message belongs to no channel here");
}

static void act_outbound(struct happening *h)
{
    happening_need_message(h, route);
}

/* ---- inbound: a proof of our own posts, or news ---- */

static void tell_those_who_ask(struct happening *h);
static void confirm_next(struct happening *h);

static void on_confirmed(struct store_op *op)
{
    struct happening *h = container_of(op, struct happening, confirm.op);

    if (op->result == ERR_NOT_FOUND) {
        confirm_next(h);
    } else if (happening_is_done(h, op)) {
        struct queue *queue = h->confirm.is_history ? &h->channel->history : &h->channel->in;
        if (op->result == OK) /* an attempt may be looking for it, in lists that lag behind the event */
            relay_shown(h->channel, h->confirm.found_id);
        if (h->confirm.is_promoted)
            queue_promoted(queue, h->confirm.now);
        queue_kick(queue);
        happening_end(h, EVENT_ACTED,
                      h->confirm.is_new ? "it proves a message of ours" : "its message was proven before");
    }
}

static void confirm_next(struct happening *h)
{
    struct store *s = h->account->bridge->store;

    h->channel = next_channel(h);
    if (!h->channel) {
        h->next = 0;
        tell_those_who_ask(h);
        return;
    }
    buf_clear(&h->text);
    h->confirm = (struct store_confirm){.op.on_done = on_confirmed,
                                        .channel = h->channel->config->name,
                                        .front_id = span_of(h->message->message_id),
                                        .conversation = span_of(h->message->conversation_id),
                                        .now = clock_wall_ms()};
    char *own = outgoing_own_id(s, h->message);
    if (own) {
        (void)!store_id_parse(s, span_of(own), &h->confirm.id);
        free(own);
    } else if (json_str(json_get(h->message->message, "message_uid"), &h->text) == OK) {
        h->confirm.uid = buf_span(&h->text);
    } else {
        confirm_next(h);
        return;
    }
    store_post_confirm(s, &h->confirm);
}

static void act_inbound(struct happening *h)
{
    happening_need_message(h, confirm_next);
}

/* ---- Notices ---- */

/* Whose message it is, in the spelling that the deliveries of ch have; of no bytes: not known. */
static struct span recipient_of(struct happening *h, const struct channel *ch)
{
    return phone_spelling(ch->config->handles == HANDLES_PHONE, buf_span(&h->handle), &h->number);
}

static void put_notice(struct happening *h, struct channel *ch, enum message_kind kind,
                       void (*done)(struct store_op *op))
{
    struct span recipient = recipient_of(h, ch);
    const struct notice n = {.event = &h->what,
                             .message_id = h->what.target.kind == EVENT_OF_MESSAGE ? h->what.target.id : NULL,
                             .handle = recipient.n ? recipient : SPAN_NONE,
                             .reason = h->reason.n ? buf_span(&h->reason) : SPAN_NONE};
    wall_ms_t now = clock_wall_ms();

    h->channel = ch;
    buf_clear(&h->text);
    buf_clear(&h->lane);
    notice_write(&n, &h->text);
    lane_write(h->what.conversation.id, recipient.n ? recipient.p : "", &h->lane);
    if (h->text.is_over) {
        happening_end(h, EVENT_FAILED, "it is too large to be told to an adapter");
        return;
    }
    h->item =
        (struct store_item){.recipient = recipient, .lane = buf_span(&h->lane), .body = buf_span(&h->text)};
    h->put = (struct store_put){
        .op.on_done = done,
        .direction = MESSAGE_OUT,
        .kind = kind,
        .channel = ch->config->name,
        .source_id = span_of(h->what.id),
        .conversation = span_of(h->what.conversation.id),
        .event_id = span_of(h->what.id),
        .now = now,
        .created_at = now,
        .expires_at = retry_expiry(ch->config, now),
        .quota_bytes = ch->bridge->config->channel_quota_bytes,
        .only_new = true,
        .item = &h->item,
        .item_n = 1,
    };
    store_post_put(ch->bridge->store, &h->put);
}

static void notice_is_put(struct happening *h)
{
    keeper_expiry(h->channel->bridge->keeper, h->put.expires_at);
    queue_due(&h->channel->out, h->put.now);
    queue_kick(&h->channel->out);
    h->made_n += h->item.how == STORE_NEW;
}

/* ---- sending_error, message_bounce_error: take back what is open, tell the adapter of what had arrived ---- */

static void on_failure_put(struct store_op *op)
{
    struct happening *h = container_of(op, struct happening, put.op);

    if (!happening_is_done(h, op))
        return;
    if (op->result == OK)
        notice_is_put(h);
    happening_end(h, op->result == OK ? EVENT_ACTED : EVENT_FAILED,
                  op->result == OK ? "the adapter is told of the failure" : "the store refused the notice");
}

static void conclude_failure(struct happening *h, struct channel *known)
{
    struct channel *ch = known ? known : h->via;
    const struct host_adapter *adapter = ch ? host_adapter(ch->host) : NULL;

    if (h->failed_n[0] > 0 && h->failed_n[1] == 0)
        happening_end(h, EVENT_ACTED, "what was open of its message is taken back");
    else if (h->failed_n[2] > 0 && h->failed_n[1] == 0)
        happening_end(h, EVENT_IGNORED, "the bridge refused its message itself");
    else if (!ch)
        happening_end(h, EVENT_IGNORED, "its message belongs to no channel here");
    else if (!adapter)
        happening_later(h, "the channel's adapter was not up yet", ACT_GIVE_UP_MS);
    else if (!adapter->takes_failed)
        happening_end(h, EVENT_IGNORED, "the adapter takes no failures");
    else
        put_notice(h, ch, KIND_FAILURE, on_failure_put);
}

static void fail_next(struct happening *h);

static void on_failed(struct store_op *op)
{
    struct happening *h = container_of(op, struct happening, failed.op);
    struct store_failed *f = &h->failed;
    struct channel *ch = h->channel;

    if (!happening_is_done(h, op))
        return;
    h->failed_n[0] += f->cancelled_n;
    h->failed_n[1] += f->delivered_n;
    h->failed_n[2] += f->ended_n;
    for (unsigned i = 0; i < f->cancelled_n && i < ARRAY_LEN(f->cancelled); i++)
        receptions_settled(ch->bridge, f->cancelled[i], MESSAGE_CANCELLED, 0, span_of(f->reason));
    if (f->is_promoted)
        queue_promoted(&ch->out, f->now);
    queue_kick(&ch->out);
    if (f->cancelled_n + f->delivered_n + f->ended_n > 0)
        conclude_failure(h, ch);
    else
        fail_next(h);
}

static void fail_next(struct happening *h)
{
    h->channel = next_channel(h);
    if (!h->channel) {
        conclude_failure(h, NULL);
        return;
    }
    struct span recipient = recipient_of(h, h->channel);
    h->failed = (struct store_failed){.op.on_done = on_failed,
                                      .channel = h->channel->config->name,
                                      .source_id = span_of(h->what.target.id),
                                      .recipient = recipient.n ? recipient : SPAN_NONE,
                                      .now = clock_wall_ms(),
                                      .failed_at = h->what.emitted_at,
                                      .reason = "Front says that sending it failed"};
    store_post_failed(h->account->bridge->store, &h->failed);
}

static void act_failure(struct happening *h)
{
    if (happening_needs_whole(h))
        return;
    if (!h->what.target.id) {
        happening_end(h, EVENT_IGNORED, "it names no message");
        return;
    }
    notice_read_failure(&h->what, &h->handle, &h->reason);
    fail_next(h);
}

/* ---- All that adapters ask for ---- */

/* An adapter that has never been up has not said what it wants. */
static bool may_want(struct channel *ch, const char *type)
{
    const struct host_adapter *a = host_adapter(ch->host);

    return !a || (a->takes_events && host_wants_event(ch->host, type));
}

static void tell_next(struct happening *h);

static void on_event_put(struct store_op *op)
{
    struct happening *h = container_of(op, struct happening, put.op);

    if (!happening_is_done(h, op))
        return;
    if (op->result == OK)
        notice_is_put(h);
    tell_next(h);
}

static bool is_in_conversation(const struct happening *h, const char *inbox)
{
    for (struct jval v = json_first(json_root(&h->inboxes)); v.doc; v = json_next(v))
        if (json_is(json_get(v, "id"), inbox))
            return true;
    return false;
}

static bool concerns(struct happening *h, struct channel *ch, const char **unknown)
{
    if (ch == h->via)
        return true;
    const struct place *place = place_of(ch, unknown);
    return place && place->inbox &&
           (names_inbox(&h->what, place->inbox) || is_in_conversation(h, place->inbox));
}

static void tell_next(struct happening *h)
{
    const char *unknown = NULL;
    struct channel *ch;

    while ((ch = next_channel(h))) {
        if (!may_want(ch, h->what.type_name) || !concerns(h, ch, &unknown))
            continue;
        if (host_adapter(ch->host)) {
            put_notice(h, ch, KIND_EVENT, on_event_put);
            return;
        }
        h->is_early = true;
    }
    if (h->is_early)
        happening_later(h, "an adapter was not up yet", ACT_LAG_MAX_MS);
    else if (unknown && h->made_n == 0)
        happening_later(h, unknown, ACT_LAG_MAX_MS);
    else
        happening_end(h, h->made_n > 0 ? EVENT_ACTED : EVENT_IGNORED,
                      h->made_n > 0 ? "the adapters that ask for it are told"
                                    : "no channel that it concerns asks for it");
}

/* An event without inboxes belongs to those that its conversation is in. */
static void on_inboxes(const struct front_result *r, void *arg)
{
    struct happening *h = arg;

    if (!happening_is_answered(h, r))
        return;
    struct span text = json_raw(json_get(json_root(r->json), "_results"));
    h->inboxes_text = span_strdup(text);
    if (!h->inboxes_text || json_parse(&h->inboxes, (struct span){h->inboxes_text, text.n}) != OK) {
        happening_end(h, EVENT_FAILED, "Front's list of inboxes could not be read");
        return;
    }
    tell_next(h);
}

static bool is_wanted(struct happening *h)
{
    const struct bridge *b = h->account->bridge;

    for (size_t i = 0; i < b->config->channel_n; i++)
        if (is_candidate(h, &b->channel[i]) && may_want(&b->channel[i], h->what.type_name))
            return true;
    return false;
}

static void tell_those_who_ask(struct happening *h)
{
    if (!is_wanted(h)) {
        happening_end(h, EVENT_IGNORED, "no adapter asks for it");
        return;
    }
    if (happening_needs_whole(h))
        return;
    h->next = 0;
    h->is_early = false;
    if (!h->via && h->what.source.kind != EVENT_OF_INBOXES && h->what.conversation.id)
        happening_ask(h, "conversation_inboxes", "/conversations/%s/inboxes", h->what.conversation.id,
                      on_inboxes);
    else
        tell_next(h);
}

/* What programs do through the API, we among them, is no news for the chat system. */
static void act_other(struct happening *h)
{
    if (h->what.source.kind == EVENT_OF_PROGRAM)
        happening_end(h, EVENT_IGNORED, "a program did it through Front's API");
    else
        tell_those_who_ask(h);
}

/* ---- conversations_merged: their threads go on in the one that is left ---- */

static void on_merged(struct store_op *op)
{
    struct happening *h = container_of(op, struct happening, merge.op);

    if (!happening_is_done(h, op))
        return;
    h->made_n += h->merge.link_n > 0;
    tell_those_who_ask(h);
}

static void add_gone(struct span id, void *arg)
{
    struct gone *g = arg;

    if (g->n == STORE_MERGE_MAX)
        return;
    g->id[g->n] = span_strdup(id);
    g->span[g->n] = span_of(g->id[g->n]);
    g->n++;
}

static void act_merged(struct happening *h)
{
    if (happening_needs_whole(h))
        return;
    if (!h->gone) {
        h->gone = mem_zalloc(sizeof *h->gone);
        front_event_merged(&h->what, add_gone, h->gone);
    }
    if (h->gone->n == 0 || !h->what.conversation.id) {
        if (is_wanted(h))
            tell_those_who_ask(h);
        else
            happening_end(h, EVENT_IGNORED, "it does not say what was merged; a redirect of Front will");
        return;
    }
    h->merge = (struct store_merge){.op.on_done = on_merged,
                                    .into = span_of(h->what.conversation.id),
                                    .gone = h->gone->span,
                                    .gone_n = h->gone->n,
                                    .now = clock_wall_ms()};
    store_post_merge(h->account->bridge->store, &h->merge);
}

/* ---- The table ---- */

static act_step_fn *const acts[EVENT_TYPE_N] = {
    [EVENT_OUTBOUND] = act_outbound,     [EVENT_OUT_REPLY] = act_outbound,   [EVENT_INBOUND] = act_inbound,
    [EVENT_SENDING_ERROR] = act_failure, [EVENT_BOUNCE_ERROR] = act_failure, [EVENT_MERGED] = act_merged,
};

void act_start(struct happening *h)
{
    if (h->what.fault)
        happening_end(h, EVENT_IGNORED, h->what.fault);
    else
        (acts[h->what.type] ? acts[h->what.type] : act_other)(h);
}
