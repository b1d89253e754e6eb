/* The client: lanes, classes, tokens, redirects; each call ends exactly once. The HTTP below it is a fake. */
#include "unit.h"
#include "base/crypto.h"
#include "base/json.h"
#include "fake_http.h"
#include "front/client.h"
#include <stdlib.h>

static struct config_account account = {.name = "main",
                                        .api = "https://api2.frontapp.com",
                                        .token = "the-token",
                                        .app_uid = "uid-1",
                                        .app_secret = "app-secret",
                                        .rate_reserve_percent = 0,
                                        .rate_per_resource = 5};

struct done {
    unsigned n;
    enum front_class class;
    bool is_unreachable, has_json;
    int status;
    int64_t retry_after_ms;
    char reason[1024];
};

static void on_done(const struct front_result *r, void *arg)
{
    struct done *d = arg;

    d->n++;
    d->class = r->class;
    d->is_unreachable = r->is_unreachable;
    d->has_json = r->json != NULL;
    d->status = r->status;
    d->retry_after_ms = r->retry_after_ms;
    snprintf(d->reason, sizeof d->reason, "%.*s", SPAN_FMT(r->reason));
}

struct fixture {
    struct event_base *base;
    struct front_client *client;
};

static int setup(void **state)
{
    struct fixture *f = mem_zalloc(sizeof *f);

    f->base = event_base_new();
    f->client = front_client_new(f->base, NULL, &account);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    front_client_free(f->client);
    event_base_free(f->base);
    free(f);
    return 0;
}

static void turn(struct fixture *f)
{
    const struct timeval tv = {0, 2000};

    event_base_loopexit(f->base, &tv);
    event_base_dispatch(f->base);
}

static const struct front_request post = {.name = "incoming_messages",
                                          .lane = RATE_INBOUND,
                                          .method = "POST",
                                          .path = "/channels/cha_1/incoming_messages",
                                          .resource = "cha_1",
                                          .body = {"{}", 2}};
static const struct front_request get = {.name = "message",
                                         .lane = RATE_RESOLVE,
                                         .method = "GET",
                                         .path = "/messages/alt:uid:1",
                                         .body = {NULL, 0}};

static const char *const rate_headers[] = {"x-ratelimit-limit", "200", "x-ratelimit-remaining", "150", NULL};

static void test_a_post(void **state)
{
    struct fixture *f = *state;
    struct done d = {0};

    front_call_start(f->client, &post, on_done, &d);
    assert_null(fake_first());
    assert_int_equal(front_client_waiting(f->client, RATE_INBOUND), 1);
    turn(f);
    assert_int_equal(front_client_waiting(f->client, RATE_INBOUND), 0);
    struct http_call *c = fake_first();
    assert_string_equal(c->method, "POST");
    assert_string_equal(c->url, "https://api2.frontapp.com/channels/cha_1/incoming_messages");
    assert_string_equal(c->authorization, "Bearer the-token");
    assert_string_equal(c->content_type, "application/json");
    assert_string_equal(c->body, "{}");
    assert_int_equal(c->timeout_ms, 30000);
    assert_int_equal(c->max_answer_bytes, 1 << 20);
    fake_answer(202, "{\"status\":\"accepted\"}", rate_headers);
    assert_int_equal(d.n, 1);
    assert_int_equal(d.class, FRONT_CALL_OK);
    assert_true(d.has_json);
    assert_string_equal(d.reason, "");
    assert_int_equal(front_client_rate(f->client).remaining, 150);
}

static void test_a_body_is_kept_whole(void **state)
{
    struct fixture *f = *state;
    struct done d = {0};
    struct front_request with_nul = post;
    char body[] = "{\0}";

    with_nul.body = (struct span){body, 3};
    front_call_start(f->client, &with_nul, on_done, &d);
    memset(body, 'x', 3); /* a call that waits has its own */
    turn(f);
    assert_memory_equal(fake_first()->body, "{\0}", 3);
    fake_answer(202, "{}", rate_headers);
}

static const struct {
    const char *method; /* NULL: POST */
    enum http_fail fail;
    bool is_sent;
    int status;
    const char *body;
    enum front_class class;
    bool is_unreachable;
    const char *reason;
} replies[] = {
    {NULL, 0, true, 202, "{}", FRONT_CALL_OK, false, ""},
    {NULL, 0, true, 204, "", FRONT_CALL_OK, false, ""},
    {NULL, 0, true, 202, "", FRONT_CALL_UNKNOWN, false, "Front answered 202 with a body that is not JSON."},
    {NULL, 0, true, 200, "<html>ok</html>", FRONT_CALL_UNKNOWN, false,
     "Front answered 200 with a body that is not JSON."},
    {NULL, 0, true, 202, "{\"a\":", FRONT_CALL_UNKNOWN, false,
     "Front answered 202 with a body that is not JSON."},
    {"GET", 0, true, 200, "<html>ok</html>", FRONT_CALL_RETRY, false,
     "Front answered 200 with a body that is not JSON."},
    {NULL, 0, true, 400,
     "{\"_error\":{\"status\":400,\"title\":\"Bad request\",\"message\":\"Body did not satisfy "
     "requirements\","
     "\"details\":[\"body.sender: missing\",\"x\\r\\ny\"]}}",
     FRONT_CALL_REFUSED, false,
     "Front answered 400: Bad request: Body did not satisfy requirements; body.sender: missing; x y."},
    {NULL, 0, true, 401, "{\"_error\":{\"title\":\"Unauthenticated\"}}", FRONT_CALL_REFUSED, false,
     "Front answered 401: Unauthenticated."},
    {NULL, 0, true, 404, "{\"_error\":\"odd\"}", FRONT_CALL_REFUSED, false, "Front answered 404."},
    {NULL, 0, true, 404, "{}", FRONT_CALL_REFUSED, false, "Front answered 404 and did not say why."},
    {NULL, 0, true, 403, "<html>", FRONT_CALL_REFUSED, false,
     "Front answered 403 with a body that is not JSON."},
    {NULL, 0, true, 408, "{}", FRONT_CALL_RETRY, false, "Front answered 408 and did not say why."},
    {NULL, 0, true, 500, "", FRONT_CALL_RETRY, false, "Front answered 500 with a body that is not JSON."},
    {NULL, 0, true, 503, "{}", FRONT_CALL_RETRY, false, "Front answered 503 and did not say why."},
    {NULL, 0, true, 302, "{}", FRONT_CALL_REFUSED, false, "Front answered 302 and did not say why."},
    {NULL, 0, true, 301, "{}", FRONT_CALL_REFUSED, false,
     "Front answered 301: it redirects to somewhere that is not followed."},
    {NULL, 0, true, 101, "", FRONT_CALL_REFUSED, false, "Front answered 101 with a body that is not JSON."},
    {NULL, HTTP_FAIL_CONNECT, false, 0, "", FRONT_CALL_RETRY, true, "Front gave no answer: no connection."},
    {NULL, HTTP_FAIL_TLS, false, 0, "", FRONT_CALL_RETRY, true, "Front gave no answer: it failed."},
    {NULL, HTTP_FAIL_TIMEOUT, false, 0, "", FRONT_CALL_RETRY, true, "Front gave no answer: it failed."},
    {NULL, HTTP_FAIL_TIMEOUT, true, 0, "", FRONT_CALL_UNKNOWN, false, "Front gave no answer: it failed."},
    {NULL, HTTP_FAIL_BROKEN, true, 0, "", FRONT_CALL_UNKNOWN, false, "Front gave no answer: it failed."},
    {NULL, HTTP_FAIL_TOO_LARGE, true, 0, "", FRONT_CALL_UNKNOWN, false, "Front gave no answer: it failed."},
    {"GET", HTTP_FAIL_TIMEOUT, true, 0, "", FRONT_CALL_RETRY, false, "Front gave no answer: it failed."},
    {"PUT", HTTP_FAIL_BROKEN, true, 0, "", FRONT_CALL_RETRY, false, "Front gave no answer: it failed."},
};

static void test_every_reply_has_its_class(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
        struct front_request r = post;
        struct done d = {0};
        r.resource = NULL;
        if (replies[i].method)
            r.method = replies[i].method;
        front_call_start(f->client, &r, on_done, &d);
        while (!fake_first())
            turn(f);
        if (replies[i].fail)
            fake_fail(replies[i].fail, replies[i].is_sent);
        else
            fake_answer(replies[i].status, replies[i].body, rate_headers);
        assert_int_equal(d.n, 1);
        assert_string_equal(d.reason, replies[i].reason);
        assert_int_equal(d.class, replies[i].class);
        assert_int_equal(d.is_unreachable, replies[i].is_unreachable);
    }
}

static void test_long_and_odd_reasons_are_bounded(void **state)
{
    struct fixture *f = *state;
    struct done d = {0};
    struct buf body;

    buf_init(&body, 1 << 20);
    buf_add_str(&body, "{\"_error\":{\"title\":\"a\\u0007\\u001bb");
    for (unsigned i = 0; i < 2000; i++)
        buf_add_str(&body, "\xc3\xa9");
    buf_add_str(&body, "\"}}");
    front_call_start(f->client, &get, on_done, &d);
    turn(f);
    fake_answer(400, body.p, NULL);
    assert_in_range(strlen(d.reason), 390, 400);
    assert_true(span_starts(span_of(d.reason), "Front answered 400: a b\xc3\xa9"));
    assert_string_equal(d.reason + strlen(d.reason) - 5, "\xc3\xa9\xe2\x80\xa6");
    buf_fini(&body);
}

static void test_retry_after(void **state)
{
    static const char *const headers[] = {
        "Retry-After", "7", "X-RateLimit-Limit", "200", "x-ratelimit-remaining", "3", NULL};
    struct fixture *f = *state;
    struct done d = {0}, d2 = {0};

    front_call_start(f->client, &post, on_done, &d);
    turn(f);
    fake_answer(429, "{\"_error\":{\"status\":429,\"title\":\"Rate limit exceeded\"}}", headers);
    assert_int_equal(d.class, FRONT_CALL_RETRY);
    assert_int_equal(d.retry_after_ms, 7000);
    assert_int_equal(front_client_rate(f->client).refused_n, 1);
    assert_in_range(front_client_rate(f->client).pause_ms, 6000, 7000);
    struct front_call *waiting = front_call_start(f->client, &get, on_done, &d2);
    turn(f);
    assert_null(fake_first());
    front_call_cancel(waiting);
    assert_int_equal(d2.class, FRONT_CALL_CANCELLED);
}

static const struct {
    const char *location, *url; /* url NULL: refused */
} redirects[] = {
    {"https://api2.frontapp.com/conversations/cnv_2", "https://api2.frontapp.com/conversations/cnv_2"},
    {"https://API2.frontapp.com/a?b=c#d", "https://api2.frontapp.com/a?b=c"},
    {"https://acme.api.frontapp.com/conversations/cnv_2", "https://api2.frontapp.com/conversations/cnv_2"},
    {"/conversations/cnv_2", "https://api2.frontapp.com/conversations/cnv_2"},
    {"https://evil.example/conversations/cnv_2", NULL},
    {"https://api2.frontapp.com.evil.example/x", NULL},
    {"https://api2.frontapp.com@evil.example/x", NULL},
    {"https://api2.frontapp.com:8443@evil.example/x", NULL},
    {"//evil.example/x", NULL},
    {"/\\evil.example/x", NULL},
    {"conversations/cnv_2", NULL},
    {"/a b", NULL},
    {"/a\r\nX: y", NULL},
    {"", NULL},
    {NULL, NULL},
};

static void test_redirects(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(redirects); i++) {
        const char *const headers[] = {redirects[i].location ? "Location" : NULL, redirects[i].location,
                                       NULL};
        struct front_request r = post;
        struct done d = {0};
        r.resource = NULL;
        front_call_start(f->client, &r, on_done, &d);
        turn(f);
        fake_answer(301, "", headers);
        turn(f);
        if (!redirects[i].url) {
            assert_int_equal(d.class, FRONT_CALL_REFUSED);
            assert_null(fake_first());
            continue;
        }
        assert_int_equal(d.n, 0);
        assert_string_equal(fake_first()->url, redirects[i].url);
        assert_string_equal(fake_first()->method, "POST");
        assert_string_equal(fake_first()->body, "{}");
        fake_answer(202, "{}", NULL);
        assert_int_equal(d.class, FRONT_CALL_OK);
    }
}

static void on_moved(struct span from, struct span to, void *arg)
{
    buf_addf(arg, "%.*s>%.*s\n", SPAN_FMT(from), SPAN_FMT(to));
}

/* What Front sends on for good, and takes there, is told once, from the first place to the last. */
static void test_a_conversation_that_has_moved_is_told(void **state)
{
    static const struct {
        int status;
        const char *location;
        int answer;
    } steps[] = {
        {301, "/conversations/cnv_2/comments", 0},
        {308, "https://acme.api.frontapp.com/conversations/cnv_3/comments", 201}, /* told: 1 to 3 */
        {307, "/conversations/cnv_4/comments", 201},                              /* for the moment only */
        {301, "/conversations/cnv_5/comments", 404},                              /* it is not there */
        {301, "/elsewhere/cnv_6", 201},
        {301, "/conversations/cnv_1/comments?x", 201}, /* where it was */
        {301, "/conversations/alt:x/comments", 201},
    };
    struct fixture *f = *state;
    struct buf told;

    buf_init(&told, 4096);
    front_client_on_moved(f->client, on_moved, &told);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        const char *const headers[] = {"Location", steps[i].location, NULL};
        struct front_request r = post;
        struct done d = {0};
        r.resource = NULL;
        r.path = "/conversations/cnv_1/comments";
        if (i == 0 || steps[i - 1].answer)
            front_call_start(f->client, &r, on_done, &d);
        turn(f);
        fake_answer(steps[i].status, "", headers);
        if (!steps[i].answer) { /* and on */
            turn(f);
            i++;
            const char *const next[] = {"Location", steps[i].location, NULL};
            fake_answer(steps[i].status, "", next);
        }
        turn(f);
        fake_answer(steps[i].answer, "{}", NULL);
        assert_int_equal(d.n, 1);
    }
    assert_text(&told, "cnv_1>cnv_3\n");
    buf_fini(&told);
}

static void test_three_redirects_are_enough(void **state)
{
    static const char *const headers[] = {"Location", "/again", NULL};
    struct fixture *f = *state;
    struct done d = {0};

    front_call_start(f->client, &get, on_done, &d);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(d.n, 0);
        turn(f);
        fake_answer(301, "", headers);
    }
    assert_int_equal(d.class, FRONT_CALL_REFUSED);
}

static struct jval claims_of(const char *token, struct buf *text, struct json *doc)
{
    const char *dot = strchr(token, '.'), *end = strrchr(token, '.');
    struct buf raw;

    buf_init(&raw, 4096);
    for (const char *p = dot + 1; p < end; p++)
        buf_add_char(&raw, *p == '-' ? '+' : *p == '_' ? '/' : *p);
    assert_int_equal(base64_decode(text, buf_span(&raw)), OK);
    buf_fini(&raw);
    assert_int_equal(json_parse(doc, buf_span(text)), OK);
    return json_root(doc);
}

static void test_jwt(void **state)
{
    struct buf a, b, text;
    struct json doc;
    int64_t exp;
    (void)state;

    buf_init(&a, 4096);
    buf_init(&b, 4096);
    buf_init(&text, 4096);
    front_jwt(&a, "uid-1", "app-secret", "cha_1", 1700000000999);
    front_jwt(&b, "uid-1", "app-secret", "cha_1", 1700000000999);
    assert_string_not_equal(a.p, b.p);
    assert_true(span_starts(buf_span(&a), "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."));
    struct jval claims = claims_of(a.p, &text, &doc);
    assert_true(json_is(json_get(claims, "iss"), "uid-1"));
    assert_true(json_is(json_get(claims, "sub"), "cha_1"));
    assert_true(json_has(json_get(claims, "jti")));
    assert_int_equal(json_i64(json_get(claims, "exp"), &exp), OK);
    assert_int_equal(exp, 1700000025);
    json_fini(&doc);

    char *last = strrchr(a.p, '.');
    struct span part = {a.p, (size_t)(last - a.p)};
    uint8_t mac[SHA256_BYTES];
    buf_clear(&text);
    hmac_sha256(SPAN_LIT("app-secret"), &part, 1, mac);
    base64url_encode(&text, (struct span){(char *)mac, sizeof mac});
    assert_string_equal(text.p, last + 1);
    buf_fini(&a);
    buf_fini(&b);
    buf_fini(&text);
}

static void test_a_channels_token(void **state)
{
    struct fixture *f = *state;
    struct front_request r = get;
    struct done d = {0};

    r.auth = FRONT_AUTH_CHANNEL;
    r.channel = "cha_1";
    front_call_start(f->client, &r, on_done, &d);
    turn(f);
    assert_true(span_starts(span_of(fake_first()->authorization), "Bearer eyJ"));
    assert_null(fake_first()->content_type);
    fake_answer(200, "{}", NULL);
}

static void test_without_credentials_nothing_is_sent(void **state)
{
    struct config_account bare = {.name = "bare", .api = "https://api2.frontapp.com", .rate_per_resource = 5};
    struct fixture *f = *state;
    struct front_client *c = front_client_new(f->base, NULL, &bare);
    struct front_request r = get;
    struct done d[2] = {{0}, {0}};

    front_call_start(c, &r, on_done, &d[0]);
    r.auth = FRONT_AUTH_CHANNEL;
    r.channel = "cha_1";
    front_call_start(c, &r, on_done, &d[1]);
    turn(f);
    turn(f);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(d[i].n, 1);
        assert_int_equal(d[i].class, FRONT_CALL_REFUSED);
    }
    assert_null(fake_first());
    front_client_free(c);
}

static void test_a_read_only_call_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct front_request r = post;
    struct done d[2] = {{0}, {0}};

    r.is_read_only = true;
    front_call_start(f->client, &r, on_done, &d[0]);
    turn(f);
    assert_int_equal(d[0].class, FRONT_CALL_REFUSED);
    assert_non_null(strstr(d[0].reason, "dry run"));
    assert_null(fake_first());
    r = get;
    r.is_read_only = true;
    front_call_start(f->client, &r, on_done, &d[1]);
    turn(f);
    fake_answer(200, "{}", NULL);
    assert_int_equal(d[1].class, FRONT_CALL_OK);
}

static void test_lanes_go_in_order(void **state)
{
    static const enum rate_lane order[] = {RATE_STATUS, RATE_INBOUND, RATE_ATTACHMENTS, RATE_RESOLVE,
                                           RATE_HISTORY};
    struct fixture *f = *state;
    struct done d = {0};
    char path[16], soon[24];
    const char *const headers[] = {
        "x-ratelimit-limit", "200", "x-ratelimit-remaining", "150", "x-ratelimit-reset", soon, NULL};

    snprintf(soon, sizeof soon, "%lld", (long long)time(NULL) + 5); /* much is left: history has its turn */
    for (unsigned i = 0; i < RATE_LANE_N; i++) {
        struct front_request r = get;
        r.lane = order[RATE_LANE_N - 1 - i];
        snprintf(path, sizeof path, "/%d", (int)r.lane);
        r.path = path;
        front_call_start(f->client, &r, on_done, &d);
    }
    for (unsigned i = 0; i < RATE_LANE_N; i++) {
        turn(f);
        snprintf(path, sizeof path, "/%d", (int)order[i]);
        assert_string_equal(strrchr(fake_first()->url, '/'), path);
        fake_answer(200, "{}", headers);
    }
    assert_int_equal(d.n, RATE_LANE_N);
}

/* One channel has used its second; another channel's call behind it in the lane goes all the same. */
static void test_a_busy_resource_holds_up_no_other(void **state)
{
    struct fixture *f = *state;
    struct front_request r = post;
    static struct done d; /* the teardown ends what is open */

    front_call_start(f->client, &r, on_done, &d);
    turn(f);
    fake_answer(202, "{}", rate_headers);
    for (unsigned i = 0; i < 6; i++)
        front_call_start(f->client, &r, on_done, &d);
    r.resource = "cha_2";
    front_call_start(f->client, &r, on_done, &d);
    turn(f);
    assert_int_equal(fake_open_n(), 5);
    assert_int_equal(front_client_waiting(f->client, RATE_INBOUND), 2);
}

static void test_free_ends_all_calls(void **state)
{
    struct fixture *f = *state;
    struct front_client *c = front_client_new(f->base, NULL, &account);
    struct done d = {0};

    for (unsigned i = 0; i < 3; i++)
        front_call_start(c, &post, on_done, &d);
    turn(f);
    assert_int_equal(fake_open_n(), 1);
    front_client_free(c);
    assert_int_equal(d.n, 3);
    assert_int_equal(d.class, FRONT_CALL_CANCELLED);
    assert_null(fake_first());
}

static void sum(const char *call, int status, uint64_t n, void *arg)
{
    struct buf *out = arg;

    buf_addf(out, "%s %d %d\n", call, status, (int)n);
}

static void test_counts(void **state)
{
    struct fixture *f = *state;
    struct front_request r = get;
    struct done d = {0};
    struct buf out;

    buf_init(&out, 4096);
    r.name = "no such call";
    for (unsigned i = 0; i < 3; i++) {
        front_call_start(f->client, i < 2 ? &get : &r, on_done, &d);
        turn(f);
        fake_answer(200, "{}", rate_headers);
    }
    front_call_start(f->client, &get, on_done, &d);
    turn(f);
    fake_fail(HTTP_FAIL_CONNECT, false);
    front_client_counts(f->client, sum, &out);
    assert_text(&out, "message 200 2\nother 200 1\nmessage 0 1\n");
    buf_fini(&out);
}

static void test_paths(void **state)
{
    static const struct {
        const char *id, *path;
    } rows[] = {
        {"cha_1", "/channels/cha_1/x"},
        {"alt:uid:1-2", "/channels/alt:uid:1-2/x"},
        {"a/b?c#d%e", "/channels/a%2Fb%3Fc%23d%25e/x"},
        {"..", "/channels/%2E%2E/x"},
        {".", "/channels/%2E/x"},
        {"a.b", "/channels/a.b/x"},
        {"\xc3\xa9 \r\n", "/channels/%C3%A9%20%0D%0A/x"},
    };
    struct buf out;
    (void)state;

    buf_init(&out, 4096);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        front_path(&out, "/channels/%s/x", rows[i].id);
        assert_text(&out, rows[i].path);
    }
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_post, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_body_is_kept_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_reply_has_its_class, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_and_odd_reasons_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_retry_after, setup, teardown),
        cmocka_unit_test_setup_teardown(test_redirects, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_conversation_that_has_moved_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_three_redirects_are_enough, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_channels_token, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_credentials_nothing_is_sent, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_read_only_call_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lanes_go_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_busy_resource_holds_up_no_other, setup, teardown),
        cmocka_unit_test_setup_teardown(test_free_ends_all_calls, setup, teardown),
        cmocka_unit_test_setup_teardown(test_counts, setup, teardown),
        cmocka_unit_test(test_jwt),
        cmocka_unit_test(test_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
