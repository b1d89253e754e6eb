/* Forms are cut exactly at their boundaries, or refused with a sentence. */
#include "../base/test.h"
#include "base/multipart.h"
#include "base/mem.h"
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#define TYPE        "multipart/form-data; boundary=b"
#define FIELD(name) "Content-Disposition: form-data; name=\"" name "\""

static enum err parse(struct multipart *m, const char *type, struct span body, const char **why)
{
    *why = NULL;
    enum err e = multipart_parse(m, 0, span_of(type), body, why);
    assert_true((e == OK) == (*why == NULL));
    return e;
}

static void parts_are_cut_whole(void **state)
{
    (void)state;
    static const char body[] =
        "--b\r\n" FIELD("a") "\r\n\r\n\r\n"
                             "--b\r\ncontent-disposition:FORM-DATA ;filename=\"x\\\"\\\\\\y.png\";name=f\r\n"
                             "content-type:image/png\r\nContent-ID: <c@d>\r\nX-Other: 1\r\n\r\n"
                             "\r\n--\0--b\r\n-\r\n--b--\r\n";
    struct multipart m;
    const char *why;
    assert_int_equal(parse(&m, "multipart/form-data; charset=utf-8; boundary=\"b\"",
                           (struct span){body, sizeof body - 1}, &why),
                     OK);
    assert_int_equal(m.n, 2);
    assert_string_equal(m.part[0].name, "a");
    assert_null(m.part[0].filename);
    assert_int_equal(m.part[0].data.n, 0);
    assert_string_equal(m.part[1].name, "f");
    assert_string_equal(m.part[1].filename, "x\"\\\\y.png");
    assert_string_equal(m.part[1].content_type, "image/png");
    assert_string_equal(m.part[1].cid, "c@d");
    assert_true(span_eq(m.part[1].data, (struct span){"\r\n--\0--b\r\n-", 11}));
    multipart_fini(&m);
}

static void an_empty_form_has_no_parts(void **state)
{
    (void)state;
    struct multipart m;
    const char *why;
    assert_int_equal(parse(&m, TYPE, SPAN_LIT("--b--"), &why), OK);
    assert_int_equal(m.n, 0);
    multipart_fini(&m);
}

static void malformed_forms_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *type, *body;
    } cases[] = {
        {TYPE, ""},
        {TYPE, "--b"},
        {TYPE, "--b\r\n"},
        {TYPE, "--b-"},
        {TYPE, "--b--\r\n\r\n"},
        {TYPE, "\r\n--b--"},
        {TYPE, "--b\n" FIELD("a") "\n\nx\n--b--"},
        {TYPE, "--b \r\n" FIELD("a") "\r\n\r\nx\r\n--b--"},
        {TYPE, "--b\r\n\r\nx\r\n--b--"},
        {TYPE, "--b\r\n" FIELD("") "\r\n\r\nx\r\n--b--"},
        {TYPE, "--b\r\n" FIELD("a") "\r\n\r\nx"},
        {TYPE, "--b\r\n" FIELD("a") "\r\n\r\nx--b--"},
        {TYPE, "--b\r\n" FIELD("a") "\r\n\r\n--b--"},
        {TYPE, "--b\r\n" FIELD("a") "\r\n\r\nx\r\n--bc\r\n--b--"},
        {TYPE, "--b\r\n" FIELD("a") ";\r\n\r\nx\r\n--b--"},
        {TYPE, "--b\r\n" FIELD("a") "; name=c\r\n\r\nx\r\n--b--"},
        {TYPE, "--b\r\n" FIELD("a") "\r\n" FIELD("a") "\r\n\r\nx\r\n--b--"},
        {TYPE, "--b\r\n" FIELD("a") "; filename*=utf-8''x\r\n\r\nx\r\n--b--"},
        {TYPE, "--b\r\n" FIELD("a") "; filename=\"x\r\n\r\nx\r\n--b--"},
        {TYPE, "--b\r\n" FIELD("\xc3") "\r\n\r\nx\r\n--b--"},
        {TYPE, "--b\r\n" FIELD("a\tb") "\r\n\r\nx\r\n--b--"},
        {TYPE, "--b\r\n" FIELD("a") "\r\nContent-ID: c\r\n\r\nx\r\n--b--"},
        {TYPE, "--b\r\n" FIELD("a") "\r\nContent-Transfer-Encoding: base64\r\n\r\nx\r\n--b--"},
        {TYPE, "--b\r\n" FIELD("a") "\r\nno header\r\n\r\nx\r\n--b--"},
        {TYPE, "--b\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n--b--"},
        {"multipart/form-data", "--b--"},
        {"multipart/form-data; boundary=\"b", "--b--"},
        {"multipart/form-data; boundary=b; boundary=b", "--b--"},
        {"multipart/form-data; boundary=b;", "--b--"},
        {"multipart/form-data; boundary=\"a<\"", "--a<--"},
        {"multipart/form-data; boundary=\"b \"", "--b --"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct multipart m;
        const char *why;
        if (parse(&m, cases[i].type, span_of(cases[i].body), &why) == OK)
            fail_msg("%s %s", cases[i].type, cases[i].body);
        multipart_fini(&m);
    }
}

static void extended_names_are_read_where_they_are_wanted(void **state)
{
    (void)state;
    static const struct {
        const char *more, *filename; /* NULL: refused */
    } cases[] = {
        {"; filename*=UTF-8''Caf%C3%A9%20%22x%22.png", "Caf\u00e9 \"x\".png"},
        {"; filename*=utf-8'de'a.png; filename=\"b.png\"", "a.png"},
        {"; filename=\"=?utf-8?B?Q2Fmw6k=?=\"; filename*=utf-8''Caf%c3%a9", "Caf\u00e9"},
        {"; filename*=\"utf-8''a%20b\"", "a b"},
        {"; filename*=utf-8''a; filename*=utf-8''b", NULL},
        {"; filename*=iso-8859-1''a", NULL},
        {"; filename*=utf-8'a", NULL},
        {"; filename*=a", NULL},
        {"; filename*=utf-8''%C3", NULL},
        {"; filename*=utf-8''%4", NULL},
        {"; filename*=utf-8''%zz", NULL},
        {"; filename*=utf-8''%00", NULL},
        {"; filename*=utf-8''%0d%0a", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char body[300];
        const char *why = NULL;
        struct multipart m;
        snprintf(body, sizeof body, "--b\r\n" FIELD("a") "%s\r\n\r\nx\r\n--b--", cases[i].more);
        enum err e = multipart_parse(&m, MULTIPART_EXTENDED_NAMES, span_of(TYPE), span_of(body), &why);
        assert_int_equal(e == OK, cases[i].filename != NULL);
        if (e == OK)
            assert_string_equal(m.part[0].filename, cases[i].filename);
        else
            assert_non_null(why);
        multipart_fini(&m);
    }
}

static void limits_hold(void **state)
{
    (void)state;
    struct buf body, head;
    struct multipart m;
    const char *why;
    buf_init(&body, 1 << 20);
    for (unsigned i = 0; i <= MULTIPART_PARTS_MAX; i++)
        buf_add_str(&body, "--b\r\n" FIELD("a") "\r\n\r\nx\r\n");
    buf_add_str(&body, "--b--");
    assert_int_equal(parse(&m, TYPE, buf_span(&body), &why), ERR_LIMIT);
    multipart_fini(&m);
    size_t one = strlen("--b\r\n" FIELD("a") "\r\n\r\nx\r\n");
    assert_int_equal(parse(&m, TYPE, (struct span){body.p + one, body.n - one}, &why), OK);
    multipart_fini(&m);
    buf_init(&head, 8192);
    buf_add_str(&head, "--b\r\n" FIELD("a") "; filename=\"");
    for (unsigned i = 0; i <= MULTIPART_NAME_MAX; i++)
        buf_add_char(&head, 'n');
    buf_add_str(&head, "\"\r\n\r\nx\r\n--b--");
    assert_int_equal(parse(&m, TYPE, buf_span(&head), &why), ERR_LIMIT);
    multipart_fini(&m);
    buf_fini(&head);
    buf_fini(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_cut_whole),
        cmocka_unit_test(an_empty_form_has_no_parts),
        cmocka_unit_test(malformed_forms_are_refused),
        cmocka_unit_test(extended_names_are_read_where_they_are_wanted),
        cmocka_unit_test(limits_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
