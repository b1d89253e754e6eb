/* Reads from left to right; what is no digit and no filling is refused. */
#include "front/phone.h"
#include "base/mem.h"
#include <string.h>

static const struct span filling[] = {
    SPAN_LIT("(0)"),
    SPAN_LIT(" "),
    SPAN_LIT("-"),
    SPAN_LIT("."),
    SPAN_LIT("/"),
    SPAN_LIT("("),
    SPAN_LIT(")"),
    SPAN_LIT("\xc2\xa0"),     /* no-break space */
    SPAN_LIT("\xe2\x80\x91"), /* no-break hyphen */
    SPAN_LIT("\xe2\x80\xaf"), /* narrow no-break space */
};

static size_t filling_n(struct span s)
{
    for (size_t i = 0; i < ARRAY_LEN(filling); i++)
        if (s.n >= filling[i].n && memcmp(s.p, filling[i].p, filling[i].n) == 0)
            return filling[i].n;
    return 0;
}

static struct span skip(struct span s, size_t n)
{
    return (struct span){s.p + n, s.n - n};
}

/* The digits, at most PHONE_DIGITS_MAX and the two of 00; 0: there is something else. */
static size_t read_digits(struct span s, char digits[PHONE_DIGITS_MAX + 2], bool *has_plus)
{
    size_t n = 0;

    for (*has_plus = false; s.n > 0;) {
        size_t fill = filling_n(s);
        if (fill == 0 && *s.p == '+' && n == 0 && !*has_plus) {
            *has_plus = true;
            fill = 1;
        } else if (fill == 0) {
            if (*s.p < '0' || *s.p > '9' || n == PHONE_DIGITS_MAX + 2)
                return 0;
            digits[n++] = *s.p;
            fill = 1;
        }
        s = skip(s, fill);
    }
    return n;
}

enum err phone_write(struct span handle, struct buf *out)
{
    char digits[PHONE_DIGITS_MAX + 2];
    bool has_plus;
    struct span number = {digits, read_digits(handle, digits, &has_plus)};

    if (!has_plus && number.n > 2 && memcmp(digits, "00", 2) == 0)
        number = skip(number, 2);
    else if (!has_plus)
        return ERR_INVALID;
    if (number.n < PHONE_DIGITS_MIN || number.n > PHONE_DIGITS_MAX || *number.p == '0')
        return ERR_INVALID;
    buf_add_char(out, '+');
    buf_add_span(out, number);
    return OK;
}

struct span phone_spelling(bool are_phones, struct span handle, struct buf *number)
{
    buf_clear(number);
    return are_phones && phone_write(handle, number) == OK ? buf_span(number) : handle;
}
