/* The conformance suite finds what is wrong: one broken adapter for each promise, and one that keeps them
 * all. */
#include "host/conform.h"
#include "rig.h"
#include <stdio.h>
#include <unistd.h>

struct seen {
    char broken[2000]; /* the promises, each followed by a newline */
    unsigned kept_n, skipped_n;
};

static void on_report(enum conform_result result, const char *promise, const char *text, void *arg)
{
    struct seen *s = arg;
    size_t n = strlen(s->broken);
    (void)text;
    s->kept_n += result == CONFORM_KEPT;
    s->skipped_n += result == CONFORM_SKIPPED;
    if (result == CONFORM_BROKEN)
        snprintf(s->broken + n, sizeof s->broken - n, "%s\n", promise);
}

#define DELIVERS "ends every delivery once, in time, with a sentence if it failed\n"
#define PARALLEL "ends 64 deliveries at once\n"
#define LEAKS    "leaks neither descriptors nor memory\n"
#define STOPS    "stops and closes in time\n"
#define ANOTHER  "lives beside another instance of itself\n"

static const struct {
    const char *adapter, *broken;
} cases[] = {
    {"bad_outcomes", DELIVERS},
    {"completes_twice", DELIVERS},
    {"never_completes", DELIVERS PARALLEL LEAKS ANOTHER},
    {"deliver_crashes", DELIVERS PARALLEL LEAKS STOPS ANOTHER},
    {"close_crashes", STOPS ANOTHER},
    {"open_is_mute", "opens\n" ANOTHER},
    {"mumbles", DELIVERS PARALLEL LEAKS ANOTHER},
    {"leaks_descriptors", LEAKS},
    {"one_instance", ANOTHER},
    {"acknowledges_early", "acknowledges a message only when it is stored\n"},
    {"sends_a_directory", "replies to every request, and refuses nonsense\n"},
    {"lies_type", DELIVERS PARALLEL LEAKS STOPS ANOTHER},
};

static void test_each_broken_promise_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char path[4300];
        struct seen s = {0};
        snprintf(path, sizeof path, "%s/%s.so", rig_channels, cases[i].adapter);
        struct conform_options o = {
            .adapter_path = path, .settings = SPAN_LIT("{}"), .attempt_ms = 200, .repeat = 20};
        assert_false(conform_run(&o, on_report, &s));
        if (strcmp(s.broken, cases[i].broken) != 0)
            fail_msg("%s: %s", cases[i].adapter, s.broken);
    }
}

static void test_a_good_adapter_conforms(void **state)
{
    (void)state;
    char path[4300], file[] = "/tmp/fb-conform-XXXXXX", settings[200];
    struct seen s = {0};
    int fd = mkstemp(file);
    assert_true(fd >= 0);
    close(fd);
    snprintf(path, sizeof path, "%s/../../channels/template.so", rig_channels);
    snprintf(settings, sizeof settings, "{\"path\":\"%s\",\"token\":\"secret-of-tests\",\"delay\":\"0\"}",
             file);
    unsigned delivered_n = 0;
    struct conform_options o = {.adapter_path = path,
                                .settings = span_of(settings),
                                .repeat = 5,
                                .token = "secret-of-tests",
                                .delivered_n = &delivered_n};
    assert_true(conform_run(&o, on_report, &s));
    unlink(file);
    assert_string_equal(s.broken, "");
    assert_int_equal(s.kept_n, 8);
    assert_true(delivered_n > 80);
    assert_int_equal(s.skipped_n, 3); /* it has neither failed nor event, nor a limit */
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_broken_promise_is_found),
        cmocka_unit_test(test_a_good_adapter_conforms),
    };
    rig_fixture(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
