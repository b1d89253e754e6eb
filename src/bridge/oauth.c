/* Sign-in by OAuth: which channels take part, and which endpoint a request is for. */
#include "bridge/oauth.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "bridge/oauth_endpoint.h"
#include <stdlib.h>

struct oauth *oauth_new(const struct config_account *config)
{
    if (!config->oauth_client_id || !config->oauth_client_secret)
        return NULL;
    struct oauth *o = mem_zalloc(sizeof *o);
    o->config = config;
    oauth_signer_init(&o->signer, config->name, config->oauth_client_secret);
    return o;
}

void oauth_free(struct oauth *o)
{
    if (!o)
        return;
    oauth_codes_fini(&o->codes);
    mem_wipe(o, sizeof *o);
    free(o);
}

/* ---- Channels ---- */

static const struct config_channel *channel_at(const struct account *a, size_t i)
{
    const struct config_channel *c = &a->bridge->config->channel[i];

    return c->account == a->config && c->kind == CHANNEL_APPLICATION && c->api_key ? c : NULL;
}

const struct config_channel *oauth_channel_named(const struct account *a, struct span name)
{
    for (size_t i = 0; i < a->bridge->config->channel_n; i++)
        if (channel_at(a, i) && span_is(name, channel_at(a, i)->name))
            return channel_at(a, i);
    return NULL;
}

const struct config_channel *oauth_channel_by_key(const struct account *a, struct span key)
{
    const struct config_channel *found = NULL;

    for (size_t i = 0; i < a->bridge->config->channel_n; i++)
        if (channel_at(a, i) && crypto_equal(span_of(channel_at(a, i)->api_key), key))
            found = channel_at(a, i);
    return found;
}

static const char *api_key_of(struct span channel, void *arg)
{
    const struct config_channel *c = oauth_channel_named(arg, channel);

    return c ? c->api_key : NULL;
}

enum err oauth_read_token(const struct account *a, enum oauth_use use, struct span text,
                          struct oauth_token *t)
{
    return oauth_token_read(&a->oauth->signer, use, text, clock_wall_ms(), api_key_of, (void *)(uintptr_t)a,
                            t);
}

const char *oauth_channel(const struct account *a, struct span token)
{
    struct oauth_token t;

    if (!a->oauth || !token.p || oauth_read_token(a, OAUTH_ACCESS, token, &t) != OK)
        return NULL;
    const struct config_channel *c = oauth_channel_named(a, span_of(t.channel));
    return c ? c->name : NULL;
}

void oauth_count(struct account *a, enum app_call_kind kind, enum front_error e)
{
    a->app_calls[kind][e]++;
}

/* ---- Paths ---- */

static const struct endpoint {
    const char *path;
    bool takes_get;
    void (*handler)(struct account *a, struct http_exchange *x);
} endpoints[] = {
    {"authorize", true, oauth_authorize},
    {"token", false, oauth_exchange},
    {"token/introspect", false, oauth_introspect},
    {"introspect", false, oauth_introspect},
};

void oauth_request(struct account *a, struct http_exchange *x, struct span rest)
{
    bool is_post = span_is(http_method(x), "POST");

    for (size_t i = 0; i < ARRAY_LEN(endpoints); i++) {
        if (!span_is(rest, endpoints[i].path))
            continue;
        if (is_post || endpoints[i].takes_get)
            endpoints[i].handler(a, x);
        else
            http_refuse(x, 405, "Send a POST.");
        return;
    }
    http_refuse(x, 404, "There is nothing here; sign-in has authorize, token and token/introspect.");
}
