/*
 * One walk over HTML by libxml2's SAX parser, with two listeners: one writes plain text, the other clean
 * HTML. Which element does what is one table; which attributes survive is another.
 */
#include "front/html.h"
#include "base/mem.h"
#include <libxml/HTMLparser.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEEP = 1u << 0,      /* allowed in clean HTML; others are unwrapped */
    VOID = 1u << 1,      /* has no end tag */
    DROP = 1u << 2,      /* goes with all that is in it */
    LINE = 1u << 3,      /* as text: a line of its own */
    PARAGRAPH = 1u << 4, /* as text: set off by an empty line */
    PRE = 1u << 5,       /* as text: white space counts */
    ITEM = 1u << 6,
    CELL = 1u << 7,
};

/* Sorted by name. */
/* clang-format off */
static const struct element {
    const char *name;
    unsigned flags;
} elements[] = {
    {"a", KEEP}, {"abbr", KEEP}, {"address", KEEP | LINE}, {"article", LINE}, {"b", KEEP}, {"big", KEEP},
    {"blockquote", KEEP | PARAGRAPH}, {"br", KEEP | VOID}, {"caption", KEEP | LINE}, {"cite", KEEP},
    {"code", KEEP}, {"dd", KEEP | LINE}, {"del", KEEP}, {"div", KEEP | LINE}, {"dl", KEEP | PARAGRAPH},
    {"dt", KEEP | LINE}, {"em", KEEP}, {"footer", LINE}, {"form", LINE},
    {"h1", KEEP | PARAGRAPH}, {"h2", KEEP | PARAGRAPH}, {"h3", KEEP | PARAGRAPH}, {"h4", KEEP | PARAGRAPH},
    {"h5", KEEP | PARAGRAPH}, {"h6", KEEP | PARAGRAPH}, {"head", DROP}, {"header", LINE},
    {"hr", KEEP | VOID | LINE}, {"i", KEEP}, {"iframe", DROP}, {"img", KEEP | VOID}, {"ins", KEEP},
    {"kbd", KEEP}, {"li", KEEP | LINE | ITEM}, {"math", DROP}, {"object", DROP}, {"ol", KEEP | PARAGRAPH},
    {"p", KEEP | PARAGRAPH}, {"pre", KEEP | PARAGRAPH | PRE}, {"q", KEEP}, {"s", KEEP}, {"samp", KEEP},
    {"script", DROP}, {"section", LINE}, {"select", DROP}, {"small", KEEP}, {"span", KEEP}, {"strike", KEEP},
    {"strong", KEEP}, {"style", DROP}, {"sub", KEEP}, {"sup", KEEP}, {"svg", DROP},
    {"table", KEEP | PARAGRAPH}, {"tbody", KEEP}, {"td", KEEP | CELL}, {"template", DROP}, {"tfoot", KEEP},
    {"th", KEEP | CELL}, {"thead", KEEP}, {"title", DROP}, {"tr", KEEP | LINE}, {"tt", KEEP}, {"u", KEEP},
    {"ul", KEEP | PARAGRAPH}, {"var", KEEP},
};

enum value_kind { VALUE_TEXT, VALUE_NUMBER, VALUE_LINK, VALUE_IMAGE };

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
/* clang-format on */

static int compare_element(const void *name, const void *element)
{
    return strcmp(name, ((const struct element *)element)->name);
}

static unsigned flags_of(const char *name)
{
    const struct element *e =
        bsearch(name, elements, ARRAY_LEN(elements), sizeof elements[0], compare_element);

    return e ? e->flags : 0;
}

/* ---- The walk
 * ------------------------------------------------------------------------------------------------ */

struct walk {
    const struct listener *listener;
    struct buf *out;
    htmlParserCtxtPtr parser;
    unsigned depth, dropped; /* dropped: how many DROP elements are open */
    bool is_too_deep;
    /* the text listener's */
    unsigned breaks, pre;               /* line breaks owed before the next word */
    bool owes_space, has_text, is_item; /* is_item: the bullet is written, its text is not */
    size_t link_at;
    char *link;
};

struct listener {
    void (*start)(struct walk *w, const char *name, unsigned flags, const xmlChar **attrs);
    void (*end)(struct walk *w, const char *name, unsigned flags);
    void (*text)(struct walk *w, struct span text);
};

static void on_start(void *arg, const xmlChar *name, const xmlChar **attrs)
{
    struct walk *w = arg;
    unsigned flags = flags_of((const char *)name);

    /* The parser searches its stack of open elements at each end tag: the limit keeps it linear. */
    if (++w->depth > HTML_DEPTH_MAX + 1) {
        w->is_too_deep = true;
        xmlStopParser(w->parser);
        return;
    }
    if (flags & DROP)
        w->dropped++;
    if (!w->dropped)
        w->listener->start(w, (const char *)name, flags, attrs);
}

static void on_end(void *arg, const xmlChar *name)
{
    struct walk *w = arg;
    unsigned flags = flags_of((const char *)name);

    if (w->is_too_deep)
        return;
    if (!w->dropped)
        w->listener->end(w, (const char *)name, flags);
    if (w->depth > 0)
        w->depth--;
    if ((flags & DROP) && w->dropped > 0)
        w->dropped--;
}

static void on_text(void *arg, const xmlChar *text, int n)
{
    struct walk *w = arg;

    if (!w->dropped && !w->is_too_deep)
        w->listener->text(w, (struct span){(const char *)text, (size_t)n});
}

static void on_parser_error(void *arg, xmlErrorPtr error)
{
    (void)arg;
    (void)error;
}

/* Inside an element that is none, bare text is not given the <p> that libxml2 would otherwise put around it.
 */
static const char wrapper[] = "<fb-message>";

static void walk_html(struct walk *w, struct span html)
{
    struct buf text;

    must(html.n <= INT32_MAX - sizeof wrapper);
    buf_init(&text, sizeof wrapper + html.n);
    buf_add_str(&text, wrapper);
    buf_add_span(&text, html);
    htmlHandleOmittedElem(0);
    w->parser = htmlNewParserCtxt();
    must(w->parser != NULL);
    *w->parser->sax = (xmlSAXHandler){.startElement = on_start,
                                      .endElement = on_end,
                                      .characters = on_text,
                                      .ignorableWhitespace = on_text,
                                      .serror = on_parser_error,
                                      .initialized = XML_SAX2_MAGIC};
    w->parser->userData = w;
    htmlDocPtr doc = htmlCtxtReadMemory(w->parser, text.p, (int)text.n, NULL, "UTF-8",
                                        HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
                                            HTML_PARSE_NONET | HTML_PARSE_NOIMPLIED | HTML_PARSE_IGNORE_ENC);
    xmlFreeDoc(doc);
    htmlFreeParserCtxt(w->parser);
    buf_fini(&text);
}

static const char *attribute_of(const xmlChar **attrs, const char *name)
{
    for (; attrs && attrs[0]; attrs += 2)
        if (strcmp((const char *)attrs[0], name) == 0)
            return (const char *)attrs[1];
    return NULL;
}

static bool is_link(struct span url)
{
    static const char *const schemes[] = {"https://", "http://", "mailto:", "tel:"};

    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        size_t n = strlen(schemes[i]);
        if (url.n > n && span_ieq((struct span){url.p, n}, span_of(schemes[i])))
            return true;
    }
    return false;
}

/* ---- Clean HTML
 * ------------------------------------------------------------------------------------------------ */

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

static bool is_value(enum value_kind kind, struct span value)
{
    uint64_t n;

    switch (kind) {
    case VALUE_TEXT:
        return true;
    case VALUE_NUMBER:
        return span_u64(value, &n) && n <= 10000;
    case VALUE_LINK:
        return is_link(value);
    case VALUE_IMAGE:
        return span_starts(value, "https://") || span_starts(value, "http://") || span_starts(value, "cid:");
    }
    return false;
}

static void clean_attribute(struct buf *out, const char *element, const char *name, struct span value)
{
    for (const struct attribute *a = attributes; a < attributes + ARRAY_LEN(attributes); a++) {
        if (strcmp(a->name, name) != 0 || (a->element && strcmp(a->element, element) != 0))
            continue;
        if (!is_value(a->kind, value))
            return;
        buf_addf(out, " %s=\"", a->name);
        escape(out, value);
        buf_add_char(out, '"');
        return;
    }
}

static void clean_start(struct walk *w, const char *name, unsigned flags, const xmlChar **attrs)
{
    if (!(flags & KEEP))
        return;
    buf_add_char(w->out, '<');
    buf_add_str(w->out, name);
    for (; attrs && attrs[0]; attrs += 2)
        clean_attribute(w->out, name, (const char *)attrs[0], span_of((const char *)attrs[1]));
    buf_add_char(w->out, '>');
}

static void clean_end(struct walk *w, const char *name, unsigned flags)
{
    if ((flags & KEEP) && !(flags & VOID))
        buf_addf(w->out, "</%s>", name);
}

static void clean_text(struct walk *w, struct span text)
{
    escape(w->out, text);
}

enum err html_sanitise(struct span html, struct buf *out)
{
    static const struct listener clean = {clean_start, clean_end, clean_text};
    struct walk w = {.listener = &clean, .out = out};

    walk_html(&w, html);
    return w.is_too_deep ? ERR_LIMIT : OK;
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

/* ---- Plain text
 * ------------------------------------------------------------------------------------------------ */

static void break_line(struct walk *w, unsigned breaks)
{
    if (w->is_item)
        return;
    if (w->breaks < breaks)
        w->breaks = breaks;
    w->owes_space = false;
}

static void pay_what_is_owed(struct walk *w)
{
    if (w->has_text)
        for (unsigned i = 0; i < w->breaks; i++)
            buf_add_char(w->out, '\n');
    if (w->has_text && w->breaks == 0 && w->owes_space)
        buf_add_char(w->out, ' ');
    w->breaks = 0;
    w->owes_space = w->is_item = false;
    w->has_text = true;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
}

static void text_words(struct walk *w, struct span text)
{
    for (size_t i = 0; i < text.n;) {
        size_t n = 0;
        while (i + n < text.n && !is_space(text.p[i + n]))
            n++;
        if (n > 0) {
            pay_what_is_owed(w);
            buf_add(w->out, text.p + i, n);
        }
        i += n;
        if (i < text.n) {
            w->owes_space = true;
            i++;
        }
    }
}

static void text_text(struct walk *w, struct span text)
{
    if (!w->pre) {
        text_words(w, text);
        return;
    }
    pay_what_is_owed(w);
    buf_add_span(w->out, text);
}

static void start_link(struct walk *w, const char *href)
{
    struct span url = span_of(href);

    free(w->link);
    w->link = url.p && is_link(url) ? span_strdup(url) : NULL;
    w->link_at = w->out->n;
}

/* A link is written as "text (target)", as Front does in its own texts, unless the text is the target. */
static void end_link(struct walk *w)
{
    if (!w->link)
        return;
    struct span shown = {w->out->p + w->link_at, w->out->n - w->link_at};
    while (shown.n > 0 && is_space(*shown.p))
        shown = (struct span){shown.p + 1, shown.n - 1};
    const char *bare = strncmp(w->link, "mailto:", 7) == 0 ? w->link + 7 : w->link;
    if (shown.n > 0 && !span_is(shown, bare) && !span_is(shown, w->link))
        buf_addf(w->out, " (%s)", bare);
    else if (shown.n == 0)
        text_words(w, span_of(bare));
    free(w->link);
    w->link = NULL;
}

static void text_start(struct walk *w, const char *name, unsigned flags, const xmlChar **attrs)
{
    if (strcmp(name, "br") == 0) {
        w->breaks++;
        w->owes_space = false;
    }
    if (flags & (LINE | PARAGRAPH))
        break_line(w, flags & PARAGRAPH ? 2 : 1);
    if (flags & ITEM) {
        text_words(w, SPAN_LIT("- "));
        w->is_item = true;
    }
    if (flags & PRE)
        w->pre++;
    if (strcmp(name, "a") == 0)
        start_link(w, attribute_of(attrs, "href"));
    if (strcmp(name, "img") == 0)
        text_words(w, span_of(attribute_of(attrs, "alt")));
}

static void text_end(struct walk *w, const char *name, unsigned flags)
{
    if (strcmp(name, "a") == 0)
        end_link(w);
    if ((flags & PRE) && w->pre > 0)
        w->pre--;
    if (flags & ITEM)
        w->is_item = false;
    if (flags & (LINE | PARAGRAPH))
        break_line(w, flags & PARAGRAPH ? 2 : 1);
    if (flags & CELL)
        w->owes_space = true;
}

void html_to_text(struct span html, struct buf *out)
{
    static const struct listener plain = {text_start, text_end, text_text};
    struct walk w = {.listener = &plain, .out = out};

    walk_html(&w, html);
    free(w.link);
}
