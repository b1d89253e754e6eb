/*
 * Random traffic against a model of the map of conversations: who answers whom, what Front is told, where a delivery goes,
 * what is forgotten after a year. A failing seed is printed; run it alone with FB_SEED=n.
 */
#include "kit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROOMS = 6,
    CONVERSATIONS = 8,
    MESSAGES = 400,
    STEPS = 350,
    SEEDS = 4,
    KEYS_DAYS = 400,
    JUMP_DAYS = 60
};
#define DAY INT64_C(86400000)

struct thread { /* of a room of the backend; Front knows it as ref-N */
    bool exists;
    int conversation; /* -1: not learnt */
    wall_ms_t used_at;
};

struct link { /* of a conversation of Front */
    bool exists;
    int room;
    char ref[24];
    wall_ms_t used_at;
};

struct message {
    bool is_in;
    int of; /* a room, or a conversation */
    int64_t id;
    wall_ms_t stored_at;
    char told[24];
};

struct model {
    struct kit *k;
    unsigned seed;
    wall_ms_t now;
    struct thread thread[ROOMS];
    struct link link[CONVERSATIONS];
    struct message m[MESSAGES];
    int n;
    unsigned era; /* who is about at the moment: the others are silent, for a year perhaps */
};

static unsigned pick(struct model *x, unsigned n)
{
    return (unsigned)rand_r(&x->seed) / 7 % n;
}

static int pick_room(struct model *x)
{
    return (int)((x->era + pick(x, 2)) % ROOMS);
}

static int pick_conversation(struct model *x)
{
    return (int)((x->era + pick(x, 3)) % CONVERSATIONS);
}

static const char *name(char out[24], const char *what, int n)
{
    snprintf(out, 24, "%s-%d", what, n);
    return out;
}

static bool is_kept(const struct model *x, const struct message *m)
{
    return m->stored_at > x->now - KEYS_DAYS * DAY;
}

/* ---- From the backend ---- */

/* What `answered`, NULL or an earlier message, is to Front. */
static void expect_reply_in(struct model *x, int64_t id, const struct message *answered)
{
    char told[24];
    struct store_show s = {.id = id};
    assert_int_equal(kit_show(x->k, &s), OK);
    if (answered && is_kept(x, answered)) {
        assert_int_equal(s.message.reply_id, answered->is_in ? answered->id : 0);
        if (!answered->is_in)
            assert_string_equal(s.message.reply, name(told, "m", (int)(answered - x->m)));
    }
    store_show_fini(&s);
}

static void receive(struct model *x)
{
    int room = pick_room(x), n = x->n++;
    struct message *answered = n > 0 && pick(x, 2) ? &x->m[pick(x, (unsigned)n)] : NULL;
    char id[24], conversation[24], ref[24], handle[24], uid[24], to[24];
    struct store_item item = {.recipient = span_of(name(handle, "h", room)),
                              .lane = span_of(name(conversation, "room", room)),
                              .body = SPAN_LIT("{}")};
    struct store_put p = {.channel = CHANNEL,
                          .direction = MESSAGE_IN,
                          .source_id = span_of(name(id, "b", n)),
                          .conversation = span_of(conversation),
                          .thread_ref = span_of(name(ref, "ref", room)),
                          .now = x->now,
                          .created_at = x->now,
                          .expires_at = x->now + LIFE,
                          .start_max = 1,
                          .item = &item,
                          .item_n = 1};
    if (answered)
        p.reply_to = span_of(name(to, answered->is_in ? "b" : "x", (int)(answered - x->m)));
    assert_int_equal(kit_put(x->k, &p), OK);
    x->m[n] = (struct message){.is_in = true, .of = room, .id = item.id, .stored_at = x->now};
    expect_reply_in(x, item.id, answered);
    struct store_settle s = {.id = item.id,
                             .attempt = 1,
                             .verb = VERB_ACCEPT,
                             .outcome = "delivered",
                             .now = x->now,
                             .external_id = span_of(name(uid, "u", n))};
    assert_int_equal(kit_settle(x->k, &s), OK);
    if (!x->thread[room].exists)
        x->thread[room] = (struct thread){.exists = true, .conversation = -1};
    x->thread[room].used_at = x->now;
    for (int c = 0; c < CONVERSATIONS; c++)
        if (x->link[c].exists && x->link[c].room == room)
            x->link[c].used_at = x->now;
}

/* Front shows the last message of a room in some conversation. */
static void show(struct model *x)
{
    int c = pick_conversation(x), n = x->n - 1;
    char conversation[24], front[24], ref[24];
    if (n < 0 || !x->m[n].is_in || !is_kept(x, &x->m[n]))
        return;
    struct store_confirm p = {.channel = CHANNEL,
                              .id = x->m[n].id,
                              .front_id = span_of(name(front, "f", n)),
                              .conversation = span_of(name(conversation, "cnv", c)),
                              .now = x->now};
    assert_int_equal(kit_confirm(x->k, &p), OK);
    int room = x->m[n].of;
    struct thread *t = &x->thread[room];
    if (t->exists && t->conversation < 0)
        t->conversation = c;
    struct link *l = &x->link[c];
    if (!l->exists)
        memcpy(l->ref, name(ref, "ref", room), sizeof ref);
    l->exists = true;
    l->room = room;
    l->used_at = x->now;
}

/* ---- From Front ---- */

/* What may be told as the conversation: several threads may have come to one. */
static bool may_be_told(const struct model *x, int c, const char *told)
{
    char ref[24];
    bool is_known = false;
    if (x->link[c].exists)
        return strcmp(told, x->link[c].ref) == 0;
    for (int r = 0; r < ROOMS; r++) {
        bool is_it = x->thread[r].exists && x->thread[r].conversation == c;
        if (is_it && strcmp(told, name(ref, "ref", r)) == 0)
            return true;
        is_known |= is_it;
    }
    return !is_known && strncmp(told, "fb-", 3) == 0;
}

/* The room that a delivery is for; -1: not known. */
static int room_of(const struct model *x, int c, const char *told)
{
    char ref[24];
    if (x->link[c].exists)
        return x->link[c].room;
    for (int r = 0; r < ROOMS; r++)
        if (x->thread[r].exists && strcmp(told, name(ref, "ref", r)) == 0)
            return r;
    return -1;
}

static void send_out(struct model *x, int n, int c, const struct message *answered, bool is_again)
{
    char id[24], conversation[24], derived[24], to[24], room_name[24], peer[24], external[24];
    struct store_item item = {.recipient = SPAN_LIT("nobody"), .lane = SPAN_LIT("l"), .body = SPAN_LIT("{}")};
    struct store_put p = {.channel = CHANNEL,
                          .source_id = span_of(name(id, "m", n)),
                          .conversation = span_of(name(conversation, "cnv", c)),
                          .thread_ref = span_of(name(derived, "fb", c)),
                          .now = x->now,
                          .created_at = x->now,
                          .expires_at = x->now + LIFE,
                          .start_max = 1,
                          .item = &item,
                          .item_n = 1};
    if (answered)
        p.reply_to = span_of(name(to, answered->is_in ? "u" : "m", (int)(answered - x->m)));
    assert_int_equal(kit_put(x->k, &p), OK);
    const char *told = p.told ? p.told : derived;
    if (is_again) {
        assert_string_equal(told, x->m[n].told);
        assert_int_equal(item.how, STORE_DONE);
        store_put_fini(&p);
        return;
    }
    assert_true(may_be_told(x, c, told));
    int room = room_of(x, c, told);
    if (room >= 0)
        assert_string_equal(item.peer_conversation, name(room_name, "room", room));
    else
        assert_null(item.peer_conversation);
    if (answered && is_kept(x, answered))
        assert_string_equal(item.reply, name(peer, answered->is_in ? "b" : "x", (int)(answered - x->m)));
    struct message *m = &x->m[n];
    *m = (struct message){.of = c, .id = item.id, .stored_at = x->now};
    snprintf(m->told, sizeof m->told, "%s", told);
    store_put_fini(&p);
    for (int r = 0; r < ROOMS; r++)
        if (x->thread[r].exists && strcmp(m->told, name(to, "ref", r)) == 0)
            x->thread[r].used_at = x->now;
    x->link[c].used_at = x->now;
    int tells = pick(x, 3) ? -1 : pick_room(x); /* the backend says which room it is */
    struct store_settle s = {.id = m->id,
                             .attempt = 1,
                             .verb = VERB_DELIVER,
                             .outcome = "delivered",
                             .now = x->now,
                             .external_id = span_of(name(external, "x", n)),
                             .peer_conversation = span_of(tells < 0 ? NULL : name(room_name, "room", tells))};
    assert_int_equal(kit_settle(x->k, &s), OK);
    if (tells < 0)
        return;
    if (!x->link[c].exists)
        memcpy(x->link[c].ref, m->told, sizeof m->told);
    x->link[c].exists = true;
    x->link[c].room = tells;
    x->link[c].used_at = x->now;
}

static void deliver(struct model *x)
{
    int n = x->n++;
    const struct message *answered = n > 0 && pick(x, 2) ? &x->m[pick(x, (unsigned)n)] : NULL;
    send_out(x, n, pick_conversation(x), answered, false);
}

static void deliver_again(struct model *x)
{
    if (x->n == 0)
        return;
    int n = (int)pick(x, (unsigned)x->n);
    if (!x->m[n].is_in && is_kept(x, &x->m[n]))
        send_out(x, n, (int)pick(x, CONVERSATIONS), NULL, true);
}

static void merge(struct model *x)
{
    int a = pick_conversation(x), b = pick_conversation(x);
    char from[24], into[24];
    struct span gone = span_of(name(from, "cnv", a));
    struct store_merge p = {.into = span_of(name(into, "cnv", b)),
                            .gone = &gone,
                            .gone_n = 1,
                            .is_redirect = pick(x, 2),
                            .now = x->now};
    assert_int_equal(kit_merge(x->k, &p), OK);
    if (a == b)
        return;
    if (x->link[a].exists && !x->link[b].exists) {
        x->link[b] = x->link[a];
        x->link[b].used_at = x->now;
    }
    for (int r = 0; r < ROOMS; r++)
        if (x->thread[r].conversation == a)
            x->thread[r].conversation = b;
}

/* ---- Time ---- */

static void prune(struct model *x)
{
    struct store_prune *p = mem_zalloc(sizeof *p);
    p->bodies_before = p->files_before = p->keys_before = x->now - KEYS_DAYS * DAY;
    do
        assert_int_equal(kit_prune(x->k, p), OK);
    while (p->is_more);
    store_prune_fini(p);
    free(p);
}

/* Uses are 60 days apart or at once, so that the day of slack in the marks decides nothing. */
static void pass_time(struct model *x)
{
    if (pick(x, 6) == 0)
        x->era = pick(x, ROOMS * CONVERSATIONS);
    x->now += JUMP_DAYS * DAY;
    put_at(x->k, "tick", "tick", "{}", 0,
           x->now); /* the newest message is never pruned: let it be this one */
    char id[24];
    static int ticks;
    put_at(x->k, name(id, "tick", ticks++), id, "{}", 0, x->now);
    struct store_admin drop = {.verb = VERB_DROP, .filter = {.direction = -1}, .now = x->now};
    assert_int_equal(kit_admin(x->k, &drop), OK);
    prune(x);
    x->now += 2 * DAY;
    prune(x); /* the keys went first */
    x->now -= 2 * DAY;
    for (int r = 0; r < ROOMS; r++)
        if (x->thread[r].used_at < x->now - (KEYS_DAYS + 1) * DAY)
            x->thread[r] = (struct thread){.conversation = -1};
    for (int c = 0; c < CONVERSATIONS; c++)
        if (x->link[c].used_at < x->now - (KEYS_DAYS + 1) * DAY)
            x->link[c].exists = false;
}

static void reopen(struct model *x)
{
    if (pick(x, 6) == 0)
        kit_reopen(x->k);
}

static void run(unsigned seed)
{
    static void (*const step[])(struct model *) = {receive,       receive, receive, deliver,
                                                   deliver,       deliver, show,    show,
                                                   deliver_again, merge,   reopen,  pass_time};
    static struct model x;
    struct kit k;
    x = (struct model){.k = &k, .seed = seed, .now = 1000 * DAY};
    for (int r = 0; r < ROOMS; r++)
        x.thread[r].conversation = -1;
    print_message("seed %u\n", seed);
    kit_open(&k);
    for (int i = 0; i < STEPS; i++)
        step[pick(&x, ARRAY_LEN(step))](&x);
    kit_close(&k);
}

static void test_random_traffic_matches_the_model(void **state)
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_traffic_matches_the_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
