/*
 * A message's text: a piece of HTML, or after "T" plain text, or after "S" and a limit HTML to be cut. Clean
 * HTML holds allowed elements only, and cleaning it again changes nothing; no form loses or changes a word; plain
 * text comes back from HTML as it was; parts are within their limit and hold all words.
 */
#include "base/mem.h"
#include "base/utf8.h"
#include "text/doc.h"
#include "text/html.h"
#include "text/markdown.h"
#include "text/parts.h"
#include <stdlib.h>
#include <string.h>

enum { MARKDOWN_MAX = 8192 }; /* libcmark is quadratic in some texts */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_clean(struct span html)
{
    struct html_reader reader = {html};
    struct html_token t;
    struct span name, value;
    struct buf url;

    buf_init(&url, 65536);
    while (html_next(&reader, &t)) {
        must(t.type == HTML_TEXT || (t.element->flags & HTML_KEEP));
        while (t.type == HTML_START && html_attribute(&t.attributes, &name, &value)) {
            must(!span_starts(name, "on") && !span_is(name, "style"));
            buf_clear(&url);
            html_decode(value, &url);
            must(!span_is(name, "href") || doc_is_link(buf_span(&url)));
        }
    }
    buf_fini(&url);
}

/* The letters alone: white space and marks are each form's own. */
static void letters_of(struct span s, struct buf *out)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= 128 && c != 0xc2 && c != 0xa0))
            buf_add_char(out, (char)c);
    }
}

static void check_same_letters(struct span a, struct span b)
{
    struct buf x, y;

    buf_init(&x, a.n + 1);
    buf_init(&y, b.n + 1);
    letters_of(a, &x);
    letters_of(b, &y);
    must(span_eq(buf_span(&x), buf_span(&y)));
    buf_fini(&x);
    buf_fini(&y);
}

static bool is_utf8(struct span s)
{
    uint32_t c;

    for (size_t i = 0, n; i < s.n; i += n)
        if (!(n = utf8_read(s.p + i, s.n - i, &c)) || c == UTF8_REPLACEMENT)
            return false;
    return true;
}

/* What links say is percent-encoded by libcmark. */
static bool has_target(struct span markdown)
{
    static const char *const marks[] = {"](", "<http", "<mailto:", "<tel:", "@"};

    for (size_t i = 0; i < ARRAY_LEN(marks); i++)
        if (memmem(markdown.p, markdown.n, marks[i], strlen(marks[i])))
            return true;
    return false;
}

static void check_markdown(struct span html, struct span plain)
{
    struct buf markdown, back, text;

    buf_init(&markdown, 64 << 20);
    buf_init(&back, 64 << 20);
    buf_init(&text, 64 << 20);
    html_to_markdown(html, &markdown);
    must(!markdown.is_over);
    if (markdown.n < MARKDOWN_MAX && is_utf8(buf_span(&markdown)) && !has_target(buf_span(&markdown))) {
        markdown_to_html(buf_span(&markdown), &back);
        html_to_text(buf_span(&back), &text);
        check_same_letters(plain, buf_span(&text));
    }
    buf_fini(&markdown);
    buf_fini(&back);
    buf_fini(&text);
}

static void check_html(struct span html)
{
    struct buf clean, again, text, text_again;

    buf_init(&clean, 64 << 20);
    buf_init(&again, 64 << 20);
    buf_init(&text, 64 << 20);
    buf_init(&text_again, 64 << 20);
    html_sanitise(html, &clean);
    must(!clean.is_over);
    check_clean(buf_span(&clean));
    html_sanitise(buf_span(&clean), &again);
    must(span_eq(buf_span(&clean), buf_span(&again)));
    html_to_text(html, &text);
    html_to_text(buf_span(&clean), &text_again);
    must(span_eq(buf_span(&text), buf_span(&text_again)));
    check_markdown(html, buf_span(&text));
    buf_fini(&clean);
    buf_fini(&again);
    buf_fini(&text);
    buf_fini(&text_again);
}

static bool is_edge(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

/* What the ABI allows in text, without white space at the ends. */
static struct span plain_of(struct span s, struct buf *out)
{
    for (size_t i = 0; i < s.n; i++)
        if (((unsigned char)s.p[i] >= ' ' && s.p[i] != 0x7f) || s.p[i] == '\n' || s.p[i] == '\t')
            buf_add_char(out, s.p[i]);
    struct span text = buf_span(out);
    while (text.n > 0 && is_edge(text.p[text.n - 1]))
        text.n--;
    while (text.n > 0 && is_edge(text.p[0]))
        text = (struct span){text.p + 1, text.n - 1};
    return text;
}

static void check_text(struct span raw)
{
    struct buf in, html, out;

    buf_init(&in, raw.n + 1);
    buf_init(&html, 64 << 20);
    buf_init(&out, 64 << 20);
    struct span text = plain_of(raw, &in);
    html_from_text(text, &html);
    check_clean(buf_span(&html));
    html_to_text(buf_span(&html), &out);
    must(span_eq(text, buf_span(&out)));
    check_markdown(buf_span(&html), text);
    buf_fini(&in);
    buf_fini(&html);
    buf_fini(&out);
}

static void add_part(const struct text_parts *t, unsigned k, size_t max, struct buf *words)
{
    struct buf out;

    buf_init(&out, 64 << 20);
    for (enum text_form f = 0; f < TEXT_FORM_N; f++) {
        buf_clear(&out);
        text_part(t, k, f, &out);
        must(!out.is_over && text_characters(buf_span(&out)) <= max);
        if (f == TEXT_PLAIN)
            buf_add_span(words, buf_span(&out));
        if (f == TEXT_HTML)
            check_clean(buf_span(&out));
    }
    buf_fini(&out);
}

static void check_parts(size_t max, struct span html)
{
    const struct text_source s = {.html = html};
    bool has_target = memmem(html.p, html.n, "href", 4) || memmem(html.p, html.n, "src", 3);
    struct text_parts *t;
    struct buf words, whole;

    if (text_parts_new(&s, (1u << TEXT_FORM_N) - 1, max, &t) != OK)
        return;
    buf_init(&words, 64 << 20);
    buf_init(&whole, 64 << 20);
    for (unsigned k = 0; k < text_parts_n(t); k++)
        add_part(t, k, max, &words);
    html_to_text(html, &whole);
    if (!has_target)
        check_same_letters(buf_span(&words), buf_span(&whole));
    text_parts_free(t);
    buf_fini(&words);
    buf_fini(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct span s = {(const char *)data, n};

    if (n > 0 && data[0] == 'T')
        check_text((struct span){s.p + 1, s.n - 1});
    else if (n > 1 && data[0] == 'S')
        check_parts(TEXT_CHARACTERS_MIN + (size_t)data[1], (struct span){s.p + 2, s.n - 2});
    else
        check_html(s);
    return 0;
}
