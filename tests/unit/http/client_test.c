/* The client against our own server, and against peers that misbehave. Each test owns a loop, a client and a
 * peer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "certificate.h"
#include "http/client.h"
#include "http/server.h"
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a peer of ours does with the n-th request that it sees, on whatever connection. */
enum act { END, ANSWER, CLOSE, SILENCE, GARBAGE, FLOOD, HUGE_HEAD, STALL };

struct peer {
    struct event_base *base;
    struct evconnlistener *listener;
    struct bufferevent *conn[16];
    unsigned conn_n, request_n, port;
    const enum act *acts;
};

struct ended {
    struct event_base *base;
    enum http_fail fail;
    bool is_sent;
    int status, times;
    char body[256], header[64];
    size_t wanted_n, taken_n; /* by on_bytes */
    char taken[64];
};

struct fixture {
    struct event_base *base;
    struct http_client *client;
    struct peer peer;
    struct ended ended;
};

static void flood(struct bufferevent *b, void *arg)
{
    (void)arg;
    static const char block[65536];
    bufferevent_write(b, block, sizeof block);
}

static void act(struct peer *p, struct bufferevent *b, enum act what)
{
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Seen:  yes \r\n\r\nok";
    static const char endless[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n";
    if (what == ANSWER)
        bufferevent_write(b, ok, sizeof ok - 1);
    else if (what == CLOSE)
        shutdown(bufferevent_getfd(b), SHUT_RDWR);
    else if (what == GARBAGE)
        bufferevent_write(b, "SSH-2.0-OpenSSH_9.2\r\n", 21);
    else if (what == STALL)
        bufferevent_write(b, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nstart", 45);
    else if (what == FLOOD) {
        bufferevent_setcb(b, NULL, flood, NULL, NULL);
        bufferevent_write(b, endless, sizeof endless - 1);
    } else if (what == HUGE_HEAD) {
        bufferevent_write(b, "HTTP/1.1 200 OK\r\n", 17);
        for (int i = 0; i < 9000; i++)
            bufferevent_write(b, "X-Filler: filler\r\n", 18);
    }
    (void)p;
}

static void on_request(struct bufferevent *b, void *arg)
{
    struct peer *p = arg;
    struct evbuffer *in = bufferevent_get_input(b);
    struct evbuffer_ptr head = evbuffer_search(in, "\r\n\r\n", 4, NULL);
    if (head.pos < 0)
        return;
    evbuffer_drain(in, evbuffer_get_length(in));
    enum act what = p->acts[p->request_n];
    assert_int_not_equal(what, END); /* one request more than was expected */
    p->request_n++;
    act(p, b, what);
}

static void on_connection(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa, int n, void *arg)
{
    (void)l, (void)sa, (void)n;
    struct peer *p = arg;
    assert_true(p->conn_n < ARRAY_LEN(p->conn));
    struct bufferevent *b = bufferevent_socket_new(p->base, fd, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(b, on_request, NULL, NULL, p);
    bufferevent_enable(b, EV_READ | EV_WRITE);
    p->conn[p->conn_n++] = b;
}

static void peer_start(struct fixture *f, const enum act *acts)
{
    struct peer *p = &f->peer;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    *p = (struct peer){.base = f->base, .acts = acts};
    p->listener = evconnlistener_new_bind(f->base, on_connection, p, LEV_OPT_CLOSE_ON_FREE, 16,
                                          (struct sockaddr *)&at, sizeof at);
    assert_non_null(p->listener);
    getsockname(evconnlistener_get_fd(p->listener), (struct sockaddr *)&at, &n);
    p->port = ntohs(at.sin_port);
}

static void peer_stop(struct peer *p)
{
    for (unsigned i = 0; i < p->conn_n; i++)
        bufferevent_free(p->conn[i]);
    if (p->listener)
        evconnlistener_free(p->listener);
    *p = (struct peer){0};
}

static int set_up(void **state)
{
    struct fixture *f = mem_zalloc(sizeof *f);
    f->base = event_base_new();
    f->client = http_client_new(f->base, NULL);
    f->ended.base = f->base;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    http_client_free(f->client);
    peer_stop(&f->peer);
    event_base_free(f->base);
    free(f);
    return 0;
}

static void on_done(const struct http_answer *a, void *arg)
{
    struct ended *e = arg;
    struct span seen = http_answer_header(a, "x-seen");
    e->fail = a->fail;
    e->is_sent = a->is_sent;
    e->status = a->status;
    e->times++;
    (void)snprintf(e->body, sizeof e->body, "%.*s", SPAN_FMT(a->body));
    (void)snprintf(e->header, sizeof e->header, "%.*s", SPAN_FMT(seen));
    event_base_loopbreak(e->base);
}

static struct http_call *start(struct fixture *f, const struct http_request *r)
{
    int before = f->ended.times;
    struct http_call *call = http_call_start(f->client, r, on_done, &f->ended);
    assert_int_equal(f->ended.times, before); /* never from inside */
    return call;
}

static const struct ended *call(struct fixture *f, const struct http_request *r)
{
    int before = f->ended.times;
    start(f, r);
    event_base_dispatch(f->base);
    assert_int_equal(f->ended.times, before + 1);
    return &f->ended;
}

static const char *url_of(unsigned port, const char *path)
{
    static char url[128];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u%s", port, path);
    return url;
}

static struct http_request post(const struct fixture *f)
{
    return (struct http_request){
        .method = "POST", .url = url_of(f->peer.port, "/"), .body = SPAN_LIT("hello"), .timeout_ms = 5000};
}

static void gives_status_headers_and_body(void **state)
{
    struct fixture *f = *state;
    peer_start(f, (const enum act[]){ANSWER, END});
    struct http_request r = post(f);
    const struct ended *e = call(f, &r);
    assert_int_equal(e->fail, HTTP_FAIL_NONE);
    assert_int_equal(e->status, 200);
    assert_true(e->is_sent);
    assert_string_equal(e->body, "ok");
    assert_string_equal(e->header, "yes");
}

static void refuses_what_it_does_not_call(void **state)
{
    struct fixture *f = *state;
    static const char *const urls[] = {
        "file:///etc/passwd", "ftp://127.0.0.1/",       "gopher://127.0.0.1/", "", "/path", "http://",
        "http://a b/",        "http://127.0.0.1:99999/"};
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct http_request r = {.method = "GET", .url = urls[i], .timeout_ms = 1000};
        const struct ended *e = call(f, &r);
        if (e->fail != HTTP_FAIL_URL || e->is_sent)
            fail_msg("%s: %s", urls[i], http_fail_text(e->fail));
    }
    static const struct http_header_line bad[] = {
        {"X-A", "1\r\nX-B: 2"}, {"X-A", "1\nX-B: 2"}, {"X A", "1"}, {"X-A:", "1"}, {"", "1"},
        {"X-A\r\nX-B", "1"}};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct http_request r = {.method = "GET",
                                 .url = "http://127.0.0.1:1/",
                                 .headers = &bad[i],
                                 .header_n = 1,
                                 .timeout_ms = 1000};
        assert_int_equal(call(f, &r)->fail, HTTP_FAIL_URL);
    }
    struct http_request r = {
        .method = "GET / HTTP/1.1\r\nX:", .url = "http://127.0.0.1:1/", .timeout_ms = 1000};
    assert_int_equal(call(f, &r)->fail, HTTP_FAIL_URL);
}

static void says_that_nothing_was_sent_when_nobody_listens(void **state)
{
    struct fixture *f = *state;
    peer_start(f, (const enum act[]){END});
    struct http_request r = post(f);
    peer_stop(&f->peer);
    const struct ended *e = call(f, &r);
    assert_int_equal(e->fail, HTTP_FAIL_CONNECT);
    assert_false(e->is_sent);
    r.url = "http://no-such-host.invalid/";
    e = call(f, &r);
    assert_int_equal(e->fail, HTTP_FAIL_CONNECT);
    assert_false(e->is_sent);
}

static void says_how_an_answer_failed(void **state)
{
    struct fixture *f = *state;
    static const struct {
        enum act acts[2];
        enum http_fail fail;
    } cases[] = {
        {{SILENCE, END}, HTTP_FAIL_TIMEOUT},     {{CLOSE, END}, HTTP_FAIL_BROKEN},
        {{GARBAGE, END}, HTTP_FAIL_BROKEN},      {{FLOOD, END}, HTTP_FAIL_TOO_LARGE},
        {{HUGE_HEAD, END}, HTTP_FAIL_TOO_LARGE},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        peer_start(f, cases[i].acts);
        struct http_request r = post(f);
        r.timeout_ms = cases[i].fail == HTTP_FAIL_TIMEOUT ? 200 : 5000;
        const struct ended *e = call(f, &r);
        if (e->fail != cases[i].fail || !e->is_sent)
            fail_msg("case %zu: %s", i, http_fail_text(e->fail));
        assert_int_equal(e->status, 0);
        peer_stop(&f->peer);
    }
}

static void does_not_reach_private_addresses_when_told(void **state)
{
    struct fixture *f = *state;
    peer_start(f, (const enum act[]){ANSWER, ANSWER, END});
    struct http_request r = post(f);
    r.denies_private = true;
    const struct ended *e = call(f, &r);
    assert_int_equal(e->fail, HTTP_FAIL_ADDRESS);
    assert_false(e->is_sent);
    assert_int_equal(f->peer.conn_n, 0);
    struct http_networks other = {.n = 0};
    assert_int_equal(http_networks_add(&other, "10.0.0.0/8"), OK);
    r.allowed = &other;
    assert_int_equal(call(f, &r)->fail, HTTP_FAIL_ADDRESS);
    /* Nor on a connection that a call with more rights has opened. */
    r.denies_private = false;
    assert_int_equal(call(f, &r)->status, 200);
    r.denies_private = true;
    e = call(f, &r);
    assert_int_equal(e->fail, HTTP_FAIL_ADDRESS);
    assert_false(e->is_sent);
    assert_int_equal(f->peer.request_n, 1);
    assert_int_equal(http_networks_add(&other, "127.0.0.0/8"), OK);
    assert_int_equal(call(f, &r)->status, 200);
}

static void does_not_send_a_post_twice_when_a_kept_connection_dies(void **state)
{
    struct fixture *f = *state;
    peer_start(f, (const enum act[]){ANSWER, CLOSE, END});
    struct http_request r = post(f);
    assert_int_equal(call(f, &r)->status, 200);
    const struct ended *e = call(f, &r);
    assert_int_equal(e->fail, HTTP_FAIL_BROKEN);
    assert_true(e->is_sent);
    assert_int_equal(f->peer.request_n, 2);
    assert_int_equal(e->status, 0);
}

static void sends_a_get_again_when_a_kept_connection_dies(void **state)
{
    struct fixture *f = *state;
    peer_start(f, (const enum act[]){ANSWER, CLOSE, ANSWER, END});
    struct http_request r = {.method = "GET", .url = url_of(f->peer.port, "/"), .timeout_ms = 5000};
    assert_int_equal(call(f, &r)->status, 200);
    assert_int_equal(call(f, &r)->status, 200);
    assert_int_equal(f->peer.request_n, 3);
}

static void keeps_connections(void **state)
{
    struct fixture *f = *state;
    peer_start(f, (const enum act[]){ANSWER, ANSWER, ANSWER, END});
    struct http_request r = post(f);
    for (int i = 0; i < 3; i++)
        assert_int_equal(call(f, &r)->status, 200);
    assert_int_equal(f->peer.conn_n, 1);
}

static void ends_a_cancelled_call_at_once(void **state)
{
    struct fixture *f = *state;
    peer_start(f, (const enum act[]){SILENCE, SILENCE, END});
    struct http_request r = post(f);
    http_call_cancel(start(f, &r));
    assert_int_equal(f->ended.fail, HTTP_FAIL_CANCELLED);
    assert_false(f->ended.is_sent);
    struct http_call *c = start(f, &r);
    while (f->peer.request_n == 0)
        event_base_loop(f->base, EVLOOP_ONCE);
    http_call_cancel(c);
    assert_int_equal(f->ended.times, 2);
    assert_true(f->ended.is_sent);
    r.url = "file:///";
    http_call_cancel(start(f, &r)); /* refused already, but not yet told */
    assert_int_equal(f->ended.times, 3);
    start(f, &r);
    start(f, &r); /* these end with the client */
}

static void on_done_cancel_other(const struct http_answer *a, void *arg)
{
    struct http_call **other = arg;
    if (a->fail != HTTP_FAIL_CANCELLED && *other) {
        struct http_call *victim = *other;
        *other = NULL;
        http_call_cancel(victim);
    }
}

static void lets_one_end_cancel_another(void **state)
{
    struct fixture *f = *state;
    peer_start(f, (const enum act[]){ANSWER, ANSWER, END});
    struct http_request r = post(f), bad = r;
    bad.url = "file:///";
    struct http_call *second = NULL, *fourth = NULL;
    http_call_start(f->client, &r, on_done_cancel_other, &second);
    second = http_call_start(f->client, &r, on_done_cancel_other, &second);
    http_call_start(f->client, &bad, on_done_cancel_other, &fourth);
    fourth = http_call_start(f->client, &bad, on_done_cancel_other, &fourth);
    while (second || fourth)
        event_base_loop(f->base, EVLOOP_ONCE);
}

struct stubborn {
    struct fixture *f;
    int refused_n;
};

static void on_done_try_again(const struct http_answer *a, void *arg)
{
    struct stubborn *s = arg;
    struct http_request bad = {.method = "GET", .url = "file:///", .timeout_ms = 1000};
    if (a->fail == HTTP_FAIL_URL && ++s->refused_n < 1000000)
        http_call_start(s->f->client, &bad, on_done_try_again, s);
}

static void goes_on_with_others_while_one_repeats_a_refused_call(void **state)
{
    struct fixture *f = *state;
    struct stubborn s = {.f = f};
    peer_start(f, (const enum act[]){ANSWER, END});
    struct http_request r = post(f), bad = r;
    bad.url = "file:///";
    http_call_start(f->client, &bad, on_done_try_again, &s);
    assert_int_equal(call(f, &r)->status, 200);
    assert_true(s.refused_n < 1000000);
    s.refused_n = 1000000;
}

/* ---- Against our own server: what arrives ---- */

struct seen {
    char head[1024], text[2048];
    size_t body_n;
    uint32_t sum;
};

static void on_exchange(struct http_exchange *x, void *arg)
{
    struct seen *seen = arg;
    struct buf b;
    struct span name, value, body = http_body(x);
    buf_init(&b, sizeof seen->head - 1);
    buf_addf(&b, "%.*s %.*s\n", SPAN_FMT(http_method(x)), SPAN_FMT(http_path(x)));
    for (size_t i = 0; http_header_at(x, i, &name, &value); i++)
        buf_addf(&b, "%.*s=%.*s\n", SPAN_FMT(name), SPAN_FMT(value));
    (void)snprintf(seen->head, sizeof seen->head, "%s", b.p);
    buf_fini(&b);
    (void)snprintf(seen->text, sizeof seen->text, "%.*s", SPAN_FMT(body));
    seen->body_n = body.n;
    seen->sum = 0;
    for (size_t i = 0; i < body.n; i++)
        seen->sum = seen->sum * 31 + (unsigned char)body.p[i];
    if (span_is(http_path(x), "/moved"))
        http_reply(x, 302, NULL, SPAN_NONE, "Location: http://127.0.0.1:1/\r\n");
    else if (span_is(http_path(x), "/missing"))
        http_reply(x, 404, "text/plain", SPAN_LIT("not here"), NULL);
    else
        http_reply(x, 200, "text/plain", SPAN_LIT("fine"), NULL);
}

static void refuse(struct buf *body, int status, const char *reason)
{
    buf_addf(body, "%d %s", status, reason);
}

static struct http_server *serve(struct fixture *f, struct seen *seen)
{
    const struct http_route all = {
        "GET POST PUT DELETE PATCH", "/", HTTP_PREFIX, 64 << 20, NULL, on_exchange, seen};
    return http_server_new(f->base, NULL, &all, 1, refuse);
}

static struct http_server *serve_tcp(struct fixture *f, struct seen *seen)
{
    struct buf why;
    buf_init(&why, 1000);
    struct http_server *s = serve(f, seen);
    assert_int_equal(http_server_listen(s, "127.0.0.1:0", &why), OK);
    buf_fini(&why);
    return s;
}

static void assert_seen(const struct seen *seen, const char *text)
{
    if (!strstr(seen->head, text))
        fail_msg("no %s in\n%s", text, seen->head);
}

static void assert_not_seen(const struct seen *seen, const char *text)
{
    if (strstr(seen->head, text))
        fail_msg("%s in\n%s", text, seen->head);
}

static void writes_what_was_asked(void **state)
{
    struct fixture *f = *state;
    struct seen seen;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    struct http_server *s = serve_tcp(f, &seen);
    const struct http_header_line headers[] = {{"X-Empty", ""}, {"X-One", "1"}};
    struct http_request r = {.method = "POST",
                             .url = url_of(http_server_port(s), "/a?b"),
                             .headers = headers,
                             .header_n = 2,
                             .body = {"a\0b", 3},
                             .timeout_ms = 5000};
    assert_int_equal(call(f, &r)->status, 200);
    assert_seen(&seen, "POST /a\n");
    assert_seen(&seen, "X-Empty=\n");
    assert_seen(&seen, "X-One=1\n");
    assert_seen(&seen, "User-Agent=front-bridge/");
    assert_not_seen(&seen, "Content-Type");
    assert_int_equal(seen.body_n, 3);
    static const char *const methods[] = {"DELETE", "GET", "POST", "PATCH", "PUT"};
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        r.method = methods[i];
        r.body = SPAN_NONE;
        assert_int_equal(call(f, &r)->status, 200);
        assert_true(strncmp(seen.head, methods[i], strlen(methods[i])) == 0);
        assert_int_equal(seen.body_n, 0);
        assert_int_equal(strstr(seen.head, "Content-Length=0\n") != NULL, i >= 2);
    }
    r.method = "HEAD";
    assert_int_equal(call(f, &r)->status, 200);
    assert_string_equal(f->ended.body, "");
    http_server_free(s);
    unsetenv("http_proxy");
}

static void does_not_follow_redirects(void **state)
{
    struct fixture *f = *state;
    struct seen seen;
    struct http_server *s = serve_tcp(f, &seen);
    struct http_request r = {
        .method = "GET", .url = url_of(http_server_port(s), "/moved"), .timeout_ms = 5000};
    assert_int_equal(call(f, &r)->status, 302);
    http_server_free(s);
}

static void sends_large_bodies_from_memory_and_from_files(void **state)
{
    struct fixture *f = *state;
    struct seen seen;
    struct http_server *s = serve_tcp(f, &seen);
    enum { N = 3 << 20 };
    char *bytes = mem_zalloc(N);
    for (size_t i = 0; i < N; i++)
        bytes[i] = (char)(i * 7 + i / 1000);
    struct http_request r = {
        .method = "POST", .url = url_of(http_server_port(s), "/"), .body = {bytes, N}, .timeout_ms = 10000};
    assert_int_equal(call(f, &r)->status, 200);
    assert_not_seen(&seen, "Expect");
    assert_int_equal(seen.body_n, N);
    uint32_t sum = seen.sum;
    FILE *file = tmpfile();
    assert_int_equal(fwrite(bytes, 1, N, file), N);
    fflush(file);
    r.body = SPAN_NONE;
    r.body_fd = fileno(file);
    r.body_fd_bytes = N;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(call(f, &r)->status, 200);
        assert_int_equal(seen.body_n, N);
        assert_int_equal(seen.sum, sum);
    }
    r.body_fd_bytes = N + 1; /* the file is shorter than was said */
    assert_int_equal(call(f, &r)->fail, HTTP_FAIL_BROKEN);
    fclose(file);
    free(bytes);
    http_server_free(s);
}

static void calls_through_a_unix_socket(void **state)
{
    struct fixture *f = *state;
    struct seen seen;
    char dir[] = "/tmp/fb-client-XXXXXX", path[64], address[80];
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/s", dir);
    (void)snprintf(address, sizeof address, "unix:%s", path);
    struct buf why;
    buf_init(&why, 1000);
    struct http_server *s = serve(f, &seen);
    assert_int_equal(http_server_listen(s, address, &why), OK);
    http_client_free(f->client);
    f->client = http_client_new(f->base, &(struct http_client_options){.unix_socket = path});
    struct http_request r = {.method = "GET", .url = "http://bridge/x", .timeout_ms = 5000};
    assert_int_equal(call(f, &r)->status, 200);
    assert_seen(&seen, "Host=bridge\n");
    http_server_free(s);
    assert_int_not_equal(access(path, F_OK), 0);
    rmdir(dir);
    buf_fini(&why);
}

static void connects_and_says_nothing_when_told(void **state)
{
    struct fixture *f = *state;
    peer_start(f, (const enum act[]){ANSWER, END});
    struct http_request r = {.method = "GET", .url = url_of(f->peer.port, "/"), .timeout_ms = 5000};
    r.connects_only = true;
    for (int i = 0; i < 3; i++) {
        const struct ended *e = call(f, &r);
        assert_int_equal(e->fail, HTTP_FAIL_NONE);
        assert_int_equal(e->status, 0);
        assert_false(e->is_sent);
    }
    assert_int_equal(f->peer.request_n, 0);
    r.connects_only = false; /* and leaves nothing behind that would keep others from talking */
    assert_int_equal(call(f, &r)->status, 200);
    peer_stop(&f->peer);
    r.connects_only = true;
    assert_int_equal(call(f, &r)->fail, HTTP_FAIL_CONNECT);
}

static void demands_a_certificate_that_proves_the_host(void **state)
{
    struct fixture *f = *state;
    struct seen seen;
    struct certificate c;
    struct buf why;
    char url[64];
    certificate_make(&c);
    buf_init(&why, 1000);
    struct http_server *s = serve(f, &seen);
    assert_int_equal(http_server_listen_tls(s, "127.0.0.1:0", c.cert, c.key, &why), OK);
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u/", http_server_port(s));
    struct http_request r = {.method = "POST", .url = url, .body = SPAN_LIT("x"), .timeout_ms = 5000};
    const struct ended *e = call(f, &r);
    assert_int_equal(e->fail, HTTP_FAIL_TLS);
    assert_false(e->is_sent);
    struct http_request connection = {.method = "GET", .url = url, .timeout_ms = 5000, .connects_only = true};
    assert_int_equal(call(f, &connection)->fail, HTTP_FAIL_TLS);
    http_client_free(f->client);
    f->client = http_client_new(f->base, &(struct http_client_options){.ca_file = c.cert});
    assert_int_equal(call(f, &connection)->fail, HTTP_FAIL_NONE);
    for (int i = 0; i < 3; i++)
        assert_int_equal(call(f, &r)->status, 200);
    r.url = url_of(http_server_port(s), "/"); /* plain HTTP to a TLS port */
    assert_int_not_equal(call(f, &r)->fail, HTTP_FAIL_NONE);
    http_server_free(s);
    certificate_remove(&c);
    buf_fini(&why);
}

/* ---- Bodies that go elsewhere, and forms ---- */

static bool take(struct span bytes, void *arg)
{
    struct ended *e = arg;
    (void)snprintf(e->taken, sizeof e->taken, "%.*s", SPAN_FMT(bytes));
    e->taken_n += bytes.n;
    return e->taken_n <= e->wanted_n;
}

static struct http_request get(unsigned port, const char *path)
{
    return (struct http_request){.method = "GET",
                                 .url = url_of(port, path),
                                 .on_bytes = take,
                                 .max_answer_bytes = 4,
                                 .timeout_ms = 5000};
}

static void hands_over_the_body_of_a_200_and_no_other(void **state)
{
    struct fixture *f = *state;
    struct seen seen;
    struct http_server *s = serve_tcp(f, &seen);
    struct http_request r = get(http_server_port(s), "/");
    f->ended.wanted_n = 100;
    assert_int_equal(call(f, &r)->status, 200);
    assert_string_equal(f->ended.taken, "fine");
    assert_string_equal(f->ended.body, "");
    r.url = url_of(http_server_port(s), "/missing"); /* an error may be longer than what is wanted */
    assert_int_equal(call(f, &r)->status, 404);
    assert_string_equal(f->ended.body, "not here");
    assert_int_equal(f->ended.taken_n, 4);
    r.url = url_of(http_server_port(s), "/");
    r.max_answer_bytes = 3;
    assert_int_equal(call(f, &r)->fail, HTTP_FAIL_TOO_LARGE);
    r.max_answer_bytes = 100;
    f->ended.taken_n = f->ended.wanted_n = 0;
    assert_int_equal(call(f, &r)->fail, HTTP_FAIL_STOPPED);
    r.on_bytes = NULL; /* and the same handle does as before */
    assert_int_equal(call(f, &r)->fail, HTTP_FAIL_NONE);
    assert_string_equal(f->ended.body, "fine");
    http_server_free(s);
}

static void ends_what_never_ends(void **state)
{
    struct fixture *f = *state;
    peer_start(f, (const enum act[]){FLOOD, STALL, END});
    struct http_request r = get(f->peer.port, "/");
    f->ended.wanted_n = SIZE_MAX;
    r.max_answer_bytes = 1 << 20;
    assert_int_equal(call(f, &r)->fail, HTTP_FAIL_TOO_LARGE);
    assert_true(f->ended.taken_n <= 1 << 20);
    r.stall_ms = 1000;
    r.timeout_ms = 60000;
    mono_ms_t from = clock_mono_ms();
    assert_int_equal(call(f, &r)->fail, HTTP_FAIL_TIMEOUT);
    assert_true(clock_mono_ms() - from < 30000);
}

static void sends_a_form(void **state)
{
    struct fixture *f = *state;
    struct seen seen;
    struct http_server *s = serve_tcp(f, &seen);
    FILE *file = tmpfile();
    assert_int_equal(fwrite("binary\0\r\n--", 1, 11, file), 11);
    (void)fflush(file);
    const struct http_part part[] = {
        {.name = "sender[handle]", .value = SPAN_LIT("ada \xc3\xa9")},
        {.name = "body", .value = SPAN_LIT("")},
        {.name = "attachments[0]",
         .fd = fileno(file),
         .bytes = 11,
         .filename = "a \"b\".png",
         .content_type = "image/png",
         .cid = "c1"},
        {.name = "attachments[1]", .fd = fileno(file), .filename = "empty", .content_type = "text/plain"},
    };
    struct http_request r = {.method = "POST",
                             .url = url_of(http_server_port(s), "/form"),
                             .part = part,
                             .part_n = ARRAY_LEN(part),
                             .timeout_ms = 5000};
    assert_int_equal(call(f, &r)->status, 200);
    assert_seen(&seen, "Content-Type=multipart/form-data; boundary=");
    static const char *const lines[] = {
        "Content-Disposition: form-data; name=\"sender[handle]\"\r\n\r\nada \xc3\xa9\r\n",
        "Content-Disposition: form-data; name=\"body\"\r\n\r\n\r\n",
        "name=\"attachments[0]\"; filename=\"a %22b%22.png\"\r\n",
        "Content-Type: image/png\r\nContent-ID: <c1>\r\n\r\nbinary"};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        if (!strstr(seen.text, lines[i]))
            fail_msg("no %s in\n%s", lines[i], seen.text);
    size_t whole = seen.body_n;
    struct http_part bad[ARRAY_LEN(part)];
    memcpy(bad, part, sizeof bad);
    bad[2].content_type = "image/png\r\nX-Smuggled: 1";
    r.part = bad;
    assert_int_equal(call(f, &r)->fail, HTTP_FAIL_URL);
    bad[2].content_type = "image/png";
    bad[2].bytes = 12; /* more than is there */
    assert_int_not_equal(call(f, &r)->fail, HTTP_FAIL_NONE);
    r.part = part; /* the same handle sends a form again, and then a plain body */
    assert_int_equal(call(f, &r)->status, 200);
    assert_int_equal(seen.body_n, whole);
    r.part_n = 0;
    r.body = SPAN_LIT("plain");
    assert_int_equal(call(f, &r)->status, 200);
    assert_string_equal(seen.text, "plain");
    assert_not_seen(&seen, "Content-Type");
    (void)fclose(file);
    http_server_free(s);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(gives_status_headers_and_body),
        WITH_FIXTURE(refuses_what_it_does_not_call),
        WITH_FIXTURE(says_that_nothing_was_sent_when_nobody_listens),
        WITH_FIXTURE(says_how_an_answer_failed),
        WITH_FIXTURE(does_not_reach_private_addresses_when_told),
        WITH_FIXTURE(does_not_send_a_post_twice_when_a_kept_connection_dies),
        WITH_FIXTURE(sends_a_get_again_when_a_kept_connection_dies),
        WITH_FIXTURE(keeps_connections),
        WITH_FIXTURE(ends_a_cancelled_call_at_once),
        WITH_FIXTURE(lets_one_end_cancel_another),
        WITH_FIXTURE(goes_on_with_others_while_one_repeats_a_refused_call),
        WITH_FIXTURE(writes_what_was_asked),
        WITH_FIXTURE(does_not_follow_redirects),
        WITH_FIXTURE(sends_large_bodies_from_memory_and_from_files),
        WITH_FIXTURE(calls_through_a_unix_socket),
        WITH_FIXTURE(connects_and_says_nothing_when_told),
        WITH_FIXTURE(hands_over_the_body_of_a_200_and_no_other),
        WITH_FIXTURE(ends_what_never_ends),
        WITH_FIXTURE(sends_a_form),
        WITH_FIXTURE(demands_a_certificate_that_proves_the_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
