/*
 * JSON in, out and in again: what was read, written and read once more is written the same, every key leads
 * to its value, and no getter reads beyond the text.
 */
#include "base/json.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

enum { OUT_MAX_BYTES = 16 << 20, LOOKED_UP_MAX = 32 };

static void write_value(struct jout *j, struct jval v, struct buf *scratch);

static void look_up(struct jval object, struct jval member, struct span key)
{
    char *name = span_strdup(key);
    const struct jval found = json_get(object, name);
    must(found.doc == member.doc && found.token == member.token);
    free(name);
}

static void write_members(struct jout *j, struct jval object, struct buf *scratch)
{
    uint32_t n = 0;
    for (struct jval v = json_first(object); v.doc; v = json_next(v), n++) {
        const struct span key = json_key(v, scratch);
        must(key.p);
        if (n < LOOKED_UP_MAX)
            look_up(object, v, key);
        jout_key_span(j, key);
        write_value(j, v, scratch);
    }
    must(n == json_len(object));
}

static void write_elements(struct jout *j, struct jval array, struct buf *scratch)
{
    uint32_t n = 0;
    for (struct jval v = json_first(array); v.doc; v = json_next(v), n++) {
        must(!json_key(v, scratch).p);
        write_value(j, v, scratch);
    }
    must(n == json_len(array));
}

static void write_string(struct jout *j, struct jval v, struct buf *scratch)
{
    const struct span s = json_span(v, scratch);
    char *copy = json_dup(v, s.n);
    must(s.p && copy && memcmp(copy, s.p, s.n) == 0 && copy[s.n] == '\0' && json_is(v, copy));
    must(s.n == 0 || !json_dup(v, s.n - 1));
    free(copy);
    jout_span(j, s);
}

static void write_number(struct jout *j, struct jval v)
{
    int64_t whole, millis;
    if (json_i64(v, &whole) == OK && json_millis(v, &millis) == OK)
        must(millis == whole * 1000);
    jout_raw(j, json_raw(v));
}

static void write_value(struct jout *j, struct jval v, struct buf *scratch)
{
    switch (json_type(v)) {
    case JSON_OBJECT:
        jout_object(j);
        write_members(j, v, scratch);
        jout_object_end(j);
        break;
    case JSON_ARRAY:
        jout_array(j);
        write_elements(j, v, scratch);
        jout_array_end(j);
        break;
    case JSON_STRING:
        write_string(j, v, scratch);
        break;
    case JSON_NUMBER:
        write_number(j, v);
        break;
    case JSON_BOOL:
        jout_bool(j, json_bool(v, false));
        break;
    case JSON_NULL:
        jout_null(j);
        break;
    case JSON_ABSENT:
        must(json_has(v)); /* a value that was there is there */
    }
}

static void write_document(const struct json *doc, struct buf *out, struct buf *scratch)
{
    struct jout j;
    jout_init(&j, out);
    write_value(&j, json_root(doc), scratch);
    must(!out->is_over);
}

static void check_round_trip(const struct json *doc)
{
    struct buf first, second, scratch;
    struct json again;
    buf_init(&first, OUT_MAX_BYTES);
    buf_init(&second, OUT_MAX_BYTES);
    buf_init(&scratch, OUT_MAX_BYTES);
    write_document(doc, &first, &scratch);
    must(json_parse(&again, buf_span(&first)) == OK && again.token_n == doc->token_n);
    write_document(&again, &second, &scratch);
    must(span_eq(buf_span(&first), buf_span(&second)));
    json_fini(&again);
    buf_fini(&first);
    buf_fini(&second);
    buf_fini(&scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json doc;
    if (json_parse(&doc, (struct span){(const char *)data, size}) == OK)
        check_round_trip(&doc);
    else
        must(doc.error && doc.error_at <= size && json_type(json_root(&doc)) == JSON_ABSENT);
    json_fini(&doc);
    return 0;
}
