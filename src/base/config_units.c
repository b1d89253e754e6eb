/*
 * The units that people write (durations, sizes), the host in a URL, and the nearest of several words. Pure;
 * knows no keys.
 */
#include "base/clock.h"
#include "base/config.h"
#include "base/mem.h"
#include <stdio.h>
#include <string.h>

struct unit {
    const char *name;
    uint64_t factor;
};

/* read_amount reads "12" and the unit after it; only a bare 0, or is_bare_right, may stand without a unit. */
static enum err read_amount(struct span text, const struct unit *units, size_t unit_n, bool is_bare_right,
                            uint64_t *out)
{
    size_t digits = 0;
    uint64_t amount;
    while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
        digits++;
    if (!span_u64((struct span){text.p, digits}, &amount))
        return ERR_INVALID;
    struct span unit = {text.p + digits, text.n - digits};
    if (unit.n == 0 && (amount == 0 || is_bare_right)) {
        *out = amount;
        return OK;
    }
    for (size_t i = 0; i < unit_n; i++) {
        if (!span_is(unit, units[i].name))
            continue;
        return __builtin_mul_overflow(amount, units[i].factor, out) ? ERR_INVALID : OK;
    }
    return ERR_INVALID;
}

enum err config_duration(struct span text, int64_t *ms)
{
    static const struct unit units[] = {
        {"ms", 1}, {"s", SECOND_MS}, {"m", MINUTE_MS}, {"h", HOUR_MS}, {"d", DAY_MS}};
    uint64_t value;
    if (read_amount(text, units, ARRAY_LEN(units), false, &value) || value > INT64_MAX / 2)
        return ERR_INVALID;
    *ms = (int64_t)value;
    return OK;
}

enum err config_size(struct span text, uint64_t *bytes)
{
    static const struct unit units[] = {{"B", 1},          {"kB", 1000},       {"KB", 1000},
                                        {"MB", 1000000},   {"GB", 1000000000}, {"KiB", 1u << 10},
                                        {"MiB", 1u << 20}, {"GiB", 1u << 30},  {"TiB", UINT64_C(1) << 40}};
    uint64_t value;
    if (read_amount(text, units, ARRAY_LEN(units), true, &value) || value > INT64_MAX)
        return ERR_INVALID;
    *bytes = value;
    return OK;
}

const char *config_size_text(uint64_t bytes, char out[SIZE_TEXT_BYTES])
{
    static const struct unit units[] = {{"MB", 1000000}, {"kB", 1000}, {"bytes", 1}};
    const struct unit *u = units;

    while (u->factor > 1 && bytes < u->factor)
        u++;
    snprintf(out, SIZE_TEXT_BYTES, "%llu %s", (unsigned long long)(bytes / u->factor), u->name);
    return out;
}

/* is_port takes ":1" to ":65535", or nothing. */
static bool is_port(struct span text)
{
    uint64_t port;
    return text.n == 0 || (text.p[0] == ':' && span_u64((struct span){text.p + 1, text.n - 1}, &port) &&
                           port > 0 && port <= 65535);
}

struct span config_authority(struct span url)
{
    size_t scheme_n = span_starts(url, "https://") ? 8 : span_starts(url, "http://") ? 7 : 0, n = 0;
    if (scheme_n == 0)
        return SPAN_NONE;
    const char *p = url.p + scheme_n;
    while (n < url.n - scheme_n && !strchr("/?#", p[n]))
        n++;
    const char *at = memrchr(p, '@', n), *host = at ? at + 1 : p, *end = p + n;
    const char *bracket = host < end && *host == '[' ? memchr(host, ']', (size_t)(end - host)) : NULL;
    const char *port = bracket ? bracket + 1 : memchr(host, ':', (size_t)(end - host));
    bool has_host = bracket ? bracket > host + 1 : (port ? port : end) > host;
    bool is_right = has_host && is_port((struct span){port, port ? (size_t)(end - port) : 0});
    return is_right ? (struct span){p, n} : SPAN_NONE;
}

enum { WORD_MAX = 63 };

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* The edits that turn a into b: insert, remove or replace a character, swap two neighbours. */
static unsigned distance(const char *a, size_t a_n, const char *b, size_t b_n)
{
    unsigned rows[3][WORD_MAX + 1], *before = rows[0], *last = rows[1], *row = rows[2];
    memset(rows, 0, sizeof rows);
    for (size_t j = 0; j <= b_n; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; i <= a_n; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_n; j++) {
            unsigned replaced = last[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = least(replaced, least(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
        unsigned *spare = before;
        before = last;
        last = row;
        row = spare;
    }
    return last[b_n];
}

const char *config_nearest(const char *word, const char *const *candidates, size_t n)
{
    size_t word_n = strlen(word);
    if (word_n == 0 || word_n > WORD_MAX)
        return NULL;
    const char *best = NULL;
    unsigned allowed = word_n < 3 ? 1 : (unsigned)(word_n + 2) / 3;
    for (size_t i = 0; i < n; i++) {
        size_t candidate_n = strlen(candidates[i]);
        if (candidate_n > WORD_MAX)
            continue;
        unsigned d = distance(word, word_n, candidates[i], candidate_n);
        if (d > allowed || d >= candidate_n)
            continue;
        best = candidates[i];
        if (d == 0)
            break;
        allowed = d - 1;
    }
    return best;
}
