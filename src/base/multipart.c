/*
 * Cuts a form into its parts. Refuses to know what the fields mean. Invariant: every part has a name, and
 * its data lies inside the body.
 */
#include "base/multipart.h"
#include "base/mem.h"
#include "base/utf8.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    struct span rest;
    char boundary[MULTIPART_BOUNDARY_MAX + 3]; /* with the two dashes before it */
    unsigned options;
    const char *why;
};

static enum err refuse(struct reader *r, enum err e, const char *why)
{
    r->why = why;
    return e;
}

static struct span cut(struct span s, size_t n)
{
    return (struct span){s.p + n, s.n - n};
}

static struct span trim(struct span s)
{
    while (s.n && (*s.p == ' ' || *s.p == '\t'))
        s = cut(s, 1);
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

/* take moves what stands before mark out of s; absent, and nothing moved, if mark is not in s. */
static struct span take(struct span *s, const char *mark)
{
    size_t n = strlen(mark);
    const char *at = s->n ? memmem(s->p, s->n, mark, n) : NULL;
    if (!at)
        return SPAN_NONE;
    struct span before = {s->p, (size_t)(at - s->p)};
    *s = cut(*s, before.n + n);
    return before;
}

static bool is_utf8(struct span s)
{
    uint32_t character;
    for (size_t i = 0, n; i < s.n; i += n) {
        n = utf8_read(s.p + i, s.n - i, &character);
        if (!n || character < 0x20 || character == 0x7f)
            return false;
    }
    return true;
}

/* ---- Parameters: ; name=value or ; name="value" ---- */

static size_t quoted_length(struct span s)
{
    for (size_t i = 1; i < s.n; i++) {
        if (s.p[i] == '"')
            return i + 1;
        if (s.p[i] == '\\' && i + 1 < s.n && (s.p[i + 1] == '"' || s.p[i + 1] == '\\'))
            i++;
    }
    return 0;
}

static void unquote(struct span s, struct buf *out)
{
    for (size_t i = 1; i + 1 < s.n; i++) {
        if (s.p[i] == '\\' && (s.p[i + 1] == '"' || s.p[i + 1] == '\\') && i + 2 < s.n)
            i++;
        buf_add_char(out, s.p[i]);
    }
}

static size_t token_length(struct span s)
{
    size_t n = 0;
    while (n < s.n && (unsigned char)s.p[n] > ' ' && (unsigned char)s.p[n] < 0x7f && !strchr(";,\"=", s.p[n]))
        n++;
    return n;
}

/* parameter reads the next one of s; false if there is none or it is malformed: s->n says which. */
static bool parameter(struct span *s, struct span *name, struct buf *value)
{
    struct span rest = trim(*s);
    if (!rest.n || *rest.p != ';')
        return false;
    rest = trim(cut(rest, 1));
    name->p = rest.p;
    name->n = token_length(rest);
    rest = cut(rest, name->n);
    if (!name->n || !rest.n || *rest.p != '=')
        return false;
    rest = cut(rest, 1);
    bool is_quoted = rest.n && *rest.p == '"';
    size_t n = is_quoted ? quoted_length(rest) : token_length(rest);
    if (!n)
        return false;
    buf_clear(value);
    if (is_quoted)
        unquote((struct span){rest.p, n}, value);
    else
        buf_add(value, rest.p, n);
    *s = trim(cut(rest, n));
    return !value->is_over;
}

static bool is_named(struct span name, const char *wanted)
{
    return span_ieq(name, span_of(wanted));
}

/* ---- The boundary ---- */

static bool is_boundary(struct span b)
{
    if (!b.n || b.n > MULTIPART_BOUNDARY_MAX || b.p[b.n - 1] == ' ')
        return false;
    for (size_t i = 0; i < b.n; i++) {
        char c = b.p[i];
        bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_plain && (!c || !strchr("'()+_,-./:=? ", c)))
            return false;
    }
    return true;
}

static enum err read_boundary(struct reader *r, struct span content_type)
{
    struct span name;
    struct buf value;
    bool is_found = false, is_twice = false;
    const char *semicolon = content_type.n ? memchr(content_type.p, ';', content_type.n) : NULL;
    if (!semicolon)
        return refuse(r, ERR_INVALID, "The Content-Type has no boundary");
    struct span rest = cut(content_type, (size_t)(semicolon - content_type.p));
    buf_init(&value, MULTIPART_HEAD_MAX);
    while (parameter(&rest, &name, &value)) {
        if (!is_named(name, "boundary"))
            continue;
        is_twice = is_found;
        is_found = is_boundary(buf_span(&value));
        if (is_twice || !is_found)
            break;
        snprintf(r->boundary, sizeof r->boundary, "--%s", value.p);
    }
    buf_fini(&value);
    if (is_found && !is_twice && !rest.n)
        return OK;
    return refuse(r, ERR_INVALID, "The Content-Type has no boundary of 1 to 70 characters");
}

/* ---- A part's head ---- */

static char *text_of(struct span s)
{
    return mem_strndup(s.p, s.n);
}

static enum err set_once(struct reader *r, char **field, struct span value)
{
    if (*field)
        return refuse(r, ERR_INVALID, "A part says the same thing twice");
    if (value.n > MULTIPART_NAME_MAX)
        return refuse(r, ERR_LIMIT, "A part's name, file name or type is too long");
    if (!is_utf8(value))
        return refuse(r, ERR_INVALID, "A part's name, file name or type is not UTF-8 text");
    *field = text_of(value);
    return OK;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'                     ? c - '0'
           : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                    : -1;
}

/* RFC 8187: a character set, a language, and percent signs. False if it is not UTF-8 in that form. */
static bool decode_extended(struct span s, struct buf *out)
{
    struct span charset = take(&s, "'");
    if (!is_named(charset, "utf-8") || !take(&s, "'").p)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        int high = s.p[i] == '%' && i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(s.p[i + 2]) : -1;
        if (s.p[i] == '%' && low < 0)
            return false;
        buf_add_char(out, (char)(low < 0 ? s.p[i] : high << 4 | low));
        i += low < 0 ? 0 : 2;
    }
    return true;
}

static enum err read_extended(struct reader *r, char **field, struct span value)
{
    struct buf text;
    if (!(r->options & MULTIPART_EXTENDED_NAMES))
        return refuse(r, ERR_INVALID, "A form has no filename* (RFC 7578, 4.2)");
    buf_init(&text, MULTIPART_HEAD_MAX);
    enum err e = decode_extended(value, &text)
                     ? set_once(r, field, buf_span(&text))
                     : refuse(r, ERR_INVALID, "A part's filename* is not of the form UTF-8''name");
    buf_fini(&text);
    return e;
}

static enum err read_disposition(struct reader *r, struct multipart_part *part, struct span value)
{
    static const char *const kind = "form-data";
    struct span name, rest = cut(value, token_length(value));
    struct buf text;
    char *extended = NULL;
    enum err e = OK;
    if (!is_named((struct span){value.p, value.n - rest.n}, kind))
        return refuse(r, ERR_INVALID, "A part's Content-Disposition is not form-data");
    buf_init(&text, MULTIPART_HEAD_MAX);
    while (e == OK && parameter(&rest, &name, &text)) {
        if (is_named(name, "name"))
            e = set_once(r, &part->name, buf_span(&text));
        else if (is_named(name, "filename"))
            e = set_once(r, &part->filename, buf_span(&text));
        else if (is_named(name, "filename*"))
            e = read_extended(r, &extended, buf_span(&text));
    }
    buf_fini(&text);
    if (extended) {
        free(part->filename);
        part->filename = extended;
    }
    if (e == OK && rest.n)
        e = refuse(r, ERR_INVALID, "A part's Content-Disposition is malformed");
    return e;
}

static enum err read_type(struct reader *r, struct multipart_part *part, struct span value)
{
    return set_once(r, &part->content_type, value);
}

static enum err read_cid(struct reader *r, struct multipart_part *part, struct span value)
{
    if (value.n < 3 || value.p[0] != '<' || value.p[value.n - 1] != '>')
        return refuse(r, ERR_INVALID, "A part's Content-ID is not in <>");
    return set_once(r, &part->cid, (struct span){value.p + 1, value.n - 2});
}

static enum err read_encoding(struct reader *r, struct multipart_part *part, struct span value)
{
    static const char *const plain[] = {"binary", "8bit", "7bit"};
    (void)part;
    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        if (is_named(value, plain[i]))
            return OK;
    return refuse(r, ERR_INVALID, "A part has a Content-Transfer-Encoding, which a form has not");
}

static const struct {
    const char *name;
    enum err (*read)(struct reader *r, struct multipart_part *part, struct span value);
} heads[] = {
    {"Content-Disposition", read_disposition},
    {"Content-Type", read_type},
    {"Content-ID", read_cid},
    {"Content-Transfer-Encoding", read_encoding},
};

static enum err read_line(struct reader *r, struct multipart_part *part, struct span line)
{
    struct span name = {line.p, token_length(line)};
    const char *colon = line.n ? memchr(line.p, ':', line.n) : NULL;
    if (!colon || colon == line.p || colon >= line.p + name.n)
        return refuse(r, ERR_INVALID, "A part has a line that is no header");
    name.n = (size_t)(colon - line.p);
    for (size_t i = 0; i < ARRAY_LEN(heads); i++)
        if (is_named(name, heads[i].name))
            return heads[i].read(r, part, trim(cut(line, name.n + 1)));
    return OK;
}

static enum err read_head(struct reader *r, struct multipart_part *part)
{
    struct span window = {r->rest.p, r->rest.n < MULTIPART_HEAD_MAX ? r->rest.n : MULTIPART_HEAD_MAX};
    struct span head = take(&window, "\r\n\r\n");
    if (!head.p)
        return refuse(r, ERR_INVALID, "A part's head does not end within 4 KiB");
    r->rest = cut(r->rest, head.n + 4);
    struct span lines = {head.p, head.n + 2};
    for (unsigned n = 0; lines.n; n++) {
        struct span line = take(&lines, "\r\n");
        if (n == MULTIPART_HEAD_LINES_MAX)
            return refuse(r, ERR_LIMIT, "A part's head has more than 16 lines");
        enum err e = read_line(r, part, line);
        if (e != OK)
            return e;
    }
    if (!part->name || !*part->name)
        return refuse(r, ERR_INVALID, "A part has no name");
    return OK;
}

/* ---- Parts ---- */

static enum err read_part(struct reader *r, struct multipart *m)
{
    char delimiter[MULTIPART_BOUNDARY_MAX + 5];
    if (m->n == MULTIPART_PARTS_MAX)
        return refuse(r, ERR_LIMIT, "The form has more than 1000 parts");
    m->part = mem_realloc(m->part, (m->n + 1) * sizeof *m->part);
    struct multipart_part *part = &m->part[m->n++];
    *part = (struct multipart_part){0};
    enum err e = read_head(r, part);
    if (e != OK)
        return e;
    snprintf(delimiter, sizeof delimiter, "\r\n%s", r->boundary);
    part->data = take(&r->rest, delimiter);
    return part->data.p ? OK : refuse(r, ERR_INVALID, "The form does not end with its boundary");
}

static enum err read_parts(struct reader *r, struct multipart *m)
{
    for (;;) {
        if (span_starts(r->rest, "--")) {
            struct span after = cut(r->rest, 2);
            return !after.n || span_is(after, "\r\n") ? OK
                                                      : refuse(r, ERR_INVALID, "Something follows the form");
        }
        if (!span_starts(r->rest, "\r\n"))
            return refuse(r, ERR_INVALID, "The boundary stands inside a part");
        r->rest = cut(r->rest, 2);
        enum err e = read_part(r, m);
        if (e != OK)
            return e;
    }
}

enum err multipart_parse(struct multipart *m, unsigned options, struct span content_type, struct span body,
                         const char **why)
{
    struct reader r = {.rest = body, .options = options};
    *m = (struct multipart){0};
    enum err e = read_boundary(&r, content_type);
    if (e == OK && !span_starts(body, r.boundary))
        e = refuse(&r, ERR_INVALID, "The form does not begin with its boundary");
    if (e == OK) {
        r.rest = cut(body, strlen(r.boundary));
        e = read_parts(&r, m);
    }
    if (e != OK)
        *why = r.why;
    return e;
}

void multipart_fini(struct multipart *m)
{
    for (unsigned i = 0; i < m->n; i++) {
        free(m->part[i].name);
        free(m->part[i].filename);
        free(m->part[i].content_type);
        free(m->part[i].cid);
    }
    free(m->part);
    *m = (struct multipart){0};
}
