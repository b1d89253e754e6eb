/*
 * What goes with a request to Front: paths that ids cannot break out of, and the short-lived tokens of an
 * app.
 */
#include "base/crypto.h"
#include "base/json.h"
#include "base/mem.h"
#include "front/client.h"
#include <string.h>

enum { JWT_LIFE_S = 25, JWT_PART_MAX = 4096, JTI_CHARS = 24 }; /* Front takes at most 30 s */

static void add_segment(struct buf *out, const char *s)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_~:";

    /* "." and ".." are steps, not names. */
    bool is_step = strcmp(s, ".") == 0 || strcmp(s, "..") == 0;
    for (; *s; s++)
        if (strchr(plain, *s) || (*s == '.' && !is_step))
            buf_add_char(out, *s);
        else
            buf_addf(out, "%%%02X", (unsigned char)*s);
}

void front_path(struct buf *out, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    for (; *fmt; fmt++) {
        if (*fmt != '%') {
            buf_add_char(out, *fmt);
            continue;
        }
        fmt++;
        must(*fmt == 's');
        add_segment(out, va_arg(args, const char *));
    }
    va_end(args);
}

static void add_claims(struct buf *out, const char *uid, const char *channel, wall_ms_t now)
{
    char jti[JTI_CHARS + 1];
    struct jout j;

    crypto_random_id(jti, JTI_CHARS);
    jout_init(&j, out);
    jout_object(&j);
    jout_kv_str(&j, "iss", uid);
    jout_kv_str(&j, "jti", jti);
    jout_kv_str(&j, "sub", channel);
    jout_kv_i64(&j, "exp", now / 1000 + JWT_LIFE_S);
    jout_object_end(&j);
}

void front_jwt(struct buf *out, const char *app_uid, const char *app_secret, const char *channel,
               wall_ms_t now)
{
    uint8_t mac[SHA256_BYTES];
    struct buf claims, text;

    buf_init(&claims, JWT_PART_MAX);
    buf_init(&text, 2 * JWT_PART_MAX);
    base64url_encode(&text, SPAN_LIT("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"));
    buf_add_char(&text, '.');
    add_claims(&claims, app_uid, channel, now);
    base64url_encode(&text, buf_span(&claims));
    struct span signed_part = buf_span(&text);
    hmac_sha256(span_of(app_secret), &signed_part, 1, mac);
    buf_add_span(out, signed_part);
    buf_add_char(out, '.');
    base64url_encode(out, (struct span){(const char *)mac, sizeof mac});
    buf_fini(&claims);
    buf_fini(&text);
}
