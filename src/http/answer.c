/*
 * Decides what the head of an answer says, and how a failure is put into words. Knows no socket and no
 * libcurl. Invariant: pure functions of the answer.
 */
#include "http/client.h"
#include <string.h>

/* The i-th line of an answer's head, without its end. */
static bool line_at(struct span head, size_t i, struct span *line)
{
    for (;; i--) {
        const char *end = head.n ? memchr(head.p, '\n', head.n) : NULL;
        if (!end)
            return false;
        size_t n = (size_t)(end - head.p);
        *line = (struct span){head.p, n && end[-1] == '\r' ? n - 1 : n};
        if (i == 0)
            return line->n > 0;
        head = (struct span){end + 1, head.n - n - 1};
    }
}

bool http_answer_header_at(const struct http_answer *a, size_t i, struct span *name, struct span *value)
{
    struct span line;
    if (!line_at(a->head, i, &line))
        return false;
    const char *colon = memchr(line.p, ':', line.n);
    size_t n = colon ? (size_t)(colon - line.p) : line.n;
    *name = (struct span){line.p, n};
    *value = colon ? (struct span){colon + 1, line.n - n - 1} : (struct span){line.p + n, 0};
    while (value->n && (value->p[0] == ' ' || value->p[0] == '\t'))
        *value = (struct span){value->p + 1, value->n - 1};
    while (value->n && (value->p[value->n - 1] == ' ' || value->p[value->n - 1] == '\t'))
        value->n--;
    return true;
}

struct span http_answer_header(const struct http_answer *a, const char *wanted)
{
    struct span name, value;
    for (size_t i = 0; http_answer_header_at(a, i, &name, &value); i++)
        if (span_ieq(name, span_of(wanted)))
            return value;
    return SPAN_NONE;
}

const char *http_fail_text(enum http_fail f)
{
    static const char *const text[] = {
        [HTTP_FAIL_NONE] = "answered",
        [HTTP_FAIL_URL] = "the URL or a header is not one that can be called",
        [HTTP_FAIL_ADDRESS] = "the address is private and may not be called",
        [HTTP_FAIL_CONNECT] = "no connection",
        [HTTP_FAIL_TLS] = "the certificate does not prove the host",
        [HTTP_FAIL_TIMEOUT] = "no answer in time",
        [HTTP_FAIL_BROKEN] = "the connection broke",
        [HTTP_FAIL_TOO_LARGE] = "the answer is too large",
        [HTTP_FAIL_STOPPED] = "what came was not wanted",
        [HTTP_FAIL_CANCELLED] = "cancelled",
    };
    return text[f];
}
