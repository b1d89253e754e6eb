/*
 * Wire JSON and frames into borrowed C strings. Knows the names of DESIGN's wire objects and where the ABI's
 * structs keep them, in tables. Invariant: everything is bump-allocated from one block whose size is bounded
 * by the input's.
 */
#include "host/decode.h"
#include "base/json.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct arena {
    char *at, *end;
    struct buf scratch;
};

struct row { /* a string: where in the JSON, where in the struct */
    const char *path;
    size_t offset;
};

static void *arena_take(struct arena *a, size_t n)
{
    a->at += -(uintptr_t)a->at & (_Alignof(max_align_t) - 1);
    must((size_t)(a->end - a->at) >= n);
    void *p = a->at;
    a->at += n;
    return p;
}

static bool is_forbidden(unsigned char c)
{
    return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
}

static const char *arena_text(struct arena *a, struct span s)
{
    char *out = a->at;
    if (!s.p)
        return NULL;
    must((size_t)(a->end - a->at) > s.n);
    for (size_t i = 0; i < s.n; i++) {
        if (!is_forbidden((unsigned char)s.p[i]))
            *a->at++ = s.p[i];
    }
    *a->at++ = 0;
    return out;
}

static const char *arena_bytes(struct arena *a, struct span s)
{
    char *out = a->at;
    must((size_t)(a->end - a->at) > s.n);
    if (s.n)
        memcpy(out, s.p, s.n);
    out[s.n] = 0;
    a->at += s.n + 1;
    return out;
}

static const char *arena_json(struct arena *a, struct jval v)
{
    buf_clear(&a->scratch);
    return arena_text(a, json_span(v, &a->scratch));
}

static void fill(struct arena *a, struct jval object, const struct row *rows, size_t n, void *out)
{
    for (size_t i = 0; i < n; i++) {
        const char **field = (const char **)(void *)((char *)out + rows[i].offset);
        *field = arena_json(a, json_path(object, rows[i].path));
    }
}

/* A block for the struct, the arrays, the wire text and every string of it: decoded strings are shorter than
 * their JSON. */
static struct decoded *block(struct arena *a, size_t arrays, size_t text_n)
{
    size_t size = sizeof(struct decoded) + 64 + arrays + text_n + 1 + text_n + 64;
    struct decoded *d = malloc(size);
    must(d);
    memset(d, 0, sizeof *d);
    d->fd = -1;
    *a = (struct arena){.at = (char *)(d + 1), .end = (char *)d + size};
    buf_init(&a->scratch, text_n + 1);
    return d;
}

void decoded_free(struct decoded *d)
{
    if (!d)
        return;
    if (d->fd >= 0)
        close(d->fd);
    for (unsigned i = 0; i < d->file_n; i++)
        close(d->file[i]);
    free(d);
}

/* ---- Deliveries ---- */

#define DELIVERY(path, field)                                                                                \
    {                                                                                                        \
        path, offsetof(struct fb_delivery, field)                                                            \
    }
static const struct row delivery_rows[] = {
    DELIVERY("id", id),
    DELIVERY("channel", channel),
    DELIVERY("front.message_id", front_message_id),
    DELIVERY("front.conversation_id", front_conversation_id),
    DELIVERY("front.event_id", front_event_id),
    DELIVERY("conversation_id", conversation_id),
    DELIVERY("subject", subject),
    DELIVERY("text", text),
    DELIVERY("html", html),
    DELIVERY("markdown", markdown),
    DELIVERY("in_reply_to", in_reply_to),
};

#define PERSON(path, field)                                                                                  \
    {                                                                                                        \
        path, offsetof(struct fb_person, field)                                                              \
    }
static const struct row person_rows[] = {PERSON("handle", handle), PERSON("name", name),
                                         PERSON("email", email)};

#define ATTACHMENT(path, field)                                                                              \
    {                                                                                                        \
        path, offsetof(struct fb_attachment, field)                                                          \
    }
static const struct row attachment_rows[] = {
    ATTACHMENT("filename", filename),
    ATTACHMENT("content_type", content_type),
    ATTACHMENT("url", url),
    ATTACHMENT("cid", cid),
};

static const struct fb_person *person(struct arena *a, struct jval v)
{
    if (json_type(v) != JSON_OBJECT || json_len(v) == 0)
        return NULL;
    struct fb_person *p = arena_take(a, sizeof *p);
    *p = (struct fb_person){.size = sizeof *p};
    fill(a, v, person_rows, ARRAY_LEN(person_rows), p);
    return p;
}

static void attachments(struct arena *a, struct jval list, const int *fd, unsigned fd_n,
                        struct fb_attachment *out)
{
    unsigned i = 0;
    for (struct jval v = json_first(list); v.doc; v = json_next(v), out++, i++) {
        int64_t bytes = 0;
        *out = (struct fb_attachment){.size = sizeof *out, .fd = i < fd_n ? fd[i] : -1};
        fill(a, v, attachment_rows, ARRAY_LEN(attachment_rows), out);
        if (json_i64(json_get(v, "size"), &bytes) == OK && bytes > 0)
            out->bytes = (uint64_t)bytes;
    }
}

/* What the ABI says is never NULL. */
static void complete_delivery(struct fb_delivery *d)
{
    static const struct fb_person nobody = {.size = sizeof nobody, .handle = ""};
    d->id = d->id ? d->id : "";
    d->channel = d->channel ? d->channel : "";
    d->text = d->text ? d->text : "";
    if (!d->recipient || !d->recipient->handle)
        d->recipient = &nobody;
}

static void fill_delivery(struct arena *a, struct jval root, const int *fd, unsigned fd_n,
                          struct fb_delivery *d)
{
    struct jval files = json_get(root, "attachments");
    int64_t attempt = 1, part, part_n;
    struct fb_attachment *list = arena_take(a, json_len(files) * sizeof *list);
    d->recipient = person(a, json_get(root, "recipient"));
    d->author = person(a, json_get(root, "author"));
    d->attachments = list;
    d->attachment_n = json_len(files);
    if (json_i64(json_get(root, "attempt"), &attempt) == OK && attempt > 0)
        d->attempt = (uint32_t)attempt;
    if (json_i64(json_get(root, "part_n"), &part_n) == OK && part_n > 1 &&
        json_i64(json_get(root, "part"), &part) == OK && part > 0 && part <= part_n) {
        d->part = (uint32_t)part;
        d->part_n = (uint32_t)part_n;
    }
    if (json_millis(json_get(root, "created_at"), &d->created_at_ms) != OK)
        d->created_at_ms = 0;
    attachments(a, files, fd, fd_n, list);
    fill(a, root, delivery_rows, ARRAY_LEN(delivery_rows), d);
    complete_delivery(d);
}

enum err decode_delivery(struct span json, int64_t deadline_ms, const int *fd, unsigned fd_n,
                         struct decoded **out)
{
    struct json doc;
    enum err e = json_parse(&doc, json);
    struct jval root = json_root(&doc);
    if (e == OK && (json_type(root) != JSON_OBJECT || fd_n > json_len(json_get(root, "attachments"))))
        e = ERR_INVALID;
    if (e == OK) {
        struct arena a;
        size_t arrays = fd_n * sizeof(int) + 16 +
                        json_len(json_get(root, "attachments")) * sizeof(struct fb_attachment) +
                        2 * (sizeof(struct fb_person) + 16) + 16;
        struct decoded *d = block(&a, arrays, json.n);
        d->delivery = (struct fb_delivery){
            .size = sizeof d->delivery, .attempt = 1, .deadline_ms = deadline_ms, .part = 1, .part_n = 1};
        d->file = arena_take(&a, fd_n * sizeof(int));
        if (fd_n > 0)
            memcpy(d->file, fd, fd_n * sizeof(int));
        d->file_n = fd_n;
        fill_delivery(&a, root, fd, fd_n, &d->delivery);
        d->delivery.json = arena_bytes(&a, json);
        d->delivery.json_n = json.n;
        buf_fini(&a.scratch);
        *out = d;
    }
    json_fini(&doc);
    return e;
}

/* ---- Notices ---- */

#define NOTICE(path, field)                                                                                  \
    {                                                                                                        \
        path, offsetof(struct fb_notice, field)                                                              \
    }
static const struct row notice_rows[] = {
    NOTICE("type", type),
    NOTICE("id", id),
    NOTICE("front.message_id", front_message_id),
    NOTICE("front.conversation_id", front_conversation_id),
    NOTICE("front.event_id", front_event_id),
    NOTICE("recipient.handle", recipient_handle),
    NOTICE("reason", reason),
};

enum err decode_notice(struct span json, int64_t deadline_ms, struct decoded **out)
{
    struct json doc;
    enum err e = json_parse(&doc, json);
    struct jval root = json_root(&doc);
    if (e == OK && json_type(root) != JSON_OBJECT)
        e = ERR_INVALID;
    if (e == OK) {
        struct arena a;
        struct decoded *d = block(&a, 0, json.n);
        d->notice = (struct fb_notice){.size = sizeof d->notice, .deadline_ms = deadline_ms};
        fill(&a, root, notice_rows, ARRAY_LEN(notice_rows), &d->notice);
        d->notice.json = arena_bytes(&a, json);
        d->notice.json_n = json.n;
        buf_fini(&a.scratch);
        *out = d;
    }
    json_fini(&doc);
    return e;
}

/* ---- Webhook requests ---- */

static void fill_request(struct arena *a, struct frame_reader *r, uint32_t header_n, struct fb_request *q)
{
    struct fb_header *list = arena_take(a, header_n * sizeof *list);
    q->header_n = header_n;
    q->headers = list;
    for (uint32_t i = 0; i < header_n; i++) {
        list[i].name = arena_bytes(a, frame_get_span(r));
        list[i].value = arena_bytes(a, frame_get_span(r));
    }
    q->method = arena_bytes(a, frame_get_span(r));
    q->path = arena_bytes(a, frame_get_span(r));
    struct span query = frame_get_span(r);
    q->query = query.p ? arena_bytes(a, query) : NULL;
    q->peer = arena_bytes(a, frame_get_span(r));
}

enum err decode_request(const struct frame *f, int fd, struct decoded **out)
{
    struct frame_reader r = frame_read(f);
    int64_t deadline_ms = frame_get_i64(&r);
    int64_t body_n = frame_get_i64(&r);
    uint32_t header_n = frame_get_u32(&r);
    if (r.is_bad || header_n > f->body.n / 8)
        return ERR_INVALID;
    struct arena a;
    struct decoded *d = block(&a, header_n * sizeof(struct fb_header) + 16, 2 * f->body.n);
    d->request = (struct fb_request){.size = sizeof d->request, .fd = fd, .deadline_ms = deadline_ms};
    fill_request(&a, &r, header_n, &d->request);
    struct span body = frame_get_span(&r);
    if (fd < 0)
        d->request.body = arena_bytes(&a, body);
    d->request.body_n = (uint64_t)body_n;
    buf_fini(&a.scratch);
    if (!frame_read_ended(&r) || (fd < 0 && body.n != (uint64_t)body_n)) {
        decoded_free(d);
        return ERR_INVALID;
    }
    d->fd = fd;
    *out = d;
    return OK;
}
