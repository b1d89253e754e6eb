/*
 * What an adapter hands to Front, in its wire form (README, The http wire): written by the child, checked
 * again by the bridge. Pure.
 */
#ifndef HOST_INBOUND_H
#define HOST_INBOUND_H

#include "base/buf.h"
#include "base/err.h"
#include <front_bridge/channel.h>

enum {
    INBOUND_ATTACHMENTS_MAX = 32,
    INBOUND_TO_MAX = 50,
    INBOUND_EMOJI_MAX = 128,
    INBOUND_ID_MAX = 1024,        /* longer ids than Front's 200 are mapped by the bridge */
    INBOUND_TEXT_MAX = 512 << 10, /* before JSON escapes */
};

/* inbound_write checks m against the rules of the ABI and appends its JSON to out. ERR_INVALID: *why is the
 * rule. fd and fd_n are the descriptors of the attachments that have one, in order. */
MUST_CHECK enum err inbound_write(struct buf *out, const struct fb_inbound *m, int *fd, unsigned *fd_n,
                                  const char **why);
MUST_CHECK enum err receipt_write(struct buf *out, const struct fb_receipt *r, const char **why);

/* What the bridge demands of a child's JSON before it looks further. fd_n: how many descriptors came with it.
 */
MUST_CHECK enum err inbound_check(struct span json, unsigned fd_n, const char **why);
MUST_CHECK enum err receipt_check(struct span json, const char **why);

#endif
