/* What may leave while a channel is being tried out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "bridge/staging.h"

static bool withholds(const struct config_channel *rules, enum message_direction d, const char *recipient,
                      struct outcome *o)
{
    const struct store_message m = {.direction = d, .recipient = (char *)(uintptr_t)recipient};

    return staging_withholds(rules, &m, o);
}

static const struct {
    const char *pattern, *handle;
    bool is_allowed;
} patterns[] = {
    {"ada", "ada", true},
    {"ada", "ada2", false},
    {"ada", "ad", false},
    {"ada", "Ada", false},
    {"ada", "", false},
    {"+1555*", "+15551234567", true},
    {"+1555*", "+1555", true},
    {"+1555*", "+155", false},
    {"+1555*", "0+15551", false},
    {"*@example.com", "ada@example.com", true},
    {"*@example.com", "@example.com", true},
    {"*@example.com", "ada@example.com.evil", false},
    {"*@example.com", "example.com", false},
    {"*test*", "a-test-b", true},
    {"*test*", "test", true},
    {"*test*", "tes", false},
};

static void test_patterns(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
        char *item = (char *)(uintptr_t)patterns[i].pattern;
        struct config_channel rules = {.only_to = {&item, 1}};
        struct outcome o = {0};
        if (withholds(&rules, MESSAGE_OUT, patterns[i].handle, &o) == patterns[i].is_allowed)
            fail_msg("%s, %s", patterns[i].pattern, patterns[i].handle);
    }
}

static void test_any_of_the_list_is_enough(void **state)
{
    char *items[] = {(char *)(uintptr_t) "ada", (char *)(uintptr_t) "b*"};
    struct config_channel rules = {.only_to = {items, 2}};
    struct outcome o;

    (void)state;
    assert_false(withholds(&rules, MESSAGE_OUT, "ada", &o));
    assert_false(withholds(&rules, MESSAGE_OUT, "bob", &o));
    assert_true(withholds(&rules, MESSAGE_OUT, "carol", &o));
    assert_int_equal(o.kind, OUTCOME_REJECTED);
    assert_true(o.is_unsent);
    assert_true(o.reason.n > 0);
}

static void test_a_recipient_that_nobody_knows_is_not_in_the_list(void **state)
{
    char *item = (char *)(uintptr_t) "*a*";
    struct config_channel rules = {.only_to = {&item, 1}};
    struct outcome o;

    (void)state;
    assert_true(withholds(&rules, MESSAGE_OUT, NULL, &o));
    assert_true(withholds(&rules, MESSAGE_OUT, "", &o));
}

static void test_the_list_is_no_matter_of_customers_who_write(void **state)
{
    char *item = (char *)(uintptr_t) "ada";
    struct config_channel rules = {.only_to = {&item, 1}};
    struct outcome o;

    (void)state;
    assert_false(withholds(&rules, MESSAGE_IN, "carol", &o));
}

static void test_notices_are_written_to_nobody(void **state)
{
    static const enum message_kind kinds[] = {KIND_FAILURE, KIND_EVENT};
    char *item = (char *)(uintptr_t) "ada";
    struct config_channel rules = {.only_to = {&item, 1}};
    struct outcome o;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const struct store_message m = {.kind = kinds[i], .recipient = (char *)(uintptr_t) "carol"};
        rules.dry_run = false;
        assert_false(staging_withholds(&rules, &m, &o));
        rules.dry_run = true;
        assert_true(staging_withholds(&rules, &m, &o));
        assert_true(span_is(o.reason, "dry run"));
    }
}

static void test_a_dry_run_is_a_success_both_ways(void **state)
{
    struct config_channel rules = {.dry_run = true};

    (void)state;
    for (enum message_direction d = MESSAGE_OUT; d <= MESSAGE_IN; d++) {
        struct outcome o;
        assert_true(withholds(&rules, d, "ada", &o));
        assert_int_equal(o.kind, OUTCOME_DELIVERED);
        assert_true(span_is(o.reason, "dry run"));
    }
}

static void test_a_dry_run_refuses_what_would_be_refused(void **state)
{
    char *item = (char *)(uintptr_t) "ada";
    struct config_channel rules = {.dry_run = true, .only_to = {&item, 1}};
    struct outcome o;

    (void)state;
    assert_true(withholds(&rules, MESSAGE_OUT, "carol", &o));
    assert_int_equal(o.kind, OUTCOME_REJECTED);
    assert_true(withholds(&rules, MESSAGE_OUT, "ada", &o));
    assert_int_equal(o.kind, OUTCOME_DELIVERED);
}

static void test_without_them_nothing_is_withheld(void **state)
{
    struct config_channel rules = {0};
    struct outcome o;

    (void)state;
    assert_false(withholds(&rules, MESSAGE_OUT, "ada", &o));
    assert_false(withholds(&rules, MESSAGE_IN, "ada", &o));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_any_of_the_list_is_enough),
        cmocka_unit_test(test_a_recipient_that_nobody_knows_is_not_in_the_list),
        cmocka_unit_test(test_the_list_is_no_matter_of_customers_who_write),
        cmocka_unit_test(test_notices_are_written_to_nobody),
        cmocka_unit_test(test_a_dry_run_is_a_success_both_ways),
        cmocka_unit_test(test_a_dry_run_refuses_what_would_be_refused),
        cmocka_unit_test(test_without_them_nothing_is_withheld),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
