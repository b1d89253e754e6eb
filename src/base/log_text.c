/*
 * Makes hostile text harmless for people who read logs in a terminal: control characters (also those above
 * U+0080), line separators and the marks that turn the writing direction are written as escapes.
 */
#include "base/log_text.h"
#include "base/utf8.h"
#include <string.h>

static bool is_harmful(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x61C || c == 0x200E || c == 0x200F ||
           (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

static void add_safe(struct buf *out, const char *p, unsigned length, uint32_t c)
{
    if (length == 0)
        buf_addf(out, "\\x%02x", (unsigned)(unsigned char)*p);
    else if (c == '\n')
        buf_add_str(out, "\\n");
    else if (c == '"' || c == '\\')
        buf_add(out, (char[]){'\\', (char)c}, 2);
    else if (is_harmful(c))
        buf_addf(out, c < 0x80 ? "\\x%02x" : "\\u{%x}", (unsigned)c);
    else
        buf_add(out, p, length);
}

void log_text_safe(struct buf *out, struct span s)
{
    for (size_t i = 0; i < s.n;) {
        uint32_t c = 0;
        const unsigned length = utf8_read(s.p + i, s.n - i, &c);
        add_safe(out, s.p + i, length, c);
        i += length ? length : 1;
    }
}

static bool is_word(struct span s)
{
    static const char marks[] = "_-./:@+,%#~";
    for (size_t i = 0; i < s.n; i++) {
        const char c = s.p[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              (c && strchr(marks, c))))
            return false;
    }
    return s.n > 0;
}

void log_text_value(struct buf *out, struct span s)
{
    if (!s.p) {
        buf_add_str(out, "null");
        return;
    }
    if (is_word(s)) {
        buf_add_span(out, s);
        return;
    }
    buf_add_char(out, '"');
    log_text_safe(out, s);
    buf_add_char(out, '"');
}
