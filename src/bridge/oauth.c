/*
 * Requests of a sign-in to answers. What is given out is oauth_token.c's to make and to judge. Invariant: nobody is
 * sent anywhere before client and redirect URL are right, and no key or token is in a URL or a log.
 */
#include "bridge/oauth.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "bridge/oauth_page.h"
#include "bridge/oauth_token.h"
#include "http/text.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum {
    BODY_MAX = 16 << 10,
    STATE_MAX = 2048,
    VALUE_MAX = 4096,
    PAGE_MAX = 64 << 10,
    HEADERS_MAX = 16 << 10,
    ANSWER_MAX = 8 << 10,
};

struct oauth {
    const struct config_account *config;
    struct oauth_signer signer;
    struct oauth_codes codes;
    struct oauth_guard guard;
};

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

static const struct config_channel *channel_named(const struct account *a, struct span name)
{
    for (size_t i = 0; i < a->bridge->config->channel_n; i++)
        if (channel_at(a, i) && span_is(name, channel_at(a, i)->name))
            return channel_at(a, i);
    return NULL;
}

static const struct config_channel *channel_by_key(const struct account *a, struct span key)
{
    const struct config_channel *found = NULL;

    for (size_t i = 0; i < a->bridge->config->channel_n; i++)
        if (channel_at(a, i) && crypto_equal(span_of(channel_at(a, i)->api_key), key))
            found = channel_at(a, i);
    return found;
}

static const char *api_key_of(struct span channel, void *arg)
{
    const struct config_channel *c = channel_named(arg, channel);

    return c ? c->api_key : NULL;
}

static enum err read_token(const struct account *a, enum oauth_use use, struct span text,
                           struct oauth_token *t)
{
    return oauth_token_read(&a->oauth->signer, use, text, clock_wall_ms(), api_key_of, (void *)(uintptr_t)a,
                            t);
}

const char *oauth_channel(const struct account *a, struct span token)
{
    struct oauth_token t;

    if (!a->oauth || !token.p || read_token(a, OAUTH_ACCESS, token, &t) != OK)
        return NULL;
    const struct config_channel *c = channel_named(a, span_of(t.channel));
    return c ? c->name : NULL;
}

/* ---- Parameters: of a query, a form, or a JSON object ---- */

struct params {
    struct span form;
    bool is_json, is_bad;
    struct json doc;
};

static void params_init(struct params *p, const struct http_exchange *x)
{
    *p = (struct params){0};
    if (span_is(http_method(x), "POST")) {
        p->is_json = http_media_type_is(http_header(x, "Content-Type"), "application/json");
        bool is_form =
            http_media_type_is(http_header(x, "Content-Type"), "application/x-www-form-urlencoded");
        p->is_bad = !(p->is_json || is_form) || http_body(x).n > BODY_MAX;
        p->form = p->is_bad || p->is_json ? SPAN_NONE : http_body(x);
        if (p->is_json && !p->is_bad)
            p->is_bad = json_parse(&p->doc, http_body(x)) != OK;
    } else {
        p->form = http_query(x);
    }
}

static void params_fini(struct params *p)
{
    json_fini(&p->doc);
}

/* param_get gives a value, in value; absent if it is not there. One that cannot be read makes all of them bad. */
static struct span param_get(struct params *p, const char *key, struct buf *value)
{
    bool is_there, is_read;

    buf_clear(value);
    buf_add(value, "", 0);
    if (p->is_json) {
        struct jval v = p->is_bad ? (struct jval){0} : json_get(json_root(&p->doc), key);
        is_there = json_has(v);
        is_read = is_there && json_str(v, value) == OK;
    } else {
        struct span encoded = http_query_find(p->form, key);
        is_there = encoded.p != NULL;
        is_read = is_there && http_percent_decode(encoded, true, value) == OK && !value->is_over;
    }
    p->is_bad |= is_there && !is_read;
    return is_read ? buf_span(value) : SPAN_NONE;
}

static void wipe(struct buf *b)
{
    if (b->p)
        mem_wipe(b->p, b->cap);
    buf_fini(b);
}

static void add_encoded(struct buf *out, struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        buf_addf(out, isalnum((unsigned char)s.p[i]) || strchr("-._~", s.p[i]) ? "%c" : "%%%02X",
                 (unsigned char)s.p[i]);
}

/* ---- The page ---- */

static void count(struct account *a, enum app_call_kind kind, enum front_error e)
{
    a->app_calls[kind][e]++;
}

static void reply_page(struct account *a, struct http_exchange *x, int status, const struct buf *page,
                       const char *redirect_uri)
{
    struct buf headers;

    count(a, APP_SIGN_IN, front_error_of_status(status));
    buf_init(&headers, HEADERS_MAX);
    oauth_page_headers(&headers, redirect_uri);
    http_reply(x, status, "text/html; charset=utf-8", buf_span(page), headers.p);
    buf_fini(&headers);
}

static void refuse_page(struct account *a, struct http_exchange *x, int status, const char *sentence)
{
    struct buf page;

    log_warn("refused", LOG_STR("account", a->config->name), LOG_SPAN("peer", http_peer(x)),
             LOG_STR("type", "sign_in"), LOG_STR("reason", sentence));
    buf_init(&page, PAGE_MAX);
    oauth_page_error(&page, sentence);
    reply_page(a, x, status, &page, NULL);
    buf_fini(&page);
}

/* What one step of a sign-in was asked with. */
struct signing {
    struct buf client_id, redirect_uri, state, challenge, method, response_type, api_key;
    struct oauth_form form;
    const char *redirect; /* as the configuration has it; NULL: it has none such */
    struct span given_type, given_method;
};

static const char *allowed_redirect(const struct oauth *o, struct span uri)
{
    const struct config_texts *list = &o->config->oauth_redirect_uris;

    for (size_t i = 0; i < list->n; i++)
        if (span_is(uri, list->item[i]))
            return list->item[i];
    return NULL;
}

static void signing_init(struct signing *s, const struct oauth *o, struct params *p)
{
    *s = (struct signing){0};
    buf_init(&s->client_id, VALUE_MAX);
    buf_init(&s->redirect_uri, VALUE_MAX);
    buf_init(&s->state, VALUE_MAX);
    buf_init(&s->challenge, VALUE_MAX);
    buf_init(&s->method, VALUE_MAX);
    buf_init(&s->response_type, VALUE_MAX);
    buf_init(&s->api_key, VALUE_MAX);
    s->form = (struct oauth_form){.client_id = param_get(p, "client_id", &s->client_id),
                                  .redirect_uri = param_get(p, "redirect_uri", &s->redirect_uri),
                                  .state = param_get(p, "state", &s->state),
                                  .challenge = param_get(p, "code_challenge", &s->challenge)};
    s->given_method = param_get(p, "code_challenge_method", &s->method);
    s->given_type = param_get(p, "response_type", &s->response_type);
    s->redirect = allowed_redirect(o, s->form.redirect_uri);
}

static void signing_fini(struct signing *s)
{
    buf_fini(&s->client_id);
    buf_fini(&s->redirect_uri);
    buf_fini(&s->state);
    buf_fini(&s->challenge);
    buf_fini(&s->method);
    buf_fini(&s->response_type);
    wipe(&s->api_key);
}

/* Sends the person back to Front: with a code, or with what was wrong. */
static void send_back(struct account *a, struct http_exchange *x, const struct signing *s, const char *key,
                      const char *value)
{
    struct buf headers;

    count(a, APP_SIGN_IN, strcmp(key, "code") == 0 ? FRONT_OK : FRONT_BAD_REQUEST);
    buf_init(&headers, HEADERS_MAX);
    oauth_page_headers(&headers, NULL);
    buf_addf(&headers, "Location: %s%c%s=%s", s->redirect, strchr(s->redirect, '?') ? '&' : '?', key, value);
    if (s->form.state.p) {
        buf_add_str(&headers, "&state=");
        add_encoded(&headers, s->form.state);
    }
    buf_add_str(&headers, "\r\n");
    http_reply(x, 303, "text/plain", SPAN_LIT(""), headers.p);
    wipe(&headers);
}

static bool is_challenge(struct span s)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    for (size_t i = 0; i < s.n; i++)
        if (!memchr(letters, s.p[i], sizeof letters - 1))
            return false;
    return s.n == OAUTH_CHALLENGE_CHARS;
}

/* is_sound answers what no form can help. */
static bool is_sound(struct account *a, struct http_exchange *x, const struct signing *s)
{
    if (!crypto_equal(s->form.client_id, span_of(a->config->oauth_client_id)))
        refuse_page(a, x, 400, "The client ID is not the one in the bridge's configuration.");
    else if (!s->redirect)
        refuse_page(a, x, 400, "The address to go back to is not in the bridge's configuration.");
    else if (s->form.state.n > STATE_MAX)
        refuse_page(a, x, 400, "The state is longer than 2,048 bytes.");
    else if (s->form.challenge.n > 0 && !is_challenge(s->form.challenge))
        send_back(a, x, s, "error", "invalid_request");
    else
        return true;
    return false;
}

static void reply_form(struct account *a, struct http_exchange *x, const struct signing *s, int status,
                       const char *sentence)
{
    struct buf page;

    buf_init(&page, PAGE_MAX);
    oauth_page_form(&page, &s->form, sentence);
    reply_page(a, x, status, &page, s->redirect);
    buf_fini(&page);
}

static void ask(struct account *a, struct http_exchange *x, const struct signing *s)
{
    bool is_plain = s->form.challenge.n > 0 && !span_is(s->given_method, "S256");

    if (!span_is(s->given_type, "code"))
        send_back(a, x, s, "error", "unsupported_response_type");
    else if (is_plain)
        send_back(a, x, s, "error", "invalid_request");
    else
        reply_form(a, x, s, 200, NULL);
}

static void let_in(struct account *a, struct http_exchange *x, const struct signing *s,
                   const struct config_channel *c)
{
    char challenge[OAUTH_CHALLENGE_CHARS + 1] = "";

    if (s->form.challenge.n > 0)
        memcpy(challenge, s->form.challenge.p, OAUTH_CHALLENGE_CHARS);
    log_info("signed_in", LOG_STR("account", a->config->name), LOG_STR("channel", c->name),
             LOG_SPAN("peer", http_peer(x)));
    send_back(a, x, s, "code",
              oauth_code_make(&a->oauth->codes, c->name, s->redirect, challenge, clock_mono_ms()));
}

static void sign_in(struct account *a, struct http_exchange *x, struct signing *s, struct params *p)
{
    mono_ms_t now = clock_mono_ms();

    if (!oauth_guard_allows(&a->oauth->guard, now)) {
        refuse_page(a, x, 429, "Too many wrong API keys were tried; wait a minute.");
        return;
    }
    const struct config_channel *c = channel_by_key(a, param_get(p, "api_key", &s->api_key));
    if (c) {
        let_in(a, x, s, c);
        return;
    }
    oauth_guard_failed(&a->oauth->guard, now);
    log_warn("wrong_api_key", LOG_STR("account", a->config->name), LOG_SPAN("peer", http_peer(x)));
    reply_form(a, x, s, 403, "This is not the API key of any channel.");
}

static void on_authorize(struct account *a, struct http_exchange *x)
{
    struct params p;
    struct signing s;

    params_init(&p, x);
    signing_init(&s, a->oauth, &p);
    if (p.is_bad)
        refuse_page(a, x, 400, "The request could not be read, or a part of it is too long.");
    else if (!is_sound(a, x, &s))
        (void)0; /* answered */
    else if (span_is(http_method(x), "POST"))
        sign_in(a, x, &s, &p);
    else
        ask(a, x, &s);
    signing_fini(&s);
    params_fini(&p);
}

/* ---- Tokens ---- */

static void reply_json(struct account *a, struct http_exchange *x, enum app_call_kind kind, int status,
                       struct buf *body)
{
    count(a, kind, front_error_of_status(status));
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

    buf_init(&plain_id, VALUE_MAX);
    buf_init(&plain_secret, VALUE_MAX);
    bool is_right = http_percent_decode(id, true, &plain_id) == OK &&
                    http_percent_decode(secret, true, &plain_secret) == OK &&
                    is_client(o, buf_span(&plain_id), buf_span(&plain_secret));
    buf_fini(&plain_id);
    wipe(&plain_secret);
    return is_right;
}

static bool is_basic_client(const struct oauth *o, struct span header)
{
    struct buf pair;
    bool is_right = false;

    if (header.n <= 6 || header.n > VALUE_MAX || !span_ieq((struct span){header.p, 6}, SPAN_LIT("Basic ")))
        return false;
    buf_init(&pair, VALUE_MAX);
    if (base64_decode(&pair, (struct span){header.p + 6, header.n - 6}) == OK && pair.n > 0) {
        const char *colon = memchr(pair.p, ':', pair.n);
        struct span id = {pair.p, colon ? (size_t)(colon - pair.p) : 0};
        struct span secret = colon ? (struct span){colon + 1, pair.n - id.n - 1} : SPAN_NONE;
        bool is_plain = is_client(o, id, secret), is_encoded = is_encoded_client(o, id, secret);
        is_right = colon && (is_plain || is_encoded);
    }
    wipe(&pair);
    return is_right;
}

static bool is_authenticated(const struct oauth *o, const struct http_exchange *x, struct params *p)
{
    struct buf id, secret;

    if (http_header(x, "Authorization").p)
        return is_basic_client(o, http_header(x, "Authorization"));
    buf_init(&id, VALUE_MAX);
    buf_init(&secret, VALUE_MAX);
    bool is_right = is_client(o, param_get(p, "client_id", &id), param_get(p, "client_secret", &secret));
    buf_fini(&id);
    wipe(&secret);
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
    wipe(&access);
    wipe(&refresh);
    wipe(&body);
}

/* The channel that a code was given for; NULL if it is not good for this request. */
static const struct config_channel *exchange_code(struct account *a, struct params *p)
{
    struct buf value;
    struct oauth_code code;
    const struct config_channel *c = NULL;

    buf_init(&value, VALUE_MAX);
    if (oauth_code_take(&a->oauth->codes, param_get(p, "code", &value), clock_mono_ms(), &code) == OK) {
        bool is_same = !p->is_bad && span_is(param_get(p, "redirect_uri", &value), code.redirect_uri);
        bool is_proven = oauth_proves(code.challenge, param_get(p, "code_verifier", &value));
        c = is_same && is_proven ? channel_named(a, span_of(code.channel)) : NULL;
        oauth_code_fini(&code);
    }
    wipe(&value);
    return c;
}

static const struct config_channel *exchange_refresh(struct account *a, struct params *p)
{
    struct buf value;
    struct oauth_token t;
    const struct config_channel *c = NULL;

    buf_init(&value, VALUE_MAX);
    if (read_token(a, OAUTH_REFRESH, param_get(p, "refresh_token", &value), &t) == OK)
        c = channel_named(a, span_of(t.channel));
    wipe(&value);
    return c;
}

static const struct grant {
    const char *type;
    const struct config_channel *(*exchange)(struct account *a, struct params *p);
} grants[] = {
    {"authorization_code", exchange_code},
    {"refresh_token", exchange_refresh},
};

static const struct grant *grant_of(struct params *p)
{
    const struct grant *found = NULL;
    struct buf type;

    buf_init(&type, VALUE_MAX);
    struct span given = param_get(p, "grant_type", &type);
    for (size_t i = 0; i < ARRAY_LEN(grants); i++)
        if (span_is(given, grants[i].type))
            found = &grants[i];
    buf_fini(&type);
    return found;
}

static void on_token(struct account *a, struct http_exchange *x)
{
    struct params p;

    params_init(&p, x);
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
    params_fini(&p);
}

static void write_active(struct account *a, struct jout *j, const struct oauth_token *t)
{
    const struct config_channel *c = channel_named(a, span_of(t->channel));

    jout_kv_bool(j, "active", true);
    jout_kv_str(j, "client_id", a->config->oauth_client_id);
    jout_kv_str(j, "sub", c->name);
    jout_kv_str(j, "token_type", "Bearer");
    jout_kv_i64(j, "exp", t->expires_at / 1000);
    jout_kv_str(j, "front_channel_name", c->name);
    jout_kv_str(j, "front_channel_address", c->address ? c->address : c->name);
}

static void on_introspect(struct account *a, struct http_exchange *x)
{
    struct params p;
    struct buf body, token;
    struct oauth_token t;
    struct jout j;

    params_init(&p, x);
    buf_init(&body, ANSWER_MAX);
    buf_init(&token, VALUE_MAX);
    if (p.is_bad) {
        refuse_json(a, x, APP_INTROSPECT, 400, "invalid_request");
    } else if (!is_authenticated(a->oauth, x, &p)) {
        refuse_json(a, x, APP_INTROSPECT, 401, "invalid_client");
    } else {
        bool is_active = read_token(a, OAUTH_ACCESS, param_get(&p, "token", &token), &t) == OK;
        jout_init(&j, &body);
        jout_object(&j);
        if (is_active)
            write_active(a, &j, &t);
        else
            jout_kv_bool(&j, "active", false);
        jout_object_end(&j);
        reply_json(a, x, APP_INTROSPECT, 200, &body);
    }
    wipe(&token);
    buf_fini(&body);
    params_fini(&p);
}

/* ---- Paths ---- */

static const struct endpoint {
    const char *path;
    bool takes_get;
    void (*handler)(struct account *a, struct http_exchange *x);
} endpoints[] = {
    {"authorize", true, on_authorize},
    {"token", false, on_token},
    {"token/introspect", false, on_introspect},
    {"introspect", false, on_introspect},
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
