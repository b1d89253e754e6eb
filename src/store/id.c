/*
 * The public form of a message id: "fb", the store's tag, "-", the number in base 36. Decides nothing else.
 * The tag tells two stores apart, so that an id which a backend or Front remembers never names another
 * message.
 */
#include "store/thread.h"
#include <stdio.h>
#include <string.h>

static const char digit[] = "0123456789abcdefghijklmnopqrstuvwxyz";

void store_id_format(const struct store *s, int64_t id, char out[STORE_ID_BYTES])
{
    char number[16], *p = number + sizeof number - 1;
    uint64_t left = id > 0 ? (uint64_t)id : 0;
    *p = 0;
    do {
        *--p = digit[left % 36];
        left /= 36;
    } while (left);
    snprintf(out, STORE_ID_BYTES, "fb%s-%s", store_tag(s), p);
}

static int value_of(char c)
{
    const char *p = c ? strchr(digit, c) : NULL;
    return p ? (int)(p - digit) : -1;
}

static enum err parse_number(struct span s, int64_t *out)
{
    int64_t n = 0;
    if (s.n == 0 || s.n > 12 || s.p[0] == '0')
        return ERR_INVALID;
    for (size_t i = 0; i < s.n; i++) {
        int v = value_of(s.p[i]);
        if (v < 0)
            return ERR_INVALID;
        n = n * 36 + v;
    }
    *out = n;
    return OK;
}

enum err store_id_parse(const struct store *s, struct span text, int64_t *id)
{
    return engine_id_parse(store_tag(s), text, id);
}

enum err engine_id_parse(const char *tag, struct span text, int64_t *id)
{
    size_t n = strlen(tag);
    if (!text.p || text.n < n + 4 || memcmp(text.p, "fb", 2) != 0 || text.p[n + 2] != '-')
        return ERR_INVALID;
    if (memcmp(text.p + 2, tag, n) != 0)
        return ERR_NOT_FOUND;
    return parse_number((struct span){text.p + n + 3, text.n - n - 3}, id);
}
