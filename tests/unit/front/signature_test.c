/* Signatures: right, wrong in every way, several secrets, and the five minutes. */
#include "unit.h"
#include "front/signature.h"

/* Made with Python's hmac module. */
#define BODY                SPAN_LIT("{\"type\":\"custom\",\"body\":\"h\xc3\xa9llo\"}")
#define SHA1_TEXT           "sJZ8PmQpRUEdmDGyO4ZKtfWIHLU="
#define SHA256_TEXT         "d1ybz2fyrwYhTIRVRmY5fwQQ5TxP2ILYfawDSCxUVgw="
#define SHA256_SECONDS_TEXT "T4tJs2k03QrVmMsIm6cv4UDdxfZZsdbnIGfecQE4rYc="
#define EMPTY_KEY_TEXT      "+9sdGxiqbAgyS31ktx+3Y3BpDh0="
#define NOW                 INT64_C(1700000000000)

static char *const secrets[] = {"other", "secret-1", "third"};
static char *const app_secrets[] = {"app-secret"};

static void test_known_values(void **state)
{
    char text[SIGNATURE_TEXT_MAX];
    (void)state;
    signature_make_sha1(BODY, "secret-1", text);
    assert_string_equal(text, SHA1_TEXT);
    signature_make_sha256(BODY, SPAN_LIT("1700000000000"), "app-secret", text);
    assert_string_equal(text, SHA256_TEXT);
}

static void test_sha1(void **state)
{
    static const struct {
        const char *header;
        enum signature_result expected;
    } rows[] = {
        {SHA1_TEXT, SIGNATURE_OK},
        {NULL, SIGNATURE_MISSING},
        {"", SIGNATURE_MISSING},
        {"x", SIGNATURE_WRONG},
        {"sJZ8PmQpRUEdmDGyO4ZKtfWIHLU", SIGNATURE_WRONG},
        {SHA1_TEXT "=", SIGNATURE_WRONG},
        {SHA1_TEXT SHA1_TEXT SHA1_TEXT, SIGNATURE_WRONG},
        {"SJZ8PmQpRUEdmDGyO4ZKtfWIHLU=", SIGNATURE_WRONG},
        {"b0967c3e642945411d9831b23b864ab5f5881cb5", SIGNATURE_WRONG},
        {SHA256_TEXT, SIGNATURE_WRONG},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(signature_check_sha1(BODY, span_of(rows[i].header), secrets, ARRAY_LEN(secrets)),
                         rows[i].expected);
    assert_int_equal(signature_check_sha1(SPAN_LIT("{}"), SPAN_LIT(SHA1_TEXT), secrets, ARRAY_LEN(secrets)),
                     SIGNATURE_WRONG);
    assert_int_equal(signature_check_sha1(BODY, SPAN_LIT(SHA1_TEXT), secrets, 1), SIGNATURE_WRONG);
    assert_int_equal(signature_check_sha1(BODY, SPAN_LIT(SHA1_TEXT), NULL, 0), SIGNATURE_WRONG);
}

static void test_an_empty_secret_signs_nothing(void **state)
{
    char *const empty[] = {""};
    (void)state;
    assert_int_equal(signature_check_sha1(SPAN_LIT(""), SPAN_LIT(EMPTY_KEY_TEXT), empty, 1), SIGNATURE_WRONG);
}

static void test_sha256(void **state)
{
    static const struct {
        const char *header, *timestamp;
        int64_t now;
        enum signature_result expected;
    } rows[] = {
        {SHA256_TEXT, "1700000000000", NOW, SIGNATURE_OK},
        {SHA256_TEXT, "1700000000000", NOW + SIGNATURE_WINDOW_MS, SIGNATURE_OK},
        {SHA256_TEXT, "1700000000000", NOW - SIGNATURE_WINDOW_MS, SIGNATURE_OK},
        {SHA256_TEXT, "1700000000000", NOW + SIGNATURE_WINDOW_MS + 1, SIGNATURE_STALE},
        {SHA256_TEXT, "1700000000000", NOW - SIGNATURE_WINDOW_MS - 1, SIGNATURE_STALE},
        {SHA256_SECONDS_TEXT, "1700000000", NOW, SIGNATURE_OK},
        {SHA256_SECONDS_TEXT, "1700000000", NOW + SIGNATURE_WINDOW_MS + 1, SIGNATURE_STALE},
        {SHA256_TEXT, "1700000000001", NOW, SIGNATURE_WRONG},
        {SHA256_SECONDS_TEXT, "1700000000000", NOW, SIGNATURE_WRONG},
        {SHA256_TEXT, NULL, NOW, SIGNATURE_MISSING},
        {SHA256_TEXT, "", NOW, SIGNATURE_MISSING},
        {NULL, "1700000000000", NOW, SIGNATURE_MISSING},
        {SHA1_TEXT, "1700000000000", NOW, SIGNATURE_WRONG},
        {SHA256_TEXT, "soon", NOW, SIGNATURE_WRONG},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(signature_check_sha256(BODY, span_of(rows[i].header), span_of(rows[i].timestamp),
                                                app_secrets, 1, rows[i].now),
                         rows[i].expected);
}

/* A request whose odd timestamp is part of what was signed is refused by its time, not accepted. */
static void test_signed_odd_timestamps(void **state)
{
    static const char *const times[] = {"soon",
                                        "-1",
                                        "0",
                                        "1e12",
                                        "99999999999999999999",
                                        "18446744073709551615",
                                        "9223372036854775807",
                                        " 1700000000000",
                                        "1700000000000.5"};
    char text[SIGNATURE_TEXT_MAX];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        signature_make_sha256(BODY, span_of(times[i]), "app-secret", text);
        assert_int_equal(signature_check_sha256(BODY, span_of(text), span_of(times[i]), app_secrets, 1, NOW),
                         SIGNATURE_STALE);
    }
}

static void test_sentences_do_not_tell_the_digest(void **state)
{
    (void)state;
    for (enum signature_result r = SIGNATURE_OK; r <= SIGNATURE_STALE; r++)
        assert_non_null(strchr(signature_text(r), '.'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_sha1),
        cmocka_unit_test(test_an_empty_secret_signs_nothing),
        cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_signed_odd_timestamps),
        cmocka_unit_test(test_sentences_do_not_tell_the_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
