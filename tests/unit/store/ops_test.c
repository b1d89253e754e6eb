/* The rest of the operations: orphans, expiry, retention, operators, lists, keys. */
#include "kit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Orphans ---- */

static void test_orphans_resent_as_suspects(void **state)
{
    struct kit *k = *state;
    struct store_item a = put1(k, "m1", "a", "{}", 1), b = put1(k, "m2", "b", "{}", 0);
    kit_reopen(k);
    struct store_orphans p = {.channel = CHANNEL, .is_resent = true, .now = NOW + 9};
    assert_int_equal(kit_orphans(k, &p), OK);
    assert_int_equal(p.message_n, 1);
    assert_int_equal(kit_orphans(k, &p), OK);
    assert_int_equal(p.message_n, 0);
    struct store_claim c = {.channel = CHANNEL, .now = NOW + 10, .max = 1, .only_suspects_first = true};
    assert_int_equal(kit_claim(k, &c), OK);
    assert_int_equal(c.message_n, 1);
    assert_int_equal(c.message[0].id, a.id); /* though b is due earlier */
    assert_true(c.message[0].is_suspect);
    assert_int_equal(c.message[0].attempt, 2);
    assert_int_equal(c.next_due, NOW);
    store_claim_fini(&c);
    assert_int_equal(settle1(k, a.id, 2, VERB_RETRY), OK);
    struct store_show s = {.id = a.id};
    assert_int_equal(kit_show(k, &s), OK);
    assert_false(s.message.is_suspect);
    assert_int_equal(s.attempt_n, 2);
    assert_string_equal(s.attempt[0].outcome, "unknown");
    store_show_fini(&s);
    (void)b;
}

static void test_orphans_held_back(void **state)
{
    struct kit *k = *state;
    struct store_item a = put1(k, "m1", "a", "{}", 1), b = put1(k, "m2", "a", "{}", 0);
    struct store_orphans p = {.channel = "other", .now = NOW};
    assert_int_equal(kit_orphans(k, &p), OK);
    assert_int_equal(p.message_n, 0);
    p.channel = NULL;
    p.direction = MESSAGE_IN;
    assert_int_equal(kit_orphans(k, &p), OK);
    assert_int_equal(p.message_n, 0);
    p.direction = MESSAGE_OUT;
    assert_int_equal(kit_orphans(k, &p), OK);
    assert_int_equal(p.message_n, 1);
    assert_int_equal(state_of(k, a.id), MESSAGE_UNKNOWN);
    assert_int_equal(claim_at(k, NOW), b.id);
}

static void test_crashes_are_counted_when_alone(void **state)
{
    struct kit *k = *state;
    struct store_item a = put1(k, "m1", "a", "{}", 1);
    struct store_settle p = {.id = a.id,
                             .attempt = 1,
                             .verb = VERB_RETRY,
                             .outcome = "unknown",
                             .now = NOW,
                             .due_at = NOW,
                             .was_crash = true};
    for (uint32_t n = 1; n <= 3; n++) {
        p.attempt = n;
        p.was_alone = n != 2;
        assert_int_equal(kit_settle(k, &p), OK);
        struct store_claim c = {.channel = CHANNEL, .now = NOW, .max = 1};
        assert_int_equal(kit_claim(k, &c), OK);
        assert_int_equal(c.message[0].crash_n, n == 3 ? 2 : 1);
        assert_true(c.message[0].is_suspect);
        store_claim_fini(&c);
    }
}

/* ---- Expiry ---- */

static wall_ms_t unsure_at(struct kit *k, int64_t id)
{
    struct store_show s = {.id = id};
    assert_int_equal(kit_show(k, &s), OK);
    wall_ms_t at = s.message.unsure_at;
    store_show_fini(&s);
    return at;
}

static void settle_at(struct kit *k, int64_t id, uint32_t attempt, enum message_verb verb, bool is_unsure,
                      wall_ms_t now)
{
    struct store_settle s = {.id = id,
                             .attempt = attempt,
                             .verb = verb,
                             .outcome = "unknown",
                             .now = now,
                             .due_at = now,
                             .is_unsure = is_unsure};
    assert_int_equal(kit_settle(k, &s), OK);
}

/* Since when it is not known whether it arrived: from the first attempt that may have, until that is cleared up. */
static void test_unsure_since(void **state)
{
    struct kit *k = *state;
    int64_t id = put1(k, "m1", "a", "{}", 1).id;
    settle_at(k, id, 1, VERB_RETRY, false, NOW + 10);
    assert_int_equal(unsure_at(k, id), 0);
    assert_int_equal(claim_at(k, NOW + 20), id);
    settle_at(k, id, 2, VERB_RETRY, true, NOW + 30);
    assert_int_equal(unsure_at(k, id), NOW + 20);
    assert_int_equal(claim_at(k, NOW + 40), id);
    settle_at(k, id, 3, VERB_RETRY, true, NOW + 50); /* it could not be cleared up */
    assert_int_equal(unsure_at(k, id), NOW + 20);
    assert_int_equal(claim_at(k, NOW + 60), id);
    struct store_orphans o = {.direction = MESSAGE_OUT, .is_resent = true, .now = NOW + 70};
    assert_int_equal(kit_orphans(k, &o), OK);
    assert_int_equal(unsure_at(k, id), NOW + 20);
    assert_int_equal(claim_at(k, NOW + 80), id);
    settle_at(k, id, 5, VERB_RETRY, false, NOW + 90); /* it had not arrived, and now neither */
    assert_int_equal(unsure_at(k, id), 0);
    assert_int_equal(claim_at(k, NOW + 100), id);
    settle_at(k, id, 6, VERB_KILL, true,
              NOW + 110); /* dead, but not cleared up: whoever retries is told so */
    struct store_admin a = {
        .verb = VERB_REQUEUE, .filter = {.direction = -1, .id = id}, .now = NOW + 120, .expires_in_ms = LIFE};
    assert_int_equal(kit_admin(k, &a), OK);
    assert_int_equal(unsure_at(k, id), NOW + 100);
    assert_int_equal(claim_at(k, NOW + 130), id);
    settle_at(k, id, 7, VERB_UNSURE, true, NOW + 140);
    assert_int_equal(kit_admin(k, &a), OK); /* an operator who retries what is unknown has looked */
    assert_int_equal(unsure_at(k, id), 0);
}

static void test_expiry(void **state)
{
    struct kit *k = *state;
    struct store_item a = put1(k, "m1", "a", "{}", 0), b = put_at(k, "m2", "a", "{}", 0, NOW + 5);
    struct store_item c = put1(k, "m3", "c", "{}", 1);
    struct store_settle r = {.id = c.id,
                             .attempt = 1,
                             .verb = VERB_RETRY,
                             .outcome = "retry",
                             .now = NOW,
                             .due_at = INT64_MAX,
                             .reason = SPAN_LIT("no connection")};
    assert_int_equal(kit_settle(k, &r), OK);
    struct store_expire *p = mem_zalloc(sizeof *p);
    p->now = NOW + LIFE - 1;
    assert_int_equal(kit_expire(k, p), OK);
    assert_int_equal(p->expired_n, 0);
    assert_int_equal(p->next_at, NOW + LIFE);
    p->now = NOW + LIFE + 2;
    assert_int_equal(claim_at(k, p->now), 0); /* nothing starts that is over */
    assert_int_equal(kit_expire(k, p), OK);
    assert_int_equal(p->expired_n, 2);
    assert_int_equal(p->expired[0].id, a.id);
    assert_true(p->expired[0].is_too_old);
    assert_string_equal(p->expired[0].channel, CHANNEL);
    assert_int_equal(p->expired[1].id, c.id);
    assert_false(p->expired[1].is_too_old);
    assert_int_equal(p->next_at, NOW + LIFE + 5); /* b was promoted */
    assert_false(p->is_more);
    p->now = NOW + LIFE + 5;
    assert_int_equal(kit_expire(k, p), OK);
    assert_int_equal(p->expired[0].id, b.id);
    assert_int_equal(p->next_at, INT64_MAX);
    struct store_show s = {.id = c.id};
    assert_int_equal(kit_show(k, &s), OK);
    assert_int_equal(s.message.state, MESSAGE_DEAD);
    assert_string_equal(s.message.reason, "no connection");
    store_show_fini(&s);
    free(p);
}

static void test_expiry_of_a_long_lane_goes_in_steps(void **state)
{
    struct kit *k = *state;
    unsigned n = 0, rounds = 0;
    for (int i = 0; i < 150; i++) {
        char id[16];
        snprintf(id, sizeof id, "m%d", i);
        put1(k, id, "a", "{}", 0);
    }
    struct store_expire *p = mem_zalloc(sizeof *p);
    p->now = NOW + LIFE;
    do {
        assert_int_equal(kit_expire(k, p), OK);
        n += p->expired_n;
        rounds++;
    } while (p->is_more);
    assert_int_equal(n, 150);
    assert_int_equal(rounds, 3);
    free(p);
}

/* ---- Retention ---- */

static void prune_all(struct kit *k, struct store_prune *p)
{
    unsigned bodies = 0, keys = 0;
    do {
        assert_int_equal(kit_prune(k, p), OK);
        bodies += p->body_n;
        keys += p->key_n;
    } while (p->is_more);
    p->body_n = bodies;
    p->key_n = keys;
}

static void test_retention(void **state)
{
    enum { N = 1200 };
    struct kit *k = *state;
    int64_t ids[N];
    for (int i = 0; i < N; i++) {
        char id[16];
        snprintf(id, sizeof id, "m%d", i);
        struct store_item m = put1(k, id, id, "{}", 1);
        ids[i] = m.id;
        static const enum message_verb verbs[] = {VERB_DELIVER, VERB_HOLD, VERB_KILL, VERB_RETRY,
                                                  VERB_REJECT};
        assert_int_equal(settle1(k, m.id, 1, verbs[i % 5]), OK);
    }
    struct store_prune p = {.bodies_before = NOW, .keys_before = NOW};
    prune_all(k, &p);
    assert_int_equal(p.body_n, 0);
    p.bodies_before = NOW + 1;
    prune_all(k, &p);
    assert_int_equal(p.body_n, N / 5 * 2); /* delivered and rejected */
    struct store_show s = {.id = ids[0]};
    assert_int_equal(kit_show(k, &s), OK);
    assert_null(s.message.body);
    assert_int_equal(s.message.body_n, 0);
    store_show_fini(&s);
    assert_int_equal(put1(k, "m0", "m0", "{}", 0).how, STORE_DONE);
    assert_int_equal(put1(k, "m4", "m4", "{}", 0).revision, 2); /* nobody knows what it said */
    p.keys_before = NOW + 1;
    prune_all(k, &p);
    assert_int_equal(p.key_n, N / 5 * 3 - 1 - 1); /* and dead; m4 is open again; the newest stays */
    s.id = ids[0];
    assert_int_equal(kit_show(k, &s), ERR_NOT_FOUND);
    assert_int_equal(put1(k, "m0", "m0", "{}", 0).how, STORE_NEW);
    assert_int_equal(count_of(k, MESSAGE_HELD), N / 5);
}

static void test_ids_are_not_used_twice(void **state)
{
    struct kit *k = *state;
    struct store_item a = put1(k, "m1", "a", "{}", 1);
    assert_int_equal(settle1(k, a.id, 1, VERB_DELIVER), OK);
    struct store_prune p = {.bodies_before = NOW + 1, .keys_before = NOW + 1};
    prune_all(k, &p);
    kit_reopen(k);
    assert_true(put1(k, "m2", "a", "{}", 1).id > a.id);
}

/* ---- Operators ---- */

static enum err admin(struct kit *k, enum message_verb v, int64_t id, uint32_t states, unsigned *n)
{
    struct store_admin p = {.verb = v,
                            .now = NOW + 50,
                            .expires_in_ms = 1000,
                            .filter = {.direction = -1, .id = id, .states = states},
                            .max = 7};
    *n = 0;
    do {
        enum err e = kit_admin(k, &p);
        if (e != OK)
            return e;
        *n += p.message_n;
    } while (p.is_more);
    return OK;
}

static void test_requeue_keeps_the_order_and_gives_a_new_life(void **state)
{
    struct kit *k = *state;
    unsigned n;
    int64_t ids[40];
    for (int i = 0; i < 40; i++) {
        char id[16];
        snprintf(id, sizeof id, "m%d", i);
        struct store_item m = put1(k, id, "a", "{}", 1);
        ids[i] = m.id;
        assert_int_equal(settle1(k, m.id, 1, VERB_KILL), OK);
    }
    struct store_item late = put1(k, "late", "a", "{}", 0);
    assert_int_equal(admin(k, VERB_REQUEUE, 0, 1u << MESSAGE_DEAD, &n), OK);
    assert_int_equal(n, 40);
    assert_int_equal(claim_at(k, NOW + 50), late.id);
    assert_int_equal(settle1(k, late.id, 1, VERB_DELIVER), OK);
    for (int i = 0; i < 40; i++) {
        struct store_claim c = {.channel = CHANNEL, .now = NOW + 50, .max = 5};
        assert_int_equal(kit_claim(k, &c), OK);
        assert_int_equal(c.message_n, 1);
        assert_int_equal(c.message[0].id, ids[i]);
        assert_int_equal(c.message[0].expires_at, NOW + 1050);
        assert_int_equal(c.message[0].attempt, 2);
        assert_int_equal(c.message[0].attempt_base, 1);
        store_claim_fini(&c);
        assert_int_equal(settle1(k, ids[i], 2, VERB_DELIVER), OK);
    }
}

static void test_hold_release_drop(void **state)
{
    struct kit *k = *state;
    unsigned n;
    struct store_item a = put1(k, "m1", "a", "{}", 0), b = put1(k, "m2", "a", "{}", 0);
    assert_int_equal(admin(k, VERB_HOLD, a.id, 0, &n), OK);
    assert_int_equal(n, 1);
    assert_int_equal(claim_at(k, NOW), b.id);
    assert_int_equal(admin(k, VERB_HOLD, b.id, 0, &n), OK); /* an attempt is out: left alone */
    assert_int_equal(n, 0);
    assert_int_equal(admin(k, VERB_RELEASE, 0, 0, &n), OK);
    assert_int_equal(n, 1);
    assert_int_equal(settle1(k, b.id, 1, VERB_DELIVER), OK);
    assert_int_equal(admin(k, VERB_DROP, a.id, 0, &n), OK);
    assert_int_equal(state_of(k, a.id), MESSAGE_DROPPED);
    assert_int_equal(admin(k, VERB_REQUEUE, a.id, 0, &n), OK);
    assert_int_equal(n, 0);
    assert_int_equal(admin(k, VERB_REQUEUE, 99, 0, &n), ERR_NOT_FOUND);
    assert_int_equal(admin(k, VERB_CANCEL, a.id, 0, &n), ERR_INVALID);
}

static void test_requeue_of_a_waiting_message_sends_it_now(void **state)
{
    struct kit *k = *state;
    unsigned n;
    struct store_item a = put1(k, "m1", "a", "{}", 1), b = put1(k, "m2", "a", "{}", 0);
    struct store_settle p = {
        .id = a.id, .attempt = 1, .verb = VERB_RETRY, .outcome = "retry", .now = NOW, .due_at = NOW + 100000};
    assert_int_equal(kit_settle(k, &p), OK);
    assert_int_equal(claim_at(k, NOW + 50), 0);
    assert_int_equal(admin(k, VERB_REQUEUE, a.id, 0, &n), OK);
    assert_int_equal(claim_at(k, NOW + 50), a.id);
    assert_int_equal(settle1(k, a.id, 2, VERB_DELIVER), OK);
    assert_int_equal(claim_at(k, NOW + 50), b.id);
}

/* ---- Lists and figures ---- */

static unsigned listed(struct kit *k, struct store_filter f, int64_t *first)
{
    struct store_list p = {.filter = f, .wants_body = true};
    assert_int_equal(kit_list(k, &p), OK);
    unsigned n = p.message_n;
    if (first)
        *first = n ? p.message[0].id : 0;
    for (unsigned i = 0; i < n; i++)
        assert_string_equal(p.message[i].body, "{}");
    store_list_fini(&p);
    return n;
}

static void test_lists(void **state)
{
    struct kit *k = *state;
    int64_t ids[30], first;
    for (int i = 0; i < 30; i++) {
        char id[16];
        snprintf(id, sizeof id, "m%d", i);
        struct store_item m = put1(k, id, id, "{}", 1);
        ids[i] = m.id;
        if (i % 3)
            assert_int_equal(settle1(k, m.id, 1, i % 3 == 1 ? VERB_KILL : VERB_DELIVER), OK);
    }
    assert_int_equal(listed(k, (struct store_filter){.direction = -1}, &first), 30);
    assert_int_equal(first, ids[29]);
    assert_int_equal(listed(k, (struct store_filter){.direction = MESSAGE_IN}, NULL), 0);
    assert_int_equal(listed(k, (struct store_filter){.direction = 0, .channel = CHANNEL}, NULL), 30);
    assert_int_equal(listed(k, (struct store_filter){.direction = -1, .channel = "none"}, NULL), 0);
    assert_int_equal(listed(k, (struct store_filter){.direction = -1, .states = 1u << MESSAGE_DEAD}, &first),
                     10);
    assert_int_equal(first, ids[28]);
    assert_int_equal(listed(k, (struct store_filter){.direction = -1, .states = 1u << MESSAGE_SENDING}, NULL),
                     10);
    assert_int_equal(
        listed(k, (struct store_filter){.direction = -1, .states = 1u << MESSAGE_DELIVERED}, NULL), 10);
    assert_int_equal(listed(k, (struct store_filter){.direction = -1, .states = 5u << MESSAGE_QUEUED}, NULL),
                     10);
    assert_int_equal(listed(k, (struct store_filter){.direction = -1, .before_id = ids[10]}, &first), 10);
    assert_int_equal(first, ids[9]);
    assert_int_equal(listed(k, (struct store_filter){.direction = -1, .id = ids[7]}, &first), 1);
    assert_int_equal(first, ids[7]);
    assert_int_equal(listed(k, (struct store_filter){.direction = -1, .reason = "x"}, NULL), 0);
}

static void test_lists_go_on(void **state)
{
    struct kit *k = *state;
    char *body = mem_zalloc((5 << 20) + 1);
    memset(body, ' ', 5 << 20);
    for (int i = 0; i < 7; i++) {
        char id[16];
        snprintf(id, sizeof id, "m%d", i);
        put1(k, id, id, body, 0);
    }
    struct store_list p = {.filter = {.direction = -1}, .max = 7};
    assert_int_equal(kit_list(k, &p), OK);
    assert_int_equal(p.message_n, 7);
    assert_false(p.is_more);
    assert_null(p.message[0].body);
    p.max = 6;
    assert_int_equal(kit_list(k, &p), OK);
    assert_int_equal(p.message_n, 6);
    assert_true(p.is_more);
    p.max = 7;
    p.wants_body = true; /* 35 MB are not read at once */
    assert_int_equal(kit_list(k, &p), OK);
    assert_int_equal(p.message_n, 4);
    assert_true(p.is_more);
    struct store_claim c = {.channel = CHANNEL, .now = NOW, .max = 7};
    assert_int_equal(kit_claim(k, &c), OK);
    assert_int_equal(c.message_n, 1);
    assert_int_equal(c.next_due, NOW);
    store_claim_fini(&c);
    store_list_fini(&p);
    free(body);
}

static void test_figures(void **state)
{
    struct kit *k = *state;
    put_at(k, "m1", "a", "{\"1\":2}", 1, NOW);
    put_at(k, "m2", "b", "{}", 0, NOW + 7);
    struct store_stats p = {0};
    assert_int_equal(kit_stats(k, &p), OK);
    assert_int_equal(p.count_n, 2);
    assert_string_equal(p.count[0].channel, CHANNEL);
    assert_int_equal(p.count[0].n[MESSAGE_SENDING], 1);
    assert_int_equal(p.count[0].n[MESSAGE_QUEUED], 1);
    assert_int_equal(p.count[0].bytes, 9);
    assert_int_equal(p.count[0].oldest_at, NOW);
    assert_int_equal(p.count[1].oldest_at, 0);
    assert_true(p.file_bytes > 0 && p.wal_bytes > 0);
    store_stats_fini(&p);
    struct store_commit_times t;
    store_commit_times(k->store, &t);
    assert_true(t.n >= 2 && t.sum_s > 0 && t.bucket[STORE_COMMIT_BUCKETS - 1] <= t.n);
}

static void test_public_ids(void **state)
{
    struct kit *k = *state;
    char text[STORE_ID_BYTES], again[STORE_ID_BYTES];
    static const int64_t ids[] = {1, 35, 36, 1000000, INT64_C(1) << 53};
    int64_t id;
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        store_id_format(k->store, ids[i], text);
        assert_int_equal(store_id_parse(k->store, span_of(text), &id), OK);
        assert_int_equal(id, ids[i]);
    }
    kit_reopen(k);
    store_id_format(k->store, ids[4], again);
    assert_string_equal(text, again);
    static const char *const bad[] = {"",          "fb", "fb-",  "x",         "fbzzzzzz",
                                      "fbzzzzzz-", "1",  "fb-1", "fbäääzzz-1"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_not_equal(store_id_parse(k->store, span_of(bad[i]), &id), OK);
    text[3] = text[3] == 'a' ? 'b' : 'a';
    assert_int_equal(store_id_parse(k->store, span_of(text), &id), ERR_NOT_FOUND);
    again[9] = 'A';
    assert_int_equal(store_id_parse(k->store, span_of(again), &id), ERR_INVALID);
    assert_int_equal(store_id_parse(k->store, SPAN_NONE, &id), ERR_INVALID);
}

/* ---- Keys ---- */

static void test_keys(void **state)
{
    struct kit *k = *state;
    char large[STORE_KV_VALUE_MAX + 1], key[STORE_KV_KEY_MAX + 1];
    memset(large, 'x', sizeof large);
    memset(key, 'k', sizeof key);
    struct store_kv p = {.channel = CHANNEL, .key = SPAN_LIT("cursor")};
    assert_int_equal(kit_kv(k, &p), ERR_NOT_FOUND);
    p.is_write = true;
    p.value = SPAN_LIT("a\0b");
    assert_int_equal(kit_kv(k, &p), OK);
    p.is_write = false;
    assert_int_equal(kit_kv(k, &p), OK);
    assert_int_equal(p.found_n, 3);
    assert_memory_equal(p.found, "a\0b", 4);
    p.channel = "other";
    assert_int_equal(kit_kv(k, &p), ERR_NOT_FOUND);
    assert_null(p.found);
    p.channel = CHANNEL;
    p.is_write = true;
    p.value = (struct span){large, STORE_KV_VALUE_MAX + 1};
    assert_int_equal(kit_kv(k, &p), ERR_LIMIT);
    p.value.n--;
    assert_int_equal(kit_kv(k, &p), OK);
    p.key = (struct span){key, STORE_KV_KEY_MAX + 1};
    assert_int_equal(kit_kv(k, &p), ERR_LIMIT);
    p.key = SPAN_LIT("");
    assert_int_equal(kit_kv(k, &p), ERR_INVALID);
    p.key = SPAN_LIT("cursor");
    p.value = SPAN_NONE;
    assert_int_equal(kit_kv(k, &p), OK);
    assert_int_equal(kit_kv(k, &p), OK); /* deleting nothing is fine */
    p.is_write = false;
    assert_int_equal(kit_kv(k, &p), ERR_NOT_FOUND);
}

static void test_keys_have_a_limit(void **state)
{
    enum { N = STORE_KV_KEYS_MAX };
    struct kit *k = *state;
    struct store_kv *all = mem_calloc(N, sizeof *all);
    char(*key)[8] = mem_calloc(N, 8);
    for (int i = 0; i < N; i++) {
        snprintf(key[i], 8, "%d", i);
        all[i] = (struct store_kv){
            .channel = CHANNEL, .key = span_of(key[i]), .is_write = true, .value = SPAN_LIT("")};
        kit_expect(&all[i]);
        store_post_kv(k->store, &all[i]);
    }
    for (int i = 0; i < N; i++)
        kit_await(k, &all[i].op);
    struct store_kv p = {
        .channel = CHANNEL, .key = SPAN_LIT("more"), .is_write = true, .value = SPAN_LIT("1")};
    assert_int_equal(kit_kv(k, &p), ERR_FULL);
    p.key = SPAN_LIT("17");
    assert_int_equal(kit_kv(k, &p), OK);
    p.value = SPAN_NONE;
    assert_int_equal(kit_kv(k, &p), OK);
    p.key = SPAN_LIT("more");
    p.value = SPAN_LIT("1");
    assert_int_equal(kit_kv(k, &p), OK);
    free(all);
    free(key);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, kit_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_orphans_resent_as_suspects),
        TEST(test_orphans_held_back),
        TEST(test_crashes_are_counted_when_alone),
        TEST(test_unsure_since),
        TEST(test_expiry),
        TEST(test_expiry_of_a_long_lane_goes_in_steps),
        TEST(test_retention),
        TEST(test_ids_are_not_used_twice),
        TEST(test_requeue_keeps_the_order_and_gives_a_new_life),
        TEST(test_hold_release_drop),
        TEST(test_requeue_of_a_waiting_message_sends_it_now),
        TEST(test_lists),
        TEST(test_lists_go_on),
        TEST(test_figures),
        TEST(test_public_ids),
        TEST(test_keys),
        TEST(test_keys_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
