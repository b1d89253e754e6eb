/*
 * Whose webhook is it, is it really Front's, and is it an event: then it is stored. A signature with a time is an
 * application's, without one a rule's; there is no other fallback.
 */
#include "bridge/webhook.h"
#include "base/mem.h"
#include "bridge/events.h"
#include "bridge/intake.h"
#include "front/signature.h"

static void refuse(struct account *a, struct http_exchange *x, enum front_error e, struct span why)
{
    a->webhooks[e]++;
    intake_refuse_account(a, x, e, why);
}

static enum signature_result check(const struct account *a, const struct http_exchange *x)
{
    struct span header = http_header(x, "X-Front-Signature"),
                time = http_header(x, "X-Front-Request-Timestamp");
    char *secret = a->config->app_secret;

    if (!time.p)
        return signature_check_sha1(http_body(x), header, a->config->secrets.item, a->config->secrets.n);
    return signature_check_sha256(http_body(x), header, time, &secret, secret ? 1 : 0, clock_wall_ms());
}

static void take(struct account *a, struct http_exchange *x, const struct callback *c)
{
    if (c->shape == CALLBACK_EVENT || c->shape == CALLBACK_WEBHOOK)
        events_take(a, NULL, x, c);
    else if (c->shape != CALLBACK_SYNC)
        refuse(a, x, FRONT_BAD_REQUEST,
               SPAN_LIT("This is no event: messages belong to the channel's own URL."));
    else if (intake_challenge(x))
        a->webhooks[FRONT_OK]++;
    else
        refuse(a, x, FRONT_BAD_REQUEST, SPAN_LIT("The X-Front-Challenge header is missing or too long."));
}

static void decode(struct account *a, struct http_exchange *x)
{
    struct callback c;
    struct buf why;

    buf_init(&why, 1024);
    if (callback_decode(&c, http_body(x), &why) == OK) {
        a->foreign_links += c.foreign_link_n;
        take(a, x, &c);
    } else {
        refuse(a, x, FRONT_BAD_REQUEST, buf_span(&why));
    }
    callback_fini(&c);
    buf_fini(&why);
}

void webhook_request(struct http_exchange *x, void *arg)
{
    struct bridge *b = arg;
    struct account *a = bridge_account(b, route_name(x, NULL));

    if (!a) {
        http_refuse(x, 404, "There is no account of this name; check the webhook's URL in Front.");
        return;
    }
    enum signature_result s = check(a, x);
    if (s != SIGNATURE_OK)
        refuse(a, x, FRONT_AUTHENTICATION_REQUIRED, span_of(signature_text(s)));
    else if (b->is_stopping)
        refuse(a, x, FRONT_TOO_MANY_REQUESTS, SPAN_LIT("The bridge is stopping; please try again."));
    else
        decode(a, x);
}
