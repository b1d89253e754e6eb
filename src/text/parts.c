/*
 * Puts together what a message says: which document it is, what its files are called, and where it is cut.
 */
#include "text/parts.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "text/split.h"
#include <stdlib.h>
#include <string.h>
#include <unigbrk.h>

enum { NAME_MAX_BYTES = 200 };

struct text_parts {
    struct doc d;
    struct buf text; /* plain text as it was given; kept while it fits */
    bool has_text;
    struct doc_at from[TEXT_PARTS_MAX], to[TEXT_PARTS_MAX];
    unsigned n;
    uint32_t digest;
    bool has_digest;
};

size_t text_characters(struct span s)
{
    size_t n = 0;
    uint32_t c;

    for (size_t i = 0, width; i < s.n; i += width) {
        width = utf8_read(s.p + i, s.n - i, &c);
        n += width == 4 ? 2 : 1;
        width = width ? width : 1;
    }
    return n;
}

/* ---- Files ---- */

static struct span cid_of(const struct doc *d, const struct doc_event *e)
{
    struct span src = SPAN_NONE;

    if (e->kind == DOC_EMPTY && (e->element->flags & HTML_IMAGE))
        src = doc_value(d, e, DOC_SRC);
    return span_starts(src, "cid:") ? (struct span){src.p + 4, src.n - 4} : SPAN_NONE;
}

static const struct text_file *file_of(const struct text_source *s, struct span cid)
{
    for (unsigned i = 0; i < s->file_n && cid.n > 0; i++)
        if (s->file[i].cid.n > 0 && span_eq(s->file[i].cid, cid))
            return &s->file[i];
    return NULL;
}

/* A name fit for a line of text. */
static void add_name(struct buf *out, struct span name)
{
    size_t n = name.n < NAME_MAX_BYTES ? name.n : NAME_MAX_BYTES;

    while (n > 0 && n < name.n && (name.p[n] & 0xc0) == 0x80)
        n--;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)name.p[i] >= ' ' && name.p[i] != 0x7f)
            buf_add_char(out, name.p[i]);
}

/* Images that say nothing are called as their files are. */
static void name_images(struct doc *d, const struct text_source *s)
{
    for (uint32_t i = 0; i < d->event_n; i++) {
        struct doc_event *e = &d->event[i];
        const struct text_file *file = file_of(s, cid_of(d, e));
        if (!file || doc_value(d, e, DOC_ALT).n > 0)
            continue;
        struct buf values;
        buf_init(&values, DOC_VALUE_MAX);
        buf_add_char(&values, DOC_ALT + 1);
        add_name(&values, file->name);
        buf_add_char(&values, '\0');
        buf_add(&values, d->values.p + e->at, e->n);
        e->at = (uint32_t)d->values.n;
        buf_add_span(&d->values, buf_span(&values));
        e->n = (uint32_t)d->values.n - e->at;
        buf_fini(&values);
    }
}

static bool is_shown(const struct doc *d, const struct text_file *file)
{
    for (uint32_t i = 0; file->cid.n > 0 && i < d->event_n; i++)
        if (span_eq(cid_of(d, &d->event[i]), file->cid))
            return true;
    return false;
}

/* "[invoice.pdf] [photo.jpg]": words of no language. */
static void names_line(const struct text_source *s, const struct doc *d, struct buf *out)
{
    for (unsigned i = 0; i < s->file_n; i++) {
        if (d && is_shown(d, &s->file[i]))
            continue;
        buf_add_str(out, out->n > 0 ? " [" : "[");
        add_name(out, s->file[i].name);
        buf_add_char(out, ']');
    }
}

/* ---- The document ---- */

static size_t room_for(const struct text_source *s)
{
    return s->text.n + s->html.n + (size_t)s->file_n * (NAME_MAX_BYTES + 64) + 64;
}

/* The text as it was given; the line of names after it. */
static void keep_text(struct text_parts *t, const struct text_source *s)
{
    struct buf line;

    buf_init(&line, room_for(s));
    buf_init(&t->text, room_for(s));
    t->has_text = s->text.p != NULL;
    buf_add_span(&t->text, s->text);
    if (s->wants_names)
        names_line(s, NULL, &line);
    if (line.n > 0 && t->text.n > 0)
        buf_add_char(&t->text, '\n');
    buf_add_span(&t->text, buf_span(&line));
    buf_fini(&line);
}

static void read(struct text_parts *t, const struct text_source *s, unsigned forms)
{
    bool wants_html = s->html.p && (!s->text.p || (forms & ~(1u << TEXT_PLAIN)));
    struct buf line;

    doc_init(&t->d, room_for(s));
    if (wants_html) {
        doc_read_html(&t->d, s->html);
        name_images(&t->d, s);
    } else if (s->text.p) {
        doc_read_text(&t->d, s->text);
    }
    buf_init(&line, room_for(s));
    if (s->wants_names)
        names_line(s, &t->d, &line);
    if (line.n > 0)
        doc_append_line(&t->d, buf_span(&line));
    buf_fini(&line);
}

/* ---- Parts ---- */

static bool fits_whole(const struct text_parts *t, unsigned forms, size_t max)
{
    bool fits = !t->has_text || text_characters(buf_span(&t->text)) <= max;
    struct buf out;

    buf_init(&out, 4 * max + 64);
    for (enum text_form f = 0; f < TEXT_FORM_N && fits; f++) {
        bool is_given = f == TEXT_PLAIN && t->has_text;
        if (!(forms & (1u << f)) || is_given)
            continue;
        buf_clear(&out);
        doc_write(&t->d, f, DOC_AT_START, DOC_AT_END, &out);
        fits = !out.is_over && text_characters(buf_span(&out)) <= max;
    }
    buf_fini(&out);
    return fits;
}

static const struct {
    const char *before, *after;
} number_marks[TEXT_FORM_N] = {
    [TEXT_PLAIN] = {"\n", ""}, [TEXT_MARKDOWN] = {"\n\n", ""}, [TEXT_HTML] = {"<p>", "</p>"}};

/* "(1/3)" with its marks, of that many digits each. */
static size_t number_length(unsigned forms, unsigned digits)
{
    size_t longest = 0;

    for (enum text_form f = 0; f < TEXT_FORM_N; f++) {
        size_t n = strlen(number_marks[f].before) + strlen(number_marks[f].after) + 3 + 2 * (size_t)digits;
        if ((forms & (1u << f)) && n > longest)
            longest = n;
    }
    return longest;
}

static bool has_words(const struct doc *d, struct doc_at from)
{
    for (uint32_t i = from.event; i < d->event_n; i++) {
        const struct doc_event *e = &d->event[i];
        if (e->kind == DOC_TEXT ? e->n > (i == from.event ? from.offset : 0)
                                : e->kind == DOC_EMPTY && !(e->element->flags & HTML_BREAK))
            return true;
    }
    return false;
}

static enum err split(struct text_parts *t, const struct splitter *s, unsigned max_n)
{
    struct doc_at at = DOC_AT_START;
    bool is_last = false;

    for (t->n = 0; !is_last; t->n++) {
        struct cut cut;
        if (t->n == max_n)
            return ERR_LIMIT;
        enum err e = split_next(s, at, &cut, &is_last);
        if (e)
            return e;
        t->from[t->n] = at;
        t->to[t->n] = cut.end;
        at = cut.next;
        is_last |= !has_words(&t->d, at);
    }
    return OK;
}

static enum err cut_up(struct text_parts *t, unsigned forms, size_t max)
{
    struct doc fit;
    enum err e = ERR_LIMIT;

    t->has_text = false; /* without its white space it may be one part, which is written like any */
    buf_fini(&t->text);
    doc_init(&fit, t->d.text.n + t->d.values.n);
    doc_fit(&t->d, forms, max - number_length(forms, 2), &fit);
    doc_fini(&t->d);
    t->d = fit;
    char *breaks = mem_zalloc(fit.text.n + 1);
    u8_grapheme_breaks((const uint8_t *)(fit.text.p ? fit.text.p : ""), fit.text.n, breaks);
    for (unsigned digits = 1, most = 9; e == ERR_LIMIT && most <= TEXT_PARTS_MAX;
         digits++, most = most * 10 + 9) {
        struct splitter s = {&t->d, breaks, forms, max - number_length(forms, digits)};
        e = split(t, &s, most);
    }
    free(breaks);
    return e;
}

enum err text_parts_new(const struct text_source *s, unsigned forms, size_t max_characters,
                        struct text_parts **out)
{
    struct text_parts *t = mem_zalloc(sizeof *t);
    enum err e = OK;

    must(max_characters == 0 || max_characters >= TEXT_CHARACTERS_MIN);
    t->n = 1;
    t->to[0] = DOC_AT_END;
    keep_text(t, s);
    read(t, s, forms);
    if (max_characters > 0 && !fits_whole(t, forms, max_characters))
        e = cut_up(t, forms, max_characters);
    if (e)
        text_parts_free(t);
    else
        *out = t;
    return e;
}

void text_parts_free(struct text_parts *t)
{
    if (!t)
        return;
    doc_fini(&t->d);
    buf_fini(&t->text);
    free(t);
}

unsigned text_parts_n(const struct text_parts *t)
{
    return t->n;
}

void text_part(const struct text_parts *t, unsigned k, enum text_form form, struct buf *out)
{
    must(k < t->n);
    if (form == TEXT_PLAIN && t->has_text) {
        buf_add_span(out, buf_span(&t->text));
        return;
    }
    doc_write(&t->d, form, t->from[k], t->to[k], out);
    if (t->n > 1)
        buf_addf(out, "%s(%u/%u)%s", number_marks[form].before, k + 1, t->n, number_marks[form].after);
}

static uint32_t digest_of(const struct text_parts *t)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    struct buf part;

    buf_init(&part, 16 * (t->d.text.n + t->d.values.n + t->text.n) + 65536);
    for (unsigned k = 0; k < t->n; k++) {
        buf_clear(&part);
        text_part(t, k, TEXT_PLAIN, &part);
        for (size_t i = 0; i < part.n; i++)
            h = (h ^ (unsigned char)part.p[i]) * 16777619u;
    }
    buf_fini(&part);
    return h;
}

uint32_t text_parts_digest(struct text_parts *t)
{
    if (!t->has_digest)
        t->digest = digest_of(t);
    t->has_digest = true;
    return t->digest;
}
