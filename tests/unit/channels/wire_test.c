#include "base/mem.h"
#include "cmocka_all.h"
#include "wire/wire.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum err read_json(const char *text, bool is_receipt, struct wire_item *item, char why[300])
{
    struct json doc;
    struct buf b;
    buf_init(&b, 299);
    assert_int_equal(json_parse(&doc, span_of(text)), OK);
    enum err e = is_receipt ? wire_read_receipt(json_root(&doc), item, &b)
                            : wire_read_message(json_root(&doc), item, &b);
    strcpy(why, buf_span(&b).p);
    assert_int_equal(e == OK, *why == '\0');
    buf_fini(&b);
    json_fini(&doc);
    return e;
}

static void test_message(void **state)
{
    struct wire_item item;
    char why[300];
    (void)state;
    assert_int_equal(
        read_json("{\"id\":\"m1\",\"conversation_id\":42,\"sender\":{\"handle\":\"alice\",\"name\":\"A\\nB\","
                  "\"email\":\"a@b.c\"},\"text\":\"one\\r\\ntwo\\rthree\\u0007\\ttab\\u0000!\","
                  "\"subject\":\" s \",\"in_reply_to\":\"m0\",\"sent_at\":1700000000.5,\"attachments\":[],"
                  "\"unknown\":{}}",
                  false, &item, why),
        OK);
    assert_false(item.is_receipt);
    assert_string_equal(item.inbound.id, "m1");
    assert_string_equal(item.inbound.conversation_id, "42");
    assert_string_equal(item.inbound.sender->handle, "alice");
    assert_string_equal(item.inbound.sender->name, "A B");
    assert_string_equal(item.inbound.sender->email, "a@b.c");
    assert_string_equal(item.inbound.text, "one\ntwo\nthree\ttab!");
    assert_null(item.inbound.html);
    assert_string_equal(item.inbound.subject, "s");
    assert_string_equal(item.inbound.in_reply_to, "m0");
    assert_int_equal(item.inbound.sent_at_ms, INT64_C(1700000000500));
    assert_int_equal(item.inbound.direction, FB_FROM_CUSTOMER);
    wire_item_fini(&item);
}

static void test_outbound_message(void **state)
{
    struct wire_item item;
    char why[300];
    (void)state;
    assert_int_equal(
        read_json("{\"direction\":\"outbound\",\"sender\":{\"handle\":\"shop\"},\"author_email\":\"x@y.z\","
                  "\"to\":[{\"handle\":\"alice\",\"name\":\"A\",\"email\":\"a@b.c\"},{\"handle\":7}],"
                  "\"markdown\":\"*hi*\"}",
                  false, &item, why),
        OK);
    assert_int_equal(item.inbound.direction, FB_FROM_AGENT);
    assert_int_equal(item.inbound.to_n, 2);
    assert_string_equal(item.inbound.to[0].handle, "alice");
    assert_string_equal(item.inbound.to[0].name, "A");
    assert_string_equal(item.inbound.to[0].email, "a@b.c");
    assert_string_equal(item.inbound.to[1].handle, "7");
    assert_string_equal(item.inbound.author_email, "x@y.z");
    assert_null(item.inbound.id);
    wire_item_fini(&item);
}

#define S "\"sender\":{\"handle\":\"a\"}"

static void test_refused_messages(void **state)
{
    static const struct {
        const char *json, *why;
    } cases[] = {
        {"[]", "JSON object"},
        {"{}", "`sender.handle` is missing"},
        {"{\"sender\":\"a\",\"text\":\"x\"}", "`sender.handle` is missing"},
        {"{\"sender\":{\"handle\":\"\"},\"text\":\"x\"}", "`sender.handle` is missing"},
        {"{\"sender\":{\"handle\":[1]},\"text\":\"x\"}", "`sender.handle` must be a string"},
        {"{\"sender\":{\"handle\":\"a\\u0001\"},\"text\":\"x\"}", "control characters"},
        {"{" S "}", "exactly one of"},
        {"{" S ",\"text\":\"\"}", "exactly one of"},
        {"{" S ",\"text\":null}", "exactly one of"},
        {"{" S ",\"text\":\"x\",\"html\":\"y\"}", "exactly one of"},
        {"{" S ",\"text\":5}", "`text` must be a string"},
        {"{" S ",\"text\":\"x\",\"id\":1.5}", "`id` must be a string"},
        {"{" S ",\"text\":\"x\",\"id\":{}}", "`id` must be a string"},
        {"{" S ",\"text\":\"x\",\"sent_at\":\"now\"}", "`sent_at` must be a time"},
        {"{" S ",\"text\":\"x\",\"sent_at\":-1}", "`sent_at` must be a time"},
        {"{" S ",\"text\":\"x\",\"sent_at\":1700000000000}", "not in milliseconds"},
        {"{" S ",\"text\":\"x\",\"attachments\":[{\"url\":\"https://a/b\"}]}", "not taken yet"},
        {"{" S ",\"attachments\":[{}]}", "not taken yet"},
        {"{" S ",\"text\":\"x\",\"attachments\":{}}", "must be an array"},
        {"{" S ",\"text\":\"x\",\"direction\":\"up\"}", "`direction` must be"},
        {"{" S ",\"text\":\"x\",\"direction\":\"outbound\"}", "`to` must name"},
        {"{" S ",\"text\":\"x\",\"direction\":\"outbound\",\"to\":[]}", "`to` must name"},
        {"{" S ",\"text\":\"x\",\"direction\":\"outbound\",\"to\":[{}]}", "needs a `handle`"},
        {"{" S ",\"text\":\"x\",\"direction\":\"outbound\",\"to\":[\"a\"]}", "needs a `handle`"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct wire_item item;
        char why[300];
        assert_int_equal(read_json(cases[i].json, false, &item, why), ERR_INVALID);
        if (!strstr(why, cases[i].why))
            fail_msg("%s: %s", cases[i].json, why);
        wire_item_fini(&item);
    }
}

static void test_too_many_and_too_long(void **state)
{
    struct wire_item item;
    char why[300];
    char *json = mem_zalloc(WIRE_TEXT_MAX + 1000);
    (void)state;
    strcpy(json, "{" S ",\"text\":\"x\",\"direction\":\"outbound\",\"to\":[{\"handle\":\"a\"}");
    for (int i = 0; i < WIRE_TO_MAX; i++)
        strcat(json, ",{\"handle\":\"a\"}");
    assert_int_equal(read_json(strcat(json, "]}"), false, &item, why), ERR_INVALID);
    assert_non_null(strstr(why, "1 to 50"));
    wire_item_fini(&item);

    int n = sprintf(json, "{" S ",\"text\":\"");
    memset(json + n, 'x', WIRE_TEXT_MAX + 1);
    strcpy(json + n + WIRE_TEXT_MAX + 1, "\"}");
    assert_int_equal(read_json(json, false, &item, why), ERR_INVALID);
    assert_non_null(strstr(why, "`text` is longer"));
    wire_item_fini(&item);
    strcpy(json + n + WIRE_TEXT_MAX, "\"}");
    assert_int_equal(read_json(json, false, &item, why), OK);
    wire_item_fini(&item);

    snprintf(json, 2000, "{" S ",\"text\":\"x\",\"id\":\"%0*d\"}", WIRE_ID_MAX + 1, 1);
    assert_int_equal(read_json(json, false, &item, why), ERR_INVALID);
    assert_non_null(strstr(why, "`id` is longer"));
    wire_item_fini(&item);
    free(json);
}

static void test_receipts(void **state)
{
    static const struct {
        const char *json, *why; /* NULL: fine */
        uint32_t status;
    } cases[] = {
        {"{\"delivery_id\":\"d1\",\"status\":\"delivered\"}", NULL, FB_RECEIPT_DELIVERED},
        {"{\"external_id\":12,\"status\":\"read\"}", NULL, FB_RECEIPT_READ},
        {"{\"delivery_id\":\"d\",\"external_id\":\"e\",\"status\":\"read\"}", NULL, FB_RECEIPT_READ},
        {"{\"external_id\":\"e\",\"status\":\"failed\",\"reason\":\"gone\"}", NULL, FB_RECEIPT_FAILED},
        {"{\"status\":\"read\"}", "`delivery_id` or `external_id`", 0},
        {"{\"delivery_id\":\"d1\"}", "`status` of a receipt", 0},
        {"{\"delivery_id\":\"d1\",\"status\":\"lost\"}", "`status` of a receipt", 0},
        {"{\"delivery_id\":\"d1\",\"status\":1}", "`status` of a receipt", 0},
        {"{\"delivery_id\":[],\"status\":\"read\"}", "`delivery_id` must be", 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct wire_item item;
        char why[300];
        assert_int_equal(read_json(cases[i].json, true, &item, why), cases[i].why ? ERR_INVALID : OK);
        if (cases[i].why)
            assert_non_null(strstr(why, cases[i].why));
        else
            assert_int_equal(item.receipt.status, cases[i].status);
        assert_false(item.receipt.delivery_id && item.receipt.external_id);
        wire_item_fini(&item);
    }
}

static void test_lines(void **state)
{
    static const struct {
        const char *raw;
        size_t max;
        const char *line;
    } cases[] = {
        {"plain", 100, "plain"},
        {"  a \r\n\t b\x7f\x01 ", 100, "a b"},
        {"abc", 3, "ab"},
        {"a\u20ac", 4, "a"},
        {"a\u20ac", 5, "a\u20ac"},
        {"bad\xff\xc0\x80 byte", 100, "bad??? byte"},
        {"\xed\xa0\x80", 100, "???"},
        {"cut\xe2\x82", 100, "cut??"},
        {"", 1, ""},
        {"x", 1, ""},
        {"a b", 3, "a"},
    };
    char out[100];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(wire_line(span_of(cases[i].raw), out, cases[i].max), strlen(cases[i].line));
        assert_string_equal(out, cases[i].line);
    }
    assert_true(wire_is_utf8(SPAN_LIT("\u00e9\u20ac\U0001f600")));
    assert_false(wire_is_utf8(SPAN_LIT("\xf4\x90\x80\x80")));
    assert_true(wire_is_utf8(SPAN_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message),          cmocka_unit_test(test_outbound_message),
        cmocka_unit_test(test_refused_messages), cmocka_unit_test(test_too_many_and_too_long),
        cmocka_unit_test(test_receipts),         cmocka_unit_test(test_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
