/*
 * Scalars into fields: one row per kind of value says what it is called, how it is written and how it is
 * read.
 *
 * Numbers of every unit are read as a double first (exact up to 2^53), compared with the limits of the key,
 * and stored in the width of the field. It knows no key by name.
 */
#include "base/config_value.h"
#include "base/mem.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool measure_count(const char *text, double *out)
{
    uint64_t v;
    if (!span_u64(span_of(text), &v) || v > UINT32_MAX)
        return false;
    *out = (double)v;
    return true;
}

static bool measure_suffixed(const char *text, const char *suffix, double *out)
{
    size_t n = strlen(text), suffix_n = strlen(suffix);
    uint64_t v;
    if (n <= suffix_n || strcmp(text + n - suffix_n, suffix) != 0)
        return false;
    if (!span_u64((struct span){text, n - suffix_n}, &v) || v > UINT32_MAX)
        return false;
    *out = (double)v;
    return true;
}

static bool measure_percent(const char *text, double *out)
{
    return measure_suffixed(text, "%", out);
}

static bool measure_rate(const char *text, double *out)
{
    return measure_suffixed(text, "/s", out);
}

static bool measure_factor(const char *text, double *out)
{
    char *end;
    size_t n = strlen(text);
    if (n == 0 || n > 10 || strspn(text, "0123456789.") != n)
        return false;
    double v = strtod(text, &end);
    if (*end)
        return false;
    *out = v;
    return true;
}

static bool measure_duration(const char *text, double *out)
{
    int64_t v;
    if (config_duration(span_of(text), &v))
        return false;
    *out = (double)v;
    return true;
}

static bool measure_size(const char *text, double *out)
{
    uint64_t v;
    if (config_size(span_of(text), &v))
        return false;
    *out = (double)v;
    return true;
}

static void store_unsigned(void *field, double v)
{
    *(unsigned *)field = (unsigned)v;
}

static void store_i64(void *field, double v)
{
    *(int64_t *)field = (int64_t)v;
}

static void store_u64(void *field, double v)
{
    *(uint64_t *)field = (uint64_t)v;
}

static void store_double(void *field, double v)
{
    *(double *)field = v;
}

/* The forms of strings: each says whether text has it, and may cut text to its usual form. */

static bool is_text(char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        if (*p < 0x20 || *p == 0x7f)
            return false;
    return text[0] != '\0';
}

static bool is_address(char *text)
{
    if (strncmp(text, "unix:", 5) == 0)
        return text[5] == '/';
    const char *colon = strrchr(text, ':');
    uint64_t port;
    if (!colon || !is_text(text) || !span_u64(span_of(colon + 1), &port) || port > 65535)
        return false;
    struct span host = {text, (size_t)(colon - text)};
    bool is_v6 = host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
    return is_v6 ||
           (!memchr(host.p, ':', host.n) && !memchr(host.p, ' ', host.n) && !memchr(host.p, '/', host.n));
}

/* url_host gives the authority of an http(s) URL without user, query or blanks; absent if it is none. */
static struct span url_host(const char *url)
{
    return url[strcspn(url, "@?#\\ ")] == '\0' ? config_authority(span_of(url)) : SPAN_NONE;
}

static void cut_slashes(char *text)
{
    size_t n = strlen(text);
    while (n > 8 && text[n - 1] == '/')
        text[--n] = '\0';
}

static bool is_url(char *text)
{
    if (!is_text(text) || !url_host(text).p)
        return false;
    cut_slashes(text);
    return true;
}

static bool host_is_loopback(struct span host)
{
    char text[64];
    struct in_addr v4;
    if (host.n == 0 || host.n >= sizeof text)
        return false;
    memcpy(text, host.p, host.n);
    text[host.n] = '\0';
    if (strcmp(text, "localhost") == 0 || strcmp(text, "[::1]") == 0)
        return true;
    return inet_pton(AF_INET, text, &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127;
}

static struct span without_port(struct span host)
{
    const char *colon = memrchr(host.p, ':', host.n);
    if (colon && !memchr(colon, ']', host.n - (size_t)(colon - host.p)))
        host.n = (size_t)(colon - host.p);
    return host;
}

bool config_address_is_loopback(const char *address)
{
    return strncmp(address, "unix:", 5) == 0 || host_is_loopback(without_port(span_of(address)));
}

static bool is_origin(char *text)
{
    if (!is_url(text))
        return false;
    struct span host = url_host(text);
    if (!host.p || host.p[host.n] != '\0')
        return false; /* a path */
    return strncmp(text, "https://", 8) == 0 || host_is_loopback(without_port(host));
}

static bool is_front_id(char *text)
{
    size_t n = strlen(text);
    return n > 4 && n < 64 && strncmp(text, "cha_", 4) == 0 &&
           strspn(text + 4, "abcdefghijklmnopqrstuvwxyz0123456789") == n - 4;
}

bool config_is_pattern(const char *text)
{
    size_t n = strlen(text), least = 1;
    const char *star = strchr(text, '*');
    for (; star; star = strchr(star + 1, '*')) {
        if (star != text && star != text + n - 1)
            return false;
        least++;
    }
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        if (*p < 0x20 || *p == 0x7f)
            return false;
    return n >= least;
}

static bool is_plain_host(struct span host)
{
    for (size_t i = 0; i < host.n; i++)
        if (!isalnum((unsigned char)host.p[i]) && !strchr("-.:[]_", host.p[i]))
            return false;
    return host.n > 0;
}

bool config_is_redirect(const char *text)
{
    struct span host = config_authority(span_of(text));
    if (!is_plain_host(host) || strlen(text) > CONFIG_REDIRECT_MAX || text[strcspn(text, "#\\<>\"'`")])
        return false;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        if (*p <= 0x20 || *p >= 0x7f)
            return false;
    return strncmp(text, "https://", 8) == 0 || host_is_loopback(without_port(host));
}

static bool is_adapter(char *text)
{
    size_t n = strlen(text);
    if (n > 3 && strcmp(text + n - 3, ".so") == 0)
        return is_text(text);
    return n > 0 && n <= 32 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-") == n;
}

#define WORDS(noun, example)                                                                                 \
    {                                                                                                        \
        noun, example, NULL, NULL, NULL                                                                      \
    }
#define FORM(noun, example, has_form)                                                                        \
    {                                                                                                        \
        noun, example, NULL, NULL, has_form                                                                  \
    }
#define NUMBER(noun, example, measure, store)                                                                \
    {                                                                                                        \
        noun, example, measure, store, NULL                                                                  \
    }

/* How each kind is called, written and read: numbers by measure and store, strings by has_form. */
static const struct kind {
    const char *noun;
    const char *example;
    bool (*measure)(const char *text, double *out);
    void (*store)(void *field, double value);
    bool (*has_form)(char *text);
} kinds[] = {
    [KEY_TEXT] = FORM("text", "a line of text", is_text),
    [KEY_ADDRESS] =
        FORM("address", "host:port, such as 127.0.0.1:8080, or :8080 for all addresses", is_address),
    [KEY_URL] = FORM("URL", "a whole URL, such as https://bridge.example.com", is_url),
    [KEY_ORIGIN] =
        FORM("URL", "https:// and a host without a path (http:// on a loopback address only)", is_origin),
    [KEY_FRONT_ID] = FORM("channel id", "the id that Front shows, such as cha_12ab", is_front_id),
    [KEY_ADAPTER] = FORM("adapter", "a name such as http, or a path that ends in .so", is_adapter),
    [KEY_SECRET] = FORM("secret", "one line of text", is_text),
    [KEY_COUNT] = NUMBER("number", "a whole number", measure_count, store_unsigned),
    [KEY_FACTOR] = NUMBER("factor", "a number such as 2 or 1.5", measure_factor, store_double),
    [KEY_PERCENT] = NUMBER("percentage", "a number and %, such as 20%", measure_percent, store_unsigned),
    [KEY_RATE] = NUMBER("rate", "a number per second, such as 5/s", measure_rate, store_unsigned),
    [KEY_DURATION] = NUMBER("duration", "a number and a unit, such as 250ms, 5s, 10m, 24h or 30d",
                            measure_duration, store_i64),
    [KEY_SIZE] = NUMBER("size", "a number and a unit, such as 64KiB, 10MiB or 1GiB", measure_size, store_u64),
    [KEY_BOOL] = WORDS("truth value", "true or false"),
    [KEY_CHOICE] = WORDS("choice", NULL),
    [KEY_THREAD] = WORDS("thread", "contact, conversation, or a time such as 24h"),
    [KEY_SECRETS] = WORDS("list of secrets", NULL),
    [KEY_HANDLES] = WORDS("list of handles", NULL),
    [KEY_URLS] = WORDS("list of URLs", NULL),
    [KEY_ACCOUNT] = WORDS("account", NULL),
    [KEY_SETTINGS] = WORDS("map", NULL),
};

const char *config_kind_noun(enum key_kind kind)
{
    return kinds[kind].noun;
}

const char *config_kind_example(enum key_kind kind)
{
    must(kinds[kind].example);
    return kinds[kind].example;
}

static bool set_number(const struct config_key *k, const char *text, void *field, struct buf *why)
{
    double value, least, most;
    if (!kinds[k->kind].measure(text, &value))
        return false;
    must(kinds[k->kind].measure(k->least, &least) && kinds[k->kind].measure(k->most, &most));
    if (value < least || value > most) {
        buf_addf(why, "%.40s is out of bounds; write %s to %s", text, k->least, k->most);
        return false;
    }
    kinds[k->kind].store(field, value);
    return true;
}

static void drop(char *text)
{
    if (text)
        mem_wipe(text, strlen(text));
    free(text);
}

static bool set_string(const struct config_key *k, const char *text, char **field)
{
    char *copy = mem_strdup(text);
    if (!kinds[k->kind].has_form(copy)) {
        drop(copy);
        return false;
    }
    drop(*field);
    *field = copy;
    return true;
}

void config_clear(const struct config_key *k, void *base)
{
    if (kinds[k->kind].has_form)
        drop(*(char **)(void *)((char *)base + k->at));
}

static bool set_bool(const char *text, bool *field)
{
    bool is_true = strcmp(text, "true") == 0;
    if (!is_true && strcmp(text, "false") != 0)
        return false;
    *field = is_true;
    return true;
}

static void say_choices(const struct config_key *k, const char *shown, struct buf *why)
{
    size_t n = 0;
    while (k->choices[n])
        n++;
    const char *near = config_nearest(shown, k->choices, n);
    buf_addf(why, "\"%.40s\" is not known here; ", shown);
    if (near) {
        buf_addf(why, "did you mean \"%s\"?", near);
        return;
    }
    buf_add_str(why, "write ");
    for (size_t i = 0; i < n; i++)
        buf_addf(why, "%s%s", i == 0 ? "" : i + 1 == n ? " or " : ", ", k->choices[i]);
}

/* Every enum of the configuration has the width of unsigned and counts from 0. */
_Static_assert(sizeof(enum log_level) == sizeof(unsigned) && sizeof(enum channel_kind) == sizeof(unsigned),
               "choices are stored as unsigned");

static bool set_choice(const struct config_key *k, const char *text, const char *shown, void *field,
                       struct buf *why)
{
    for (unsigned i = 0; k->choices[i]; i++) {
        if (strcmp(text, k->choices[i]) != 0)
            continue;
        memcpy(field, &i, sizeof i);
        return true;
    }
    say_choices(k, shown, why);
    return false;
}

static bool set_thread(const char *text, struct config_channel *c)
{
    int64_t roll_ms = 0;
    bool is_contact = strcmp(text, "contact") == 0, is_conversation = strcmp(text, "conversation") == 0;
    if (!is_contact && !is_conversation && (config_duration(span_of(text), &roll_ms) || roll_ms == 0))
        return false;
    c->thread = is_contact ? THREAD_CONTACT : is_conversation ? THREAD_CONVERSATION : THREAD_ROLLING;
    c->thread_roll_ms = roll_ms;
    return true;
}

bool config_set(const struct config_key *k, const char *text, const char *shown, void *base, struct buf *why)
{
    const struct kind *kind = &kinds[k->kind];
    void *field = (char *)base + k->at;
    bool is_set;
    if (kind->measure)
        is_set = set_number(k, text, field, why);
    else if (kind->has_form)
        is_set = set_string(k, text, field);
    else if (k->kind == KEY_BOOL)
        is_set = set_bool(text, field);
    else if (k->kind == KEY_CHOICE)
        is_set = set_choice(k, text, shown, field, why);
    else
        is_set = set_thread(text, base);
    if (is_set || why->n)
        return is_set;
    if (k->kind == KEY_SECRET)
        buf_addf(why, "the %s is empty or holds control characters; write %s", kind->noun, kind->example);
    else
        buf_addf(why, "\"%.60s\" is no %s; write %s", shown, kind->noun, kind->example);
    return false;
}
