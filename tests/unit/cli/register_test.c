/*
 * Which channel of an inbox is ours, and what of a channel's settings stays.
 */
#include "../base/test.h"
#include "base/mem.h"
#include "cli/register_plan.h"
#include <stdlib.h>
#include <string.h>

#define CUSTOM(id, name) "{\"id\":\"" id "\",\"type\":\"custom\",\"name\":\"" name "\"}"

static struct json doc;

static struct jval list_of(const char *text)
{
    json_fini(&doc);
    if (json_parse(&doc, span_of(text)) != OK)
        fail_msg("%s", text);
    return json_root(&doc);
}

static void expect(char *got, const char *want)
{
    if ((got == NULL) != (want == NULL) || (got && strcmp(got, want) != 0))
        fail_msg("%s, want %s", got ? got : "none", want ? want : "none");
    free(got);
}

static void test_names(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, REGISTER_NAME_MAX);
    register_name(&out, "support", NULL);
    assert_string_equal(out.p, "support (front-bridge)");
    buf_clear(&out);
    register_name(&out, "support", "x1");
    assert_string_equal(out.p, "support (front-bridge x1)");
    buf_fini(&out);
}

static const struct {
    const char *list, *mark, *other, *id;
} finds[] = {
    {"[]", NULL, NULL, NULL},
    {"[" CUSTOM("cha_1", "support (front-bridge)") "]", NULL, NULL, "cha_1"},
    {"[" CUSTOM("cha_1", "support (front-bridge ab12)") "]", NULL, NULL, "cha_1"},
    {"[" CUSTOM("cha_1", "support (front-bridge ab12)") "]", "ab12", NULL, "cha_1"},
    {"[" CUSTOM("cha_1", "support (front-bridge ab12)") "]", "ab13", NULL, NULL},
    {"[" CUSTOM("cha_1", "support (front-bridge)") "]", "ab12", NULL, NULL},
    {"[" CUSTOM("cha_1", "support (front-bridge)") "," CUSTOM("cha_2", "support (front-bridge z9)") "]", NULL,
     "cha_1", "cha_2"},
    {"[" CUSTOM("cha_1", "support (front-bridge)") "]", NULL, "cha_1", NULL},
    {"[" CUSTOM("cha_1", "support") "," CUSTOM("cha_2", "support2 (front-bridge)") "," CUSTOM(
         "cha_3",
         "suppo"
         "rt "
         "(fron"
         "t-"
         "bridg"
         "e of "
         "Ada)") "," CUSTOM("cha_4",
                            "support (front-bridgex)") "," CUSTOM("cha_5",
                                                                  "support (front-bridge )") "," CUSTOM("cha_"
                                                                                                        "6",
                                                                                                        "x "
                                                                                                        "supp"
                                                                                                        "ort "
                                                                                                        "(fro"
                                                                                                        "nt-"
                                                                                                        "brid"
                                                                                                        "ge)") "]",
     NULL, NULL, NULL},
    {"[{\"id\":\"cha_1\",\"type\":\"smtp\",\"name\":\"support (front-bridge)\"},"
     "{\"id\":\"cha_2\",\"type\":\"custom\",\"name\":null},{\"id\":\"cha_3\",\"type\":\"custom\"},7,null]",
     NULL, NULL, NULL},
    {"{\"a\":1}", NULL, NULL, NULL},
    {"7", NULL, NULL, NULL},
};

static void test_find(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(finds); i++)
        expect(register_find(list_of(finds[i].list), "support", finds[i].mark, finds[i].other), finds[i].id);
}

static const struct {
    const char *before, *after, *id;
} news[] = {
    {"[]", "[]", NULL},
    {"[" CUSTOM("cha_1", "") "]", "[" CUSTOM("cha_1", "") "," CUSTOM("cha_2", "") "]", "cha_2"},
    {"[]", "[" CUSTOM("cha_1", "Ada's") "]", NULL},
    {"[]", "[" CUSTOM("cha_1", "Ada's") "," CUSTOM("cha_2", "") "]", "cha_2"},
    {"[]", "[" CUSTOM("cha_1", "") "," CUSTOM("cha_2", "") "]", NULL},
    {"[]", "[{\"id\":\"cha_1\",\"type\":\"smtp\"},{\"id\":\"cha_2\",\"type\":\"custom\",\"name\":null}]",
     "cha_2"},
    {"[]", "[{\"type\":\"custom\"}]", NULL},
    {"null", "[" CUSTOM("cha_1", "") "]", "cha_1"},
};

static void test_new(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(news); i++) {
        struct json before = {0};
        assert_int_equal(json_parse(&before, span_of(news[i].before)), OK);
        expect(register_new(json_root(&before), list_of(news[i].after)), news[i].id);
        json_fini(&before);
    }
}

static const struct {
    const char *channel, *settings;
} kept[] = {
    {"{}", "{\"webhook_url\":\"https://b/front/s\"}"},
    {"{\"settings\":{\"undo_send_time\":5,\"all_teammates_can_reply\":false,\"webhook_url\":\"old\"}}",
     "{\"undo_send_time\":5,\"all_teammates_can_reply\":false,\"webhook_url\":\"https://b/front/s\"}"},
    {"{\"settings\":{\"new\":{\"a\":[1,\"\\u00e9\"]},\"none\":null}}",
     "{\"new\":{\"a\":[1,\"\\u00e9\"]},\"webhook_url\":\"https://b/front/s\"}"},
    {"{\"settings\":[1]}", "{\"webhook_url\":\"https://b/front/s\"}"},
    {"7", "{\"webhook_url\":\"https://b/front/s\"}"},
};

static void test_settings(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        struct buf out;
        struct jout j;
        buf_init(&out, 4096);
        jout_init(&j, &out);
        register_settings(&j, list_of(kept[i].channel), "https://b/front/s");
        assert_string_equal(out.p, kept[i].settings);
        buf_fini(&out);
    }
    json_fini(&doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_new),
        cmocka_unit_test(test_settings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
