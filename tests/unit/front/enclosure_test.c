/* The files of a backend's message: what is refused, what is cleaned, and what is too much. */
#include "front/enclosure.h"
#include "unit.h"

#define FD    "{\"filename\":\"a.png\",\"content_type\":\"image/png\",\"fd\":0}"
#define NAMED "\"filename\":\"a.png\",\"content_type\":\"image/png\""

static void test_the_check(void **state)
{
    static const struct {
        const char *list, *why; /* NULL: it is right */
    } rows[] = {
        {"null", NULL},
        {"[]", NULL},
        {"[" FD "]", NULL},
        {"[{\"filename\":\"a\",\"url\":\"https://x.org\"}]", NULL},
        {"[{" NAMED ",\"url\":\"http://x.org/\\u00e9?a=b\",\"cid\":\"c\",\"size\":0}]", NULL},
        {"{}", "attachments is not a list"},
        {"[7]", "needs a filename"},
        {"[{\"fd\":0}]", "needs a filename"},
        {"[{\"filename\":\"\",\"fd\":0}]", "needs a filename"},
        {"[{\"filename\":\"a\",\"content_type\":7,\"fd\":0}]", "content_type and cid"},
        {"[{" NAMED ",\"cid\":\"\",\"fd\":0}]", "content_type and cid"},
        {"[{" NAMED ",\"size\":-1,\"fd\":0}]", "number of bytes"},
        {"[{" NAMED ",\"size\":\"7\",\"fd\":0}]", "number of bytes"},
        {"[{" NAMED "}]", "a url or a descriptor"},
        {"[{" NAMED ",\"fd\":1}]", "a url or a descriptor"},
        {"[" FD "," FD "]", "a url or a descriptor"},
        {"[{" NAMED ",\"url\":\"\"}]", "must begin with http"},
        {"[{" NAMED ",\"url\":\"file:///etc/passwd\"}]", "must begin with http"},
        {"[{" NAMED ",\"url\":\"https://\"}]", "must begin with http"},
        {"[{" NAMED ",\"url\":\"http:///x\"}]", "must begin with http"},
        {"[{" NAMED ",\"url\":\"http://x.org/a b\"}]", "must begin with http"},
        {"[{" NAMED ",\"url\":\"http://x.org/\\r\\nHost: y\"}]", "must begin with http"},
        {"[{" NAMED ",\"url\":7}]", "must begin with http"},
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct json doc;
        struct buf why;
        buf_init(&why, 1000);
        assert_int_equal(json_parse(&doc, span_of(rows[i].list)), OK);
        enum err e = enclosures_check(json_root(&doc), true, &why);
        if ((e == OK) != !rows[i].why || (rows[i].why && !strstr(why.p, rows[i].why)))
            fail_msg("%s: %s", rows[i].list, why.p ? why.p : "taken");
        json_fini(&doc);
        buf_fini(&why);
    }
}

static void test_where_there_are_no_descriptors(void **state)
{
    struct json doc;
    struct buf why;
    (void)state;

    buf_init(&why, 1000);
    assert_int_equal(json_parse(&doc, SPAN_LIT("[" FD "]")), OK);
    assert_int_equal(enclosures_check(json_root(&doc), false, &why), ERR_INVALID);
    assert_string_equal(why.p, "an attachment needs a url");
    json_fini(&doc);
    buf_fini(&why);
}

static void test_there_are_at_most_32(void **state)
{
    (void)state;

    for (int n = 32; n <= 33; n++) {
        struct json doc;
        struct buf text, why;
        buf_init(&text, 1 << 16);
        buf_init(&why, 1000);
        for (int i = 0; i < n; i++)
            buf_addf(&text, "%c{" NAMED ",\"fd\":%d}", i ? ',' : '[', i);
        buf_add_char(&text, ']');
        assert_int_equal(json_parse(&doc, buf_span(&text)), OK);
        assert_int_equal(enclosures_check(json_root(&doc), true, &why), n == 32 ? OK : ERR_LIMIT);
        json_fini(&doc);
        buf_fini(&text);
        buf_fini(&why);
    }
}

static void test_what_is_kept(void **state)
{
    static const char list[] = "[{\"filename\":\"../../x\\u202egnp.exe\",\"content_type\":\"IMAGE/PNG; "
                               "a=b\",\"cid\":\"<c1>\",\"fd\":0,\"size\":9},"
                               "{\"filename\":\"b\",\"url\":\"https://x.org/1\",\"size\":40},"
                               "{\"filename\":\"c\",\"url\":\"https://x.org/2\",\"size\":41},"
                               "{\"filename\":\"d\",\"url\":\"https://x.org/3\"}]";
    const uint64_t fd_bytes[] = {60};
    struct enclosures e;
    struct json doc;
    (void)state;

    assert_int_equal(json_parse(&doc, span_of(list)), OK);
    enclosures_read(json_root(&doc), fd_bytes, 100, &e);
    assert_int_equal(e.n, 4);
    assert_int_equal(e.fd_n, 1);
    assert_string_equal(e.item[0].filename, "xgnp.exe");
    assert_string_equal(e.item[0].content_type, "image/png");
    assert_string_equal(e.item[0].cid, "c1");
    assert_int_equal(e.item[0].bytes, 60); /* what it has, not what is said */
    assert_string_equal(e.item[1].content_type, "application/octet-stream");
    assert_string_equal(e.item[1].reason, "");
    assert_non_null(strstr(e.item[2].reason, "\"c\" was left out"));
    assert_int_equal(e.item[3].bytes, -1);
    assert_string_equal(e.item[3].reason, "");
    enclosures_fini(&e);
    json_fini(&doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_check),
        cmocka_unit_test(test_where_there_are_no_descriptors),
        cmocka_unit_test(test_there_are_at_most_32),
        cmocka_unit_test(test_what_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
