/*
 * Makes and checks Standard Webhooks signatures. Knows neither clock nor HTTP: the caller judges the
 * timestamp.
 */
#include "signature.h"
#include "base/crypto.h"
#include "base/mem.h"
#include <string.h>

enum { SIGNATURE_CHARS = 44 }; /* base64 of 32 bytes */

/* word_take cuts the first word off rest; false if there is none. */
static bool word_take(struct span *rest, struct span *word)
{
    while (rest->n && *rest->p == ' ')
        rest->p++, rest->n--;
    *word = (struct span){rest->p, 0};
    while (rest->n && *rest->p != ' ')
        rest->p++, rest->n--, word->n++;
    return word->n > 0;
}

static enum err key_read(struct span secret, struct buf *key, struct buf *why)
{
    const char *prefix = "whsec_";
    if (!span_starts(secret, prefix)) {
        buf_add_str(why,
                    "`secret` must begin with whsec_ (make one: echo whsec_$(openssl rand -base64 32)).");
        return ERR_INVALID;
    }
    struct span text = {secret.p + strlen(prefix), secret.n - strlen(prefix)};
    buf_init(key, 2 * KEY_BYTES_MAX);
    if (base64_decode(key, text) || key->is_over || key->n < KEY_BYTES_MIN || key->n > KEY_BYTES_MAX) {
        buf_addf(why, "`secret` must hold %d to %d bytes in base64 after whsec_.", KEY_BYTES_MIN,
                 KEY_BYTES_MAX);
        return ERR_INVALID;
    }
    return OK;
}

enum err ring_read(struct span secrets, struct ring *out, struct buf *why)
{
    struct ring ring = {0};
    struct span word;
    enum err e = OK;
    while (!e && word_take(&secrets, &word)) {
        if (ring.n == RING_KEYS_MAX) {
            buf_addf(why, "`secret` holds more than %d secrets.", RING_KEYS_MAX);
            e = ERR_INVALID;
        } else {
            e = key_read(word, &ring.key[ring.n++], why);
        }
    }
    if (e)
        ring_fini(&ring);
    else
        *out = ring;
    return e;
}

void ring_fini(struct ring *ring)
{
    while (ring->n) {
        struct buf *key = &ring->key[--ring->n];
        if (key->p)
            mem_wipe(key->p, key->n);
        buf_fini(key);
    }
}

static void sign(const struct buf *key, const struct signed_parts *parts, struct buf *out)
{
    const struct span text[] = {parts->id, SPAN_LIT("."), parts->timestamp, SPAN_LIT("."), parts->body};
    uint8_t mac[SHA256_BYTES];
    hmac_sha256(buf_span(key), text, ARRAY_LEN(text), mac);
    base64_encode(out, (struct span){(const char *)mac, sizeof mac});
}

void signature_make(const struct ring *ring, const struct signed_parts *parts, struct buf *out)
{
    for (size_t i = 0; i < ring->n; i++) {
        buf_add_str(out, i ? " v1," : "v1,");
        sign(&ring->key[i], parts, out);
    }
}

bool signature_fits(const struct ring *ring, const struct signed_parts *parts, struct span header)
{
    bool fits = false;
    for (size_t i = 0; i < ring->n; i++) {
        struct span rest = header, word;
        struct buf right;
        buf_init(&right, SIGNATURE_CHARS + 1);
        sign(&ring->key[i], parts, &right);
        while (word_take(&rest, &word))
            if (span_starts(word, "v1,"))
                fits |= crypto_equal((struct span){word.p + 3, word.n - 3}, buf_span(&right));
        buf_fini(&right);
    }
    return fits;
}
