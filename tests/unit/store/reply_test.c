/* Which message another one answers, as both sides call it; and ids that Front is told under another name. */
#include "kit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct in { /* a message of the backend; absent members are not said */
    const char *id, *conversation, *ref, *handle, *reply_to;
    enum message_kind kind;
    const char *channel;
    bool is_application;
    const struct store_alias *alias;
};

static int64_t receive(struct kit *k, const struct in *in)
{
    struct store_item item = {.recipient = span_of(in->handle ? in->handle : "ada"),
                              .lane = span_of(in->conversation ? in->conversation : "ada"),
                              .body = SPAN_LIT("{}")};
    struct store_put p = {.channel = in->channel ? in->channel : CHANNEL,
                          .direction = MESSAGE_IN,
                          .kind = in->kind,
                          .source_id = span_of(in->id),
                          .conversation = span_of(in->conversation),
                          .thread_ref = span_of(in->ref ? in->ref : "ada"),
                          .reply_to = span_of(in->reply_to),
                          .follows_link = in->is_application,
                          .alias = in->alias,
                          .alias_n = in->alias != NULL,
                          .now = NOW,
                          .created_at = NOW,
                          .expires_at = NOW + LIFE,
                          .start_max = 1,
                          .item = &item,
                          .item_n = 1};
    assert_int_equal(kit_put(k, &p), OK);
    return item.id;
}

static void taken(struct kit *k, int64_t id, const char *uid)
{
    struct store_settle s = {.id = id,
                             .attempt = 1,
                             .verb = VERB_ACCEPT,
                             .outcome = "delivered",
                             .now = NOW,
                             .external_id = span_of(uid)};
    assert_int_equal(kit_settle(k, &s), OK);
}

/* A delivery that the backend took as `external_id`. */
static int64_t deliver(struct kit *k, const char *id, const char *handle, const char *external_id)
{
    return deliver1(k, &(struct delivered){.id = id,
                                           .handle = handle,
                                           .conversation = "cnv_1",
                                           .thread_ref = "fb-cnv_1",
                                           .external_id = external_id});
}

/* What the adapter is told of a delivery that answers `reply_to`, started at once, and as a list says it later. */
static void expect_told(struct kit *k, const char *reply_to, const char *told)
{
    static int n;
    char id[16];
    snprintf(id, sizeof id, "answer%d", n++);
    struct store_item item = {.recipient = SPAN_LIT("ada"), .lane = span_of(id), .body = SPAN_LIT("{}")};
    struct store_put p = {.channel = CHANNEL,
                          .source_id = span_of(id),
                          .reply_to = span_of(reply_to),
                          .now = NOW,
                          .created_at = NOW,
                          .expires_at = NOW + LIFE,
                          .start_max = 1,
                          .item = &item,
                          .item_n = 1};
    assert_int_equal(kit_put(k, &p), OK);
    struct store_show s = {.id = item.id};
    assert_int_equal(kit_show(k, &s), OK);
    if (told) {
        assert_non_null(item.reply);
        assert_string_equal(item.reply, told);
        assert_string_equal(s.message.reply, told);
    } else {
        assert_null(item.reply);
        assert_null(s.message.reply);
    }
    store_show_fini(&s);
    store_put_fini(&p);
}

static void test_an_agent_answers_a_customer(void **state)
{
    struct kit *k = *state;
    char own[STORE_ID_BYTES];
    int64_t id = receive(k, &(struct in){.id = "b1"});
    store_id_format(k->store, id, own);
    expect_told(k, "uid-1", NULL);
    taken(k, id, "uid-1");
    expect_told(k, "uid-1", "b1");
    expect_told(k, own, "b1");
    expect_told(k, "b1", "b1");
    expect_told(k, "msg_1", NULL);
    struct store_confirm c = {.channel = CHANNEL,
                              .id = id,
                              .front_id = SPAN_LIT("msg_1"),
                              .conversation = SPAN_LIT("cnv_1"),
                              .now = NOW};
    assert_int_equal(kit_confirm(k, &c), OK);
    expect_told(k, "msg_1", "b1");
    expect_told(k, "unknown\nmsg_1", "b1"); /* the first that is known */
    expect_told(k, "uid-1\nmsg_9", "b1");   /* also once it is delivered */
    c.front_id = SPAN_LIT("msg_2");         /* told twice, and differently: the first counts */
    assert_int_equal(kit_confirm(k, &c), OK);
    expect_told(k, "msg_2", NULL);
    expect_told(k, "", NULL);
    expect_told(k, "\n\n", NULL);
    kit_reopen(k);
    expect_told(k, "msg_1", "b1");
}

static void test_an_agent_answers_an_agent(void **state)
{
    struct kit *k = *state;
    deliver(k, "msg_1", "ada", "x-1");
    deliver(k, "msg_2", "bob", "x-2");
    deliver(k, "msg_3", "ada", NULL);
    expect_told(k, "msg_1", "x-1");
    expect_told(k, "fb-msg_1", "x-1");
    expect_told(k, "x-1", "x-1");
    expect_told(k, "msg_2", NULL); /* it is none of this recipient's */
    expect_told(k, "msg_3", NULL); /* the backend told no id */
    taken(k, receive(k, &(struct in){.id = "b1", .kind = KIND_AGENT}), "uid-1");
    expect_told(k, "uid-1", "b1");
}

static void test_what_has_no_id_of_the_backend_is_not_told(void **state)
{
    struct kit *k = *state;
    taken(k, receive(k, &(struct in){.id = "none:abcdef"}), "uid-1");
    expect_told(k, "uid-1", NULL);
    taken(k, receive(k, &(struct in){.id = STORE_SEEN "msg_1", .kind = KIND_RECEIPT}), NULL);
    expect_told(k, STORE_SEEN "msg_1", NULL);
    taken(k, receive(k, &(struct in){.id = "b1", .channel = "another"}), "uid-2");
    expect_told(k, "uid-2", NULL);
}

static void test_history_is_answered_too(void **state)
{
    struct kit *k = *state;
    struct store_import_line line = {.source_id = SPAN_LIT("old-1"),
                                     .recipient = SPAN_LIT("ada"),
                                     .lane = SPAN_LIT("ada"),
                                     .body = SPAN_LIT("{}")};
    struct store_import p = {
        .channel = CHANNEL, .now = NOW, .expires_at = NOW + LIFE, .line = &line, .line_n = 1};
    char own[STORE_ID_BYTES];
    receive(k, &(struct in){.id = "b1"});
    assert_int_equal(kit_import(k, &p), OK);
    store_id_format(k->store, line.id, own);
    expect_told(k, own, "old-1");
    expect_told(k, "old-1", "old-1");
}

static void test_long_ids_are_known_again(void **state)
{
    struct kit *k = *state;
    const struct store_alias alias = {SPAN_LIT("fb:digest"), SPAN_LIT("a very long id")};
    expect_told(k, "fb:digest", NULL);
    receive(k, &(struct in){.id = "a very long id", .alias = &alias});
    expect_told(k, "fb:digest", "a very long id");
    kit_reopen(k);
    expect_told(k, "fb:digest", "a very long id");
}

/* ---- The other way ---- */

static void expect_front(struct kit *k, const char *reply_to, const char *text, int64_t id)
{
    static int n;
    char own[16];
    snprintf(own, sizeof own, "in%d", n++);
    struct store_show s = {
        .id = receive(k, &(struct in){.id = own, .conversation = own, .reply_to = reply_to})};
    assert_int_equal(kit_show(k, &s), OK);
    assert_int_equal(s.message.reply_id, id);
    if (text)
        assert_string_equal(s.message.reply, text);
    else
        assert_null(s.message.reply);
    assert_string_equal(s.message.conversation, own); /* what it says itself counts */
    store_show_fini(&s);
}

static void test_a_customer_answers(void **state)
{
    struct kit *k = *state;
    int64_t id = receive(k, &(struct in){.id = "b1"});
    expect_front(k, "b1", NULL, 0); /* Front does not have it yet */
    taken(k, id, "uid-1");
    expect_front(k, "b1", NULL, id);
    deliver(k, "msg_1", "ada", "x-1");
    deliver(k, "msg_2", "ada", "x-1"); /* used twice: the newest */
    expect_front(k, "x-1", "msg_2", 0);
    expect_front(k, "unknown", NULL, 0);
}

static void expect_thread(struct kit *k, const struct in *in, const char *ref, const char *conversation,
                          const char *lane)
{
    struct store_show s = {.id = receive(k, in)};
    assert_int_equal(kit_show(k, &s), OK);
    assert_string_equal(s.message.thread_ref, ref);
    if (conversation)
        assert_string_equal(s.message.conversation, conversation);
    else
        assert_null(s.message.conversation);
    assert_string_equal(s.message.lane, lane);
    store_show_fini(&s);
}

static void test_what_is_answered_decides_where_it_belongs(void **state)
{
    struct kit *k = *state;
    receive(k, &(struct in){.id = "b1", .conversation = "room-1", .ref = "room-1"});
    receive(k, &(struct in){.id = "b2", .ref = "old-thread"});
    receive(k, &(struct in){.id = "b3", .ref = "eve", .handle = "eve"});
    expect_thread(k, &(struct in){.id = "r1", .reply_to = "b1"}, "room-1", "room-1", "room-1");
    expect_thread(k, &(struct in){.id = "r2", .reply_to = "b2"}, "old-thread", NULL, "ada");
    expect_thread(k, &(struct in){.id = "r5", .reply_to = "b3"}, "ada", NULL,
                  "ada"); /* eve's is hers alone */
    expect_thread(k, &(struct in){.id = "r3", .reply_to = "unknown"}, "ada", NULL, "ada");
    expect_thread(k, &(struct in){.id = "r4", .reply_to = "b1", .conversation = "room-2", .ref = "room-2"},
                  "room-2", "room-2", "room-2");
    expect_thread(k, &(struct in){.id = "r1", .reply_to = "b2"}, "room-1", "room-1",
                  "room-1"); /* again: as it was */
}

static void test_a_delivery_that_is_answered_decides_too(void **state)
{
    struct kit *k = *state;
    deliver(k, "msg_1", "bob", "x-1");
    deliver(k, "msg_0", "ada", "x-0");
    expect_thread(k, &(struct in){.id = "r0", .reply_to = "x-1", .is_application = true}, "ada", NULL,
                  "ada"); /* it was bob's alone */
    expect_thread(k, &(struct in){.id = "r1", .reply_to = "x-0", .is_application = true}, "fb-cnv_1", NULL,
                  "ada");
    expect_thread(k, &(struct in){.id = "r2", .reply_to = "x-1"}, "ada", NULL,
                  "ada"); /* a custom channel cannot */
    int64_t id =
        receive(k, &(struct in){.id = "b1", .conversation = "room-1", .ref = "room-1", .handle = "bob"});
    struct store_confirm c = {.channel = CHANNEL, .id = id, .conversation = SPAN_LIT("cnv_1"), .now = NOW};
    assert_int_equal(kit_confirm(k, &c), OK); /* unless a customer has written there */
    expect_thread(k, &(struct in){.id = "r3", .reply_to = "x-1"}, "room-1", "room-1", "room-1");
}

static void test_front_shows_where_it_is(void **state)
{
    struct kit *k = *state;
    int64_t id = receive(k, &(struct in){.id = "b1", .conversation = "room-1", .ref = "room-1"});
    struct store_confirm c = {.channel = CHANNEL,
                              .id = id,
                              .front_id = SPAN_LIT("msg_1"),
                              .conversation = SPAN_LIT("cnv_7"),
                              .now = NOW};
    assert_int_equal(kit_confirm(k, &c), OK);
    assert_true(c.is_new);
    assert_int_equal(kit_confirm(k, &c), OK);
    assert_false(c.is_new);
    struct store_item item = {.recipient = SPAN_LIT("zoe"), .lane = SPAN_LIT("z"), .body = SPAN_LIT("{}")};
    struct store_put p = {.channel = CHANNEL,
                          .source_id = SPAN_LIT("msg_2"),
                          .conversation = SPAN_LIT("cnv_7"),
                          .now = NOW,
                          .created_at = NOW,
                          .expires_at = NOW + LIFE,
                          .start_max = 1,
                          .item = &item,
                          .item_n = 1};
    assert_int_equal(kit_put(k, &p), OK);
    assert_string_equal(item.peer_conversation, "room-1");
    store_put_fini(&p);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, kit_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_an_agent_answers_a_customer),
        TEST(test_an_agent_answers_an_agent),
        TEST(test_what_has_no_id_of_the_backend_is_not_told),
        TEST(test_history_is_answered_too),
        TEST(test_long_ids_are_known_again),
        TEST(test_a_customer_answers),
        TEST(test_what_is_answered_decides_where_it_belongs),
        TEST(test_a_delivery_that_is_answered_decides_too),
        TEST(test_front_shows_where_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
