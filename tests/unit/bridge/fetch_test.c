/* What the end of a fetch means: a table of ends, by direction and how often it was tried. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "bridge/fetch_policy.h"
#include <string.h>

static const struct config_channel rules = {
    .retry_first_ms = 5000, .retry_factor = 2, .retry_max_ms = 600000};

static void test_verdicts(void **state)
{
    (void)state;
    enum { OUT = MESSAGE_OUT, IN = MESSAGE_IN, AGAIN = FILE_WANTED, GONE = FILE_GONE };
    static const struct {
        int direction, end, status;
        unsigned tries;
        int state;
    } rows[] = {
        {OUT, FETCH_DONE, 200, 1, FILE_READY},   {IN, FETCH_DONE, 200, 9, FILE_READY},
        {OUT, FETCH_FAILED, 503, 1, AGAIN},      {OUT, FETCH_FAILED, 0, 1000, AGAIN},
        {IN, FETCH_FAILED, 0, 5, AGAIN},         {IN, FETCH_FAILED, 0, 6, GONE},
        {OUT, FETCH_REFUSED, 403, 3, AGAIN},     {OUT, FETCH_REFUSED, 403, 4, GONE},
        {OUT, FETCH_REFUSED, 404, 4, AGAIN},     {OUT, FETCH_REFUSED, 404, 5, GONE},
        {IN, FETCH_REFUSED, 404, 3, AGAIN},      {IN, FETCH_REFUSED, 404, 4, GONE},
        {OUT, FETCH_OTHER, 200, 1, AGAIN},       {OUT, FETCH_OTHER, 200, 4, GONE},
        {OUT, FETCH_TOO_LARGE, 0, 4, GONE},      {IN, FETCH_TOO_LARGE, 0, 1, GONE},
        {OUT, FETCH_FORBIDDEN, 0, 1, GONE},      {IN, FETCH_FORBIDDEN, 0, 1, GONE},
        {OUT, FETCH_NO_ROOM, 0, 1000000, AGAIN}, {IN, FETCH_NO_ROOM, 0, 1000000, AGAIN},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct fetch_facts f = {.direction = (enum message_direction)rows[i].direction,
                                      .end = (enum fetch_end)rows[i].end,
                                      .status = rows[i].status,
                                      .tries = rows[i].tries};
        struct fetch_verdict v = fetch_verdict(&rules, &f, 7);
        if ((int)v.state != rows[i].state || (v.state == FILE_WANTED) != (v.delay_ms > 0))
            fail_msg("row %zu: %d after %lld", i, (int)v.state, (long long)v.delay_ms);
    }
}

/* All tries of what is refused end while the agent still waits; what fails waits as the channel's rules say. */
static void test_delays(void **state)
{
    (void)state;
    struct fetch_facts f = {.end = FETCH_REFUSED, .status = 403};
    int64_t sum = 0;
    for (f.tries = 1; fetch_verdict(&rules, &f, 7).state == FILE_WANTED; f.tries++)
        sum += fetch_verdict(&rules, &f, 7).delay_ms;
    assert_in_range(sum, 1000, 4000);
    f = (struct fetch_facts){.end = FETCH_FAILED, .tries = 1};
    assert_in_range(fetch_verdict(&rules, &f, 7).delay_ms, 4000, 6000);
    f.tries = 100;
    assert_in_range(fetch_verdict(&rules, &f, 7).delay_ms, 480000, 720000);
    f.retry_after_ms = 900000;
    assert_int_equal(fetch_verdict(&rules, &f, 7).delay_ms, 900000);
    f = (struct fetch_facts){.end = FETCH_FORBIDDEN, .tries = 1};
    assert_int_equal(fetch_verdict(&rules, &f, 7).delay_ms, 0);
}

static void says(const struct fetch_facts *f, enum file_state s, const char *text)
{
    struct buf b;
    buf_init(&b, 1000);
    fetch_sentence(f, s, &b);
    assert_string_equal(b.p, text);
    buf_fini(&b);
}

static void test_sentences(void **state)
{
    (void)state;
    struct fetch_facts f = {.end = FETCH_REFUSED,
                            .status = 404,
                            .filename = "a.png",
                            .why = SPAN_LIT("Front answered 404: Not found")};
    says(&f, FILE_GONE,
         "The file \"a.png\" could not be fetched from Front: Front answered 404: Not found. Nothing was "
         "sent.");
    says(&f, FILE_WANTED,
         "The file \"a.png\" cannot be fetched from Front yet: Front answered 404: Not found.");
    f.status = 403;
    f.why = SPAN_LIT("no");
    says(&f, FILE_GONE,
         "The file \"a.png\" could not be fetched from Front: no. The API token needs the scope "
         "attachments:read. "
         "Nothing was sent.");
    f.direction = MESSAGE_IN;
    says(&f, FILE_GONE, "The file \"a.png\" could not be fetched from the chat system: no.");
    f.end = FETCH_NO_ROOM;
    f.why = SPAN_LIT("the disk is full");
    says(&f, FILE_WANTED, "The file \"a.png\" cannot be stored: the disk is full.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_delays),
        cmocka_unit_test(test_sentences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
