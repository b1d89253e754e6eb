/* HTML to text and to clean HTML: line breaks kept, nothing that runs let through. */
#include "../front/unit.h"
#include "text/doc.h"
#include "text/html.h"
#include <time.h>

struct row {
    const char *in, *out;
};

static const struct row texts[] = {
    {"", ""},
    {"plain", "plain"},
    {"  a \n\t b  ", "a b"},
    {"<p>Hi there,</p><p>I wanted</p>", "Hi there,\n\nI wanted"},
    {"<div>a</div><div>b</div>", "a\nb"},
    {"<div>a<br></div><div>b</div>", "a\nb"},
    {"<div>a</div><div><br></div><div>b</div>", "a\n\nb"},
    {"a<br/>b<BR>c", "a\nb\nc"},
    {"a <b>b</b>c <i>d</i>", "a bc d"},
    {"<ul><li>one</li><li><p>two</p></li></ul>after", "- one\n- two\n\nafter"},
    {"<pre>  a\n   b</pre>c", "  a\n   b\n\nc"},
    {"a &amp; b &lt;c&gt; &eacute; &#233; &#x1F600; &copy;",
     "a & b <c> \xc3\xa9 \xc3\xa9 \xf0\x9f\x98\x80 \xc2\xa9"},
    {"x &unknown; &amp y", "x &unknown; & y"},
    {"Hello<div>two</div><div>three</div>", "Hello\ntwo\nthree"},
    {"a<script>alert(1)</script>b<style>p{}</style>c", "abc"},
    {"a<!-- no --> b", "a b"},
    {"<a href=\"https://x.org/a\">site</a>.", "site (https://x.org/a)."},
    {"see <a href=\"https://x.org\">https://x.org</a>", "see https://x.org"},
    {"<a href='mailto:a@x.org'>a@x.org</a>", "a@x.org"},
    {"<a href='javascript:alert(1)'>x</a>", "x"},
    {"<a href='https://x.org/'></a>", "https://x.org/"},
    {"<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a | b\nc"},
    {"<img alt='a cat' src=x>", "a cat"},
    {"caf\xc3\xa9 \xf0\x9f\x98\x80", "caf\xc3\xa9 \xf0\x9f\x98\x80"},
    {"<meta charset='iso-8859-1'>caf\xc3\xa9", "caf\xc3\xa9"},
    {"1 < 2 && 3 > 2", "1 < 2 && 3 > 2"},
    {"<p>unclosed <b>bold", "unclosed bold"},
    {"</div></p>stray", "stray"},
    {"<html><head><title>t</title></head><body><p>x</p></body></html>", "x"},
    {"&#146;&#x80;&#0;&#xd800;&#99999999;&#10;&#;&#x;",
     "\xe2\x80\x99\xe2\x82\xac\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd &#;&#x;"},
    {"&apos;&Eacute;&thetasym;&toolongname;&", "'\xc3\x89\xcf\x91&toolongname;&"},
    {"<script>if (a</b) x('</scr')</script >y", "y"},
    {"<script>a</scriptx></SCRIPT>y", "y"},
    {"<style>a", ""},
    {"a<svg><svg>b</svg>c<script></svg></script></svg>d<svg/>e", "ade"},
    {"a<!-->b<!--->c<!---->d<!-- > -->e<!x>f<?y>g</ z>h", "abcdefgh"},
    {"a<b", "a"},
    {"a<b c='>'>d", "ad"},
    {"a<b c=\"x", "a"},
    {"a < b <3", "a < b <3"},
    {"<a href=https://x.org/a/b>t</a>", "t (https://x.org/a/b)"},
    {"<a href = 'https://x.org/&amp;b' >t</a>", "t (https://x.org/&b)"},
    {"<a href='https://x.org'>t", "t (https://x.org)"},
};

static const struct row cleans[] = {
    {"", ""},
    {"plain & <b>bold</b>", "plain &amp; <b>bold</b>"},
    {"<p class=x style='color:red' onclick='a()'>x</p>", "<p>x</p>"},
    {"a<script>alert(1)</script>b", "ab"},
    {"<scr<script>ipt>alert(1)</script>", "ipt&gt;alert(1)"},
    {"<img src=x onerror=alert(1)>", ""},
    {"<img src='https://x.org/a.png' alt='\"&gt;' width=10 height=1e9>",
     "<img src=\"https://x.org/a.png\" alt=\"&quot;&gt;\" width=\"10\">"},
    {"<img src='cid:abc'>", "<img src=\"cid:abc\">"},
    {"<img src='data:text/html,x' alt='a cat'>", "a cat"},
    {"<a href='https://x.org/?a=1&amp;b=2' target=_blank>x</a>",
     "<a href=\"https://x.org/?a=1&amp;b=2\">x</a>"},
    {"<a href='javascript:alert(1)'>x</a>", "x"},
    {"<a href='JaVaScRiPt:alert(1)'>x</a>", "x"},
    {"<a href='java&#x0A;script:alert(1)'>x</a>", "x"},
    {"<a href='&#106;avascript:alert(1)'>x</a>", "x"},
    {"<a href=' javascript:alert(1)'>x</a>", "x"},
    {"<a href='vbscript:x'>x</a><a href='data:text/html,x'>y</a><a href='//h/x'>z</a>", "xyz"},
    {"<a href=\"mailto:a@x.org\">m</a> <a href='tel:+33'>t</a>",
     "<a href=\"mailto:a@x.org\">m</a> <a href=\"tel:+33\">t</a>"},
    {"<svg><script>alert(1)</script><a>x</a></svg>after", "after"},
    {"<iframe src='https://x.org'>in</iframe>after", "after"},
    {"<math><mi>x</mi></math>after", "after"},
    {"<object data=x>in</object><embed src=x>after", "after"},
    {"<form action=x><input name=y>text</form>", "<div>text</div>"},
    {"<custom-tag>x</custom-tag>", "x"},
    {"<style>@import 'x'</style>x", "x"},
    {"<!--[if IE]><script>x</script><![endif]-->y", "y"},
    {"<br/>a<hr>", "<br>a<hr>"},
    {"<p>a<p>b", "<p>a</p><p>b</p>"},
    {"<table><tr><td colspan=2 onclick=x>a</table>", "<table><tr><td colspan=\"2\">a</td></tr></table>"},
    {"<p title='a\"b'>x</p>", "<p title=\"a&quot;b\">x</p>"},
    {"&lt;script&gt;alert(1)&lt;/script&gt;", "&lt;script&gt;alert(1)&lt;/script&gt;"},
    {"<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">x</noscript>",
     "<p title=\"&lt;/noscript&gt;&lt;img src=x onerror=alert(1)&gt;\">x</p>"},
    {"caf\xc3\xa9", "caf\xc3\xa9"},
    {"<b><i>x</b>y</i>z", "<b><i>x</i></b><i>y</i>z"},
    {"</b>x</p>", "x"},
    {"<p>a<div>b</div>", "<p>a</p><div>b</div>"},
    {"<p><b>a<p>b", "<p><b>a</b></p><p>b</p>"},
    {"<ul><li>a<li>b<ul><li>c</ul><li>d</ul>", "<ul><li>a</li><li>b<ul><li>c</li></ul></li><li>d</li></ul>"},
    {"<table><tr><td>a<td>b<tr><th>c</table>d",
     "<table><tr><td>a</td><td>b</td></tr><tr><th>c</th></tr></table>d"},
    {"<B TITLE=a title=b>x</B>", "<b title=\"a\">x</b>"},
    {"<a href='https://x.org' href='javascript:x'>a</a>", "<a href=\"https://x.org\">a</a>"},
    {"<a/href='https://x.org'/title=t>a</a>", "<a href=\"https://x.org\" title=\"t\">a</a>"},
    {"<a =x href=https://x.org>a", "<a href=\"https://x.org\">a</a>"},
    {"<img src=x onerror=alert(1)//", ""},
    {"<<b>x</b>>", "&lt;<b>x</b>&gt;"},
    {"<b\n\ttitle\n=\n'x'>y</b>", "<b title=\"x\">y</b>"},
    {"<textarea><b>x</textarea>y", "y"},
    {"<xmp><b></xmp><noembed><b></noembed><title><b></title>x", "x"},
    {"&#60;script&#62;", "&lt;script&gt;"},
    {"<a href=' https://x.org/a\nb\t '>x</a><a href='java\nscript:x'>y</a>",
     "<a href=\"https://x.org/ab\">x</a>y"},
    {"<b>foo </b>bar <i> baz</i>!", "<b>foo</b> bar <i>baz</i>!"},
    {"<b>a</b><b>b</b> <b></b><i><b>c</b></i>", "<b>ab</b> <i><b>c</b></i>"},
    {"<b><p>a</p><p>b</p></b>", "<p><b>a</b></p><p><b>b</b></p>"},
    {"<a href='https://x.org'><div>a</div></a>", "<div><a href=\"https://x.org\">a</a></div>"},
    {"<b><a href='https://x.org'>a</a></b>", "<a href=\"https://x.org\"><b>a</b></a>"},
    {"<b>a<br>b</b>", "<b>a</b><br><b>b</b>"},
    {"<section>a</section><section>b</section>", "<div>a</div><div>b</div>"},
    {"<p>&nbsp;</p><p>a&nbsp; b</p>", "<p><br></p><p>a&nbsp; b</p>"},
    {"<ul><li><p>a</p></li><li><p>b</p><p>c</p></li></ul>", "<ul><li>a</li><li><p>b</p><p>c</p></li></ul>"},
    {"<table><tr><td></td><td>&nbsp;</td><td>x</td></tr></table>",
     "<table><tr><td></td><td></td><td>x</td></tr></table>"},
    {"<pre>\n\na\r\n b</pre>", "<pre>\n\na\n b</pre>"},
    {"<p> <span> <em> </em> </span> </p>", ""},
    {"<i title='&quot;><script>'>x</i>", "<i title=\"&quot;&gt;&lt;script&gt;\">x</i>"},
    {"<plaintext>a</plaintext><b>x", "<b>x</b>"},
};

/* Says all that is wrong, not only the first. */
static unsigned check(const struct row *r, void (*make)(struct span, struct buf *))
{
    unsigned wrong = 0;
    struct buf out;

    buf_init(&out, 65536);
    make(span_of(r->in), &out);
    buf_add_char(&out, '\0');
    if (strcmp(out.p, r->out) != 0) {
        print_error("%s\n  gives  %s\n  not    %s\n", r->in, out.p, r->out);
        wrong = 1;
    }
    buf_fini(&out);
    return wrong;
}

static void test_to_text(void **state)
{
    unsigned wrong = 0;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        wrong += check(&texts[i], html_to_text);
    assert_int_equal(wrong, 0);
}

static void test_sanitise(void **state)
{
    unsigned wrong = 0;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cleans); i++)
        wrong += check(&cleans[i], html_sanitise);
    assert_int_equal(wrong, 0);
}

static void test_from_text(void **state)
{
    static const struct row rows[] = {
        {"", ""},
        {"a\nb\r\nc\rd", "a<br>b<br>c<br>d"},
        {"<b>&\"", "&lt;b&gt;&amp;&quot;"},
        {"\n\n", "<br><br>"},
        {"a b  c\n d \n\te", "a b &nbsp;c<br>&nbsp;d&nbsp;<br>&#9;e"},
        {"\xc2\xa0\x01\x7f!", "\xc2\xa0!"},
    };
    unsigned wrong = 0;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        wrong += check(&rows[i], html_from_text);
    assert_int_equal(wrong, 0);
}

static size_t count_of(const struct buf *b, const char *what)
{
    size_t n = 0;

    for (const char *at = b->p; (at = strstr(at, what)); at++)
        n++;
    return n;
}

static void test_depth_is_limited(void **state)
{
    struct buf in, out;
    (void)state;
    buf_init(&in, 1 << 20);
    buf_init(&out, 1 << 20);
    for (unsigned i = 0; i < 100000; i++)
        buf_add_str(&in, "<div><i>y");
    html_sanitise(buf_span(&in), &out);
    assert_int_equal(count_of(&out, "<div>"), DOC_DEPTH_MAX / 2);
    assert_int_equal(count_of(&out, "</div>"), DOC_DEPTH_MAX / 2);
    assert_int_equal(count_of(&out, "y"), 100000);
    buf_clear(&out);
    html_to_text(buf_span(&in), &out);
    assert_int_equal(count_of(&out, "y"), 100000);
    buf_fini(&in);
    buf_fini(&out);
}

/* Each was quadratic in a general parser, or would be in a careless one: 64 KiB of any take some
 * hundredths of a second. */
static void test_time_is_linear(void **state)
{
    static const char *const parts[] = {
        "<a ",
        "<a b='",
        "<!--",
        "</",
        "<script></",
        "<svg>",
        "<svg></b>",
        "<b></i>",
        "&",
        "&#",
        "&#x",
        "<p>",
        "<li>",
        "<table>",
        "<a a",
        "a=b ",
        "< ",
        "<!",
        "<blockquote>",
        "<ul>",
        "<code>`",
        "<i></u>",
        "<ul><li></ul>",
        "<b>x</b>",
        "<p><b>x",
        "<a href='tel:1'>",
        "\n",
        "<?",
        "<title>",
        "<b></b>",
        "</p>",
        "<tr><td>",
        "<br>",
        "<pre>",
        "&amp",
        "<select>",
    };
    struct buf in, out;
    (void)state;

    buf_init(&in, 2 << 20);
    buf_init(&out, 32 << 20);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        buf_clear(&in);
        buf_add_str(&in, parts[i][0] == 'a' ? "<a " : "");
        while (in.n < 1 << 16)
            buf_add_str(&in, parts[i]);
        clock_t start = clock();
        buf_clear(&out);
        html_sanitise(buf_span(&in), &out);
        buf_clear(&out);
        html_to_text(buf_span(&in), &out);
        buf_clear(&out);
        html_to_markdown(buf_span(&in), &out);
        if (clock() - start > CLOCKS_PER_SEC / 2)
            fail_msg("%s takes %.1f s", parts[i], (double)(clock() - start) / CLOCKS_PER_SEC);
    }
    buf_fini(&in);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_to_text),        cmocka_unit_test(test_sanitise),
        cmocka_unit_test(test_from_text),      cmocka_unit_test(test_depth_is_limited),
        cmocka_unit_test(test_time_is_linear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
