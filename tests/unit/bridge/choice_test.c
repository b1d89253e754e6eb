/* Which channel an authorization means: each rule, in its order, and what contradicts itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "bridge/choice.h"
#include <string.h>

#define NEW(n)                                                                                               \
    {                                                                                                        \
        .name = n                                                                                            \
    }
#define KEYED(n, k)                                                                                          \
    {                                                                                                        \
        .name = n, .api_key = k                                                                              \
    }
#define LEARNT(n, id)                                                                                        \
    {                                                                                                        \
        .name = n, .front_channel = id                                                                       \
    }
#define FIXED(n, id)                                                                                         \
    {                                                                                                        \
        .name = n, .front_channel = id, .is_fixed = true                                                     \
    }
#define FREED(n, id)                                                                                         \
    {                                                                                                        \
        .name = n, .front_channel = id, .is_free = true                                                      \
    }

static const struct test {
    const char *story;
    struct choice channel[3];
    const char *id, *key, *address, *token;
    const char *chosen; /* NULL: refused with this error, saying this */
    enum front_error error;
    const char *says;
} tests[] = {
    {"its id is known", {LEARNT("a", "cha_1"), NEW("b")}, "cha_1", .chosen = "a"},
    {"its id is in the configuration", {NEW("b"), FIXED("a", "cha_1")}, "cha_1", .chosen = "a"},
    {"the configuration wins over what was learnt",
     {LEARNT("a", "cha_1"), FIXED("b", "cha_1")},
     "cha_1",
     .chosen = "b"},
    {"a key names one of several", {KEYED("a", "k1"), KEYED("b", "k2")}, "cha_9", "k2", .chosen = "b"},
    {"a key connects anew",
     {{.name = "a", .front_channel = "cha_1", .api_key = "k"}},
     "cha_2",
     "k",
     .chosen = "a"},
    {"a token names one", {KEYED("a", "k1"), KEYED("b", "k2")}, "cha_9", "t", NULL, "b", .chosen = "b"},
    {"an address names one",
     {{.name = "a", .address = "+1"}, {.name = "b", .address = "+2"}},
     "cha_9",
     .address = "+2",
     .chosen = "b"},
    {"a name is an address too", {NEW("a"), NEW("b")}, "cha_9", .address = "b", .chosen = "b"},
    {"the only one that waits", {LEARNT("a", "cha_1"), NEW("b")}, "cha_2", .chosen = "b"},
    {"the only one, whose channel was deleted",
     {FREED("a", "cha_1"), FIXED("b", "cha_3")},
     "cha_2",
     .chosen = "a"},
    {"a key that nobody asked for does no harm", {NEW("a")}, "cha_2", "typed", .chosen = "a"},

    {"two wait", {NEW("a"), NEW("b")}, "cha_2", .error = FRONT_FORBIDDEN, .says = "Several channels"},
    {"none waits", {LEARNT("a", "cha_1")}, "cha_2", .error = FRONT_NOT_FOUND, .says = "connected already"},
    {"there is none", {{NULL}}, "cha_2", .error = FRONT_NOT_FOUND, .says = "no application channel"},
    {"a wrong key is not taken for none",
     {KEYED("a", "k1"), NEW("b")},
     "cha_2",
     "k",
     .error = FRONT_FORBIDDEN,
     .says = "not that of any channel"},
    {"a wrong key for a known id",
     {{.name = "a", .front_channel = "cha_1", .api_key = "k"}},
     "cha_1",
     "kk",
     .error = FRONT_FORBIDDEN,
     .says = "not that of any channel"},
    {"the key of another",
     {{.name = "a", .front_channel = "cha_1", .api_key = "k1"}, KEYED("b", "k2")},
     "cha_1",
     "k2",
     .error = FRONT_FORBIDDEN,
     .says = "\"a\" in the bridge, but the API key is that of \"b\""},
    {"a key is needed",
     {KEYED("a", "k1")},
     "cha_2",
     .error = FRONT_FORBIDDEN,
     .says = "with its API key only"},
    {"a key is needed, whatever the address",
     {{.name = "a", .address = "+1", .api_key = "k"}, NEW("b")},
     "cha_2",
     .address = "+1",
     .error = FRONT_FORBIDDEN,
     .says = "with its API key only"},
    {"the configuration has another id",
     {{.name = "a", .front_channel = "cha_1", .is_fixed = true, .api_key = "k"}},
     "cha_2",
     "k",
     .error = FRONT_FORBIDDEN,
     .says = "belongs to cha_1 by the bridge's configuration"},
    {"an empty key is no key",
     {{.name = "a", .api_key = ""}, NEW("b")},
     "cha_2",
     .chosen = NULL,
     .error = FRONT_FORBIDDEN,
     .says = "Several"},
};

static size_t count(const struct test *t)
{
    size_t n = 0;

    while (n < ARRAY_LEN(t->channel) && t->channel[n].name)
        n++;
    return n;
}

static void check(const struct test *t)
{
    const struct choice_call call = {.channel_id = span_of(t->id),
                                     .key = span_of(t->key),
                                     .address = span_of(t->address),
                                     .token = t->token};
    enum front_error e = FRONT_OK;
    struct buf why;

    buf_init(&why, 1024);
    int i = choice_of(t->channel, count(t), &call, &e, &why);
    const char *chosen = i < 0 ? NULL : t->channel[i].name;
    if ((chosen == NULL) != (t->chosen == NULL) || (chosen && strcmp(chosen, t->chosen) != 0))
        fail_msg("%s: chose %s, %s", t->story, chosen ? chosen : "none", why.p ? why.p : "");
    assert_int_equal(e, t->error);
    if (t->says && !strstr(why.p, t->says))
        fail_msg("%s: it says \"%s\"", t->story, why.p);
    assert_true(chosen || why.p[why.n - 1] == '.');
    buf_fini(&why);
}

static void test_every_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(tests); i++)
        check(&tests[i]);
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(test_every_rule)};
    return cmocka_run_group_tests(all, NULL, NULL);
}
