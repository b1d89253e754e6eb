/* Reads single values: strings decoded, numbers exact. It sees a value only as its type and raw bytes. */
#include "base/json_text.h"
#include <string.h>

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

enum err json_i64(struct jval v, int64_t *out)
{
    int64_t value;
    bool is_whole;
    if (json_type(v) != JSON_NUMBER)
        return ERR_INVALID;
    const enum err e = json_decimal(json_raw(v), 0, &value, &is_whole);
    if (e)
        return e;
    if (!is_whole)
        return ERR_INVALID;
    *out = value;
    return OK;
}

enum err json_millis(struct jval v, int64_t *out)
{
    bool is_exact;
    if (json_type(v) != JSON_NUMBER)
        return ERR_INVALID;
    return json_decimal(json_raw(v), 3, out, &is_exact);
}
