/* TLS: the same server behind it, and those who do not finish a handshake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "certificate.h"
#include "serving.h"
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct session {
    SSL_CTX *ctx;
    SSL *tls;
    int fd;
};

static struct certificate certificate;
static struct served served;

static int set_up(void **state)
{
    (void)state;
    struct http_limits limits = small_limits;
    limits.buffered_bytes = 64 << 20;
    certificate_make(&certificate);
    served =
        serve(&(struct serve_options){.limits = limits, .cert = certificate.cert, .key = certificate.key});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    served_end(&served);
    certificate_remove(&certificate);
    return 0;
}

static struct session shake_hands(int max_version)
{
    struct session s = {.ctx = SSL_CTX_new(TLS_client_method()), .fd = dial(&served)};
    assert_int_equal(SSL_CTX_load_verify_locations(s.ctx, certificate.cert, NULL), 1);
    SSL_CTX_set_verify(s.ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_min_proto_version(s.ctx, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(s.ctx, max_version);
    s.tls = SSL_new(s.ctx);
    SSL_set_fd(s.tls, s.fd);
    return s;
}

static void hang_up(struct session *s)
{
    SSL_free(s->tls);
    SSL_CTX_free(s->ctx);
    close(s->fd);
}

static void hear_tls(struct session *s, const char *text)
{
    static char heard[1 << 20];
    size_t n = 0;
    heard[0] = '\0';
    while (!strstr(heard, text)) {
        int r = SSL_read(s->tls, heard + n, (int)(sizeof heard - 1 - n));
        if (r <= 0)
            fail_msg("the end while waiting for %s: %.300s", text, heard);
        n += (size_t)r;
        heard[n] = '\0';
    }
}

static void serves_over_tls(void **state)
{
    (void)state;
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct session s = shake_hands(versions[i]);
        assert_int_equal(SSL_connect(s.tls), 1);
        for (int k = 0; k < 3; k++) {
            assert_true(SSL_write(s.tls, GET("/echo?x"), sizeof GET("/echo?x") - 1) > 0);
            hear_tls(&s, "[GET||x|");
        }
        hang_up(&s);
    }
}

static void carries_large_bodies_both_ways(void **state)
{
    (void)state;
    enum { N = 190000 };
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_addf(&b, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: %d\r\n\r\n", N);
    for (int i = 0; i < N - 4; i++)
        buf_add_char(&b, 'x');
    buf_add_str(&b, "tail" GET("/echo?next"));
    struct session s = shake_hands(TLS1_3_VERSION);
    assert_int_equal(SSL_connect(s.tls), 1);
    assert_int_equal(SSL_write(s.tls, b.p, (int)b.n), b.n);
    hear_tls(&s, "[GET||next|");
    assert_true(SSL_write(s.tls, GET("/big"), sizeof GET("/big") - 1) > 0);
    size_t got = 0;
    static char block[100000];
    while (got < 16 << 20) {
        int r = SSL_read(s.tls, block, sizeof block);
        assert_true(r > 0);
        got += (size_t)r;
    }
    hang_up(&s);
    buf_fini(&b);
}

static void sends_files_over_tls(void **state)
{
    (void)state;
    static char block[100000];
    struct session s = shake_hands(TLS1_3_VERSION);
    size_t got = 0, n = 1 << 20;
    assert_int_equal(SSL_connect(s.tls), 1);
    assert_true(SSL_write(s.tls, GET("/file?n=1048576"), sizeof GET("/file?n=1048576") - 1) > 0);
    for (const char *p = "\r\n\r\n"; *p;) { /* the head, a byte at a time */
        assert_int_equal(SSL_read(s.tls, block, 1), 1);
        p = block[0] == *p ? p + 1 : block[0] == '\r' ? &"\r\n\r\n"[1] : "\r\n\r\n";
    }
    while (got < n) {
        int r = SSL_read(s.tls, block, sizeof block);
        assert_true(r > 0);
        for (int i = 0; i < r; i++)
            assert_int_equal(block[i], file_byte(got + (size_t)i));
        got += (size_t)r;
    }
    hang_up(&s);
}

static void refuses_old_versions(void **state)
{
    (void)state;
    struct session s = shake_hands(TLS1_1_VERSION);
    assert_int_not_equal(SSL_connect(s.tls), 1);
    hang_up(&s);
}

static void ends_handshakes_that_do_not_go_on(void **state)
{
    (void)state;
    int silent = dial(&served), plain = dial(&served), half = dial(&served);
    say(plain, GET("/echo"));
    say_bytes(half, "\x16\x03\x01\x02\x00\x01", 6);
    pause_ms(1000); /* over head_ms, under idle_ms */
    assert_false(is_open(plain, 0));
    assert_false(is_open(silent, 0));
    assert_false(is_open(half, 0));
    close(silent), close(plain), close(half);
}

static void leaves_at_any_time_cost_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct session s = shake_hands(TLS1_3_VERSION);
        if (i % 2)
            assert_int_equal(SSL_connect(s.tls), 1);
        if (i % 4 == 3)
            SSL_write(s.tls, GET("/hold"), sizeof GET("/hold") - 1);
        hang_up(&s);
    }
    struct session s = shake_hands(TLS1_3_VERSION);
    assert_int_equal(SSL_connect(s.tls), 1);
    SSL_write(s.tls, GET("/release"), sizeof GET("/release") - 1);
    hear_tls(&s, "released");
    hang_up(&s);
}

static void says_why_a_certificate_cannot_be_used(void **state)
{
    (void)state;
    struct certificate other;
    certificate_make(&other);
    struct event_base *base = event_base_new();
    struct http_server *s = http_server_new(base, NULL, NULL, 0, NULL);
    const struct {
        const char *cert, *key, *why;
    } cases[] = {
        {"/no/cert.pem", certificate.key, "The certificate /no/cert.pem cannot be used: "},
        {certificate.cert, "/no/key.pem", "The key /no/key.pem cannot be used with the certificate /"},
        {certificate.key, certificate.key, "/key.pem cannot be used: "},
        {certificate.cert, other.key, "key values mismatch"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf why;
        buf_init(&why, 1000);
        assert_int_equal(http_server_listen_tls(s, "127.0.0.1:0", cases[i].cert, cases[i].key, &why),
                         ERR_INVALID);
        if (!strstr(why.p, cases[i].why))
            fail_msg("%s", why.p);
        buf_fini(&why);
    }
    /* Reading them again keeps the old ones if the new ones are bad. */
    struct buf why;
    buf_init(&why, 1000);
    assert_int_equal(http_server_listen_tls(s, "localhost:0", other.cert, other.key, &why), OK);
    assert_int_equal(http_server_reload_tls(s, &why), OK);
    certificate_remove(&other);
    assert_int_equal(http_server_reload_tls(s, &why), ERR_INVALID);
    buf_fini(&why);
    http_server_free(s);
    event_base_free(base);
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(serves_over_tls),
        SERVED(carries_large_bodies_both_ways),
        SERVED(sends_files_over_tls),
        SERVED(refuses_old_versions),
        SERVED(ends_handshakes_that_do_not_go_on),
        SERVED(leaves_at_any_time_cost_nothing),
        SERVED(says_why_a_certificate_cannot_be_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
