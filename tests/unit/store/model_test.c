/*
 * Random operations against a model of a hundred lines: the same states, the same order, the same counts.
 * A failing seed is printed; run it alone with FB_SEED=n.
 */
#include "kit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGES = 60, LANES = 5, STEPS = 400, SEEDS = 12 };

struct model_message {
    bool exists;
    int lane, text;
    enum message_state state;
    long place;                       /* in its lane */
    uint32_t attempt, revision, sent; /* sent: parts of three */
    wall_ms_t due_at, expires_at;
    int64_t id;
    bool is_out; /* an attempt is open, also after a cancel */
    bool counts; /* the last attempt carries the present text */
};

struct model {
    struct kit *k;
    unsigned seed;
    wall_ms_t now;
    long places;
    struct model_message m[MESSAGES];
};

static unsigned pick(struct model *x, unsigned n)
{
    return (unsigned)rand_r(&x->seed) / 7 % n;
}

static bool is_open(const struct model_message *m)
{
    return m->exists && message_is_open(m->state);
}

static struct model_message *head_of(struct model *x, int lane)
{
    struct model_message *head = NULL;
    for (int i = 0; i < MESSAGES; i++)
        if (is_open(&x->m[i]) && x->m[i].lane == lane && (!head || x->m[i].place < head->place))
            head = &x->m[i];
    return head;
}

static struct model_message *by_id(struct model *x, int64_t id)
{
    for (int i = 0; i < MESSAGES; i++)
        if (x->m[i].exists && x->m[i].id == id)
            return &x->m[i];
    fail_msg("unknown id %ld", (long)id);
    return NULL;
}

static enum store_put_how how_of(const struct model_message *m)
{
    if (!m->exists)
        return STORE_NEW;
    if (is_open(m))
        return STORE_RUNNING;
    if (message_is_failed(m->state))
        return STORE_AGAIN;
    return m->state == MESSAGE_HELD || m->state == MESSAGE_UNKNOWN ? STORE_ASIDE : STORE_DONE;
}

static void do_put(struct model *x)
{
    unsigned i = pick(x, MESSAGES), start_max = pick(x, 2);
    struct model_message *m = &x->m[i];
    int text = (int)pick(x, 2);
    char id[16], lane[16];
    snprintf(id, sizeof id, "m%u", i);
    snprintf(lane, sizeof lane, "l%u", i % LANES);
    enum store_put_how how = how_of(m);
    bool is_behind = head_of(x, (int)(i % LANES)) != NULL;
    struct store_item item = put_at(x->k, id, lane, text ? "{\"one\":1}" : "{}", start_max, x->now);
    assert_int_equal(item.how, how);
    if (how == STORE_NEW) {
        *m = (struct model_message){
            .exists = true, .lane = (int)(i % LANES), .text = text, .id = item.id, .revision = 1};
    } else if (how == STORE_AGAIN) {
        m->revision += m->text != text;
        m->counts = m->counts && m->text == text;
        m->is_out = m->is_out && m->counts;
        m->sent = m->text == text ? m->sent : 0;
        m->text = text;
    }
    if (how == STORE_NEW || how == STORE_AGAIN) {
        m->state = MESSAGE_QUEUED;
        m->place = ++x->places;
        m->due_at = x->now;
        m->expires_at = x->now + LIFE;
        assert_int_equal(item.is_started, start_max && !is_behind);
        if (item.is_started) {
            m->state = MESSAGE_SENDING;
            m->attempt++;
            m->is_out = m->counts = true;
        }
    }
    assert_int_equal(item.id, m->id);
    assert_int_equal(item.state, m->state);
    assert_int_equal(item.attempt, m->attempt);
    assert_int_equal(item.revision, m->revision);
    assert_int_equal(item.parts.sent, m->sent);
}

static bool may_start(struct model *x, struct model_message *m)
{
    return m->state == MESSAGE_QUEUED && head_of(x, m->lane) == m && m->due_at <= x->now &&
           m->expires_at > x->now;
}

static void do_claim(struct model *x)
{
    struct store_claim c = {.channel = CHANNEL, .now = x->now, .max = 1 + pick(x, 4)};
    unsigned due = 0;
    for (int l = 0; l < LANES; l++) {
        struct model_message *m = head_of(x, l);
        due += m && may_start(x, m);
    }
    assert_int_equal(kit_claim(x->k, &c), OK);
    assert_int_equal(c.message_n, due < c.max ? due : c.max);
    for (unsigned i = 0; i < c.message_n; i++) {
        struct model_message *m = by_id(x, c.message[i].id);
        assert_true(may_start(x, m));
        m->state = MESSAGE_SENDING;
        m->attempt++;
        m->is_out = m->counts = true;
        assert_int_equal(c.message[i].attempt, m->attempt);
        assert_int_equal(c.message[i].parts.sent, m->sent);
        assert_string_equal(c.message[i].body, m->text ? "{\"one\":1}" : "{}");
    }
    store_claim_fini(&c);
}

static void do_settle(struct model *x)
{
    static const enum message_verb verbs[] = {VERB_DELIVER, VERB_RETRY, VERB_REJECT, VERB_HOLD,
                                              VERB_UNSURE,  VERB_KILL,  VERB_PART};
    struct model_message *m = &x->m[pick(x, MESSAGES)];
    if (!m->exists || !m->is_out)
        return;
    enum message_verb v = verbs[pick(x, ARRAY_LEN(verbs))];
    struct store_settle p = {.id = m->id,
                             .attempt = m->attempt,
                             .verb = v,
                             .outcome = "x",
                             .now = x->now,
                             .due_at = x->now + pick(x, 2000)};
    if (v == VERB_PART && m->sent == 2)
        return; /* the last part is a delivery */
    if (v == VERB_PART)
        p.parts = (struct message_parts){++m->sent, 3, 1};
    assert_int_equal(kit_settle(x->k, &p), OK);
    int to = message_next(MESSAGE_OUT, m->state, v);
    if (m->state == MESSAGE_SENDING || (v == VERB_DELIVER && to >= 0))
        m->state = (enum message_state)to;
    if (m->state == MESSAGE_QUEUED && (v == VERB_RETRY || v == VERB_PART) && m->is_out &&
        p.state == MESSAGE_QUEUED && to >= 0)
        m->due_at = p.due_at < m->expires_at ? p.due_at : m->expires_at;
    m->is_out = false;
    assert_int_equal(p.state, m->state);
}

static void do_cancel(struct model *x)
{
    struct model_message *m = &x->m[pick(x, MESSAGES)];
    if (!m->exists)
        return;
    struct store_cancel p = {.id = m->id, .now = x->now, .reason = "timeout"};
    bool is_legal = m->state == MESSAGE_CANCELLED || message_next(MESSAGE_OUT, m->state, VERB_CANCEL) >= 0;
    assert_int_equal(kit_cancel(x->k, &p), is_legal ? OK : ERR_CONFLICT);
    if (is_legal)
        m->state = MESSAGE_CANCELLED;
    assert_int_equal(p.state, m->state);
}

static void do_admin(struct model *x)
{
    static const enum message_verb verbs[] = {VERB_REQUEUE, VERB_HOLD, VERB_RELEASE, VERB_DROP};
    struct model_message *m = &x->m[pick(x, MESSAGES)];
    enum message_verb v = verbs[pick(x, ARRAY_LEN(verbs))];
    if (!m->exists)
        return;
    struct store_admin p = {
        .verb = v, .filter = {.direction = -1, .id = m->id}, .now = x->now, .expires_in_ms = LIFE};
    int to = m->state == MESSAGE_SENDING ? -1 : message_next(MESSAGE_OUT, m->state, v);
    assert_int_equal(kit_admin(x->k, &p), OK);
    assert_int_equal(p.message_n, to >= 0);
    assert_int_equal(p.skipped_n, to < 0);
    if (to < 0)
        return;
    if (to == MESSAGE_QUEUED) {
        m->place = m->state == MESSAGE_QUEUED ? m->place : ++x->places;
        m->due_at = x->now;
        m->expires_at = x->now + LIFE;
    }
    m->state = (enum message_state)to;
}

static void do_expire(struct model *x)
{
    struct store_expire *p = mem_zalloc(sizeof *p);
    p->now = x->now;
    do {
        assert_int_equal(kit_expire(x->k, p), OK);
        for (unsigned i = 0; i < p->expired_n; i++) {
            struct model_message *m = by_id(x, p->expired[i].id);
            assert_true(m->state == MESSAGE_QUEUED && m->expires_at <= x->now && head_of(x, m->lane) == m);
            m->state = MESSAGE_DEAD;
        }
    } while (p->is_more);
    for (int l = 0; l < LANES; l++) {
        struct model_message *m = head_of(x, l);
        assert_false(m && m->state == MESSAGE_QUEUED && m->expires_at <= x->now);
    }
    free(p);
}

static void do_time(struct model *x)
{
    x->now += pick(x, 20) ? pick(x, 1000) : LIFE / 2;
}

static void do_reopen(struct model *x)
{
    if (pick(x, 10) == 0)
        kit_reopen(x->k);
}

static void compare(struct model *x)
{
    struct store_list l = {.filter = {.direction = -1}, .max = 1000};
    uint64_t n[MESSAGE_STATE_N] = {0};
    unsigned known = 0;
    assert_int_equal(kit_list(x->k, &l), OK);
    for (unsigned i = 0; i < l.message_n; i++) {
        assert_int_equal(l.message[i].state, by_id(x, l.message[i].id)->state);
        assert_int_equal(l.message[i].parts.sent, by_id(x, l.message[i].id)->sent);
    }
    for (int i = 0; i < MESSAGES; i++) {
        known += x->m[i].exists;
        if (x->m[i].exists)
            n[x->m[i].state]++;
    }
    assert_int_equal(l.message_n, known);
    for (int s = 0; s < MESSAGE_STATE_N; s++)
        assert_int_equal(count_of(x->k, (enum message_state)s), n[s]);
    store_list_fini(&l);
    check_sums(x->k);
}

static void run(unsigned seed)
{
    static void (*const step[])(struct model *) = {do_put,    do_put,    do_put,    do_put,    do_claim,
                                                   do_claim,  do_settle, do_settle, do_settle, do_settle,
                                                   do_cancel, do_admin,  do_expire, do_time,   do_reopen};
    struct kit k;
    struct model x = {.k = &k, .seed = seed, .now = NOW};
    print_message("seed %u\n", seed);
    kit_open(&k);
    for (int i = 0; i < STEPS; i++) {
        step[pick(&x, ARRAY_LEN(step))](&x);
        if (i % 50 == 49)
            compare(&x);
    }
    kit_close(&k);
}

static void test_random_operations_match_the_model(void **state)
{
    const char *only = getenv("FB_SEED");
    (void)state;
    if (only) {
        run((unsigned)strtoul(only, NULL, 10));
        return;
    }
    for (unsigned seed = 1; seed <= SEEDS; seed++)
        run(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_operations_match_the_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
