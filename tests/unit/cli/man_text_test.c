/*
 * Text for troff: paragraphs, examples, and nothing that troff would take for its own.
 */
#include "../base/test.h"
#include "base/mem.h"
#include "cli/man_text.h"

static const struct {
    const char *in, *want;
} cases[] = {
    {"", ""},
    {"One line.\n", "One line.\n"},
    {"One. Two? Three e.g.x\n", "One.\nTwo?\nThree e.g.x\n"},
    {"a\n\nb", "a\n.Pp\nb\n"},
    {"\na\n\n\nb\n\n", "a\n.Pp\nb\n"},
    {".so /etc/passwd\n'request\n\\fB\n", "\\&.so /etc/passwd\n\\(aqrequest\n\\efB\n"},
    {"`a` and `--b`\n", "\\fBa\\fP and \\fB\\-\\-b\\fP\n"},
    {"é…\n", "\\[u00E9]\\[u2026]\n"},
    {"Like:\n  x: 1. Y\n    y\nEnd\n", "Like:\n.Bd -literal -offset indent\n  x: 1. Y\n    y\n.Ed\nEnd\n"},
    {"Like:\n\n  x\n", "Like:\n.Bd -literal -offset indent\n  x\n.Ed\n"},
    {"  x\n\nEnd\n", ".Bd -literal -offset indent\n  x\n.Ed\n.Pp\nEnd\n"},
};

static void test_paragraphs(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out;
        buf_init(&out, 4096);
        man_text_paragraphs(&out, cases[i].in);
        assert_string_equal(buf_span(&out).p, cases[i].want);
        buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_paragraphs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
