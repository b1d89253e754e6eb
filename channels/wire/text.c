/*
 * Text that came from outside, made fit for the ABI: UTF-8, in one line. Refuses to know what the text is
 * about.
 */
#include "base/utf8.h"
#include "wire.h"
#include <string.h>

bool wire_is_utf8(struct span text)
{
    uint32_t character;
    for (size_t i = 0, width; i < text.n; i += width)
        if (!(width = utf8_read(text.p + i, text.n - i, &character)))
            return false;
    return true;
}

size_t wire_line(struct span raw, char *out, size_t out_n)
{
    size_t n = 0;
    bool wants_space = false;
    for (size_t i = 0, width; i < raw.n; i += width) {
        const char *p = raw.p + i;
        uint32_t character;
        width = utf8_read(p, raw.n - i, &character);
        bool is_bad = !width;
        width = is_bad ? 1 : width;
        if ((unsigned char)*p <= ' ' || *p == 0x7f) {
            wants_space = n > 0;
            continue;
        }
        if (n + wants_space + width >= out_n)
            break;
        if (wants_space)
            out[n++] = ' ';
        wants_space = false;
        memmove(out + n, is_bad ? "?" : p, width); /* out may be raw itself */
        n += width;
    }
    out[n] = '\0';
    return n;
}
