/*
 * HTML: what is written is made anew from the document, and nothing of markup is passed through.
 */
#include "text/writer.h"
#include <stdio.h>
#include <string.h>

struct html {
    struct writer w;
    bool is_pre_start; /* a newline right here would not count */
};

static void escape(struct buf *out, struct span text)
{
    size_t from = 0;

    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        const char *as = c == '<'               ? "&lt;"
                         : c == '>'             ? "&gt;"
                         : c == '&'             ? "&amp;"
                         : c == '"'             ? "&quot;"
                         : c == HTML_KEPT_SPACE ? "&nbsp;"
                         : c == HTML_KEPT_TAB   ? "&#9;"
                                                : NULL;
        if (!as)
            continue;
        buf_add(out, text.p + from, i - from);
        buf_add_str(out, as);
        from = i + 1;
    }
    if (from < text.n)
        buf_add(out, text.p + from, text.n - from);
}

static void add_value(struct html *h, const char *name, struct span value)
{
    buf_add_char(h->w.out, ' ');
    buf_add_str(h->w.out, name);
    buf_add_str(h->w.out, "=\"");
    escape(h->w.out, value);
    buf_add_char(h->w.out, '"');
}

static void add_start(struct html *h, const struct doc_event *e, struct span number)
{
    buf_add_char(h->w.out, '<');
    buf_add_str(h->w.out, e->element->name);
    for (enum doc_value v = 0; v < DOC_VALUE_N; v++) {
        struct span value = v == DOC_START && number.p ? number : doc_value(h->w.d, e, v);
        if (value.p)
            add_value(h, doc_value_name(v), value);
    }
    buf_add_char(h->w.out, '>');
}

/* A list that goes on in this part goes on counting: the number of the first item in it. */
static uint32_t number_of(const struct writer *w, uint32_t list, uint32_t from)
{
    for (uint32_t e = from; e < w->d->event_n; e = w->d->event[e].parent)
        if (w->d->event[e].parent == list)
            return w->d->event[e].number;
    return 0;
}

static void html_open(struct writer *w, uint32_t event, bool is_again)
{
    struct html *h = (struct html *)w;
    const struct doc_event *e = &w->d->event[event];
    uint32_t number = is_again && (e->element->flags & HTML_NUMBERED) ? number_of(w, event, w->from) : 0;
    char digits[16];

    snprintf(digits, sizeof digits, "%u", number);
    add_start(h, e, number ? span_of(digits) : SPAN_NONE);
    h->is_pre_start = (e->element->flags & HTML_PRE) != 0;
}

static void html_close(struct writer *w, uint32_t open)
{
    struct html *h = (struct html *)w;
    const struct html_element *element = w->d->event[open].element;

    h->is_pre_start = false;
    buf_add_str(w->out, "</");
    buf_add_str(w->out, element->name);
    buf_add_char(w->out, '>');
}

static void html_empty(struct writer *w, uint32_t event)
{
    struct html *h = (struct html *)w;

    h->is_pre_start = false;
    add_start(h, &w->d->event[event], SPAN_NONE);
}

static void html_words(struct writer *w, struct span words)
{
    struct html *h = (struct html *)w;

    if (h->is_pre_start && *words.p == '\n')
        buf_add_char(w->out, '\n');
    h->is_pre_start = false;
    escape(w->out, words);
}

static size_t html_tail(const struct writer *w, uint32_t open)
{
    return strlen(w->d->event[open].element->name) + 3;
}

static void html_init(struct writer *w)
{
    (void)w;
}

const struct writer_kind writer_html = {
    sizeof(struct html), html_init, html_open, html_close, html_empty, html_words, html_tail,
};
