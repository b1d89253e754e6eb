/* Files keep their bytes within the limit, and what is said of them for as long as they live. */
#include "../base/test.h"
#include "sim/files.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

static struct sim_file *file(struct sim_files *s, const char *id, struct span data)
{
    const struct sim_file_spec spec = {.filename = "a", .data = data, .claimed_size = -1};
    return sim_file_new(s, id, &spec);
}

static void bytes_are_bounded(void **state)
{
    (void)state;
    struct sim_files s;
    sim_files_init(&s);
    sim_files_limit(&s, 10);
    struct sim_file *a = file(&s, "fil_a", SPAN_LIT("12345")), *b = file(&s, "fil_b", SPAN_LIT("67890"));
    assert_ptr_equal(sim_files_find(&s, SPAN_LIT("fil_a")), a);
    struct sim_file *c = file(&s, "fil_c", SPAN_LIT("x"));
    assert_null(a->bytes);
    assert_int_equal(a->size, 5);
    assert_string_equal(a->sha256, "5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5");
    assert_memory_equal(b->bytes, "67890", 5);
    struct sim_file *large = file(&s, "fil_l", SPAN_LIT("12345678901"));
    assert_null(large->bytes);
    assert_int_equal(s.kept_bytes, 0);
    sim_file_free(b);
    assert_null(sim_files_find(&s, SPAN_LIT("fil_b")));
    sim_file_free(a);
    sim_file_free(c);
    sim_file_free(large);
    sim_files_fini(&s);
}

static void generated_bytes_are_the_same_each_time_and_differ_by_seed(void **state)
{
    (void)state;
    struct sim_files s;
    sim_files_init(&s);
    struct sim_file_spec spec = {.filename = "a", .size = 13, .seed = 0, .claimed_size = -1};
    struct sim_file *a = sim_file_new(&s, "fil_a", &spec), *b = sim_file_new(&s, "fil_b", &spec);
    spec.seed = 1;
    struct sim_file *c = sim_file_new(&s, "fil_c", &spec);
    static const unsigned char first[] = {0xaf, 0xcd, 0x1d, 0x7b, 0x39, 0xa8, 0x20, 0xe2};
    assert_memory_equal(a->bytes, first, sizeof first); /* splitmix64's first number for 0 */
    assert_memory_equal(a->bytes, b->bytes, 13);
    assert_memory_equal(a->bytes + 8, c->bytes, 5);
    assert_string_equal(a->content_type, "application/octet-stream");
    sim_file_free(a);
    sim_file_free(b);
    sim_file_free(c);
    sim_files_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_bounded),
        cmocka_unit_test(generated_bytes_are_the_same_each_time_and_differ_by_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
