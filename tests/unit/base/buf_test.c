/* Spans and bounded buffers. */
#include "test.h"
#include "base/buf.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

static void spans_compare(void **state)
{
    (void)state;
    assert_true(span_eq(SPAN_NONE, SPAN_NONE));
    assert_false(span_eq(SPAN_NONE, SPAN_LIT("")));
    assert_true(span_is(SPAN_LIT("abc"), "abc"));
    assert_false(span_is(SPAN_LIT("abc"), "abcd"));
    assert_false(span_is(SPAN_LIT("a\0c"), "a"));
    assert_true(span_starts(SPAN_LIT("evt_1"), "evt_"));
    assert_false(span_starts(SPAN_LIT("evt"), "evt_"));
    assert_false(span_starts(SPAN_NONE, ""));
    assert_true(span_ieq(SPAN_LIT("Content-TYPE"), SPAN_LIT("content-type")));
    assert_false(span_ieq(SPAN_LIT("@["), SPAN_LIT("`{")));
}

static void absent_is_not_empty(void **state)
{
    (void)state;
    assert_null(span_of(NULL).p);
    assert_null(span_strdup(SPAN_NONE));
    char *empty = span_strdup(SPAN_LIT(""));
    assert_string_equal(empty, "");
    free(empty);
}

static void numbers_are_whole_and_fit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_right;
        uint64_t value;
    } cases[] = {
        {"0", true, 0},
        {"007", true, 7},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"99999999999999999999999", false, 0},
        {"", false, 0},
        {"-1", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"1e3", false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t value = 42;
        assert_int_equal(span_u64(span_of(cases[i].text), &value), cases[i].is_right);
        assert_true(value == (cases[i].is_right ? cases[i].value : 42));
    }
    uint64_t untouched = 42;
    assert_false(span_u64(SPAN_NONE, &untouched));
}

static void a_buffer_grows_to_its_limit_and_no_further(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    for (int i = 0; i < 99; i++)
        buf_add_char(&b, 'x');
    buf_add_str(&b, "yy"); /* does not fit: nothing of it is added */
    assert_true(b.is_over);
    assert_int_equal(b.n, 99);
    buf_add_char(&b, 'z'); /* would fit, but the buffer is over */
    assert_int_equal(b.n, 99);
    assert_int_equal(strlen(b.p), 99);
    assert_true(b.cap <= 101);

    buf_clear(&b);
    assert_false(b.is_over);
    buf_addf(&b, "%0100d", 7);
    assert_false(b.is_over);
    assert_int_equal(b.n, 100);
    buf_fini(&b);
}

static void every_way_of_adding_meets_the_limit(void **state)
{
    (void)state;
    for (size_t max = 0; max < 600; max += 37) {
        struct buf b;
        buf_init(&b, max);
        buf_addf(&b, "%0*d", (int)max, 0); /* "0" at least */
        assert_int_equal(b.is_over, max == 0);
        buf_addf(&b, "%s", "x");
        assert_true(b.is_over);
        assert_int_equal(b.n, max);
        assert_null(buf_extend(&b, 1));
        buf_fini(&b);
    }
}

static void huge_lengths_do_not_wrap(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 64);
    buf_add_str(&b, "abc");
    assert_null(buf_extend(&b, SIZE_MAX));
    assert_null(buf_extend(&b, SIZE_MAX - 2));
    assert_true(span_is(buf_span(&b), "abc"));
    buf_fini(&b);
}

static void taking_empties_and_terminates(void **state)
{
    (void)state;
    struct buf b;
    size_t n = 9;
    buf_init(&b, 64);
    char *p = buf_take(&b, &n);
    assert_string_equal(p, "");
    assert_int_equal(n, 0);
    free(p);
    assert_non_null(buf_span(&b).p);

    buf_addf(&b, "%s-%d", "hello", 7);
    p = buf_take(&b, &n);
    assert_string_equal(p, "hello-7");
    assert_int_equal(n, 7);
    assert_int_equal(b.n, 0);
    assert_int_equal(b.max_bytes, 64);
    free(p);
}

static void cutting_keeps_the_front(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 8);
    buf_add_str(&b, "12345678");
    buf_add_char(&b, '9');
    buf_cut(&b, 3);
    assert_false(b.is_over);
    assert_string_equal(b.p, "123");
    buf_add_span(&b, SPAN_NONE);
    assert_string_equal(b.p, "123");
    buf_fini(&b);
}

static void room_made_in_advance_holds_nothing(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    buf_reserve(&b, 40);
    const char *at = b.p;
    assert_string_equal(buf_span(&b).p, "");
    for (int i = 0; i < 20; i++)
        buf_add_str(&b, "xy");
    assert_ptr_equal(b.p, at);
    buf_reserve(&b, SIZE_MAX);
    assert_false(b.is_over);
    assert_int_equal(strlen(b.p), 40);
    buf_add(&b, "0123456789012345678901234567890123456789012345678901234567890", 61);
    assert_true(b.is_over);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_compare),
        cmocka_unit_test(absent_is_not_empty),
        cmocka_unit_test(numbers_are_whole_and_fit),
        cmocka_unit_test(a_buffer_grows_to_its_limit_and_no_further),
        cmocka_unit_test(every_way_of_adding_meets_the_limit),
        cmocka_unit_test(huge_lengths_do_not_wrap),
        cmocka_unit_test(taking_empties_and_terminates),
        cmocka_unit_test(cutting_keeps_the_front),
        cmocka_unit_test(room_made_in_advance_holds_nothing),
    };
    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
