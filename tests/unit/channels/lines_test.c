#include "exec/lines.h"
#include "base/mem.h"
#include "cmocka_all.h"
#include <string.h>

/* Writes each line in brackets; one that is too long between < and >, which its newline makes. */
static void note(void *arg, struct span bytes, enum line_part part)
{
    static const char *const begins[] = {"[", "<", "", ">"}, *const ends[] = {"]", "", "", ""};
    buf_addf(arg, "%s%.*s%s", begins[part], SPAN_FMT(bytes), ends[part]);
}

static void test_lines(void **state)
{
    static const struct {
        const char *stream, *lines;
    } cases[] = {
        {"", ""},
        {"a", ""},
        {"a\n", "[a]"},
        {"\n\n", "[][]"},
        {"one\ntwo\nthr", "[one][two]"},
        {"12345678\n", "[12345678]"},
        {"123456789\nx\n", "<123456789>[x]"},
        {"123456789", "<123456789"},
        {"1234567890123456789012345678901234567890\nx\n12345678901\ny\n",
         "<1234567890123456789012345678901234567890>[x]<12345678901>[y]"},
        {"a\r\nb\n", "[a\r][b]"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (size_t step = 1; step <= strlen(cases[i].stream) + 1; step++) {
            struct lines l;
            struct buf out;
            size_t n = strlen(cases[i].stream);
            lines_init(&l, 8);
            buf_init(&out, 200);
            for (size_t at = 0; at < n; at += step)
                lines_feed(&l, (struct span){cases[i].stream + at, step < n - at ? step : n - at}, note,
                           &out);
            assert_string_equal(buf_span(&out).p, cases[i].lines);
            lines_reset(&l);
            lines_feed(&l, SPAN_LIT("z\n"), note, &out);
            assert_string_equal(out.p + out.n - 3, "[z]");
            buf_fini(&out);
            lines_fini(&l);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
