/* The map: what is put is found, what is removed is gone, and neighbours survive both. */
#include "../base/test.h"
#include "sim/index.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

static int values[20000];

static struct span key_of(size_t i, char out[32])
{
    snprintf(out, 32, "key-%zu", i);
    return span_of(out);
}

static void an_empty_map_finds_nothing(void **state)
{
    (void)state;
    struct sim_index i = {0};
    assert_null(sim_index_get(&i, SPAN_LIT("a")));
    sim_index_remove(&i, SPAN_LIT("a"));
    sim_index_fini(&i);
}

static void what_is_put_again_is_replaced(void **state)
{
    (void)state;
    struct sim_index i = {0};
    sim_index_put(&i, SPAN_LIT("a"), &values[0]);
    sim_index_put(&i, SPAN_LIT("a"), &values[1]);
    sim_index_put(&i, SPAN_LIT(""), &values[2]);
    assert_ptr_equal(sim_index_get(&i, SPAN_LIT("a")), &values[1]);
    assert_ptr_equal(sim_index_get(&i, SPAN_LIT("")), &values[2]);
    assert_null(sim_index_get(&i, SPAN_LIT("aa")));
    assert_int_equal(i.n, 2);
    sim_index_fini(&i);
}

/* Every second key goes while the table is well filled: each removal must close its gap in the probe chains.
 */
static void removal_keeps_the_neighbours(void **state)
{
    (void)state;
    struct sim_index i = {0};
    char k[32];
    for (size_t n = 0; n < ARRAY_LEN(values); n++)
        sim_index_put(&i, key_of(n, k), &values[n]);
    for (size_t n = 0; n < ARRAY_LEN(values); n += 2)
        sim_index_remove(&i, key_of(n, k));
    for (size_t n = 0; n < ARRAY_LEN(values); n++)
        assert_ptr_equal(sim_index_get(&i, key_of(n, k)), n % 2 ? &values[n] : NULL);
    assert_int_equal(i.n, ARRAY_LEN(values) / 2);
    sim_index_fini(&i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_map_finds_nothing),
        cmocka_unit_test(what_is_put_again_is_replaced),
        cmocka_unit_test(removal_keeps_the_neighbours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
