/*
 * The files of a message, as Front names them and as an adapter is told of them. Pure; fuzzed with callbacks.
 *
 * Of Front's `url` only the id in its path is taken: a file is fetched from the account's own API host, whatever host a
 * message names.
 */
#ifndef FRONT_ATTACHMENT_H
#define FRONT_ATTACHMENT_H

#include "base/buf.h"
#include "base/json.h"

enum { ATTACHMENTS_MAX = 32, ATTACHMENT_REASON_MAX = 400 };

struct attachment {
    char *id;                            /* fil_…; NULL: it cannot be had, for this reason: */
    char reason[ATTACHMENT_REASON_MAX];  /* a sentence for the agent */
    char *filename, *content_type, *cid; /* clean; cid NULL: not inline */
    int64_t bytes;                       /* as Front says; -1: it does not */
};

struct attachments {
    struct attachment item[ATTACHMENTS_MAX];
    unsigned n;
};

/* attachment_text cleans what is said of a file (base/filename.h); NULL: nothing is left of it. */
char *attachment_text(struct jval v, void (*clean)(struct span raw, struct buf *out));
/* attachments_read never refuses a message: what is wrong with its files is the reason of one of them. max_bytes: of all
 * together. */
void attachments_read(struct jval message, uint64_t max_bytes, struct attachments *out);
void attachments_fini(struct attachments *a);

/* What an adapter is told of one. */
struct attached {
    const char *filename, *content_type, *cid; /* cid may be NULL */
    const char *url;                           /* may be NULL */
    int64_t bytes;
};
/* attachments_tell copies a stored delivery and puts these in the place of its attachments; ERR_INVALID: it has none. */
MUST_CHECK enum err attachments_tell(struct span stored, const struct attached *file, unsigned n,
                                     struct buf *out);

#endif
