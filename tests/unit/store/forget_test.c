/* What the map of conversations forgets: what was not used for so long as keys are kept, and nothing that a message which
 * is still there needs. */
#include "kit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS_MS = 400 };
#define DAY  INT64_C(86400000)
#define THEN (1000 * DAY) /* when it all begins */

struct message {
    enum message_direction direction;
    const char *id, *conversation, *ref, *handle, *peer; /* peer: what the backend tells as its own */
    const struct store_alias *alias;
};

static int64_t put(struct kit *k, const struct message *m, wall_ms_t now, char **peer)
{
    struct store_item item = {
        .recipient = span_of(m->handle), .lane = span_of(m->id), .body = SPAN_LIT("{}")};
    const struct span named = span_of(m->ref);
    struct store_put p = {.channel = CHANNEL,
                          .direction = m->direction,
                          .named = &named,
                          .named_n = m->direction == MESSAGE_OUT && m->ref,
                          .source_id = span_of(m->id),
                          .conversation = span_of(m->conversation),
                          .thread_ref = span_of(m->ref),
                          .alias = m->alias,
                          .alias_n = m->alias != NULL,
                          .now = now,
                          .created_at = now,
                          .expires_at = now + LIFE,
                          .start_max = 1,
                          .item = &item,
                          .item_n = 1};
    assert_int_equal(kit_put(k, &p), OK);
    if (peer) {
        *peer = item.peer_conversation;
        item.peer_conversation = NULL;
    }
    store_put_fini(&p);
    return item.id;
}

/* A message that comes and is done with. */
static void exchange(struct kit *k, const struct message *m, wall_ms_t now)
{
    struct store_settle s = {.id = put(k, m, now, NULL),
                             .attempt = 1,
                             .verb = VERB_DELIVER,
                             .outcome = "delivered",
                             .now = now,
                             .external_id = span_of(m->direction == MESSAGE_IN ? m->id : NULL),
                             .peer_conversation = span_of(m->peer)};
    assert_int_equal(kit_settle(k, &s), OK);
}

/* All passes that are due at `now`; rows that were forgotten. */
static unsigned prune(struct kit *k, wall_ms_t now)
{
    struct store_prune *p = mem_zalloc(sizeof *p);
    unsigned n = 0, rounds = 0;
    p->bodies_before = p->files_before = p->keys_before = now - KEYS_MS * DAY;
    do {
        assert_int_equal(kit_prune(k, p), OK);
        assert_in_range(p->map_n, 0, 500);
        n += p->map_n;
        assert_in_range(rounds++, 0, 1000);
    } while (p->is_more);
    store_prune_fini(p);
    free(p);
    return n;
}

/* Whether a delivery at `now` finds room-1: asks without leaving a trace that would be a use. */
static bool is_known(struct kit *k, const char *conversation, const char *ref, const char *handle,
                     wall_ms_t now)
{
    static int n;
    char id[24];
    char *peer = NULL;
    snprintf(id, sizeof id, "probe%d", n++);
    put(k, &(struct message){MESSAGE_OUT, id, conversation, ref, handle, NULL, NULL}, now, &peer);
    bool is_there = peer && strcmp(peer, "room-1") == 0;
    free(peer);
    return is_there;
}

static const struct message hello = {MESSAGE_IN, "b1", "room-1", "ref-1", "ada", NULL, NULL};
static const struct message begun = {MESSAGE_OUT, "m1", "cnv_1", "fb-cnv_1", "ada", "room-1", NULL};

static void test_what_is_not_used_is_forgotten(void **state)
{
    struct kit *k = *state;
    exchange(k, &hello, THEN);
    exchange(k, &begun, THEN);
    assert_int_equal(prune(k, THEN + 399 * DAY), 0);
    assert_true(is_known(k, "cnv_9", "ref-1", "zoe", THEN + 399 * DAY)); /* which is a use */
    prune(k, THEN + 402 * DAY); /* the old keys go, then what they needed */
    prune(k, THEN + 403 * DAY);
    assert_true(is_known(k, "cnv_9", "ref-1", "zoe", THEN + 403 * DAY));
    assert_false(is_known(k, "cnv_1", NULL, "zoe", THEN + 403 * DAY));
}

static void test_use_keeps_it(void **state)
{
    static const char *const uses[] = {"customer", "agent"};
    for (size_t i = 0; i < ARRAY_LEN(uses); i++) {
        struct kit *k = *state;
        exchange(k, &hello, THEN);
        exchange(k, &begun, THEN);
        for (int day = 100; day < 1000; day += 100) { /* each 100 days somebody writes */
            char id[24];
            snprintf(id, sizeof id, "%s%d", uses[i], day);
            struct message m = i == 0 ? hello : begun;
            m.id = id;
            m.peer = NULL;
            if (i == 1)
                m.ref = "ref-1";
            exchange(k, &m, THEN + day * DAY);
            prune(k, THEN + day * DAY);
        }
        wall_ms_t now = THEN + 1000 * DAY;
        prune(k, now);
        assert_true(is_known(k, NULL, "ref-1", "zoe", now));
        assert_true(is_known(k, "cnv_1", NULL, "zoe", now));
        kit_close(k);
        kit_open(k);
    }
}

static void test_a_message_that_waits_keeps_what_it_needs(void **state)
{
    struct kit *k = *state;
    const wall_ms_t held_at = THEN + DAY - 1; /* a use that is not marked: the mark is less than a day old */
    exchange(k, &hello, THEN);
    int64_t id =
        put(k, &(struct message){MESSAGE_OUT, "held", "cnv_1", "ref-1", "ada", NULL, NULL}, held_at, NULL);
    struct store_settle s = {.id = id,
                             .attempt = 1,
                             .verb = VERB_HOLD,
                             .outcome = "hold",
                             .now = held_at,
                             .reason = SPAN_LIT("wait")};
    assert_int_equal(kit_settle(k, &s), OK);
    exchange(k, &(struct message){MESSAGE_IN, "b9", "room-9", "ref-9", "bob", NULL, NULL}, THEN + 10 * DAY);
    prune(k, THEN + 500 * DAY); /* the old keys go, then what nobody needs */
    prune(k, THEN + 502 * DAY);
    struct store_show w = {.id = id};
    assert_int_equal(kit_show(k, &w), OK);
    assert_string_equal(w.message.peer_conversation, "room-1");
    store_show_fini(&w);
    struct store_admin drop = {
        .verb = VERB_DROP, .filter = {.direction = -1, .id = id}, .now = THEN + 502 * DAY};
    assert_int_equal(kit_admin(k, &drop), OK);
    prune(k, THEN + 904 * DAY); /* its key goes, then the map's rows the day after */
    assert_int_equal(kit_show(k, &w), ERR_NOT_FOUND);
    prune(k, THEN + 906 * DAY);
    assert_false(is_known(k, NULL, "ref-1", "zoe", THEN + 906 * DAY));
}

static void test_aliases_and_moves_go_too(void **state)
{
    struct kit *k = *state;
    const struct store_alias alias = {SPAN_LIT("fb:x"), SPAN_LIT("long")};
    struct message m = hello;
    m.alias = &alias;
    exchange(k, &m, THEN);
    struct span gone[] = {SPAN_LIT("cnv_1")};
    struct store_merge merge = {
        .into = SPAN_LIT("cnv_2"), .is_redirect = true, .gone = gone, .gone_n = 1, .now = THEN};
    assert_int_equal(kit_merge(k, &merge), OK);
    exchange(k, &(struct message){MESSAGE_IN, "later", "room-9", "ref-9", "bob", NULL, NULL},
             THEN + 500 * DAY);
    unsigned n = prune(k, THEN + 500 * DAY); /* some rows may come after the keys that need them */
    assert_int_equal(n + prune(k, THEN + 502 * DAY), 3); /* the thread, the alias, the move */
    assert_int_equal(prune(k, THEN + 510 * DAY), 0);
}

static void test_a_number_that_is_written_to_keeps_its_spelling(void **state)
{
    struct kit *k = *state;
    const struct store_alias alias = {SPAN_LIT("+4930"), SPAN_LIT("0049 30")};
    exchange(k, &(struct message){MESSAGE_IN, "b1", "room-1", "+4930", "+4930", NULL, &alias}, THEN);
    for (int day = 200; day < 1000; day += 200) {
        char id[24];
        snprintf(id, sizeof id, "m%d", day);
        exchange(k, &(struct message){MESSAGE_OUT, id, "cnv_1", "x", "+4930", NULL, NULL}, THEN + day * DAY);
        prune(k, THEN + day * DAY);
    }
    struct store_show s = {.id =
                               put(k, &(struct message){MESSAGE_OUT, "m", "cnv_1", "x", "+4930", NULL, NULL},
                                   THEN + 1000 * DAY, NULL)};
    assert_int_equal(kit_show(k, &s), OK);
    assert_string_equal(s.message.peer_recipient, "0049 30");
    store_show_fini(&s);
}

static void test_batches_are_bounded_and_a_pass_a_day(void **state)
{
    struct kit *k = *state;
    char id[24];
    for (int i = 0; i < 1300; i++) {
        snprintf(id, sizeof id, "b%d", i);
        exchange(k, &(struct message){MESSAGE_IN, id, "room", id, id, NULL, NULL}, THEN);
    }
    exchange(k, &(struct message){MESSAGE_IN, "later", "room-9", "ref-9", "bob", NULL, NULL},
             THEN + 500 * DAY);
    assert_int_equal(prune(k, THEN + 500 * DAY), 0);     /* the keys that need them go first */
    assert_int_equal(prune(k, THEN + 501 * DAY - 1), 0); /* not yet again */
    assert_int_equal(prune(k, THEN + 501 * DAY), 1300);
    assert_int_equal(prune(k, THEN + 501 * DAY), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, kit_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_not_used_is_forgotten),
        TEST(test_use_keeps_it),
        TEST(test_a_message_that_waits_keeps_what_it_needs),
        TEST(test_aliases_and_moves_go_too),
        TEST(test_a_number_that_is_written_to_keeps_its_spelling),
        TEST(test_batches_are_bounded_and_a_pass_a_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
