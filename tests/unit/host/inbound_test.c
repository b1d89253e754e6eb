/* What an adapter hands to Front: written by one side, believed by the other only as far as it checks. */
#include "base/mem.h"
#include "host/inbound.h"
#include "host/text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define FILES "{\"sender\":{\"handle\":\"x\"},\"attachments\":[{\"filename\":\"a\",\"content_type\":\"b\","

static void test_hostile_messages(void **state)
{
    (void)state;
    static const struct {
        const char *json, *why; /* NULL: fair */
        unsigned fd_n;
    } cases[] = {
        {"{\"sender\":{\"handle\":\"x\"},\"text\":\"\"}", NULL, 0},
        {"{\"sender\":{\"handle\":\"x\"},\"text\":\"a\",\"sent_at\":12.345}", NULL, 0},
        {"{\"type\":\"edit\",\"message_id\":\"m\",\"sender\":{\"handle\":\"x\"},\"text\":\"a\"}", NULL, 0},
        {"{\"type\":\"delete\",\"delivery_id\":\"d\",\"sender\":{\"handle\":\"x\"}}", NULL, 0},
        {"{\"type\":\"reaction\",\"external_id\":\"m\",\"emoji\":\"+\",\"removed\":true,\"sender\":{"
         "\"handle\":\"x\"}}",
         NULL, 0},
        {"{\"type\":\"typing\",\"sender\":{\"handle\":\"x\"}}", NULL, 0},
        {"{\"type\":\"typing\"}", "a message without a sender's handle", 0},
        {"{\"type\":\"other\",\"sender\":{\"handle\":\"x\"},\"text\":\"a\"}",
         "a message of a type that is none", 0},
        {"{\"type\":7,\"sender\":{\"handle\":\"x\"},\"text\":\"a\"}", "a message of a type that is none", 0},
        {"{\"type\":\"edit\",\"sender\":{\"handle\":\"x\"},\"text\":\"a\"}",
         "a sign that does not name exactly one message", 0},
        {"{\"type\":\"edit\",\"message_id\":\"m\",\"external_id\":\"e\",\"sender\":{\"handle\":\"x\"},"
         "\"text\":\"a\"}",
         "a sign that does not name exactly one message", 0},
        {"{\"type\":\"edit\",\"message_id\":7,\"delivery_id\":\"d\",\"sender\":{\"handle\":\"x\"},\"text\":"
         "\"a\"}",
         "the id of an earlier message of the wrong type or size", 0},
        {"{\"type\":\"edit\",\"message_id\":\"m\",\"sender\":{\"handle\":\"x\"}}",
         "a message without exactly one text", 0},
        {"{\"type\":\"delete\",\"message_id\":\"m\",\"sender\":{\"handle\":\"x\"},\"text\":\"a\"}",
         "a message without exactly one text", 0},
        {"{\"type\":\"reaction\",\"message_id\":\"m\",\"sender\":{\"handle\":\"x\"}}",
         "a reaction without an emoji", 0},
        {"{\"type\":\"reaction\",\"message_id\":\"m\",\"emoji\":\"\",\"sender\":{\"handle\":\"x\"}}",
         "a reaction without an emoji", 0},
        {"{\"type\":\"reaction\",\"message_id\":\"m\",\"emoji\":\"+\",\"removed\":1,\"sender\":{\"handle\":"
         "\"x\"}}",
         "a reaction that is neither removed nor not", 0},
        {"{\"type\":\"typing\",\"sender\":{\"handle\":\"x\"}}", "descriptors that no attachment names", 1},
        {"{\"type\":\"typing\",\"sender\":{\"handle\":\"x\"},\"attachments\":[{\"filename\":\"a\",\"content_"
         "type\":\"b\",\"fd\":0}]}",
         "attachments of what is no message", 1},
        {"{\"sender\":{\"handle\":\"x\"},\"attachments\":[{\"filename\":\"a\",\"content_type\":\"b\",\"fd\":"
         "0}]}",
         NULL, 1},
        {"", "a message that is no JSON", 0},
        {"[]", "a message without a sender's handle", 0},
        {"{\"text\":\"a\"}", "a message without a sender's handle", 0},
        {"{\"sender\":{\"handle\":\"\"},\"text\":\"a\"}", "a message without a sender's handle", 0},
        {"{\"sender\":{\"handle\":5},\"text\":\"a\"}", "a message without a sender's handle", 0},
        {"{\"sender\":{\"handle\":\"x\"}}", "a message without exactly one text", 0},
        {"{\"sender\":{\"handle\":\"x\"},\"text\":\"a\",\"html\":\"b\"}",
         "a message without exactly one text", 0},
        {"{\"sender\":{\"handle\":\"x\"},\"text\":null}", "a text that is no string", 0},
        {"{\"sender\":{\"handle\":\"x\"},\"text\":\"a\",\"id\":7}",
         "an id or subject of the wrong type or size", 0},
        {"{\"sender\":{\"handle\":\"x\"},\"text\":\"a\",\"sent_at\":\"now\"}", "a time that is none", 0},
        {"{\"sender\":{\"handle\":\"x\"},\"text\":\"a\",\"sent_at\":-1}", "a time that is none", 0},
        {"{\"sender\":{\"handle\":\"x\"},\"text\":\"a\",\"direction\":\"outbound\"}",
         "a message from an agent without customers", 0},
        {"{\"sender\":{\"handle\":\"x\"},\"text\":\"a\",\"to\":[]}", "recipients of a customer's message", 0},
        {"{\"sender\":{\"handle\":\"x\"},\"text\":\"a\"}", "descriptors that no attachment names", 1},
        {"{\"sender\":{\"handle\":\"x\"},\"text\":\"a\",\"attachments\":{}}", "attachments are no list", 0},
        {"{\"sender\":{\"handle\":\"x\"},\"text\":\"a\",\"attachments\":[{\"filename\":\"a\",\"content_"
         "type\":\"b\",\"fd\":1}]}",
         "an attachment without url or descriptor", 1},
        {"{\"sender\":{\"handle\":\"x\"},\"text\":\"a\",\"attachments\":[7]}",
         "an attachment without filename or type", 0},
        {FILES "\"fd\":0,\"size\":25000001}]}", NULL, 1}, /* how large it is the bridge sees for itself */
        {FILES "\"url\":\"https://a/b\",\"size\":25000001}]}", NULL, 0},
        {FILES "\"fd\":0,\"size\":-1}]}", "an attachment of a size that is none", 1},
        {FILES "\"fd\":0,\"size\":\"1\"}]}", "an attachment of a size that is none", 1},
        {FILES "\"fd\":0,\"url\":\"https://a/b\"}]}", "descriptors that no attachment names", 1},
        {FILES "\"url\":\"file:///etc/passwd\"}]}", "an attachment whose url is none", 0},
        {FILES "\"url\":\"https://\"}]}", "an attachment whose url is none", 0},
        {FILES "\"url\":7}]}", "an attachment whose url is none", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *why = NULL;
        enum err e = inbound_check(span_of(cases[i].json), cases[i].fd_n, &why);
        assert_int_equal(e, cases[i].why ? ERR_INVALID : OK);
        if (cases[i].why)
            assert_string_equal(why, cases[i].why);
    }
}

static void test_hostile_receipts(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        enum err result;
    } cases[] = {
        {"{\"type\":\"receipt\",\"external_id\":\"x\",\"status\":\"read\"}", OK},
        {"{\"delivery_id\":\"x\",\"status\":\"failed\",\"reason\":\"full\"}", OK},
        {"{\"delivery_id\":\"x\",\"status\":\"eaten\"}", ERR_INVALID},
        {"{\"delivery_id\":\"x\",\"external_id\":\"y\",\"status\":\"read\"}", ERR_INVALID},
        {"{\"status\":\"read\"}", ERR_INVALID},
        {"{\"delivery_id\":\"x\",\"status\":\"read\",\"reason\":{}}", ERR_INVALID},
        {"{\"delivery_id\":\"x\",\"status\":\"read\"", ERR_INVALID},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *why;
        assert_int_equal(receipt_check(span_of(cases[i].json), &why), cases[i].result);
    }
}

/* Whatever the writer accepts, the checker believes. */
static void test_what_is_written_is_believed(void **state)
{
    (void)state;
    struct fb_person sender = {.size = sizeof sender, .handle = "\"\\\t", .name = "\xf0\x9f\x98\x80"};
    struct fb_person to[] = {{.size = sizeof to[0], .handle = "a"},
                             {.size = sizeof to[0], .handle = "b", .email = "e"}};
    struct fb_attachment file = {
        .size = sizeof file, .fd = 5, .filename = "f", .content_type = "t", .cid = "c"};
    char *longest = mem_zalloc(INBOUND_TEXT_MAX + 2);
    memset(longest, 'x', INBOUND_TEXT_MAX);
    struct fb_inbound cases[] = {
        {.sender = &sender, .text = "plain\nlines"},
        {.sender = &sender,
         .markdown = "*m*",
         .id = "",
         .conversation_id = "c",
         .in_reply_to = "r",
         .subject = "s"},
        {.sender = &sender,
         .html = "<p>",
         .direction = FB_FROM_AGENT,
         .to = to,
         .to_n = 2,
         .author_email = "a@b"},
        {.sender = &sender, .attachments = &file, .attachment_n = 1, .sent_at_ms = 1},
        {.sender = &sender, .text = "", .attachments = &file, .attachment_n = 1},
        {.sender = &sender, .text = longest},
        {.sender = &sender, .what = FB_EDIT, .about = "m", .text = longest},
        {.sender = &sender, .what = FB_DELETE, .about_external_id = "\"", .about = ""},
        {.sender = &sender, .what = FB_REACTION, .about_delivery_id = "d", .emoji = ":+1:", .is_removed = 7},
        {.sender = &sender,
         .what = FB_REACTION,
         .about = "m",
         .emoji = "\xf0\x9f\x91\x8d",
         .direction = FB_FROM_AGENT,
         .to = to,
         .to_n = 1},
        {.sender = &sender, .what = FB_TYPING},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out;
        int fd[INBOUND_ATTACHMENTS_MAX];
        unsigned fd_n;
        const char *why = NULL;
        cases[i].size = sizeof cases[i];
        buf_init(&out, 1 << 20);
        if (inbound_write(&out, &cases[i], fd, &fd_n, &why) != OK)
            fail_msg("%zu: %s", i, why);
        if (inbound_check(buf_span(&out), fd_n, &why) != OK)
            fail_msg("%zu: %s: %s", i, why, out.p);
        buf_fini(&out);
    }
    longest[INBOUND_TEXT_MAX] = 'x';
    struct buf out;
    int fd[INBOUND_ATTACHMENTS_MAX];
    unsigned fd_n;
    const char *why;
    buf_init(&out, 1 << 20);
    assert_int_equal(inbound_write(&out, &cases[5], fd, &fd_n, &why), ERR_INVALID);
    buf_fini(&out);
    free(longest);
}

/* What breaks a rule of the ABI is told to the adapter's author. */
static void test_signs_that_break_rules(void **state)
{
    (void)state;
    static char emoji[INBOUND_EMOJI_MAX + 2];
    memset(emoji, 'x', sizeof emoji - 1);
    struct fb_person sender = {.size = sizeof sender, .handle = "a"};
    struct fb_attachment file = {.size = sizeof file, .fd = 5, .filename = "f", .content_type = "t"};
    static const char about_one[] =
        "exactly one of about, about_delivery_id and about_external_id is required";
    static const char bad_emoji[] = "a reaction needs an emoji of at most 128 bytes of clean UTF-8";
    struct {
        struct fb_inbound m;
        const char *why;
    } cases[] = {
        {{.what = FB_TYPING + 1, .text = "a"}, "what it is is none of enum fb_what"},
        {{.what = FB_EDIT, .text = "a"}, about_one},
        {{.what = FB_EDIT, .text = "a", .about = ""}, about_one},
        {{.what = FB_DELETE, .about = "m", .about_delivery_id = "d"}, about_one},
        {{.what = FB_DELETE, .about = "m\x01"},
         "the id of the message that is meant is over 1024 bytes or not clean UTF-8"},
        {{.what = FB_EDIT, .about = "m"},
         "exactly one of text, markdown and html is required (none if there are attachments)"},
        {{.what = FB_EDIT, .about = "m", .text = ""}, "the text is empty and there are no attachments"},
        {{.what = FB_DELETE, .about = "m", .text = "a"}, "only a message or its edit has a text"},
        {{.what = FB_TYPING, .html = ""}, "only a message or its edit has a text"},
        {{.what = FB_REACTION, .about = "m"}, bad_emoji},
        {{.what = FB_REACTION, .about = "m", .emoji = ""}, bad_emoji},
        {{.what = FB_REACTION, .about = "m", .emoji = "\xff"}, bad_emoji},
        {{.what = FB_REACTION, .about = "m", .emoji = emoji}, bad_emoji},
        {{.what = FB_DELETE, .about = "m", .attachments = &file, .attachment_n = 1},
         "only a message has attachments"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out;
        int fd[INBOUND_ATTACHMENTS_MAX];
        unsigned fd_n;
        const char *why = NULL;
        cases[i].m.size = sizeof cases[i].m;
        cases[i].m.sender = &sender;
        buf_init(&out, 1 << 20);
        assert_int_equal(inbound_write(&out, &cases[i].m, fd, &fd_n, &why), ERR_INVALID);
        assert_string_equal(why, cases[i].why);
        buf_fini(&out);
    }
}

/* An adapter that was built for ABI 1.1 hands over a struct that ends earlier: what lies behind it is not looked at. */
static void test_what_older_adapters_hand_over(void **state)
{
    (void)state;
    struct fb_person sender = {.size = sizeof sender, .handle = "a"};
    struct fb_inbound m = {.size = offsetof(struct fb_inbound, what),
                           .sender = &sender,
                           .text = "hi",
                           .what = 99,
                           .is_removed = 1,
                           .about = (const char *)1,
                           .about_delivery_id = (const char *)1,
                           .about_external_id = (const char *)1,
                           .emoji = (const char *)1};
    struct buf out;
    int fd[INBOUND_ATTACHMENTS_MAX];
    unsigned fd_n;
    const char *why = NULL;
    buf_init(&out, 1 << 20);
    assert_int_equal(inbound_write(&out, &m, fd, &fd_n, &why), OK);
    buf_add_char(&out, '\0');
    assert_string_equal(out.p, "{\"sender\":{\"handle\":\"a\"},\"text\":\"hi\"}");
    buf_fini(&out);
}

static void test_text(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_clean, is_name, is_value;
        const char *line;
    } cases[] = {
        {"plain", true, true, true, "plain"},
        {"X-Good_1", true, true, true, "X-Good_1"},
        {"two\nlines", true, false, false, "two lines"},
        {"tab\there", true, false, true, "tab here"},
        {"bell\a", false, false, false, "bell "},
        {"del\x7f", false, false, false, "del "},
        {"bad \xc3", false, false, true, "bad \xef\xbf\xbd"},
        {"over\xc0\x80long", false, false, true, "over\xef\xbf\xbd\xef\xbf\xbdlong"},
        {"Content-Length", true, false, true, "Content-Length"},
        {"set-cookie", true, false, true, "set-cookie"},
        {"", true, false, true, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct span s = span_of(cases[i].text);
        struct buf line;
        buf_init(&line, 1000);
        text_clean_line(&line, s, 100);
        assert_string_equal(line.n ? line.p : "", cases[i].line);
        assert_int_equal(text_is_clean(s), cases[i].is_clean);
        assert_int_equal(text_is_header_name(s), cases[i].is_name);
        assert_int_equal(text_is_header_value(s), cases[i].is_value);
        buf_fini(&line);
    }
}

static void test_a_cut_never_splits_a_character(void **state)
{
    (void)state;
    struct buf line;
    buf_init(&line, 100);
    text_clean_line(&line, SPAN_LIT("ab\xf0\x9f\x98\x80"), 5);
    assert_string_equal(line.p, "ab");
    buf_fini(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile_messages),
        cmocka_unit_test(test_hostile_receipts),
        cmocka_unit_test(test_what_is_written_is_believed),
        cmocka_unit_test(test_signs_that_break_rules),
        cmocka_unit_test(test_what_older_adapters_hand_over),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_a_cut_never_splits_a_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
