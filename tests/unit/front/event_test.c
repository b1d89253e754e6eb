/* Front's events: every row of its page, previews and full events part by part, ids as numbers, and what lies. */
#include "unit.h"
#include "base/mem.h"
#include "front/event.h"
#include <stdio.h>
#include <stdlib.h>

static struct json doc;
static struct front_event event;

static enum err read_text(const char *text)
{
    struct buf why;

    buf_init(&why, 1024);
    assert_int_equal(json_parse(&doc, span_of(text)), OK);
    enum err e = front_event_read(&event, json_root(&doc), &why);
    if (e == OK)
        assert_int_equal(why.n, 0);
    else
        assert_true(why.n > 0 && why.p[why.n - 1] == '.');
    buf_fini(&why);
    return e;
}

static void forget(void)
{
    front_event_fini(&event);
    json_fini(&doc);
}

/* Each row of the page: type, its sources, its target. */
static const struct {
    const char *type, *source[3], *target;
} page[] = {
    {"assign", {"teammate", "rule"}, "teammate"},
    {"unassign", {"teammate", "rule"}, NULL},
    {"archive", {"teammate", "rule"}, NULL},
    {"reopen", {"teammate", "rule"}, NULL},
    {"trash", {"teammate", "rule"}, NULL},
    {"restore", {"teammate", "rule"}, NULL},
    {"comment", {"teammate"}, "comment"},
    {"mention", {"teammate"}, "comment"},
    {"inbound", {"inboxes"}, "message"},
    {"outbound", {"inboxes"}, "message"},
    {"out_reply", {"inboxes"}, "message"},
    {"move", {"teammate", "rule"}, "inboxes"},
    {"forward", {"teammate", "rule"}, "message"},
    {"tag", {"teammate", "rule"}, "tag"},
    {"untag", {"teammate", "rule"}, "tag"},
    {"link_added", {"teammate", "rule"}, "link"},
    {"link_removed", {"teammate", "rule"}, "link"},
    {"sending_error", {"recipient"}, "message"},
    {"message_bounce_error", {"recipient"}, "message"},
    {"reminder", {NULL}, NULL},
    {"conversations_merged", {"teammate"}, "deleted_conversation_ids"},
};

static const char *id_for(const char *kind)
{
    static const char *const ids[][2] = {{"teammate", "tea_1"}, {"message", "msg_1"},  {"comment", "com_1"},
                                         {"tag", "tag_1"},      {"link", "top_1"},     {"inboxes", "inb_1"},
                                         {"rule", "rul_1"},     {"recipient", "crd_1"}};

    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        if (kind && strcmp(kind, ids[i][0]) == 0)
            return ids[i][1];
    return "xyz_1";
}

static void write_part(char *out, size_t n, const char *name, const char *kind, bool is_full)
{
    const char *id = id_for(kind);

    if (!kind)
        *out = '\0';
    else if (is_full)
        snprintf(out, n, ",\"%s\":{\"_meta\":{\"type\":\"%s\"},\"data\":{\"id\":\"%s\",\"name\":\"x\"}}",
                 name, kind, id);
    else
        snprintf(out, n,
                 ",\"%s\":{\"_links\":{\"self\":\"https://acme.api.frontapp.com/x/"
                 "%s\"},\"id\":\"%s\",\"type\":\"%s\"}",
                 name, id, id, kind);
}

static unsigned bit_of(const char *kind)
{
    static const char *const names[EVENT_KIND_N] = {[EVENT_OF_TEAMMATE] = "teammate",
                                                    [EVENT_OF_RULE] = "rule",
                                                    [EVENT_OF_INBOXES] = "inboxes",
                                                    [EVENT_OF_RECIPIENT] = "recipient",
                                                    [EVENT_OF_MESSAGE] = "message",
                                                    [EVENT_OF_COMMENT] = "comment",
                                                    [EVENT_OF_TAG] = "tag",
                                                    [EVENT_OF_LINK] = "link",
                                                    [EVENT_OF_MERGED] = "deleted_conversation_ids"};

    for (unsigned k = 1; k < EVENT_KIND_N; k++)
        if (kind && names[k] && strcmp(kind, names[k]) == 0)
            return 1u << k;
    return 1u << EVENT_OF_NOTHING;
}

static void check_row(size_t i, const char *source, bool is_full)
{
    char text[1024], s[300], t[300];

    write_part(s, sizeof s, "source", source, is_full);
    write_part(t, sizeof t, "target", page[i].target, is_full);
    snprintf(
        text, sizeof text,
        "{\"id\":\"evt_4ckcra8e\",\"type\":\"%s\",\"emitted_at\":1453770984.123%s%s,\"conversation\":"
        "{\"id\":\"cnv_1\",\"_links\":{\"self\":\"https://acme.api.frontapp.com/conversations/cnv_1\"}}}",
        page[i].type, s, t);
    assert_int_equal(read_text(text), OK);
    assert_null(event.fault);
    assert_string_equal(event.type_name, page[i].type);
    assert_string_equal(event_type_name(event.type), page[i].type);
    assert_true(event.emitted_at == INT64_C(1453770984123));
    enum event_form form = is_full ? EVENT_FULL : EVENT_PREVIEW;
    assert_int_equal(event.source.form, source ? form : EVENT_ABSENT);
    assert_int_equal(event.target.form, page[i].target ? form : EVENT_ABSENT);
    assert_true(bit_of(source) & event_type_sources(event.type));
    if (page[i].target) {
        assert_int_equal(1u << event.target.kind, bit_of(page[i].target));
        assert_string_equal(event.target.id, id_for(page[i].target));
    }
    assert_int_equal(event.conversation.form, EVENT_PREVIEW);
    assert_string_equal(event.conversation.id, "cnv_1");
    forget();
}

static void test_every_row_of_the_page(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(page); i++)
        for (unsigned s = 0; s == 0 || page[i].source[s]; s++) {
            check_row(i, page[i].source[s], true);
            check_row(i, page[i].source[s], false);
        }
}

static void test_names_of_application_webhooks(void **state)
{
    (void)state;
    assert_true(span_is(event_type_canonical(SPAN_LIT("outbound_sent")), "outbound"));
    assert_true(span_is(event_type_canonical(SPAN_LIT("message_delivery_failed")), "sending_error"));
    assert_true(span_is(event_type_canonical(SPAN_LIT("new_thing")), "new_thing"));
    assert_int_equal(read_text("{\"id\":\"evt_1\",\"type\":\"new_thing\"}"), OK);
    assert_int_equal(event.type, EVENT_UNKNOWN);
    assert_string_equal(event.type_name, "new_thing");
    assert_null(event.fault);
    forget();
}

static void test_parts_are_decided_one_by_one(void **state)
{
    (void)state;
    assert_int_equal(
        read_text("{\"id\":\"evt_1\",\"type\":\"outbound\",\"source\":{\"_meta\":{\"type\":\"inboxes\"},"
                  "\"data\":[{\"id\":\"inb_1\"},{\"id\":\"inb_2\"}]},"
                  "\"target\":{\"id\":\"msg_1\",\"type\":\"message\",\"_links\":{}}}"),
        OK);
    assert_int_equal(event.source.form, EVENT_FULL);
    assert_int_equal(event.target.form, EVENT_PREVIEW);
    assert_int_equal(event.conversation.form, EVENT_ABSENT);
    assert_null(event.fault);
    forget();
    assert_int_equal(
        read_text(
            "{\"id\":\"evt_1\",\"type\":\"archive\",\"source\":{\"_meta\":{\"type\":\"api\"},"
            "\"data\":null},\"target\":null,\"conversation\":{\"id\":\"cnv_1\",\"status\":\"archived\"}}"),
        OK);
    assert_int_equal(event.source.form, EVENT_FULL);
    assert_int_equal(event.source.kind, EVENT_OF_PROGRAM);
    assert_int_equal(event.target.form, EVENT_ABSENT);
    assert_int_equal(event.conversation.form, EVENT_FULL);
    forget();
    /* data with an id and a link alone is a preview, as Front's application webhooks send it */
    assert_int_equal(
        read_text(
            "{\"id\":\"evt_1\",\"type\":\"inbound_received\",\"target\":{\"_meta\":{\"type\":\"message\"},"
            "\"data\":{\"id\":\"msg_1\",\"_links\":{\"self\":\"https://h/messages/msg_1\"}}}}"),
        OK);
    assert_int_equal(event.target.form, EVENT_PREVIEW);
    assert_string_equal(event.target.id, "msg_1");
    assert_string_equal(event.type_name, "inbound");
    forget();
    /* _meta alone is a preview without an id: nothing to be acted on, and no fault */
    assert_int_equal(
        read_text("{\"id\":\"evt_1\",\"type\":\"outbound\",\"target\":{\"_meta\":{\"type\":\"message\"}}}"),
        OK);
    assert_int_equal(event.target.form, EVENT_PREVIEW);
    assert_null(event.target.id);
    assert_null(event.fault);
    forget();
    /* nor is no target at all: Front is asked what it is */
    assert_int_equal(read_text("{\"id\":\"evt_1\",\"type\":\"outbound\"}"), OK);
    assert_int_equal(event.target.form, EVENT_ABSENT);
    assert_null(event.fault);
    forget();
}

static void test_what_disagrees_is_not_acted_on(void **state)
{
    static const char *const texts[] = {
        "{\"id\":\"evt_1\",\"type\":\"outbound\",\"target\":{\"id\":\"com_1\",\"type\":\"comment\",\"_"
        "links\":{}}}",
        "{\"id\":\"evt_1\",\"type\":\"outbound\",\"target\":{\"id\":\"com_1\",\"type\":\"message\",\"_"
        "links\":{}}}",
        "{\"id\":\"evt_1\",\"type\":\"inbound\",\"target\":{\"id\":\"msg_1\",\"type\":\"message\","
        "\"_links\":{\"self\":\"https://h/messages/msg_2\"}}}",
        "{\"id\":\"evt_1\",\"type\":\"archive\",\"_links\":{\"self\":\"https://h/events/evt_2\"}}",
        "{\"id\":\"evt_1\",\"type\":\"archive\",\"conversation\":{\"id\":\"msg_1\"}}",
        "{\"id\":\"evt_1\",\"type\":\"conversations_merged\",\"target\":{\"_meta\":{\"type\":\"message\"},"
        "\"data\":null}}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_int_equal(read_text(texts[i]), OK);
        assert_non_null(event.fault);
        forget();
    }
}

static void test_what_is_no_event(void **state)
{
    static const char *const texts[] = {
        "[]",
        "{\"id\":\"evt_1\"}",
        "{\"id\":\"msg_1\",\"type\":\"archive\"}",
        "{\"id\":\"evt_1\",\"type\":\"archive\",\"emitted_at\":\"yesterday\"}",
        "{\"id\":\"evt_1\",\"type\":\"archive\",\"emitted_at\":-1}",
        "{\"id\":\"evt_1\",\"type\":\"a\\nb\"}",
        "{\"id\":7,\"type\":\"archive\"}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_int_not_equal(read_text(texts[i]), OK);
        forget();
    }
}

static void test_a_huge_id_is_refused(void **state)
{
    size_t n = 1 << 20;
    char *text = mem_zalloc(n + 100);

    (void)state;
    strcpy(text, "{\"type\":\"archive\",\"id\":\"evt_");
    memset(text + strlen(text), '1', n);
    strcat(text, "\"}");
    assert_int_equal(read_text(text), ERR_LIMIT);
    forget();
    free(text);
}

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

static void test_ids_are_numbers(void **state)
{
    static const struct {
        const char *a, *b;
        int order;
    } rows[] = {
        {"evt_1", "evt_1", 0},
        {"evt_9", "evt_a", -1},
        {"evt_z", "evt_10", -1},
        {"evt_0z", "evt_10", -1},
        {"evt_4ckcra8e", "evt_4ckcra8d", 1},
        {"evt_3w5e11264sgsf", "evt_3w5e11264sgse", 1}, /* 2^64 */
        {"evt_zzzzzzzzzzzzzzzzzzzzzzzzz", "evt_100000000000000000000000000", -1},
        {"evt_000", "evt_0", 0},
    };
    int order;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(event_id_compare(span_of(rows[i].a), span_of(rows[i].b), &order), OK);
        assert_int_equal(sign(order), rows[i].order);
        assert_int_equal(event_id_compare(span_of(rows[i].b), span_of(rows[i].a), &order), OK);
        assert_int_equal(sign(order), -rows[i].order);
    }
    assert_int_equal(event_id_compare(SPAN_LIT("evt_"), SPAN_LIT("evt_1"), &order), ERR_INVALID);
    assert_int_equal(event_id_compare(SPAN_LIT("msg_1"), SPAN_LIT("evt_1"), &order), ERR_INVALID);
    assert_int_equal(event_id_compare(SPAN_LIT("evt_A"), SPAN_LIT("evt_1"), &order), ERR_INVALID);
}

static void add_id(struct span id, void *arg)
{
    struct buf *out = arg;

    buf_add_span(out, id);
    buf_add_char(out, ' ');
}

static void test_ids_in_arrays(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 1024);
    assert_int_equal(
        read_text("{\"id\":\"evt_1\",\"type\":\"conversations_merged\",\"target\":{\"_meta\":{\"type\":"
                  "\"deleted_conversation_ids\"},\"data\":[\"cnv_1\",{\"id\":\"cnv_2\"},7,\"msg_1\",null]}}"),
        OK);
    front_event_merged(&event, add_id, &out);
    assert_string_equal(out.p, "cnv_1 cnv_2 ");
    forget();
    buf_clear(&out);
    assert_int_equal(
        read_text("{\"id\":\"evt_1\",\"type\":\"inbound\",\"source\":{\"_meta\":{\"type\":\"inboxes\"},"
                  "\"data\":[{\"id\":\"inb_1\"},{\"id\":\"inb_2\"}]},\"target\":{\"id\":\"msg_1\",\"type\":"
                  "\"message\"}}"),
        OK);
    front_event_inboxes(&event, add_id, &out);
    assert_string_equal(out.p, "inb_1 inb_2 ");
    forget();
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_of_the_page),
        cmocka_unit_test(test_names_of_application_webhooks),
        cmocka_unit_test(test_parts_are_decided_one_by_one),
        cmocka_unit_test(test_what_disagrees_is_not_acted_on),
        cmocka_unit_test(test_what_is_no_event),
        cmocka_unit_test(test_a_huge_id_is_refused),
        cmocka_unit_test(test_ids_are_numbers),
        cmocka_unit_test(test_ids_in_arrays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
