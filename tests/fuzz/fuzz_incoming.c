/*
 * A message of a backend: an inbound object of the wire, or a line of history. Whatever passes the check becomes bodies
 * that are JSON, with clean HTML in them: allowed elements only.
 */
#include "base/mem.h"
#include "front/form.h"
#include "front/history.h"
#include "front/incoming.h"
#include "front/sign.h"
#include "front/phone.h"
#include "text/doc.h"
#include "text/html_token.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_clean(struct span html)
{
    struct html_reader reader = {html};
    struct html_token t;
    struct span name, value;
    struct buf url;

    buf_init(&url, 65536);
    while (html_next(&reader, &t)) {
        must(t.type == HTML_TEXT || (t.element->flags & HTML_KEEP));
        while (t.type == HTML_START && html_attribute(&t.attributes, &name, &value)) {
            must(!span_starts(name, "on") && !span_is(name, "style"));
            buf_clear(&url);
            html_decode(value, &url);
            must(!span_is(name, "href") || doc_is_link(buf_span(&url)));
        }
    }
    buf_fini(&url);
}

/* The same body as a form: its text is one field of it, and every name is a key of ours with indexes. */
static void check_form(struct span json, struct span text)
{
    struct front_form f;
    unsigned text_n = 0;

    must(front_form_read(&f, json) == OK && f.part_n > 0 && f.file_n == 0);
    for (size_t i = 0; i < f.part_n; i++) {
        bool is_text = strcmp(f.part[i].name, "body") == 0;
        must(f.part[i].value.p && !strpbrk(f.part[i].name, "\"\r\n"));
        must(!is_text || span_eq(f.part[i].value, text));
        text_n += is_text;
    }
    must(text_n == 1);
    front_form_fini(&f);
}

/* Whatever passed the check is read whole, and what is kept of it is clean and within the limits. */
static void check_files(struct span wire)
{
    static const uint64_t fd_bytes[ATTACHMENTS_MAX];
    struct enclosures e;
    struct json doc;

    must(json_parse(&doc, wire) == OK);
    struct jval list = json_get(json_root(&doc), "attachments");
    enclosures_read(list, fd_bytes, 1000, &e);
    must(e.n == json_len(list) && e.fd_n <= e.n);
    for (unsigned i = 0; i < e.n; i++) {
        const struct enclosure *f = &e.item[i];
        must(f->filename && f->content_type && !strpbrk(f->filename, "/\\\r\n"));
        must(!f->url || (span_starts(span_of(f->url), "http") && !strpbrk(f->url, " \r\n")));
        must(f->bytes >= -1 && (f->bytes <= 1000 || f->reason[0]));
    }
    enclosures_fini(&e);
    json_fini(&doc);
}

static void check_body(enum err build(const struct incoming *, struct buf *, struct buf *), struct span wire)
{
    const struct sign_about about = {.is_known = true, .body = wire}; /* whatever it says may be quoted */
    const struct incoming in = {
        .wire = wire, .id = "fb1", .thread_ref = "t", .has_phones = wire.n % 2, .about = &about};
    struct buf out, why, html;
    struct json doc;

    buf_init(&out, 64 << 20);
    buf_init(&why, 1024);
    buf_init(&html, 64 << 20);
    must(build(&in, &out, &why) == OK && !out.is_over);
    must(json_parse(&doc, buf_span(&out)) == OK);
    must(json_str(json_get(json_root(&doc), "body"), &html) == OK && html.n > 0);
    check_clean(buf_span(&html));
    check_form(buf_span(&out), buf_span(&html));
    json_fini(&doc);
    buf_fini(&html);
    buf_fini(&why);
    buf_fini(&out);
}

/* A line of history is such a message too, with more to say. */
static void check_line(struct span line)
{
    struct history h;
    struct buf why;

    for (enum channel_kind kind = CHANNEL_CUSTOM; kind <= CHANNEL_APPLICATION; kind++) {
        buf_init(&why, 1024);
        if (history_read(&h, line, kind, INT64_C(1700000000000), &why) == OK) {
            must(h.id.n > 0 && h.customer.n > 0 && why.n == 0);
            check_body(kind == CHANNEL_CUSTOM ? history_custom : history_application, line);
        } else {
            must(why.n > 0);
        }
        history_fini(&h);
        buf_fini(&why);
    }
}

/* Markdown, in which nobody is called. */
static void check_comment(struct span wire)
{
    const struct sign_about about = {.is_known = true, .is_delivery = true, .body = wire};
    const struct incoming in = {.wire = wire, .id = "fb1", .about = &about};
    struct buf out, why, text;
    struct json doc;

    buf_init(&out, 64 << 20);
    buf_init(&why, 1024);
    buf_init(&text, 64 << 20);
    must(incoming_comment(&in, &out, &why) == OK && !out.is_over);
    must(json_parse(&doc, buf_span(&out)) == OK);
    must(json_str(json_get(json_root(&doc), "body"), &text) == OK);
    for (size_t i = 0; i + 1 < text.n; i++) {
        char before = i ? text.p[i - 1] : ' ';
        bool is_mail = (before >= '0' && before <= '9') || ((before | 32) >= 'a' && (before | 32) <= 'z');
        must(text.p[i] != '@' || is_mail || (unsigned char)text.p[i + 1] == 0xe2);
    }
    json_fini(&doc);
    buf_fini(&text);
    buf_fini(&why);
    buf_fini(&out);
}

static bool is_ignored(struct span wire)
{
    struct json doc;
    bool is = json_parse(&doc, wire) == OK && sign_form(json_root(&doc)) == SIGN_IGNORED;

    json_fini(&doc);
    return is;
}

static void check_wire(struct span wire)
{
    struct buf why;

    buf_init(&why, 1024);
    if (incoming_check(wire, &why) == OK && is_ignored(wire)) {
        must(why.n == 0);
    } else if (why.n == 0) {
        check_comment(wire);
        check_files(wire);
        check_body(incoming_custom, wire);
        check_body(incoming_application, wire);
        check_body(incoming_agent_custom, wire);
        check_body(incoming_agent_application, wire);
    } else {
        must(why.n > 0);
    }
    buf_fini(&why);
}

/* A number is + and digits, and stays as it is written. */
static void check_phone(struct span s)
{
    struct buf once, twice;

    buf_init(&once, 64);
    buf_init(&twice, 64);
    if (phone_write(s, &once) == OK) {
        must(once.n > PHONE_DIGITS_MIN && once.n <= PHONE_DIGITS_MAX + 1 && once.p[0] == '+');
        must(phone_write(buf_span(&once), &twice) == OK && span_eq(buf_span(&once), buf_span(&twice)));
    } else {
        must(once.n == 0);
    }
    buf_fini(&once);
    buf_fini(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct span s = {(const char *)data, n};

    check_phone(s);

    check_wire(s);
    check_line(s);
    return 0;
}
