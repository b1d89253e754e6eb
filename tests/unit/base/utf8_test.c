/* UTF-8 against its own definition: every character goes both ways, everything else is refused. */
#include "test.h"
#include "base/mem.h"
#include "base/utf8.h"
#include <string.h>

static void every_character_goes_both_ways(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        if (c == 0xD800)
            c = 0xE000;
        char bytes[4];
        uint32_t back = 0;
        const unsigned n = utf8_write(c, bytes);
        assert_int_equal(n, c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4);
        if (utf8_read(bytes, n, &back) != n || back != c)
            fail_msg("U+%04X came back as U+%04X", c, back);
        assert_int_equal(utf8_read(bytes, n - 1, &back), 0); /* cut short */
    }
}

static void wrong_bytes_are_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "\x80",
        "\xBF",
        "\xC0\x80",
        "\xC1\xBF",
        "\xC2\x41",
        "\xE0\x80\x80",
        "\xE0\x9F\xBF",
        "\xED\xA0\x80",
        "\xED\xBF\xBF",
        "\xE1\x80\x41",
        "\xE1\xC2\x80",
        "\xF0\x80\x80\x80",
        "\xF0\x8F\xBF\xBF",
        "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80",
        "\xF8\x88\x80\x80\x80",
        "\xFE",
        "\xFF",
        "\xF1\x80\x80\x41",
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint32_t character = 7;
        assert_int_equal(utf8_read(cases[i], strlen(cases[i]), &character), 0);
        assert_int_equal(character, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_character_goes_both_ways),
        cmocka_unit_test(wrong_bytes_are_refused),
    };
    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
