/*
 * The head of an HTTP/1.1 request, as bytes in and spans out. Pure; fuzzed.
 *
 * Strict where leniency has been an attack (request smuggling): bare LF, obs-fold, space before the colon,
 * both Content-Length and Transfer-Encoding, differing or signed lengths, control characters.
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

/*
 * http_head_parse reads a head that ends with an empty line. On error *status is the answer (400, 431, 501, 505)
 * and *why a plain sentence.
 */
MUST_CHECK enum err http_head_parse(struct span text, struct http_head *out, int *status, const char **why);

/* A chunked body, decoded in place as it arrives. */
struct http_chunks {
    int state;
    uint64_t left;
    unsigned line_n;
};
/* http_chunks_feed consumes input, appends what it decodes to out, and sets *is_done at the end.
 * ERR_INVALID on bad framing; ERR_LIMIT when out is over its maximum. */
MUST_CHECK enum err http_chunks_feed(struct http_chunks *c, struct span in, size_t *used, struct buf *out,
                                     bool *is_done);

#endif
