/*
 * The few pieces of cryptography we need, by libcrypto. Comparisons are constant time.
 */
#ifndef BASE_CRYPTO_H
#define BASE_CRYPTO_H

#include "base/buf.h"
#include <stdbool.h>
#include <stdint.h>

enum { SHA1_BYTES = 20, SHA256_BYTES = 32 };

/* hmac_sha1/hmac_sha256 sign the concatenation of n parts with key. */
void hmac_sha1(struct span key, const struct span *parts, size_t n, uint8_t out[SHA1_BYTES]);
void hmac_sha256(struct span key, const struct span *parts, size_t n, uint8_t out[SHA256_BYTES]);
void sha256(struct span data, uint8_t out[SHA256_BYTES]);

/* The same for what comes in pieces: begin, add…, and one of the ends, which frees it. */
struct sha256_sum;
struct sha256_sum *sha256_begin(void);
void sha256_add(struct sha256_sum *sum, struct span data);
void sha256_end_hex(struct sha256_sum *sum, char out[2 * SHA256_BYTES + 1]);

/* crypto_equal compares in constant time for a given length; another length is just unequal. */
bool crypto_equal(struct span a, struct span b);

/* Random bytes from the kernel; aborts if there are none. */
void crypto_random(void *out, size_t n);
/* crypto_random_id writes n characters of [0-9a-z] and a NUL: 5.1 bits each. */
void crypto_random_id(char *out, size_t n);

void base64_encode(struct buf *out, struct span data);    /* with padding */
void base64url_encode(struct buf *out, struct span data); /* without padding: JWT */
/* base64_decode accepts the standard alphabet with or without padding; ERR_INVALID otherwise. */
MUST_CHECK enum err base64_decode(struct buf *out, struct span text);
void hex_encode(struct buf *out, struct span data);

#endif
