/*
 * Decides where a tag begins and ends. It knows of elements only what the one table says.
 * Invariant: every byte is looked at a bounded number of times; whatever has no end swallows the rest, which
 * is then over.
 */
#include "text/html_token.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

enum { ELEMENT_NAME_MAX = 16 };

/* Sorted by name. */
/* clang-format off */
#define BLOCK (HTML_KEEP | HTML_PARAGRAPH)
static const struct html_element elements[] = {
    {"a", HTML_KEEP | HTML_LINK}, {"abbr", HTML_KEEP | HTML_PLAIN}, {"address", HTML_KEEP | HTML_LINE},
    {"article", HTML_LINE}, {"aside", HTML_LINE}, {"b", HTML_KEEP | HTML_STRONG}, {"big", HTML_KEEP},
    {"blockquote", BLOCK | HTML_QUOTE}, {"br", HTML_KEEP | HTML_VOID | HTML_BREAK},
    {"caption", HTML_KEEP | HTML_LINE}, {"center", HTML_LINE}, {"cite", HTML_KEEP | HTML_EM},
    {"code", HTML_KEEP | HTML_CODE}, {"dd", HTML_KEEP | HTML_LINE}, {"del", HTML_KEEP | HTML_STRIKE},
    {"details", HTML_LINE}, {"dialog", HTML_LINE}, {"div", HTML_KEEP | HTML_LINE}, {"dl", BLOCK},
    {"dt", HTML_KEEP | HTML_LINE}, {"em", HTML_KEEP | HTML_EM}, {"fieldset", HTML_LINE},
    {"figcaption", HTML_LINE}, {"figure", HTML_LINE}, {"footer", HTML_LINE}, {"form", HTML_LINE},
    {"h1", BLOCK | HTML_HEADING}, {"h2", BLOCK | HTML_HEADING}, {"h3", BLOCK | HTML_HEADING},
    {"h4", BLOCK | HTML_HEADING}, {"h5", BLOCK | HTML_HEADING}, {"h6", BLOCK | HTML_HEADING},
    {"header", HTML_LINE}, {"hgroup", HTML_LINE}, {"hr", HTML_KEEP | HTML_VOID | HTML_LINE | HTML_RULE},
    {"i", HTML_KEEP | HTML_EM}, {"iframe", HTML_DROP | HTML_RAW}, {"img", HTML_KEEP | HTML_VOID | HTML_IMAGE},
    {"ins", HTML_KEEP}, {"kbd", HTML_KEEP | HTML_CODE}, {"legend", HTML_LINE},
    {"li", HTML_KEEP | HTML_LINE | HTML_ITEM}, {"main", HTML_LINE}, {"math", HTML_DROP}, {"nav", HTML_LINE},
    {"noembed", HTML_DROP | HTML_RAW}, {"noframes", HTML_DROP | HTML_RAW}, {"object", HTML_DROP},
    {"ol", BLOCK | HTML_LIST | HTML_NUMBERED}, {"p", BLOCK}, {"plaintext", HTML_DROP | HTML_RAW},
    {"pre", BLOCK | HTML_PRE}, {"q", HTML_KEEP | HTML_SAID}, {"s", HTML_KEEP | HTML_STRIKE},
    {"samp", HTML_KEEP | HTML_CODE}, {"script", HTML_DROP | HTML_RAW}, {"section", HTML_LINE},
    {"select", HTML_DROP}, {"small", HTML_KEEP}, {"span", HTML_KEEP | HTML_PLAIN},
    {"strike", HTML_KEEP | HTML_STRIKE}, {"strong", HTML_KEEP | HTML_STRONG}, {"style", HTML_DROP | HTML_RAW},
    {"sub", HTML_KEEP}, {"summary", HTML_LINE}, {"sup", HTML_KEEP}, {"svg", HTML_DROP},
    {"table", BLOCK | HTML_TABLE}, {"tbody", HTML_KEEP | HTML_SECTION}, {"td", HTML_KEEP | HTML_CELL},
    {"template", HTML_DROP}, {"textarea", HTML_DROP | HTML_RAW}, {"tfoot", HTML_KEEP | HTML_SECTION},
    {"th", HTML_KEEP | HTML_CELL}, {"thead", HTML_KEEP | HTML_SECTION}, {"title", HTML_DROP | HTML_RAW},
    {"tr", HTML_KEEP | HTML_LINE | HTML_ROW}, {"tt", HTML_KEEP | HTML_CODE}, {"u", HTML_KEEP},
    {"ul", BLOCK | HTML_LIST}, {"var", HTML_KEEP | HTML_EM}, {"xmp", HTML_DROP | HTML_RAW},
};
/* clang-format on */
static const struct html_element unknown = {"", 0};

static int compare(const void *name, const void *element)
{
    return strcmp(name, ((const struct html_element *)element)->name);
}

const struct html_element *html_element_of(struct span name)
{
    char lower[ELEMENT_NAME_MAX];

    if (name.n >= sizeof lower)
        return &unknown;
    for (size_t i = 0; i < name.n; i++)
        lower[i] = (char)(name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] | 32 : name.p[i]);
    lower[name.n] = '\0';
    const struct html_element *e = bsearch(lower, elements, ARRAY_LEN(elements), sizeof elements[0], compare);
    return e && strlen(e->name) == name.n ? e : &unknown;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static struct span skip(struct span s, size_t n)
{
    return (struct span){s.p + n, s.n - n};
}

/* Where what begins in s, or s.n. */
static size_t find(struct span s, const char *what)
{
    size_t length = strlen(what);

    for (size_t at = 0; at < s.n; at++) {
        const char *c = memchr(s.p + at, *what, s.n - at);
        if (!c)
            break;
        at = (size_t)(c - s.p);
        if (s.n - at >= length && memcmp(c, what, length) == 0)
            return at;
    }
    return s.n;
}

bool html_attribute(struct span *attributes, struct span *name, struct span *value)
{
    struct span s = *attributes;
    size_t n = 0;

    while (s.n > 0 && (is_space(*s.p) || *s.p == '/'))
        s = skip(s, 1);
    *attributes = s;
    if (s.n == 0)
        return false;
    while (n < s.n && !is_space(s.p[n]) && s.p[n] != '/' && (s.p[n] != '=' || n == 0))
        n++;
    *name = (struct span){s.p, n};
    *value = SPAN_LIT("");
    s = skip(s, n);
    for (*attributes = s; s.n > 0 && is_space(*s.p);)
        s = skip(s, 1);
    if (s.n == 0 || *s.p != '=')
        return true;
    for (s = skip(s, 1); s.n > 0 && is_space(*s.p);)
        s = skip(s, 1);
    bool is_quoted = s.n > 0 && (*s.p == '"' || *s.p == '\'');
    char quote = is_quoted ? *s.p : ' ';
    s = skip(s, is_quoted);
    for (n = 0; n < s.n && (is_quoted ? s.p[n] != quote : !is_space(s.p[n]));)
        n++;
    *value = (struct span){s.p, n};
    *attributes = skip(s, n + (is_quoted && n < s.n));
    return true;
}

/* The length of a tag's inside up to its ">", which may not be one within a quoted value; s.n if it has no
 * end. */
static size_t tag_length(struct span s)
{
    char quote = '\0';
    bool is_value = false; /* right after "=", where a quote begins a value */

    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (quote) {
            quote = c == quote ? '\0' : quote;
        } else if (c == '>') {
            return i;
        } else if (is_value && (c == '"' || c == '\'')) {
            quote = c;
            is_value = false;
        } else if (!is_space(c)) {
            is_value = c == '=';
        }
    }
    return s.n;
}

/* read_tag takes the tag that s begins with, without "<" or "</"; false if it has no end. */
static bool read_tag(struct span s, struct html_token *t, size_t *used)
{
    size_t n = 0, length = tag_length(s);

    if (length == s.n)
        return false;
    while (n < length && !is_space(s.p[n]) && s.p[n] != '/')
        n++;
    t->element = html_element_of((struct span){s.p, n});
    t->attributes = (struct span){s.p + n, length - n};
    *used = length + 1;
    return true;
}

static bool is_tag(struct span s)
{
    return s.n > 1 && s.p[0] == '<' && (is_letter(s.p[1]) || (s.n > 2 && s.p[1] == '/' && is_letter(s.p[2])));
}

/* After the start of an element whose content is no markup: skips to after its end tag. */
static struct span skip_raw(struct span s, const char *name)
{
    size_t length = strlen(name);

    for (;;) {
        s = skip(s, find(s, "</"));
        if (s.n < length + 2)
            return skip(s, s.n);
        struct span after = skip(s, length + 2);
        if (span_ieq((struct span){s.p + 2, length}, span_of(name)) &&
            (after.n == 0 || is_space(*after.p) || *after.p == '/' || *after.p == '>')) {
            size_t end = find(after, ">");
            return skip(after, end + (end < after.n));
        }
        s = skip(s, 2);
    }
}

/* A comment, a declaration or a processing instruction. */
static struct span skip_comment(struct span s)
{
    bool is_comment = span_starts(s, "<!--");
    /* "<!-->" and "<!--->" are whole. */
    struct span inside = skip(s, is_comment ? 4 : 2);

    if (is_comment && (span_starts(inside, ">") || span_starts(inside, "->")))
        return skip(inside, *inside.p == '>' ? 1 : 2);
    size_t at = find(inside, is_comment ? "-->" : ">");
    return at == inside.n ? skip(inside, at) : skip(inside, at + (is_comment ? 3 : 1));
}

static bool is_comment(struct span s)
{
    return s.n > 1 && s.p[0] == '<' && (s.p[1] == '!' || s.p[1] == '?' || s.p[1] == '/');
}

/* The raw next token, of a text that begins with no comment: dropped elements are still in it. */
static void read_token(struct html_reader *r, struct html_token *t)
{
    struct span s = r->rest;
    size_t used = 0;

    *t = (struct html_token){.type = HTML_TEXT, .text = {s.p, 0}, .element = &unknown};
    if (is_tag(s)) {
        bool is_end = s.p[1] == '/';
        t->type = is_end ? HTML_END : HTML_START;
        if (!read_tag(skip(s, is_end ? 2 : 1), t, &used)) {
            t->type = HTML_TEXT; /* unfinished: nothing of it is shown */
            r->rest = skip(s, s.n);
            return;
        }
        r->rest = skip(s, used + (is_end ? 2 : 1));
        return;
    }
    size_t n = 1 + find(skip(s, 1), "<");
    t->text.n = n;
    r->rest = skip(s, n);
}

/* After the start of a dropped element: skips to after its end, minding others of its kind inside. */
static void drop(struct html_reader *r, const struct html_element *element)
{
    unsigned depth = 1;
    struct html_token t;

    if (element->flags & HTML_RAW) {
        r->rest = skip_raw(r->rest, element->name);
        return;
    }
    while (depth > 0 && r->rest.n > 0) {
        if (is_comment(r->rest) && !is_tag(r->rest)) {
            r->rest = skip_comment(r->rest);
            continue;
        }
        read_token(r, &t);
        if (t.type == HTML_START && (t.element->flags & HTML_RAW))
            r->rest = skip_raw(r->rest, t.element->name);
        else if (t.element == element && t.type != HTML_TEXT)
            depth = t.type == HTML_START ? depth + 1 : depth - 1;
    }
}

/* "<svg/>" has nothing in it. */
static bool is_whole(const struct html_token *t)
{
    return !(t->element->flags & HTML_RAW) && t->attributes.n > 0 &&
           t->attributes.p[t->attributes.n - 1] == '/';
}

bool html_next(struct html_reader *r, struct html_token *t)
{
    while (r->rest.n > 0) {
        if (is_comment(r->rest) && !is_tag(r->rest)) {
            r->rest = skip_comment(r->rest);
            continue;
        }
        read_token(r, t);
        if (t->type == HTML_START && (t->element->flags & HTML_DROP) && !is_whole(t))
            drop(r, t->element);
        else if (t->type != HTML_TEXT || t->text.n > 0)
            return true;
    }
    return false;
}
