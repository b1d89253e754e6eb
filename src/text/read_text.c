/*
 * Plain text as a document: words and line breaks. Spaces that HTML would not show are kept by their marks, so
 * that the text comes back from HTML as it was, but for white space at its very ends.
 */
#include "text/doc.h"

static bool is_control(char c)
{
    return (unsigned char)c < 32 || c == 127;
}

/* A single space between words; all others, at the edge of a line or beside another one, would go. */
static bool is_shown(struct span line, size_t i)
{
    return i > 0 && i + 1 < line.n && line.p[i - 1] != ' ';
}

static void read_line(struct doc *d, struct span line)
{
    size_t from = 0;

    for (size_t i = 0; i < line.n; i++) {
        char c = line.p[i];
        if (!is_control(c) && (c != ' ' || is_shown(line, i)))
            continue;
        doc_words(d, (struct span){line.p + from, i - from});
        if (c == ' ' || c == '\t')
            doc_words(d, c == ' ' ? SPAN_LIT("\1") : SPAN_LIT("\2"));
        from = i + 1;
    }
    if (from < line.n)
        doc_words(d, (struct span){line.p + from, line.n - from});
}

static size_t line_length(struct span s)
{
    size_t n = 0;

    while (n < s.n && s.p[n] != '\n' && s.p[n] != '\r')
        n++;
    return n;
}

void doc_lines(struct doc *d, struct span text)
{
    const struct html_element *line_break = html_element_of(SPAN_LIT("br"));

    for (;;) {
        size_t n = line_length(text);
        read_line(d, (struct span){text.p, n});
        if (n == text.n)
            return;
        n += text.p[n] == '\r' && n + 1 < text.n && text.p[n + 1] == '\n' ? 2 : 1;
        doc_empty(d, line_break, SPAN_NONE);
        text = (struct span){text.p + n, text.n - n};
    }
}

void doc_read_text(struct doc *d, struct span text)
{
    buf_reserve(&d->text, text.n);
    doc_lines(d, text);
    doc_finish(d);
}

void doc_append_line(struct doc *d, struct span text)
{
    const struct doc_event *last = d->event_n ? &d->event[d->event_n - 1] : NULL;

    if (last && !(last->kind == DOC_CLOSE && (last->element->flags & HTML_BLOCK)))
        doc_empty(d, html_element_of(SPAN_LIT("br")), SPAN_NONE);
    doc_lines(d, text);
    doc_finish(d);
}
