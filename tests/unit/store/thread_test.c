/* What the store knows of conversations on both sides: learnt, told by the backend, merged. */
#include "kit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t receive(struct kit *k, const char *id, const char *peer, const char *ref, const char *handle)
{
    struct store_item item = {.recipient = span_of(handle), .lane = span_of(ref), .body = SPAN_LIT("{}")};
    struct store_put p = {.channel = CHANNEL,
                          .direction = MESSAGE_IN,
                          .source_id = span_of(id),
                          .conversation = span_of(peer),
                          .thread_ref = span_of(ref),
                          .now = NOW,
                          .created_at = NOW,
                          .expires_at = NOW + LIFE,
                          .start_max = 1,
                          .item = &item,
                          .item_n = 1};
    assert_int_equal(kit_put(k, &p), OK);
    assert_null(item.peer_conversation);
    return item.id;
}

/* What a delivery started at once is told as the backend's conversation. */
static void expect_peer(struct kit *k, const char *cnv, const char *ref, const char *handle, const char *peer)
{
    static int n;
    char id[16];
    snprintf(id, sizeof id, "out%d", n++);
    struct store_item item = {.recipient = span_of(handle), .lane = span_of(id), .body = SPAN_LIT("{}")};
    struct store_put p = {.channel = CHANNEL,
                          .source_id = span_of(id),
                          .conversation = span_of(cnv),
                          .thread_ref = span_of(ref),
                          .now = NOW,
                          .created_at = NOW,
                          .expires_at = NOW + LIFE,
                          .start_max = 1,
                          .item = &item,
                          .item_n = 1};
    assert_int_equal(kit_put(k, &p), OK);
    if (peer)
        assert_string_equal(item.peer_conversation, peer);
    else
        assert_null(item.peer_conversation);
    store_put_fini(&p);
    struct store_show s = {.id = item.id}; /* and a claim or a list says the same */
    assert_int_equal(kit_show(k, &s), OK);
    if (peer)
        assert_string_equal(s.message.peer_conversation, peer);
    else
        assert_null(s.message.peer_conversation);
    store_show_fini(&s);
}

static void test_threads(void **state)
{
    struct kit *k = *state;
    expect_peer(k, "cnv_1", NULL, "+49", NULL);
    int64_t in = receive(k, "b1", "room-1", "ref-1", "+49");
    expect_peer(k, "cnv_1", NULL, "+49", "room-1"); /* the handle's newest thread */
    expect_peer(k, "cnv_1", NULL, "+50", NULL);
    expect_peer(k, "cnv_9", "ref-1", "+50", "room-1"); /* Front names the thread */

    struct store_settle s = {.id = in,
                             .attempt = 1,
                             .verb = VERB_ACCEPT,
                             .outcome = "delivered",
                             .now = NOW,
                             .external_id = SPAN_LIT("uid-1"),
                             .wants_learning = true};
    assert_int_equal(kit_settle(k, &s), OK);
    struct store_learn *l = mem_zalloc(sizeof *l);
    l->channel = CHANNEL;
    l->now = NOW;
    l->retry_ms = 1000;
    assert_int_equal(kit_learn(k, l), OK);
    assert_int_equal(l->lesson_n, 1);
    assert_string_equal(l->lesson[0].message_uid, "uid-1");
    assert_int_equal(l->next_at, NOW + 1000);
    int64_t thread = l->lesson[0].thread_id;
    assert_int_equal(kit_learn(k, l), OK);
    assert_int_equal(l->lesson_n, 0);
    l->now = NOW + 1000;
    assert_int_equal(kit_learn(k, l), OK);
    assert_int_equal(l->lesson_n, 1);
    assert_int_equal(l->lesson[0].tries, 1);
    struct store_learnt t = {.thread_id = thread, .conversation = SPAN_LIT("cnv_7"), .now = NOW};
    assert_int_equal(kit_learnt(k, &t), OK);
    l->now = NOW + 9000;
    assert_int_equal(kit_learn(k, l), OK);
    assert_int_equal(l->lesson_n, 0);
    assert_int_equal(l->next_at, INT64_MAX);
    store_learn_fini(l);
    free(l);
    expect_peer(k, "cnv_7", NULL, "+51", "room-1");
    expect_peer(k, "cnv_1", NULL, "+49", NULL); /* that thread has its conversation now */

    struct store_item o = put1(k, "m1", "a", "{}", 0);
    (void)o;
    t.thread_id = 99;
    assert_int_equal(kit_learnt(k, &t), ERR_NOT_FOUND);
}

/* A delivery in conversation cnv, for which the backend names its own. */
static int64_t deliver(struct kit *k, const char *id, const char *cnv, const char *peer)
{
    return deliver1(k, &(struct delivered){.id = id,
                                           .handle = "+49",
                                           .conversation = cnv,
                                           .external_id = "x-9",
                                           .peer_conversation = peer,
                                           .lane = "a"});
}

static void test_backend_tells_its_conversation(void **state)
{
    struct kit *k = *state;
    int64_t id = deliver(k, "m1", "cnv_1", "room-3");
    expect_peer(k, "cnv_1", NULL, "+49", "room-3");
    struct store_show w = {.id = id};
    assert_int_equal(kit_show(k, &w), OK);
    assert_string_equal(w.message.external_id, "x-9");
    store_show_fini(&w);
}

/* ---- The other way ---- */

/* Front's conversation of an inbound message, as a claim hands it out; it ends as accepted under uid. */
static void expect_front(struct kit *k, enum message_kind kind, const char *id, const char *peer,
                         const char *ref, const char *conversation, const char *uid)
{
    struct store_item item = {.recipient = SPAN_LIT("ada"), .lane = span_of(ref), .body = SPAN_LIT("{}")};
    struct store_put p = {.channel = CHANNEL,
                          .direction = MESSAGE_IN,
                          .kind = kind,
                          .source_id = span_of(id),
                          .conversation = span_of(peer),
                          .thread_ref = span_of(ref),
                          .now = NOW,
                          .created_at = NOW,
                          .expires_at = NOW + LIFE,
                          .item = &item,
                          .item_n = 1};
    assert_int_equal(kit_put(k, &p), OK);
    struct store_claim c = {.direction = MESSAGE_IN, .channel = CHANNEL, .now = NOW, .max = 1};
    assert_int_equal(kit_claim(k, &c), OK);
    assert_int_equal(c.message_n, 1);
    assert_int_equal(c.message[0].kind, kind);
    assert_null(c.message[0].peer_conversation);
    if (conversation)
        assert_string_equal(c.message[0].front_conversation, conversation);
    else
        assert_null(c.message[0].front_conversation);
    struct store_settle s = {.id = item.id,
                             .attempt = 1,
                             .verb = VERB_ACCEPT,
                             .outcome = "delivered",
                             .now = NOW,
                             .external_id = span_of(uid),
                             .wants_learning = !conversation};
    assert_int_equal(kit_settle(k, &s), OK);
    store_claim_fini(&c);
}

/* The conversation behind the message with this uid is learnt. */
static void learn(struct kit *k, const char *uid, const char *conversation)
{
    struct store_learn *l = mem_zalloc(sizeof *l);
    l->channel = CHANNEL;
    l->now = NOW;
    l->retry_ms = 1000;
    assert_int_equal(kit_learn(k, l), OK);
    assert_int_equal(l->lesson_n, 1);
    assert_string_equal(l->lesson[0].message_uid, uid);
    struct store_learnt t = {
        .thread_id = l->lesson[0].thread_id, .conversation = span_of(conversation), .now = NOW};
    assert_int_equal(kit_learnt(k, &t), OK);
    store_learn_fini(l);
    free(l);
}

static void test_the_map_is_read_backwards(void **state)
{
    struct kit *k = *state;
    expect_front(k, KIND_MESSAGE, "b1", "room-1", "ada", NULL, "uid-1");
    learn(k, "uid-1", "cnv_1");
    expect_front(k, KIND_MESSAGE, "b2", "room-1", "ada", "cnv_1", "uid-2");
    expect_front(k, KIND_MESSAGE, "b3", "room-2", "ada", "cnv_1", "uid-3"); /* one thread for the contact */
    expect_front(k, KIND_AGENT, "b4", "room-1", "ada", "cnv_1", "uid-4");
    deliver(k, "m1", "cnv_9", "room-9"); /* an agent began it in Front */
    expect_front(k, KIND_AGENT, "b5", "room-9", "ada", "cnv_9", "uid-5");
    expect_front(k, KIND_MESSAGE, "b6", "room-9", "ada", "cnv_1", "uid-6");
}

/* What an agent began over there is a conversation of its own for Front, which a customer's message does not join. */
static void test_an_agents_thread_is_learnt_apart(void **state)
{
    struct kit *k = *state;
    expect_front(k, KIND_AGENT, "b1", "room-1", "ada", NULL, "uid-1");
    learn(k, "uid-1", "cnv_1");
    expect_front(k, KIND_AGENT, "b2", "room-1", "ada", "cnv_1", "uid-2");
    expect_front(k, KIND_AGENT, "b3", NULL, "ada", "cnv_1", "uid-3");
    expect_front(k, KIND_MESSAGE, "b4", NULL, "ada", NULL, "uid-4");
    learn(k, "uid-4", "cnv_2");
    expect_front(k, KIND_MESSAGE, "b5", NULL, "ada", "cnv_2", "uid-5");
    expect_front(k, KIND_AGENT, "b6", NULL, "ada", "cnv_2", "uid-6"); /* the customer has answered there */
    expect_peer(k, "cnv_1", NULL, "bob", "room-1");
}

/* ---- Merges ---- */

static unsigned merge(struct kit *k, const char *channel, const char *gone, const char *into)
{
    struct span ids[] = {span_of(gone)};
    struct store_merge m = {.channel = channel, .into = span_of(into), .gone = ids, .gone_n = 1, .now = NOW};
    assert_int_equal(kit_merge(k, &m), OK);
    return m.link_n;
}

static void test_a_merged_conversation_goes_on_in_the_other(void **state)
{
    struct kit *k = *state;
    deliver(k, "m1", "cnv_1", "room-1");
    assert_int_equal(merge(k, CHANNEL, "cnv_1", "cnv_2"), 1);
    expect_peer(k, "cnv_2", NULL, "+50", "room-1");
    expect_peer(k, "cnv_1", NULL, "+50", "room-1"); /* what was under way still names the old one */
    assert_int_equal(merge(k, CHANNEL, "cnv_1", "cnv_2"), 0);
    assert_int_equal(merge(k, NULL, "cnv_2", "cnv_3"), 1); /* merged again; every channel */
    expect_peer(k, "cnv_3", NULL, "+50", "room-1");
}

static void test_what_the_surviving_conversation_is_it_stays(void **state)
{
    struct kit *k = *state;
    deliver(k, "m1", "cnv_1", "room-1");
    deliver(k, "m2", "cnv_2", "room-2");
    assert_int_equal(merge(k, CHANNEL, "cnv_1", "cnv_2"), 0);
    expect_peer(k, "cnv_2", NULL, "+50", "room-2");
    expect_peer(k, "cnv_1", NULL, "+50", "room-1");
}

static void test_merges_that_say_nothing(void **state)
{
    struct kit *k = *state;
    struct span ids[STORE_MERGE_MAX + 1] = {SPAN_LIT("cnv_1"), SPAN_LIT("cnv_2")};
    struct store_merge m = {.into = SPAN_LIT("cnv_2"), .gone = ids, .gone_n = 2, .now = NOW};
    assert_int_equal(kit_merge(k, &m), OK); /* nothing is known of them, and one is itself */
    assert_int_equal(m.link_n, 0);
    deliver(k, "m1", "cnv_1", "room-1");
    assert_int_equal(merge(k, "another", "cnv_1", "cnv_2"), 0);
    expect_peer(k, "cnv_2", NULL, "+50", NULL);
    m.gone_n = STORE_MERGE_MAX + 1;
    assert_int_equal(kit_merge(k, &m), ERR_INVALID);
    m = (struct store_merge){.gone = ids, .gone_n = 1};
    assert_int_equal(kit_merge(k, &m), ERR_INVALID);
}

/* ---- What Front is told as the conversation ---- */

struct telling {
    const char *id, *conversation;
    const char *named[3];
};

/* told NULL: what the put says. */
static void expect_told(struct kit *k, const struct telling *t, const char *told)
{
    struct store_item item = {.recipient = SPAN_LIT("+49"), .lane = span_of(t->id), .body = SPAN_LIT("{}")};
    struct span named[3];
    struct store_put p = {.channel = CHANNEL,
                          .source_id = span_of(t->id),
                          .conversation = span_of(t->conversation),
                          .thread_ref = SPAN_LIT("derived"),
                          .named = named,
                          .now = NOW,
                          .created_at = NOW,
                          .expires_at = NOW + LIFE,
                          .item = &item,
                          .item_n = 1};
    while (p.named_n < 3 && t->named[p.named_n]) {
        named[p.named_n] = span_of(t->named[p.named_n]);
        p.named_n++;
    }
    assert_int_equal(kit_put(k, &p), OK);
    if (told)
        assert_string_equal(p.told, told);
    else
        assert_true(!p.told || strcmp(p.told, "derived") == 0);
    store_put_fini(&p);
    struct store_show s = {.id = item.id};
    assert_int_equal(kit_show(k, &s), OK);
    assert_string_equal(s.message.thread_ref, told ? told : "derived");
    store_show_fini(&s);
}

static void test_what_front_is_told_is_chosen_once(void **state)
{
    struct kit *k = *state;
    expect_told(k, &(struct telling){"m1", "cnv_1", {NULL}}, NULL);
    expect_told(k, &(struct telling){"m1", "cnv_1", {"a", "b"}}, NULL); /* sent again: as it was told */
    expect_told(k, &(struct telling){"m2", "cnv_1", {"a"}}, "a");
    expect_told(k, &(struct telling){"m3", "cnv_1", {"a", "b"}}, "a"); /* the first, if none is known */
    receive(k, "b1", "room-1", "b", "+49");
    expect_told(k, &(struct telling){"m4", "cnv_1", {"a", "b"}}, "b"); /* the one that is known */
    expect_told(k, &(struct telling){"m3", "cnv_1", {"a", "b"}}, "a");
    expect_told(k, &(struct telling){"m4", "cnv_1", {"b2", "a"}}, "b"); /* merged since */
    kit_reopen(k);
    expect_told(k, &(struct telling){"m4", "cnv_1", {NULL}}, "b");
}

static void test_the_map_names_what_front_does_not(void **state)
{
    struct kit *k = *state;
    int64_t id = receive(k, "b1", "room-1", "ref-1", "+49");
    struct store_confirm c = {.channel = CHANNEL, .id = id, .conversation = SPAN_LIT("cnv_1"), .now = NOW};
    assert_int_equal(kit_confirm(k, &c), OK);
    expect_told(k, &(struct telling){"m1", "cnv_1", {NULL}}, "ref-1");
    expect_told(k, &(struct telling){"m2", "cnv_2", {NULL}}, NULL);
    expect_told(k, &(struct telling){"m3", NULL, {NULL}}, NULL);
    expect_front(k, KIND_AGENT, "b2", "room-9", "ada", NULL, "uid-1");
    learn(k, "uid-1", "cnv_9");
    expect_told(k, &(struct telling){"m4", "cnv_9", {NULL}},
                NULL); /* an agent's thread over there has no such name */
}

static void test_what_an_agent_began_keeps_its_name(void **state)
{
    struct kit *k = *state;
    deliver1(k, &(struct delivered){.id = "m1",
                                    .handle = "+49",
                                    .conversation = "cnv_1",
                                    .thread_ref = "fb-cnv_1",
                                    .peer_conversation = "room-1"});
    receive(k, "b1", "room-1", "other", "+49");
    expect_told(k, &(struct telling){"m2", "cnv_1", {"other", "fb-cnv_1"}}, "fb-cnv_1");
    expect_told(k, &(struct telling){"m3", "cnv_1", {NULL}}, "fb-cnv_1");
}

/* ---- Reports go where the conversation went ---- */

static void expect_report(struct kit *k, const char *moved_to)
{
    struct store_reports *r = mem_zalloc(sizeof *r);
    r->channel = CHANNEL;
    r->now = NOW;
    assert_int_equal(kit_reports(k, r), OK);
    assert_int_equal(r->message_n, 1);
    assert_string_equal(r->message[0].conversation, "cnv_1");
    if (moved_to)
        assert_string_equal(r->moved_to[0], moved_to);
    else
        assert_null(r->moved_to[0]);
    store_reports_fini(r);
    free(r);
}

static void redirect(struct kit *k, const char *gone, const char *into)
{
    struct span ids[] = {span_of(gone)};
    struct store_merge m = {.into = span_of(into), .is_redirect = true, .gone = ids, .gone_n = 1, .now = NOW};
    assert_int_equal(kit_merge(k, &m), OK);
    assert_int_equal(kit_merge(k, &m), OK);
}

static void test_a_report_goes_where_the_conversation_went(void **state)
{
    struct kit *k = *state;
    struct store_item item = {.recipient = SPAN_LIT("+49"), .lane = SPAN_LIT("l"), .body = SPAN_LIT("{}")};
    struct store_put p = {.channel = CHANNEL,
                          .source_id = SPAN_LIT("m1"),
                          .conversation = SPAN_LIT("cnv_1"),
                          .now = NOW,
                          .created_at = NOW,
                          .expires_at = NOW + LIFE,
                          .start_max = 1,
                          .item = &item,
                          .item_n = 1};
    assert_int_equal(kit_put(k, &p), OK);
    struct store_settle s = {.id = item.id,
                             .attempt = 1,
                             .verb = VERB_KILL,
                             .outcome = "rejected",
                             .now = NOW,
                             .wants_report = true};
    assert_int_equal(kit_settle(k, &s), OK);
    expect_report(k, NULL);
    merge(k, NULL, "cnv_1", "cnv_0"); /* an event about a conversation of which nothing is known */
    expect_report(k, NULL);
    redirect(k, "cnv_1", "cnv_2");
    expect_report(k, "cnv_2");
    redirect(k, "cnv_2", "cnv_3"); /* and on */
    expect_report(k, "cnv_3");
    kit_reopen(k);
    expect_report(k, "cnv_3");
    redirect(k, "cnv_3", "cnv_1"); /* odd, but no circle */
    expect_report(k, NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, kit_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_threads),
        TEST(test_backend_tells_its_conversation),
        TEST(test_the_map_is_read_backwards),
        TEST(test_an_agents_thread_is_learnt_apart),
        TEST(test_a_merged_conversation_goes_on_in_the_other),
        TEST(test_what_the_surviving_conversation_is_it_stays),
        TEST(test_merges_that_say_nothing),
        TEST(test_what_front_is_told_is_chosen_once),
        TEST(test_the_map_names_what_front_does_not),
        TEST(test_what_an_agent_began_keeps_its_name),
        TEST(test_a_report_goes_where_the_conversation_went),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
