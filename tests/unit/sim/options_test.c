/* The simulator's options: what is known passes, and each misspelling is named with its line and its cure. */
#include "../base/test.h"
#include "sim/options.h"
#include <string.h>

static const char every[] =
    "{\"token\":\"t\",\"tokens\":[{\"token\":\"n\",\"scopes\":[\"messages:read\"]}],\"company\":\"c\","
    "\"secret\":\"s\","
    "\"app\":{\"uid\":\"u\",\"secret\":\"s\"},\"dedupe\":true,\"rate\":{\"limit\":1,\"burst\":1,\"per_"
    "resource\":1},"
    "\"attachments\":{\"max_bytes\":1,\"kept_bytes\":1},\"created_delay_ms\":1,\"inboxes\":[{\"id\":\"i\","
    "\"name\":\"n\"}],"
    "\"channels\":[{\"id\":\"c\",\"kind\":\"custom\",\"name\":null,\"address\":\"a\",\"inbox\":\"i\","
    "\"webhook_url\":\"u\","
    "\"secret\":\"s\",\"type\":\"custom\"}],\"lag_ms\":1,\"next_event\":\"evt_1\",\"imported\":true,"
    "\"imported_delay_ms\":1,\"echo_errors\":true,\"thin_pages\":true,\"webhook_timeout_ms\":1,\"webhook_"
    "retry_ms\":1,"
    "\"webhooks\":[{\"kind\":\"rule\",\"url\":\"u\",\"channel\":\"c\",\"types\":[\"t\"],\"inboxes\":[\"i\"],"
    "\"form\":\"full\","
    "\"secret\":\"s\",\"disable_after\":1}],\"chat\":{\"hook_url\":\"u\",\"secret\":\"s\"}}";

static const char *const cases[][2] = {
    {every, ""},
    {"{}", ""},
    {"{\"tokn\":\"t\"}", "f:1: tokn: there is no such key; did you mean \"token\"?\n"},
    {"{\n  \"token\": \"t\",\n  \"rate\": {\n    \"per_resorce\": 5}}",
     "f:4: rate.per_resorce: there is no such key; did you mean \"per_resource\"?\n"},
    {"{\"channels\":[{\"id\":\"a\"},\n{\"adress\":\"b\"}]}",
     "f:2: channels.adress: there is no such key; did you mean \"address\"?\n"},
    {"{\"app\":{\"zebra\":1}}", "f:1: app.zebra: there is no such key; known here are uid, secret\n"},
    {"{\"imported_delay\":\"200ms\"}",
     "f:1: imported_delay: there is no such key; did you mean \"imported_delay_ms\"?\n"},
    {"{\"rate.limit\":1}", "f:1: rate.limit: there is no such key; known here are "},
    {"{\"dedupe\":\"yes\"}", "f:1: dedupe: write true or false\n"},
    {"{\"channels\":{}}", "f:1: channels: write a list: [...]\n"},
    {"{\"a\\u0001b\":1,\n\"lagms\":1}", "f:1: a?b: there is no such key; "},
};

static void each_mistake_is_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct json doc;
        struct buf out;
        struct config_mistakes mistakes = {0};
        assert_int_equal(json_parse(&doc, span_of(cases[i][0])), OK);
        sim_options_check(json_root(&doc), &mistakes);
        buf_init(&out, 4096);
        config_print(&mistakes, "f", &out);
        struct span said = buf_span(&out);
        size_t n = strlen(cases[i][1]);
        if (n && cases[i][1][n - 1] == '\n')
            assert_string_equal(said.p, cases[i][1]);
        else
            assert_true(n ? span_starts(said, cases[i][1]) : said.n == 0);
        buf_fini(&out);
        config_mistakes_fini(&mistakes);
        json_fini(&doc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_mistake_is_said)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
