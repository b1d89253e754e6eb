/* Phone numbers: one spelling for each, and a refusal of what would be a guess. */
#include "unit.h"

#include "front/phone.h"

static const struct {
    const char *handle, *written; /* NULL: refused */
} rows[] = {
    {"+49301234567", "+49301234567"},
    {"0049 30 123 45 67", "+49301234567"},
    {"+49 (0)30 / 123-45.67", "+49301234567"},
    {"+49 (30) 1234567", "+49301234567"},
    {" +1-202-555-0143 ", "+12025550143"},
    {"(+1) 202 555 0143", "+12025550143"},
    {"+49\xc2\xa0"
     "30\xe2\x80\xaf"
     "1234\xe2\x80\x91"
     "567",
     "+49301234567"},
    {"+1234567", "+1234567"},
    {"+123456789012345", "+123456789012345"},
    {"00123456789012345", "+123456789012345"},
    {"030 1234567", NULL}, /* of which country? */
    {"2025550143", NULL},  /* Front would take it as American */
    {"0049", NULL},
    {"00", NULL},
    {"+", NULL},
    {"", NULL},
    {"+123456", NULL},           /* too short */
    {"+1234567890123456", NULL}, /* too long */
    {"+0049301234567", NULL},
    {"++49301234567", NULL},
    {"4+9301234567", NULL},
    {"+49301234567 ext 3", NULL},
    {"tel:+49301234567", NULL},
    {"ada", NULL},
    {"+49 30 12345\xd9\xa3"
     "7",
     NULL}, /* digits of other scripts */
    {"+12345678901234567890123456789012345678901234567890", NULL},
    {"\xc2", NULL},
};

static void test_numbers(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 64);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf_clear(&out);
        enum err e = phone_write(span_of(rows[i].handle), &out);
        assert_int_equal(e, rows[i].written ? OK : ERR_INVALID);
        assert_text(&out, rows[i].written ? rows[i].written : "");
    }
    buf_fini(&out);
}

/* What is written is not written differently the second time. */
static void test_it_is_a_fixed_point(void **state)
{
    struct buf once, twice;

    (void)state;
    buf_init(&once, 64);
    buf_init(&twice, 64);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf_clear(&once);
        buf_clear(&twice);
        if (phone_write(span_of(rows[i].handle), &once) != OK)
            continue;
        assert_int_equal(phone_write(buf_span(&once), &twice), OK);
        assert_text(&twice, once.p);
    }
    buf_fini(&once);
    buf_fini(&twice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_it_is_a_fixed_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
