/* What is found in an object that is too large to be read, wherever its pieces are cut. */
#include "exec/skim.h"
#include "base/mem.h"
#include "cmocka_all.h"
#include <stdio.h>
#include <string.h>

static void test_skim(void **state)
{
    static const struct {
        const char *line, *type, *ref;
    } cases[] = {
        {"{\"type\":\"receive\",\"ref\":7,\"text\":\"x", "\"receive\"", "7"},
        {"{ \"text\" : \"a \\\" b\", \"ref\" : \"r\\\"1\" , \"type\" : \"edit\" }", "\"edit\"", "\"r\\\"1\""},
        {"{\"sender\":{\"type\":\"x\",\"ref\":1},\"list\":[\"ref\",{\"ref\":2}],\"ref\":-3e2}", "", "-3e2"},
        {"{\"text\":\"\\\\\",\"ref\":\"}{\"}", "", "\"}{\""},
        {"{\"text\":\"\\\"ref\\\":1,\",\"x\":\"ref\",\"y\":8}", "", ""},
        {"{\"ref\":{\"a\":1},\"b\":2}", "", ""},
        {"{\"ref\":[1,2],\"type\":\"receipt\"}", "\"receipt\"", ""},
        {"\"ref\":1", "", ""},
        {"}}}{\"ref\":1}", "", "1"},
        {"", "", ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (size_t step = 1, n = strlen(cases[i].line); step <= n + 1; step++) {
            struct skim s;
            skim_begin(&s);
            for (size_t at = 0; at < n; at += step)
                skim_feed(&s, (struct span){cases[i].line + at, step < n - at ? step : n - at});
            assert_int_equal(s.type.n, strlen(cases[i].type));
            assert_memory_equal(s.type.text, cases[i].type, s.type.n);
            assert_int_equal(s.ref.n, strlen(cases[i].ref));
            assert_memory_equal(s.ref.text, cases[i].ref, s.ref.n);
        }
}

static void test_what_is_too_long_is_not_there(void **state)
{
    char line[2 * SKIM_BYTES];
    (void)state;
    for (size_t n = SKIM_BYTES - 5; n < SKIM_BYTES + 5; n++) {
        struct skim s;
        int used = snprintf(line, sizeof line, "{\"ref\":\"%0*d\"}", (int)n - 2, 0);
        skim_begin(&s);
        skim_feed(&s, (struct span){line, (size_t)used});
        assert_int_equal(s.ref.n, n < SKIM_BYTES ? n : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_skim),
                                       cmocka_unit_test(test_what_is_too_long_is_not_there)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
