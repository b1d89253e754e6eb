/* The store's daily work: put, claim, settle, cancel, lanes, dedupe, what comes again. */
#include "kit.h"
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A head in back-off, a head that never started, a follower: none waits for the old time to come again. */
static void test_nothing_waits_because_the_clock_was_set_back(void **state)
{
    struct kit *k = *state;
    const wall_ms_t back = NOW - HOUR_MS;
    struct store_item a = put1(k, "msg_1", "a", "{}", 1), b = put1(k, "msg_2", "a", "{}", 0);
    struct store_item c = put1(k, "msg_3", "b", "{}", 0);
    struct store_settle p = {.id = a.id,
                             .attempt = 1,
                             .verb = VERB_RETRY,
                             .outcome = "retry",
                             .now = NOW,
                             .due_at = NOW + 500,
                             .reason = SPAN_LIT("refused")};
    assert_int_equal(kit_settle(k, &p), OK);
    assert_int_equal(claim_at(k, back), a.id);
    p.attempt = 2;
    p.now = back;
    p.due_at = back + 500;
    assert_int_equal(kit_settle(k, &p), OK);
    assert_int_equal(claim_at(k, back), c.id);
    assert_int_equal(claim_at(k, back), 0); /* this one was told to wait by the clock as it is now */
    assert_int_equal(claim_at(k, back + 500), a.id);
    p.attempt = 3;
    p.verb = VERB_DELIVER;
    p.outcome = "delivered";
    assert_int_equal(kit_settle(k, &p), OK);
    assert_true(p.is_promoted);
    assert_int_equal(claim_at(k, back + 500), b.id);
}

/* A claim that is full of what is due now has not seen what lies ahead: the caller must ask again. */
static void test_a_full_claim_does_not_hide_what_the_clock_left_ahead(void **state)
{
    struct kit *k = *state;
    const wall_ms_t back = NOW - HOUR_MS;
    struct store_item old = put1(k, "msg_1", "a", "{}", 0), new = put_at(k, "msg_2", "b", "{}", 0, back);
    struct store_claim c = {.channel = CHANNEL, .now = back, .max = 1};
    assert_int_equal(kit_claim(k, &c), OK);
    assert_int_equal(c.message_n, 1);
    assert_int_equal(c.message[0].id, new.id);
    assert_true(c.next_due <= back);
    store_claim_fini(&c);
    assert_int_equal(claim_at(k, back), old.id);
}

static void test_put_then_claim_then_deliver(void **state)
{
    struct kit *k = *state;
    struct store_item i = put1(k, "msg_1", "a", "{\"text\":1}", 0);
    assert_int_equal(i.how, STORE_NEW);
    assert_int_equal(i.state, MESSAGE_QUEUED);
    assert_false(i.is_started);
    assert_int_equal(i.attempt, 0);
    assert_int_equal(i.revision, 1);

    struct store_claim c = {.channel = CHANNEL, .now = NOW, .max = 10};
    assert_int_equal(kit_claim(k, &c), OK);
    assert_int_equal(c.message_n, 1);
    assert_int_equal(c.next_due, INT64_MAX);
    const struct store_message *m = &c.message[0];
    assert_int_equal(m->id, i.id);
    assert_int_equal(m->state, MESSAGE_SENDING);
    assert_int_equal(m->attempt, 1);
    assert_string_equal(m->channel, CHANNEL);
    assert_string_equal(m->source_id, "msg_1");
    assert_string_equal(m->recipient, "+49");
    assert_string_equal(m->lane, "a");
    assert_string_equal(m->body, "{\"text\":1}");
    assert_null(m->conversation);
    store_claim_fini(&c);

    assert_int_equal(settle1(k, i.id, 1, VERB_DELIVER), OK);
    assert_int_equal(state_of(k, i.id), MESSAGE_DELIVERED);
    assert_int_equal(count_of(k, MESSAGE_DELIVERED), 1);
    assert_int_equal(count_of(k, MESSAGE_QUEUED), 0);
}

static void test_put_starts_the_head_of_its_lane_only(void **state)
{
    struct kit *k = *state;
    struct store_item a = put1(k, "msg_1", "a", "{}", 1);
    struct store_item b = put1(k, "msg_2", "a", "{}", 1);
    assert_true(a.is_started);
    assert_int_equal(a.attempt, 1);
    assert_int_equal(a.state, MESSAGE_SENDING);
    assert_false(b.is_started);
    assert_true(b.is_behind);
    assert_int_equal(claim_at(k, NOW), 0);
    struct store_settle p = {
        .id = a.id, .attempt = 1, .verb = VERB_DELIVER, .outcome = "delivered", .now = NOW};
    assert_int_equal(kit_settle(k, &p), OK);
    assert_int_equal(p.state, MESSAGE_DELIVERED);
    assert_true(p.is_promoted);
    assert_int_equal(claim_at(k, NOW), b.id);
}

static void test_retry_blocks_its_lane_until_due(void **state)
{
    struct kit *k = *state;
    struct store_item a = put1(k, "msg_1", "a", "{}", 1), b = put1(k, "msg_2", "a", "{}", 0);
    struct store_item c = put1(k, "msg_3", "b", "{}", 0);
    struct store_settle p = {.id = a.id,
                             .attempt = 1,
                             .verb = VERB_RETRY,
                             .outcome = "retry",
                             .now = NOW,
                             .due_at = NOW + 500,
                             .reason = SPAN_LIT("refused"),
                             .code = 503};
    assert_int_equal(kit_settle(k, &p), OK);
    assert_false(p.is_promoted);
    assert_int_equal(claim_at(k, NOW), c.id);
    assert_int_equal(claim_at(k, NOW + 499), 0);
    struct store_claim q = {.channel = CHANNEL, .now = NOW, .max = 4};
    assert_int_equal(kit_claim(k, &q), OK);
    assert_int_equal(q.next_due, NOW + 500);
    store_claim_fini(&q);
    assert_int_equal(claim_at(k, NOW + 500), a.id);
    assert_int_equal(settle1(k, a.id, 2, VERB_DELIVER), OK);
    assert_int_equal(claim_at(k, NOW), b.id);
}

static void test_aside_steps_out_of_the_lane(void **state)
{
    static const enum message_verb verbs[] = {VERB_HOLD, VERB_UNSURE, VERB_KILL, VERB_REJECT};
    struct kit *k = *state;
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        char one[16], two[16];
        snprintf(one, sizeof one, "msg_%zu1", i);
        snprintf(two, sizeof two, "msg_%zu2", i);
        struct store_item a = put1(k, one, "a", "{}", 1), b = put1(k, two, "a", "{}", 0);
        assert_int_equal(settle1(k, a.id, a.attempt, verbs[i]), OK);
        assert_int_equal(claim_at(k, NOW), b.id);
        assert_int_equal(settle1(k, b.id, 1, VERB_DELIVER), OK);
    }
}

static void test_cancel(void **state)
{
    struct kit *k = *state;
    struct store_item a = put1(k, "msg_1", "a", "{}", 0), b = put1(k, "msg_2", "a", "{}", 0);
    struct store_cancel c = {.id = a.id, .now = NOW, .reason = "too late"};
    assert_int_equal(kit_cancel(k, &c), OK);
    assert_int_equal(c.state, MESSAGE_CANCELLED);
    assert_true(c.is_promoted);
    assert_int_equal(kit_cancel(k, &c), OK); /* again: nothing to do */
    assert_int_equal(claim_at(k, NOW), b.id);
    assert_int_equal(settle1(k, b.id, 1, VERB_DELIVER), OK);
    c.id = b.id;
    assert_int_equal(kit_cancel(k, &c), ERR_CONFLICT);
    assert_int_equal(c.state, MESSAGE_DELIVERED);
    c.id = 99;
    assert_int_equal(kit_cancel(k, &c), ERR_NOT_FOUND);
}

static sqlite3 *outside(struct kit *k, const char *sql)
{
    char path[128];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/front-bridge.db", k->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    return db;
}

/* One row that the database refuses, in one batch with others: they are stored, of its own put nothing is. */
static void test_a_bad_operation_spares_its_neighbours(void **state)
{
    struct kit *k = *state;
    struct put1 p[3];
    struct store_item two[2];
    static const char *const ids[] = {"m1", "m2", "m3"};
    sqlite3 *db = outside(k, "CREATE TRIGGER bad BEFORE INSERT ON message WHEN new.recipient = 'bad'"
                             " BEGIN SELECT raise(ABORT, 'no'); END; BEGIN IMMEDIATE");
    for (int i = 0; i < 3; i++) {
        p[i] =
            (struct put1){.item = {.recipient = SPAN_LIT("r"), .lane = SPAN_LIT("a"), .body = SPAN_LIT("{}")},
                          .put = {.channel = CHANNEL,
                                  .source_id = span_of(ids[i]),
                                  .now = NOW,
                                  .created_at = NOW,
                                  .expires_at = NOW + LIFE,
                                  .item_n = 1}};
        p[i].put.item = &p[i].item;
        if (i == 1) {
            two[0] = two[1] = p[i].item;
            two[1].recipient = SPAN_LIT("bad");
            p[i].put.item = two;
            p[i].put.item_n = 2;
        }
        kit_expect(&p[i].put);
        store_post_put(k->store, &p[i].put);
    }
    usleep(100000);
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    for (int i = 0; i < 3; i++) {
        kit_await(k, &p[i].put.op);
        assert_int_equal(p[i].put.op.result, i == 1 ? ERR_IO : OK);
    }
    assert_true(store_is_healthy(k->store));
    assert_int_equal(count_of(k, MESSAGE_QUEUED), 2);
    assert_int_equal(p[2].item.id, p[0].item.id + 1);
    sqlite3_close(db);
}

static void test_bad_input(void **state)
{
    struct kit *k = *state;
    struct store_item item = {.recipient = SPAN_LIT("r"), .lane = SPAN_LIT("a"), .body = SPAN_LIT("{}")};
    struct store_put p = {.channel = CHANNEL,
                          .source_id = SPAN_LIT("m1"),
                          .now = NOW,
                          .created_at = NOW,
                          .expires_at = NOW + LIFE,
                          .item = &item,
                          .item_n = 1};
    char name[STORE_CHANNEL_BYTES + 1] = "";
    memset(name, 'x', STORE_CHANNEL_BYTES);
    item.recipient = SPAN_NONE;
    assert_int_equal(kit_put(k, &p), ERR_INVALID);
    item.recipient = SPAN_LIT("");
    p.channel = "";
    assert_int_equal(kit_put(k, &p), ERR_INVALID);
    p.channel = name;
    assert_int_equal(kit_put(k, &p), ERR_LIMIT);
    name[STORE_CHANNEL_BYTES - 1] = 0;
    assert_int_equal(kit_put(k, &p), OK);
}

/* More puts than may wait are refused at once; what was taken is stored. */
static void test_too_many_waiting(void **state)
{
    enum { N = 12000 }; /* more than may wait and a batch that is under way already */
    struct kit *k = *state;
    struct put1 *p = mem_calloc(N, sizeof *p);
    char(*id)[8] = mem_calloc(N, 8);
    unsigned full = 0;
    sqlite3 *db = outside(k, "BEGIN IMMEDIATE");
    for (int i = 0; i < N; i++) {
        snprintf(id[i], 8, "%d", i);
        p[i] = (struct put1){
            .item = {.recipient = SPAN_LIT("r"), .lane = span_of(id[i]), .body = SPAN_LIT("{}")},
            .put = {.channel = CHANNEL,
                    .source_id = span_of(id[i]),
                    .now = NOW,
                    .created_at = NOW,
                    .expires_at = NOW + LIFE,
                    .item_n = 1}};
        p[i].put.item = &p[i].item;
        kit_expect(&p[i].put);
        store_post_put(k->store, &p[i].put);
        assert_non_null(p[i].put.op.on_done); /* never from inside the post */
    }
    sqlite3_close(db);
    for (int i = 0; i < N; i++) {
        kit_await(k, &p[i].put.op);
        full += p[i].put.op.result == ERR_FULL;
        assert_true(p[i].put.op.result == OK || p[i].put.op.result == ERR_FULL);
    }
    assert_true(full > 0 && full < N);
    assert_int_equal(count_of(k, MESSAGE_QUEUED), N - full);
    free(p);
    free(id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_put_then_claim_then_deliver, kit_set_up, kit_tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_waits_because_the_clock_was_set_back, kit_set_up,
                                        kit_tear_down),
        cmocka_unit_test_setup_teardown(test_a_full_claim_does_not_hide_what_the_clock_left_ahead, kit_set_up,
                                        kit_tear_down),
        cmocka_unit_test_setup_teardown(test_put_starts_the_head_of_its_lane_only, kit_set_up, kit_tear_down),
        cmocka_unit_test_setup_teardown(test_retry_blocks_its_lane_until_due, kit_set_up, kit_tear_down),
        cmocka_unit_test_setup_teardown(test_aside_steps_out_of_the_lane, kit_set_up, kit_tear_down),
        cmocka_unit_test_setup_teardown(test_cancel, kit_set_up, kit_tear_down),
        cmocka_unit_test_setup_teardown(test_a_bad_operation_spares_its_neighbours, kit_set_up,
                                        kit_tear_down),
        cmocka_unit_test_setup_teardown(test_bad_input, kit_set_up, kit_tear_down),
        cmocka_unit_test_setup_teardown(test_too_many_waiting, kit_set_up, kit_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
