/* The wire form of a delivery: what is stored at acceptance, and the head that each attempt adds. */
#include "unit.h"
#include "front/callback.h"

#define HEAD "{\"id\":\"msg_1\",\"recipients\":[{\"role\":\"to\",\"handle\":\"ada\",\"name\":\"Ada\"}]"
#define STORED(author, subject, text, html, attachments, at)                                                 \
    "{\"recipient\":{\"handle\":\"ada\",\"name\":\"Ada\"},"                                                  \
    "\"front\":{\"message_id\":\"msg_1\",\"conversation_id\":null,\"event_id\":null},\"author\":" author     \
    ",\"subject\":" subject ",\"text\":" text ",\"html\":" html ",\"attachments\":" attachments              \
    ",\"created_at\":" at "}"
#define NOW INT64_C(1700000000123)

static const struct {
    const char *body, *stored;
} rows[] = {
    {HEAD ",\"body\":\"<p>a &amp; b</p><p>c<br>d</p>\"}",
     STORED("null", "null", "\"a & b\\n\\nc\\nd\"", "\"<p>a &amp; b</p><p>c<br>d</p>\"", "[]",
            "1700000000.123")},
    {HEAD ",\"body\":\"<p>x</p>\",\"text\":\" as it \\n stands \",\"author\":{},\"created_at\":1453770984.5}",
     STORED("null", "null", "\" as it \\n stands \"", "\"<p>x</p>\"", "[]", "1453770984.500")},
    {HEAD
     ",\"body\":null,\"author\":{\"email\":\"g@x.org\",\"first_name\":\"Grace\",\"last_name\":\"Hopper\"},"
     "\"subject\":\"Re: \\\"it\\\"\",\"metadata\":{\"headers\":{\"in_reply_to\":\"fb1\"}}}",
     STORED("{\"name\":\"Grace Hopper\",\"email\":\"g@x.org\"}", "\"Re: \\\"it\\\"\"", "\"\"", "null", "[]",
            "1700000000.123")},
    {HEAD
     ",\"body\":\"\",\"text\":\"\",\"author\":{\"username\":\"gh\",\"email\":null,\"first_name\":\"\"},"
     "\"attachments\":[{\"id\":\"fil_1\",\"filename\":\"a.png\",\"content_type\":\"image/png\",\"size\":44,"
     "\"url\":\"https://evil.example/x\"},{\"filename\":7,\"size\":1.5}],\"created_at\":-3}",
     STORED("{\"name\":\"gh\",\"email\":null}", "null", "\"\"", "\"\"",
            "[{\"filename\":\"a.png\",\"content_type\":\"image/png\",\"size\":44,\"url\":null},"
            "{\"filename\":null,\"content_type\":null,\"size\":null,\"url\":null}]",
            "1700000000.123")},
    {HEAD ",\"body\":\"x\",\"text\":\"\\ud800\\u0000\\u00e9\\ud83d\\ude00\"}",
     STORED("null", "null", "\"\xef\xbf\xbd\xc3\xa9\xf0\x9f\x98\x80\"", "\"x\"", "[]", "1700000000.123")},
};

static void test_stored(void **state)
{
    struct callback c;
    struct buf why, out;
    (void)state;
    buf_init(&why, 1024);
    buf_init(&out, 65536);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(callback_decode(&c, span_of(rows[i].body), &why), OK);
        callback_delivery(&c, 0, NOW, &out);
        assert_text(&out, rows[i].stored);
        callback_fini(&c);
    }
    buf_fini(&why);
    buf_fini(&out);
}

static void test_complete(void **state)
{
    struct delivery_head h = {.id = "fb1",
                              .channel = "support",
                              .attempt = 3,
                              .conversation_id = SPAN_LIT("c\"1"),
                              .in_reply_to = SPAN_LIT("m1")};
    struct buf out;
    (void)state;
    buf_init(&out, 65536);
    delivery_complete(&h, SPAN_LIT("{\"text\":\"x\"}"), &out);
    assert_text(&out, "{\"type\":\"message\",\"id\":\"fb1\",\"attempt\":3,\"channel\":\"support\","
                      "\"conversation_id\":\"c\\\"1\",\"in_reply_to\":\"m1\",\"text\":\"x\"}");
    h.conversation_id = h.in_reply_to = SPAN_NONE;
    delivery_complete(&h, SPAN_LIT("{}"), &out);
    assert_text(&out, "{\"type\":\"message\",\"id\":\"fb1\",\"attempt\":3,\"channel\":\"support\","
                      "\"conversation_id\":null,\"in_reply_to\":null}");
    buf_fini(&out);
}

static void test_what_says_the_same(void **state)
{
    static const struct {
        const char *a, *b;
        bool is_same;
    } pairs[] = {
        {"{\"text\":\"x\",\"created_at\":1}", "{\"text\":\"x\",\"created_at\":2}", true},
        {"{\"front\":{\"event_id\":null},\"text\":\"x\",\"author\":null}",
         "{\"front\":{\"event_id\":\"evt_1\"},\"text\":\"x\",\"author\":{\"name\":\"B\"}}", true},
        {"{\"text\":\"x\"}", "{\"text\":\"y\"}", false},
        {"{\"text\":\"x\"}", "{\"text\":\"x\",\"html\":null}", false},
        {"{\"text\":\"x\",\"subject\":null}", "{\"text\":\"x\",\"subject\":\"s\"}", false},
        {"{\"attachments\":[{\"filename\":\"a\"}]}", "{\"attachments\":[{\"filename\":\"b\"}]}", false},
        {"{}", "{}", true},
        {"{", "{", false},
        {"[]", "nonsense", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        if (delivery_is_same(span_of(pairs[i].a), span_of(pairs[i].b)) != pairs[i].is_same)
            fail_msg("%s and %s", pairs[i].a, pairs[i].b);
}

/* The backend's own spelling of a number stands where the stored one does; nothing else is ever replaced. */
static void test_the_backends_spelling(void **state)
{
    static const struct {
        const char *stored, *told;
    } spellings[] = {
        {"{\"recipient\":{\"handle\":\"+4930\",\"name\":null},\"text\":\"x\"}",
         "\"recipient\":{\"handle\":\"030 \\\"7\\\"\",\"name\":null},\"text\":\"x\"}"},
        {"{\"recipient\":{\"handle\":\"+49\\u0061\",\"name\":null}}",
         "\"recipient\":{\"handle\":\"+49\\u0061\",\"name\":null}}"},
        {"{\"text\":\"x\"}", "\"text\":\"x\"}"},
        {"{\"recipient\":{\"handle\":\"+4930", "\"recipient\":{\"handle\":\"+4930"},
    };
    const struct delivery_head h = {
        .id = "fb1", .channel = "c", .attempt = 1, .handle = SPAN_LIT("030 \"7\"")};
    struct buf out, expected;
    (void)state;
    buf_init(&out, 65536);
    buf_init(&expected, 65536);
    for (size_t i = 0; i < ARRAY_LEN(spellings); i++) {
        buf_clear(&expected);
        buf_addf(
            &expected,
            "{\"type\":\"message\",\"id\":\"fb1\",\"attempt\":1,\"channel\":\"c\",\"conversation_id\":null,"
            "\"in_reply_to\":null,%s",
            spellings[i].told);
        delivery_complete(&h, span_of(spellings[i].stored), &out);
        assert_text(&out, expected.p);
    }
    notice_complete(&h, span_of(spellings[0].stored), &out);
    assert_text(
        &out, "{\"id\":\"fb1\",\"channel\":\"c\",\"recipient\":{\"handle\":\"030 \\\"7\\\"\",\"name\":null},"
              "\"text\":\"x\"}");
    buf_fini(&out);
    buf_fini(&expected);
}

static void test_each_recipient(void **state)
{
    static const char body[] =
        "{\"id\":\"m\",\"body\":\"x\",\"recipients\":[{\"role\":\"to\",\"handle\":\"a\"},"
        "{\"role\":\"to\",\"handle\":\"b\"}]}";
    static const char *const expected[] = {"\"recipient\":{\"handle\":\"a\",\"name\":null}",
                                           "\"recipient\":{\"handle\":\"b\",\"name\":null}"};
    struct callback c;
    struct buf why, out;
    (void)state;
    buf_init(&why, 1024);
    buf_init(&out, 65536);
    assert_int_equal(callback_decode(&c, span_of(body), &why), OK);
    assert_int_equal(c.to_n, 2);
    for (unsigned i = 0; i < c.to_n; i++) {
        buf_clear(&out);
        callback_delivery(&c, i, NOW, &out);
        assert_non_null(strstr(out.p, expected[i]));
    }
    callback_fini(&c);
    buf_fini(&why);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stored),
        cmocka_unit_test(test_complete),
        cmocka_unit_test(test_what_says_the_same),
        cmocka_unit_test(test_the_backends_spelling),
        cmocka_unit_test(test_each_recipient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
