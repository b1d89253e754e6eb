/* Reads and writes single characters; whoever calls decides what invalid bytes mean. */
#include "base/utf8.h"

static unsigned length_of(unsigned char lead)
{
    if (lead < 0x80)
        return 1;
    if (lead < 0xC2)
        return 0; /* a continuation byte, or the overlong C0 and C1 */
    if (lead < 0xE0)
        return 2;
    if (lead < 0xF0)
        return 3;
    return lead < 0xF5 ? 4 : 0;
}

unsigned utf8_read(const char *p, size_t n, uint32_t *character)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char lead = n ? (unsigned char)p[0] : 0xFF;
    const unsigned length = length_of(lead);
    if (length == 0 || length > n)
        return 0;

    uint32_t c = length == 1 ? lead : lead & (0x7FU >> length);
    for (unsigned i = 1; i < length; i++) {
        if (((unsigned char)p[i] & 0xC0) != 0x80)
            return 0;
        c = c << 6 | ((unsigned char)p[i] & 0x3FU);
    }
    if (c < least[length] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        return 0;
    *character = c;
    return length;
}

unsigned utf8_write(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    const unsigned length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (unsigned i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (c & 0x3F));
        c >>= 6;
    }
    out[0] = (char)((0xF00U >> length) | c);
    return length;
}

void utf8_add(struct buf *b, uint32_t character)
{
    char bytes[4];
    buf_add(b, bytes, utf8_write(character, bytes));
}
