/* The rate budget against a model of Front's limiter: all of the allowance used, no 429 drawn; and rules one
 * by one. */
#include "unit.h"
#include "rate_model.h"

#define NONE                                                                                                 \
    {                                                                                                        \
        -1, -1, -1, -1, -1, -1, -1, 200                                                                      \
    }

static void check_world(struct world w, double least)
{
    world_run(&w);
    double used = (w.sent_n - w.refused_n + w.others_n) / w.allowance;
    if (w.refused_n > 0 || used < least)
        fail_msg("limit %d latency %d others %.0f: %u sent, %u refused, %.2f%% of the allowance used",
                 (int)w.limit, (int)w.latency_ms, w.others_per_minute, w.sent_n, w.refused_n, used * 100);
}

#define WORLD(...) ((struct world){__VA_ARGS__})

static void test_all_of_it_and_no_429(void **state)
{
    (void)state;
    check_world(WORLD(.seed = 1), 0.98);
    check_world(WORLD(.seed = 2, .latency_ms = 2, .jitter_ms = -1), 0.98);
    check_world(WORLD(.seed = 3, .latency_ms = 600, .jitter_ms = 60), 0.98);
    check_world(WORLD(.seed = 4, .resources = 7), 0.98);
    check_world(WORLD(.seed = 5, .limit = 50, .burst = 25), 0.98);
    check_world(WORLD(.seed = 6, .limit = 100, .burst = 50), 0.98);
    check_world(WORLD(.seed = 7, .burst = -1), 0.98);
    check_world(WORLD(.seed = 8, .limit = 1000, .burst = 500, .resources = 9), 0.98);
}

static void test_wrong_clocks(void **state)
{
    (void)state;
    check_world(WORLD(.seed = 1, .skew_ms = 7200000), 0.98);
    check_world(WORLD(.seed = 2, .skew_ms = -7200000), 0.98);
    /* Without a Date there is only our clock: right, it is as good; slow, some of each minute is lost. */
    check_world(WORLD(.seed = 3, .is_dateless = true), 0.98);
    check_world(WORLD(.seed = 4, .is_dateless = true, .skew_ms = -3000), 0.92);
}

static void test_lost_and_slow_answers(void **state)
{
    (void)state;
    check_world(WORLD(.seed = 1, .lost_per_mille = 10), 0.95);
    check_world(WORLD(.seed = 2, .slow_every = 50), 0.95);
}

static void test_others_use_some_of_it(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 20; seed++) {
        check_world(WORLD(.seed = seed, .others_per_minute = 50, .minutes = 10), 0.95);
        check_world(WORLD(.seed = seed, .others_per_minute = 100, .minutes = 10), 0.95);
        /* Three quarters taken by others at random: what the reserve is for. */
        check_world(WORLD(.seed = seed, .others_per_minute = 150, .minutes = 10, .reserve_percent = 20),
                    0.80);
        check_world(WORLD(.seed = seed, .others_per_minute = 5, .minutes = 10), 0.95);
    }
}

static void test_the_reserve_is_left(void **state)
{
    (void)state;
    for (unsigned percent = 10; percent <= 50; percent += 20) {
        struct world w = WORLD(.seed = percent, .reserve_percent = percent, .minutes = 20);
        world_run(&w);
        assert_int_equal(w.refused_n, 0);
        double mine = (double)w.limit * w.minutes * (100 - percent) / 100;
        assert_true(w.sent_n <= mine);
        assert_true(w.sent_n >= mine * 0.98);
    }
}

static void test_low_lanes_leave_the_burst(void **state)
{
    struct world w = WORLD(.seed = 1, .lane = RATE_HISTORY, .minutes = 20);
    (void)state;
    world_run(&w);
    assert_int_equal(w.refused_n, 0);
    assert_true(w.sent_n <= 4000);
    assert_true(w.sent_n >= 3920);
}

/* What may be the worst for a live message: the wait for one more request, at the plan's even pace. */
static int64_t slot_ms(const struct world *w)
{
    return 60000 / (w->limit * (100 - w->reserve_percent) / 100);
}

static void check_live(struct world w)
{
    struct world quiet = w, full = w;
    quiet.is_quiet = true;
    full.lane = RATE_HISTORY;
    world_run(&quiet);
    world_run(&full);
    if (full.refused_n > 0 || full.live_worst_ms > quiet.live_worst_ms + slot_ms(&full) || full.live_n < 50)
        fail_msg("limit %d reserve %u live %d: %u live waited %d ms at most, %d without history; %u refused",
                 (int)full.limit, w.reserve_percent, (int)w.live_every_ms, full.live_n,
                 (int)full.live_worst_ms, (int)quiet.live_worst_ms, full.refused_n);
    /* and history takes all that is left */
    double mine = (double)full.limit * full.minutes * (100 - w.reserve_percent) / 100 - full.live_n;
    if (full.sent_n < mine * 0.95)
        fail_msg("limit %d reserve %u live %d: %u of history, could have been %.0f", (int)full.limit,
                 w.reserve_percent, (int)w.live_every_ms, full.sent_n, mine);
}

static void test_history_delays_a_live_message_by_one_request_at_most(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 2; seed++) {
        /* An application channel's history is of the same resource as its live messages, ... */
        check_live(WORLD(.seed = seed, .minutes = 10, .live_every_ms = 3000, .reserve_percent = 20));
        check_live(
            WORLD(.seed = seed, .minutes = 10, .live_every_ms = 5000, .limit = 50, .reserve_percent = 20));
        /* ... a custom channel's is not. */
        check_live(WORLD(.seed = seed, .minutes = 10, .live_every_ms = 2000, .live_resource = 9));
        check_live(WORLD(.seed = seed, .minutes = 10, .live_every_ms = 3000, .live_resource = 9, .limit = 100,
                         .burst = -1));
        check_live(WORLD(.seed = seed, .minutes = 10, .live_every_ms = 3000, .live_resource = 9, .limit = 100,
                         .reserve_percent = 20, .latency_ms = 900, .jitter_ms = 300));
    }
}

static void test_blind_until_told(void **state)
{
    struct world w = WORLD(.seed = 1, .is_silent = true, .is_dateless = true, .minutes = 5);
    (void)state;
    world_run(&w);
    assert_int_equal(w.refused_n, 0);
    assert_in_range(w.sent_n, 245, 250);
}

static int64_t take(struct rate *r, enum rate_lane lane, mono_ms_t now)
{
    return rate_take(r, lane, SPAN_NONE, now);
}

static void learn(struct rate *r, int64_t remaining, int64_t reset_at_s, mono_ms_t now)
{
    struct rate_headers h = NONE;
    h.limit = 200;
    h.remaining = remaining;
    h.reset_at_s = reset_at_s;
    rate_learn(r, &h, SPAN_NONE, now, now);
}

/* known gives a rate that has 100 left of the window that ends at 60 s. */
static struct rate *known(unsigned reserve)
{
    struct rate *r = rate_new(reserve, 5, 0);
    assert_int_equal(take(r, RATE_INBOUND, 0), 0);
    learn(r, 100, 60, 10);
    assert_int_equal(rate_view(r, 10).remaining, 100);
    return r;
}

/* It is told exactly when to ask again, and not before. */
static void test_history_takes_turns_evenly(void **state)
{
    struct rate *r = known(20); /* 100 left of the window that ends at 60 s, 40 of them in reserve */
    mono_ms_t now = 20;
    (void)state;
    for (unsigned n = 0; n < 58; n++) {
        int64_t wait = take(r, RATE_HISTORY, now);
        assert_in_range(wait, 1, n == 0 ? 40000 : 380);
        assert_true(take(r, RATE_HISTORY, now + wait - 1) > 0);
        now += wait;
        assert_int_equal(take(r, RATE_HISTORY, now), 0);
        learn(r, 100 - n - 1, 60, now);
    }
    assert_in_range(now, 59000, 60000);
    assert_int_equal(take(r, RATE_INBOUND, now), 0); /* there is always one for who is in a hurry */
    rate_free(r);
}

static void test_the_first_goes_alone(void **state)
{
    struct rate *r = rate_new(0, 5, 0);
    (void)state;
    assert_int_equal(take(r, RATE_INBOUND, 0), 0);
    assert_true(take(r, RATE_STATUS, 0) > 0);
    assert_int_equal(rate_view(r, 0).limit, 0);
    learn(r, 150, 60, 100);
    assert_int_equal(rate_view(r, 100).limit, 200);
    assert_int_equal(rate_view(r, 100).remaining, 150);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(take(r, RATE_INBOUND, 100), 0);
    assert_int_equal(rate_view(r, 100).remaining, 50);
    rate_free(r);
}

/* The bridge starts, and the first thing to post is a message with 25 MB of files: others need not wait for its end. */
static void test_a_long_first_request_holds_up_nobody(void **state)
{
    struct rate *r = rate_new(0, 5, 0);
    (void)state;
    assert_int_equal(take(r, RATE_ATTACHMENTS, 0), 0);
    assert_true(take(r, RATE_INBOUND, 0) > 0);
    assert_in_range(take(r, RATE_INBOUND, 990), 1, 10);
    assert_int_equal(take(r, RATE_INBOUND, 1000), 0);
    assert_true(take(r, RATE_STATUS, 1000) > 0); /* but not all at once */
    learn(r, 150, 60, 1100);
    assert_int_equal(take(r, RATE_STATUS, 1100), 0);
    assert_int_equal(rate_view(r, 1100).remaining, 148); /* the upload counts until it is answered */
    learn(r, 149, 60, 30000);
    assert_int_equal(rate_view(r, 30000).remaining, 148);
    rate_free(r);
}

static void test_answers_out_of_order(void **state)
{
    struct rate *r = known(0);
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(take(r, RATE_INBOUND, 20), 0);
    learn(r, 97, 60, 30); /* the third of four */
    assert_int_equal(rate_view(r, 30).remaining, 94);
    learn(r, 99, 60, 31); /* the first: tells nothing new */
    assert_int_equal(rate_view(r, 31).remaining, 95);
    learn(r, 96, 60, 32);
    learn(r, 98, 60, 33);
    assert_int_equal(rate_view(r, 33).remaining, 96);
    rate_free(r);
}

static void test_a_late_answer_of_the_old_window(void **state)
{
    struct rate *r = known(0);
    (void)state;
    assert_int_equal(take(r, RATE_INBOUND, 59000), 0);
    assert_int_equal(take(r, RATE_INBOUND, 60500), 0);
    learn(r, 199, 121, 60600);
    assert_int_equal(rate_view(r, 60600).remaining, 198);
    learn(r, 3, 60, 60700);
    assert_int_equal(rate_view(r, 60700).remaining, 199);
    rate_free(r);
}

static void test_the_reserve_is_for_status(void **state)
{
    struct rate *r = known(20); /* 40 of 200 */
    unsigned n = 0;
    (void)state;
    while (take(r, RATE_INBOUND, 20) == 0)
        n++;
    assert_int_equal(n, 60);
    assert_true(take(r, RATE_HISTORY, 20) > 0);
    while (take(r, RATE_STATUS, 20) == 0)
        n++;
    assert_int_equal(n, 100);
    rate_free(r);
}

static void test_retry_after_stops_all_lanes(void **state)
{
    struct rate *r = known(0);
    struct rate_headers h = NONE;
    (void)state;
    h.status = 429;
    h.retry_after_ms = 7000;
    assert_int_equal(take(r, RATE_INBOUND, 20), 0);
    rate_learn(r, &h, SPAN_NONE, 30, 30);
    assert_int_equal(rate_view(r, 30).refused_n, 1);
    assert_int_equal(rate_view(r, 30).pause_ms, 7000);
    assert_int_equal(take(r, RATE_STATUS, 1030), 6000);
    assert_int_equal(take(r, RATE_STATUS, 7030), 0);
    rate_free(r);
}

static void test_absurd_headers(void **state)
{
    static const struct rate_headers rows[] = {
        {0, 0, 0, 0, 0, 0, 0, 200},
        {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, 429},
        {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, 1, 503},
        {-1, 5, -1, -1, -1, -1, -1, 200},
        {INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, -3},
        {1, 200, 1, 1, 200, 1, 4000000000, 200},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct rate *r = rate_new(100, RATE_PER_RESOURCE_MAX, 0);
        mono_ms_t now = 0;
        for (unsigned k = 0; k < 5; k++) {
            int64_t wait;
            while ((wait = take(r, RATE_INBOUND, now)) > 0) {
                assert_true(wait <= 300000);
                now += wait;
            }
            rate_learn(r, &rows[i], SPAN_NONE, now, now);
        }
        assert_true(now < 2000000);
        rate_free(r);
    }
}

/* Somebody ran a tool that asked twenty things at once, and then nothing happened: most of the minute is left. */
static void test_what_others_did_once_does_not_hold_up_a_message(void **state)
{
    struct rate *r = rate_new(20, 5, 0);
    (void)state;
    assert_int_equal(take(r, RATE_RESOLVE, 0), 0);
    learn(r, 198, 60, 0);
    assert_int_equal(take(r, RATE_RESOLVE, 9000), 0);
    learn(r, 177, 60, 9000);
    assert_true(take(r, RATE_RESOLVE, 55000) > 0); /* who can wait does */
    assert_int_equal(take(r, RATE_INBOUND, 55000), 0);
    assert_true(take(r, RATE_INBOUND, 55000) > 0); /* until the first one's answer */
    learn(r, 176, 60, 55100);
    assert_int_equal(take(r, RATE_INBOUND, 55100), 0);
    learn(r, 40, 60, 55200);
    assert_true(take(r, RATE_INBOUND, 57000) > 0); /* the reserve is no guess */
    rate_free(r);
}

static void test_five_per_second_for_one_resource(void **state)
{
    struct rate *r = known(0);
    (void)state;
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(rate_take(r, RATE_INBOUND, SPAN_LIT("cha_1"), 1000 + i), 0);
    assert_true(rate_take(r, RATE_INBOUND, SPAN_LIT("cha_1"), 1005) > 990);
    assert_int_equal(rate_take(r, RATE_INBOUND, SPAN_LIT("cha_2"), 1005), 0);
    assert_int_equal(take(r, RATE_INBOUND, 1005), 0);
    assert_int_equal(rate_take(r, RATE_INBOUND, SPAN_LIT("cha_1"), 2100), 0);
    assert_int_equal(rate_take(r, RATE_INBOUND, SPAN_LIT("cha_1"), 2100), 1);
    rate_free(r);
}

static void test_more_resources_than_places(void **state)
{
    struct rate *r = known(0);
    char name[16];
    (void)state;
    for (unsigned i = 0; i < 99; i++) {
        snprintf(name, sizeof name, "cha_%u", i);
        assert_int_equal(rate_take(r, RATE_STATUS, span_of(name), 1000), 0);
    }
    rate_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_of_it_and_no_429),
        cmocka_unit_test(test_wrong_clocks),
        cmocka_unit_test(test_lost_and_slow_answers),
        cmocka_unit_test(test_others_use_some_of_it),
        cmocka_unit_test(test_the_reserve_is_left),
        cmocka_unit_test(test_low_lanes_leave_the_burst),
        cmocka_unit_test(test_history_delays_a_live_message_by_one_request_at_most),
        cmocka_unit_test(test_blind_until_told),
        cmocka_unit_test(test_history_takes_turns_evenly),
        cmocka_unit_test(test_the_first_goes_alone),
        cmocka_unit_test(test_a_long_first_request_holds_up_nobody),
        cmocka_unit_test(test_answers_out_of_order),
        cmocka_unit_test(test_a_late_answer_of_the_old_window),
        cmocka_unit_test(test_the_reserve_is_for_status),
        cmocka_unit_test(test_retry_after_stops_all_lanes),
        cmocka_unit_test(test_absurd_headers),
        cmocka_unit_test(test_what_others_did_once_does_not_hold_up_a_message),
        cmocka_unit_test(test_five_per_second_for_one_resource),
        cmocka_unit_test(test_more_resources_than_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
