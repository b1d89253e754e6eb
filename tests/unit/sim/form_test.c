/* Bracketed names become the object that they stand for, or are refused. */
#include "../base/test.h"
#include "sim/form.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

static enum err build(const char *const *names, size_t n, struct buf *out)
{
    struct form f;
    struct jout j;
    enum err e = OK;
    form_init(&f);
    jout_init(&j, out);
    for (size_t i = 0; i < n && e == OK; i++)
        e = form_add(&f, names[i], span_of(names[i]));
    if (e == OK)
        e = form_write(&f, &j);
    form_fini(&f);
    return e;
}

static void names_become_objects_and_arrays(void **state)
{
    (void)state;
    static const struct {
        const char *name[5], *json;
    } cases[] = {
        {{NULL}, "{}"},
        {{"a"}, "{\"a\":\"a\"}"},
        {{"s[h]", "s[n]"}, "{\"s\":{\"h\":\"s[h]\",\"n\":\"s[n]\"}}"},
        {{"to[1]", "to[0]"}, "{\"to\":[\"to[0]\",\"to[1]\"]}"},
        {{"to[]", "to[]"}, "{\"to\":[\"to[]\",\"to[]\"]}"},
        {{"to[0][h]", "to[0][n]"}, "{\"to\":[{\"h\":\"to[0][h]\",\"n\":\"to[0][n]\"}]}"},
        {{"m[headers][x y]"}, "{\"m\":{\"headers\":{\"x y\":\"m[headers][x y]\"}}}"},
        {{"m[x]", "m[0]"}, "{\"m\":{\"x\":\"m[x]\",\"0\":\"m[0]\"}}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out;
        size_t n = 0;
        while (cases[i].name[n])
            n++;
        buf_init(&out, 4096);
        assert_int_equal(build(cases[i].name, n, &out), OK);
        assert_string_equal(out.p, cases[i].json);
        buf_fini(&out);
    }
}

static void names_that_do_not_go_together_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name[3];
        enum err e;
    } cases[] = {
        {{"a", "a"}, ERR_CONFLICT},
        {{"a", "a[b]"}, ERR_CONFLICT},
        {{"a[b]", "a"}, ERR_CONFLICT},
        {{"a[0]", "a[b]"}, ERR_CONFLICT},
        {{"a[b]", "a[]"}, ERR_CONFLICT},
        {{"a[0]", "a[2]"}, ERR_INVALID},
        {{"a[1]"}, ERR_INVALID},
        {{""}, ERR_INVALID},
        {{"[a]"}, ERR_INVALID},
        {{"a]"}, ERR_INVALID},
        {{"a[b"}, ERR_INVALID},
        {{"a[b]c"}, ERR_INVALID},
        {{"a[b]]"}, ERR_INVALID},
        {{"a[[b]]"}, ERR_INVALID},
        {{"a[1][2][3][4][5][6][7][8]"}, ERR_LIMIT},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out;
        size_t n = cases[i].name[1] ? 2 : 1;
        buf_init(&out, 4096);
        assert_int_equal(build(cases[i].name, n, &out), cases[i].e);
        buf_fini(&out);
    }
}

/* A value that is cut at its NUL was read beyond its end. */
static void values_may_hold_anything(void **state)
{
    (void)state;
    struct form f;
    struct buf out;
    struct jout j;
    form_init(&f);
    buf_init(&out, 4096);
    jout_init(&j, &out);
    assert_int_equal(form_add(&f, "a", (struct span){"x\0\"y\xff long enough to matter", 27}), OK);
    assert_int_equal(form_write(&f, &j), OK);
    assert_string_equal(out.p, "{\"a\":\"x\\u0000\\\"y\xef\xbf\xbd long enough to matter\"}");
    buf_fini(&out);
    form_fini(&f);
}

static void limits_hold(void **state)
{
    (void)state;
    struct form f;
    form_init(&f);
    for (unsigned i = 0; i < FORM_FIELDS_MAX; i++)
        assert_int_equal(form_add(&f, "a[]", SPAN_LIT("x")), OK);
    assert_int_equal(form_add(&f, "a[]", SPAN_LIT("x")), ERR_LIMIT);
    form_fini(&f);
    form_init(&f);
    char *large = mem_zalloc(FORM_VALUES_MAX);
    memset(large, 'x', FORM_VALUES_MAX - 1);
    assert_int_equal(form_add(&f, "a", span_of(large)), OK);
    assert_int_equal(form_add(&f, "b", SPAN_LIT("x")), OK);
    assert_int_equal(form_add(&f, "c", SPAN_LIT("x")), ERR_LIMIT);
    free(large);
    form_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_become_objects_and_arrays),
        cmocka_unit_test(names_that_do_not_go_together_are_refused),
        cmocka_unit_test(values_may_hold_anything),
        cmocka_unit_test(limits_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
