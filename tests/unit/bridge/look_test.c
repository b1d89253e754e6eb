/* The order in which Front is asked for a message whose answer was lost, and what follows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/look.h"

static struct look look;
static mono_ms_t at;

/* Lets time pass until there is something to do. */
static enum look_next next(void)
{
    static mono_ms_t now;
    enum look_next n = look_next(&look, now = at > now ? at : now, &at);
    return n == LOOK_WAIT ? look_next(&look, now = at, &at) : n;
}

static void begin(bool has_conversation)
{
    look_init(&look, has_conversation, at, at);
    mono_ms_t until;
    assert_int_equal(look_next(&look, at, &until), LOOK_WAIT);
    assert_int_equal(until, at + 2000);
    at = until;
}

static void expect_page(enum look_source s, enum look_answer a, unsigned candidate_n)
{
    assert_int_equal(next(), LOOK_PAGE);
    assert_int_equal(look.source, s);
    look_page(&look, a, candidate_n);
}

static void test_found_at_once(void **state)
{
    (void)state;
    begin(true);
    expect_page(LOOK_CONVERSATION, LOOK_MORE, 0);
    expect_page(LOOK_CONVERSATION, LOOK_IS_IT, 0);
    assert_int_equal(next(), LOOK_FOUND);
}

static void test_not_there_is_believed_in_the_last_pass(void **state)
{
    (void)state;
    mono_ms_t began = at;
    begin(true);
    expect_page(LOOK_CONVERSATION, LOOK_END, 0); /* the conversation said so: no events yet */
    expect_page(LOOK_CONVERSATION, LOOK_END, 0);
    assert_int_equal(at, began + 5000);
    expect_page(LOOK_CONVERSATION, LOOK_END, 0);
    assert_int_equal(at, began + 15000);
    expect_page(LOOK_EVENTS, LOOK_MORE, 0);
    expect_page(LOOK_EVENTS, LOOK_END, 0);
    assert_int_equal(next(), LOOK_ABSENT);
}

static void test_what_was_lost_long_ago_is_sought_once(void **state)
{
    (void)state;
    look_init(&look, true, at, at + 15000);
    at += 15000;
    expect_page(LOOK_CONVERSATION, LOOK_END, 0);
    expect_page(LOOK_EVENTS, LOOK_END, 0);
    assert_int_equal(next(), LOOK_ABSENT);
}

static void test_the_first_of_a_thread_is_sought_in_events(void **state)
{
    (void)state;
    begin(false);
    expect_page(LOOK_EVENTS, LOOK_END, 0);
    expect_page(LOOK_EVENTS, LOOK_IS_IT, 0);
    assert_int_equal(next(), LOOK_FOUND);
}

static void test_a_closed_source_is_asked_once(void **state)
{
    (void)state;
    begin(true);
    expect_page(LOOK_CONVERSATION, LOOK_CLOSED, 0);
    for (int pass = 0; pass < LOOK_PASSES; pass++)
        expect_page(LOOK_EVENTS, LOOK_END, 0);
    assert_int_equal(next(), LOOK_ABSENT);

    begin(true);
    for (int pass = 0; pass < LOOK_PASSES; pass++)
        expect_page(LOOK_CONVERSATION, LOOK_END, 0);
    expect_page(LOOK_EVENTS, LOOK_CLOSED, 0);
    assert_int_equal(next(), LOOK_ABSENT); /* the conversation was read to its end */
}

static void test_nobody_will_ever_know(void **state)
{
    (void)state;
    mono_ms_t began = at;
    begin(true);
    expect_page(LOOK_CONVERSATION, LOOK_CLOSED, 0);
    expect_page(LOOK_EVENTS, LOOK_CLOSED, 0);
    assert_int_equal(next(), LOOK_WAIT); /* Front's own word may still come */
    assert_int_equal(next(), LOOK_IMPOSSIBLE);
    assert_int_equal(at, began + 15000);

    begin(false);
    for (int page = 0; page < LOOK_PAGES_MAX; page++)
        expect_page(LOOK_EVENTS, LOOK_MORE, 0); /* without end */
    next();
    assert_int_equal(next(), LOOK_IMPOSSIBLE);
}

static void test_front_is_away(void **state)
{
    (void)state;
    begin(true);
    expect_page(LOOK_CONVERSATION, LOOK_NOT_NOW, 0);
    assert_int_equal(next(), LOOK_LATER);
}

static void test_candidates_come_before_the_next_page(void **state)
{
    (void)state;
    begin(false);
    expect_page(LOOK_EVENTS, LOOK_MORE, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(next(), LOOK_CANDIDATE);
        look_candidate(&look, LOOK_END);
    }
    expect_page(LOOK_EVENTS, LOOK_END, 1);
    assert_int_equal(next(), LOOK_CANDIDATE);
    look_candidate(&look, LOOK_IS_IT);
    assert_int_equal(next(), LOOK_FOUND);

    begin(false);
    expect_page(LOOK_EVENTS, LOOK_END, 2);
    assert_int_equal(next(), LOOK_CANDIDATE);
    look_candidate(&look, LOOK_CLOSED); /* it may have been this one */
    next();
    assert_int_equal(next(), LOOK_IMPOSSIBLE);

    begin(false);
    expect_page(LOOK_EVENTS, LOOK_END, 1);
    assert_int_equal(next(), LOOK_CANDIDATE);
    look_candidate(&look, LOOK_NOT_NOW);
    assert_int_equal(next(), LOOK_LATER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_at_once),
        cmocka_unit_test(test_not_there_is_believed_in_the_last_pass),
        cmocka_unit_test(test_what_was_lost_long_ago_is_sought_once),
        cmocka_unit_test(test_the_first_of_a_thread_is_sought_in_events),
        cmocka_unit_test(test_a_closed_source_is_asked_once),
        cmocka_unit_test(test_nobody_will_ever_know),
        cmocka_unit_test(test_front_is_away),
        cmocka_unit_test(test_candidates_come_before_the_next_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
