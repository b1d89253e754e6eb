/* What the agent sees, for every answer that a channel's server may give. */
#include "../base/test.h"
#include <stdio.h>
#include "sim/verdict.h"
#include "base/mem.h"
#include <string.h>

static void answers_and_what_the_agent_sees(void **state)
{
    (void)state;
    static const struct {
        enum channel_kind kind;
        int status;
        const char *body, *type; /* type NULL: sent */
        bool is_an_answer;
    } cases[] = {
        {CHANNEL_CUSTOM, 200, "{\"type\":\"success\"}", NULL, true},
        {CHANNEL_CUSTOM, 202, "{\"type\":\"success\",\"external_id\":\"a\"}", NULL, true},
        {CHANNEL_CUSTOM, 200, "{\"type\":\"success\",\"external_id\":null}", NULL, true},
        {CHANNEL_CUSTOM, 500, "{\"type\":\"success\"}", "internal_error", false},
        {CHANNEL_CUSTOM, 200, "", "internal_error", false},
        {CHANNEL_CUSTOM, 200, "OK", "internal_error", false},
        {CHANNEL_CUSTOM, 200, "<html>", "internal_error", false},
        {CHANNEL_CUSTOM, 200, "[]", "internal_error", false},
        {CHANNEL_CUSTOM, 200, "{}", "internal_error", false},
        {CHANNEL_CUSTOM, 200, "{\"type\":\"succes\"}", "internal_error", false},
        {CHANNEL_CUSTOM, 400, "{\"type\":\"bad_request\",\"message\":\"No.\"}", "bad_request", true},
        {CHANNEL_CUSTOM, 401, "{\"type\":\"authentication_required\",\"message\":\"No.\"}",
         "authentication_required", true},
        {CHANNEL_CUSTOM, 403, "{\"type\":\"forbidden\",\"message\":\"No.\"}", "forbidden", true},
        {CHANNEL_CUSTOM, 404, "{\"type\":\"not_found\",\"message\":\"No.\"}", "not_found", true},
        {CHANNEL_CUSTOM, 408, "{\"type\":\"request_timeout\",\"message\":\"No.\"}", "request_timeout", true},
        {CHANNEL_CUSTOM, 429, "{\"type\":\"too_many_requests\",\"message\":\"No.\"}", "too_many_requests",
         true},
        {CHANNEL_CUSTOM, 500, "{\"type\":\"internal_error\",\"message\":\"No.\"}", "internal_error", true},
        {CHANNEL_CUSTOM, 500, "{\"type\":\"internal_error\"}", "internal_error", false},
        {CHANNEL_CUSTOM, 404, "{\"type\":\"not_found\",\"message\":\"\"}", "internal_error", false},
        {CHANNEL_CUSTOM, 200, "{\"type\":\"not_found\",\"message\":\"No.\"}", "internal_error", false},
        {CHANNEL_CUSTOM, 302, "", "internal_error", false},
        {CHANNEL_APPLICATION, 200,
         "{\"type\":\"success\",\"external_id\":\"a\",\"external_conversation_id\":\"b\"}", NULL, true},
        {CHANNEL_APPLICATION, 200, "{\"type\":\"success\",\"external_id\":\"a\"}", "internal_error", false},
        {CHANNEL_APPLICATION, 200,
         "{\"type\":\"success\",\"external_id\":\"\",\"external_conversation_id\":\"b\"}", "internal_error",
         false},
        {CHANNEL_APPLICATION, 200, "{\"type\":\"success\"}", "internal_error", false},
        {CHANNEL_APPLICATION, 429, "{\"type\":\"too_many_requests\",\"message\":\"No.\"}",
         "too_many_requests", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sim_verdict v;
        sim_verdict_judge(&v, cases[i].kind, HTTP_FAIL_NONE, cases[i].status, span_of(cases[i].body));
        assert_int_equal(v.is_sent, !cases[i].type);
        assert_int_equal(!v.hint, cases[i].is_an_answer);
        if (cases[i].type)
            assert_string_equal(v.type, cases[i].type);
        if (!v.is_sent)
            assert_string_equal(v.message,
                                cases[i].is_an_answer ? "No." : "Channel servers are unresponsive.");
        sim_verdict_fini(&v);
    }
}

static void an_id_of_201_characters_is_no_id(void **state)
{
    (void)state;
    char body[400], id[202];
    memset(id, 'x', 201);
    id[201] = '\0';
    snprintf(body, sizeof body,
             "{\"type\":\"success\",\"external_id\":\"%s\",\"external_conversation_id\":\"b\"}", id);
    struct sim_verdict v;
    sim_verdict_judge(&v, CHANNEL_APPLICATION, HTTP_FAIL_NONE, 200, span_of(body));
    assert_false(v.is_sent);
    sim_verdict_fini(&v);
}

static void no_answer_is_an_error_too(void **state)
{
    (void)state;
    struct sim_verdict v;
    sim_verdict_judge(&v, CHANNEL_CUSTOM, HTTP_FAIL_TIMEOUT, 0, SPAN_NONE);
    assert_string_equal(v.type, "request_timeout");
    sim_verdict_fini(&v);
    sim_verdict_judge(&v, CHANNEL_CUSTOM, HTTP_FAIL_CONNECT, 0, SPAN_NONE);
    assert_string_equal(v.message, "Channel servers are unresponsive.");
    assert_non_null(v.hint);
    sim_verdict_fini(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_and_what_the_agent_sees),
        cmocka_unit_test(an_id_of_201_characters_is_no_id),
        cmocka_unit_test(no_answer_is_an_error_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
