/* The file's form: older ones are brought up to date, foreign and newer ones left alone; the plans; the lock.
 */
#include "kit.h"
#include "store/sqlite_sql.h"
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Its files need not be whole. */
static int tear_down(void **state)
{
    kit_close(*state);
    return 0;
}

static void sql(struct kit *k, const char *text)
{
    char path[128], *error = NULL;
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/front-bridge.db", k->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, text, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s: %s", text, error);
    sqlite3_close(db);
}

static void expect_reason(struct kit *k, const char *part)
{
    struct buf why;
    buf_init(&why, 2048);
    store_reason(k->store, &why);
    if (!why.p || !strstr(why.p, part))
        fail_msg("'%s' does not say '%s'", why.p ? why.p : "", part);
    buf_fini(&why);
}

/* Version 0 is an empty file: all migrations run, and a second start runs none. */
static void test_from_nothing(void **state)
{
    struct kit *k = *state;
    struct store_item i = put1(k, "m1", "a", "{}", 0);
    kit_reopen(k);
    assert_int_equal(claim_at(k, NOW), i.id);
}

static void test_newer_version_is_refused(void **state)
{
    struct kit *k = *state;
    kit_stop(k);
    sql(k, "PRAGMA user_version = 999");
    kit_start(k);
    assert_false(store_is_healthy(k->store));
    expect_reason(k, "newer front-bridge (format 999");
}

static void test_a_form_of_between_two_releases_is_refused(void **state)
{
    struct kit *k = *state;
    static const char *const forms[][2] = {
        {"ALTER TABLE message DROP COLUMN reply_to", "reply_to"},
        {"DROP TABLE part", "no such table: part"},
        {"DROP INDEX event_out", "no such index: event_out"},
    };
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        kit_stop(k);
        sql(k, forms[i][0]);
        kit_start(k);
        assert_false(store_is_healthy(k->store));
        expect_reason(k, "unreleased front-bridge");
        expect_reason(k, forms[i][1]);
        kit_close(k);
        kit_open(k);
    }
}

static void test_foreign_database_is_left_alone(void **state)
{
    struct kit *k = *state;
    char path[128];
    kit_stop(k);
    snprintf(path, sizeof path, "%s/front-bridge.db", k->dir);
    assert_int_equal(unlink(path), 0);
    sql(k, "CREATE TABLE theirs (x)");
    kit_start(k);
    assert_false(store_is_healthy(k->store));
    expect_reason(k, "another program");
    kit_stop(k);
    sql(k, "INSERT INTO theirs VALUES (1)");
    kit_start(k);
}

/* A migration that was interrupted leaves nothing: it is one transaction. */
static void test_half_a_migration(void **state)
{
    struct kit *k = *state;
    char path[128];
    kit_stop(k);
    snprintf(path, sizeof path, "%s/front-bridge.db", k->dir);
    assert_int_equal(unlink(path), 0);
    sql(k, "PRAGMA journal_mode = WAL; BEGIN; CREATE TABLE meta (x); ROLLBACK");
    kit_start(k);
    assert_true(store_is_healthy(k->store));
    put1(k, "m1", "a", "{}", 0);
}

static void test_another_database_in_its_place(void **state)
{
    struct kit *k = *state;
    char tag[STORE_ID_BYTES], other[STORE_ID_BYTES];
    store_id_format(k->store, 1, tag);
    struct kit two;
    kit_open(&two);
    store_id_format(two.store, 1, other);
    assert_string_not_equal(tag, other);
    int64_t id;
    assert_int_equal(store_id_parse(k->store, span_of(other), &id), ERR_NOT_FOUND);
    kit_close(&two);
}

static void test_files_are_private(void **state)
{
    struct kit *k = *state;
    static const char *const names[] = {"front-bridge.db", "front-bridge.db-wal", "front-bridge.db-shm"};
    put1(k, "m1", "a", "{}", 0);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char path[160];
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", k->dir, names[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
}

static void test_unknown_kind_of_store(void **state)
{
    struct kit *k = *state;
    struct buf why;
    struct store *s = NULL;
    buf_init(&why, 1024);
    assert_int_equal(store_open(&s, k->base, &(struct store_options){.url = "mysql://x"}, &why), ERR_INVALID);
    assert_non_null(strstr(why.p, "mysql://x"));
    assert_null(s);
    buf_fini(&why);
}

/* ---- Plans ---- */

/* Statements that may read a whole table or sort: lists of what is rare, and start-up. */
static bool may_scan(enum sql id)
{
    return id == SQL_CHANNEL_ALL || id == SQL_COUNTER_ALL || (id >= SQL_LIST_ID && id <= SQL_PICK_CHANNEL) ||
           id == SQL_CLAIM_SUSPECT || id == SQL_PRUNE_BODIES || id == SQL_PRUNE_KEYS || id == SQL_LAST_ID ||
           id == SQL_OLDEST_SENDING || id == SQL_STANDING_ALL;
}

static void check_plan(sqlite3 *db, enum sql id)
{
    char text[4096];
    sqlite3_stmt *st;
    snprintf(text, sizeof text, "EXPLAIN QUERY PLAN %s", sql_text_of[id]);
    if (sqlite3_prepare_v2(db, text, -1, &st, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql_text_of[id], sqlite3_errmsg(db));
    while (sqlite3_step(st) == SQLITE_ROW) {
        const char *plan = (const char *)sqlite3_column_text(st, 3);
        bool is_bad =
            strncmp(plan, "SCAN", 4) == 0 || strstr(plan, "TEMP B-TREE") ||
            (id == SQL_EVENT_DUE && strstr(plan, "SUBQUERY")); /* it would look at all that is due */
        if (is_bad && strcmp(plan, "SCAN CONSTANT ROW") != 0 && !may_scan(id))
            fail_msg("%s: %s", sql_text_of[id], plan);
    }
    sqlite3_finalize(st);
}

static void test_no_statement_of_the_daily_work_scans(void **state)
{
    struct kit *k = *state;
    char path[128];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/front-bridge.db", k->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    for (int i = 0; i < SQL_N; i++) {
        assert_non_null(sql_text_of[i]);
        if (i > SQL_UNDO_SAVEPOINT)
            check_plan(db, (enum sql)i);
    }
    sqlite3_close(db);
}

/* ---- The lock ---- */

static void test_two_processes_and_the_lock(void **state)
{
    struct kit *k = *state;
    char dir[96], pid[24];
    int fds[2], fd = -1, status;
    char c;
    struct stat st;
    struct buf why;
    buf_init(&why, 1024);
    snprintf(dir, sizeof dir, "%s/new", k->dir);
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        alarm(10);
        if (store_lock(dir, 0, &fd, &why) != OK)
            _exit(1);
        (void)!write(fds[1], "x", 1);
        usleep(400000);
        _exit(0);
    }
    assert_int_equal(read(fds[0], &c, 1), 1);
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(store_lock(dir, 0, &fd, &why), ERR_CONFLICT);
    snprintf(pid, sizeof pid, "process %d", (int)child);
    assert_non_null(strstr(why.p, dir));
    assert_non_null(strstr(why.p, pid));
    buf_clear(&why);
    assert_int_equal(store_lock(dir, 5000, &fd, &why), OK); /* as soon as the other ends */
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(fd);
    close(fds[0]);
    close(fds[1]);
    buf_fini(&why);
}

static void test_lock_says_what_is_wrong(void **state)
{
    struct kit *k = *state;
    char path[160];
    int fd = -1;
    struct buf why;
    buf_init(&why, 1024);
    snprintf(path, sizeof path, "%s/no/such", k->dir);
    assert_int_equal(store_lock(path, 0, &fd, &why), ERR_IO);
    assert_non_null(strstr(why.p, "cannot be made"));
    buf_clear(&why);
    snprintf(path, sizeof path, "%s/front-bridge.db", k->dir);
    assert_int_equal(store_lock(path, 0, &fd, &why), ERR_IO);
    assert_non_null(strstr(why.p, "lock file"));
    assert_int_equal(fd, -1);
    buf_fini(&why);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_from_nothing),
        TEST(test_newer_version_is_refused),
        TEST(test_a_form_of_between_two_releases_is_refused),
        TEST(test_foreign_database_is_left_alone),
        TEST(test_half_a_migration),
        TEST(test_another_database_in_its_place),
        TEST(test_files_are_private),
        TEST(test_unknown_kind_of_store),
        TEST(test_no_statement_of_the_daily_work_scans),
        TEST(test_two_processes_and_the_lock),
        TEST(test_lock_says_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
