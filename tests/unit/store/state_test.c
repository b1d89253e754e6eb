/* Every state and every verb, in both directions, against a table written down a second time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/state.h"
#include <string.h>

/* One letter per verb: the state after, or '.' for illegal; '*' is accepted for inbound only, '!' delivered
 * likewise; '>' is queued for outbound only. */
static const char letter[] =
    "QSDARCHUXO"; /* queued sending delivered accepted rejected cancelled held unknown dead dropped */

static const char *const expected[MESSAGE_STATE_N] = {
    /*                       start deliver accept retry reject hold unsure kill cancel resubmit requeue
       release drop part */
    [MESSAGE_QUEUED] = "SD...H.XC.Q.O.",    [MESSAGE_SENDING] = ".D*QRHUXC....>",
    [MESSAGE_DELIVERED] = "..............", [MESSAGE_ACCEPTED] = ".!............",
    [MESSAGE_REJECTED] = ".........Q....",  [MESSAGE_CANCELLED] = ".D.......Q....",
    [MESSAGE_HELD] = ".D......C.QQO.",      [MESSAGE_UNKNOWN] = ".D......C.Q.O.",
    [MESSAGE_DEAD] = ".D......CQQ.O.",      [MESSAGE_DROPPED] = "..............",
};

static int wanted(char c, enum message_direction d)
{
    if (c == '.')
        return -1;
    if (c == '*')
        return d == MESSAGE_IN ? MESSAGE_ACCEPTED : -1;
    if (c == '>')
        return d == MESSAGE_OUT ? MESSAGE_QUEUED : -1;
    if (c == '!')
        return d == MESSAGE_IN ? MESSAGE_DELIVERED : -1;
    return (int)(strchr(letter, c) - letter);
}

static void test_every_step(void **state)
{
    (void)state;
    for (int d = MESSAGE_OUT; d <= MESSAGE_IN; d++)
        for (int s = 0; s < MESSAGE_STATE_N; s++)
            for (int v = 0; v < MESSAGE_VERB_N; v++) {
                enum message_direction direction = (enum message_direction)d;
                int after = message_next(direction, (enum message_state)s, (enum message_verb)v);
                if (after != wanted(expected[s][v], direction))
                    fail_msg("%s: %s, verb %d gives %d", message_direction_name(direction),
                             message_state_name((enum message_state)s), v, after);
            }
}

static void test_nothing_beyond_the_table(void **state)
{
    (void)state;
    assert_int_equal(message_next(MESSAGE_OUT, MESSAGE_STATE_N, VERB_START), -1);
    assert_int_equal(message_next(MESSAGE_OUT, MESSAGE_QUEUED, MESSAGE_VERB_N), -1);
    assert_int_equal(message_next((enum message_direction)2, MESSAGE_QUEUED, VERB_START), -1);
    assert_int_equal(message_next(MESSAGE_OUT, (enum message_state) - 1, VERB_START), -1);
}

static void test_kinds(void **state)
{
    static const char *const open = "QS", *const settled = "DARCO", *const failed = "RCX";
    (void)state;
    for (int s = 0; s < MESSAGE_STATE_N; s++) {
        assert_int_equal(message_is_open((enum message_state)s), strchr(open, letter[s]) != NULL);
        assert_int_equal(message_is_settled((enum message_state)s), strchr(settled, letter[s]) != NULL);
        assert_int_equal(message_is_failed((enum message_state)s), strchr(failed, letter[s]) != NULL);
    }
}

/* A failed message can be sent anew, and only such a one. */
static void test_resubmission_matches_failure(void **state)
{
    (void)state;
    for (int s = 0; s < MESSAGE_STATE_N; s++)
        assert_int_equal(message_is_failed((enum message_state)s),
                         message_next(MESSAGE_OUT, (enum message_state)s, VERB_RESUBMIT) == MESSAGE_QUEUED);
}

static void test_names(void **state)
{
    (void)state;
    for (int s = 0; s < MESSAGE_STATE_N; s++)
        assert_int_equal(message_state_parse(message_state_name((enum message_state)s)), s);
    assert_int_equal(message_state_parse("Queued"), -1);
    assert_int_equal(message_state_parse(""), -1);
    assert_int_equal(message_state_parse(NULL), -1);
    assert_string_equal(message_state_name(MESSAGE_STATE_N), "?");
    assert_string_equal(message_direction_name(MESSAGE_IN), "in");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_step), cmocka_unit_test(test_nothing_beyond_the_table),
        cmocka_unit_test(test_kinds),      cmocka_unit_test(test_resubmission_matches_failure),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
