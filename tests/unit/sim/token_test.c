/* Who a bearer stands for: the company's token, a channel's JWT, and every way in which a JWT can be wrong.
 */
#include "../base/test.h"
#include "sim/token.h"
#include "base/crypto.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const wall_ms_t now = INT64_C(1700000000000);
static struct sim_tokens *tokens;

static int setup(void **state)
{
    (void)state;
    tokens = mem_zalloc(sizeof *tokens);
    tokens->token = "company-token";
    tokens->app_uid = "uid";
    tokens->app_secret = "app-secret";
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sim_tokens_fini(tokens);
    free(tokens);
    return 0;
}

static char *jwt(const char *header, const char *claims, const char *secret)
{
    struct buf b;
    uint8_t mac[SHA256_BYTES];
    buf_init(&b, 8192);
    buf_add_str(&b, "Bearer ");
    base64url_encode(&b, span_of(header));
    buf_add_char(&b, '.');
    base64url_encode(&b, span_of(claims));
    const struct span part = {b.p + 7, b.n - 7};
    hmac_sha256(span_of(secret), &part, 1, mac);
    buf_add_char(&b, '.');
    base64url_encode(&b, (struct span){(const char *)mac, sizeof mac});
    return buf_take(&b, NULL);
}

#define HS256 "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define CLAIMS(iss, sub, jti, exp)                                                                           \
    "{\"iss\":\"" iss "\",\"sub\":\"" sub "\",\"jti\":\"" jti "\",\"exp\":" exp "}"

static struct sim_identity check(const char *header, const char *claims, const char *secret)
{
    char *bearer = jwt(header, claims, secret);
    struct sim_identity who = sim_tokens_check(tokens, span_of(bearer), now);
    free(bearer);
    return who;
}

static void the_company_is_known_by_its_token(void **state)
{
    (void)state;
    assert_int_equal(sim_tokens_check(tokens, SPAN_LIT("Bearer company-token"), now).caller,
                     SIM_CALLER_COMPANY);
    static const char *const wrong[] = {"",
                                        "Bearer ",
                                        "company-token",
                                        "Bearer company-toke",
                                        "Bearer company-token2",
                                        "bearer company-token",
                                        "Bearer a.b",
                                        "Bearer a.b.c.d"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct sim_identity who = sim_tokens_check(tokens, span_of(wrong[i]), now);
        assert_int_equal(who.caller, SIM_CALLER_NONE);
        assert_non_null(who.why);
    }
    assert_int_equal(sim_tokens_check(tokens, SPAN_NONE, now).caller, SIM_CALLER_NONE);
}

static void a_channel_is_known_by_its_jwt(void **state)
{
    (void)state;
    struct sim_identity who = check(HS256, CLAIMS("uid", "cha_1", "a", "1700000025"), "app-secret");
    assert_int_equal(who.caller, SIM_CALLER_CHANNEL);
    assert_string_equal(who.channel, "cha_1");
}

static void a_jwt_is_good_once(void **state)
{
    (void)state;
    assert_int_equal(check(HS256, CLAIMS("uid", "cha_1", "a", "1700000025"), "app-secret").caller,
                     SIM_CALLER_CHANNEL);
    assert_int_equal(check(HS256, CLAIMS("uid", "cha_1", "a", "1700000026"), "app-secret").caller,
                     SIM_CALLER_NONE);
    assert_int_equal(check(HS256, CLAIMS("uid", "cha_1", "b", "1700000026"), "app-secret").caller,
                     SIM_CALLER_CHANNEL);
}

static void what_is_wrong_with_a_jwt(void **state)
{
    (void)state;
    static const struct {
        const char *header, *claims, *secret;
    } cases[] = {
        {HS256, CLAIMS("uid", "cha_1", "x", "1700000025"), "other-secret"},
        {HS256, CLAIMS("uid", "cha_1", "x", "1700000025"), ""},
        {"{\"alg\":\"none\"}", CLAIMS("uid", "cha_1", "x", "1700000025"), "app-secret"},
        {"{\"alg\":\"HS512\"}", CLAIMS("uid", "cha_1", "x", "1700000025"), "app-secret"},
        {"no json", CLAIMS("uid", "cha_1", "x", "1700000025"), "app-secret"},
        {HS256, CLAIMS("else", "cha_1", "x", "1700000025"), "app-secret"},
        {HS256, CLAIMS("uid", "cha_1", "x", "1700000000"), "app-secret"},
        {HS256, CLAIMS("uid", "cha_1", "x", "1700000031"), "app-secret"},
        {HS256, CLAIMS("uid", "cha_1", "x", "\"soon\""), "app-secret"},
        {HS256, CLAIMS("uid", "cha_1", "", "1700000025"), "app-secret"},
        {HS256, "{\"iss\":\"uid\",\"sub\":\"cha_1\",\"exp\":1700000025}", "app-secret"},
        {HS256, "{\"iss\":\"uid\",\"jti\":\"x\",\"exp\":1700000025}", "app-secret"},
        {HS256, "[]", "app-secret"},
        {HS256, "{", "app-secret"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sim_identity who = check(cases[i].header, cases[i].claims, cases[i].secret);
        assert_int_equal(who.caller, SIM_CALLER_NONE);
        assert_non_null(who.why);
    }
}

static void old_jtis_are_forgotten_in_turn(void **state)
{
    (void)state;
    char claims[200];
    for (int i = 0; i < SIM_JTI_MAX + 10; i++) {
        snprintf(claims, sizeof claims, CLAIMS("uid", "cha_1", "jti%d", "1700000025"), i);
        assert_int_equal(check(HS256, claims, "app-secret").caller, SIM_CALLER_CHANNEL);
    }
    assert_int_equal(tokens->jti.n, SIM_JTI_MAX);
}

static void a_grant_may_do_what_its_scopes_say(void **state)
{
    (void)state;
    assert_int_equal(sim_tokens_grant(tokens, "narrow", "messages:read channels:write"), OK);
    assert_int_equal(sim_tokens_grant(tokens, "nothing", ""), OK);
    struct sim_identity all = sim_tokens_check(tokens, SPAN_LIT("Bearer company-token"), now);
    struct sim_identity narrow = sim_tokens_check(tokens, SPAN_LIT("Bearer narrow"), now);
    struct sim_identity nothing = sim_tokens_check(tokens, SPAN_LIT("Bearer nothing"), now);
    struct sim_identity channel = {.caller = SIM_CALLER_CHANNEL}, nobody = {.caller = SIM_CALLER_NONE};
    assert_true(sim_identity_may(&all, "channels:read") && sim_identity_may(&channel, "channels:read"));
    assert_true(sim_identity_may(&narrow, "messages:read") && sim_identity_may(&narrow, "channels:write"));
    assert_false(sim_identity_may(&narrow, "channels:read") || sim_identity_may(&narrow, "messages"));
    assert_true(sim_identity_may(&nothing, NULL));
    assert_false(sim_identity_may(&nothing, "messages:read") || sim_identity_may(&nobody, "messages:read"));
    sim_tokens_revoke(tokens);
    assert_int_equal(sim_tokens_check(tokens, SPAN_LIT("Bearer narrow"), now).caller, SIM_CALLER_NONE);
    for (int i = 0; i < SIM_GRANTS_MAX; i++)
        assert_int_equal(sim_tokens_grant(tokens, "x", ""), OK);
    assert_int_equal(sim_tokens_grant(tokens, "x", ""), ERR_FULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_company_is_known_by_its_token, setup, teardown),
        cmocka_unit_test_setup_teardown(a_channel_is_known_by_its_jwt, setup, teardown),
        cmocka_unit_test_setup_teardown(a_jwt_is_good_once, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_wrong_with_a_jwt, setup, teardown),
        cmocka_unit_test_setup_teardown(a_grant_may_do_what_its_scopes_say, setup, teardown),
        cmocka_unit_test_setup_teardown(old_jtis_are_forgotten_in_turn, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
