/* What comes again, what is too much, what was taken back. */
#include "kit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- The same id again, in every state ---- */

static void bring_to(struct kit *k, struct store_item i, enum message_state s)
{
    static const enum message_verb by[MESSAGE_STATE_N] = {
        [MESSAGE_DELIVERED] = VERB_DELIVER, [MESSAGE_REJECTED] = VERB_REJECT, [MESSAGE_HELD] = VERB_HOLD,
        [MESSAGE_UNKNOWN] = VERB_UNSURE,    [MESSAGE_DEAD] = VERB_KILL,
    };
    if (s == MESSAGE_CANCELLED) {
        struct store_cancel c = {.id = i.id, .now = NOW, .reason = "timeout"};
        assert_int_equal(kit_cancel(k, &c), OK);
    } else if (s == MESSAGE_DROPPED) {
        assert_int_equal(settle1(k, i.id, i.attempt, VERB_HOLD), OK);
        struct store_admin a = {.verb = VERB_DROP, .filter = {.direction = -1, .id = i.id}, .now = NOW};
        assert_int_equal(kit_admin(k, &a), OK);
    } else if (s != MESSAGE_SENDING) {
        assert_int_equal(settle1(k, i.id, i.attempt, by[s]), OK);
    }
    assert_int_equal(state_of(k, i.id), s);
}

static void test_same_id_in_every_state(void **state)
{
    static const struct {
        enum message_state s;
        enum store_put_how how;
    } table[] = {
        {MESSAGE_SENDING, STORE_RUNNING}, {MESSAGE_DELIVERED, STORE_DONE}, {MESSAGE_REJECTED, STORE_AGAIN},
        {MESSAGE_CANCELLED, STORE_AGAIN}, {MESSAGE_HELD, STORE_ASIDE},     {MESSAGE_UNKNOWN, STORE_ASIDE},
        {MESSAGE_DEAD, STORE_AGAIN},      {MESSAGE_DROPPED, STORE_DONE},
    };
    struct kit *k = *state;
    for (size_t t = 0; t < ARRAY_LEN(table); t++) {
        char id[16];
        snprintf(id, sizeof id, "msg_%zu", t);
        struct store_item first = put1(k, id, id, "{\"a\":1}", 1);
        bring_to(k, first, table[t].s);
        struct store_item next = put1(k, id, id, "{\"a\":1}", 1);
        assert_int_equal(next.id, first.id);
        assert_int_equal(next.how, table[t].how);
        assert_int_equal(next.revision, 1);
        assert_int_equal(next.is_started, table[t].how == STORE_AGAIN);
        if (next.is_started)
            assert_int_equal(next.attempt, 2);
        else
            assert_int_equal(next.state, table[t].s);
    }
}

static void test_edited_text_is_another_revision(void **state)
{
    struct kit *k = *state;
    struct store_item i = put1(k, "msg_1", "a", "{\"t\":\"one\"}", 1);
    assert_int_equal(settle1(k, i.id, 1, VERB_REJECT), OK);
    i = put1(k, "msg_1", "a", "{\"t\":\"two\"}", 1);
    assert_int_equal(i.how, STORE_AGAIN);
    assert_int_equal(i.revision, 2);
    assert_int_equal(i.attempt, 2);
    assert_int_equal(settle1(k, i.id, 2, VERB_REJECT), OK);
    i = put1(k, "msg_1", "a", "{\"t\":\"two\"}", 0);
    assert_int_equal(i.revision, 2);
    struct store_claim c = {.channel = CHANNEL, .now = NOW, .max = 1};
    assert_int_equal(kit_claim(k, &c), OK);
    assert_string_equal(c.message[0].body, "{\"t\":\"two\"}");
    assert_int_equal(c.message[0].attempt, 3);
    assert_int_equal(c.message[0].attempt_base, 2);
    store_claim_fini(&c);
    struct store_show p = {.id = i.id};
    assert_int_equal(kit_show(k, &p), OK);
    assert_int_equal(p.attempt_n, 3);
    assert_string_equal(p.attempt[0].outcome, "rejected");
    assert_string_equal(p.attempt[1].outcome, "rejected");
    assert_string_equal(p.attempt[2].outcome, "");
    assert_int_equal(p.attempt[2].ended_at, 0);
    store_show_fini(&p);
}

/* The old text arrived after all: that says nothing of the new one. */
static void test_late_proof_of_the_old_text(void **state)
{
    struct kit *k = *state;
    struct store_item i = put1(k, "msg_1", "a", "{\"t\":1}", 1);
    bring_to(k, i, MESSAGE_CANCELLED);
    put1(k, "msg_1", "a", "{\"t\":2}", 0);
    assert_int_equal(settle1(k, i.id, 1, VERB_DELIVER), ERR_CONFLICT);
    assert_int_equal(state_of(k, i.id), MESSAGE_QUEUED);
}

static void test_late_outcome_after_cancel(void **state)
{
    struct kit *k = *state;
    struct store_item a = put1(k, "msg_1", "a", "{}", 1), b = put1(k, "msg_2", "b", "{}", 1);
    bring_to(k, a, MESSAGE_CANCELLED);
    bring_to(k, b, MESSAGE_CANCELLED);
    assert_int_equal(settle1(k, a.id, 1, VERB_DELIVER), OK);
    assert_int_equal(state_of(k, a.id), MESSAGE_DELIVERED);
    assert_int_equal(settle1(k, a.id, 1, VERB_DELIVER), OK);
    assert_int_equal(settle1(k, b.id, 1, VERB_RETRY), OK);
    assert_int_equal(settle1(k, b.id, 1, VERB_RETRY), OK);
    assert_int_equal(state_of(k, b.id), MESSAGE_CANCELLED);
    struct store_show p = {.id = b.id};
    assert_int_equal(kit_show(k, &p), OK);
    assert_string_equal(p.message.reason, "timeout");
    assert_int_equal(p.attempt_n, 1);
    assert_string_equal(p.attempt[0].outcome, "retry");
    store_show_fini(&p);
}

static void test_settle_twice_and_settle_wrongly(void **state)
{
    struct kit *k = *state;
    struct store_item i = put1(k, "msg_1", "a", "{}", 1);
    assert_int_equal(settle1(k, i.id, 2, VERB_DELIVER), ERR_CONFLICT);
    assert_int_equal(settle1(k, i.id, 0, VERB_DELIVER), ERR_CONFLICT);
    assert_int_equal(settle1(k, i.id, 1, VERB_ACCEPT), ERR_INVALID);
    assert_int_equal(settle1(k, 77, 1, VERB_DELIVER), ERR_NOT_FOUND);
    assert_int_equal(settle1(k, i.id, 1, VERB_RETRY), OK);
    assert_int_equal(settle1(k, i.id, 1, VERB_RETRY), OK);
    assert_int_equal(settle1(k, i.id, 1, VERB_REJECT), ERR_CONFLICT);
    assert_int_equal(settle1(k, i.id, 1, VERB_DELIVER), OK); /* a proof, though late */
    assert_int_equal(state_of(k, i.id), MESSAGE_DELIVERED);
    assert_int_equal(settle1(k, i.id, 1, VERB_KILL), ERR_CONFLICT);
}

static void test_unburnt_attempts_do_not_count(void **state)
{
    struct kit *k = *state;
    struct store_item i = put1(k, "msg_1", "a", "{}", 1);
    struct store_settle p = {.id = i.id,
                             .attempt = 1,
                             .verb = VERB_RETRY,
                             .outcome = "retry",
                             .now = NOW,
                             .due_at = NOW,
                             .is_unburnt = true};
    assert_int_equal(kit_settle(k, &p), OK);
    struct store_claim c = {.channel = CHANNEL, .now = NOW, .max = 1};
    assert_int_equal(kit_claim(k, &c), OK);
    assert_int_equal(c.message[0].attempt, 2);
    assert_int_equal(c.message[0].attempt_base, 1);
    store_claim_fini(&c);
    assert_int_equal(settle1(k, i.id, 1, VERB_RETRY), ERR_CONFLICT);
    struct store_show s = {.id = i.id};
    assert_int_equal(kit_show(k, &s), OK);
    assert_int_equal(s.attempt_n, 1);
    assert_int_equal(s.attempt[0].n, 2);
    store_show_fini(&s);
}

/* ---- Several recipients ---- */

static void test_recipients_already_delivered_are_not_repeated(void **state)
{
    struct kit *k = *state;
    struct store_item item[2] = {
        {.recipient = SPAN_LIT("anna"), .lane = SPAN_LIT("c anna"), .body = SPAN_LIT("{}")},
        {.recipient = SPAN_LIT("ben"), .lane = SPAN_LIT("c ben"), .body = SPAN_LIT("{}")},
    };
    struct store_put p = {.channel = CHANNEL,
                          .source_id = SPAN_LIT("msg_1"),
                          .now = NOW,
                          .created_at = NOW,
                          .expires_at = NOW + LIFE,
                          .start_max = 2,
                          .item = item,
                          .item_n = 2};
    assert_int_equal(kit_put(k, &p), OK);
    assert_true(item[0].is_started && item[1].is_started);
    assert_int_equal(settle1(k, item[0].id, 1, VERB_DELIVER), OK);
    assert_int_equal(settle1(k, item[1].id, 1, VERB_REJECT), OK);
    assert_int_equal(kit_put(k, &p), OK);
    assert_int_equal(item[0].how, STORE_DONE);
    assert_int_equal(item[1].how, STORE_AGAIN);
    assert_true(item[1].is_started && !item[0].is_started);
}

static void test_one_recipient_twice_in_one_put(void **state)
{
    struct kit *k = *state;
    struct store_item item[2] = {
        {.recipient = SPAN_LIT("anna"), .lane = SPAN_LIT("c"), .body = SPAN_LIT("{}")},
        {.recipient = SPAN_LIT("anna"), .lane = SPAN_LIT("c"), .body = SPAN_LIT("{}")},
    };
    struct store_put p = {.channel = CHANNEL,
                          .source_id = SPAN_LIT("msg_1"),
                          .now = NOW,
                          .created_at = NOW,
                          .expires_at = NOW + LIFE,
                          .start_max = 2,
                          .item = item,
                          .item_n = 2};
    assert_int_equal(kit_put(k, &p), OK);
    assert_int_equal(item[0].how, STORE_NEW);
    assert_int_equal(item[1].how, STORE_RUNNING);
    assert_int_equal(item[0].id, item[1].id);
}

static void test_start_max(void **state)
{
    struct kit *k = *state;
    struct store_item item[3] = {0};
    char lane[3][4] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++)
        item[i] = (struct store_item){
            .recipient = span_of(lane[i]), .lane = span_of(lane[i]), .body = SPAN_LIT("{}")};
    struct store_put p = {.channel = CHANNEL,
                          .source_id = SPAN_LIT("msg_1"),
                          .now = NOW,
                          .created_at = NOW,
                          .expires_at = NOW + LIFE,
                          .start_max = 2,
                          .item = item,
                          .item_n = 3};
    assert_int_equal(kit_put(k, &p), OK);
    assert_true(item[0].is_started && item[1].is_started && !item[2].is_started && !item[2].is_behind);
    assert_int_equal(claim_at(k, NOW), item[2].id);
}

/* Without an id of its own nothing can be recognised. */
static void test_no_source_id(void **state)
{
    struct kit *k = *state;
    assert_int_equal(put1(k, NULL, "a", "{}", 0).how, STORE_NEW);
    assert_int_equal(put1(k, NULL, "a", "{}", 0).how, STORE_NEW);
    assert_int_equal(put1(k, "", "a", "{}", 0).how, STORE_NEW);
    assert_int_equal(put1(k, "", "a", "{}", 0).how, STORE_RUNNING);
}

static void test_nasty_texts_come_back_as_they_were(void **state)
{
    struct kit *k = *state;
    static const char body[] = "a\0b\xff\xfe'\";DROP TABLE message;--";
    struct store_item item = {
        .recipient = {"x\0y", 3}, .lane = {"l\0\xff", 3}, .body = {body, sizeof body - 1}};
    struct store_put p = {.channel = "'; --",
                          .source_id = {"\xf0\x28", 2},
                          .now = NOW,
                          .created_at = NOW,
                          .expires_at = NOW + LIFE,
                          .item = &item,
                          .item_n = 1};
    assert_int_equal(kit_put(k, &p), OK);
    struct store_show s = {.id = item.id};
    assert_int_equal(kit_show(k, &s), OK);
    assert_int_equal(s.message.body_n, sizeof body - 1);
    assert_memory_equal(s.message.body, body, sizeof body);
    assert_memory_equal(s.message.recipient, "x\0y", 4);
    assert_string_equal(s.message.channel, "'; --");
    store_show_fini(&s);
    assert_int_equal(kit_put(k, &p), OK);
    assert_int_equal(item.how, STORE_RUNNING);
}

/* ---- Quota ---- */

static void test_quota(void **state)
{
    struct kit *k = *state;
    char body[1001];
    memset(body, 'x', 1000);
    body[1000] = 0;
    struct store_item item = {.recipient = SPAN_LIT("r"), .lane = SPAN_LIT("a"), .body = {body, 1000}};
    struct store_put p = {.channel = CHANNEL,
                          .source_id = SPAN_LIT("m1"),
                          .now = NOW,
                          .created_at = NOW,
                          .expires_at = NOW + LIFE,
                          .item = &item,
                          .item_n = 1,
                          .quota_bytes = 2000};
    assert_int_equal(kit_put(k, &p), OK);
    int64_t first = item.id;
    p.source_id = SPAN_LIT("m2");
    p.direction = MESSAGE_IN; /* both directions share it */
    assert_int_equal(kit_put(k, &p), OK);
    p.source_id = SPAN_LIT("m3");
    assert_int_equal(kit_put(k, &p), ERR_FULL);
    p.source_id = SPAN_LIT("m2"); /* known: answered, not refused */
    assert_int_equal(kit_put(k, &p), OK);
    assert_int_equal(item.how, STORE_RUNNING);
    p.channel = "other";
    p.source_id = SPAN_LIT("m3");
    assert_int_equal(kit_put(k, &p), OK);
    assert_int_equal(claim_at(k, NOW), first);
    assert_int_equal(settle1(k, first, 1, VERB_DELIVER), OK); /* settled bodies do not count */
    p.channel = CHANNEL;
    assert_int_equal(kit_put(k, &p), OK);
}

static void test_quota_refuses_all_items_or_none(void **state)
{
    struct kit *k = *state;
    struct store_item item[2] = {
        {.recipient = SPAN_LIT("a"), .lane = SPAN_LIT("a"), .body = SPAN_LIT("0123456789")},
        {.recipient = SPAN_LIT("b"), .lane = SPAN_LIT("b"), .body = SPAN_LIT("0123456789")},
    };
    struct store_put p = {.channel = CHANNEL,
                          .source_id = SPAN_LIT("m1"),
                          .now = NOW,
                          .created_at = NOW,
                          .expires_at = NOW + LIFE,
                          .item = item,
                          .item_n = 2,
                          .quota_bytes = 15};
    assert_int_equal(kit_put(k, &p), ERR_FULL);
    assert_int_equal(count_of(k, MESSAGE_QUEUED), 0);
}

/* ---- Abandoned ---- */

static void test_abandoned_before_it_ran(void **state)
{
    struct kit *k = *state;
    struct put1 p = {.item = {.recipient = SPAN_LIT("r"), .lane = SPAN_LIT("a"), .body = SPAN_LIT("{}")},
                     .put = {.channel = CHANNEL,
                             .source_id = SPAN_LIT("m1"),
                             .now = NOW,
                             .created_at = NOW,
                             .expires_at = NOW + LIFE,
                             .item_n = 1}};
    p.put.item = &p.item;
    unsigned cancelled = 0, stored = 0;
    for (int i = 0; i < 300; i++) { /* the thread may be anywhere when we change our mind */
        char id[16];
        snprintf(id, sizeof id, "m%d", i);
        p.put.source_id = span_of(id);
        kit_expect(&p.put);
        store_post_put(k->store, &p.put);
        for (volatile int spin = 0; spin < i * 40; spin++)
            ;
        store_abandon(&p.put);
        kit_await(k, &p.put.op);
        assert_true(p.put.op.result == OK || p.put.op.result == ERR_CANCELLED);
        cancelled += p.put.op.result == ERR_CANCELLED;
        stored += p.put.op.result == OK;
    }
    assert_int_equal(count_of(k, MESSAGE_QUEUED), stored);
    assert_int_equal(cancelled + stored, 300);
    assert_true(cancelled > 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, kit_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_same_id_in_every_state),
        TEST(test_edited_text_is_another_revision),
        TEST(test_late_proof_of_the_old_text),
        TEST(test_late_outcome_after_cancel),
        TEST(test_settle_twice_and_settle_wrongly),
        TEST(test_unburnt_attempts_do_not_count),
        TEST(test_recipients_already_delivered_are_not_repeated),
        TEST(test_one_recipient_twice_in_one_put),
        TEST(test_start_max),
        TEST(test_no_source_id),
        TEST(test_nasty_texts_come_back_as_they_were),
        TEST(test_quota),
        TEST(test_quota_refuses_all_items_or_none),
        TEST(test_abandoned_before_it_ran),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
