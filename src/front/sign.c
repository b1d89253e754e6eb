/*
 * Decides what each sign becomes in Front and in which words. It refuses to know where it is sent.
 *
 * Why so: a changed or withdrawn message of a customer is something to act on, so it is said in the thread, where it
 * reopens what was archived. A reaction asks for nothing, and what people of the company did over there is known to them:
 * both are comments, which reopen nothing and count as nobody's message.
 */
#include "front/sign.h"
#include "front/incoming.h"
#include "base/mem.h"
#include "text/excerpt.h"
#include "text/html.h"
#include "text/markdown.h"
#include <string.h>

enum { QUOTE_MAX = 100 /* characters */, TEXT_MAX = 1 << 20 };

static const struct kind {
    const char *name;
    bool needs_about, takes_text, needs_emoji;
    enum sign_form form[2]; /* of a customer, of somebody of the company */
    /* Around the words for the message that it is about; removed: of a reaction that was taken away. */
    const char *did, *did_removed, *then;
} kinds[SIGN_N] = {
    [SIGN_NONE] = {.name = "message", .takes_text = true},
    [SIGN_EDIT] =
        {"edit", true, true, false, {SIGN_AS_MESSAGE, SIGN_AS_COMMENT}, " changed ", NULL, ". It now reads:"},
    [SIGN_DELETE] =
        {"delete", true, false, false, {SIGN_AS_MESSAGE, SIGN_AS_COMMENT}, " took back ", NULL, "."},
    [SIGN_REACTION] = {"reaction",
                       true,
                       false,
                       true,
                       {SIGN_AS_COMMENT, SIGN_AS_COMMENT},
                       " reacted with {emoji} to ",
                       " took back the reaction {emoji} to ",
                       "."},
    [SIGN_TYPING] = {.name = "typing", .form = {SIGN_IGNORED, SIGN_IGNORED}},
};

/* What names the earlier message; exactly one of them. */
static const char *const about_keys[] = {"message_id", "delivery_id", "external_id"};

enum sign sign_of(struct jval wire)
{
    struct jval type = json_get(wire, "type");

    for (enum sign s = SIGN_NONE + 1; s < SIGN_N; s++)
        if (json_is(type, kinds[s].name))
            return s;
    return SIGN_NONE;
}

const char *sign_name(enum sign s)
{
    return (unsigned)s < SIGN_N ? kinds[s].name : "?";
}

enum sign_form sign_form(struct jval wire)
{
    return kinds[sign_of(wire)].form[incoming_is_from_agent(wire)];
}

bool sign_takes_text(struct jval wire)
{
    return kinds[sign_of(wire)].takes_text;
}

/* ---- The check ---- */

static enum err say(struct buf *why, enum sign s, const char *what)
{
    buf_addf(why, "%s: %s", kinds[s].name, what);
    return ERR_INVALID;
}

static bool has_words(struct jval v, size_t max)
{
    struct buf scratch;

    buf_init(&scratch, max);
    struct span s = json_span(v, &scratch);
    bool is_good = s.n > 0 && s.n <= max;
    for (size_t i = 0; i < s.n; i++)
        is_good &= (unsigned char)s.p[i] >= 0x20 && s.p[i] != 0x7f;
    buf_fini(&scratch);
    return is_good;
}

static unsigned about_n(struct jval wire)
{
    unsigned n = 0;

    for (size_t i = 0; i < ARRAY_LEN(about_keys); i++)
        n += has_words(json_get(wire, about_keys[i]), INCOMING_ID_MAX);
    return n;
}

enum err sign_check(struct jval wire, struct buf *why)
{
    enum sign s = sign_of(wire);
    const struct kind *k = &kinds[s];

    if (s == SIGN_NONE)
        return OK;
    if (k->needs_about && about_n(wire) != 1)
        return say(why, s,
                   "exactly one of message_id, delivery_id and external_id must say which message is meant");
    if (k->needs_emoji && !has_words(json_get(wire, "emoji"), SIGN_EMOJI_MAX))
        return say(why, s, "emoji must be 1 to 128 bytes in one line");
    if (json_len(json_get(wire, "attachments")) > 0)
        return say(why, s, "files are only taken with a message");
    return OK;
}

/* ---- The words ---- */

static void add_text(struct span text, struct buf *html)
{
    html_from_text(text, html);
}

/* A person's name is theirs to choose: a line of a hundred characters at most. */
static void add_person(struct jval person, struct buf *html)
{
    struct buf scratch, name;

    buf_init(&scratch, INCOMING_HANDLE_MAX);
    buf_init(&name, TEXT_MAX);
    text_excerpt(json_span(json_get(person, "name"), &scratch), QUOTE_MAX, &name);
    if (name.n == 0)
        text_excerpt(json_span(json_get(person, "handle"), &scratch), QUOTE_MAX, &name);
    add_text(buf_span(&name), html);
    buf_fini(&scratch);
    buf_fini(&name);
}

static void copy(struct span text, struct buf *out)
{
    buf_add_span(out, text);
}

static void text_of_markdown(struct span text, struct buf *out)
{
    struct buf html;

    buf_init(&html, 8 * TEXT_MAX);
    markdown_to_html(text, &html);
    html_to_text(buf_span(&html), out);
    buf_fini(&html);
}

/* The text of a message or delivery of the wire, without its form. */
static void read_text(struct jval root, struct buf *text)
{
    static const struct {
        const char *key;
        size_t max;
        void (*read)(struct span text, struct buf *out);
    } forms[] = {{"text", TEXT_MAX, copy},
                 {"markdown", INCOMING_MARKDOWN_MAX, text_of_markdown},
                 {"html", TEXT_MAX, html_to_text}};
    struct buf scratch;

    buf_init(&scratch, TEXT_MAX);
    for (size_t i = 0; i < ARRAY_LEN(forms) && text->n == 0; i++) {
        struct span s = json_span(json_get(root, forms[i].key), &scratch);
        if (s.n > 0 && s.n <= forms[i].max)
            forms[i].read(s, text);
    }
    buf_fini(&scratch);
}

/* The beginning of what it is about; nothing if that is not known any more, or has no words. */
static void read_quote(const struct sign_about *about, struct buf *quote)
{
    struct json doc;
    struct buf text;

    if (!about || !about->is_known || about->body.n == 0)
        return;
    buf_init(&text, 2 * TEXT_MAX);
    if (json_parse(&doc, about->body) == OK)
        read_text(json_root(&doc), &text);
    text_excerpt(buf_span(&text), QUOTE_MAX, quote);
    json_fini(&doc);
    buf_fini(&text);
}

static void add_about(const struct sign_about *about, struct buf *html)
{
    struct buf quote;
    bool is_delivery = about && about->is_known && about->is_delivery;

    buf_init(&quote, TEXT_MAX);
    read_quote(about, &quote);
    buf_add_str(html, is_delivery ? "your message" : quote.n > 0 ? "the message" : "an earlier message");
    if (quote.n > 0) {
        buf_add_str(html, " “");
        add_text(buf_span(&quote), html);
        buf_add_str(html, "”");
    }
    buf_fini(&quote);
}

static void add_did(struct jval wire, const struct kind *k, struct buf *html)
{
    static const char place[] = "{emoji}";
    bool is_removed = k->did_removed && json_bool(json_get(wire, "removed"), false);
    const char *did = is_removed ? k->did_removed : k->did, *at = strstr(did, place);
    struct buf scratch;

    buf_init(&scratch, SIGN_EMOJI_MAX);
    buf_add(html, did, at ? (size_t)(at - did) : strlen(did));
    if (at) {
        add_text(json_span(json_get(wire, "emoji"), &scratch), html);
        buf_add_str(html, at + sizeof place - 1);
    }
    buf_fini(&scratch);
}

void sign_sentence(struct jval wire, const struct sign_about *about, struct buf *html)
{
    const struct kind *k = &kinds[sign_of(wire)];

    if (!k->did)
        return;
    buf_add_str(html, "<p><em>");
    add_person(json_get(wire, "sender"), html);
    add_did(wire, k, html);
    add_about(about, html);
    buf_add_str(html, k->then);
    buf_add_str(html, "</em></p>");
}

/* ---- Comments ---- */

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

/* Front takes @name for a mention, which calls somebody: a word joiner, which is not seen, keeps it from that. An address
 * of mail has a word before its @, and is left as it is. */
void sign_comment(struct span html, struct buf *out)
{
    struct buf text;

    buf_init(&text, out->max_bytes);
    html_to_markdown(html, &text);
    for (size_t i = 0; i < text.n; i++) {
        buf_add_char(out, text.p[i]);
        if (text.p[i] == '@' && (i == 0 || !is_word(text.p[i - 1])))
            buf_add_str(out, "\xe2\x81\xa0");
    }
    out->is_over |= text.is_over;
    buf_fini(&text);
}
