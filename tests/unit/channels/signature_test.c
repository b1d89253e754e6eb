#include "http/signature.h"
#include "base/mem.h"
#include "cmocka_all.h"
#include <string.h>

/* The worked example of the Standard Webhooks specification. */
#define SECRET    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define OTHER     "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static const struct signed_parts example = {
    {"msg_p5jXN8AQM9LWM0D4loKWxJek", 28}, {"1614265330", 10}, {"{\"test\": 2432232314}", 20}};

static enum err ring_of(const char *secrets, struct ring *ring, char why[300])
{
    struct buf b;
    buf_init(&b, 299);
    *ring = (struct ring){0};
    enum err e = ring_read(span_of(secrets), ring, &b);
    strcpy(why, buf_span(&b).p);
    buf_fini(&b);
    return e;
}

static void test_example(void **state)
{
    struct ring ring;
    struct buf out;
    char why[300];
    (void)state;
    assert_int_equal(ring_of(SECRET, &ring, why), OK);
    buf_init(&out, 300);
    signature_make(&ring, &example, &out);
    assert_string_equal(out.p, SIGNATURE);
    buf_fini(&out);
    ring_fini(&ring);
}

static void test_rotation(void **state)
{
    struct ring both, old, new;
    struct buf out;
    char why[300];
    (void)state;
    assert_int_equal(ring_of("  " OTHER "  " SECRET " ", &both, why), OK);
    assert_int_equal(ring_of(SECRET, &old, why), OK);
    assert_int_equal(ring_of(OTHER, &new, why), OK);
    buf_init(&out, 300);
    signature_make(&both, &example, &out);
    assert_true(signature_fits(&old, &example, buf_span(&out)));
    assert_true(signature_fits(&new, &example, buf_span(&out)));
    buf_clear(&out);
    signature_make(&new, &example, &out);
    assert_true(signature_fits(&both, &example, buf_span(&out)));
    assert_false(signature_fits(&old, &example, buf_span(&out)));
    buf_fini(&out);
    ring_fini(&both);
    ring_fini(&old);
    ring_fini(&new);
}

static void test_headers(void **state)
{
    static const struct {
        const char *header;
        bool fits;
    } cases[] = {
        {SIGNATURE, true},
        {"v1,AAAA " SIGNATURE, true},
        {"v1a,abc " SIGNATURE " v2,x", true},
        {"  " SIGNATURE "  ", true},
        {"", false},
        {"v1,", false},
        {"v1", false},
        {"g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", false},
        {"v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", false},
        {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE", false},
        {"v1,G0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", false},
        {SIGNATURE "x", false},
    };
    struct ring ring;
    char why[300];
    (void)state;
    assert_int_equal(ring_of(SECRET, &ring, why), OK);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(signature_fits(&ring, &example, span_of(cases[i].header)), cases[i].fits);
    struct signed_parts other = example;
    other.timestamp = SPAN_LIT("1614265331");
    assert_false(signature_fits(&ring, &other, SPAN_LIT(SIGNATURE)));
    other = example;
    other.body = SPAN_LIT("{\"test\": 2432232315}");
    assert_false(signature_fits(&ring, &other, SPAN_LIT(SIGNATURE)));
    ring_fini(&ring);
}

static void test_secrets(void **state)
{
    static const struct {
        const char *secrets, *why; /* why NULL: accepted */
    } cases[] = {
        {SECRET, NULL},
        {"", NULL},
        {"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "begin with whsec_"},
        {"whsec_", "24 to 64 bytes"},
        {"whsec_AAAA", "24 to 64 bytes"},
        {"whsec_!!!!", "24 to 64 bytes"},
        {SECRET " " OTHER " " SECRET " " OTHER, NULL},
        {SECRET " " OTHER " " SECRET " " OTHER " " SECRET, "more than 4"},
        {SECRET " nonsense", "begin with whsec_"},
    };
    struct ring ring;
    char why[300];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(ring_of(cases[i].secrets, &ring, why), cases[i].why ? ERR_INVALID : OK);
        if (cases[i].why) {
            assert_non_null(strstr(why, cases[i].why));
            assert_null(strstr(why, "MfKQ"));
        }
        ring_fini(&ring);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_example),
        cmocka_unit_test(test_rotation),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
