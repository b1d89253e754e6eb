/* What a sign-in gives out: signed, short-lived, used once; and a page that nothing breaks out of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "bridge/oauth_page.h"
#include "bridge/oauth_token.h"
#include <stdlib.h>
#include <string.h>

enum { NOW = 1700000000 };
#define NOW_MS (NOW * SECOND_MS)

static const char *key_of(struct span channel, void *arg)
{
    return span_is(channel, "support") ? arg : NULL;
}

static enum err read_token(const struct oauth_signer *s, enum oauth_use use, const char *token, wall_ms_t now,
                           const char *api_key)
{
    struct oauth_token t;

    enum err e = oauth_token_read(s, use, span_of(token), now, key_of, (void *)(uintptr_t)api_key, &t);
    if (e == OK)
        assert_string_equal(t.channel, "support");
    return e;
}

static void test_a_token_is_what_was_made(void **state)
{
    struct oauth_signer s, other;
    struct buf token;

    (void)state;
    oauth_signer_init(&s, "main", "secret");
    oauth_signer_init(&other, "other", "secret");
    buf_init(&token, OAUTH_TOKEN_MAX);
    oauth_token_make(&s, OAUTH_ACCESS, "support", "key", NOW_MS, &token);
    assert_int_equal(read_token(&s, OAUTH_ACCESS, token.p, NOW_MS, "key"), OK);
    assert_int_equal(read_token(&s, OAUTH_ACCESS, token.p, NOW_MS + OAUTH_ACCESS_MS - 1, "key"), OK);
    assert_int_equal(read_token(&s, OAUTH_ACCESS, token.p, NOW_MS + OAUTH_ACCESS_MS, "key"), ERR_DENIED);
    assert_int_equal(read_token(&s, OAUTH_REFRESH, token.p, NOW_MS, "key"), ERR_DENIED);
    assert_int_equal(read_token(&s, OAUTH_ACCESS, token.p, NOW_MS, "a new key"), ERR_DENIED);
    assert_int_equal(read_token(&s, OAUTH_ACCESS, token.p, NOW_MS, NULL), ERR_DENIED);
    assert_int_equal(read_token(&other, OAUTH_ACCESS, token.p, NOW_MS, "key"), ERR_DENIED);
    buf_fini(&token);
}

/* No byte may be changed, left out or added. */
static void test_no_other_token_passes(void **state)
{
    struct oauth_signer s;
    struct buf token;
    char changed[OAUTH_TOKEN_MAX + 2];

    (void)state;
    oauth_signer_init(&s, "main", "secret");
    buf_init(&token, OAUTH_TOKEN_MAX);
    oauth_token_make(&s, OAUTH_REFRESH, "support", "key", NOW_MS, &token);
    assert_int_equal(read_token(&s, OAUTH_REFRESH, token.p, NOW_MS, "key"), OK);
    for (size_t i = 0; i < token.n; i++) {
        memcpy(changed, token.p, token.n + 1);
        changed[i] = changed[i] == 'x' ? 'y' : 'x';
        assert_int_equal(read_token(&s, OAUTH_REFRESH, changed, NOW_MS, "key"), ERR_DENIED);
        memmove(changed + i, token.p + i + 1, token.n - i);
        assert_int_equal(read_token(&s, OAUTH_REFRESH, changed, NOW_MS, "key"), ERR_DENIED);
    }
    memcpy(changed, token.p, token.n);
    memcpy(changed + token.n, "A", 2);
    assert_int_equal(read_token(&s, OAUTH_REFRESH, changed, NOW_MS, "key"), ERR_DENIED);
    assert_int_equal(read_token(&s, OAUTH_REFRESH, "", NOW_MS, "key"), ERR_DENIED);
    assert_int_equal(read_token(&s, OAUTH_REFRESH, "fb1.....", NOW_MS, "key"), ERR_DENIED);
    buf_fini(&token);
}

static void test_a_code_works_once_and_not_for_long(void **state)
{
    struct oauth_codes *all = mem_zalloc(sizeof *all);
    struct oauth_code code;
    char text[OAUTH_CODE_CHARS + 1];

    (void)state;
    strcpy(text, oauth_code_make(all, "support", "https://a/", "", 1000));
    assert_int_equal(oauth_code_take(all, SPAN_NONE, 1000, &code), ERR_DENIED);
    assert_int_equal(oauth_code_take(all, SPAN_LIT(""), 1000, &code), ERR_DENIED);
    assert_int_equal(oauth_code_take(all, span_of(text), 1000, &code), OK);
    assert_string_equal(code.channel, "support");
    assert_string_equal(code.redirect_uri, "https://a/");
    oauth_code_fini(&code);
    assert_int_equal(oauth_code_take(all, span_of(text), 1000, &code), ERR_DENIED);
    strcpy(text, oauth_code_make(all, "support", "https://a/", "", 1000));
    assert_int_equal(oauth_code_take(all, span_of(text), 1000 + OAUTH_CODE_MS, &code), ERR_DENIED);
    assert_int_equal(oauth_code_take(all, span_of(text), 1000, &code), ERR_DENIED);
    oauth_codes_fini(all);
    free(all);
}

static void test_many_codes_push_out_the_oldest(void **state)
{
    struct oauth_codes *all = mem_zalloc(sizeof *all);
    struct oauth_code code;
    char first[OAUTH_CODE_CHARS + 1], last[OAUTH_CODE_CHARS + 1];

    (void)state;
    strcpy(first, oauth_code_make(all, "a", "u", "", 0));
    for (mono_ms_t i = 1; i <= 10 * OAUTH_CODES; i++)
        strcpy(last, oauth_code_make(all, "a", "u", "", i));
    assert_int_equal(oauth_code_take(all, span_of(first), 1000, &code), ERR_DENIED);
    assert_int_equal(oauth_code_take(all, span_of(last), 1000, &code), OK);
    oauth_code_fini(&code);
    oauth_codes_fini(all);
    free(all);
}

/* The example of RFC 7636, appendix B. */
static void test_proof_of_possession(void **state)
{
    static const char challenge[] = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    (void)state;
    assert_true(oauth_proves(challenge, SPAN_LIT("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")));
    assert_false(oauth_proves(challenge, SPAN_LIT("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXK")));
    assert_false(oauth_proves(challenge, SPAN_NONE));
    assert_true(oauth_proves("", SPAN_NONE));
}

static void test_guesses_are_few(void **state)
{
    struct oauth_guard g = {0};

    (void)state;
    for (int i = 0; i < OAUTH_GUESSES; i++) {
        assert_true(oauth_guard_allows(&g, 5000 + i));
        oauth_guard_failed(&g, 5000 + i);
    }
    assert_false(oauth_guard_allows(&g, 5000 + 59999));
    assert_true(oauth_guard_allows(&g, 5000 + 60000));
}

static void test_the_page_holds_what_it_is_given(void **state)
{
    const struct oauth_form f = {.client_id = SPAN_LIT("\"><script>x</script>"),
                                 .redirect_uri = SPAN_LIT("https://a.example/?a=1&b='2'"),
                                 .state = SPAN_LIT("s")};
    struct buf out;

    (void)state;
    buf_init(&out, 65536);
    oauth_page_form(&out, &f, "No <b>.");
    assert_null(strstr(out.p, "<script"));
    assert_non_null(strstr(out.p, "value=\"&quot;&gt;&lt;script&gt;x&lt;/script&gt;\""));
    assert_non_null(strstr(out.p, "?a=1&amp;b=&#39;2&#39;"));
    assert_non_null(strstr(out.p, "No &lt;b&gt;."));
    assert_null(strstr(out.p, "code_challenge"));
    buf_clear(&out);
    oauth_page_headers(&out, "https://a.example:8443/back?x=1");
    assert_non_null(strstr(out.p, "form-action 'self' https://a.example:8443\r\n"));
    assert_non_null(strstr(out.p, "frame-ancestors 'none'"));
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_token_is_what_was_made),
        cmocka_unit_test(test_no_other_token_passes),
        cmocka_unit_test(test_a_code_works_once_and_not_for_long),
        cmocka_unit_test(test_many_codes_push_out_the_oldest),
        cmocka_unit_test(test_proof_of_possession),
        cmocka_unit_test(test_guesses_are_few),
        cmocka_unit_test(test_the_page_holds_what_it_is_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
