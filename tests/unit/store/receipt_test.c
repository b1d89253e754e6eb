/* Receipts: each status of a delivery is noted once, and what follows from it is in the same commit. */
#include "kit.h"
#include <stdio.h>
#include <string.h>

static struct store_receipt of(int64_t id, const char *external_id, enum receipt_status status)
{
    return (struct store_receipt){.channel = CHANNEL,
                                  .id = id,
                                  .external_id = external_id ? span_of(external_id) : SPAN_NONE,
                                  .status = status,
                                  .reason = status == RECEIPT_FAILED ? SPAN_LIT("Mailbox full") : SPAN_NONE,
                                  .now = NOW + 5,
                                  .expires_at = NOW + LIFE};
}

static struct store_receipt receipt(struct kit *k, int64_t id, const char *external_id,
                                    enum receipt_status status, enum err expected)
{
    struct store_receipt p = of(id, external_id, status);
    assert_int_equal(kit_receipt(k, &p), expected);
    return p;
}

/* A delivery of Front's message source_id, of which the backend has told the id. */
static int64_t delivered(struct kit *k, const char *source_id, const char *external_id)
{
    struct store_item item = put1(k, source_id, source_id, "{}", 1);
    struct store_settle p = {.id = item.id,
                             .attempt = 1,
                             .verb = VERB_DELIVER,
                             .outcome = "delivered",
                             .external_id = span_of(external_id),
                             .now = NOW};
    assert_int_equal(kit_settle(k, &p), OK);
    return item.id;
}

static unsigned report_n(struct kit *k)
{
    struct store_reports p = {.channel = CHANNEL, .now = NOW + LIFE, .retry_ms = 1};
    assert_int_equal(kit_reports(k, &p), OK);
    unsigned n = p.message_n;
    store_reports_fini(&p);
    return n;
}

static unsigned told_n(struct kit *k, int64_t id, const char *outcome)
{
    struct store_show p = {.id = id};
    unsigned n = 0;
    assert_int_equal(kit_show(k, &p), OK);
    for (unsigned i = 0; i < p.attempt_n; i++)
        n += strcmp(p.attempt[i].outcome, outcome) == 0;
    store_show_fini(&p);
    return n;
}

static void test_a_status_is_noted_once_however_the_delivery_is_named(void **state)
{
    struct kit *k = *state;
    int64_t id = delivered(k, "msg_1", "x1");

    assert_true(receipt(k, id, NULL, RECEIPT_DELIVERED, OK).is_new);
    struct store_receipt again = receipt(k, 0, "x1", RECEIPT_DELIVERED, OK);
    assert_false(again.is_new);
    assert_int_equal(again.found_id, id);
    assert_int_equal(told_n(k, id, "told delivered"), 1);
    kit_reopen(k);
    assert_false(receipt(k, id, NULL, RECEIPT_DELIVERED, OK).is_new);
    assert_int_equal(report_n(k), 0);
}

/* Front's echo of it is our own word. */
static void test_a_failure_that_the_backend_told_is_no_news_for_it(void **state)
{
    struct kit *k = *state;
    int64_t id = delivered(k, "msg_1", "x1");
    struct store_failed p = {.channel = CHANNEL, .source_id = SPAN_LIT("msg_1"), .now = NOW + 9};

    receipt(k, id, NULL, RECEIPT_DELIVERED, OK);
    assert_int_equal(kit_failed(k, &p), OK);
    assert_int_equal(p.delivered_n, 1);
    receipt(k, id, NULL, RECEIPT_FAILED, OK);
    p = (struct store_failed){.channel = CHANNEL, .source_id = SPAN_LIT("msg_1"), .now = NOW + 9};
    assert_int_equal(kit_failed(k, &p), OK);
    assert_int_equal(p.delivered_n, 0);
    assert_int_equal(p.ended_n, 1);
}

static void test_read_is_one_call_for_a_message_whoever_has_read_it(void **state)
{
    struct kit *k = *state;
    struct store_item item[2] = {
        {.recipient = SPAN_LIT("ada"), .lane = SPAN_LIT("a"), .body = SPAN_LIT("{}")},
        {.recipient = SPAN_LIT("bob"), .lane = SPAN_LIT("b"), .body = SPAN_LIT("{}")},
    };
    struct store_put put = {.channel = CHANNEL,
                            .source_id = SPAN_LIT("msg_1"),
                            .now = NOW,
                            .created_at = NOW,
                            .expires_at = NOW + LIFE,
                            .start_max = 2,
                            .item = item,
                            .item_n = 2};
    assert_int_equal(kit_put(k, &put), OK);
    store_put_fini(&put);
    for (int i = 0; i < 2; i++)
        assert_int_equal(settle1(k, item[i].id, 1, VERB_DELIVER), OK);

    assert_true(receipt(k, item[0].id, NULL, RECEIPT_READ, OK).is_queued);
    struct store_receipt second = receipt(k, item[1].id, NULL, RECEIPT_READ, OK);
    assert_true(second.is_new);
    assert_false(second.is_queued);
    struct store_claim claim = {.direction = MESSAGE_IN, .channel = CHANNEL, .now = NOW + 5, .max = 5};
    assert_int_equal(kit_claim(k, &claim), OK);
    assert_int_equal(claim.message_n, 1);
    assert_int_equal(claim.message[0].kind, KIND_RECEIPT);
    assert_string_equal(claim.message[0].source_id, STORE_SEEN "msg_1");
    store_claim_fini(&claim);
}

static void test_a_failure_after_success_leaves_one_report(void **state)
{
    struct kit *k = *state;
    int64_t id = delivered(k, "msg_1", "x1");

    assert_true(receipt(k, id, NULL, RECEIPT_FAILED, OK).has_report);
    struct store_receipt again = receipt(k, id, NULL, RECEIPT_FAILED, OK);
    assert_false(again.is_new || again.has_report);
    assert_int_equal(report_n(k), 1);
    struct store_reported done = {.id = id};
    assert_int_equal(kit_reported(k, &done), OK);
    assert_false(receipt(k, id, NULL, RECEIPT_FAILED, OK).has_report); /* and none after it was told */
    assert_int_equal(report_n(k), 0);
    assert_int_equal(told_n(k, id, "told failed"), 1);
}

static void test_what_is_not_delivered_has_nothing_to_report(void **state)
{
    struct kit *k = *state;
    int64_t out = put1(k, "msg_1", "a", "{}", 1).id, dead = put1(k, "msg_2", "b", "{}", 1).id;

    settle1(k, dead, 1, VERB_KILL);
    assert_false(receipt(k, out, NULL, RECEIPT_FAILED, OK).has_report);
    assert_false(receipt(k, dead, NULL, RECEIPT_FAILED, OK).has_report);
    assert_int_equal(state_of(k, out), MESSAGE_SENDING);
    assert_int_equal(report_n(k), 0);
}

static void test_of_several_deliveries_with_one_id_the_newest_is_meant(void **state)
{
    struct kit *k = *state;

    delivered(k, "msg_1", "x1");
    int64_t newest = delivered(k, "msg_2", "x1");
    assert_int_equal(receipt(k, 0, "x1", RECEIPT_DELIVERED, OK).found_id, newest);
}

static void test_only_deliveries_of_the_channel_have_receipts(void **state)
{
    struct kit *k = *state;

    receipt(k, 1, NULL, RECEIPT_READ, ERR_NOT_FOUND); /* no channel yet */
    int64_t id = delivered(k, "msg_1", "x1");
    receipt(k, 0, "x2", RECEIPT_READ, ERR_NOT_FOUND);
    receipt(k, id + 77, NULL, RECEIPT_READ, ERR_NOT_FOUND);
    struct store_item item = {.recipient = SPAN_LIT("ada"), .lane = SPAN_LIT("i"), .body = SPAN_LIT("{}")};
    struct store_put in = {.direction = MESSAGE_IN,
                           .channel = CHANNEL,
                           .now = NOW,
                           .created_at = NOW,
                           .expires_at = NOW + LIFE,
                           .thread_ref = SPAN_LIT("t"),
                           .item = &item,
                           .item_n = 1};
    assert_int_equal(kit_put(k, &in), OK);
    store_put_fini(&in);
    receipt(k, item.id, NULL, RECEIPT_READ, ERR_NOT_FOUND); /* what a customer wrote is no delivery */
    struct store_receipt other = of(id, NULL, RECEIPT_READ);
    other.channel = "another";
    assert_int_equal(kit_receipt(k, &other), ERR_NOT_FOUND);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, kit_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_status_is_noted_once_however_the_delivery_is_named),
        TEST(test_a_failure_that_the_backend_told_is_no_news_for_it),
        TEST(test_read_is_one_call_for_a_message_whoever_has_read_it),
        TEST(test_a_failure_after_success_leaves_one_report),
        TEST(test_what_is_not_delivered_has_nothing_to_report),
        TEST(test_of_several_deliveries_with_one_id_the_newest_is_meant),
        TEST(test_only_deliveries_of_the_channel_have_receipts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
