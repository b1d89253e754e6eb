/* What an adapter gets of a message's text is what it declares, and nothing in it can run. */
#include "../front/unit.h"
#include "host/letter.h"
#include "text/cuts.h"
#include <front_bridge/channel.h>

static struct text_cuts cuts; /* as one channel host has it */

#define STORED(text, html, files)                                                                            \
    "{\"id\":\"fb1\",\"text\":" text ",\"html\":" html ",\"attachments\":[" files "],\"created_at\":1.5}"
#define PDF "{\"filename\":\"a.pdf\",\"url\":null}"
#define PNG "{\"filename\":\"b.png\",\"url\":null,\"cid\":\"one\"}"

static const struct {
    uint32_t formats, capabilities;
    const char *in, *out;
} rows[] = {
    {0, FB_CAN_ATTACHMENTS, STORED("\"as  it is\"", "\"<p>x</p>\"", PDF),
     STORED("\"as  it is\"", "null", PDF)},
    {FB_FORMAT_HTML, 0, STORED("\"hi\"", "\"<p onclick=x>hi<script>x</script>\"", ""),
     STORED("\"hi\"", "\"<p>hi</p>\"", "")},
    {FB_FORMAT_PLAIN, 0, STORED("null", "\"<ul><li>a<li>b</ul>\"", ""), STORED("\"- a\\n- b\"", "null", "")},
    {FB_FORMAT_MARKDOWN, 0, STORED("\"*x*\"", "null", ""),
     STORED("\"*x*\",\"markdown\":\"\\\\*x\\\\*\"", "null", "")},
    {FB_FORMAT_PLAIN, 0, STORED("\"hi\"", "null", PDF), STORED("\"hi\\n[a.pdf]\"", "null", PDF)},
    {FB_FORMAT_HTML, 0, STORED("null", "\"<img src='cid:one'>\"", PNG "," PDF),
     STORED("\"[b.png]\\n[a.pdf]\"", "\"<img src=\\\"cid:one\\\" alt=\\\"b.png\\\"><br>[a.pdf]\"",
            PNG "," PDF)},
    {FB_FORMAT_HTML, FB_CAN_ATTACHMENTS, STORED("null", "null", PDF), STORED("null", "null", PDF)},
};

static void test_forms(void **state)
{
    struct buf out;
    (void)state;

    buf_init(&out, 65536);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct letter_form form = {.formats = rows[i].formats, .capabilities = rows[i].capabilities};
        struct letter_part part = {0};
        assert_int_equal(letter_write(&cuts, span_of(rows[i].in), &form, &part, &out), OK);
        assert_text(&out, rows[i].out);
        assert_int_equal(part.n, 1);
        assert_int_equal(part.cut, 0);
    }
    struct letter_part part = {0};
    assert_int_equal(letter_write(&cuts, SPAN_LIT("[]"), &(struct letter_form){0}, &part, &out), ERR_INVALID);
    assert_int_equal(letter_write(&cuts, SPAN_LIT("x"), &(struct letter_form){0}, &part, &out), ERR_INVALID);
    buf_fini(&out);
}

/* ---- Parts ---- */

#define LONG                                                                                                 \
    "{\"type\":\"message\",\"id\":\"fb1-2\",\"subject\":\"S\",\"text\":\"one two three four five six seven " \
    "eight nine ten eleven twelve thirteen\",\"html\":null,\"attachments\":[{\"filename\":\"a\"}],"          \
    "\"in_reply_to\":\"r\"}"

static const struct letter_form limited = {
    .formats = FB_FORMAT_PLAIN, .capabilities = FB_CAN_ATTACHMENTS, .max_text = 40};

static enum err write_part(const char *json, const struct letter_form *form, struct letter_part *part,
                           struct buf *out)
{
    buf_clear(out);
    return letter_write(&cuts, span_of(json), form, part, out);
}

static void test_parts(void **state)
{
    static const char *const expected[] = {
        "{\"type\":\"message\",\"id\":\"fb1-2-p1\",\"subject\":\"S\",\"text\":\"one two three four five six "
        "seven\\n(1/3)\","
        "\"html\":null,\"attachments\":[],\"in_reply_to\":\"r\",\"part\":1,\"part_n\":3}",
        "{\"type\":\"message\",\"id\":\"fb1-2-p2\",\"subject\":null,\"text\":\"eight nine ten eleven "
        "twelve\\n(2/3)\","
        "\"html\":null,\"attachments\":[],\"in_reply_to\":null,\"part\":2,\"part_n\":3}",
        "{\"type\":\"message\",\"id\":\"fb1-2-p3\",\"subject\":null,\"text\":\"thirteen\\n(3/3)\","
        "\"html\":null,\"attachments\":[{\"filename\":\"a\"}],\"in_reply_to\":null,\"part\":3,\"part_n\":3}"};
    struct letter_part part = {0};
    struct buf out;
    (void)state;

    buf_init(&out, 65536);
    for (part.at = 0; part.at < 3; part.at++) {
        int64_t cut = part.cut;
        assert_int_equal(write_part(LONG, &limited, &part, &out), OK);
        assert_text(&out, expected[part.at]);
        assert_int_equal(part.n, 3);
        assert_true(part.cut > 0 && (cut == 0 || part.cut == cut));
    }
    assert_int_equal(write_part(LONG, &limited, &part, &out), ERR_CONFLICT); /* there is no fourth */
    buf_fini(&out);
}

/* The adapter is another one now: what is left must still belong to what was sent. */
static void test_the_rest_fits_to_what_was_sent(void **state)
{
    struct letter_form larger = limited, html = limited, higher = limited, nameless = limited;
    struct letter_part first = {0}, part;
    struct buf json, out;
    (void)state;

    buf_init(&out, 65536);
    larger.max_text = 0;
    html.formats = FB_FORMAT_HTML;
    higher.max_text = 100;
    assert_int_equal(write_part(LONG, &limited, &first, &out), OK);
    part = (struct letter_part){.at = 2, .cut = first.cut};
    assert_int_equal(write_part(LONG, &larger, &part, &out), OK);
    assert_true(strstr(out.p, "thirteen\\n(3/3)"));
    part = (struct letter_part){.at = 2, .cut = first.cut};
    assert_int_equal(write_part(LONG, &html, &part, &out), OK); /* it happens to be short enough */
    nameless.capabilities = 0;
    part = (struct letter_part){.at = 2, .cut = first.cut};
    assert_int_equal(write_part(LONG, &nameless, &part, &out),
                     ERR_CONFLICT); /* the file would be gone unsaid */
    part = (struct letter_part){0};
    assert_int_equal(write_part(LONG, &nameless, &part, &out), OK);
    part.at = part.n - 1;
    assert_int_equal(write_part(LONG, &limited, &part, &out), OK); /* it has both, the name and the file */
    buf_init(&json, 65536);
    buf_add_str(&json, "{\"id\":\"x\",\"text\":\"");
    for (unsigned i = 0; i < 200; i++)
        buf_add_char(&json, (char)('a' + i % 26));
    buf_add_str(&json, "\"}");
    part = (struct letter_part){0};
    assert_int_equal(write_part(json.p, &higher, &part, &out), OK);
    assert_int_equal(part.n, 3);
    part.at = 2;
    assert_int_equal(write_part(json.p, &limited, &part, &out), OK); /* what is left is short */
    part.at = 1;
    int64_t cut = part.cut;
    assert_int_equal(write_part(json.p, &limited, &part, &out), ERR_CONFLICT);
    assert_int_equal(part.cut, cut);
    part.at = 0;
    assert_int_equal(write_part(json.p, &limited, &part, &out), OK); /* nothing was sent: cut anew */
    assert_int_equal(part.n, 6);
    assert_true(part.cut != cut);
    buf_fini(&json);
    buf_fini(&out);
}

static void test_a_cut_that_is_none_sends_nothing(void **state)
{
    struct letter_part first = {0}, part;
    struct buf out;
    unsigned refused_n = 0;
    (void)state;

    buf_init(&out, 65536);
    assert_int_equal(write_part(LONG, &limited, &first, &out), OK);
    for (unsigned bit = 0; bit < 64; bit++) { /* another limit may lead to the same parts */
        part = (struct letter_part){.at = 1, .cut = (int64_t)((uint64_t)first.cut ^ UINT64_C(1) << bit)};
        enum err e = write_part(LONG, &limited, &part, &out);
        assert_true(e == ERR_CONFLICT ||
                    (e == OK && strstr(out.p, "\"eight nine ten eleven twelve\\n(2/3)")));
        refused_n += e == ERR_CONFLICT;
    }
    assert_true(refused_n >= 32);
    part = (struct letter_part){.at = 1};
    assert_int_equal(write_part(LONG, &limited, &part, &out), ERR_CONFLICT);
    part = (struct letter_part){.at = 1, .cut = first.cut};
    assert_int_equal(
        write_part("{\"text\":\"another text, as long as that or longer\"}", &limited, &part, &out),
        ERR_CONFLICT);
    assert_int_equal(part.cut, first.cut);
    buf_fini(&out);
}

static void test_too_many_parts(void **state)
{
    struct letter_part part = {0};
    struct buf json, out;
    (void)state;

    buf_init(&json, 65536);
    buf_init(&out, 65536);
    buf_add_str(&json, "{\"text\":\"");
    for (unsigned i = 0; i < 1000; i++)
        buf_add_str(&json, "word ");
    buf_add_str(&json, "\"}");
    assert_int_equal(write_part(json.p, &limited, &part, &out), ERR_LIMIT);
    buf_fini(&json);
    buf_fini(&out);
}

/* ---- What is kept between parts ---- */

enum { MESSAGES = 3 };

static unsigned pick(unsigned *seed, unsigned n)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % n;
}

static void add_string(struct buf *json, unsigned *seed)
{
    static const char *const pieces[] = {"word ",        "a.",
                                         "<b>",          "</b>",
                                         "<p>",          "<pre>",
                                         "</pre>",       "\\n",
                                         "<ul><li>x",    "```",
                                         "\xe3\x80\x82", "xxxxxxxxxxxxxxxxxxxxxxxxxxx",
                                         "&nbsp;",       "<a href='https://x.example'>",
                                         "</a>",         "<img src='cid:c'>",
                                         "e\xcc\x81",    "? "};

    buf_add_char(json, '"');
    for (unsigned n = pick(seed, 120); n > 0; n--)
        buf_add_str(json, pieces[pick(seed, ARRAY_LEN(pieces))]);
    buf_add_char(json, '"');
}

/* A message in two attempts: what changes with the attempt is no matter for the cut. */
static void make_message(struct buf *before, struct buf *after, unsigned *seed)
{
    buf_init(before, 1 << 20);
    buf_init(after, 1 << 20);
    buf_addf(before, "{\"id\":\"m%u\",\"attempt\":", pick(seed, 1000));
    buf_add_str(after, ",\"text\":");
    if (pick(seed, 2))
        add_string(after, seed);
    else
        buf_add_str(after, "null");
    buf_add_str(after, ",\"html\":");
    add_string(after, seed);
    buf_add_str(after, ",\"attachments\":[{\"filename\":\"f.png\",\"cid\":\"c\"}]}");
}

static void write_both(const char *json, const struct letter_form *form, struct letter_part *part)
{
    struct text_cuts cold = {0};
    struct letter_part alone = *part;
    struct buf out, other;

    buf_init(&out, 1 << 20);
    buf_init(&other, 1 << 20);
    enum err e = letter_write(&cuts, span_of(json), form, part, &out);
    assert_int_equal(letter_write(&cold, span_of(json), form, &alone, &other), e);
    assert_true(span_eq(buf_span(&out), buf_span(&other)));
    assert_true(alone.n == part->n && alone.cut == part->cut);
    if (e)
        part->at = 0, part->n = 0; /* it would be more than 99 */
    buf_fini(&out);
    buf_fini(&other);
    text_cuts_fini(&cold);
}

/* Parts of several messages in any order, some again; now and then the host is another one, or the adapter takes other texts. */
static void test_what_is_kept_changes_nothing(void **state)
{
    unsigned seed = 1, in_parts_n = 0;
    (void)state;

    for (unsigned round = 0; round < 60; round++) {
        struct letter_form form = {.formats = 1 + pick(&seed, 7),
                                   .capabilities = pick(&seed, 2) ? FB_CAN_ATTACHMENTS : 0,
                                   .max_text = 40 + pick(&seed, 160)};
        struct buf before[MESSAGES], after[MESSAGES];
        struct letter_part part[MESSAGES] = {{0}};
        for (unsigned m = 0; m < MESSAGES; m++)
            make_message(&before[m], &after[m], &seed);
        for (unsigned turn = 0; turn < 30; turn++) {
            unsigned m = pick(&seed, MESSAGES);
            struct letter_part at = part[m];
            struct buf json;
            buf_init(&json, 1 << 20);
            buf_addf(&json, "%s%u%s", before[m].p, turn, after[m].p);
            if (pick(&seed, 12) == 0)
                text_cuts_fini(&cuts);
            if (pick(&seed, 40) == 0)
                form.max_text = 40 + pick(&seed, 160);
            write_both(json.p, &form, &at);
            in_parts_n += at.n > 1;
            if (at.n > 1 && at.at + 1 < at.n && pick(&seed, 3))
                part[m] = (struct letter_part){.at = at.at + 1, .cut = at.cut};
            buf_fini(&json);
        }
        for (unsigned m = 0; m < MESSAGES; m++) {
            buf_fini(&before[m]);
            buf_fini(&after[m]);
        }
    }
    assert_true(in_parts_n > 600);
    text_cuts_fini(&cuts);
}

/* Two long texts side by side are cut once each, and nothing of them is kept when they are written. */
static void test_a_text_is_cut_once(void **state)
{
    struct letter_part a = {0}, b = {0};
    struct buf out;
    (void)state;

    buf_init(&out, 65536);
    cuts.made_n = 0;
    for (; a.at < 3; a.at++, b.at++) {
        assert_int_equal(write_part(LONG, &limited, &a, &out), OK);
        assert_int_equal(
            write_part(
                "{\"text\":\"a second text that takes more than one part, and yet another of them; these\"}",
                &limited, &b, &out),
            OK);
        assert_int_equal(b.n, 3);
    }
    assert_int_equal(cuts.made_n, 2);
    assert_null(cuts.first);
    buf_fini(&out);
}

/* What is kept is bounded, and the oldest goes first. */
static void test_much_is_forgotten(void **state)
{
    enum { MANY = 600 };
    char json[MANY][100];
    struct buf out;
    (void)state;

    buf_init(&out, 65536);
    cuts.made_n = 0;
    for (unsigned i = 0; i < MANY; i++) {
        struct letter_part part = {0};
        snprintf(json[i], sizeof json[i],
                 "{\"text\":\"%u is one of many texts that take more than one part\"}", i);
        assert_int_equal(write_part(json[i], &limited, &part, &out), OK);
        assert_int_equal(part.n, 2);
    }
    struct letter_part newest = {0}, oldest = {0};
    assert_int_equal(write_part(json[MANY - 1], &limited, &newest, &out), OK);
    assert_int_equal(cuts.made_n, MANY);
    assert_int_equal(write_part(json[0], &limited, &oldest, &out), OK);
    assert_int_equal(cuts.made_n, MANY + 1);
    text_cuts_fini(&cuts);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_the_rest_fits_to_what_was_sent),
        cmocka_unit_test(test_a_cut_that_is_none_sends_nothing),
        cmocka_unit_test(test_too_many_parts),
        cmocka_unit_test(test_what_is_kept_changes_nothing),
        cmocka_unit_test(test_a_text_is_cut_once),
        cmocka_unit_test(test_much_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
