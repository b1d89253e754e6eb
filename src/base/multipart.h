/*
 * multipart/form-data (RFC 7578), read strictly. Pure.
 *
 * Shape: a body is cut into parts; data is borrowed from the body, names are decoded copies.
 * Refused with one sentence: a preamble or epilogue, a boundary that stands inside a part, a part without a
 * name, filename* unless it is wanted, a transfer encoding, names that are not UTF-8, and whatever is beyond a limit.
 * In a quoted name \" and \\ are read; percent signs stay, as with Front's readers.
 */
#ifndef BASE_MULTIPART_H
#define BASE_MULTIPART_H

#include "base/buf.h"
#include "base/err.h"

enum {
    MULTIPART_PARTS_MAX = 1000,
    MULTIPART_BOUNDARY_MAX = 70,
    MULTIPART_HEAD_MAX = 4096,
    MULTIPART_HEAD_LINES_MAX = 16,
    MULTIPART_NAME_MAX = 1024
};

struct multipart_part {
    char *name, *filename; /* filename NULL: a field, not a file */
    char *content_type;    /* NULL: not given */
    char *cid;             /* of Content-ID, without <>; NULL: not given */
    struct span data;
};

struct multipart {
    struct multipart_part *part;
    unsigned n;
};

/* filename*=UTF-8''Caf%C3%A9.png is read too, and wins. RFC 7578 (4.2) forbids it, but .NET sends it always and others
 * where a name is not ASCII. */
enum { MULTIPART_EXTENDED_NAMES = 1u };

/* multipart_parse reads body as content_type says. ERR_INVALID, ERR_LIMIT: why is one sentence. Always call
 * multipart_fini after it. */
MUST_CHECK enum err multipart_parse(struct multipart *m, unsigned options, struct span content_type,
                                    struct span body, const char **why);
void multipart_fini(struct multipart *m);

#endif
