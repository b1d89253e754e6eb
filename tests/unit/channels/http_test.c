/* The http adapter as it is loaded: what it sends, what it demands on the webhook, when it acknowledges. */
#include "base/crypto.h"
#include "base/json.h"
#include "base/mem.h"
#include "cmocka_all.h"
#include "fake_host.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FILES_BYTES_MAX = 25 * 1000 * 1000 }; /* as README.md says */

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define OTHER  "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define BODY   "{\"id\":\"m1\",\"sender\":{\"handle\":\"alice\"},\"text\":\"hello\"}"
#define JSON   "content-type: application/json\n"

static struct fake *fake_with(const char *secret, const char *token)
{
    struct fake *f = fake_new(ADAPTER);
    fake_set(f, "url", "https://chat.example/front");
    fake_set(f, "secret", secret);
    fake_set(f, "token", token);
    if (!secret && !token)
        fake_set(f, "unauthenticated", "true");
    return f;
}

static struct fake *opened(const char *secret, const char *token)
{
    struct fake *f = fake_with(secret, token);
    assert_int_equal(fake_validate(f), FB_OK);
    assert_int_equal(fake_open(f), FB_OK);
    return f;
}

static char *signed_headers(const char *secret, const char *id, int64_t seconds, const char *body)
{
    static char text[1000];
    uint8_t mac[SHA256_BYTES];
    struct buf key, out;
    char timestamp[32];
    snprintf(timestamp, sizeof timestamp, "%lld", (long long)seconds);
    buf_init(&key, 100);
    buf_init(&out, 100);
    assert_int_equal(base64_decode(&key, span_of(secret + 6)), OK);
    const struct span parts[] = {span_of(id), SPAN_LIT("."), span_of(timestamp), SPAN_LIT("."),
                                 span_of(body)};
    hmac_sha256(buf_span(&key), parts, 5, mac);
    base64_encode(&out, (struct span){(char *)mac, sizeof mac});
    snprintf(text, sizeof text, JSON "Webhook-Id: %s\nWebhook-Timestamp: %s\nWebhook-Signature: v1,%s\n", id,
             timestamp, out.p);
    buf_fini(&key);
    buf_fini(&out);
    return text;
}

static int64_t now_s(struct fake *f)
{
    return f->host.now_ms(&f->host) / 1000;
}

/* ---- To the backend ---- */

static void test_delivery(void **state)
{
    struct fake *f = opened(SECRET " " OTHER, "t0ken");
    (void)state;
    fake_deliver(f, 1, "d-1", "hi", NULL);
    assert_int_equal(f->http_n, 1);
    struct fake_http *h = &f->http[0];
    assert_string_equal(h->method, "POST");
    assert_string_equal(h->url, "https://chat.example/front");
    assert_string_equal(h->body, "{\"type\":\"message\",\"id\":\"d-1\",\"attempt\":1,\"text\":\"hi\"}");
    assert_string_equal(fake_http_header(h, "content-type"), "application/json");
    assert_string_equal(fake_http_header(h, "webhook-id"), "d-1");
    assert_string_equal(fake_http_header(h, "authorization"), "Bearer t0ken");
    assert_int_equal(h->timeout_ms, 10000);
    int64_t at = atoll(fake_http_header(h, "webhook-timestamp"));
    assert_in_range(at, now_s(f) - 2, now_s(f));
    char *want = signed_headers(OTHER, "d-1", at, h->body);
    const char *signature = fake_http_header(h, "webhook-signature");
    assert_int_equal(strlen(signature), 2 * 47 + 1);
    assert_memory_equal(strstr(want, "v1,"), strrchr(signature, ' ') + 1, 47);
    assert_false(f->outcome[1].is_done);
    fake_http_answer(f, 0, 200, "", "{\"external_id\":\"x1\",\"conversation_id\":\"c1\"}");
    assert_int_equal(f->outcome[1].kind, FB_DELIVERED);
    assert_int_equal(f->outcome[1].code, 200);
    assert_string_equal(f->outcome[1].external_id, "x1");
    assert_string_equal(f->outcome[1].conversation_id, "c1");
    fake_free(f);
}

static void test_outcomes_pass_through(void **state)
{
    struct fake *f = opened(SECRET, NULL);
    (void)state;
    for (fb_token t = 1; t <= 4; t++)
        fake_deliver(f, t, "d", "hi", NULL);
    assert_null(fake_http_header(&f->http[0], "authorization"));
    fake_http_answer(f, 3, 503, "Retry-After: 7\n", "busy");
    fake_http_answer(f, 1, 404, "", "{\"message\":\"Alice has left.\"}");
    fake_http_fail(f, 0, FB_HTTP_LOST, "timed out");
    fake_http_fail(f, 2, FB_HTTP_UNREACHABLE, "connection refused");
    assert_int_equal(f->outcome[4].kind, FB_RETRY);
    assert_int_equal(f->outcome[4].retry_after_ms, 7000);
    assert_int_equal(f->outcome[2].kind, FB_REJECTED);
    assert_string_equal(f->outcome[2].reason, "Alice has left.");
    assert_int_equal(f->outcome[1].kind, FB_UNKNOWN);
    assert_int_equal(f->outcome[3].kind, FB_RETRY);
    assert_int_equal(f->outcome[3].flags, FB_OUTCOME_UNREACHABLE);
    fake_free(f);
}

static void test_no_room_and_no_time(void **state)
{
    struct fake *f = opened(SECRET, NULL);
    struct fb_delivery late = {.id = "d", .json = "{}", .deadline_ms = 1};
    (void)state;
    f->is_http_full = true;
    fake_deliver(f, 1, "d", "hi", NULL);
    assert_int_equal(f->outcome[1].kind, FB_RETRY);
    f->is_http_full = false;
    fake_deliver_to(f, 2, &late);
    assert_int_equal(f->outcome[2].kind, FB_RETRY);
    assert_int_equal(f->http_n, 0);
    late.deadline_ms = f->host.now_ms(&f->host) + 3000;
    fake_deliver_to(f, 3, &late);
    assert_in_range(f->http[0].timeout_ms, 2500, 2750);
    fake_free(f);
}

static void test_notices_and_events(void **state)
{
    struct fake *f = fake_with(SECRET, NULL);
    (void)state;
    fake_set(f, "events", "[\"archive\",\"comment\"]");
    fake_set(f, "format", "markdown plain");
    fake_set(f, "max_text", "4096");
    assert_int_equal(fake_open(f), FB_OK);
    assert_string_equal(f->wanted, "archive comment");
    assert_int_equal(f->formats, FB_FORMAT_PLAIN | FB_FORMAT_MARKDOWN);
    assert_int_equal(f->max_text, 4096);
    fake_notice(f, 1, true, "n-1", "{\"type\":\"sending_error\"}");
    fake_notice(f, 2, false, "n-2", "{\"type\":\"archive\"}");
    assert_string_equal(f->http[0].body, "{\"type\":\"sending_error\"}");
    assert_string_equal(fake_http_header(&f->http[1], "webhook-id"), "n-2");
    assert_non_null(fake_http_header(&f->http[1], "webhook-signature"));
    fake_http_answer(f, 0, 204, "", "");
    fake_http_answer(f, 1, 500, "", "");
    assert_int_equal(f->outcome[1].kind, FB_DELIVERED);
    assert_int_equal(f->outcome[2].kind, FB_RETRY);
    fake_free(f);
}

static void test_extra_headers(void **state)
{
    struct fake *f = fake_with(NULL, NULL);
    (void)state;
    fake_set(f, "headers", "{\"X-Tenant\":\"acme\",\"Authorization\":\"Basic abc\"}");
    fake_set(f, "timeout", "2500");
    assert_int_equal(fake_open(f), FB_OK);
    fake_deliver(f, 1, "d", "hi", NULL);
    assert_string_equal(fake_http_header(&f->http[0], "x-tenant"), "acme");
    assert_string_equal(fake_http_header(&f->http[0], "authorization"), "Basic abc");
    assert_null(fake_http_header(&f->http[0], "webhook-signature"));
    assert_int_equal(f->http[0].timeout_ms, 2500);
    fake_free(f);
}

static void test_close_ends_what_is_open(void **state)
{
    struct fake *f = opened(SECRET, NULL);
    (void)state;
    fake_deliver(f, 1, "d", "hi", NULL);
    fake_request(f, 2, "POST", "", signed_headers(SECRET, "w1", now_s(f), BODY), BODY, -1);
    assert_int_equal(f->received_n, 1);
    fake_stop(f);
    fake_close(f);
    assert_false(f->http[0].is_open);
    assert_false(f->outcome[1].is_done); /* the host settles it as unknown */
    fake_free(f);
}

/* ---- From the backend ---- */

static void test_stored_before_acknowledged(void **state)
{
    struct fake *f = opened(SECRET, NULL);
    (void)state;
    fake_request(f, 1, "POST", "/", signed_headers(SECRET, "w1", now_s(f), BODY), BODY, -1);
    assert_int_equal(f->received_n, 1);
    assert_string_equal(f->received[0].inbound.id, "m1");
    assert_string_equal(f->received[0].sender_handle, "alice");
    assert_string_equal(f->received[0].inbound.text, "hello");
    assert_false(f->reply[1].is_done);
    fake_stored(f, 0, FB_OK, false, "in_1", NULL);
    assert_int_equal(f->reply[1].status, 202);
    assert_string_equal(f->reply[1].body, "{\"id\":\"in_1\",\"status\":\"accepted\"}");

    fake_request(f, 2, "POST", "", signed_headers(SECRET, "w2", now_s(f), BODY), BODY, -1);
    fake_stored(f, 1, FB_OK, true, "in_1", NULL);
    assert_int_equal(f->reply[2].status, 200);
    assert_string_equal(f->reply[2].body, f->reply[1].body);
    fake_free(f);
}

static void test_store_refusals(void **state)
{
    static const struct {
        int status, http;
        const char *message;
        bool is_later;
    } cases[] = {
        {FB_ERR_FULL, 429, NULL, true},       {FB_ERR_FAILED, 503, NULL, true},
        {FB_ERR_CLOSED, 503, NULL, true},     {FB_ERR_INVALID, 422, "The quota is reached.", false},
        {FB_ERR_NOT_FOUND, 404, NULL, false}, {-99, 503, NULL, true},
    };
    struct fake *f = opened(NULL, "t0ken");
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        for (unsigned at_once = 0; at_once < 2; at_once++) {
            fb_token t = 1 + 2 * i + at_once;
            f->receive_result = at_once ? cases[i].status : FB_OK;
            fake_request(f, t, "POST", "", JSON "Authorization: Bearer t0ken\n", BODY, -1);
            if (!at_once)
                fake_stored(f, f->received_n - 1, cases[i].status, false, NULL, cases[i].message);
            assert_int_equal(f->reply[t].status, cases[i].http);
            assert_int_equal(f->reply[t].retry_after != NULL, cases[i].is_later);
            assert_non_null(strstr(f->reply[t].body, "{\"error\":\""));
            if (cases[i].message && !at_once)
                assert_non_null(strstr(f->reply[t].body, cases[i].message));
        }
    }
    fake_free(f);
}

static void test_receipt(void **state)
{
    struct fake *f = opened(NULL, "t0ken");
    const char *headers = JSON "Authorization: bearer t0ken\n";
    (void)state;
    fake_request(f, 1, "POST", "", headers,
                 "{\"type\":\"receipt\",\"external_id\":\"x1\",\"status\":\"read\"}", -1);
    assert_true(f->received[0].is_receipt);
    assert_string_equal(f->received[0].receipt.external_id, "x1");
    assert_int_equal(f->received[0].receipt.status, FB_RECEIPT_READ);
    fake_stored(f, 0, FB_OK, false, NULL, NULL);
    assert_int_equal(f->reply[1].status, 200);
    assert_string_equal(f->reply[1].body, "{\"status\":\"accepted\"}");
    fake_request(f, 2, "POST", "", headers, "{\"type\":\"receipt\",\"external_id\":\"x1\"}", -1);
    assert_int_equal(f->reply[2].status, 422);
    fake_free(f);
}

static void test_signs(void **state)
{
    struct fake *f = opened(NULL, "t0ken");
    const char *headers = JSON "Authorization: bearer t0ken\nwebhook-id: w1\n";
    (void)state;
    fake_request(f, 1, "POST", "", headers,
                 "{\"type\":\"delete\",\"message_id\":\"m1\",\"sender\":{\"handle\":\"alice\"}}", -1);
    assert_int_equal(f->received[0].inbound.what, FB_DELETE);
    assert_string_equal(f->received[0].inbound.id, "w1"); /* as of a message */
    fake_stored(f, 0, FB_OK, false, "in_1", NULL);
    assert_int_equal(f->reply[1].status, 202);
    assert_string_equal(f->reply[1].body, "{\"id\":\"in_1\",\"status\":\"accepted\"}");
    fake_request(f, 2, "POST", "", headers, "{\"type\":\"typing\",\"sender\":{\"handle\":\"alice\"}}", -1);
    assert_int_equal(f->received[1].inbound.what, FB_TYPING);
    fake_stored(f, 1, FB_OK, false, NULL, NULL);
    assert_int_equal(f->reply[2].status, 200);
    assert_string_equal(f->reply[2].body, "{\"status\":\"ignored\"}");
    fake_free(f);
}

static void test_webhook_id_stands_in(void **state)
{
    const char *body = "{\"sender\":{\"handle\":\"alice\"},\"text\":\"hello\"}";
    struct fake *f = opened(SECRET, NULL);
    (void)state;
    fake_request(f, 1, "POST", "", signed_headers(SECRET, "w1", now_s(f), body), body, -1);
    assert_string_equal(f->received[0].inbound.id, "w1");
    fake_free(f);
}

static void test_authentication(void **state)
{
    enum { NONE, RIGHT, WRONG, OLD, EARLY, EDGE, OTHER_BODY, NO_ID };
    static const struct {
        const char *secret, *token;
        int sign;
        const char *authorization;
        int status; /* 0: let in */
    } cases[] = {
        {NULL, NULL, NONE, NULL, 0},
        {SECRET, NULL, RIGHT, NULL, 0},
        {SECRET, NULL, NONE, NULL, 401},
        {SECRET, NULL, WRONG, NULL, 401},
        {SECRET, NULL, OLD, NULL, 401},
        {SECRET, NULL, EARLY, NULL, 401},
        {SECRET, NULL, EDGE, NULL, 0},
        {SECRET, NULL, OTHER_BODY, NULL, 401},
        {SECRET, NULL, NO_ID, NULL, 401},
        {SECRET, NULL, NONE, "Bearer t0ken", 401},
        {OTHER " " SECRET, NULL, RIGHT, NULL, 0},
        {NULL, "t0ken", NONE, "Bearer t0ken", 0},
        {NULL, "t0ken", NONE, "bearer t0ken", 0},
        {NULL, "t0ken", NONE, NULL, 401},
        {NULL, "t0ken", NONE, "Bearer t0keN", 401},
        {NULL, "t0ken", NONE, "Bearer t0ken ", 401},
        {NULL, "t0ken", NONE, "Bearer ", 401},
        {NULL, "t0ken", NONE, "Basic t0ken", 401},
        {NULL, "t0ken", RIGHT, NULL, 401},
        {SECRET, "t0ken", RIGHT, "Bearer t0ken", 0},
        {SECRET, "t0ken", RIGHT, NULL, 401},
        {SECRET, "t0ken", NONE, "Bearer t0ken", 401},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fake *f = opened(cases[i].secret, cases[i].token);
        int sign = cases[i].sign;
        int64_t at = now_s(f) + (sign == OLD ? -302 : sign == EARLY ? 302 : sign == EDGE ? -298 : 0);
        char headers[1200] = JSON;
        if (sign != NONE)
            strcpy(headers, signed_headers(sign == WRONG ? OTHER : SECRET, sign == NO_ID ? "" : "w1", at,
                                           sign == OTHER_BODY ? "{}" : BODY));
        if (cases[i].authorization)
            sprintf(headers + strlen(headers), "Authorization: %s\n", cases[i].authorization);
        fake_request(f, 1, "POST", "", headers, BODY, -1);
        if (f->reply[1].status != cases[i].status || f->received_n != !cases[i].status)
            fail_msg("case %zu: %d %s", i, f->reply[1].status, f->reply[1].body);
        fake_free(f);
    }
}

static void test_bad_requests(void **state)
{
    static const struct {
        const char *method, *path, *type, *body;
        int status;
        const char *error;
    } cases[] = {
        {"GET", "", JSON, NULL, 405, "POST it as JSON or as a form"},
        {"PUT", "", JSON, BODY, 405, "POST it as JSON or as a form"},
        {"HEAD", "", "", NULL, 405, "POST it as JSON or as a form"},
        {"POST", "/more", JSON, BODY, 404, "nothing below"},
        {"POST", "", "", BODY, 415, "application/json"},
        {"POST", "", "content-type: text/plain\n", BODY, 415, "application/json"},
        {"POST", "", "content-type: application/jsonp\n", BODY, 415, "application/json"},
        {"POST", "", "content-type: multipart/form-data; boundary=x\n", BODY, 400,
         "The form cannot be read: "},
        {"POST", "", "content-type: multipart/form-data\n", BODY, 400, "has no boundary"},
        {"POST", "", "content-type: application/x-www-form-urlencoded\n", "text=x", 415,
         "multipart/form-data"},
        {"POST", "", "Content-Type: Application/JSON; charset=utf-8\n", "{}", 422, "`sender.handle`"},
        {"POST", "", JSON, "", 400, "not JSON"},
        {"POST", "", JSON, NULL, 400, "not JSON"},
        {"POST", "", JSON, "{", 400, "not JSON"},
        {"POST", "", JSON, "{\"a\":1 \"b\":2}", 400, "not JSON"},
        {"POST", "", JSON, "{\"id\":\"a\",\"id\":\"b\"}", 400, "not JSON"},
        {"POST", "", JSON, "{}{}", 400, "not JSON"},
        {"POST", "", JSON, "\"\xff\"", 400, "not JSON"},
        {"POST", "", JSON, "[]", 422, "JSON object"},
        {"POST", "", JSON, "{\"type\":\"seen\"}", 422, "`type` must be"},
        {"POST", "", JSON, "{\"type\":\"typing\"}", 422, "`sender.handle`"},
        {"POST", "", JSON, "{\"type\":\"edit\",\"sender\":{\"handle\":\"a\"},\"text\":\"b\"}", 422,
         "which message is meant"},
        {"POST", "", JSON, "{\"type\":1}", 422, "`type` must be"},
        {"POST", "", JSON, "{\"sender\":{\"handle\":\"a\"},\"attachments\":[{\"data\":\"AA==\"}]}", 422,
         "`attachments[0].filename` is missing"},
    };
    struct fake *f = opened(NULL, NULL);
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct json doc;
        fake_request(f, i + 1, cases[i].method, cases[i].path, cases[i].type, cases[i].body, -1);
        if (f->reply[i + 1].status != cases[i].status || !strstr(f->reply[i + 1].body, cases[i].error))
            fail_msg("case %u: %d %s", i, f->reply[i + 1].status, f->reply[i + 1].body);
        assert_int_equal(json_parse(&doc, span_of(f->reply[i + 1].body)), OK);
        assert_true(json_has(json_get(json_root(&doc), "error")));
        json_fini(&doc);
        assert_int_equal(f->reply[i + 1].allow != NULL, cases[i].status == 405);
    }
    assert_int_equal(f->received_n, 0);
    fake_free(f);
}

static void test_body_in_a_file(void **state)
{
    struct fake *f = opened(SECRET, NULL);
    int fd = memfd_create("body", MFD_CLOEXEC);
    struct fb_request large = {
        .size = sizeof large, .method = "POST", .path = "", .fd = fd, .body_n = UINT64_C(1) << 40};
    (void)state;
    assert_int_equal(write(fd, BODY, strlen(BODY)), strlen(BODY));
    fake_request(f, 1, "POST", "", signed_headers(SECRET, "w1", now_s(f), BODY), BODY, fd);
    assert_string_equal(f->received[0].inbound.text, "hello");
    fake_request(f, 2, "POST", "", signed_headers(SECRET, "w1", now_s(f), BODY), BODY "  ", fd);
    assert_int_equal(f->reply[2].status, 503); /* shorter than announced */
    f->module->request(f->self, 3, &large);
    assert_int_equal(f->reply[3].status, 413);
    close(fd);
    fake_free(f);
}

/* ---- Files ---- */

#define FORM              "content-type: multipart/form-data; boundary=b\n"
#define PART(name, value) "--b\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"
#define FILE_PART(name, filename, value)                                                                     \
    "--b\r\nContent-Disposition: form-data; name=\"" name "\"; filename=\"" filename                         \
    "\"\r\nContent-Type: image/png\r\n\r\n" value "\r\n"
#define END "--b--\r\n"

static void test_file_in_json(void **state)
{
    struct fake *f = opened(NULL, "t0ken");
    (void)state;
    fake_request(f, 1, "POST", "", JSON "Authorization: Bearer t0ken\n",
                 "{\"sender\":{\"handle\":\"a\"},\"attachments\":[{\"filename\":\"a.png\",\"content_type\":"
                 "\"image/png\",\"data\":\"aGVsbG8=\"}]}",
                 -1);
    assert_int_equal(f->received_n, 1);
    assert_null(f->received[0].inbound.text);
    assert_string_equal(f->received[0].file[0].content, "hello");
    assert_false(f->reply[1].is_done);
    fake_stored(f, 0, FB_OK, false, "in_1", NULL);
    assert_int_equal(f->reply[1].status, 202);
    fake_free(f);
}

static void test_form_of_single_fields(void **state)
{
    struct fake *f = opened(NULL, NULL);
    (void)state;
    fake_request(f, 1, "POST", "", FORM,
                 PART("sender[handle]", "alice") PART("sender.name", "Ali\"ce") PART("text", "Is it\r\nthis?")
                     PART("id", "m-1") PART("sent_at", "1700000000.5") FILE_PART("file", "dir/a.png", "one")
                         FILE_PART("attachments[]", "b.png", "") END,
                 -1);
    assert_int_equal(f->received_n, 1);
    const struct fake_received *r = &f->received[0];
    assert_string_equal(r->sender_handle, "alice");
    assert_string_equal(r->sender_name, "Ali\"ce");
    assert_string_equal(r->inbound.text, "Is it\nthis?");
    assert_string_equal(r->inbound.id, "m-1");
    assert_int_equal(r->inbound.sent_at_ms, INT64_C(1700000000500));
    assert_int_equal(r->inbound.attachment_n, 2);
    assert_string_equal(r->file[0].filename, "a.png");
    assert_string_equal(r->file[0].content_type, "image/png");
    assert_string_equal(r->file[0].content, "one");
    assert_string_equal(r->file[1].filename, "b.png");
    assert_int_equal(r->file[1].bytes, 0);
    fake_free(f);
}

static void test_form_with_a_message(void **state)
{
    struct fake *f = opened(SECRET, NULL);
    const char *body = FILE_PART("x", "a.png", "one") FILE_PART(
        "message", "message.json",
        "{\"sender\":{\"handle\":\"desk\"},\"direction\":\"outbound\",\"to\":[{\"handle\":\"alice\"}],"
        "\"attachments\":[{\"filename\":\"c\",\"content_type\":\"t/t\",\"url\":\"https://a.example\"}]}") END;
    int fd = memfd_create("body", MFD_CLOEXEC);
    (void)state;
    assert_int_equal(write(fd, body, strlen(body)), strlen(body));
    char headers[1200] = FORM;
    strcat(headers, signed_headers(SECRET, "w1", now_s(f), body) + strlen(JSON));
    fake_request(f, 1, "POST", "", headers, body, fd);
    assert_int_equal(f->received_n, 1);
    assert_int_equal(f->received[0].inbound.direction, FB_FROM_AGENT);
    assert_string_equal(f->received[0].inbound.id, "w1");
    assert_int_equal(f->received[0].inbound.attachment_n, 2);
    assert_string_equal(f->received[0].file[0].url, "https://a.example");
    assert_string_equal(f->received[0].file[1].content, "one");
    fake_request(f, 2, "POST", "", headers, PART("text", "other"), -1);
    assert_int_equal(f->reply[2].status, 401); /* the signature is over the raw form */
    close(fd);
    fake_free(f);
}

#define SENDER PART("sender[handle]", "a")

static void test_refused_forms(void **state)
{
    static const struct {
        const char *body;
        int status;
        const char *error;
    } cases[] = {
        {END, 422, "`sender.handle` is missing"},
        {SENDER END, 422, "Give exactly one of"},
        {SENDER PART("text", "a") PART("html", "b") END, 422, "Give exactly one of"},
        {SENDER PART("text", "a") PART("text", "b") END, 422, "`text` is there twice"},
        {SENDER PART("sender.handle", "b") PART("text", "a") END, 422, "`sender.handle` is there twice"},
        {SENDER PART("text", "\xff") END, 422, "`text` is not UTF-8"},
        {SENDER PART("sent_at", "today") PART("text", "a") END, 422, "`sent_at` must be a time"},
        {SENDER PART("file", "photo.png") PART("text", "a") END, 422,
         "`file` is unknown. A file needs a file name"},
        {SENDER PART("direction", "outbound") PART("text", "a") END, 422, "`to` must name"},
        {PART("message", "{") END, 400, "The form's part `message` is not JSON"},
        {PART("message", "") END, 400, "The form's part `message` is not JSON"},
        {PART("message", "[]") END, 422, "must be a JSON object"},
        {PART("message", "{}") PART("message", "{}") END, 422, "`message` is there twice"},
        {PART("message", "{}") PART("text", "a") END, 422, "Give either the part `message` or single fields"},
        {PART("message", "{\"type\":\"receipt\",\"external_id\":\"x\",\"status\":\"read\"}")
             FILE_PART("a", "a", "a") END,
         422, "only taken with a message"},
        {PART("message", "{\"type\":\"delete\",\"message_id\":\"x\"}") FILE_PART("a", "a", "a") END, 422,
         "only taken with a message"},
        {SENDER "--b\r\nContent-Disposition: form-data; name=a; filename*=latin-1''a\r\n\r\nx\r\n" END, 400,
         "The form cannot be read: "},
        {SENDER PART("text", "a"), 400, "The form cannot be read: "},
    };
    struct fake *f = opened(NULL, NULL);
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        fake_request(f, i + 1, "POST", "", FORM, cases[i].body, -1);
        if (f->reply[i + 1].status != cases[i].status || !strstr(f->reply[i + 1].body, cases[i].error))
            fail_msg("case %u: %d %s", i, f->reply[i + 1].status, f->reply[i + 1].body);
    }
    assert_int_equal(f->received_n, 0);
    fake_free(f);
}

static void test_too_many_and_too_large_files(void **state)
{
    struct fake *f = opened(NULL, NULL);
    struct buf body;
    (void)state;
    for (int extra = 0; extra < 2; extra++) {
        buf_init(&body, 1 << 20);
        buf_add_str(&body, SENDER);
        for (int i = 0; i < 32 + extra; i++)
            buf_add_str(&body, FILE_PART("f", "a.png", "x"));
        buf_add_str(&body, END);
        fake_request(f, 1 + (fb_token)extra, "POST", "", FORM, body.p, -1);
        buf_fini(&body);
    }
    assert_int_equal(f->received[0].inbound.attachment_n, 32);
    assert_int_equal(f->reply[2].status, 422);
    assert_non_null(strstr(f->reply[2].body, "more than 32 files"));
    buf_init(&body, 30 << 20);
    buf_add_str(&body, SENDER FILE_PART("f", "a.png", "x"));
    body.n -= strlen("\r\n");
    memset(buf_extend(&body, FILES_BYTES_MAX), 'x', FILES_BYTES_MAX);
    buf_add_str(&body, "\r\n" END);
    fake_request(f, 3, "POST", "", FORM, body.p, -1);
    assert_int_equal(f->reply[3].status, 413);
    assert_non_null(strstr(f->reply[3].body, "larger than 25 MB in all"));
    buf_fini(&body);
    assert_int_equal(f->received_n, 1);
    fake_free(f);
}

/* What came as a file stays until its message is stored: so many bytes of that, and no more. */
static void test_large_hooks_at_once(void **state)
{
    enum { BYTES = 30 << 20, FIT = 4 };
    struct fake *f = opened(NULL, NULL);
    char *body = mem_zalloc(BYTES + 1);
    int fd = memfd_create("body", MFD_CLOEXEC);
    (void)state;
    memset(body, ' ', BYTES);
    memcpy(body, BODY, strlen(BODY));
    assert_int_equal(write(fd, body, BYTES), BYTES);
    for (fb_token t = 1; t <= FIT; t++)
        fake_request(f, t, "POST", "", JSON, body, fd);
    assert_int_equal(f->received_n, FIT);
    fake_request(f, FIT + 1, "POST", "", JSON, body, fd);
    assert_int_equal(f->reply[FIT + 1].status, 429);
    assert_string_equal(f->reply[FIT + 1].retry_after, "5");
    fake_request(f, FIT + 2, "POST", "", JSON, BODY, -1); /* a small one is no burden */
    assert_int_equal(f->received_n, FIT + 1);
    fake_stored(f, 1, FB_ERR_FULL, false, NULL, NULL);
    fake_request(f, FIT + 3, "POST", "", JSON, body, fd);
    assert_int_equal(f->received_n, FIT + 2);
    f->receive_result = FB_ERR_FULL; /* refused at once: given back too */
    fake_stored(f, 2, FB_OK, false, "in_2", NULL);
    fake_request(f, FIT + 4, "POST", "", JSON, body, fd);
    f->receive_result = FB_OK;
    fake_request(f, FIT + 5, "POST", "", JSON, body, fd);
    assert_int_equal(f->received_n, FIT + 3);
    close(fd);
    free(body);
    fake_free(f);
}

/* ---- Settings ---- */

static void test_settings(void **state)
{
    static const struct {
        const char *key, *value, *why; /* why NULL: fine */
    } cases[] = {
        {"url", NULL, "`url` is missing"},
        {"secret", "hunter2", "begin with whsec_"},
        {"secret", NULL, "Set `secret` or `token`"},
        {"secret", SECRET " " OTHER, NULL},
        {"token", "two words", "`token` must be"},
        {"token", "fine", NULL},
        {"timeout", "1", "`timeout` must be"},
        {"timeout", "60001", "`timeout` must be"},
        {"timeout", "60000", NULL},
        {"headers", "[]", "`headers` must be names"},
        {"headers", "{\"X-A\":\"b\"}", NULL},
        {"headers", "{\"X A\":\"b\"}", "`headers` must be names"},
        {"headers", "{\"X-A\":\"b\\r\\nX-B: c\"}", "`headers` must be names"},
        {"headers", "{\"Webhook-Id\":\"1\"}", "must not set Webhook-Id"},
        {"headers", "{\"Content-Length\":\"1\"}", "must not set Content-Length"},
        {"events", "[\"archive\"]", NULL},
        {"events", "[\"*\"]", NULL},
        {"events", "[\"two words\"]", "`events` must be"},
        {"events", "[1]", "`events` must be"},
        {"events", "{}", "`events` must be"},
        {"format", "html", NULL},
        {"format", " markdown  plain ", NULL},
        {"format", "", NULL},
        {"format", " ", "`format` must be plain, markdown or html"},
        {"format", "plain,html", "`format` must be plain, markdown or html"},
        {"format", "rtf", "`format` must be plain, markdown or html"},
        {"max_text", "0", NULL},
        {"max_text", "40", NULL},
        {"max_text", "4294967295", NULL},
        {"max_text", "39", "`max_text` must be 0, for no limit, or a number of at least 40."},
        {"max_text", "4294967296", "`max_text` must be 0"},
        {"allow_private", "[\"10.0.0.0/8\",\"fd00::/8\",\"192.168.1.1\"]", NULL},
        {"allow_private", "[\"10.0.0.0/33\"]", "`allow_private` must be"},
        {"allow_private", "[\"intranet\"]", "`allow_private` must be"},
        {"allow_private", "[\"10.0.0.0/\"]", "`allow_private` must be"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fake *f = fake_with(SECRET, NULL);
        fake_set(f, cases[i].key, cases[i].value);
        int want = cases[i].why ? FB_ERR_INVALID : FB_OK;
        if (fake_validate(f) != want || (cases[i].why && !strstr(f->why, cases[i].why)))
            fail_msg("%s: %s: %s", cases[i].key, cases[i].value, f->why);
        assert_null(strstr(f->why, "hunter2"));
        assert_int_equal(fake_open(f), want);
        fake_free(f);
    }
}

static void test_token_forbids_authorization(void **state)
{
    struct fake *f = fake_with(NULL, "t0ken");
    (void)state;
    fake_set(f, "headers", "{\"authorization\":\"Basic x\"}");
    assert_int_equal(fake_validate(f), FB_ERR_INVALID);
    assert_non_null(strstr(f->why, "must not set authorization"));
    fake_free(f);
}

static void test_declares(void **state)
{
    struct fake *f = fake_new(ADAPTER);
    (void)state;
    assert_string_equal(f->module->name, "http");
    assert_true(f->module->capabilities & FB_CAN_IDEMPOTENT);
    assert_true(f->module->capabilities & FB_CAN_PARALLEL);
    fake_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delivery),
        cmocka_unit_test(test_outcomes_pass_through),
        cmocka_unit_test(test_no_room_and_no_time),
        cmocka_unit_test(test_notices_and_events),
        cmocka_unit_test(test_extra_headers),
        cmocka_unit_test(test_close_ends_what_is_open),
        cmocka_unit_test(test_stored_before_acknowledged),
        cmocka_unit_test(test_store_refusals),
        cmocka_unit_test(test_receipt),
        cmocka_unit_test(test_signs),
        cmocka_unit_test(test_webhook_id_stands_in),
        cmocka_unit_test(test_authentication),
        cmocka_unit_test(test_bad_requests),
        cmocka_unit_test(test_body_in_a_file),
        cmocka_unit_test(test_file_in_json),
        cmocka_unit_test(test_form_of_single_fields),
        cmocka_unit_test(test_form_with_a_message),
        cmocka_unit_test(test_refused_forms),
        cmocka_unit_test(test_too_many_and_too_large_files),
        cmocka_unit_test(test_large_hooks_at_once),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_token_forbids_authorization),
        cmocka_unit_test(test_declares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
