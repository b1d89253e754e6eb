/*
 * Decides whether a request was signed with one of a channel's secrets. It knows nothing of dedupe or replay
 * memory: a SHA1 request carries no time, so a byte-identical one is right each time.
 * Invariant: every secret is tried, whatever the others say, and the expected digest never leaves this file.
 */
#include "front/signature.h"
#include "base/crypto.h"
#include "base/mem.h"
#include <string.h>

/* Front writes milliseconds; what is not larger than this can only be seconds. */
#define SECONDS_MAX INT64_C(1000000000000)

static void digest_text(const uint8_t *digest, size_t n, char out[SIGNATURE_TEXT_MAX])
{
    struct buf text;

    buf_init(&text, SIGNATURE_TEXT_MAX - 1);
    base64_encode(&text, (struct span){(const char *)digest, n});
    must(!text.is_over);
    memcpy(out, text.p, text.n);
    out[text.n] = '\0';
    buf_fini(&text);
}

void signature_make_sha1(struct span body, const char *secret, char out[SIGNATURE_TEXT_MAX])
{
    uint8_t digest[SHA1_BYTES];

    hmac_sha1(span_of(secret), &body, 1, digest);
    digest_text(digest, sizeof digest, out);
}

void signature_make_sha256(struct span body, struct span timestamp, const char *secret,
                           char out[SIGNATURE_TEXT_MAX])
{
    const struct span part[] = {timestamp, SPAN_LIT(":"), body};
    uint8_t digest[SHA256_BYTES];

    hmac_sha256(span_of(secret), part, ARRAY_LEN(part), digest);
    digest_text(digest, sizeof digest, out);
}

enum signature_result signature_check_sha1(struct span body, struct span header, char *const *secret,
                                           size_t secret_n)
{
    char expected[SIGNATURE_TEXT_MAX];
    bool is_right = false;

    if (header.n == 0)
        return SIGNATURE_MISSING;
    for (size_t i = 0; i < secret_n; i++) {
        signature_make_sha1(body, secret[i], expected);
        is_right |= *secret[i] != '\0' && crypto_equal(span_of(expected), header);
    }
    return is_right ? SIGNATURE_OK : SIGNATURE_WRONG;
}

bool signature_time(struct span timestamp, wall_ms_t *at)
{
    uint64_t given;

    if (!span_u64(timestamp, &given) || given > INT64_MAX)
        return false;
    *at = (wall_ms_t)(given <= (uint64_t)SECONDS_MAX ? given * 1000 : given);
    return true;
}

/* is_fresh accepts what is at most five minutes away, in either direction. */
static bool is_fresh(struct span timestamp, wall_ms_t now)
{
    wall_ms_t at;

    return signature_time(timestamp, &at) && at >= now - SIGNATURE_WINDOW_MS &&
           at <= now + SIGNATURE_WINDOW_MS;
}

enum signature_result signature_check_sha256(struct span body, struct span header, struct span timestamp,
                                             char *const *secret, size_t secret_n, wall_ms_t now)
{
    char expected[SIGNATURE_TEXT_MAX];
    bool is_right = false;

    if (header.n == 0 || timestamp.n == 0)
        return SIGNATURE_MISSING;
    for (size_t i = 0; i < secret_n; i++) {
        signature_make_sha256(body, timestamp, secret[i], expected);
        is_right |= *secret[i] != '\0' && crypto_equal(span_of(expected), header);
    }
    if (!is_right)
        return SIGNATURE_WRONG;
    return is_fresh(timestamp, now) ? SIGNATURE_OK : SIGNATURE_STALE;
}

const char *signature_text(enum signature_result r)
{
    static const char *const text[] = {
        [SIGNATURE_OK] = "The signature is right.",
        [SIGNATURE_MISSING] = "The request is not signed: X-Front-Signature or its timestamp is missing.",
        [SIGNATURE_WRONG] = "The signature does not match: check the secret of this channel.",
        [SIGNATURE_STALE] = "The request is older than five minutes, or a clock is wrong.",
    };

    return text[r];
}
