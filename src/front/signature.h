/*
 * Front's signatures, over the raw bytes of a body. Pure; constant time for a given length.
 *
 * Custom channels and rule webhooks: base64(HMAC-SHA1(body)), key = the company's API secret, no time.
 * Application channels and webhooks: base64(HMAC-SHA256(timestamp ":" body)), key = the app's secret, with
 * X-Front-Request-Timestamp in milliseconds (seconds, i.e. values up to 1e12, are accepted too).
 * Source: Front, "Validating requests"; several keys are tried so that a secret can be changed without a gap.
 */
#ifndef FRONT_SIGNATURE_H
#define FRONT_SIGNATURE_H

#include "base/buf.h"
#include "base/clock.h"
#include <stddef.h>

enum signature_result { SIGNATURE_OK, SIGNATURE_MISSING, SIGNATURE_WRONG, SIGNATURE_STALE };

enum { SIGNATURE_WINDOW_MS = 5 * 60 * 1000, SIGNATURE_TEXT_MAX = 48 };

enum signature_result signature_check_sha1(struct span body, struct span header, char *const *secret,
                                           size_t secret_n);
enum signature_result signature_check_sha256(struct span body, struct span header, struct span timestamp,
                                             char *const *secret, size_t secret_n, wall_ms_t now);
/* signature_time reads X-Front-Request-Timestamp; false: it is no time. */
bool signature_time(struct span timestamp, wall_ms_t *at);

void signature_make_sha1(struct span body, const char *secret, char out[SIGNATURE_TEXT_MAX]);
void signature_make_sha256(struct span body, struct span timestamp, const char *secret,
                           char out[SIGNATURE_TEXT_MAX]);
const char *signature_text(enum signature_result r); /* a plain sentence for the answer */

#endif
