/* Lines of history: stored once each, in order, in a queue and a quota of their own. */
#include "kit.h"
#include <stdlib.h>
#include <string.h>

#define HISTORY CHANNEL ":import"

static struct store_import_line line(const char *id, const char *handle, const char *body)
{
    return (struct store_import_line){.source_id = span_of(id),
                                      .recipient = span_of(handle),
                                      .lane = span_of(handle),
                                      .thread_ref = span_of(handle),
                                      .body = span_of(body)};
}

static enum err import(struct kit *k, struct store_import_line *lines, unsigned n, uint64_t quota)
{
    struct store_import p = {.channel = CHANNEL,
                             .now = NOW,
                             .expires_at = NOW + LIFE,
                             .quota_bytes = quota,
                             .line = lines,
                             .line_n = n};
    return kit_import(k, &p);
}

static enum store_put_how import1(struct kit *k, const char *id, const char *handle, const char *body)
{
    struct store_import_line l = line(id, handle, body);
    assert_int_equal(import(k, &l, 1, 0), OK);
    assert_true(l.id > 0);
    return l.how;
}

/* Claims what is due of the history; the ids of the lines, with blanks between. */
static void claim(struct kit *k, unsigned max, char ids[64])
{
    struct store_claim c = {.direction = MESSAGE_IN, .channel = HISTORY, .now = NOW, .max = max};
    assert_int_equal(kit_claim(k, &c), OK);
    ids[0] = 0;
    for (unsigned i = 0; i < c.message_n; i++) {
        assert_int_equal(c.message[i].kind, KIND_IMPORT);
        assert_string_equal(c.message[i].channel, HISTORY);
        strcat(strcat(ids, i ? " " : ""), c.message[i].source_id);
    }
    store_claim_fini(&c);
}

static void test_names(void **state)
{
    char name[STORE_CHANNEL_BYTES];
    struct span channel;
    (void)state;
    store_history_name("support", name);
    assert_string_equal(name, "support:import");
    assert_true(store_history_of(span_of(name), &channel));
    assert_true(span_is(channel, "support"));
    assert_false(store_history_of(SPAN_LIT("support"), &channel));
    assert_false(store_history_of(SPAN_LIT(":import"), &channel));
    assert_false(store_history_of(SPAN_NONE, &channel));
}

static void test_each_line_once_and_in_order(void **state)
{
    struct kit *k = *state;
    char ids[64];
    struct store_import_line l[] = {line("1", "ada", "{}"), line("2", "bob", "{}"), line("3", "ada", "{}"),
                                    line("1", "ada", "{}")};
    assert_int_equal(import(k, l, 4, 0), OK);
    assert_int_equal(l[0].how, STORE_NEW);
    assert_int_equal(l[2].how, STORE_NEW);
    assert_int_equal(l[3].how, STORE_RUNNING);
    assert_int_equal(l[3].id, l[0].id);
    assert_int_equal(import1(k, "2", "carl", "{}"), STORE_RUNNING); /* known by its id alone */
    assert_int_equal(count_of(k, MESSAGE_QUEUED), 3);
    assert_int_equal(claim_at(k, NOW), 0); /* the channel's own queues have nothing */
    claim(k, 9, ids);
    assert_string_equal(ids, "1 2");
    assert_int_equal(settle1(k, l[0].id, 1, VERB_ACCEPT), OK);
    claim(k, 9, ids);
    assert_string_equal(ids, "3");
    assert_int_equal(import1(k, "1", "ada", "{}"), STORE_DONE);
    kit_reopen(k);
    assert_int_equal(import1(k, "1", "ada", "{}"), STORE_DONE);
}

/* A line that Front refused is imported again once it was mended. */
static void test_a_dead_line_lives_again(void **state)
{
    struct kit *k = *state;
    char ids[64];
    struct store_import_line l = line("1", "ada", "{\"a\":1}");
    assert_int_equal(import(k, &l, 1, 0), OK);
    claim(k, 1, ids);
    assert_int_equal(settle1(k, l.id, 1, VERB_KILL), OK);
    assert_int_equal(import1(k, "1", "bob", "{\"a\":22}"), STORE_AGAIN);
    assert_int_equal(count_of(k, MESSAGE_DEAD), 0);
    struct store_show s = {.id = l.id};
    assert_int_equal(kit_show(k, &s), OK);
    assert_string_equal(s.message.body, "{\"a\":22}");
    store_show_fini(&s);
}

static void test_the_quota_takes_all_or_none(void **state)
{
    struct kit *k = *state;
    struct store_import_line l[] = {line("1", "ada", "{\"a\":1}"), line("2", "ada", "{\"a\":2}"),
                                    line("3", "ada", "{\"a\":3}")};
    assert_int_equal(import(k, l, 3, 20), ERR_FULL);
    assert_int_equal(count_of(k, MESSAGE_QUEUED), 0);
    assert_int_equal(import(k, l, 2, 20), OK);
    assert_int_equal(import(k, l, 2, 20), OK); /* both are there: nothing more is needed */
    assert_int_equal(import(k, l, 3, 20), ERR_FULL);
    assert_int_equal(import(k, l, 3, 21), OK);
    assert_int_equal(count_of(k, MESSAGE_QUEUED), 3);
    put1(k, "live", "a", "{}", 0); /* which has a quota of its own */
}

static void test_a_line_without_its_parts_is_refused(void **state)
{
    struct kit *k = *state;
    struct store_import_line l[] = {line("1", "ada", "{}"), line(NULL, "ada", "{}")};
    assert_int_equal(import(k, l, 2, 0), ERR_INVALID);
    static struct store_import_line many[STORE_IMPORT_MAX + 1];
    for (unsigned i = 0; i < ARRAY_LEN(many); i++)
        many[i] = l[0];
    assert_int_equal(import(k, many, STORE_IMPORT_MAX + 1, 0), ERR_INVALID);
    assert_int_equal(count_of(k, MESSAGE_QUEUED), 0);
}

/* What an agent began, and Front knows by our word for it, keeps that word. */
static void test_the_reference_that_front_knows_is_kept(void **state)
{
    struct kit *k = *state;
    deliver1(k, &(struct delivered){.id = "m1",
                                    .handle = "ada",
                                    .conversation = "cnv_1",
                                    .thread_ref = "ours",
                                    .peer_conversation = "room-1"});
    for (int follows = 0; follows < 2; follows++) {
        struct store_import_line l = line(follows ? "1" : "2", "ada", "{}");
        l.conversation = SPAN_LIT("room-1");
        struct store_import p = {.channel = CHANNEL,
                                 .follows_link = follows,
                                 .now = NOW,
                                 .expires_at = NOW + LIFE,
                                 .line = &l,
                                 .line_n = 1};
        assert_int_equal(kit_import(k, &p), OK);
        struct store_show w = {.id = l.id};
        assert_int_equal(kit_show(k, &w), OK);
        assert_string_equal(w.message.thread_ref, follows ? "ours" : "ada");
        store_show_fini(&w);
    }
}

/* A customer's live message, and the conversation that Front shows for it. */
static void live(struct kit *k, const char *ref, const char *peer, const char *conversation)
{
    struct store_item item = {.recipient = span_of(ref), .lane = span_of(ref), .body = SPAN_LIT("{}")};
    struct store_put p = {.channel = CHANNEL,
                          .direction = MESSAGE_IN,
                          .source_id = span_of(conversation),
                          .conversation = span_of(peer),
                          .thread_ref = span_of(ref),
                          .now = NOW,
                          .created_at = NOW,
                          .expires_at = NOW + LIFE,
                          .start_max = 1,
                          .item = &item,
                          .item_n = 1};
    assert_int_equal(kit_put(k, &p), OK);
    struct store_settle s = {.id = item.id,
                             .attempt = 1,
                             .verb = VERB_ACCEPT,
                             .outcome = "delivered",
                             .now = NOW,
                             .external_id = SPAN_LIT("uid"),
                             .wants_learning = true};
    assert_int_equal(kit_settle(k, &s), OK);
    struct store_learn *l = mem_zalloc(sizeof *l);
    *l = (struct store_learn){.channel = CHANNEL, .now = NOW, .retry_ms = 1000};
    assert_int_equal(kit_learn(k, l), OK);
    assert_int_equal(l->lesson_n, 1);
    struct store_learnt t = {
        .thread_id = l->lesson[0].thread_id, .conversation = span_of(conversation), .now = NOW};
    assert_int_equal(kit_learnt(k, &t), OK);
    store_learn_fini(l);
    free(l);
}

/* Where the next line of this thread goes; it is sent and accepted. */
static void expect_joins(struct kit *k, const char *id, const char *ref, const char *peer,
                         const char *conversation)
{
    struct store_import_line l = line(id, ref, "{}");
    l.conversation = span_of(peer);
    assert_int_equal(import(k, &l, 1, 0), OK);
    struct store_claim c = {.direction = MESSAGE_IN, .channel = HISTORY, .now = NOW, .max = 1};
    assert_int_equal(kit_claim(k, &c), OK);
    assert_int_equal(c.message_n, 1);
    if (conversation)
        assert_string_equal(c.message[0].front_conversation, conversation);
    else
        assert_null(c.message[0].front_conversation);
    assert_int_equal(settle1(k, c.message[0].id, 1, VERB_ACCEPT), OK);
    store_claim_fini(&c);
}

static void test_history_joins_a_live_conversation_whole_or_not_at_all(void **state)
{
    struct kit *k = *state;
    expect_joins(k, "1", "ada", NULL, NULL);
    live(k, "ada", NULL, "cnv_1");
    live(k, "bob", "room-2", "cnv_2");
    expect_joins(k, "2", "ada", NULL, NULL); /* it has begun apart */
    expect_joins(k, "3", "bob", NULL, "cnv_2");
    expect_joins(k, "4", "room-2", "room-2", "cnv_2"); /* by the backend's conversation */
    struct span gone[] = {SPAN_LIT("cnv_2")};
    struct store_merge merge = {
        .channel = CHANNEL, .into = SPAN_LIT("cnv_3"), .gone = gone, .gone_n = 1, .now = NOW};
    assert_int_equal(kit_merge(k, &merge), OK);
    expect_joins(k, "5", "bob", NULL, "cnv_3");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, kit_tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        TEST(test_each_line_once_and_in_order),
        TEST(test_a_dead_line_lives_again),
        TEST(test_the_quota_takes_all_or_none),
        TEST(test_a_line_without_its_parts_is_refused),
        TEST(test_the_reference_that_front_knows_is_kept),
        TEST(test_history_joins_a_live_conversation_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
