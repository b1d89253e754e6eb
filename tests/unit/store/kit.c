#include "kit.h"
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Life ---- */

static void on_health(bool is_ok, const char *reason, void *arg)
{
    struct kit *k = arg;
    assert_true(is_ok || reason[0]);
    k->health_n++;
}

void kit_start(struct kit *k)
{
    struct buf why;
    buf_init(&why, 1024);
    assert_int_equal(store_open(&k->store, k->base,
                                &(struct store_options){.url = k->dir, .on_health = on_health, .arg = k},
                                &why),
                     OK);
    buf_fini(&why);
}

void kit_stop(struct kit *k)
{
    store_close(k->store, 0);
    k->store = NULL;
}

void kit_open(struct kit *k)
{
    *k = (struct kit){.base = event_base_new()};
    snprintf(k->dir, sizeof k->dir, "/tmp/fb-store-XXXXXX");
    assert_non_null(mkdtemp(k->dir));
    kit_start(k);
}

void kit_reopen(struct kit *k)
{
    kit_stop(k);
    kit_start(k);
}

void kit_close(struct kit *k)
{
    char command[96];
    kit_stop(k);
    event_base_free(k->base);
    snprintf(command, sizeof command, "rm -rf '%s'", k->dir);
    assert_int_equal(system(command), 0);
}

int kit_set_up(void **state)
{
    static struct kit kit;
    kit_open(&kit);
    *state = &kit;
    return 0;
}

int kit_tear_down(void **state)
{
    check_sums(*state);
    kit_close(*state);
    return 0;
}

void kit_turn(struct kit *k)
{
    event_base_loop(k->base, EVLOOP_ONCE);
}

/* ---- Operations, one after the other ---- */

void on_kit_done(struct store_op *op)
{
    op->on_done = NULL;
}

void kit_expect(void *op)
{
    ((struct store_op *)op)->on_done = on_kit_done;
}

void kit_await(struct kit *k, const struct store_op *op)
{
    while (op->on_done)
        kit_turn(k);
}

void kit_await_health(struct kit *k, bool is_ok)
{
    for (int i = 0; i < 1000 && store_is_healthy(k->store) != is_ok; i++) {
        usleep(10000);
        event_base_loop(k->base, EVLOOP_NONBLOCK);
    }
    assert_int_equal(store_is_healthy(k->store), is_ok);
}

#define KIT(verb)                                                                                            \
    enum err kit_##verb(struct kit *k, struct store_##verb *p)                                               \
    {                                                                                                        \
        p->op.on_done = on_kit_done;                                                                         \
        store_post_##verb(k->store, p);                                                                      \
        kit_await(k, &p->op);                                                                                \
        return p->op.result;                                                                                 \
    }
KIT(put)
KIT(import)
KIT(claim)
KIT(settle)
KIT(cancel)
KIT(orphans)
KIT(expire)
KIT(prune)
KIT(admin)
KIT(list)
KIT(show)
KIT(about)
KIT(stats)
KIT(learn)
KIT(learnt)
KIT(merge)
KIT(reports)
KIT(kv)
KIT(confirm)
KIT(standing)
KIT(files_due)
KIT(file_end)
KIT(file_get)
KIT(files_known)
KIT(failed)
KIT(receipt)
KIT(reported)
KIT(event_put)
KIT(event_release)
KIT(events_due)
KIT(event_end)
KIT(event_list)
KIT(event_replay)
KIT(file_lost)

/* ---- Short forms ---- */

struct store_item put_at(struct kit *k, const char *id, const char *lane, const char *body,
                         unsigned start_max, wall_ms_t now)
{
    struct put1 p = {
        .item = {.recipient = SPAN_LIT("+49"), .lane = span_of(lane), .body = span_of(body)},
        .put = {.channel = CHANNEL,
                .source_id = span_of(id),
                .now = now,
                .created_at = now,
                .expires_at = now + LIFE,
                .start_max = start_max,
                .item_n = 1},
    };
    p.put.item = &p.item;
    assert_int_equal(kit_put(k, &p.put), OK);
    struct store_item result = p.item;
    store_put_fini(&p.put);
    result.peer_conversation = NULL;
    return result;
}

struct store_item put1(struct kit *k, const char *id, const char *lane, const char *body, unsigned start_max)
{
    return put_at(k, id, lane, body, start_max, NOW);
}

int64_t deliver1(struct kit *k, const struct delivered *d)
{
    struct store_item item = {.recipient = span_of(d->handle),
                              .lane = span_of(d->lane ? d->lane : d->id),
                              .body = span_of(d->body ? d->body : "{}")};
    struct store_put p = {.channel = CHANNEL,
                          .source_id = span_of(d->id),
                          .conversation = span_of(d->conversation),
                          .thread_ref = span_of(d->thread_ref),
                          .now = NOW,
                          .created_at = NOW,
                          .expires_at = NOW + LIFE,
                          .start_max = 1,
                          .item = &item,
                          .item_n = 1};
    assert_int_equal(kit_put(k, &p), OK);
    store_put_fini(&p);
    struct store_settle s = {.id = item.id,
                             .attempt = 1,
                             .verb = VERB_DELIVER,
                             .outcome = "delivered",
                             .now = NOW,
                             .external_id = span_of(d->external_id),
                             .peer_conversation = span_of(d->peer_conversation)};
    assert_int_equal(kit_settle(k, &s), OK);
    return item.id;
}

int64_t claim_at(struct kit *k, wall_ms_t now)
{
    struct store_claim p = {.channel = CHANNEL, .now = now, .max = 1};
    assert_int_equal(kit_claim(k, &p), OK);
    int64_t id = p.message_n ? p.message[0].id : 0;
    store_claim_fini(&p);
    return id;
}

static const char *const outcome_of[MESSAGE_VERB_N] = {
    [VERB_DELIVER] = "delivered", [VERB_ACCEPT] = "delivered", [VERB_RETRY] = "retry",
    [VERB_REJECT] = "rejected",   [VERB_HOLD] = "hold",        [VERB_UNSURE] = "unknown",
    [VERB_KILL] = "rejected",
};

enum err settle1(struct kit *k, int64_t id, uint32_t attempt, enum message_verb verb)
{
    struct store_settle p = {
        .id = id, .attempt = attempt, .verb = verb, .outcome = outcome_of[verb], .now = NOW};
    return kit_settle(k, &p);
}

enum message_state state_of(struct kit *k, int64_t id)
{
    struct store_show p = {.id = id};
    assert_int_equal(kit_show(k, &p), OK);
    enum message_state s = p.message.state;
    store_show_fini(&p);
    return s;
}

uint64_t count_of(struct kit *k, enum message_state s)
{
    struct store_stats p = {0};
    uint64_t n = 0;
    assert_int_equal(kit_stats(k, &p), OK);
    for (unsigned i = 0; i < p.count_n; i++)
        n += p.count[i].n[s];
    store_stats_fini(&p);
    return n;
}

/* ---- What must hold of the rows, whatever happened ---- */

static void check_none(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *st;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    int rc = sqlite3_step(st);
    if (rc != SQLITE_DONE)
        fail_msg("%s: found %s", sql, (const char *)sqlite3_column_text(st, 0));
    sqlite3_finalize(st);
}

void check_sums(struct kit *k)
{
    char path[128];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/front-bridge.db", k->dir);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    check_none(db,
               "SELECT queue_id, state, n, bytes FROM counter WHERE n <> 0 OR bytes <> 0 EXCEPT"
               " SELECT queue_id, state, count(*), sum(CASE WHEN state IN (2,3,4,5,9) THEN 0 ELSE body_n END)"
               " FROM message GROUP BY 1, 2");
    check_none(db,
               "SELECT queue_id, state, count(*), sum(CASE WHEN state IN (2,3,4,5,9) THEN 0 ELSE body_n END)"
               " FROM message GROUP BY 1, 2 EXCEPT SELECT queue_id, state, n, bytes FROM counter");
    check_none(db, "SELECT id FROM message WHERE (seq IS NOT NULL) <> (state < 2)");
    check_none(db, "SELECT id FROM message WHERE is_head = 1 AND state > 1");
    check_none(db,
               "SELECT lane FROM message WHERE state < 2 GROUP BY queue_id, lane HAVING sum(is_head) <> 1");
    check_none(db,
               "SELECT id FROM message WHERE state = 1 AND (started_at = 0 OR ended_at <> 0 OR is_head = 0)");
    check_none(db, "SELECT id FROM message WHERE state = 0 AND due_at > expires_at");
    check_none(db,
               "SELECT id FROM message m WHERE state IN (0,1,6,7,8) AND NOT EXISTS"
               " (SELECT 1 FROM body WHERE body.id = m.id AND length(bytes) = m.body_n -"
               " (SELECT coalesce(sum(f.bytes), 0) FROM file f WHERE f.message_id = m.id AND f.state = 1))");
    check_none(db, "SELECT id FROM message m WHERE files_left <>"
                   " (SELECT count(*) FROM file f WHERE f.message_id = m.id AND f.state = 0)");
    check_none(db, "SELECT id FROM message WHERE state = 0 AND files_left > 0 AND due_at <> expires_at");
    check_none(db, "SELECT id FROM file WHERE state = 1 AND (name IS NULL OR due_at IS NOT NULL)");
    check_none(db, "SELECT * FROM pragma_integrity_check WHERE integrity_check <> 'ok'");
    sqlite3_close(db);
}
