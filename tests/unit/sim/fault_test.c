/* Faults: what is asked for is read, strikes as often as asked, and only the call that it names. */
#include "../base/test.h"
#include "sim/fault.h"
#include "base/mem.h"
#include <string.h>

static enum err add(struct sim_faults *f, const char *text)
{
    struct json doc;
    const char *why = NULL;
    assert_int_equal(json_parse(&doc, span_of(text)), OK);
    enum err e = sim_faults_add(f, json_root(&doc), &why);
    assert_non_null(why);
    json_fini(&doc);
    return e;
}

static void a_fault_strikes_its_call_so_many_times(void **state)
{
    (void)state;
    struct sim_faults f = {.n = 0};
    assert_int_equal(add(&f, "{\"call\":\"comments\",\"status\":503,\"next\":2}"), OK);
    assert_int_equal(add(&f, "{\"latency_ms\":10,\"next\":-1}"), OK);
    assert_int_equal(sim_faults_take(&f, "me").kind, SIM_FAULT_NONE);
    assert_int_equal(sim_faults_take(&f, "comments").status, 503);
    assert_int_equal(sim_faults_take(&f, "comments").kind, SIM_FAULT_STATUS);
    struct sim_fault after = sim_faults_take(&f, "comments");
    assert_int_equal(after.kind, SIM_FAULT_NONE);
    assert_int_equal(after.latency_ms, 10);
    assert_int_equal(f.n, 1);
}

static void every_kind_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum sim_fault_kind kind;
        bool is_applied;
    } cases[] = {
        {"{\"drop_response\":true}", SIM_FAULT_DROP, true},
        {"{\"drop_response\":true,\"applied\":false}", SIM_FAULT_DROP, false},
        {"{\"html\":true}", SIM_FAULT_HTML, false},
        {"{\"empty\":true,\"applied\":true}", SIM_FAULT_EMPTY, true},
        {"{\"huge\":true}", SIM_FAULT_HUGE, false},
        {"{\"endless\":true}", SIM_FAULT_ENDLESS, false},
        {"{\"redirect\":true}", SIM_FAULT_REDIRECT, false},
        {"{\"redirect\":\"http://h/\"}", SIM_FAULT_REDIRECT, false},
        {"{\"rate_limit\":true,\"retry_after\":3}", SIM_FAULT_RATE_LIMIT, false},
        {"{\"hang\":true}", SIM_FAULT_HANG, false},
        {"{\"stall\":true}", SIM_FAULT_STALL, true},
        {"{\"short\":true}", SIM_FAULT_SHORT, true},
        {"{\"content_type\":\"text/html\"}", SIM_FAULT_NONE, false},
        {"{\"status\":500,\"html\":false}", SIM_FAULT_STATUS, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sim_faults f = {.n = 0};
        assert_int_equal(add(&f, cases[i].text), OK);
        struct sim_fault taken = sim_faults_take(&f, "anything");
        assert_int_equal(taken.kind, cases[i].kind);
        assert_int_equal(taken.is_applied, cases[i].is_applied);
        assert_int_equal(f.n, 0);
    }
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[]",
        "{}",
        "{\"status\":99}",
        "{\"status\":\"503\"}",
        "{\"status\":503,\"next\":-2}",
        "{\"latency_ms\":1e9}",
        "{\"latency_ms\":-1}",
        "{\"status\":503,\"call\":5}",
        "{\"status\":503,\"call\":\"0123456789012345678901234567890123456789\"}",
    };
    struct sim_faults f = {.n = 0};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(add(&f, cases[i]), ERR_INVALID);
    for (int i = 0; i < SIM_FAULTS_MAX; i++)
        assert_int_equal(add(&f, "{\"status\":503}"), OK);
    assert_int_equal(add(&f, "{\"status\":503}"), ERR_FULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fault_strikes_its_call_so_many_times),
        cmocka_unit_test(every_kind_is_known),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
