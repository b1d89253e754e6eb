/*
 * Signatures, digests and randomness by libcrypto and the kernel. A failure here means a broken installation
 * and ends the process. Algorithms are fetched once: looking them up costs more than a signature.
 */
#include "base/crypto.h"
#include "base/err.h"
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/random.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MAC_CTX *hmac_by_sha1, *hmac_by_sha256; /* templates, only ever copied */
static EVP_MD *md_sha256;

static EVP_MAC_CTX *hmac_template(EVP_MAC *hmac, const char *digest)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t)digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(hmac);
    must(ctx && EVP_MAC_CTX_set_params(ctx, params));
    return ctx;
}

static void fetch(void)
{
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    must(hmac);
    hmac_by_sha1 = hmac_template(hmac, "SHA1");
    hmac_by_sha256 = hmac_template(hmac, "SHA256");
    EVP_MAC_free(hmac);
    md_sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    must(md_sha256);
}

static void sign(const EVP_MAC_CTX *template, struct span key, const struct span *parts, size_t n,
                 uint8_t *out, size_t out_bytes)
{
    size_t written = 0;
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(template);
    must(ctx && EVP_MAC_init(ctx, (const unsigned char *)(key.p ? key.p : ""), key.n, NULL));
    for (size_t i = 0; i < n; i++)
        must(EVP_MAC_update(ctx, (const unsigned char *)parts[i].p, parts[i].n));
    must(EVP_MAC_final(ctx, out, &written, out_bytes) && written == out_bytes);
    EVP_MAC_CTX_free(ctx);
}

void hmac_sha1(struct span key, const struct span *parts, size_t n, uint8_t out[SHA1_BYTES])
{
    pthread_once(&once, fetch);
    sign(hmac_by_sha1, key, parts, n, out, SHA1_BYTES);
}

void hmac_sha256(struct span key, const struct span *parts, size_t n, uint8_t out[SHA256_BYTES])
{
    pthread_once(&once, fetch);
    sign(hmac_by_sha256, key, parts, n, out, SHA256_BYTES);
}

void sha256(struct span data, uint8_t out[SHA256_BYTES])
{
    pthread_once(&once, fetch);
    must(EVP_Digest(data.p, data.n, out, NULL, md_sha256, NULL));
}

/* No more than a name for libcrypto's own. */
struct sha256_sum *sha256_begin(void)
{
    pthread_once(&once, fetch);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    must(ctx && EVP_DigestInit_ex2(ctx, md_sha256, NULL));
    return (struct sha256_sum *)(void *)ctx;
}

void sha256_add(struct sha256_sum *sum, struct span data)
{
    must(EVP_DigestUpdate((EVP_MD_CTX *)(void *)sum, data.p, data.n));
}

void sha256_end_hex(struct sha256_sum *sum, char out[2 * SHA256_BYTES + 1])
{
    EVP_MD_CTX *ctx = (EVP_MD_CTX *)(void *)sum;
    uint8_t digest[SHA256_BYTES];
    must(EVP_DigestFinal_ex(ctx, digest, NULL));
    EVP_MD_CTX_free(ctx);
    for (int i = 0; i < SHA256_BYTES; i++)
        snprintf(out + 2 * (size_t)i, 3, "%02x", digest[i]);
}

bool crypto_equal(struct span a, struct span b)
{
    return a.p && b.p && a.n == b.n && CRYPTO_memcmp(a.p, b.p, a.n) == 0;
}

void crypto_random(void *out, size_t n)
{
    unsigned char *p = out;
    while (n) {
        const ssize_t got = getrandom(p, n, 0);
        must(got > 0 || errno == EINTR);
        if (got > 0) {
            p += got;
            n -= (size_t)got;
        }
    }
}

void crypto_random_id(char *out, size_t n)
{
    static const char alphabet[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    enum { LETTERS = 36, FAIR = 256 / LETTERS * LETTERS }; /* bytes from FAIR on would favour some letters */
    unsigned char pool[32];
    size_t left = 0;
    for (size_t i = 0; i < n;) {
        if (left == 0) {
            crypto_random(pool, sizeof pool);
            left = sizeof pool;
        }
        const unsigned char byte = pool[--left];
        if (byte < FAIR)
            out[i++] = alphabet[byte % LETTERS];
    }
    out[n] = '\0';
}
