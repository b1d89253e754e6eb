/* Deliveries in parts: in order, each with attempts of its own, and none twice, whatever ends the message. */
#include "kit.h"
#include <stdlib.h>
#include <string.h>

/* An attempt that delivers part `sent` of three. */
static enum err settle_part(struct kit *k, int64_t id, uint32_t attempt, uint32_t sent, wall_ms_t now)
{
    char name[] = {'x', (char)('0' + sent), '\0'};
    struct store_settle p = {.id = id,
                             .attempt = attempt,
                             .verb = sent < 3 ? VERB_PART : VERB_DELIVER,
                             .outcome = "delivered",
                             .reason = SPAN_LIT("a part"),
                             .now = now,
                             .due_at = now,
                             .expires_at = now + LIFE,
                             .external_id = span_of(name),
                             .parts = {sent, 3, 77}};

    return kit_settle(k, &p);
}

static void expect(struct kit *k, int64_t id, enum message_state s, uint32_t sent, const char *reason)
{
    struct store_show p = {.id = id};

    assert_int_equal(kit_show(k, &p), OK);
    assert_int_equal(p.message.state, s);
    assert_int_equal(p.message.parts.sent, sent);
    if (reason)
        assert_string_equal(p.message.reason, reason);
    store_show_fini(&p);
}

static struct store_message claim_message(struct kit *k, wall_ms_t now, struct store_claim *c)
{
    *c = (struct store_claim){.channel = CHANNEL, .now = now, .max = 8};
    assert_int_equal(kit_claim(k, c), OK);
    assert_int_equal(c->message_n, 1);
    return c->message[0];
}

static void test_parts_come_in_order(void **state)
{
    struct kit *k = *state;
    struct store_item first = put1(k, "m1", "lane", "{}", 1), behind = put1(k, "m2", "lane", "{}", 1);
    struct store_claim c;

    assert_false(behind.is_started);
    for (uint32_t sent = 1; sent < 3; sent++) {
        assert_int_equal(settle_part(k, first.id, sent, sent, NOW), OK);
        expect(k, first.id, MESSAGE_QUEUED, sent, "a part");
        kit_reopen(k); /* nothing of it is in memory alone */
        struct store_message m = claim_message(k, NOW, &c);
        assert_int_equal(m.id, first.id); /* still before the other of its lane */
        assert_int_equal(m.attempt, sent + 1);
        assert_int_equal(m.attempt - m.attempt_base, 1); /* of its own */
        assert_int_equal(m.parts.sent, sent);
        assert_int_equal(m.parts.n, 3);
        assert_int_equal(m.parts.cut, 77);
        store_claim_fini(&c);
    }
    assert_int_equal(settle_part(k, first.id, 3, 3, NOW), OK);
    expect(k, first.id, MESSAGE_DELIVERED, 3, NULL);
    assert_int_equal(claim_at(k, NOW), behind.id);
}

static void test_the_timeline_shows_each(void **state)
{
    struct kit *k = *state;
    struct store_item i = put1(k, "m1", "a", "{}", 1);
    struct store_show p = {.id = i.id};

    assert_int_equal(settle_part(k, i.id, 1, 1, NOW), OK);
    assert_int_equal(claim_at(k, NOW), i.id);
    assert_int_equal(settle1(k, i.id, 2, VERB_RETRY), OK);
    assert_int_equal(claim_at(k, NOW + 10000), i.id);
    assert_int_equal(settle_part(k, i.id, 3, 2, NOW), OK);
    assert_int_equal(kit_show(k, &p), OK);
    assert_int_equal(p.attempt_n, 3);
    assert_string_equal(p.attempt[0].outcome, "delivered");
    assert_string_equal(p.attempt[0].reason, "a part");
    assert_string_not_equal(p.attempt[1].outcome, "delivered");
    assert_string_equal(p.attempt[2].outcome, "delivered");
    store_show_fini(&p);
}

static void test_the_same_settle_again_counts_once(void **state)
{
    struct kit *k = *state;
    struct store_item i = put1(k, "m1", "a", "{}", 1);

    assert_int_equal(settle_part(k, i.id, 1, 1, NOW), OK);
    assert_int_equal(settle_part(k, i.id, 1, 1, NOW), OK);
    expect(k, i.id, MESSAGE_QUEUED, 1, NULL);
    assert_int_equal(claim_at(k, NOW), i.id);
    assert_int_equal(settle_part(k, i.id, 1, 1, NOW), ERR_CONFLICT); /* of an attempt that is over */
    expect(k, i.id, MESSAGE_SENDING, 1, NULL);
}

/* A retry, a crash and a hold keep what was sent. */
static void test_failures_keep_the_parts(void **state)
{
    struct kit *k = *state;
    struct store_item i = put1(k, "m1", "a", "{}", 1);
    struct store_claim c;

    assert_int_equal(settle_part(k, i.id, 1, 1, NOW), OK);
    assert_int_equal(claim_at(k, NOW), i.id);
    struct store_orphans o = {.is_resent = true, .now = NOW};
    assert_int_equal(kit_orphans(k, &o), OK);
    assert_int_equal(claim_message(k, NOW, &c).parts.sent, 1);
    store_claim_fini(&c);
    assert_int_equal(settle1(k, i.id, 3, VERB_HOLD), OK);
    struct store_admin a = {
        .verb = VERB_RELEASE, .filter = {.direction = -1, .id = i.id}, .now = NOW, .expires_in_ms = LIFE};
    assert_int_equal(kit_admin(k, &a), OK);
    assert_int_equal(claim_message(k, NOW, &c).parts.sent, 1);
    store_claim_fini(&c);
}

static void test_resend_of_the_same_text_goes_on(void **state)
{
    struct kit *k = *state;
    struct store_item i = put1(k, "m1", "a", "{\"t\":1}", 1);

    assert_int_equal(settle_part(k, i.id, 1, 1, NOW), OK);
    assert_int_equal(claim_at(k, NOW), i.id);
    assert_int_equal(settle1(k, i.id, 2, VERB_REJECT), OK);
    i = put1(k, "m1", "a", "{\"t\":1}", 1);
    assert_int_equal(i.how, STORE_AGAIN);
    assert_true(i.is_started);
    assert_int_equal(i.parts.sent, 1);
    assert_int_equal(i.parts.cut, 77);
    assert_int_equal(settle1(k, i.id, 3, VERB_REJECT), OK);
    i = put1(k, "m1", "a", "{\"t\":2}", 1);
    assert_int_equal(i.revision, 2);
    assert_int_equal(i.parts.sent, 0);
    assert_int_equal(i.parts.n, 0);
    expect(k, i.id, MESSAGE_SENDING, 0, NULL);
}

static bool is_same(struct span before, struct span now)
{
    return before.n > 6 && now.n > 6 && memcmp(before.p, now.p, 6) == 0; /* {"t":1 */
}

/* What the text is not may change: it is another body then, of the same text. */
static void test_resend_that_says_the_same_goes_on(void **state)
{
    struct kit *k = *state;
    struct store_item i = put1(k, "m1", "a", "{\"t\":1,\"at\":1}", 1);
    struct store_item again = {
        .recipient = SPAN_LIT("+49"), .lane = SPAN_LIT("a"), .body = SPAN_LIT("{\"t\":1,\"at\":2000}")};
    struct store_put p = {.channel = CHANNEL,
                          .source_id = SPAN_LIT("m1"),
                          .now = NOW,
                          .created_at = NOW,
                          .expires_at = NOW + LIFE,
                          .is_same = is_same,
                          .item = &again,
                          .item_n = 1};
    struct store_claim c;

    assert_int_equal(settle_part(k, i.id, 1, 1, NOW), OK);
    assert_int_equal(claim_at(k, NOW), i.id);
    assert_int_equal(settle1(k, i.id, 2, VERB_REJECT), OK);
    assert_int_equal(kit_put(k, &p), OK);
    assert_int_equal(again.how, STORE_AGAIN);
    store_put_fini(&p);
    struct store_message m = claim_message(k, NOW, &c);
    assert_int_equal(m.revision, 1);
    assert_int_equal(m.parts.sent, 1);
    assert_string_equal(m.body, "{\"t\":1,\"at\":2000}");
    store_claim_fini(&c);
}

static void test_expiry_tells_what_arrived(void **state)
{
    struct kit *k = *state;
    struct store_item i = put1(k, "m1", "a", "{}", 1), j = put1(k, "m2", "b", "{}", 1);
    struct store_expire *p = mem_zalloc(sizeof *p);

    assert_int_equal(settle_part(k, i.id, 1, 1, NOW), OK);
    assert_int_equal(settle_part(k, j.id, 1, 2, NOW), OK);
    assert_int_equal(claim_at(k, NOW), i.id);
    struct store_settle s = {.id = i.id,
                             .attempt = 2,
                             .verb = VERB_RETRY,
                             .outcome = "retry",
                             .reason = SPAN_LIT("it is closed"),
                             .now = NOW,
                             .due_at = NOW + 1000};
    assert_int_equal(kit_settle(k, &s), OK);
    p->now = NOW + 2 * LIFE;
    assert_int_equal(kit_expire(k, p), OK);
    assert_int_equal(p->expired_n, 2);
    assert_false(p->expired[0].is_too_old || p->expired[1].is_too_old);
    expect(k, i.id, MESSAGE_DEAD, 1, "1 of 3 parts was delivered; it is closed");
    expect(k, j.id, MESSAGE_DEAD, 2, "2 of 3 parts were delivered; gave up");
    free(p);
}

/* The answer was an error while a part was out, and it arrived after all: a resend goes on behind it. */
static void test_cancel_tells_and_keeps(void **state)
{
    struct kit *k = *state;
    struct store_item i = put1(k, "m1", "a", "{}", 1);
    struct store_cancel c = {.id = i.id, .now = NOW, .reason = "timeout"};

    assert_int_equal(settle_part(k, i.id, 1, 1, NOW), OK);
    assert_int_equal(claim_at(k, NOW), i.id);
    assert_int_equal(kit_cancel(k, &c), OK);
    assert_int_equal(c.parts.sent, 1);
    expect(k, i.id, MESSAGE_CANCELLED, 1, "1 of 3 parts was delivered; timeout");
    assert_int_equal(settle_part(k, i.id, 2, 2, NOW), OK);
    expect(k, i.id, MESSAGE_CANCELLED, 2, NULL);
    i = put1(k, "m1", "a", "{}", 1);
    assert_int_equal(i.parts.sent, 2);
    assert_int_equal(settle_part(k, i.id, i.attempt, 3, NOW), OK);
    expect(k, i.id, MESSAGE_DELIVERED, 3, NULL);
}

static enum err receipt_of(struct kit *k, const char *external_id, enum receipt_status status, int64_t *id)
{
    struct store_receipt p = {.channel = CHANNEL,
                              .external_id = span_of(external_id),
                              .status = status,
                              .reason = SPAN_LIT("The phone is off."),
                              .now = NOW,
                              .expires_at = NOW + LIFE};
    enum err e = kit_receipt(k, &p);

    *id = p.found_id;
    return e;
}

static unsigned report_n(struct kit *k)
{
    struct store_reports p = {.channel = CHANNEL, .now = NOW + 1, .retry_ms = 0};

    assert_int_equal(kit_reports(k, &p), OK);
    if (p.message_n > 0)
        assert_string_equal(p.message[0].reason, "The phone is off.");
    unsigned n = p.message_n;
    store_reports_fini(&p);
    return n;
}

static void test_every_part_finds_its_message(void **state)
{
    struct kit *k = *state;
    struct store_item i = put1(k, "m1", "a", "{}", 1);
    int64_t found;

    for (uint32_t sent = 1; sent <= 3; sent++) {
        assert_int_equal(receipt_of(k, "x3", RECEIPT_DELIVERED, &found), ERR_NOT_FOUND);
        assert_int_equal(settle_part(k, i.id, sent, sent, NOW), OK);
        if (sent < 3)
            assert_int_equal(claim_at(k, NOW), i.id);
    }
    for (const char *const *x = (const char *const[]){"x1", "x2", "x3", NULL}; *x; x++) {
        found = 0;
        assert_int_equal(receipt_of(k, *x, RECEIPT_DELIVERED, &found), OK);
        assert_int_equal(found, i.id);
        struct store_about about = {.channel = CHANNEL, .key = span_of(*x), .is_delivery = true};
        assert_int_equal(kit_about(k, &about), OK);
        assert_int_equal(about.message.id, i.id);
        store_about_fini(&about);
    }
    struct store_item newest = put1(k, "m2", "a", "{}", 1);
    assert_int_equal(settle_part(k, newest.id, 1, 1, NOW), OK);
    assert_int_equal(receipt_of(k, "x1", RECEIPT_DELIVERED, &found), OK);
    assert_int_equal(found, newest.id);
    assert_int_equal(receipt_of(k, "x2", RECEIPT_DELIVERED, &found), OK);
    assert_int_equal(found, i.id);
    struct store_prune p = {.bodies_before = NOW + 1, .keys_before = NOW + 1};
    do {
        assert_int_equal(kit_prune(k, &p), OK);
    } while (p.is_more);
    assert_int_equal(receipt_of(k, "x2", RECEIPT_DELIVERED, &found), ERR_NOT_FOUND);
}

/* The agent hears of it, though the message was still on its way when the backend said so. */
static void test_a_part_fails_before_the_last_is_delivered(void **state)
{
    struct kit *k = *state;
    struct store_item i = put1(k, "m1", "a", "{}", 1);
    int64_t found;

    assert_int_equal(settle_part(k, i.id, 1, 1, NOW), OK);
    assert_int_equal(receipt_of(k, "x1", RECEIPT_FAILED, &found), OK);
    assert_int_equal(report_n(k), 0);
    assert_int_equal(claim_at(k, NOW), i.id);
    assert_int_equal(settle_part(k, i.id, 2, 2, NOW), OK);
    assert_int_equal(claim_at(k, NOW), i.id);
    assert_int_equal(settle_part(k, i.id, 3, 3, NOW), OK);
    expect(k, i.id, MESSAGE_DELIVERED, 3, "The phone is off.");
    assert_int_equal(report_n(k), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_parts_come_in_order, kit_set_up, kit_tear_down),
        cmocka_unit_test_setup_teardown(test_the_timeline_shows_each, kit_set_up, kit_tear_down),
        cmocka_unit_test_setup_teardown(test_the_same_settle_again_counts_once, kit_set_up, kit_tear_down),
        cmocka_unit_test_setup_teardown(test_failures_keep_the_parts, kit_set_up, kit_tear_down),
        cmocka_unit_test_setup_teardown(test_resend_of_the_same_text_goes_on, kit_set_up, kit_tear_down),
        cmocka_unit_test_setup_teardown(test_resend_that_says_the_same_goes_on, kit_set_up, kit_tear_down),
        cmocka_unit_test_setup_teardown(test_expiry_tells_what_arrived, kit_set_up, kit_tear_down),
        cmocka_unit_test_setup_teardown(test_cancel_tells_and_keeps, kit_set_up, kit_tear_down),
        cmocka_unit_test_setup_teardown(test_every_part_finds_its_message, kit_set_up, kit_tear_down),
        cmocka_unit_test_setup_teardown(test_a_part_fails_before_the_last_is_delivered, kit_set_up,
                                        kit_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
