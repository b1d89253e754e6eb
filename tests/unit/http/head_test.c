/* What a head may be, and above all what it may not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "http/head.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GET  "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"

static struct http_head head;

/* The status that refuses text, or 0. */
static int parse(const char *text, size_t n)
{
    int status = 0;
    const char *why = NULL;
    if (http_head_parse((struct span){text, n}, &head, &status, &why) == OK)
        return 0;
    assert_non_null(why);
    return status;
}

static void assert_span(struct span s, const char *text)
{
    if (!span_is(s, text))
        fail_msg("\"%.*s\" is not \"%s\"", SPAN_FMT(s), text);
}

static void reads_a_request(void **state)
{
    (void)state;
    static const char text[] =
        "POST /front/a%20b?x=1&y HTTP/1.1\r\nHost: a:80\r\nX-Front-Signature:\t abc= \t\r\n"
        "Empty:\r\nContent-Length: 17\r\nConnection: keep-alive, Upgrade\r\n\r\n";
    assert_int_equal(parse(text, sizeof text - 1), 0);
    assert_span(head.method, "POST");
    assert_span(head.target, "/front/a%20b?x=1&y");
    assert_span(head.path, "/front/a%20b");
    assert_span(head.query, "x=1&y");
    assert_int_equal(head.minor, 1);
    assert_int_equal(head.field_n, 5);
    assert_span(head.field[1].name, "X-Front-Signature");
    assert_span(head.field[1].value, "abc=");
    assert_span(head.field[2].value, "");
    assert_true(head.has_length);
    assert_int_equal(head.length, 17);
    assert_false(head.is_chunked || head.wants_close || head.expects_continue);
}

static void tells_path_from_query(void **state)
{
    (void)state;
    static const struct {
        const char *target, *path, *query;
    } cases[] = {
        {"/", "/", NULL},
        {"/?", "/", ""},
        {"/a?b?c", "/a", "b?c"},
        {"http://host/a?b", "/a", "b"},
        {"HTTPS://host:1", "/", NULL},
        {"http://host?q", "/", "q"},
        {"//a", "//a", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[128];
        int n = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", cases[i].target);
        assert_int_equal(parse(text, (size_t)n), 0);
        assert_span(head.path, cases[i].path);
        if (cases[i].query)
            assert_span(head.query, cases[i].query);
        else
            assert_null(head.query.p);
    }
}

static void knows_when_the_connection_ends(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool wants_close;
    } cases[] = {
        {GET "\r\n", false},
        {GET "Connection: close\r\n\r\n", true},
        {GET "Connection: CLOSE\r\n\r\n", true},
        {GET "Connection: foo , close,\r\n\r\n", true},
        {GET "Connection: closed\r\n\r\n", false},
        {GET "Connection: foo\r\nConnection: close\r\n\r\n", true},
        {"GET / HTTP/1.0\r\n\r\n", true},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive, close\r\n\r\n", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(parse(cases[i].text, strlen(cases[i].text)), 0);
        if (head.wants_close != cases[i].wants_close)
            fail_msg("%s", cases[i].text);
    }
}

#define CASE(text, status)                                                                                   \
    {                                                                                                        \
        text, sizeof(text) - 1, status                                                                       \
    }

static void refuses_what_can_be_read_in_two_ways(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t n;
        int status;
    } cases[] = {
        CASE(GET "\r\n", 0),
        CASE("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 0),
        CASE(POST "Transfer-Encoding: Chunked\r\n\r\n", 0),
        CASE(POST "Content-Length: 0\r\n\r\n", 0),
        CASE(POST "Content-Length: 18446744073709551615\r\n\r\n", 0),
        CASE(GET "X: \xc3\xa9\r\n\r\n", 0),
        CASE("GET / HTTP/1.1\r\n\r\n", 400),             /* no Host */
        CASE(GET "Host: b\r\n\r\n", 400),                /* two */
        CASE("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400), /* two spaces */
        CASE("GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        CASE("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
        CASE(" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        CASE("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        CASE("GET / HTTP/1.1\nHost: a\r\n\r\n", 400), /* bare LF */
        CASE(GET "X: 1\n\r\n", 400),
        CASE("GET / HTTP/1.1\r\nHost: a\n\n", 400),
        CASE(GET "X: 1\rY: 2\r\n\r\n", 400), /* bare CR */
        CASE(GET "X: 1\r\r\n\r\n", 400),
        CASE(GET "X: a\0b\r\n\r\n", 400), /* NUL, DEL, other controls */
        CASE(GET "X: a\x7f\r\n\r\n", 400),
        CASE(GET "X: a\x01\r\n\r\n", 400),
        CASE(GET "X\0: a\r\n\r\n", 400),
        CASE(GET "X : a\r\n\r\n", 400), /* space before the colon */
        CASE(GET " X: a\r\n\r\n", 400), /* obs-fold */
        CASE(GET "X: a\r\n b\r\n\r\n", 400),
        CASE(GET "X: a\r\n\tb\r\n\r\n", 400),
        CASE(GET ": a\r\n\r\n", 400),
        CASE(GET "X\r\n\r\n", 400),
        CASE(GET "X\xc3\xa9: a\r\n\r\n", 400),
        CASE(GET "X(y): a\r\n\r\n", 400),
        CASE("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        CASE("GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        CASE("GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        CASE("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        CASE("GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        CASE("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        CASE("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        CASE("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        CASE("GET /\r\n\r\n", 400), /* HTTP/0.9 */
        CASE("GET / http/1.1\r\nHost: a\r\n\r\n", 400),
        CASE("GET / HTTP/1.\r\n\r\n\r\n", 400),
        CASE("G<T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        CASE("\x16\x03\x01\r\n\r\n", 400), /* TLS */
        CASE("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        CASE("GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505),
        CASE("PRI * HTTP/2.0\r\n\r\n", 505),
        CASE(POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400),
        CASE(POST "Content-Length: 1\r\ncontent-length: 2\r\n\r\n", 400),
        CASE(POST "Content-Length: 1, 1\r\n\r\n", 400),
        CASE(POST "Content-Length: +1\r\n\r\n", 400),
        CASE(POST "Content-Length: -1\r\n\r\n", 400),
        CASE(POST "Content-Length: 0x1\r\n\r\n", 400),
        CASE(POST "Content-Length: 1 1\r\n\r\n", 400),
        CASE(POST "Content-Length:\r\n\r\n", 400),
        CASE(POST "Content-Length: 18446744073709551616\r\n\r\n", 400),
        CASE(POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        CASE(POST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400),
        CASE(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        CASE(POST "Transfer-Encoding: chunked, chunked\r\n\r\n", 501),
        CASE(POST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
        CASE(POST "Transfer-Encoding: identity\r\n\r\n", 501),
        CASE(POST "Transfer-Encoding: xchunked\r\n\r\n", 501),
        CASE(POST "Transfer-Encoding: \"chunked\"\r\n\r\n", 501),
        CASE(POST "Transfer-Encoding:\r\n\r\n", 501),
        CASE(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        CASE("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        CASE(POST "Expect: 200-ok\r\n\r\n", 417),
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int status = parse(cases[i].text, cases[i].n);
        if (status != cases[i].status)
            fail_msg("case %zu: %d instead of %d:\n%s", i, status, cases[i].status, cases[i].text);
    }
}

static void counts_header_lines(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_add_str(&b, GET);
    for (int i = 1; i < HTTP_HEADERS_MAX; i++)
        buf_add_str(&b, "X: y\r\n");
    size_t n = b.n;
    buf_add_str(&b, "\r\n");
    assert_int_equal(parse(b.p, b.n), 0);
    assert_int_equal(head.field_n, HTTP_HEADERS_MAX);
    b.n = n;
    buf_add_str(&b, "X: y\r\n\r\n");
    assert_int_equal(parse(b.p, b.n), 431);
    buf_fini(&b);
}

static void finds_the_end_wherever_the_bytes_are_cut(void **state)
{
    (void)state;
    static const char text[] = GET "X: y\r\n\r\nbody\r\n\r\n";
    const size_t end = sizeof GET - 1 + 8;
    for (size_t cut = 0; cut < sizeof text; cut++) {
        size_t first = cut ? http_head_end((struct span){text, cut}, 0) : 0;
        assert_int_equal(first, cut < end ? 0 : end);
        if (!first)
            assert_int_equal(http_head_end((struct span){text, sizeof text - 1}, cut), end);
    }
    assert_int_equal(http_head_end(SPAN_LIT("GET /\n\nx"), 0), 7);
}

/* No head that is a part of another one, or that lost a byte, crashes or reads outside (ASan looks). */
static void survives_cuts_and_flips(void **state)
{
    (void)state;
    static const char text[] =
        "POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\n";
    for (size_t n = 0; n < sizeof text; n++) {
        char *copy = mem_dup(text, n);
        (void)parse(copy, n);
        free(copy);
    }
    for (size_t i = 0; i < sizeof text - 1; i++)
        for (int v = 0; v < 256; v++) {
            char *copy = mem_dup(text, sizeof text - 1);
            copy[i] = (char)v;
            (void)parse(copy, sizeof text - 1);
            free(copy);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_request),
        cmocka_unit_test(tells_path_from_query),
        cmocka_unit_test(knows_when_the_connection_ends),
        cmocka_unit_test(refuses_what_can_be_read_in_two_ways),
        cmocka_unit_test(counts_header_lines),
        cmocka_unit_test(finds_the_end_wherever_the_bytes_are_cut),
        cmocka_unit_test(survives_cuts_and_flips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
