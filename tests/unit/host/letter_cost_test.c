/*
 * What a long text costs, counted and not timed: src/text and letter.c are compiled to call a function at every block
 * of theirs that runs. All parts of a text together must cost so much for each of its bytes, however long it is.
 */
#include "../front/unit.h"
#include "host/letter.h"
#include "text/cuts.h"
#include <front_bridge/channel.h>

static unsigned long blocks;

void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
    blocks++;
}

enum { LIMIT = 400 };

static const struct {
    const char *piece, *before, *after;
    bool is_html;
} rows[] = {
    {"x", "", "", false},
    {"word ", "", "", false},
    {")", "", "", false},
    {"\xf0\x9f\x91\xa9", "", "", false},
    {"e\xcc\x81", "", "", false},
    {"\\n", "a", "b", false},
    {"Yes. No? ", "", "", true},
    {"x", "<pre>", "</pre>", true},
    {"code(x);\\n", "<pre>", "</pre>", true},
    {"x", "<p><code>", "</code></p>", true},
    {"<b>x</b>", "", "", true},
    {"<li>item of a list ", "<ol>", "</ol>", true},
    {"<ul><li>x", "", "", true},
    {"<tr><td></td></tr>", "<table>", "</table>end", true},
    {"&nbsp;", "x", "x", true},
    {"&amp;", "", "", true},
    {"<br>x", "", "", true},
    {"<a href='https://x.example'>a</a>", "", "", true},
};

/* Blocks for a byte of all parts, and how many parts that are. */
static double cost_of(size_t row, size_t bytes, unsigned *parts)
{
    const struct letter_form form = {.formats = FB_FORMAT_PLAIN | FB_FORMAT_MARKDOWN | FB_FORMAT_HTML,
                                     .capabilities = FB_CAN_ATTACHMENTS,
                                     .max_text = LIMIT};
    struct letter_part part = {0};
    struct text_cuts cuts = {0};
    struct buf json, out;

    buf_init(&json, 1 << 20);
    buf_init(&out, 1 << 20);
    buf_addf(&json, "{\"id\":\"m\",\"%s\":\"%s", rows[row].is_html ? "html" : "text", rows[row].before);
    while (json.n < bytes)
        buf_add_str(&json, rows[row].piece);
    buf_addf(&json, "%s\"}", rows[row].after);
    blocks = 0;
    do {
        buf_clear(&out);
        assert_int_equal(letter_write(&cuts, buf_span(&json), &form, &part, &out), OK);
    } while (++part.at < part.n);
    double cost = (double)blocks / (double)json.n;
    *parts = part.n;
    text_cuts_fini(&cuts);
    buf_fini(&json);
    buf_fini(&out);
    return cost;
}

static void test_a_byte_costs_the_same_in_a_long_text(void **state)
{
    unsigned few, many, wrong = 0;
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        double some = cost_of(i, 6000, &few), more = cost_of(i, 24000, &many);
        print_message("%-36s %2u parts: %6.0f, %2u parts: %6.0f blocks a byte\n", rows[i].piece, few, some,
                      many, more);
        /* Its square would be four times as much; another try with longer numbers is up to twice. */
        wrong += more > 2.2 * some;
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_byte_costs_the_same_in_a_long_text)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
