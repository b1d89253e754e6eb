/*
 * Lines of a stream. Invariant: part never holds a newline, and never more than its limit.
 */
#include "lines.h"
#include <string.h>

void lines_init(struct lines *l, size_t max_bytes)
{
    l->is_skipping = false;
    buf_init(&l->part, max_bytes);
}

void lines_fini(struct lines *l)
{
    buf_fini(&l->part);
}

void lines_reset(struct lines *l)
{
    l->is_skipping = false;
    buf_clear(&l->part);
}

/* part_add takes a piece without a newline; false if the line became too long just now. */
static bool part_add(struct lines *l, const char *p, size_t n)
{
    if (l->is_skipping)
        return true;
    if (n > l->part.max_bytes - l->part.n) {
        l->is_skipping = true;
        buf_clear(&l->part);
        return false;
    }
    buf_add(&l->part, p, n);
    return true;
}

void lines_feed(struct lines *l, struct span bytes, line_fn *on_line, void *arg)
{
    while (bytes.n) {
        const char *newline = memchr(bytes.p, '\n', bytes.n);
        size_t n = newline ? (size_t)(newline - bytes.p) : bytes.n;
        if (!part_add(l, bytes.p, n))
            on_line(arg, SPAN_NONE);
        if (newline) {
            bool is_whole = !l->is_skipping;
            l->is_skipping = false;
            if (is_whole)
                on_line(arg, buf_span(&l->part));
            buf_clear(&l->part);
        }
        n += newline != NULL;
        bytes = (struct span){bytes.p + n, bytes.n - n};
    }
}
