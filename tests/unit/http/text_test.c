/* HTTP's small texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "http/server.h"
#include "http/text.h"

static void lists_methods(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    http_methods_list("POST  GET DELETE", &b);
    assert_string_equal(b.p, "POST, GET, HEAD, DELETE");
    buf_fini(&b);
    assert_true(http_methods_have("POST DELETE", SPAN_LIT("DELETE")));
    assert_true(http_methods_have("GET", SPAN_LIT("HEAD")));
    assert_false(http_methods_have("POST", SPAN_LIT("HEAD")));
    assert_false(http_methods_have("POST", SPAN_LIT("POS")));
    assert_false(http_methods_have("POST", SPAN_LIT("post")));
    assert_false(http_methods_have("", SPAN_LIT("GET")));
}

static void compares_media_types(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        bool is_json;
    } cases[] = {
        {"application/json", true},
        {"Application/JSON; charset=utf-8", true},
        {"application/json ;x", true},
        {"application/json2", false},
        {"application/jso", false},
        {"text/plain", false},
        {"", false},
        {NULL, false},
        {";application/json", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(http_media_type_is(span_of(cases[i].value), "application/json"), cases[i].is_json);
}

static void finds_parameters(void **state)
{
    (void)state;
    static const struct {
        const char *query, *key, *value;
    } cases[] = {
        {"a=1&b=2", "b", "2"}, {"a=1&b=2", "a", "1"}, {"ab=1&b=2", "b", "2"}, {"a&b", "a", ""},
        {"a=&b", "a", ""},     {"a=1=2", "a", "1=2"}, {"a=1&a=2", "a", "1"},  {"&&a=1", "a", "1"},
        {"a=1", "b", NULL},    {"", "a", NULL},       {NULL, "a", NULL},      {"a=%41", "a", "%41"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct span got = http_query_find(span_of(cases[i].query), cases[i].key);
        if (cases[i].value)
            assert_true(span_is(got, cases[i].value));
        else
            assert_null(got.p);
    }
}

static void decodes_percent(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
        bool plus_is_space;
    } cases[] = {
        {"", "", false},        {"a%20b", "a b", false},      {"a+b", "a+b", false},  {"a+b", "a b", true},
        {"%2f%2F", "//", true}, {"%c3%A9", "\xc3\xa9", true}, {"%%", NULL, true},     {"%4", NULL, true},
        {"%", NULL, true},      {"%00", NULL, true},          {"%zz", NULL, true},    {"% 1", NULL, true},
        {"%+1", NULL, true},    {"a%2", NULL, true},          {"%2541", "%41", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf b;
        buf_init(&b, 100);
        enum err e = http_percent_decode(span_of(cases[i].in), cases[i].plus_is_space, &b);
        assert_int_equal(e, cases[i].out ? OK : ERR_INVALID);
        assert_true(span_is(buf_span(&b), cases[i].out ? cases[i].out : ""));
        buf_fini(&b);
    }
}

static void names_every_status(void **state)
{
    (void)state;
    assert_string_equal(http_reason(200), "OK");
    assert_string_equal(http_reason(413), "Content Too Large");
    assert_non_null(http_reason(299));
}

static void reads_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        enum http_range range;
        uint64_t at, n;
    } cases[] = {
        {NULL, HTTP_RANGE_WHOLE, 0, 100},
        {"bytes=0-9", HTTP_RANGE_PART, 0, 10},
        {"bytes=0-0", HTTP_RANGE_PART, 0, 1},
        {"bytes=90-", HTTP_RANGE_PART, 90, 10},
        {"bytes=99-99", HTTP_RANGE_PART, 99, 1},
        {"bytes=50-1000", HTTP_RANGE_PART, 50, 50},
        {"bytes=50-99999999999999999999999", HTTP_RANGE_PART, 50, 50},
        {"bytes=-5", HTTP_RANGE_PART, 95, 5},
        {"bytes=-500", HTTP_RANGE_PART, 0, 100},
        {"bytes=-0", HTTP_RANGE_OUTSIDE, 0, 0},
        {"bytes=100-", HTTP_RANGE_OUTSIDE, 0, 0},
        {"bytes=99999999999999999999999-", HTTP_RANGE_OUTSIDE, 0, 0},
        {"bytes=9-5", HTTP_RANGE_WHOLE, 0, 100},
        {"bytes=0-1,5-6", HTTP_RANGE_WHOLE, 0, 100},
        {"bytes=", HTTP_RANGE_WHOLE, 0, 100},
        {"bytes=-", HTTP_RANGE_WHOLE, 0, 100},
        {"bytes=+1-2", HTTP_RANGE_WHOLE, 0, 100},
        {"lines=1-2", HTTP_RANGE_WHOLE, 0, 100},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t at, n;
        enum http_range r = http_range(span_of(cases[i].header), 100, &at, &n);
        if (r != cases[i].range || (r != HTTP_RANGE_OUTSIDE && (at != cases[i].at || n != cases[i].n)))
            fail_msg("%s gave %d, %lu+%lu", cases[i].header, (int)r, (unsigned long)at, (unsigned long)n);
    }
    uint64_t at, n;
    assert_int_equal(http_range(SPAN_LIT("bytes=0-"), 0, &at, &n), HTTP_RANGE_OUTSIDE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_ranges),         cmocka_unit_test(lists_methods),
        cmocka_unit_test(compares_media_types), cmocka_unit_test(finds_parameters),
        cmocka_unit_test(decodes_percent),      cmocka_unit_test(names_every_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
