/* Front's limits: the minute, the burst beyond it, five a second for one resource, and what the headers say.
 */
#include "../base/test.h"
#include <stdio.h>
#include "sim/limiter.h"
#include <string.h>

enum { T0 = 1700000000 };
static const wall_ms_t start = (wall_ms_t)T0 * 1000;

static unsigned take_many(struct sim_limiter *l, unsigned n, wall_ms_t now)
{
    unsigned allowed = 0;
    while (n--)
        allowed += sim_limiter_take(l, SPAN_NONE, now).is_allowed;
    return allowed;
}

static void a_minute_has_its_limit_and_the_burst(void **state)
{
    (void)state;
    struct sim_limiter l;
    sim_limiter_init(&l, 100, 50, 5, start);
    assert_int_equal(take_many(&l, 1000, start), 150);
    struct sim_limit_verdict v = sim_limiter_take(&l, SPAN_NONE, start + 10500);
    assert_false(v.is_allowed);
    assert_int_equal(v.retry_after_s, 50);
    assert_int_equal(take_many(&l, 1000, start + 60000),
                     105); /* a tenth of the burst came back in a minute */
}

static void the_burst_fills_in_ten_minutes_and_no_further(void **state)
{
    (void)state;
    struct sim_limiter l;
    sim_limiter_init(&l, 10, 50, 5, start);
    assert_int_equal(take_many(&l, 100, start), 60);
    assert_int_equal(take_many(&l, 100, start + 24 * HOUR_MS), 60);
}

static void one_resource_takes_five_in_any_second(void **state)
{
    (void)state;
    struct sim_limiter l;
    sim_limiter_init(&l, 1000, 0, 5, start);
    for (int i = 0; i < 5; i++)
        assert_true(sim_limiter_take(&l, SPAN_LIT("cha_1"), start + i * 100).is_allowed);
    struct sim_limit_verdict v = sim_limiter_take(&l, SPAN_LIT("cha_1"), start + 999);
    assert_false(v.is_allowed);
    assert_int_equal(v.retry_after_s, 1);
    assert_true(sim_limiter_take(&l, SPAN_LIT("cha_2"), start + 999).is_allowed);
    assert_true(sim_limiter_take(&l, SPAN_LIT("cha_1"), start + 1000).is_allowed);
    assert_false(sim_limiter_take(&l, SPAN_LIT("cha_1"), start + 1050).is_allowed);
    assert_int_equal(l.used, 7); /* what was refused cost nothing */
}

static void headers_say_what_is_left(void **state)
{
    (void)state;
    struct sim_limiter l;
    struct buf b;
    sim_limiter_init(&l, 200, 100, 5, start);
    take_many(&l, 3, start + 700);
    buf_init(&b, 4096);
    sim_limiter_headers(&l, start + 700, &b);
    assert_non_null(strstr(b.p, "x-ratelimit-limit: 200\r\n"));
    assert_non_null(strstr(b.p, "x-ratelimit-remaining: 197\r\n"));
    assert_non_null(strstr(b.p, "x-ratelimit-reset: 1700000060\r\n"));
    assert_non_null(strstr(b.p, "x-ratelimit-burst-limit: 100\r\n"));
    assert_non_null(strstr(b.p, "x-ratelimit-burst-remaining: 100\r\n"));
    assert_non_null(strstr(b.p, "x-front-tier: "));
    buf_fini(&b);
}

static void no_limit_means_none(void **state)
{
    (void)state;
    struct sim_limiter l;
    struct buf b;
    sim_limiter_init(&l, 0, 0, 5, start);
    for (int i = 0; i < 10000; i++)
        assert_true(sim_limiter_take(&l, SPAN_LIT("cha_1"), start).is_allowed);
    buf_init(&b, 4096);
    sim_limiter_headers(&l, start, &b);
    assert_int_equal(b.n, 0);
    buf_fini(&b);
}

/* More resources than places, and ids too long for one: milder, never a crash. */
static void many_resources_do_no_harm(void **state)
{
    (void)state;
    struct sim_limiter l;
    char id[200];
    sim_limiter_init(&l, 1000000, 0, 5, start);
    for (int i = 0; i < 1000; i++) {
        int n = snprintf(id, sizeof id, "cha_%0*d", i % 150 + 1, i);
        assert_true(sim_limiter_take(&l, (struct span){id, (size_t)n}, start).is_allowed);
    }
}

static void a_clock_that_jumps_back_opens_a_new_minute(void **state)
{
    (void)state;
    struct sim_limiter l;
    sim_limiter_init(&l, 10, 0, 5, start);
    assert_int_equal(take_many(&l, 20, start), 10);
    assert_int_equal(take_many(&l, 20, start - HOUR_MS), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_minute_has_its_limit_and_the_burst),
        cmocka_unit_test(the_burst_fills_in_ten_minutes_and_no_further),
        cmocka_unit_test(one_resource_takes_five_in_any_second),
        cmocka_unit_test(headers_say_what_is_left),
        cmocka_unit_test(no_limit_means_none),
        cmocka_unit_test(many_resources_do_no_harm),
        cmocka_unit_test(a_clock_that_jumps_back_opens_a_new_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
