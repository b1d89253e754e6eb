/*
 * Decides what a request's head says, and whether it says it in the one way that nobody can read differently.
 * Knows nothing of sockets, routes or limits other than HTTP_HEADERS_MAX.
 * Invariant: every span of the result lies inside the text that was given.
 */
#include "http/head.h"
#include "base/mem.h"
#include <string.h>

/* What a byte may be part of: RFC 9110 5.6.2 (token), 5.5 (value); a target is visible ASCII without "#". */
enum { TOKEN = 1, VALUE = 2, TARGET = 4 };
static const uint8_t class_of[256] = {
    ['\t'] = VALUE,
    [' '] = VALUE,
    ['!'] = TOKEN | VALUE | TARGET,
    ['"'] = VALUE | TARGET,
    ['#'] = TOKEN | VALUE,
    ['$' ... '\''] = TOKEN | VALUE | TARGET,
    ['(' ... ')'] = VALUE | TARGET,
    ['*' ... '+'] = TOKEN | VALUE | TARGET,
    [','] = VALUE | TARGET,
    ['-' ... '.'] = TOKEN | VALUE | TARGET,
    ['/'] = VALUE | TARGET,
    ['0' ... '9'] = TOKEN | VALUE | TARGET,
    [':' ... '@'] = VALUE | TARGET,
    ['A' ... 'Z'] = TOKEN | VALUE | TARGET,
    ['[' ... ']'] = VALUE | TARGET,
    ['^' ... 'z'] = TOKEN | VALUE | TARGET,
    ['{'] = VALUE | TARGET,
    ['|'] = TOKEN | VALUE | TARGET,
    ['}'] = VALUE | TARGET,
    ['~'] = TOKEN | VALUE | TARGET,
    [0x80 ... 0xff] = VALUE,
};

struct parse {
    const char *p, *end;
    struct http_head *head;
    unsigned host_n;
    bool keeps_alive, closes;
    int status;
    const char *why;
};

static bool fail(struct parse *f, int status, const char *why)
{
    f->status = status;
    f->why = why;
    return false;
}

static struct span run_of(struct parse *f, uint8_t class)
{
    const char *start = f->p;
    while (f->p < f->end && class_of[(unsigned char)*f->p] & class)
        f->p++;
    return (struct span){start, (size_t)(f->p - start)};
}

static bool skip(struct parse *f, const char *literal, size_t n)
{
    if ((size_t)(f->end - f->p) < n || memcmp(f->p, literal, n) != 0)
        return false;
    f->p += n;
    return true;
}

size_t http_head_end(struct span text, size_t from)
{
    const char *end = text.p + text.n;
    /* The empty line may have begun up to two bytes before what was new. */
    const char *p = text.p + (from > 2 ? from - 2 : 0);
    while ((p = memchr(p, '\n', (size_t)(end - p)))) {
        p++;
        if (p < end && *p == '\n')
            return (size_t)(p + 1 - text.p);
        if (end - p >= 2 && p[0] == '\r' && p[1] == '\n')
            return (size_t)(p + 2 - text.p);
    }
    return 0;
}

static size_t scheme_n(struct span target)
{
    const struct span http = SPAN_LIT("http://"), https = SPAN_LIT("https://");
    if (target.n >= https.n && span_ieq((struct span){target.p, https.n}, https))
        return https.n;
    return target.n >= http.n && span_ieq((struct span){target.p, http.n}, http) ? http.n : 0;
}

/* "/path?query", "http://host/path?query" or, for OPTIONS, "*". */
static bool split_target(struct parse *f)
{
    struct http_head *h = f->head;
    const char *p = h->target.p, *end = p + h->target.n;
    size_t scheme = scheme_n(h->target);
    if (scheme)
        for (p += scheme; p < end && *p != '/' && *p != '?';)
            p++;
    else if (*p != '/' && !(span_is(h->target, "*") && span_is(h->method, "OPTIONS")))
        return fail(f, 400, "The request target is not a path.");
    const char *mark = p < end ? memchr(p, '?', (size_t)(end - p)) : NULL;
    h->query = mark ? (struct span){mark + 1, (size_t)(end - mark - 1)} : SPAN_NONE;
    h->path = (struct span){p, (size_t)((mark ? mark : end) - p)};
    if (!h->path.n)
        h->path = SPAN_LIT("/");
    return true;
}

static bool read_version(struct parse *f)
{
    if (!skip(f, "HTTP/", 5) || f->end - f->p < 5 || f->p[1] != '.' || f->p[3] != '\r' || f->p[4] != '\n')
        return fail(f, 400, "The request line is not METHOD TARGET HTTP/1.1.");
    if (f->p[0] != '1' || (f->p[2] != '0' && f->p[2] != '1'))
        return fail(f, 505, "This server speaks HTTP/1.1 and HTTP/1.0 only.");
    f->head->minor = (unsigned)(f->p[2] - '0');
    f->p += 5;
    return true;
}

static bool read_request_line(struct parse *f)
{
    struct http_head *h = f->head;
    h->method = run_of(f, TOKEN);
    if (!h->method.n || !skip(f, " ", 1))
        return fail(f, 400, "The request line is not METHOD TARGET HTTP/1.1.");
    h->target = run_of(f, TARGET);
    if (!h->target.n || !skip(f, " ", 1))
        return fail(f, 400, "The request target has characters that must be percent-encoded.");
    return read_version(f) && split_target(f);
}

static bool on_length(struct parse *f, struct span value)
{
    if (f->head->has_length)
        return fail(f, 400, "There is more than one Content-Length.");
    f->head->has_length = true;
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] < '0' || value.p[i] > '9')
            return fail(f, 400, "The Content-Length is not a number.");
    if (!span_u64(value, &f->head->length))
        return fail(f, 400, "The Content-Length is not a number.");
    return true;
}

static bool on_transfer_coding(struct parse *f, struct span value)
{
    if (f->head->is_chunked || f->head->minor == 0)
        return fail(f, 400, "The Transfer-Encoding is given twice, or to HTTP/1.0.");
    if (!span_ieq(value, SPAN_LIT("chunked")))
        return fail(f, 501, "The only Transfer-Encoding understood is chunked.");
    f->head->is_chunked = true;
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static struct span trim(struct span s)
{
    while (s.n && is_space(s.p[0]))
        s = (struct span){s.p + 1, s.n - 1};
    while (s.n && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

static bool on_connection(struct parse *f, struct span value)
{
    while (value.n) {
        const char *comma = memchr(value.p, ',', value.n);
        size_t n = comma ? (size_t)(comma - value.p) : value.n;
        struct span option = trim((struct span){value.p, n});
        f->closes = f->closes || span_ieq(option, SPAN_LIT("close"));
        f->keeps_alive = f->keeps_alive || span_ieq(option, SPAN_LIT("keep-alive"));
        n += comma ? 1 : 0;
        value = (struct span){value.p + n, value.n - n};
    }
    return true;
}

static bool on_expect(struct parse *f, struct span value)
{
    if (!span_ieq(value, SPAN_LIT("100-continue")))
        return fail(f, 417, "The only expectation understood is 100-continue.");
    f->head->expects_continue = f->head->minor >= 1; /* RFC 9110 10.1.1: ignored in HTTP/1.0 */
    return true;
}

static bool on_host(struct parse *f, struct span value)
{
    (void)value;
    return ++f->host_n == 1 || fail(f, 400, "There is more than one Host.");
}

static const struct {
    struct span name;
    bool (*read)(struct parse *f, struct span value);
} meaningful[] = {
    {SPAN_LIT("content-length"), on_length},
    {SPAN_LIT("transfer-encoding"), on_transfer_coding},
    {SPAN_LIT("connection"), on_connection},
    {SPAN_LIT("expect"), on_expect},
    {SPAN_LIT("host"), on_host},
};

static bool read_field(struct parse *f)
{
    struct http_head *h = f->head;
    if (h->field_n == HTTP_HEADERS_MAX)
        return fail(f, 431, "There are too many header lines.");
    struct span name = run_of(f, TOKEN);
    if (!name.n || !skip(f, ":", 1))
        return fail(f, 400, "A header line is not NAME: VALUE.");
    struct span value = trim(run_of(f, VALUE));
    if (!skip(f, "\r\n", 2))
        return fail(f, 400, "A header line has control characters or does not end with CR LF.");
    h->field[h->field_n++] = (struct http_field){name, value};
    for (size_t i = 0; i < ARRAY_LEN(meaningful); i++)
        if (name.n == meaningful[i].name.n && span_ieq(name, meaningful[i].name))
            return meaningful[i].read(f, value);
    return true;
}

static bool finish(struct parse *f)
{
    struct http_head *h = f->head;
    if (f->p != f->end)
        return fail(f, 400, "There is text after the end of the head.");
    if (h->is_chunked && h->has_length)
        return fail(f, 400, "There are both Content-Length and Transfer-Encoding.");
    if (h->minor == 1 && f->host_n == 0)
        return fail(f, 400, "The Host header is missing.");
    h->wants_close = f->closes || (h->minor == 0 && !f->keeps_alive);
    return true;
}

static bool read_head(struct parse *f)
{
    if (!read_request_line(f))
        return false;
    while (!skip(f, "\r\n", 2))
        if (!read_field(f))
            return false;
    return finish(f);
}

enum err http_head_parse(struct span text, struct http_head *out, int *status, const char **why)
{
    struct parse f = {.p = text.p, .end = text.p + text.n, .head = out};
    out->field_n = 0;
    out->is_chunked = out->has_length = out->wants_close = out->expects_continue = false;
    out->length = 0;
    if (read_head(&f))
        return OK;
    *status = f.status;
    *why = f.why;
    return f.status == 431 ? ERR_LIMIT : ERR_INVALID;
}
