/* What Front's JSON looks like: every field, who sees what, pages; and the bridge's own decoder reads it. */
#include "../base/test.h"
#include "sim/shape.h"
#include "base/mem.h"
#include "front/callback.h"
#include <stdlib.h>
#include <string.h>

static const wall_ms_t now = INT64_C(1700000000123);
static struct sim_account account;
static struct sim_channel *custom, *application;

static int setup(void **state)
{
    (void)state;
    sim_account_init(&account, "Test", now);
    struct sim_channel_spec spec = {.id = "cha_c", .address = "chat", .kind = CHANNEL_CUSTOM};
    assert_int_equal(sim_channel_add(&account, &spec, &custom), OK);
    spec = (struct sim_channel_spec){.id = "cha_a", .address = "app", .kind = CHANNEL_APPLICATION};
    assert_int_equal(sim_channel_add(&account, &spec, &application), OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sim_account_fini(&account);
    return 0;
}

static struct sim_message *receive(struct sim_channel *c)
{
    struct sim_message *m = sim_message_new(c, now);
    m->author.handle = mem_strdup("ada");
    m->thread_ref = mem_strdup("t1");
    m->headers = mem_strdup("{\"our\":\"id\"}");
    m->external_id = mem_strdup("x1");
    m->external_conversation_id = mem_strdup("c1");
    sim_message_text(m, SPAN_LIT("hello \"you\"\n<b>"));
    sim_account_receive(&account, m, now);
    return m;
}

static struct sim_message *write_to(struct sim_channel *c, struct sim_conversation *conversation)
{
    struct sim_message *m = sim_message_new(c, now);
    m->to = mem_calloc(1, sizeof *m->to);
    m->to_n = 1;
    m->to[0].handle = mem_strdup("ada");
    m->author = (struct sim_person){.handle = mem_strdup("grace"),
                                    .name = mem_strdup("Grace Hopper"),
                                    .email = mem_strdup("grace@example.com")};
    sim_message_text(m, SPAN_LIT("hi"));
    sim_account_write(&account, m, conversation, now);
    return m;
}

static void write_message(struct buf *b, struct json *doc, const struct sim_message *m, enum sim_view view)
{
    struct jout j;
    buf_init(b, SIM_SHAPE_MAX);
    jout_init(&j, b);
    sim_shape_message(&j, m, view);
    assert_int_equal(json_parse(doc, buf_span(b)), OK);
}

static void every_field_of_a_message_is_there(void **state)
{
    (void)state;
    static const char *const fields[] = {
        "_links",  "id",          "message_uid", "type",     "is_inbound", "draft_mode", "error_type",
        "version", "created_at",  "subject",     "blurb",    "author",     "recipients", "body",
        "text",    "attachments", "signature",   "metadata", "is_draft"};
    struct buf b;
    struct json doc;
    write_message(&b, &doc, receive(custom), SIM_VIEW_COMPANY);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        assert_int_not_equal(json_type(json_get(json_root(&doc), fields[i])), JSON_ABSENT);
    int64_t at;
    assert_int_equal(json_millis(json_get(json_root(&doc), "created_at"), &at), OK);
    assert_int_equal(at, now);
    json_fini(&doc);
    buf_fini(&b);
}

static void identity_is_shown_to_those_who_may_see_it(void **state)
{
    (void)state;
    static const struct {
        bool is_custom;
        enum sim_view view;
        bool sees_thread, sees_external;
    } cases[] = {
        {true, SIM_VIEW_COMPANY, true, false},
        {false, SIM_VIEW_COMPANY, false, false},
        {false, SIM_VIEW_CHANNEL, false, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf b;
        struct json doc;
        write_message(&b, &doc, receive(cases[i].is_custom ? custom : application), cases[i].view);
        assert_int_equal(json_is(json_path(json_root(&doc), "metadata.thread_ref"), "t1"),
                         cases[i].sees_thread);
        assert_int_equal(json_is(json_path(json_root(&doc), "metadata.headers.our"), "id"),
                         cases[i].sees_thread);
        assert_int_equal(json_is(json_path(json_root(&doc), "metadata.external_id"), "x1"),
                         cases[i].sees_external);
        json_fini(&doc);
        buf_fini(&b);
    }
}

static void a_custom_callback_reads_back(void **state)
{
    (void)state;
    struct sim_message *in = receive(custom), *m = write_to(custom, in->conversation);
    struct buf b, why;
    struct callback c;
    buf_init(&b, SIM_SHAPE_MAX);
    buf_init(&why, 512);
    sim_shape_callback(&b, m, "message");
    assert_int_equal(callback_decode(&c, buf_span(&b), &why), OK);
    assert_int_equal(c.shape, CALLBACK_MESSAGE);
    assert_string_equal(c.message_id, m->id);
    assert_string_equal(c.conversation_id, in->conversation->id);
    assert_string_equal(c.from_handle, "chat");
    assert_string_equal(c.in_reply_to, in->uid);
    assert_int_equal(c.to_n, 1);
    assert_string_equal(c.to[0].handle, "ada");
    callback_fini(&c);
    buf_fini(&b);
    buf_fini(&why);
}

static void an_application_callback_reads_back(void **state)
{
    (void)state;
    struct sim_message *m = write_to(application, receive(application)->conversation);
    struct buf b, why;
    struct callback c;
    buf_init(&b, SIM_SHAPE_MAX);
    buf_init(&why, 512);
    sim_shape_callback(&b, m, "message");
    assert_int_equal(callback_decode(&c, buf_span(&b), &why), OK);
    assert_int_equal(c.shape, CALLBACK_APP_MESSAGE);
    assert_string_equal(c.message_id, m->id);
    assert_int_equal(c.external_conversation_n, 1);
    assert_string_equal(c.external_conversation[0], "c1");
    callback_fini(&c);
    buf_fini(&b);
    buf_fini(&why);
}

static void pages_of_messages_come_newest_first(void **state)
{
    (void)state;
    struct sim_conversation *c = NULL;
    for (int i = 0; i < 5; i++)
        c = receive(custom)->conversation;
    struct buf b;
    struct jout j;
    struct json doc;
    buf_init(&b, SIM_SHAPE_MAX);
    jout_init(&j, &b);
    sim_shape_messages(&j, c, SIM_VIEW_COMPANY, 3, 2, now);
    assert_int_equal(json_parse(&doc, buf_span(&b)), OK);
    struct jval results = json_get(json_root(&doc), "_results");
    assert_int_equal(json_len(results), 2);
    assert_true(json_is(json_get(json_first(results), "id"), c->message[1]->id));
    assert_int_equal(json_type(json_path(json_root(&doc), "_pagination.next")), JSON_NULL);
    json_fini(&doc);
    buf_fini(&b);
}

static void errors_have_fronts_form(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1024);
    sim_shape_error(&b, 400, "Body did not satisfy requirements", SPAN_LIT("[\"body: missing\"]"));
    assert_string_equal(
        b.p, "{\"_error\":{\"status\":400,\"title\":\"Bad request\",\"message\":\"Body did not satisfy "
             "requirements\",\"details\":[\"body: missing\"]}}");
    buf_fini(&b);
}

/* A blurb is cut between characters, never inside one. */
static void a_blurb_is_whole_characters(void **state)
{
    (void)state;
    struct sim_message *m = receive(custom);
    char text[200] = {[0 ... 98] = 'a'};
    strcpy(text + 99, "äöü and more");
    sim_message_text(m, span_of(text));
    struct buf b;
    struct json doc;
    write_message(&b, &doc, m, SIM_VIEW_COMPANY);
    char *blurb = json_dup(json_get(json_root(&doc), "blurb"), 400);
    assert_int_equal(strlen(blurb), 99);
    free(blurb);
    json_fini(&doc);
    buf_fini(&b);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_field_of_a_message_is_there),   TEST(identity_is_shown_to_those_who_may_see_it),
        TEST(a_custom_callback_reads_back),        TEST(an_application_callback_reads_back),
        TEST(pages_of_messages_come_newest_first), TEST(errors_have_fronts_form),
        TEST(a_blurb_is_whole_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
