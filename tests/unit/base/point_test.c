/* Test points: each case runs in a child of its own, since the environment is read once. */
#include "test.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/point.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef FB_TEST_POINTS
/* visit passes the points "other" and "after_commit" n times in a child and returns how it ended. */
static int visit(const char *setting, int n)
{
    const pid_t pid = fork();
    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        if (!freopen("/dev/null", "w", stderr))
            _exit(9);
        signal(SIGABRT, SIG_DFL); /* cmocka would catch it */
        setenv("FRONT_BRIDGE_POINT", setting, 1);
        for (int i = 0; i < n; i++) {
            POINT("other");
            POINT("after_commit");
        }
        _exit(0);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void assert_killed(const char *setting, int at_visit)
{
    assert_int_equal(visit(setting, at_visit - 1), 0);
    const int status = visit(setting, at_visit);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void a_point_kills_at_the_visit_asked_for(void **state)
{
    (void)state;
    assert_killed("after_commit=kill", 1);
    assert_killed("after_commit=kill:3", 3);
    assert_int_equal(visit("before_commit=kill", 5), 0);
    assert_int_equal(visit("after=kill", 5), 0);
    assert_int_equal(visit("", 5), 0);
}

static void a_point_stalls_each_time(void **state)
{
    (void)state;
    const mono_ms_t start = clock_mono_ms();
    assert_int_equal(visit("after_commit=sleep:60", 2), 0);
    assert_true(clock_mono_ms() - start >= 120);
}

static void a_point_stalls_at_the_visit_asked_for(void **state)
{
    (void)state;
    const mono_ms_t start = clock_mono_ms();
    assert_int_equal(visit("after_commit=sleep:3600000:3", 2), 0);
    assert_int_equal(visit("after_commit=sleep:60:2", 2), 0);
    assert_true(clock_mono_ms() - start >= 60);
}

static void two_points_may_be_set(void **state)
{
    (void)state;
    const mono_ms_t start = clock_mono_ms();
    assert_int_equal(visit("other=sleep:60:1,after_commit=sleep:60:2", 2), 0);
    assert_true(clock_mono_ms() - start >= 120);
    assert_killed("other=sleep:1,after_commit=kill:2", 2);
}

static void a_mistyped_point_ends_the_test(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "after_commit",          "after_commit=",          "after_commit=die",
        "after_commit=sleep",    "after_commit=kill:x",    "after_commit=kill:0",
        "after_commit=sleep:-5", "after_commit=killer",    "after_commit=kill:3x",
        "after_commit=sleep:5:", "after_commit=sleep:5:0", "other=sleep:1,after_commit",
        "after_commit=kill,"};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const int status = visit(cases[i], 1);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
            fail_msg("%s was taken", cases[i]);
    }
}
#endif

int main(void)
{
#ifdef FB_TEST_POINTS
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_point_kills_at_the_visit_asked_for),  cmocka_unit_test(a_point_stalls_each_time),
        cmocka_unit_test(a_point_stalls_at_the_visit_asked_for), cmocka_unit_test(two_points_may_be_set),
        cmocka_unit_test(a_mistyped_point_ends_the_test),
    };
    return cmocka_run_group_tests_name("point", tests, NULL, NULL);
#endif
}
