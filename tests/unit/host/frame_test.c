/* Frames: bytes in and out, at every cut, and every lie. */
#include "base/mem.h"
#include "host/frame.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

static void test_fields_come_back_as_they_went(void **state)
{
    (void)state;
    struct buf b;
    struct frame f;
    size_t used;
    const char *why = NULL;
    buf_init(&b, 1000);
    size_t at = frame_begin(&b, FRAME_OUTCOME, 0, 0x123456789abcdef0);
    frame_put_u32(&b, 7);
    frame_put_i64(&b, -5);
    frame_put_str(&b, "text");
    frame_put_str(&b, NULL);
    frame_put_span(&b, SPAN_LIT(""));
    frame_end(&b, at);
    assert_int_equal(frame_next(buf_span(&b), TO_BRIDGE, &f, &used, &why), OK);
    assert_int_equal(used, b.n);
    assert_int_equal(f.type, FRAME_OUTCOME);
    assert_true(f.token == 0x123456789abcdef0);
    struct frame_reader r = frame_read(&f);
    assert_int_equal(frame_get_u32(&r), 7);
    assert_int_equal(frame_get_i64(&r), -5);
    assert_true(span_is(frame_get_span(&r), "text"));
    assert_null(frame_get_span(&r).p);
    struct span empty = frame_get_span(&r);
    assert_non_null(empty.p);
    assert_int_equal(empty.n, 0);
    assert_true(frame_read_ended(&r));
    frame_get_u32(&r);
    assert_true(r.is_bad);
    buf_fini(&b);
}

static void test_every_cut_asks_for_more(void **state)
{
    (void)state;
    struct buf b;
    struct frame f;
    size_t used;
    const char *why = NULL;
    buf_init(&b, 1000);
    size_t at = frame_begin(&b, FRAME_LOG, 0, 0);
    frame_put_str(&b, "a line");
    frame_end(&b, at);
    for (size_t n = 0; n < b.n; n++) {
        assert_int_equal(frame_next((struct span){b.p, n}, TO_BRIDGE, &f, &used, &why), ERR_NOT_FOUND);
        assert_int_equal(used, n < FRAME_HEAD_BYTES ? 0 : b.n);
    }
    buf_fini(&b);
}

struct head {
    uint32_t body_n;
    uint8_t type, fd_n, reserved[2];
    uint64_t token;
};

static void test_lies_are_told_at_the_head(void **state)
{
    (void)state;
    static const struct {
        struct head head;
        enum frame_side side;
        const char *why;
    } cases[] = {
        {{.type = 0}, TO_BRIDGE, "a frame of an unknown type"},
        {{.type = 255}, TO_BRIDGE, "a frame of an unknown type"},
        {{.type = FRAME_DELIVER}, TO_BRIDGE, "a frame of an unknown type"},
        {{.type = FRAME_OUTCOME}, TO_CHILD, "a frame of an unknown type"},
        {{.type = FRAME_PONG, .body_n = 1}, TO_BRIDGE, "a frame over the limit of its type"},
        {{.type = FRAME_OUTCOME, .body_n = 8193}, TO_BRIDGE, "a frame over the limit of its type"},
        {{.type = FRAME_LOG, .body_n = UINT32_MAX}, TO_BRIDGE, "a frame over the limit of its type"},
        {{.type = FRAME_LOG, .fd_n = 1}, TO_BRIDGE, "a frame with more descriptors than its type may carry"},
        {{.type = FRAME_RECEIVE, .fd_n = 33},
         TO_BRIDGE,
         "a frame with more descriptors than its type may carry"},
        {{.type = FRAME_PONG, .reserved = {0, 1}}, TO_BRIDGE, "a frame with reserved bytes set"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct frame f;
        size_t used;
        const char *why = NULL;
        struct span in = {(const char *)&cases[i].head, sizeof cases[i].head};
        assert_int_equal(frame_next(in, cases[i].side, &f, &used, &why), ERR_INVALID);
        assert_string_equal(why, cases[i].why);
    }
}

static void test_a_field_beyond_the_body_is_bad(void **state)
{
    (void)state;
    uint32_t n = 5;
    char body[8] = "";
    memcpy(body, &n, sizeof n);
    struct frame f = {.body = {body, sizeof body}};
    struct frame_reader r = frame_read(&f);
    assert_null(frame_get_span(&r).p);
    assert_true(r.is_bad);
    assert_false(frame_read_ended(&r));
    struct frame short_frame = {.body = {body, 3}};
    r = frame_read(&short_frame);
    assert_int_equal(frame_get_u32(&r), 0);
    assert_true(r.is_bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_come_back_as_they_went),
        cmocka_unit_test(test_every_cut_asks_for_more),
        cmocka_unit_test(test_lies_are_told_at_the_head),
        cmocka_unit_test(test_a_field_beyond_the_body_is_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
