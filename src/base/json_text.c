/*
 * The inside of strings. Everything here was checked by json_grammar before, so an escape is
 * always whole; what cannot be a character (a lone surrogate) is replaced, and \u0000 vanishes.
 */
#include "base/json_text.h"
#include "base/utf8.h"
#include <endian.h>
#include <string.h>

enum { NO_MORE = -1 };

/*
 * Eight bytes at a time: the high bit of a byte is set if it has one itself, is below 0x20, or equals '"' or
 * '\\'. Borrows may set it in a byte above a special one, so only the lowest that is set can be relied on.
 */
static uint64_t specials(const char *p)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
    uint64_t x;
    memcpy(&x, p, sizeof x);
    x = le64toh(x);
    const uint64_t quote = x ^ (ones * '"'), slash = x ^ (ones * '\\');
    return (x | (x - ones * 0x20) | (quote - ones) | (slash - ones)) & high;
}

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

size_t json_plain(const char *p, size_t n)
{
    size_t i = 0;
    for (; n - i >= 8; i += 8) {
        const uint64_t found = specials(p + i);
        if (found)
            return i + (size_t)__builtin_ctzll(found) / 8;
    }
    while (i < n && is_plain(p[i]))
        i++;
    return i;
}

bool json_has_escapes(struct span raw)
{
    return raw.n && memchr(raw.p, '\\', raw.n);
}

static uint32_t hex4(const char *p)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        const unsigned char c = (unsigned char)p[i];
        value = value << 4 | (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
}

static void advance(struct span *s, size_t n)
{
    s->p += n;
    s->n -= n;
}

/* unicode_escape reads \uXXXX, and its second half if it is a pair. */
static uint32_t unicode_escape(struct span *raw)
{
    const uint32_t first = hex4(raw->p + 2);
    advance(raw, 6);
    if (first < 0xD800 || first > 0xDFFF)
        return first;
    if (first <= 0xDBFF && raw->n >= 6 && raw->p[0] == '\\' && raw->p[1] == 'u') {
        const uint32_t second = hex4(raw->p + 2);
        if (second >= 0xDC00 && second <= 0xDFFF) {
            advance(raw, 6);
            return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        }
    }
    return UTF8_REPLACEMENT;
}

static uint32_t escape(struct span *raw)
{
    static const char names[] = "bfnrt", values[] = "\b\f\n\r\t";
    if (raw->p[1] == 'u')
        return unicode_escape(raw);
    const char *name = strchr(names, raw->p[1]);
    const char c = name ? values[name - names] : raw->p[1];
    advance(raw, 2);
    return (uint32_t)c;
}

/* next_char takes one decoded character off raw, or gives NO_MORE. */
static int32_t next_char(struct span *raw)
{
    while (raw->n) {
        uint32_t c = 0;
        if (raw->p[0] == '\\')
            c = escape(raw);
        else
            advance(raw, utf8_read(raw->p, raw->n, &c));
        if (c)
            return (int32_t)c;
    }
    return NO_MORE;
}

void json_decode(struct span raw, struct buf *out)
{
    while (raw.n) {
        const char *slash = memchr(raw.p, '\\', raw.n);
        const size_t run = slash ? (size_t)(slash - raw.p) : raw.n;
        buf_add(out, raw.p, run);
        advance(&raw, run);
        if (!slash)
            return;
        const uint32_t c = escape(&raw);
        if (c)
            utf8_add(out, c);
    }
}

struct span json_text_span(struct span raw, struct buf *scratch)
{
    if (!json_has_escapes(raw))
        return raw;
    buf_clear(scratch);
    json_decode(raw, scratch);
    return scratch->is_over ? SPAN_NONE : buf_span(scratch);
}

/* skip_common stops before a difference or a \u, whose meaning may depend on what follows. */
static void skip_common(struct span *a, struct span *b)
{
    const size_t n = a->n < b->n ? a->n : b->n;
    size_t i = 0;
    while (i < n && a->p[i] == b->p[i]) {
        const size_t length = a->p[i] == '\\' ? 2 : 1;
        if (length == 2 && (a->p[i + 1] != b->p[i + 1] || a->p[i + 1] == 'u'))
            break;
        i += length;
    }
    advance(a, i);
    advance(b, i);
}

static int first_byte(struct span s)
{
    return s.n ? (unsigned char)s.p[0] : NO_MORE;
}

/* The order of UTF-8 bytes is the order of characters, so bytes are compared until one side has an escape. */
int json_compare(struct span a, struct span b)
{
    int32_t x, y;
    do {
        skip_common(&a, &b);
        x = first_byte(a);
        y = first_byte(b);
        if (x != '\\' && y != '\\')
            break;
        x = next_char(&a);
        y = next_char(&b);
    } while (x == y && x != NO_MORE);
    return (x > y) - (x < y);
}

bool json_equals(struct span raw, struct span plain)
{
    /* An escape is longer than what it stands for. Most keys that one compares differ in the first byte. */
    if (raw.n < plain.n || (plain.n && raw.p[0] != plain.p[0] && raw.p[0] != '\\'))
        return false;
    if (!json_has_escapes(raw))
        return raw.n == plain.n && memcmp(raw.p, plain.p, raw.n) == 0;
    for (int32_t c; (c = next_char(&raw)) != NO_MORE;) {
        char bytes[4];
        const unsigned n = utf8_write((uint32_t)c, bytes);
        if (plain.n < n || memcmp(plain.p, bytes, n) != 0)
            return false;
        advance(&plain, n);
    }
    return plain.n == 0;
}
