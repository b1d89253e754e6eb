/* Each adapter in tests/conform/broken breaks one rule: it gets its sentence, or costs only its own channel.
 */
#include "rig.h"
#include "base/log.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* What never opens: the whole sentence but for the file's directory. */
static const struct {
    const char *adapter, *sentence;
} refused[] = {
    {"no_symbol", "no_symbol.so is no channel adapter: it does not export the function fb_channel_module."},
    {"null_module", "null_module.so is no channel adapter: its fb_channel_module returns NULL."},
    {"wrong_major", "wrong_major.so is built for version 9 of the adapter interface and this bridge has "
                    "version 1: build it again."},
    {"too_small", "too_small.so says that its module has 40 bytes, and the smallest of version 1 has 128: "
                  "begin it with FB_MODULE_HEAD."},
    {"no_deliver", "no_deliver.so (broken) lacks the required call .deliver: set it in the module."},
    {"bad_name", "bad_name.so has no good name: write 1 to 32 characters of a-z, 0-9, _ and - into .name."},
    {"no_version", "no_version.so (broken) has no good version: write 1 to 32 characters into .version."},
    {"bad_formats", "bad_formats.so (broken): .formats has bits that enum fb_format does not know."},
    {"greedy", "greedy.so (broken): .in_flight is 100000 and may be at most 1024."},
    {"small_max_text",
     "small_max_text.so (broken): .max_text is 39: write 0 for no limit, or at least 40 characters."},
    {"duplicate_key", "duplicate_key.so (broken) declares the setting url twice: remove one."},
    {"bad_kind", "bad_kind.so (broken): setting url has a kind that enum fb_setting_kind does not know."},
    {"no_help", "no_help.so (broken): setting url has no help: write one line that says what it is."},
    {"settings_without_size", "settings_without_size.so (broken): .settings is missing or its .size is too "
                              "small: give sizeof(struct fb_setting)."},
    {"open_exits", "The adapter ended its process in open with exit code 3."},
    {"open_crashes", "The adapter crashed in open: signal 11 (Segmentation fault)."},
    {"open_is_mute", "The adapter's open returned -4 and gave no reason."},
    {"not_there", "not_there.so cannot be read: No such file or directory."},
};

static void test_what_cannot_open_is_refused_in_one_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct rig r;
        rig_open(&r, refused[i].adapter, NULL);
        host_start(r.host);
        assert_true(rig_wait(&r, &r.failed_n, 1, 20000));
        size_t n = strlen(r.reason), m = strlen(refused[i].sentence);
        if (n < m || strcmp(r.reason + n - m, refused[i].sentence) != 0)
            fail_msg("%s: %s", refused[i].adapter, r.reason);
        assert_int_equal(r.up_n, 0);
        rig_close(&r);
    }
}

/* What opens and then breaks: how its one delivery ends, and what is said of the process. */
static const struct {
    const char *adapter;
    enum outcome_kind kind;
    bool was_crash;
    const char *reason; /* of the status; NULL: it lives on */
} breaks[] = {
    {"deliver_crashes", OUTCOME_UNKNOWN, true, "The adapter crashed: signal 11 (Segmentation fault)."},
    {"deliver_exits", OUTCOME_UNKNOWN, true, "The adapter ended its process with exit code 0."},
    {"deliver_hangs", OUTCOME_UNKNOWN, false,
     "The channel's process was ended: it was silent past a deadline."},
    {"never_completes", OUTCOME_UNKNOWN, false, NULL},
    {"completes_twice", OUTCOME_DELIVERED, false, NULL},
    {"completes_late", OUTCOME_UNKNOWN, false, NULL},
    {"other_thread", OUTCOME_UNKNOWN, false, NULL},
    {"bad_outcomes", OUTCOME_DELIVERED, false, NULL},
    {"closes_everything", OUTCOME_UNKNOWN, true, ""},
    {"lies_length", OUTCOME_UNKNOWN, true,
     "The channel's process was ended: it sent a frame over the limit of its type."},
    {"lies_type", OUTCOME_UNKNOWN, true,
     "The channel's process was ended: it sent a frame of an unknown type."},
    {"lies_direction", OUTCOME_UNKNOWN, true,
     "The channel's process was ended: it sent a frame of an unknown type."},
    {"lies_token", OUTCOME_UNKNOWN, true,
     "The channel's process was ended: it sent the end of a call that is not open."},
    {"lies_twice", OUTCOME_DELIVERED, false,
     "The channel's process was ended: it sent the end of a call that is not open."},
    {"lies_outcome", OUTCOME_UNKNOWN, true, "The channel's process was ended: it sent a malformed outcome."},
    {"lies_descriptors", OUTCOME_UNKNOWN, true,
     "The channel's process was ended: it sent a frame without the descriptors that it announces."},
    {"lies_ticket", OUTCOME_UNKNOWN, true,
     "The channel's process was ended: it sent a message without the next ticket."},
    {"lies_message", OUTCOME_UNKNOWN, true,
     "The channel's process was ended: it sent a message without a sender's handle."},
    {"lies_log", OUTCOME_UNKNOWN, true, "The channel's process was ended: it sent a flood of log lines."},
    {"lies_pong", OUTCOME_UNKNOWN, true, "The channel's process was ended: it sent an answer to nothing."},
    {"smuggles_descriptor", OUTCOME_UNKNOWN, true,
     "The channel's process was ended: it sent descriptors that no frame announces."},
};

static unsigned open_descriptors(void)
{
    unsigned n = 0;
    for (int fd = 0; fd < 200; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void break_one(size_t i)
{
    struct rig r;
    unsigned before = open_descriptors();
    rig_open(&r, breaks[i].adapter, &(struct host_options){.attempt_ms = 300});
    rig_up(&r);
    const struct rig_outcome *o = rig_say(&r, "hello", NULL);
    if (o->o.kind != breaks[i].kind || o->o.was_crash != breaks[i].was_crash)
        fail_msg("%s: outcome %d, crash %d: %s", breaks[i].adapter, o->o.kind, o->o.was_crash, o->reason);
    if (breaks[i].reason) {
        if (!rig_wait(&r, &r.up_n, 2, 20000))
            fail_msg("%s was not started again: %s", breaks[i].adapter, r.reason);
        if (*breaks[i].reason && strcmp(r.reason, breaks[i].reason) != 0)
            fail_msg("%s: %s", breaks[i].adapter, r.reason);
    } else {
        rig_run(&r, 700);
        assert_int_equal(r.down_n, 0);
    }
    assert_int_equal(r.outcome_n, 1);
    rig_close(&r);
    assert_int_equal(open_descriptors(), before);
}

static void test_what_breaks_ends_its_delivery_once_and_starts_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(breaks); i++)
        break_one(i);
}

static void test_a_hang_outside_any_call_is_noticed(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, "timer_hangs", &(struct host_options){.heartbeat_ms = 200});
    rig_up(&r);
    assert_true(rig_wait(&r, &r.down_n, 1, 5000));
    assert_string_equal(r.reason,
                        "The channel's process was ended: it was silent for too long outside any call.");
    rig_close(&r);
}

static void test_a_flood_of_messages_is_bounded_and_the_rest_goes_on(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, "flood_receive", NULL);
    r.answers = false;
    rig_up(&r);
    rig_run(&r, 300);
    assert_int_equal(r.receive_n, 64);
    assert_int_equal(rig_say(&r, "hello", NULL)->o.kind, OUTCOME_DELIVERED);
    host_stored(r.host, r.ticket, ERR_FULL, false, NULL, "Full.");
    assert_true(rig_wait(&r, &r.receive_n, 65, 5000));
    rig_close(&r);
}

static void test_a_liars_flood_is_left_in_its_socket(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, "floods_raw", &(struct host_options){.attempt_ms = 500});
    r.answers = false;
    rig_up(&r);
    assert_int_equal(rig_say(&r, "hello", NULL)->o.kind, OUTCOME_UNKNOWN);
    assert_int_equal(r.receive_n, 65);
    assert_true(rig_wait(&r, &r.down_n, 1, 10000));
    assert_string_equal(r.reason, "The channel's process was ended: it was silent past a deadline.");
    rig_close(&r);
}

static void test_a_flood_of_log_lines_is_dropped(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, "flood_log", NULL);
    log_setup(LOG_ERROR, LOG_TEXT, open("/dev/null", O_WRONLY));
    rig_up(&r);
    rig_run(&r, 500);
    assert_int_equal(rig_say(&r, "hello", NULL)->o.kind, OUTCOME_DELIVERED);
    assert_int_equal(r.down_n, 0);
    log_setup(LOG_ERROR, LOG_TEXT, 2);
    rig_close(&r);
}

static bool is_running(int pid)
{
    char path[40], line[400] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *f = fopen(path, "r");
    bool is = f && fgets(line, sizeof line, f) && !strstr(line, ") Z");
    if (f)
        fclose(f);
    return is;
}

static void test_what_the_adapter_started_does_not_outlive_it(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, "leaves_a_child", NULL);
    rig_up(&r);
    int grandchild = atoi(rig_say(&r, "hello", NULL)->external_id);
    assert_true(is_running(grandchild));
    rig_stop(&r);
    for (int i = 0; i < 100 && is_running(grandchild); i++)
        usleep(10000);
    assert_false(is_running(grandchild));
    rig_close(&r);
}

static void test_one_broken_channel_costs_the_other_nothing(void **state)
{
    (void)state;
    struct rig good, bad;
    rig_open(&good, "probe", NULL);
    rig_open(&bad, "deliver_crashes", NULL);
    rig_up(&good);
    rig_up(&bad);
    int pid = host_pid(good.host);
    for (int i = 0; i < 3; i++) {
        rig_say(&bad, "x", NULL);
        assert_int_equal(rig_say(&good, "deliver", NULL)->o.kind, OUTCOME_DELIVERED);
        assert_true(rig_wait(&bad, &bad.up_n, (unsigned)i + 2, 5000));
    }
    assert_int_equal(host_pid(good.host), pid);
    assert_int_equal(good.down_n, 0);
    rig_close(&good);
    rig_close(&bad);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_cannot_open_is_refused_in_one_sentence),
        cmocka_unit_test(test_what_breaks_ends_its_delivery_once_and_starts_again),
        cmocka_unit_test(test_a_hang_outside_any_call_is_noticed),
        cmocka_unit_test(test_a_flood_of_messages_is_bounded_and_the_rest_goes_on),
        cmocka_unit_test(test_a_liars_flood_is_left_in_its_socket),
        cmocka_unit_test(test_a_flood_of_log_lines_is_dropped),
        cmocka_unit_test(test_what_the_adapter_started_does_not_outlive_it),
        cmocka_unit_test(test_one_broken_channel_costs_the_other_nothing),
    };
    rig_fixture(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
