/* The beginning of a text: one line, whole characters, and a mark where it was cut. */
#include "../front/unit.h"
#include "base/utf8.h"
#include "text/excerpt.h"
#include <stdlib.h>

#define FAMILY "\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7"
#define FLAG   "\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa"
#define CUT    "\xe2\x80\xa6"

static const struct {
    const char *text;
    unsigned max;
    const char *line;
} rows[] = {
    {"", 10, ""},
    {" \n\t\x01 ", 10, ""},
    {"short", 5, "short"},
    {"  two\r\n\r\n lines\x7f here ", 20, "two lines here"},
    {"a\xc2\xa0"
     "b\xe2\x80\xa8"
     "c",
     9, "a b c"},
    {"Is it in stock?", 10, "Is it in" CUT},
    {"Is it in stock?", 8, "Is it in" CUT},
    {"Donaudampfschiff fahrt", 10, "Donaudampf" CUT}, /* the only word's end is too near to its beginning */
    {"a Donaudampfschiff", 10, "a Donaudam" CUT},
    {FAMILY FAMILY FAMILY, 2, FAMILY FAMILY CUT},
    {FLAG FLAG FLAG, 2, FLAG FLAG CUT},
    {"e\xcc\x81"
     "e\xcc\x81",
     1, "e\xcc\x81" CUT},
    {"bad \xff byte", 20, "bad \xef\xbf\xbd byte"},
};

static void test_rows(void **state)
{
    struct buf out;
    (void)state;

    buf_init(&out, 4096);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        text_excerpt(span_of(rows[i].text), rows[i].max, &out);
        assert_text(&out, rows[i].line);
    }
    buf_fini(&out);
}

/* One letter under a million marks is one character, and ends all the same; a long text costs no more than its beginning. */
static void test_endless_characters(void **state)
{
    struct buf text, out;
    uint32_t c;
    (void)state;

    buf_init(&text, 4 << 20);
    buf_init(&out, 1 << 20);
    buf_add_char(&text, 'e');
    for (int i = 0; i < 1000000; i++)
        buf_add_str(&text, "\xcc\x81");
    text_excerpt(buf_span(&text), 100, &out);
    assert_true(out.n > 0 && out.n < 10000);
    for (size_t i = 0, width; i < out.n; i += width)
        assert_true((width = utf8_read(out.p + i, out.n - i, &c)) > 0);
    buf_fini(&text);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows),
                                       cmocka_unit_test(test_endless_characters)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
