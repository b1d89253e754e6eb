/*
 * Clean HTML. Which elements stay is the token table's business; which attributes stay, and which values they
 * may have, is decided here. Invariant: open holds the elements that out has begun and not ended.
 */
#include "front/html.h"
#include "base/mem.h"
#include "front/html_token.h"
#include <string.h>

enum value_kind { VALUE_TEXT, VALUE_NUMBER, VALUE_LINK, VALUE_IMAGE };

/* clang-format off */
static const struct attribute {
    const char *element, *name; /* element NULL: any */
    enum value_kind kind;
} attributes[] = {
    {"a", "href", VALUE_LINK}, {"img", "src", VALUE_IMAGE}, {"img", "alt", VALUE_TEXT},
    {"img", "width", VALUE_NUMBER}, {"img", "height", VALUE_NUMBER}, {"ol", "start", VALUE_NUMBER},
    {"td", "colspan", VALUE_NUMBER}, {"td", "rowspan", VALUE_NUMBER}, {"th", "colspan", VALUE_NUMBER},
    {"th", "rowspan", VALUE_NUMBER}, {NULL, "title", VALUE_TEXT}, {NULL, "dir", VALUE_TEXT},
    {NULL, "lang", VALUE_TEXT},
};

/* The start of an element with a flag of `by` ends an open one with a flag of `ends`, unless one with `until` lies between. */
static const struct implied {
    unsigned by, ends, until;
} implied[] = {
    {HTML_ITEM, HTML_ITEM, HTML_LIST | HTML_TABLE},
    {HTML_ROW, HTML_ROW, HTML_TABLE},
    {HTML_CELL, HTML_CELL, HTML_TABLE | HTML_ROW},
};
/* clang-format on */

struct clean {
    struct buf *out;
    struct buf scratch;
    const struct html_element *open[HTML_DEPTH_MAX];
    unsigned open_n;
};

static void escape(struct buf *out, struct span text)
{
    size_t from = 0;

    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        const char *as = c == '<'   ? "&lt;"
                         : c == '>' ? "&gt;"
                         : c == '&' ? "&amp;"
                         : c == '"' ? "&quot;"
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

static bool has_scheme(struct span url, const char *const *schemes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t length = strlen(schemes[i]);
        if (url.n > length && span_ieq((struct span){url.p, length}, span_of(schemes[i])))
            return true;
    }
    return false;
}

bool html_is_link(struct span url)
{
    static const char *const schemes[] = {"https://", "http://", "mailto:", "tel:"};

    return has_scheme(url, schemes, ARRAY_LEN(schemes));
}

static bool is_value(enum value_kind kind, struct span value)
{
    static const char *const images[] = {"https://", "http://", "cid:"};
    uint64_t n;

    switch (kind) {
    case VALUE_TEXT:
        return true;
    case VALUE_NUMBER:
        return span_u64(value, &n) && n <= 10000;
    case VALUE_LINK:
        return html_is_link(value);
    case VALUE_IMAGE:
        return has_scheme(value, images, ARRAY_LEN(images));
    }
    return false;
}

static const struct attribute *attribute_of(const struct html_element *e, struct span name)
{
    for (const struct attribute *a = attributes; a < attributes + ARRAY_LEN(attributes); a++)
        if (span_ieq(name, span_of(a->name)) && (!a->element || strcmp(a->element, e->name) == 0))
            return a;
    return NULL;
}

/* Of attributes with the same name the first counts, as in browsers; seen is a bit for each row. */
static void put_attribute(struct clean *c, const struct attribute *a, struct span value, unsigned *seen)
{
    unsigned bit = 1u << (a - attributes);

    if (*seen & bit)
        return;
    *seen |= bit;
    buf_clear(&c->scratch);
    html_decode(value, &c->scratch);
    if (c->scratch.is_over || !is_value(a->kind, buf_span(&c->scratch)))
        return;
    buf_add_char(c->out, ' ');
    buf_add_str(c->out, a->name);
    buf_add_str(c->out, "=\"");
    escape(c->out, buf_span(&c->scratch));
    buf_add_char(c->out, '"');
}

static void end_top(struct clean *c)
{
    buf_add_str(c->out, "</");
    buf_add_str(c->out, c->open[--c->open_n]->name);
    buf_add_char(c->out, '>');
}

/* end_to ends what is open down to the first element that has a flag of `ends`, unless one of `until` comes
 * first. */
static void end_to(struct clean *c, unsigned ends, unsigned until)
{
    for (unsigned i = c->open_n; i > 0; i--) {
        unsigned flags = c->open[i - 1]->flags;
        if (flags & ends) {
            while (c->open_n >= i)
                end_top(c);
            return;
        }
        if (flags & until)
            return;
    }
}

/* A block ends a paragraph that is open right here, as it does in browsers. */
static void end_paragraph(struct clean *c)
{
    const unsigned block = HTML_LINE | HTML_PARAGRAPH | HTML_CELL;

    for (unsigned i = c->open_n; i > 0; i--) {
        if (!(c->open[i - 1]->flags & block))
            continue;
        if (strcmp(c->open[i - 1]->name, "p") == 0)
            while (c->open_n >= i)
                end_top(c);
        return;
    }
}

static void start(struct clean *c, const struct html_token *t)
{
    unsigned flags = t->element->flags, seen = 0;
    struct span rest = t->attributes, name, value;

    if (flags & (HTML_LINE | HTML_PARAGRAPH))
        end_paragraph(c);
    for (const struct implied *i = implied; i < implied + ARRAY_LEN(implied); i++)
        if (flags & i->by)
            end_to(c, i->ends, i->until);
    if (!(flags & HTML_KEEP) || c->open_n == HTML_DEPTH_MAX)
        return;
    buf_add_char(c->out, '<');
    buf_add_str(c->out, t->element->name);
    while (html_attribute(&rest, &name, &value)) {
        const struct attribute *a = attribute_of(t->element, name);
        if (a)
            put_attribute(c, a, value, &seen);
    }
    buf_add_char(c->out, '>');
    if (!(flags & HTML_VOID))
        c->open[c->open_n++] = t->element;
}

/* An end tag ends its element and what was left open in it; one that fits nothing is ignored. */
static void end(struct clean *c, const struct html_element *element)
{
    for (unsigned i = c->open_n; i > 0; i--)
        if (c->open[i - 1] == element) {
            while (c->open_n >= i)
                end_top(c);
            return;
        }
}

void html_sanitise(struct span html, struct buf *out)
{
    struct clean c = {.out = out};
    struct html_reader reader = {html};
    struct html_token t;
    struct buf text;

    buf_init(&c.scratch, HTML_VALUE_MAX);
    buf_init(&text, html.n + 4);
    while (html_next(&reader, &t)) {
        if (t.type == HTML_START) {
            start(&c, &t);
        } else if (t.type == HTML_END) {
            end(&c, t.element);
        } else {
            buf_clear(&text);
            html_decode(t.text, &text);
            escape(out, buf_span(&text));
        }
    }
    while (c.open_n > 0)
        end_top(&c);
    buf_fini(&text);
    buf_fini(&c.scratch);
}

void html_from_text(struct span text, struct buf *out)
{
    size_t from = 0;

    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '\n' && text.p[i] != '\r')
            continue;
        escape(out, (struct span){text.p + from, i - from});
        if (text.p[i] == '\r' && i + 1 < text.n && text.p[i + 1] == '\n')
            i++;
        buf_add_str(out, "<br>");
        from = i + 1;
    }
    if (from < text.n)
        escape(out, (struct span){text.p + from, text.n - from});
}
