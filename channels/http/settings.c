/*
 * The settings of a channel: what may be written, and the sentence for what may not.
 *
 * Invariant: settings_check and settings_read accept the same settings, since check is a read that is thrown
 * away.
 */
#include "base/mem.h"
#include "http.h"
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MIN_MS = 100, TIMEOUT_MAX_MS = 60000, LIST_MAX = 100, TEXT_MAX = 4096 };

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
    if (token.p && (!is_visible(token) || token.n > TEXT_MAX))
        return refuse(why, "`token` must be visible ASCII characters without spaces.");
    if (!token.p && !ch->ring.n && !wire_setting_bool(ch->host, "unauthenticated"))
        return refuse(why, "Set `secret` or `token`, so that only your backend can send messages; "
                           "or `unauthenticated: true`, if nobody else can reach the webhook.");
    if (token.p) {
        struct buf bearer;
        buf_init(&bearer, TEXT_MAX + 8);
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

static enum err header_read(struct channel *ch, struct jval member, struct buf *why)
{
    struct buf scratch;
    buf_init(&scratch, TEXT_MAX);
    if (ch->extra_n == EXTRA_HEADERS_MAX) {
        buf_fini(&scratch);
        buf_addf(why, "`headers` holds more than %d headers.", EXTRA_HEADERS_MAX);
        return ERR_INVALID;
    }
    struct fb_header *h = &ch->extra[ch->extra_n++];
    *h = (struct fb_header){span_strdup(json_key(member, &scratch)), json_dup(member, TEXT_MAX)};
    buf_fini(&scratch);
    if (!h->name || !is_header_name(h->name) || !h->value || !is_header_value(h->value))
        return refuse(why, "`headers` must be names and short texts, as in {X-Tenant: acme}.");
    if (is_reserved(ch, h->name)) {
        buf_addf(why, "`headers` must not set %s: the adapter does.", h->name);
        return ERR_INVALID;
    }
    return OK;
}

static enum err headers_read(struct channel *ch, struct buf *why)
{
    struct json doc;
    struct span text = wire_setting(ch->host, "headers");
    if (!text.p)
        return OK;
    enum err e = json_parse(&doc, text);
    if (e || json_type(json_root(&doc)) != JSON_OBJECT)
        e = refuse(why, "`headers` must be a map.");
    else
        for (struct jval m = json_first(json_root(&doc)); m.doc && !e; m = json_next(m))
            e = header_read(ch, m, why);
    json_fini(&doc);
    return e;
}

static bool is_event_type(const char *s)
{
    return !strcmp(s, "*") || (*s && s[strspn(s, "abcdefghijklmnopqrstuvwxyz_")] == '\0');
}

/* "10.0.0.0/8", "fd00::/8" or a single address. */
static bool is_network(const char *s)
{
    unsigned char address[sizeof(struct in6_addr)];
    char host[INET6_ADDRSTRLEN + 4];
    uint64_t bits = 0;
    const char *slash = strchrnul(s, '/');
    if ((size_t)(slash - s) >= sizeof host || (*slash && !span_u64(span_of(slash + 1), &bits)))
        return false;
    memcpy(host, s, (size_t)(slash - s));
    host[slash - s] = '\0';
    return (inet_pton(AF_INET, host, address) == 1 && bits <= 32) ||
           (inet_pton(AF_INET6, host, address) == 1 && bits <= 128);
}

/* list_read joins the strings of a list setting with spaces into out (NULL: only check them). */
static enum err list_read(const struct channel *ch, const char *key, bool (*is_fit)(const char *),
                          struct buf *out, const char *refusal, struct buf *why)
{
    struct json doc;
    struct span text = wire_setting(ch->host, key);
    if (!text.p)
        return OK;
    bool is_right = !json_parse(&doc, text) && json_type(json_root(&doc)) == JSON_ARRAY &&
                    json_len(json_root(&doc)) <= LIST_MAX;
    for (struct jval e = json_first(json_root(&doc)); is_right && e.doc; e = json_next(e)) {
        char *s = json_dup(e, 200);
        is_right = s && is_fit(s);
        if (is_right && out)
            buf_addf(out, "%s%s", out->n ? " " : "", s);
        free(s);
    }
    json_fini(&doc);
    return is_right ? OK : refuse(why, refusal);
}

static enum err networks_read(const struct channel *ch, struct buf *why)
{
    return list_read(ch, "allow_private", is_network, NULL,
                     "`allow_private` must be a list of networks, as in [10.0.0.0/8, fd00::/8].", why);
}

static enum err events_read(const struct channel *ch, struct buf *types, struct buf *why)
{
    return list_read(ch, "events", is_event_type, types,
                     "`events` must be a list of Front's event types, as in [archive, comment], or [\"*\"].",
                     why);
}

static enum err all_read(struct channel *ch, struct buf *types, struct buf *why)
{
    enum err e = url_read(ch, why);
    e = e ? e : auth_read(ch, why);
    e = e ? e : timeout_read(ch, why);
    e = e ? e : headers_read(ch, why);
    e = e ? e : networks_read(ch, why);
    return e ? e : events_read(ch, types, why);
}

enum err settings_check(const struct fb_host *host, struct buf *why)
{
    struct channel ch = {.host = host};
    enum err e = all_read(&ch, NULL, why);
    settings_fini(&ch);
    return e;
}

enum err settings_read(struct channel *ch, struct buf *why)
{
    struct buf types;
    buf_init(&types, LIST_MAX * 201);
    enum err e = all_read(ch, &types, why);
    if (!e && types.n && ch->host->want_events(ch->host, types.p) != FB_OK)
        e = refuse(why, "The bridge does not know these `events`.");
    buf_fini(&types);
    return e;
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
