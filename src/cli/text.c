/*
 * Decides how outside text, widths and times look on a terminal, and knows nothing of messages.
 * Invariant: no byte below 0x20 leaves text_add_safe; text_add_lines lets only "\n" and tabs (as blanks)
 * through.
 */
#include "cli/text.h"
#include "base/mem.h"
#include "base/utf8.h"
#include <string.h>
#include <time.h>

static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

/* Line separators, and what turns or hides the direction of the text around it. */
static bool is_deceptive(uint32_t c)
{
    return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

enum { UNIT_SEPARATOR = 0x1f /* between the words of one of our own ids, STORE_SIGN_MARK */ };

static void add_escape(struct buf *out, uint32_t c)
{
    static const char letter[] = "\aa\bb\tt\nn\vv\ff\rr";
    const char *known = c > 0 && c < 0x80 ? strchr(letter, (int)c) : NULL;

    if (c == UNIT_SEPARATOR)
        buf_add_char(out, ' ');
    else if (known && c < 0x20)
        buf_addf(out, "\\%c", known[1]);
    else
        buf_addf(out, c < 0x100 ? "\\x%02x" : "\\u%04x", c);
}

/* next_character reads one at *s and takes it off; bytes that are no UTF-8 come one by one as U+FFFD. */
static uint32_t next_character(struct span *s)
{
    uint32_t c = UTF8_REPLACEMENT;
    unsigned n = utf8_read(s->p, s->n, &c);

    if (n == 0) {
        c = UTF8_REPLACEMENT;
        n = 1;
    }
    *s = (struct span){s->p + n, s->n - n};
    return c;
}

static void add_character(struct buf *out, uint32_t c)
{
    if (is_control(c) || is_deceptive(c))
        add_escape(out, c);
    else
        utf8_add(out, c);
}

void text_add_safe(struct buf *out, struct span s)
{
    while (s.n)
        add_character(out, next_character(&s));
}

void text_add_lines(struct buf *out, struct span s, const char *indent)
{
    bool is_start = true;

    while (s.n) {
        uint32_t c = next_character(&s);
        if (c == '\r' && s.n && s.p[0] == '\n')
            continue;
        if (c == '\n') {
            buf_add_char(out, '\n');
            is_start = true;
            continue;
        }
        if (is_start)
            buf_add_str(out, indent);
        is_start = false;
        if (c == '\t')
            buf_add_str(out, "    ");
        else
            add_character(out, c);
    }
    if (!is_start)
        buf_add_char(out, '\n');
}

size_t text_width(struct span s)
{
    size_t n = 0;

    for (; s.n; n++)
        next_character(&s);
    return n;
}

struct span text_cut(struct span s, size_t characters, unsigned lines)
{
    struct span rest = s;

    while (rest.n && characters-- > 0) {
        struct span before = rest;
        if (next_character(&rest) == '\n' && --lines == 0)
            return (struct span){s.p, s.n - before.n};
    }
    return (struct span){s.p, s.n - rest.n};
}

void text_add_cell(struct buf *out, struct span safe, size_t width)
{
    size_t n = text_width(safe);

    if (n <= width) {
        buf_add_span(out, safe);
        buf_addf(out, "%*s", (int)(width - n), "");
    } else if (width > 0) {
        buf_add_span(out, text_cut(safe, width - 1, UINT32_MAX));
        buf_add_str(out, "…");
    }
}

/* add_amount writes ms in the largest unit of which there are two, or one second. */
static void add_amount(struct buf *out, int64_t ms)
{
    static const struct {
        int64_t from, unit;
        const char *name;
    } step[] = {
        {2 * DAY_MS, DAY_MS, "d"},   {2 * HOUR_MS, HOUR_MS, "h"}, {2 * MINUTE_MS, MINUTE_MS, "m"},
        {SECOND_MS, SECOND_MS, "s"}, {INT64_MIN, 1, "ms"},
    };
    size_t i = 0;

    while (ms < step[i].from)
        i++;
    buf_addf(out, "%lld%s", (long long)(ms / step[i].unit), step[i].name);
}

void text_add_duration(struct buf *out, int64_t ms)
{
    if (ms >= SECOND_MS && ms < 10 * SECOND_MS)
        buf_addf(out, "%lld.%llds", (long long)(ms / SECOND_MS), (long long)(ms % SECOND_MS / 100));
    else
        add_amount(out, ms);
}

void text_add_age(struct buf *out, wall_ms_t at, wall_ms_t now)
{
    int64_t away = at > now ? at - now : now - at;

    if (away < SECOND_MS) {
        buf_add_str(out, "now");
        return;
    }
    if (at > now)
        buf_add_str(out, "in ");
    add_amount(out, away);
    if (at <= now)
        buf_add_str(out, " ago");
}

enum err text_read_time(struct span iso, wall_ms_t *at)
{
    char text[25];
    struct tm tm = {0};
    uint64_t ms;

    if (iso.n != sizeof text - 1)
        return ERR_INVALID;
    memcpy(text, iso.p, iso.n);
    text[iso.n] = '\0';
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!end || end != text + 19 || *end != '.' || text[23] != 'Z' ||
        !span_u64((struct span){text + 20, 3}, &ms))
        return ERR_INVALID;
    *at = (wall_ms_t)timegm(&tm) * SECOND_MS + (wall_ms_t)ms;
    return OK;
}
