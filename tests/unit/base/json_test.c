/* Reading JSON: what is refused, with which sentence and where; what is read, and how exactly. */
#include "test.h"
#include "base/json.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

struct refusal {
    struct span text;
    size_t at;
    const char *why;
};

static void assert_refused(const struct refusal *r, enum err e)
{
    struct json doc;
    char *copy = span_strdup(r->text); /* its own block, so that ASan sees a byte too far */
    char *exact = mem_dup(copy, r->text.n);
    const enum err got = json_parse(&doc, (struct span){exact, r->text.n});
    if (got != e || doc.error_at != r->at || !doc.error || strcmp(doc.error, r->why) != 0)
        fail_msg("%s: got \"%s\" (%d) at %zu, wanted \"%s\" at %zu", copy, doc.error ? doc.error : "",
                 (int)got, doc.error_at, r->why, r->at);
    assert_int_equal(json_type(json_root(&doc)), JSON_ABSENT);
    json_fini(&doc);
    free(exact);
    free(copy);
}

#define COMMA   "a comma is missing"
#define NUMBER  "this number is not written as JSON wants it"
#define EARLY   "the text ends too early"
#define WORD    "this word is not true, false or null"
#define CONTROL "a control character in a string must be written as an escape"
#define UTF8    "this is not UTF-8"
#define VALUE   "a value is missing"
#define TWICE   "this key is there twice"
#define KEY     "a key in double quotes is missing"

static void what_is_wrong_is_refused_where_it_is_wrong(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {SPAN_LIT(""), 0, "the text is empty"},
        {SPAN_LIT(" \t\r\n"), 4, "the text is empty"},
        {SPAN_LIT("{\"a\":1 \"b\":2}"), 7, COMMA},
        {SPAN_LIT("[1 2]"), 3, COMMA},
        {SPAN_LIT("[\"a\"\"b\"]"), 4, COMMA},
        {SPAN_LIT("[[][]]"), 3, COMMA},
        {SPAN_LIT("[1,,2]"), 3, VALUE},
        {SPAN_LIT("[,1]"), 1, VALUE},
        {SPAN_LIT("[1,]"), 3, "there is a comma too many"},
        {SPAN_LIT("{\"a\":1,}"), 7, "there is a comma too many"},
        {SPAN_LIT("{,}"), 1, KEY},
        {SPAN_LIT("{\"a\":1,,\"b\":2}"), 7, KEY},
        {SPAN_LIT("{1:2}"), 1, KEY},
        {SPAN_LIT("{a:2}"), 1, KEY},
        {SPAN_LIT("{'a':2}"), 1, KEY},
        {SPAN_LIT("{[]:2}"), 1, KEY},
        {SPAN_LIT("{\"a\"}"), 4, "a colon is missing"},
        {SPAN_LIT("{\"a\" 1}"), 5, "a colon is missing"},
        {SPAN_LIT("{\"a\",1}"), 4, "a colon is missing"},
        {SPAN_LIT("{\"a\"::1}"), 5, VALUE},
        {SPAN_LIT("{\"a\":}"), 5, VALUE},
        {SPAN_LIT("[\"a\":1]"), 4, COMMA},
        {SPAN_LIT("{} {}"), 3, "there is something after the end"},
        {SPAN_LIT("1 2"), 2, "there is something after the end"},
        {SPAN_LIT("[]]"), 2, "there is something after the end"},
        {SPAN_LIT("{}\0"), 2, "there is something after the end"},
        {SPAN_LIT("[}"), 1, VALUE},
        {SPAN_LIT("[1}"), 2, "this brace closes nothing"},
        {SPAN_LIT("{]"), 1, KEY},
        {SPAN_LIT("{\"a\":1]"), 6, "this bracket closes nothing"},
        {SPAN_LIT("]"), 0, VALUE},
        {SPAN_LIT("["), 1, EARLY},
        {SPAN_LIT("[1"), 2, EARLY},
        {SPAN_LIT("[1,"), 3, EARLY},
        {SPAN_LIT("{"), 1, EARLY},
        {SPAN_LIT("{\"a"), 3, EARLY},
        {SPAN_LIT("{\"a\""), 4, EARLY},
        {SPAN_LIT("{\"a\":"), 5, EARLY},
        {SPAN_LIT("{\"a\":1"), 6, EARLY},
        {SPAN_LIT("{\"a\":1,"), 7, EARLY},
        {SPAN_LIT("\""), 1, EARLY},
        {SPAN_LIT("\"\\"), 2, EARLY},
        {SPAN_LIT("\"\\u12"), 5, EARLY},
        {SPAN_LIT("[tru]"), 1, WORD},
        {SPAN_LIT("[truE]"), 1, WORD},
        {SPAN_LIT("tru"), 0, WORD},
        {SPAN_LIT("nul"), 0, WORD},
        {SPAN_LIT("[nulll]"), 5, COMMA},
        {SPAN_LIT("[True]"), 1, VALUE},
        {SPAN_LIT("[NaN]"), 1, VALUE},
        {SPAN_LIT("[Infinity]"), 1, VALUE},
        {SPAN_LIT("[undefined]"), 1, VALUE},
        {SPAN_LIT("['a']"), 1, VALUE},
        {SPAN_LIT("[1] // end"), 4, "there is something after the end"},
        {SPAN_LIT("/**/1"), 0, VALUE},
        {SPAN_LIT("\xEF\xBB\xBF{}"), 0, VALUE},
        {SPAN_LIT("[01]"), 1, NUMBER},
        {SPAN_LIT("-01"), 0, NUMBER},
        {SPAN_LIT("[1.]"), 1, NUMBER},
        {SPAN_LIT("[.5]"), 1, NUMBER},
        {SPAN_LIT("[+1]"), 1, NUMBER},
        {SPAN_LIT("[1e]"), 1, NUMBER},
        {SPAN_LIT("[1e+]"), 1, NUMBER},
        {SPAN_LIT("[1e5.5]"), 1, NUMBER},
        {SPAN_LIT("[1.2.3]"), 1, NUMBER},
        {SPAN_LIT("[0x10]"), 2, COMMA},
        {SPAN_LIT("[-]"), 1, NUMBER},
        {SPAN_LIT("-"), 0, NUMBER},
        {SPAN_LIT("[--1]"), 1, NUMBER},
        {SPAN_LIT("[-Infinity]"), 1, NUMBER},
        {SPAN_LIT("[1-2]"), 1, NUMBER},
        {SPAN_LIT("\"a\nb\""), 2, CONTROL},
        {SPAN_LIT("\"a\tb\""), 2, CONTROL},
        {SPAN_LIT("\"a\0b\""), 2, CONTROL},
        {SPAN_LIT("\"12345678\x1f\""), 9, CONTROL},
        {SPAN_LIT("[\0]"), 1, VALUE},
        {SPAN_LIT("\0"), 0, VALUE},
        {SPAN_LIT("\"\\x\""), 2, "there is no such escape in JSON"},
        {SPAN_LIT("\"\\\0\""), 2, "there is no such escape in JSON"},
        {SPAN_LIT("\"\\U0041\""), 2, "there is no such escape in JSON"},
        {SPAN_LIT("\"\\u00g1\""), 5, "\\u wants four hexadecimal digits"},
        {SPAN_LIT("\"\\u00\""), 5, "\\u wants four hexadecimal digits"},
        {SPAN_LIT("\"\x80\""), 1, UTF8},
        {SPAN_LIT("\"\xC0\x80\""), 1, UTF8},         /* overlong */
        {SPAN_LIT("\"\xE0\x9F\xBF\""), 1, UTF8},     /* overlong */
        {SPAN_LIT("\"\xF0\x8F\xBF\xBF\""), 1, UTF8}, /* overlong */
        {SPAN_LIT("\"\xED\xA0\x80\""), 1, UTF8},     /* a surrogate */
        {SPAN_LIT("\"\xF4\x90\x80\x80\""), 1, UTF8}, /* above U+10FFFF */
        {SPAN_LIT("\"\xF5\x80\x80\x80\""), 1, UTF8},
        {SPAN_LIT("\"\xC3\""), 1, UTF8},   /* cut off by the quote */
        {SPAN_LIT("\"\xE2\x82"), 1, UTF8}, /* cut off by the end */
        {SPAN_LIT("{\"\xFF\":1}"), 2, UTF8},
        {SPAN_LIT("{\"a\":1,\"a\":2}"), 7, TWICE},
        {SPAN_LIT("{\"a\":1,\"b\":{\"c\":[],\"c\":[]}}"), 19, TWICE},
        {SPAN_LIT("{\"a\":1,\"\\u0061\":2}"), 7, TWICE},
        {SPAN_LIT("{\"\\u00e9\":1,\"\xC3\xA9\":2}"), 12, TWICE},
        {SPAN_LIT("{\"\\ud83d\\ude00\":1,\"\xF0\x9F\x98\x80\":2}"), 18, TWICE},
        {SPAN_LIT("{\"\":1,\"\":2}"), 6, TWICE},
        {SPAN_LIT("{\"\":1,\"\\u0000\":2}"), 6, TWICE},
        {SPAN_LIT("{\"\\ud800\":1,\"\\udbff\":2}"), 12, TWICE}, /* both read as U+FFFD */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_refused(&cases[i], ERR_INVALID);
}

/* parse wants text to be right; the caller frees with json_fini. */
static struct jval parse(struct json *doc, const char *text)
{
    if (json_parse(doc, span_of(text)) != OK)
        fail_msg("%s: %s at %zu", text, doc->error, doc->error_at);
    return json_root(doc);
}

static void single_values_are_documents(void **state)
{
    (void)state;
    static const struct {
        const char *text, *raw;
        enum json_type type;
    } cases[] = {
        {"1", "1", JSON_NUMBER},
        {" -0.5e-3\n", "-0.5e-3", JSON_NUMBER},
        {"true", "true", JSON_BOOL},
        {" false", "false", JSON_BOOL},
        {"null ", "null", JSON_NULL},
        {"\"\"", "\"\"", JSON_STRING},
        {" \"{[\" ", "\"{[\"", JSON_STRING},
        {"{}", "{}", JSON_OBJECT},
        {" [ ] ", "[ ]", JSON_ARRAY},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json doc;
        const struct jval root = parse(&doc, cases[i].text);
        assert_int_equal(json_type(root), cases[i].type);
        assert_true(span_is(json_raw(root), cases[i].raw));
        assert_int_equal(json_len(root), 0);
        assert_null(json_first(root).doc);
        assert_null(json_next(root).doc);
        json_fini(&doc);
    }
}

static void values_are_found(void **state)
{
    (void)state;
    struct json doc;
    struct buf scratch;
    buf_init(&scratch, 64);
    const struct jval root = parse(&doc, "{\"a\":{\"b\":{\"c\":7}, \"x\\u0079\":[1,[2,3],{\"d\":4},\"s\"]},"
                                         "\"n\":null,\"t\":true,\"k.l\":1}");
    int64_t c = 0;
    assert_int_equal(json_i64(json_path(root, "a.b.c"), &c), OK);
    assert_int_equal(c, 7);
    assert_int_equal(json_type(json_path(root, "a.b.c.d")), JSON_ABSENT);
    assert_int_equal(json_type(json_path(root, "a..c")), JSON_ABSENT);
    assert_int_equal(json_type(json_get(root, "c")), JSON_ABSENT);
    assert_int_equal(json_type(json_get(root, "k.l")), JSON_NUMBER);
    assert_false(json_has(json_get(root, "n")));
    assert_false(json_has(json_get(root, "missing")));
    assert_true(json_has(json_get(root, "t")));
    assert_true(json_bool(json_get(root, "t"), false));
    assert_true(json_bool(json_get(root, "n"), true));

    const struct jval list = json_path(root, "a.xy");
    assert_int_equal(json_len(list), 4);
    struct jval e = json_first(list);
    assert_null(json_key(e, &scratch).p);
    e = json_next(e);
    assert_true(span_is(json_raw(e), "[2,3]"));
    e = json_next(e);
    assert_true(span_is(json_raw(e), "{\"d\":4}"));
    assert_true(span_is(json_key(json_first(e), &scratch), "d"));
    e = json_next(e);
    assert_true(json_is(e, "s"));
    assert_null(json_next(e).doc);

    static const char *const keys[] = {"a", "n", "t", "k.l"};
    size_t n = 0;
    for (e = json_first(root); e.doc; e = json_next(e))
        assert_true(span_is(json_key(e, &scratch), keys[n++]));
    assert_int_equal(n, json_len(root));
    assert_true(span_is(json_key(json_next(json_first(json_get(root, "a"))), &scratch), "xy"));
    json_fini(&doc);
    buf_fini(&scratch);
}

static void absent_values_answer_everything(void **state)
{
    (void)state;
    const struct jval none = {0};
    struct buf b;
    int64_t n = 5;
    buf_init(&b, 8);
    assert_int_equal(json_type(none), JSON_ABSENT);
    assert_null(json_get(none, "a").doc);
    assert_null(json_path(none, "a.b").doc);
    assert_null(json_first(none).doc);
    assert_null(json_next(none).doc);
    assert_null(json_key(none, &b).p);
    assert_null(json_raw(none).p);
    assert_null(json_span(none, &b).p);
    assert_null(json_dup(none, 8));
    assert_false(json_is(none, ""));
    assert_false(json_has(none));
    assert_true(json_bool(none, true));
    assert_int_equal(json_str(none, &b), ERR_INVALID);
    assert_int_equal(json_i64(none, &n), ERR_INVALID);
    assert_int_equal(json_millis(none, &n), ERR_INVALID);
    assert_int_equal(n, 5);
    buf_fini(&b);
}

static void strings_are_decoded(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct span decoded;
    } cases[] = {
        {"\"plain\"", SPAN_LIT("plain")},
        {"\"\"", SPAN_LIT("")},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", SPAN_LIT("\"\\/\b\f\n\r\t")},
        {"\"\\u0041\\u00e9\\u20AC\"", SPAN_LIT("A\xC3\xA9\xE2\x82\xAC")},
        {"\"\\ud83d\\ude00!\"", SPAN_LIT("\xF0\x9F\x98\x80!")},
        {"\"\\uD800\\uDC00\\uDBFF\\uDFFF\"", SPAN_LIT("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF")},
        {"\"a\\ud83db\"", SPAN_LIT("a\xEF\xBF\xBD"
                                   "b")},
        {"\"\\ude00\"", SPAN_LIT("\xEF\xBF\xBD")},
        {"\"\\ud83d\\ud83d\\ude00\"", SPAN_LIT("\xEF\xBF\xBD\xF0\x9F\x98\x80")},
        {"\"\\ud83d\\n\"", SPAN_LIT("\xEF\xBF\xBD\n")},
        {"\"\\ud83d\\u0041\"", SPAN_LIT("\xEF\xBF\xBD"
                                        "A")},
        {"\"\\ud83d\"", SPAN_LIT("\xEF\xBF\xBD")},
        {"\"a\\u0000b\"", SPAN_LIT("ab")},
        {"\"\\u0000\"", SPAN_LIT("")},
        {"\"\\ud83d\\u0000\\ude00\"", SPAN_LIT("\xEF\xBF\xBD\xEF\xBF\xBD")},
        {"\"\xF0\x9F\x98\x80\x7F\xEF\xBF\xBF\"", SPAN_LIT("\xF0\x9F\x98\x80\x7F\xEF\xBF\xBF")},
    };
    struct buf b, scratch;
    buf_init(&b, 64);
    buf_init(&scratch, 64);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json doc;
        const struct jval v = parse(&doc, cases[i].text);
        buf_clear(&b);
        buf_add_str(&b, "<");
        assert_int_equal(json_str(v, &b), OK);
        assert_int_equal(b.n, cases[i].decoded.n + 1);
        assert_memory_equal(b.p + 1, cases[i].decoded.p, cases[i].decoded.n);
        assert_true(span_eq(json_span(v, &scratch), cases[i].decoded));
        assert_true(json_is(v, cases[i].decoded.p));
        assert_false(json_is(v, "something else"));
        char *copy = json_dup(v, cases[i].decoded.n);
        assert_string_equal(copy, cases[i].decoded.p);
        free(copy);
        if (cases[i].decoded.n)
            assert_null(json_dup(v, cases[i].decoded.n - 1));
        json_fini(&doc);
    }
    buf_fini(&b);
    buf_fini(&scratch);
}

static void a_prefix_is_not_the_string(void **state)
{
    (void)state;
    struct json doc;
    const struct jval root = parse(&doc, "[\"ab\",\"a\\u0062\",\"a\\\\u0062\"]");
    const struct jval plain = json_first(root), escaped = json_next(plain), literal = json_next(escaped);
    assert_false(json_is(plain, "a"));
    assert_false(json_is(plain, "abc"));
    assert_true(json_is(escaped, "ab"));
    assert_false(json_is(escaped, "a"));
    assert_false(json_is(escaped, "abc"));
    assert_false(json_is(literal, "ab"));
    assert_true(json_is(literal, "a\\u0062"));
    json_fini(&doc);
}

static void a_string_too_long_for_its_buffer_leaves_nothing(void **state)
{
    (void)state;
    struct json doc;
    struct buf b;
    const struct jval v = parse(&doc, "\"one\\ntwo\"");
    buf_init(&b, 6);
    buf_add_str(&b, ">");
    assert_int_equal(json_str(v, &b), ERR_LIMIT);
    assert_true(b.is_over);
    assert_string_equal(b.p, ">");
    assert_null(json_span(v, &b).p);
    json_fini(&doc);
    buf_fini(&b);
}

static void numbers_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err i64_err, millis_err;
        int64_t i64, millis;
    } cases[] = {
        {"0", OK, OK, 0, 0},
        {"-0", OK, OK, 0, 0},
        {"7", OK, OK, 7, 7000},
        {"1453770984.123", ERR_INVALID, OK, 0, 1453770984123},
        {"1453770984.1", ERR_INVALID, OK, 0, 1453770984100},
        {"1453770984.1239999", ERR_INVALID, OK, 0, 1453770984123},
        {"1453770984", OK, OK, 1453770984, 1453770984000},
        {"1.453770984123e9", ERR_INVALID, OK, 0, 1453770984123},
        {"1453770984123E-3", ERR_INVALID, OK, 0, 1453770984123},
        {"-1.5", ERR_INVALID, OK, 0, -1500},
        {"-0.0009", ERR_INVALID, OK, 0, 0},
        {"0.001", ERR_INVALID, OK, 0, 1},
        {"5.000", OK, OK, 5, 5000},
        {"5e2", OK, OK, 500, 500000},
        {"5E+2", OK, OK, 500, 500000},
        {"500e-2", OK, OK, 5, 5000},
        {"9223372036854775807", OK, ERR_LIMIT, INT64_MAX, 0},
        {"-9223372036854775808", OK, ERR_LIMIT, INT64_MIN, 0},
        {"9223372036854775808", ERR_LIMIT, ERR_LIMIT, 0, 0},
        {"9223372036854775.807", ERR_INVALID, OK, 0, INT64_MAX},
        {"9223372036854775.808", ERR_INVALID, ERR_LIMIT, 0, 0},
        {"1e18", OK, ERR_LIMIT, 1000000000000000000, 0},
        {"1e19", ERR_LIMIT, ERR_LIMIT, 0, 0},
        {"1e999999999999999999999", ERR_LIMIT, ERR_LIMIT, 0, 0},
        {"-1e999999999999999999999", ERR_LIMIT, ERR_LIMIT, 0, 0},
        {"0e999999999999999999999", OK, OK, 0, 0},
        {"1e-999999999999999999999", ERR_INVALID, OK, 0, 0},
        {"0.00000000000000000000000000000000000001e38", OK, OK, 1, 1000},
        {"100000000000000000000000000000000000000e-38", OK, OK, 1, 1000},
        {"\"5\"", ERR_INVALID, ERR_INVALID, 0, 0},
        {"true", ERR_INVALID, ERR_INVALID, 0, 0},
        {"null", ERR_INVALID, ERR_INVALID, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json doc;
        const struct jval v = parse(&doc, cases[i].text);
        int64_t whole = 42, millis = 42;
        const enum err we = json_i64(v, &whole), me = json_millis(v, &millis);
        if (we != cases[i].i64_err || whole != (we ? 42 : cases[i].i64) || me != cases[i].millis_err ||
            millis != (me ? 42 : cases[i].millis))
            fail_msg("%s: %d %lld, %d %lld", cases[i].text, we, (long long)whole, me, (long long)millis);
        json_fini(&doc);
    }
}

/* nested gives opens, then closes, n of each. */
static char *nested(size_t n, char open, char close)
{
    char *text = mem_zalloc(2 * n + 1);
    memset(text, open, n);
    memset(text + n, close, n);
    return text;
}

static void depth_is_limited(void **state)
{
    (void)state;
    struct json doc;
    char *text = nested(JSON_DEPTH_MAX, '[', ']');
    struct jval v = parse(&doc, text);
    size_t depth = 0;
    for (; v.doc; v = json_first(v))
        depth++;
    assert_int_equal(depth, JSON_DEPTH_MAX);
    json_fini(&doc);
    free(text);

    static const size_t deep[] = {JSON_DEPTH_MAX + 1, 10000, 1000000};
    for (size_t i = 0; i < ARRAY_LEN(deep); i++) {
        text = nested(deep[i], '[', ']');
        assert_refused(&(struct refusal){span_of(text), JSON_DEPTH_MAX, "it is nested too deeply"},
                       ERR_LIMIT);
        free(text);
    }
}

static void the_number_of_values_is_limited(void **state)
{
    (void)state;
    const size_t n = JSON_TOKENS_MAX; /* with the array itself one too many */
    char *text = mem_zalloc(2 * n + 2);
    text[0] = '[';
    for (size_t i = 0; i < n; i++)
        memcpy(text + 1 + 2 * i, "0,", 2);
    text[2 * n] = ']';
    struct json doc;
    assert_int_equal(json_parse(&doc, span_of(text)), ERR_LIMIT);
    assert_string_equal(doc.error, "there are too many values");
    json_fini(&doc);
    memcpy(text + 2 * n - 2, "]\0", 2);
    assert_int_equal(json_len(parse(&doc, text)), n - 1);
    json_fini(&doc);
    free(text);
}

static char *many_keys(size_t n, const char *last)
{
    struct buf b;
    buf_init(&b, 64 * (n + 4));
    buf_add_char(&b, '{');
    for (size_t i = 0; i < n; i++)
        buf_addf(&b, "\"a key that begins like every other %zu\":%zu,", i, i);
    buf_addf(&b, "\"%s\":0}", last);
    return buf_take(&b, NULL);
}

static void a_hundred_thousand_keys_are_checked_for_twins(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 23, 24, 25, 1000, 100000};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct json doc;
        char *text = many_keys(sizes[i], "z");
        assert_int_equal(json_len(parse(&doc, text)), sizes[i] + 1);
        assert_true(json_has(json_get(json_root(&doc), "z")));
        json_fini(&doc);
        free(text);

        text = many_keys(sizes[i], "a key that b\\u0065gins like every other 0");
        const size_t at = (size_t)(strstr(text, "\"a key that b\\u") - text);
        assert_refused(&(struct refusal){span_of(text), at, TWICE}, ERR_INVALID);
        free(text);
    }
}

static void test_numbers_within_bounds(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        bool is_good;
        int64_t then;
    } cases[] = {{"{}", true, 7},           {"{\"n\":null}", true, 7},  {"{\"n\":-1}", true, -1},
                 {"{\"n\":10}", true, 10},  {"{\"n\":-2}", false, 7},   {"{\"n\":11}", false, 7},
                 {"{\"n\":1.5}", false, 7}, {"{\"n\":\"1\"}", false, 7}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json doc;
        int64_t n = 7;
        assert_int_equal(json_parse(&doc, span_of(cases[i].json)), OK);
        assert_int_equal(json_i64_within(json_get(json_root(&doc), "n"), -1, 10, &n), cases[i].is_good);
        assert_int_equal(n, cases[i].then);
        json_fini(&doc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_within_bounds),
        cmocka_unit_test(what_is_wrong_is_refused_where_it_is_wrong),
        cmocka_unit_test(single_values_are_documents),
        cmocka_unit_test(values_are_found),
        cmocka_unit_test(absent_values_answer_everything),
        cmocka_unit_test(strings_are_decoded),
        cmocka_unit_test(a_prefix_is_not_the_string),
        cmocka_unit_test(a_string_too_long_for_its_buffer_leaves_nothing),
        cmocka_unit_test(numbers_are_exact),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(the_number_of_values_is_limited),
        cmocka_unit_test(a_hundred_thousand_keys_are_checked_for_twins),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
