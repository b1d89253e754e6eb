/* Deadlines: never early, hardly late, each once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "http/wheel.h"
#include <stdlib.h>

static void expires_on_time(void **state)
{
    (void)state;
    static const int64_t delays[] = {0, 1, 99, 100, 101, 5000, 102399, 102400, 102401, 250000, 1000000};
    for (size_t i = 0; i < ARRAY_LEN(delays); i++) {
        struct wheel w;
        struct wheel_node n = {0};
        const mono_ms_t start = 123456;
        wheel_init(&w, start);
        wheel_set(&w, &n, start + delays[i]);
        mono_ms_t now = start;
        while (!wheel_take(&w, now)) {
            mono_ms_t next = wheel_next(&w);
            assert_true(next > now);
            now = next;
        }
        assert_true(now >= n.due);
        assert_true(now < n.due + 2 * WHEEL_TICK_MS);
        assert_int_equal(wheel_next(&w), WHEEL_NEVER);
    }
}

static void follows_deadlines_that_move(void **state)
{
    (void)state;
    struct wheel w;
    struct wheel_node n = {0};
    wheel_init(&w, 0);
    wheel_set(&w, &n, 10000);
    wheel_set(&w, &n, 60000); /* later: stays in its slot, is not taken from it */
    assert_null(wheel_take(&w, 20000));
    assert_null(wheel_take(&w, 59999));
    wheel_set(&w, &n, 60100); /* later by little */
    assert_null(wheel_take(&w, 60099));
    wheel_set(&w, &n, 60050); /* earlier, and passed */
    assert_ptr_equal(wheel_take(&w, 60200), &n);
    wheel_set(&w, &n, 70000);
    wheel_remove(&n);
    wheel_remove(&n);
    assert_null(wheel_take(&w, 100000));
    wheel_set(&w, &n, WHEEL_NEVER);
    assert_null(wheel_take(&w, INT64_C(1) << 40));
    wheel_remove(&n);
}

/* A thousand nodes with random deadlines, moved at random, against the plain comparison. */
static void agrees_with_a_plain_list(void **state)
{
    (void)state;
    enum { N = 1000 };
    static struct wheel w;
    static struct wheel_node node[N];
    srandom(7);
    wheel_init(&w, 0);
    for (int i = 0; i < N; i++)
        wheel_set(&w, &node[i], random() % 300000);
    mono_ms_t now = 0;
    int left = N;
    while (left) {
        now += random() % 2000;
        for (struct wheel_node *n; (n = wheel_take(&w, now)); left--)
            assert_true(n->due <= now);
        for (int i = 0; i < N; i++)
            if (node[i].prev)
                assert_true(node[i].due > now - 2 * WHEEL_TICK_MS);
        int moved = (int)(random() % N);
        if (node[moved].prev && now < 400000)
            wheel_set(&w, &node[moved], now + random() % 100000);
    }
    assert_int_equal(wheel_next(&w), WHEEL_NEVER);
}

static void survives_a_loop_that_stood_still(void **state)
{
    (void)state;
    struct wheel w;
    struct wheel_node n[3] = {0};
    wheel_init(&w, 0);
    wheel_set(&w, &n[0], 1000);
    wheel_set(&w, &n[1], 3600000);
    wheel_set(&w, &n[2], 90000);
    int taken = 0;
    for (int turn = 0; turn < 100; turn++)
        while (wheel_take(&w, 86400000))
            taken++;
    assert_int_equal(taken, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expires_on_time),
        cmocka_unit_test(follows_deadlines_that_move),
        cmocka_unit_test(agrees_with_a_plain_list),
        cmocka_unit_test(survives_a_loop_that_stood_still),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
