/* Names and types from outside, as a table of what becomes of them. */
#include "test.h"
#include "base/filename.h"
#include "base/mem.h"
#include <string.h>

struct pair {
    const char *raw, *clean;
};

static void check(void (*clean)(struct span, struct buf *), const struct pair *pair, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct buf out;
        buf_init(&out, 10000);
        clean(span_of(pair[i].raw), &out);
        if (!span_is(buf_span(&out), pair[i].clean))
            fail_msg("%s gave %s", pair[i].raw, out.p ? out.p : "nothing");
        buf_fini(&out);
    }
}

static void test_names(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"photo.png", "photo.png"},
        {"Caf\xc3\xa9 \xf0\x9f\x98\x80.pdf", "Caf\xc3\xa9 \xf0\x9f\x98\x80.pdf"},
        {"../../etc/passwd", "passwd"},
        {"C:\\Users\\x\\a b.doc", "a b.doc"},
        {"/", "file"},
        {"", "file"},
        {"..", "file"},
        {". .hidden", "hidden"},
        {"a\r\nX-Header: 1\t\x01 b.txt", "a X-Header: 1 b.txt"},
        {"end. . ", "end"},
        {"cod\xe2\x80\xae"
         "gpj.exe",
         "codgpj.exe"},
        {"zero\xe2\x80\x8bwidth\xef\xbb\xbf.txt", "zerowidth.txt"},
        {"bad\xff"
         "bytes.txt",
         "bad\xef\xbf\xbd"
         "bytes.txt"},
        {"say \"hi\" 100%.txt", "say \"hi\" 100%.txt"},
    };
    check(filename_clean, pairs, ARRAY_LEN(pairs));
}

static void test_long_names_keep_their_ending(void **state)
{
    (void)state;
    for (size_t n = 190; n < 210; n++) {
        struct buf raw, out;
        buf_init(&raw, 10000);
        buf_init(&out, 10000);
        for (size_t i = 0; i < n / 2; i++)
            buf_add_str(&raw, "\xc3\xa9");
        buf_add_str(&raw, ".tar.gz");
        filename_clean(buf_span(&raw), &out);
        assert_true(out.n <= FILENAME_MAX_BYTES);
        assert_true(out.n >= FILENAME_MAX_BYTES - 10 || out.n == raw.n);
        assert_string_equal(out.p + out.n - 3, ".gz");
        for (size_t i = 0; i + 8 < out.n; i += 2)
            assert_memory_equal(out.p + i, "\xc3\xa9", 2); /* no half a character */
        buf_fini(&raw);
        buf_fini(&out);
    }
}

static void test_a_cut_name_ends_with_a_letter(void **state)
{
    struct buf raw, out;
    (void)state;
    buf_init(&raw, 10000);
    buf_init(&out, 10000);
    for (size_t i = 0; i < FILENAME_MAX_BYTES - 3; i++)
        buf_add_char(&raw, 'a');
    buf_add_str(&raw, "b. this is cut at the blank");
    filename_clean(buf_span(&raw), &out);
    assert_int_equal(out.n, FILENAME_MAX_BYTES - 2);
    assert_int_equal(out.p[out.n - 1], 'b');
    buf_fini(&raw);
    buf_fini(&out);
}

static void test_types(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"image/PNG", "image/png"},
        {" text/plain; charset=utf-8", "text/plain"},
        {"application/vnd.ms-excel.sheet+xml ; x", "application/vnd.ms-excel.sheet+xml"},
        {"", "application/octet-stream"},
        {"image", "application/octet-stream"},
        {"image/", "application/octet-stream"},
        {"/png", "application/octet-stream"},
        {"image/png\r\nX: 1", "application/octet-stream"},
        {"a/b/c", "application/octet-stream"},
    };
    check(media_type_clean, pairs, ARRAY_LEN(pairs));
}

static void test_content_ids(void **state)
{
    (void)state;
    static const struct pair pairs[] = {{"<a@b>", "a@b"}, {"526b45", "526b45"}, {"<>", ""},
                                        {"a b", ""},      {"a>\r\nX: 1", ""},   {"a\"b", ""}};
    check(content_id_clean, pairs, ARRAY_LEN(pairs));
}

static void disposition(struct span raw, struct buf *out)
{
    filename_disposition(raw.p, out);
}

static void test_dispositions(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"a b.png", "attachment; filename=\"a b.png\""},
        {"caf\xc3\xa9.png", "attachment; filename=\"caf_.png\"; filename*=UTF-8''caf%C3%A9.png"},
        {"a\"b\\c%41.png", "attachment; filename=\"a_b_c_41.png\"; filename*=UTF-8''a%22b%5Cc%2541.png"},
    };
    check(disposition, pairs, ARRAY_LEN(pairs));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_long_names_keep_their_ending),
        cmocka_unit_test(test_a_cut_name_ends_with_a_letter),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_content_ids),
        cmocka_unit_test(test_dispositions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
