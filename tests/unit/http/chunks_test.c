/* Chunked bodies: every case at once, byte by byte, and in pieces of 3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "http/head.h"
#include <string.h>

enum { BODY_MAX = 16 };

struct outcome {
    enum err e;
    bool is_done;
    size_t used;
};

static struct outcome feed(struct span in, size_t step, struct buf *out)
{
    struct http_chunks c = {0};
    struct outcome o = {OK, false, 0};
    while (o.used < in.n && o.e == OK && !o.is_done) {
        size_t n = in.n - o.used < step ? in.n - o.used : step, used = 0;
        o.e = http_chunks_feed(&c, (struct span){in.p + o.used, n}, &used, out, &o.is_done);
        o.used += used;
    }
    return o;
}

#define CASE(text, ...)                                                                                      \
    {                                                                                                        \
        {text, sizeof(text) - 1}, __VA_ARGS__                                                                \
    }

static void decodes_and_refuses(void **state)
{
    (void)state;
    static const struct {
        struct span in;
        enum err e;
        bool is_done;
        const char *body;
        size_t left; /* bytes of the next request */
    } cases[] = {
        CASE("0\r\n\r\n", OK, true, "", 0),
        CASE("5\r\nhello\r\n0\r\n\r\n", OK, true, "hello", 0),
        CASE("5\r\nhello\r\n0\r\n\r\nGET", OK, true, "hello", 3),
        CASE("2\r\nhe\r\n3\r\nllo\r\n00\r\n\r\n", OK, true, "hello", 0),
        CASE("A\r\n0123456789\r\n0\r\n\r\n", OK, true, "0123456789", 0),
        CASE("000000000000005\r\nhello\r\n0\r\n\r\n", OK, true, "hello", 0),
        CASE("5;a=\"b c\"\r\nhello\r\n0;x\r\n\r\n", OK, true, "hello", 0),
        CASE("1\r\n\n\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\n", OK, true, "\n", 0),
        CASE("10\r\n0123456789abcdef\r\n0\r\n\r\n", OK, true, "0123456789abcdef", 0),
        CASE("5\r\nhel", OK, false, "hel", 0),
        CASE("5\r\nhello\r\n0\r\n", OK, false, "hello", 0),
        CASE("11\r\n0123456789abcdefg\r\n0\r\n\r\n", ERR_LIMIT, false, "", 0),
        CASE("8\r\n01234567\r\n9\r\n", ERR_LIMIT, false, "01234567", 0),
        CASE("fffffffffffffff\r\n", ERR_LIMIT, false, "", 0),
        CASE("\r\n", ERR_INVALID, false, "", 0),
        CASE("g\r\n", ERR_INVALID, false, "", 0),
        CASE("-1\r\n", ERR_INVALID, false, "", 0),
        CASE("+1\r\n", ERR_INVALID, false, "", 0),
        CASE("0x1\r\n", ERR_INVALID, false, "", 0),
        CASE(" 1\r\n", ERR_INVALID, false, "", 0),
        CASE("1 \r\n", ERR_INVALID, false, "", 0),
        CASE("1\n", ERR_INVALID, false, "", 0),
        CASE("1\rx", ERR_INVALID, false, "", 0),
        CASE("ffffffffffffffff1\r\n", ERR_INVALID, false, "", 0),
        CASE("1\r\nab\r\n", ERR_INVALID, false, "a", 0),
        CASE("1\r\na\n", ERR_INVALID, false, "a", 0),
        CASE("1;\n\r\n", ERR_INVALID, false, "", 0),
        CASE("1;a\0b\r\n", ERR_INVALID, false, "", 0),
        CASE("0\r\nX: 1\n\r\n", ERR_INVALID, false, "", 0),
        CASE("0\r\n\rX", ERR_INVALID, false, "", 0),
    };
    static const size_t steps[] = {SIZE_MAX, 1, 3};
    for (size_t i = 0; i < ARRAY_LEN(cases) * ARRAY_LEN(steps); i++) {
        size_t n = i / ARRAY_LEN(steps), step = steps[i % ARRAY_LEN(steps)];
        struct buf out;
        buf_init(&out, BODY_MAX);
        struct outcome o = feed(cases[n].in, step, &out);
        if (o.e != cases[n].e || o.is_done != cases[n].is_done || !span_is(buf_span(&out), cases[n].body))
            fail_msg("case %zu by %zu: error %d, \"%.*s\"", n, step, (int)o.e, SPAN_FMT(buf_span(&out)));
        if (o.e == OK)
            assert_int_equal(o.used, cases[n].in.n - cases[n].left);
        buf_fini(&out);
    }
}

static void bounds_extensions_and_trailers(void **state)
{
    (void)state;
    static const char *const begins[] = {"1;", "0\r\nX: "};
    for (size_t i = 0; i < ARRAY_LEN(begins); i++) {
        struct buf in, out;
        buf_init(&in, 1 << 20);
        buf_init(&out, BODY_MAX);
        buf_add_str(&in, begins[i]);
        for (int k = 0; k < 10000; k++)
            buf_add_char(&in, 'x');
        assert_int_equal(feed(buf_span(&in), SIZE_MAX, &out).e, ERR_INVALID);
        buf_fini(&in);
        buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_and_refuses),
        cmocka_unit_test(bounds_extensions_and_trailers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
