/* Tokens of files: ours are read, all others are not, whatever was changed in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "bridge/file_link.h"
#include <stdlib.h>
#include <string.h>

static const uint8_t key[FILE_LINK_KEY_BYTES] = "0123456789abcdef0123456789abcdef",
                     other[FILE_LINK_KEY_BYTES] = "x";
static const wall_ms_t NOW = INT64_C(1781956800123);

static char *token_of(int64_t id, wall_ms_t at)
{
    struct buf b;
    buf_init(&b, 200);
    file_link_write(key, id, at, &b);
    return buf_take(&b, NULL);
}

static void test_ours_are_read(void **state)
{
    (void)state;
    static const int64_t ids[] = {1, 255, 65536, INT64_MAX};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        char *token = token_of(ids[i], NOW);
        int64_t id = 0;
        assert_int_equal(strlen(token), 46);
        assert_int_equal(file_link_read(key, span_of(token), NOW, &id), OK);
        assert_int_equal(id, ids[i]);
        assert_int_equal(file_link_read(key, span_of(token), NOW + 1, &id), ERR_DENIED);
        assert_int_equal(file_link_read(other, span_of(token), NOW, &id), ERR_NOT_FOUND);
        free(token);
    }
}

/* Any one character changed, also in the bits that base64 does not use; one more, one less. */
static void test_all_others_are_not(void **state)
{
    (void)state;
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=%.";
    char *token = token_of(7, NOW);
    int64_t id;
    for (size_t i = 0; token[i]; i++) {
        char was = token[i];
        for (const char *c = letters; *c; c++) {
            token[i] = *c;
            enum err e = file_link_read(key, span_of(token), NOW, &id);
            if ((*c == was) != (e == OK))
                fail_msg("%s at %zu: %d", token, i, (int)e);
        }
        token[i] = was;
    }
    struct span s = span_of(token);
    assert_int_equal(file_link_read(key, (struct span){s.p, s.n - 1}, NOW, &id), ERR_NOT_FOUND);
    assert_int_equal(file_link_read(key, (struct span){s.p, s.n + 1}, NOW, &id), ERR_NOT_FOUND);
    assert_int_equal(file_link_read(key, SPAN_LIT(""), NOW, &id), ERR_NOT_FOUND);
    assert_int_equal(file_link_read(key, SPAN_NONE, NOW, &id), ERR_NOT_FOUND);
    free(token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ours_are_read),
                                       cmocka_unit_test(test_all_others_are_not)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
