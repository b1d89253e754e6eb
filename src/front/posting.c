/*
 * Decides how the parts of a message are said to Front. It refuses to know which call they are for. Invariant: HTML that
 * leaves here was written here, whatever the backend sent.
 */
#include "front/posting.h"
#include "base/mem.h"
#include "front/phone.h"
#include "front/sign.h"
#include "front/thread.h"
#include "text/html.h"
#include "text/markdown.h"

enum { HTML_MAX = 8 << 20 };

#define NO_TEXT SPAN_LIT("<em>(a message without text)</em>")

/* ---- Fields ---- */

static void put_value(struct posting *p, const char *key, struct jval v)
{
    struct buf scratch;

    if (!json_has(v))
        return;
    buf_init(&scratch, INCOMING_TEXT_MAX);
    jout_kv_span(&p->j, key, json_span(v, &scratch));
    buf_fini(&scratch);
}

void posting_field(struct posting *p, const char *key, const char *path)
{
    put_value(p, key, json_path(p->root, path));
}

void posting_known(struct posting *p, const char *key, const char *value)
{
    if (value)
        jout_kv_str(&p->j, key, value);
}

void posting_ref(struct posting *p, const char *key, const char *path)
{
    struct buf scratch, ref;

    buf_init(&scratch, INCOMING_ID_MAX);
    buf_init(&ref, FRONT_REF_MAX);
    struct span id = json_span(json_path(p->root, path), &scratch);
    if (id.n > 0) {
        front_ref(id, &ref);
        jout_kv_span(&p->j, key, buf_span(&ref));
    }
    buf_fini(&scratch);
    buf_fini(&ref);
}

/* ---- People ---- */

/* A customer's handle: a phone number has one spelling for Front. */
static struct span handle_of(const struct posting *p, struct jval v, struct buf *scratch, struct buf *number)
{
    return phone_spelling(p->in->has_phones, json_span(v, scratch), number);
}

/* key NULL: in an array. */
static void write_handle(struct posting *p, const char *key, struct jval v)
{
    struct buf scratch, number;

    if (!json_has(v))
        return;
    buf_init(&scratch, INCOMING_HANDLE_MAX);
    buf_init(&number, INCOMING_HANDLE_MAX);
    struct span handle = handle_of(p, v, &scratch, &number);
    if (key)
        jout_key(&p->j, key);
    jout_span(&p->j, handle);
    buf_fini(&scratch);
    buf_fini(&number);
}

static void write_person(struct posting *p, struct jval person, bool has_email)
{
    jout_object(&p->j);
    write_handle(p, "handle", json_get(person, "handle"));
    put_value(p, "name", json_get(person, "name"));
    if (has_email)
        put_value(p, "email", json_get(person, "email"));
    jout_object_end(&p->j);
}

void posting_person(struct posting *p, const char *key, struct jval person, bool has_email)
{
    jout_key(&p->j, key);
    write_person(p, person, has_email);
}

void posting_imported_sender(struct posting *p, bool is_inbound)
{
    jout_key(&p->j, "sender");
    jout_object(&p->j);
    if (!is_inbound)
        posting_known(p, "author_id", p->in->author_id);
    if (!is_inbound && p->in->address)
        jout_kv_str(&p->j, "handle", p->in->address);
    else if (is_inbound)
        write_handle(p, "handle", json_path(p->root, "sender.handle"));
    else
        posting_field(p, "handle", "sender.handle");
    posting_field(p, "name", "sender.name");
    jout_object_end(&p->j);
}

void posting_customers(struct posting *p)
{
    jout_key(&p->j, "to");
    jout_array(&p->j);
    for (struct jval v = json_first(json_get(p->root, "to")); v.doc; v = json_next(v))
        write_person(p, v, true);
    jout_array_end(&p->j);
}

void posting_handles(struct posting *p, const char *instead)
{
    struct jval to = json_get(p->root, "to");

    jout_key(&p->j, "to");
    jout_array(&p->j);
    for (struct jval v = json_first(to); v.doc; v = json_next(v))
        write_handle(p, NULL, json_get(v, "handle"));
    if (instead && json_len(to) == 0)
        jout_str(&p->j, instead);
    jout_array_end(&p->j);
}

/* ---- The text ---- */

static void html_from_markdown(struct span text, struct buf *out)
{
    struct buf html;

    buf_init(&html, HTML_MAX);
    markdown_to_html(text, &html);
    html_sanitise(buf_span(&html), out);
    out->is_over |= html.is_over;
    buf_fini(&html);
}

static const struct format {
    const char *key;
    void (*to_html)(struct span text, struct buf *out);
} formats[] = {
    {"text", html_from_text},
    {"markdown", html_from_markdown},
    {"html", html_sanitise},
};

unsigned posting_text_n(struct jval root)
{
    unsigned n = 0;

    for (const struct format *f = formats; f < formats + ARRAY_LEN(formats); f++)
        n += json_has(json_get(root, f->key));
    return n;
}

static void make_html(struct jval root, struct buf *html)
{
    struct buf scratch;

    buf_init(&scratch, INCOMING_TEXT_MAX);
    for (const struct format *f = formats; f < formats + ARRAY_LEN(formats); f++)
        if (json_has(json_get(root, f->key)))
            f->to_html(json_span(json_get(root, f->key), &scratch), html);
    buf_fini(&scratch);
}

static struct span trimmed(const struct buf *html)
{
    struct span s = buf_span(html);

    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\n'))
        s.n--;
    return s;
}

static void add_notes(const struct incoming *in, struct buf *html)
{
    for (unsigned i = 0; i < in->note_n; i++) {
        buf_add_str(html, "<p><em>");
        html_from_text(in->note[i], html);
        buf_add_str(html, "</em></p>");
    }
}

bool posting_html(const struct posting *p, struct buf *html)
{
    struct buf made;

    buf_init(&made, HTML_MAX);
    if (sign_takes_text(p->root))
        make_html(p->root, &made);
    struct span text = trimmed(&made);
    sign_sentence(p->root, p->in->about, html);
    if (text.n == 0 && p->in->note_n == 0 && sign_takes_text(p->root))
        text = NO_TEXT;
    buf_add_span(html, text);
    add_notes(p->in, html);
    bool is_whole = !made.is_over && !html->is_over;
    buf_fini(&made);
    return is_whole;
}
