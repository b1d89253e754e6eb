/* What Front sends: every shape recognised, every mistake refused with one sentence. */
#include "unit.h"
#include "front/callback.h"
#include <stdlib.h>

#define TO "{\"role\":\"to\",\"handle\":\"ada\",\"name\":\"Ada\"}"
#define MESSAGE(more)                                                                                        \
    "{\"id\":\"msg_1\",\"type\":\"custom\",\"body\":\"<p>hi</p>\",\"recipients\":[" TO "]" more "}"

static struct span text_of(const char *s)
{
    return (struct span){s, strlen(s)};
}

static const struct {
    const char *body;
    enum callback_shape shape;
} recognised[] = {
    {MESSAGE(""), CALLBACK_MESSAGE},
    {MESSAGE(",\"is_draft\":true,\"error_type\":\"x\",\"version\":\"7\""), CALLBACK_MESSAGE},
    {MESSAGE(",\"author\":null"), CALLBACK_MESSAGE},
    {MESSAGE(",\"author\":{}"), CALLBACK_MESSAGE},
    {MESSAGE(",\"text\":null,\"subject\":null,\"attachments\":null,\"metadata\":null,\"_links\":null,"
             "\"created_at\":null"),
     CALLBACK_MESSAGE},
    {MESSAGE(",\"is_inbound\":7,\"blurb\":[],\"draft_mode\":{},\"version\":[1,2],\"signature\":false"),
     CALLBACK_MESSAGE},
    {MESSAGE(",\"_links\":{\"self\":\"https://evil.example/messages/msg_1\"}"), CALLBACK_MESSAGE},
    {MESSAGE(",\"_links\":{\"self\":12,\"related\":{\"conversation\":\"nonsense\",\"other\":[]}}"),
     CALLBACK_MESSAGE},
    {MESSAGE(",\"metadata\":{\"headers\":12,\"external_conversation_ids\":3}"), CALLBACK_MESSAGE},
    {"{\"id\":\"msg_1\",\"recipients\":[" TO "]}", CALLBACK_MESSAGE},
    {"{\"id\":\"msg_1\",\"body\":null,\"recipients\":[" TO "]}", CALLBACK_MESSAGE},
    {"{\"id\":\"msg_\\ud800x\\u0000\",\"body\":\"\\udfff\",\"recipients\":[" TO "]}", CALLBACK_MESSAGE},
    {"{\"id\":\"evt_1\",\"type\":\"out_reply\",\"target\":{\"id\":\"msg_1\",\"_links\":{}}}", CALLBACK_EVENT},
    {"{\"id\":\"evt_1\",\"type\":\"reminder\"}", CALLBACK_EVENT},
    {"{\"id\":\"evt_1\",\"type\":\"never_heard_of\",\"source\":null}", CALLBACK_EVENT},
    {"{\"type\":\"message\",\"payload\":" MESSAGE("") ",\"metadata\":{\"external_conversation_ids\":[]}}",
     CALLBACK_APP_MESSAGE},
    {"{\"type\":\"message\",\"payload\":" MESSAGE("") "}", CALLBACK_APP_MESSAGE},
    {"{\"type\":\"message_autoreply\",\"payload\":{\"type\":\"auto_reply\",\"body\":\"x\",\"recipients\":[" TO
     "],"
     "\"_links\":{\"related\":{\"message_replied_to\":\"https://x/messages/msg_9\"}}}}",
     CALLBACK_APP_AUTO_REPLY},
    {"{\"type\":\"message_imported\",\"payload\":{\"message_uid\":\"u\"}}", CALLBACK_APP_IMPORTED},
    {"{\"type\":\"authorization\",\"payload\":{\"channel_id\":\"cha_1\"}}", CALLBACK_APP_AUTHORIZATION},
    {"{\"type\":\"list_addresses\"}", CALLBACK_APP_ADDRESSES},
    {"{\"type\":\"delete\",\"payload\":{\"channel_id\":\"cha_1\"}}", CALLBACK_APP_DELETE},
    {"{\"type\":\"outbound_sent\",\"authorization\":{\"id\":\"cmp_1\"},\"payload\":{\"id\":\"evt_1\","
     "\"type\":\"outbound\"}}",
     CALLBACK_WEBHOOK},
    {"{\"type\":\"sync\",\"authorization\":{\"id\":\"cmp_1\"}}", CALLBACK_SYNC},
};

static void test_shapes(void **state)
{
    struct callback c;
    struct buf why;
    (void)state;
    buf_init(&why, 1024);
    for (size_t i = 0; i < ARRAY_LEN(recognised); i++) {
        assert_int_equal(callback_decode(&c, text_of(recognised[i].body), &why), OK);
        assert_int_equal(c.shape, recognised[i].shape);
        assert_string_not_equal(callback_shape_name(c.shape), "none");
        assert_int_equal(why.n, 0);
        callback_fini(&c);
    }
    assert_string_equal(callback_shape_name(CALLBACK_NONE), "none");
    buf_fini(&why);
}

static const struct {
    const char *body, *why; /* why: how the sentence begins */
} refused[] = {
    {"", "The request has no body."},
    {"   ", "The body is not JSON: "},
    {"hello", "The body is not JSON: "},
    {"{\"id\":\"msg_1\"", "The body is not JSON: "},
    {"{\"a\":1 \"b\":2}", "The body is not JSON: "},
    {"{\"a\":[1,,2]}", "The body is not JSON: "},
    {"{\"a\":[tru]}", "The body is not JSON: "},
    {"{} {}", "The body is not JSON: "},
    {"{\"a\":1,}", "The body is not JSON: "},
    {"{\"a\":[1,]}", "The body is not JSON: "},
    {"{\"a\":1,\"a\":2}", "The body is not JSON: "},
    {"{\"a\":\"\xff\"}", "The body is not JSON: "},
    {"{\"a\":\"\n\"}", "The body is not JSON: "},
    {"[]", "The body is JSON, but not an object at the top."},
    {"[" MESSAGE("") "]", "The body is JSON, but not an object at the top."},
    {"\"msg_1\"", "The body is JSON, but not an object at the top."},
    {"null", "The body is JSON, but not an object at the top."},
    {"{}", "The body is JSON, but nothing that Front sends"},
    {"{\"id\":\"msg_1\",\"type\":\"custom\"}", "The body is JSON, but nothing that Front sends"},
    {"{\"type\":\"message\"}", "The body is JSON, but nothing that Front sends"},
    {"{\"type\":\"message\",\"payload\":[]}", "The body is JSON, but nothing that Front sends"},
    {"{\"type\":\"message\",\"payload\":{\"id\":\"evt_1\"}}",
     "The body is JSON, but nothing that Front sends"},
    {"{\"type\":\"unheard_of\",\"payload\":{}}", "The body is JSON, but nothing that Front sends"},
    {"{\"authorization\":{},\"payload\":{\"id\":\"msg_1\"}}",
     "The body is JSON, but nothing that Front sends"},
    {"{\"id\":\"evt_1\"}", "The event's type is missing."},
    {"{\"id\":\"evt_1\",\"type\":7}", "The event's type is not a string."},
    {"{\"id\":\"msg_1\",\"body\":\"x\"}", "The message has no recipients."},
    {"{\"id\":\"msg_1\",\"body\":\"x\",\"recipients\":null}", "The message has no recipients."},
    {"{\"id\":\"msg_1\",\"body\":\"x\",\"recipients\":[]}",
     "The message has no recipient with the role \"to\"."},
    {"{\"id\":\"msg_1\",\"recipients\":[{\"role\":\"from\",\"handle\":\"x\"}]}",
     "The message has no recipient with the role \"to\"."},
    {"{\"id\":\"msg_1\",\"recipients\":{}}", "The message's recipients is not an array."},
    {"{\"id\":\"msg_1\",\"recipients\":[7]}", "A recipient is not an object with a role."},
    {"{\"id\":\"msg_1\",\"recipients\":[{\"handle\":\"x\"}]}", "A recipient is not an object with a role."},
    {"{\"id\":\"msg_1\",\"recipients\":[{\"role\":\"to\"}]}", "A recipient's handle is missing."},
    {"{\"id\":\"msg_1\",\"recipients\":[{\"role\":\"to\",\"handle\":null}]}",
     "A recipient's handle is missing."},
    {"{\"id\":\"msg_1\",\"recipients\":[{\"role\":\"to\",\"handle\":33123}]}",
     "A recipient's handle is not a string."},
    {"{\"id\":\"msg_1\",\"recipients\":[{\"role\":\"to\",\"handle\":\"\"}]}",
     "A recipient's handle is empty."},
    {"{\"id\":\"msg_1\",\"recipients\":[{\"role\":\"to\",\"handle\":\"a\\nb\"}]}",
     "A recipient's handle contains control characters."},
    {"{\"body\":\"x\",\"recipients\":[" TO "]}", "The message's id is missing."},
    {"{\"body\":\"x\",\"recipients\":[" TO "],"
     "\"_links\":{\"related\":{\"message_replied_to\":\"https://x/messages/msg_9\"}}}",
     "The message's id is missing."},
    {"{\"id\":null,\"body\":\"x\",\"recipients\":[" TO "]}", "The message's id is missing."},
    {"{\"id\":12,\"body\":\"x\",\"recipients\":[" TO "]}", "The message's id is not a string."},
    {"{\"id\":\"\",\"body\":\"x\",\"recipients\":[" TO "]}", "The message's id is empty."},
    {"{\"id\":\"msg\\t1\",\"body\":\"x\",\"recipients\":[" TO "]}",
     "The message's id contains control characters."},
    {"{\"id\":\"msg_1\",\"body\":{},\"recipients\":[" TO "]}", "The message's body is not a string."},
    {MESSAGE(",\"text\":[]"), "The message's text is not a string."},
    {MESSAGE(",\"subject\":1"), "The message's subject is not a string."},
    {MESSAGE(",\"author\":\"Ada\""), "The message's author is not an object."},
    {MESSAGE(",\"author\":{\"email\":1}"), "The message's author.email is not a string."},
    {MESSAGE(",\"created_at\":\"now\""), "The message's created_at is not a number."},
    {MESSAGE(",\"attachments\":{}"), "The message's attachments is not an array."},
    {MESSAGE(",\"attachments\":[\"x\"]"), "An attachment is not an object."},
    {MESSAGE(",\"_links\":[]"), "The message's _links is not an object."},
    {MESSAGE(",\"_links\":{\"related\":{\"conversation\":{}}}"),
     "The message's _links.related.conversation is not a string."},
    {MESSAGE(",\"metadata\":\"x\""), "The message's metadata is not an object."},
    {"{\"type\":\"message\",\"payload\":{}}", "The message's id is missing."},
    {"{\"type\":\"message\",\"payload\":" MESSAGE("") ",\"metadata\":[]}",
     "The envelope's metadata is not an object."},
    {"{\"type\":\"message\",\"payload\":" MESSAGE("") ",\"metadata\":{\"external_conversation_ids\":\"x\"}}",
     "The envelope's metadata.external_conversation_ids is not an array."},
    {"{\"type\":\"message_autoreply\",\"payload\":{\"body\":\"x\",\"recipients\":[" TO "]}}",
     "The message's id is missing."},
};

static void test_refusals(void **state)
{
    struct callback c;
    struct buf why;
    (void)state;
    buf_init(&why, 1024);
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        assert_int_equal(callback_decode(&c, text_of(refused[i].body), &why), ERR_INVALID);
        if (!span_starts(buf_span(&why), refused[i].why))
            fail_msg("%s: \"%s\" does not begin with \"%s\"", refused[i].body, why.p, refused[i].why);
        assert_int_equal(why.p[why.n - 1], '.');
        buf_clear(&why);
        callback_fini(&c);
    }
    buf_fini(&why);
}

static void test_a_raw_nul_is_refused(void **state)
{
    struct callback c;
    struct buf why;
    (void)state;
    buf_init(&why, 1024);
    assert_int_equal(callback_decode(&c, SPAN_LIT("{\"a\":\"\0\"}"), &why), ERR_INVALID);
    callback_fini(&c);
    buf_fini(&why);
}

/* decode_with builds a message whose parts repeat, decodes it, and gives the result. */
static enum err decode_repeated(const char *head, const char *each, unsigned n, const char *tail,
                                struct callback *c, struct buf *body)
{
    struct buf why;

    buf_clear(body);
    buf_add_str(body, head);
    for (unsigned i = 0; i < n; i++) {
        if (i > 0)
            buf_add_char(body, ',');
        buf_addf(body, each, i);
    }
    buf_add_str(body, tail);
    buf_init(&why, 1024);
    enum err e = callback_decode(c, buf_span(body), &why);
    assert_int_equal(e == OK, why.n == 0);
    buf_fini(&why);
    return e;
}

#pragma GCC diagnostic ignored "-Wformat-nonliteral"

static void test_limits(void **state)
{
    static const struct {
        const char *head, *each, *tail;
        unsigned max;
    } rows[] = {
        {"{\"id\":\"msg_1\",\"recipients\":[", "{\"role\":\"to\",\"handle\":\"u%u\"}", "]}",
         CALLBACK_RECIPIENTS_MAX},
        {"{\"id\":\"msg_1\",\"recipients\":[" TO "],\"attachments\":[", "{\"size\":%u}", "]}",
         CALLBACK_ATTACHMENTS_MAX},
    };
    struct callback c;
    struct buf body;
    (void)state;
    buf_init(&body, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(decode_repeated(rows[i].head, rows[i].each, rows[i].max, rows[i].tail, &c, &body),
                         OK);
        callback_fini(&c);
        assert_int_equal(
            decode_repeated(rows[i].head, rows[i].each, rows[i].max + 1, rows[i].tail, &c, &body), ERR_LIMIT);
        callback_fini(&c);
    }
    /* Front may know a conversation by more names than we keep: any of them will do. */
    assert_int_equal(decode_repeated("{\"type\":\"message\",\"payload\":" MESSAGE(
                                         "") ",\"metadata\":{\"external_conversation_ids\":[",
                                     "\"c%u\"", 500, "]}}", &c, &body),
                     OK);
    assert_int_equal(c.external_conversation_n, CALLBACK_CONVERSATIONS_MAX);
    callback_fini(&c);
    buf_fini(&body);
}

static void test_long_strings(void **state)
{
    static const struct {
        const char *head, *tail;
        size_t max;
    } rows[] = {
        {"{\"body\":\"x\",\"recipients\":[" TO "],\"id\":\"", "\"}", CALLBACK_ID_MAX},
        {"{\"id\":\"m\",\"recipients\":[{\"role\":\"to\",\"handle\":\"", "\"}]}", CALLBACK_HANDLE_MAX},
    };
    struct callback c;
    struct buf body, why;
    (void)state;
    buf_init(&body, 1 << 20);
    buf_init(&why, 1024);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t extra = 0; extra < 2; extra++) {
            buf_clear(&body);
            buf_add_str(&body, rows[i].head);
            for (size_t k = 0; k < rows[i].max + extra; k++)
                buf_add_char(&body, 'a');
            buf_add_str(&body, rows[i].tail);
            assert_int_equal(callback_decode(&c, buf_span(&body), &why), extra ? ERR_LIMIT : OK);
            callback_fini(&c);
        }
    buf_fini(&why);
    buf_fini(&body);
}

static void test_depth(void **state)
{
    struct callback c;
    struct buf body, why;
    (void)state;
    buf_init(&body, 1 << 20);
    buf_init(&why, 1024);
    for (unsigned i = 0; i < 10000; i++)
        buf_add_str(&body, "{\"a\":[");
    assert_int_equal(callback_decode(&c, buf_span(&body), &why), ERR_LIMIT);
    assert_true(span_starts(buf_span(&why), "The body goes beyond a limit: "));
    callback_fini(&c);
    buf_fini(&why);
    buf_fini(&body);
}

static void test_what_is_read(void **state)
{
    static const char body[] =
        "{\"type\":\"message\",\"payload\":{\"id\":\"msg_1\",\"body\":\"x\",\"recipients\":["
        "{\"role\":\"from\",\"handle\":\"support\"},{\"role\":\"cc\",\"handle\":7},"
        "{\"role\":\"to\",\"handle\":\"ada\",\"name\":null},{\"role\":\"to\",\"handle\":\"b\\u00f6b\","
        "\"name\":\"B\"},"
        "{\"role\":\"to\",\"handle\":\"ada\",\"name\":\"again\"}],"
        "\"attachments\":[{\"url\":\"https://evil.example/download/fil_1\"},{\"url\":\"https://"
        "a.frontapp.com/x\"}],"
        "\"metadata\":{\"headers\":{\"in_reply_to\":\"fb12\"}},"
        "\"_links\":{\"self\":\"https://evil.example/messages/msg_1\",\"related\":{"
        "\"conversation\":\"https://evil.example/conversations/cnv_5\"}}},"
        "\"metadata\":{\"external_conversation_ids\":[\"c1\",\"c2\",\"c1\",null,7,\"\"],"
        "\"external_conversation_id\":\"c3\"}}";
    struct callback c;
    struct buf why;
    (void)state;
    buf_init(&why, 1024);
    assert_int_equal(callback_decode(&c, text_of(body), &why), OK);
    assert_int_equal(c.shape, CALLBACK_APP_MESSAGE);
    assert_string_equal(c.message_id, "msg_1");
    assert_string_equal(c.conversation_id, "cnv_5");
    assert_string_equal(c.from_handle, "support");
    assert_string_equal(c.in_reply_to, "fb12");
    assert_int_equal(c.to_n, 2);
    assert_string_equal(c.to[0].handle, "ada");
    assert_null(c.to[0].name);
    assert_string_equal(c.to[1].handle, "b\xc3\xb6"
                                        "b");
    assert_int_equal(c.external_conversation_n, 3);
    assert_string_equal(c.external_conversation[2], "c3");
    assert_int_equal(c.foreign_link_n, 3);
    callback_fini(&c);
    callback_fini(&c);
    buf_fini(&why);
}

static void test_ids_of_other_shapes(void **state)
{
    struct callback c;
    struct buf why;
    (void)state;
    buf_init(&why, 1024);
    assert_int_equal(callback_decode(&c, SPAN_LIT("{\"id\":\"evt_55\",\"type\":\"inbound\"}"), &why), OK);
    assert_string_equal(c.what.id, "evt_55");
    callback_fini(&c);
    assert_int_equal(
        callback_decode(&c,
                        SPAN_LIT("{\"type\":\"message_autoreply\",\"payload\":{\"recipients\":[" TO
                                 "],\"_links\":{\"related\":{\"message_replied_to\":"
                                 "\"https://x/messages/msg_9\"}}}}"),
                        &why),
        OK);
    assert_string_equal(c.message_id, "msg_9_autoreply");
    callback_fini(&c);
    buf_fini(&why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_a_raw_nul_is_refused),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_long_strings),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_what_is_read),
        cmocka_unit_test(test_ids_of_other_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
