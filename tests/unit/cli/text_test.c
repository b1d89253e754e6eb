/*
 * Text for terminals: nothing hostile gets through, cells have their width, ages read well.
 */
#include "../base/test.h"
#include "base/mem.h"
#include "cli/text.h"
#include <stdlib.h>

static void expect(struct buf *out, const char *want)
{
    struct span got = buf_span(out);
    assert_string_equal(got.p, want);
    buf_fini(out);
}

static const struct {
    struct span in;
    const char *safe, *lines;
} outside[] = {
    {SPAN_LIT(""), "", ""},
    {SPAN_LIT("plain é €"), "plain é €", "> plain é €\n"},
    {SPAN_LIT("a\nb\r\nc\n"), "a\\nb\\r\\nc\\n", "> a\n> b\n> c\n"},
    {SPAN_LIT("a\n\n\nb"), "a\\n\\n\\nb", "> a\n\n\n> b\n"},
    {SPAN_LIT("\x1b[2J\a\b\t\x7f"), "\\x1b[2J\\a\\b\\t\\x7f", "> \\x1b[2J\\a\\b    \\x7f\n"},
    {SPAN_LIT("a\rb\0c"), "a\\rb\\x00c", "> a\\rb\\x00c\n"},
    {SPAN_LIT("\xc2\x9b"), "\\x9b", "> \\x9b\n"}, /* C1: CSI in one byte */
    {SPAN_LIT("\xe2\x80\xae"
              "cod.exe"),
     "\\u202ecod.exe", "> \\u202ecod.exe\n"},             /* right to left */
    {SPAN_LIT("\xe2\x80\xa8"), "\\u2028", "> \\u2028\n"}, /* a line by another name */
    {SPAN_LIT("\xff\xc3"), "\xef\xbf\xbd\xef\xbf\xbd", "> \xef\xbf\xbd\xef\xbf\xbd\n"},
};

static void test_outside_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(outside); i++) {
        struct buf out;
        buf_init(&out, 1024);
        text_add_safe(&out, outside[i].in);
        expect(&out, outside[i].safe);
        buf_init(&out, 1024);
        text_add_lines(&out, outside[i].in, "> ");
        expect(&out, outside[i].lines);
    }
}

static const struct {
    const char *in;
    size_t width;
    const char *want;
} cells[] = {
    {"", 0, ""},       {"", 3, "   "},     {"ab", 3, "ab "}, {"abc", 3, "abc"}, {"abcd", 3, "ab…"},
    {"éèê", 3, "éèê"}, {"éèêë", 3, "éè…"}, {"abcd", 1, "…"}, {"abcd", 0, ""},   {"é", 4, "é   "},
};

static void test_cells(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cells); i++) {
        struct buf out;
        buf_init(&out, 1024);
        text_add_cell(&out, span_of(cells[i].in), cells[i].width);
        assert_int_equal(text_width(buf_span(&out)), cells[i].width);
        expect(&out, cells[i].want);
    }
}

static const struct {
    const char *in;
    size_t characters;
    unsigned lines;
    size_t bytes;
} cuts[] = {
    {"", 10, 10, 0},  {"abc", 10, 10, 3},    {"abc", 3, 10, 3},    {"abc", 2, 10, 2},
    {"éé", 1, 10, 2}, {"a\nb\nc", 10, 2, 3}, {"a\nb\n", 10, 2, 3}, {"\n\n\n", 10, 1, 0},
};

static void test_cuts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cuts); i++)
        assert_int_equal(text_cut(span_of(cuts[i].in), cuts[i].characters, cuts[i].lines).n, cuts[i].bytes);
}

static const struct {
    int64_t ms;
    const char *age, *duration;
} ages[] = {
    {0, "now", "0ms"},
    {999, "now", "999ms"},
    {1000, "1s ago", "1.0s"},
    {-1999, "in 1s", NULL},
    {9990, "9s ago", "9.9s"},
    {119 * SECOND_MS, "119s ago", "119s"},
    {2 * MINUTE_MS, "2m ago", "2m"},
    {-119 * MINUTE_MS, "in 119m", NULL},
    {2 * HOUR_MS, "2h ago", "2h"},
    {47 * HOUR_MS, "47h ago", "47h"},
    {48 * HOUR_MS, "2d ago", "2d"},
    {400 * DAY_MS, "400d ago", "400d"},
};

static void test_ages(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ages); i++) {
        const wall_ms_t now = INT64_C(1767225600000);
        struct buf out;
        buf_init(&out, 64);
        text_add_age(&out, now - ages[i].ms, now);
        expect(&out, ages[i].age);
        if (!ages[i].duration)
            continue;
        buf_init(&out, 64);
        text_add_duration(&out, ages[i].ms);
        expect(&out, ages[i].duration);
    }
}

static void test_times_read_as_they_are_written(void **state)
{
    static const wall_ms_t times[] = {
        0, 1, 999, INT64_C(1767225599999), INT64_C(1709164800000), INT64_C(4102444800123)};
    static const char *const wrong[] = {"",
                                        "2026-01-31",
                                        "2026-01-31T12:00:00Z",
                                        "2026-01-31T12:00:00.12xZ",
                                        "2026-01-31T12:00:00.123+",
                                        "2026-13-31T12:00:00.123Z",
                                        "2026-01-31 12:00:00.123Z"};
    char text[25];
    wall_ms_t at = 7;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_int_equal(text_read_time(span_of(wrong[i]), &at), ERR_INVALID);
    assert_int_equal(at, 7);
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        clock_iso(times[i], text);
        assert_int_equal(text_read_time(span_of(text), &at), OK);
        assert_int_equal(at, times[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outside_text),
        cmocka_unit_test(test_cells),
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_ages),
        cmocka_unit_test(test_times_read_as_they_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
