/* Reads by blocks and looks for line breaks. Knows nothing of what stands in a line. */
#include "cli/import_lines.h"
#include "base/mem.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK_BYTES = 64 << 10 };
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

void import_lines_init(struct import_lines *l, int fd, size_t max_bytes)
{
    *l = (struct import_lines){.fd = fd, .max_bytes = max_bytes};
}

void import_lines_fini(struct import_lines *l)
{
    free(l->buffer);
    l->buffer = NULL;
}

static void make_room(struct import_lines *l)
{
    if (l->at > 0) {
        memmove(l->buffer, l->buffer + l->at, l->n - l->at);
        l->n -= l->at;
        l->at = 0;
    }
    if (l->cap - l->n < BLOCK_BYTES) {
        l->cap = l->n + BLOCK_BYTES > 2 * l->cap ? l->n + BLOCK_BYTES : 2 * l->cap;
        l->buffer = mem_realloc(l->buffer, l->cap);
    }
}

/* fill reads one block more. */
static enum err fill(struct import_lines *l)
{
    make_room(l);
    ssize_t n = read(l->fd, l->buffer + l->n, BLOCK_BYTES);
    if (n < 0 && errno == EINTR)
        return ERR_CANCELLED;
    if (n < 0) {
        l->error = errno;
        return ERR_IO;
    }
    l->is_end = n == 0;
    l->n += (size_t)n;
    return OK;
}

static void skip_mark(struct import_lines *l)
{
    size_t n = sizeof BYTE_ORDER_MARK - 1;

    if (l->n - l->at >= n && memcmp(l->buffer + l->at, BYTE_ORDER_MARK, n) == 0)
        l->at += n;
    l->is_begun = true;
}

static void give(struct import_lines *l, size_t n, bool has_break, struct span *line)
{
    size_t end = n > 0 && l->buffer[l->at + n - 1] == '\r' ? n - 1 : n;

    *line = (struct span){l->buffer + l->at, end};
    l->at += n + has_break;
    l->read_n += n + has_break;
    l->number++;
}

/* Throws away the rest of a line that is too long. */
static enum err skip(struct import_lines *l)
{
    for (;;) {
        const char *p = memchr(l->buffer + l->at, '\n', l->n - l->at);
        size_t n = p ? (size_t)(p - (l->buffer + l->at)) + 1 : l->n - l->at;
        l->at += n;
        l->read_n += n;
        if (p || l->is_end) {
            l->number++;
            return ERR_LIMIT;
        }
        enum err e = fill(l);
        if (e)
            return e;
    }
}

enum err import_lines_next(struct import_lines *l, struct span *line)
{
    size_t seen = 0; /* of what is there, without a line break in it */

    for (;;) {
        size_t n = l->n - l->at;
        const char *p = n > seen ? memchr(l->buffer + l->at + seen, '\n', n - seen) : NULL;
        size_t line_n = p ? (size_t)(p - (l->buffer + l->at)) : n;
        if (line_n > l->max_bytes)
            return skip(l);
        if (p || (l->is_end && n > 0)) {
            give(l, line_n, p != NULL, line);
            return OK;
        }
        if (l->is_end)
            return ERR_NOT_FOUND;
        seen = n;
        enum err e = fill(l);
        if (e)
            return e;
        if (!l->is_begun && (l->n - l->at >= sizeof BYTE_ORDER_MARK - 1 || l->is_end))
            skip_mark(l);
    }
}
