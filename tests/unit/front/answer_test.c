/* Front's answers: types, statuses, and the bodies that Front parses. */
#include "unit.h"
#include "front/answer.h"

static void test_types_and_statuses(void **state)
{
    static const struct {
        enum front_error e;
        int status;
        const char *type;
    } rows[] = {
        {FRONT_OK, 200, "success"},
        {FRONT_BAD_REQUEST, 400, "bad_request"},
        {FRONT_AUTHENTICATION_REQUIRED, 401, "authentication_required"},
        {FRONT_FORBIDDEN, 403, "forbidden"},
        {FRONT_NOT_FOUND, 404, "not_found"},
        {FRONT_REQUEST_TIMEOUT, 408, "request_timeout"},
        {FRONT_TOO_MANY_REQUESTS, 429, "too_many_requests"},
        {FRONT_INTERNAL_ERROR, 500, "internal_error"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(front_error_status(rows[i].e), rows[i].status);
        assert_string_equal(front_error_type(rows[i].e), rows[i].type);
        assert_int_equal(front_error_of_status(rows[i].status), rows[i].e);
    }
}

static void test_other_statuses(void **state)
{
    static const struct {
        int status;
        enum front_error of_status, of_backend;
    } rows[] = {
        {0, FRONT_INTERNAL_ERROR, FRONT_BAD_REQUEST},
        {204, FRONT_OK, FRONT_BAD_REQUEST},
        {302, FRONT_INTERNAL_ERROR, FRONT_INTERNAL_ERROR},
        {401, FRONT_AUTHENTICATION_REQUIRED, FRONT_FORBIDDEN},
        {404, FRONT_NOT_FOUND, FRONT_NOT_FOUND},
        {405, FRONT_BAD_REQUEST, FRONT_BAD_REQUEST},
        {410, FRONT_BAD_REQUEST, FRONT_NOT_FOUND},
        {413, FRONT_BAD_REQUEST, FRONT_BAD_REQUEST},
        {422, FRONT_BAD_REQUEST, FRONT_BAD_REQUEST},
        {431, FRONT_BAD_REQUEST, FRONT_BAD_REQUEST},
        {503, FRONT_INTERNAL_ERROR, FRONT_INTERNAL_ERROR},
        {504, FRONT_INTERNAL_ERROR, FRONT_REQUEST_TIMEOUT},
        {-7, FRONT_INTERNAL_ERROR, FRONT_INTERNAL_ERROR},
        {999, FRONT_INTERNAL_ERROR, FRONT_INTERNAL_ERROR},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(front_error_of_status(rows[i].status), rows[i].of_status);
        assert_int_equal(front_error_of_backend(rows[i].status), rows[i].of_backend);
    }
}

static void test_bodies(void **state)
{
    struct buf out;
    (void)state;
    buf_init(&out, 4096);
    front_answer_error(&out, FRONT_NOT_FOUND, SPAN_LIT("No \"such\"\nuser"));
    assert_text(&out, "{\"type\":\"not_found\",\"message\":\"No \\\"such\\\"\\nuser\"}");
    front_answer_error(&out, FRONT_INTERNAL_ERROR, SPAN_NONE);
    assert_text(&out, "{\"type\":\"internal_error\",\"message\":\"\"}");
    front_answer_success(&out, SPAN_LIT("fb1"), SPAN_LIT("c/1"));
    assert_text(&out, "{\"type\":\"success\",\"external_id\":\"fb1\",\"external_conversation_id\":\"c/1\"}");
    front_answer_success(&out, SPAN_NONE, SPAN_NONE);
    assert_text(&out, "{\"type\":\"success\"}");
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types_and_statuses),
        cmocka_unit_test(test_other_statuses),
        cmocka_unit_test(test_bodies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
