/* The events' ids, whatever their size, and how events are written part by part. */
#include "../base/test.h"
#include "base/mem.h"
#include "sim/account.h"
#include "sim/event_shape.h"
#include "sim/part.h"
#include "sim/shape.h"
#include <string.h>

static const wall_ms_t now = INT64_C(1453770984123);

static struct sim_event *add(struct sim_event_log *log, wall_ms_t created_at)
{
    const struct sim_event draft = {.type = mem_strdup("tag"), .emitted_at = now, .created_at = created_at};
    return sim_event_log_add(log, &draft);
}

static void ids_are_compared_as_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *smaller, *larger;
    } cases[] = {
        {"evt_1", "evt_2"},
        {"evt_9", "evt_a"},
        {"evt_z", "evt_10"},
        {"evt_zzzz", "evt_10000"},
        {"evt_az", "evt_b0"},
        {"evt_3w5e11264sgsf", "evt_3w5e11264sgsg"}, /* beyond 64 bits */
        {"evt_zzzzzzzzzzzzzzzzzzz", "evt_10000000000000000000"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_true(sim_event_id_compare(cases[i].smaller, cases[i].larger) < 0);
        assert_true(sim_event_id_compare(cases[i].larger, cases[i].smaller) > 0);
        assert_int_equal(sim_event_id_compare(cases[i].larger, cases[i].larger), 0);
    }
}

static void ids_count_up_through_every_border(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second;
    } cases[] = {
        {"z", "evt_10"},
        {"19", "evt_1a"},
        {"1zz", "evt_200"},
        {"zzz", "evt_1000"},
        {"3w5e11264sgsf", "evt_3w5e11264sgsg"},
        {"zzzzzzzzzzzzzzzz", "evt_10000000000000000"},
    };
    struct sim_event_log log;
    sim_event_log_init(&log, 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(sim_event_log_next(&log, span_of(cases[i].first)), OK);
        assert_string_equal(add(&log, now)->id + 4, cases[i].first);
        assert_string_equal(add(&log, now)->id, cases[i].second);
    }
    sim_event_log_fini(&log);
}

static void a_number_is_never_used_again(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "0", "01", "zz", "10", "1Z0", "1 0", "-100", "1000000000000000000000000000000000"};
    struct sim_event_log log;
    sim_event_log_init(&log, 36 * 36);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(sim_event_log_next(&log, span_of(bad[i])), ERR_INVALID);
    sim_event_log_clear(&log);
    assert_string_equal(add(&log, now)->id, "evt_101");
    sim_event_log_fini(&log);
}

static void the_log_is_also_in_the_order_of_creation(void **state)
{
    (void)state;
    static const wall_ms_t created[] = {5, 9, 1, 9, 3, 5};
    static const wall_ms_t want[] = {1, 3, 5, 5, 9, 9};
    struct sim_event_log log;
    sim_event_log_init(&log, 1);
    for (size_t i = 0; i < ARRAY_LEN(created); i++)
        add(&log, created[i]);
    for (unsigned i = 0; i < log.n; i++) {
        assert_int_equal(log.sorted[i]->created_at, want[i]);
        assert_true(!i || want[i] != want[i - 1] ||
                    sim_event_id_compare(log.sorted[i - 1]->id, log.sorted[i]->id) < 0);
    }
    assert_ptr_equal(sim_event_find(&log, span_of(log.item[3]->id)), log.item[3]);
    assert_null(sim_event_find(&log, SPAN_LIT("evt_0")));
    sim_event_log_fini(&log);
}

static void write_event(const struct sim_event *e, enum sim_form form, struct buf *out)
{
    const struct sim_event_view view = sim_event_view(form);
    struct jout j;
    buf_init(out, SIM_SHAPE_MAX);
    jout_init(&j, out);
    sim_shape_event(&j, e, &view);
}

static void every_form_of_a_part(void **state)
{
    (void)state;
    static const struct {
        enum sim_form form;
        const char *source, *target; /* NULL: there is no such part */
    } cases[] = {
        {SIM_FORM_PREVIEW, "{\"_meta\":{\"type\":\"api\"}}",
         "{\"_links\":{\"self\":\"" SIM_LINK_BASE "/tags/ID\"},\"id\":\"ID\",\"type\":\"tag\"}"},
        {SIM_FORM_SLIM, "{\"_meta\":{\"type\":\"api\"},\"data\":null}",
         "{\"_meta\":{\"type\":\"tag\"},\"data\":{\"_links\":{\"self\":\"" SIM_LINK_BASE
         "/tags/ID\"},\"id\":\"ID\"}}"},
        {SIM_FORM_NULL, "{\"_meta\":{\"type\":\"api\"},\"data\":null}",
         "{\"_meta\":{\"type\":\"tag\"},\"data\":null}"},
        {SIM_FORM_META, "{\"_meta\":{\"type\":\"api\"}}", "{\"_meta\":{\"type\":\"tag\"}}"},
        {SIM_FORM_ABSENT, NULL, NULL},
    };
    struct sim_event e = {.id = "evt_1", .type = "tag", .emitted_at = now};
    e.source = sim_part_plain("api");
    e.target = sim_part_tag("late");
    memcpy(e.target.id, "ID", 3);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf b, want;
        buf_init(&want, 4096);
        buf_add_str(&want,
                    "{\"_links\":{\"self\":\"" SIM_LINK_BASE
                    "/events/evt_1\"},\"id\":\"evt_1\",\"type\":\"tag\",\"emitted_at\":1453770984.123");
        if (cases[i].source)
            buf_addf(&want, ",\"source\":%s,\"target\":%s", cases[i].source, cases[i].target);
        buf_add_str(&want, "}");
        write_event(&e, cases[i].form, &b);
        assert_string_equal(b.p, want.p);
        buf_fini(&b);
        buf_fini(&want);
    }
    sim_part_fini(&e.source);
    sim_part_fini(&e.target);
}

static void every_type_has_a_webhooks_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sim_event_type_n; i++) {
        assert_non_null(sim_event_types[i].webhook);
        assert_ptr_equal(sim_event_type_find(sim_event_types[i].name), &sim_event_types[i]);
    }
    assert_null(sim_event_type_find("something_new"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_compared_as_numbers),
        cmocka_unit_test(ids_count_up_through_every_border),
        cmocka_unit_test(a_number_is_never_used_again),
        cmocka_unit_test(the_log_is_also_in_the_order_of_creation),
        cmocka_unit_test(every_form_of_a_part),
        cmocka_unit_test(every_type_has_a_webhooks_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
