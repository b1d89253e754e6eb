/*
 * What comes from the bridge as the structs of the adapter ABI. Pure.
 *
 * Shape: one allocation holds the struct, its strings and the wire text; decoded_free ends them all. Strings
 * are cleaned to the ABI's rule (UTF-8, no control characters but newline and tab); json is the wire text as
 * it came.
 */
#ifndef HOST_DECODE_H
#define HOST_DECODE_H

#include "base/buf.h"
#include "base/err.h"
#include "host/frame.h"
#include <front_bridge/channel.h>

struct decoded {
    uint64_t token; /* whose it is, and the next in a list, where one is kept */
    struct decoded *next;
    int fd;    /* a request's large body, or -1 */
    int *file; /* of a delivery's attachments */
    unsigned file_n;
    union {
        struct fb_delivery delivery;
        struct fb_notice notice;
        struct fb_request request;
    };
};

/* fd are the files of the attachments, in order: taken with OK. */
MUST_CHECK enum err decode_delivery(struct span json, int64_t deadline_ms, const int *fd, unsigned fd_n,
                                    struct decoded **out);
MUST_CHECK enum err decode_notice(struct span json, int64_t deadline_ms, struct decoded **out);
/* fd: the body's descriptor, taken; -1: the body is in the frame. */
MUST_CHECK enum err decode_request(const struct frame *f, int fd, struct decoded **out);
void decoded_free(struct decoded *d);

#endif
