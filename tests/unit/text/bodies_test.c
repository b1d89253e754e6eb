/*
 * What people and tools really send: tests/unit/text/bodies.txt holds each body and its three forms. Of all of
 * them, and of random ones: plain text comes back from HTML as it was, Markdown reads back as what it was made
 * of, cleaning twice is cleaning once.
 */
#include "../front/unit.h"
#include "text/html.h"
#include "text/markdown.h"
#include <stdlib.h>

enum { TEXT_MAX = 1 << 20 };

typedef void convert_fn(struct span in, struct buf *out);

static char *converted(convert_fn *convert, const char *in)
{
    struct buf out;

    buf_init(&out, TEXT_MAX);
    convert(span_of(in), &out);
    assert_false(out.is_over);
    return buf_take(&out, NULL);
}

/* ---- The table ---- */

struct body {
    char *name, *in, *plain, *markdown, *html;
};

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "r");
    struct buf text;
    char piece[4096];
    size_t n;

    buf_init(&text, TEXT_MAX);
    if (!f)
        fail_msg("%s cannot be read", path);
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        buf_add(&text, piece, n);
    fclose(f);
    return buf_take(&text, NULL);
}

/* Takes what stands before mark, which is skipped. */
static char *section(char **at, const char *mark)
{
    char *begin = *at, *end = strstr(*at, mark);

    if (!end)
        fail_msg("bodies.txt: \"%s\" is missing after: %.60s", mark, begin);
    *end = '\0';
    *at = end + strlen(mark);
    return begin;
}

static bool next_body(char **at, struct body *b)
{
    if (!**at)
        return false;
    b->name = section(at, "\n");
    b->in = section(at, "\n-- plain\n");
    b->plain = section(at, "\n-- markdown\n");
    b->markdown = section(at, "\n-- html\n");
    b->html = section(at, "\n== ");
    return true;
}

static unsigned differ(const char *name, const char *form, const char *is, const char *should)
{
    if (strcmp(is, should) == 0)
        return 0;
    print_error("%s, %s:\n%s\n---- and not\n%s\n----\n", name, form, is, should);
    return 1;
}

static char *html_of(const struct body *b)
{
    if (strncmp(b->name, "text: ", 6) == 0)
        return converted(html_from_text, b->in);
    if (strncmp(b->name, "markdown: ", 10) == 0)
        return converted(markdown_to_html, b->in);
    return mem_strdup(b->in);
}

static unsigned check_form(const struct body *b, const char *html, const char *form, convert_fn *convert,
                           const char *should)
{
    char *is = converted(convert, html);
    unsigned wrong = differ(b->name, form, is, should);

    free(is);
    return wrong;
}

/* Markdown, read back, must give the same Markdown, and then the same HTML again. */
static unsigned check_markdown(const char *name, const char *markdown)
{
    char *first = converted(markdown_to_html, markdown), *once = converted(html_sanitise, first);
    char *back = converted(html_to_markdown, once), *second = converted(markdown_to_html, back);
    char *twice = converted(html_sanitise, second);
    /* A heading of several lines is written as one: only underlined ones could have them. */
    bool is_exempt = strstr(once, "<h") && strstr(once, "<br>");
    unsigned wrong = is_exempt ? 0 : differ(name, "Markdown read back", twice, once);

    if (wrong)
        print_error("from:\n%s\n---- then:\n%s\n----\n", markdown, back);
    free(first);
    free(once);
    free(back);
    free(second);
    free(twice);
    return wrong;
}

static unsigned check_twice(const char *name, const char *html)
{
    char *once = converted(html_sanitise, html), *twice = converted(html_sanitise, once);
    char *plain = converted(html_to_text, html), *of_clean = converted(html_to_text, once);
    unsigned wrong =
        differ(name, "cleaned twice", twice, once) + differ(name, "text of clean", of_clean, plain);

    free(once);
    free(twice);
    free(plain);
    free(of_clean);
    return wrong;
}

static void test_bodies(void **state)
{
    char *file = read_file(FB_BODIES), *at = file;
    struct body b;
    unsigned n = 0, wrong = 0;
    (void)state;

    (void)section(&at, "== ");
    while (next_body(&at, &b)) {
        char *html = html_of(&b);
        wrong += check_form(&b, html, "plain", html_to_text, b.plain);
        wrong += check_form(&b, html, "markdown", html_to_markdown, b.markdown);
        wrong += check_form(&b, html, "html", html_sanitise, b.html);
        wrong += check_markdown(b.name, b.markdown) + check_twice(b.name, html);
        free(html);
        n++;
    }
    assert_true(n >= 50);
    assert_int_equal(wrong, 0);
    free(file);
}

/* ---- Random ones ---- */

static unsigned seed;

static unsigned pick(unsigned n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

static void fill(char *out, const char *const *pieces, unsigned piece_n, unsigned n)
{
    *out = '\0';
    for (unsigned i = 0; i < n; i++)
        strcat(out, pieces[pick(piece_n)]);
}

static void trim(char *s)
{
    size_t n = strspn(s, " \t\n");

    memmove(s, s + n, strlen(s + n) + 1);
    for (n = strlen(s); n > 0 && strchr(" \t\n", s[n - 1]);)
        s[--n] = '\0';
}

static void test_plain_text_comes_back(void **state)
{
    static const char *const pieces[] = {"a",        "b ",    "  ",  "\n",       "\n\n",
                                         "\t",       "&amp;", "<b>", "\"",       "&nbsp;",
                                         "\xc2\xa0", "- x\n", "> ",  "\xc3\xa9", "\xf0\x9f\x98\x80"};
    char text[400];
    (void)state;

    for (seed = 1; seed < 2000; seed += 7) {
        unsigned start = seed;
        fill(text, pieces, ARRAY_LEN(pieces), 1 + pick(30));
        trim(text);
        char *html = converted(html_from_text, text), *back = converted(html_to_text, html);
        assert_int_equal(differ(html, "plain text", back, text), 0);
        free(html);
        free(back);
        seed = start;
    }
}

static void test_markdown_is_stable(void **state)
{
    static const char *const pieces[] = {
        "a",
        "b c",
        " ",
        "\n",
        "\n\n",
        "*x* ",
        " **y** ",
        "`z`",
        "- ",
        "  - ",
        "1. ",
        "2) ",
        "> ",
        "# ",
        " **y *x* z** ",
        " ***y** z* ",
        "---",

        "\n```\n",
        "[l](https://x.org)",
        "<https://y.org>",
        "![i](https://x.org/i)",
        "    c",
        "&amp;",
        "\\*",
        " _u_ ",
        "!",
        "a_b_c",
        "\t",
        "~~s~~",
        "\n    ",
        "\n- ",
        "\n1. ",
        "\n> ",
    };
    char text[1000];
    unsigned wrong = 0;
    (void)state;

    for (seed = 1; seed < 60000 && wrong < 3; seed += 11) {
        unsigned start = seed;
        fill(text, pieces, ARRAY_LEN(pieces), 1 + pick(12));
        wrong += check_markdown("random", text);
        seed = start;
    }
    assert_int_equal(wrong, 0);
}

static void test_cleaning_is_idempotent(void **state)
{
    static const char *const pieces[] = {
        "a ",
        " b",
        "<b>",
        "</b>",
        "<i>",
        "</i>",
        "<p>",
        "</p>",
        "<div>",
        "</div>",
        "<ul>",
        "<li>",
        "</ul>",
        "<ol>",
        "<blockquote>",
        "<pre>",
        "</pre>",
        "<br>",
        "&nbsp;",
        "\n",
        "<table>",
        "<tr>",
        "<td>",
        "</td>",
        "</table>",
        "<h2>",
        "</h2>",
        "<hr>",
        "<code>",
        "</code>",
        "<a href='https://x.org'>",
        "</a>",
        "<img src='cid:x' alt='i'>",
        "<span dir=rtl>",
        "</span>",
        "<q>",
        "</q>",
        "*",
        "1.",
    };
    char text[2000];
    (void)state;

    for (seed = 1; seed < 20000; seed += 13) {
        unsigned start = seed;
        fill(text, pieces, ARRAY_LEN(pieces), 1 + pick(25));
        assert_int_equal(check_twice(text, text), 0);
        seed = start;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_plain_text_comes_back),
        cmocka_unit_test(test_markdown_is_stable),
        cmocka_unit_test(test_cleaning_is_idempotent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
