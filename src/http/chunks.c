/*
 * Decides where the chunks of a body begin and end (RFC 9112 7.1). Extensions and trailers are read past.
 * Knows nothing of the connection; the only limits are those of the buffer and of a line.
 * Invariant: a byte is looked at once, so that what arrives byte by byte costs no more than what comes at
 * once.
 */
#include "http/head.h"
#include "base/mem.h"

/* A chunk's size line, and all trailers together, in bytes. */
enum { SIZE_LINE_MAX = 256, TRAILERS_MAX = 4096, SIZE_DIGITS_MAX = 15 };

enum state {
    SIZE,
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    LINE,
    TRAILER,
    TRAILER_LF,
    LAST_LF,
    DONE,
    BAD
};

static int hex_value(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_text(unsigned char c)
{
    return c == '\t' || (c >= ' ' && c != 0x7f);
}

static enum state on_size(struct http_chunks *c, unsigned char b)
{
    int digit = hex_value(b);
    if (digit < 0) {
        if (c->line_n == 0)
            return BAD;
        return b == '\r' ? SIZE_LF : b == ';' ? EXTENSION : BAD;
    }
    if (++c->line_n > SIZE_DIGITS_MAX)
        return BAD;
    c->left = c->left << 4 | (unsigned)digit;
    return SIZE;
}

static enum state on_extension(struct http_chunks *c, unsigned char b)
{
    if (b == '\r')
        return SIZE_LF;
    return is_text(b) && ++c->line_n < SIZE_LINE_MAX ? EXTENSION : BAD;
}

static enum state on_size_lf(struct http_chunks *c, unsigned char b)
{
    if (b != '\n')
        return BAD;
    c->line_n = 0;
    return c->left ? DATA : LINE;
}

static enum state on_data_cr(struct http_chunks *c, unsigned char b)
{
    (void)c;
    return b == '\r' ? DATA_LF : BAD;
}

static enum state on_data_lf(struct http_chunks *c, unsigned char b)
{
    c->line_n = 0;
    return b == '\n' ? SIZE : BAD;
}

static enum state on_trailer(struct http_chunks *c, unsigned char b)
{
    if (b == '\r')
        return TRAILER_LF;
    return is_text(b) && ++c->line_n < TRAILERS_MAX ? TRAILER : BAD;
}

static enum state on_line(struct http_chunks *c, unsigned char b)
{
    return b == '\r' ? LAST_LF : on_trailer(c, b);
}

static enum state on_trailer_lf(struct http_chunks *c, unsigned char b)
{
    (void)c;
    return b == '\n' ? LINE : BAD;
}

static enum state on_last_lf(struct http_chunks *c, unsigned char b)
{
    (void)c;
    return b == '\n' ? DONE : BAD;
}

static enum state on_bad(struct http_chunks *c, unsigned char b)
{
    (void)c, (void)b;
    return BAD;
}

static enum state (*const on_byte[])(struct http_chunks *c, unsigned char b) = {
    [SIZE] = on_size,       [EXTENSION] = on_extension,   [SIZE_LF] = on_size_lf,
    [DATA_CR] = on_data_cr, [DATA_LF] = on_data_lf,       [LINE] = on_line,
    [TRAILER] = on_trailer, [TRAILER_LF] = on_trailer_lf, [LAST_LF] = on_last_lf,
    [BAD] = on_bad,
};

static size_t take_data(struct http_chunks *c, struct span in, struct buf *out)
{
    size_t n = c->left < in.n ? (size_t)c->left : in.n;
    buf_add(out, in.p, n);
    c->left -= n;
    if (!c->left)
        c->state = DATA_CR;
    return n;
}

enum err http_chunks_feed(struct http_chunks *c, struct span in, size_t *used, struct buf *out, bool *is_done)
{
    size_t i = 0;
    while (i < in.n && c->state != DONE) {
        if (c->state == DATA) {
            i += take_data(c, (struct span){in.p + i, in.n - i}, out);
            continue;
        }
        c->state = (int)on_byte[c->state](c, (unsigned char)in.p[i]);
        if (c->state == BAD)
            return ERR_INVALID;
        if (c->state == DATA && c->left > out->max_bytes - out->n)
            return ERR_LIMIT;
        i++;
    }
    *used = i;
    *is_done = c->state == DONE;
    return OK;
}
