/* The adapters as users run them: in a process of their own, behind frames. What they do is tested next door.
 */
#include "rig.h"
#include "front_bridge/channel.h"
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static void opened(struct rig *r, const char *adapter, const char *settings)
{
    char path[100];
    const struct host_options options = {.settings = span_of(settings)};
    snprintf(path, sizeof path, "../../channels/%s",
             adapter); /* from the tests' own adapters to the real ones */
    rig_open(r, path, &options);
    rig_up(r);
}

static const struct rig_outcome *deliver(struct rig *r, uint64_t token, const char *id)
{
    char json[300];
    unsigned n = r->outcome_n;
    snprintf(json, sizeof json,
             "{\"type\":\"message\",\"id\":\"%s\",\"text\":\"hi\",\"conversation_id\":null,"
             "\"recipient\":{\"handle\":\"alice\",\"name\":\"Alice\"}}",
             id);
    assert_int_equal(host_deliver(r->host, token, span_of(json), NULL, 0, NULL), OK);
    assert_true(rig_wait(r, &r->outcome_n, n + 1, 20000));
    return &r->outcome[n];
}

static void request(struct rig *r, const char *authorization, const char *body)
{
    unsigned n = r->reply_n;
    const struct host_header headers[] = {{SPAN_LIT("content-type"), SPAN_LIT("application/json")},
                                          {SPAN_LIT("authorization"), span_of(authorization)},
                                          {SPAN_LIT("x-from"), SPAN_LIT("bob")}};
    const struct host_request q = {.method = SPAN_LIT("POST"),
                                   .path = SPAN_LIT(""),
                                   .peer = SPAN_LIT("127.0.0.1"),
                                   .header = headers,
                                   .header_n = ARRAY_LEN(headers),
                                   .body = span_of(body)};
    assert_int_equal(host_request(r->host, 7000 + n, &q), OK);
    assert_true(rig_wait(r, &r->reply_n, n + 1, 20000));
}

static void test_exec(void **state)
{
    struct rig r;
    (void)state;
    opened(&r, "exec",
           "{\"command\":[\"/usr/bin/python3\",\"" SOURCE_DIR "/channels/exec/examples/echo.py\"],"
           "\"timeout\":\"20000\",\"restart\":\"50\",\"in_flight\":\"1\"}");
    const struct rig_outcome *o = deliver(&r, 1, "d1");
    assert_int_equal(o->o.kind, OUTCOME_DELIVERED);
    assert_string_equal(o->external_id, "echo-d1");
    assert_true(rig_wait(&r, &r.receive_n, 1, 20000));
    assert_non_null(strstr(r.json, "\"text\":\"You wrote: hi\""));
    request(&r, "", "{\"from\":\"bob\",\"text\":\"hey\"}");
    assert_int_equal(r.reply_status, 202);
    assert_int_equal(r.receive_n, 2);

    const struct span broken =
        SPAN_LIT("{\"type\":\"message\",\"recipient\":{\"handle\":\"a\"}}"); /* KeyError: 'id' */
    assert_int_equal(host_deliver(r.host, 2, broken, NULL, 0, NULL), OK);
    assert_true(rig_wait(&r, &r.outcome_n, 2, 20000));
    assert_int_equal(r.outcome[1].o.kind, OUTCOME_UNKNOWN);
    assert_non_null(strstr(r.outcome[1].reason, "exit code 1"));
    rig_run(&r, 300);
    assert_int_equal(deliver(&r, 3, "d3")->o.kind, OUTCOME_DELIVERED);
    assert_int_equal(r.up_n, 1); /* the host itself went on */
    rig_stop(&r);
    rig_close(&r);
}

static void test_exec_without_program(void **state)
{
    struct rig r;
    const struct host_options options = {
        .settings = SPAN_LIT("{\"command\":[\"/nowhere/"
                             "at-all\"],\"timeout\":\"20000\",\"restart\":\"50\",\"in_flight\":\"1\"}")};
    (void)state;
    rig_open(&r, "../../channels/exec", &options);
    host_start(r.host);
    assert_true(rig_wait(&r, &r.failed_n, 1, 20000));
    assert_non_null(strstr(r.reason, "`command` begins with /nowhere/at-all, and there is no such program"));
    rig_close(&r);
}

/* A program that links the hosts but is not front-bridge runs itself as its child: that must not go on for
 * ever. */
static void test_a_host_starts_no_hosts(void **state)
{
    struct rig r;
    (void)state;
    setenv("FRONT_BRIDGE_CHANNEL_HOST", "1", 1);
    rig_open(&r, "../../channels/http", NULL);
    host_start(r.host);
    rig_wait(&r, &r.failed_n, 1, 500);
    assert_int_equal(host_pid(r.host), 0);
    assert_int_equal(r.up_n, 0);
    rig_close(&r);
    unsetenv("FRONT_BRIDGE_CHANNEL_HOST");
}

static void test_http_webhook(void **state)
{
    struct rig r;
    (void)state;
    opened(&r, "http", "{\"url\":\"http://127.0.0.1:9\",\"token\":\"t0ken\",\"timeout\":\"10000\"}");
    request(&r, "Bearer t0ken", "{\"id\":\"m1\",\"sender\":{\"handle\":\"alice\"},\"text\":\"hello\"}");
    assert_int_equal(r.reply_status, 200); /* the rig says that it is a duplicate */
    assert_string_equal(r.reply_body, "{\"id\":\"fb-1\",\"status\":\"accepted\"}");
    request(&r, "Bearer other", "{}");
    assert_int_equal(r.reply_status, 401);
    request(&r, "Bearer t0ken", "{\"type\":\"receipt\",\"external_id\":\"x\",\"status\":\"read\"}");
    assert_int_equal(r.reply_status, 404);
    assert_string_equal(r.reply_body, "{\"error\":\"No such delivery.\"}");

    char *large = mem_zalloc((1 << 20) + 200); /* it travels as a file */
    sprintf(large, "{\"sender\":{\"handle\":\"alice\"},\"text\":\"%0*d\"}", 1 << 20, 0);
    request(&r, "Bearer t0ken", large);
    assert_int_equal(r.reply_status, 422);
    assert_string_equal(r.reply_body, "{\"error\":\"`text` is longer than 524288 bytes.\"}");
    free(large);
    rig_stop(&r);
    rig_close(&r);
}

/* A backend that answers one request with answer, or hangs up. */
struct backend {
    pthread_t thread;
    int fd;
    const char *answer;
    char heard[8192];
};

static void *backend_main(void *arg)
{
    struct backend *b = arg;
    size_t n = 0;
    ssize_t got = 1;
    int fd = accept(b->fd, NULL, NULL);
    while (got > 0 && !strstr(b->heard, "\"text\":\"hi\"")) {
        got = read(fd, b->heard + n, sizeof b->heard - 1 - n);
        n += got > 0 ? (size_t)got : 0;
    }
    if (write(fd, b->answer, strlen(b->answer)) < 0)
        perror("write");
    close(fd);
    return NULL;
}

/* Gives the port. */
static int backend_listen(struct backend *b)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t at_n = sizeof at;
    b->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(b->fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(b->fd, 4), 0);
    assert_int_equal(getsockname(b->fd, (struct sockaddr *)&at, &at_n), 0);
    return ntohs(at.sin_port);
}

static void test_http_delivery(void **state)
{
    static const struct {
        const char *answer; /* NULL: nobody listens */
        enum outcome_kind kind;
        const char *reason;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{\"external_id\":\"x1\"}", OUTCOME_DELIVERED, ""},
        {"HTTP/1.1 503 No\r\nContent-Length: 0\r\nRetry-After: 7\r\n\r\n", OUTCOME_RETRY, "(503)"},
        {"HTTP/1.1 404 No\r\nContent-Length: 18\r\n\r\n{\"message\":\"Gone\"}", OUTCOME_REJECTED, "Gone"},
        {"HTTP/1.1 302 No\r\nContent-Length: 0\r\nLocation: http://127.0.0.1/\r\n\r\n", OUTCOME_RETRY,
         "`url`"},
        {"", OUTCOME_UNKNOWN, "its answer was lost"},
        {NULL, OUTCOME_RETRY, "cannot be reached"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct backend b = {.answer = cases[i].answer};
        struct rig r;
        char settings[300];
        int port = backend_listen(&b);
        if (b.answer)
            assert_int_equal(pthread_create(&b.thread, NULL, backend_main, &b), 0);
        else
            close(b.fd);
        snprintf(settings, sizeof settings,
                 "{\"url\":\"http://127.0.0.1:%d/x\",\"token\":\"t0ken\",\"timeout\":\"5000\"}", port);
        opened(&r, "http", settings);
        const struct rig_outcome *o = deliver(&r, 1, "d1");
        if (o->o.kind != cases[i].kind || !strstr(o->reason, cases[i].reason))
            fail_msg("case %zu: %u %s", i, o->o.kind, o->reason);
        assert_int_equal(o->o.is_unreachable, !b.answer);
        rig_close(&r);
        if (!b.answer)
            continue;
        pthread_join(b.thread, NULL);
        close(b.fd);
        assert_non_null(strstr(b.heard, "POST /x HTTP/1.1\r\n"));
        assert_non_null(strcasestr(b.heard, "webhook-id: d1\r\n"));
        assert_non_null(strcasestr(b.heard, "authorization: Bearer t0ken\r\n"));
        assert_non_null(strcasestr(b.heard, "content-type: application/json\r\n"));
    }
}

static void test_template(void **state)
{
    struct rig r;
    char settings[200], path[] = "/tmp/in_hosts_XXXXXX", text[100] = "";
    int fd = mkstemp(path);
    (void)state;
    snprintf(settings, sizeof settings, "{\"path\":\"%s\",\"token\":\"opensesame\",\"delay\":\"30\"}", path);
    opened(&r, "template", settings);
    assert_int_equal(deliver(&r, 1, "d1")->o.kind, OUTCOME_DELIVERED);
    assert_true(read(fd, text, sizeof text - 1) > 0);
    assert_string_equal(text, "alice\thi\n");
    request(&r, "Bearer opensesame", "hello");
    assert_int_equal(r.reply_status, 200);
    assert_string_equal(r.reply_body, "fb-1");
    rig_stop(&r);
    rig_close(&r);
    close(fd);
    unlink(path);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exec),
        cmocka_unit_test(test_exec_without_program),
        cmocka_unit_test(test_a_host_starts_no_hosts),
        cmocka_unit_test(test_http_webhook),
        cmocka_unit_test(test_http_delivery),
        cmocka_unit_test(test_template),
    };
    rig_fixture(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
