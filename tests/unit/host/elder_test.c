/* An adapter that was built against an earlier minor version of channel.h works as it did, and is not built again. */
#include "rig.h"
#include <stdio.h>

static void open_elder(struct rig *r, unsigned minor)
{
    char name[20];

    snprintf(name, sizeof name, "elder_1_%u", minor);
    rig_open(r, name, NULL);
    rig_up(r);
    assert_int_equal(host_adapter(r->host)->abi_minor, minor);
}

static void test_it_gets_deliveries(void **state)
{
    (void)state;
    static const char json[] = "{\"id\":\"d1\",\"recipient\":{\"handle\":\"+332\"},\"text\":\"one two three "
                               "four five six seven eight "
                               "nine\",\"attachments\":[{\"filename\":\"a.txt\"},{\"filename\":\"b.txt\"}]}";
    for (unsigned minor = 0; minor < 2; minor++) {
        struct rig r;
        open_elder(&r, minor);
        assert_int_equal(host_adapter(r.host)->max_text, 0);
        assert_int_equal(host_deliver(r.host, 1, span_of(json), NULL, 0, NULL), OK);
        assert_true(rig_wait(&r, &r.outcome_n, 1, 20000));
        assert_int_equal(r.outcome[0].o.kind, OUTCOME_DELIVERED);
        /* whole: the text, and a line with each name */
        assert_string_equal(r.outcome[0].external_id, "d1 +332 60 a.txt b.txt");
        rig_close(&r);
    }
}

static void test_it_hands_messages_over(void **state)
{
    (void)state;
    for (unsigned minor = 0; minor < 2; minor++) {
        struct rig r;
        open_elder(&r, minor);
        assert_string_equal(rig_say(&r, "receive", NULL)->external_id, "fb-1");
        assert_string_equal(
            r.json, "{\"id\":\"m1\",\"sender\":{\"handle\":\"+331\",\"name\":\"Ada\"},\"text\":\"hello\","
                    "\"attachments\":[{\"filename\":\"a.png\",\"content_type\":\"image/png\","
                    "\"url\":\"https://example.com/a.png\"}]}");
        rig_close(&r);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_gets_deliveries),
        cmocka_unit_test(test_it_hands_messages_over),
    };
    rig_fixture(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
