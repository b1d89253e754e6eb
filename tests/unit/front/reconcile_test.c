/* Whether a message that Front shows is the one whose answer was lost. */
#include "unit.h"
#include "front/reconcile.h"
#include <stdlib.h>
#include <string.h>

#define LINKS "\"_links\":{\"related\":{\"conversation\":\"https://x.api.frontapp.com/conversations/cnv_1\"}}"
#define MESSAGE(id, at, metadata)                                                                            \
    "{" LINKS ",\"id\":\"" id "\",\"message_uid\":\"uid-" id "\",\"created_at\":" at                         \
    ",\"recipients\":[{\"role\":\"from\",\"handle\":\"ada\"}],\"metadata\":" metadata "}"
#define OURS                "{\"headers\":{\"front_bridge_id\":\"fb1\"}}"
#define THEIRS              "{\"headers\":{\"front_bridge_id\":\"fb2\"}}"
#define LIST(next, results) "{\"_pagination\":{\"next\":" next "},\"_results\":[" results "]}"
#define EVENT(target)       "{\"id\":\"evt_1\",\"type\":\"inbound\",\"target\":" target "}"

static const struct sought sought = {.id = "fb1", .handle = "ada", .since = 1000000};

typedef void read_fn(struct finding *f, const struct json *json, const struct sought *s);

static void read_by(read_fn *read, const char *text, const struct sought *s, struct finding *f)
{
    struct json doc;
    assert_int_equal(json_parse(&doc, span_of(text)), OK);
    read(f, &doc, s);
    json_fini(&doc);
}

static void test_found(void **state)
{
    static const struct {
        read_fn *read;
        const char *text;
    } shows[] = {
        {reconcile_messages,
         LIST("null", MESSAGE("msg_2", "2000", THEIRS) "," MESSAGE("msg_1", "2000", OURS))},
        {reconcile_messages, LIST("null", MESSAGE("msg_1", "2000", "{\"external_id\":\"fb1\"}"))},
        {reconcile_events, LIST("null", EVENT("{\"_meta\":{},\"data\":" MESSAGE("msg_1", "2000", OURS) "}"))},
        {reconcile_message, MESSAGE("msg_1", "2000", OURS)},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(shows); i++) {
        struct finding f;
        read_by(shows[i].read, shows[i].text, &sought, &f);
        assert_true(f.is_found && f.is_readable);
        assert_string_equal(f.message_id, "msg_1");
        assert_string_equal(f.uid, "uid-msg_1");
        assert_string_equal(f.conversation, "cnv_1");
        finding_fini(&f);
    }
}

static void test_not_found(void **state)
{
    static const struct {
        read_fn *read;
        const char *text;
        bool is_readable;
    } shows[] = {
        {reconcile_messages, LIST("null", ""), true},
        {reconcile_messages, LIST("null", MESSAGE("msg_1", "2000", THEIRS)), true},
        {reconcile_messages, LIST("null", MESSAGE("msg_1", "2000", "{}") ",7,null,[]"), true},
        {reconcile_messages, LIST("null", MESSAGE("msg_1", "2000", "null")), true},
        {reconcile_messages, "{}", false},
        {reconcile_messages, "[]", false},
        {reconcile_messages, "{\"_results\":null}", false},
        {reconcile_messages, LIST("\"https://x/y?limit=1\"", ""), false}, /* more, and nobody knows where */
        {reconcile_messages, LIST("7", ""), false},
        {reconcile_events, LIST("null", EVENT("null") "," EVENT("7") ",{}"), true},
        {reconcile_message, MESSAGE("msg_1", "2000", THEIRS), true},
        {reconcile_message, "[]", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(shows); i++) {
        struct finding f;
        read_by(shows[i].read, shows[i].text, &sought, &f);
        assert_false(f.is_found);
        assert_int_equal(f.is_readable, shows[i].is_readable);
        assert_int_equal(f.candidate_n, 0);
        finding_fini(&f);
    }
    struct finding f;
    reconcile_messages(&f, NULL, &sought);
    assert_false(f.is_found || f.is_readable);
    finding_fini(&f);
}

static void test_pages(void **state)
{
    struct finding f;
    (void)state;
    read_by(reconcile_messages,
            LIST("\"https://evil.example/conversations/cnv_1/messages?limit=9&page_token=a%2Fb%3D\"",
                 MESSAGE("msg_1", "1000.5", THEIRS)),
            &sought, &f);
    assert_string_equal(f.next, "a/b=");
    assert_false(f.is_past);
    finding_fini(&f);
    read_by(reconcile_messages,
            LIST("null", MESSAGE("msg_1", "1001", THEIRS) "," MESSAGE("msg_2", "999.9", THEIRS)), &sought,
            &f);
    assert_true(f.is_past);
    assert_null(f.next);
    finding_fini(&f);
}

static void test_candidates(void **state)
{
    struct sought hidden = sought;
    struct finding f;
    (void)state;
    hidden.is_hidden = true;
    read_by(reconcile_events,
            LIST("null", EVENT("{\"data\":" MESSAGE("msg_1", "2000", "{}") "}") "," EVENT(
                             "{\"id\":\"msg_2\",\"_links\":{"
                             "\"self\":\"https://x/messages/"
                             "msg_9\"}}") "," EVENT("{\"_links\":{\"self\":\"https://x/messages/msg_3\"}}")),
            &hidden, &f);
    assert_int_equal(f.candidate_n, 3);
    assert_string_equal(f.candidate[0], "msg_1");
    assert_string_equal(f.candidate[1], "msg_2");
    assert_string_equal(f.candidate[2], "msg_3");
    finding_fini(&f);
    hidden.handle = "bob";
    read_by(reconcile_events, LIST("null", EVENT("{\"data\":" MESSAGE("msg_1", "2000", "{}") "}")), &hidden,
            &f);
    assert_int_equal(f.candidate_n, 0); /* somebody else's */
    finding_fini(&f);
    char *many = mem_zalloc(100000);
    strcpy(many, "{\"_results\":[" EVENT("{\"id\":\"msg_0\"}"));
    for (int i = 0; i < RECONCILE_CANDIDATES_MAX; i++)
        strcat(many, "," EVENT("{\"id\":\"msg_1\"}"));
    strcat(many, "]}");
    read_by(reconcile_events, many, &hidden, &f);
    assert_int_equal(f.candidate_n, RECONCILE_CANDIDATES_MAX);
    assert_true(f.is_crowded);
    finding_fini(&f);
    free(many);
}

#define COMMENT(at, body) "{\"id\":\"com_1\",\"posted_at\":" at ",\"body\":\"" body "\"}"

/* By its words, as Front shows no id of ours with it. */
static void test_comments(void **state)
{
    static const struct {
        const char *text;
        bool is_found, is_readable, is_past;
    } shows[] = {
        {LIST("null", COMMENT("2000", "*Ada reacted with +1*")), true, true, false},
        {LIST("null", COMMENT("2000", "other") "," COMMENT("1999", " *Ada reacted\\nwith \\\\+1*\\n")), true,
         true, false},
        {LIST("7", COMMENT("2000", "*Ada reacted with +1*")), true, true, false},
        {LIST("null", COMMENT("2000", "*Ada reacted with +2*")), false, true, false},
        {LIST("null", COMMENT("2000", "*Ada reacted with +1* again")), false, true, false},
        {LIST("null", COMMENT("999", "*Ada reacted with +1*")), false, true,
         true}, /* an earlier one of the same words */
        {LIST("null", "7,null,{},{\"body\":7,\"posted_at\":\"x\"}," COMMENT("2000", "")), false, true, false},
        {LIST("null", ""), false, true, false},
        {"{}", false, false, false},
    };
    struct sought s = sought;
    (void)state;
    s.text = SPAN_LIT("*Ada reacted with \\+1*");
    for (size_t i = 0; i < ARRAY_LEN(shows); i++) {
        struct finding f;
        read_by(reconcile_comments, shows[i].text, &s, &f);
        assert_int_equal(f.is_found, shows[i].is_found);
        assert_int_equal(f.is_readable, shows[i].is_readable);
        assert_int_equal(f.is_past, shows[i].is_past);
        finding_fini(&f);
    }
    struct finding f;
    reconcile_comments(&f, NULL, &s);
    assert_false(f.is_readable || f.is_found);
    finding_fini(&f);
}

static void test_paths(void **state)
{
    struct reconcile_window w = {.inbox = "inb_1", .after = 1700000000123, .before = 1700000060000};
    struct buf out;
    (void)state;
    buf_init(&out, 4096);
    reconcile_comments_path(&out, "cnv/1", NULL);
    assert_text(&out, "/conversations/cnv%2F1/comments");
    reconcile_comments_path(&out, "cnv_1", "a&b");
    assert_text(&out, "/conversations/cnv_1/comments?page_token=a%26b");
    reconcile_messages_path(&out, "cnv/1", NULL);
    assert_text(&out, "/conversations/cnv%2F1/messages?limit=100");
    reconcile_messages_path(&out, "cnv_1", "a&b");
    assert_text(&out, "/conversations/cnv_1/messages?limit=100&page_token=a%26b");
    reconcile_events_path(&out, &w, NULL);
    assert_text(&out, "/events?q%5Btypes%5D%5B%5D=inbound&q%5Binboxes%5D%5B%5D=inb_1"
                      "&q%5Bafter%5D=1700000000.123&q%5Bbefore%5D=1700000060.000&limit=100");
    w.is_from_agent = true;
    reconcile_events_path(&out, &w, "t");
    assert_text(&out,
                "/events?q%5Btypes%5D%5B%5D=outbound&q%5Btypes%5D%5B%5D=out_reply&q%5Binboxes%5D%5B%5D=inb_1"
                "&q%5Bafter%5D=1700000000.123&q%5Bbefore%5D=1700000060.000&limit=100&page_token=t");
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found),      cmocka_unit_test(test_not_found), cmocka_unit_test(test_pages),
        cmocka_unit_test(test_candidates), cmocka_unit_test(test_comments),  cmocka_unit_test(test_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
