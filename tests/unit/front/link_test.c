/* Links: only ids and paths are taken, whatever the host says. */
#include "unit.h"
#include "front/link.h"

static void assert_span(struct span s, const char *expected)
{
    if (!expected) {
        assert_null(s.p);
        return;
    }
    assert_non_null(s.p);
    assert_int_equal(s.n, strlen(expected));
    assert_memory_equal(s.p, expected, s.n);
}

static void test_links(void **state)
{
    static const struct {
        const char *link, *id, *path, *host;
    } rows[] = {
        {"https://api2.frontapp.com/conversations/cnv_1a", "cnv_1a", "/conversations/cnv_1a",
         "api2.frontapp.com"},
        {"https://acme.api.frontapp.com/messages/msg_1?x=1#y", "msg_1", "/messages/msg_1?x=1",
         "acme.api.frontapp.com"},
        {"http://127.0.0.1:8080/messages/alt:uid:ab-c", "alt:uid:ab-c", "/messages/alt:uid:ab-c",
         "127.0.0.1:8080"},
        {"https://evil.example/conversations/cnv_2", "cnv_2", "/conversations/cnv_2", "evil.example"},
        {"https://h/a/", NULL, "/a/", "h"},
        {"https://h/", NULL, "/", "h"},
        {"https://h", NULL, NULL, "h"},
        {"https://h/a/..", NULL, "/a/..", "h"},
        {"https://h/a/b%2fc", NULL, "/a/b%2fc", "h"},
        {"https://h/a/b c", NULL, NULL, "h"},
        {"https://h/a/b\r\nX: y", NULL, NULL, "h"},
        {"https://user:pass@h/a/b", NULL, NULL, NULL},
        {"https://h\\@evil/a/b", NULL, NULL, NULL},
        {"https:///a/b", NULL, NULL, NULL},
        {"ftp://h/a/b", NULL, NULL, NULL},
        {"//h/a/b", NULL, NULL, NULL},
        {"cnv_1", NULL, NULL, NULL},
        {"", NULL, NULL, NULL},
        {NULL, NULL, NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_span(front_id_of_link(span_of(rows[i].link)), rows[i].id);
        assert_span(front_path_of_link(span_of(rows[i].link)), rows[i].path);
        assert_span(front_host_of_link(span_of(rows[i].link)), rows[i].host);
    }
}

static void test_long_ids_are_none(void **state)
{
    char link[300];
    (void)state;
    for (size_t n = FRONT_ID_MAX; n <= FRONT_ID_MAX + 1; n++) {
        memset(link, 'a', sizeof link);
        memcpy(link, "https://h/", 10);
        struct span id = front_id_of_link((struct span){link, 10 + n});
        assert_int_equal(id.n, n == FRONT_ID_MAX ? n : 0);
    }
}

static void test_foreign(void **state)
{
    (void)state;
    assert_false(front_link_is_foreign(SPAN_LIT("https://api2.frontapp.com/a")));
    assert_false(front_link_is_foreign(SPAN_LIT("https://ACME.api.FrontApp.com/a")));
    assert_true(front_link_is_foreign(SPAN_LIT("https://frontapp.com.evil.example/a")));
    assert_true(front_link_is_foreign(SPAN_LIT("https://evilfrontapp.com/a")));
    assert_true(front_link_is_foreign(SPAN_LIT("https://api2.frontapp.com@evil.example/a")));
    assert_true(front_link_is_foreign(SPAN_LIT("nothing")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_long_ids_are_none),
        cmocka_unit_test(test_foreign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
