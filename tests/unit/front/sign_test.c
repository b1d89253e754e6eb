/* What a backend tells of messages: what is accepted, what it becomes, and the words in which Front is told. */
#include "unit.h"
#include "front/incoming.h"
#include "front/sign.h"
#include "text/html_token.h"
#include <stdlib.h>

#define ADA     "\"sender\":{\"handle\":\"ada\",\"name\":\"Ada\"}"
#define ABOUT   "\"message_id\":\"m1\""
#define AGENT   ",\"direction\":\"outbound\",\"to\":[{\"handle\":\"ada\"}]"
#define THUMB   "\xf0\x9f\x91\x8d"
#define FAMILY  "\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7"
#define Q(text) " \xe2\x80\x9c" text "\xe2\x80\x9d"
#define E(text) "<p><em>" text "</em></p>"

#define BODY(s)                                                                                              \
    {                                                                                                        \
        s, sizeof(s) - 1                                                                                     \
    }
static const struct sign_about received = {.is_known = true, .body = BODY("{\"text\":\"Is it in stock?\"}")};
static const struct sign_about sent = {
    .is_known = true, .is_delivery = true, .body = BODY("{\"text\":\"It is.\",\"html\":\"<p>x\"}")};

/* ---- What it becomes ---- */

static void test_forms(void **state)
{
    static const struct {
        const char *wire;
        enum sign sign;
        enum sign_form customer, agent;
    } rows[] = {
        {"{\"text\":\"a\"", SIGN_NONE, SIGN_AS_MESSAGE, SIGN_AS_MESSAGE},
        {"{\"type\":\"message\"", SIGN_NONE, SIGN_AS_MESSAGE, SIGN_AS_MESSAGE},
        {"{\"type\":\"other\"", SIGN_NONE, SIGN_AS_MESSAGE, SIGN_AS_MESSAGE},
        {"{\"type\":\"edit\"", SIGN_EDIT, SIGN_AS_MESSAGE, SIGN_AS_COMMENT},
        {"{\"type\":\"delete\"", SIGN_DELETE, SIGN_AS_MESSAGE, SIGN_AS_COMMENT},
        {"{\"type\":\"reaction\"", SIGN_REACTION, SIGN_AS_COMMENT, SIGN_AS_COMMENT},
        {"{\"type\":\"typing\"", SIGN_TYPING, SIGN_IGNORED, SIGN_IGNORED},
    };
    struct buf text;
    (void)state;

    buf_init(&text, 1024);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (int is_agent = 0; is_agent < 2; is_agent++) {
            struct json doc;
            buf_clear(&text);
            buf_addf(&text, "%s%s}", rows[i].wire, is_agent ? AGENT : "");
            assert_int_equal(json_parse(&doc, buf_span(&text)), OK);
            assert_int_equal(sign_of(json_root(&doc)), rows[i].sign);
            assert_int_equal(sign_form(json_root(&doc)), is_agent ? rows[i].agent : rows[i].customer);
            json_fini(&doc);
        }
    buf_fini(&text);
}

static void test_refusals(void **state)
{
    static const struct {
        const char *wire, *why;
    } rows[] = {
        {"{\"type\":\"edit\"," ADA ",\"text\":\"a\"}", "edit: exactly one of"},
        {"{\"type\":\"edit\"," ADA ",\"text\":\"a\",\"message_id\":\"\"}", "edit: exactly one of"},
        {"{\"type\":\"edit\"," ADA ",\"text\":\"a\",\"message_id\":7}", "edit: exactly one of"},
        {"{\"type\":\"edit\"," ADA ",\"text\":\"a\",\"message_id\":\"a\\u0001\"}", "edit: exactly one of"},
        {"{\"type\":\"delete\"," ADA "," ABOUT ",\"external_id\":\"x\"}", "delete: exactly one of"},
        {"{\"type\":\"edit\"," ADA "," ABOUT "}", "One of text, markdown and html must be given"},
        {"{\"type\":\"edit\"," ADA "," ABOUT ",\"text\":\"a\",\"html\":\"b\"}", "Only one of text"},
        {"{\"type\":\"reaction\"," ADA "," ABOUT "}", "reaction: emoji must be"},
        {"{\"type\":\"reaction\"," ADA "," ABOUT ",\"emoji\":\"\"}", "reaction: emoji must be"},
        {"{\"type\":\"reaction\"," ADA "," ABOUT ",\"emoji\":\"a\\nb\"}", "reaction: emoji must be"},
        {"{\"type\":\"reaction\"," ADA "," ABOUT ",\"emoji\":[]}", "reaction: emoji must be"},
        {"{\"type\":\"delete\"," ABOUT "}", "sender is missing"},
        {"{\"type\":\"typing\"}", "sender is missing"},
        {"{\"type\":\"delete\"," ADA "," ABOUT
         ",\"attachments\":[{\"filename\":\"a\",\"content_type\":\"b\",\"url\":\"https://x.org\"}]}",
         "delete: files are only taken with a message"},
    };
    struct buf why;
    (void)state;

    buf_init(&why, 1024);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf_clear(&why);
        assert_int_not_equal(incoming_check(span_of(rows[i].wire), &why), OK);
        if (!strstr(why.p, rows[i].why))
            fail_msg("%s: %s", rows[i].wire, why.p);
    }
    buf_fini(&why);
}

/* ---- The words ---- */

static void expect(const char *wire, const struct sign_about *about, const char *html)
{
    struct json doc;
    struct buf out, why, body;

    buf_init(&out, 4 << 20);
    buf_init(&why, 1024);
    buf_init(&body, 4 << 20);
    const struct incoming in = {.wire = span_of(wire), .id = "fb1", .thread_ref = "t", .about = about};
    assert_int_equal(incoming_check(in.wire, &why), OK);
    assert_int_equal(incoming_custom(&in, &out, &why), OK);
    assert_int_equal(json_parse(&doc, buf_span(&out)), OK);
    assert_int_equal(json_str(json_get(json_root(&doc), "body"), &body), OK);
    assert_text(&body, html);
    json_fini(&doc);
    buf_fini(&out);
    buf_fini(&why);
    buf_fini(&body);
}

static void test_edits(void **state)
{
    (void)state;
#define EDIT(text) "{\"type\":\"edit\"," ADA "," ABOUT ",\"text\":\"" text "\"}"
    expect(EDIT("in <red>?"), &received,
           E("Ada changed the message" Q("Is it in stock?") ". It now reads:") "in &lt;red&gt;?");
    expect(EDIT("a"), NULL, E("Ada changed an earlier message. It now reads:") "a");
    expect(EDIT("a"), &(struct sign_about){0}, E("Ada changed an earlier message. It now reads:") "a");
    expect(EDIT("a"), &sent, E("Ada changed your message" Q("It is.") ". It now reads:") "a");
    expect(EDIT(""), NULL,
           E("Ada changed an earlier message. It now reads:") "<em>(a message without text)</em>");
    expect("{\"type\":\"edit\"," ADA "," ABOUT ",\"markdown\":\"**b** [j](javascript:x)\"}", NULL,
           E("Ada changed an earlier message. It now reads:") "<p><strong>b</strong> j</p>");
    expect("{\"type\":\"edit\"," ADA "," ABOUT ",\"html\":\"<p onclick=x>a<script>b</script>\"}", NULL,
           E("Ada changed an earlier message. It now reads:") "<p>a</p>");
}

static void test_deletes(void **state)
{
    (void)state;
#define DELETE "{\"type\":\"delete\"," ADA "," ABOUT "}"
    expect(DELETE, &received, E("Ada took back the message" Q("Is it in stock?") "."));
    expect(DELETE, NULL, E("Ada took back an earlier message."));
    expect(
        "{\"type\":\"delete\",\"sender\":{\"handle\":\"ada\"},\"external_id\":\"x\",\"text\":\"not said\"}",
        NULL, E("ada took back an earlier message."));
}

static void test_reactions(void **state)
{
    (void)state;
#define REACTION(emoji, more) "{\"type\":\"reaction\"," ADA "," ABOUT ",\"emoji\":\"" emoji "\"" more "}"
    expect(REACTION(THUMB, ""), &received,
           E("Ada reacted with " THUMB " to the message" Q("Is it in stock?") "."));
    expect(REACTION(FAMILY, ",\"removed\":false"), &sent,
           E("Ada reacted with " FAMILY " to your message" Q("It is.") "."));
    expect(REACTION(THUMB, ",\"removed\":true"), &sent,
           E("Ada took back the reaction " THUMB " to your message" Q("It is.") "."));
    expect(REACTION("<b>&{emoji}", ""), NULL,
           E("Ada reacted with &lt;b&gt;&amp;{emoji} to an earlier message."));
}

/* What is quoted was written by anyone, in any form. */
static void test_quotes(void **state)
{
    static const struct {
        const char *body, *quote;
    } rows[] = {
        {"{\"text\":\"two\\n\\n lines\"}", Q("two lines")},
        {"{\"text\":\"<script>a</script> & \\\"b\\\"\"}",
         Q("&lt;script&gt;a&lt;/script&gt; &amp; &quot;b&quot;")},
        {"{\"markdown\":\"**b** <script>x</script>\"}", Q("b x")},
        {"{\"html\":\"<p>a</p><script>b</script><p>c</p>\"}", Q("a c")},
        {"{\"text\":null,\"html\":\"<p>a</p>\"}", Q("a")},
        {"{\"text\":\"\",\"html\":\"<p>a</p>\"}", Q("a")},
        {"{\"text\":\"" FAMILY FAMILY "\"}", Q(FAMILY FAMILY)},
        {"{\"attachments\":[]}", NULL},
        {"{\"text\":\" \\n \"}", NULL},
        {"{\"text\":7}", NULL},
        {"[]", NULL},
        {"no JSON", NULL},
        {"", NULL},
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct sign_about about = {.is_known = true, .body = span_of(rows[i].body)};
        char html[512];
        if (rows[i].quote)
            snprintf(html, sizeof html, E("Ada took back the message%s."), rows[i].quote);
        else
            snprintf(html, sizeof html, E("Ada took back an earlier message."));
        expect(DELETE, &about, html);
    }
    expect(DELETE, &(struct sign_about){.is_known = true, .is_delivery = true},
           E("Ada took back your message."));
}

static void test_names_are_lines(void **state)
{
    (void)state;
    expect("{\"type\":\"delete\"," ABOUT ",\"sender\":{\"handle\":\"a\",\"name\":\"<b onclick=x>&\"}}", NULL,
           E("&lt;b onclick=x&gt;&amp; took back an earlier message."));
}

/* 512 KiB of what becomes longest as HTML. */
static void test_the_largest_edit(void **state)
{
    struct buf wire, why, out;
    (void)state;

    buf_init(&wire, 2 << 20);
    buf_init(&why, 1024);
    buf_init(&out, 24 << 20);
    buf_add_str(&wire, "{\"type\":\"edit\"," ADA "," ABOUT ",\"text\":\"");
    for (int i = 0; i < INCOMING_TEXT_MAX; i++)
        buf_add_char(&wire, '<');
    buf_add_str(&wire, "\"}");
    const struct incoming in = {.wire = buf_span(&wire), .id = "fb1", .thread_ref = "t", .about = &received};
    assert_int_equal(incoming_check(in.wire, &why), OK);
    assert_int_equal(incoming_custom(&in, &out, &why), OK);
    assert_true(out.n > 4 * INCOMING_TEXT_MAX && !out.is_over);
    buf_clear(&out);
    assert_int_equal(incoming_comment(&in, &out, &why), OK);
    assert_true(out.n > INCOMING_TEXT_MAX && !out.is_over);
    buf_fini(&wire);
    buf_fini(&why);
    buf_fini(&out);
}

/* ---- Comments ---- */

static void test_comments(void **state)
{
    static const struct {
        const char *wire, *about, *body;
    } rows[] = {
        {REACTION(THUMB, ""), "{\"text\":\"a\"}", "*Ada reacted with " THUMB " to the message" Q("a") ".*"},
        {REACTION("*_`", ""), NULL, "*Ada reacted with \\\\*\\\\_\\\\` to an earlier message.*"},
        {DELETE, "{\"text\":\"[l](javascript:x) ![i](https://x.org) <b>\"}",
         "*Ada took back the message" Q("\\\\[l](javascript:x) !\\\\[i](https://x.org) \\\\<b>") ".*"},
        {DELETE, "{\"text\":\"@grace, write to g@x.org (@all) @@\"}",
         "*Ada took back the message" Q("@\xe2\x81\xa0grace, write to g@x.org (@\xe2\x81\xa0"
                                        "all) @\xe2\x81\xa0@\xe2\x81\xa0") ".*"},
    };
    struct buf out, why;
    (void)state;

    buf_init(&out, 1 << 20);
    buf_init(&why, 1024);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct sign_about about = {.is_known = rows[i].about != NULL, .body = span_of(rows[i].about)};
        const struct incoming in = {.wire = span_of(rows[i].wire), .id = "fb1", .about = &about};
        char body[512];
        snprintf(body, sizeof body, "{\"body\":\"%s\"}", rows[i].body);
        assert_int_equal(incoming_comment(&in, &out, &why), OK);
        assert_text(&out, body);
    }
    buf_fini(&out);
    buf_fini(&why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),           cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_edits),           cmocka_unit_test(test_deletes),
        cmocka_unit_test(test_reactions),       cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_names_are_lines), cmocka_unit_test(test_the_largest_edit),
        cmocka_unit_test(test_comments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
