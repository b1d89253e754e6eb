/* The calls of an app: where their fields stand, what is refused, and the answers byte by byte. */
#include "unit.h"

#include "front/app_call.h"

static enum err read_call(const char *text, struct app_call *c, struct buf *why)
{
    struct json doc;

    assert_int_equal(json_parse(&doc, span_of(text)), OK);
    enum err e = app_call_read(c, json_root(&doc), why);
    json_fini(&doc);
    return e;
}

static void test_fields(void **state)
{
    struct app_call c;
    struct buf why;

    (void)state;
    buf_init(&why, 1024);
    assert_int_equal(
        read_call("{\"type\":\"authorization\",\"payload\":{\"channel_id\":\"cha_1\",\"address\":\"+4930\"}}",
                  &c, &why),
        OK);
    assert_string_equal(c.channel_id, "cha_1");
    assert_string_equal(c.address, "+4930");
    assert_string_equal(c.page_token, "");
    assert_int_equal(
        read_call("{\"payload\":{\"message_uid\":\"u\",\"metadata\":{\"external_id\":\"e\"}}}", &c, &why),
        OK);
    assert_string_equal(c.message_uid, "u");
    assert_string_equal(c.external_id, "e");
    assert_string_equal(c.channel_id, "");
}

static void test_a_page_token_wherever_it_stands(void **state)
{
    static const char *const texts[] = {
        "{\"pagination\":{\"page_token\":\"t\"}}",
        "{\"pagination\":{\"next_page_token\":\"t\"}}",
        "{\"payload\":{\"page_token\":\"t\"}}",
        "{\"payload\":{\"pagination\":{\"next_page_token\":\"t\"}}}",
        "{\"page_token\":\"t\",\"pagination\":null}",
    };
    struct app_call c;
    struct buf why;

    (void)state;
    buf_init(&why, 1024);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_int_equal(read_call(texts[i], &c, &why), OK);
        assert_string_equal(c.page_token, "t");
    }
}

static void test_nulls_and_other_shapes_are_absent(void **state)
{
    static const char *const texts[] = {"{}", "{\"payload\":null}", "{\"payload\":\"x\"}",
                                        "{\"payload\":[1]}",
                                        "{\"payload\":{\"channel_id\":null,\"metadata\":7}}"};
    static const struct app_call none;
    struct app_call c;
    struct buf why;

    (void)state;
    buf_init(&why, 1024);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_int_equal(read_call(texts[i], &c, &why), OK);
        assert_memory_equal(&c, &none, sizeof c);
    }
}

static void test_what_is_refused(void **state)
{
    char text[1024], id[APP_CALL_ID_MAX + 2];
    struct app_call c;
    struct buf why;

    (void)state;
    buf_init(&why, 1024);
    assert_int_equal(read_call("{\"payload\":{\"channel_id\":7}}", &c, &why), ERR_INVALID);
    assert_text(&why, "payload.channel_id is not a string.");
    assert_int_equal(read_call("{\"payload\":{\"channel_id\":\"a\\nb\"}}", &c, &why), ERR_INVALID);
    assert_text(&why, "payload.channel_id contains control characters.");
    for (size_t n = APP_CALL_ID_MAX; n <= APP_CALL_ID_MAX + 1; n++) {
        memset(id, 'x', n);
        id[n] = '\0';
        snprintf(text, sizeof text, "{\"payload\":{\"channel_id\":\"%s\"}}", id);
        assert_int_equal(read_call(text, &c, &why), n > APP_CALL_ID_MAX ? ERR_LIMIT : OK);
    }
    assert_text(&why, "payload.channel_id is longer than 200 bytes.");
    buf_fini(&why);
}

static void test_answers(void **state)
{
    const struct app_address page[] = {{"+4930", "support"}, {"a\"b", "b"}};
    struct buf out;

    (void)state;
    buf_init(&out, 1024);
    front_answer_webhook(&out, SPAN_LIT("https://b.example/front/x"));
    assert_text(&out, "{\"type\":\"success\",\"webhook_url\":\"https://b.example/front/x\"}");
    front_answer_addresses(&out, page, 2, "b");
    assert_text(&out, "{\"type\":\"success\",\"addresses\":[{\"address\":\"+4930\",\"name\":\"support\"},"
                      "{\"address\":\"a\\\"b\",\"name\":\"b\"}],\"pagination\":{\"next_page_token\":\"b\"}}");
    front_answer_addresses(&out, page, 0, NULL);
    assert_text(&out, "{\"type\":\"success\",\"addresses\":[]}");
    buf_fini(&out);
}

/* All pages together are all addresses, each once, however many there are. */
static void test_pages(void **state)
{
    static char name[3 * APP_ADDRESSES_PAGE + 1][8];
    struct app_address all[ARRAY_LEN(name)];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(name); i++) {
        snprintf(name[i], sizeof name[i], "c%zu", i);
        all[i] = (struct app_address){name[i], name[i]};
    }
    for (size_t total = 0; total <= ARRAY_LEN(name); total++) {
        const char *token = "";
        size_t seen = 0, pages = 0;
        while (token) {
            const struct app_address *page = all;
            size_t n = total;
            assert_int_equal(app_addresses_page(&page, &n, token, &token), OK);
            assert_ptr_equal(page, all + seen);
            assert_true(n <= APP_ADDRESSES_PAGE);
            seen += n;
            pages++;
        }
        assert_int_equal(seen, total);
        assert_int_equal(pages, total == 0 ? 1 : (total + APP_ADDRESSES_PAGE - 1) / APP_ADDRESSES_PAGE);
    }
}

static void test_tokens_that_lie(void **state)
{
    const struct app_address all[] = {{"1", "a"}, {"2", "b"}};
    static const char *const lies[] = {"c", "A", "ab", "1", "0", "-1", "a "};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
        const struct app_address *page = all;
        const char *next = NULL;
        size_t n = 2;
        assert_int_equal(app_addresses_page(&page, &n, lies[i], &next), ERR_INVALID);
        assert_true(page == all && n == 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_a_page_token_wherever_it_stands),
        cmocka_unit_test(test_nulls_and_other_shapes_are_absent),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_tokens_that_lie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
