/*
 * HTML as a document. It decides what browsers would decide, as far as that matters for messages: which end
 * tags are implied, what white space is shown, which attributes stay and which values they may have.
 *
 * Shape: open is what the tags have opened; shown is what the document has open. Tags only change the first;
 * the second follows when something is to be said, so that what says nothing leaves no trace, and what is
 * closed and opened again at once stays open.
 */
#include "base/mem.h"
#include "text/doc.h"
#include <stdlib.h>
#include <string.h>

enum value_kind { VALUE_TEXT, VALUE_NUMBER, VALUE_LINK, VALUE_IMAGE };

/* clang-format off */
static const struct attribute {
    const char *element, *name; /* element NULL: any */
    enum value_kind kind;
    enum doc_value value;
} attributes[] = {
    {"a", "href", VALUE_LINK, DOC_HREF}, {"img", "src", VALUE_IMAGE, DOC_SRC}, {"img", "alt", VALUE_TEXT, DOC_ALT},
    {"img", "width", VALUE_NUMBER, DOC_WIDTH}, {"img", "height", VALUE_NUMBER, DOC_HEIGHT},
    {"ol", "start", VALUE_NUMBER, DOC_START}, {"td", "colspan", VALUE_NUMBER, DOC_COLSPAN},
    {"td", "rowspan", VALUE_NUMBER, DOC_ROWSPAN}, {"th", "colspan", VALUE_NUMBER, DOC_COLSPAN},
    {"th", "rowspan", VALUE_NUMBER, DOC_ROWSPAN}, {NULL, "title", VALUE_TEXT, DOC_TITLE},
    {NULL, "dir", VALUE_TEXT, DOC_DIR}, {NULL, "lang", VALUE_TEXT, DOC_LANG},
};

/* The start of an element with a flag of `by` ends an open one with a flag of `ends`, unless one with `until` lies between. */
static const struct implied {
    unsigned by, ends, until;
} implied[] = {
    {HTML_ITEM, HTML_ITEM, HTML_LIST | HTML_TABLE | HTML_CELL},
    {HTML_SECTION, HTML_SECTION, HTML_TABLE},
    {HTML_ROW, HTML_ROW, HTML_TABLE},
    {HTML_CELL, HTML_CELL, HTML_TABLE | HTML_ROW},
};
/* clang-format on */

enum {
    MARKS = HTML_STRONG | HTML_EM | HTML_STRIKE | HTML_CODE,
    TABLES = HTML_CELL | HTML_ROW | HTML_SECTION
};

struct open {
    const struct html_element *element;
    uint32_t at, n;  /* in values */
    uint32_t serial; /* no two have the same */
};

struct reader {
    struct doc *d;
    struct buf values, value, words;
    struct open open[DOC_DEPTH_MAX], shown[DOC_DEPTH_MAX];
    unsigned open_n, shown_n;
    uint32_t serial;
    bool is_changed;  /* open is not what it was when words were said last */
    bool owes_space;  /* before the next word */
    bool is_at_start; /* nothing is said on this line yet */
    unsigned pre_n;   /* how many of open are preformatted */
};

/* ---- What is shown ---- */

static struct span values_of(const struct reader *r, const struct open *o)
{
    return (struct span){r->values.p ? r->values.p + o->at : "", o->n};
}

static bool is_block(const struct open *o)
{
    return o->element->flags & HTML_BLOCK;
}

/* Blocks by who they are, so that two paragraphs stay two; others by what they say. */
static bool is_same(const struct reader *r, const struct open *a, const struct open *b)
{
    if (is_block(a))
        return a->serial == b->serial;
    bool is_alike = a->element == b->element || (a->element->flags & b->element->flags & MARKS);
    return is_alike && span_eq(values_of(r, a), values_of(r, b));
}

static struct span value_of(const struct reader *r, const struct open *o, enum doc_value which)
{
    const struct doc values = {.values = r->values};
    const struct doc_event e = {.at = o->at, .n = o->n};

    return doc_value(&values, &e, which);
}

/* What says nothing, or nothing new; or what is said again in each of many blocks, and is too long for that. */
static bool is_idle(const struct reader *r, const struct open *o, unsigned marks)
{
    unsigned flags = o->element->flags;

    if (o->n > 0 && r->d->values.n + o->n > r->d->values.max_bytes)
        return true;
    if (flags & HTML_LINK)
        return !value_of(r, o, DOC_HREF).p;
    return ((flags & HTML_PLAIN) && o->n == 0) || (flags & MARKS & marks);
}

static unsigned add_inline(const struct reader *r, struct open *wanted, unsigned n, bool is_link)
{
    unsigned marks = 0;

    for (unsigned i = 0; i < r->open_n; i++) {
        const struct open *o = &r->open[i];
        if (is_block(o) || !(o->element->flags & HTML_LINK) == is_link || is_idle(r, o, marks))
            continue;
        marks |= o->element->flags & MARKS;
        wanted[n++] = *o;
    }
    return n;
}

enum reach { REACH_BLOCKS, REACH_LINK, REACH_ALL };

/* What of open there is to be around the next event, in the document's order: blocks, a link, the rest. */
static unsigned wanted_of(const struct reader *r, enum reach reach, struct open *wanted)
{
    unsigned n = 0;

    for (unsigned i = 0; i < r->open_n; i++)
        if (is_block(&r->open[i]))
            wanted[n++] = r->open[i];
    if (reach >= REACH_LINK)
        n = add_inline(r, wanted, n, true);
    return reach == REACH_ALL ? add_inline(r, wanted, n, false) : n;
}

static void close_to(struct reader *r, unsigned n)
{
    while (r->shown_n > n) {
        if (is_block(&r->shown[--r->shown_n]))
            r->is_at_start = true;
        doc_close(r->d);
    }
}

/* show brings the document to what is open; a space that is owed goes where it belongs to neither side. */
static void show(struct reader *r, enum reach reach)
{
    struct open wanted[DOC_DEPTH_MAX];
    unsigned n = wanted_of(r, reach, wanted), same = 0;

    while (same < n && same < r->shown_n && is_same(r, &wanted[same], &r->shown[same]))
        same++;
    memcpy(r->shown, wanted, same * sizeof *wanted);
    close_to(r, same);
    if (r->owes_space && !r->is_at_start && !(same < n && is_block(&wanted[same])) && reach == REACH_ALL)
        doc_words(r->d, SPAN_LIT(" "));
    r->owes_space = false;
    for (; r->shown_n < n; r->shown_n++) {
        const struct open *o = &wanted[r->shown_n];
        r->is_at_start |= is_block(o);
        doc_open(r->d, o->element, values_of(r, o));
        r->shown[r->shown_n] = *o;
    }
    r->is_changed = reach != REACH_ALL;
}

static void say(struct reader *r, struct span words)
{
    if (r->is_changed)
        show(r, REACH_ALL);
    else if (r->owes_space && !r->is_at_start)
        doc_words(r->d, SPAN_LIT(" "));
    r->owes_space = false;
    doc_words(r->d, words);
    r->is_at_start = false;
}

/* ---- Tags ---- */

static bool has_scheme(struct span url, const char *const *schemes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t length = strlen(schemes[i]);
        if (url.n > length && span_ieq((struct span){url.p, length}, span_of(schemes[i])))
            return true;
    }
    return false;
}

bool doc_is_link(struct span url)
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
        return doc_is_link(value);
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

const char *doc_value_name(enum doc_value which)
{
    for (const struct attribute *a = attributes; a < attributes + ARRAY_LEN(attributes); a++)
        if (a->value == which)
            return a->name;
    return "";
}

/* URLs lose what browsers ignore in them, so that nothing hides behind it; words stand in one line. */
static void clean(enum value_kind kind, struct buf *value)
{
    size_t n = 0;

    for (size_t i = 0; i < value->n; i++) {
        unsigned char c = (unsigned char)value->p[i];
        bool is_space = c == ' ' || (kind == VALUE_TEXT && c < ' ');
        if (c > ' ' && c != 0x7f)
            value->p[n++] = (char)c;
        else if (is_space && n > 0 && (kind != VALUE_TEXT || value->p[n - 1] != ' '))
            value->p[n++] = ' ';
    }
    while (n > 0 && value->p[n - 1] == ' ')
        n--;
    buf_cut(value, n);
}

/* Of attributes with the same name the first counts, as in browsers; seen is a bit for each row. */
static void add_value(struct reader *r, const struct attribute *a, struct span raw, unsigned *seen)
{
    unsigned bit = 1u << (a - attributes);

    if (*seen & bit)
        return;
    *seen |= bit;
    buf_clear(&r->value);
    html_decode(raw, &r->value);
    if (r->value.is_over)
        return;
    clean(a->kind, &r->value);
    if (!is_value(a->kind, buf_span(&r->value)))
        return;
    buf_add_char(&r->values, (char)(a->value + 1));
    buf_add_span(&r->values, buf_span(&r->value));
    buf_add_char(&r->values, '\0');
}

static struct open open_of(struct reader *r, const struct html_token *t)
{
    struct open o = {.element = t->element, .at = (uint32_t)r->values.n, .serial = ++r->serial};
    struct span rest = t->attributes, name, value;
    unsigned seen = 0;

    if (!(t->element->flags & HTML_KEEP)) {
        o.element = html_element_of(SPAN_LIT("div"));
        return o;
    }
    while (html_attribute(&rest, &name, &value)) {
        const struct attribute *a = attribute_of(t->element, name);
        if (a)
            add_value(r, a, value, &seen);
    }
    o.n = (uint32_t)r->values.n - o.at;
    return o;
}

static void remove_open(struct reader *r, unsigned i)
{
    if (r->open[i].element->flags & HTML_PRE)
        r->pre_n--;
    r->open_n--;
    memmove(&r->open[i], &r->open[i + 1], (r->open_n - i) * sizeof r->open[i]);
    r->is_changed = true;
}

static void end_from(struct reader *r, unsigned i)
{
    while (r->open_n > i)
        remove_open(r, r->open_n - 1);
}

/* end_to ends what is open down to the first element that has a flag of `ends`, unless one of `until` comes
 * first. */
static void end_to(struct reader *r, unsigned ends, unsigned until)
{
    for (unsigned i = r->open_n; i > 0; i--) {
        unsigned flags = r->open[i - 1].element->flags;
        if (flags & ends) {
            end_from(r, i - 1);
            return;
        }
        if (flags & until)
            return;
    }
}

/* A block ends a paragraph that is open right here, as it does in browsers. */
static void end_paragraph(struct reader *r)
{
    for (unsigned i = r->open_n; i > 0; i--) {
        if (!is_block(&r->open[i - 1]))
            continue;
        if (strcmp(r->open[i - 1].element->name, "p") == 0)
            end_from(r, i - 1);
        return;
    }
}

static void end_link(struct reader *r)
{
    for (unsigned i = r->open_n; i > 0; i--)
        if (r->open[i - 1].element->flags & HTML_LINK)
            remove_open(r, i - 1);
}

static void add_words(struct reader *r, struct span text);

static bool is_dot(struct span size)
{
    return span_is(size, "0") || span_is(size, "1");
}

/* "class" holds "emoji": the picture is only how it was drawn. */
static bool is_emoji(const struct html_token *t)
{
    struct span rest = t->attributes, name, value;

    while (html_attribute(&rest, &name, &value))
        if (span_ieq(name, SPAN_LIT("class")) && memmem(value.p, value.n, "emoji", 5))
            return true;
    return false;
}

/* An image that cannot be shown is what it says instead. */
static void start_empty(struct reader *r, const struct html_token *t)
{
    unsigned flags = t->element->flags;
    struct open o = open_of(r, t);
    bool is_image = flags & HTML_IMAGE;

    if (is_image && (!value_of(r, &o, DOC_SRC).p || is_emoji(t))) {
        add_words(r, value_of(r, &o, DOC_ALT));
        return;
    }
    if (is_image && (is_dot(value_of(r, &o, DOC_WIDTH)) || is_dot(value_of(r, &o, DOC_HEIGHT))))
        return; /* it counts who reads */
    show(r, flags & HTML_RULE ? REACH_BLOCKS : flags & HTML_BREAK ? REACH_LINK : REACH_ALL);
    doc_empty(r->d, o.element, values_of(r, &o));
    r->is_at_start = !(flags & HTML_IMAGE);
}

static void start(struct reader *r, const struct html_token *t)
{
    unsigned flags = t->element->flags;

    if (flags & (HTML_LINE | HTML_PARAGRAPH))
        end_paragraph(r);
    for (const struct implied *i = implied; i < implied + ARRAY_LEN(implied); i++)
        if (flags & i->by)
            end_to(r, i->ends, i->until);
    if (flags & HTML_LINK)
        end_link(r);
    if (!(flags & (HTML_KEEP | HTML_BLOCK)) || doc_is_full(r->d))
        return;
    if (flags & HTML_VOID) {
        start_empty(r, t);
        return;
    }
    if (r->open_n == DOC_DEPTH_MAX)
        return;
    if (r->open_n == 0 && r->shown_n == 0)
        buf_clear(&r->values);
    r->open[r->open_n++] = open_of(r, t);
    r->pre_n += (flags & HTML_PRE) != 0;
    r->is_changed = true;
    if (flags & (HTML_CELL | HTML_ITEM))
        show(r, REACH_BLOCKS); /* also an empty one has its place */
}

/* A link without words shows where it leads. */
static void say_target(struct reader *r, const struct open *o)
{
    struct span url = value_of(r, o, DOC_HREF);

    for (unsigned i = 0; i < r->shown_n; i++)
        if (r->shown[i].serial == o->serial)
            return;
    if (url.n > 0)
        add_words(r, url);
}

/* An end tag ends its element; a block's ends what was left open in it too. One that fits nothing is ignored. */
static void end(struct reader *r, const struct html_element *element)
{
    unsigned flags = element->flags;
    unsigned until = flags & HTML_TABLE ? 0 : flags & TABLES ? HTML_TABLE : HTML_TABLE | HTML_CELL;
    until |= flags & HTML_ITEM ? HTML_LIST : 0;

    if ((flags & HTML_BLOCK) && !(flags & HTML_KEEP))
        element = html_element_of(SPAN_LIT("div"));
    for (unsigned i = r->open_n; i > 0; i--) {
        const struct open o = r->open[i - 1];
        if (o.element == element) {
            if (flags & HTML_LINK)
                say_target(r, &o);
            if (flags & HTML_BLOCK)
                end_from(r, i - 1);
            else
                remove_open(r, i - 1);
            return;
        }
        if (o.element->flags & until)
            return;
    }
}

/* ---- Words ---- */

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
}

static void add_words(struct reader *r, struct span text)
{
    for (size_t i = 0; i < text.n; i++) {
        size_t n = 0;
        while (i + n < text.n && !is_space(text.p[i + n]))
            n++;
        if (n > 0)
            say(r, (struct span){text.p + i, n});
        i += n;
        r->owes_space |= i < text.n;
    }
}

/* Line breaks become newlines. */
static void add_pre(struct reader *r, struct span text)
{
    if (r->is_changed && text.n > 0)
        show(r, REACH_ALL);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '\r' && i + 1 < text.n && text.p[i + 1] == '\n')
            continue;
        if (c == '\r')
            c = '\n';
        else if (c == HTML_KEPT_SPACE || c == '\f')
            c = ' ';
        else if (c == HTML_KEPT_TAB)
            c = '\t';
        doc_words(r->d, (struct span){&c, 1});
        r->is_at_start = false;
    }
}

static struct span without_line_break(struct span s)
{
    size_t n = span_starts(s, "\r\n") ? 2 : span_starts(s, "\n") || span_starts(s, "\r") ? 1 : 0;

    return (struct span){s.p + n, s.n - n};
}

/* A line break right after the start tag of preformatted text is only how it is laid out. */
static void add_text(struct reader *r, struct span text, bool is_after_pre)
{
    buf_clear(&r->words);
    html_decode_text(is_after_pre ? without_line_break(text) : text, &r->words);
    if (r->pre_n > 0)
        add_pre(r, buf_span(&r->words));
    else
        add_words(r, buf_span(&r->words));
}

void doc_read_html(struct doc *d, struct span html)
{
    struct reader *r = mem_zalloc(sizeof *r);
    struct html_reader tokens = {html};
    struct html_token t;
    bool is_after_pre = false;

    *r = (struct reader){.d = d, .is_at_start = true};
    buf_init(&r->values, html.n + 4096);
    buf_init(&r->value, DOC_VALUE_MAX);
    buf_init(&r->words, html.n + 4);
    while (html_next(&tokens, &t)) {
        if (t.type == HTML_START)
            start(r, &t);
        else if (t.type == HTML_END)
            end(r, t.element);
        else
            add_text(r, t.text, is_after_pre);
        is_after_pre = t.type == HTML_START && (t.element->flags & HTML_PRE);
    }
    end_from(r, 0);
    doc_finish(d);
    buf_fini(&r->values);
    buf_fini(&r->value);
    buf_fini(&r->words);
    free(r);
}
