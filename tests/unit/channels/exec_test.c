/* The exec adapter with real programs: good ones, and all the ways to be a bad one. */
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "cmocka_all.h"
#include "fake_host.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A shell program: `next` reads a line and its token, `say` answers. */
#define SHELL                                                                                                \
    "next() { IFS= read -r line || exit 0; t=${line#*\\\"token\\\":\\\"}; t=${t%%\\\"*}; }\n"                \
    "say() { printf '{\"token\":\"%s\",\"outcome\":%s}\\n' \"$t\" \"$1\"; }\n"
#define GOOD "while next; do say '\"delivered\",\"external_id\":\"x'$t'\"'; done"

static char *command(const char *program, const char *flag, const char *script)
{
    struct buf json;
    struct jout j;
    buf_init(&json, 1 << 16);
    jout_init(&j, &json);
    jout_array(&j);
    jout_str(&j, program);
    jout_str(&j, flag);
    if (script)
        jout_str(&j, script);
    jout_array_end(&j);
    return buf_take(&json, NULL);
}

static struct fake *fake_with(char *words)
{
    struct fake *f = fake_new(ADAPTER);
    fake_set(f, "command", words);
    free(words);
    return f;
}

static struct fake *opened(struct fake *f)
{
    assert_int_equal(fake_validate(f), FB_OK);
    if (fake_open(f))
        fail_msg("%s", f->why);
    return f;
}

static struct fake *shell(const char *script)
{
    char text[4000];
    snprintf(text, sizeof text, "%s%s", SHELL, script);
    return fake_with(command("/bin/sh", "-c", text));
}

static unsigned count(const char *text, const char *part)
{
    unsigned n = 0;
    for (; text && (text = strstr(text, part)); text += strlen(part))
        n++;
    return n;
}

static void deliver(struct fake *f, fb_token token)
{
    char id[24];
    snprintf(id, sizeof id, "d%u", (unsigned)token);
    fake_deliver(f, token, id, "hello", NULL);
}

static void assert_outcome(struct fake *f, fb_token token, uint32_t kind, const char *reason)
{
    assert_true(fake_run_outcome(f, token));
    if (f->outcome[token].kind != kind || (reason && !strstr(f->outcome[token].reason, reason)))
        fail_msg("token %u: %u %s\n%s", (unsigned)token, f->outcome[token].kind, f->outcome[token].reason,
                 f->log);
}

/* ---- Programs that behave ---- */

static void test_example_works_both_ways(void **state)
{
    struct fake *f =
        opened(fake_with(command("/usr/bin/python3", SOURCE_DIR "/channels/exec/examples/echo.py", NULL)));
    (void)state;
    fake_deliver(f, 1, "d1", "hi",
                 "{\"type\":\"message\",\"id\":\"d1\",\n\"text\":\"hi\",\"conversation_id\":\"c1\","
                 "\"recipient\":{\"handle\":\"alice\",\"name\":null}}");
    assert_outcome(f, 1, FB_DELIVERED, NULL);
    assert_string_equal(f->outcome[1].external_id, "echo-d1");
    assert_true(fake_run_received(f, 1));
    assert_string_equal(f->received[0].inbound.text, "You wrote: hi");
    assert_string_equal(f->received[0].inbound.id, "answer-to-d1");
    assert_string_equal(f->received[0].inbound.conversation_id, "c1");
    assert_string_equal(f->received[0].sender_handle, "alice");
    fake_stored(f, 0, FB_OK, false, "in_1", NULL);

    fake_request(f, 2, "POST", "", "Content-Type: application/json\n", "{\"from\":\"bob\",\"text\":\"hey\"}",
                 -1);
    assert_true(fake_run_received(f, 2));
    assert_string_equal(f->received[1].sender_handle, "bob");
    fake_run(f, 50, NULL, NULL);
    assert_false(f->reply[2].is_done); /* not before it is stored */
    fake_stored(f, 1, FB_OK, false, "in_2", NULL);
    assert_true(fake_run_reply(f, 2));
    assert_int_equal(f->reply[2].status, 202);
    assert_string_equal(f->reply[2].body, "{\"status\": \"accepted\"}");

    fake_notice(f, 3, true, "n1", "{\"type\":\"sending_error\"}");
    assert_outcome(f, 3, FB_DELIVERED, NULL);

    static const char *const rubbish[] = {"", "{", "[]", "7", "{\"from\":\"bob\"}"};
    for (size_t i = 0; i < sizeof rubbish / sizeof *rubbish; i++) {
        fake_request(f, 4 + i, "POST", "", "", rubbish[i], -1);
        assert_true(fake_run_reply(f, 4 + i));
        assert_int_equal(f->reply[4 + i].status, 400);
    }
    fake_notice(f, 10, false, "n2", "{\"type\":\"a_type_of_next_year\"}");
    assert_outcome(f, 10, FB_DELIVERED, NULL);
    fake_deliver(f, 11, "d2", "",
                 "{\"type\":\"message\",\"id\":\"d2\",\"text\":null,\"recipient\":{\"handle\":\"alice\"}}");
    assert_outcome(f, 11, FB_DELIVERED, NULL);
    assert_null(strstr(f->log, "Traceback"));
    fake_free(f);
}

static void test_outcomes(void **state)
{
    static const struct {
        const char *answer;
        uint32_t kind, flags;
        int64_t retry_after_ms;
        const char *reason;
    } cases[] = {
        {"\"delivered\"", FB_DELIVERED, 0, 0, NULL},
        {"\"retry\"", FB_RETRY, 0, 0, "cannot take"},
        {"\"retry\",\"reason\":\"Full.\",\"retry_after\":1.5", FB_RETRY, 0, 1500, "Full."},
        {"\"retry\",\"retry_after\":1e99,\"unreachable\":true", FB_RETRY, FB_OUTCOME_UNREACHABLE, 0,
         "cannot take"},
        {"\"retry\",\"retry_after\":999999999", FB_RETRY, 0, 86400000, "cannot take"},
        {"\"rejected\",\"reason\":\"Alice\\nleft.\"", FB_REJECTED, 0, 0, "Alice left."},
        {"\"hold\"", FB_HOLD, 0, 0, "operator"},
        {"\"unknown\"", FB_UNKNOWN, 0, 0, "does not know"},
        {"\"sent\",\"reason\":\"x\"", FB_UNKNOWN, 0, 0, "does not exist"},
        {"7", FB_UNKNOWN, 0, 0, "does not exist"},
        {"\"delivered\",\"type\":\"outcome\"", FB_DELIVERED, 0, 0, NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char script[300];
        snprintf(script, sizeof script, "while next; do say '%s'; done", cases[i].answer);
        struct fake *f = opened(shell(script));
        deliver(f, 1);
        assert_outcome(f, 1, cases[i].kind, cases[i].reason);
        assert_int_equal(f->outcome[1].flags, cases[i].flags);
        assert_int_equal(f->outcome[1].retry_after_ms, cases[i].retry_after_ms);
        fake_free(f);
    }
}

static void test_a_token_may_be_a_number(void **state)
{
    struct fake *f = opened(shell("next; echo '{\"token\":1,\"outcome\":\"delivered\"}'; " GOOD));
    (void)state;
    deliver(f, 1);
    assert_outcome(f, 1, FB_DELIVERED, NULL);
    fake_free(f);
}

static void test_an_outcome_that_does_not_exist_is_named(void **state)
{
    struct fake *f = opened(shell("next; say '\"sent\"'; next; say '\"Hello Ada\"'; " GOOD));
    (void)state;
    deliver(f, 1);
    assert_outcome(f, 1, FB_UNKNOWN, "does not exist");
    deliver(f, 2);
    assert_outcome(f, 2, FB_UNKNOWN, "does not exist");
    assert_non_null(strstr(f->log, "outcome \"sent\", which does not exist"));
    assert_null(strstr(f->log, "Ada")); /* it may be a message's text */
    fake_free(f);
}

static void test_one_after_the_other(void **state)
{
    struct fake *f = opened(shell("next; sleep 0.3; printf 'first\\n' >&2; say '\"delivered\"'; " GOOD));
    (void)state;
    for (fb_token t = 1; t <= 20; t++)
        deliver(f, t);
    for (fb_token t = 1; t <= 20; t++)
        assert_outcome(f, t, FB_DELIVERED, NULL);
    fake_free(f);
}

static void test_in_flight(void **state)
{
    /* It answers only when it has three, the last first. */
    struct fake *f =
        shell("next; a=$t; next; b=$t; next; say '\"delivered\"'; t=$b; say '\"delivered\"'; t=$a; "
              "say '\"delivered\"'; " GOOD);
    (void)state;
    fake_set(f, "in_flight", "3");
    opened(f);
    for (fb_token t = 1; t <= 4; t++)
        deliver(f, t);
    for (fb_token t = 1; t <= 4; t++)
        assert_outcome(f, t, FB_DELIVERED, NULL);
    fake_free(f);
}

static void test_requests_pass_deliveries(void **state)
{
    struct fake *f =
        opened(shell("next; d=$t; next; printf '{\"type\":\"reply\",\"token\":\"%s\",\"status\":201,"
                     "\"body\":\"ok\",\"headers\":{\"Retry-After\":\"3\",\"b d\":\"x\"}}\\n' $t; t=$d; "
                     "say '\"delivered\"'; " GOOD));
    (void)state;
    deliver(f, 1);
    deliver(f, 2);
    fake_request(f, 3, "GET", "/x?y=1", "A: 1\na: 2\n", NULL, -1);
    assert_true(fake_run_reply(f, 3));
    assert_int_equal(f->reply[3].status, 201);
    assert_string_equal(f->reply[3].body, "ok");
    assert_string_equal(f->reply[3].retry_after, "3");
    assert_outcome(f, 2, FB_DELIVERED, NULL);
    fake_free(f);
}

static void test_what_a_request_looks_like(void **state)
{
    struct fake *f =
        opened(shell("while next; do printf '{\"type\":\"reply\",\"token\":\"%s\",\"body\":%s}\\n' $t "
                     "\"$line\"; done"));
    (void)state;
    fake_request(f, 1, "POST", "/x?y=1", "X-A: 1\nB: 2\nx-a: 3\n", "text \xe2\x82\xac", -1);
    assert_true(fake_run_reply(f, 1));
    assert_int_equal(f->reply[1].status, 200);
    assert_string_equal(f->reply[1].body,
                        "{\"type\":\"request\",\"token\":\"1\",\"method\":\"POST\",\"path\":\"/x\","
                        "\"query\":\"y=1\",\"peer\":\"127.0.0.1\",\"headers\":{\"x-a\":\"1, 3\","
                        "\"b\":\"2\"},\"body\":\"text \u20ac\"}");
    fake_request(f, 2, "POST", "", "", "\xff\xfe", -1);
    assert_true(fake_run_reply(f, 2));
    assert_non_null(strstr(f->reply[2].body, "\"body_base64\":\"//4=\""));
    fake_free(f);
}

static void test_receive_is_answered(void **state)
{
    struct fake *f = opened(
        shell("echo '{\"type\":\"receive\",\"ref\":\"a\",\"sender\":{\"handle\":\"x\"},\"text\":\"1\"}'\n"
              "read -r l; echo \"$l\" >&2\n"
              "echo '{\"type\":\"receive\",\"ref\":{},\"sender\":{\"handle\":\"x\"}}'\n"
              "read -r l; echo \"$l\" >&2\n"
              "echo '{\"type\":\"receipt\",\"ref\":7,\"external_id\":\"x\",\"status\":\"read\"}'\n"
              "read -r l; echo \"$l\" >&2\n"
              "echo '{\"type\":\"delete\",\"ref\":8,\"message_id\":\"m\",\"sender\":{\"handle\":\"x\"}}'\n"
              "read -r l; echo \"$l\" >&2\n"
              "echo '{\"type\":\"typing\",\"ref\":9,\"sender\":{\"handle\":\"x\"}}'\n"
              "read -r l; echo \"$l\" >&2; sleep 5"));
    (void)state;
    assert_true(fake_run_received(f, 1));
    fake_stored(f, 0, FB_OK, true, "in_1", NULL);
    assert_true(fake_run_log(f, "{\"type\":\"stored\",\"ref\":\"a\",\"status\":\"accepted\",\"id\":\"in_1\","
                                "\"duplicate\":true}"));
    assert_true(
        fake_run_log(f, "{\"type\":\"stored\",\"ref\":null,\"status\":\"invalid\",\"error\":\"Give exactly"));
    assert_true(fake_run_received(f, 2));
    assert_true(f->received[1].is_receipt);
    fake_stored(f, 1, FB_ERR_FULL, false, NULL, "The channel is full.");
    assert_true(fake_run_log(f, "\"ref\":7,\"status\":\"retry\",\"error\":\"The channel is full.\"}"));
    assert_true(fake_run_received(f, 3));
    assert_int_equal(f->received[2].inbound.what, FB_DELETE);
    fake_stored(f, 2, FB_OK, false, "in_2", NULL);
    assert_true(fake_run_log(f, "\"ref\":8,\"status\":\"accepted\",\"id\":\"in_2\",\"duplicate\":false}"));
    assert_true(fake_run_received(f, 4));
    assert_int_equal(f->received[3].inbound.what, FB_TYPING);
    fake_stored(f, 3, FB_OK, false, NULL, NULL);
    assert_true(fake_run_log(f, "\"ref\":9,\"status\":\"ignored\"}"));
    fake_free(f);
}

/* Wherever its ref stands; what is no message is not answered, and what comes behind it counts. */
static void test_a_message_that_is_too_long_is_refused(void **state)
{
    struct fake *f = opened(shell(
        "long() { printf \"$1\"; head -c 2200000 /dev/zero | tr '\\0' x; printf \"$2\"; }\n"
        "long '{\"type\":\"receive\",\"ref\":\"big\",\"sender\":{\"handle\":\"x\"},\"text\":\"' '\"}\\n'\n"
        "long '{\"type\":\"reply\",\"token\":\"1\",\"ref\":1,\"body\":\"' '\"}\\n'\n"
        "long '{\"sender\":{\"handle\":\"x\"},\"text\":\"' '\",\"ref\":7,\"type\":\"edit\"}\\n'\n"
        "long '{\"type\":\"receipt\",\"x\":\"' '\"}\\n'\n"
        "printf '{\"type\":\"receive\",\"ref\":9,\"sender\":{\"handle\":\"x\"},\"text\":\"hi\"}\\n'\n"
        "for i in 1 2 3; do read -r l; echo \"$l\" >&2; done; " GOOD));
    (void)state;
    assert_true(fake_run_log(f, "it is longer than 2 MiB"));
    assert_true(fake_run_log(
        f, "{\"type\":\"stored\",\"ref\":\"big\",\"status\":\"invalid\",\"error\":\"The line is longer"));
    assert_true(fake_run_log(f, "\"ref\":7,\"status\":\"invalid\""));
    assert_true(fake_run_log(f, "\"ref\":null,\"status\":\"invalid\""));
    assert_true(fake_run_received(f, 1));
    assert_string_equal(f->received[0].inbound.text, "hi");
    fake_free(f);
}

/* By path or as data; what is wrong with a file the program hears, and its files stay its own. */
static void test_files(void **state)
{
    struct fake *f = opened(
        shell("d=$(mktemp -d); printf hello >$d/a; ln -s $d/a $d/link\n"
              "send() { printf "
              "'{\"type\":\"receive\",\"ref\":\"%s\",\"sender\":{\"handle\":\"x\"},\"attachments\":["
              "{\"filename\":\"a.txt\",\"content_type\":\"text/plain\",\"%s\":\"%s\"}]}\\n' $1 $2 $3; }\n"
              "send 1 path $d/a; send 2 data aGk=; send 3 url http://10.0.0.1/a; send 4 path $d/none;\n"
              "send 5 path $d/link; send 6 data ?; send 7 path $d\n"
              "for i in 1 2 3 4 5 6 7; do read -r l; echo \"$l\" >&2; done; ls $d >&2; rm -r $d; " GOOD));
    (void)state;
    assert_true(fake_run_received(f, 3));
    assert_string_equal(f->received[0].file[0].content, "hello");
    assert_string_equal(f->received[0].file[0].filename, "a.txt");
    assert_string_equal(f->received[1].file[0].content, "hi");
    assert_string_equal(f->received[2].file[0].url, "http://10.0.0.1/a");
    for (unsigned i = 0; i < 3; i++)
        fake_stored(f, i, FB_OK, false, "in", NULL);
    assert_true(
        fake_run_log(f, "\"ref\":\"4\",\"status\":\"invalid\",\"error\":\"`attachments[0].path` cannot be "
                        "opened: No such file or directory.\""));
    assert_true(fake_run_log(
        f, "\"ref\":\"5\",\"status\":\"invalid\",\"error\":\"`attachments[0].path` is a symbolic"));
    assert_true(fake_run_log(
        f, "\"ref\":\"6\",\"status\":\"invalid\",\"error\":\"`attachments[0].data` is no base64"));
    assert_true(fake_run_log(
        f, "\"ref\":\"7\",\"status\":\"invalid\",\"error\":\"`attachments[0].path` is no regular"));
    assert_true(fake_run_log(f, "program: a\n"));
    assert_true(fake_run_log(f, "program: link\n"));
    fake_free(f);
}

static void test_large_message_passes_the_pipe(void **state)
{
    struct fake *f = opened(shell(GOOD));
    char *json = mem_zalloc((5 << 20) + 100);
    (void)state;
    sprintf(json, "{\"text\":\"%0*d\"}", 5 << 20, 0);
    fake_deliver(f, 1, "d", "x", json);
    deliver(f, 2);
    assert_outcome(f, 1, FB_DELIVERED, NULL);
    assert_outcome(f, 2, FB_DELIVERED, NULL);
    free(json);
    fake_free(f);
}

static void test_environment(void **state)
{
    struct fake *f = shell("env | grep -v -e ^_ -e ^PWD -e ^SHLVL -e ^OLDPWD >&2; for d in /proc/self/fd/*; "
                           "do echo fd $d >&2; done; "
                           "sleep 5");
    (void)state;
    setenv("FRONT_SECRET_OF_OTHERS", "hush", 1);
    fake_set(f, "env", "{\"API_KEY\":\"k e y\",\"LANG\":\"de_DE.UTF-8\"}");
    opened(f);
    assert_true(fake_run_log(f, "fd /proc/self/fd/2"));
    fake_run(f, 100, NULL, NULL);
    assert_non_null(strstr(f->log, "API_KEY=k e y"));
    assert_non_null(strstr(f->log, "LANG=de_DE.UTF-8"));
    assert_null(strstr(f->log, "LANG=C"));
    assert_non_null(strstr(f->log, "FRONT_BRIDGE_CHANNEL=support"));
    assert_null(strstr(f->log, "hush"));
    assert_true(count(f->log, "fd /proc") <= 4); /* 0, 1, 2 and what the glob opens */
    unsetenv("FRONT_SECRET_OF_OTHERS");
    fake_free(f);
}

/* ---- Programs that do not ---- */

static void test_crash(void **state)
{
    static const struct {
        const char *script, *how;
    } cases[] = {
        {"next; exit 3", "exit code 3"},
        {"next; kill -9 $$", "signal 9"},
        {"next; exec >&-; sleep 30", "signal 15"},
        {"next; exec <&- >&-; exit 4", "exit code 4"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fake *f = shell(cases[i].script);
        fake_set(f, "restart", "400");
        opened(f);
        deliver(f, 1);
        deliver(f, 2); /* waits: in_flight is 1 */
        assert_outcome(f, 1, FB_UNKNOWN, cases[i].how);
        assert_outcome(f, 2, FB_RETRY, cases[i].how);
        assert_int_equal(f->outcome[2].flags, FB_OUTCOME_UNREACHABLE);
        deliver(f, 3);
        assert_true(f->outcome[3].is_done);
        assert_int_equal(f->outcome[3].kind, FB_RETRY);
        assert_int_equal(f->outcome[3].flags, FB_OUTCOME_UNREACHABLE);
        assert_in_range(f->outcome[3].retry_after_ms, 1, 400);
        fake_request(f, 4, "POST", "", "", "x", -1);
        assert_int_equal(f->reply[4].status, 503);
        assert_string_equal(f->reply[4].retry_after, "5");
        fake_free(f);
    }
}

static void test_it_runs_again(void **state)
{
    char flag[] = "/tmp/exec_test_XXXXXX", script[300];
    int fd = mkstemp(flag);
    (void)state;
    snprintf(script, sizeof script, "if [ -e %s ]; then rm %s; next; exit 1; fi; " GOOD, flag, flag);
    struct fake *f = shell(script);
    fake_set(f, "restart", "50");
    opened(f);
    deliver(f, 1);
    assert_outcome(f, 1, FB_UNKNOWN, NULL);
    fake_run(f, 150, NULL, NULL);
    deliver(f, 2);
    assert_outcome(f, 2, FB_DELIVERED, NULL);
    assert_int_equal(count(f->log, "the program runs"), 2);
    close(fd);
    fake_free(f);
}

static void test_answer_before_death_counts(void **state)
{
    struct fake *f = opened(shell("next; say '\"delivered\"'; exit 1"));
    (void)state;
    deliver(f, 1);
    assert_outcome(f, 1, FB_DELIVERED, NULL);
    fake_free(f);
}

static void test_back_off_doubles(void **state)
{
    struct fake *f = shell("exit 1");
    (void)state;
    fake_set(f, "restart", "40");
    opened(f);
    fake_run(f, 1000, NULL, NULL); /* starts at 0, 40, 120, 280, 600 ms */
    assert_in_range(count(f->log, "the program runs"), 3, 5);
    fake_free(f);
}

static void test_garbage(void **state)
{
    struct fake *f =
        opened(shell("next\n"
                     "echo; echo nonsense; echo '{\"a\":1 \"b\":2}'; echo '[]'; echo '{}'; echo 5\n"
                     "echo '{\"type\":\"receive\"}'; printf '\\377\\376\\n'; printf 'nul\\000nul\\n'\n"
                     "echo '{\"token\":\"99\",\"outcome\":\"delivered\"}'\n"
                     "echo '{\"token\":\"-1\",\"outcome\":\"delivered\"}'\n"
                     "echo '{\"token\":{},\"outcome\":\"delivered\"}'\n"
                     "echo '{\"type\":\"reply\",\"token\":\"1\"}'\n"
                     "head -c 3000000 /dev/zero | tr '\\0' x; echo\n"
                     "say '\"delivered\"'; say '\"rejected\"'; " GOOD));
    (void)state;
    deliver(f, 1);
    assert_outcome(f, 1, FB_DELIVERED, NULL);
    deliver(f, 2);
    assert_outcome(f, 2, FB_DELIVERED, NULL);
    assert_int_equal(f->received_n, 0);
    assert_non_null(strstr(f->log, "longer than 2 MiB"));
    assert_non_null(strstr(f->log, "its token is not open"));
    assert_null(strstr(f->log, "nonsense"));
    fake_free(f);
}

static void test_silence_ends_in_restart(void **state)
{
    struct fake *f = shell("next; sleep 30");
    (void)state;
    fake_set(f, "timeout", "200");
    opened(f);
    deliver(f, 1);
    assert_outcome(f, 1, FB_UNKNOWN, "did not say in time");
    assert_true(fake_run_log(f, "the program does not answer"));
    fake_free(f);
}

static void test_slow_but_alive_is_left_alone(void **state)
{
    struct fake *f = shell("next; for i in 1 2 3 4 5 6 7 8; do sleep 0.1; echo '{}'; done; " GOOD);
    (void)state;
    fake_set(f, "timeout", "300");
    opened(f);
    deliver(f, 1);
    assert_outcome(f, 1, FB_UNKNOWN, "did not say in time");
    fake_run(f, 600, NULL, NULL);
    deliver(f, 2);
    assert_outcome(f, 2, FB_DELIVERED, NULL);
    assert_int_equal(count(f->log, "the program runs"), 1);
    fake_free(f);
}

static void test_request_without_reply(void **state)
{
    struct fake *f = shell("next; echo '{}'; sleep 30");
    (void)state;
    fake_set(f, "timeout", "200");
    opened(f);
    fake_request(f, 1, "POST", "", "", "x", -1);
    assert_true(fake_run_reply(f, 1));
    assert_int_equal(f->reply[1].status, 503);
    fake_free(f);
}

static void test_closes_its_input(void **state)
{
    struct fake *f = opened(shell("exec <&-; sleep 30"));
    (void)state;
    fake_run(f, 150, NULL, NULL);
    deliver(f, 1);
    assert_outcome(f, 1, FB_UNKNOWN, NULL);
    assert_true(fake_run_log(f, "the program closed its input"));
    fake_free(f);
}

static void test_never_reads(void **state)
{
    struct fake *f = shell("while :; do sleep 0.05; echo '{}'; done");
    char *json = mem_zalloc((1 << 20) + 100);
    (void)state;
    sprintf(json, "{\"text\":\"%0*d\"}", 1 << 20, 0);
    fake_set(f, "timeout", "300");
    opened(f);
    fake_deliver(f, 1, "d", "x", json);
    assert_outcome(f, 1, FB_UNKNOWN, NULL);
    assert_true(fake_run_log(f, "the program does not read its input"));
    free(json);
    fake_free(f);
}

static void test_flood_of_messages_is_bounded(void **state)
{
    struct fake *f = opened(shell(
        "i=0; p=$(head -c 600 /dev/zero | tr '\\0' p); while [ $i -lt 400 ]; do i=$((i+1)); echo "
        "'{\"type\":\"receive\",\"ref\":1,\"sender\":{\"handle\":\"x\"},\"text\":\"'$p'\"}'; done; " GOOD));
    unsigned n;
    (void)state;
    assert_true(fake_run_received(f, 64));
    fake_run(f, 200, NULL, NULL);
    n = f->received_n;
    assert_in_range(n, 64, 200);
    for (unsigned i = 0; i < n; i++)
        fake_stored(f, i, FB_OK, false, "in", NULL);
    assert_true(fake_run_received(f, n + 1)); /* and goes on when they are stored */
    fake_free(f);
}

static void test_noise_is_bounded(void **state)
{
    struct fake *f = opened(shell("i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo \"noise $i\" >&2; done; "
                                  "printf 'tab\\there \\033[31mred' >&2; exit 1"));
    (void)state;
    assert_true(fake_run_log(f, "too many lines"));
    assert_true(fake_run_log(f, "the program "));
    assert_in_range(count(f->log, "noise "), 20, 60);
    fake_free(f);
}

static void test_last_words(void **state)
{
    struct fake *f = opened(shell("printf 'Traceback: it \\033[31m broke' >&2; exit 1"));
    (void)state;
    assert_true(fake_run_log(f, "I program: Traceback: it [31m broke\n"));
    assert_true(fake_run_log(f, "exit code 1"));
    fake_free(f);
}

/* ---- Its end ---- */

/* Whoever inherits an orphan may be slow to bury it: a zombie is gone enough. */
static bool is_dead(pid_t pid)
{
    char path[40], state = 'Z';
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (file && fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
        state = 'Z';
    if (file)
        fclose(file);
    return state == 'Z';
}

static bool is_gone(pid_t pid)
{
    for (int i = 0; i < 100 && !is_dead(pid); i++)
        usleep(10000);
    return is_dead(pid);
}

static pid_t pid_in_log(struct fake *f, const char *name)
{
    assert_true(fake_run_log(f, name));
    return (pid_t)atoi(strstr(f->log, name) + strlen(name));
}

static void test_close_ends_the_whole_group(void **state)
{
    /* The leader leaves at the end of its input, what it started does not. */
    struct fake *f = opened(shell("sh -c 'trap \"\" TERM; exec sleep 100' & echo \"other=$!.\" >&2; " GOOD));
    pid_t other = pid_in_log(f, "other=");
    mono_ms_t before = clock_mono_ms();
    (void)state;
    fake_close(f);
    assert_true(clock_mono_ms() - before < 900);
    assert_true(is_gone(other));
    fake_free(f);
}

static void test_close_kills_the_stubborn(void **state)
{
    struct fake *f = opened(shell("trap '' TERM; echo \"self=$$.\" >&2; while :; do sleep 0.1; done"));
    pid_t self = pid_in_log(f, "self=");
    mono_ms_t before = clock_mono_ms();
    (void)state;
    fake_close(f);
    assert_in_range(clock_mono_ms() - before, 1900, 4000);
    assert_true(is_gone(self));
    fake_free(f);
}

static void test_stop_lets_it_finish(void **state)
{
    struct fake *f = opened(shell("next; sleep 0.2; say '\"delivered\"'; next; exit 1"));
    (void)state;
    deliver(f, 1);
    fake_run(f, 50, NULL, NULL);
    fake_stop(f);
    assert_outcome(f, 1, FB_DELIVERED, NULL);
    assert_true(fake_run_log(f, "exit code 0")); /* next: the end of its input */
    fake_run(f, 300, NULL, NULL);
    assert_int_equal(count(f->log, "the program runs"), 1);
    fake_free(f);
}

static void test_close_with_everything_open(void **state)
{
    struct fake *f = opened(
        shell("next; echo '{\"type\":\"receive\",\"sender\":{\"handle\":\"x\"},\"text\":\"1\"}'; next"));
    (void)state;
    deliver(f, 1);
    deliver(f, 2);
    fake_request(f, 3, "POST", "", "", "x", -1);
    assert_true(fake_run_received(f, 1));
    fake_free(f);
}

/* ---- Settings ---- */

static void test_settings(void **state)
{
    static const struct {
        const char *key, *value, *why;
    } cases[] = {
        {"command", NULL, "`command` must be a list"},
        {"command", "[]", "`command` must be a list"},
        {"command", "[\"\"]", "`command` must be a list"},
        {"command", "[\"a\",1]", "`command` must be a list"},
        {"command", "\"a\"", "`command` must be a list"},
        {"command", "[\"/nowhere/at-all\"]", "`command` begins with /nowhere/at-all, and there is no such"},
        {"command", "[\"no-such-program\"]", "no such program to be run in PATH: write its whole path."},
        {"command", "[\"/etc/passwd\"]", "write its whole path, and chmod +x it."},
        {"command", "[\"/usr/bin\"]", "there is no such program"},
        {"command", "[\"true\"]", NULL},
        {"env", "{\"A=B\":\"c\"}", "`env` must be a map"},
        {"env", "{\"\":\"c\"}", "`env` must be a map"},
        {"env", "{\"A\":1}", "`env` must be a map"},
        {"env", "{\"A\":\"\"}", NULL},
        {"timeout", "1", "`timeout` must be"},
        {"restart", "0", "`restart` must be"},
        {"in_flight", "0", "`in_flight` must be"},
        {"in_flight", "65", "`in_flight` must be"},
        {"in_flight", "64", NULL},
        {"events", "[\"Archive\"]", "`events` must be"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fake *f = fake_with(command("/bin/true", "x", NULL));
        fake_set(f, cases[i].key, cases[i].value);
        if (fake_validate(f) != (cases[i].why ? FB_ERR_INVALID : FB_OK) ||
            (cases[i].why && !strstr(f->why, cases[i].why)))
            fail_msg("%s: %s: %s", cases[i].key, cases[i].value, f->why);
        fake_free(f);
    }
}

static void test_program_that_is_not_there(void **state)
{
    struct fake *f = fake_with(command("/nowhere/at-all", "x", NULL));
    (void)state;
    assert_int_equal(fake_validate(f), FB_ERR_INVALID);
    assert_int_equal(fake_open(f), FB_ERR_FAILED); /* it may vanish in between */
    assert_string_equal(f->why, "/nowhere/at-all cannot be started: No such file or directory.");
    fake_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_example_works_both_ways),
        cmocka_unit_test(test_outcomes),
        cmocka_unit_test(test_a_token_may_be_a_number),
        cmocka_unit_test(test_an_outcome_that_does_not_exist_is_named),
        cmocka_unit_test(test_one_after_the_other),
        cmocka_unit_test(test_in_flight),
        cmocka_unit_test(test_requests_pass_deliveries),
        cmocka_unit_test(test_what_a_request_looks_like),
        cmocka_unit_test(test_receive_is_answered),
        cmocka_unit_test(test_a_message_that_is_too_long_is_refused),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_large_message_passes_the_pipe),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_crash),
        cmocka_unit_test(test_it_runs_again),
        cmocka_unit_test(test_answer_before_death_counts),
        cmocka_unit_test(test_back_off_doubles),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_silence_ends_in_restart),
        cmocka_unit_test(test_slow_but_alive_is_left_alone),
        cmocka_unit_test(test_request_without_reply),
        cmocka_unit_test(test_closes_its_input),
        cmocka_unit_test(test_never_reads),
        cmocka_unit_test(test_flood_of_messages_is_bounded),
        cmocka_unit_test(test_noise_is_bounded),
        cmocka_unit_test(test_last_words),
        cmocka_unit_test(test_close_ends_the_whole_group),
        cmocka_unit_test(test_close_kills_the_stubborn),
        cmocka_unit_test(test_stop_lets_it_finish),
        cmocka_unit_test(test_close_with_everything_open),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_program_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
