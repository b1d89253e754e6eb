/*
 * Events of Front: stored once, handed out in order and until they are ended, found again, forgotten in time. And what
 * they do to messages: what has failed at Front is taken back, and what had ended is not begun again.
 */
#include "kit.h"
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEASE = 60000 };

/* ---- Short forms ---- */

static struct store_event_put event(const char *id, const char *lane, wall_ms_t emitted_at)
{
    return (struct store_event_put){.account = "acme",
                                    .via = CHANNEL,
                                    .event_id = span_of(id),
                                    .type = SPAN_LIT("outbound"),
                                    .body = SPAN_LIT("{\"id\":1}"),
                                    .lane = span_of(lane),
                                    .emitted_at = emitted_at,
                                    .now = NOW,
                                    .due_at = NOW};
}

static bool put_event(struct kit *k, const char *id, const char *lane, wall_ms_t emitted_at)
{
    struct store_event_put p = event(id, lane, emitted_at);
    assert_int_equal(kit_event_put(k, &p), OK);
    return p.is_new;
}

/* take gives the ids of what is due, with blanks between; *next is when to ask again. */
static const char *take_for(struct kit *k, const char *account, wall_ms_t now, unsigned max, wall_ms_t *next)
{
    static char ids[512];
    struct store_events_due p = {.account = account, .now = now, .retry_ms = LEASE, .max = max};
    assert_int_equal(kit_events_due(k, &p), OK);
    ids[0] = 0;
    for (unsigned i = 0; i < p.event_n; i++) {
        assert_non_null(p.event[i].body);
        assert_int_equal(strlen(p.event[i].body), p.event[i].body_n);
        strcat(strcat(ids, i ? " " : ""), p.event[i].event_id);
    }
    if (next)
        *next = p.next_at;
    store_events_due_fini(&p);
    return ids;
}

static const char *take(struct kit *k, wall_ms_t now)
{
    return take_for(k, "acme", now, STORE_EVENTS_MAX, NULL);
}

static const char *list(struct kit *k, const struct store_event_filter *f)
{
    static char ids[512];
    struct store_event_list p = {.filter = *f};
    assert_int_equal(kit_event_list(k, &p), OK);
    ids[0] = 0;
    for (unsigned i = 0; i < p.event_n; i++)
        strcat(strcat(ids, i ? " " : ""), p.event[i].event_id);
    assert_false(p.is_more);
    store_event_list_fini(&p);
    return ids;
}

/* The only event of this id, with its body; store_event_fini. */
static struct store_event event_of(struct kit *k, const char *id)
{
    struct store_event_list p = {.filter = {.event_id = id}, .wants_body = true};
    assert_int_equal(kit_event_list(k, &p), OK);
    assert_int_equal(p.event_n, 1);
    struct store_event e = p.event[0];
    p.event[0] = (struct store_event){0};
    store_event_list_fini(&p);
    return e;
}

static void end_at(struct kit *k, const char *id, enum event_state s, wall_ms_t due_at)
{
    struct store_event e = event_of(k, id);
    struct store_event_end p = {.id = e.id, .state = s, .due_at = due_at, .result = SPAN_LIT("it was so")};
    store_event_fini(&e);
    assert_int_equal(kit_event_end(k, &p), OK);
}

static void end(struct kit *k, const char *id, enum event_state s)
{
    end_at(k, id, s, NOW);
}

static unsigned replay(struct kit *k, const struct store_event_filter *f, wall_ms_t now)
{
    struct store_event_replay p = {.filter = *f, .now = now};
    assert_int_equal(kit_event_replay(k, &p), OK);
    return p.event_n;
}

static void prune(struct kit *k, wall_ms_t bodies_before, wall_ms_t keys_before)
{
    struct store_prune p = {.bodies_before = bodies_before, .keys_before = keys_before};
    do {
        assert_int_equal(kit_prune(k, &p), OK);
        store_prune_fini(&p);
    } while (p.is_more);
}

static unsigned event_count(struct kit *k)
{
    struct store_event_list p = {.max = 1000};
    assert_int_equal(kit_event_list(k, &p), OK);
    unsigned n = p.event_n;
    store_event_list_fini(&p);
    return n;
}

/* ---- Put ---- */

static void test_what_is_put_is_read_back(void **state)
{
    struct kit *k = *state;
    struct store_event_put p = event("evt_1", "cnv_1", 12345);
    p.origin = EVENT_CAUGHT_UP;
    p.due_at = NOW + 5;
    assert_int_equal(kit_event_put(k, &p), OK);
    assert_true(p.is_new);
    kit_reopen(k);
    struct store_event e = event_of(k, "evt_1");
    assert_string_equal(e.account, "acme");
    assert_string_equal(e.via, CHANNEL);
    assert_string_equal(e.type, "outbound");
    assert_string_equal(e.body, "{\"id\":1}");
    assert_int_equal(e.body_n, 8);
    assert_int_equal(e.origin, EVENT_CAUGHT_UP);
    assert_int_equal(e.state, EVENT_WAITING);
    assert_int_equal(e.emitted_at, 12345);
    assert_int_equal(e.stored_at, NOW);
    assert_int_equal(e.due_at, NOW + 5);
    assert_int_equal(e.tries, 0);
    assert_null(e.result);
    store_event_fini(&e);
}

static void test_one_event_is_stored_once_for_each_account_and_url(void **state)
{
    struct kit *k = *state;
    struct store_event_put p = event("evt_1", "cnv_1", 1);
    assert_int_equal(kit_event_put(k, &p), OK);
    assert_true(p.is_new);
    p.type = SPAN_LIT("inbound"); /* whatever else it says */
    p.lane = SPAN_LIT("cnv_2");
    p.body = SPAN_LIT("{}");
    p.due_at = INT64_MAX;
    assert_int_equal(kit_event_put(k, &p), OK);
    assert_false(p.is_new);
    struct store_event e = event_of(k, "evt_1");
    assert_string_equal(e.type, "outbound");
    assert_int_equal(e.due_at, NOW);
    store_event_fini(&e);
    p.via = "";
    assert_int_equal(kit_event_put(k, &p), OK);
    assert_true(p.is_new);
    p.account = "other";
    assert_int_equal(kit_event_put(k, &p), OK);
    assert_true(p.is_new);
    assert_int_equal(event_count(k), 3);
}

static void test_what_was_ended_does_not_come_again(void **state)
{
    struct kit *k = *state;
    put_event(k, "evt_1", "cnv_1", 1);
    assert_string_equal(take(k, NOW), "evt_1");
    end(k, "evt_1", EVENT_ACTED);
    assert_false(put_event(k, "evt_1", "cnv_1", 1));
    assert_string_equal(take(k, NOW + LEASE), "");
    kit_reopen(k);
    assert_false(put_event(k, "evt_1", "cnv_1", 1));
    assert_string_equal(take(k, NOW + LEASE), "");
}

static void test_half_an_event_is_refused_and_spares_its_neighbours(void **state)
{
    struct kit *k = *state;
    struct store_event_put p[5];
    for (int i = 0; i < 5; i++) {
        static const char *const ids[] = {"evt_0", "evt_1", "evt_2", "evt_3", "evt_4"};
        p[i] = event(ids[i], "cnv_1", i);
        kit_expect(&p[i]);
    }
    p[0].event_id = SPAN_NONE;
    p[1].type = SPAN_NONE;
    p[2].lane = SPAN_NONE;
    p[3].body = SPAN_NONE;
    for (int i = 0; i < 5; i++)
        store_post_event_put(k->store, &p[i]);
    for (int i = 0; i < 5; i++) {
        kit_await(k, &p[i].op);
        assert_int_equal(p[i].op.result, i < 4 ? ERR_INVALID : OK);
    }
    assert_string_equal(take(k, NOW), "evt_4");
}

/* While the database cannot be written, what waits in memory has an end; of what is refused nothing is kept. */
static void test_too_many_waiting(void **state)
{
    enum { N = 12000 };
    struct kit *k = *state;
    struct store_event_put *p = mem_calloc(N, sizeof *p);
    char(*id)[8] = mem_calloc(N, 8), path[128];
    unsigned full = 0, found = 0;
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/front-bridge.db", k->dir);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    for (int i = 0; i < N; i++) {
        snprintf(id[i], 8, "%d", i);
        p[i] = event(id[i], id[i], i);
        kit_expect(&p[i]);
        store_post_event_put(k->store, &p[i]);
    }
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    for (int i = 0; i < N; i++) {
        kit_await(k, &p[i].op);
        full += p[i].op.result == ERR_FULL;
        assert_true(p[i].op.result == OK || p[i].op.result == ERR_FULL);
    }
    assert_true(full > 0 && full < N);
    sqlite3_stmt *st;
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM event", -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    found = (unsigned)sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(db);
    assert_int_equal(found, N - full);
    free(p);
    free(id);
}

/* ---- Handing out ---- */

static void test_a_conversation_is_handed_out_one_by_one_as_it_was_emitted(void **state)
{
    struct kit *k = *state;
    wall_ms_t next;
    put_event(k, "evt_c", "cnv_1", 300); /* arrived first */
    put_event(k, "evt_a", "cnv_1", 100);
    put_event(k, "evt_b", "cnv_1", 200);
    put_event(k, "evt_x", "cnv_2", 250);
    assert_string_equal(take_for(k, "acme", NOW, STORE_EVENTS_MAX, &next), "evt_a evt_x");
    assert_int_equal(next, NOW + LEASE); /* the followers cannot come before */
    assert_string_equal(take(k, NOW + LEASE - 1), "");
    end(k, "evt_a", EVENT_ACTED);
    assert_string_equal(take(k, NOW + 1), "evt_b");
    end(k, "evt_b", EVENT_FAILED); /* whatever became of it */
    assert_string_equal(take(k, NOW + 1), "evt_c");
    end(k, "evt_c", EVENT_IGNORED);
    end(k, "evt_x", EVENT_ACTED);
    assert_string_equal(take_for(k, "acme", NOW + LEASE * 2, STORE_EVENTS_MAX, &next), "");
    assert_int_equal(next, INT64_MAX);
}

static void test_ids_are_numbers_where_times_are_equal(void **state)
{
    static const char *const order[] = {"evt_9",
                                        "evt_z",
                                        "evt_10",
                                        "evt_1a",
                                        "evt_zz",
                                        "evt_100",
                                        "evt_zzzzzzzzzzzzzz",
                                        "evt_100000000000000"};
    struct kit *k = *state;
    for (size_t i = ARRAY_LEN(order); i-- > 0;)
        put_event(k, order[i], "cnv_1", 100);
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        assert_string_equal(take(k, NOW), order[i]);
        end(k, order[i], EVENT_ACTED);
    }
}

/* One event that came to two URLs: in one lane they are neighbours, and neither hides the other. */
static void test_the_same_event_of_two_urls_comes_twice(void **state)
{
    struct kit *k = *state;
    struct store_event_put p = event("evt_1", "cnv_1", 1);
    assert_int_equal(kit_event_put(k, &p), OK);
    p.via = "";
    assert_int_equal(kit_event_put(k, &p), OK);
    for (int i = 0; i < 2; i++) {
        struct store_events_due due = {.account = "acme", .now = NOW, .retry_ms = LEASE, .max = 16};
        assert_int_equal(kit_events_due(k, &due), OK);
        assert_int_equal(due.event_n, 1);
        assert_string_equal(due.event[0].via, i ? "" : CHANNEL);
        struct store_event_end e = {.id = due.event[0].id, .state = EVENT_ACTED};
        store_events_due_fini(&due);
        assert_int_equal(kit_event_end(k, &e), OK);
    }
    assert_string_equal(take(k, NOW + LEASE), "");
}

static void test_accounts_do_not_wait_for_each_other(void **state)
{
    struct kit *k = *state;
    struct store_event_put p = event("evt_2", "cnv_1", 2);
    put_event(k, "evt_1", "cnv_1", 1);
    p.account = "other";
    assert_int_equal(kit_event_put(k, &p), OK);
    assert_string_equal(take_for(k, "other", NOW, 16, NULL), "evt_2");
    assert_string_equal(take(k, NOW), "evt_1");
    assert_string_equal(take_for(k, "nobody", NOW, 16, NULL), "");
}

/* What is handed out knows the last failure of its message, of its own account, whenever that came. */
static void test_failures_of_a_message_are_known_when_it_is_handed_out(void **state)
{
    struct kit *k = *state;
    static const struct {
        const char *id, *account, *about;
        bool is_failure;
        wall_ms_t emitted_at;
    } told[] = {
        {"evt_1", "acme", "msg_1", false, 10}, {"evt_2", "acme", "msg_1", true, 20},
        {"evt_3", "acme", "msg_1", true, 15},  {"evt_4", "other", "msg_1", true, 90},
        {"evt_5", "acme", "msg_2", true, 90},
    };
    for (size_t i = 0; i < ARRAY_LEN(told); i++) {
        struct store_event_put p = event(told[i].id, told[i].id, told[i].emitted_at);
        p.account = told[i].account;
        p.about = span_of(told[i].about);
        p.is_failure = told[i].is_failure;
        assert_int_equal(kit_event_put(k, &p), OK);
    }
    put_event(k, "evt_6", "evt_6", 5);
    kit_reopen(k);
    struct store_events_due p = {.account = "acme", .now = NOW, .retry_ms = LEASE, .max = STORE_EVENTS_MAX};
    assert_int_equal(kit_events_due(k, &p), OK);
    assert_int_equal(p.event_n, 5);
    for (unsigned i = 0; i < p.event_n; i++) {
        char n = p.event[i].event_id[4];
        assert_int_equal(p.event[i].failed_at, n == '5' ? 90 : n == '6' ? 0 : 20);
    }
    store_events_due_fini(&p);
}

static void test_a_lease_runs_out_and_tries_are_counted(void **state)
{
    struct kit *k = *state;
    wall_ms_t next;
    put_event(k, "evt_1", "cnv_1", 1);
    for (unsigned i = 0; i < 3; i++) {
        struct store_event e = event_of(k, "evt_1");
        assert_int_equal(e.tries, i);
        store_event_fini(&e);
        assert_string_equal(take_for(k, "acme", NOW + i * LEASE, 16, &next), "evt_1");
        assert_int_equal(next, NOW + (i + 1) * LEASE);
        assert_string_equal(take(k, next - 1), "");
        kit_reopen(k);
    }
}

static void test_what_is_put_off_holds_its_lane_and_no_other(void **state)
{
    struct kit *k = *state;
    wall_ms_t next;
    put_event(k, "evt_1", "cnv_1", 1);
    put_event(k, "evt_2", "cnv_1", 2);
    assert_string_equal(take(k, NOW), "evt_1");
    end_at(k, "evt_1", EVENT_WAITING, NOW + 5000);
    struct store_event e = event_of(k, "evt_1");
    assert_string_equal(e.result, "it was so");
    assert_int_equal(e.tries, 1);
    store_event_fini(&e);
    put_event(k, "evt_3", "cnv_3", 3);
    assert_string_equal(take_for(k, "acme", NOW, 16, &next), "evt_3");
    assert_int_equal(next, NOW + 5000);
    end(k, "evt_3", EVENT_ACTED);
    kit_reopen(k);
    assert_string_equal(take(k, NOW + 4999), "");
    assert_string_equal(take(k, NOW + 5000), "evt_1");
}

static void test_an_end_may_come_twice_and_needs_an_event(void **state)
{
    struct kit *k = *state;
    put_event(k, "evt_1", "cnv_1", 1);
    end(k, "evt_1", EVENT_ACTED);
    end(k, "evt_1", EVENT_ACTED);
    struct store_event e = event_of(k, "evt_1");
    assert_int_equal(e.state, EVENT_ACTED);
    assert_string_equal(e.result, "it was so");
    struct store_event_end p = {.id = e.id + 1, .state = EVENT_ACTED};
    store_event_fini(&e);
    assert_int_equal(kit_event_end(k, &p), ERR_NOT_FOUND);
}

static void test_no_more_than_asked_for_and_oldest_first(void **state)
{
    struct kit *k = *state;
    char id[16], lane[16];
    for (int i = 0; i < 40; i++) {
        snprintf(id, sizeof id, "evt_%02d", 39 - i);
        snprintf(lane, sizeof lane, "cnv_%d", i);
        put_event(k, id, lane, 1000 - i);
    }
    assert_string_equal(take_for(k, "acme", NOW, 3, NULL), "evt_00 evt_01 evt_02");
    struct store_events_due p = {.account = "acme", .now = NOW, .retry_ms = LEASE, .max = 1000};
    assert_int_equal(kit_events_due(k, &p), OK);
    assert_int_equal(p.event_n, STORE_EVENTS_MAX);
    assert_int_equal(p.next_at, NOW); /* there are more */
    store_events_due_fini(&p);
    assert_string_equal(take_for(k, "acme", NOW, 0, NULL), "");
}

static void test_what_has_no_due_time_waits_until_it_is_released(void **state)
{
    struct kit *k = *state;
    wall_ms_t next;
    struct store_event_put p = event("evt_1", "cnv_1", 1);
    p.due_at = INT64_MAX;
    assert_int_equal(kit_event_put(k, &p), OK);
    p.account = "other";
    p.event_id = SPAN_LIT("evt_3");
    assert_int_equal(kit_event_put(k, &p), OK);
    put_event(k, "evt_2", "cnv_1", 2); /* comes live while older ones are still looked for */
    assert_string_equal(take_for(k, "acme", INT64_MAX - 1 - LEASE, 16, &next), "");
    assert_int_equal(next, INT64_MAX);
    kit_reopen(k);
    struct store_event_release r = {.account = "acme", .now = NOW};
    assert_int_equal(kit_event_release(k, &r), OK);
    assert_int_equal(r.event_n, 1);
    assert_int_equal(kit_event_release(k, &r), OK);
    assert_int_equal(r.event_n, 0);
    assert_string_equal(take(k, NOW), "evt_1");
    end(k, "evt_1", EVENT_ACTED);
    assert_string_equal(take(k, NOW), "evt_2");
    assert_string_equal(take_for(k, "other", NOW, 16, NULL), "");
}

/* ---- Lists ---- */

static void put_for_lists(struct kit *k)
{
    static const struct {
        const char *account, *via, *id, *type;
        wall_ms_t at;
        enum event_state state;
    } rows[] = {
        {"acme", CHANNEL, "evt_1", "inbound", 100, EVENT_ACTED},
        {"acme", CHANNEL, "evt_2", "outbound", 200, EVENT_IGNORED},
        {"acme", "", "evt_3", "out_reply", 300, EVENT_FAILED},
        {"other", "chat", "evt_4", "out", 400, EVENT_WAITING},
        {"other", "", "evt_5", "inbound", 500, EVENT_ACTED},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct store_event_put p = event(rows[i].id, "cnv_1", rows[i].at);
        p.account = rows[i].account;
        p.via = rows[i].via;
        p.type = span_of(rows[i].type);
        assert_int_equal(kit_event_put(k, &p), OK);
        end(k, rows[i].id, rows[i].state);
    }
}

static const struct {
    struct store_event_filter filter;
    const char *ids;
} filters[] = {
    {{0}, "evt_5 evt_4 evt_3 evt_2 evt_1"},
    {{.account = "acme"}, "evt_3 evt_2 evt_1"},
    {{.account = "nobody"}, ""},
    {{.channel = CHANNEL}, "evt_2 evt_1"},
    {{.channel = ""}, "evt_5 evt_3"},
    {{.event_id = "evt_4"}, "evt_4"},
    {{.event_id = "evt_4", .account = "acme"}, ""},
    {{.types = ",inbound,"}, "evt_5 evt_1"},
    {{.types = ",out,"}, "evt_4"}, /* and neither outbound nor out_reply */
    {{.types = ",outbound,out_reply,"}, "evt_3 evt_2"},
    {{.types = ","}, ""},
    {{.after = 200}, "evt_5 evt_4 evt_3 evt_2"},
    {{.before = 200}, "evt_1"},
    {{.after = 200, .before = 400}, "evt_3 evt_2"},
    {{.after = 501}, ""},
    {{.states = 1u << EVENT_WAITING}, "evt_4"},
    {{.states = 1u << EVENT_ACTED | 1u << EVENT_FAILED}, "evt_5 evt_3 evt_1"},
    {{.account = "acme", .types = ",inbound,outbound,", .after = 150, .states = 1u << EVENT_IGNORED},
     "evt_2"},
};

static void test_lists_by_every_filter(void **state)
{
    struct kit *k = *state;
    put_for_lists(k);
    for (size_t i = 0; i < ARRAY_LEN(filters); i++)
        assert_string_equal(list(k, &filters[i].filter), filters[i].ids);
}

/* Pages neither repeat nor leave out what was emitted at one time. */
static void test_pages(void **state)
{
    enum { N = 25 };
    struct kit *k = *state;
    char id[16], seen[N][16];
    unsigned n = 0, pages = 0;
    for (int i = 0; i < N; i++) {
        snprintf(id, sizeof id, "evt_%d", i);
        put_event(k, id, "cnv_1", 100 + i / 10);
    }
    struct store_event_list p = {.max = 7};
    do {
        assert_int_equal(kit_event_list(k, &p), OK);
        assert_true(p.event_n > 0 && p.event_n <= 7);
        for (unsigned i = 0; i < p.event_n; i++) {
            assert_null(p.event[i].body);
            assert_true(n < N);
            snprintf(seen[n++], sizeof seen[0], "%s", p.event[i].event_id);
        }
        p.from_at = p.event[p.event_n - 1].emitted_at;
        p.from_id = p.event[p.event_n - 1].id;
        pages++;
    } while (p.is_more);
    store_event_list_fini(&p);
    assert_int_equal(pages, 4);
    assert_int_equal(n, N);
    for (int i = 0; i < N; i++) {
        snprintf(id, sizeof id, "evt_%d", N - 1 - i);
        assert_string_equal(seen[i], id);
    }
}

/* ---- Replay ---- */

static void test_replay_makes_what_was_ended_wait_again(void **state)
{
    struct kit *k = *state;
    put_for_lists(k);
    assert_int_equal(
        replay(k, &(struct store_event_filter){.account = "acme", .states = 1u << EVENT_FAILED}, NOW + 7), 1);
    struct store_event e = event_of(k, "evt_3");
    assert_int_equal(e.state, EVENT_WAITING);
    assert_int_equal(e.due_at, NOW + 7);
    assert_int_equal(e.stored_at, NOW + 7); /* its patience begins anew */
    assert_int_equal(e.tries, 0);
    store_event_fini(&e);
    kit_reopen(k);
    assert_string_equal(take(k, NOW + 7), "evt_3");
    assert_int_equal(replay(k, &(struct store_event_filter){.event_id = "evt_3"}, NOW), 0); /* it waits */
    assert_int_equal(replay(k, &(struct store_event_filter){.account = "acme"}, NOW), 2);
    assert_string_equal(take(k, NOW), "evt_1"); /* in the order of their emission, as ever */
}

static void test_replay_takes_what_waits_for_what_it_is(void **state)
{
    struct kit *k = *state;
    put_event(k, "evt_1", "cnv_1", 1);
    struct store_event_filter f = {.states = 1u << EVENT_WAITING};
    assert_int_equal(replay(k, &f, NOW), 0);
    end(k, "evt_1", EVENT_ACTED);
    assert_int_equal(replay(k, &f, NOW), 0);
    prune(k, NOW + 1, 0);
    assert_int_equal(replay(k, &(struct store_event_filter){0}, NOW), 0); /* nothing is left to be acted on */
}

/* In few commits. */
static void put_ended(struct kit *k, int from, int n)
{
    struct store_event_put *p = mem_calloc((size_t)n, sizeof *p);
    struct store_event_end *e = mem_calloc((size_t)n, sizeof *e);
    char(*id)[16] = mem_calloc((size_t)n, sizeof *id);
    for (int i = 0; i < n; i++) {
        snprintf(id[i], sizeof id[i], "evt_%d", from + i);
        p[i] = event(id[i], id[i], from + i);
        kit_expect(&p[i]);
        store_post_event_put(k->store, &p[i]);
    }
    for (int i = 0; i < n; i++)
        kit_await(k, &p[i].op);
    struct store_event_list l = {.filter = {.after = from, .before = from + n}, .max = 1000};
    assert_int_equal(kit_event_list(k, &l), OK);
    assert_int_equal(l.event_n, n);
    for (int i = 0; i < n; i++) {
        e[i] = (struct store_event_end){.id = l.event[i].id, .state = EVENT_ACTED};
        kit_expect(&e[i]);
        store_post_event_end(k->store, &e[i]);
    }
    for (int i = 0; i < n; i++)
        kit_await(k, &e[i].op);
    store_event_list_fini(&l);
    free(p);
    free(e);
    free(id);
}

static void test_replay_of_many_goes_on_where_it_was(void **state)
{
    struct kit *k = *state;
    unsigned all = 0, rounds = 0;
    put_ended(k, 1, 600);
    struct store_event_replay p = {.now = NOW + 1};
    do {
        assert_int_equal(kit_event_replay(k, &p), OK);
        all += p.event_n;
        rounds++;
    } while (p.is_more);
    assert_int_equal(all, 600);
    assert_int_equal(rounds, 2);
}

/* ---- Pruning ---- */

static void test_bodies_go_before_rows_and_what_waits_stays(void **state)
{
    struct kit *k = *state;
    put_event(k, "evt_1", "cnv_1", 1);
    put_event(k, "evt_2", "cnv_2", 2);
    end(k, "evt_1", EVENT_ACTED);
    prune(k, NOW, NOW); /* not yet */
    struct store_event e = event_of(k, "evt_1");
    assert_non_null(e.body);
    store_event_fini(&e);
    prune(k, NOW + 1, NOW);
    e = event_of(k, "evt_1");
    assert_null(e.body);
    store_event_fini(&e);
    assert_false(put_event(k, "evt_1", "cnv_1", 1)); /* still known */
    prune(k, NOW + 1000000, NOW + 1000000);
    assert_string_equal(list(k, &(struct store_event_filter){0}), "evt_2");
    e = event_of(k, "evt_2");
    assert_non_null(e.body);
    store_event_fini(&e);
    assert_string_equal(take(k, NOW), "evt_2");
}

/* However many of the oldest must stay, those behind them go. */
static void test_old_rows_that_stay_hold_up_no_others(void **state)
{
    struct kit *k = *state;
    put_ended(k, 1, 250);
    assert_int_equal(replay(k, &(struct store_event_filter){0}, NOW + 5), 250);
    put_ended(k, 1000, 450);
    prune(k, NOW + 1, NOW + 1);
    assert_int_equal(event_count(k), 250);
}

/* ---- Failed at Front ---- */

static struct store_item put_to(struct kit *k, const char *id, const char *recipient, const char *lane,
                                unsigned start_max)
{
    struct store_item item = {.recipient = span_of(recipient), .lane = span_of(lane), .body = SPAN_LIT("{}")};
    struct store_put p = {.channel = CHANNEL,
                          .source_id = span_of(id),
                          .now = NOW,
                          .created_at = NOW,
                          .expires_at = NOW + LIFE,
                          .start_max = start_max,
                          .item = &item,
                          .item_n = 1};
    assert_int_equal(kit_put(k, &p), OK);
    store_put_fini(&p);
    return item;
}

static struct store_failed failed(struct kit *k, const char *id, const char *recipient)
{
    struct store_failed p = {.channel = CHANNEL,
                             .source_id = span_of(id),
                             .recipient = span_of(recipient),
                             .now = NOW,
                             .reason = "Front could not send it"};
    assert_int_equal(kit_failed(k, &p), OK);
    return p;
}

static enum err admin1(struct kit *k, int64_t id, enum message_verb verb)
{
    struct store_admin p = {
        .verb = verb, .filter = {.direction = -1, .id = id}, .now = NOW, .expires_in_ms = LIFE};
    return kit_admin(k, &p);
}

enum part { TAKEN_BACK, ARRIVED, ENDED };

static const struct {
    enum message_verb
        verb; /* what ended its first attempt; VERB_START: it is out; the last: it has not begun */
    enum message_verb then; /* by the operator; the last: nothing */
    enum message_state before;
    enum part part;
} lives[] = {
    {MESSAGE_VERB_N, MESSAGE_VERB_N, MESSAGE_QUEUED, TAKEN_BACK},
    {VERB_START, MESSAGE_VERB_N, MESSAGE_SENDING, TAKEN_BACK},
    {VERB_RETRY, MESSAGE_VERB_N, MESSAGE_QUEUED, TAKEN_BACK},
    {VERB_HOLD, MESSAGE_VERB_N, MESSAGE_HELD, TAKEN_BACK},
    {MESSAGE_VERB_N, VERB_HOLD, MESSAGE_HELD, TAKEN_BACK},
    {VERB_UNSURE, MESSAGE_VERB_N, MESSAGE_UNKNOWN, TAKEN_BACK},
    {VERB_KILL, VERB_REQUEUE, MESSAGE_QUEUED, TAKEN_BACK},
    {VERB_DELIVER, MESSAGE_VERB_N, MESSAGE_DELIVERED, ARRIVED},
    {VERB_RETRY, VERB_DROP, MESSAGE_DROPPED, ARRIVED},
    {VERB_REJECT, MESSAGE_VERB_N, MESSAGE_REJECTED, ENDED},
    {VERB_KILL, MESSAGE_VERB_N, MESSAGE_DEAD, ENDED},
};

static int64_t live(struct kit *k, const char *id, enum message_verb verb, enum message_verb then)
{
    struct store_item item = put_to(k, id, "ada", id, verb != MESSAGE_VERB_N);
    if (verb != MESSAGE_VERB_N && verb != VERB_START)
        assert_int_equal(settle1(k, item.id, 1, verb), OK);
    if (then != MESSAGE_VERB_N)
        assert_int_equal(admin1(k, item.id, then), OK);
    return item.id;
}

static void test_what_is_open_is_taken_back_whatever_it_went_through(void **state)
{
    struct kit *k = *state;
    for (size_t i = 0; i < ARRAY_LEN(lives); i++) {
        char id[16];
        snprintf(id, sizeof id, "m%zu", i);
        int64_t message = live(k, id, lives[i].verb, lives[i].then);
        assert_int_equal(state_of(k, message), lives[i].before);
        for (unsigned again = 0; again < 2; again++) {
            struct store_failed p = failed(k, id, NULL);
            enum part part = again && lives[i].part == TAKEN_BACK ? ENDED : lives[i].part;
            assert_int_equal(p.cancelled_n, part == TAKEN_BACK);
            assert_int_equal(p.delivered_n, part == ARRIVED);
            assert_int_equal(p.ended_n, part == ENDED);
            if (p.cancelled_n)
                assert_int_equal(p.cancelled[0], message);
        }
        assert_int_equal(state_of(k, message),
                         lives[i].part == TAKEN_BACK ? MESSAGE_CANCELLED : lives[i].before);
    }
    assert_int_equal(claim_at(k, NOW + LIFE), 0);
}

/* The attempt that was out when Front spoke still says how it ended, and a delivery is the truth. */
static void test_the_answer_of_what_was_taken_back_is_still_heard(void **state)
{
    struct kit *k = *state;
    int64_t a = live(k, "a", VERB_START, MESSAGE_VERB_N), b = live(k, "b", VERB_START, MESSAGE_VERB_N);
    failed(k, "a", NULL);
    failed(k, "b", NULL);
    assert_int_equal(settle1(k, a, 1, VERB_RETRY), OK);
    assert_int_equal(state_of(k, a), MESSAGE_CANCELLED);
    assert_int_equal(settle1(k, b, 1, VERB_DELIVER), OK);
    assert_int_equal(state_of(k, b), MESSAGE_DELIVERED);
    assert_int_equal(failed(k, "b", NULL).delivered_n, 1);
}

static void test_one_recipient_or_all_and_the_lane_goes_on(void **state)
{
    struct kit *k = *state;
    struct store_item ada = put_to(k, "m1", "ada", "cnv_1", 0), bob = put_to(k, "m1", "bob", "cnv_2", 0),
                      next = put_to(k, "m2", "ada", "cnv_1", 0);
    assert_int_equal(failed(k, "m1", "eve").cancelled_n, 0);
    assert_int_equal(failed(k, "m1", "").cancelled_n, 0);
    assert_int_equal(failed(k, "m3", NULL).cancelled_n, 0);
    struct store_failed p = failed(k, "m1", "ada");
    assert_int_equal(p.cancelled_n, 1);
    assert_true(p.is_promoted);
    assert_int_equal(state_of(k, ada.id), MESSAGE_CANCELLED);
    assert_int_equal(state_of(k, bob.id), MESSAGE_QUEUED);
    assert_int_equal(state_of(k, next.id), MESSAGE_QUEUED);
    p = failed(k, "m1", NULL);
    assert_int_equal(p.cancelled_n, 1);
    assert_int_equal(p.ended_n, 1);
    assert_int_equal(p.cancelled[0], bob.id);
    assert_int_equal(claim_at(k, NOW), next.id);
    p = (struct store_failed){.channel = "never heard of", .source_id = SPAN_LIT("m2"), .now = NOW};
    assert_int_equal(kit_failed(k, &p), OK);
    assert_int_equal(p.cancelled_n + p.delivered_n + p.ended_n, 0);
}

/* As many recipients as a message may have: all are taken back, of which the first few are named. */
static void test_every_recipient_of_a_message_is_taken_back(void **state)
{
    struct kit *k = *state;
    char name[100][8];
    struct store_item item[100];
    for (int i = 0; i < 100; i++) {
        snprintf(name[i], sizeof name[i], "r%d", i);
        item[i] = (struct store_item){
            .recipient = span_of(name[i]), .lane = span_of(name[i]), .body = SPAN_LIT("{}")};
    }
    struct store_put put = {.channel = CHANNEL,
                            .source_id = SPAN_LIT("m1"),
                            .now = NOW,
                            .created_at = NOW,
                            .expires_at = NOW + LIFE,
                            .item = item,
                            .item_n = 100};
    assert_int_equal(kit_put(k, &put), OK);
    struct store_failed p = failed(k, "m1", NULL);
    assert_int_equal(p.cancelled_n, 100);
    for (size_t i = 0; i < ARRAY_LEN(p.cancelled); i++)
        assert_int_equal(state_of(k, p.cancelled[i]), MESSAGE_CANCELLED);
    assert_int_equal(count_of(k, MESSAGE_CANCELLED), 100);
}

/* ---- Only new ---- */

static struct store_item put_only_new(struct kit *k, const char *id, const char *body, uint64_t quota,
                                      enum err expected)
{
    struct store_item item = {.recipient = SPAN_LIT("ada"), .lane = span_of(id), .body = span_of(body)};
    struct store_put p = {.channel = CHANNEL,
                          .source_id = span_of(id),
                          .now = NOW,
                          .created_at = NOW,
                          .expires_at = NOW + LIFE,
                          .start_max = 1,
                          .quota_bytes = quota,
                          .only_new = true,
                          .item = &item,
                          .item_n = 1};
    assert_int_equal(kit_put(k, &p), expected);
    store_put_fini(&p);
    return item;
}

static void test_an_event_begins_nothing_again(void **state)
{
    struct kit *k = *state;
    for (size_t i = 0; i < ARRAY_LEN(lives); i++) {
        char id[16];
        snprintf(id, sizeof id, "m%zu", i);
        int64_t message = live(k, id, lives[i].verb, lives[i].then);
        struct store_item item = put_only_new(k, id, "{\"another\":1}", 0, OK);
        assert_int_equal(item.id, message);
        assert_true(item.how == STORE_RUNNING || item.how == STORE_DONE || item.how == STORE_ASIDE);
        assert_false(item.is_started);
        assert_int_equal(item.state, lives[i].before);
        assert_int_equal(item.revision, 1);
        assert_int_equal(state_of(k, message), lives[i].before);
    }
    struct store_item item = put_only_new(k, "new", "{}", 0, OK);
    assert_int_equal(item.how, STORE_NEW);
    assert_true(item.is_started);
    settle1(k, item.id, 1, VERB_KILL);
    item = put_to(k, "new", "ada", "new", 1); /* an agent may */
    assert_int_equal(item.how, STORE_AGAIN);
    assert_int_equal(state_of(k, item.id), MESSAGE_SENDING);
}

static void test_what_was_sent_once_more_is_begun_again(void **state)
{
    struct kit *k = *state;
    int64_t dead = live(k, "m1", VERB_KILL, MESSAGE_VERB_N),
            sent = live(k, "m2", VERB_DELIVER, MESSAGE_VERB_N);

    for (int later = 0; later < 2; later++) {
        struct store_item item[] = {
            {.recipient = SPAN_LIT("ada"), .lane = SPAN_LIT("m1"), .body = SPAN_LIT("{\"another\":1}")},
        };
        struct store_put p = {.channel = CHANNEL,
                              .source_id = SPAN_LIT("m1"),
                              .now = NOW + 100,
                              .created_at = NOW + 100,
                              .expires_at = NOW + LIFE,
                              .start_max = 1,
                              .only_new = true,
                              .sent_at = NOW + later, /* it had ended at NOW */
                              .item = item,
                              .item_n = 1};
        assert_int_equal(kit_put(k, &p), OK);
        assert_int_equal(item[0].how, later ? STORE_AGAIN : STORE_DONE);
        assert_int_equal(state_of(k, dead), later ? MESSAGE_SENDING : MESSAGE_DEAD);
        p.source_id = item[0].lane = SPAN_LIT("m2"); /* what was delivered is never repeated */
        assert_int_equal(kit_put(k, &p), OK);
        assert_int_equal(item[0].how, STORE_DONE);
        assert_int_equal(state_of(k, sent), MESSAGE_DELIVERED);
        store_put_fini(&p);
    }
}

static void test_what_is_not_begun_again_needs_no_room(void **state)
{
    struct kit *k = *state;
    int64_t dead = live(k, "m1", VERB_KILL, MESSAGE_VERB_N);
    live(k, "m2", MESSAGE_VERB_N, MESSAGE_VERB_N);
    assert_int_equal(put_only_new(k, "m1", "{\"another\":1}", 4, OK).how, STORE_DONE);
    assert_int_equal(state_of(k, dead), MESSAGE_DEAD);
    put_only_new(k, "m3", "{}", 4, ERR_FULL);
}

static void test_states_have_names(void **state)
{
    (void)state;
    for (int i = 0; i < EVENT_STATE_N; i++)
        assert_int_equal(store_event_state_parse(store_event_state_name((enum event_state)i)), i);
    assert_int_equal(store_event_state_parse("queued"), -1);
    assert_int_equal(store_event_state_parse(""), -1);
    assert_string_equal(store_event_state_name(EVENT_STATE_N), "?");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, kit_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_put_is_read_back),
        TEST(test_one_event_is_stored_once_for_each_account_and_url),
        TEST(test_what_was_ended_does_not_come_again),
        TEST(test_half_an_event_is_refused_and_spares_its_neighbours),
        TEST(test_too_many_waiting),
        TEST(test_a_conversation_is_handed_out_one_by_one_as_it_was_emitted),
        TEST(test_ids_are_numbers_where_times_are_equal),
        TEST(test_the_same_event_of_two_urls_comes_twice),
        TEST(test_accounts_do_not_wait_for_each_other),
        TEST(test_failures_of_a_message_are_known_when_it_is_handed_out),
        TEST(test_a_lease_runs_out_and_tries_are_counted),
        TEST(test_what_is_put_off_holds_its_lane_and_no_other),
        TEST(test_an_end_may_come_twice_and_needs_an_event),
        TEST(test_no_more_than_asked_for_and_oldest_first),
        TEST(test_what_has_no_due_time_waits_until_it_is_released),
        TEST(test_lists_by_every_filter),
        TEST(test_pages),
        TEST(test_replay_makes_what_was_ended_wait_again),
        TEST(test_replay_takes_what_waits_for_what_it_is),
        TEST(test_replay_of_many_goes_on_where_it_was),
        TEST(test_bodies_go_before_rows_and_what_waits_stays),
        TEST(test_old_rows_that_stay_hold_up_no_others),
        TEST(test_what_is_open_is_taken_back_whatever_it_went_through),
        TEST(test_the_answer_of_what_was_taken_back_is_still_heard),
        TEST(test_one_recipient_or_all_and_the_lane_goes_on),
        TEST(test_every_recipient_of_a_message_is_taken_back),
        TEST(test_an_event_begins_nothing_again),
        TEST(test_what_was_sent_once_more_is_begun_again),
        TEST(test_what_is_not_begun_again_needs_no_room),
        TEST(test_states_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
