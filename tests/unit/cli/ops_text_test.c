/*
 * What operators see, from what the API says: whole pages, so that a change of them is seen too.
 */
#include "../base/test.h"
#include "base/mem.h"
#include "cli/ops_text.h"
#include "cli/text.h"
#include <string.h>

static wall_ms_t now_of(const char *iso)
{
    wall_ms_t now = 0;
    assert_int_equal(text_read_time(span_of(iso), &now), OK);
    return now;
}

static const char list[] =
    "{\"messages\":["
    "{\"id\":\"fbabcdef-2\",\"channel\":\"support\",\"direction\":\"in\",\"state\":\"accepted\",\"source_"
    "id\":\"m-1\","
    "\"sender\":\"bob\",\"attempts\":1,\"created_at\":\"2026-01-31T11:59:30.000Z\"},"
    "{\"id\":\"fbabcdef-1\",\"channel\":\"a-channel-with-a-long-name\",\"direction\":\"out\",\"state\":"
    "\"dead\","
    "\"source_id\":\"msg_1\",\"recipient\":\"a\\u001b[2Jb\",\"attempts\":12,\"reason\":\"one two three four "
    "five six "
    "seven eight nine ten eleven twelve\",\"created_at\":\"2026-01-31T09:00:00.000Z\"}]}";

static void check_list(const char *text, bool is_dead, unsigned most, const char *want)
{
    struct json doc;
    struct buf out;
    assert_int_equal(json_parse(&doc, span_of(text)), OK);
    buf_init(&out, 1 << 16);
    ops_text_list(&out, json_root(&doc), is_dead, most, now_of("2026-01-31T12:00:00.000Z"));
    assert_string_equal(out.p, want);
    for (struct span rest = buf_span(&out); rest.n;) {
        const char *end = memchr(rest.p, '\n', rest.n);
        assert_non_null(end);
        assert_true(text_width((struct span){rest.p, (size_t)(end - rest.p)}) <= 120);
        rest = (struct span){end + 1, (size_t)(rest.p + rest.n - end - 1)};
    }
    buf_fini(&out);
    json_fini(&doc);
}

static void test_lists(void **state)
{
    (void)state;
    check_list("{\"messages\":[]}", false, 10, "No messages.\n");
    check_list("{}", true, 10, "No dead letters.\n");
    check_list(list, false, 10,
               "ID          AGE      WAY  CHANNEL         STATE     MESSAGE  WHOM       REASON\n"
               "fbabcdef-2  30s ago  in   support         accepted  m-1      bob\n"
               "fbabcdef-1  3h ago   out  a-channel-wit…  dead      msg_1    a\\x1b[2Jb  one two three four "
               "five six "
               "seven eight nine te…\n");
    check_list(list, true, 1,
               "ID          AGE      WAY  CHANNEL  TRIES  MESSAGE  WHOM  REASON\n"
               "fbabcdef-2  30s ago  in   support  1      m-1      bob\n");
}

static void test_reasons_are_counted_the_commonest_first(void **state)
{
    struct json doc;
    struct buf out;

    (void)state;
    assert_int_equal(
        json_parse(&doc,
                   SPAN_LIT("{\"messages\":[{\"reason\":\"b\"},{\"reason\":\"a\"},{\"reason\":\"c\"},{},"
                            "{\"reason\":\"c\"}]}")),
        OK);
    buf_init(&out, 1 << 16);
    ops_text_reasons(&out, json_root(&doc), true);
    assert_string_equal(out.p,
                        "\n5 dead letters, by reason:\n     2  c\n     1  a\n     1  b\n     1  no reason\n");
    buf_clear(&out);
    ops_text_reasons(&out, json_root(&doc), false);
    assert_memory_equal(out.p, "\nThe newest 5 ", 14);
    buf_fini(&out);
    json_fini(&doc);
}

static void test_many_reasons_are_not_all_named(void **state)
{
    struct json doc;
    struct buf text, out;

    (void)state;
    buf_init(&text, 1 << 16);
    buf_init(&out, 1 << 16);
    buf_add_str(&text, "{\"messages\":[");
    for (unsigned i = 0; i < 25; i++)
        buf_addf(&text, "%s{\"reason\":\"reason %u\"}", i ? "," : "", i);
    buf_add_str(&text, "]}");
    assert_int_equal(json_parse(&doc, buf_span(&text)), OK);
    ops_text_reasons(&out, json_root(&doc), true);
    assert_non_null(strstr(out.p, "        and 15 other reasons\n"));
    buf_fini(&out);
    json_fini(&doc);
    buf_fini(&text);
}

static void check_show(const char *text, const char *want)
{
    struct json doc;
    struct buf out;
    assert_int_equal(json_parse(&doc, span_of(text)), OK);
    buf_init(&out, 1 << 16);
    ops_text_show(&out, json_root(&doc), now_of("2026-01-31T12:00:00.000Z"));
    assert_string_equal(out.p, want);
    buf_fini(&out);
    json_fini(&doc);
}

static void test_a_message_and_its_life(void **state)
{
    (void)state;
    check_show(
        "{\"id\":\"fbabcdef-1\",\"channel\":\"support\",\"direction\":\"out\",\"state\":\"queued\",\"source_"
        "id\":"
        "\"msg_1\",\"recipient\":\"ada\",\"conversation\":\"cnv_1\",\"parts\":{\"delivered\":2,\"of\":3},"
        "\"reason\":\"busy\\n\",\"created_at\":"
        "\"2026-01-31T11:00:00.000Z\",\"received_at\":\"2026-01-31T11:59:00.000Z\",\"updated_at\":"
        "\"2026-01-31T11:59:01.000Z\",\"due_at\":\"2026-01-31T12:00:30.000Z\",\"expires_at\":"
        "\"2026-01-31T16:00:00.000Z\",\"timeline\":[{\"n\":1,\"started_at\":\"2026-01-31T11:59:00.001Z\","
        "\"ended_at\":\"2026-01-31T11:59:01.502Z\",\"outcome\":\"retry\",\"code\":503,\"reason\":\"busy\"}],"
        "\"body\":{\"text\":\"Hi\\n\\u001b[1mAda\"}}",
        "fbabcdef-1  queued: busy\\n\n"
        "\n"
        "  way                     out, from Front to the backend\n"
        "  channel                 support\n"
        "  to                      ada\n"
        "  Front's message         msg_1\n"
        "  Front's conversation    cnv_1\n"
        "  parts                   2 of 3 delivered\n"
        "\n"
        "Timeline (UTC)\n"
        "  2026-01-31 11:59:00.000  60s ago   received\n"
        "  2026-01-31 11:59:00.001  59s ago   attempt 1  retry, took 1.5s, code 503: busy\n"
        "  2026-01-31 12:00:30.000  in 30s    next attempt\n"
        "  2026-01-31 16:00:00.000  in 4h     gives up\n"
        "\n"
        "Text\n"
        "  Hi\n"
        "  \\x1b[1mAda\n");
    check_show(
        "{\"id\":\"fbabcdef-2\",\"channel\":\"support\",\"direction\":\"in\",\"state\":\"sending\",\"source_"
        "id\":"
        "\"m-1\",\"sender\":\"ada\",\"waits_for\":\"Front's rate limit\",\"files\":["
        "{\"filename\":\"a\\u001b.png\",\"content_type\":\"image/png\",\"bytes\":12000,\"state\":\"ready\"},"
        "{\"filename\":\"b\",\"content_type\":\"a/b\",\"state\":\"gone\",\"reason\":\"No.\"},"
        "{\"filename\":\"c\",\"content_type\":\"a/b\",\"state\":\"wanted\"}],"
        "\"created_at\":\"2026-01-31T11:59:00.000Z\",\"timeline\":[{\"n\":1,"
        "\"started_at\":\"2026-01-31T11:59:00.001Z\",\"outcome\":\"\"}]}",
        "fbabcdef-2  sending: waits for Front's rate limit\n"
        "\n"
        "  way                     in, from the backend to Front\n"
        "  channel                 support\n"
        "  from                    ada\n"
        "  backend's message       m-1\n"
        "  file                    a\\x1b.png, image/png, 12 kB\n"
        "  file                    b, a/b, left out: No.\n"
        "  file                    c, a/b, still to be fetched\n"
        "\n"
        "Timeline (UTC)\n"
        "  2026-01-31 11:59:00.000  60s ago   created\n"
        "  2026-01-31 11:59:00.001  59s ago   attempt 1  is under way\n"
        "\n"
        "The text is not kept any more.\n");
}

static void test_receipts_stand_where_they_came(void **state)
{
    (void)state;
    check_show(
        "{\"id\":\"fbabcdef-3\",\"channel\":\"support\",\"direction\":\"in\",\"state\":\"delivered\","
        "\"source_id\":\"edit\\u001fe-1\",\"created_at\":\"2026-01-31T11:59:00.000Z\","
        "\"updated_at\":\"2026-01-31T11:59:02.000Z\",\"timeline\":["
        "{\"n\":1,\"started_at\":\"2026-01-31T11:59:01.000Z\",\"ended_at\":\"2026-01-31T11:59:02.000Z\","
        "\"outcome\":\"delivered\",\"code\":200},"
        "{\"n\":0,\"started_at\":\"2026-01-31T11:59:30.000Z\",\"ended_at\":\"2026-01-31T11:59:30.000Z\","
        "\"outcome\":\"told failed\",\"reason\":\"Phone is off.\"}]}",
        "fbabcdef-3  delivered\n"
        "\n"
        "  way                     in, from the backend to Front\n"
        "  channel                 support\n"
        "  backend's message       edit e-1\n"
        "\n"
        "Timeline (UTC)\n"
        "  2026-01-31 11:59:00.000  60s ago   created\n"
        "  2026-01-31 11:59:01.000  59s ago   attempt 1  delivered, took 1.0s, code 200\n"
        "  2026-01-31 11:59:02.000  58s ago   delivered\n"
        "  2026-01-31 11:59:30.000  30s ago   told failed: Phone is off.\n"
        "\n"
        "The text is not kept any more.\n");
}

static void test_a_long_text_is_shortened(void **state)
{
    struct json doc;
    struct buf text, out;

    (void)state;
    buf_init(&text, 1 << 16);
    buf_init(&out, 1 << 16);
    buf_add_str(&text, "{\"id\":\"fb-1\",\"body\":{\"markdown\":\"");
    for (unsigned i = 0; i < 1000; i++)
        buf_add_str(&text, "é ");
    buf_add_str(&text, "\"}}");
    assert_int_equal(json_parse(&doc, buf_span(&text)), OK);
    ops_text_show(&out, json_root(&doc), 0);
    assert_non_null(strstr(out.p, "\nMarkdown\n  é é "));
    assert_non_null(strstr(out.p, "\n  … 2000 characters in all; --json has them\n"));
    assert_true(out.n < 2000);
    buf_fini(&out);
    json_fini(&doc);
    buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_reasons_are_counted_the_commonest_first),
        cmocka_unit_test(test_many_reasons_are_not_all_named),
        cmocka_unit_test(test_a_message_and_its_life),
        cmocka_unit_test(test_receipts_stand_where_they_came),
        cmocka_unit_test(test_a_long_text_is_shortened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
