/*
 * What a backend says over HTTP: messages and receipts to the webhook, and answers to deliveries. Whatever it
 * is, what reaches the host obeys the rules of the ABI, and a refusal has a sentence.
 */
#include "base/mem.h"
#include "http/http.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void must_be_clean(const char *s, size_t max)
{
    for (size_t i = 0; s && s[i]; i++)
        must(((unsigned char)s[i] >= ' ' && s[i] != 0x7f) || s[i] == '\n' || s[i] == '\t');
    must(!s || (*s && strlen(s) <= max && wire_is_utf8(span_of(s))));
}

static void check_files(const struct fb_inbound *m)
{
    uint64_t bytes = 0;
    must(m->attachment_n <= WIRE_FILES_MAX);
    for (uint32_t i = 0; i < m->attachment_n; i++) {
        const struct fb_attachment *a = FB_AT(m->attachments, i);
        struct stat st;
        must(a->filename && a->content_type && !strchr(a->filename, '/') && strchr(a->content_type, '/'));
        must_be_clean(a->filename, 255);
        must_be_clean(a->content_type, 255);
        must_be_clean(a->cid, 255);
        must_be_clean(a->url, 4096);
        must((a->fd >= 0) != (a->url != NULL));
        must(a->fd < 0 || (fstat(a->fd, &st) == 0 && (uint64_t)st.st_size == a->bytes));
        bytes += a->bytes;
    }
    must(bytes <= WIRE_FILES_BYTES_MAX);
}

static void check_message(const struct fb_inbound *m)
{
    const char *const ids[] = {m->id, m->conversation_id, m->in_reply_to, m->sender->handle};
    const char *const lines[] = {m->subject, m->author_email, m->sender->name, m->sender->email};
    const char *const texts[] = {m->text, m->markdown, m->html};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        must_be_clean(ids[i], WIRE_ID_MAX);
        must_be_clean(lines[i], WIRE_LINE_MAX);
    }
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        must_be_clean(texts[i], WIRE_TEXT_MAX);
    int text_n = !!m->text + !!m->markdown + !!m->html;
    must(m->sender->handle && (text_n == 1 || (text_n == 0 && m->attachment_n)));
    check_files(m);
    must((m->direction == FB_FROM_AGENT) == (m->to_n > 0) && m->sent_at_ms >= 0);
    for (uint32_t i = 0; i < m->to_n; i++)
        must_be_clean(FB_AT(m->to, i)->handle, WIRE_ID_MAX);
}

static void check_sign(const struct fb_inbound *m)
{
    const char *const about[] = {m->about, m->about_delivery_id, m->about_external_id};
    int about_n = 0, text_n = !!m->text + !!m->markdown + !!m->html;
    for (size_t i = 0; i < ARRAY_LEN(about); i++) {
        must_be_clean(about[i], WIRE_ID_MAX);
        about_n += about[i] != NULL;
    }
    must_be_clean(m->emoji, WIRE_EMOJI_MAX);
    must(m->what > FB_MESSAGE && m->what <= FB_TYPING && m->sender->handle && !m->attachment_n);
    must(about_n == (m->what != FB_TYPING) && text_n == (m->what == FB_EDIT));
    must(!m->emoji == (m->what != FB_REACTION));
}

static void check_receipt(const struct fb_receipt *r)
{
    must(r->status >= FB_RECEIPT_DELIVERED && r->status <= FB_RECEIPT_FAILED);
    must(!r->delivery_id != !r->external_id);
    must_be_clean(r->delivery_id, WIRE_ID_MAX);
    must_be_clean(r->external_id, WIRE_ID_MAX);
    must_be_clean(r->reason, WIRE_LINE_MAX);
}

static void read_sign(struct jval root)
{
    struct wire_item item;
    struct buf why;
    if (!wire_is_sign(root))
        return;
    buf_init(&why, 300);
    enum err e = wire_read_sign(root, &item, &why);
    must((e == OK) == (why.n == 0) && !why.is_over);
    if (e == OK)
        check_sign(&item.inbound);
    wire_item_fini(&item);
    buf_fini(&why);
}

/* Once as a receipt, once as a message, once as a message with a file of a form. */
static void read_all(struct jval root, const struct wire_part *part)
{
    for (unsigned way = 0; way < 3; way++) {
        const struct wire_also also = {.part = part, .part_n = way == 2};
        struct wire_item item;
        struct buf why;
        bool is_receipt = way == 0;
        buf_init(&why, 300);
        enum err e =
            is_receipt ? wire_read_receipt(root, &item, &why) : wire_read_message(root, &also, &item, &why);
        must((e == OK) == (why.n == 0) && !why.is_over);
        if (e == OK && is_receipt)
            check_receipt(&item.receipt);
        else if (e == OK)
            check_message(&item.inbound);
        wire_item_fini(&item);
        buf_fini(&why);
    }
}

static void judge(int status, struct span body)
{
    struct verdict v;
    char *text = mem_strndup(body.p, body.n);
    const struct fb_header retry_after = {"retry-after", text};
    const struct fb_http_answer a = {.size = sizeof a,
                                     .fail = status == 0 ? FB_HTTP_LOST : FB_HTTP_OK,
                                     .status = status,
                                     .headers = &retry_after,
                                     .header_n = 1,
                                     .body = body.p,
                                     .body_n = body.n,
                                     .message = text};
    answer_judge(&a, 1700000000000, &v);
    must((v.outcome.kind == FB_DELIVERED) == (v.outcome.reason == NULL));
    must(v.outcome.retry_after_ms >= 0 && v.outcome.retry_after_ms <= 1000 * (int64_t)RETRY_AFTER_MAX_S);
    must_be_clean(v.outcome.reason, WIRE_SENTENCE_MAX);
    must_be_clean(v.outcome.external_id, WIRE_ID_MAX);
    must_be_clean(v.outcome.conversation_id, WIRE_ID_MAX);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {0, 200, 302, 404, 429, 503};
    const struct span text = {(const char *)data, size};
    struct json doc;
    char *name = mem_strndup(text.p, size < 1000 ? size : 1000);
    const struct wire_part part = {name, name, size % 2 ? "logo" : NULL, text};
    if (json_parse(&doc, text) == OK) {
        read_all(json_root(&doc), &part);
        read_sign(json_root(&doc));
    }
    free(name);
    json_fini(&doc);
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
        judge(statuses[i], text);
    return 0;
}
