/*
 * The settings of a channel: what may be written, and the sentence for what may not.
 *
 * Invariant: settings_check and settings_read accept the same settings, since check is a read that is thrown
 * away.
 */
#include "base/mem.h"
#include "http.h"
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MIN_MS = 100, TIMEOUT_MAX_MS = 60000, TOKEN_MAX = 4096 };

static enum err refuse(struct buf *why, const char *sentence)
{
    buf_add_str(why, sentence);
    return ERR_INVALID;
}

static bool is_visible(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~')
            return false;
    return s.n > 0;
}

static enum err url_read(struct channel *ch, struct buf *why)
{
    struct span url = wire_setting(ch->host, "url");
    if (!span_starts(url, "http://") && !span_starts(url, "https://"))
        return refuse(
            why,
            "`url` is missing: write where the backend takes messages, as in https://chat.example/front.");
    ch->url = span_strdup(url);
    return OK;
}

static enum err auth_read(struct channel *ch, struct buf *why)
{
    struct span token = wire_setting(ch->host, "token");
    if (ring_read(wire_setting(ch->host, "secret"), &ch->ring, why))
        return ERR_INVALID;
    if (token.p && (!is_visible(token) || token.n > TOKEN_MAX))
        return refuse(why, "`token` must be visible ASCII characters without spaces.");
    if (!token.p && !ch->ring.n && !wire_setting_bool(ch->host, "unauthenticated"))
        return refuse(why, "Set `secret` or `token`, so that only your backend can send messages; "
                           "or `unauthenticated: true`, if nobody else can reach the webhook.");
    if (token.p) {
        struct buf bearer;
        buf_init(&bearer, TOKEN_MAX + 8);
        buf_addf(&bearer, "Bearer %.*s", SPAN_FMT(token));
        ch->bearer = buf_take(&bearer, NULL);
        ch->token = span_strdup(token);
    }
    return OK;
}

static enum err timeout_read(struct channel *ch, struct buf *why)
{
    ch->timeout_ms = wire_setting_i64(ch->host, "timeout", 10000);
    if (ch->timeout_ms < TIMEOUT_MIN_MS || ch->timeout_ms > TIMEOUT_MAX_MS)
        return refuse(why, "`timeout` must be between 100ms and 60s.");
    return OK;
}

static bool is_header_name(const char *s)
{
    return *s &&
           s[strspn(s, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")] ==
               '\0';
}

/* Headers that are ours or the connection's. */
static bool is_reserved(const struct channel *ch, const char *name)
{
    static const char *const names[] = {"connection",
                                        "content-length",
                                        "content-type",
                                        "expect",
                                        "host",
                                        "keep-alive",
                                        "proxy-authorization",
                                        "te",
                                        "trailer",
                                        "upgrade",
                                        "transfer-encoding",
                                        "webhook-id",
                                        "webhook-timestamp",
                                        "webhook-signature"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (!strcasecmp(name, names[i]))
            return true;
    return ch->bearer && !strcasecmp(name, "authorization");
}

static bool is_header_value(const char *s)
{
    for (; *s; s++)
        if (((unsigned char)*s < ' ' && *s != '\t') || *s == 0x7f)
            return false;
    return true;
}

struct header_reader {
    struct channel *ch;
    struct buf *why;
};

static bool header_add(void *arg, const char *name, const char *value)
{
    struct header_reader *r = arg;
    if (!is_header_name(name) || !is_header_value(value))
        return false;
    if (is_reserved(r->ch, name))
        buf_addf(r->why, "`headers` must not set %s: the adapter does.", name);
    else if (r->ch->extra_n == EXTRA_HEADERS_MAX)
        buf_addf(r->why, "`headers` holds more than %d headers.", EXTRA_HEADERS_MAX);
    else
        r->ch->extra[r->ch->extra_n++] = (struct fb_header){mem_strdup(name), mem_strdup(value)};
    return !r->why->n;
}

static enum err headers_read(struct channel *ch, struct buf *why)
{
    struct header_reader reader = {ch, why};
    if (wire_setting_each(ch->host, "headers", JSON_OBJECT, header_add, &reader))
        return OK;
    return why->n ? ERR_INVALID
                  : refuse(why, "`headers` must be names and short texts, as in {X-Tenant: acme}.");
}

static enum err all_read(struct channel *ch, bool is_opening, struct buf *why)
{
    enum err e = url_read(ch, why);
    e = e ? e : auth_read(ch, why);
    e = e ? e : timeout_read(ch, why);
    e = e ? e : headers_read(ch, why);
    e = e ? e : wire_setting_networks(ch->host, why);
    e = e ? e : wire_setting_text(ch->host, is_opening, why);
    return e ? e : wire_setting_events(ch->host, is_opening, why);
}

enum err settings_check(const struct fb_host *host, struct buf *why)
{
    struct channel ch = {.host = host};
    enum err e = all_read(&ch, false, why);
    settings_fini(&ch);
    return e;
}

enum err settings_read(struct channel *ch, struct buf *why)
{
    return all_read(ch, true, why);
}

static void secret_free(char *s)
{
    if (s)
        mem_wipe(s, strlen(s));
    free(s);
}

void settings_fini(struct channel *ch)
{
    while (ch->extra_n) {
        struct fb_header *h = &ch->extra[--ch->extra_n];
        free((char *)(uintptr_t)h->name);
        secret_free((char *)(uintptr_t)h->value);
    }
    ring_fini(&ch->ring);
    secret_free(ch->token);
    secret_free(ch->bearer);
    free(ch->url);
}
