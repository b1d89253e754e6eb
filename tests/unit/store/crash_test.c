/*
 * kill -9 in the middle of the work, at random and at the named points: what was answered OK is there
 * afterwards, what was settled stays settled, and the sums are right.
 */
#include "kit.h"
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 40, IN_FLIGHT = 32, LANES = 50 };

/* What the child tells its parent, after the store told it. */
struct ack {
    unsigned number;
    enum { ACK_PUT, ACK_SETTLED } what;
};

/* ---- The child ---- */

struct job {
    struct store_put put;
    struct store_item item;
    struct store_settle settle;
    char id[16], lane[16];
    unsigned number;
};

static struct {
    struct kit kit;
    unsigned next, seed;
    int fd;
} child;

static void tell(const struct job *j, int what)
{
    struct ack a = {.number = j->number, .what = (unsigned)what};
    if (write(child.fd, &a, sizeof a) != sizeof a)
        _exit(1);
}

static void next_put(struct job *j)
{
    j->number = child.next++;
    snprintf(j->id, sizeof j->id, "m%u", j->number);
    bool starts =
        (unsigned)rand_r(&child.seed) / 16 % 2; /* in a lane of its own, or it would wait for others */
    unsigned lane = starts ? LANES + j->number : (unsigned)rand_r(&child.seed) % LANES;
    snprintf(j->lane, sizeof j->lane, "l%u", lane);
    j->item =
        (struct store_item){.recipient = SPAN_LIT("r"), .lane = span_of(j->lane), .body = span_of(j->id)};
    j->put.source_id = span_of(j->id);
    j->put.start_max = starts;
    store_post_put(child.kit.store, &j->put);
}

static void on_settled(struct store_op *op)
{
    struct job *j = container_of(container_of(op, struct store_settle, op), struct job, settle);
    if (op->result == OK)
        tell(j, ACK_SETTLED);
    next_put(j);
}

static void on_stored(struct store_op *op)
{
    struct job *j = container_of(container_of(op, struct store_put, op), struct job, put);
    if (op->result == OK)
        tell(j, ACK_PUT);
    if (op->result != OK || !j->item.is_started) {
        next_put(j);
        return;
    }
    j->settle = (struct store_settle){.op.on_done = on_settled,
                                      .id = j->item.id,
                                      .attempt = 1,
                                      .verb = VERB_DELIVER,
                                      .outcome = "delivered",
                                      .now = NOW};
    store_post_settle(child.kit.store, &j->settle);
}

static _Noreturn void be_child(const char *dir, unsigned from, int fd, const char *point)
{
    static struct job job[IN_FLIGHT];
    if (point)
        setenv("FRONT_BRIDGE_POINT", point, 1);
    alarm(60);
    child.kit.base = event_base_new();
    snprintf(child.kit.dir, sizeof child.kit.dir, "%s", dir);
    child.next = from;
    child.seed = from;
    child.fd = fd;
    kit_start(&child.kit);
    for (int i = 0; i < IN_FLIGHT; i++) {
        job[i].put = (struct store_put){.op.on_done = on_stored,
                                        .channel = CHANNEL,
                                        .now = NOW,
                                        .created_at = NOW,
                                        .expires_at = NOW + LIFE,
                                        .item = &job[i].item,
                                        .item_n = 1};
        next_put(&job[i]);
    }
    event_base_dispatch(child.kit.base);
    _exit(1);
}

/* ---- The parent ---- */

struct books {
    bool *is_put, *is_settled;
    unsigned n, put_n, settled_n;
};

static void read_acks(struct books *b, int fd)
{
    struct ack a;
    while (read(fd, &a, sizeof a) == sizeof a) {
        if (a.number >= b->n) {
            unsigned n = (a.number + 1) * 2;
            b->is_put = mem_realloc(b->is_put, n);
            b->is_settled = mem_realloc(b->is_settled, n);
            memset(b->is_put + b->n, 0, n - b->n);
            memset(b->is_settled + b->n, 0, n - b->n);
            b->n = n;
        }
        if (a.what == ACK_PUT)
            b->is_put[a.number] = true;
        else
            b->is_settled[a.number] = true;
        b->put_n += a.what == ACK_PUT;
        b->settled_n += a.what == ACK_SETTLED;
    }
}

/* Every acknowledged message, with its own body; returns the highest number seen. */
static unsigned check_books(struct kit *k, const struct books *b)
{
    char path[128];
    sqlite3 *db;
    sqlite3_stmt *st;
    unsigned put_n = 0, settled_n = 0, highest = 0;
    snprintf(path, sizeof path, "%s/front-bridge.db", k->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db, "SELECT source_id, state, bytes = source_id FROM message JOIN body USING (id)",
                           -1, &st, NULL),
        SQLITE_OK);
    while (sqlite3_step(st) == SQLITE_ROW) {
        unsigned number = (unsigned)atoi((const char *)sqlite3_column_text(st, 0) + 1);
        highest = number > highest ? number : highest;
        if (number >= b->n)
            continue;
        put_n += b->is_put[number];
        settled_n += b->is_settled[number] && sqlite3_column_int(st, 1) == MESSAGE_DELIVERED;
    }
    sqlite3_finalize(st);
    sqlite3_close(db);
    assert_int_equal(put_n, b->put_n);
    assert_int_equal(settled_n, b->settled_n);
    return highest;
}

static void round_of(struct kit *k, struct books *b, unsigned from, unsigned us, const char *point)
{
    int fds[2], status;
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(fds[0]);
        be_child(k->dir, from, fds[1], point);
    }
    close(fds[1]);
    if (!point) {
        usleep(us);
        kill(pid, SIGKILL);
    }
    read_acks(b, fds[0]);
    close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void test_acknowledged_survives_kill(void **state)
{
    static const char *const points[] = {"before_commit=kill:4", "after_commit=kill:7",
                                         "before_settle=kill:9"};
    struct kit k;
    struct books b = {0};
    unsigned from = 0, seed = (unsigned)getpid();
    (void)state;
    kit_open(&k);
    kit_stop(&k);
    for (int i = 0; i < ROUNDS; i++) {
        const char *point = i % 4 == 3 ? points[i / 4 % 3] : NULL;
        round_of(&k, &b, from, 1000 + (unsigned)rand_r(&seed) % 60000, point);
        kit_start(&k);
        assert_true(store_is_healthy(k.store));
        check_sums(&k);
        struct store_orphans p = {.channel = CHANNEL, .is_resent = i % 2, .now = NOW};
        assert_int_equal(kit_orphans(&k, &p), OK);
        kit_stop(&k);
        from = check_books(&k, &b) + 1;
    }
    print_message("%u puts and %u settles acknowledged in %d rounds\n", b.put_n, b.settled_n, ROUNDS);
    assert_true(b.put_n > ROUNDS);
    kit_start(&k);
    kit_close(&k);
    free(b.is_put);
    free(b.is_settled);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_acknowledged_survives_kill)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
