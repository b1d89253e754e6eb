/*
 * The files that come with a backend's message, as the wire names them: each has a descriptor, or a URL that it is to be
 * fetched from. Pure; fuzzed.
 */
#ifndef FRONT_ENCLOSURE_H
#define FRONT_ENCLOSURE_H

#include "base/buf.h"
#include "base/json.h"
#include "front/attachment.h"

enum { ENCLOSURE_URL_MAX = 4096, ENCLOSURE_NAME_MAX = 1024 };

/* What Front takes with one message: 25 MB in all. Whether its MB is 1000² or 1024² is nowhere said; this fits either. */
#define FRONT_UPLOAD_MAX UINT64_C(25000000)
/* enclosures_max gives the most that may come with a message; configured is what whoever runs the bridge wants. */
static inline uint64_t enclosures_max(uint64_t configured)
{
    return configured < FRONT_UPLOAD_MAX ? configured : FRONT_UPLOAD_MAX;
}

struct enclosure {
    char *filename, *content_type, *cid; /* clean; cid NULL: not inline */
    char *url;                           /* NULL: it has a descriptor */
    int64_t bytes;                       /* as the backend says; -1: it does not */
    char reason[ATTACHMENT_REASON_MAX];  /* why it is left out, a sentence; "": it is not */
};

struct enclosures {
    struct enclosure item[ATTACHMENTS_MAX];
    unsigned n, fd_n;
};

/* enclosures_check: ERR_INVALID or ERR_LIMIT, and why says what is wrong with the list in a few words. */
MUST_CHECK enum err enclosures_check(struct jval list, bool takes_descriptors, struct buf *why);

/* enclosures_read reads a list that was checked. fd_bytes says how large the files are that came as descriptors, max_bytes is
 * for all together: URLs whose files are said to be larger than what is left have a reason. */
void enclosures_read(struct jval list, const uint64_t *fd_bytes, uint64_t max_bytes, struct enclosures *out);
void enclosures_fini(struct enclosures *e);

/* enclosure_too_much says why a file is left out of a message whose files are larger than max_bytes together. */
void enclosure_too_much(const char *filename, uint64_t max_bytes, char out[ATTACHMENT_REASON_MAX]);

#endif
