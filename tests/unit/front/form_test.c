/* A call's JSON as the fields of a form, and the files behind them. */
#include "front/form.h"
#include "unit.h"

static void assert_part(const struct front_form *f, size_t i, const char *name, const char *value)
{
    assert_in_range(i, 0, f->part_n - 1);
    assert_string_equal(f->part[i].name, name);
    if (!span_is(f->part[i].value, value))
        fail_msg("%s is %.*s, not %s", name, SPAN_FMT(f->part[i].value), value);
}

static void test_fields(void **state)
{
    static const char json[] =
        "{\"sender\":{\"handle\":\"a\\n\\u00e9\",\"name\":null},\"to\":[\"x\",{\"handle\":\"y\"}],\"body\":"
        "\"\","
        "\"n\":17,\"metadata\":{\"headers\":{\"front_bridge_id\":\"fb1\"},\"is_inbound\":false}}";
    static const struct {
        const char *name, *value;
    } fields[] = {
        {"sender[handle]", "a\n\xc3\xa9"},
        {"to[0]", "x"},
        {"to[1][handle]", "y"},
        {"body", ""},
        {"n", "17"},
        {"metadata[headers][front_bridge_id]", "fb1"},
        {"metadata[is_inbound]", "false"},
    };
    struct front_form f;
    (void)state;

    assert_int_equal(front_form_read(&f, span_of(json)), OK);
    assert_int_equal(f.part_n, ARRAY_LEN(fields));
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        assert_part(&f, i, fields[i].name, fields[i].value);
    front_form_fini(&f);
}

static void test_files(void **state)
{
    struct front_form f;
    (void)state;

    assert_int_equal(front_form_read(&f, SPAN_LIT("{\"body\":\"x\"}")), OK);
    for (int i = 0; i < 2; i++)
        front_form_add_file(&f, &(struct http_part){.fd = 7 + i,
                                                    .bytes = 5,
                                                    .filename = i ? "b.txt" : "a \"b\".png",
                                                    .content_type = "image/png",
                                                    .cid = i ? "c1" : NULL});
    assert_int_equal(f.part_n, 3);
    assert_string_equal(f.part[1].name, "attachments[0]");
    assert_string_equal(f.part[2].name, "attachments[1]");
    assert_string_equal(f.part[1].filename, "a 'b'.png");
    assert_null(f.part[1].cid);
    assert_string_equal(f.part[2].cid, "c1");
    assert_null(f.part[2].value.p);
    assert_int_equal(f.part[2].fd, 8);
    front_form_fini(&f);
}

static void test_what_is_no_object(void **state)
{
    static const char *const wrong[] = {"", "[]", "\"x\"", "{"};
    struct front_form f;
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_int_equal(front_form_read(&f, span_of(wrong[i])), ERR_INVALID);
        front_form_fini(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fields), cmocka_unit_test(test_files),
                                       cmocka_unit_test(test_what_is_no_object)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
