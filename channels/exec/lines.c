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

/* piece takes what has no newline: of a line that has become too long it hands over what there is. */
static void piece(struct lines *l, struct span bytes, line_fn *on_line, void *arg)
{
    if (!l->is_skipping && bytes.n <= l->part.max_bytes - l->part.n) {
        buf_add_span(&l->part, bytes);
        return;
    }
    if (!l->is_skipping)
        on_line(arg, buf_span(&l->part), LINE_BEGINS);
    l->is_skipping = true;
    buf_clear(&l->part);
    on_line(arg, bytes, LINE_GOES_ON);
}

static void line_end(struct lines *l, line_fn *on_line, void *arg)
{
    bool is_whole = !l->is_skipping;

    l->is_skipping = false;
    on_line(arg, is_whole ? buf_span(&l->part) : SPAN_NONE, is_whole ? LINE_WHOLE : LINE_ENDS);
    buf_clear(&l->part);
}

void lines_feed(struct lines *l, struct span bytes, line_fn *on_line, void *arg)
{
    while (bytes.n) {
        const char *newline = memchr(bytes.p, '\n', bytes.n);
        size_t n = newline ? (size_t)(newline - bytes.p) : bytes.n;
        piece(l, (struct span){bytes.p, n}, on_line, arg);
        if (newline)
            line_end(l, on_line, arg);
        n += newline != NULL;
        bytes = (struct span){bytes.p + n, bytes.n - n};
    }
}
