/* Customers' messages: what is accepted, and what Front is posted. */
#include "unit.h"
#include "front/incoming.h"

#define SENDER "\"sender\":{\"handle\":\"ada\",\"name\":\"Ada\",\"email\":\"ada@x.org\"}"
#define CUSTOM(subject, body, more)                                                                          \
    "{\"sender\":{\"handle\":\"ada\",\"name\":\"Ada\"}," subject "\"body\":\"" body                          \
    "\",\"body_format\":\"html\",\"metadata\":{\"thread_ref\":\"t\",\"headers\":{\"front_bridge_id\":"       \
    "\"fb1\"" more "}}}"

static const struct {
    const char *wire, *custom;
} bodies[] = {
    {"{" SENDER ",\"text\":\"a <b>\\n\\\"c\\\" & d\"}",
     CUSTOM("", "a &lt;b&gt;<br>&quot;c&quot; &amp; d", "")},
    {"{" SENDER
     ",\"text\":\"x\",\"subject\":\"S\",\"id\":\"m1\",\"conversation_id\":\"c1\",\"in_reply_to\":\"m0\"}",
     CUSTOM("\"subject\":\"S\",", "x",
            ",\"external_id\":\"m1\",\"external_conversation_id\":\"c1\",\"in_reply_to\":\"m0\"")},
    {"{" SENDER
     ",\"markdown\":\"**b** `c`\\nd [l](https://x.org) [j](javascript:alert(1)) <script>x</script>\"}",
     CUSTOM("", "<p><strong>b</strong> <code>c</code><br>d <a href=\\\"https://x.org\\\">l</a> j x</p>", "")},
    {"{" SENDER ",\"html\":\"<p onclick='x'>a<script>b</script><a href='javascript:c'>d</a></p>\"}",
     CUSTOM("", "<p>ad</p>", "")},
    {"{" SENDER ",\"html\":\"<script>a</script>\"}", CUSTOM("", "<em>(a message without text)</em>", "")},
    {"{" SENDER ",\"text\":\"\"}", CUSTOM("", "<em>(a message without text)</em>", "")},
    {"{" SENDER ",\"attachments\":[{\"filename\":\"a.png\",\"content_type\":\"image/png\",\"fd\":0}]}",
     CUSTOM("", "<em>(a message without text)</em>", "")},
    {"{" SENDER ",\"text\":\"\\ud800\\u0000\\ud83d\\ude00\"}",
     CUSTOM("", "\xef\xbf\xbd\xf0\x9f\x98\x80", "")},
    {"{" SENDER
     ",\"text\":\"x\",\"markdown\":null,\"html\":null,\"subject\":null,\"sent_at\":null,\"direction\":null}",
     CUSTOM("", "x", "")},
};

static void test_custom(void **state)
{
    struct buf out, why;
    (void)state;

    buf_init(&out, 1 << 20);
    buf_init(&why, 1024);
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        const struct incoming in = {.wire = span_of(bodies[i].wire), .id = "fb1", .thread_ref = "t"};
        assert_int_equal(incoming_check(in.wire, &why), OK);
        assert_int_equal(incoming_custom(&in, &out, &why), OK);
        assert_text(&out, bodies[i].custom);
    }
    buf_fini(&out);
    buf_fini(&why);
}

static void test_application(void **state)
{
    struct buf out, why;
    (void)state;

    buf_init(&out, 1 << 20);
    buf_init(&why, 1024);
    struct incoming in = {
        .wire = SPAN_LIT("{" SENDER ",\"text\":\"x\",\"subject\":\"S\",\"sent_at\":1700000000.999}"),
        .id = "fb1",
        .thread_ref = "t",
        .reply_to = "fb-msg_1"};
    assert_int_equal(incoming_application(&in, &out, &why), OK);
    assert_text(&out, "{" SENDER ",\"subject\":\"S\",\"body\":\"x\",\"metadata\":{\"external_id\":\"fb1\","
                      "\"external_conversation_id\":\"t\",\"referenced_message_external_id\":\"fb-msg_1\"},"
                      "\"delivered_at\":1700000000}");
    in.reply_to = NULL;
    in.wire = SPAN_LIT("{\"sender\":{\"handle\":\"ada\"},\"text\":\"x\",\"sent_at\":0}");
    assert_int_equal(incoming_application(&in, &out, &why), OK);
    assert_text(&out, "{\"sender\":{\"handle\":\"ada\"},\"body\":\"x\",\"metadata\":{\"external_id\":\"fb1\","
                      "\"external_conversation_id\":\"t\"}}");
    buf_fini(&out);
    buf_fini(&why);
}

#define AGENT                                                                                                \
    "\"sender\":{\"handle\":\"desk\",\"name\":\"Grace\"},\"direction\":\"outbound\",\"author_email\":\"g@x." \
    "org\","                                                                                                 \
    "\"to\":[{\"handle\":\"ada\",\"name\":\"Ada\",\"email\":\"ada@x.org\"},{\"handle\":\"bob\"}]"

static void test_agents(void **state)
{
    struct buf out, why;
    (void)state;

    buf_init(&out, 1 << 20);
    buf_init(&why, 1024);
    struct incoming in = {.wire = SPAN_LIT("{" AGENT ",\"text\":\"a\\nb\",\"subject\":\"S\",\"id\":\"m1\"}"),
                          .id = "fb1",
                          .thread_ref = "t",
                          .created_at = 1700000001999};
    assert_int_equal(incoming_check(in.wire, &why), OK);
    assert_int_equal(incoming_agent_application(&in, &out, &why), OK);
    assert_text(
        &out,
        "{\"sender_name\":\"Grace\",\"to\":[{\"handle\":\"ada\",\"name\":\"Ada\",\"email\":\"ada@x.org\"},"
        "{\"handle\":\"bob\"}],\"subject\":\"S\",\"body\":\"a<br>b\",\"metadata\":{\"external_id\":\"fb1\","
        "\"external_conversation_id\":\"t\"}}");
    assert_int_equal(incoming_agent_custom(&in, &out, &why), OK);
    assert_text(
        &out,
        "{\"sender\":{\"handle\":\"desk\",\"name\":\"Grace\"},\"to\":[\"ada\",\"bob\"],\"subject\":\"S\","
        "\"body\":\"a<br>b\",\"external_id\":\"fb1\",\"created_at\":1700000001,\"type\":\"custom\","
        "\"metadata\":{\"thread_ref\":\"t\",\"is_inbound\":false,\"is_archived\":false}}");
    in.wire = SPAN_LIT("{" AGENT ",\"text\":\"x\",\"sent_at\":1600000000.5}");
    in.author_id = "tea_1";
    in.address = "line";
    in.conversation = "cnv_1";
    assert_int_equal(incoming_agent_application(&in, &out, &why), OK);
    assert_text(
        &out,
        "{\"sender_name\":\"Grace\",\"to\":[{\"handle\":\"ada\",\"name\":\"Ada\",\"email\":\"ada@x.org\"},"
        "{\"handle\":\"bob\"}],\"body\":\"x\",\"author_id\":\"tea_1\",\"metadata\":{\"external_id\":\"fb1\","
        "\"external_conversation_id\":\"t\"},\"delivered_at\":1600000000}");
    assert_int_equal(incoming_agent_custom(&in, &out, &why), OK);
    assert_text(&out, "{\"sender\":{\"author_id\":\"tea_1\",\"handle\":\"line\",\"name\":\"Grace\"},\"to\":["
                      "\"ada\",\"bob\"],"
                      "\"body\":\"x\",\"external_id\":\"fb1\",\"created_at\":1600000000,\"type\":\"custom\","
                      "\"conversation_id\":\"cnv_1\","
                      "\"metadata\":{\"thread_ref\":\"t\",\"is_inbound\":false,\"is_archived\":false}}");
    buf_fini(&out);
    buf_fini(&why);
}

static const struct {
    const char *wire, *why;
} refused[] = {
    {"", "The message is not JSON: "},
    {"{", "The message is not JSON: "},
    {"[]", "The message is not a JSON object"},
    {"{}", "sender is missing, or not an object"},
    {"{\"sender\":\"ada\",\"text\":\"x\"}", "sender is missing, or not an object"},
    {"{\"sender\":{},\"text\":\"x\"}", "sender.handle is missing"},
    {"{\"sender\":{\"handle\":7},\"text\":\"x\"}", "sender.handle is not a string"},
    {"{\"sender\":{\"handle\":\"\"},\"text\":\"x\"}", "sender.handle is empty"},
    {"{\"sender\":{\"handle\":\"a\\nb\"},\"text\":\"x\"}", "sender.handle contains control characters"},
    {"{\"sender\":{\"handle\":\"a\",\"name\":[]},\"text\":\"x\"}", "sender.name is not a string"},
    {"{" SENDER "}", "One of text, markdown and html must be given"},
    {"{" SENDER ",\"attachments\":[]}", "One of text, markdown and html must be given"},
    {"{" SENDER ",\"text\":\"x\",\"html\":\"y\"}", "Only one of text, markdown and html may be given"},
    {"{" SENDER ",\"text\":{}}", "text is not a string"},
    {"{" SENDER ",\"text\":\"x\",\"id\":5}", "id is not a string"},
    {"{" SENDER ",\"text\":\"x\",\"id\":\"a\\u0001\"}", "id contains control characters"},
    {"{" SENDER ",\"text\":\"x\",\"conversation_id\":true}", "conversation_id is not a string"},
    {"{" SENDER ",\"text\":\"x\",\"sent_at\":\"now\"}", "sent_at is not a time in Unix seconds"},
    {"{" SENDER ",\"text\":\"x\",\"sent_at\":-5}", "sent_at is not a time in Unix seconds"},
    {"{" SENDER ",\"text\":\"x\",\"direction\":\"outbound\"}",
     "to must name 1 to 50 customers if direction is outbound"},
    {"{" SENDER ",\"text\":\"x\",\"direction\":\"up\"}", "direction can only be inbound or outbound"},
    {"{" SENDER ",\"text\":\"x\",\"direction\":\"outbound\",\"to\":[]}",
     "to must name 1 to 50 customers if direction is outbound"},
    {"{" SENDER ",\"text\":\"x\",\"direction\":\"outbound\",\"to\":[\"a\"]}",
     "to must hold objects with a handle"},
    {"{" SENDER ",\"text\":\"x\",\"direction\":\"outbound\",\"to\":[{\"name\":\"a\"}]}", "handle is missing"},
    {"{" SENDER ",\"text\":\"x\",\"author_email\":1}", "author_email is not a string"},
};

static void test_refusals(void **state)
{
    struct buf why;
    (void)state;

    buf_init(&why, 1024);
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        assert_int_equal(incoming_check(span_of(refused[i].wire), &why), ERR_INVALID);
        if (!span_starts(buf_span(&why), refused[i].why))
            fail_msg("%s: \"%s\" does not begin with \"%s\"", refused[i].wire, why.p, refused[i].why);
        buf_clear(&why);
    }
    buf_fini(&why);
}

static void add_many(struct buf *out, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_add_str(out, s);
}

static void test_limits(void **state)
{
    static const struct {
        const char *head, *each, *tail, *why;
        size_t max;
    } rows[] = {
        {"{\"text\":\"x\",\"sender\":{\"handle\":\"", "a", "\"}}", "sender.handle is longer than 512 bytes",
         INCOMING_HANDLE_MAX},
        {"{" SENDER ",\"text\":\"x\",\"id\":\"", "a", "\"}", "id is longer than 1024 bytes", INCOMING_ID_MAX},
        {"{" SENDER ",\"text\":\"", "a", "\"}", "text is longer than 524288 bytes", INCOMING_TEXT_MAX},
        {"{" SENDER ",\"text\":\"", "\\u003c", "\"}", "text is longer than 524288 bytes", INCOMING_TEXT_MAX},
        {"{" SENDER ",\"markdown\":\"", "a", "\"}", "markdown is longer than 65536 bytes",
         INCOMING_MARKDOWN_MAX},
    };
    struct buf wire, why;
    (void)state;

    buf_init(&wire, 16 << 20);
    buf_init(&why, 1024);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t extra = 0; extra < 2; extra++) {
            buf_clear(&wire);
            buf_add_str(&wire, rows[i].head);
            add_many(&wire, rows[i].each, rows[i].max + extra);
            buf_add_str(&wire, rows[i].tail);
            assert_int_equal(incoming_check(buf_span(&wire), &why), extra ? ERR_LIMIT : OK);
            if (extra)
                assert_text(&why, rows[i].why);
        }
    buf_fini(&wire);
    buf_fini(&why);
}

static void test_long_ids_are_digests(void **state)
{
    struct buf wire, out, why;
    (void)state;

    buf_init(&wire, 4096);
    buf_init(&out, 4096);
    buf_init(&why, 1024);
    buf_add_str(&wire, "{" SENDER ",\"text\":\"x\",\"id\":\"");
    add_many(&wire, "x", 201);
    buf_add_str(&wire, "\"}");
    const struct incoming in = {.wire = buf_span(&wire), .id = "fb1", .thread_ref = "t"};
    assert_int_equal(incoming_custom(&in, &out, &why), OK);
    assert_text(&out, CUSTOM("", "x", ",\"external_id\":\"fb:hKBnjJCTf13PmZTVhmZo2muZUQnIrYRUEFWbSKTsr-0\""));
    buf_fini(&wire);
    buf_fini(&out);
    buf_fini(&why);
}

static void test_replies(void **state)
{
    static const struct {
        const char *body, *uid, *conversation;
    } rows[] = {
        {"{\"status\":\"accepted\",\"message_uid\":\"u-1\"}", "u-1", NULL},
        {"{\"status\":\"accepted\"}", NULL, NULL},
        {"{\"message_uid\":12}", NULL, NULL},
        {"{\"message_uid\":\"\"}", NULL, NULL},
        {"{\"message_uid\":\"a\\nb\"}", NULL, NULL},
        {"[]", NULL, NULL},
        {"{\"_links\":{\"related\":{\"conversation\":\"https://evil.example/conversations/cnv_1\"}}}", NULL,
         "cnv_1"},
        {"{\"_links\":{\"related\":{\"conversation\":7}}}", NULL, NULL},
        {"{\"_links\":null}", NULL, NULL},
    };
    struct json doc;
    struct buf out;
    (void)state;

    buf_init(&out, 4096);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(json_parse(&doc, span_of(rows[i].body)), OK);
        assert_int_equal(incoming_uid(&doc, &out), rows[i].uid ? OK : ERR_INVALID);
        assert_text(&out, rows[i].uid ? rows[i].uid : "");
        assert_int_equal(incoming_conversation(&doc, &out), rows[i].conversation ? OK : ERR_INVALID);
        assert_text(&out, rows[i].conversation ? rows[i].conversation : "");
        json_fini(&doc);
    }
    assert_int_equal(incoming_uid(NULL, &out), ERR_INVALID);
    assert_int_equal(incoming_conversation(NULL, &out), ERR_INVALID);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_custom),  cmocka_unit_test(test_application),
        cmocka_unit_test(test_agents),  cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_limits),  cmocka_unit_test(test_long_ids_are_digests),
        cmocka_unit_test(test_replies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
