/* References of threads and ids: as given while Front takes them, a digest beyond. */
#include "unit.h"
#include "front/thread.h"

static void test_ref(void **state)
{
    char id[FRONT_REF_MAX + 2];
    struct buf out;
    (void)state;

    memset(id, 'x', sizeof id);
    buf_init(&out, 4096);
    front_ref((struct span){id, FRONT_REF_MAX}, &out);
    assert_int_equal(out.n, FRONT_REF_MAX);
    assert_memory_equal(out.p, id, FRONT_REF_MAX);
    buf_clear(&out);
    front_ref((struct span){id, FRONT_REF_MAX + 1}, &out);
    assert_text(&out, "fb:hKBnjJCTf13PmZTVhmZo2muZUQnIrYRUEFWbSKTsr-0");
    front_ref(SPAN_LIT("a b/\xc3\xa9"), &out);
    assert_text(&out, "a b/\xc3\xa9");
    buf_fini(&out);
}

static void test_thread(void **state)
{
    static const struct {
        enum thread_mode mode;
        const char *handle, *conversation, *ref;
    } rows[] = {
        {THREAD_CONTACT, "ada", "c1", "ada"},      {THREAD_CONTACT, "ada", NULL, "ada"},
        {THREAD_CONVERSATION, "ada", "c1", "c1"},  {THREAD_CONVERSATION, "ada", "", "ada"},
        {THREAD_CONVERSATION, "ada", NULL, "ada"}, {THREAD_ROLLING, "ada", "c1", "ada@1700000000123"},
    };
    struct buf out;
    (void)state;

    buf_init(&out, 4096);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        thread_ref(rows[i].mode, span_of(rows[i].handle), span_of(rows[i].conversation), 1700000000123, &out);
        assert_text(&out, rows[i].ref);
    }
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ref),
        cmocka_unit_test(test_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
