/*
 * Plain text of HTML, laid out as Front lays out its own: paragraphs set off by an empty line, "text
 * (target)" for a link. Invariant: line breaks and spaces are owed until a word follows, so that none leads,
 * trails or doubles.
 */
#include "base/mem.h"
#include "front/html.h"
#include "front/html_token.h"
#include <stdlib.h>
#include <string.h>

struct plain {
    struct buf *out, words, value; /* words, value: decoded */
    unsigned breaks;               /* owed before the next word */
    unsigned pre;
    bool owes_space, has_text, is_item; /* is_item: the bullet is written, its text is not */
    size_t link_at;
    char *link;
};

static void break_line(struct plain *p, unsigned breaks)
{
    if (p->is_item)
        return;
    if (p->breaks < breaks)
        p->breaks = breaks;
    p->owes_space = false;
}

static void pay(struct plain *p)
{
    if (p->has_text)
        for (unsigned i = 0; i < p->breaks; i++)
            buf_add_char(p->out, '\n');
    if (p->has_text && p->breaks == 0 && p->owes_space)
        buf_add_char(p->out, ' ');
    p->breaks = 0;
    p->owes_space = p->is_item = false;
    p->has_text = true;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
}

static void add_words(struct plain *p, struct span text)
{
    for (size_t i = 0; i < text.n;) {
        size_t n = 0;
        while (i + n < text.n && !is_space(text.p[i + n]))
            n++;
        if (n > 0) {
            pay(p);
            buf_add(p->out, text.p + i, n);
        }
        i += n;
        if (i < text.n) {
            p->owes_space = true;
            i++;
        }
    }
}

static void add_text(struct plain *p, struct span text)
{
    buf_clear(&p->words);
    html_decode(text, &p->words);
    if (!p->pre) {
        add_words(p, buf_span(&p->words));
        return;
    }
    pay(p);
    buf_add_span(p->out, buf_span(&p->words));
}

/* The value of an attribute, decoded; empty if it is not there. */
static struct span value_of(struct plain *p, struct span attributes, const char *wanted)
{
    struct span name, value;

    buf_clear(&p->value);
    while (html_attribute(&attributes, &name, &value))
        if (span_ieq(name, span_of(wanted))) {
            html_decode(value, &p->value);
            break;
        }
    return buf_span(&p->value);
}

static void start_link(struct plain *p, struct span url)
{
    free(p->link);
    p->link = html_is_link(url) ? span_strdup(url) : NULL;
    p->link_at = p->out->n;
}

static void end_link(struct plain *p)
{
    if (!p->link)
        return;
    struct span all = buf_span(p->out), shown = {all.p + p->link_at, all.n - p->link_at};
    while (shown.n > 0 && is_space(*shown.p))
        shown = (struct span){shown.p + 1, shown.n - 1};
    const char *bare = strncmp(p->link, "mailto:", 7) == 0 ? p->link + 7 : p->link;
    if (shown.n == 0)
        add_words(p, span_of(bare));
    else if (!span_is(shown, bare) && !span_is(shown, p->link))
        buf_addf(p->out, " (%s)", bare);
    free(p->link);
    p->link = NULL;
}

static void start(struct plain *p, const struct html_token *t)
{
    unsigned flags = t->element->flags;

    if (strcmp(t->element->name, "br") == 0) {
        p->breaks++;
        p->owes_space = false;
    }
    if (flags & (HTML_LINE | HTML_PARAGRAPH))
        break_line(p, flags & HTML_PARAGRAPH ? 2 : 1);
    if (flags & HTML_ITEM) {
        add_words(p, SPAN_LIT("- "));
        p->is_item = true;
    }
    if (flags & HTML_PRE)
        p->pre++;
    if (strcmp(t->element->name, "a") == 0)
        start_link(p, value_of(p, t->attributes, "href"));
    if (strcmp(t->element->name, "img") == 0)
        add_words(p, value_of(p, t->attributes, "alt"));
}

static void end(struct plain *p, const struct html_element *element)
{
    if (strcmp(element->name, "a") == 0)
        end_link(p);
    if ((element->flags & HTML_PRE) && p->pre > 0)
        p->pre--;
    if (element->flags & HTML_ITEM)
        p->is_item = false;
    if (element->flags & (HTML_LINE | HTML_PARAGRAPH))
        break_line(p, element->flags & HTML_PARAGRAPH ? 2 : 1);
    if (element->flags & HTML_CELL)
        p->owes_space = true;
}

void html_to_text(struct span html, struct buf *out)
{
    struct plain p = {.out = out};
    struct html_reader reader = {html};
    struct html_token t;

    buf_init(&p.words, html.n + 4);
    buf_init(&p.value, HTML_VALUE_MAX);
    while (html_next(&reader, &t)) {
        if (t.type == HTML_START)
            start(&p, &t);
        else if (t.type == HTML_END)
            end(&p, t.element);
        else
            add_text(&p, t.text);
    }
    end_link(&p);
    buf_fini(&p.words);
    buf_fini(&p.value);
}
