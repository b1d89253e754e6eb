/*
 * Settings against what an adapter declares: each mistake with its line, and each value in its one form.
 */
#include "../base/test.h"
#include "base/mem.h"
#include "host/settings.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROW(key_, kind_, flags_, fallback_)                                                                  \
    {                                                                                                        \
        .size = sizeof(struct fb_setting), .kind = (kind_), .flags = (flags_), .key = (key_),                \
        .fallback = (fallback_), .help = "help"                                                              \
    }

static const struct fb_setting rows[] = {
    ROW("url", FB_SETTING_URL, FB_SETTING_REQUIRED, NULL),
    ROW("token", FB_SETTING_STRING, FB_SETTING_REQUIRED | FB_SETTING_SECRET, NULL),
    ROW("text", FB_SETTING_STRING, 0, NULL),
    ROW("count", FB_SETTING_INTEGER, 0, "7"),
    ROW("fast", FB_SETTING_BOOL, 0, NULL),
    ROW("timeout", FB_SETTING_DURATION, 0, "10s"),
    ROW("room", FB_SETTING_SIZE, 0, "1MiB"),
    ROW("events", FB_SETTING_LIST, 0, NULL),
    ROW("headers", FB_SETTING_MAP, FB_SETTING_SECRET, NULL),
};

static int refuse_text(const struct fb_host *host, char *why, size_t why_n)
{
    const char *text = host->setting(host, "text");
    assert_null(host->setting(host, "zebra"));
    assert_string_equal(host->channel, "a");
    static const char *const refusals[][2] = {{"bad", "`mod`: `text` is bad; write another"},
                                              {"token", "`token: x` is no good"},
                                              {"all", "`they` are ` bad"}};
    for (size_t i = 0; text && i < ARRAY_LEN(refusals); i++)
        if (strcmp(text, refusals[i][0]) == 0) {
            snprintf(why, why_n, "%s", refusals[i][1]);
            return FB_ERR_INVALID;
        }
    return FB_OK;
}

static const struct fb_module module = {FB_MODULE_HEAD, .name = "mod", .settings = rows,
                                        .setting_n = ARRAY_LEN(rows), .validate = refuse_text};
static const struct fb_module bare = {FB_MODULE_HEAD, .name = "bare"};

/* What `check` would print for settings (YAML in one line), or the JSON of the values if they are right. */
static char *result_of(const struct fb_module *m, const char *settings)
{
    struct config *c = NULL;
    struct config_mistakes mistakes = {0};
    struct buf text, json, out;
    buf_init(&text, 1 << 16);
    buf_init(&json, 1 << 16);
    buf_init(&out, 1 << 16);
    buf_addf(
        &text,
        "accounts: {m: {token: t, secrets: [s]}}\nchannels:\n  a:\n    adapter: x\n    front_channel: cha_1\n"
        "    settings: %s\n",
        settings);
    assert_int_equal(config_parse(buf_span(&text), "f", &c, &mistakes), OK);
    enum err e = settings_check(&c->channel[0], m, &mistakes, &json);
    if (e == OK)
        e = settings_validate(&c->channel[0], m, buf_span(&json), &mistakes);
    assert_int_equal(e, mistakes.n ? ERR_INVALID : OK);
    config_print(&mistakes, "f", &out);
    if (e == OK)
        buf_add_span(&out, buf_span(&json));
    config_mistakes_fini(&mistakes);
    config_free(c);
    buf_fini(&text);
    buf_fini(&json);
    return buf_take(&out, NULL);
}

#define P      "channels.a.settings"
#define NEEDED "url: 'https://x/y', token: t"

static const struct {
    const char *settings, *result;
} cases[] = {
    {"{" NEEDED "}", "{\"url\":\"https://x/y\",\"token\":\"t\",\"count\":\"7\",\"timeout\":\"10000\","
                     "\"room\":\"1048576\"}"},
    {"{" NEEDED
     ", text: '', count: -3, fast: true, timeout: 250ms, room: 0, events: [a, b], headers: {k: \"v\\\"\"}}",
     "{\"url\":\"https://x/"
     "y\",\"token\":\"t\",\"text\":\"\",\"count\":\"-3\",\"fast\":\"true\",\"timeout\":\"250\","
     "\"room\":\"0\",\"events\":\"[\\\"a\\\",\\\"b\\\"]\",\"headers\":\"{\\\"k\\\":\\\"v\\\\\\\"\\\"}\"}"},
    {"{url: 'https://x/y', token_file: ${FB_TEST_SECRET}}",
     "{\"url\":\"https://x/y\",\"token\":\"from a "
     "file\",\"count\":\"7\",\"timeout\":\"10000\",\"room\":\"1048576\"}"},
    {"{}", "f:6: " P ".url: this setting is missing; write it\n"
           "f:6: " P ".token: this setting is missing; write it, or as a file by _file\n"},
    {"{" NEEDED ", tiemout: 5s, zebra: 1}",
     "f:6: " P ".tiemout: the adapter mod has no such setting; did you mean \"timeout\"?\n"
     "f:6: " P
     ".zebra: the adapter mod has no such setting; it has url, token, text, count, fast, timeout, room, "
     "events, headers\n"},
    {"{" NEEDED ", text_file: /x}",
     "f:6: " P ".text_file: the adapter mod has no such setting; it has url, token, text, "
     "count, fast, timeout, room, events, headers\n"},
    {"{" NEEDED ", token_file: /x}",
     "f:6: " P ".token_file: the secret is given twice, here and without _file; remove one\n"},
    {"{url: 'https://x', token_file: /nowhere/x}",
     "f:6: " P ".token_file: the file /nowhere/x cannot be read: No such file or directory\n"},
    {"{" NEEDED ", headers_file: /x}",
     "f:6: " P ".headers_file: a file holds one text, and this is a list or map; write "
     "${ENV} in it instead\n"},
    {"{url: ftp://x, token: ''}", "f:6: " P ".url: \"ftp://x\" does not fit; write a whole URL: https:// or "
                                  "http://, a host, and a port up to 65535 if any\n"
                                  "f:6: " P ".token: the value is empty; write it\n"},
    {"{url: 'https:///x', token: [hush]}",
     "f:6: " P ".url: \"https:///x\" does not fit; write a whole URL: https:// or http://, a host, and a "
     "port up to 65535 if any\n"
     "f:6: " P ".token: this value does not fit; write text\n"},
    {"{" NEEDED ", count: 1.5, fast: yes, timeout: 5, room: big}",
     "f:6: " P ".count: \"1.5\" does not fit; write a whole number\n"
     "f:6: " P ".fast: \"yes\" does not fit; write true or false\n"
     "f:6: " P ".timeout: \"5\" does not fit; write a number and a unit, such as 250ms, 5s or 10m\n"
     "f:6: " P ".room: \"big\" does not fit; write a number and a unit, such as 64KiB or 10MiB\n"},
    {"{" NEEDED ", events: a, headers: {k: [v]}, text: {a: b}}",
     "f:6: " P ".text: {\"a\":\"b\"} does not fit; write text\n"
     "f:6: " P ".events: \"a\" does not fit; write a list of texts, such as [one, two]\n"
     "f:6: " P ".headers: this value does not fit; write a map of texts, such as {name: value}\n"},
    {"{" NEEDED ",\n     text: bad}", "f:7: " P ".text: `mod`: `text` is bad; write another\n"},
    {"{url: 'https://x',\n     token_file: ${FB_TEST_SECRET},\n     text: token}",
     "f:7: " P ".token_file: `token: x` is no good\n"},
    {"{" NEEDED ",\n     text: all}", "f:6: " P ": `they` are ` bad\n"},
};

static void test_each_setting(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *got = result_of(&module, cases[i].settings);
        if (strcmp(got, cases[i].result) != 0)
            fail_msg("case %zu: %s\n--- got\n%s\n--- want\n%s", i, cases[i].settings, got, cases[i].result);
        free(got);
    }
}

static void test_urls_that_lead_nowhere(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "http://",     "http:///x",   "http://:80/",   "http://x:0", "http://x:65536",  "http://x:99999",
        "http://x:",   "http://x:8o", "http://u@:80/", "http://[]/", "http://[::1]:0/", "http://[::1]x",
        "http://?a=b", "http://x y/", "HTTPS://x",     "x"};
    static const char *const right[] = {"http://x:65535", "http://x:1/y:99999", "http://u:p@x:8/",
                                        "http://[::1]",   "http://[::1]:8",     "https://x?y=:99999",
                                        "https://x#:0",   "https://x.example/"};
    for (size_t i = 0; i < ARRAY_LEN(wrong) + ARRAY_LEN(right); i++) {
        bool is_right = i >= ARRAY_LEN(wrong);
        const char *url = is_right ? right[i - ARRAY_LEN(wrong)] : wrong[i];
        char settings[200];
        snprintf(settings, sizeof settings, "{url: '%s', token: t}", url);
        char *got = result_of(&module, settings);
        if ((strstr(got, "does not fit") == NULL) != is_right)
            fail_msg("%s: %s", url, got);
        free(got);
    }
}

/* The variable is the mistake; that its setting has no value then, and what the adapter thinks of it, is none. */
static void test_a_missing_variable_is_told_once(void **state)
{
    (void)state;
    char file[] = "/tmp/settings_test.XXXXXX";
    struct config_mistakes mistakes = {0};
    struct buf json;
    int fd = mkstemp(file);
    assert_true(fd >= 0 &&
                dprintf(fd, "accounts: {m: {token: t, secrets: [s]}}\nchannels:\n  a:\n"
                            "    adapter: x\n    front_channel: cha_1\n"
                            "    settings: {" NEEDED ", count: ${FB_TEST_NONE}, text: bad}\n") > 0);
    struct config *c = config_draft(file, &mistakes);
    buf_init(&json, 1 << 16);
    assert_int_equal(mistakes.n, 1);
    assert_int_equal(settings_check(&c->channel[0], &module, &mistakes, &json), ERR_INVALID);
    assert_int_equal(mistakes.n, 1);
    assert_string_equal(mistakes.item[0].key, P ".count");
    buf_fini(&json);
    config_mistakes_fini(&mistakes);
    config_free(c);
    close(fd);
    unlink(file);
}

static void test_an_adapter_without_settings(void **state)
{
    (void)state;
    char *none = result_of(&bare, "{}"), *one = result_of(&bare, "{a: b}");
    assert_string_equal(none, "{}");
    assert_string_equal(one, "f:6: " P ".a: the adapter bare has no such setting; it has none\n");
    free(none);
    free(one);
}

static void test_a_default_that_does_not_fit(void **state)
{
    (void)state;
    const struct fb_setting wrong[] = {ROW("a", FB_SETTING_DURATION, 0, "5"),
                                       ROW("b", FB_SETTING_LIST, 0, "[\"x\"]")};
    const struct fb_module m = {FB_MODULE_HEAD, .name = "m", .settings = wrong,
                                .setting_n = ARRAY_LEN(wrong)};
    char *got = result_of(&m, "{}"), *fine = result_of(&m, "{a: 0}");
    assert_string_equal(
        got, "f:6: " P ".a: the adapter's own default does not fit its kind; ask its author, or write a "
             "value\n");
    assert_string_equal(fine, "{\"a\":\"0\",\"b\":\"[\\\"x\\\"]\"}");
    free(got);
    free(fine);
}

int main(void)
{
    char file[] = "/tmp/settings_test.XXXXXX";
    int fd = mkstemp(file);
    if (fd < 0 || dprintf(fd, "from a file\n") < 0)
        return 1;
    setenv("FB_TEST_SECRET", file, 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_setting),
        cmocka_unit_test(test_urls_that_lead_nowhere),
        cmocka_unit_test(test_a_missing_variable_is_told_once),
        cmocka_unit_test(test_an_adapter_without_settings),
        cmocka_unit_test(test_a_default_that_does_not_fit),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    close(fd);
    unlink(file);
    return failed;
}
