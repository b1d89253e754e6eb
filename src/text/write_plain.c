/*
 * Plain text. A link says where it leads, unless its words do.
 */
#include "text/lines.h"

static void plain_init(struct writer *w)
{
    lines_init((struct lines *)w);
}

static void begin_words(struct lines *l)
{
    lines_pay(l, true);
    lines_begin_words(l);
}

/* Line breaks in preformatted text are owed like others. */
static void add_pre(struct lines *l, struct span words)
{
    for (size_t i = 0; i < words.n; i++) {
        size_t n = 0;
        while (i + n < words.n && words.p[i + n] != '\n')
            n++;
        if (n > 0) {
            begin_words(l);
            lines_add(l, (struct span){words.p + i, n});
        }
        i += n;
        if (i < words.n)
            lines_owe(l, l->breaks + 1);
    }
}

static void plain_words(struct writer *w, struct span words)
{
    struct lines *l = (struct lines *)w;
    bool is_edge = l->breaks > 0 || !l->has_words;

    if (l->pre_n > 0) {
        add_pre(l, words);
        return;
    }
    if (is_edge && *words.p == ' ')
        words = (struct span){words.p + 1, words.n - 1};
    if (words.n == 0)
        return;
    begin_words(l);
    lines_add(l, words);
}

static void say_quote(struct lines *l)
{
    begin_words(l);
    buf_add_char(l->w.out, '"');
}

static void plain_open(struct writer *w, uint32_t event, bool is_again)
{
    struct lines *l = (struct lines *)w;
    unsigned flags = w->d->event[event].element->flags;

    lines_open(l, event, is_again);
    if (flags & HTML_LINK)
        l->label_at = SIZE_MAX;
    if (flags & HTML_SAID)
        say_quote(l);
}

static void plain_close(struct writer *w, uint32_t open)
{
    struct lines *l = (struct lines *)w;
    const struct doc_event *e = &w->d->event[open];

    if (e->element->flags & HTML_SAID)
        say_quote(l);
    if (e->element->flags & HTML_LINK)
        lines_end_link(l, doc_value(w->d, e, DOC_HREF));
    lines_close(l, open);
}

static void add_rule(struct lines *l)
{
    lines_owe(l, 1);
    begin_words(l);
    buf_add_str(l->w.out, "---");
    lines_owe(l, 1);
}

/* A file of the message: what it is called. */
static void add_picture(struct lines *l, struct span name)
{
    begin_words(l);
    buf_add_char(l->w.out, '[');
    lines_add(l, name);
    buf_add_char(l->w.out, ']');
}

static void plain_empty(struct writer *w, uint32_t event)
{
    struct lines *l = (struct lines *)w;
    const struct doc_event *e = &w->d->event[event];
    struct span alt = doc_value(w->d, e, DOC_ALT), src = doc_value(w->d, e, DOC_SRC);

    if (e->element->flags & HTML_RULE)
        add_rule(l);
    else if (e->element->flags & HTML_BREAK)
        lines_break(l);
    else if (span_starts(src, "cid:"))
        add_picture(l, alt.n > 0 ? alt : (struct span){src.p + 4, src.n - 4});
    else if (alt.n > 0)
        plain_words(w, alt);
}

static size_t plain_tail(const struct writer *w, uint32_t open)
{
    const struct doc_event *e = &w->d->event[open];
    unsigned flags = e->element->flags;

    return flags & HTML_LINK ? doc_value(w->d, e, DOC_HREF).n + 3 : flags & HTML_SAID ? 1 : 0;
}

const struct writer_kind writer_plain = {
    sizeof(struct lines), plain_init, plain_open, plain_close, plain_empty, plain_words, plain_tail,
};
