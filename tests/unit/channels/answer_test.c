#include "base/mem.h"
#include "cmocka_all.h"
#include "http/http.h"
#include <stdio.h>
#include <string.h>

#define NOW_MS INT64_C(784111777000) /* Sun, 06 Nov 1994 08:49:37 GMT */

static void judge(int status, const struct fb_header *header, const char *body, struct verdict *v)
{
    const struct fb_http_answer a = {.size = sizeof a,
                                     .status = status,
                                     .headers = header,
                                     .header_n = header ? 1 : 0,
                                     .body = body,
                                     .body_n = strlen(body)};
    answer_judge(&a, NOW_MS, v);
}

static void test_each_status(void **state)
{
    static const int retried[] = {300, 301, 302, 303, 304, 307, 308, 399, 408, 425, 429, 500,
                                  501, 502, 503, 504, 505, 507, 599, 0,   100, 199, 600, -1};
    struct verdict v;
    (void)state;
    for (int status = 200; status < 300; status++) {
        judge(status, NULL, "", &v);
        assert_int_equal(v.outcome.kind, FB_DELIVERED);
        assert_null(v.outcome.reason);
    }
    for (int status = 400; status < 500; status++) {
        bool is_later = status == 408 || status == 425 || status == 429;
        judge(status, NULL, "", &v);
        assert_int_equal(v.outcome.kind, is_later ? FB_RETRY : FB_REJECTED);
        assert_int_equal(v.outcome.code, status);
        assert_non_null(v.outcome.reason);
    }
    for (size_t i = 0; i < ARRAY_LEN(retried); i++) {
        judge(retried[i], NULL, "{\"message\":\"x\"}", &v);
        assert_int_equal(v.outcome.kind, FB_RETRY);
        assert_int_equal(v.outcome.flags, 0);
        assert_true(strlen(v.outcome.reason) > 20);
    }
    judge(302, NULL, "", &v);
    assert_non_null(strstr(v.outcome.reason, "`url`"));
}

static void test_failures(void **state)
{
    static const struct {
        uint32_t fail, kind, flags;
    } cases[] = {
        {FB_HTTP_UNREACHABLE, FB_RETRY, FB_OUTCOME_UNREACHABLE},
        {FB_HTTP_LOST, FB_UNKNOWN, 0},
        {FB_HTTP_REFUSED, FB_RETRY, FB_OUTCOME_UNREACHABLE},
        {99, FB_UNKNOWN, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct verdict v;
        struct fb_http_answer a = {.size = sizeof a, .fail = cases[i].fail, .message = "connection\nrefused"};
        answer_judge(&a, NOW_MS, &v);
        assert_int_equal(v.outcome.kind, cases[i].kind);
        assert_int_equal(v.outcome.flags, cases[i].flags);
        assert_non_null(strstr(v.outcome.reason, "connection refused."));
        a.message = NULL;
        answer_judge(&a, NOW_MS, &v);
        assert_non_null(v.outcome.reason);
    }
}

static void test_retry_after(void **state)
{
    static const struct {
        const char *value;
        int64_t ms;
    } cases[] = {
        {"0", 0},
        {"120", 120000},
        {"86400", 86400000},
        {"86401", 86400000},
        {"99999999999999999999999", 0},
        {"18446744073709551615", 86400000},
        {"-5", 0},
        {"1.5", 0},
        {"soon", 0},
        {"", 0},
        {"Sun, 06 Nov 1994 08:50:37 GMT", 60000},
        {"Sun, 06 Nov 1994 08:49:36 GMT", 0},
        {"Mon, 07 Nov 1994 08:49:37 GMT", 86400000},
        {"Fri, 31 Dec 9999 23:59:59 GMT", 86400000},
        {"Sun, 06 Foo 1994 08:50:37 GMT", 0},
        {"Sun, 06 anF 1994 08:50:37 GMT", 0},
        {"Sun, 06 Nov 1994 08:50:37 CET", 0},
        {"Sun, 06 Nov 1994 08:50:37 GMT+1", 0},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct verdict v;
        const struct fb_header header = {"RETRY-after", cases[i].value};
        judge(i % 2 ? 503 : 429, &header, "", &v);
        assert_int_equal(v.outcome.retry_after_ms, cases[i].ms);
    }
    assert_int_equal(answer_retry_after(NULL, NOW_MS), 0);
}

static void test_delivered_bodies(void **state)
{
    static const struct {
        const char *body, *external_id, *conversation_id;
    } cases[] = {
        {"", NULL, NULL},
        {"OK", NULL, NULL},
        {"<html>", NULL, NULL},
        {"[]", NULL, NULL},
        {"null", NULL, NULL},
        {"{}", NULL, NULL},
        {"{\"external_id\":\"m1\",\"conversation_id\":\"c1\",\"more\":[1]}", "m1", "c1"},
        {"{\"external_id\":12345678901234567890}", "12345678901234567890", NULL},
        {"{\"external_id\":1.5,\"conversation_id\":true}", NULL, NULL},
        {"{\"external_id\":\"\",\"conversation_id\":null}", NULL, NULL},
        {"{\"external_id\":\"a\\nb\",\"conversation_id\":\"\\u00e9\"}", NULL, "\u00e9"},
        {"{\"external_id\":\"m1\"", NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct verdict v;
        judge(200, NULL, cases[i].body, &v);
        assert_int_equal(v.outcome.kind, FB_DELIVERED);
        for (int k = 0; k < 2; k++) {
            const char *got = k ? v.outcome.conversation_id : v.outcome.external_id;
            const char *want = k ? cases[i].conversation_id : cases[i].external_id;
            assert_int_equal(!got, !want);
            if (want)
                assert_string_equal(got, want);
        }
    }
}

static void test_long_ids_are_ignored(void **state)
{
    char body[1200];
    struct verdict v;
    (void)state;
    snprintf(body, sizeof body, "{\"external_id\":\"%0*d\"}", WIRE_ID_MAX, 1);
    judge(200, NULL, body, &v);
    assert_int_equal(strlen(v.outcome.external_id), WIRE_ID_MAX);
    snprintf(body, sizeof body, "{\"external_id\":\"%0*d\"}", WIRE_ID_MAX + 1, 1);
    judge(200, NULL, body, &v);
    assert_null(v.outcome.external_id);
}

static void test_rejections_speak(void **state)
{
    static const struct {
        const char *body, *reason;
    } cases[] = {
        {"", "The chat system refused the message (422)."},
        {"nope", "The chat system refused the message (422)."},
        {"{\"message\":\"\"}", "The chat system refused the message (422)."},
        {"{\"message\":7}", "The chat system refused the message (422)."},
        {"{\"message\":\"\\u0007\\n\"}", "The chat system refused the message (422)."},
        {"{\"message\":\"Alice has left.\"}", "Alice has left."},
        {"{\"message\":\" Two\\r\\n\\tlines\\u001b[31m \"}", "Two lines [31m"},
    };
    struct verdict v;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        judge(422, NULL, cases[i].body, &v);
        assert_int_equal(v.outcome.kind, FB_REJECTED);
        assert_string_equal(v.outcome.reason, cases[i].reason);
    }
}

static void test_long_sentence_is_cut_at_a_character(void **state)
{
    char body[1200] = "{\"message\":\"";
    struct verdict v;
    (void)state;
    for (int i = 0; i < 300; i++)
        strcat(body, "\u20ac");
    strcat(body, "\"}");
    judge(400, NULL, body, &v);
    assert_int_equal(strlen(v.outcome.reason), 297); /* 99 characters of 3 bytes; 300 would need 301 */
    assert_true(wire_is_utf8(span_of(v.outcome.reason)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_status),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_delivered_bodies),
        cmocka_unit_test(test_long_ids_are_ignored),
        cmocka_unit_test(test_rejections_speak),
        cmocka_unit_test(test_long_sentence_is_cut_at_a_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
