/*
 * From a claimed message to a frame for the host, and from the host's outcome to the attempt. Knows nothing
 * of what an outcome means.
 */
#include "bridge/delivery.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/point.h"
#include "bridge/life.h"
#include "bridge/parcel.h"
#include "bridge/reception.h"
#include "bridge/staging.h"
#include "front/phone.h"

enum { WIRE_MAX = 16 << 20, DRY_RUN_MAX = 64 /* settles under way */ };

unsigned delivery_capacity(const struct channel *ch, mono_ms_t now)
{
    unsigned credits = host_credits(ch->host), taken = ch->promised_n;
    unsigned under_way = ch->out.in_flight + taken;

    if (channel_is_closed(ch) || !ch->out.is_open)
        return 0; /* what is started before an earlier process's attempts are settled would pass for one of them */
    if (ch->config->dry_run) /* the host is not asked */
        return ch->bridge->is_stopping || under_way >= DRY_RUN_MAX ? 0 : DRY_RUN_MAX - under_way;
    if (ch->bridge->is_stopping || credits <= taken || ch->attempts.used_n + taken >= ATTEMPTS_MAX)
        return 0;
    if (ch->has_suspects)
        return ch->attempts.used_n + taken == 0 && !ch->out.is_claiming &&
               breaker_allows(&ch->breaker, 1, now);
    return breaker_allows(&ch->breaker, credits - taken, now);
}

int64_t delivery_wait_ms(const struct channel *ch, mono_ms_t now)
{
    if (!ch->breaker.is_open || ch->breaker.is_probing || host_credits(ch->host) == 0)
        return -1;
    return ch->breaker.probe_at > now ? ch->breaker.probe_at - now : 0;
}

/* The idempotency key: the message's public id, and from the second text on its number. */
static void write_key(const struct store *s, const struct store_message *m, char *out, size_t n)
{
    char id[STORE_ID_BYTES];

    store_id_format(s, m->id, id);
    if (m->revision > 1)
        snprintf(out, n, "%s.%u", id, m->revision);
    else
        snprintf(out, n, "%s", id);
}

static enum err send_frame(struct channel *ch, struct attempt *a, const struct store_message *m,
                           const struct parcel *p)
{
    struct buf wire;
    char key[STORE_ID_BYTES + 12];

    write_key(ch->bridge->store, m, key, sizeof key);
    buf_init(&wire, WIRE_MAX);
    const struct delivery_head head = {.id = key,
                                       .channel = ch->config->name,
                                       .attempt = m->attempt - m->attempt_base,
                                       .conversation_id = span_of(m->peer_conversation),
                                       .in_reply_to = span_of(m->reply),
                                       .handle = span_of(m->peer_recipient)};
    (m->kind == KIND_MESSAGE ? delivery_complete : notice_complete)(&head, p->body, &wire);
    enum err e = ERR_LIMIT;
    if (!wire.is_over && m->kind == KIND_MESSAGE)
        e = host_deliver(ch->host, a->token, buf_span(&wire), p->fd, p->fd_n, &m->parts);
    else if (!wire.is_over)
        e = host_notify(ch->host, a->token, m->kind == KIND_FAILURE, buf_span(&wire));
    buf_fini(&wire);
    return e;
}

static bool is_wrong_number(const struct channel *ch, const struct store_message *m)
{
    struct buf number;

    if (ch->config->handles != HANDLES_PHONE || m->kind != KIND_MESSAGE)
        return false;
    buf_init(&number, CALLBACK_HANDLE_MAX);
    bool is_wrong = phone_write(span_of(m->recipient), &number) != OK;
    buf_fini(&number);
    return is_wrong;
}

void delivery_start(struct channel *ch, struct store_message *m)
{
    if (receptions_deny(ch->bridge, m->id))
        return; /* it was claimed just before its cancel, which takes the attempt back */

    struct attempt *a = attempt_new(ch, MESSAGE_OUT, m);
    if (channel_is_closed(ch)) { /* claimed just before */
        attempt_settle(a, &(struct outcome){.kind = OUTCOME_RETRY,
                                            .is_unsent = true,
                                            .reason = SPAN_LIT("the channel is deleted in Front")});
        return;
    }
    struct outcome instead;
    if (staging_withholds(ch->config, m, &instead)) {
        attempt_settle(a, &instead);
        return;
    }
    if (is_wrong_number(ch, m)) {
        attempt_settle(a, &(struct outcome){.kind = OUTCOME_REJECTED,
                                            .is_unsent = true,
                                            .reason = SPAN_LIT("The recipient " PHONE_REFUSAL)});
        return;
    }
    struct parcel parcel;
    if (!parcel_pack(&parcel, ch, m, &instead)) {
        attempt_settle(a, &instead);
        return;
    }
    a->token = slots_add(&ch->attempts, a);
    a->is_probe = ch->breaker.is_open;
    breaker_started(&ch->breaker, 1);
    enum err e = a->token ? send_frame(ch, a, m, &parcel) : ERR_FULL;
    parcel_fini(&parcel);
    if (e == OK) {
        POINT("after_send");
        return;
    }
    slots_take(&ch->attempts, a->token);
    breaker_lost(&ch->breaker, a->is_probe);
    attempt_settle(a, &(struct outcome){.kind = e == ERR_LIMIT ? OUTCOME_REJECTED : OUTCOME_RETRY,
                                        .is_unsent = true,
                                        .reason = e == ERR_LIMIT ? SPAN_LIT("The message is too large")
                                                                 : SPAN_LIT("the channel's host is not up")});
}

void delivery_on_outcome(struct host *h, uint64_t token, const struct outcome *o, void *arg)
{
    struct channel *ch = arg;
    struct attempt *a = slots_take(&ch->attempts, token);

    (void)h;
    if (!a)
        return;
    if (o->was_crash && !o->was_alone)
        ch->has_suspects = true;
    if (o->was_crash || o->is_unsent)
        breaker_lost(&ch->breaker, a->is_probe);
    else
        attempt_learn(a, &ch->breaker, o);
    attempt_settle(a, o);
}

void delivery_on_credit(struct host *h, void *arg)
{
    struct channel *ch = arg;

    (void)h;
    queue_kick(&ch->out);
}
