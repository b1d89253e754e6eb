/* The rule of the search: filtered by emission, sorted by creation, page by page. */
#include "../base/test.h"
#include "base/mem.h"
#include "sim/account.h"
#include "sim/search.h"
#include <stdio.h>
#include <string.h>

static struct sim_event_log events;
static const struct sim_inbox first = {.id = "inb_1"}, second = {.id = "inb_2"};
static const wall_ms_t now = 1000000;

/* Types are single letters, so that a page can be told in a word. */
static struct sim_event *add(const char *type, wall_ms_t emitted_at, wall_ms_t created_at, bool is_first)
{
    const struct sim_event draft = {.type = mem_strdup(type),
                                    .emitted_at = emitted_at,
                                    .created_at = created_at,
                                    .inbox = is_first ? &first : &second};
    return sim_event_log_add(&events, &draft);
}

static int setup(void **state)
{
    (void)state;
    sim_event_log_init(&events, 1);
    add("a", 1000, 1000, true);
    add("b", 2000, 2000, true);
    add("c", 3000, 100, false); /* long ago, imported between b and d */
    add("d", 4000, 4000, true);
    add("e", 5000, 4000, false);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sim_event_log_fini(&events);
    return 0;
}

static void page(const char *query, uint64_t from, bool is_thin, struct sim_page *out, char word[20])
{
    struct sim_search q;
    struct buf why;
    buf_init(&why, 500);
    assert_int_equal(sim_search_read(&q, span_of(query), &why), OK);
    q.from = from;
    q.is_thin = is_thin;
    sim_search_page(&events, &q, now, out);
    for (unsigned i = 0; i < out->n; i++)
        word[i] = out->event[i]->type[0];
    word[out->n] = '\0';
    sim_search_fini(&q);
    buf_fini(&why);
}

static void filtered_by_emission_sorted_by_creation(void **state)
{
    (void)state;
    static const struct {
        const char *query, *want;
    } cases[] = {
        {"", "edbac"},
        {"sort_order=asc", "cabde"},
        {"sort_by=created_at&sort_order=desc", "edbac"},
        {"q[after]=2", "edc"}, /* exclusive; c was created before it */
        {"q[after]=1.999", "edbc"},
        {"q[before]=4", "bac"},
        {"q[before]=4&q[after]=1", "bc"},
        {"q%5Btypes%5D%5B%5D=b&q[types][]=c", "bc"},
        {"q[types]=b&q[types]=d", "db"},
        {"q[types][0]=b&q[types][1]=x", "b"},
        {"q[inboxes][]=inb_2", "ec"},
        {"q[inboxes][]=inb_2&q[inboxes][]=inb_1&q[types]=a", "a"},
        {"q[inboxes][]=inb_3", ""},
        {"limit=2", "ed"},
        {"limit=999", "edbac"},
        {"unknown=1&&limit=1", "e"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sim_page p;
        char word[20];
        page(cases[i].query, 0, false, &p, word);
        assert_string_equal(word, cases[i].want);
    }
}

static void pages_follow_each_other(void **state)
{
    (void)state;
    static const char *const want[] = {"ed", "ba", "c"};
    struct sim_page p = {.next = 0};
    char word[20];
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        page("limit=2", p.next, false, &p, word);
        assert_string_equal(word, want[i]);
        assert_int_equal(p.is_last, i == 2);
    }
    page("limit=5", 0, false, &p, word);
    assert_true(p.is_last); /* a full page may be the last */
}

static void thin_pages_are_cut_before_they_are_filtered(void **state)
{
    (void)state;
    static const char *const want[] = {"", "b", "c"};
    struct sim_page p = {.next = 0};
    char word[20];
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        page("limit=2&q[types]=b&q[types]=c", p.next, true, &p, word);
        assert_string_equal(word, want[i]);
        assert_int_equal(p.is_last, i == 2);
    }
}

static void what_is_new_moves_the_pages_of_an_open_search_only(void **state)
{
    (void)state;
    struct sim_page p;
    char word[20];
    page("limit=2&q[before]=5.5", 0, false, &p, word);
    assert_string_equal(word, "ed");
    add("f", 6000, 6000, true);
    page("limit=2&q[before]=5.5", p.next, false, &p, word);
    assert_string_equal(word, "ba");
    page("limit=2", 2, false, &p, word);
    assert_string_equal(word, "db");
}

static void what_is_not_visible_is_not_there(void **state)
{
    (void)state;
    struct sim_page p;
    char word[20];
    add("f", 6000, 6000, true)->visible_at = now + 1;
    add("g", 6000, 6001, true)->visible_at = now;
    page("limit=3", 0, false, &p, word);
    assert_string_equal(word, "ged");
}

static void mistakes_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "q[before]=",
        "q[before]=x",
        "q[before]=-1",
        "q[after]=1.2345",
        "q[after]=0",
        "limit=0",
        "limit=-1",
        "limit=x",
        "page_token=",
        "page_token=zzzzzzzzzzzzzzzz",
        "sort_order=up",
        "sort_by=emitted_at",
        "q[type]=inbound",
        "q[types]=",
        "q[before][]=1",
        "q[types]=%zz",
        "page_token=ffffffffffffffff",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct sim_search q;
        struct buf why;
        buf_init(&why, 500);
        assert_int_equal(sim_search_read(&q, span_of(bad[i]), &why), ERR_INVALID);
        assert_true(why.n > 0);
        sim_search_fini(&q);
        buf_fini(&why);
    }
}

static void a_token_leads_back_to_its_place(void **state)
{
    (void)state;
    struct sim_search q;
    struct buf next, again, why;
    buf_init(&next, 500);
    buf_init(&again, 500);
    buf_init(&why, 500);
    sim_search_next(SPAN_LIT("limit=3&page_token=old&q[types]=a"), 42, &next);
    assert_int_equal(sim_search_read(&q, buf_span(&next), &why), OK);
    assert_int_equal(q.from, 42);
    assert_int_equal(q.limit, 3);
    assert_string_equal(q.type[0], "a");
    sim_search_next(buf_span(&next), 42, &again);
    assert_string_equal(again.p, next.p);
    sim_search_fini(&q);
    buf_fini(&next);
    buf_fini(&again);
    buf_fini(&why);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(filtered_by_emission_sorted_by_creation),
        TEST(pages_follow_each_other),
        TEST(thin_pages_are_cut_before_they_are_filtered),
        TEST(what_is_new_moves_the_pages_of_an_open_search_only),
        TEST(what_is_not_visible_is_not_there),
        TEST(mistakes_are_refused),
        TEST(a_token_leads_back_to_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
