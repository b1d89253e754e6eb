/* Cutting: parts are short enough, valid by themselves, lose nothing, and end where people would end them. */
#include "../front/unit.h"
#include "text/html.h"
#include "text/parts.h"
#include <stdlib.h>

enum {
    PLAIN = 1 << TEXT_PLAIN,
    MARKDOWN = 1 << TEXT_MARKDOWN,
    HTML = 1 << TEXT_HTML,
    ALL = PLAIN | MARKDOWN | HTML
};

static char *part_of(const struct text_parts *t, unsigned k, enum text_form form)
{
    struct buf out;

    buf_init(&out, 1 << 24);
    text_part(t, k, form, &out);
    assert_false(out.is_over);
    return buf_take(&out, NULL);
}

struct row {
    const char *text, *html;
    unsigned form; /* what is looked at */
    size_t max;
    const char *part[5];
};

/* Four characters of Chinese, and its full stop. */
#define WORLD "\xe4\xb8\x96\xe7\x95\x8c\xe4\xb8\x96\xe7\x95\x8c"
#define STOP  "\xe3\x80\x82"

static const struct row rows[] = {
    {"short", NULL, TEXT_PLAIN, 40, {"short"}},
    {"", NULL, TEXT_PLAIN, 40, {""}},
    /* paragraph, line, sentence, word, cluster */
    {"One paragraph that is here.\n\nAnother paragraph.",
     NULL,
     TEXT_PLAIN,
     40,
     {"One paragraph that is here.\n(1/2)", "Another paragraph.\n(2/2)"}},
    {"First line of it all\nsecond line\nthird line of it",
     NULL,
     TEXT_PLAIN,
     40,
     {"First line of it all\nsecond line\n(1/2)", "third line of it\n(2/2)"}},
    {"A sentence is here, yes. And then another one is.",
     NULL,
     TEXT_PLAIN,
     40,
     {"A sentence is here, yes.\n(1/2)", "And then another one is.\n(2/2)"}},
    {"words and words and words and words and words",
     NULL,
     TEXT_PLAIN,
     40,
     {"words and words and words and\n(1/2)", "words and words\n(2/2)"}},
    {"0123456789012345678901234567890123456789012345678901234567",
     NULL,
     TEXT_PLAIN,
     40,
     {"0123456789012345678901234567890123\n(1/2)", "456789012345678901234567\n(2/2)"}},
    {WORLD WORLD WORLD WORLD WORLD STOP WORLD WORLD WORLD WORLD WORLD,
     NULL,
     TEXT_PLAIN,
     40,
     {WORLD WORLD WORLD WORLD WORLD STOP "\n(1/2)", WORLD WORLD WORLD WORLD WORLD "\n(2/2)"}},
    /* what is open is closed and opened again */
    {NULL,
     "<p>Hi <b>bold text that goes on and on and on and on, on</b></p>",
     TEXT_HTML,
     60,
     {"<p>Hi <b>bold text that goes on and on</b></p><p>(1/2)</p>",
      "<p><b>and on and on, on</b></p><p>(2/2)</p>"}},
    {NULL,
     "<p>Hi <b>bold text that goes on and on and on and on, on</b></p>",
     TEXT_MARKDOWN,
     44,
     {"Hi **bold text that goes on and on**\n\n(1/2)", "**and on and on, on**\n\n(2/2)"}},
    {NULL,
     "<pre>line one of it\nline two\nline three of it</pre>",
     TEXT_MARKDOWN,
     44,
     {"```\nline one of it\nline two\n```\n\n(1/2)", "```\nline three of it\n```\n\n(2/2)"}},
    {NULL,
     "<ol><li>the first of them</li><li>the second of them</li><li>third</li></ol>",
     TEXT_PLAIN,
     50,
     {"1. the first of them\n2. the second of them\n(1/2)", "3. third\n(2/2)"}},
    {NULL,
     "<ol><li>one of many things</li><li>two of many, many, many</li></ol>",
     TEXT_HTML,
     64,
     {"<ol><li>one of many things</li></ol><p>(1/2)</p>",
      "<ol start=\"2\"><li>two of many, many, many</li></ol><p>(2/2)</p>"}},
    {NULL,
     "<blockquote>a quote that goes on and on and on, on and on</blockquote>after",
     TEXT_PLAIN,
     44,
     {"> a quote that goes on and on and on,\n(1/2)", "> on and on\n\nafter\n(2/2)"}},
    {NULL,
     "<a href=\"https://x.example/a/very/long/target/that/leaves/no/room\">label</a> and so on",
     TEXT_HTML,
     60,
     {"label<p>(1/3)</p>", "(https://x.example/a/very/long/target/that/leave<p>(2/3)</p>",
      "s/no/room) and so on<p>(3/3)</p>"}},
    {NULL,
     "<p>a</p><p>0123456789 0123456789 0123</p><br><br>",
     TEXT_PLAIN,
     40,
     {"a\n\n0123456789 0123456789 0123"}},
};

static enum err make(const char *text, const char *html, unsigned forms, size_t max, struct text_parts **t)
{
    struct text_source s = {.text = span_of(text), .html = span_of(html)};

    return text_parts_new(&s, forms, max, t);
}

static unsigned check_row(const struct row *r)
{
    struct text_parts *t;
    unsigned n = 0, wrong = 0;

    while (n < ARRAY_LEN(r->part) && r->part[n])
        n++;
    assert_int_equal(make(r->text, r->html, 1u << r->form, r->max, &t), OK);
    for (unsigned k = 0; k < text_parts_n(t); k++) {
        char *is = part_of(t, k, r->form);
        if (k >= n || strcmp(is, r->part[k]) != 0) {
            print_error("part %u of %.40s:\n%s\n---- and not\n%s\n----\n", k + 1, r->text ? r->text : r->html,
                        is, k < n ? r->part[k] : "(none)");
            wrong++;
        }
        free(is);
    }
    wrong += text_parts_n(t) != n;
    text_parts_free(t);
    return wrong;
}

static void test_cuts(void **state)
{
    unsigned wrong = 0;
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        wrong += check_row(&rows[i]);
    assert_int_equal(wrong, 0);
}

/* ---- Whatever the text ---- */

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

/* Letters and digits before the number at the end. */
static void add_letters(struct buf *out, const char *part)
{
    const char *end = strrchr(part, '\n');

    for (const char *p = part; *p && p != end; p++)
        if ((*p >= 'a' && *p <= 'z') || (unsigned char)*p >= 128)
            buf_add_char(out, *p);
}

static bool is_void(const char *tag)
{
    return strncmp(tag, "br", 2) == 0 || strncmp(tag, "hr", 2) == 0 || strncmp(tag, "img", 3) == 0;
}

/* Every tag is closed, and by its own end. */
static bool is_balanced(const char *html)
{
    const char *open[200];
    unsigned n = 0;

    for (const char *p = html; (p = strchr(p, '<')); p++) {
        bool is_end = p[1] == '/';
        const char *name = p + 1 + is_end;
        size_t length = strcspn(name, " >");
        if (is_end && (n == 0 || strncmp(open[--n], name, length) != 0))
            return false;
        if (!is_end && !is_void(name))
            open[n++] = name;
    }
    return n == 0;
}

static void check_html(const char *part)
{
    struct buf clean, a, b;

    buf_init(&clean, 1 << 20);
    buf_init(&a, 1 << 20);
    buf_init(&b, 1 << 20);
    html_sanitise(span_of(part), &clean);
    html_to_text(span_of(part), &a);
    html_to_text(buf_span(&clean), &b);
    if (!is_balanced(part) || !span_eq(buf_span(&a), buf_span(&b)))
        fail_msg("this part is not whole: %s", part);
    buf_fini(&clean);
    buf_fini(&a);
    buf_fini(&b);
}

static void check_part(const struct text_parts *t, unsigned k, size_t max)
{
    for (enum text_form f = 0; f < TEXT_FORM_N; f++) {
        char *part = part_of(t, k, f);
        assert_in_range(text_characters(span_of(part)), 1, max);
        if (f == TEXT_HTML)
            check_html(part);
        free(part);
    }
}

static void test_parts_of_any_html(void **state)
{
    static const char *const pieces[] = {
        "word ",
        "longerword",
        "<b>",
        "</b>",
        "<i>",
        "</i>",
        "<p>",
        "</p>",
        "<ul><li>",
        "<li>",
        "</ul>",
        "<ol><li>",
        "</ol>",
        "<br>",
        "<pre>",
        "</pre>",
        "\n",
        "&amp;",
        "<blockquote>",
        "</blockquote>",
        "<table><tr><td>",
        "<td>",
        "</table>",
        "<h2>",
        "</h2>",
        "<code>",
        "</code>",
        "`*_[",
        "&nbsp;",
        "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7",
        "e\xcc\x81",
        "\xf0\x9f\x87\xab\xf0\x9f\x87\xb7",
        "a. ",
    };
    char html[4000];
    (void)state;

    for (seed = 1; seed < 6000; seed += 11) {
        unsigned start = seed;
        size_t max = TEXT_CHARACTERS_MIN + pick(100);
        struct text_parts *t;
        struct buf all, whole;
        fill(html, pieces, ARRAY_LEN(pieces), 1 + pick(60));
        if (make(NULL, html, ALL, max, &t) != OK)
            fail_msg("%zu: %s", max, html);
        buf_init(&all, 1 << 20);
        buf_init(&whole, 1 << 20);
        for (unsigned k = 0; k < text_parts_n(t) && text_parts_n(t) > 1; k++) {
            char *part = part_of(t, k, TEXT_PLAIN);
            check_part(t, k, max);
            add_letters(&all, part);
            free(part);
        }
        if (text_parts_n(t) > 1) {
            struct buf text;
            buf_init(&text, 1 << 20);
            html_to_text(span_of(html), &text);
            buf_add_str(&text, "\n");
            add_letters(&whole, text.p);
            assert_true(span_eq(buf_span(&all), buf_span(&whole)));
            buf_fini(&text);
        }
        buf_fini(&all);
        buf_fini(&whole);
        text_parts_free(t);
        seed = start;
    }
}

/* Clusters that are shorter than a part are in one part whole. */
static void test_no_cluster_is_cut(void **state)
{
    static const char *const clusters[] = {
        "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7\xe2\x80\x8d\xf0\x9f\x91"
        "\xa6",
        "\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd",
        "\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa",
        "e\xcc\x81\xcc\x82",
        "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8",
        "1\xef\xb8\x8f\xe2\x83\xa3",
        "\xe0\xa4\x95\xe0\xa5\x8d",
    };
    char text[4000];
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(clusters); i++) {
        struct text_parts *t;
        *text = '\0';
        for (unsigned n = 0; n < 100; n++)
            strcat(text, clusters[i]);
        assert_int_equal(make(text, NULL, PLAIN, 50, &t), OK);
        assert_true(text_parts_n(t) > 2);
        unsigned found = 0;
        for (unsigned k = 0; k < text_parts_n(t); k++) {
            char *part = part_of(t, k, TEXT_PLAIN);
            size_t n = (size_t)(strrchr(part, '\n') - part), length = strlen(clusters[i]);
            assert_int_equal(n % length, 0);
            for (size_t at = 0; at < n; at += length)
                assert_memory_equal(part + at, clusters[i], length);
            found += (unsigned)(n / length);
            free(part);
        }
        assert_int_equal(found, 100);
        text_parts_free(t);
    }
}

static void test_limits(void **state)
{
    struct text_parts *t;
    char *text = mem_zalloc(100 * 34 + 2);
    (void)state;

    memset(text, 'x', 99 * 32);
    assert_int_equal(make(text, NULL, PLAIN, 40, &t), OK);
    assert_int_equal(text_parts_n(t), 99);
    char *last = part_of(t, 98, TEXT_PLAIN);
    assert_non_null(strstr(last, "\n(99/99)"));
    free(last);
    text_parts_free(t);
    memset(text, 'x', 99 * 32 + 1);
    assert_int_equal(make(text, NULL, PLAIN, 40, &t), ERR_LIMIT);
    assert_int_equal(make(text, NULL, PLAIN, 0, &t), OK);
    assert_int_equal(text_parts_n(t), 1);
    text_parts_free(t);
    free(text);
}

/* One cluster longer than a part is cut between its characters: there is nothing else to do. */
static void test_one_endless_cluster(void **state)
{
    struct buf text, all;
    struct text_parts *t;
    (void)state;

    buf_init(&text, 4096);
    buf_init(&all, 8192);
    buf_add_char(&text, 'e');
    for (unsigned i = 0; i < 100; i++)
        buf_add_str(&text, "\xcc\x81");
    assert_int_equal(make(text.p, NULL, ALL, 50, &t), OK);
    for (unsigned k = 0; k < text_parts_n(t); k++) {
        char *part = part_of(t, k, TEXT_PLAIN);
        check_part(t, k, 50);
        add_letters(&all, part);
        free(part);
    }
    assert_true(span_eq(buf_span(&all), buf_span(&text)));
    text_parts_free(t);
    buf_fini(&text);
    buf_fini(&all);
}

static void test_files(void **state)
{
    const struct text_file file[] = {{SPAN_LIT("a.png"), SPAN_LIT("one")},
                                     {SPAN_LIT("b\n[c].pdf"), SPAN_NONE}};
    struct text_source s = {
        .html = SPAN_LIT("<p>See <img src=\"cid:one\"></p>"), .file = file, .file_n = 2, .wants_names = true};
    struct text_parts *t;
    char *out;
    (void)state;

    assert_int_equal(text_parts_new(&s, ALL, 0, &t), OK);
    out = part_of(t, 0, TEXT_PLAIN);
    assert_string_equal(out, "See [a.png]\n\n[b[c].pdf]");
    free(out);
    out = part_of(t, 0, TEXT_MARKDOWN);
    assert_string_equal(out, "See ![a.png](cid:one)\n\n\\[b\\[c].pdf]");
    free(out);
    out = part_of(t, 0, TEXT_HTML);
    assert_string_equal(out, "<p>See <img src=\"cid:one\" alt=\"a.png\"></p>[b[c].pdf]");
    free(out);
    text_parts_free(t);

    s.text = SPAN_LIT("as  it\nstands ");
    assert_int_equal(text_parts_new(&s, PLAIN, 0, &t), OK);
    out = part_of(t, 0, TEXT_PLAIN);
    assert_string_equal(out, "as  it\nstands \n[a.png] [b[c].pdf]");
    free(out);
    text_parts_free(t);

    s = (struct text_source){.file = file, .file_n = 2, .wants_names = true};
    assert_int_equal(text_parts_new(&s, PLAIN, 0, &t), OK);
    out = part_of(t, 0, TEXT_PLAIN);
    assert_string_equal(out, "[a.png] [b[c].pdf]");
    free(out);
    text_parts_free(t);
}

/* What is too long for its white space alone is one part, and a short one. */
static void test_white_space_at_the_end(void **state)
{
    static const char *const ends[] = {" ", "\n", "\t"};
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        char text[400] = "a b";
        struct text_parts *t;
        for (unsigned n = 0; n < 300; n++)
            strcat(text, ends[i]);
        assert_int_equal(make(text, NULL, PLAIN, 40, &t), OK);
        assert_int_equal(text_parts_n(t), 1);
        char *part = part_of(t, 0, TEXT_PLAIN);
        assert_memory_equal(part, "a b", 3);
        assert_in_range(text_characters(span_of(part)), 3, 40);
        free(part);
        text_parts_free(t);
    }
}

/* Text counts for plain text, HTML for the other forms; what is missing is made of the other one. */
static void test_sources(void **state)
{
    struct text_parts *t;
    char *out;
    (void)state;

    assert_int_equal(make("the *text*", "<p>the <b>HTML</b></p>", ALL, 0, &t), OK);
    out = part_of(t, 0, TEXT_PLAIN);
    assert_string_equal(out, "the *text*");
    free(out);
    out = part_of(t, 0, TEXT_MARKDOWN);
    assert_string_equal(out, "the **HTML**");
    free(out);
    text_parts_free(t);
    assert_int_equal(make("the *text*\nhere", NULL, ALL, 0, &t), OK);
    out = part_of(t, 0, TEXT_MARKDOWN);
    assert_string_equal(out, "the \\*text\\*  \nhere");
    free(out);
    out = part_of(t, 0, TEXT_HTML);
    assert_string_equal(out, "the *text*<br>here");
    free(out);
    text_parts_free(t);
    assert_int_equal(make(NULL, NULL, ALL, 100, &t), OK);
    assert_int_equal(text_parts_n(t), 1);
    text_parts_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_parts_of_any_html),
        cmocka_unit_test(test_no_cluster_is_cut),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_one_endless_cluster),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_white_space_at_the_end),
        cmocka_unit_test(test_sources),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
