/*
 * The life of one event at work: what is missing is asked of Front; it ends, or comes again later. What is made of it:
 * act.c.
 */
#include "bridge/happening.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/point.h"
#include "bridge/act.h"
#include "bridge/resolve.h"
#include <stdlib.h>
#include <string.h>

enum {
    LATER_FIRST_MS = 1000,
    LATER_MAX_MS = 5 * 60 * 1000,
    HANDLE_MAX = CALLBACK_HANDLE_MAX,
    NOTICE_MAX = 12 << 20,
};

/* ---- Ends ---- */

static void forget_message(struct happening *h)
{
    if (h->message)
        callback_fini(h->message);
    free(h->message);
    h->message = NULL;
}

static void happening_free(struct happening *h)
{
    struct eventer *e = h->eventer;
    int64_t id = h->event.id;

    forget_message(h);
    free(h->message_text);
    front_event_fini(&h->what);
    json_fini(&h->doc);
    json_fini(&h->whole);
    json_fini(&h->inboxes);
    free(h->whole_text);
    free(h->inboxes_text);
    buf_fini(&h->handle);
    buf_fini(&h->number);
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
    free(h->why);
    free(h);
    eventer_ended(e, id);
}

static void on_ended(struct store_op *op)
{
    happening_free(container_of(op, struct happening, end.op));
}

static void post_end(struct happening *h, enum event_state s, wall_ms_t due_at, const char *result)
{
    h->result = result ? mem_strndup(result, strnlen(result, ACT_RESULT_MAX)) : NULL;
    h->end = (struct store_event_end){.op.on_done = on_ended,
                                      .id = h->event.id,
                                      .state = s,
                                      .due_at = due_at,
                                      .result = span_of(h->result),
                                      .steps_aside = h->steps_aside};
    store_post_event_end(h->account->bridge->store, &h->end);
}

void happening_end(struct happening *h, enum event_state s, const char *result)
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

/* It waits for something to come up: how long it lay in the store, behind others or while no process ran, does not
 * count. */
static bool has_waited(const struct happening *h, int64_t patience_ms)
{
    return clock_wall_ms() - eventer_tried_since(h->eventer, &h->event) > patience_ms;
}

/* Not now: by back-off, until it has waited too long. */
void happening_later(struct happening *h, const char *why, int64_t patience_ms)
{
    wall_ms_t now = clock_wall_ms();
    int64_t delay = LATER_FIRST_MS;

    for (unsigned i = 0; i < h->event.tries && delay < LATER_MAX_MS; i++)
        delay *= 2;
    if (has_waited(h, patience_ms))
        happening_end(h, EVENT_FAILED, why);
    else
        post_end(h, EVENT_WAITING, now + (delay < LATER_MAX_MS ? delay : LATER_MAX_MS), why);
}

/* The bridge is closing: the event is given back, so that the next process does not take it for what ended this one. */
static void drop(struct happening *h)
{
    post_end(h, EVENT_WAITING, clock_wall_ms(), h->event.result);
}

bool happening_is_done(struct happening *h, const struct store_op *op)
{
    if (op->result == ERR_CANCELLED)
        happening_free(h); /* the store takes nothing any more: the lease runs out */
    else if (op->result == ERR_FULL || op->result == ERR_IO)
        happening_later(h, "the store takes nothing at the moment", ACT_GIVE_UP_MS);
    else
        return true;
    return false;
}

/* ---- Asking Front ---- */

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

/* Front answers other questions: the id is what it cannot answer. Whatever waits behind it goes on; it is tried again,
 * alone, for as long as any other. */
static void on_proof(const struct front_result *r, void *arg)
{
    struct happening *h = arg;

    h->steps_aside = r->class == FRONT_CALL_OK || r->class == FRONT_CALL_REFUSED;
    if (r->class == FRONT_CALL_CANCELLED)
        drop(h);
    else
        happening_later(h, h->why, ACT_GIVE_UP_MS);
}

/* Front has no answer, again. Is it the one question, or Front? */
static void wait_or_step_aside(struct happening *h, const char *why)
{
    const char *channel = channel_for_token(h);

    if (h->event.is_aside || !channel || !has_waited(h, ACT_LAG_MAX_MS)) {
        happening_later(h, why, ACT_GIVE_UP_MS);
        return;
    }
    free(h->why);
    h->why = mem_strdup(why);
    happening_ask(h, "channel", "/channels/%s", channel, on_proof);
}

bool happening_is_answered(struct happening *h, const struct front_result *r)
{
    struct buf why;

    if (r->class == FRONT_CALL_OK && r->json)
        return true;
    buf_init(&why, ACT_RESULT_MAX);
    buf_addf(&why, "Front was asked about it: %.*s", SPAN_FMT(r->reason));
    if (r->class == FRONT_CALL_CANCELLED)
        drop(h);
    else if (r->class == FRONT_CALL_REFUSED && r->status == 404)
        happening_later(h, "Front does not know it (yet)", ACT_LAG_MAX_MS);
    else if (r->class == FRONT_CALL_REFUSED && r->status == 401)
        happening_later(h, why.p ? why.p : "Front refused the token",
                        ACT_GIVE_UP_MS); /* which people will put right */
    else if (r->class == FRONT_CALL_REFUSED)
        happening_end(h, EVENT_FAILED, why.p ? why.p : "Front refused to say more");
    else
        wait_or_step_aside(h, why.p ? why.p : "Front could not be asked");
    buf_fini(&why);
    return false;
}

void happening_ask(struct happening *h, const char *call, const char *fmt, const char *id,
                   front_done_fn *done)
{
    struct buf path;

    if (h->account->bridge->is_stopping) {
        drop(h); /* the client may be gone already */
        return;
    }
    buf_init(&path, 1024);
    front_path(&path, fmt, id);
    resolve(h->account->resolver, call, path.p, id, channel_for_token(h), done, h);
    buf_fini(&path);
}

/* ---- The message ---- */

/* The text must stay as long as h does. */
static bool take_message(struct happening *h, struct span text)
{
    struct buf why;

    buf_init(&why, 1024);
    forget_message(h); /* an act may have begun anew */
    h->message = mem_zalloc(sizeof *h->message);
    bool is_good = callback_of_message(h->message, text, span_of(h->what.id), &why) == OK;
    if (!is_good)
        forget_message(h);
    buf_fini(&why);
    return is_good;
}

static void on_message_answer(const struct front_result *r, void *arg)
{
    struct happening *h = arg;

    if (!happening_is_answered(h, r))
        return;
    /* The id that was asked for is the one that counts, whatever is in the answer. */
    if (!json_is(json_get(json_root(r->json), "id"), h->what.target.id)) {
        happening_end(h, EVENT_FAILED, "Front answered with another message than it was asked for");
        return;
    }
    forget_message(h);
    free(h->message_text);
    h->message_text = span_strdup(json_raw(json_root(r->json)));
    if (take_message(h, span_of(h->message_text)))
        h->on_message(h);
    else
        happening_end(h, EVENT_IGNORED, "its message is none that could be delivered");
}

/* What came signed and whole is used as it is; a preview is asked about. */
void happening_need_message(struct happening *h, act_step_fn *then)
{
    h->on_message = then;
    if (h->what.target.form == EVENT_FULL && json_has(h->what.target.data) &&
        take_message(h, json_raw(h->what.target.data)))
        h->on_message(h);
    else if (h->what.target.id)
        happening_ask(h, "message", "/messages/%s", h->what.target.id, on_message_answer);
    else if (!happening_needs_whole(h))
        happening_end(h, EVENT_IGNORED, "it names no message");
}

/* ---- The whole event ---- */

/* The target that the type demands is not told: it is absent, null, or nothing but its type. */
static bool lacks_target(const struct front_event *e)
{
    return !event_type_fits(e->type, EVENT_OF_NOTHING) && !e->target.id && !json_has(e->target.data);
}

static bool is_whole(const struct front_event *e)
{
    bool source = e->source.form != EVENT_PREVIEW, target = e->target.form != EVENT_PREVIEW;

    return source && target && e->conversation.form != EVENT_PREVIEW && !lacks_target(e);
}

static void take_whole(struct happening *h, struct span text)
{
    struct front_event whole = {0};
    struct buf ignored;

    buf_init(&ignored, 1024);
    h->whole_text = span_strdup(text);
    if (json_parse(&h->whole, (struct span){h->whole_text, text.n}) == OK &&
        front_event_read(&whole, json_root(&h->whole), &ignored) == OK && strcmp(whole.id, h->what.id) == 0 &&
        !whole.fault) {
        front_event_fini(&h->what);
        h->what = whole;
        whole = (struct front_event){0};
    }
    front_event_fini(&whole);
    buf_fini(&ignored);
}

static void on_event_answer(const struct front_result *r, void *arg)
{
    struct happening *h = arg;
    bool is_patient = !has_waited(h, ACT_LAG_MAX_MS);
    bool is_lagging = r->status == 404 && is_patient;
    bool is_broken = h->event.is_aside && r->class == FRONT_CALL_RETRY && r->status >= 500;
    bool is_final = (r->class == FRONT_CALL_REFUSED && !is_lagging) || is_broken;

    if (!is_final && !happening_is_answered(h, r))
        return;
    h->has_asked = true;
    if (!is_final)
        take_whole(h, json_raw(json_root(r->json)));
    act_start(h); /* with what there is */
}

bool happening_needs_whole(struct happening *h)
{
    if (h->has_asked || is_whole(&h->what) || !h->account->config->token)
        return false;
    happening_ask(h, "event", "/events/%s", h->what.id, on_event_answer);
    return true;
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
    buf_init(&h->number, HANDLE_MAX);
    buf_init(&h->reason, ACT_RESULT_MAX);
    buf_init(&h->text, NOTICE_MAX);
    buf_init(&h->lane, 2 * (CALLBACK_HANDLE_MAX + CALLBACK_ID_MAX));
    buf_init(&why, 1024);
    if (*h->event.via && !h->via)
        happening_end(h, EVENT_IGNORED, "the channel that it came to is in the configuration no more");
    else if (h->account->bridge->is_stopping)
        drop(h);
    else if (!h->event.body || json_parse(&h->doc, (struct span){h->event.body, h->event.body_n}) != OK ||
             front_event_read(&h->what, json_root(&h->doc), &why) != OK)
        happening_end(h, EVENT_FAILED, "what is stored of it cannot be read");
    else {
        POINT("at_event");
        act_start(h);
    }
    buf_fini(&why);
}
