/*
 * What a program asks of a sign-in: tokens for a code or a refresh token, and whose a token is. What is given out is
 * oauth_token.c's to make and to judge. Invariant: a client that does not prove itself learns nothing.
 */
#include "base/log.h"
#include "base/mem.h"
#include "bridge/oauth_endpoint.h"
#include "http/text.h"
#include <string.h>

enum { ANSWER_MAX = 8 << 10 };

static void reply_json(struct account *a, struct http_exchange *x, enum app_call_kind kind, int status,
                       struct buf *body)
{
    oauth_count(a, kind, front_error_of_status(status));
    http_reply(x, status, "application/json", buf_span(body),
               status == 401 ? "Cache-Control: no-store\r\nWWW-Authenticate: Basic realm=\"front-bridge\"\r\n"
                             : "Cache-Control: no-store\r\n");
}

static void refuse_json(struct account *a, struct http_exchange *x, enum app_call_kind kind, int status,
                        const char *error)
{
    struct buf body;
    struct jout j;

    log_warn("refused", LOG_STR("account", a->config->name), LOG_SPAN("peer", http_peer(x)),
             LOG_STR("type", "oauth"), LOG_STR("reason", error));
    buf_init(&body, ANSWER_MAX);
    jout_init(&j, &body);
    jout_object(&j);
    jout_kv_str(&j, "error", error);
    jout_object_end(&j);
    reply_json(a, x, kind, status, &body);
    buf_fini(&body);
}

static bool is_client(const struct oauth *o, struct span id, struct span secret)
{
    bool is_id = crypto_equal(id, span_of(o->config->oauth_client_id));
    bool is_secret = crypto_equal(secret, span_of(o->config->oauth_client_secret));

    return is_id & is_secret;
}

/* Some clients encode what they put into a Basic header, as RFC 6749 says, and some do not. */
static bool is_encoded_client(const struct oauth *o, struct span id, struct span secret)
{
    struct buf plain_id, plain_secret;

    buf_init(&plain_id, OAUTH_VALUE_MAX);
    buf_init(&plain_secret, OAUTH_VALUE_MAX);
    bool is_right = http_percent_decode(id, true, &plain_id) == OK &&
                    http_percent_decode(secret, true, &plain_secret) == OK &&
                    is_client(o, buf_span(&plain_id), buf_span(&plain_secret));
    buf_fini(&plain_id);
    oauth_wipe(&plain_secret);
    return is_right;
}

static bool is_basic_client(const struct oauth *o, struct span header)
{
    struct buf pair;
    bool is_right = false;

    if (header.n <= 6 || header.n > OAUTH_VALUE_MAX ||
        !span_ieq((struct span){header.p, 6}, SPAN_LIT("Basic ")))
        return false;
    buf_init(&pair, OAUTH_VALUE_MAX);
    if (base64_decode(&pair, (struct span){header.p + 6, header.n - 6}) == OK && pair.n > 0) {
        const char *colon = memchr(pair.p, ':', pair.n);
        struct span id = {pair.p, colon ? (size_t)(colon - pair.p) : 0};
        struct span secret = colon ? (struct span){colon + 1, pair.n - id.n - 1} : SPAN_NONE;
        bool is_plain = is_client(o, id, secret), is_encoded = is_encoded_client(o, id, secret);
        is_right = colon && (is_plain || is_encoded);
    }
    oauth_wipe(&pair);
    return is_right;
}

static bool is_authenticated(const struct oauth *o, const struct http_exchange *x, struct oauth_params *p)
{
    struct buf id, secret;

    if (http_header(x, "Authorization").p)
        return is_basic_client(o, http_header(x, "Authorization"));
    buf_init(&id, OAUTH_VALUE_MAX);
    buf_init(&secret, OAUTH_VALUE_MAX);
    bool is_right = is_client(o, oauth_param(p, "client_id", &id), oauth_param(p, "client_secret", &secret));
    buf_fini(&id);
    oauth_wipe(&secret);
    return is_right;
}

static void give_tokens(struct account *a, struct http_exchange *x, const struct config_channel *c)
{
    struct buf body, access, refresh;
    struct jout j;
    wall_ms_t now = clock_wall_ms();

    buf_init(&body, ANSWER_MAX);
    buf_init(&access, OAUTH_TOKEN_MAX);
    buf_init(&refresh, OAUTH_TOKEN_MAX);
    oauth_token_make(&a->oauth->signer, OAUTH_ACCESS, c->name, c->api_key, now, &access);
    oauth_token_make(&a->oauth->signer, OAUTH_REFRESH, c->name, c->api_key, now, &refresh);
    must(!access.is_over && !refresh.is_over);
    jout_init(&j, &body);
    jout_object(&j);
    jout_kv_span(&j, "access_token", buf_span(&access));
    jout_kv_str(&j, "token_type", "Bearer");
    jout_kv_i64(&j, "expires_in", OAUTH_ACCESS_MS / 1000);
    jout_kv_span(&j, "refresh_token", buf_span(&refresh));
    jout_object_end(&j);
    reply_json(a, x, APP_TOKEN, 200, &body);
    oauth_wipe(&access);
    oauth_wipe(&refresh);
    oauth_wipe(&body);
}

/* The channel that a code was given for; NULL if it is not good for this request. */
static const struct config_channel *exchange_code(struct account *a, struct oauth_params *p)
{
    struct buf value;
    struct oauth_code code;
    const struct config_channel *c = NULL;

    buf_init(&value, OAUTH_VALUE_MAX);
    if (oauth_code_take(&a->oauth->codes, oauth_param(p, "code", &value), clock_mono_ms(), &code) == OK) {
        bool is_same = !p->is_bad && span_is(oauth_param(p, "redirect_uri", &value), code.redirect_uri);
        bool is_proven = oauth_proves(code.challenge, oauth_param(p, "code_verifier", &value));
        c = is_same && is_proven ? oauth_channel_named(a, span_of(code.channel)) : NULL;
        oauth_code_fini(&code);
    }
    oauth_wipe(&value);
    return c;
}

static const struct config_channel *exchange_refresh(struct account *a, struct oauth_params *p)
{
    struct buf value;
    struct oauth_token t;
    const struct config_channel *c = NULL;

    buf_init(&value, OAUTH_VALUE_MAX);
    if (oauth_read_token(a, OAUTH_REFRESH, oauth_param(p, "refresh_token", &value), &t) == OK)
        c = oauth_channel_named(a, span_of(t.channel));
    oauth_wipe(&value);
    return c;
}

static const struct grant {
    const char *type;
    const struct config_channel *(*exchange)(struct account *a, struct oauth_params *p);
} grants[] = {
    {"authorization_code", exchange_code},
    {"refresh_token", exchange_refresh},
};

static const struct grant *grant_of(struct oauth_params *p)
{
    const struct grant *found = NULL;
    struct buf type;

    buf_init(&type, OAUTH_VALUE_MAX);
    struct span given = oauth_param(p, "grant_type", &type);
    for (size_t i = 0; i < ARRAY_LEN(grants); i++)
        if (span_is(given, grants[i].type))
            found = &grants[i];
    buf_fini(&type);
    return found;
}

void oauth_exchange(struct account *a, struct http_exchange *x)
{
    struct oauth_params p;

    oauth_params_init(&p, x);
    const struct grant *grant = grant_of(&p);
    if (p.is_bad)
        refuse_json(a, x, APP_TOKEN, 400, "invalid_request");
    else if (!is_authenticated(a->oauth, x, &p))
        refuse_json(a, x, APP_TOKEN, 401, "invalid_client");
    else if (!grant)
        refuse_json(a, x, APP_TOKEN, 400, "unsupported_grant_type");
    else {
        const struct config_channel *c = grant->exchange(a, &p);
        if (c)
            give_tokens(a, x, c);
        else
            refuse_json(a, x, APP_TOKEN, 400, "invalid_grant");
    }
    oauth_params_fini(&p);
}

static void write_active(struct account *a, struct jout *j, const struct oauth_token *t)
{
    const struct config_channel *c = oauth_channel_named(a, span_of(t->channel));

    jout_kv_bool(j, "active", true);
    jout_kv_str(j, "client_id", a->config->oauth_client_id);
    jout_kv_str(j, "sub", c->name);
    jout_kv_str(j, "token_type", "Bearer");
    jout_kv_i64(j, "exp", t->expires_at / 1000);
    jout_kv_str(j, "front_channel_name", c->name);
    jout_kv_str(j, "front_channel_address", c->address ? c->address : c->name);
}

void oauth_introspect(struct account *a, struct http_exchange *x)
{
    struct oauth_params p;
    struct buf body, token;
    struct oauth_token t;
    struct jout j;

    oauth_params_init(&p, x);
    buf_init(&body, ANSWER_MAX);
    buf_init(&token, OAUTH_VALUE_MAX);
    if (p.is_bad) {
        refuse_json(a, x, APP_INTROSPECT, 400, "invalid_request");
    } else if (!is_authenticated(a->oauth, x, &p)) {
        refuse_json(a, x, APP_INTROSPECT, 401, "invalid_client");
    } else {
        bool is_active = oauth_read_token(a, OAUTH_ACCESS, oauth_param(&p, "token", &token), &t) == OK;
        jout_init(&j, &body);
        jout_object(&j);
        if (is_active)
            write_active(a, &j, &t);
        else
            jout_kv_bool(&j, "active", false);
        jout_object_end(&j);
        reply_json(a, x, APP_INTROSPECT, 200, &body);
    }
    oauth_wipe(&token);
    buf_fini(&body);
    oauth_params_fini(&p);
}
