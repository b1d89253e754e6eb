#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bridge/report.h"
#include <stdio.h>
#include <string.h>

static void test_a_cause_is_counted_for_a_minute(void **state)
{
    struct report_causes c = {0};

    (void)state;
    for (unsigned n = 1; n <= 100; n++)
        assert_int_equal(report_count(&c, SPAN_LIT("503"), 1000 + n), n);
    assert_int_equal(report_count(&c, SPAN_LIT("404"), 1200), 1);
    assert_int_equal(report_count(&c, SPAN_LIT("503"), 61002), 1);
}

static void test_many_causes_push_out_the_oldest(void **state)
{
    struct report_causes c = {0};
    char text[16];

    (void)state;
    for (unsigned n = 0; n < 1000; n++) {
        snprintf(text, sizeof text, "cause %u", n);
        assert_int_equal(report_count(&c, span_of(text), 1000 + n), 1);
    }
    assert_int_equal(report_count(&c, SPAN_LIT("cause 999"), 2000), 2);
    assert_int_equal(report_count(&c, SPAN_LIT("cause 0"), 2000), 1);
}

static void test_long_and_absent_causes(void **state)
{
    struct report_causes c = {0};
    char text[500];

    (void)state;
    memset(text, 'x', sizeof text);
    assert_int_equal(report_count(&c, (struct span){text, sizeof text}, 1), 1);
    assert_int_equal(report_count(&c, (struct span){text, sizeof text - 100}, 1), 2);
    assert_int_equal(report_count(&c, SPAN_NONE, 1), 1);
    assert_int_equal(report_count(&c, SPAN_NONE, 1), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_cause_is_counted_for_a_minute),
        cmocka_unit_test(test_many_causes_push_out_the_oldest),
        cmocka_unit_test(test_long_and_absent_causes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
