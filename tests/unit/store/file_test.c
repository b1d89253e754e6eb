/* Messages that wait for files: who is handed out, who is due when, and what is left when they are gone. */
#include "kit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct store_file_put photo = {.filename = SPAN_LIT("photo.png"),
                                            .content_type = SPAN_LIT("image/png"),
                                            .cid = SPAN_LIT("c1"),
                                            .origin = SPAN_LIT("fil_1"),
                                            .bytes = 10},
                                   paper = {.filename = SPAN_LIT("paper.pdf"),
                                            .content_type = SPAN_LIT("application/pdf"),
                                            .origin = SPAN_LIT("fil_2"),
                                            .bytes = -1};

static struct store_item put_files(struct kit *k, const char *id, const char *to,
                                   const struct store_file_put *file, unsigned file_n)
{
    struct store_item item = {.recipient = span_of(to),
                              .lane = span_of(to),
                              .body = SPAN_LIT("{}"),
                              .file = file,
                              .file_n = file_n};
    struct store_put p = {.channel = CHANNEL,
                          .source_id = span_of(id),
                          .now = NOW,
                          .created_at = NOW,
                          .expires_at = NOW + LIFE,
                          .start_max = file_n > 0, /* which must not start it */
                          .item = &item,
                          .item_n = 1};
    assert_int_equal(kit_put(k, &p), OK);
    assert_false(item.is_started);
    return item;
}

static struct store_files_due due_at(struct kit *k, wall_ms_t now)
{
    struct store_files_due p = {.channel = CHANNEL, .now = now, .retry_ms = 60000, .max = STORE_FILES_MAX};
    assert_int_equal(kit_files_due(k, &p), OK);
    return p;
}

/* The id of the one file that is due; 0: none. */
static int64_t due1(struct kit *k, wall_ms_t now)
{
    struct store_files_due p = due_at(k, now);
    assert_true(p.file_n <= 1);
    int64_t id = p.file_n ? p.file[0].id : 0;
    store_files_due_fini(&p);
    return id;
}

static unsigned ready(struct kit *k, int64_t id, const char *name)
{
    struct store_file_end p = {
        .id = id, .state = FILE_READY, .now = NOW, .name = name, .sha256 = "abc", .bytes = 10};
    assert_int_equal(kit_file_end(k, &p), OK);
    return p.message_n;
}

static unsigned gone(struct kit *k, int64_t id)
{
    struct store_file_end p = {.id = id, .state = FILE_GONE, .now = NOW, .reason = SPAN_LIT("It is gone.")};
    assert_int_equal(kit_file_end(k, &p), OK);
    return p.message_n;
}

static void test_waits_until_the_last_file(void **state)
{
    struct kit *k = *state;
    const struct store_file_put two[] = {photo, paper};
    struct store_item m = put_files(k, "m1", "ada", two, 2);
    assert_int_equal(claim_at(k, NOW), 0);
    struct store_files_due p = due_at(k, NOW);
    assert_int_equal(p.file_n, 2);
    assert_int_equal(p.next_at, NOW + 60000);
    assert_string_equal(p.file[0].origin, "fil_1");
    assert_string_equal(p.file[0].source_id, "m1");
    assert_int_equal(p.file[0].bytes, 10);
    assert_int_equal(p.file[1].bytes, -1);
    assert_int_equal(due1(k, NOW), 0);
    assert_int_equal(ready(k, p.file[0].id, "f-1"), 0);
    assert_int_equal(claim_at(k, NOW), 0);
    assert_int_equal(ready(k, p.file[1].id, "f-2"), 1);
    assert_int_equal(ready(k, p.file[1].id, "f-2"), 1); /* twice is once */
    store_files_due_fini(&p);

    struct store_claim c = {.channel = CHANNEL, .now = NOW, .max = 1};
    assert_int_equal(kit_claim(k, &c), OK);
    assert_int_equal(c.message[0].id, m.id);
    assert_int_equal(c.message[0].file_n, 2);
    assert_string_equal(c.message[0].file[0].filename, "photo.png");
    assert_string_equal(c.message[0].file[0].content_type, "image/png");
    assert_string_equal(c.message[0].file[0].cid, "c1");
    assert_string_equal(c.message[0].file[0].name, "f-1");
    assert_string_equal(c.message[0].file[0].sha256, "abc");
    assert_int_equal(c.message[0].file[1].state, FILE_READY);
    assert_int_equal(c.message[0].file[1].bytes, 10);
    assert_null(c.message[0].file[1].cid);
    store_claim_fini(&c);
}

static void test_what_is_gone_does_not_hold_up(void **state)
{
    struct kit *k = *state;
    put_files(k, "m1", "ada", &photo, 1);
    assert_int_equal(gone(k, due1(k, NOW)), 1);
    struct store_claim c = {.channel = CHANNEL, .now = NOW, .max = 1};
    assert_int_equal(kit_claim(k, &c), OK);
    assert_int_equal(c.message_n, 1);
    assert_int_equal(c.message[0].file[0].state, FILE_GONE);
    assert_string_equal(c.message[0].file[0].reason, "It is gone.");
    store_claim_fini(&c);
}

/* The order of a conversation holds: neither overtakes the other, whichever has its file first. */
static void test_follower_waits_for_its_own_file(void **state)
{
    struct kit *k = *state;
    struct store_item first = put_files(k, "m1", "ada", NULL, 0), second;
    assert_int_equal(claim_at(k, NOW), first.id);
    second = put_files(k, "m2", "ada", &photo, 1);
    assert_int_equal(settle1(k, first.id, 1, VERB_DELIVER), OK);
    assert_int_equal(claim_at(k, NOW), 0); /* promoted, but its file is not here */
    assert_int_equal(ready(k, due1(k, NOW), "f-1"), 1);
    assert_int_equal(claim_at(k, NOW), second.id);

    struct store_item head = put_files(k, "m3", "bob", &paper, 1),
                      behind = put_files(k, "m4", "bob", NULL, 0);
    assert_true(behind.is_behind);
    assert_int_equal(claim_at(k, NOW), 0);
    assert_int_equal(ready(k, due1(k, NOW), "f-2"), 1);
    assert_int_equal(claim_at(k, NOW), head.id);
}

/* A clock that is set back makes everything due that waits for a time; files are no time. */
static void test_clock_set_back(void **state)
{
    struct kit *k = *state;
    put_files(k, "m1", "ada", &photo, 1);
    assert_int_equal(claim_at(k, NOW - 2 * LIFE), 0);
    struct store_orphans o = {.channel = CHANNEL, .is_resent = true, .now = NOW};
    assert_int_equal(kit_orphans(k, &o), OK);
    assert_int_equal(claim_at(k, NOW), 0);
}

static void test_one_download_for_all_recipients(void **state)
{
    struct kit *k = *state;
    put_files(k, "m1", "ada", &photo, 1);
    put_files(k, "m1", "bob", &photo, 1);
    int64_t id = due1(k, NOW);
    assert_int_not_equal(id, 0);
    assert_int_equal(due1(k, NOW), 0);
    assert_int_equal(ready(k, id, "f-1"), 2);
    assert_int_not_equal(claim_at(k, NOW), 0);
    assert_int_not_equal(claim_at(k, NOW), 0);
    /* one that comes later finds it here */
    struct store_item late = put_files(k, "m2", "cid", &photo, 1);
    assert_int_equal(due1(k, NOW), 0);
    assert_int_equal(claim_at(k, NOW), late.id);
}

static void test_tried_again(void **state)
{
    struct kit *k = *state;
    put_files(k, "m1", "ada", &photo, 1);
    int64_t id = due1(k, NOW);
    struct store_file_end p = {.id = id,
                               .state = FILE_WANTED,
                               .now = NOW,
                               .due_at = NOW + 500,
                               .reason = SPAN_LIT("Front answered 503.")};
    assert_int_equal(kit_file_end(k, &p), OK);
    assert_int_equal(due1(k, NOW + 499), 0);
    struct store_files_due d = due_at(k, NOW + 500);
    assert_int_equal(d.file[0].id, id);
    assert_int_equal(d.file[0].tries, 1);
    assert_string_equal(d.file[0].reason, "Front answered 503.");
    store_files_due_fini(&d);

    struct store_expire x = {.now = NOW + LIFE}; /* and why it died is known */
    assert_int_equal(kit_expire(k, &x), OK);
    assert_int_equal(x.expired_n, 1);
    struct store_show s = {.id = x.expired[0].id};
    assert_int_equal(kit_show(k, &s), OK);
    assert_string_equal(s.message.reason, "Front answered 503.");
    assert_int_equal(s.message.file_n, 1);
    store_show_fini(&s);
}

static void test_a_new_life_wants_it_again(void **state)
{
    struct kit *k = *state;
    struct store_item m = put_files(k, "m1", "ada", &photo, 1);
    assert_int_equal(gone(k, due1(k, NOW)), 1);
    assert_int_equal(claim_at(k, NOW), m.id);
    assert_int_equal(settle1(k, m.id, 1, VERB_KILL), OK);
    struct store_admin a = {
        .verb = VERB_REQUEUE, .filter.direction = -1, .filter.id = m.id, .now = NOW, .expires_in_ms = 5000};
    assert_int_equal(kit_admin(k, &a), OK);
    assert_int_equal(claim_at(k, NOW), 0);
    assert_int_equal(ready(k, due1(k, NOW), "f-1"), 1);
    assert_int_equal(claim_at(k, NOW), m.id);
}

static void test_hurried_while_it_waits(void **state)
{
    struct kit *k = *state;
    struct store_item m = put_files(k, "m1", "ada", &photo, 1);
    int64_t id = due1(k, NOW);
    struct store_admin a = {.verb = VERB_REQUEUE,
                            .filter.direction = -1,
                            .filter.id = m.id,
                            .now = NOW + 1,
                            .expires_in_ms = LIFE};
    assert_int_equal(kit_admin(k, &a), OK);
    assert_int_equal(claim_at(k, NOW + 1), 0);
    assert_int_equal(due1(k, NOW + 1), id);
}

/* After an answered error the agent sends again, with another file. */
static void test_resent_with_another_file(void **state)
{
    struct kit *k = *state;
    struct store_item m = put_files(k, "m1", "ada", &photo, 1);
    assert_int_equal(ready(k, due1(k, NOW), "f-1"), 1);
    struct store_cancel c = {.id = m.id, .now = NOW, .reason = "late"};
    assert_int_equal(kit_cancel(k, &c), OK);
    struct store_item again = put_files(k, "m1", "ada", &paper, 1);
    assert_int_equal(again.how, STORE_AGAIN);
    assert_int_equal(claim_at(k, NOW), 0);
    assert_int_equal(ready(k, due1(k, NOW), "f-2"), 1);
    struct store_claim p = {.channel = CHANNEL, .now = NOW, .max = 1};
    assert_int_equal(kit_claim(k, &p), OK);
    assert_int_equal(p.message[0].file_n, 1);
    assert_string_equal(p.message[0].file[0].name, "f-2");
    store_claim_fini(&p);
    struct store_prune prune = {.files_before = 0};
    assert_int_equal(kit_prune(k, &prune), OK);
    assert_int_equal(prune.dropped_n, 1); /* nobody's any more */
    assert_string_equal(prune.dropped[0], "f-1");
    store_prune_fini(&prune);
}

static void test_cancelled_is_fetched_no_more(void **state)
{
    struct kit *k = *state;
    struct store_item m = put_files(k, "m1", "ada", &photo, 1);
    struct store_cancel c = {.id = m.id, .now = NOW, .reason = "late"};
    assert_int_equal(kit_cancel(k, &c), OK);
    struct store_files_due p = due_at(k, NOW);
    assert_int_equal(p.file_n, 0);
    assert_int_equal(p.next_at, INT64_MAX);
}

static void test_process_died_while_fetching(void **state)
{
    struct kit *k = *state;
    put_files(k, "m1", "ada", &photo, 1);
    int64_t id = due1(k, NOW);
    kit_reopen(k);
    assert_int_equal(due1(k, NOW + 1), 0);
    struct store_orphans o = {.channel = CHANNEL, .is_resent = true, .now = NOW + 1};
    assert_int_equal(kit_orphans(k, &o), OK);
    assert_int_equal(o.message_n, 0); /* no attempt was out */
    assert_int_equal(due1(k, NOW + 1), id);
}

static void test_pruned_when_nobody_needs_it(void **state)
{
    struct kit *k = *state;
    put_files(k, "m1", "ada", &photo, 1);
    put_files(k, "m1", "bob", &photo, 1);
    ready(k, due1(k, NOW), "f-1");
    int64_t a = claim_at(k, NOW), b = claim_at(k, NOW);
    assert_int_equal(settle1(k, a, 1, VERB_DELIVER), OK);
    struct store_prune p = {.files_before = NOW + 1};
    assert_int_equal(kit_prune(k, &p), OK);
    assert_int_equal(p.dropped_n, 0); /* b has it */
    const char *name[] = {"f-1", "f-9"};
    bool is_known[2];
    struct store_files_known known = {.name = name, .is_known = is_known, .name_n = 2};
    assert_int_equal(kit_files_known(k, &known), OK);
    assert_true(is_known[0] && !is_known[1]);
    assert_int_equal(settle1(k, b, 1, VERB_DELIVER), OK);
    assert_int_equal(kit_prune(k, &p), OK);
    assert_int_equal(p.dropped_n, 1);
    store_prune_fini(&p);
    assert_int_equal(kit_files_known(k, &known), OK);
    assert_false(is_known[0]);
}

/* Whoever lost the disk's folder of files: what Front has is fetched again, for everyone who shared it. */
static void test_lost_bytes_are_wanted_again(void **state)
{
    struct kit *k = *state;
    put_files(k, "m1", "ada", &photo, 1);
    put_files(k, "m1", "bob", &photo, 1);
    ready(k, due1(k, NOW), "f-1");
    struct store_claim c = {.channel = CHANNEL, .now = NOW, .max = 1};
    assert_int_equal(kit_claim(k, &c), OK);
    struct store_file_lost lost = {.id = c.message[0].file[0].id, .now = NOW};
    struct store_settle s = {.id = c.message[0].id,
                             .attempt = 1,
                             .verb = VERB_RETRY,
                             .outcome = "retry",
                             .now = NOW,
                             .due_at = NOW,
                             .is_unburnt = true};
    lost.op.on_done = s.op.on_done = on_kit_done;
    store_post_file_lost(k->store, &lost);
    store_post_settle(k->store, &s);
    kit_await(k, &s.op);
    kit_await(k, &lost.op);
    assert_int_equal(lost.op.result, OK);
    assert_int_equal(kit_file_lost(k, &lost), OK); /* twice is once */
    store_claim_fini(&c);
    check_sums(k);
    assert_int_equal(claim_at(k, NOW), 0);
    assert_int_equal(ready(k, due1(k, NOW), "f-2"), 2);
    assert_int_not_equal(claim_at(k, NOW), 0);
    assert_int_not_equal(claim_at(k, NOW), 0);
}

static void test_inbound_comes_with_its_files(void **state)
{
    struct kit *k = *state;
    struct store_file_put file[] = {photo, photo};
    file[0].origin = SPAN_NONE;
    file[0].name = "f-1";
    file[0].sha256 = "abc";
    file[1].origin = SPAN_LIT("https://chat.example/a.png");
    struct store_item item = {.recipient = SPAN_LIT("ada"),
                              .lane = SPAN_LIT("ada"),
                              .body = SPAN_LIT("{}"),
                              .file = file,
                              .file_n = 2};
    struct store_put p = {.direction = MESSAGE_IN,
                          .channel = CHANNEL,
                          .source_id = SPAN_LIT("w1"),
                          .now = NOW,
                          .created_at = NOW,
                          .expires_at = NOW + LIFE,
                          .quota_bytes = 12, /* 2 of the body, and the 10 that are here */
                          .item = &item,
                          .item_n = 1};
    p.quota_bytes = 11;
    assert_int_equal(kit_put(k, &p), ERR_FULL);
    p.quota_bytes = 12;
    assert_int_equal(kit_put(k, &p), OK);
    struct store_files_due d = {.direction = MESSAGE_IN, .channel = CHANNEL, .now = NOW, .max = 9};
    assert_int_equal(kit_files_due(k, &d), OK);
    assert_int_equal(d.file_n, 1);
    struct store_file_end e = {.id = d.file[0].id,
                               .state = FILE_READY,
                               .now = NOW,
                               .name = "f-2",
                               .sha256 = "abc",
                               .bytes = 10,
                               .quota_bytes = 21};
    store_files_due_fini(&d);
    assert_int_equal(kit_file_end(k, &e), ERR_FULL);
    e.quota_bytes = 22;
    assert_int_equal(kit_file_end(k, &e), OK);
    assert_int_equal(e.message_n, 1);
    struct store_file_get g = {.id = e.id};
    assert_int_equal(kit_file_get(k, &g), OK);
    assert_string_equal(g.file.name, "f-2");
    assert_int_equal(g.file.message_id, item.id);
    assert_int_equal(g.file.direction, MESSAGE_IN);
    store_file_fini(&g.file);
    g.id = 99;
    assert_int_equal(kit_file_get(k, &g), ERR_NOT_FOUND);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, kit_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_waits_until_the_last_file),       TEST(test_what_is_gone_does_not_hold_up),
        TEST(test_follower_waits_for_its_own_file), TEST(test_clock_set_back),
        TEST(test_one_download_for_all_recipients), TEST(test_tried_again),
        TEST(test_a_new_life_wants_it_again),       TEST(test_hurried_while_it_waits),
        TEST(test_resent_with_another_file),        TEST(test_cancelled_is_fetched_no_more),
        TEST(test_process_died_while_fetching),     TEST(test_pruned_when_nobody_needs_it),
        TEST(test_lost_bytes_are_wanted_again),     TEST(test_inbound_comes_with_its_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
