/* What a server answers, on real sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "serving.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct served served;

static int set_up(void **state)
{
    (void)state;
    struct http_limits limits = small_limits;
    limits.head_ms = limits.request_ms = limits.idle_ms = 10000;
    limits.buffered_bytes = 4 << 20;
    served = serve(&(struct serve_options){.limits = limits});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    served_end(&served);
    return 0;
}

#define POST(path, length) "POST " path " HTTP/1.1\r\n" HOST "Content-Length: " length "\r\n"

static void answers_and_keeps_the_connection(void **state)
{
    (void)state;
    int fd = dial(&served);
    for (int i = 0; i < 3; i++) {
        say(fd, POST("/echo?a=%41+b&c", "5") "\r\nhello");
        const char *heard = hear(fd, "[POST||a=%41+b&c|a=A b|127.0.0.1|5|hello]");
        assert_true(strncmp(heard, "HTTP/1.1 200 OK\r\nDate: ", 23) == 0);
        assert_non_null(
            strstr(heard, "\r\nContent-Type: text/plain\r\nX-Echo: yes\r\nContent-Length: 41\r\n\r\n["));
        assert_null(strstr(heard, "Connection:"));
    }
    close(fd);
    assert_int_equal(stat_of(&served, "accepted"), 2);
}

static void takes_requests_byte_by_byte(void **state)
{
    (void)state;
    static const char text[] = "\r\n" POST("/echo", "3") "\r\nabc";
    int fd = dial(&served);
    for (int i = 0; i < 2; i++) {
        for (const char *p = text; *p; p++) {
            say_bytes(fd, p, 1);
            pause_ms(1);
        }
        (void)hear(fd, "|3|abc]");
    }
    close(fd);
}

static void answers_pipelined_requests_in_order(void **state)
{
    (void)state;
    enum { N = 2000 };
    struct buf all;
    buf_init(&all, 1 << 20);
    for (int i = 0; i < N; i++)
        buf_addf(&all, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\n%04d", i);
    buf_add_str(&all, "GET /echo?last HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    int fd = dial(&served);
    /* Smaller than what is answered, so that the server must wait for us and go on. */
    if (fork() == 0) {
        say_bytes(fd, all.p, all.n);
        _exit(0);
    }
    pause_ms(50);
    struct buf heard;
    buf_init(&heard, 4 << 20);
    char block[4096];
    for (ssize_t n; (n = recv(fd, block, sizeof block, 0)) > 0;)
        buf_add(&heard, block, (size_t)n);
    const char *p = heard.p;
    for (int i = 0; i < N; i++) {
        char expected[16];
        (void)snprintf(expected, sizeof expected, "|4|%04d]", i);
        p = strstr(p, "|4|");
        assert_non_null(p);
        assert_memory_equal(p, expected, 8);
        p += 8;
    }
    assert_non_null(strstr(p, "[GET||last|"));
    buf_fini(&heard);
    buf_fini(&all);
    close(fd);
}

static void decodes_chunked_bodies(void **state)
{
    (void)state;
    static const char text[] = "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                               "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: 1\r\n\r\n";
    int fd = dial(&served);
    say(fd, text);
    (void)hear(fd, "|5|abcde]");
    for (const char *p = text; *p; p++)
        say_bytes(fd, p, 1);
    (void)hear(fd, "|5|abcde]");
    close(fd);
}

static void says_continue_when_asked(void **state)
{
    (void)state;
    int fd = dial(&served);
    say(fd, POST("/echo", "3") "Expect: 100-continue\r\n\r\n");
    assert_string_equal(hear(fd, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    say(fd, "abc");
    (void)hear(fd, "|3|abc]");
    say(fd, POST("/echo", "300000") "Expect: 100-continue\r\n\r\n");
    assert_non_null(strstr(hear(fd, NULL), "HTTP/1.1 413 "));
    close(fd);
}

static void answers_head_without_a_body(void **state)
{
    (void)state;
    int fd = dial(&served);
    say(fd, "HEAD /echo HTTP/1.1\r\n" HOST "\r\n");
    assert_non_null(strstr(hear(fd, "\r\n\r\n"), "\r\nContent-Length: 21\r\n"));
    say(fd, "HEAD /none HTTP/1.1\r\n" HOST "\r\n");
    assert_non_null(strstr(hear(fd, "\r\n\r\n"), "404 Not Found"));
    say(fd, GET("/echo"));
    assert_true(strncmp(hear(fd, "]"), "HTTP/1.1 200", 12) == 0);
    close(fd);
}

static void matches_routes(void **state)
{
    (void)state;
    static const struct {
        const char *path, *heard;
    } cases[] = {
        {"/sub/", "[GET|||"},
        {"/sub/a/b", "[GET|a/b||"},
        {"/sub/a%2fb%20c?d", "[GET|a/b c|d|"},
        {"/sub", " 404 "},
        {"/subway", " 404 "},
        {"/tree", "[GET|||"},
        {"/tree/", "[GET|||"},
        {"/tree/a", "[GET|a||"},
        {"/trees", " 404 "},
        {"/echo/", " 404 "},
        {"/echo/a", " 404 "},
        {"/", " 404 "},
        {"http://x/echo?y", "[GET||y"},
        {"/sub/%00", " 400 "},
        {"/sub/%zz", " 400 "},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[200];
        int fd = dial(&served);
        (void)snprintf(text, sizeof text, "GET %s HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n",
                       cases[i].path);
        say(fd, text);
        const char *heard = hear(fd, NULL);
        if (!strstr(heard, cases[i].heard))
            fail_msg("%s: %s", cases[i].path, heard);
        close(fd);
    }
}

static void refuses_in_one_form(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int status;
        bool closes;
    } cases[] = {
        {"NONSENSE\r\n\r\n", 400, true},
        {"GET /echo HTTP/1.1\r\n\r\n", 400, true},
        {"GET /none HTTP/1.1\r\n" HOST "\r\n", 404, false},
        {POST("/none", "3") "\r\nabc", 404, false},
        {POST("/none", "300000") "\r\nabc", 404, true},
        {"POST /none HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 404, true},
        {"PATCH /echo HTTP/1.1\r\n" HOST "\r\n", 405, false},
        {"POST /json HTTP/1.1\r\n" HOST "\r\n", 411, false},
        {POST("/json", "65") "Content-Type: application/json\r\n\r\n", 413, true},
        {POST("/sub/", "1") "\r\nx", 413, false},
        {"PUT /echo HTTP/1.1\r\n" HOST "Content-Length: 11\r\n\r\n", 413, true},
        {"POST /json HTTP/1.1\r\n" HOST
         "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n41\r\n",
         413, true},
        {POST("/json", "2") "Content-Type: text/plain\r\n\r\n{}", 415, false},
        {POST("/json", "2") "\r\n{}", 415, false},
        {POST("/echo", "2") "Expect: magic\r\n\r\n{}", 417, true},
        {"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n", 501, true},
        {"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400, true},
        {"GET /echo HTTP/3.0\r\n" HOST "\r\n", 505, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char status[16], form[32];
        (void)snprintf(status, sizeof status, "HTTP/1.1 %d ", cases[i].status);
        (void)snprintf(form, sizeof form, "{\"refused\":%d,", cases[i].status);
        int fd = dial(&served);
        say(fd, cases[i].text);
        const char *heard = hear(fd, "\"}");
        if (strncmp(heard, status, strlen(status)) != 0 || !strstr(heard, form) ||
            !strstr(heard, "Content-Type: application/json\r\n"))
            fail_msg("case %zu: %s", i, heard);
        assert_int_equal(strstr(heard, "Connection: close\r\n") != NULL, cases[i].closes);
        if (cases[i].status == 405)
            assert_non_null(strstr(heard, "Allow: GET, HEAD, POST, PUT\r\n"));
        if (cases[i].closes)
            assert_string_equal(hear(fd, NULL), "");
        else {
            say(fd, GET("/echo"));
            (void)hear(fd, "[GET|");
        }
        close(fd);
    }
    assert_int_equal(stat_of(&served, "refused"), ARRAY_LEN(cases));
}

static void takes_no_body_as_empty(void **state)
{
    (void)state;
    int fd = dial(&served);
    say(fd, POST("/json", "0") "\r\n");
    (void)hear(fd, "|0|]");
    say(fd, "DELETE /json HTTP/1.1\r\n" HOST "\r\n");
    (void)hear(fd, "[DELETE|||127.0.0.1|0|]");
    close(fd);
}

static void lets_its_refusal_be_read_while_the_peer_goes_on_sending(void **state)
{
    (void)state;
    static char block[1 << 20];
    int fd = dial(&served);
    say(fd, POST("/echo", "9000000") "\r\n");
    say_bytes(fd, block, sizeof block);
    say_bytes(fd, block, sizeof block);
    assert_non_null(strstr(hear(fd, NULL), "HTTP/1.1 413 "));
    close(fd);
}

static void speaks_http_1_0(void **state)
{
    (void)state;
    int fd = dial(&served);
    say(fd, "GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_non_null(strstr(hear(fd, "]"), "Connection: keep-alive\r\n"));
    say(fd, "GET /echo HTTP/1.0\r\n\r\n");
    assert_non_null(strstr(hear(fd, NULL), "Connection: close\r\n"));
    close(fd);
}

static void answers_a_peer_that_has_half_closed(void **state)
{
    (void)state;
    int fd = dial(&served);
    say(fd, POST("/echo", "2") "\r\nhi" GET("/echo"));
    shutdown(fd, SHUT_WR);
    const char *heard = hear(fd, NULL);
    assert_non_null(strstr(heard, "|2|hi]"));
    assert_non_null(strstr(heard, "[GET|"));
    close(fd);
    fd = dial(&served);
    say(fd, GET("/hold"));
    stat_becomes(&served, "exchanges", 2); /* with the one that asks */
    shutdown(fd, SHUT_WR);
    pause_ms(20);
    int other = dial(&served);
    say(other, GET("/release"));
    (void)hear(other, "released");
    assert_non_null(strstr(hear(fd, NULL), "held"));
    close(fd);
    close(other);
    fd = dial(&served);
    say(fd, POST("/echo", "20") "\r\nhi");
    shutdown(fd, SHUT_WR);
    assert_non_null(strstr(hear(fd, NULL), "HTTP/1.1 400 "));
    close(fd);
}

static void hang_up(int fd)
{
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
    close(fd); /* by a reset */
}

static void survives_a_peer_that_leaves_while_it_waits(void **state)
{
    (void)state;
    int fd[10];
    for (int i = 0; i < 10; i++) {
        fd[i] = dial(&served);
        say(fd[i], i % 2 ? POST("/hold", "5") "\r\nhello" : GET("/hold") GET("/echo"));
    }
    stat_becomes(&served, "exchanges", 11);
    for (int i = 0; i < 10; i++)
        if (i < 5)
            hang_up(fd[i]);
        else
            close(fd[i]);
    stat_becomes(&served, "connections", 1 + 5); /* those that closed in order may still be reading */
    int other = dial(&served);
    say(other, GET("/release"));
    (void)hear(other, "released");
    close(other);
    stat_becomes(&served, "connections", 1);
    assert_int_equal(stat_of(&served, "exchanges"), 1);
}

static void answers_what_waits_behind_a_held_request(void **state)
{
    (void)state;
    int fd = dial(&served), other = dial(&served);
    say(fd, GET("/hold") POST("/echo", "6") "\r\nsecond" GET("/hold") GET("/echo?fourth"));
    stat_becomes(&served, "exchanges", 2);
    say(other, GET("/release"));
    (void)hear(other, "released");
    (void)hear(fd, "second]");
    stat_becomes(&served, "exchanges", 2);
    assert_true(is_open(fd, 50));
    say(other, GET("/release"));
    (void)hear(fd, "[GET||fourth|");
    close(fd);
    close(other);
}

static void streams_events(void **state)
{
    (void)state;
    int fd = dial(&served), leaver = dial(&served), other = dial(&served);
    say(fd, GET("/events"));
    assert_non_null(strstr(hear(fd, "\r\n\r\n"), "Content-Type: text/event-stream\r\n"));
    say(leaver, GET("/events"));
    (void)hear(leaver, "\r\n\r\n");
    say(other, POST("/publish", "5") "\r\nab\ncd");
    assert_string_equal(hear(fd, "\n\n"), "event: news\ndata: ab\ndata: cd\n\n");
    close(leaver);
    stat_becomes(&served, "closed", 1);
    say(other, POST("/publish", "2") "\r\nef");
    assert_string_equal(hear(fd, "\n\n"), "event: news\ndata: ef\n\n");
    say(other, GET("/end"));
    assert_string_equal(hear(fd, NULL), "");
    assert_int_equal(stat_of(&served, "closed"), 1);
    close(fd);
    close(other);
}

static void throws_away_what_a_reader_of_a_stream_sends(void **state)
{
    (void)state;
    static char noise[300000];
    int fd = dial(&served), other = dial(&served);
    say(fd, GET("/events") GET("/echo"));
    (void)hear(fd, "\r\n\r\n");
    say_bytes(fd, noise, sizeof noise);
    say(other, POST("/publish", "2") "\r\nab");
    assert_string_equal(hear(fd, "\n\n"), "event: news\ndata: ab\n\n");
    assert_true(stat_of(&served, "buffered") < 10000);
    close(fd);
    close(other);
}

static void drops_a_stream_that_lags_behind(void **state)
{
    (void)state;
    static char news[150000];
    int fd = dial(&served), other = dial(&served);
    memset(news, 'x', sizeof news);
    say(fd, GET("/events"));
    (void)hear(fd, "\r\n\r\n");
    for (int i = 0; i < 100 && stat_of(&served, "closed") == 0; i++) {
        say(other, POST("/publish", "150000") "\r\n");
        say_bytes(other, news, sizeof news);
        (void)hear(other, "\r\n\r\n");
    }
    assert_int_equal(stat_of(&served, "closed"), 1);
    close(fd);
    close(other);
}

static void stops_gracefully(void **state)
{
    (void)state;
    int idle = dial(&served), held = dial(&served), other = dial(&served), reading = dial(&served);
    say(idle, GET("/echo"));
    (void)hear(idle, "]");
    say(held, GET("/hold"));
    say(reading, POST("/echo", "2") "\r\nh");
    stat_becomes(&served, "exchanges", 3);
    say(other, GET("/stop"));
    assert_non_null(strstr(hear(other, NULL), "Connection: close\r\n"));
    assert_string_equal(hear(idle, NULL), "");
    say(reading, "i");
    assert_non_null(strstr(hear(reading, NULL), "|2|hi]"));
    assert_true(is_open(held, 50));
    close(idle), close(held), close(other), close(reading);
}

/* file_is reads the answer to a request for n bytes from at on, and compares each. */
static void file_is(int fd, const char *status, size_t at, size_t n)
{
    static char head[4096], block[100000];
    size_t head_n = 0, got = 0;
    while (!strstr(head, "\r\n\r\n") || head_n == 0) {
        assert_int_equal(recv(fd, head + head_n, 1, 0), 1);
        head[++head_n] = '\0';
    }
    char length[64];
    (void)snprintf(length, sizeof length, "\r\nContent-Length: %zu\r\n", n);
    assert_non_null(strstr(head, status));
    assert_non_null(strstr(head, length));
    assert_non_null(strstr(head, "\r\nX-File: yes\r\n"));
    while (got < n) {
        ssize_t r = recv(fd, block, sizeof block < n - got ? sizeof block : n - got, 0);
        assert_true(r > 0);
        for (ssize_t i = 0; i < r; i++)
            if (block[i] != file_byte(at + got + (size_t)i))
                fail_msg("byte %zu is wrong", at + got + (size_t)i);
        got += (size_t)r;
    }
    head[0] = '\0';
}

static void sends_files(void **state)
{
    (void)state;
    int fd = dial(&served);
    say(fd, GET("/file") GET("/file?n=0") GET("/file?at=1000&n=70000") GET("/echo?between") GET("/file?n=1"));
    file_is(fd, "200 OK", 0, 16 << 20);
    file_is(fd, "200 OK", 0, 0);
    file_is(fd, "206 Partial Content", 1000, 70000);
    (void)hear(fd, "|between|");
    close(fd);
    fd = dial(&served);
    say(fd, "HEAD /file?n=77 HTTP/1.1\r\n" HOST "\r\n" GET("/file?n=7"));
    assert_non_null(strstr(hear(fd, "\r\n\r\n"), "Content-Length: 77\r\n"));
    close(fd);
    stat_becomes(&served, "files", 0);
}

static void ends_the_connection_when_a_file_ends_early(void **state)
{
    (void)state;
    int fd = dial(&served);
    say(fd, GET("/file?n=100&size=10"));
    const char *heard = hear(fd, NULL);
    assert_non_null(strstr(heard, "Content-Length: 100\r\n"));
    assert_int_equal(strlen(strstr(heard, "\r\n\r\n") + 4), 10);
    close(fd);
    stat_becomes(&served, "files", 0);
}

static void forgets_a_file_whose_reader_leaves(void **state)
{
    (void)state;
    int fd = dial(&served);
    say(fd, GET("/file"));
    stat_becomes(&served, "files", 1);
    close(fd);
    stat_becomes(&served, "files", 0);
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(answers_and_keeps_the_connection),
        SERVED(takes_requests_byte_by_byte),
        SERVED(answers_pipelined_requests_in_order),
        SERVED(decodes_chunked_bodies),
        SERVED(says_continue_when_asked),
        SERVED(answers_head_without_a_body),
        SERVED(matches_routes),
        SERVED(refuses_in_one_form),
        SERVED(takes_no_body_as_empty),
        SERVED(lets_its_refusal_be_read_while_the_peer_goes_on_sending),
        SERVED(speaks_http_1_0),
        SERVED(answers_a_peer_that_has_half_closed),
        SERVED(survives_a_peer_that_leaves_while_it_waits),
        SERVED(answers_what_waits_behind_a_held_request),
        SERVED(streams_events),
        SERVED(throws_away_what_a_reader_of_a_stream_sends),
        SERVED(drops_a_stream_that_lags_behind),
        SERVED(stops_gracefully),
        SERVED(sends_files),
        SERVED(ends_the_connection_when_a_file_ends_early),
        SERVED(forgets_a_file_whose_reader_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
