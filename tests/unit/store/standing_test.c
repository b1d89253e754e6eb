/* What is known of a channel, and Front's proof that it shows a message: both survive, and both may come twice. */
#include "kit.h"
#include <string.h>

/* ---- Facts ---- */

static struct standing standing_of(struct kit *k, const char *channel)
{
    struct store_standings p = {0};
    struct standing found = {.life_at = -1};
    kit_expect(&p);
    store_post_standings(k->store, &p);
    kit_await(k, &p.op);
    assert_int_equal(p.op.result, OK);
    for (unsigned i = 0; i < p.item_n; i++)
        if (strcmp(p.item[i].channel, channel) == 0)
            found = p.item[i].standing;
    store_standings_fini(&p);
    return found;
}

static void test_standings_survive_and_change_one_by_one(void **state)
{
    struct kit *k = *state;
    struct store_standing p = {.channel = CHANNEL,
                               .fields = STANDING_FRONT_CHANNEL | STANDING_LIFE_AT,
                               .to = {.front_channel = "cha_1", .life_at = 7, .is_offline = true}};
    assert_int_equal(standing_of(k, CHANNEL).life_at, -1);
    assert_int_equal(kit_standing(k, &p), OK);
    p = (struct store_standing){
        .channel = CHANNEL, .fields = STANDING_LIFE, .to = {.life = LIFE_STOPPED, .life_since = NOW}};
    assert_int_equal(kit_standing(k, &p), OK);
    kit_reopen(k);
    struct standing f = standing_of(k, CHANNEL);
    assert_string_equal(f.front_channel, "cha_1");
    assert_int_equal(f.life, LIFE_STOPPED);
    assert_int_equal(f.life_since, NOW);
    assert_int_equal(f.life_at, 7);
    assert_int_equal(standing_of(k, "another").life_at, -1);
}

/* The first row may be written by any of them: what it does not name has its default then. */
static void test_a_first_word_says_nothing_of_the_others(void **state)
{
    struct kit *k = *state;
    struct store_standing p = {.channel = CHANNEL, .fields = STANDING_OFFLINE, .to = {.is_offline = true}};
    assert_int_equal(kit_standing(k, &p), OK);
    struct standing f = standing_of(k, CHANNEL);
    assert_true(f.is_offline);
    assert_string_equal(f.front_channel, "");
    assert_int_equal(f.life, LIFE_OPEN);
    p = (struct store_standing){.channel = "another",
                                .fields = STANDING_LIFE_AT,
                                .to = {.front_channel = "cha_1",
                                       .life = LIFE_RESUMING,
                                       .life_at = 7,
                                       .life_since = 8,
                                       .is_offline = true}};
    assert_int_equal(kit_standing(k, &p), OK);
    f = standing_of(k, "another");
    assert_int_equal(f.life_at, 7);
    assert_string_equal(f.front_channel, "");
    assert_int_equal(f.life, LIFE_OPEN);
    assert_int_equal(f.life_since, 0);
    assert_false(f.is_offline);
}

/* ---- Confirmations ---- */

static struct store_item put_in(struct kit *k, const char *id, unsigned start_max)
{
    struct store_item item = {.recipient = SPAN_LIT("ada"), .lane = SPAN_LIT("l"), .body = SPAN_LIT("{}")};
    struct store_put p = {.direction = MESSAGE_IN,
                          .channel = CHANNEL,
                          .source_id = span_of(id),
                          .thread_ref = SPAN_LIT("t"),
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

static enum err accepted(struct kit *k, int64_t id, const char *uid)
{
    struct store_settle p = {.id = id,
                             .attempt = 1,
                             .verb = VERB_ACCEPT,
                             .outcome = "delivered",
                             .now = NOW,
                             .external_id = span_of(uid),
                             .wants_learning = true};
    return kit_settle(k, &p);
}

static struct store_confirm confirm(struct kit *k, int64_t id, const char *uid)
{
    struct store_confirm p = {.channel = CHANNEL, .id = id, .uid = span_of(uid), .now = NOW};
    (void)kit_confirm(k, &p);
    return p;
}

static void test_an_accepted_message_is_confirmed_once(void **state)
{
    struct kit *k = *state;
    struct store_item a = put_in(k, "a", 1), b = put_in(k, "b", 0);
    assert_int_equal(accepted(k, a.id, "uid-a"), OK);
    struct store_confirm p = confirm(k, a.id, NULL);
    assert_int_equal(p.op.result, OK);
    assert_true(p.is_new);
    assert_int_equal(state_of(k, a.id), MESSAGE_DELIVERED);
    kit_reopen(k);
    p = confirm(k, a.id, "uid-a");
    assert_int_equal(p.op.result, OK);
    assert_false(p.is_new);
    assert_int_equal(state_of(k, b.id), MESSAGE_QUEUED);
}

static void test_the_uid_finds_what_was_accepted(void **state)
{
    struct kit *k = *state;
    struct store_item a = put_in(k, "a", 1);
    assert_int_equal(confirm(k, 0, "uid-a").op.result, ERR_NOT_FOUND);
    assert_int_equal(accepted(k, a.id, "uid-a"), OK);
    assert_int_equal(confirm(k, 0, "uid-b").op.result, ERR_NOT_FOUND);
    struct store_confirm p = confirm(k, 0, "uid-a");
    assert_int_equal(p.op.result, OK);
    assert_int_equal(p.found_id, a.id);
    assert_int_equal(state_of(k, a.id), MESSAGE_DELIVERED);
    assert_int_equal(confirm(k, 0, NULL).op.result, ERR_NOT_FOUND);
}

/* Front's callback overtakes the answer to our call; the answer still tells the uid and starts the learning. */
static void test_confirmed_before_its_own_answer(void **state)
{
    struct kit *k = *state;
    struct store_item a = put_in(k, "a", 1), b = put_in(k, "b", 0);
    struct store_confirm p = confirm(k, a.id, NULL);
    assert_true(p.is_new);
    assert_true(p.is_promoted);
    assert_int_equal(accepted(k, a.id, "uid-a"), OK);
    assert_int_equal(state_of(k, a.id), MESSAGE_DELIVERED);
    struct store_show show = {.id = a.id};
    assert_int_equal(kit_show(k, &show), OK);
    assert_string_equal(show.message.external_id, "uid-a");
    store_show_fini(&show);
    struct store_learn learn = {.channel = CHANNEL, .now = NOW};
    assert_int_equal(kit_learn(k, &learn), OK);
    assert_int_equal(learn.lesson_n, 1);
    store_learn_fini(&learn);
    struct store_claim claim = {.direction = MESSAGE_IN, .channel = CHANNEL, .now = NOW, .max = 2};
    assert_int_equal(kit_claim(k, &claim), OK);
    assert_int_equal(claim.message_n, 1);
    assert_int_equal(claim.message[0].id, b.id);
    store_claim_fini(&claim);
}

/* The answer was lost and the message waits for another attempt: there will be none. */
static void test_what_is_confirmed_is_not_sent_again(void **state)
{
    struct kit *k = *state;
    struct store_item a = put_in(k, "a", 1);
    struct store_settle lost = {
        .id = a.id, .attempt = 1, .verb = VERB_RETRY, .outcome = "unknown", .now = NOW, .due_at = NOW + 5};
    assert_int_equal(kit_settle(k, &lost), OK);
    assert_true(confirm(k, a.id, "uid-a").is_new);
    struct store_claim claim = {.direction = MESSAGE_IN, .channel = CHANNEL, .now = NOW + 10, .max = 2};
    assert_int_equal(kit_claim(k, &claim), OK);
    assert_int_equal(claim.message_n, 0);
    store_claim_fini(&claim);
}

static void test_no_other_message_is_confirmed(void **state)
{
    struct kit *k = *state;
    struct store_item out = put1(k, "o", "l", "{}", 0), in = put_in(k, "a", 0);
    struct store_confirm p = {.channel = "another", .id = in.id, .now = NOW};
    struct store_admin drop = {.verb = VERB_DROP, .filter = {.id = in.id, .direction = -1}, .now = NOW};
    assert_int_equal(confirm(k, out.id, NULL).op.result, ERR_NOT_FOUND);
    assert_int_equal(confirm(k, in.id + 1000, NULL).op.result, ERR_NOT_FOUND);
    assert_int_equal(kit_confirm(k, &p), ERR_NOT_FOUND);
    assert_int_equal(kit_admin(k, &drop), OK);
    assert_int_equal(confirm(k, in.id, NULL).op.result, ERR_CONFLICT);
}

/* ---- Holding for a reason ---- */

static void test_only_what_was_held_for_a_reason_is_released(void **state)
{
    struct kit *k = *state;
    struct store_item mine = put1(k, "a", "l", "{}", 0), theirs = put1(k, "b", "l", "{}", 0);
    struct store_admin hold = {.verb = VERB_HOLD, .filter = {.direction = -1, .id = theirs.id}, .now = NOW};
    assert_int_equal(kit_admin(k, &hold), OK);
    hold = (struct store_admin){.verb = VERB_HOLD,
                                .filter = {.direction = -1, .channel = CHANNEL},
                                .note = SPAN_LIT("deleted"),
                                .now = NOW};
    assert_int_equal(kit_admin(k, &hold), OK);
    assert_int_equal(count_of(k, MESSAGE_HELD), 2);
    struct store_admin release = {.verb = VERB_RELEASE,
                                  .filter = {.direction = -1, .channel = CHANNEL, .reason = "deleted"},
                                  .now = NOW,
                                  .expires_in_ms = LIFE};
    assert_int_equal(kit_admin(k, &release), OK);
    assert_int_equal(release.message_n, 1);
    assert_int_equal(state_of(k, mine.id), MESSAGE_QUEUED);
    assert_int_equal(state_of(k, theirs.id), MESSAGE_HELD);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, kit_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_standings_survive_and_change_one_by_one),
        TEST(test_a_first_word_says_nothing_of_the_others),
        TEST(test_an_accepted_message_is_confirmed_once),
        TEST(test_the_uid_finds_what_was_accepted),
        TEST(test_confirmed_before_its_own_answer),
        TEST(test_what_is_confirmed_is_not_sent_again),
        TEST(test_no_other_message_is_confirmed),
        TEST(test_only_what_was_held_for_a_reason_is_released),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
