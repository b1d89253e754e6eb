/* Text to HTML and back. */
#include "../base/test.h"
#include "sim/markup.h"
#include "base/mem.h"
#include <stdlib.h>

static void text_becomes_html(void **state)
{
    (void)state;
    static const struct {
        const char *text, *html;
    } cases[] = {
        {"", ""},
        {"a & b", "a &amp; b"},
        {"<script>\"x\"", "&lt;script&gt;&quot;x&quot;"},
        {"one\ntwo", "one<br>two"},
        {"Grüße 🙂", "Grüße 🙂"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *html = sim_html_of_text(span_of(cases[i].text));
        assert_string_equal(html, cases[i].html);
        char *text = sim_text_of_html(span_of(html));
        assert_string_equal(text, cases[i].text);
        free(html);
        free(text);
    }
}

static void html_becomes_text(void **state)
{
    (void)state;
    static const struct {
        const char *html, *text;
    } cases[] = {
        {"<p>one</p><p>two</p>", "one\ntwo"},
        {"a<br/>b<BR />c<br>d", "a\nb\nc\nd"},
        {"<b class='x'>bold</b>", "bold"},
        {"1 < 2 &lt; 3", "1 < 2 < 3"},
        {"a &unknown; b &", "a &unknown; b &"},
        {"open <tag", "open <tag"},
        {"<", "<"},
        {"<>", ""},
        {"<brave>x</brave>", "x"},
        {"&amp;lt;", "&lt;"},
        {"it&#39;s&nbsp;me", "it's me"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text = sim_text_of_html(span_of(cases[i].html));
        assert_string_equal(text, cases[i].text);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(text_becomes_html),
                                       cmocka_unit_test(html_becomes_text)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
