/* Events of Front: handed out one at a time in a conversation, as they were emitted, whatever waits behind them. */
#include "kit.h"
#include <stdio.h>
#include <string.h>

enum { LEASE = 15000, MANY = 520 };

static bool put_due(struct kit *k, const char *event_id, const char *lane, wall_ms_t emitted_at,
                    wall_ms_t due_at)
{
    struct store_event_put p = {.account = "main",
                                .via = "",
                                .event_id = span_of(event_id),
                                .type = SPAN_LIT("archive"),
                                .body = SPAN_LIT("{}"),
                                .lane = span_of(lane),
                                .emitted_at = emitted_at,
                                .now = NOW,
                                .due_at = due_at};

    assert_int_equal(kit_event_put(k, &p), OK);
    return p.is_new;
}

static bool put(struct kit *k, const char *event_id, const char *lane, wall_ms_t emitted_at)
{
    return put_due(k, event_id, lane, emitted_at, NOW);
}

/* The ids of what is due, in one word; the last one's own id and first try go to event. */
static const char *due_at(struct kit *k, wall_ms_t now, struct store_event *event)
{
    static char ids[1024];
    struct store_events_due p = {.account = "main", .now = now, .retry_ms = LEASE, .max = STORE_EVENTS_MAX};

    ids[0] = '\0';
    assert_int_equal(kit_events_due(k, &p), OK);
    for (unsigned i = 0; i < p.event_n; i++) {
        strcat(ids, *ids ? " " : "");
        strcat(ids, p.event[i].event_id);
        *event = (struct store_event){.id = p.event[i].id, .tried_at = p.event[i].tried_at};
    }
    store_events_due_fini(&p);
    return ids;
}

static void end_as(struct kit *k, int64_t id, enum event_state s, wall_ms_t at)
{
    struct store_event_end p = {.id = id, .state = s, .due_at = at, .result = SPAN_LIT("so")};

    assert_int_equal(kit_event_end(k, &p), OK);
}

static void test_a_conversation_has_one_head_and_it_is_the_earliest(void **state)
{
    struct kit *k = *state;
    struct store_event e;

    assert_true(put(k, "evt_9", "cnv_1", 50));
    assert_true(put(k, "evt_a", "cnv_1", 50));
    assert_true(put(k, "evt_10", "cnv_1", 50)); /* base 36: a longer id is later */
    assert_true(put(k, "evt_2", "cnv_1", 40));  /* came late, was emitted first */
    assert_false(put(k, "evt_2", "cnv_1", 40));
    static const char *const order[] = {"evt_2", "evt_9", "evt_a", "evt_10"};
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        assert_string_equal(due_at(k, NOW, &e), order[i]);
        assert_string_equal(due_at(k, NOW, &e), ""); /* in hand, and nothing passes it */
        kit_reopen(k);
        assert_string_equal(due_at(k, NOW + LEASE, &e), order[i]);
        end_as(k, e.id, EVENT_ACTED, 0);
    }
    assert_string_equal(due_at(k, NOW + 10 * LEASE, &e), "");
}

static void test_what_waits_holds_up_its_own_conversation_only(void **state)
{
    struct kit *k = *state;
    struct store_event e;

    put(k, "evt_1", "cnv_1", 1);
    put(k, "evt_2", "cnv_1", 2);
    assert_string_equal(due_at(k, NOW, &e), "evt_1");
    end_as(k, e.id, EVENT_WAITING, NOW + 60000);
    put(k, "evt_3", "cnv_2", 3);
    assert_string_equal(due_at(k, NOW, &e), "evt_3");
    assert_string_equal(due_at(k, NOW + 60000, &e), "evt_3 evt_1");
    assert_int_equal(e.tried_at, NOW); /* since when it is tried, not when it came */
    end_as(k, e.id, EVENT_FAILED, 0);
    assert_string_equal(due_at(k, NOW + 60000, &e), "evt_2");
    assert_int_equal(e.tried_at, NOW + 60000);
}

static void test_what_is_held_is_released_in_order(void **state)
{
    struct kit *k = *state;
    struct store_event_release p = {.account = "main", .now = NOW};
    struct store_event e;

    put_due(k, "evt_3", "cnv_1", 3, INT64_MAX);
    put_due(k, "evt_1", "cnv_1", 1, INT64_MAX);
    put(k, "evt_2", "cnv_1", 2);
    assert_string_equal(due_at(k, NOW, &e), "");
    assert_int_equal(kit_event_release(k, &p), OK);
    assert_int_equal(p.event_n, 2);
    for (int i = 1; i <= 3; i++) {
        const char *id = due_at(k, NOW, &e);
        assert_int_equal(id[4], '0' + i);
        end_as(k, e.id, EVENT_IGNORED, 0);
    }
}

/* Acts on all that is due, as the eventer does: many at a time. */
static unsigned drain(struct kit *k)
{
    struct store_event_end end[STORE_EVENTS_MAX];
    unsigned n = 0, got;

    do {
        struct store_events_due p = {
            .account = "main", .now = NOW, .retry_ms = LEASE, .max = STORE_EVENTS_MAX};
        assert_int_equal(kit_events_due(k, &p), OK);
        got = p.event_n;
        for (unsigned i = 0; i < got; i++) {
            end[i] = (struct store_event_end){.id = p.event[i].id, .state = EVENT_ACTED};
            kit_expect(&end[i]);
            store_post_event_end(k->store, &end[i]);
        }
        for (unsigned i = 0; i < got; i++)
            kit_await(k, &end[i].op);
        store_events_due_fini(&p);
        n += got;
    } while (got > 0);
    return n;
}

static void put_many(struct kit *k)
{
    static struct store_event_put put[MANY];
    static char id[MANY][16];

    for (unsigned i = 0; i < MANY; i++) {
        snprintf(id[i], sizeof id[i], "evt_%04x", i);
        put[i] = (struct store_event_put){.account = "main",
                                          .via = "",
                                          .event_id = span_of(id[i]),
                                          .type = SPAN_LIT("archive"),
                                          .body = SPAN_LIT("{}"),
                                          .lane = span_of(id[i]),
                                          .emitted_at = i,
                                          .now = NOW,
                                          .due_at = NOW};
        kit_expect(&put[i]);
        store_post_event_put(k->store, &put[i]);
    }
    for (unsigned i = 0; i < MANY; i++)
        kit_await(k, &put[i].op);
}

static void test_a_replay_ends_although_its_events_end_meanwhile(void **state)
{
    struct kit *k = *state;
    struct store_event_replay p = {.now = NOW};
    unsigned n = 0;

    put_many(k);
    assert_int_equal(drain(k), MANY);
    do {
        assert_int_equal(kit_event_replay(k, &p), OK);
        n += p.event_n;
        assert_int_equal(drain(k), p.event_n);
    } while (p.is_more && n <= MANY);
    assert_int_equal(n, MANY);
}

static void test_an_event_is_found_by_its_id(void **state)
{
    struct kit *k = *state;
    struct store_event e;

    put(k, "evt_1", "cnv_1", 1);
    put(k, "evt_2", "cnv_2", 2);
    assert_string_equal(due_at(k, NOW, &e), "evt_1 evt_2");
    end_as(k, e.id, EVENT_IGNORED, 0);
    struct store_event_list list = {.filter = {.event_id = "evt_2"}, .wants_body = true};
    assert_int_equal(kit_event_list(k, &list), OK);
    assert_int_equal(list.event_n, 1);
    assert_string_equal(list.event[0].event_id, "evt_2");
    assert_string_equal(list.event[0].body, "{}");
    store_event_list_fini(&list);
    struct store_event_replay p = {.filter = {.event_id = "evt_2"}, .now = NOW};
    assert_int_equal(kit_event_replay(k, &p), OK);
    assert_int_equal(p.event_n, 1);
    assert_string_equal(due_at(k, NOW, &e), "evt_2");
}

/* An agent sends again what failed, and then the word of the first failure comes. */
static void test_a_late_word_of_a_failure_does_not_take_back_the_resend(void **state)
{
    struct kit *k = *state;
    struct store_item first = put1(k, "msg_1", "cnv_1", "first", 0);
    struct store_cancel cancel = {.id = first.id, .now = NOW, .reason = "not delivered in time"};
    struct store_failed p = {.channel = CHANNEL,
                             .source_id = SPAN_LIT("msg_1"),
                             .now = NOW + 20000,
                             .failed_at = NOW + 5000,
                             .reason = "so"};

    assert_int_equal(kit_cancel(k, &cancel), OK);
    struct store_item again = put_at(k, "msg_1", "cnv_1", "second", 0, NOW + 10000);
    assert_int_equal(again.how, STORE_AGAIN);
    assert_int_equal(kit_failed(k, &p), OK);
    assert_int_equal(p.cancelled_n, 0);
    assert_int_equal(p.ended_n, 1);
    p = (struct store_failed){.channel = CHANNEL,
                              .source_id = SPAN_LIT("msg_1"),
                              .now = NOW + 20000,
                              .failed_at = NOW + 15000,
                              .reason = "so"};
    assert_int_equal(kit_failed(k, &p), OK);
    assert_int_equal(p.cancelled_n, 1);
    assert_int_equal(p.cancelled[0], again.id);
}

/* ---- Deaths: what was at work when a process died ---- */

static const char *due_first(struct kit *k, unsigned at_work_n, bool is_first,
                             char set_aside[STORE_EVENT_WORD_BYTES])
{
    static char ids[1024];
    struct store_events_due p = {.account = "main",
                                 .now = NOW,
                                 .retry_ms = LEASE,
                                 .max = STORE_EVENTS_MAX,
                                 .at_work_n = at_work_n,
                                 .is_first = is_first};

    ids[0] = '\0';
    assert_int_equal(kit_events_due(k, &p), OK);
    for (unsigned i = 0; i < p.event_n; i++)
        strcat(strcat(ids, *ids ? " " : ""), p.event[i].event_id);
    if (set_aside)
        memcpy(set_aside, p.set_aside_id, sizeof p.set_aside_id);
    store_events_due_fini(&p);
    return ids;
}

static enum event_state state_of_event(struct kit *k, const char *event_id)
{
    struct store_event_list p = {.filter.event_id = event_id};

    assert_int_equal(kit_event_list(k, &p), OK);
    assert_int_equal(p.event_n, 1);
    enum event_state s = p.event[0].state;
    store_event_list_fini(&p);
    return s;
}

static void end_by_id(struct kit *k, const char *event_id, enum event_state s)
{
    struct store_event_list p = {.filter.event_id = event_id};

    assert_int_equal(kit_event_list(k, &p), OK);
    end_as(k, p.event[0].id, s, NOW);
    store_event_list_fini(&p);
}

static void test_an_event_that_was_alone_in_three_deaths_is_set_aside(void **state)
{
    struct kit *k = *state;
    char set_aside[STORE_EVENT_WORD_BYTES];

    put(k, "evt_1", "cnv_1", 10);
    put(k, "evt_2", "cnv_1", 20);
    assert_string_equal(due_first(k, 0, true, NULL), "evt_1");
    for (unsigned death = 1; death < STORE_EVENT_DEATHS_MAX; death++) {
        kit_reopen(k);
        assert_string_equal(due_first(k, 0, true, set_aside), "evt_1"); /* at once: its lease is of no use */
        assert_string_equal(set_aside, "");
    }
    kit_reopen(k);
    assert_string_equal(due_first(k, 0, true, set_aside), "evt_2");
    assert_string_equal(set_aside, "evt_1");
    assert_int_equal(state_of_event(k, "evt_1"), EVENT_FAILED);
    kit_reopen(k); /* a second death has another one alone */
    assert_string_equal(due_first(k, 0, true, set_aside), "evt_2");
    assert_string_equal(set_aside, "");
}

static void test_suspects_are_handed_out_alone_and_first(void **state)
{
    struct kit *k = *state;
    char set_aside[STORE_EVENT_WORD_BYTES];

    put(k, "evt_1", "cnv_1", 10);
    put(k, "evt_2", "cnv_2", 20);
    for (int death = 0; death < 5; death++) { /* which of the two it was is never known: none is set aside */
        assert_string_equal(due_first(k, 0, false, NULL), "evt_1 evt_2");
        kit_reopen(k);
        put(k, "evt_0", "cnv_0", 5);
        assert_string_equal(due_first(k, 0, true, set_aside), "evt_1");
        assert_string_equal(set_aside, "");
        assert_string_equal(due_first(k, 1, false, NULL),
                            ""); /* while a suspect is at work, nobody else is */
        end_by_id(k, "evt_1", EVENT_WAITING);
        assert_string_equal(due_first(k, 0, false, NULL), "evt_2");
        end_by_id(k, "evt_2", EVENT_WAITING);
        end_by_id(k, "evt_0", EVENT_ACTED);
    }
}

static void test_what_was_given_back_is_no_suspect(void **state)
{
    struct kit *k = *state;

    put(k, "evt_1", "cnv_1", 10);
    for (int stop = 0; stop < 5; stop++) {
        assert_string_equal(due_first(k, 0, true, NULL), "evt_1");
        end_by_id(k, "evt_1", EVENT_WAITING);
        kit_reopen(k);
    }
    assert_int_equal(state_of_event(k, "evt_1"), EVENT_WAITING);
}

/* ---- Aside ---- */

static void test_what_steps_aside_holds_up_nobody_and_is_not_lost(void **state)
{
    struct kit *k = *state;
    struct store_event e;

    put(k, "evt_1", "cnv_1", 10);
    put(k, "evt_2", "cnv_1", 20);
    assert_string_equal(due_at(k, NOW, &e), "evt_1");
    struct store_event_end p = {.id = e.id, .due_at = NOW + 7, .result = SPAN_LIT("so"), .steps_aside = true};
    assert_int_equal(kit_event_end(k, &p), OK);
    assert_string_equal(due_at(k, NOW, &e), "evt_2");
    struct store_events_due due = {.account = "main", .now = NOW + 7, .retry_ms = LEASE, .max = 2};
    assert_int_equal(kit_events_due(k, &due), OK);
    assert_int_equal(due.event_n, 1);
    assert_string_equal(due.event[0].event_id, "evt_1");
    assert_true(due.event[0].is_aside);
    end_as(k, due.event[0].id, EVENT_ACTED, NOW);
    store_events_due_fini(&due);
    end_as(k, e.id, EVENT_ACTED, NOW);
    put(k, "evt_3", "cnv_1", 30);
    assert_string_equal(due_at(k, NOW + 7, &e), "evt_3");
    p = (struct store_event_end){.id = 999, .steps_aside = true, .result = SPAN_LIT("so")};
    assert_int_equal(kit_event_end(k, &p), ERR_NOT_FOUND);
}

/* ---- Clocks ---- */

static void test_a_clock_that_was_set_back_holds_up_no_event(void **state)
{
    enum { LONGEST = 600000 };
    struct kit *k = *state;
    struct store_events_due p = {
        .account = "main", .now = NOW, .retry_ms = LEASE, .max = STORE_EVENTS_MAX, .wait_max_ms = LONGEST};

    put_due(k, "evt_1", "cnv_1", 10, NOW + LONGEST);     /* as long as any may wait */
    put_due(k, "evt_2", "cnv_2", 10, NOW + LONGEST + 1); /* nobody waits so long */
    put_due(k, "evt_3", "cnv_3", 10, INT64_MAX);         /* until it is released */
    assert_int_equal(kit_events_due(k, &p), OK);
    assert_int_equal(p.event_n, 1);
    assert_string_equal(p.event[0].event_id, "evt_2");
    store_events_due_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_conversation_has_one_head_and_it_is_the_earliest, kit_set_up,
                                        kit_tear_down),
        cmocka_unit_test_setup_teardown(test_what_waits_holds_up_its_own_conversation_only, kit_set_up,
                                        kit_tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_held_is_released_in_order, kit_set_up, kit_tear_down),
        cmocka_unit_test_setup_teardown(test_a_replay_ends_although_its_events_end_meanwhile, kit_set_up,
                                        kit_tear_down),
        cmocka_unit_test_setup_teardown(test_an_event_is_found_by_its_id, kit_set_up, kit_tear_down),
        cmocka_unit_test_setup_teardown(test_a_late_word_of_a_failure_does_not_take_back_the_resend,
                                        kit_set_up, kit_tear_down),
        cmocka_unit_test_setup_teardown(test_an_event_that_was_alone_in_three_deaths_is_set_aside, kit_set_up,
                                        kit_tear_down),
        cmocka_unit_test_setup_teardown(test_suspects_are_handed_out_alone_and_first, kit_set_up,
                                        kit_tear_down),
        cmocka_unit_test_setup_teardown(test_what_was_given_back_is_no_suspect, kit_set_up, kit_tear_down),
        cmocka_unit_test_setup_teardown(test_what_steps_aside_holds_up_nobody_and_is_not_lost, kit_set_up,
                                        kit_tear_down),
        cmocka_unit_test_setup_teardown(test_a_clock_that_was_set_back_holds_up_no_event, kit_set_up,
                                        kit_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
