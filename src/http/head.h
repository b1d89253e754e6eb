/*
 * The head of an HTTP/1.1 request, as bytes in and spans out. Pure; fuzzed.
 *
 * Strict where leniency has been an attack (request smuggling): bare LF, obs-fold, space before the colon,
 * both Content-Length and Transfer-Encoding, repeated or signed lengths, control characters, a second Host.
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include "base/buf.h"
#include "base/err.h"
#include <stdbool.h>

enum { HTTP_HEADERS_MAX = 100 };

struct http_field {
    struct span name, value;
};

struct http_head {
    struct span method, target, path, query;
    unsigned minor; /* HTTP/1.minor */
    struct http_field field[HTTP_HEADERS_MAX];
    unsigned field_n;
    bool is_chunked, has_length, wants_close, expects_continue;
    uint64_t length;
};

/* http_head_end gives the size of the head that text begins with, its empty line included, or 0 if that has
 * not arrived yet. from is a size for which it has given 0 before. */
size_t http_head_end(struct span text, size_t from);

/*
 * http_head_parse reads a head that ends with an empty line. On error *status is the answer (400, 417, 431,
 * 501, 505), *why a plain sentence, and *out undefined.
 */
MUST_CHECK enum err http_head_parse(struct span text, struct http_head *out, int *status, const char **why);

/* A chunked body, decoded as it arrives. Starts zeroed. */
struct http_chunks {
    int state;
    uint64_t left;
    unsigned line_n;
};
/* http_chunks_feed consumes input, appends what it decodes to out, and sets *is_done at the end.
 * ERR_INVALID on bad framing; ERR_LIMIT as soon as a chunk would take out over its maximum. */
MUST_CHECK enum err http_chunks_feed(struct http_chunks *c, struct span in, size_t *used, struct buf *out,
                                     bool *is_done);

#endif
