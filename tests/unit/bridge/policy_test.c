#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bridge/policy.h"

static const struct config_channel rules = {
    .retry_first_ms = 5000,
    .retry_factor = 2,
    .retry_max_ms = 600000,
    .retry_give_up_ms = 4 * HOUR_MS,
    .too_old_ms = 2 * HOUR_MS,
};

static void test_delay_doubles_up_to_max_within_jitter(void **state)
{
    int64_t expected = 5000;

    (void)state;
    for (uint32_t n = 1; n <= 40; n++) {
        int64_t delay = retry_delay_ms(&rules, n, 7);
        assert_true(delay >= expected * 8 / 10 && delay <= expected * 12 / 10);
        expected = expected * 2 < rules.retry_max_ms ? expected * 2 : rules.retry_max_ms;
    }
}

static void test_delay_is_a_pure_function_and_jitter_spreads(void **state)
{
    int64_t lowest = INT64_MAX, highest = 0;

    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        int64_t delay = retry_delay_ms(&rules, 3, seed);
        assert_int_equal(delay, retry_delay_ms(&rules, 3, seed));
        lowest = delay < lowest ? delay : lowest;
        highest = delay > highest ? delay : highest;
    }
    assert_true(highest - lowest > 20000 / 4);
}

static void test_absurd_attempts_and_factors_stay_bounded(void **state)
{
    struct config_channel wild = rules;

    (void)state;
    assert_true(retry_delay_ms(&rules, UINT32_MAX, 1) <= rules.retry_max_ms * 12 / 10);
    wild.retry_factor = 1e300;
    assert_true(retry_delay_ms(&wild, 1000, 1) <= rules.retry_max_ms * 12 / 10);
    assert_true(retry_due_at(&rules, 0, UINT32_MAX, 1, 1000) > 1000);
}

static void test_due_follows_creation_and_is_never_at_once(void **state)
{
    wall_ms_t created = 1000000;

    (void)state;
    wall_ms_t second = retry_due_at(&rules, created, 1, 9, created);
    wall_ms_t third = retry_due_at(&rules, created, 2, 9, second);
    assert_true(second >= created + 4000 && second <= created + 6000);
    assert_true(third > second);
    /* The bridge was down for an hour: the schedule has passed, but nothing comes at once. */
    assert_int_equal(retry_due_at(&rules, created, 1, 9, created + HOUR_MS), created + HOUR_MS + 5000);
    /* The clock was set back by an hour: its own delay, and not an hour of it. */
    wall_ms_t early = retry_due_at(&rules, created + HOUR_MS, 1, 9, created);
    assert_true(early >= created + 5000 && early <= created + 6000);
}

static struct verdict judge(struct verdict_facts f, struct outcome o, wall_ms_t now)
{
    return verdict_of(&rules, &f, &o, now);
}

static void test_plain_outcomes(void **state)
{
    struct outcome delivered = {.kind = OUTCOME_DELIVERED}, rejected = {.kind = OUTCOME_REJECTED},
                   held = {.kind = OUTCOME_HOLD};

    (void)state;
    assert_int_equal(judge((struct verdict_facts){.direction = MESSAGE_OUT}, delivered, 0).verb,
                     VERB_DELIVER);
    assert_int_equal(judge((struct verdict_facts){.direction = MESSAGE_IN}, delivered, 0).verb, VERB_ACCEPT);
    assert_int_equal(
        judge((struct verdict_facts){.direction = MESSAGE_IN, .is_shown = true}, delivered, 0).verb,
        VERB_DELIVER);
    assert_int_equal(judge((struct verdict_facts){.is_told = true}, rejected, 0).verb, VERB_REJECT);
    assert_int_equal(judge((struct verdict_facts){.is_told = false}, rejected, 0).verb, VERB_KILL);
    assert_int_equal(judge((struct verdict_facts){0}, held, 0).verb, VERB_HOLD);
}

static void test_a_part_that_is_there_makes_room_for_the_next(void **state)
{
    struct outcome part = {.kind = OUTCOME_DELIVERED, .part_n = 3, .part_cut = 7},
                   retry = {.kind = OUTCOME_RETRY, .part_n = 3, .part_cut = 7},
                   rejected = {.kind = OUTCOME_REJECTED, .part_n = 3, .part_cut = 7};

    (void)state;
    for (uint32_t sent = 0; sent < 3; sent++) {
        struct verdict_facts f = {.direction = MESSAGE_OUT, .part_sent = sent, .attempt = 1};
        struct verdict v = judge(f, part, 1000);
        assert_int_equal(v.verb, sent < 2 ? VERB_PART : VERB_DELIVER);
        assert_true(v.verb == VERB_DELIVER || v.due_at == 1000);
        assert_int_equal(judge(f, retry, 1000).verb, VERB_RETRY);
        assert_int_equal(judge(f, rejected, 1000).verb, VERB_KILL);
    }
    assert_int_equal(judge((struct verdict_facts){.direction = MESSAGE_OUT},
                           (struct outcome){.kind = OUTCOME_DELIVERED, .part_n = 1}, 0)
                         .verb,
                     VERB_DELIVER);
}

static void test_retry_after_is_honoured_and_give_up_ends_it(void **state)
{
    struct outcome later = {.kind = OUTCOME_RETRY, .retry_after_ms = 120000};
    struct outcome never = {.kind = OUTCOME_RETRY, .retry_after_ms = INT64_MAX};
    struct verdict_facts f = {.attempt = 1, .created_at = 0};

    (void)state;
    assert_int_equal(judge(f, later, 1000).due_at, 121000);
    assert_int_equal(judge(f, never, 1000).verb, VERB_KILL);
    struct verdict v = judge(f, later, 4 * HOUR_MS - 60000);
    assert_int_equal(v.verb, VERB_KILL);
    assert_string_equal(v.because, "gave up");
}

static void test_an_attempt_that_never_left_does_not_count(void **state)
{
    struct outcome unsent = {.kind = OUTCOME_RETRY, .is_unsent = true}, retry = {.kind = OUTCOME_RETRY};

    (void)state;
    struct verdict v = judge((struct verdict_facts){.attempt = 9}, unsent, 5000);
    assert_true(v.verb == VERB_RETRY && v.is_unburnt && v.due_at == 5000);
    v = judge((struct verdict_facts){.attempt = 9, .is_spared = true}, retry, 5000);
    assert_true(v.verb == VERB_RETRY && v.is_unburnt);
}

static void test_unknown(void **state)
{
    struct outcome lost = {.kind = OUTCOME_UNKNOWN}, crash = {.kind = OUTCOME_UNKNOWN, .was_crash = true},
                   alone = {.kind = OUTCOME_UNKNOWN, .was_crash = true, .was_alone = true};

    (void)state;
    assert_int_equal(judge((struct verdict_facts){.attempt = 1}, lost, 0).verb, VERB_UNSURE);
    struct verdict v = judge(
        (struct verdict_facts){.direction = MESSAGE_IN, .attempt = 1, .is_resendable = true}, lost, 7000);
    assert_true(v.verb == VERB_RETRY && v.due_at == 7000); /* Front is looked at, at once */
    assert_int_equal(judge((struct verdict_facts){.attempt = 1, .is_resendable = true}, lost, 0).verb,
                     VERB_RETRY);
    assert_int_equal(judge((struct verdict_facts){.is_resendable = true, .crash_n = 9}, crash, 50).due_at,
                     50);
    assert_int_equal(judge((struct verdict_facts){.is_resendable = true, .crash_n = 1}, alone, 0).verb,
                     VERB_RETRY);
    assert_int_equal(judge((struct verdict_facts){.is_resendable = true, .crash_n = 2}, alone, 0).verb,
                     VERB_KILL);
    assert_int_equal(judge((struct verdict_facts){.is_resendable = false, .crash_n = 2}, alone, 0).verb,
                     VERB_KILL);
}

static void test_breaker(void **state)
{
    struct breaker b = {0};

    (void)state;
    assert_int_equal(breaker_allows(&b, 40, 0), 40);
    assert_true(breaker_learn(&b, true, 1000)); /* opened */
    assert_int_equal(breaker_allows(&b, 40, 1000), 0);
    assert_false(breaker_learn(&b, true, 1001)); /* one that was under way says nothing new */
    assert_int_equal(b.probe_at, 1000 + BREAKER_FIRST_MS);
    assert_int_equal(breaker_allows(&b, 40, 1000 + BREAKER_FIRST_MS), 1);
    breaker_started(&b, 1);
    assert_int_equal(breaker_allows(&b, 40, 1000 + BREAKER_FIRST_MS), 0);
    assert_false(breaker_learn(&b, true, 2000)); /* the probe failed: further apart */
    assert_int_equal(b.probe_at, 2000 + 2 * BREAKER_FIRST_MS);
    breaker_started(&b, 1);
    assert_true(breaker_learn(&b, false, 9000)); /* closed */
    assert_int_equal(breaker_allows(&b, 40, 9000), 40);
}

static void test_a_probe_that_is_lost_lets_another_go(void **state)
{
    struct breaker b = {0};

    (void)state;
    breaker_learn(&b, true, 0);
    breaker_started(&b, 1);
    breaker_lost(&b, false); /* some other attempt */
    assert_int_equal(breaker_allows(&b, 1, BREAKER_MAX_MS), 0);
    breaker_hurry(&b, 1);
    assert_int_equal(breaker_allows(&b, 1, 1), 0); /* one probe at a time, whoever asks */
    breaker_lost(&b, true);                        /* the host died with it */
    assert_int_equal(breaker_allows(&b, 1, BREAKER_MAX_MS), 1);
}

static void test_breaker_delay_is_bounded(void **state)
{
    struct breaker b = {0};

    (void)state;
    for (int i = 0; i < 100; i++) {
        breaker_learn(&b, true, 0);
        breaker_started(&b, 1);
    }
    assert_int_equal(b.delay_ms, BREAKER_MAX_MS);
}

/* History may wait for days before its first attempt: that is no reason to give it up after one failure. */
static void test_history_is_given_up_by_its_attempts(void **state)
{
    struct verdict_facts f = {
        .direction = MESSAGE_IN, .id = 3, .attempt = 1, .created_at = 0, .is_history = true};
    const struct outcome o = {.kind = OUTCOME_RETRY};
    wall_ms_t now = 5 * DAY_MS;

    (void)state;
    struct verdict v = verdict_of(&rules, &f, &o, now);
    assert_int_equal(v.verb, VERB_RETRY);
    assert_in_range(v.due_at - now, 4000, 6000);
    f.attempt = 5;
    v = verdict_of(&rules, &f, &o, now);
    assert_in_range(v.due_at - now, 64000, 96000);
    f.attempt = 40;
    assert_int_equal(verdict_of(&rules, &f, &o, now).verb, VERB_KILL);
    f.attempt = 1;
    f.is_history = false;
    assert_int_equal(verdict_of(&rules, &f, &o, now).verb, VERB_KILL);
    assert_true(history_expiry(now) > now + 60 * DAY_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_history_is_given_up_by_its_attempts),
        cmocka_unit_test(test_delay_doubles_up_to_max_within_jitter),
        cmocka_unit_test(test_delay_is_a_pure_function_and_jitter_spreads),
        cmocka_unit_test(test_absurd_attempts_and_factors_stay_bounded),
        cmocka_unit_test(test_due_follows_creation_and_is_never_at_once),
        cmocka_unit_test(test_plain_outcomes),
        cmocka_unit_test(test_a_part_that_is_there_makes_room_for_the_next),
        cmocka_unit_test(test_retry_after_is_honoured_and_give_up_ends_it),
        cmocka_unit_test(test_an_attempt_that_never_left_does_not_count),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_breaker),
        cmocka_unit_test(test_a_probe_that_is_lost_lets_another_go),
        cmocka_unit_test(test_breaker_delay_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
