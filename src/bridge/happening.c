/*
 * What is made of an event: a table of acts by type. Each act asks for what it needs, decides by pure functions
 * (front/route.h, front/event.h), and leaves its result in the store before the event is ended there.
 */
#include "bridge/happening.h"
#include "base/log.h"
#include "base/mem.h"
#include "bridge/keeper.h"
#include "bridge/outgoing.h"
#include "bridge/place.h"
#include "bridge/reception.h"
#include "bridge/resolve.h"
#include "front/notice.h"
#include "front/route.h"
#include <stdlib.h>
#include <string.h>

enum {
    LATER_FIRST_MS = 1000,
    LATER_MAX_MS = 5 * 60 * 1000,
    LAG_MAX_MS = 10 * 60 * 1000,      /* so long an id may be unknown to Front itself */
    GIVE_UP_MS = 24 * 60 * 60 * 1000, /* then an event has failed, whatever it waits for */
    RESULT_MAX = 500,
    HANDLE_MAX = CALLBACK_HANDLE_MAX,
    NOTICE_MAX = 12 << 20,
};

struct happening {
    struct eventer *eventer;
    struct account *account;
    struct channel *via; /* NULL: it came to no channel's URL */
    struct store_event event;
    struct json doc, whole, inboxes; /* as stored; as GET /events/{id} shows it; of its conversation */
    char *whole_text, *inboxes_text;
    struct front_event what;
    struct callback *message; /* the target, once it is known */
    bool has_asked;           /* for the whole event */
    size_t next;              /* channel that is looked at next */
    unsigned made_n;          /* notices put, proofs found, … */
    struct channel *channel;  /* that an operation is for */
    struct buf handle, reason, text, lane;
    struct store_item item;
    struct store_put put;
    struct outgoing out;
    struct store_failed failed;
    unsigned failed_n[3]; /* cancelled, delivered, ended: over all channels */
    struct store_confirm confirm;
    struct store_merge merge;
    struct gone {
        char *id[STORE_MERGE_MAX];
        struct span span[STORE_MERGE_MAX];
        unsigned n;
    } * gone;
    struct store_event_end end;
    char *result;
};

/* ---- Ends ---- */

static void happening_free(struct happening *h)
{
    struct eventer *e = h->eventer;
    int64_t id = h->event.id;

    if (h->message)
        callback_fini(h->message);
    free(h->message);
    front_event_fini(&h->what);
    json_fini(&h->doc);
    json_fini(&h->whole);
    json_fini(&h->inboxes);
    free(h->whole_text);
    free(h->inboxes_text);
    buf_fini(&h->handle);
    buf_fini(&h->reason);
    buf_fini(&h->text);
    buf_fini(&h->lane);
    outgoing_fini(&h->out);
    store_put_fini(&h->put);
    store_event_fini(&h->event);
    for (unsigned i = 0; h->gone && i < h->gone->n; i++)
        free(h->gone->id[i]);
    free(h->gone);
    free(h->result);
    free(h);
    eventer_ended(e, id);
}

static void on_ended(struct store_op *op)
{
    happening_free(container_of(op, struct happening, end.op));
}

static void post_end(struct happening *h, enum event_state s, wall_ms_t due_at, const char *result)
{
    h->result = mem_strndup(result, strnlen(result, RESULT_MAX));
    h->end = (struct store_event_end){.op.on_done = on_ended,
                                      .id = h->event.id,
                                      .state = s,
                                      .due_at = due_at,
                                      .result = span_of(h->result)};
    store_post_event_end(h->account->bridge->store, &h->end);
}

static void end(struct happening *h, enum event_state s, const char *result)
{
    h->account->events[h->what.type][s]++;
    log_line(s == EVENT_FAILED ? LOG_WARN : LOG_INFO, "event",
             (const struct log_field[]){
                 LOG_STR("account", h->account->config->name),
                 LOG_STR("channel", h->via ? h->via->config->name : ""),
                 LOG_STR("type", h->event.type),
                 LOG_STR("id", h->event.event_id),
                 LOG_STR("state", store_event_state_name(s)),
                 LOG_STR("result", result),
             },
             6);
    post_end(h, s, h->event.due_at, result);
}

/* Not now: by back-off, until it has waited too long. */
static void later(struct happening *h, const char *why, int64_t patience_ms)
{
    wall_ms_t now = clock_wall_ms();
    int64_t delay = LATER_FIRST_MS;

    for (unsigned i = 0; i < h->event.tries && delay < LATER_MAX_MS; i++)
        delay *= 2;
    if (now - h->event.stored_at > patience_ms)
        end(h, EVENT_FAILED, why);
    else
        post_end(h, EVENT_WAITING, now + (delay < LATER_MAX_MS ? delay : LATER_MAX_MS), why);
}

/* The bridge is closing, or the store failed: the lease runs out, and the event is handed out again. */
static void drop(struct happening *h)
{
    happening_free(h);
}

static bool is_done(struct happening *h, const struct store_op *op)
{
    if (op->result == ERR_CANCELLED)
        drop(h);
    else if (op->result == ERR_FULL || op->result == ERR_IO)
        later(h, "the store takes nothing at the moment", GIVE_UP_MS);
    else
        return true;
    return false;
}

/* ---- Asking Front ---- */

typedef void step_fn(struct happening *h);

/* False: the answer was of no use, and h is gone. */
static bool is_answered(struct happening *h, const struct front_result *r)
{
    struct buf why;

    if (r->class == FRONT_CALL_OK && r->json)
        return true;
    buf_init(&why, RESULT_MAX);
    buf_addf(&why, "Front was asked about it: %.*s", SPAN_FMT(r->reason));
    if (r->class == FRONT_CALL_CANCELLED)
        drop(h);
    else if (r->class == FRONT_CALL_REFUSED && r->status == 404)
        later(h, "Front does not know it (yet)", LAG_MAX_MS);
    else if (r->class == FRONT_CALL_REFUSED)
        end(h, EVENT_FAILED, why.p ? why.p : "Front refused to say more");
    else
        later(h, why.p ? why.p : "Front could not be asked", GIVE_UP_MS);
    buf_fini(&why);
    return false;
}

static const char *channel_for_token(const struct happening *h)
{
    const struct bridge *b = h->account->bridge;

    if (h->via)
        return channel_front_id(h->via);
    for (size_t i = 0; i < b->config->channel_n; i++)
        if (b->channel[i].account == h->account && channel_front_id(&b->channel[i]))
            return channel_front_id(&b->channel[i]);
    return NULL;
}

static void ask(struct happening *h, const char *call, const char *fmt, const char *id, front_done_fn *done)
{
    struct buf path;

    buf_init(&path, 1024);
    front_path(&path, fmt, id);
    resolve(h->account->resolver, call, path.p, id, channel_for_token(h), done, h);
    buf_fini(&path);
}

/* ---- The message ---- */

static bool take_message(struct happening *h, struct span text)
{
    struct buf why;

    buf_init(&why, 1024);
    h->message = mem_zalloc(sizeof *h->message);
    bool is_good = callback_of_message(h->message, text, span_of(h->what.id), &why) == OK;
    if (!is_good) {
        callback_fini(h->message);
        free(h->message);
        h->message = NULL;
    }
    buf_fini(&why);
    return is_good;
}

static step_fn on_message;

static void on_message_answer(const struct front_result *r, void *arg)
{
    struct happening *h = arg;

    if (!is_answered(h, r))
        return;
    /* The id that was asked for is the one that counts, whatever is in the answer. */
    if (!json_is(json_get(json_root(r->json), "id"), h->what.target.id))
        end(h, EVENT_FAILED, "Front answered with another message than it was asked for");
    else if (take_message(h, json_raw(json_root(r->json))))
        on_message(h);
    else
        end(h, EVENT_IGNORED, "its message is none that could be delivered");
}

/* What came signed and whole is used as it is; a preview is asked about. */
static void need_message(struct happening *h)
{
    if (h->what.target.form == EVENT_FULL && json_has(h->what.target.data) &&
        take_message(h, json_raw(h->what.target.data)))
        on_message(h);
    else if (h->what.target.id)
        ask(h, "message", "/messages/%s", h->what.target.id, on_message_answer);
    else
        end(h, EVENT_IGNORED, "it names no message");
}

/* ---- The whole event ---- */

static bool is_whole(const struct front_event *e)
{
    bool source = e->source.form != EVENT_PREVIEW, target = e->target.form != EVENT_PREVIEW;

    return source && target && e->conversation.form != EVENT_PREVIEW;
}

static void start_act(struct happening *h);

static void on_event_answer(const struct front_result *r, void *arg)
{
    struct happening *h = arg;
    struct buf ignored;
    bool is_lagging = r->status == 404 && clock_wall_ms() - h->event.stored_at < LAG_MAX_MS;
    bool is_final = r->class == FRONT_CALL_REFUSED && !is_lagging;

    if (!is_final && !is_answered(h, r))
        return;
    h->has_asked = true;
    buf_init(&ignored, 1024);
    if (!is_final) {
        struct front_event whole;
        struct span text = json_raw(json_root(r->json));
        h->whole_text = span_strdup(text);
        bool is_good = json_parse(&h->whole, (struct span){h->whole_text, text.n}) == OK &&
                       front_event_read(&whole, json_root(&h->whole), &ignored) == OK;
        if (is_good && strcmp(whole.id, h->what.id) == 0 && !whole.fault) {
            front_event_fini(&h->what);
            h->what = whole;
        } else if (is_good) {
            front_event_fini(&whole);
        }
    }
    buf_fini(&ignored);
    start_act(h); /* with what there is */
}

/* True: the event is being asked about, and the act begins anew with the answer. */
static bool needs_whole(struct happening *h)
{
    if (h->has_asked || is_whole(&h->what) || !h->account->config->token)
        return false;
    ask(h, "event", "/events/%s", h->what.id, on_event_answer);
    return true;
}

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

    if (!is_done(h, op))
        return;
    if (op->result != OK) {
        end(h, EVENT_FAILED, "the store refused the message");
        return;
    }
    for (unsigned i = 0; i < h->out.item_n; i++)
        is_new |= h->out.item[i].how == STORE_NEW;
    outgoing_stored(&h->out, ch);
    keeper_expiry(ch->bridge->keeper, h->out.put.expires_at);
    queue_due(&ch->out, h->out.put.now);
    queue_kick(&ch->out);
    end(h, is_new ? EVENT_ACTED : EVENT_IGNORED,
        is_new ? "taken for delivery" : "its message is known already");
}

static void deliver(struct happening *h, struct channel *ch)
{
    wall_ms_t now = clock_wall_ms(), made_at = route_made_at(h->message);
    const char *refusal = route_refusal(h->message, h->what.emitted_at, now, ch->config->too_old_ms);

    if (!channel_takes_events(ch)) {
        end(h, EVENT_IGNORED, "the channel takes its messages from callbacks");
    } else if (refusal) {
        ch->stats.unsent++;
        end(h, EVENT_IGNORED, refusal);
    } else {
        h->channel = ch;
        outgoing_init(&h->out, ch, &h->message, now, made_at && made_at < now ? made_at : now);
        h->out.put.op.on_done = on_delivery_put;
        h->out.put.only_new = true;
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
        end(h, EVENT_IGNORED, "the bridge made this message itself");
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
        later(h, unknown, LAG_MAX_MS);
    else
        end(h, EVENT_IGNORED, "its message belongs to no channel here");
}

/* ---- inbound: a proof of our own posts, or news ---- */

static void tell_those_who_ask(struct happening *h);
static void confirm_next(struct happening *h);

static void on_confirmed(struct store_op *op)
{
    struct happening *h = container_of(op, struct happening, confirm.op);

    if (op->result == ERR_NOT_FOUND) {
        confirm_next(h);
    } else if (is_done(h, op)) {
        if (h->confirm.is_promoted)
            queue_promoted(&h->channel->in, h->confirm.now);
        queue_kick(&h->channel->in);
        end(h, EVENT_ACTED,
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
    h->confirm = (struct store_confirm){
        .op.on_done = on_confirmed, .channel = h->channel->config->name, .now = clock_wall_ms()};
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

static void on_message(struct happening *h)
{
    (h->what.type == EVENT_INBOUND ? confirm_next : route)(h);
}

/* ---- Notices ---- */

static void put_notice(struct happening *h, struct channel *ch, enum message_kind kind,
                       void (*done)(struct store_op *op))
{
    const struct notice n = {.event = &h->what,
                             .message_id = h->what.target.kind == EVENT_OF_MESSAGE ? h->what.target.id : NULL,
                             .handle = h->handle.n ? buf_span(&h->handle) : SPAN_NONE,
                             .reason = h->reason.n ? buf_span(&h->reason) : SPAN_NONE};
    wall_ms_t now = clock_wall_ms();

    h->channel = ch;
    buf_clear(&h->text);
    buf_clear(&h->lane);
    notice_write(&n, &h->text);
    lane_write(h->what.conversation.id, h->handle.n ? h->handle.p : "", &h->lane);
    h->item = (struct store_item){
        .recipient = buf_span(&h->handle), .lane = buf_span(&h->lane), .body = buf_span(&h->text)};
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

    if (!is_done(h, op))
        return;
    if (op->result == OK)
        notice_is_put(h);
    end(h, op->result == OK ? EVENT_ACTED : EVENT_FAILED,
        op->result == OK ? "the adapter is told of the failure" : "the store refused the notice");
}

static void conclude_failure(struct happening *h, struct channel *known)
{
    struct channel *ch = known ? known : h->via;
    const struct host_adapter *adapter = ch ? host_adapter(ch->host) : NULL;

    if (h->failed_n[0] > 0)
        end(h, EVENT_ACTED, "what was open of its message is taken back");
    else if (h->failed_n[2] > 0 && h->failed_n[1] == 0)
        end(h, EVENT_IGNORED, "the bridge refused its message itself");
    else if (!ch)
        end(h, EVENT_IGNORED, "its message belongs to no channel here");
    else if (!adapter)
        later(h, "the channel's adapter was not up yet", GIVE_UP_MS);
    else if (!adapter->takes_failed)
        end(h, EVENT_IGNORED, "the adapter takes no failures");
    else
        put_notice(h, ch, KIND_FAILURE, on_failure_put);
}

static void fail_next(struct happening *h);

static void on_failed(struct store_op *op)
{
    struct happening *h = container_of(op, struct happening, failed.op);
    struct store_failed *f = &h->failed;
    struct channel *ch = h->channel;

    if (!is_done(h, op))
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
    h->failed = (struct store_failed){.op.on_done = on_failed,
                                      .channel = h->channel->config->name,
                                      .source_id = span_of(h->what.target.id),
                                      .recipient = h->handle.n ? buf_span(&h->handle) : SPAN_NONE,
                                      .now = clock_wall_ms(),
                                      .reason = "Front says that sending it failed"};
    store_post_failed(h->account->bridge->store, &h->failed);
}

static void act_failure(struct happening *h)
{
    if (needs_whole(h))
        return;
    if (!h->what.target.id) {
        end(h, EVENT_IGNORED, "it names no message");
        return;
    }
    notice_read_failure(&h->what, &h->handle, &h->reason);
    fail_next(h);
}

/* ---- All that adapters ask for ---- */

static bool wants(struct channel *ch, const char *type)
{
    const struct host_adapter *a = host_adapter(ch->host);

    return a && a->takes_events && host_wants_event(ch->host, type);
}

static void tell_next(struct happening *h);

static void on_event_put(struct store_op *op)
{
    struct happening *h = container_of(op, struct happening, put.op);

    if (!is_done(h, op))
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

    while ((ch = next_channel(h)))
        if (wants(ch, h->what.type_name) && concerns(h, ch, &unknown)) {
            put_notice(h, ch, KIND_EVENT, on_event_put);
            return;
        }
    if (unknown && h->made_n == 0)
        later(h, unknown, LAG_MAX_MS);
    else
        end(h, h->made_n > 0 ? EVENT_ACTED : EVENT_IGNORED,
            h->made_n > 0 ? "the adapters that ask for it are told"
                          : "no channel that it concerns asks for it");
}

/* An event without inboxes belongs to those that its conversation is in. */
static void on_inboxes(const struct front_result *r, void *arg)
{
    struct happening *h = arg;

    if (!is_answered(h, r))
        return;
    struct span text = json_raw(json_get(json_root(r->json), "_results"));
    h->inboxes_text = span_strdup(text);
    if (!h->inboxes_text || json_parse(&h->inboxes, (struct span){h->inboxes_text, text.n}) != OK) {
        end(h, EVENT_FAILED, "Front's list of inboxes could not be read");
        return;
    }
    tell_next(h);
}

static bool is_wanted(struct happening *h)
{
    const struct bridge *b = h->account->bridge;

    for (size_t i = 0; i < b->config->channel_n; i++)
        if (is_candidate(h, &b->channel[i]) && wants(&b->channel[i], h->what.type_name))
            return true;
    return false;
}

static bool is_waiting_for_adapter(const struct happening *h)
{
    const struct bridge *b = h->account->bridge;

    for (size_t i = 0; i < b->config->channel_n; i++)
        if (is_candidate(h, &b->channel[i]) && !host_adapter(b->channel[i].host))
            return true;
    return false;
}

static void tell_those_who_ask(struct happening *h)
{
    if (!is_wanted(h)) {
        if (is_waiting_for_adapter(h))
            later(h, "an adapter was not up yet", LAG_MAX_MS);
        else
            end(h, EVENT_IGNORED, "no adapter asks for it");
        return;
    }
    if (needs_whole(h))
        return;
    h->next = 0;
    if (!h->via && h->what.source.kind != EVENT_OF_INBOXES && h->what.conversation.id)
        ask(h, "conversation_inboxes", "/conversations/%s/inboxes", h->what.conversation.id, on_inboxes);
    else
        tell_next(h);
}

/* What programs do through the API, we among them, is no news for the chat system. */
static void act_other(struct happening *h)
{
    if (h->what.source.kind == EVENT_OF_PROGRAM)
        end(h, EVENT_IGNORED, "a program did it through Front's API");
    else
        tell_those_who_ask(h);
}

/* ---- conversations_merged: their threads go on in the one that is left ---- */

static void on_merged(struct store_op *op)
{
    struct happening *h = container_of(op, struct happening, merge.op);

    if (!is_done(h, op))
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
    if (needs_whole(h))
        return;
    if (!h->gone) {
        h->gone = mem_zalloc(sizeof *h->gone);
        front_event_merged(&h->what, add_gone, h->gone);
    }
    if (h->gone->n == 0 || !h->what.conversation.id) {
        end(h, EVENT_IGNORED, "it does not say what was merged; a redirect of Front will");
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

static step_fn *const acts[EVENT_TYPE_N] = {
    [EVENT_OUTBOUND] = need_message,     [EVENT_OUT_REPLY] = need_message,   [EVENT_INBOUND] = need_message,
    [EVENT_SENDING_ERROR] = act_failure, [EVENT_BOUNCE_ERROR] = act_failure, [EVENT_MERGED] = act_merged,
};

static void start_act(struct happening *h)
{
    if (h->what.fault)
        end(h, EVENT_IGNORED, h->what.fault);
    else
        (acts[h->what.type] ? acts[h->what.type] : act_other)(h);
}

void happening_start(struct eventer *e, struct store_event *event)
{
    struct happening *h = mem_zalloc(sizeof *h);
    struct buf why;

    h->eventer = e;
    h->account = eventer_account(e);
    h->event = *event;
    *event = (struct store_event){0};
    if (*h->event.via)
        h->via = bridge_channel(h->account->bridge, span_of(h->event.via));
    buf_init(&h->handle, HANDLE_MAX);
    buf_init(&h->reason, RESULT_MAX);
    buf_init(&h->text, NOTICE_MAX);
    buf_init(&h->lane, 2 * (CALLBACK_HANDLE_MAX + CALLBACK_ID_MAX));
    buf_init(&why, 1024);
    if (*h->event.via && !h->via)
        end(h, EVENT_IGNORED, "the channel that it came to is in the configuration no more");
    else if (!h->event.body || json_parse(&h->doc, (struct span){h->event.body, h->event.body_n}) != OK ||
             front_event_read(&h->what, json_root(&h->doc), &why) != OK)
        end(h, EVENT_FAILED, "what is stored of it cannot be read");
    else
        start_act(h);
    buf_fini(&why);
}
