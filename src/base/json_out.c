/* Writes JSON. It knows where a comma goes and what must be escaped; the caller nests correctly. */
#include "base/json_text.h"
#include "base/utf8.h"
#include <inttypes.h>
#include <string.h>

void jout_init(struct jout *j, struct buf *out)
{
    *j = (struct jout){.out = out};
}

/* before_value writes the comma that is due; what follows the value needs one again. */
static void before_value(struct jout *j)
{
    if (j->needs_comma)
        buf_add_char(j->out, ',');
    j->needs_comma = true;
}

static void open_with(struct jout *j, char bracket)
{
    before_value(j);
    buf_add_char(j->out, bracket);
    j->needs_comma = false;
}

static void close_with(struct jout *j, char bracket)
{
    buf_add_char(j->out, bracket);
    j->needs_comma = true;
}

void jout_object(struct jout *j)
{
    open_with(j, '{');
}

void jout_object_end(struct jout *j)
{
    close_with(j, '}');
}

void jout_array(struct jout *j)
{
    open_with(j, '[');
}

void jout_array_end(struct jout *j)
{
    close_with(j, ']');
}

static void add_ascii_escaped(struct buf *out, char c)
{
    static const char values[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
    const char *value = c ? strchr(values, c) : NULL;
    if (value)
        buf_add(out, (char[]){'\\', names[value - values]}, 2);
    else
        buf_addf(out, "\\u%04x", (unsigned)c);
}

/* add_special writes the character that json_plain stopped at and returns how many bytes it took. */
static size_t add_special(struct buf *out, const char *p, size_t n)
{
    uint32_t character;
    if ((unsigned char)*p < 0x80) {
        add_ascii_escaped(out, *p);
        return 1;
    }
    const unsigned length = utf8_read(p, n, &character);
    if (length == 0) {
        utf8_add(out, UTF8_REPLACEMENT);
        return 1;
    }
    if (character < 0xA0) /* a terminal that shows our logs would obey U+009B */
        buf_addf(out, "\\u%04x", (unsigned)character);
    else
        buf_add(out, p, length);
    return length;
}

static void add_quoted(struct buf *out, struct span s)
{
    buf_add_char(out, '"');
    while (s.n) {
        size_t run = json_plain(s.p, s.n);
        buf_add(out, s.p, run);
        if (run < s.n)
            run += add_special(out, s.p + run, s.n - run);
        s.p += run;
        s.n -= run;
    }
    buf_add_char(out, '"');
}

void jout_key_span(struct jout *j, struct span key)
{
    before_value(j);
    add_quoted(j->out, key);
    buf_add_char(j->out, ':');
    j->needs_comma = false;
}

void jout_key(struct jout *j, const char *key)
{
    jout_key_span(j, span_of(key));
}

void jout_span(struct jout *j, struct span s)
{
    if (!s.p) {
        jout_null(j);
        return;
    }
    before_value(j);
    add_quoted(j->out, s);
}

void jout_str(struct jout *j, const char *s)
{
    jout_span(j, span_of(s));
}

void jout_i64(struct jout *j, int64_t v)
{
    before_value(j);
    buf_addf(j->out, "%" PRId64, v);
}

void jout_bool(struct jout *j, bool v)
{
    before_value(j);
    buf_add_str(j->out, v ? "true" : "false");
}

void jout_null(struct jout *j)
{
    before_value(j);
    buf_add_str(j->out, "null");
}

void jout_seconds(struct jout *j, int64_t ms)
{
    const uint64_t size = ms < 0 ? -(uint64_t)ms : (uint64_t)ms;
    before_value(j);
    buf_addf(j->out, "%s%" PRIu64 ".%03u", ms < 0 ? "-" : "", size / 1000, (unsigned)(size % 1000));
}

void jout_raw(struct jout *j, struct span json)
{
    if (!json.n) {
        jout_null(j);
        return;
    }
    before_value(j);
    buf_add_span(j->out, json);
}

void jout_kv_str(struct jout *j, const char *key, const char *s)
{
    jout_key(j, key);
    jout_str(j, s);
}

void jout_kv_span(struct jout *j, const char *key, struct span s)
{
    jout_key(j, key);
    jout_span(j, s);
}

void jout_kv_i64(struct jout *j, const char *key, int64_t v)
{
    jout_key(j, key);
    jout_i64(j, v);
}

void jout_kv_bool(struct jout *j, const char *key, bool v)
{
    jout_key(j, key);
    jout_bool(j, v);
}

void jout_kv_seconds(struct jout *j, const char *key, int64_t ms)
{
    jout_key(j, key);
    jout_seconds(j, ms);
}

void jout_kv_raw(struct jout *j, const char *key, struct span json)
{
    jout_key(j, key);
    jout_raw(j, json);
}
