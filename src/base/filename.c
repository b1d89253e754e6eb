/*
 * Decides what of a foreign name is kept. It refuses to know file systems: a clean name is for people and for other
 * programs, and never opens a file of ours.
 */
#include "base/filename.h"
#include "base/utf8.h"
#include <string.h>

#define NAMELESS "file"

enum { ENDING_MAX_BYTES = 20 };

/* Marks that change the direction of writing: with one of them "gpj.exe" reads "exe.jpg". Zero-width ones hide letters. */
static bool is_trick(uint32_t c)
{
    return c == 0x200b || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x2069) || c == 0x061c || c == 0xfeff;
}

static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
}

static struct span last_segment(struct span s)
{
    size_t start = s.n;
    while (start > 0 && s.p[start - 1] != '/' && s.p[start - 1] != '\\')
        start--;
    return (struct span){s.p + start, s.n - start};
}

/* Runs of blanks and controls become one space; none at the beginning. */
static void add_letters(struct span s, struct buf *out)
{
    bool owes_space = false;
    size_t from = out->n;
    for (size_t i = 0, width; i < s.n; i += width) {
        uint32_t c = UTF8_REPLACEMENT;
        width = utf8_read(s.p + i, s.n - i, &c);
        width = width ? width : 1;
        if (c == ' ' || is_control(c)) {
            owes_space = out->n > from;
            continue;
        }
        if (is_trick(c))
            continue;
        if (owes_space)
            buf_add_char(out, ' ');
        owes_space = false;
        utf8_add(out, c);
    }
}

static size_t ending_at(struct span name)
{
    for (size_t i = name.n; i > 1 && name.n - i < ENDING_MAX_BYTES; i--)
        if (name.p[i - 1] == '.')
            return i - 1;
    return name.n;
}

/* add_short shortens to the most bytes between two characters, and keeps the ending. */
static void add_short(struct span name, struct buf *out)
{
    size_t ending = ending_at(name), keep = FILENAME_MAX_BYTES - (name.n - ending);
    if (keep > ending)
        keep = ending;
    while (keep > 0 && keep < name.n && ((unsigned char)name.p[keep] & 0xc0) == 0x80)
        keep--;
    while (ending == name.n && keep > 0 && (name.p[keep - 1] == ' ' || name.p[keep - 1] == '.'))
        keep--; /* a cut leaves no end that is none */
    buf_add(out, name.p, keep);
    buf_add(out, name.p + ending, name.n - ending);
}

void filename_clean(struct span raw, struct buf *out)
{
    struct buf letters;
    buf_init(&letters, 3 * raw.n + 4);
    add_letters(last_segment(raw), &letters);
    struct span name = buf_span(&letters);
    while (name.n > 0 && (name.p[name.n - 1] == '.' || name.p[name.n - 1] == ' '))
        name.n--;
    while (name.n > 0 && (name.p[0] == '.' || name.p[0] == ' '))
        name = (struct span){name.p + 1, name.n - 1};
    if (name.n == 0)
        buf_add_str(out, NAMELESS);
    else
        add_short(name, out);
    buf_fini(&letters);
}

static size_t token_length(struct span s)
{
    static const char letters[] = "!#$&-^_.+0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t n = 0;
    while (n < s.n && s.p[n] && strchr(letters, s.p[n]))
        n++;
    return n;
}

void media_type_clean(struct span raw, struct buf *out)
{
    while (raw.n > 0 && raw.p[0] == ' ')
        raw = (struct span){raw.p + 1, raw.n - 1};
    size_t type = token_length(raw), whole = type;
    if (type > 0 && type < raw.n && raw.p[type] == '/')
        whole += 1 + token_length((struct span){raw.p + type + 1, raw.n - type - 1});
    bool is_ended = whole == raw.n || raw.p[whole] == ';' || raw.p[whole] == ' ';
    if (whole < type + 2 || !is_ended || whole > MEDIA_TYPE_MAX_BYTES) {
        buf_add_str(out, "application/octet-stream");
        return;
    }
    for (size_t i = 0; i < whole; i++)
        buf_add_char(out, (char)(raw.p[i] >= 'A' && raw.p[i] <= 'Z' ? raw.p[i] | 0x20 : raw.p[i]));
}

void content_id_clean(struct span raw, struct buf *out)
{
    if (raw.n >= 2 && raw.p[0] == '<' && raw.p[raw.n - 1] == '>')
        raw = (struct span){raw.p + 1, raw.n - 2};
    if (raw.n > CONTENT_ID_MAX_BYTES)
        return;
    for (size_t i = 0; i < raw.n; i++)
        if (raw.p[i] <= ' ' || raw.p[i] >= 0x7f || strchr("<>\"\\", raw.p[i]))
            return;
    buf_add_span(out, raw);
}

static bool is_attr_char(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c && strchr("!#$&+-.^_`|~", c));
}

void filename_disposition(const char *name, struct buf *out)
{
    bool is_ascii = true;
    buf_add_str(out, "attachment; filename=\"");
    for (const char *p = name; *p; p++) {
        unsigned char c = (unsigned char)*p;
        is_ascii = is_ascii && c < 0x80;
        if (c == '"' || c == '\\' || c == '%') /* which readers decode in different ways */
            buf_add_char(out, '_');
        else if (c < 0x80)
            buf_add_char(out, *p);
        else if ((c & 0xc0) != 0x80)
            buf_add_char(out, '_');
    }
    buf_add_char(out, '"');
    if (is_ascii && !strpbrk(name, "\"\\%"))
        return;
    buf_add_str(out, "; filename*=UTF-8''");
    for (const char *p = name; *p; p++) {
        if (is_attr_char((unsigned char)*p))
            buf_add_char(out, *p);
        else
            buf_addf(out, "%%%02X", (unsigned char)*p);
    }
}
