/*
 * Signs and checks. Refuses to know what was signed. Invariant: a comparison takes the same time whatever
 * differs.
 */
#include "sim/webhook.h"
#include "base/crypto.h"
#include "base/mem.h"
#include <string.h>

static enum err key_of(const char *secret, struct buf *key)
{
    struct span text = span_of(secret);
    if (!span_starts(text, "whsec_"))
        return ERR_INVALID;
    return base64_decode(key, (struct span){text.p + 6, text.n - 6});
}

enum err webhook_sign(const char *secret, struct span id, struct span timestamp, struct span body,
                      char out[WEBHOOK_SIGNATURE_MAX])
{
    struct buf key, text;
    uint8_t mac[SHA256_BYTES];
    const struct span part[] = {id, SPAN_LIT("."), timestamp, SPAN_LIT("."), body};
    buf_init(&key, 512);
    enum err e = key_of(secret, &key);
    if (e == OK) {
        hmac_sha256(buf_span(&key), part, ARRAY_LEN(part), mac);
        buf_init(&text, WEBHOOK_SIGNATURE_MAX);
        buf_add_str(&text, "v1,");
        base64_encode(&text, (struct span){(const char *)mac, sizeof mac});
        memcpy(out, text.p, text.n + 1);
        buf_fini(&text);
    }
    mem_wipe(key.p, key.n);
    buf_fini(&key);
    return e;
}

static bool is_among(struct span header, struct span want)
{
    bool is_found = false;
    for (const char *p = header.p, *end = header.p + header.n; p < end; p++) {
        const char *blank = memchr(p, ' ', (size_t)(end - p));
        size_t n = (size_t)((blank ? blank : end) - p);
        is_found |= crypto_equal((struct span){p, n}, want);
        p += n;
    }
    return is_found;
}

const char *webhook_check(const char *secret, struct span id, struct span timestamp, struct span signature,
                          struct span body, wall_ms_t now)
{
    char want[WEBHOOK_SIGNATURE_MAX];
    uint64_t at_s;
    if (!id.n || !timestamp.n || !signature.n)
        return "webhook-id, webhook-timestamp or webhook-signature is missing";
    int64_t now_s = now / SECOND_MS;
    if (!span_u64(timestamp, &at_s) || at_s > INT64_MAX || (int64_t)at_s < now_s - WEBHOOK_WINDOW_S ||
        (int64_t)at_s > now_s + WEBHOOK_WINDOW_S)
        return "webhook-timestamp is more than five minutes away";
    if (webhook_sign(secret, id, timestamp, body, want) != OK || !is_among(signature, span_of(want)))
        return "webhook-signature is wrong";
    return NULL;
}
