/*
 * From a claimed message to a call of Front's API, and from its result to an outcome. What must be known before
 * the call is found out by steps, each of which passes, waits or ends the attempt.
 */
#include "bridge/relay.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/point.h"
#include "bridge/author.h"
#include "bridge/life.h"
#include "bridge/place.h"
#include "bridge/staging.h"
#include "front/incoming.h"
#include <stdlib.h>

enum {
    WINDOW = 4, /* calls of one channel that are started or wait for the budget */
    PAYLOAD_MAX = 24 << 20,
    REASON_MAX = 1024,
    LOOK_MS = 50,          /* between two looks at what Front is being asked */
    PATIENCE_MS = 5000,    /* with what it is asked */
    PLACE_AGAIN_MS = 2000, /* a message that does not know its place yet is tried again */
};

/* Where a message of each kind goes, by kind of channel. */
struct way {
    const char *call;
    enum front_auth auth;
    const char *path;
    bool is_of_inbox; /* %s in path is the channel's inbox, else the channel */
    enum err (*build)(const struct incoming *in, struct buf *out, struct buf *why);
};

static const struct way ways[MESSAGE_KIND_N][2] = {
    [KIND_MESSAGE] = {[CHANNEL_CUSTOM] = {"incoming_messages", FRONT_AUTH_TOKEN,
                                          "/channels/%s/incoming_messages", false, incoming_custom},
                      [CHANNEL_APPLICATION] = {"inbound_messages", FRONT_AUTH_CHANNEL,
                                               "/channels/%s/inbound_messages", false, incoming_application}},
    [KIND_AGENT] = {[CHANNEL_CUSTOM] = {"imported_messages", FRONT_AUTH_TOKEN,
                                        "/inboxes/%s/imported_messages", true, incoming_agent_custom},
                    [CHANNEL_APPLICATION] = {"outbound_messages", FRONT_AUTH_CHANNEL,
                                             "/channels/%s/outbound_messages", false,
                                             incoming_agent_application}},
};

/* One attempt, from its claim to its outcome. */
struct relay {
    LIST_ENTRY(relay) link;
    struct channel *channel;
    struct attempt *attempt;
    const struct way *way;
    unsigned step;
    struct event *timer; /* the next look at what this step waits for */
    mono_ms_t waits_since;
    char *wire, *thread_ref, *conversation, *author_email, *author_id;
    size_t wire_n;
    wall_ms_t created_at;
    char id[STORE_ID_BYTES];
};

/* ---- How many ---- */

unsigned relay_capacity(const struct channel *ch, mono_ms_t now)
{
    unsigned in_flight = ch->in.in_flight;

    if (ch->bridge->is_stopping || channel_is_closed(ch) || in_flight >= WINDOW)
        return 0;
    if (ch->config->dry_run) /* Front is not asked */
        return WINDOW - in_flight;
    if (!channel_front_id(ch))
        return 0;
    /* One always, so that another channel of the account that fills the budget does not keep this one out. */
    bool is_crowded = front_client_waiting(ch->account->front, RATE_INBOUND) >= WINDOW;
    unsigned wanted = !is_crowded ? WINDOW - in_flight : in_flight == 0 ? 1 : 0;
    return breaker_allows(&ch->account->breaker, wanted, now);
}

int64_t relay_wait_ms(const struct channel *ch, mono_ms_t now)
{
    const struct breaker *b = &ch->account->breaker;

    if (ch->config->dry_run || !b->is_open || b->is_probing || ch->in.in_flight >= WINDOW)
        return -1;
    return b->probe_at > now ? b->probe_at - now : 0;
}

static struct outcome outcome_of(const struct front_result *r)
{
    static const enum outcome_kind kind[] = {
        [FRONT_CALL_OK] = OUTCOME_DELIVERED,      [FRONT_CALL_RETRY] = OUTCOME_RETRY,
        [FRONT_CALL_REFUSED] = OUTCOME_REJECTED,  [FRONT_CALL_UNKNOWN] = OUTCOME_UNKNOWN,
        [FRONT_CALL_CANCELLED] = OUTCOME_UNKNOWN,
    };
    return (struct outcome){.kind = kind[r->class],
                            .is_unreachable = r->is_unreachable,
                            .code = r->status,
                            .retry_after_ms = r->retry_after_ms,
                            .reason = r->reason};
}

/* ---- Life ---- */

static void on_look(evutil_socket_t fd, short what, void *arg);

static char *author_email_of(const struct store_message *m)
{
    struct json doc;
    char *email = NULL;

    if (m->kind == KIND_AGENT && json_parse(&doc, (struct span){m->body, m->body_n}) == OK)
        email = json_dup(json_get(json_root(&doc), "author_email"), INCOMING_HANDLE_MAX);
    if (m->kind == KIND_AGENT)
        json_fini(&doc);
    return email;
}

static struct relay *relay_new(struct channel *ch, const struct store_message *m)
{
    struct relay *r = mem_zalloc(sizeof *r);

    *r = (struct relay){.channel = ch,
                        .attempt = attempt_new(ch, MESSAGE_IN, m),
                        .way = &ways[m->kind][ch->config->kind],
                        .timer = evtimer_new(ch->bridge->base, on_look, r),
                        .wire = mem_strndup(m->body ? m->body : "", m->body_n),
                        .wire_n = m->body_n,
                        .thread_ref = m->thread_ref ? mem_strdup(m->thread_ref) : NULL,
                        .conversation = m->front_conversation ? mem_strdup(m->front_conversation) : NULL,
                        .author_email = author_email_of(m),
                        .created_at = m->created_at};
    must(r->timer);
    store_id_format(ch->bridge->store, m->id, r->id);
    r->attempt->has_conversation = r->conversation != NULL;
    r->attempt->is_probe = ch->account->breaker.is_open;
    breaker_started(&ch->account->breaker, 1);
    LIST_INSERT_HEAD(&ch->relays, r, link);
    return r;
}

/* The attempt goes on to its settle. */
static void relay_free(struct relay *r)
{
    LIST_REMOVE(r, link);
    event_free(r->timer);
    free(r->wire);
    free(r->thread_ref);
    free(r->conversation);
    free(r->author_email);
    free(r->author_id);
    free(r);
}

/* Ends an attempt that has not been sent. */
static void end(struct relay *r, const struct outcome *o)
{
    struct attempt *a = r->attempt;

    breaker_lost(&r->channel->account->breaker, a->is_probe);
    attempt_settle(a, o);
    relay_free(r);
}

/* ---- The call ---- */

static void on_answer(const struct front_result *result, void *arg)
{
    struct relay *r = arg;
    struct attempt *a = r->attempt;
    struct outcome o = outcome_of(result);
    struct buf uid;

    POINT("after_relay");
    buf_init(&uid, CALLBACK_ID_MAX);
    if (result->class == FRONT_CALL_OK && incoming_uid(result->json, &uid) == OK)
        o.external_id = buf_span(&uid);
    if (result->class == FRONT_CALL_CANCELLED)
        breaker_lost(&r->channel->account->breaker, a->is_probe);
    else
        attempt_learn(a, &r->channel->account->breaker, &o);
    attempt_settle(a, &o);
    relay_free(r);
    buf_fini(&uid);
}

static enum err build(const struct relay *r, const char *address, struct buf *body, struct buf *why)
{
    enum err e = r->way->build(&(struct incoming){.wire = {r->wire, r->wire_n},
                                                  .id = r->id,
                                                  .thread_ref = r->thread_ref,
                                                  .created_at = r->created_at,
                                                  .author_id = r->author_id,
                                                  .address = address,
                                                  .conversation = r->conversation},
                               body, why);
    return e == OK && body->is_over ? ERR_LIMIT : e;
}

static void call(struct relay *r, const char *of, struct span body)
{
    struct buf path;

    buf_init(&path, 1024);
    front_path(&path, r->way->path, of);
    staging_call(r->channel,
                 &(struct front_request){.name = r->way->call,
                                         .lane = RATE_INBOUND,
                                         .auth = r->way->auth,
                                         .channel = channel_front_id(r->channel),
                                         .method = "POST",
                                         .path = path.p,
                                         .resource = of,
                                         .body = body},
                 on_answer, r);
    buf_fini(&path);
}

/* ---- The steps ---- */

enum progress {
    STEP_PASSED,
    STEP_WAITS, /* for something that Front is being asked: it is looked at again */
    STEP_TAKEN  /* whoever took it goes on with it, or has ended it */
};

static bool is_patient(const struct relay *r)
{
    return clock_mono_ms() - r->waits_since < PATIENCE_MS;
}

/* The teammate behind an agent's e-mail address; the message goes without, rather than not at all. */
static enum progress find_author(struct relay *r)
{
    const char *id;

    if (!r->author_email)
        return STEP_PASSED;
    if (!author_find(r->channel, r->author_email, &id))
        return is_patient(r) ? STEP_WAITS : STEP_PASSED;
    r->author_id = id ? mem_strdup(id) : NULL;
    return STEP_PASSED;
}

/* The inbox, where the call needs one. */
static enum progress find_place(struct relay *r)
{
    const char *why;

    if (!r->way->is_of_inbox)
        return STEP_PASSED;
    const struct place *place = place_of(r->channel, &why);
    if (place && place->inbox)
        return STEP_PASSED;
    if (!place && is_patient(r))
        return STEP_WAITS;
    if (!place)
        end(r, &(struct outcome){
                   .kind = OUTCOME_RETRY, .retry_after_ms = PLACE_AGAIN_MS, .reason = span_of(why)});
    else
        end(r,
            &(struct outcome){
                .kind = OUTCOME_REJECTED,
                .reason = SPAN_LIT("Front shows no inbox for this channel, which takes what agents wrote")});
    return STEP_TAKEN;
}

static enum progress post(struct relay *r)
{
    const struct place *place = r->way->is_of_inbox ? place_of(r->channel, NULL) : NULL;
    struct buf body, why;

    buf_init(&body, PAYLOAD_MAX);
    buf_init(&why, REASON_MAX);
    if (build(r, place ? place->address : NULL, &body, &why) == OK)
        call(r, place ? place->inbox : channel_front_id(r->channel), buf_span(&body));
    else
        end(r, &(struct outcome){.kind = OUTCOME_REJECTED, .is_unsent = true, .reason = buf_span(&why)});
    buf_fini(&body);
    buf_fini(&why);
    return STEP_TAKEN;
}

static enum progress (*const steps[])(struct relay *r) = {find_author, find_place, post};

static void go_on(struct relay *r)
{
    enum progress p = STEP_PASSED;

    while (p == STEP_PASSED) {
        p = steps[r->step](r);
        if (p == STEP_PASSED) {
            r->step++;
            r->waits_since = clock_mono_ms();
        }
    }
    if (p == STEP_WAITS)
        event_add(r->timer, &(struct timeval){.tv_usec = LOOK_MS * 1000});
}

/* Why nothing may leave now; NULL: it may. */
static const char *why_not(const struct channel *ch)
{
    return ch->bridge->is_stopping ? "the bridge is stopping"
           : channel_is_closed(ch) ? "the channel is deleted in Front"
                                   : NULL;
}

static void put_back(struct relay *r, const char *why)
{
    end(r, &(struct outcome){.kind = OUTCOME_RETRY, .is_unsent = true, .reason = span_of(why)});
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
    struct relay *r = arg;
    const char *why = why_not(r->channel);

    (void)fd;
    (void)what;
    if (why)
        put_back(r, why);
    else
        go_on(r);
}

void relay_start(struct channel *ch, const struct store_message *m)
{
    struct relay *r = relay_new(ch, m);
    const char *why = why_not(ch);
    struct outcome instead;

    if (why) { /* claimed just before; the client may be gone */
        put_back(r, why);
    } else if (!r->way->call) {
        instead = (struct outcome){.kind = OUTCOME_REJECTED,
                                   .is_unsent = true,
                                   .reason = SPAN_LIT("Front has no call for what this is")};
        end(r, &instead);
    } else if (staging_withholds(ch->config, m, &instead)) {
        end(r, &instead);
    } else {
        r->waits_since = clock_mono_ms();
        go_on(r);
    }
}

void relay_close(struct channel *ch)
{
    for (struct relay *r = LIST_FIRST(&ch->relays), *next; r; r = next) {
        next = LIST_NEXT(r, link);
        if (evtimer_pending(r->timer, NULL))
            put_back(r, "the bridge is stopping");
    }
}
