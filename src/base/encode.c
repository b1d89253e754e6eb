/* Bytes as text: base64 for signatures and attachments, base64url for tokens, hex. Decoding is strict. */
#include "base/crypto.h"
#include <string.h>

static void encode64(struct buf *out, struct span data, const char *alphabet, bool is_padded)
{
    const size_t rest = data.n % 3, whole = data.n - rest;
    const size_t tail = rest == 0 ? 0 : is_padded ? 4 : rest + 1;
    const unsigned char *in = (const unsigned char *)data.p;
    char *to = buf_extend(out, whole / 3 * 4 + tail);
    if (!to)
        return;
    for (size_t i = 0; i < whole; i += 3, to += 4) {
        to[0] = alphabet[in[i] >> 2];
        to[1] = alphabet[(in[i] & 3) << 4 | in[i + 1] >> 4];
        to[2] = alphabet[(in[i + 1] & 15) << 2 | in[i + 2] >> 6];
        to[3] = alphabet[in[i + 2] & 63];
    }
    if (rest == 0)
        return;
    const unsigned second = rest == 2 ? in[whole + 1] : 0;
    const char last[] = {alphabet[in[whole] >> 2], alphabet[(in[whole] & 3U) << 4 | second >> 4],
                         rest == 2 ? alphabet[(second & 15) << 2] : '=', '='};
    memcpy(to, last, tail);
}

void base64_encode(struct buf *out, struct span data)
{
    encode64(out, data, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", true);
}

void base64url_encode(struct buf *out, struct span data)
{
    encode64(out, data, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", false);
}

/* sextet gives the six bits of a letter, or more than 63. */
static unsigned sextet(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (unsigned)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (unsigned)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0') + 52;
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

static bool decode_quads(const char *in, size_t n, unsigned char *to)
{
    unsigned wrong = 0;
    for (size_t i = 0; i < n; i += 4, to += 3) {
        const unsigned a = sextet(in[i]), b = sextet(in[i + 1]), c = sextet(in[i + 2]), d = sextet(in[i + 3]);
        wrong |= a | b | c | d;
        to[0] = (unsigned char)(a << 2 | b >> 4);
        to[1] = (unsigned char)(b << 4 | c >> 2);
        to[2] = (unsigned char)(c << 6 | d);
    }
    return wrong < 64;
}

/* The last two or three letters make one or two bytes; the bits that are left over must be zero. */
static bool decode_tail(const char *in, size_t n, unsigned char *to)
{
    const unsigned a = sextet(in[0]), b = sextet(in[1]), c = n == 3 ? sextet(in[2]) : 0;
    if ((a | b | c) > 63 || (n == 2 ? b & 15 : c & 3))
        return false;
    to[0] = (unsigned char)(a << 2 | b >> 4);
    if (n == 3)
        to[1] = (unsigned char)(b << 4 | c >> 2);
    return true;
}

static size_t unpadded(struct span text)
{
    size_t n = text.n;
    if (n % 4 == 0)
        for (int i = 0; i < 2 && n && text.p[n - 1] == '='; i++)
            n--;
    return n;
}

enum err base64_decode(struct buf *out, struct span text)
{
    const size_t n = unpadded(text), rest = n % 4, whole = n - rest, before = out->n;
    if (rest == 1)
        return ERR_INVALID;
    unsigned char *to = (unsigned char *)buf_extend(out, whole / 4 * 3 + (rest ? rest - 1 : 0));
    if (!to)
        return ERR_LIMIT;
    if (decode_quads(text.p, whole, to) && (!rest || decode_tail(text.p + whole, rest, to + whole / 4 * 3)))
        return OK;
    buf_cut(out, before);
    return ERR_INVALID;
}

void hex_encode(struct buf *out, struct span data)
{
    static const char digit[] = "0123456789abcdef";
    char *to = buf_extend(out, data.n * 2);
    for (size_t i = 0; to && i < data.n; i++) {
        to[2 * i] = digit[(unsigned char)data.p[i] >> 4];
        to[2 * i + 1] = digit[(unsigned char)data.p[i] & 15];
    }
}
