/* A host with an adapter that behaves: everything goes through, both ways, once. */
#include "rig.h"
#include "http/server.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct rig r;

static int setup(void **state)
{
    (void)state;
    rig_open(&r, "probe", NULL);
    rig_up(&r);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_close(&r);
    return 0;
}

static void test_a_delivery_ends_delivered(void **state)
{
    (void)state;
    const struct host_adapter *a = host_adapter(r.host);
    assert_string_equal(a->name, "probe");
    assert_true(a->takes_failed && a->takes_events && a->takes_requests);
    const struct rig_outcome *o = rig_say(&r, "deliver", NULL);
    assert_int_equal(o->o.kind, OUTCOME_DELIVERED);
    assert_string_equal(o->external_id, "d1");
    assert_int_equal(host_credits(r.host), 64);
}

static void test_words_of_the_adapter_arrive(void **state)
{
    (void)state;
    static const struct {
        const char *text, *subject, *external_id;
    } cases[] = {
        {"twice", NULL, "d1"},
        {"timer", NULL, "later"},
        {"thread", NULL, "later"},
        {"pipe", NULL, "later"},
        {"bad receive", NULL, "all refused"},
        {"kv", "some value", "0 some value"},
        {"setting", "colour", "blue"},
        {"setting", "other", "none"},
        {"receipt", NULL, "-5 1 fb-1 No such delivery."},
        {"receive", "hello \xe2\x9c\x93", "0 1 fb-1 -"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct rig_outcome *o = rig_say(&r, cases[i].text, cases[i].subject);
        assert_int_equal(o->o.kind, OUTCOME_DELIVERED);
        assert_string_equal(o->external_id, cases[i].external_id);
    }
}

static void test_a_rejection_brings_a_clean_sentence(void **state)
{
    (void)state;
    const struct rig_outcome *o = rig_say(&r, "reject", NULL);
    assert_int_equal(o->o.kind, OUTCOME_REJECTED);
    assert_int_equal(o->o.code, 404);
    assert_string_equal(o->reason, "The backend knows no such  person.");
}

static void test_a_retry_without_reason_gets_one(void **state)
{
    (void)state;
    const struct rig_outcome *o = rig_say(&r, "retry", NULL);
    assert_int_equal(o->o.kind, OUTCOME_RETRY);
    assert_true(o->o.is_unreachable);
    assert_int_equal(o->o.retry_after_ms, 1234);
    assert_string_equal(o->reason, "The adapter gave no reason.");
}

static void test_a_received_message_is_whole(void **state)
{
    (void)state;
    rig_say(&r, "receive", "line 1\nline \"2\"");
    assert_string_equal(
        r.json,
        "{\"id\":\"m1\",\"sender\":{\"handle\":\"+331\",\"name\":\"Ada \xf0\x9f\x98\x80\"},"
        "\"text\":\"line 1\\nline \\\"2\\\"\",\"sent_at\":1700000000.123,\"attachments\":["
        "{\"filename\":\"a.png\",\"content_type\":\"image/png\",\"url\":\"https://example.com/a.png\"},"
        "{\"filename\":\"b.txt\",\"content_type\":\"text/plain\",\"size\":7,\"fd\":0}]}");
    assert_int_equal(r.fd_n, 1);
    assert_memory_equal(r.file, "Name", 4);
}

static void test_a_delivery_is_decoded(void **state)
{
    (void)state;
    static const char json[] =
        "{\"type\":\"message\",\"id\":\"d\\u0131\",\"attempt\":3,\"channel\":\"test\",\"front\":{\"message_"
        "id\":\"msg_1\","
        "\"conversation_id\":\"cnv_1\",\"event_id\":null},\"conversation_id\":null,\"recipient\":{\"handle\":"
        "\"+\\u0007331\","
        "\"name\":null},\"author\":{\"name\":\"B\",\"email\":\"b@x\"},\"subject\":null,\"text\":\"show\","
        "\"html\":"
        "\"<p>\\ud83d\\ude00</"
        "p>\",\"attachments\":[{\"filename\":\"a\",\"size\":12,\"url\":\"u\"},{\"filename\":\"b\"}],"
        "\"created_at\":1453770984.123}";
    assert_int_equal(host_deliver(r.host, 7, span_of(json), NULL, 0, NULL), OK);
    assert_true(rig_wait(&r, &r.outcome_n, 1, 5000));
    assert_string_equal(r.outcome[0].external_id,
                        "d\xc4\xb1|3|msg_1|-|+331|b@x|<p>\xf0\x9f\x98\x80</p>|2|a|12|1453770984123");
}

static int memory_file(const char *text)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_int_equal(pwrite(fd, text, strlen(text), 0), (ssize_t)strlen(text));
    return fd;
}

static void test_files_come_with_their_delivery(void **state)
{
    (void)state;
    static const char json[] =
        "{\"id\":\"d1\",\"front\":{\"message_id\":\"msg_1\"},\"text\":\"files\",\"attachments\":["
        "{\"filename\":\"a.txt\",\"content_type\":\"text/plain\",\"size\":3,\"cid\":\"c1\"},"
        "{\"filename\":\"b\",\"content_type\":\"x/y\",\"size\":0},"
        "{\"filename\":\"c\",\"content_type\":\"x/y\",\"size\":2}]}";
    int fd[] = {memory_file("abc"), memory_file(""), memory_file("zz")};
    assert_int_equal(host_deliver(r.host, 1, span_of(json), fd, 3, NULL), OK);
    for (int i = 0; i < 3; i++)
        close(fd[i]); /* the host has its own */
    assert_true(rig_wait(&r, &r.outcome_n, 1, 5000));
    assert_string_equal(r.outcome[0].external_id,
                        "a.txt:text/plain:c1:3=3:294 b:x/y:-:0=0:0 c:x/y:-:2=2:244");
}

/* However many files deliveries bring: what a child holds is bounded, and room comes back. */
static void test_descriptors_are_bounded(void **state)
{
    (void)state;
    enum { FILES = 32 };
    struct buf json;
    int fd[FILES];
    unsigned sent = 0;
    buf_init(&json, 8192);
    buf_add_str(&json, "{\"id\":\"d1\",\"text\":\"timer\",\"attachments\":[");
    for (int i = 0; i < FILES; i++) {
        buf_addf(&json, "%s{\"filename\":\"%d\",\"content_type\":\"x/y\"}", i ? "," : "", i);
        fd[i] = memory_file("x");
    }
    buf_add_str(&json, "]}");
    while (host_deliver(r.host, 1 + sent, buf_span(&json), fd, FILES, NULL) == OK)
        sent++;
    assert_in_range(sent, 2, 63); /* fewer than there are credits */
    assert_int_equal(host_credits(r.host), 0);
    assert_true(rig_wait(&r, &r.outcome_n, sent, 5000));
    rig_run(&r, 200);
    assert_true(host_credits(r.host) > 0);
    for (int i = 0; i < FILES; i++)
        close(fd[i]);
    buf_fini(&json);
}

static void test_notices_and_wishes(void **state)
{
    (void)state;
    assert_true(host_wants_event(r.host, "comment"));
    assert_true(host_wants_event(r.host, "archive"));
    assert_false(host_wants_event(r.host, "comm"));
    assert_false(host_wants_event(r.host, "tag"));
    assert_int_equal(
        host_notify(r.host, 1, true, SPAN_LIT("{\"type\":\"sending_error\",\"reason\":\"full\"}")), OK);
    assert_int_equal(host_notify(r.host, 2, false, SPAN_LIT("{\"type\":\"comment\"}")), OK);
    assert_true(rig_wait(&r, &r.outcome_n, 2, 5000));
    assert_string_equal(r.outcome[0].external_id, "full");
    assert_string_equal(r.outcome[1].external_id, "comment");
}

static enum err request(const char *path, size_t body_n)
{
    static char body[300000];
    struct host_header header = {SPAN_LIT("Content-Type"), SPAN_LIT("text/x")};
    memset(body, 'b', sizeof body);
    struct host_request q = {.method = SPAN_LIT("POST"),
                             .path = span_of(path),
                             .peer = SPAN_LIT("10.1.1.1"),
                             .header = &header,
                             .header_n = 1,
                             .body = {body, body_n}};
    if (body_n == 0)
        q.query = SPAN_LIT("a=1");
    return host_request(r.host, 9, &q);
}

static void test_requests_small_and_large(void **state)
{
    (void)state;
    static const struct {
        size_t body_n;
        const char *answer;
    } cases[] = {
        {0, "POST /x?a=1 from 10.1.1.1: text/x, 0 bytes "},
        {65536, "POST /x? from 10.1.1.1: text/x, 65536 bytes bbbbbbbbbbbbbbbbbbbb"},
        {65537, "POST /x? from 10.1.1.1: text/x, 65537 bytes as a file bbbbbbb"},
        {300000, "POST /x? from 10.1.1.1: text/x, 300000 bytes as a file bbbbbbb"},
    };
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(request("/x", cases[i].body_n), OK);
        assert_true(rig_wait(&r, &r.reply_n, i + 1, 5000));
        assert_int_equal(r.reply_status, 202);
        assert_string_equal(r.reply_body, cases[i].answer);
        assert_string_equal(r.reply_headers, "X-Probe: yes\r\n");
    }
}

static struct rig_outcome deliver_part(struct rig *q, const char *json, const struct message_parts *parts)
{
    unsigned n = q->outcome_n;
    int fd = memory_file("x");
    assert_int_equal(host_deliver(q->host, n, span_of(json), &fd, 1, parts), OK);
    close(fd);
    assert_true(rig_wait(q, &q->outcome_n, n + 1, 20000));
    return q->outcome[n % ARRAY_LEN(q->outcome)];
}

static void test_a_long_text_goes_in_parts(void **state)
{
    (void)state;
    static const char json[] =
        "{\"id\":\"d1\",\"text\":\"one two three four five six seven eight nine ten eleven twelve thirteen\","
        "\"attachments\":[{\"filename\":\"a\",\"size\":1}]}";
    struct message_parts parts = {0};
    struct rig q;
    struct buf text;
    rig_open(&q, "probe", &(struct host_options){.settings = SPAN_LIT("{\"max_text\":\"40\"}")});
    rig_up(&q);
    assert_int_equal(host_adapter(q.host)->max_text, 40);
    for (unsigned k = 1; k <= 3; k++) {
        char id[] = {'d', '1', '-', 'p', (char)('0' + k), 0};
        struct rig_outcome o = deliver_part(&q, json, &parts);
        assert_int_equal(o.o.kind, OUTCOME_DELIVERED);
        assert_string_equal(o.external_id, id);
        assert_int_equal(o.o.part_n, 3);
        parts = (struct message_parts){k, 3, o.o.part_cut};
    }
    parts = (struct message_parts){.sent = 1, .n = 3, .cut = 77};
    struct rig_outcome o = deliver_part(&q, json, &parts);
    assert_int_equal(o.o.kind, OUTCOME_REJECTED);
    assert_string_equal(
        o.reason, "What is left no longer fits into what the chat system takes: send it as a new message.");
    assert_int_equal(o.o.part_n, 0);
    buf_init(&text, 1 << 16);
    while (text.n < 5000)
        buf_add_str(&text, "word ");
    const struct rig_outcome *all = rig_say(&q, text.p, NULL);
    assert_int_equal(all->o.kind, OUTCOME_REJECTED);
    assert_string_equal(all->reason,
                        "The text is too long: it would be more than 99 messages of 40 characters.");
    buf_fini(&text);
    assert_string_equal(rig_say(&q, "want text", NULL)->external_id, "refused");
    assert_int_equal(q.down_n, 0);
    rig_close(&q);

    rig_open(&q, "probe", &(struct host_options){.settings = SPAN_LIT("{\"max_text\":\"39\"}")});
    host_start(q.host);
    assert_true(rig_wait(&q, &q.failed_n, 1, 20000));
    assert_string_equal(q.reason, "The host does not take max_text 39.");
    rig_close(&q);
}

static void test_many_at_once_never_exceed_the_credit(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 64; i++)
        rig_deliver(&r, i, "timer", NULL);
    assert_int_equal(host_credits(r.host), 0);
    assert_int_equal(host_deliver(r.host, 99, SPAN_LIT("{}"), NULL, 0, NULL), ERR_FULL);
    assert_true(rig_wait(&r, &r.outcome_n, 64, 5000));
    assert_int_equal(host_in_flight(r.host), 0);
}

static void test_a_long_text_arrives(void **state)
{
    (void)state;
#ifdef __SANITIZE_THREAD__
    size_t n = 1 << 20; /* reading it as text takes too long there */
#else
    size_t n = 12 << 20;
#endif
    char *text = mem_zalloc(n + 1);
    memset(text, '"', n);
    rig_deliver(&r, 1, text, NULL);
    assert_true(rig_wait(&r, &r.outcome_n, 1, 20000));
    assert_int_equal(r.outcome[0].o.kind, OUTCOME_DELIVERED);
    free(text);
    rig_say(&r, "deliver", NULL);
}

static void test_a_crash_settles_what_is_open_and_the_next_life_knows_nothing_of_it(void **state)
{
    (void)state;
    rig_deliver(&r, 1, "never", NULL);
    rig_deliver(&r, 2, "receive", "x");
    r.answers = false;
    assert_true(rig_wait(&r, &r.receive_n, 1, 5000));
    uint64_t old = r.ticket;
    rig_deliver(&r, 3, "crash", NULL);
    assert_true(rig_wait(&r, &r.up_n, 2, 20000));
    assert_int_equal(r.outcome_n, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(r.outcome[i].o.kind, OUTCOME_UNKNOWN);
        assert_true(r.outcome[i].o.was_crash);
        assert_false(r.outcome[i].o.was_alone);
    }
    assert_string_equal(r.reason, "The adapter crashed: signal 9 (Killed).");
    host_stored(r.host, old, OK, false, "late", NULL);
    assert_int_equal(rig_say(&r, "deliver", NULL)->o.kind, OUTCOME_DELIVERED);
}

static void test_one_alone_in_a_crash_is_known_as_the_suspect(void **state)
{
    (void)state;
    const struct rig_outcome *o = rig_say(&r, "crash", NULL);
    assert_true(o->o.was_crash && o->o.was_alone);
}

static void test_what_never_left_is_not_an_attempt(void **state)
{
    (void)state;
    kill(host_pid(r.host), SIGKILL);
    usleep(50000);
    rig_deliver(&r, 1, "deliver", NULL);
    assert_true(rig_wait(&r, &r.outcome_n, 1, 5000));
    /* Either the process was known to be dead before the loop wrote, or the write itself failed. */
    assert_int_equal(r.outcome[0].o.kind, OUTCOME_RETRY);
    assert_true(r.outcome[0].o.is_unsent);
}

static void test_kill_in_a_webhook_answers_503(void **state)
{
    (void)state;
    assert_int_equal(request("/never", 10), OK);
    rig_run(&r, 100);
    kill(host_pid(r.host), SIGKILL);
    assert_true(rig_wait(&r, &r.reply_n, 1, 5000));
    assert_int_equal(r.reply_status, 503);
    assert_string_equal(r.reply_headers, "Retry-After: 5\r\n");
    assert_int_equal(request("/x", 10), ERR_IO);
}

static void test_the_child_inherits_nothing(void **state)
{
    (void)state;
    setenv("FRONT_API_TOKEN", "secret", 1);
    int fd = open("/etc/passwd", O_RDONLY);
    struct rig second;
    rig_open(&second, "probe", NULL);
    rig_up(&second);
    const struct rig_outcome *o = rig_say(&second, "environment", NULL);
    assert_int_equal(o->external_id[0], '0'); /* descriptors that are not close-on-exec */
    assert_null(strstr(o->external_id, "FRONT"));
    assert_null(strstr(o->external_id, "HOME"));
    rig_close(&second);
    close(fd);
}

static void test_hidden_paths_cannot_be_read(void **state)
{
    (void)state;
    char dir[] = "/tmp/fb-hide-XXXXXX", secret[100], beside[100];
    assert_non_null(mkdtemp(dir));
    snprintf(secret, sizeof secret, "%s/secret", dir);
    snprintf(beside, sizeof beside, "%s/beside", dir);
    close(open(secret, O_CREAT | O_WRONLY, 0600));
    close(open(beside, O_CREAT | O_WRONLY, 0600));
    const char *hide[] = {secret, "/nowhere/at/all", NULL};
    struct host_options o = {.hide = hide};
    struct rig hidden;
    rig_open(&hidden, "probe", &o);
    rig_up(&hidden);
    assert_string_equal(rig_say(&hidden, "read file", beside)->external_id, "readable");
    const char *answer = rig_say(&hidden, "read file", secret)->external_id;
    if (strcmp(answer, "readable") == 0)
        print_message("this kernel has no Landlock\n");
    else
        assert_string_equal(answer, "Permission denied");
    rig_close(&hidden);
    unlink(secret);
    unlink(beside);
    rmdir(dir);
}

static void test_stop_waits_for_what_is_open(void **state)
{
    (void)state;
    rig_deliver(&r, 1, "timer", NULL);
    rig_stop(&r);
    assert_int_equal(r.outcome_n, 1);
    assert_int_equal(r.outcome[0].o.kind, OUTCOME_DELIVERED);
    assert_int_equal(host_status(r.host), HOST_DOWN);
    assert_int_equal(host_pid(r.host), 0);
    host_start(r.host);
    assert_true(rig_wait(&r, &r.up_n, 2, 20000));
}

static void test_stop_ends_in_time_with_an_open_call(void **state)
{
    (void)state;
    struct rig slow;
    rig_open(&slow, "probe", &(struct host_options){.stop_ms = 100});
    rig_up(&slow);
    rig_deliver(&slow, 1, "never", NULL);
    rig_run(&slow, 50);
    mono_ms_t from = clock_mono_ms();
    rig_stop(&slow);
    assert_true(clock_mono_ms() - from < 4500);
    assert_int_equal(slow.outcome_n, 1);
    assert_int_equal(slow.outcome[0].o.kind, OUTCOME_UNKNOWN);
    assert_false(slow.outcome[0].o.was_crash);
    rig_close(&slow);
}

static void test_a_deadline_ends_a_call_and_the_child_lives(void **state)
{
    (void)state;
    struct rig quick;
    rig_open(&quick, "probe", &(struct host_options){.attempt_ms = 1000});
    rig_up(&quick);
    int pid = host_pid(quick.host);
    const struct rig_outcome *o = rig_say(&quick, "never", NULL);
    assert_int_equal(o->o.kind, OUTCOME_UNKNOWN);
    assert_false(o->o.was_crash);
    assert_int_equal(rig_say(&quick, "deliver", NULL)->o.kind, OUTCOME_DELIVERED);
    rig_run(&quick, 300);
    assert_int_equal(host_pid(quick.host), pid);
    assert_int_equal(host_credits(quick.host), 64);
    assert_int_equal(quick.outcome_n, 2);
    rig_close(&quick);
}

static void test_open_that_refuses_is_failed_with_its_sentence(void **state)
{
    (void)state;
    struct rig bad;
    rig_open(&bad, "probe", &(struct host_options){.settings = SPAN_LIT("{\"refuse\":\"no\"}")});
    host_start(bad.host);
    assert_true(rig_wait(&bad, &bad.failed_n, 2, 20000)); /* tried again */
    assert_string_equal(bad.reason, "The setting refuse says no.");
    assert_int_equal(bad.up_n, 0);
    host_stop(bad.host);
    assert_true(rig_wait(&bad, &bad.down_n, 1, 20000));
    rig_close(&bad);
}

static void test_the_parents_death_ends_the_child(void **state)
{
    (void)state;
    int pipe_fd[2], child = 0;
    assert_int_equal(pipe(pipe_fd), 0);
    pid_t bridge = fork();
    if (bridge == 0) {
        struct rig other;
        rig_open(&other, "probe", NULL);
        rig_up(&other);
        child = host_pid(other.host);
        if (write(pipe_fd[1], &child, sizeof child) != sizeof child)
            _exit(1);
        raise(SIGKILL);
    }
    assert_int_equal(read(pipe_fd[0], &child, sizeof child), sizeof child);
    waitpid(bridge, NULL, 0);
    close(pipe_fd[0]);
    close(pipe_fd[1]);
    for (int i = 0; i < 200 && kill(child, 0) == 0; i++) {
        char path[64], state_line[300] = "";
        snprintf(path, sizeof path, "/proc/%d/stat", child);
        FILE *f = fopen(path, "r");
        if (f && fgets(state_line, sizeof state_line, f) && strstr(state_line, ") Z")) {
            fclose(f);
            return;
        }
        if (f)
            fclose(f);
        usleep(20000);
    }
    assert_int_equal(kill(child, 0), -1);
}

static void test_process_1_reaps_strangers_and_leaves_hosts_alone(void **state)
{
    (void)state;
    pid_t stranger = fork();
    if (stranger == 0)
        _exit(0);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)stranger, &info, WEXITED | WNOWAIT), 0); /* ended, not yet reaped */
    host_reap_others();
    assert_int_equal(waitpid(stranger, NULL, WNOHANG), -1);
    assert_int_equal(rig_say(&r, "deliver", NULL)->o.kind, OUTCOME_DELIVERED);
}

static void on_question(struct http_exchange *x, void *arg)
{
    struct buf body;
    (void)arg;
    buf_init(&body, 1000);
    buf_add_str(&body, "you said ");
    buf_add_span(&body, http_body(x));
    http_reply(x, 201, "text/plain", buf_span(&body), "X-Answer: here\r\n");
    buf_fini(&body);
}

static void refuse(struct buf *body, int status, const char *reason)
{
    (void)status;
    buf_add_str(body, reason);
}

static void test_requests_to_the_backend(void **state)
{
    (void)state;
    static const struct http_route route = {.methods = "POST",
                                            .path = "/ask",
                                            .match = HTTP_EXACT,
                                            .body_max_bytes = 100,
                                            .handler = on_question};
    struct buf why;
    buf_init(&why, 1000);
    struct http_server *server = http_server_new(r.base, &http_limits_default, &route, 1, refuse);
    assert_int_equal(http_server_listen(server, "127.0.0.1:0", &why), OK);
    unsigned port = http_server_port(server);
    static const struct {
        const char *url, *answer;
    } cases[] = {
        {"http://127.0.0.1:PORT/ask", "0 201 here you said question"},
        {"http://127.0.0.1:PORT/other", "0 404 - "},
        {"+http://127.0.0.1:PORT/ask", "3 0 - "},
        {"http://127.0.0.1:1/ask", "1 0 - "},
        {"gopher://127.0.0.1:PORT/", "3 0 - "},
        {"nonsense", "3 0 - "},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char url[100];
        snprintf(url, sizeof url, "%s", cases[i].url);
        if (strstr(url, "PORT"))
            snprintf(strstr(url, "PORT"), 20, "%u%s", port, strstr(cases[i].url, "PORT") + 4);
        const char *answer = rig_say(&r, "http", url)->external_id;
        if (strncmp(answer, cases[i].answer, strlen(cases[i].answer)) != 0)
            fail_msg("%s: %s", url, answer);
    }
    http_server_free(server);
    buf_fini(&why);
}

#define ON_A_HOST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ON_A_HOST(test_a_delivery_ends_delivered),
        ON_A_HOST(test_words_of_the_adapter_arrive),
        ON_A_HOST(test_a_rejection_brings_a_clean_sentence),
        ON_A_HOST(test_a_retry_without_reason_gets_one),
        ON_A_HOST(test_a_received_message_is_whole),
        ON_A_HOST(test_a_delivery_is_decoded),
        ON_A_HOST(test_files_come_with_their_delivery),
        ON_A_HOST(test_descriptors_are_bounded),
        ON_A_HOST(test_notices_and_wishes),
        ON_A_HOST(test_requests_small_and_large),
        ON_A_HOST(test_requests_to_the_backend),
        ON_A_HOST(test_many_at_once_never_exceed_the_credit),
        ON_A_HOST(test_a_long_text_arrives),
        cmocka_unit_test(test_a_long_text_goes_in_parts),
        ON_A_HOST(test_a_crash_settles_what_is_open_and_the_next_life_knows_nothing_of_it),
        ON_A_HOST(test_one_alone_in_a_crash_is_known_as_the_suspect),
        ON_A_HOST(test_what_never_left_is_not_an_attempt),
        ON_A_HOST(test_kill_in_a_webhook_answers_503),
        cmocka_unit_test(test_the_child_inherits_nothing),
        cmocka_unit_test(test_hidden_paths_cannot_be_read),
        ON_A_HOST(test_stop_waits_for_what_is_open),
        cmocka_unit_test(test_stop_ends_in_time_with_an_open_call),
        cmocka_unit_test(test_a_deadline_ends_a_call_and_the_child_lives),
        cmocka_unit_test(test_open_that_refuses_is_failed_with_its_sentence),
        cmocka_unit_test(test_the_parents_death_ends_the_child),
        ON_A_HOST(test_process_1_reaps_strangers_and_leaves_hosts_alone),
    };
    rig_fixture(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
