/* The store's daily work: put, claim, settle, cancel, lanes, dedupe, what comes again. */
#include "kit.h"
#include <stdlib.h>
#include <string.h>

static struct kit kit;

static int set_up(void **state)
{
    kit_open(&kit);
    *state = &kit;
    return 0;
}

static int tear_down(void **state)
{
    struct kit *k = *state;
    check_sums(k);
    kit_close(k);
    return 0;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_put_then_claim_then_deliver, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_put_starts_the_head_of_its_lane_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_retry_blocks_its_lane_until_due, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_aside_steps_out_of_the_lane, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cancel, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
