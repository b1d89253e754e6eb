/* A host with an adapter that behaves: everything goes through, both ways, once. */
#include "rig.h"

static void test_a_delivery_ends_delivered(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, "probe", NULL);
    rig_up(&r);
    assert_string_equal(host_adapter(r.host)->name, "probe");
    const struct rig_outcome *o = rig_say(&r, "deliver", NULL);
    assert_int_equal(o->o.kind, OUTCOME_DELIVERED);
    assert_string_equal(o->external_id, "d1");
    rig_stop(&r);
    assert_int_equal(host_pid(r.host), 0);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_delivery_ends_delivered),
    };
    rig_fixture();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
