/*
 * The page on which a person types a channel's API key, and the way back to Front. Invariant: nobody is sent anywhere
 * before client and redirect URL are right, and no key is in a URL or a log.
 */
#include "base/log.h"
#include "base/mem.h"
#include "bridge/oauth_endpoint.h"
#include "bridge/oauth_page.h"
#include <ctype.h>
#include <string.h>

enum {
    STATE_MAX = 2048,
    PAGE_MAX = 64 << 10,
    HEADERS_MAX = 16 << 10,
};

static void add_encoded(struct buf *out, struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        buf_addf(out, isalnum((unsigned char)s.p[i]) || strchr("-._~", s.p[i]) ? "%c" : "%%%02X",
                 (unsigned char)s.p[i]);
}

/* ---- The page ---- */

static void reply_page(struct account *a, struct http_exchange *x, int status, const struct buf *page,
                       const char *redirect_uri)
{
    struct buf headers;

    oauth_count(a, APP_SIGN_IN, front_error_of_status(status));
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

static void signing_init(struct signing *s, const struct oauth *o, struct oauth_params *p)
{
    *s = (struct signing){0};
    buf_init(&s->client_id, OAUTH_VALUE_MAX);
    buf_init(&s->redirect_uri, OAUTH_VALUE_MAX);
    buf_init(&s->state, OAUTH_VALUE_MAX);
    buf_init(&s->challenge, OAUTH_VALUE_MAX);
    buf_init(&s->method, OAUTH_VALUE_MAX);
    buf_init(&s->response_type, OAUTH_VALUE_MAX);
    buf_init(&s->api_key, OAUTH_VALUE_MAX);
    s->form = (struct oauth_form){.client_id = oauth_param(p, "client_id", &s->client_id),
                                  .redirect_uri = oauth_param(p, "redirect_uri", &s->redirect_uri),
                                  .state = oauth_param(p, "state", &s->state),
                                  .challenge = oauth_param(p, "code_challenge", &s->challenge)};
    s->given_method = oauth_param(p, "code_challenge_method", &s->method);
    s->given_type = oauth_param(p, "response_type", &s->response_type);
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
    oauth_wipe(&s->api_key);
}

/* Sends the person back to Front: with a code, or with what was wrong. */
static void send_back(struct account *a, struct http_exchange *x, const struct signing *s, const char *key,
                      const char *value)
{
    struct buf headers;

    oauth_count(a, APP_SIGN_IN, strcmp(key, "code") == 0 ? FRONT_OK : FRONT_BAD_REQUEST);
    buf_init(&headers, HEADERS_MAX);
    oauth_page_headers(&headers, NULL);
    buf_addf(&headers, "Location: %s%c%s=%s", s->redirect, strchr(s->redirect, '?') ? '&' : '?', key, value);
    if (s->form.state.p) {
        buf_add_str(&headers, "&state=");
        add_encoded(&headers, s->form.state);
    }
    buf_add_str(&headers, "\r\n");
    http_reply(x, 303, "text/plain", SPAN_LIT(""), headers.p);
    oauth_wipe(&headers);
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

static void sign_in(struct account *a, struct http_exchange *x, struct signing *s, struct oauth_params *p)
{
    mono_ms_t now = clock_mono_ms();

    if (!oauth_guard_allows(&a->oauth->guard, now)) {
        refuse_page(a, x, 429, "Too many wrong API keys were tried; wait a minute.");
        return;
    }
    const struct config_channel *c = oauth_channel_by_key(a, oauth_param(p, "api_key", &s->api_key));
    if (c) {
        let_in(a, x, s, c);
        return;
    }
    oauth_guard_failed(&a->oauth->guard, now);
    log_warn("wrong_api_key", LOG_STR("account", a->config->name), LOG_SPAN("peer", http_peer(x)));
    reply_form(a, x, s, 403, "This is not the API key of any channel.");
}

void oauth_authorize(struct account *a, struct http_exchange *x)
{
    struct oauth_params p;
    struct signing s;

    oauth_params_init(&p, x);
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
    oauth_params_fini(&p);
}
