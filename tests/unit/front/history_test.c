/* Lines of history: which are taken, and what Front is told of them. */
#include "front/history.h"
#include "base/mem.h"
#include "unit.h"
#include <stdlib.h>

#define NOW INT64_C(1700000000000)

static void expect_refused(const char *line, enum channel_kind kind, const char *part)
{
    struct history h;
    struct buf why;
    buf_init(&why, 1024);
    if (history_read(&h, span_of(line), kind, NOW, &why) == OK)
        fail_msg("%s was taken", line);
    if (!why.p || !strstr(why.p, part))
        fail_msg("'%s' is refused by '%s', not by '%s'", line, why.p, part);
    history_fini(&h);
    buf_fini(&why);
}

#define HEAD "{\"id\":\"1\",\"sender\":{\"handle\":\"ada\"},\"text\":\"x\""

static void test_what_is_refused(void **state)
{
    static const struct {
        const char *line, *part;
        enum channel_kind kind;
    } rows[] = {
        {"", "not JSON", CHANNEL_CUSTOM},
        {"{\"id\":\"1\"", "not JSON", CHANNEL_CUSTOM},
        {"[]", "not a JSON object", CHANNEL_CUSTOM},
        {"{\"sender\":{\"handle\":\"a\"},\"text\":\"x\",\"created_at\":1}", "id is missing", CHANNEL_CUSTOM},
        {"{\"id\":\"\",\"sender\":{\"handle\":\"a\"},\"text\":\"x\",\"created_at\":1}", "id is missing",
         CHANNEL_CUSTOM},
        {"{\"id\":7,\"sender\":{\"handle\":\"a\"},\"text\":\"x\",\"created_at\":1}", "id is not a string",
         CHANNEL_CUSTOM},
        {"{\"id\":\"1\",\"text\":\"x\",\"created_at\":1}", "sender is missing", CHANNEL_CUSTOM},
        {"{\"id\":\"1\",\"sender\":{\"handle\":\"a\"},\"created_at\":1}", "One of text", CHANNEL_CUSTOM},
        {HEAD "}", "created_at is missing", CHANNEL_CUSTOM},
        {HEAD ",\"created_at\":\"yesterday\"}", "created_at is no time", CHANNEL_CUSTOM},
        {HEAD ",\"created_at\":\"2024-02-30T00:00:00Z\"}", "created_at is no time", CHANNEL_CUSTOM},
        {HEAD ",\"created_at\":\"2024-02-20T00:00:00\"}", "with Z or +01:00", CHANNEL_CUSTOM},
        {HEAD ",\"created_at\":\"2024-02-20\"}", "with Z or +01:00", CHANNEL_CUSTOM},
        {HEAD ",\"created_at\":\"2024-02-20T00:00:00Z \"}", "created_at is no time", CHANNEL_CUSTOM},
        {HEAD ",\"created_at\":-1}", "created_at is no time", CHANNEL_CUSTOM},
        {HEAD ",\"created_at\":true}", "created_at is no time", CHANNEL_CUSTOM},
        {HEAD ",\"created_at\":1600000000000}", "in milliseconds", CHANNEL_CUSTOM},
        {HEAD ",\"created_at\":1700090000}", "in the future", CHANNEL_CUSTOM},
        {HEAD ",\"created_at\":4000000000}", "in the future", CHANNEL_CUSTOM},
        {HEAD ",\"created_at\":1,\"direction\":\"up\"}", "inbound or outbound", CHANNEL_CUSTOM},
        {HEAD ",\"created_at\":1,\"direction\":\"outbound\"}", "to must name", CHANNEL_CUSTOM},
        {HEAD ",\"created_at\":1,\"direction\":\"outbound\",\"to\":[{}]}", "handle is missing",
         CHANNEL_CUSTOM},
        {HEAD ",\"created_at\":1,\"to\":[\"bob\"]}", "to must hold objects", CHANNEL_CUSTOM},
        {HEAD ",\"created_at\":1,\"to\":{}}", "to must be a list", CHANNEL_CUSTOM},
        {HEAD ",\"created_at\":1,\"attachments\":[{}]}", "needs a filename", CHANNEL_CUSTOM},
        {HEAD ",\"created_at\":1,\"attachments\":[{\"filename\":\"a\",\"fd\":0}]}", "needs a url",
         CHANNEL_CUSTOM},
        {HEAD ",\"created_at\":1,\"tags\":\"vip\"}", "tags must be a list", CHANNEL_CUSTOM},
        {HEAD ",\"created_at\":1,\"tags\":[\"\"]}", "a tag must be", CHANNEL_CUSTOM},
        {HEAD ",\"created_at\":1,\"archived\":\"no\"}", "archived must be true or false", CHANNEL_CUSTOM},
        {HEAD ",\"created_at\":1,\"tags\":[\"vip\"]}", "tags is for custom channels", CHANNEL_APPLICATION},
        {HEAD ",\"created_at\":1,\"skip_rules\":true}", "skip_rules is for custom", CHANNEL_APPLICATION},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        expect_refused(rows[i].line, rows[i].kind, rows[i].part);
}

static void test_times(void **state)
{
    static const struct {
        const char *text;
        wall_ms_t at;
    } rows[] = {
        {"0", 0},
        {"1600000000", INT64_C(1600000000000)},
        {"1600000000.123", INT64_C(1600000000123)},
        {"\"2020-09-13T12:26:40Z\"", INT64_C(1600000000000)},
        {"\"2020-09-13T12:26:40.1239Z\"", INT64_C(1600000000123)},
        {"\"2020-09-13 14:26:40+02:00\"", INT64_C(1600000000000)},
        {"\"2020-09-13T07:56:40-0430\"", INT64_C(1600000000000)},
        {"\"2020-09-13t14:26+02\"", INT64_C(1599999960000)},
        {"\"2020-02-29T00:00:00z\"", INT64_C(1582934400000)},
        {"\"1969-12-31T23:59:59Z\"", -1000},
        {"\"2021-02-29T00:00:00Z\"", INT64_MIN},
        {"\"2020-09-13T25:26:40Z\"", INT64_MIN},
        {"\"2020-09-13T12:26:40 Z\"", INT64_MIN},
        {"\"2020-09-13T12:26:40\"", INT64_MIN},
        {"\"2020-09-13T12Z\"", INT64_MIN},
        {"\"13.9.2020 12:26\"", INT64_MIN},
        {"\"\"", INT64_MIN},
        {"null", INT64_MIN},
        {"[]", INT64_MIN},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct json doc;
        wall_ms_t at = INT64_MIN;
        assert_int_equal(json_parse(&doc, span_of(rows[i].text)), OK);
        bool is_time = history_time(json_root(&doc), &at) == OK;
        if (is_time != (rows[i].at != INT64_MIN) || at != rows[i].at)
            fail_msg("%s: %lld", rows[i].text, (long long)at);
        json_fini(&doc);
    }
}

static void expect_parts(const char *line, const char *customer, const char *conversation)
{
    struct history h;
    struct buf why;
    buf_init(&why, 1024);
    if (history_read(&h, span_of(line), CHANNEL_CUSTOM, NOW, &why) != OK)
        fail_msg("%s: %s", line, why.p);
    assert_true(span_is(buf_span(&h.id), "1"));
    assert_true(span_is(buf_span(&h.customer), customer));
    assert_true(span_is(buf_span(&h.conversation), conversation));
    history_fini(&h);
    buf_fini(&why);
}

static void test_parts(void **state)
{
    (void)state;
    expect_parts(HEAD ",\"created_at\":1}", "ada", "");
    expect_parts(HEAD ",\"created_at\":1,\"conversation_id\":\"room-1\"}", "ada", "room-1");
    expect_parts(HEAD ",\"created_at\":1,\"direction\":\"outbound\",\"to\":[{\"handle\":\"bob\"}]}", "bob",
                 "");
}

typedef enum err build_fn(const struct incoming *in, struct buf *out, struct buf *why);

static void expect_body(build_fn *build, struct incoming in, const char *line, const char *body)
{
    struct buf out, why;
    buf_init(&out, 65536);
    buf_init(&why, 1024);
    in.wire = span_of(line);
    in.id = "fb1";
    if (build(&in, &out, &why) != OK)
        fail_msg("%s: %s", line, why.p);
    assert_string_equal(out.p, body);
    buf_fini(&out);
    buf_fini(&why);
}

static void test_custom(void **state)
{
    (void)state;
    expect_body(history_custom, (struct incoming){.thread_ref = "ada", .address = "line"},
                HEAD ",\"created_at\":\"2020-09-13T12:26:40Z\"}",
                "{\"sender\":{\"handle\":\"ada\"},\"to\":[\"line\"],\"body\":\"<div>x</div>\","
                "\"external_id\":\"1\",\"created_at\":1600000000,\"type\":\"custom\",\"metadata\":{"
                "\"thread_ref\":\"history:ada\",\"is_inbound\":true,\"is_archived\":true,"
                "\"should_skip_rules\":true}}");
    expect_body(
        history_custom,
        (struct incoming){
            .thread_ref = "ada", .address = "line", .author_id = "tea_1", .conversation = "cnv_1"},
        HEAD ",\"created_at\":9.5,\"direction\":\"outbound\",\"to\":[{\"handle\":\"bob\"}],\"subject\":"
             "\"s\",\"tags\":[\"vip\"],\"archived\":false,\"skip_rules\":false}",
        "{\"sender\":{\"author_id\":\"tea_1\",\"handle\":\"line\"},\"to\":[\"bob\"],\"subject\":\"s\","
        "\"body\":\"<div>x</div>\",\"external_id\":\"1\",\"created_at\":9,\"type\":\"custom\","
        "\"tags\":[\"vip\"],\"conversation_id\":\"cnv_1\",\"metadata\":{\"is_inbound\":false,"
        "\"is_archived\":false,\"should_skip_rules\":false}}");
}

/* Markdown's block of HTML ends at an empty line: there must be none, and none must be lost. */
static void test_no_line_is_empty(void **state)
{
    (void)state;
    expect_body(history_custom, (struct incoming){.thread_ref = "ada", .conversation = "c"},
                "{\"id\":\"1\",\"sender\":{\"handle\":\"ada\"},\"created_at\":1,\"html\":"
                "\"<pre>a\\n\\n\\n  \\nb</pre>\"}",
                "{\"sender\":{\"handle\":\"ada\"},\"to\":[\"channel\"],\"body\":\"<div><pre>a\\n&#10;\\n  "
                "&#10;b</pre></div>\",\"external_id\":\"1\",\"created_at\":1,\"type\":\"custom\","
                "\"conversation_id\":\"c\",\"metadata\":{\"is_inbound\":true,\"is_archived\":true,"
                "\"should_skip_rules\":true}}");
}

static void test_application(void **state)
{
    (void)state;
    expect_body(history_application, (struct incoming){.thread_ref = "ada"},
                HEAD ",\"created_at\":1600000000.9}",
                "{\"sender\":{\"handle\":\"ada\"},\"body\":\"x\",\"metadata\":{\"external_id\":\"fb1\","
                "\"external_conversation_id\":\"ada\"},\"delivered_at\":1600000000}");
    expect_body(
        history_application, (struct incoming){.thread_ref = "bob", .author_id = "tea_1"},
        "{\"id\":\"1\",\"sender\":{\"handle\":\"grace\",\"name\":\"Grace\"},\"text\":\"x\",\"direction\":"
        "\"outbound\",\"to\":[{\"handle\":\"bob\",\"email\":\"b@example.com\"}],\"created_at\":1}",
        "{\"sender_name\":\"Grace\",\"to\":[{\"handle\":\"bob\",\"email\":\"b@example.com\"}],"
        "\"author_id\":\"tea_1\",\"body\":\"x\",\"metadata\":{\"external_id\":\"fb1\","
        "\"external_conversation_id\":\"bob\"},\"delivered_at\":1}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_custom),
        cmocka_unit_test(test_no_line_is_empty),
        cmocka_unit_test(test_application),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
