/* What of a message that an event tells of is not delivered: failed, imported, old; and what was sent once more is. */
#include "unit.h"
#include "front/route.h"

enum { MADE = 1000000000, MINUTE = 60 * 1000, TOO_OLD = 120 * MINUTE };

static const struct {
    const char *more; /* of the message */
    bool is_sending;
    int64_t emitted_after; /* it was made */
    int64_t failed_after;  /* -1: no failure is known */
    int64_t now_after;
    const char *refusal; /* a word of it; NULL: it is delivered */
} rows[] = {
    {"", false, 0, -1, 0, NULL},
    {",\"error_type\":null", false, 0, -1, 0, NULL},
    {",\"is_inbound\":true", true, 0, -1, 0, "customer"},
    {",\"error_type\":\"x\"", false, 0, -1, 0, "failed"},
    {",\"error_type\":\"x\"", true, 0, -1, 0, NULL},
    /* Front has told of a failure: what was emitted before it has failed, whatever the message shows by now */
    {"", false, 5, 10, 0, "failed"},
    {"", true, 5, 5, 0, "failed"},
    {"", false, 11, 10, 0, NULL},
    {",\"error_type\":\"x\"", false, 11, 10, 0, NULL},
    /* imported, unless it was sent before */
    {"", false, 11 * MINUTE, -1, 11 * MINUTE, "imported"},
    {"", true, 11 * MINUTE, -1, 11 * MINUTE, "imported"},
    {",\"error_type\":\"x\"", true, 11 * MINUTE, -1, 11 * MINUTE, NULL},
    {"", false, 11 * MINUTE, 10, 11 * MINUTE, NULL},
    {"", false, 11 * MINUTE, 10, 121 * MINUTE, "too_old"},
    {"", false, 0, -1, 121 * MINUTE, "too_old"},
};

static void test_what_is_refused_and_what_is_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[512];
        struct callback c;
        struct buf why;
        const struct route_telling t = {.is_sending = rows[i].is_sending,
                                        .emitted_at = MADE + rows[i].emitted_after,
                                        .failed_at =
                                            rows[i].failed_after < 0 ? 0 : MADE + rows[i].failed_after};

        snprintf(text, sizeof text,
                 "{\"id\":\"msg_1\",\"type\":\"custom\",\"body\":\"x\",\"created_at\":%d,"
                 "\"recipients\":[{\"role\":\"to\",\"handle\":\"ada\"}]%s}",
                 MADE / 1000, rows[i].more);
        buf_init(&why, 1024);
        assert_int_equal(callback_of_message(&c, span_of(text), SPAN_LIT("evt_1"), &why), OK);
        const char *refusal = route_refusal(&c, &t, MADE + rows[i].now_after, TOO_OLD);
        if (rows[i].refusal)
            assert_true(refusal && strstr(refusal, rows[i].refusal));
        else
            assert_null(refusal);
        callback_fini(&c);
        buf_fini(&why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_refused_and_what_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
