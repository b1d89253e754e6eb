/* Writing JSON: commas, escapes, limits; and what was written can be read. */
#include "test.h"
#include "base/json.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

static void commas_are_where_they_belong(void **state)
{
    (void)state;
    struct buf b;
    struct jout j;
    buf_init(&b, 1024);
    jout_init(&j, &b);
    jout_object(&j);
    jout_kv_str(&j, "s", "x");
    jout_kv_str(&j, "none", NULL);
    jout_key(&j, "list");
    jout_array(&j);
    jout_i64(&j, INT64_MIN);
    jout_object(&j);
    jout_object_end(&j);
    jout_array(&j);
    jout_array_end(&j);
    jout_bool(&j, true);
    jout_null(&j);
    jout_span(&j, SPAN_LIT(""));
    jout_array_end(&j);
    jout_kv_bool(&j, "no", false);
    jout_kv_i64(&j, "n", 7);
    jout_kv_seconds(&j, "at", 1453770984123);
    jout_kv_raw(&j, "raw", SPAN_LIT("[1,2]"));
    jout_kv_raw(&j, "nothing", SPAN_NONE);
    jout_kv_span(&j, "absent", SPAN_NONE);
    jout_object_end(&j);
    assert_string_equal(b.p,
                        "{\"s\":\"x\",\"none\":null,\"list\":[-9223372036854775808,{},[],true,null,\"\"],"
                        "\"no\":false,\"n\":7,\"at\":1453770984.123,\"raw\":[1,2],\"nothing\":null,"
                        "\"absent\":null}");
    buf_fini(&b);
}

static void seconds_have_three_decimals(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {0, "0.000"},
        {5, "0.005"},
        {-5, "-0.005"},
        {1000, "1.000"},
        {-1500, "-1.500"},
        {INT64_MAX, "9223372036854775.807"},
        {INT64_MIN, "-9223372036854775.808"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf b;
        struct jout j;
        struct json doc;
        int64_t back = 0;
        buf_init(&b, 64);
        jout_init(&j, &b);
        jout_seconds(&j, cases[i].ms);
        assert_string_equal(b.p, cases[i].text);
        assert_int_equal(json_parse(&doc, buf_span(&b)), OK);
        assert_int_equal(json_millis(json_root(&doc), &back), OK);
        assert_true(back == cases[i].ms);
        json_fini(&doc);
        buf_fini(&b);
    }
}

static void strings_are_escaped(void **state)
{
    (void)state;
    static const struct {
        struct span text;
        const char *json;
    } cases[] = {
        {SPAN_LIT("plain"), "\"plain\""},
        {SPAN_LIT("\"\\/"), "\"\\\"\\\\/\""},
        {SPAN_LIT("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\""},
        {SPAN_LIT("a\0b\x01\x1f\x7f"), "\"a\\u0000b\\u0001\\u001f\x7f\""},
        {SPAN_LIT("\xC2\x9B"
                  "2J\xC2\xA0"),
         "\"\\u009b2J\xC2\xA0\""},
        {SPAN_LIT("\xC3\xA9\xF0\x9F\x98\x80"), "\"\xC3\xA9\xF0\x9F\x98\x80\""},
        {SPAN_LIT("\xFF"
                  "a\xC3"),
         "\"\xEF\xBF\xBD"
         "a\xEF\xBF\xBD\""},
        {SPAN_LIT("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {SPAN_LIT("12345678\n12345678\""), "\"12345678\\n12345678\\\"\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf b;
        struct jout j;
        buf_init(&b, 64);
        jout_init(&j, &b);
        jout_span(&j, cases[i].text);
        assert_string_equal(b.p, cases[i].json);
        buf_clear(&b);
        jout_init(&j, &b);
        jout_object(&j);
        jout_key_span(&j, cases[i].text);
        jout_null(&j);
        jout_object_end(&j);
        assert_memory_equal(b.p + 1, cases[i].json, strlen(cases[i].json));
        buf_fini(&b);
    }
}

static void any_bytes_can_be_written_and_read(void **state)
{
    (void)state;
    unsigned seed = 7;
    for (int round = 0; round < 2000; round++) {
        char text[40];
        struct buf b, twice;
        struct jout j;
        struct json doc;
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = (char)(rand_r(&seed) % 300);
        buf_init(&b, 1024);
        buf_init(&twice, 1024);
        jout_init(&j, &b);
        jout_span(&j, (struct span){text, (size_t)round % sizeof text});
        assert_int_equal(json_parse(&doc, buf_span(&b)), OK);
        assert_int_equal(json_str(json_root(&doc), &twice), OK);
        json_fini(&doc);
        buf_fini(&b);
        buf_fini(&twice);
    }
}

static void the_limit_holds(void **state)
{
    (void)state;
    for (size_t max = 0; max < 40; max++) {
        struct buf b;
        struct jout j;
        buf_init(&b, max);
        jout_init(&j, &b);
        jout_object(&j);
        jout_kv_str(&j, "key", "a\n\xC3\xA9\x01");
        jout_kv_seconds(&j, "at", 1);
        jout_object_end(&j);
        assert_int_equal(b.is_over, max < strlen("{\"key\":\"a\\n__\\u0001\",\"at\":0.001}"));
        assert_true(b.n <= max);
        buf_fini(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_are_where_they_belong),
        cmocka_unit_test(seconds_have_three_decimals),
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(any_bytes_can_be_written_and_read),
        cmocka_unit_test(the_limit_holds),
    };
    return cmocka_run_group_tests_name("json_out", tests, NULL, NULL);
}
