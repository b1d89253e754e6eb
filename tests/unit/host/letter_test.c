/* What an adapter gets of a message's text is what it declares, and nothing in it can run. */
#include "../front/unit.h"
#include "host/letter.h"

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
        const struct fb_module m = {.formats = rows[i].formats, .capabilities = rows[i].capabilities};
        assert_int_equal(letter_write(span_of(rows[i].in), &m, &out), OK);
        assert_text(&out, rows[i].out);
    }
    assert_int_equal(letter_write(SPAN_LIT("[]"), &(struct fb_module){0}, &out), ERR_INVALID);
    assert_int_equal(letter_write(SPAN_LIT("x"), &(struct fb_module){0}, &out), ERR_INVALID);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_forms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
