/*
 * Decides how HTTP's small texts read. Knows no connection, allocates only in the caller's buffers.
 * Invariant: pure functions of their arguments.
 */
#include "http/text.h"
#include "http/server.h"
#include "base/mem.h"
#include <stdio.h>
#include <string.h>

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {425, "Too Early"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

const char *http_reason(int status)
{
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Status";
}

static struct span next_word(const char **text)
{
    const char *p = *text + strspn(*text, " ");
    size_t n = strcspn(p, " ");
    *text = p + n;
    return (struct span){p, n};
}

bool http_methods_have(const char *methods, struct span method)
{
    for (struct span m = next_word(&methods); m.n; m = next_word(&methods))
        if (span_eq(m, method) || (span_is(m, "GET") && span_is(method, "HEAD")))
            return true;
    return false;
}

void http_methods_list(const char *methods, struct buf *out)
{
    const char *separator = "";
    for (struct span m = next_word(&methods); m.n; m = next_word(&methods)) {
        buf_add_str(out, separator);
        buf_add_span(out, m);
        if (span_is(m, "GET"))
            buf_add_str(out, ", HEAD");
        separator = ", ";
    }
}

bool http_media_type_is(struct span content_type, const char *media_type)
{
    size_t n = 0;
    while (n < content_type.n && !strchr("; \t", content_type.p[n]))
        n++;
    return n > 0 && span_ieq((struct span){content_type.p, n}, span_of(media_type));
}

const char *http_wrong_type(struct span given, const char *wanted, char out[HTTP_WRONG_TYPE_BYTES])
{
    static const size_t shown_max = 60;
    char shown[61];
    size_t n = given.n < shown_max ? given.n : shown_max;

    for (size_t i = 0; i < n; i++)
        shown[i] = given.p[i] > 0x20 && given.p[i] < 0x7f ? given.p[i] : given.p[i] == ' ' ? ' ' : '?';
    shown[n] = 0;
    if (n)
        snprintf(out, HTTP_WRONG_TYPE_BYTES, "The body must be %.60s; its Content-Type says \"%s\".", wanted,
                 shown);
    else
        snprintf(out, HTTP_WRONG_TYPE_BYTES, "The body must be %.60s; there is no Content-Type.", wanted);
    return out;
}

struct span http_query_find(struct span query, const char *key)
{
    while (query.n) {
        const char *end = memchr(query.p, '&', query.n);
        size_t n = end ? (size_t)(end - query.p) : query.n;
        const char *equals = memchr(query.p, '=', n);
        struct span name = {query.p, equals ? (size_t)(equals - query.p) : n};
        if (span_is(name, key))
            return equals ? (struct span){equals + 1, n - name.n - 1} : SPAN_LIT("");
        n += end ? 1 : 0;
        query = (struct span){query.p + n, query.n - n};
    }
    return SPAN_NONE;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The byte that "%41" stands for; -1 if it is malformed or NUL. */
static int escaped_byte(struct span text)
{
    if (text.n < 3)
        return -1;
    int high = hex_digit(text.p[1]), low = hex_digit(text.p[2]);
    return high < 0 || low < 0 || high + low == 0 ? -1 : high << 4 | low;
}

static bool is_decodable(struct span text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == '%' && escaped_byte((struct span){text.p + i, text.n - i}) < 0)
            return false;
    return true;
}

enum err http_percent_decode(struct span text, bool plus_is_space, struct buf *out)
{
    if (!is_decodable(text))
        return ERR_INVALID;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '%') {
            c = (char)escaped_byte((struct span){text.p + i, text.n - i});
            i += 2;
        } else if (c == '+' && plus_is_space)
            c = ' ';
        buf_add_char(out, c);
    }
    return OK;
}

static struct span take_digits(struct span *s)
{
    struct span digits = {s->p, 0};
    while (digits.n < s->n && s->p[digits.n] >= '0' && s->p[digits.n] <= '9')
        digits.n++;
    *s = (struct span){s->p + digits.n, s->n - digits.n};
    return digits;
}

/* "bytes=0-9", "bytes=10-", "bytes=-5". */
static bool read_range(struct span s, struct span *first, struct span *last)
{
    static const char unit[] = "bytes=";
    if (!span_starts(s, unit))
        return false;
    s = (struct span){s.p + sizeof unit - 1, s.n - (sizeof unit - 1)};
    *first = take_digits(&s);
    if (s.n == 0 || s.p[0] != '-')
        return false;
    s = (struct span){s.p + 1, s.n - 1};
    *last = take_digits(&s);
    return s.n == 0 && (first->n > 0 || last->n > 0);
}

/* A number that does not fit is larger than any size. */
static uint64_t number_of(struct span digits)
{
    uint64_t n;
    return span_u64(digits, &n) ? n : UINT64_MAX;
}

enum http_range http_range(struct span header, uint64_t size, uint64_t *at, uint64_t *n)
{
    struct span first, last;
    *at = 0;
    *n = size;
    if (!header.p || !read_range(header, &first, &last))
        return HTTP_RANGE_WHOLE;
    if (first.n == 0) {
        uint64_t tail = number_of(last);
        *n = tail < size ? tail : size;
        *at = size - *n;
        return *n > 0 ? HTTP_RANGE_PART : HTTP_RANGE_OUTSIDE;
    }
    uint64_t from = number_of(first), to = last.n > 0 ? number_of(last) : UINT64_MAX;
    if (to < from)
        return HTTP_RANGE_WHOLE;
    if (from >= size)
        return HTTP_RANGE_OUTSIDE;
    *at = from;
    *n = (to < size ? to + 1 : size) - from;
    return HTTP_RANGE_PART;
}
