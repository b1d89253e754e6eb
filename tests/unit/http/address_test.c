/* Which addresses are public, and what Retry-After says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "http/client.h"

static void knows_what_is_public(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        bool is_public;
    } cases[] = {
        {"8.8.8.8", true},
        {"1.1.1.1", true},
        {"100.63.255.255", true},
        {"100.128.0.0", true},
        {"172.15.255.255", true},
        {"172.32.0.0", true},
        {"192.0.1.0", true},
        {"198.17.255.255", true},
        {"223.255.255.255", true},
        {"0.0.0.0", false},
        {"0.255.255.255", false},
        {"10.0.0.1", false},
        {"100.64.0.1", false},
        {"100.127.255.255", false},
        {"127.0.0.1", false},
        {"127.255.255.254", false},
        {"169.254.169.254", false},
        {"172.16.0.1", false},
        {"172.31.255.255", false},
        {"192.0.0.8", false},
        {"192.0.2.1", false},
        {"192.88.99.1", false},
        {"192.168.1.1", false},
        {"198.18.0.1", false},
        {"198.19.255.255", false},
        {"198.51.100.7", false},
        {"203.0.113.7", false},
        {"224.0.0.1", false},
        {"239.255.255.255", false},
        {"240.0.0.1", false},
        {"255.255.255.255", false},
        {"2606:4700:4700::1111", true},
        {"2a00:1450:4001:830::200e", true},
        {"::", false},
        {"::1", false},
        {"::ffff:10.0.0.1", false},
        {"::ffff:127.0.0.1", false},
        {"::ffff:8.8.8.8", true},
        {"::127.0.0.1", false},
        {"64:ff9b::a9fe:a9fe", false},
        {"64:ff9b::808:808", true},
        {"64:ff9b:1::1", false},
        {"100::1", false},
        {"2001::1", false},
        {"2001:db8::1", false},
        {"2002:7f00:1::1", false},
        {"3fff::1", false},
        {"fc00::1", false},
        {"fd12:3456::1", false},
        {"fe80::1", false},
        {"fe80::1%eth0", false},
        {"fec0::1", false},
        {"ff02::1", false},
        {"", false},
        {"localhost", false},
        {"0x7f.1", false},
        {"127.1", false},
        {"8.8.8.8 ", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (http_address_is_public(cases[i].address) != cases[i].is_public)
            fail_msg("%s: expected %s", cases[i].address, cases[i].is_public ? "public" : "not public");
}

static void reads_retry_after(void **state)
{
    (void)state;
    const wall_ms_t now = INT64_C(1445412480000); /* Wed, 21 Oct 2015 07:28:00 GMT */
    static const struct {
        const char *value;
        int64_t ms;
    } cases[] = {
        {NULL, -1},
        {"", -1},
        {"soon", -1},
        {"-5", -1},
        {"1.5", -1},
        {"0", 0},
        {"2", 2000},
        {"60", 60000},
        {"61", 60000},
        {"18446744073709551615", 60000},
        {"Wed, 21 Oct 2015 07:28:10 GMT", 10000},
        {"Wed, 21 Oct 2015 07:27:00 GMT", 0},
        {"Wed, 21 Oct 2099 07:28:00 GMT", 60000},
        {"Wed, 21 Oct 2015 07:28:10 GMT and more", -1},
        {"21 Oct 2015", -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t got = http_retry_after(span_of(cases[i].value), now, 60000);
        if (got != cases[i].ms)
            fail_msg("%s: %lld", cases[i].value, (long long)got);
    }
}

static void knows_networks(void **state)
{
    (void)state;
    static const char *const good[] = {"10.0.0.0/8",    "192.168.1.7", "fd00::/8",
                                       "172.16.0.0/12", "::1",         "0.0.0.0/32"};
    static const char *const bad[] = {"",    "10.0.0.0/33", "fd00::/129", "10.0.0/8",
                                      "a/8", "10.0.0.0/",   "10.0.0.0/x"};
    static const struct {
        const char *address;
        bool is_in;
    } cases[] = {{"10.255.0.1", true},     {"11.0.0.1", false},       {"192.168.1.7", true},
                 {"192.168.1.8", false},   {"fdff::1", true},         {"fe00::1", false},
                 {"172.31.255.255", true}, {"172.32.0.0", false},     {"::1", true},
                 {"::2", false},           {"::ffff:10.1.1.1", true}, {"0.0.0.1", false},
                 {"not an address", false}};
    struct http_networks list = {.n = 0};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_int_equal(http_networks_add(&list, good[i]), OK);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(http_networks_add(&list, bad[i]), ERR_INVALID);
    assert_int_equal(list.n, ARRAY_LEN(good));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (http_networks_have(&list, cases[i].address) != cases[i].is_in)
            fail_msg("%s", cases[i].address);
    struct http_networks all = {.n = 0};
    assert_int_equal(http_networks_add(&all, "0.0.0.0/0"), OK);
    assert_true(http_networks_have(&all, "127.0.0.1"));
    assert_false(http_networks_have(&all, "::1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_networks),
        cmocka_unit_test(knows_what_is_public),
        cmocka_unit_test(reads_retry_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
