/* Standard Webhooks: a signature made elsewhere, and what is refused. */
#include "../base/test.h"
#include "sim/webhook.h"
#include "base/mem.h"
#include <string.h>

/* The example of the Standard Webhooks specification and its libraries. */
#define SECRET    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define ID        "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define TIMESTAMP "1614265330"
#define BODY      "{\"test\": 2432232314}"
#define SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
static const wall_ms_t then = INT64_C(1614265330000);

static void the_published_example_signs_the_same(void **state)
{
    (void)state;
    char out[WEBHOOK_SIGNATURE_MAX];
    assert_int_equal(webhook_sign(SECRET, SPAN_LIT(ID), SPAN_LIT(TIMESTAMP), SPAN_LIT(BODY), out), OK);
    assert_string_equal(out, SIGNATURE);
    assert_int_equal(webhook_sign("secret", SPAN_LIT(ID), SPAN_LIT(TIMESTAMP), SPAN_LIT(BODY), out),
                     ERR_INVALID);
    assert_int_equal(webhook_sign("whsec_***", SPAN_LIT(ID), SPAN_LIT(TIMESTAMP), SPAN_LIT(BODY), out),
                     ERR_INVALID);
}

static void what_is_checked(void **state)
{
    (void)state;
    static const struct {
        const char *id, *timestamp, *signature, *body;
        wall_ms_t now;
        bool is_right;
    } cases[] = {
        {ID, TIMESTAMP, SIGNATURE, BODY, then, true},
        {ID, TIMESTAMP, "v1,AAAA " SIGNATURE, BODY, then, true},
        {ID, TIMESTAMP, SIGNATURE " v1a,xyz", BODY, then + 299000, true},
        {ID, TIMESTAMP, SIGNATURE, BODY, then + 301000, false},
        {ID, TIMESTAMP, SIGNATURE, BODY, then - 301000, false},
        {ID, TIMESTAMP, SIGNATURE, BODY " ", then, false},
        {"msg_other", TIMESTAMP, SIGNATURE, BODY, then, false},
        {ID, "1614265331", SIGNATURE, BODY, then, false},
        {ID, "soon", SIGNATURE, BODY, then, false},
        {ID, "18446744073709551615", SIGNATURE, BODY, then, false},
        {ID, TIMESTAMP, "v1,", BODY, then, false},
        {ID, TIMESTAMP, " ", BODY, then, false},
        {ID, TIMESTAMP, "", BODY, then, false},
        {ID, TIMESTAMP, NULL, BODY, then, false},
        {NULL, NULL, NULL, BODY, then, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *why = webhook_check(SECRET, span_of(cases[i].id), span_of(cases[i].timestamp),
                                        span_of(cases[i].signature), span_of(cases[i].body), cases[i].now);
        assert_int_equal(!why, cases[i].is_right);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_example_signs_the_same),
        cmocka_unit_test(what_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
