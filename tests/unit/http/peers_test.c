/* Connections counted by address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "http/peers.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

static struct peer_key key_of(const char *address)
{
    struct sockaddr_storage at = {0};
    struct peer_key key;
    if (inet_pton(AF_INET, address, &((struct sockaddr_in *)&at)->sin_addr) == 1)
        at.ss_family = AF_INET;
    else {
        assert_int_equal(inet_pton(AF_INET6, address, &((struct sockaddr_in6 *)&at)->sin6_addr), 1);
        at.ss_family = AF_INET6;
    }
    assert_true(peer_key_of(&at, &key));
    return key;
}

static void counts_by_address_and_by_64(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool is_same;
    } cases[] = {
        {"10.0.0.1", "10.0.0.1", true},
        {"10.0.0.1", "10.0.0.2", false},
        {"10.0.0.1", "::ffff:10.0.0.1", true},
        {"2001:db8::1", "2001:db8::2", true},
        {"2001:db8::1", "2001:db8:0:1::1", false},
        {"::1", "0.0.0.1", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct peers *p = peers_new(1);
        struct peer_key a = key_of(cases[i].a), b = key_of(cases[i].b);
        assert_true(peers_add(p, &a));
        assert_int_equal(peers_add(p, &b), !cases[i].is_same);
        peers_remove(p, &a);
        assert_int_equal(peers_add(p, &a), true);
        peers_free(p);
    }
}

static void forgets_who_has_left(void **state)
{
    (void)state;
    struct peers *p = peers_new(2);
    for (uint64_t round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < 5000; i++)
            for (int k = 0; k < 3; k++)
                assert_int_equal(peers_add(p, &(struct peer_key){i, i * 7}), k < 2);
        for (uint64_t i = 0; i < 5000; i++)
            for (int k = 0; k < 2; k++)
                peers_remove(p, &(struct peer_key){i, i * 7});
    }
    peers_free(p);
}

static void leaves_unix_sockets_alone(void **state)
{
    (void)state;
    struct sockaddr_storage at = {.ss_family = AF_UNIX};
    struct peer_key key;
    assert_false(peer_key_of(&at, &key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_by_address_and_by_64),
        cmocka_unit_test(forgets_who_has_left),
        cmocka_unit_test(leaves_unix_sockets_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
