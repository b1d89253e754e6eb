/* Reads single values: strings decoded, numbers exact. It sees a value only as its type and raw bytes. */
#include "base/json_text.h"

/* raw_string gives what stands between the quotes; absent if v is no string. */
static struct span raw_string(struct jval v)
{
    if (json_type(v) != JSON_STRING)
        return SPAN_NONE;
    const struct span quoted = json_raw(v);
    return (struct span){quoted.p + 1, quoted.n - 2};
}

bool json_is(struct jval v, const char *literal)
{
    const struct span raw = raw_string(v);
    return raw.p && json_equals(raw, span_of(literal));
}

bool json_has(struct jval v)
{
    return json_type(v) > JSON_NULL;
}

enum err json_str(struct jval v, struct buf *out)
{
    const struct span raw = raw_string(v);
    if (!raw.p)
        return ERR_INVALID;
    const size_t before = out->n;
    json_decode(raw, out);
    if (!out->is_over)
        return OK;
    out->n = before;
    if (out->p)
        out->p[before] = '\0';
    return ERR_LIMIT;
}

char *json_dup(struct jval v, size_t max_bytes)
{
    const struct span raw = raw_string(v);
    struct buf b;
    if (!raw.p)
        return NULL;
    buf_init(&b, max_bytes);
    json_decode(raw, &b);
    if (!b.is_over)
        return buf_take(&b, NULL);
    buf_fini(&b);
    return NULL;
}

struct span json_span(struct jval v, struct buf *scratch)
{
    return json_text_span(raw_string(v), scratch);
}

bool json_bool(struct jval v, bool fallback)
{
    return json_type(v) == JSON_BOOL ? json_raw(v).p[0] == 't' : fallback;
}

/* A number taken apart; its digits are those of whole, then those of fraction. */
struct parts {
    struct span whole, fraction;
    int64_t exponent;
    bool is_negative;
};

static void advance(struct span *s, size_t n)
{
    s->p += n;
    s->n -= n;
}

static struct span take_digits(struct span *s)
{
    struct span digits = {s->p, 0};
    while (s->n && s->p[0] >= '0' && s->p[0] <= '9') {
        advance(s, 1);
        digits.n++;
    }
    return digits;
}

static int64_t take_exponent(struct span s)
{
    enum { FAR = 1 << 30 }; /* beyond any text: only the sign matters */
    const bool is_negative = s.p[0] == '-';
    if (s.p[0] == '-' || s.p[0] == '+')
        advance(&s, 1);
    int64_t value = 0;
    for (size_t i = 0; i < s.n && value < FAR; i++)
        value = value * 10 + (s.p[i] - '0');
    return is_negative ? -value : value;
}

static struct parts take_apart(struct span s)
{
    struct parts d = {.is_negative = s.p[0] == '-'};
    if (d.is_negative)
        advance(&s, 1);
    d.whole = take_digits(&s);
    if (s.n && s.p[0] == '.') {
        advance(&s, 1);
        d.fraction = take_digits(&s);
    }
    if (s.n) {
        advance(&s, 1);
        d.exponent = take_exponent(s);
    }
    return d;
}

/* The digits go on for ever as zeros. */
static int digit_at(const struct parts *d, int64_t i)
{
    const int64_t whole_n = (int64_t)d->whole.n, fraction_n = (int64_t)d->fraction.n;
    if (i < whole_n)
        return d->whole.p[i] - '0';
    return i - whole_n < fraction_n ? d->fraction.p[i - whole_n] - '0' : 0;
}

/* decimal gives number × 10^shift, cut towards zero; is_exact tells whether nothing was cut. */
static enum err decimal(struct span number, int shift, int64_t *out, bool *is_exact)
{
    const struct parts d = take_apart(number);
    const int64_t digit_n = (int64_t)(d.whole.n + d.fraction.n);
    const int64_t point = (int64_t)d.whole.n + d.exponent + shift;
    int64_t value = 0;
    bool was_cut = false;

    for (int64_t i = 0; i < digit_n || (i < point && value); i++) {
        const int digit = digit_at(&d, i);
        if (i >= point)
            was_cut |= digit != 0;
        else if (__builtin_mul_overflow(value, 10, &value) ||
                 __builtin_sub_overflow(value, digit, &value)) /* negative: it has room for one more */
            return ERR_LIMIT;
    }
    if (!d.is_negative && __builtin_sub_overflow(0, value, &value))
        return ERR_LIMIT;
    *out = value;
    *is_exact = !was_cut;
    return OK;
}

enum err json_i64(struct jval v, int64_t *out)
{
    int64_t value;
    bool is_whole;
    if (json_type(v) != JSON_NUMBER)
        return ERR_INVALID;
    const enum err e = decimal(json_raw(v), 0, &value, &is_whole);
    if (e)
        return e;
    if (!is_whole)
        return ERR_INVALID;
    *out = value;
    return OK;
}

bool json_i64_within(struct jval v, int64_t min, int64_t max, int64_t *out)
{
    int64_t n;
    if (!json_has(v))
        return true;
    if (json_i64(v, &n) != OK || n < min || n > max)
        return false;
    *out = n;
    return true;
}

enum err json_millis(struct jval v, int64_t *out)
{
    bool is_exact;
    if (json_type(v) != JSON_NUMBER)
        return ERR_INVALID;
    return decimal(json_raw(v), 3, out, &is_exact);
}
