/*
 * Standard Webhooks signatures (https://www.standardwebhooks.com), scheme v1: base64(HMAC-SHA256(id "."
 * timestamp "." body)), the secret being base64 behind "whsec_", the timestamp Unix seconds. Pure.
 */
#ifndef SIM_WEBHOOK_H
#define SIM_WEBHOOK_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include <stdbool.h>

enum { WEBHOOK_SIGNATURE_MAX = 64, WEBHOOK_WINDOW_S = 5 * 60 };

/* ERR_INVALID: the secret is no whsec_ secret. */
MUST_CHECK enum err webhook_sign(const char *secret, struct span id, struct span timestamp, struct span body,
                                 char out[WEBHOOK_SIGNATURE_MAX]);
/* webhook_check takes a header with one or more signatures, separated by blanks; NULL: it is right, else a
 * sentence. */
const char *webhook_check(const char *secret, struct span id, struct span timestamp, struct span signature,
                          struct span body, wall_ms_t now);

#endif
