/*
 * Looks at the text that adapters and children hand over: is it fit to be logged, stored or sent as a header.
 */
#include "host/text.h"
#include "base/mem.h"
#include "base/utf8.h"
#include <string.h>

enum { HEADER_NAME_MAX = 100, HEADER_VALUE_MAX = 4096 };

static size_t sequence(struct span s, size_t i)
{
    uint32_t character;
    return utf8_read(s.p + i, s.n - i, &character);
}

static bool is_utf8(struct span s)
{
    for (size_t i = 0, n; i < s.n; i += n) {
        n = sequence(s, i);
        if (n == 0)
            return false;
    }
    return true;
}

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

bool text_is_clean(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (is_control(s.p[i]) && s.p[i] != '\n' && s.p[i] != '\t')
            return false;
    }
    return is_utf8(s);
}

void text_clean_line(struct buf *out, struct span s, size_t max)
{
    size_t end = out->n + max;
    for (size_t i = 0; i < s.n;) {
        size_t n = sequence(s, i);
        struct span piece = n ? (struct span){s.p + i, n} : SPAN_LIT("\xef\xbf\xbd");
        if (is_control(s.p[i]))
            piece = SPAN_LIT(" ");
        if (out->n + piece.n > end)
            return;
        buf_add_span(out, piece);
        i += n ? n : 1;
    }
}

/* What the server writes itself, and what would change the framing or another's cookies. */
static bool is_reserved(struct span name)
{
    static const char *const reserved[] = {
        "connection", "content-length", "content-type",      "date",   "keep-alive", "server", "set-cookie",
        "te",         "trailer",        "transfer-encoding", "upgrade"};
    for (size_t i = 0; i < ARRAY_LEN(reserved); i++) {
        if (span_ieq(name, span_of(reserved[i])))
            return true;
    }
    return false;
}

bool text_is_header_name(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool is_alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_alnum && !(c && strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return s.n > 0 && s.n <= HEADER_NAME_MAX && !is_reserved(s);
}

bool text_is_header_value(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (is_control(s.p[i]) && s.p[i] != '\t')
            return false;
    }
    return s.p && s.n <= HEADER_VALUE_MAX;
}
