#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "serving.h"
#include "base/mem.h"
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const struct http_limits small_limits = {
    .head_bytes = 2048,
    .header_n = 20,
    .connection_n = 50,
    .buffered_bytes = 400000,
    .head_ms = 300,
    .request_ms = 700,
    .idle_ms = 1500,
    .write_ms = 500,
};

enum { KEPT_MAX = 64, BIG = 16 << 20 };

static struct {
    struct event_base *base;
    struct http_server *server;
    struct http_exchange *held[KEPT_MAX], *stream[KEPT_MAX];
    unsigned held_n, stream_n, closed_n;
    char *big;
} child;

static void echo(struct http_exchange *x, void *arg)
{
    (void)arg;
    struct buf b, a;
    buf_init(&b, 2 << 20);
    buf_init(&a, 1000);
    buf_addf(&b, "[%.*s|%.*s|%.*s|", SPAN_FMT(http_method(x)), SPAN_FMT(http_rest(x)),
             SPAN_FMT(http_query(x)));
    if (http_query_get(x, "a", &a) == OK)
        buf_addf(&b, "a=%s|", a.p);
    buf_addf(&b, "%.*s|%zu|", SPAN_FMT(http_peer(x)), http_body(x).n);
    buf_add_span(&b, http_body(x));
    buf_add_str(&b, "]");
    http_reply(x, 200, "text/plain", buf_span(&b), "X-Echo: yes\r\n");
    buf_fini(&b);
    buf_fini(&a);
}

static void hold(struct http_exchange *x, void *arg)
{
    (void)arg;
    must(child.held_n < KEPT_MAX);
    child.held[child.held_n++] = x;
}

static void release_all(void)
{
    for (unsigned i = 0; i < child.held_n; i++)
        http_reply(child.held[i], 200, "text/plain", SPAN_LIT("held"), NULL);
    child.held_n = 0;
}

static void release(struct http_exchange *x, void *arg)
{
    (void)arg;
    release_all();
    http_reply(x, 200, "text/plain", SPAN_LIT("released"), NULL);
}

static void big(struct http_exchange *x, void *arg)
{
    (void)arg;
    http_reply(x, 200, "text/plain", (struct span){child.big, BIG}, NULL);
}

static size_t number(struct http_exchange *x, const char *key, size_t fallback)
{
    struct buf text;
    uint64_t n = fallback;
    buf_init(&text, 32);
    if (http_query_get(x, key, &text) == OK)
        must(span_u64(buf_span(&text), &n));
    buf_fini(&text);
    return (size_t)n;
}

/* n bytes from `at` on are promised, of a file that has `size`. */
static void file(struct http_exchange *x, void *arg)
{
    (void)arg;
    size_t at = number(x, "at", 0), n = number(x, "n", BIG), size = number(x, "size", at + n);
    char *bytes = mem_zalloc(size + 1);
    for (size_t i = 0; i < size; i++)
        bytes[i] = file_byte(i);
    int fd = memfd_create("file", MFD_CLOEXEC);
    must(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    free(bytes);
    http_reply_file(x, at ? 206 : 200, "application/octet-stream", fd, at, n, "X-File: yes\r\n");
}

static long cpu_ms(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
}

static long private_kb(void)
{
    long kb = 0;
    char line[128];
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        (void)sscanf(line, "RssAnon: %ld", &kb);
    if (f)
        (void)fclose(f);
    return kb;
}

static void stats(struct http_exchange *x, void *arg)
{
    (void)arg;
    struct http_server_stats s = http_server_stats(child.server);
    struct buf b;
    buf_init(&b, 1000);
    buf_addf(&b, "connections=%u exchanges=%u buffered=%zu accepted=%lu refused=%lu accepting=%d ",
             s.connections, s.exchanges, s.buffered_bytes, (unsigned long)s.accepted,
             (unsigned long)s.refused, s.is_accepting);
    buf_addf(&b, "closed=%u files=%u cpu=%ld kb=%ld end", child.closed_n, s.files, cpu_ms(), private_kb());
    http_reply(x, 200, "text/plain", buf_span(&b), "Connection: close\r\n");
    buf_fini(&b);
}

static void stop(struct http_exchange *x, void *arg)
{
    (void)arg;
    http_server_stop(child.server);
    http_reply(x, 200, "text/plain", SPAN_LIT("stopped"), NULL);
}

static void on_closed(void *arg)
{
    struct http_exchange **slot = arg;
    *slot = NULL;
    child.closed_n++;
}

static void events(struct http_exchange *x, void *arg)
{
    (void)arg;
    must(child.stream_n < KEPT_MAX);
    struct http_exchange **slot = &child.stream[child.stream_n++];
    *slot = x;
    http_stream_start(x, on_closed, slot);
}

static void publish(struct http_exchange *x, void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < child.stream_n; i++)
        if (child.stream[i])
            http_stream_event(child.stream[i], "news", http_body(x));
    http_reply(x, 200, NULL, SPAN_NONE, NULL);
}

static void end_streams(struct http_exchange *x, void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < child.stream_n; i++)
        if (child.stream[i])
            http_stream_end(child.stream[i]);
    child.stream_n = 0;
    http_reply(x, 200, NULL, SPAN_NONE, NULL);
}

static void refuse(struct buf *body, int status, const char *reason)
{
    buf_addf(body, "{\"refused\":%d,\"message\":\"%s\"}", status, reason);
}

static const struct http_route routes[] = {
    {"GET POST", "/echo", HTTP_EXACT, 200000, NULL, echo, NULL},
    {"PUT", "/echo", HTTP_EXACT, 10, NULL, echo, NULL},
    {"POST DELETE", "/json", HTTP_EXACT, 64, "application/json", echo, NULL},
    {"GET POST", "/hold", HTTP_EXACT, 200000, NULL, hold, NULL},
    {"GET", "/release", HTTP_EXACT, 0, NULL, release, NULL},
    {"GET", "/big", HTTP_EXACT, 0, NULL, big, NULL},
    {"GET", "/file", HTTP_EXACT, 0, NULL, file, NULL},
    {"GET", "/stats", HTTP_EXACT, 0, NULL, stats, NULL},
    {"GET", "/stop", HTTP_EXACT, 0, NULL, stop, NULL},
    {"GET", "/events", HTTP_EXACT, 0, NULL, events, NULL},
    {"POST", "/publish", HTTP_EXACT, 2 << 20, NULL, publish, NULL},
    {"GET", "/end", HTTP_EXACT, 0, NULL, end_streams, NULL},
    {"GET POST", "/sub/", HTTP_PREFIX, 0, NULL, echo, NULL},
    {"GET", "/tree", HTTP_PREFIX, 0, NULL, echo, NULL},
};

static void on_term(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    event_base_loopbreak(arg);
}

static void run_child(const struct serve_options *o, int report)
{
    struct buf why;
    buf_init(&why, 1000);
    child.base = event_base_new();
    child.big = mem_zalloc(BIG);
    child.server = http_server_new(child.base, &o->limits, routes, ARRAY_LEN(routes), refuse);
    const char *at = o->listen ? o->listen : "127.0.0.1:0";
    enum err e = o->cert ? http_server_listen_tls(child.server, at, o->cert, o->key, &why)
                         : http_server_listen(child.server, at, &why);
    must(e == OK);
    if (o->descriptors)
        must(setrlimit(RLIMIT_NOFILE, &(struct rlimit){o->descriptors, o->descriptors}) == 0);
    struct event *term = evsignal_new(child.base, SIGTERM, on_term, child.base);
    event_add(term, NULL);
    unsigned port = http_server_port(child.server);
    must(write(report, &port, sizeof port) == sizeof port);
    close(report);
    event_base_dispatch(child.base);
    http_server_free(child.server);
    release_all(); /* exchanges outlive their server */
    event_free(term);
    event_base_free(child.base);
    free(child.big);
    buf_fini(&why);
}

struct served serve(const struct serve_options *o)
{
    struct served s = {0};
    int report[2];
    assert_int_equal(pipe(report), 0);
    if ((s.pid = fork()) == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        /* None of the test's own descriptors: they would count, and keep connections open. */
        must(dup2(report[1], 3) == 3 && close_range(4, ~0U, 0) == 0);
        run_child(o, 3);
        exit(0);
    }
    assert_true(s.pid > 0);
    close(report[1]);
    assert_int_equal(read(report[0], &s.port, sizeof s.port), sizeof s.port);
    close(report[0]);
    if (o->listen && strncmp(o->listen, "unix:", 5) == 0)
        s.address = o->listen + 5;
    return s;
}

void served_end(const struct served *s)
{
    int status;
    assert_int_equal(kill(s->pid, SIGTERM), 0);
    assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int dial(const struct served *s)
{
    struct sockaddr_in tcp = {.sin_family = AF_INET, .sin_port = htons((uint16_t)s->port)};
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    tcp.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(s->address ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (s->address)
        strcpy(local.sun_path, s->address);
    int failed = s->address ? connect(fd, (struct sockaddr *)&local, sizeof local)
                            : connect(fd, (struct sockaddr *)&tcp, sizeof tcp);
    assert_int_equal(failed, 0);
    return fd;
}

void say_bytes(int fd, const void *p, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t w = send(fd, (const char *)p + at, n - at, MSG_NOSIGNAL);
        if (w < 0)
            return; /* the server has closed: what it said before is asserted by the test */
        at += (size_t)w;
    }
}

void say(int fd, const char *text)
{
    say_bytes(fd, text, strlen(text));
}

const char *hear(int fd, const char *text)
{
    static char heard[1 << 18];
    size_t n = 0;
    struct timeval patience = {5, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    heard[0] = '\0';
    while (!(text && strstr(heard, text))) {
        ssize_t r = recv(fd, heard + n, sizeof heard - 1 - n, 0);
        if (r < 0)
            fail_msg("%s while waiting for \"%s\"; heard: %s", strerror(errno), text ? text : "the end",
                     heard);
        if (r == 0 && text)
            fail_msg("the end while waiting for \"%s\"; heard: %s", text, heard);
        if (r == 0)
            break;
        n += (size_t)r;
        heard[n] = '\0';
    }
    return heard;
}

bool is_open(int fd, int wait_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, wait_ms) == 0;
}

long stat_of(const struct served *s, const char *name)
{
    char key[32];
    int fd = dial(s);
    say(fd, GET("/stats"));
    const char *heard = hear(fd, " end");
    (void)snprintf(key, sizeof key, "%s=", name);
    const char *at = strstr(heard, key);
    assert_non_null(at);
    close(fd);
    return strtol(at + strlen(key), NULL, 10);
}

void stat_becomes(const struct served *s, const char *name, long wanted)
{
    long got = -1;
    for (int i = 0; i < 100; i++, pause_ms(30))
        if ((got = stat_of(s, name)) == wanted)
            return;
    fail_msg("%s is %ld, not %ld", name, got, wanted);
}

void pause_ms(int ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}
