/* Ten times an hour, counted from each of them. */
#include "../base/test.h"
#include "sim/seen.h"

static void the_eleventh_waits_until_the_first_is_an_hour_old(void **state)
{
    (void)state;
    const wall_ms_t now = INT64_C(1700000000000);
    struct sim_seen s = {0};
    for (int i = 0; i < SIM_SEEN_MAX; i++)
        assert_int_equal(sim_seen_mark(&s, now + i * MINUTE_MS), 0);
    assert_int_equal(sim_seen_mark(&s, now + 30 * MINUTE_MS), 30 * MINUTE_MS);
    assert_int_equal(sim_seen_mark(&s, now + HOUR_MS - 1), 1);
    assert_int_equal(s.n, SIM_SEEN_MAX);
    assert_int_equal(sim_seen_mark(&s, now + HOUR_MS), 0);
    assert_int_equal(sim_seen_mark(&s, now + HOUR_MS), MINUTE_MS);
    assert_int_equal(s.first_at, now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_eleventh_waits_until_the_first_is_an_hour_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
