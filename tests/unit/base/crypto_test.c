/* Signatures against the vectors of RFC 2202, RFC 4231 and FIPS 180; base64 against RFC 4648. */
#include "test.h"
#include "base/crypto.h"
#include "base/mem.h"
#include <string.h>

static char filled[3][131];

static struct span fill(int which, char byte, size_t n)
{
    memset(filled[which], byte, n);
    return (struct span){filled[which], n};
}

static void assert_hex(const uint8_t *bytes, size_t n, const char *hex)
{
    struct buf b;
    buf_init(&b, 256);
    hex_encode(&b, (struct span){(const char *)bytes, n});
    assert_string_equal(b.p, hex);
    buf_fini(&b);
}

static void hmac_sha1_follows_rfc_2202(void **state)
{
    (void)state;
    static const char counted[] =
        "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13"
        "\x14\x15\x16\x17\x18\x19";
    const struct {
        struct span key, data;
        const char *hex;
    } cases[] = {
        {fill(0, 0x0b, 20), SPAN_LIT("Hi There"), "b617318655057264e28bc0b6fb378c8ef146be00"},
        {SPAN_LIT("Jefe"), SPAN_LIT("what do ya want for nothing?"),
         "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
        {fill(1, (char)0xaa, 80), SPAN_LIT("Test Using Larger Than Block-Size Key - Hash Key First"),
         "aa4ae5e15272d00e95705637ce8a3b55ed402112"},
        {{counted, sizeof counted - 1}, fill(2, (char)0xcd, 50), "4c9007f4026250c6bc8414f9bf50c86c2d7235da"},
        {SPAN_LIT(""), SPAN_LIT(""), "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d"},
        {SPAN_NONE, SPAN_LIT(""), "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t mac[SHA1_BYTES];
        hmac_sha1(cases[i].key, &cases[i].data, 1, mac);
        assert_hex(mac, sizeof mac, cases[i].hex);
    }
}

static void hmac_sha256_follows_rfc_4231(void **state)
{
    (void)state;
    const struct {
        struct span key, data;
        const char *hex;
    } cases[] = {
        {fill(0, 0x0b, 20), SPAN_LIT("Hi There"),
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {SPAN_LIT("Jefe"), SPAN_LIT("what do ya want for nothing?"),
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {fill(1, (char)0xaa, 131), SPAN_LIT("Test Using Larger Than Block-Size Key - Hash Key First"),
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
        {fill(1, (char)0xaa, 131),
         SPAN_LIT(
             "This is a test using a larger than block-size key and a larger than block-size data. The key "
             "needs to be hashed before being used by the HMAC algorithm."),
         "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t mac[SHA256_BYTES];
        hmac_sha256(cases[i].key, &cases[i].data, 1, mac);
        assert_hex(mac, sizeof mac, cases[i].hex);
    }
}

static void parts_are_signed_as_if_joined(void **state)
{
    (void)state;
    const struct span parts[] = {SPAN_LIT("1700000000000"), SPAN_LIT(":"), SPAN_NONE, SPAN_LIT("{\"a\":1}")};
    const struct span joined = SPAN_LIT("1700000000000:{\"a\":1}");
    uint8_t apart[SHA256_BYTES], whole[SHA256_BYTES];
    hmac_sha256(SPAN_LIT("key"), parts, ARRAY_LEN(parts), apart);
    hmac_sha256(SPAN_LIT("key"), &joined, 1, whole);
    assert_memory_equal(apart, whole, sizeof whole);
}

static void sha256_follows_fips_180(void **state)
{
    (void)state;
    uint8_t digest[SHA256_BYTES];
    sha256(SPAN_LIT("abc"), digest);
    assert_hex(digest, sizeof digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256(SPAN_NONE, digest);
    assert_hex(digest, sizeof digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void equal_needs_length_and_presence(void **state)
{
    (void)state;
    assert_true(crypto_equal(SPAN_LIT("abc"), SPAN_LIT("abc")));
    assert_true(crypto_equal(SPAN_LIT(""), SPAN_LIT("")));
    assert_false(crypto_equal(SPAN_LIT("abc"), SPAN_LIT("abd")));
    assert_false(crypto_equal(SPAN_LIT("abc"), SPAN_LIT("ab")));
    assert_false(crypto_equal(SPAN_NONE, SPAN_NONE));
    assert_false(crypto_equal(SPAN_NONE, SPAN_LIT("")));
}

static void base64_goes_both_ways(void **state)
{
    (void)state;
    static const struct {
        struct span data;
        const char *text, *url;
    } cases[] = {
        {SPAN_LIT(""), "", ""},
        {SPAN_LIT("f"), "Zg==", "Zg"},
        {SPAN_LIT("fo"), "Zm8=", "Zm8"},
        {SPAN_LIT("foo"), "Zm9v", "Zm9v"},
        {SPAN_LIT("foob"), "Zm9vYg==", "Zm9vYg"},
        {SPAN_LIT("fooba"), "Zm9vYmE=", "Zm9vYmE"},
        {SPAN_LIT("foobar"), "Zm9vYmFy", "Zm9vYmFy"},
        {SPAN_LIT("\xff\xef\xbe\x00"), "/+++AA==",
         "_--"
         "-AA"},
    };
    struct buf b;
    buf_init(&b, 64);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        buf_clear(&b);
        base64_encode(&b, cases[i].data);
        assert_true(span_is(buf_span(&b), cases[i].text));
        buf_clear(&b);
        base64url_encode(&b, cases[i].data);
        assert_true(span_is(buf_span(&b), cases[i].url));
        buf_clear(&b);
        assert_int_equal(base64_decode(&b, span_of(cases[i].text)), OK);
        assert_true(span_eq(buf_span(&b), cases[i].data));
    }
    buf_clear(&b);
    assert_int_equal(base64_decode(&b, SPAN_LIT("Zm9vYg")), OK); /* no padding */
    assert_true(span_is(buf_span(&b), "foob"));
    buf_fini(&b);
}

static void wrong_base64_is_refused_and_leaves_nothing(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "Z",    "Zg=",  "Zg===", "=",    "==",       "====",     "Zm9v=",      "Zm9vY", "Z g==", "Zg==\n",
        "Zm-v", "Zm_v", "Zh==",  "Zm9=", "Zg==Zg==", "Zm9v====", "\xc3\xa9==", "Zm=v",  "A===",  "Zm9v\"AAA"};
    struct buf b;
    buf_init(&b, 64);
    buf_add_str(&b, "kept");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (base64_decode(&b, span_of(cases[i])) != ERR_INVALID)
            fail_msg("\"%s\" was decoded", cases[i]);
        assert_string_equal(b.p, "kept");
    }
    buf_fini(&b);
}

static void every_byte_survives_base64(void **state)
{
    (void)state;
    char all[256 + 2];
    struct buf text, back;
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (char)(i * 167 + 13);
    buf_init(&text, 1024);
    buf_init(&back, 1024);
    for (size_t n = 0; n <= sizeof all; n++) {
        buf_clear(&text);
        buf_clear(&back);
        base64_encode(&text, (struct span){all, n});
        assert_int_equal(base64_decode(&back, buf_span(&text)), OK);
        assert_true(span_eq(buf_span(&back), (struct span){all, n}));
    }
    buf_fini(&text);
    buf_fini(&back);
}

static void encoders_respect_the_limit(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 7);
    base64_encode(&b, SPAN_LIT("foob"));
    assert_true(b.is_over);
    assert_int_equal(b.n, 0);
    buf_clear(&b);
    assert_int_equal(base64_decode(&b, SPAN_LIT("Zm9vYmFyZm9v")), ERR_LIMIT);
    buf_clear(&b);
    hex_encode(&b, SPAN_LIT("abcd"));
    assert_true(b.is_over);
    buf_fini(&b);
}

static void random_ids_are_clean_and_differ(void **state)
{
    (void)state;
    char a[41], b[41];
    crypto_random_id(a, 40);
    crypto_random_id(b, 40);
    assert_int_equal(strlen(a), 40);
    assert_int_equal(strspn(a, "0123456789abcdefghijklmnopqrstuvwxyz"), 40);
    assert_string_not_equal(a, b);
    crypto_random_id(a, 0);
    assert_string_equal(a, "");
}

static void test_sha256_in_pieces(void **state)
{
    (void)state;
    struct sha256_sum *sum = sha256_begin();
    char text[2 * SHA256_BYTES + 1];
    sha256_add(sum, SPAN_LIT("a"));
    sha256_add(sum, SPAN_LIT(""));
    sha256_add(sum, SPAN_LIT("bc"));
    sha256_end_hex(sum, text);
    assert_string_equal(text,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"); /* FIPS 180 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256_in_pieces),
        cmocka_unit_test(hmac_sha1_follows_rfc_2202),
        cmocka_unit_test(hmac_sha256_follows_rfc_4231),
        cmocka_unit_test(parts_are_signed_as_if_joined),
        cmocka_unit_test(sha256_follows_fips_180),
        cmocka_unit_test(equal_needs_length_and_presence),
        cmocka_unit_test(base64_goes_both_ways),
        cmocka_unit_test(wrong_base64_is_refused_and_leaves_nothing),
        cmocka_unit_test(every_byte_survives_base64),
        cmocka_unit_test(encoders_respect_the_limit),
        cmocka_unit_test(random_ids_are_clean_and_differ),
    };
    return cmocka_run_group_tests_name("crypto", tests, NULL, NULL);
}
