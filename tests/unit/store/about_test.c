/* Which earlier message a backend means: by its own id, by ours, among what was received, sent and imported. */
#include "kit.h"
#include <stdlib.h>
#include <string.h>

static int64_t put(struct kit *k, enum message_direction d, enum message_kind kind, const char *channel,
                   const char *id, struct span body)
{
    struct store_item item = {.recipient = SPAN_LIT("ada"), .lane = span_of(id), .body = body};
    struct store_put p = {.channel = channel,
                          .direction = d,
                          .kind = kind,
                          .source_id = span_of(id),
                          .conversation = d == MESSAGE_OUT ? SPAN_LIT("cnv_1") : SPAN_LIT("room"),
                          .thread_ref = SPAN_LIT("ref"),
                          .now = NOW,
                          .created_at = NOW,
                          .expires_at = NOW + LIFE,
                          .start_max = 1,
                          .item = &item,
                          .item_n = 1};
    assert_int_equal(kit_put(k, &p), OK);
    store_put_fini(&p);
    return item.id;
}

static int64_t sent(struct kit *k, const char *id, const char *external_id)
{
    return deliver1(k, &(struct delivered){.id = id,
                                           .handle = "ada",
                                           .conversation = "cnv_1",
                                           .thread_ref = "ref",
                                           .external_id = external_id,
                                           .body = "{\"text\":\"sent\"}"});
}

static int64_t received(struct kit *k, const char *id)
{
    return put(k, MESSAGE_IN, KIND_MESSAGE, CHANNEL, id, SPAN_LIT("{\"text\":\"received\"}"));
}

/* expect looks for an id of the backend (or for ours), and says whose message it must be; 0: none. */
static void expect(struct kit *k, const char *key, int64_t id, bool is_delivery, int64_t found)
{
    struct store_about a = {.channel = CHANNEL, .id = id, .key = span_of(key), .is_delivery = is_delivery};
    assert_int_equal(kit_about(k, &a), found ? OK : ERR_NOT_FOUND);
    assert_int_equal(a.message.id, found);
    store_about_fini(&a);
}

static void test_ids_of_the_backend(void **state)
{
    struct kit *k = *state;
    expect(k, "m1", 0, false, 0); /* nothing was ever stored */
    int64_t m1 = received(k, "m1"), d1 = sent(k, "msg_1", "x1");
    int64_t agent = put(k, MESSAGE_IN, KIND_AGENT, CHANNEL, "o1", SPAN_LIT("{}"));
    expect(k, "m1", 0, false, m1);
    expect(k, "o1", 0, false, agent);
    expect(k, "x1", 0, false, d1);
    expect(k, "x1", 0, true, d1);
    expect(k, "m1", 0, true, 0); /* it is no delivery */
    expect(k, "m2", 0, false, 0);
    expect(k, "", 0, false, 0);
    expect(k, "msg_1", 0, false, 0); /* that is Front's */
    int64_t d2 = sent(k, "msg_2", "x1"), d3 = sent(k, "msg_3", "m1");
    expect(k, "x1", 0, false, d2); /* the newest */
    expect(k, "m1", 0, false, m1); /* what the backend handed over goes first */
    expect(k, "m1", 0, true, d3);
}

static void test_our_ids(void **state)
{
    struct kit *k = *state;
    int64_t m1 = received(k, "m1"), d1 = sent(k, "msg_1", "x1");
    int64_t other = put(k, MESSAGE_OUT, KIND_MESSAGE, "other", "msg_1", SPAN_LIT("{}"));
    int64_t event = put(k, MESSAGE_OUT, KIND_EVENT, CHANNEL, "evt_1", SPAN_LIT("{}"));
    expect(k, NULL, d1, true, d1);
    expect(k, "m1", d1, false, d1);
    expect(k, NULL, m1, true, 0);
    expect(k, NULL, other, true, 0); /* another channel's */
    expect(k, NULL, event, true, 0);
    expect(k, NULL, d1 + 1000, true, 0);
}

static void test_what_happened_to_a_message_is_none(void **state)
{
    struct kit *k = *state;
    char edit[] = {'e', 'd', 'i', 't', STORE_SIGN_MARK, 'm', '1', 0};
    received(k, edit);
    put(k, MESSAGE_IN, KIND_RECEIPT, CHANNEL, "seen:msg_1", SPAN_LIT("{}"));
    expect(k, "m1", 0, false, 0);
    expect(k, "seen:msg_1", 0, false, 0);
}

static void test_history(void **state)
{
    struct kit *k = *state;
    struct store_import_line line = {.source_id = SPAN_LIT("h1"),
                                     .recipient = SPAN_LIT("ada"),
                                     .lane = SPAN_LIT("ada"),
                                     .thread_ref = SPAN_LIT("old"),
                                     .body = SPAN_LIT("{\"text\":\"long ago\"}")};
    struct store_import p = {
        .channel = CHANNEL, .now = NOW, .expires_at = NOW + LIFE, .line = &line, .line_n = 1};
    assert_int_equal(kit_import(k, &p), OK);
    struct store_about a = {.channel = CHANNEL, .key = SPAN_LIT("h1")};
    assert_int_equal(kit_about(k, &a), OK);
    assert_true(a.is_history);
    assert_string_equal(a.message.body, "{\"text\":\"long ago\"}");
    store_about_fini(&a);
    expect(k, "h1", 0, true, 0);
}

/* What is found carries what is needed of it, but no body that is too large. */
static void test_bodies_and_places(void **state)
{
    struct kit *k = *state;
    size_t n = STORE_ABOUT_BODY_MAX + 1;
    char *large = mem_zalloc(n + 1);
    memset(large, 'x', n);
    put(k, MESSAGE_IN, KIND_MESSAGE, CHANNEL, "large", (struct span){large, n});
    put(k, MESSAGE_IN, KIND_MESSAGE, CHANNEL, "fits", (struct span){large, n - 1});
    int64_t d1 = sent(k, "msg_1", "x1");
    struct store_about a = {.channel = CHANNEL, .key = SPAN_LIT("large")};
    assert_int_equal(kit_about(k, &a), OK);
    assert_null(a.message.body);
    assert_string_equal(a.message.thread_ref, "ref");
    store_about_fini(&a);
    a.key = SPAN_LIT("fits");
    assert_int_equal(kit_about(k, &a), OK);
    assert_int_equal(a.message.body_n, n - 1);
    store_about_fini(&a);
    a = (struct store_about){.channel = CHANNEL, .id = d1};
    assert_int_equal(kit_about(k, &a), OK);
    assert_int_equal(a.message.direction, MESSAGE_OUT);
    assert_string_equal(a.message.conversation, "cnv_1");
    assert_string_equal(a.message.body, "{\"text\":\"sent\"}");
    store_about_fini(&a);
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ids_of_the_backend, kit_set_up, kit_tear_down),
        cmocka_unit_test_setup_teardown(test_our_ids, kit_set_up, kit_tear_down),
        cmocka_unit_test_setup_teardown(test_what_happened_to_a_message_is_none, kit_set_up, kit_tear_down),
        cmocka_unit_test_setup_teardown(test_history, kit_set_up, kit_tear_down),
        cmocka_unit_test_setup_teardown(test_bodies_and_places, kit_set_up, kit_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
