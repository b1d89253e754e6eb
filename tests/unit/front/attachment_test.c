/* A message's files: which ids are taken, what is cleaned, what is over a limit, and what the adapter is told. */
#include "unit.h"
#include "front/attachment.h"

enum { MAX = 1000 };

struct fixture {
    struct json doc;
    struct attachments a;
    struct buf text;
};

static struct fixture f;

static void read_text(struct span text, uint64_t max)
{
    assert_int_equal(json_parse(&f.doc, text), OK);
    attachments_read(json_root(&f.doc), max, &f.a);
}

static void read(const char *text)
{
    read_text(span_of(text), MAX);
}

static void done(void)
{
    attachments_fini(&f.a);
    json_fini(&f.doc);
    buf_fini(&f.text);
}

static void test_ids(void **state)
{
    (void)state;
    static const struct {
        const char *item, *id;
    } rows[] = {
        {"{\"id\":\"fil_1\",\"url\":\"https://acme.api.frontapp.com/download/fil_2\"}", "fil_2"},
        {"{\"id\":\"fil_1\",\"url\":\"https://evil.example/download/fil_2\"}", "fil_2"},
        {"{\"id\":\"fil_1\",\"url\":\"https://api2.frontapp.com/messages/msg_1/download/fil_2\"}", "fil_2"},
        {"{\"id\":\"fil_1\",\"url\":\"https://evil.example/accounts\"}", "fil_1"},
        {"{\"id\":\"fil_1\",\"url\":\"file:///etc/passwd\"}", "fil_1"},
        {"{\"id\":\"fil_1\",\"url\":null}", "fil_1"},
        {"{\"id\":\"../../me\",\"url\":\"http://10.0.0.1/\"}", NULL},
        {"{\"id\":\"a/b\"}", NULL},
        {"{\"id\":7}", NULL},
        {"{}", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf_init(&f.text, 1000);
        buf_addf(&f.text, "{\"attachments\":[%s]}", rows[i].item);
        read(f.text.p);
        assert_int_equal(f.a.n, 1);
        if (rows[i].id)
            assert_string_equal(f.a.item[0].id, rows[i].id);
        else
            assert_null(f.a.item[0].id);
        assert_int_equal(f.a.item[0].reason[0] != '\0', !rows[i].id);
        done();
    }
}

static void test_what_is_kept(void **state)
{
    (void)state;
    read("{\"attachments\":[{\"id\":\"fil_1\",\"filename\":\"..\\/a\\u0007.png\",\"content_type\":\"image/"
         "PNG; x\","
         "\"size\":12,\"metadata\":{\"is_inline\":true,\"cid\":\"c1\"}},"
         "{\"id\":\"fil_2\",\"filename\":null,\"content_type\":7,\"size\":-5,\"metadata\":null},"
         "{\"id\":\"fil_3\",\"size\":1.5}]}");
    assert_int_equal(f.a.n, 3);
    assert_string_equal(f.a.item[0].filename, "a .png");
    assert_string_equal(f.a.item[0].content_type, "image/png");
    assert_string_equal(f.a.item[0].cid, "c1");
    assert_int_equal(f.a.item[0].bytes, 12);
    assert_string_equal(f.a.item[1].filename, "file");
    assert_string_equal(f.a.item[1].content_type, "application/octet-stream");
    assert_null(f.a.item[1].cid);
    assert_int_equal(f.a.item[1].bytes, -1);
    assert_int_equal(f.a.item[2].bytes, -1);
    done();
    read("{}");
    assert_int_equal(f.a.n, 0);
    done();
}

static void test_limits(void **state)
{
    (void)state;
    read("{\"attachments\":[{\"id\":\"fil_1\",\"size\":600},{\"id\":\"fil_2\",\"size\":400}]}");
    assert_non_null(f.a.item[0].id);
    done();
    read("{\"attachments\":[{\"id\":\"fil_1\",\"size\":600},{\"id\":\"fil_2\",\"size\":401}]}");
    assert_null(f.a.item[0].id);
    assert_non_null(strstr(f.a.item[0].reason, "larger than"));
    done();
    read("{\"attachments\":[{\"id\":\"fil_1\",\"size\":9223372036854775807},{\"id\":\"fil_2\",\"size\":"
         "9223372036854775807},"
         "{\"id\":\"fil_3\",\"size\":9223372036854775807}]}");
    assert_null(f.a.item[0].id);
    done();
    buf_init(&f.text, 10000);
    buf_add_str(&f.text, "{\"attachments\":[{}");
    for (int i = 0; i < ATTACHMENTS_MAX; i++)
        buf_addf(&f.text, ",{\"id\":\"fil_%d\"}", i);
    buf_add_str(&f.text, "]}");
    read(f.text.p);
    assert_int_equal(f.a.n, ATTACHMENTS_MAX);
    assert_non_null(strstr(f.a.item[0].reason, "33 files"));
    done();
}

static void test_told(void **state)
{
    (void)state;
    static const struct attached files[] = {{.filename = "a \"b\".png",
                                             .content_type = "image/png",
                                             .cid = "c1",
                                             .url = "http://x/files/1",
                                             .bytes = 12},
                                            {.filename = "c", .content_type = "x/y", .bytes = 0}};
    struct buf out;
    buf_init(&out, 1000);
    assert_int_equal(
        attachments_tell(SPAN_LIT("{\"text\":\"]\",\"attachments\" : [{\"filename\":\"]\"}, {}] ,\"z\":1}"),
                         files, 2, &out),
        OK);
    assert_string_equal(
        out.p,
        "{\"text\":\"]\",\"attachments\" : [{\"filename\":\"a \\\"b\\\".png\",\"content_type\":\"image/png\","
        "\"size\":12,\"url\":\"http://x/files/1\",\"cid\":\"c1\"},{\"filename\":\"c\",\"content_type\":\"x/"
        "y\","
        "\"size\":0,\"url\":null}] ,\"z\":1}");
    assert_int_equal(attachments_tell(SPAN_LIT("{\"text\":\"\"}"), files, 2, &out), ERR_INVALID);
    assert_int_equal(attachments_tell(SPAN_LIT("nonsense"), files, 2, &out), ERR_INVALID);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_what_is_kept),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
