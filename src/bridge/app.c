/*
 * Calls about channels: who may make them, which channel they mean, and what is answered once the store has it. Which
 * channel is choice.c's to decide, what a channel's life is life.c's. Invariant: success is answered after the commit.
 */
#include "bridge/app.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "bridge/choice.h"
#include "bridge/confirm.h"
#include "bridge/intake.h"
#include "bridge/life.h"
#include "bridge/oauth.h"
#include "front/app_call.h"
#include "front/signature.h"
#include "http/text.h"
#include <stdlib.h>
#include <string.h>

enum { SENTENCE_MAX = 1024, ANSWER_MAX = 1 << 20 };

#define NO_STORE "The bridge cannot store anything at the moment; please try again."
#define OLDER    "The request is older than one that the bridge has acted on."

/* ---- Answers of the base URL ---- */

static void count(struct account *a, enum app_call_kind kind, enum front_error e)
{
    a->app_calls[kind][e]++;
}

static void refuse(struct account *a, struct http_exchange *x, enum app_call_kind kind, enum front_error e,
                   struct span why)
{
    count(a, kind, e);
    intake_refuse_account(a, x, e, why);
}

static void succeed(struct account *a, struct http_exchange *x, enum app_call_kind kind,
                    const struct buf *body)
{
    count(a, kind, FRONT_OK);
    http_reply(x, 200, "application/json", buf_span(body), NULL);
}

/* ---- The channels that a call may mean ---- */

struct candidates {
    struct channel **channel;
    struct choice *choice;
    size_t n;
};

static void candidates_init(struct candidates *c, struct account *a)
{
    struct bridge *b = a->bridge;

    *c = (struct candidates){.channel = mem_calloc(b->config->channel_n + 1, sizeof(struct channel *)),
                             .choice = mem_calloc(b->config->channel_n + 1, sizeof *c->choice)};
    for (size_t i = 0; i < b->config->channel_n; i++) {
        struct channel *ch = &b->channel[i];
        if (ch->account != a || ch->config->kind != CHANNEL_APPLICATION)
            continue;
        c->channel[c->n] = ch;
        c->choice[c->n++] = (struct choice){.name = ch->config->name,
                                            .front_channel = channel_front_id(ch),
                                            .is_fixed = ch->config->front_channel != NULL,
                                            .is_free = channel_is_stopped(ch),
                                            .api_key = ch->config->api_key,
                                            .address = ch->config->address};
    }
}

static void candidates_fini(struct candidates *c)
{
    free(c->channel);
    free(c->choice);
}

/* The user's key, which Front sends as a bearer token. */
static struct span key_of(const struct http_exchange *x)
{
    struct span given = http_header(x, "Authorization");

    if (given.n <= 7 || !span_ieq((struct span){given.p, 7}, SPAN_LIT("Bearer ")))
        return SPAN_NONE;
    return (struct span){given.p + 7, given.n - 7};
}

/* ---- authorization ---- */

struct authorizing {
    struct account *account;
    struct channel *channel;
    struct http_exchange *x;
};

static void on_connected(enum err e, void *arg)
{
    struct authorizing *t = arg;
    struct buf body, url;

    buf_init(&body, ANSWER_MAX);
    buf_init(&url, ANSWER_MAX);
    buf_addf(&url, "%s/front/%s", t->account->bridge->config->public_url, t->channel->config->name);
    front_answer_webhook(&body, buf_span(&url));
    if (e == OK)
        succeed(t->account, t->x, APP_AUTHORIZATION, &body);
    else
        refuse(t->account, t->x, APP_AUTHORIZATION, FRONT_INTERNAL_ERROR, SPAN_LIT(NO_STORE));
    buf_fini(&body);
    buf_fini(&url);
    free(t);
}

static void connect_channel(struct account *a, struct http_exchange *x, struct channel *ch, struct span id)
{
    struct authorizing *t;
    wall_ms_t at = 0;

    (void)signature_time(http_header(x, "X-Front-Request-Timestamp"), &at);
    if (life_is_stale(ch, at, false)) {
        refuse(a, x, APP_AUTHORIZATION, FRONT_AUTHENTICATION_REQUIRED, SPAN_LIT(OLDER));
        return;
    }
    t = mem_zalloc(sizeof *t);
    *t = (struct authorizing){.account = a, .channel = ch, .x = x};
    life_connect(ch, id, at, on_connected, t);
}

static void on_authorization(struct account *a, struct http_exchange *x, const struct app_call *call)
{
    struct candidates c;
    struct buf why;
    enum front_error e = FRONT_OK;
    const struct choice_call asked = {.channel_id = span_of(call->channel_id),
                                      .key = key_of(x),
                                      .token = oauth_channel(a, key_of(x)),
                                      .address = *call->address ? span_of(call->address) : SPAN_NONE};

    buf_init(&why, SENTENCE_MAX);
    candidates_init(&c, a);
    int chosen = *call->channel_id ? choice_of(c.choice, c.n, &asked, &e, &why) : CHOICE_NONE;
    if (!*call->channel_id)
        refuse(a, x, APP_AUTHORIZATION, FRONT_BAD_REQUEST, SPAN_LIT("payload.channel_id is missing."));
    else if (chosen < 0)
        refuse(a, x, APP_AUTHORIZATION, e, buf_span(&why));
    else if (!a->bridge->config->public_url)
        refuse(
            a, x, APP_AUTHORIZATION, FRONT_INTERNAL_ERROR,
            SPAN_LIT("The bridge does not know its own address; write public_url into its configuration."));
    else
        connect_channel(a, x, c.channel[chosen], asked.channel_id);
    candidates_fini(&c);
    buf_fini(&why);
}

/* ---- list_addresses ---- */

/* With a key only the channel that it names is offered. */
static size_t addresses_of(const struct candidates *c, int named, struct app_address *all)
{
    size_t n = 0;

    for (size_t i = 0; i < c->n; i++)
        if (named < 0 || (size_t)named == i)
            all[n++] =
                (struct app_address){.address = channel_address(c->channel[i]), .name = c->choice[i].name};
    return n;
}

static void reply_page(struct account *a, struct http_exchange *x, const struct app_address *page, size_t n,
                       const char *next_token)
{
    struct buf body;

    buf_init(&body, ANSWER_MAX);
    front_answer_addresses(&body, page, n, next_token);
    succeed(a, x, APP_ADDRESSES, &body);
    buf_fini(&body);
}

static void on_addresses(struct account *a, struct http_exchange *x, const struct app_call *call)
{
    struct candidates c;
    const struct choice_call asked = {.key = key_of(x), .token = oauth_channel(a, key_of(x))};

    candidates_init(&c, a);
    struct app_address *all = mem_calloc(c.n + 1, sizeof *all);
    size_t n = addresses_of(&c, choice_by_key(c.choice, c.n, &asked), all);
    const struct app_address *page = all;
    const char *next_token = NULL;
    if (choice_key_is_wrong(c.choice, c.n, &asked))
        refuse(a, x, APP_ADDRESSES, FRONT_FORBIDDEN,
               SPAN_LIT("The API key is not that of any channel of the bridge."));
    else if (app_addresses_page(&page, &n, call->page_token, &next_token) != OK)
        refuse(a, x, APP_ADDRESSES, FRONT_BAD_REQUEST,
               SPAN_LIT("The page token is none of the bridge's; begin with the first page."));
    else
        reply_page(a, x, page, n, next_token);
    free(all);
    candidates_fini(&c);
}

/* ---- The base URL ---- */

static const struct base_call {
    enum callback_shape shape;
    enum app_call_kind kind;
    void (*handler)(struct account *a, struct http_exchange *x, const struct app_call *call);
} base_calls[] = {
    {CALLBACK_APP_AUTHORIZATION, APP_AUTHORIZATION, on_authorization},
    {CALLBACK_APP_ADDRESSES, APP_ADDRESSES, on_addresses},
};

static const struct base_call *base_call_of(enum callback_shape shape)
{
    for (size_t i = 0; i < ARRAY_LEN(base_calls); i++)
        if (base_calls[i].shape == shape)
            return &base_calls[i];
    return NULL;
}

static void decode(struct account *a, struct http_exchange *x)
{
    struct callback *c = mem_zalloc(sizeof *c);
    struct app_call call;
    struct buf why;

    buf_init(&why, SENTENCE_MAX);
    enum err e = callback_decode(c, http_body(x), &why);
    const struct base_call *known = e == OK ? base_call_of(c->shape) : NULL;
    if (known)
        e = app_call_read(&call, json_root(&c->doc), &why);
    if (e != OK)
        refuse(a, x, known ? known->kind : APP_OTHER, FRONT_BAD_REQUEST, buf_span(&why));
    else if (!known)
        refuse(a, x, APP_OTHER, FRONT_BAD_REQUEST,
               SPAN_LIT("An app's base URL takes authorization and list_addresses only; messages go to the "
                        "webhook_url that authorization was answered with, events to /events/ACCOUNT."));
    else
        known->handler(a, x, &call);
    buf_fini(&why);
    callback_fini(c);
    free(c);
}

static enum signature_result check(const struct account *a, const struct http_exchange *x)
{
    char *const secret[] = {a->config->app_secret};

    return signature_check_sha256(http_body(x), http_header(x, "X-Front-Signature"),
                                  http_header(x, "X-Front-Request-Timestamp"), secret, ARRAY_LEN(secret),
                                  clock_wall_ms());
}

static void base_request(struct account *a, struct http_exchange *x)
{
    struct bridge *b = a->bridge;
    enum signature_result s = check(a, x);

    if (s != SIGNATURE_OK)
        refuse(a, x, APP_OTHER, FRONT_AUTHENTICATION_REQUIRED, span_of(signature_text(s)));
    else if (b->is_stopping || b->roll)
        refuse(a, x, APP_OTHER, FRONT_TOO_MANY_REQUESTS,
               b->roll ? SPAN_LIT("The bridge is starting; please try again.")
                       : SPAN_LIT("The bridge is stopping; please try again."));
    else if (!store_is_healthy(b->store))
        refuse(a, x, APP_OTHER, FRONT_INTERNAL_ERROR, SPAN_LIT(NO_STORE));
    else
        decode(a, x);
}

static void refuse_type(struct http_exchange *x)
{
    char why[HTTP_WRONG_TYPE_BYTES];

    http_refuse(x, 415, http_wrong_type(http_header(x, "Content-Type"), "application/json", why));
}

void app_request(struct http_exchange *x, void *arg)
{
    struct span rest;
    struct account *a = bridge_account(arg, route_name(x, &rest));
    bool is_base = rest.n == 0 || span_is(rest, "/");

    if (!a || !a->config->app_secret)
        http_refuse(x, 404,
                    "There is no app of this account here; check the URLs in the settings of Front's app.");
    else if (a->oauth && span_starts(rest, "/oauth/"))
        oauth_request(a, x, (struct span){rest.p + 7, rest.n - 7});
    else if (!is_base)
        http_refuse(x, 404, "There is nothing here; an app's base URL is /apps/ACCOUNT.");
    else if (!span_is(http_method(x), "POST"))
        http_refuse(x, 405, "An app's base URL takes POST.");
    else if (!http_media_type_is(http_header(x, "Content-Type"), "application/json"))
        refuse_type(x);
    else
        base_request(a, x);
}

/* ---- A channel's own URL ---- */

struct telling {
    struct channel *channel;
    struct http_exchange *x;
    enum callback_shape shape;
};

static void end_telling(struct telling *t, enum err e)
{
    struct channel *ch = t->channel;

    if (e == OK) {
        ch->stats.callbacks[t->shape][FRONT_OK]++;
        http_reply(t->x, 200, "application/json", SPAN_LIT("{}"), NULL);
    } else {
        intake_refuse(ch, t->x, t->shape, FRONT_INTERNAL_ERROR, SPAN_LIT(NO_STORE));
    }
    free(t);
}

static struct telling *telling_new(struct channel *ch, struct http_exchange *x, enum callback_shape shape)
{
    struct telling *t = mem_zalloc(sizeof *t);

    *t = (struct telling){.channel = ch, .x = x, .shape = shape};
    return t;
}

static void on_stopped(enum err e, void *arg)
{
    end_telling(arg, e);
}

/* Without a body the URL alone says which channel is meant. */
static void stop_channel(struct channel *ch, struct http_exchange *x, struct span channel_id)
{
    const char *known = channel_front_id(ch);
    wall_ms_t at = 0;

    (void)signature_time(http_header(x, "X-Front-Request-Timestamp"), &at);
    if (channel_id.p && !(known && span_is(channel_id, known)))
        intake_refuse(ch, x, CALLBACK_APP_DELETE, FRONT_BAD_REQUEST,
                      SPAN_LIT("payload.channel_id is not the id of this channel."));
    else if (ch->bridge->roll)
        intake_refuse(ch, x, CALLBACK_APP_DELETE, FRONT_TOO_MANY_REQUESTS,
                      SPAN_LIT("The bridge is starting; please try again."));
    else if (life_is_stale(ch, at, true))
        intake_refuse(ch, x, CALLBACK_APP_DELETE, FRONT_AUTHENTICATION_REQUIRED, SPAN_LIT(OLDER));
    else if (channel_is_stopped(ch))
        end_telling(telling_new(ch, x, CALLBACK_APP_DELETE), OK);
    else
        life_stop(ch, at, on_stopped, telling_new(ch, x, CALLBACK_APP_DELETE));
}

void app_on_delete(struct channel *ch, struct http_exchange *x, struct callback **c)
{
    struct app_call call;
    struct buf why;

    buf_init(&why, SENTENCE_MAX);
    if (ch->config->kind != CHANNEL_APPLICATION)
        intake_refuse(ch, x, CALLBACK_APP_DELETE, FRONT_BAD_REQUEST,
                      SPAN_LIT("Only application channels are deleted by a call; this is a custom channel."));
    else if (app_call_read(&call, json_root(&(*c)->doc), &why) != OK)
        intake_refuse(ch, x, CALLBACK_APP_DELETE, FRONT_BAD_REQUEST, buf_span(&why));
    else
        stop_channel(ch, x, span_of(call.channel_id));
    buf_fini(&why);
}

static void delete_with_body(struct channel *ch, struct http_exchange *x)
{
    struct callback *c = mem_zalloc(sizeof *c);
    struct buf why;

    buf_init(&why, SENTENCE_MAX);
    if (callback_decode(c, http_body(x), &why) != OK)
        intake_refuse(ch, x, c->shape, FRONT_BAD_REQUEST, buf_span(&why));
    else if (c->shape != CALLBACK_APP_DELETE)
        intake_refuse(ch, x, c->shape, FRONT_BAD_REQUEST,
                      SPAN_LIT("The body of a DELETE is one of type delete."));
    else
        app_on_delete(ch, x, &c);
    buf_fini(&why);
    callback_fini(c);
    free(c);
}

void app_delete(struct channel *ch, struct http_exchange *x)
{
    if (http_body(x).n > 0)
        delete_with_body(ch, x);
    else if (ch->config->kind != CHANNEL_APPLICATION)
        intake_refuse(ch, x, CALLBACK_APP_DELETE, FRONT_BAD_REQUEST,
                      SPAN_LIT("Only application channels are deleted by a call; this is a custom channel."));
    else
        stop_channel(ch, x, SPAN_NONE);
}

/* What is none of ours, or was dropped here, is counted and answered all the same: Front can do nothing about it. */
static void on_confirmed(enum err e, void *arg)
{
    end_telling(arg, e == ERR_NOT_FOUND || e == ERR_CONFLICT ? OK : e);
}

static struct span id_or_none(const char *s)
{
    return front_is_id(span_of(s)) ? span_of(s) : SPAN_NONE;
}

void app_on_imported(struct channel *ch, struct http_exchange *x, struct callback **c)
{
    struct app_call call;
    struct buf why;

    buf_init(&why, SENTENCE_MAX);
    if (app_call_read(&call, json_root(&(*c)->doc), &why) != OK)
        intake_refuse(ch, x, CALLBACK_APP_IMPORTED, FRONT_BAD_REQUEST, buf_span(&why));
    else if (!store_is_healthy(ch->bridge->store))
        intake_refuse(ch, x, CALLBACK_APP_IMPORTED, FRONT_INTERNAL_ERROR, SPAN_LIT(NO_STORE));
    else
        confirm_message(ch,
                        &(struct proof){.our_id = span_of(call.external_id),
                                        .uid = span_of(call.message_uid),
                                        .front_id = id_or_none(call.message_id),
                                        .conversation = front_id_of_link(span_of(call.conversation))},
                        on_confirmed, telling_new(ch, x, CALLBACK_APP_IMPORTED));
    buf_fini(&why);
}
