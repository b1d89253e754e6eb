/* What happens when the disk fails: nothing acknowledged is lost, nothing refused is sent, and it goes on by
 * itself. */
#include "fault_vfs.h"
#include "kit.h"
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int tear_down(void **state)
{
    struct kit *k = *state;
    fault_disarm();
    kit_await_health(k, true);
    check_sums(k);
    kit_close(k);
    return 0;
}

static enum err try_put(struct kit *k, const char *id, const char *lane, unsigned start_max,
                        struct store_item *item)
{
    *item = (struct store_item){.recipient = SPAN_LIT("+49"), .lane = span_of(lane), .body = SPAN_LIT("{}")};
    struct store_put p = {.channel = CHANNEL,
                          .source_id = span_of(id),
                          .now = NOW,
                          .created_at = NOW,
                          .expires_at = NOW + LIFE,
                          .start_max = start_max,
                          .item = item,
                          .item_n = 1};
    return kit_put(k, &p);
}

static void test_full_disk(void **state)
{
    struct kit *k = *state;
    struct store_item a = put1(k, "m1", "a", "{}", 1), item;
    unsigned health_n = k->health_n;
    fault_arm(FAULT_WRITE, SQLITE_FULL, 1, 1 << 30);
    assert_int_equal(try_put(k, "m2", "b", 1, &item), ERR_IO);
    assert_false(store_is_healthy(k->store));
    assert_int_equal(try_put(k, "m3", "c", 1, &item), ERR_IO);
    struct store_list l = {.filter = {.direction = -1}};
    assert_int_equal(kit_list(k, &l), ERR_IO);
    struct store_claim c = {.channel = CHANNEL, .now = NOW, .max = 1};
    assert_int_equal(kit_claim(k, &c), ERR_IO);
    struct buf why;
    buf_init(&why, 2048);
    store_reason(k->store, &why);
    assert_non_null(strstr(why.p, "front-bridge.db"));
    assert_non_null(strstr(why.p, "free some space"));
    buf_fini(&why);

    struct store_settle s = {
        .id = a.id, .attempt = 1, .verb = VERB_DELIVER, .outcome = "delivered", .now = NOW};
    kit_expect(&s);
    store_post_settle(k->store, &s);
    usleep(1200000); /* it is tried again meanwhile, and fails */
    event_base_loop(k->base, EVLOOP_NONBLOCK);
    assert_non_null(s.op.on_done);
    assert_true(k->health_n > health_n);
    fault_disarm();
    kit_await(k, &s.op);
    assert_int_equal(s.op.result, OK);
    assert_true(store_is_healthy(k->store));
    assert_int_equal(state_of(k, a.id), MESSAGE_DELIVERED);
    assert_int_equal(try_put(k, "m2", "b", 1, &item), OK);
    assert_int_equal(item.how, STORE_NEW);
    assert_int_equal(count_of(k, MESSAGE_SENDING), 1);
}

/* The commit fails at its fsync: whether it happened is not known. */
static void test_refused_put_is_never_sent(void **state)
{
    struct kit *k = *state;
    struct store_item item;
    put1(k, "m0", "z", "{}", 0);
    fault_arm(FAULT_SYNC, SQLITE_IOERR_FSYNC, 1, 1);
    assert_int_equal(try_put(k, "m1", "a", 0, &item), ERR_IO);
    assert_int_equal(fault_hits(), 1);
    kit_await_health(k, true);
    assert_int_equal(count_of(k, MESSAGE_QUEUED), 1);
    assert_int_equal(try_put(k, "m1", "a", 0, &item), OK);
    assert_true(item.how == STORE_AGAIN || item.how == STORE_NEW);
    assert_int_equal(count_of(k, MESSAGE_QUEUED), 2);
}

static void test_refused_claim_is_taken_back(void **state)
{
    struct kit *k = *state;
    struct store_item a = put1(k, "m1", "a", "{}", 0);
    struct store_claim c = {.channel = CHANNEL, .now = NOW, .max = 1};
    fault_arm(FAULT_SYNC, SQLITE_IOERR_FSYNC, 1, 1);
    assert_int_equal(kit_claim(k, &c), ERR_IO);
    assert_int_equal(c.message_n, 0);
    kit_await_health(k, true);
    assert_int_equal(state_of(k, a.id), MESSAGE_QUEUED);
    assert_int_equal(kit_claim(k, &c), OK);
    assert_int_equal(c.message_n, 1);
    assert_int_equal(c.message[0].attempt - c.message[0].attempt_base, 1);
    store_claim_fini(&c);
}

static void test_settle_survives_a_failed_commit(void **state)
{
    struct kit *k = *state;
    static const enum message_verb verbs[] = {VERB_DELIVER, VERB_RETRY, VERB_HOLD, VERB_KILL};
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        char id[8];
        snprintf(id, sizeof id, "m%zu", i);
        struct store_item a = put1(k, id, id, "{}", 1);
        fault_arm(FAULT_SYNC, SQLITE_IOERR_FSYNC, 1, 1);
        assert_int_equal(settle1(k, a.id, 1, verbs[i]), OK);
        assert_int_equal(fault_hits(), 1);
        assert_int_equal(state_of(k, a.id), message_next(MESSAGE_OUT, MESSAGE_SENDING, verbs[i]));
        struct store_show s = {.id = a.id};
        assert_int_equal(kit_show(k, &s), OK);
        assert_int_equal(s.attempt_n, 1);
        store_show_fini(&s);
    }
}

static void test_other_operations_wait_too(void **state)
{
    struct kit *k = *state;
    struct store_item a = put1(k, "m1", "a", "{}", 1), b = put1(k, "m2", "b", "{}", 1);
    struct store_cancel c = {.id = a.id, .now = NOW, .reason = "late"};
    struct store_kv w = {.channel = CHANNEL, .key = SPAN_LIT("k"), .is_write = true, .value = SPAN_LIT("v")};
    fault_arm(FAULT_SYNC | FAULT_WRITE, SQLITE_IOERR_WRITE, 1, 3);
    kit_expect(&c);
    kit_expect(&w);
    store_post_cancel(k->store, &c);
    store_post_kv(k->store, &w);
    kit_await(k, &c.op);
    kit_await(k, &w.op);
    assert_int_equal(c.op.result, OK);
    assert_int_equal(w.op.result, OK);
    assert_int_equal(state_of(k, a.id), MESSAGE_CANCELLED);
    assert_int_equal(state_of(k, b.id), MESSAGE_SENDING);
}

/* ---- Torture: the nth call of the disk fails, for all n ---- */

enum { PUTS = 12 };

struct run {
    enum err put[PUTS];
    struct store_item item[PUTS];
    bool is_settled[PUTS];
    int64_t claimed;
};

static void work(struct kit *k, struct run *r)
{
    *r = (struct run){0};
    for (int i = 0; i < PUTS; i++) {
        char id[8], lane[8];
        snprintf(id, sizeof id, "m%d", i);
        snprintf(lane, sizeof lane, "l%d", i % 4);
        r->put[i] = try_put(k, id, lane, (unsigned)i % 2, &r->item[i]);
        if (r->put[i] == OK && r->item[i].is_started && i % 3 == 0) {
            assert_int_equal(settle1(k, r->item[i].id, r->item[i].attempt, VERB_DELIVER), OK);
            r->is_settled[i] = true;
        }
    }
    struct store_claim c = {.channel = CHANNEL, .now = NOW, .max = 1};
    if (kit_claim(k, &c) == OK && c.message_n)
        r->claimed = c.message[0].id;
    store_claim_fini(&c);
}

static enum message_state state_by_source(struct kit *k, const char *id, bool *found)
{
    struct store_list l = {.filter = {.direction = -1}, .max = 100};
    enum message_state s = MESSAGE_DROPPED;
    assert_int_equal(kit_list(k, &l), OK);
    *found = false;
    for (unsigned i = 0; i < l.message_n; i++)
        if (strcmp(l.message[i].source_id, id) == 0) {
            *found = true;
            s = l.message[i].state;
        }
    store_list_fini(&l);
    return s;
}

static void check_run(struct kit *k, const struct run *r)
{
    for (int i = 0; i < PUTS; i++) {
        char id[8];
        bool found;
        snprintf(id, sizeof id, "m%d", i);
        enum message_state s = state_by_source(k, id, &found);
        if (r->put[i] != OK) {
            assert_true(!found || s == MESSAGE_CANCELLED);
            continue;
        }
        assert_true(found);
        bool is_out = r->item[i].is_started || r->item[i].id == r->claimed;
        assert_int_equal(s, r->is_settled[i] ? MESSAGE_DELIVERED : is_out ? MESSAGE_SENDING : MESSAGE_QUEUED);
    }
}

static void torture(unsigned calls, int code, int times)
{
    int hit = 1;
    for (int n = 1; hit; n += n < 20 ? 1 : 7) {
        struct kit k;
        struct run r;
        kit_open(&k);
        fault_arm(calls, code, n, times);
        work(&k, &r);
        hit = fault_hits();
        fault_disarm();
        kit_await_health(&k, true);
        check_run(&k, &r);
        check_sums(&k);
        kit_reopen(&k);
        check_run(&k, &r);
        kit_close(&k);
    }
}

static void test_torture_of_writes(void **state)
{
    (void)state;
    torture(FAULT_WRITE, SQLITE_IOERR_WRITE, 1);
}

static void test_torture_of_syncs(void **state)
{
    (void)state;
    torture(FAULT_SYNC, SQLITE_IOERR_FSYNC, 1);
}

static void test_torture_of_space(void **state)
{
    (void)state;
    torture(FAULT_WRITE, SQLITE_FULL, 2);
}

/* ---- What stands in the way at the start ---- */

static void expect_reason(struct kit *k, const char *part)
{
    struct buf why;
    buf_init(&why, 2048);
    store_reason(k->store, &why);
    if (!why.p || !strstr(why.p, part))
        fail_msg("'%s' does not say '%s'", why.p ? why.p : "", part);
    buf_fini(&why);
}

static void test_corrupt_at_start(void **state)
{
    struct kit *k = *state;
    char path[128], kept[128];
    struct stat before, after;
    struct store_item item;
    put1(k, "m1", "a", "{}", 0);
    kit_stop(k);
    snprintf(path, sizeof path, "%s/front-bridge.db", k->dir);
    snprintf(kept, sizeof kept, "%s/kept", k->dir);
    assert_int_equal(rename(path, kept), 0);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    for (int i = 0; i < 4096; i++)
        assert_int_equal(write(fd, "garbage!", 8), 8);
    close(fd);
    stat(path, &before);
    kit_start(k);
    assert_false(store_is_healthy(k->store));
    expect_reason(k, path);
    expect_reason(k, "restore a backup");
    assert_int_equal(try_put(k, "m2", "a", 0, &item), ERR_IO);
    stat(path, &after);
    assert_int_equal(before.st_size, after.st_size);
    assert_int_equal(rename(kept, path), 0); /* the operator's cure, while it runs */
    kit_await_health(k, true);
    assert_int_equal(count_of(k, MESSAGE_QUEUED), 1);
}

static void test_corrupt_pages(void **state)
{
    struct kit *k = *state;
    char path[128];
    struct store_item item;
    for (int i = 0; i < 200; i++) {
        char id[8];
        snprintf(id, sizeof id, "m%d", i);
        put1(k, id, id, "{}", 0);
    }
    kit_stop(k);
    snprintf(path, sizeof path, "%s/front-bridge.db", k->dir);
    int fd = open(path, O_RDWR);
    char *whole = malloc(1 << 20);
    ssize_t n = pread(fd, whole, 1 << 20, 0);
    assert_true(n > 16384);
    for (ssize_t at = 8192; at < n; at += 64)
        assert_int_equal(pwrite(fd, "\xff\xfe\xfd\xfc", 4, at), 4);
    kit_start(k);
    assert_int_equal(try_put(k, "new", "a", 1, &item), ERR_IO); /* a sentence, no crash */
    assert_false(store_is_healthy(k->store));
    expect_reason(k, "damaged");
    kit_stop(k);
    assert_int_equal(pwrite(fd, whole, (size_t)n, 0), n);
    close(fd);
    free(whole);
    kit_start(k);
}

static void test_no_directory(void **state)
{
    struct kit *k = *state;
    char dir[sizeof k->dir];
    kit_stop(k);
    memcpy(dir, k->dir, sizeof dir);
    strcat(k->dir, "/none");
    kit_start(k);
    assert_false(store_is_healthy(k->store));
    expect_reason(k, "right to write this directory");
    assert_int_equal(mkdir(k->dir, 0700), 0);
    kit_await_health(k, true);
    kit_stop(k);
    memcpy(k->dir, dir, sizeof dir);
    kit_start(k);
}

static void test_close_while_failing(void **state)
{
    struct kit *k = *state;
    struct store_item a = put1(k, "m1", "a", "{}", 1), item;
    fault_arm(FAULT_WRITE | FAULT_SYNC, SQLITE_IOERR_WRITE, 1, 1 << 30);
    assert_int_equal(try_put(k, "m2", "b", 0, &item), ERR_IO);
    struct store_settle s = {
        .id = a.id, .attempt = 1, .verb = VERB_DELIVER, .outcome = "delivered", .now = NOW};
    kit_expect(&s);
    store_post_settle(k->store, &s);
    kit_stop(k);
    assert_null(s.op.on_done);
    assert_int_equal(s.op.result, ERR_CANCELLED);
    fault_disarm();
    kit_start(k);
    assert_int_equal(state_of(k, a.id), MESSAGE_SENDING);
}

static void test_another_program_writes_for_a_while(void **state)
{
    struct kit *k = *state;
    char path[128];
    sqlite3 *db;
    struct put1 p = {.item = {.recipient = SPAN_LIT("r"), .lane = SPAN_LIT("a"), .body = SPAN_LIT("{}")},
                     .put = {.channel = CHANNEL,
                             .source_id = SPAN_LIT("m1"),
                             .now = NOW,
                             .created_at = NOW,
                             .expires_at = NOW + LIFE,
                             .item_n = 1}};
    p.put.item = &p.item;
    snprintf(path, sizeof path, "%s/front-bridge.db", k->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    kit_expect(&p.put);
    store_post_put(k->store, &p.put);
    usleep(300000);
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    kit_await(k, &p.put.op);
    assert_int_equal(p.put.op.result, OK);
    sqlite3_close(db);
}

/* A reader that never ends keeps the WAL from being begun anew, and nothing else. */
static void test_an_outside_reader_does_not_stop_us(void **state)
{
    struct kit *k = *state;
    char path[128], body[20001];
    sqlite3 *db;
    memset(body, 'x', 20000);
    body[20000] = 0;
    snprintf(path, sizeof path, "%s/front-bridge.db", k->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN; SELECT count(*) FROM message", NULL, NULL, NULL), SQLITE_OK);
    for (int i = 0; i < 1000; i++) {
        char id[8];
        snprintf(id, sizeof id, "m%d", i);
        put1(k, id, id, body, 0);
    }
    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_close(db);
    for (int i = 0; i < 1000; i++) {
        char id[8];
        snprintf(id, sizeof id, "n%d", i);
        put1(k, id, id, body, 0);
    }
    struct store_stats p = {0};
    assert_int_equal(kit_stats(k, &p), OK);
    assert_true(p.wal_bytes < 96 << 20);
    store_stats_fini(&p);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_full_disk),
        TEST(test_refused_put_is_never_sent),
        TEST(test_refused_claim_is_taken_back),
        TEST(test_settle_survives_a_failed_commit),
        TEST(test_other_operations_wait_too),
        cmocka_unit_test(test_torture_of_writes),
        cmocka_unit_test(test_torture_of_syncs),
        cmocka_unit_test(test_torture_of_space),
        TEST(test_corrupt_at_start),
        TEST(test_corrupt_pages),
        TEST(test_no_directory),
        TEST(test_close_while_failing),
        TEST(test_another_program_writes_for_a_while),
        TEST(test_an_outside_reader_does_not_stop_us),
    };
    fault_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
