/* 8 bytes of id, 6 of time, 20 of signature, in base64url: 46 characters, no padding. */
#include "bridge/file_link.h"
#include "base/crypto.h"
#include <string.h>

enum { ID = 8, TIME = 6, MAC = 20, BODY = ID + TIME, ALL = BODY + MAC, TOKEN_CHARS = (ALL * 8 + 5) / 6 };

static void put(uint8_t *out, size_t n, uint64_t v)
{
    while (n-- > 0) {
        out[n] = (uint8_t)v;
        v >>= 8;
    }
}

static uint64_t get(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

static void sign(const uint8_t *key, const uint8_t *body, uint8_t mac[SHA256_BYTES])
{
    const struct span parts[] = {SPAN_LIT("file link 1:"), {(const char *)body, BODY}};
    hmac_sha256((struct span){(const char *)key, FILE_LINK_KEY_BYTES}, parts, 2, mac);
}

void file_link_write(const uint8_t key[FILE_LINK_KEY_BYTES], int64_t id, wall_ms_t expires_at,
                     struct buf *out)
{
    uint8_t all[ALL], mac[SHA256_BYTES];
    put(all, ID, (uint64_t)id);
    put(all + ID, TIME, (uint64_t)expires_at);
    sign(key, all, mac);
    memcpy(all + BODY, mac, MAC);
    base64url_encode(out, (struct span){(const char *)all, ALL});
}

/* Only our own way of writing it: else one token would have many forms. */
static bool decode(struct span token, uint8_t all[ALL])
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0;
    unsigned n = 0;
    size_t at = 0;
    if (token.n != TOKEN_CHARS)
        return false;
    for (size_t i = 0; i < token.n; i++) {
        const char *letter = token.p[i] ? strchr(letters, token.p[i]) : NULL;
        if (!letter)
            return false;
        bits = bits << 6 | (uint32_t)(letter - letters);
        n += 6;
        if (n >= 8 && at < ALL) {
            n -= 8;
            all[at++] = (uint8_t)(bits >> n);
        }
    }
    return at == ALL && (bits & ((1u << n) - 1)) == 0;
}

enum err file_link_read(const uint8_t key[FILE_LINK_KEY_BYTES], struct span token, wall_ms_t now, int64_t *id)
{
    uint8_t all[ALL] = {0}, mac[SHA256_BYTES];
    bool is_whole = decode(token, all);
    sign(key, all, mac);
    bool is_ours =
        crypto_equal((struct span){(const char *)mac, MAC}, (struct span){(const char *)all + BODY, MAC});
    if (!is_whole || !is_ours)
        return ERR_NOT_FOUND;
    if ((wall_ms_t)get(all + ID, TIME) < now)
        return ERR_DENIED;
    *id = (int64_t)get(all, ID);
    return OK;
}
