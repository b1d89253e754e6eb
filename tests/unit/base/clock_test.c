/* Times as people and libevent read them. */
#include "test.h"
#include "base/clock.h"
#include "base/mem.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

static void iso_of_known_times(void **state)
{
    (void)state;
    static const struct {
        wall_ms_t at;
        const char *iso;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {1, "1970-01-01T00:00:00.001Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {1453770984123, "2016-01-26T01:16:24.123Z"},
        {951782400000, "2000-02-29T00:00:00.000Z"},
        {951868799999, "2000-02-29T23:59:59.999Z"},
        {4107542400000, "2100-03-01T00:00:00.000Z"},
        {1709251199999, "2024-02-29T23:59:59.999Z"},
        {1735689599999, "2024-12-31T23:59:59.999Z"},
        {253402300799999, "9999-12-31T23:59:59.999Z"},
        {253402300800000, "9999-12-31T23:59:59.999Z"},
        {INT64_MAX, "9999-12-31T23:59:59.999Z"},
        {-62135596800000, "0001-01-01T00:00:00.000Z"},
        {INT64_MIN, "0001-01-01T00:00:00.000Z"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char out[25];
        clock_iso(cases[i].at, out);
        assert_string_equal(out, cases[i].iso);
    }
}

static void iso_agrees_with_the_c_library(void **state)
{
    (void)state;
    for (wall_ms_t at = -62135596800000; at < 253402300799999; at += 977 * HOUR_MS + 12345678) {
        char ours[25], theirs[100];
        struct tm tm;
        const time_t seconds = (time_t)((at - ((at % 1000) + 1000) % 1000) / 1000);
        gmtime_r(&seconds, &tm);
        clock_iso(at, ours);
        snprintf(theirs, sizeof theirs, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                 (int)(((at % 1000) + 1000) % 1000));
        assert_string_equal(ours, theirs);
    }
}

static void delays_become_timevals(void **state)
{
    (void)state;
    assert_int_equal(clock_tv(1234).tv_sec, 1);
    assert_int_equal(clock_tv(1234).tv_usec, 234000);
    assert_int_equal(clock_tv(-5).tv_sec, 0);
    assert_int_equal(clock_tv(-5).tv_usec, 0);
    assert_true(clock_tv(INT64_MAX).tv_sec > 0);
}

static void clocks_go_on(void **state)
{
    (void)state;
    const mono_ms_t before = clock_mono_ms();
    assert_true(clock_mono_ms() >= before);
    assert_true(clock_wall_ms() / 1000 - time(NULL) <= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(iso_of_known_times),
        cmocka_unit_test(iso_agrees_with_the_c_library),
        cmocka_unit_test(delays_become_timevals),
        cmocka_unit_test(clocks_go_on),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
