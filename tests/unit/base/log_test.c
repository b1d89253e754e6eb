/* Logs: what a line looks like, that nothing in a value can forge another, and that no reader can stop us. */
#include "test.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int ends[2];

static int open_pipe(void **state)
{
    (void)state;
    return pipe(ends) || fcntl(ends[0], F_SETFL, O_NONBLOCK);
}

static int close_pipe(void **state)
{
    (void)state;
    log_setup(LOG_INFO, LOG_JSON, STDERR_FILENO);
    return close(ends[0]) || close(ends[1]);
}

/* drain reads what has been written so far. */
static void drain(struct buf *out)
{
    char piece[4096];
    ssize_t n;
    while ((n = read(ends[0], piece, sizeof piece)) > 0)
        buf_add(out, piece, (size_t)n);
}

static void assert_written(const char *wanted)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    drain(&b);
    buf_add_str(&b, "");
    assert_non_null(b.p);
    assert_true(b.n > 24);
    assert_string_equal(b.p + 24, wanted); /* after the time */
    buf_fini(&b);
}

static void a_json_line_has_typed_values(void **state)
{
    (void)state;
    struct buf b;
    struct json doc;
    buf_init(&b, 4096);
    log_setup(LOG_INFO, LOG_JSON, ends[1]);
    log_info("delivered", LOG_STR("channel", "support\n\"x\""), LOG_I64("attempt", 2),
             LOG_SPAN("id", SPAN_LIT("msg_1")), LOG_STR("none", NULL));
    drain(&b);
    assert_int_equal(b.n, 0); /* gathered until the flush */
    log_flush();
    drain(&b);
    assert_int_equal(b.p[b.n - 1], '\n');
    assert_ptr_equal(memchr(b.p, '\n', b.n), b.p + b.n - 1);
    assert_int_equal(json_parse(&doc, buf_span(&b)), OK);
    const struct jval line = json_root(&doc);
    int64_t attempt = 0;
    assert_true(json_is(json_get(line, "level"), "info"));
    assert_true(json_is(json_get(line, "event"), "delivered"));
    assert_true(json_is(json_get(line, "channel"), "support\n\"x\""));
    assert_true(json_is(json_get(line, "id"), "msg_1"));
    assert_int_equal(json_type(json_get(line, "none")), JSON_NULL);
    assert_int_equal(json_i64(json_get(line, "attempt"), &attempt), OK);
    assert_int_equal(attempt, 2);
    assert_int_equal(json_raw(json_get(line, "time")).n, 26);
    assert_memory_equal(b.p, "{\"time\":\"20", 11);
    json_fini(&doc);
    buf_fini(&b);
}

static void a_text_line_reads_well(void **state)
{
    (void)state;
    log_setup(LOG_INFO, LOG_TEXT, ends[1]);
    log_warn("channel_down", LOG_STR("channel", "support"), LOG_STR("why", "it \"crashed\""),
             LOG_I64("in_ms", -5), LOG_STR("none", NULL), LOG_STR("empty", ""));
    assert_written(
        " warn  channel_down channel=support why=\"it \\\"crashed\\\"\" in_ms=-5 none=null empty=\"\"\n");
    log_error("no_fields");
    assert_written(" error no_fields\n");
}

static void a_value_cannot_forge_a_line_or_move_the_cursor(void **state)
{
    (void)state;
    static const struct {
        struct span value;
        const char *text;
    } cases[] = {
        {SPAN_LIT("a\n2026 error fake"), "\"a\\n2026 error fake\""},
        {SPAN_LIT("\r\x1b[2J\x07\x7f"), "\"\\x0d\\x1b[2J\\x07\\x7f\""},
        {SPAN_LIT("nul\0nul"), "\"nul\\x00nul\""},
        {SPAN_LIT("\xC2\x9B"
                  "31m"),
         "\"\\u{9b}31m\""}, /* CSI in one character */
        {SPAN_LIT("\xE2\x80\xAE"
                  "gpj.exe"),
         "\"\\u{202e}gpj.exe\""},                    /* right to left */
        {SPAN_LIT("\xE2\x80\xA8"), "\"\\u{2028}\""}, /* line separator */
        {SPAN_LIT("\xFF\xC3"), "\"\\xff\\xc3\""},
        {SPAN_LIT("\\n"), "\"\\\\n\""},
        {SPAN_LIT("caf\xC3\xA9"), "\"caf\xC3\xA9\""},
        {SPAN_LIT("x=1 level"), "\"x=1 level\""},
        {SPAN_LIT("x=1"), "\"x=1\""},
    };
    log_setup(LOG_INFO, LOG_TEXT, ends[1]);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char wanted[128] = " warn  got v=";
        strcat(strcat(wanted, cases[i].text), "\n");
        log_warn("got", LOG_SPAN("v", cases[i].value));
        assert_written(wanted);
    }
}

static void levels_decide(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 4096);
    log_setup(LOG_WARN, LOG_TEXT, ends[1]);
    log_debug("no");
    log_info("no");
    assert_false(log_wants(LOG_INFO));
    assert_true(log_wants(LOG_ERROR));
    log_flush();
    drain(&b);
    assert_int_equal(b.n, 0);
    buf_fini(&b);
}

static void long_values_are_cut(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 8192);
    static char text[5000];
    memset(text, 'x', sizeof text - 1);
    log_setup(LOG_INFO, LOG_JSON, ends[1]);
    log_warn("got", LOG_STR("v", text));
    drain(&b);
    assert_true(b.n < 1200);
    buf_fini(&b);
}

static void a_reader_that_has_stopped_costs_little_and_is_told(void **state)
{
    (void)state;
    const mono_ms_t start = clock_mono_ms();
    struct buf b;
    log_setup(LOG_INFO, LOG_JSON, ends[1]);
    for (int i = 0; i < 20000; i++)
        log_warn("flood", LOG_I64("i", i));
    assert_true(clock_mono_ms() - start < 2000);

    buf_init(&b, 8 << 20);
    for (int i = 0; i < 200; i++) {
        drain(&b);
        log_flush();
    }
    int64_t written = 0, lost = 0;
    for (char *line = b.p, *end; (end = strchr(line, '\n')); line = end + 1) {
        struct json doc;
        assert_int_equal(json_parse(&doc, (struct span){line, (size_t)(end - line)}), OK);
        if (json_is(json_get(json_root(&doc), "event"), "log_lines_lost"))
            assert_int_equal(json_i64(json_get(json_root(&doc), "lines"), &lost), OK);
        else
            written++;
        json_fini(&doc);
    }
    assert_true(lost > 0);
    assert_int_equal(written + lost, 20000);
    buf_fini(&b);
}

static void *log_much(void *unused)
{
    for (int i = 0; i < 500; i++)
        log_info("from_a_thread", LOG_I64("i", i), LOG_STR("text", "with \n in it"));
    log_flush();
    return unused;
}

static void threads_do_not_mix_their_lines(void **state)
{
    (void)state;
    pthread_t thread[4];
    struct buf b;
    int lines = 0;
    buf_init(&b, 8 << 20);
    log_setup(LOG_INFO, LOG_JSON, ends[1]);
    assert_int_equal(fcntl(ends[1], F_SETPIPE_SZ, 1 << 20), 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(thread); i++)
        assert_int_equal(pthread_create(&thread[i], NULL, log_much, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(thread); i++)
        pthread_join(thread[i], NULL);
    drain(&b);
    for (char *line = b.p, *end; (end = strchr(line, '\n')); line = end + 1, lines++) {
        struct json doc;
        assert_int_equal(json_parse(&doc, (struct span){line, (size_t)(end - line)}), OK);
        json_fini(&doc);
    }
    assert_int_equal(lines, 2000);
    buf_fini(&b);
}

static void a_closed_reader_is_no_trouble(void **state)
{
    (void)state;
    int gone[2];
    assert_int_equal(pipe(gone), 0);
    close(gone[0]);
    log_setup(LOG_INFO, LOG_JSON, gone[1]);
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < 10000; i++)
        log_warn("into_the_void", LOG_I64("i", i));
    log_setup(LOG_INFO, LOG_JSON, ends[1]);
    close(gone[1]);
    log_warn("back");
}

/* child_logs forks a child that logs one more line and ends by exit. */
static void child_logs(void)
{
    const pid_t pid = fork();
    if (pid == 0) {
        log_info("from_the_child");
        exit(0);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void a_child_repeats_nothing_and_flushes_at_exit(void **state)
{
    (void)state;
    log_setup(LOG_INFO, LOG_TEXT, ends[1]);
    log_info("from_the_parent");
    child_logs();
    assert_written(" info  from_the_child\n");
    log_flush();
    assert_written(" info  from_the_parent\n");
}

#define LOG_CASE(f) cmocka_unit_test_setup_teardown(f, open_pipe, close_pipe)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_CASE(a_json_line_has_typed_values),
        LOG_CASE(a_text_line_reads_well),
        LOG_CASE(a_value_cannot_forge_a_line_or_move_the_cursor),
        LOG_CASE(levels_decide),
        LOG_CASE(long_values_are_cut),
        LOG_CASE(a_reader_that_has_stopped_costs_little_and_is_told),
        LOG_CASE(threads_do_not_mix_their_lines),
        LOG_CASE(a_closed_reader_is_no_trouble),
        LOG_CASE(a_child_repeats_nothing_and_flushes_at_exit),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
