/* Lines of a file, in bounded memory; and how an import is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/import_lines.h"
#include "cli/import_text.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the file gives, with "|" behind each line, "!" for one that is too long. */
static void expect_lines(const char *content, size_t n, size_t max_bytes, const char *expected)
{
    char path[] = "/tmp/fb-lines-XXXXXX", got[256] = "";
    struct import_lines l;
    struct span line;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    assert_int_equal(write(fd, content, n), n);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    import_lines_init(&l, fd, max_bytes);
    enum err e;
    while ((e = import_lines_next(&l, &line)) != ERR_NOT_FOUND) {
        assert_true(e == OK || e == ERR_LIMIT);
        strncat(got, e == OK ? line.p : "!", e == OK ? line.n : 1);
        strcat(got, "|");
    }
    assert_string_equal(got, expected);
    assert_int_equal(l.read_n, n - (n > 2 && memcmp(content, "\xef\xbb\xbf", 3) == 0 ? 3 : 0));
    import_lines_fini(&l);
    close(fd);
}

static void test_lines(void **state)
{
    (void)state;
    expect_lines("", 0, 10, "");
    expect_lines("a\nbc", 4, 10, "a|bc|");
    expect_lines("a\r\n\nb\n", 6, 10, "a||b|");
    expect_lines("\xef\xbb\xbf{}\n", 6, 10, "{}|");
    expect_lines("abcdefghijk\nx\n", 14, 10, "!|x|");
    expect_lines("x\nabcdefghijk", 13, 10, "x|!|");
}

static void test_a_huge_line_takes_no_memory(void **state)
{
    size_t n = 8 << 20;
    char *content = malloc(n);
    (void)state;
    assert_non_null(content);
    memset(content, 'a', n);
    memcpy(content + n - 3, "\nz\n", 3);
    expect_lines(content, n, 1 << 20, "!|z|");
    free(content);
}

static void expect_progress(struct import_progress p, bool has_bar, const char *expected)
{
    struct buf out;
    buf_init(&out, 1024);
    import_text_progress(&out, &p, has_bar, 100);
    assert_string_equal(out.p, expected);
    buf_fini(&out);
}

static void test_progress(void **state)
{
    struct import_progress p = {
        .what = "support", .of_what = "sent", .done = 1000, .total = 100000, .per_minute = 99};
    (void)state;
    expect_progress(p, true,
                    "support: [--------------------] 1.0 %, 1,000 of 100,000 sent, about 16h at 99 a minute");
    p.per_minute = -1;
    p.plan_per_minute = 80;
    expect_progress(p, false, "support: 1.0 %, 1,000 of 100,000 sent, about 20h at the plan's 80 a minute");
    p.plan_per_minute = 0;
    p.bad_n = 2;
    expect_progress(p, false, "support: 1.0 %, 1,000 of 100,000 sent, 2 bad, no forecast yet");
    p.per_minute = 0;
    p.bad_n = 0;
    expect_progress(p, false, "support: 1.0 %, 1,000 of 100,000 sent, nothing has moved lately");
    p.done = p.total;
    expect_progress(p, true,
                    "support: [####################] 100.0 %, 100,000 of 100,000 sent, nothing left");
}

static void test_pace(void **state)
{
    struct import_pace p = {.n = 0};
    (void)state;
    assert_true(import_pace_per_minute(&p, 0, 0) < 0);
    for (int s = 0; s <= 600; s++)
        import_pace_add(&p, (uint64_t)s * 2, s * SECOND_MS);
    double pace = import_pace_per_minute(&p, 1200, 600 * SECOND_MS);
    assert_true(pace > 119 && pace < 121);
    assert_true(import_pace_per_minute(&p, 0, 600 * SECOND_MS) < 0); /* it went back: who knows */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_a_huge_line_takes_no_memory),
        cmocka_unit_test(test_progress),
        cmocka_unit_test(test_pace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
