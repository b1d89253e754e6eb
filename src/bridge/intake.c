/*
 * Is it really Front, and what does it want: signature, shape, and then a table. Stores nothing by itself.
 */
#include "bridge/intake.h"
#include "base/log.h"
#include "base/mem.h"
#include "bridge/app.h"
#include "bridge/life.h"
#include "bridge/place.h"
#include "bridge/events.h"
#include "bridge/reception.h"
#include "front/signature.h"
#include <stdlib.h>
#include <string.h>

enum { CHALLENGE_MAX = 1024 };

struct span route_name(const struct http_exchange *x, struct span *rest)
{
    struct span all = http_rest(x), name;

    while (all.n > 0 && all.p[0] == '/')
        all = (struct span){all.p + 1, all.n - 1};
    const char *slash = all.n ? memchr(all.p, '/', all.n) : NULL;
    name = (struct span){all.p, slash ? (size_t)(slash - all.p) : all.n};
    if (rest)
        *rest = (struct span){all.p + name.n, all.n - name.n};
    return name;
}

/* whose: "channel" or "account", of that name. */
static void refuse(struct http_exchange *x, const char *whose, const char *name, enum front_error e,
                   struct span why)
{
    struct buf body;

    log_warn("refused", LOG_STR(whose, name), LOG_SPAN("peer", http_peer(x)),
             LOG_STR("type", front_error_type(e)), LOG_SPAN("reason", why));
    buf_init(&body, 4096);
    front_answer_error(&body, e, why);
    http_reply(x, front_error_status(e), "application/json", buf_span(&body), NULL);
    buf_fini(&body);
}

void intake_refuse(struct channel *ch, struct http_exchange *x, enum callback_shape shape, enum front_error e,
                   struct span why)
{
    ch->stats.callbacks[shape][e]++;
    refuse(x, "channel", ch->config->name, e, why);
}

void intake_refuse_account(const struct account *a, struct http_exchange *x, enum front_error e,
                           struct span why)
{
    refuse(x, "account", a->config->name, e, why);
}

static enum signature_result check(const struct channel *ch, const struct http_exchange *x)
{
    struct span header = http_header(x, "X-Front-Signature");

    if (ch->config->kind == CHANNEL_CUSTOM)
        return signature_check_sha1(http_body(x), header, ch->secret, ch->secret_n);
    return signature_check_sha256(http_body(x), header, http_header(x, "X-Front-Request-Timestamp"),
                                  ch->secret, ch->secret_n, clock_wall_ms());
}

/* ---- What each shape does; a handler may take the callback by setting it to NULL ---- */

static void on_event(struct channel *ch, struct http_exchange *x, struct callback **c)
{
    events_take(ch->account, ch, x, *c);
}

static void on_app_call(struct channel *ch, struct http_exchange *x, struct callback **c)
{
    intake_refuse(ch, x, (*c)->shape, FRONT_NOT_FOUND,
                  SPAN_LIT("This is an app's call; it goes to /apps/ACCOUNT, not to a channel's URL."));
}

bool intake_challenge(struct http_exchange *x)
{
    struct span challenge = http_header(x, "X-Front-Challenge");
    struct buf body;
    struct jout j;

    if (challenge.n == 0 || challenge.n > CHALLENGE_MAX)
        return false;
    buf_init(&body, 8 * CHALLENGE_MAX);
    jout_init(&j, &body);
    jout_object(&j);
    jout_kv_span(&j, "challenge", challenge);
    jout_object_end(&j);
    http_reply(x, 200, "application/json", buf_span(&body), NULL);
    buf_fini(&body);
    return true;
}

static void on_sync(struct channel *ch, struct http_exchange *x, struct callback **c)
{
    if (intake_challenge(x))
        ch->stats.callbacks[(*c)->shape][FRONT_OK]++;
    else
        intake_refuse(ch, x, (*c)->shape, FRONT_BAD_REQUEST,
                      SPAN_LIT("The X-Front-Challenge header is missing or too long."));
}

static void (*const on_shape[CALLBACK_SHAPE_N])(struct channel *, struct http_exchange *,
                                                struct callback **) = {
    [CALLBACK_MESSAGE] = reception_start,
    [CALLBACK_EVENT] = on_event,
    [CALLBACK_APP_MESSAGE] = reception_start,
    [CALLBACK_APP_AUTO_REPLY] = reception_start,
    [CALLBACK_APP_AUTHORIZATION] = on_app_call,
    [CALLBACK_APP_ADDRESSES] = on_app_call,
    [CALLBACK_APP_IMPORTED] = app_on_imported,
    [CALLBACK_APP_DELETE] = app_on_delete,
    [CALLBACK_WEBHOOK] = on_event,
    [CALLBACK_SYNC] = on_sync,
};

/* ---- Whose message it is: one secret may sign for all channels of a company ---- */

static bool has_address(struct channel *ch, const char *handle)
{
    const struct place *place = place_of(ch, NULL);
    const char *address = place && place->address ? place->address : ch->config->address;

    return address && strcmp(address, handle) == 0;
}

/* The other channel of the account that a message is sent from, as far as the channels' addresses are known; NULL: none. */
static struct channel *true_owner(struct channel *ch, const struct callback *c)
{
    struct bridge *b = ch->bridge;
    struct channel *owner = NULL;

    for (size_t i = 0; c->from_handle && i < b->config->channel_n; i++) {
        struct channel *other = &b->channel[i];
        if (other != ch && other->account == ch->account && has_address(other, c->from_handle))
            owner = other;
    }
    return owner && !has_address(ch, c->from_handle) ? owner : NULL;
}

/* True: it was refused. */
static bool is_misdirected(struct channel *ch, struct http_exchange *x, const struct callback *c)
{
    const struct channel *owner = true_owner(ch, c);
    struct buf why;

    if (!owner)
        return false;
    buf_init(&why, 1024);
    buf_addf(&why,
             "This message is sent from the address of channel \"%s\", but came to the URL of channel "
             "\"%s\"; check "
             "the channels' URLs in Front's settings.",
             owner->config->name, ch->config->name);
    intake_refuse(ch, x, c->shape, FRONT_FORBIDDEN, buf_span(&why));
    buf_fini(&why);
    return true;
}

static void decode(struct channel *ch, struct http_exchange *x)
{
    struct callback *c = mem_zalloc(sizeof *c);
    struct buf why;

    buf_init(&why, 1024);
    if (callback_decode(c, http_body(x), &why) != OK) {
        intake_refuse(ch, x, c->shape, FRONT_BAD_REQUEST, buf_span(&why));
    } else {
        ch->stats.foreign_links += c->foreign_link_n;
        must(on_shape[c->shape]);
        if (!is_misdirected(ch, x, c))
            on_shape[c->shape](ch, x, &c);
    }
    buf_fini(&why);
    if (c)
        callback_fini(c);
    free(c);
}

static void refuse_closed(struct channel *ch, struct http_exchange *x)
{
    if (channel_is_stopped(ch))
        intake_refuse(ch, x, CALLBACK_NONE, FRONT_NOT_FOUND,
                      SPAN_LIT("This channel was deleted in Front; connect it again in Front's settings."));
    else
        intake_refuse(ch, x, CALLBACK_NONE, FRONT_TOO_MANY_REQUESTS,
                      SPAN_LIT("The channel is just being opened; please try again."));
}

void intake_front(struct http_exchange *x, void *arg)
{
    struct bridge *b = arg;
    struct channel *ch = bridge_channel(b, route_name(x, NULL));

    if (!ch) {
        http_refuse(x, 404, "There is no channel of this name; check the URL in Front's channel settings.");
        return;
    }
    enum signature_result s = check(ch, x);
    if (s != SIGNATURE_OK)
        intake_refuse(ch, x, CALLBACK_NONE, FRONT_AUTHENTICATION_REQUIRED, span_of(signature_text(s)));
    else if (b->is_stopping)
        intake_refuse(ch, x, CALLBACK_NONE, FRONT_TOO_MANY_REQUESTS,
                      SPAN_LIT("The bridge is stopping; please try again."));
    else if (span_is(http_method(x), "DELETE"))
        app_delete(ch, x);
    else if (channel_is_closed(ch))
        refuse_closed(ch, x);
    else
        decode(ch, x);
}
