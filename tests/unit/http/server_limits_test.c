/* What nobody can do to a server, whatever they send or do not send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "serving.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct served serve_small(void)
{
    return serve(&(struct serve_options){.limits = small_limits});
}

static void ends_what_comes_too_slowly(void **state)
{
    (void)state;
    static const struct {
        const char *begin, *drip, *answer;
        int after_ms;
    } cases[] = {
        {"GET /echo HTTP/1.1\r\n", "X: y\r\n", "HTTP/1.1 408 ", 300},
        {"G", "", "HTTP/1.1 408 ", 300},
        {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\n", "x", "HTTP/1.1 408 ", 700},
        {"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", "HTTP/1.1 408 ",
         700},
        {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n", "", " 408 ",
         700},
        {"", "", "", 1500},
        {GET("/echo"), "", "HTTP/1.1 200 ", 1500},
    };
    struct served s = serve_small();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int fd = dial(&s);
        int64_t began = now_ms();
        say(fd, cases[i].begin);
        while (is_open(fd, 40) && now_ms() < began + 3000)
            say(fd, cases[i].drip);
        const char *heard = hear(fd, NULL);
        int64_t took = now_ms() - began;
        if (!strstr(heard, cases[i].answer) || took < cases[i].after_ms - 5 ||
            took > cases[i].after_ms + 2500)
            fail_msg("case %zu after %lld ms: %s", i, (long long)took, heard);
        close(fd);
    }
    served_end(&s);
}

static void closes_on_a_peer_that_does_not_read(void **state)
{
    (void)state;
    struct http_limits limits = small_limits;
    limits.buffered_bytes = 64 << 20;
    struct served s = serve(&(struct serve_options){.limits = limits});
    int fd = dial(&s);
    say(fd, GET("/big") GET("/big"));
    stat_becomes(&s, "connections", 2);
    stat_becomes(&s, "connections", 1);
    assert_true(stat_of(&s, "buffered") < 10000);
    close(fd);
    served_end(&s);
}

/* A few bytes now and then are no progress: the descriptor would be held for ever. */
static void closes_on_a_peer_that_sips_at_a_file(void **state)
{
    (void)state;
    char sip[16];
    struct served s = serve(&(struct serve_options){.limits = small_limits});
    int fd = dial(&s);
    say(fd, GET("/file"));
    stat_becomes(&s, "files", 1);
    assert_true(stat_of(&s, "buffered") < 10000); /* and nothing of it is held in memory */
    for (int i = 0; i < 100 && stat_of(&s, "files") > 0; i++) {
        pause_ms(50);
        assert_true(recv(fd, sip, sizeof sip, 0) > 0);
    }
    assert_int_equal(stat_of(&s, "files"), 0);
    close(fd);
    served_end(&s);
}

static void refuses_head_bombs(void **state)
{
    (void)state;
    static char line[4000];
    struct served s = serve_small();
    memset(line, 'x', sizeof line - 1);
    int fd = dial(&s);
    say(fd, "GET /echo HTTP/1.1\r\nX: ");
    say(fd, line);
    assert_non_null(strstr(hear(fd, NULL), "HTTP/1.1 431 "));
    close(fd);
    fd = dial(&s);
    say(fd, "GET /echo HTTP/1.1\r\n" HOST);
    for (int i = 0; i < 20; i++)
        say(fd, "a: b\r\n");
    say(fd, "\r\n");
    assert_non_null(strstr(hear(fd, NULL), "HTTP/1.1 431 "));
    close(fd);
    fd = dial(&s); /* complete, but over the limit */
    say(fd, "GET /echo HTTP/1.1\r\n" HOST "X: ");
    say_bytes(fd, line, 2500);
    say(fd, "\r\n\r\n");
    assert_non_null(strstr(hear(fd, NULL), "HTTP/1.1 431 "));
    close(fd);
    served_end(&s);
}

static void bounds_what_all_bodies_take(void **state)
{
    (void)state;
    static char body[190000];
    static const char head[] = "POST /hold HTTP/1.1\r\n" HOST "Content-Length: 190000\r\n\r\n";
    struct http_limits limits = small_limits;
    limits.buffered_bytes = 300000;
    struct served s = serve(&(struct serve_options){.limits = limits});
    int one = dial(&s), two = dial(&s), three = dial(&s);
    say(one, head);
    say_bytes(one, body, sizeof body);
    stat_becomes(&s, "exchanges", 2);
    pause_ms(50);
    say(two, head);
    const char *later = hear(two, NULL);
    assert_non_null(strstr(later, "HTTP/1.1 429 "));
    assert_non_null(strstr(later, "\r\nRetry-After: 5\r\n"));
    say(three, "POST /hold HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n2e630\r\n");
    say_bytes(three, body, sizeof body);
    assert_non_null(strstr(hear(three, NULL), "HTTP/1.1 429 "));
    close(two), close(three);
    int other = dial(&s);
    say(other, GET("/release"));
    (void)hear(other, "released");
    (void)hear(one, "held");
    close(one), close(other);
    stat_becomes(&s, "connections", 1);
    assert_true(stat_of(&s, "buffered") < 10000);
    served_end(&s);
}

static void makes_room_by_closing_who_is_idle_longest(void **state)
{
    (void)state;
    int fd[60];
    struct http_limits limits = small_limits;
    limits.idle_ms = 60000;
    struct served s = serve(&(struct serve_options){.limits = limits});
    for (int i = 0; i < 60; i++) {
        fd[i] = dial(&s);
        say(fd[i], GET("/echo"));
        (void)hear(fd[i], "]");
    }
    for (int i = 0; i < 60; i++)
        assert_int_equal(is_open(fd[i], 0), i >= 10);
    assert_int_equal(stat_of(&s, "connections"), 50);
    for (int i = 0; i < 60; i++)
        close(fd[i]);
    served_end(&s);
}

static void waits_with_accepting_while_all_are_busy(void **state)
{
    (void)state;
    int fd[50];
    struct served s = serve_small();
    for (int i = 0; i < 49; i++) {
        fd[i] = dial(&s);
        say(fd[i], GET("/hold"));
    }
    stat_becomes(&s, "exchanges", 50);
    fd[49] = dial(&s);
    say(fd[49], GET("/hold"));
    int late = dial(&s);
    say(late, GET("/echo"));
    assert_true(is_open(late, 200));
    shutdown(fd[49], SHUT_WR);
    setsockopt(fd[0], SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
    close(fd[0]); /* a reset: its place is free */
    (void)hear(late, "]");
    close(late);
    int other = dial(&s);
    say(other, GET("/release"));
    (void)hear(other, "released");
    for (int i = 1; i < 50; i++) {
        (void)hear(fd[i], "held");
        close(fd[i]);
    }
    close(other);
    stat_becomes(&s, "connections", 1);
    assert_int_equal(stat_of(&s, "accepting"), 1);
    served_end(&s);
}

static void bounds_the_connections_of_one_address(void **state)
{
    (void)state;
    struct http_limits limits = small_limits;
    limits.per_address_n = 3;
    struct served s = serve(&(struct serve_options){.limits = limits});
    int fd[4];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 3; i++) {
            fd[i] = dial(&s);
            say(fd[i], GET("/echo"));
            (void)hear(fd[i], "]");
        }
        fd[3] = dial(&s);
        assert_false(is_open(fd[3], 1000));
        for (int i = 0; i < 4; i++)
            close(fd[i]);
        pause_ms(50);
    }
    served_end(&s);
}

static void waits_out_a_shortage_of_descriptors(void **state)
{
    (void)state;
    struct http_limits limits = small_limits;
    limits.connection_n = 1000;
    limits.idle_ms = limits.head_ms = 60000;
    struct served s = serve(&(struct serve_options){.limits = limits, .descriptors = 40});
    int first = dial(&s), fd[60];
    say(first, GET("/stats"));
    long cpu = strtol(strstr(hear(first, " end"), "cpu=") + 4, NULL, 10);
    close(first);
    int stays = dial(&s);
    say(stays, GET("/echo"));
    (void)hear(stays, "]");
    for (int i = 0; i < 60; i++)
        fd[i] = dial(&s);
    pause_ms(1000);
    say(stays, GET("/echo")); /* whoever is in is served */
    (void)hear(stays, "]");
    const char *heard = "";
    for (int i = 0; i < 20 && !strstr(heard, "accepting=0"); i++) { /* between two tries it is 1 */
        say(stays, GET("/stats"));
        heard = hear(stays, " end");
    }
    assert_non_null(strstr(heard, "accepting=0"));
    long spent = strtol(strstr(heard, "cpu=") + 4, NULL, 10) - cpu;
    if (spent > 400)
        fail_msg("%ld ms of CPU in a second of waiting", spent);
    for (int i = 0; i < 60; i++)
        close(fd[i]);
    close(stays);
    stat_becomes(&s, "connections", 1);
    assert_int_equal(stat_of(&s, "accepting"), 1);
    served_end(&s);
}

static bool may_open(rlim_t n)
{
    struct rlimit l;
    getrlimit(RLIMIT_NOFILE, &l);
    if (l.rlim_max < n)
        return false;
    l.rlim_cur = l.rlim_cur < n ? n : l.rlim_cur;
    return setrlimit(RLIMIT_NOFILE, &l) == 0;
}

static void holds_thousands_of_idle_connections_cheaply(void **state)
{
    (void)state;
    enum { N = 5000 };
    static int fd[N];
    if (!may_open(N + 100))
        skip();
    struct http_limits limits = small_limits;
    limits.connection_n = N + 10;
    limits.idle_ms = limits.head_ms = 120000;
    struct served s = serve(&(struct serve_options){.limits = limits});
    long before = stat_of(&s, "kb");
    for (int i = 0; i < N; i++) {
        fd[i] = dial(&s);
        say(fd[i], "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello");
        (void)hear(fd[i], "]");
    }
    long each = (stat_of(&s, "kb") - before) * 1024 / N;
    print_message("%ld bytes for each of %d idle connections\n", each, N);
#ifndef FB_SANITIZED
    assert_true(each <= 2048);
#endif
    int64_t began = now_ms();
    int other = dial(&s);
    say(other, GET("/echo"));
    (void)hear(other, "]");
    assert_true(now_ms() - began < 500);
    close(other);
    for (int i = 0; i < N; i++)
        close(fd[i]);
    stat_becomes(&s, "connections", 1);
    served_end(&s);
}

/* ---- Where it listens ---- */

static void refuse(struct buf *body, int status, const char *reason)
{
    buf_addf(body, "%d %s", status, reason);
}

static struct http_server *plain_server(struct event_base *base)
{
    return http_server_new(base, NULL, NULL, 0, refuse);
}

static void says_why_it_cannot_listen(void **state)
{
    (void)state;
    static const struct {
        const char *address, *why;
    } cases[] = {
        {"8080", "write it as HOST:PORT"},
        {"", "write it as HOST:PORT"},
        {"localhost", "write it as HOST:PORT"},
        {"127.0.0.1:", "write it as HOST:PORT"},
        {"127.0.0.1:65536", "write it as HOST:PORT"},
        {"127.0.0.1:-1", "write it as HOST:PORT"},
        {"::1:80", "write it as HOST:PORT"},
        {"no-such-host.invalid:80", "Cannot listen on no-such-host.invalid:80: "},
        {"192.0.2.1:0", "Cannot listen on 192.0.2.1:0: Cannot assign requested address."},
        {"unix:/no/such/dir/s", "Cannot listen on unix:/no/such/dir/s: No such file or directory."},
        {"unix:/"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "a"
         "aaaaaaaaaaaaaa",
         "at most 107 bytes"},
    };
    struct event_base *base = event_base_new();
    struct http_server *s = plain_server(base);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf why;
        buf_init(&why, 1000);
        assert_int_not_equal(http_server_listen(s, cases[i].address, &why), OK);
        if (!strstr(why.p, cases[i].why))
            fail_msg("%s: %s", cases[i].address, why.p);
        buf_fini(&why);
    }
    assert_int_equal(http_server_port(s), 0);
    http_server_free(s);
    event_base_free(base);
}

static void does_not_take_a_port_that_is_in_use(void **state)
{
    (void)state;
    struct event_base *base = event_base_new();
    struct http_server *one = plain_server(base), *two = plain_server(base);
    struct buf why;
    char address[32];
    buf_init(&why, 1000);
    assert_int_equal(http_server_listen(one, "localhost:0", &why), OK);
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", http_server_port(one));
    assert_int_equal(http_server_listen(two, address, &why), ERR_IO);
    assert_non_null(strstr(why.p, "Address already in use"));
    http_server_free(one);
    assert_int_equal(http_server_listen(two, address, &why), OK);
    http_server_free(two);
    buf_fini(&why);
    event_base_free(base);
}

static bool has_ipv6(void)
{
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    bool can = fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0;
    close(fd);
    return can;
}

static int dial_v6(unsigned port)
{
    struct sockaddr_in6 at = {
        .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT, .sin6_port = htons((uint16_t)port)};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static void listens_on_ipv6(void **state)
{
    (void)state;
    if (!has_ipv6())
        skip();
    struct served s = serve(&(struct serve_options){.limits = small_limits, .listen = "[::1]:0"});
    int fd = dial_v6(s.port);
    say(fd, GET("/echo"));
    assert_non_null(strstr(hear(fd, "]"), "|::1|"));
    close(fd);
    served_end(&s);
    s = serve(&(struct serve_options){.limits = small_limits, .listen = "localhost:0"});
    fd = dial(&s);
    say(fd, GET("/echo"));
    assert_non_null(strstr(hear(fd, "]"), "|127.0.0.1|"));
    close(fd);
    served_end(&s);
}

static void listens_on_a_unix_socket_of_its_user(void **state)
{
    (void)state;
    char dir[] = "/tmp/fb-server-XXXXXX", path[64], address[80];
    struct stat st;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/s", dir);
    (void)snprintf(address, sizeof address, "unix:%s", path);
    umask(0);
    for (int round = 0; round < 2; round++) {
        struct served s = serve(&(struct serve_options){.limits = small_limits, .listen = address});
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        int fd = dial(&s);
        say(fd, GET("/echo"));
        assert_non_null(strstr(hear(fd, "]"), "|unix|"));
        close(fd);
        served_end(&s);
        assert_int_not_equal(stat(path, &st), 0);
        /* What a killed process leaves behind does not stop the next one. */
        struct sockaddr_un sun = {.sun_family = AF_UNIX};
        strcpy(sun.sun_path, path);
        int dead = socket(AF_UNIX, SOCK_STREAM, 0);
        assert_int_equal(bind(dead, (struct sockaddr *)&sun, sizeof sun), 0);
        close(dead);
    }
    struct served s = serve(&(struct serve_options){.limits = small_limits, .listen = address});
    struct event_base *base = event_base_new();
    struct http_server *second = plain_server(base);
    struct buf why;
    buf_init(&why, 1000);
    assert_int_equal(http_server_listen(second, address, &why), ERR_IO);
    assert_non_null(strstr(why.p, "Address already in use"));
    http_server_free(second);
    buf_fini(&why);
    event_base_free(base);
    served_end(&s);
    FILE *f = fopen(path, "w"); /* a file that is no socket is not ours to remove */
    fclose(f);
    base = event_base_new();
    second = plain_server(base);
    buf_init(&why, 1000);
    assert_int_equal(http_server_listen(second, address, &why), ERR_IO);
    assert_int_equal(access(path, F_OK), 0);
    http_server_free(second);
    buf_fini(&why);
    event_base_free(base);
    unlink(path);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_what_comes_too_slowly),
        cmocka_unit_test(closes_on_a_peer_that_does_not_read),
        cmocka_unit_test(closes_on_a_peer_that_sips_at_a_file),
        cmocka_unit_test(refuses_head_bombs),
        cmocka_unit_test(bounds_what_all_bodies_take),
        cmocka_unit_test(makes_room_by_closing_who_is_idle_longest),
        cmocka_unit_test(waits_with_accepting_while_all_are_busy),
        cmocka_unit_test(bounds_the_connections_of_one_address),
        cmocka_unit_test(waits_out_a_shortage_of_descriptors),
        cmocka_unit_test(holds_thousands_of_idle_connections_cheaply),
        cmocka_unit_test(says_why_it_cannot_listen),
        cmocka_unit_test(does_not_take_a_port_that_is_in_use),
        cmocka_unit_test(listens_on_ipv6),
        cmocka_unit_test(listens_on_a_unix_socket_of_its_user),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
