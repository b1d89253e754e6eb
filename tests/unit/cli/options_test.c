/*
 * Options: every way to write one, and every way to get one wrong.
 */
#include "../base/test.h"
#include "base/mem.h"
#include "cli/options.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option own[] = {
    {"json", 0, NULL, "as JSON"},
    {"channel", 'n', "NAME", "this channel"},
    {NULL, 0, NULL, NULL},
};

/* result_of gives what the words (separated by blanks) parse to, in one line. */
static char *result_of(const char *words)
{
    char *copy = mem_strdup(words), *rest = copy, *argv[64];
    int argc = 0;
    for (char *word; (word = strsep(&rest, " "));)
        if (*word)
            argv[argc++] = word;
    struct options o;
    struct buf out;
    buf_init(&out, 4096);
    if (options_parse(&o, own, true, argc, argv, &out) == OK) {
        const char *channel = options_get(&o, "channel"), *config = options_get(&o, "config");
        buf_addf(&out, "json=%d channel=%s config=%s help=%d:", options_has(&o, "json"),
                 channel ? channel : "-", config ? config : "-", options_has(&o, "help"));
        for (unsigned i = 0; i < o.argument_n; i++)
            buf_addf(&out, " %s", o.argument[i]);
    }
    free(copy);
    return buf_take(&out, NULL);
}

static const char *const cases[][2] = {
    {"", "json=0 channel=- config=- help=0:"},
    {"a b", "json=0 channel=- config=- help=0: a b"},
    {"a --json b", "json=1 channel=- config=- help=0: a b"},
    {"--channel x -c f", "json=0 channel=x config=f help=0:"},
    {"--channel=x --config=f -h", "json=0 channel=x config=f help=1:"},
    {"-nx -cf", "json=0 channel=x config=f help=0:"},
    {"--channel --json", "json=0 channel=--json config=- help=0:"},
    {"--channel= a", "json=0 channel= config=- help=0: a"},
    {"-- --json -c", "json=0 channel=- config=- help=0: --json -c"},
    {"- a", "json=0 channel=- config=- help=0: - a"},
    {"--jsno", "there is no option --jsno; did you mean --json?"},
    {"--zebra", "there is no option --zebra"},
    {"--zebra=json", "there is no option --zebra=json"},
    {"-x", "there is no option -x"},
    {"-", "json=0 channel=- config=- help=0: -"},
    {"--json=1", "--json takes no value"},
    {"-hx", "--help takes no value"},
    {"--json --json", "--json is given twice"},
    {"--channel", "--channel needs a value: --channel NAME"},
    {"-c", "--config needs a value: --config FILE"},
    {"-c a --config b", "--config is given twice"},
    {"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33",
     "there are more than 32 arguments"},
};

static void test_each_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *got = result_of(cases[i][0]);
        if (strcmp(got, cases[i][1]) != 0)
            fail_msg("%s\n--- got\n%s\n--- want\n%s", cases[i][0], got, cases[i][1]);
        free(got);
    }
}

static void test_help_names_all(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 4096);
    options_help(own, true, &out);
    assert_string_equal(out.p,
                        "      --json                as JSON\n"
                        "  -n, --channel NAME        this channel\n"
                        "  -c, --config FILE         the configuration (else $FRONT_BRIDGE_CONFIG, else "
                        "/etc/front-bridge.yaml)\n"
                        "  -h, --help                this text\n");
    buf_fini(&out);
}

/* It would be taken and not read. */
static void test_a_command_without_configuration_has_no_c(void **state)
{
    (void)state;
    char *argv[] = {"-c", "file"}, *asking[] = {"-h"};
    struct options o;
    struct buf out;
    buf_init(&out, 4096);
    assert_int_equal(options_parse(&o, own, false, 1, asking, &out), OK);
    assert_true(options_has(&o, "help"));
    assert_int_equal(options_parse(&o, own, false, 2, argv, &out), ERR_INVALID);
    assert_string_equal(out.p, "there is no option -c");
    buf_clear(&out);
    options_help(own, false, &out);
    assert_string_equal(out.p, "      --json                as JSON\n"
                               "  -n, --channel NAME        this channel\n"
                               "  -h, --help                this text\n");
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_form),
        cmocka_unit_test(test_help_names_all),
        cmocka_unit_test(test_a_command_without_configuration_has_no_c),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
