/*
 * Settings as values: the host gives text, numbers in decimal, lists and maps as JSON.
 */
#include "wire.h"
#include "base/mem.h"
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum { ITEMS_MAX = 100, ITEM_BYTES_MAX = 4096, MAX_TEXT_MIN = 40 /* see max_text in channel.h */ };

struct span wire_setting(const struct fb_host *host, const char *key)
{
    struct span text = span_of(host->setting(host, key));
    return text.n ? text : SPAN_NONE;
}

int64_t wire_setting_i64(const struct fb_host *host, const char *key, int64_t fallback)
{
    uint64_t value;
    return span_u64(wire_setting(host, key), &value) && value <= INT64_MAX ? (int64_t)value : fallback;
}

bool wire_setting_bool(const struct fb_host *host, const char *key)
{
    return span_is(wire_setting(host, key), "true");
}

static bool each(struct jval container, wire_each_fn *fn, void *arg)
{
    struct buf scratch;
    bool is_right = json_len(container) <= ITEMS_MAX;
    buf_init(&scratch, ITEM_BYTES_MAX);
    for (struct jval e = json_first(container); e.doc && is_right; e = json_next(e)) {
        char *key = json_type(container) == JSON_OBJECT ? span_strdup(json_key(e, &scratch)) : NULL;
        char *value = json_dup(e, ITEM_BYTES_MAX);
        is_right = value && (key || json_type(container) == JSON_ARRAY) && fn(arg, key, value);
        free(key);
        free(value);
        buf_clear(&scratch);
    }
    buf_fini(&scratch);
    return is_right;
}

bool wire_setting_each(const struct fb_host *host, const char *key, enum json_type type, wire_each_fn *fn,
                       void *arg)
{
    struct json doc;
    struct span text = wire_setting(host, key);
    if (!text.p)
        return true;
    bool is_right =
        !json_parse(&doc, text) && json_type(json_root(&doc)) == type && each(json_root(&doc), fn, arg);
    json_fini(&doc);
    return is_right;
}

static const struct {
    const char *name;
    uint32_t format;
} formats[] = {{"plain", FB_FORMAT_PLAIN}, {"markdown", FB_FORMAT_MARKDOWN}, {"html", FB_FORMAT_HTML}};

/* "plain html"; 0: there is none, or something else. */
static uint32_t formats_read(struct span text)
{
    uint32_t found = 0;
    while (text.n > 0) {
        size_t n = 0, i = 0;
        while (n < text.n && text.p[n] != ' ')
            n++;
        while (i < ARRAY_LEN(formats) && !span_is((struct span){text.p, n}, formats[i].name))
            i++;
        if (n > 0 && i == ARRAY_LEN(formats))
            return 0;
        found |= n > 0 ? formats[i].format : 0;
        n += n < text.n;
        text = (struct span){text.p + n, text.n - n};
    }
    return found;
}

enum err wire_setting_text(const struct fb_host *host, bool wants_it, struct buf *why)
{
    struct span format = wire_setting(host, "format");
    uint32_t found = format.p ? formats_read(format) : FB_FORMAT_PLAIN | FB_FORMAT_HTML;
    int64_t max = wire_setting_i64(host, "max_text", 0);
    if (found == 0)
        buf_add_str(why, "`format` must be plain, markdown or html, or several of them with spaces between.");
    else if (max < 0 || max > UINT32_MAX || (max > 0 && max < MAX_TEXT_MIN))
        buf_addf(why, "`max_text` must be 0, for no limit, or a number of at least %d.", MAX_TEXT_MIN);
    else if (wants_it && (!FB_HAS(host, want_text) || host->want_text(host, found, (uint32_t)max) != FB_OK))
        buf_add_str(why,
                    "This front-bridge does not know `format` and `max_text`: it is older than the adapter.");
    return why->n > 0 ? ERR_INVALID : OK;
}

/* "archive", "message_bounce_error", or "*". */
static bool event_add(void *arg, const char *key, const char *type)
{
    struct buf *types = arg;
    (void)key;
    if (strcmp(type, "*") && (!*type || type[strspn(type, "abcdefghijklmnopqrstuvwxyz_")]))
        return false;
    buf_addf(types, "%s%s", types->n ? " " : "", type);
    return true;
}

enum err wire_setting_events(const struct fb_host *host, bool wants_them, struct buf *why)
{
    struct buf types;
    buf_init(&types, ITEMS_MAX * 200);
    bool is_right = wire_setting_each(host, "events", JSON_ARRAY, event_add, &types) && !types.is_over;
    if (is_right && wants_them && types.n)
        is_right = host->want_events(host, types.p) == FB_OK;
    buf_fini(&types);
    if (is_right)
        return OK;
    buf_add_str(why, "`events` must be a list of Front's event types, as in [archive, comment], or [\"*\"].");
    return ERR_INVALID;
}

/* "10.0.0.0/8", "fd00::/8" or a single address. */
static bool is_network(void *arg, const char *key, const char *s)
{
    (void)arg, (void)key;
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

enum err wire_setting_networks(const struct fb_host *host, struct buf *why)
{
    if (wire_setting_each(host, "allow_private", JSON_ARRAY, is_network, NULL))
        return OK;
    buf_add_str(why, "`allow_private` must be a list of networks, as in [10.0.0.0/8, fd00::/8].");
    return ERR_INVALID;
}
