/* How messages thread: custom channels by thread_ref or sender, application channels by external ids. */
#include "../base/test.h"
#include <stdio.h>
#include "sim/account.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

static const wall_ms_t now = INT64_C(1700000000000);
static struct sim_account account;
static struct sim_channel *custom, *other, *application;

static int setup(void **state)
{
    (void)state;
    sim_account_init(&account, "Test", now);
    struct sim_channel_spec spec = {.id = "cha_c", .address = "chat", .kind = CHANNEL_CUSTOM};
    assert_int_equal(sim_channel_add(&account, &spec, &custom), OK);
    spec.id = NULL;
    assert_int_equal(sim_channel_add(&account, &spec, &other), OK);
    spec = (struct sim_channel_spec){.id = "cha_a", .kind = CHANNEL_APPLICATION};
    assert_int_equal(sim_channel_add(&account, &spec, &application), OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sim_account_fini(&account);
    return 0;
}

static struct sim_message *receive(struct sim_channel *c, const char *handle, const char *thread)
{
    struct sim_message *m = sim_message_new(c, now);
    m->author.handle = mem_strdup(handle);
    char **field = c->kind == CHANNEL_CUSTOM ? &m->thread_ref : &m->external_conversation_id;
    *field = thread ? mem_strdup(thread) : NULL;
    sim_message_text(m, SPAN_LIT("hello"));
    sim_account_receive(&account, m, now);
    return m;
}

static struct sim_message *write_to(struct sim_channel *c, const char *handle,
                                    struct sim_conversation *conversation)
{
    struct sim_message *m = sim_message_new(c, now);
    m->to = mem_calloc(1, sizeof *m->to);
    m->to_n = 1;
    m->to[0].handle = mem_strdup(handle);
    sim_message_text(m, SPAN_LIT("hi"));
    sim_account_write(&account, m, conversation, now);
    return m;
}

static void custom_messages_thread_by_ref_else_by_sender(void **state)
{
    (void)state;
    struct sim_message *a = receive(custom, "ada", "t1"), *b = receive(custom, "bob", "t1");
    struct sim_message *c = receive(custom, "ada", NULL), *d = receive(custom, "ada", NULL);
    struct sim_message *e = receive(custom, "ada", "t2"), *f = receive(other, "ada", "t1");
    assert_ptr_equal(a->conversation, b->conversation);
    assert_ptr_not_equal(a->conversation, c->conversation);
    assert_ptr_equal(c->conversation, d->conversation);
    assert_ptr_not_equal(a->conversation, e->conversation);
    assert_ptr_not_equal(a->conversation, f->conversation);
    assert_string_equal(a->conversation->customer.handle, "ada");
}

/* A sender named like a thread must not meet it. */
static void a_ref_and_a_sender_of_one_name_are_two_threads(void **state)
{
    (void)state;
    assert_ptr_not_equal(receive(custom, "x", NULL)->conversation, receive(custom, "y", "x")->conversation);
}

static void the_answer_to_an_agents_conversation_opens_a_new_one_on_custom_channels(void **state)
{
    (void)state;
    struct sim_message *m = write_to(custom, "ada", NULL);
    sim_account_sent(&account, m, "m1", "t1", now);
    assert_true(m->conversation->is_begun_by_agent);
    assert_ptr_not_equal(receive(custom, "ada", NULL)->conversation, m->conversation);
    assert_ptr_not_equal(receive(custom, "ada", "t1")->conversation, m->conversation);
}

static void the_answer_to_an_agents_conversation_threads_on_application_channels(void **state)
{
    (void)state;
    struct sim_message *m = write_to(application, "ada", NULL);
    sim_account_sent(&account, m, "m1", "conv-1", now);
    assert_ptr_equal(receive(application, "ada", "conv-1")->conversation, m->conversation);
    assert_ptr_not_equal(receive(application, "ada", "conv-2")->conversation, m->conversation);
    assert_int_equal(m->conversation->external_n, 1);
}

static void an_answer_with_another_conversation_moves_the_message(void **state)
{
    (void)state;
    struct sim_conversation *c = receive(application, "ada", "conv-1")->conversation;
    struct sim_message *first = write_to(application, "ada", c), *second = write_to(application, "ada", c);
    sim_account_sent(&account, first, "m1", "conv-1", now);
    sim_account_sent(&account, second, "m2", "conv-2", now);
    assert_ptr_equal(first->conversation, c);
    assert_ptr_not_equal(second->conversation, c);
    assert_int_equal(c->message_n, 2);
    assert_ptr_equal(receive(application, "ada", "conv-2")->conversation, second->conversation);
}

static void answered_messages_are_found_by_both_ids(void **state)
{
    (void)state;
    struct sim_message *m = write_to(application, "ada", NULL);
    sim_account_sent(&account, m, "m1", "conv-1", now);
    assert_ptr_equal(sim_account_answered(&account, application, SPAN_LIT("conv-1"), SPAN_LIT("m1")), m);
    assert_null(sim_account_answered(&account, application, SPAN_LIT("conv-1m"), SPAN_LIT("1")));
    assert_null(sim_account_answered(&account, application, SPAN_LIT("conv-2"), SPAN_LIT("m1")));
    assert_null(sim_account_answered(&account, custom, SPAN_LIT("conv-1"), SPAN_LIT("m1")));
    sim_account_failed(m, "The phone is off.", now);
    assert_int_equal(m->state, SIM_FAILED);
    assert_string_equal(m->error_message, "The phone is off.");
}

static void a_reply_names_what_it_answers(void **state)
{
    (void)state;
    struct sim_message *in = receive(custom, "ada", "t");
    write_to(custom, "ada", in->conversation);
    struct sim_message *out = write_to(custom, "ada", in->conversation);
    assert_ptr_equal(out->replied_to, in);
    assert_null(write_to(custom, "bob", NULL)->replied_to);
}

static void ids_grow_and_are_found(void **state)
{
    (void)state;
    char before[SIM_ID_BYTES] = "";
    for (int i = 0; i < 1000; i++) {
        struct sim_message *m = receive(custom, "ada", NULL);
        assert_true(strcmp(m->id, before) > 0); /* one length: text order is number order */
        memcpy(before, m->id, sizeof before);
        assert_ptr_equal(sim_message_find(&account, span_of(m->id)), m);
        char alias[64];
        snprintf(alias, sizeof alias, "alt:uid:%s", m->uid);
        assert_ptr_equal(sim_message_find(&account, span_of(alias)), m);
    }
    assert_null(sim_message_find(&account, SPAN_LIT("msg_0")));
    assert_null(sim_message_find(&account, SPAN_LIT("alt:uid:")));
    assert_null(sim_message_find(&account, span_of(account.conversation[0]->id)));
    assert_null(sim_conversation_find(&account, span_of(before)));
}

static void clearing_forgets_all_but_channels(void **state)
{
    (void)state;
    struct sim_message *m = receive(custom, "ada", "t");
    char id[SIM_ID_BYTES];
    memcpy(id, m->id, sizeof id);
    sim_conversation_comment(&account, m->conversation, "a note", NULL, now);
    sim_account_clear(&account);
    assert_null(sim_message_find(&account, span_of(id)));
    assert_ptr_equal(sim_channel_find(&account, SPAN_LIT("cha_c")), custom);
    assert_true(strcmp(receive(custom, "ada", "t")->id, id) > 0);
}

static void a_channels_id_is_its_own(void **state)
{
    (void)state;
    struct sim_channel *c;
    assert_int_equal(sim_channel_add(&account, &(struct sim_channel_spec){.id = "cha_c"}, &c), ERR_CONFLICT);
    char id[100] = {[0 ... 98] = 'x'};
    assert_int_equal(sim_channel_add(&account, &(struct sim_channel_spec){.id = id}, &c), ERR_LIMIT);
}

static struct sim_message *import(const char *handle, const char *thread, const char *into, wall_ms_t at)
{
    struct sim_message *m = sim_message_new(account.inbox[0]->none, at);
    m->is_import = m->is_archived = true;
    m->author.handle = mem_strdup(handle);
    m->thread_ref = thread ? mem_strdup(thread) : NULL;
    m->into = into ? mem_strdup(into) : NULL;
    sim_message_text(m, SPAN_LIT("old"));
    sim_account_history(&account, m, now);
    return m;
}

static void imports_thread_apart_from_every_channel(void **state)
{
    (void)state;
    const struct sim_conversation *live = receive(custom, "ada", "t1")->conversation;
    const struct sim_conversation *old = import("ada", "t1", NULL, now)->conversation;
    assert_ptr_not_equal(old, live);
    assert_ptr_equal(import("bob", "t1", NULL, now)->conversation, old);
    assert_string_equal(old->status, "archived");
    assert_ptr_equal(old->channel, account.inbox[0]->none);
    assert_ptr_not_equal(import("ada", NULL, NULL, now)->conversation, old);
    assert_ptr_equal(import("ada", "t1", live->id, now)->conversation, live);
    assert_string_equal(live->status, "open");
    assert_ptr_equal(receive(custom, "ada", "t1")->conversation, live);
}

static void messages_stand_by_their_time(void **state)
{
    (void)state;
    struct sim_message *live = receive(custom, "ada", "t1");
    struct sim_message *b = import("ada", NULL, live->conversation->id, now - 5);
    struct sim_message *a = import("ada", NULL, live->conversation->id, now - 9);
    struct sim_message *same = import("ada", NULL, live->conversation->id, now);
    struct sim_message *const want[] = {a, b, live, same};
    assert_int_equal(live->conversation->message_n, ARRAY_LEN(want));
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        assert_ptr_equal(live->conversation->message[i], want[i]);
}

static void what_another_system_sent_answers_what_it_names(void **state)
{
    (void)state;
    struct sim_message *in = receive(application, "ada", "x1");
    sim_account_external_is(&account, application->id, "in-1", in);
    for (int i = 0; i < 2; i++) {
        struct sim_message *m = sim_message_new(application, now);
        m->state = SIM_SENT;
        m->to = mem_calloc(1, sizeof *m->to);
        m->to_n = 1;
        m->to[0].handle = mem_strdup("ada");
        m->external_id = mem_strdup("out-1");
        m->external_conversation_id = mem_strdup("x1");
        m->referenced = i ? mem_strdup("in-1") : mem_strdup("nothing");
        sim_message_text(m, SPAN_LIT("sent over there"));
        sim_account_receive(&account, m, now);
        assert_ptr_equal(m->conversation, in->conversation);
        assert_ptr_equal(m->replied_to, in);
        assert_int_equal(m->state, SIM_SENT);
        assert_ptr_equal(sim_account_answered(&account, application, SPAN_LIT("x1"), SPAN_LIT("out-1")), m);
    }
    assert_null(sim_account_external(&account, custom->id, SPAN_LIT("in-1")));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(custom_messages_thread_by_ref_else_by_sender),
        TEST(a_ref_and_a_sender_of_one_name_are_two_threads),
        TEST(the_answer_to_an_agents_conversation_opens_a_new_one_on_custom_channels),
        TEST(the_answer_to_an_agents_conversation_threads_on_application_channels),
        TEST(an_answer_with_another_conversation_moves_the_message),
        TEST(answered_messages_are_found_by_both_ids),
        TEST(a_reply_names_what_it_answers),
        TEST(ids_grow_and_are_found),
        TEST(clearing_forgets_all_but_channels),
        TEST(a_channels_id_is_its_own),
        TEST(imports_thread_apart_from_every_channel),
        TEST(messages_stand_by_their_time),
        TEST(what_another_system_sent_answers_what_it_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
