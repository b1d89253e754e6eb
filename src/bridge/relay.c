/*
 * From a claimed message to a call of Front's API, and from its result to an outcome.
 */
#include "bridge/relay.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/point.h"
#include "bridge/life.h"
#include "bridge/staging.h"
#include "front/incoming.h"
#include <stdlib.h>

enum {
    WINDOW = 4, /* calls of one channel that are started or wait for the budget */
    PAYLOAD_MAX = 24 << 20,
    REASON_MAX = 1024,
};

/* What differs between the kinds of channel. */
static const struct {
    const char *call;
    enum front_auth auth;
    const char *path;
    enum err (*build)(const struct incoming *in, struct buf *out, struct buf *why);
} post[] = {
    [CHANNEL_CUSTOM] = {"incoming_messages", FRONT_AUTH_TOKEN, "/channels/%s/incoming_messages",
                        incoming_custom},
    [CHANNEL_APPLICATION] = {"inbound_messages", FRONT_AUTH_CHANNEL, "/channels/%s/inbound_messages",
                             incoming_application},
};

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

static void on_answer(const struct front_result *r, void *arg)
{
    struct attempt *a = arg;
    struct outcome o = outcome_of(r);
    struct buf uid;

    POINT("after_relay");
    buf_init(&uid, CALLBACK_ID_MAX);
    if (r->class == FRONT_CALL_OK && incoming_uid(r->json, &uid) == OK)
        o.external_id = buf_span(&uid);
    if (r->class == FRONT_CALL_CANCELLED)
        breaker_lost(&a->channel->account->breaker, a->is_probe);
    else
        attempt_learn(a, &a->channel->account->breaker, &o);
    attempt_settle(a, &o);
    buf_fini(&uid);
}

static enum err build(const struct channel *ch, const struct store_message *m, struct buf *body,
                      struct buf *why)
{
    char id[STORE_ID_BYTES];

    store_id_format(ch->bridge->store, m->id, id);
    enum err e = post[ch->config->kind].build(
        &(struct incoming){.wire = {m->body, m->body_n}, .id = id, .thread_ref = m->thread_ref}, body, why);
    return e == OK && body->is_over ? ERR_LIMIT : e;
}

static void call(struct channel *ch, struct attempt *a, struct span body)
{
    struct buf path;

    buf_init(&path, 1024);
    front_path(&path, post[ch->config->kind].path, channel_front_id(ch));
    staging_call(ch,
                 &(struct front_request){.name = post[ch->config->kind].call,
                                         .lane = RATE_INBOUND,
                                         .auth = post[ch->config->kind].auth,
                                         .channel = channel_front_id(ch),
                                         .method = "POST",
                                         .path = path.p,
                                         .resource = channel_front_id(ch),
                                         .body = body},
                 on_answer, a);
    buf_fini(&path);
}

void relay_start(struct channel *ch, const struct store_message *m)
{
    struct attempt *a = attempt_new(ch, MESSAGE_IN, m);
    struct buf body, why;

    if (ch->bridge->is_stopping || channel_is_closed(ch)) { /* claimed just before; the client may be gone */
        attempt_settle(a, &(struct outcome){.kind = OUTCOME_RETRY,
                                            .is_unsent = true,
                                            .reason = ch->bridge->is_stopping
                                                          ? SPAN_LIT("the bridge is stopping")
                                                          : SPAN_LIT("the channel is deleted in Front")});
        return;
    }
    buf_init(&body, PAYLOAD_MAX);
    buf_init(&why, REASON_MAX);
    struct outcome instead = {.kind = OUTCOME_REJECTED, .is_unsent = true};
    if (build(ch, m, &body, &why) != OK) {
        instead.reason = buf_span(&why);
        attempt_settle(a, &instead);
    } else if (staging_withholds(ch->config, m, &instead)) {
        attempt_settle(a, &instead);
    } else {
        a->is_probe = ch->account->breaker.is_open;
        breaker_started(&ch->account->breaker, 1);
        call(ch, a, buf_span(&body));
    }
    buf_fini(&body);
    buf_fini(&why);
}
