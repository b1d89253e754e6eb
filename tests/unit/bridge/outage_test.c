/* When a channel is shown as offline: not for a blip, not in turns, and not for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bridge/outage.h"

/* A second at a time, as it is asked in life; gives when the wish changed last, and how often. */
struct watch {
    struct outage o;
    mono_ms_t now, changed_at;
    bool is_offline;
    unsigned change_n;
};

static void start(struct watch *w)
{
    *w = (struct watch){.now = 1000};
    outage_init(&w->o, w->now);
}

static void pass(struct watch *w, int seconds, bool is_up, bool is_unreachable)
{
    for (int i = 0; i < seconds; i++) {
        w->now += 1000;
        if (is_unreachable)
            outage_failed(&w->o, w->now); /* a probe */
        bool wants = outage_wants(&w->o, is_up, is_unreachable, w->is_offline, w->now);
        if (wants != w->is_offline) {
            w->is_offline = wants;
            w->changed_at = w->now;
            w->change_n++;
        }
    }
}

static void test_a_blip_is_not_told(void **state)
{
    struct watch w;

    (void)state;
    start(&w);
    for (int i = 0; i < 100; i++) {
        pass(&w, 9, true, true);
        pass(&w, 1, true, false);
    }
    assert_int_equal(w.change_n, 0);
}

static void test_an_outage_is_told_once_and_its_end_once(void **state)
{
    struct watch w;

    (void)state;
    start(&w);
    pass(&w, 3600, true, true);
    assert_true(w.is_offline);
    assert_int_equal(w.changed_at, 1000 + 11 * 1000);
    mono_ms_t end = w.now;
    outage_worked(&w.o);
    pass(&w, 3600, true, false);
    assert_false(w.is_offline);
    assert_int_equal(w.changed_at, end + 1000 + OUTAGE_OK_AFTER_MS);
    assert_int_equal(w.change_n, 2);
}

static void test_what_flaps_stays_offline(void **state)
{
    struct watch w;

    (void)state;
    start(&w);
    pass(&w, 20, false, false);
    for (int i = 0; i < 100; i++) {
        pass(&w, 14, true, false);
        pass(&w, 1, false, false);
    }
    assert_true(w.is_offline);
    assert_int_equal(w.change_n, 1);
}

static void test_an_alert_is_told_at_once_and_lasts_until_calm(void **state)
{
    struct watch w;

    (void)state;
    start(&w);
    outage_alert(&w.o, w.now);
    pass(&w, 1, true, false);
    assert_true(w.is_offline);
    pass(&w, 50, true, false);
    outage_failed(&w.o, w.now);
    outage_worked(&w.o);
    mono_ms_t failed_at = w.now;
    pass(&w, 200, true, false);
    assert_false(w.is_offline);
    assert_int_equal(w.changed_at, failed_at + OUTAGE_CALM_MS + OUTAGE_OK_AFTER_MS);
    assert_int_equal(w.change_n, 2);
}

/* Nobody writes to a channel that is offline, so nothing would ever show that it works again. */
static void test_silence_ends_it(void **state)
{
    struct watch w;

    (void)state;
    start(&w);
    outage_alert(&w.o, w.now);
    pass(&w, 20, true, true);
    mono_ms_t failed_at = w.o.failed_at;
    for (int i = 0; i < 1000; i++) { /* the breaker stays open: nothing is tried */
        w.now += 1000;
        if (outage_wants(&w.o, true, true, w.is_offline, w.now) != w.is_offline) {
            w.is_offline = !w.is_offline;
            w.changed_at = w.now;
        }
    }
    assert_false(w.is_offline);
    assert_int_equal(w.changed_at, failed_at + OUTAGE_QUIET_MS + OUTAGE_OK_AFTER_MS);
}

/* A bridge that starts while Front shows the channel as offline. */
static void test_a_start_while_offline(void **state)
{
    struct watch w;

    (void)state;
    start(&w);
    w.is_offline = true;
    pass(&w, 5, false, false);
    pass(&w, 30, true, false);
    assert_false(w.is_offline);
    start(&w);
    w.is_offline = true;
    pass(&w, 100, false, false);
    assert_true(w.is_offline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_blip_is_not_told),
        cmocka_unit_test(test_an_outage_is_told_once_and_its_end_once),
        cmocka_unit_test(test_what_flaps_stays_offline),
        cmocka_unit_test(test_an_alert_is_told_at_once_and_lasts_until_calm),
        cmocka_unit_test(test_silence_ends_it),
        cmocka_unit_test(test_a_start_while_offline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
