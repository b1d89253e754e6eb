/*
 * Standard Webhooks signatures (standardwebhooks.com): base64 HMAC-SHA256 over "id.timestamp.body". Pure.
 *
 * Shape: a ring holds the keys of a setting of one or several space-separated `whsec_…` secrets; all of them
 * sign and any of them verifies, so that a secret can be changed with no gap.
 */
#ifndef CHANNEL_HTTP_SIGNATURE_H
#define CHANNEL_HTTP_SIGNATURE_H

#include "base/buf.h"
#include "base/err.h"

enum { RING_KEYS_MAX = 4, KEY_BYTES_MIN = 24, KEY_BYTES_MAX = 64, SIGNATURE_WINDOW_S = 300 };

struct ring {
    struct buf key[RING_KEYS_MAX];
    size_t n;
};

/* ring_read reads secrets; ERR_INVALID writes a sentence that shows nothing of them. ring_fini wipes. */
MUST_CHECK enum err ring_read(struct span secrets, struct ring *out, struct buf *why);
void ring_fini(struct ring *ring);

/* What is signed. The timestamp is in seconds, as it stands in the header. */
struct signed_parts {
    struct span id, timestamp, body;
};

/* signature_make appends "v1,…", one for each key, separated by spaces. */
void signature_make(const struct ring *ring, const struct signed_parts *parts, struct buf *out);
/* signature_fits: is one of the signatures in header right for one of the keys? The time depends on no
 * secret. */
bool signature_fits(const struct ring *ring, const struct signed_parts *parts, struct span header);

#endif
