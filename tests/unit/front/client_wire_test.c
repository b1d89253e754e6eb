/* The client over real sockets, against a Front that misbehaves: HTML, nothing, too much, elsewhere, or no
 * HTTP at all. */
#include "unit.h"
#include "front/client.h"
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdlib.h>

struct wire {
    struct event_base *base;
    struct evconnlistener *listener;
    struct http_client *http;
    struct front_client *client;
    struct config_account account;
    char api[64];
    const char *answer;   /* what the server says to the end of a request's head */
    size_t padding_bytes; /* that follow it */
    bool closes;          /* then closes the connection */
    unsigned requests;
    char seen[4096]; /* of the last request */
    /* the result */
    unsigned done_n;
    enum front_class class;
    bool is_unreachable;
    int status;
    char reason[512];
};

static void on_event(struct bufferevent *b, short what, void *arg)
{
    (void)what;
    (void)arg;
    bufferevent_free(b);
}

static void on_written(struct bufferevent *b, void *arg)
{
    (void)arg;
    bufferevent_free(b);
}

static void on_readable(struct bufferevent *b, void *arg)
{
    struct wire *w = arg;
    struct evbuffer *in = bufferevent_get_input(b), *out = bufferevent_get_output(b);
    struct evbuffer_ptr end = evbuffer_search(in, "\r\n\r\n{}", 6, NULL);

    if (end.pos < 0)
        return;
    w->requests++;
    ev_ssize_t n = evbuffer_copyout(in, w->seen, sizeof w->seen - 1);
    w->seen[n > 0 ? n : 0] = '\0';
    evbuffer_drain(in, evbuffer_get_length(in));
    if (w->closes)
        bufferevent_setcb(b, NULL, on_written, on_event, w);
    evbuffer_add(out, w->answer, strlen(w->answer));
    char *padding = mem_zalloc(w->padding_bytes + 1);
    memset(padding, ' ', w->padding_bytes);
    evbuffer_add(out, padding, w->padding_bytes);
    free(padding);
    if (w->closes && evbuffer_get_length(out) == 0)
        bufferevent_free(b);
}

static void on_connection(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa, int n, void *arg)
{
    struct wire *w = arg;
    struct bufferevent *b = bufferevent_socket_new(w->base, fd, BEV_OPT_CLOSE_ON_FREE);

    (void)l;
    (void)sa;
    (void)n;
    bufferevent_setcb(b, on_readable, NULL, on_event, w);
    bufferevent_enable(b, EV_READ | EV_WRITE);
}

static int setup(void **state)
{
    struct wire *w = mem_zalloc(sizeof *w);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    const struct http_client_options options = {0};

    w->base = event_base_new();
    w->listener = evconnlistener_new_bind(w->base, on_connection, w, LEV_OPT_CLOSE_ON_FREE, 16,
                                          (struct sockaddr *)(void *)&at, sizeof at);
    assert_non_null(w->listener);
    getsockname(evconnlistener_get_fd(w->listener), (struct sockaddr *)(void *)&at, &n);
    snprintf(w->api, sizeof w->api, "http://127.0.0.1:%u", ntohs(at.sin_port));
    w->account =
        (struct config_account){.name = "main", .api = w->api, .token = "t0ken", .rate_per_resource = 5};
    w->http = http_client_new(w->base, &options);
    w->client = front_client_new(w->base, w->http, &w->account);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct wire *w = *state;

    front_client_free(w->client);
    http_client_free(w->http);
    if (w->listener)
        evconnlistener_free(w->listener);
    event_base_loop(w->base, EVLOOP_NONBLOCK);
    event_base_free(w->base);
    free(w);
    return 0;
}

static void on_done(const struct front_result *r, void *arg)
{
    struct wire *w = arg;

    w->done_n++;
    w->class = r->class;
    w->is_unreachable = r->is_unreachable;
    w->status = r->status;
    snprintf(w->reason, sizeof w->reason, "%.*s", SPAN_FMT(r->reason));
    event_base_loopbreak(w->base);
}

static void post(struct wire *w)
{
    const struct front_request r = {.name = "incoming_messages",
                                    .lane = RATE_INBOUND,
                                    .method = "POST",
                                    .path = "/channels/cha_1/incoming_messages",
                                    .body = SPAN_LIT("{}")};
    const struct timeval limit = {10, 0};

    w->done_n = w->requests = 0;
    front_call_start(w->client, &r, on_done, w);
    event_base_loopexit(w->base, &limit);
    event_base_dispatch(w->base);
    assert_int_equal(w->done_n, 1);
}

#define HEAD(status, more) "HTTP/1.1 " status "\r\n" more "\r\n"

static void test_what_is_sent(void **state)
{
    struct wire *w = *state;

    w->answer = HEAD("202 Accepted", "Content-Length: 35\r\n") "{\"status\":\"accepted\",\"message_uid\":1}";
    w->closes = true;
    post(w);
    assert_non_null(strstr(w->seen, "POST /channels/cha_1/incoming_messages HTTP/1.1\r\n"));
    assert_non_null(strcasestr(w->seen, "\r\nAuthorization: Bearer t0ken\r\n"));
    assert_non_null(strcasestr(w->seen, "\r\nContent-Type: application/json\r\n"));
    assert_null(strcasestr(w->seen, "cookie"));
}

static const struct {
    const char *answer;
    size_t padding_bytes;
    bool closes;
    enum front_class class;
    int status;
} answers[] = {
    {HEAD("202 Accepted", "Content-Length: 2\r\n") "{}", 0, false, FRONT_CALL_OK, 202},
    {HEAD("200 OK", "Content-Type: text/html\r\nContent-Length: 16\r\n") "<html>hi</html>\n", 0, false,
     FRONT_CALL_UNKNOWN, 200},
    {HEAD("202 Accepted", "Content-Length: 0\r\n"), 0, false, FRONT_CALL_UNKNOWN, 202},
    {HEAD("502 Bad Gateway", "Content-Length: 6\r\n") "<html>", 0, false, FRONT_CALL_RETRY, 502},
    {HEAD("200 OK", "Content-Length: 10485760\r\n"), 10485760, false, FRONT_CALL_UNKNOWN, 0},
    {HEAD("200 OK", "Connection: close\r\n"), 2 << 20, true, FRONT_CALL_UNKNOWN, 0},
    {HEAD("202 Accepted", "Content-Length: 100\r\n") "{\"status\":", 0, true, FRONT_CALL_UNKNOWN, 0},
    {"", 0, true, FRONT_CALL_UNKNOWN, 0},
    {"SSH-2.0-OpenSSH\r\n", 0, true, FRONT_CALL_UNKNOWN, 0},
    {HEAD("301 Moved Permanently", "Location: http://localhost:1/x\r\nContent-Length: 0\r\n"), 0, false,
     FRONT_CALL_REFUSED, 301},
    {HEAD("302 Found", "Location: /x\r\nContent-Length: 0\r\n"), 0, false, FRONT_CALL_REFUSED, 302},
};

static void test_misbehaviour(void **state)
{
    struct wire *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        w->answer = answers[i].answer;
        w->padding_bytes = answers[i].padding_bytes;
        w->closes = answers[i].closes;
        post(w);
        if (w->class != answers[i].class || w->status != answers[i].status)
            fail_msg("%s: class %d, status %d: %s", answers[i].answer, w->class, w->status, w->reason);
        assert_int_equal(w->requests, 1);
        assert_false(w->is_unreachable);
        assert_true(w->class == FRONT_CALL_OK || w->reason[strlen(w->reason) - 1] == '.');
    }
}

static void test_a_loop_of_redirects(void **state)
{
    struct wire *w = *state;

    w->answer = HEAD("301 Moved Permanently", "Location: /again\r\nContent-Length: 0\r\n");
    post(w);
    assert_int_equal(w->class, FRONT_CALL_REFUSED);
    assert_int_equal(w->requests, 4);
    assert_non_null(strstr(w->seen, "POST /again HTTP/1.1\r\n"));
}

static void test_nobody_there(void **state)
{
    struct wire *w = *state;

    evconnlistener_free(w->listener);
    w->listener = NULL;
    post(w);
    assert_int_equal(w->class, FRONT_CALL_RETRY);
    assert_true(w->is_unreachable);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_sent, setup, teardown),
        cmocka_unit_test_setup_teardown(test_misbehaviour, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_loop_of_redirects, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nobody_there, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
