/*
 * Questions of the adapter that the bridge answers when they are durable: receive, receipt and the key-value
 * store. Each has a ticket, numbered without gaps so that the bridge can tell a liar; done is called once, in
 * a later turn.
 */
#include "host/child.h"
#include "base/mem.h"
#include "host/inbound.h"
#include "host/text.h"
#include "text/parts.h"
#include <sys/stat.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_MAX = 256, VALUE_MAX = 64 << 10, TYPES_MAX = 4000 };

static struct ticket *find(struct child *c, uint64_t number, enum ticket_kind kind)
{
    for (size_t i = 0; i < ARRAY_LEN(c->ticket); i++) {
        if (c->ticket[i].kind == kind && (kind == TICKET_FREE || c->ticket[i].number == number))
            return &c->ticket[i];
    }
    return NULL;
}

/* room_for says whether another ticket may be asked for; the counts keep one kind from starving the other. */
static int room_for(struct child *c, const char *service, unsigned open, unsigned max)
{
    if (child_is_elsewhere(c, service))
        return FB_ERR_INVALID;
    if (open >= max || link_waiting(c->link) > CHILD_OUT_SOFT)
        return FB_ERR_FULL;
    return c->is_stopping ? FB_ERR_CLOSED : FB_OK;
}

static uint64_t issue(struct child *c, struct ticket t)
{
    struct ticket *slot = find(c, 0, TICKET_FREE);
    must(slot);
    t.number = ++c->ticket_last;
    *slot = t;
    *(t.kind == TICKET_KV ? &c->kv_n : &c->store_n) += 1;
    return t.number;
}

static struct ticket redeem(struct child *c, struct ticket *t)
{
    struct ticket taken = *t;
    *(t->kind == TICKET_KV ? &c->kv_n : &c->store_n) -= 1;
    *t = (struct ticket){.kind = TICKET_FREE};
    child_may_finish(c);
    return taken;
}

/* ---- Messages and receipts ---- */

static void send_store(struct child *c, enum frame_type type, struct span json, const int *fd, unsigned fd_n,
                       fb_stored_fn *done, void *arg)
{
    uint64_t number = issue(c, (struct ticket){.kind = TICKET_STORE, .on_stored = done, .arg = arg});
    struct buf *out = link_begin(c->link, type, number);
    link_attach(c->link, fd, fd_n);
    frame_put_span(out, json);
    link_end(c->link);
}

/* What the bridge could not read from the start is refused here, where the adapter's author is told. */
static const char *files_fault(const int *fd, unsigned fd_n)
{
    for (unsigned i = 0; i < fd_n; i++) {
        struct stat st;
        if (fstat(fd[i], &st) != 0)
            return "an attachment's descriptor is not open";
        if (!S_ISREG(st.st_mode))
            return "an attachment's descriptor is no regular file";
    }
    return NULL;
}

int child_receive(const struct fb_host *host, const struct fb_inbound *inbound, fb_stored_fn *done, void *arg)
{
    struct child *c = child_of(host);
    struct buf json;
    int fd[INBOUND_ATTACHMENTS_MAX];
    unsigned fd_n;
    const char *why;
    int result = room_for(c, "receive", c->store_n, CHILD_TICKETS_MAX);
    if (result != FB_OK)
        return result;
    buf_init(&json, FRAME_INBOUND_MAX);
    if (inbound_write(&json, inbound, fd, &fd_n, &why) != OK || (why = files_fault(fd, fd_n)) != NULL)
        result = child_complain(c, "receive", why);
    else
        send_store(c, FRAME_RECEIVE, buf_span(&json), fd, fd_n, done, arg);
    buf_fini(&json);
    return result;
}

int child_receipt(const struct fb_host *host, const struct fb_receipt *receipt, fb_stored_fn *done, void *arg)
{
    struct child *c = child_of(host);
    struct buf json;
    const char *why;
    int result = room_for(c, "receipt", c->store_n, CHILD_TICKETS_MAX);
    if (result != FB_OK)
        return result;
    buf_init(&json, frame_max(FRAME_RECEIPT) - 16);
    if (receipt_write(&json, receipt, &why) != OK)
        result = child_complain(c, "receipt", why);
    else
        send_store(c, FRAME_RECEIPT, buf_span(&json), NULL, 0, done, arg);
    buf_fini(&json);
    return result;
}

const char *child_on_stored(struct child *c, const struct frame *f, int *fd)
{
    (void)fd;
    struct frame_reader r = frame_read(f);
    struct fb_stored stored = {.size = sizeof stored, .status = (int32_t)frame_get_u32(&r)};
    stored.is_duplicate = frame_get_u32(&r);
    char *id = span_strdup(frame_get_span(&r)), *message = span_strdup(frame_get_span(&r));
    struct ticket *t = find(c, f->token, TICKET_STORE);
    if (t) {
        struct ticket taken = redeem(c, t);
        stored.id = id;
        stored.message = message;
        if (taken.on_stored)
            taken.on_stored(taken.arg, &stored);
    }
    free(id);
    free(message);
    return NULL;
}

/* ---- Key-value ---- */

static int ask_kv(struct child *c, const char *service, bool is_write, const char *key, struct span value,
                  fb_kv_fn *done, void *arg)
{
    int result = room_for(c, service, c->kv_n, CHILD_KV_MAX);
    if (result == FB_ERR_CLOSED && is_write)
        result = FB_OK; /* what stop wants to remember */
    if (result != FB_OK)
        return result;
    if (!key || !*key || strlen(key) > KEY_MAX || !text_is_clean(span_of(key)))
        return child_complain(c, service, "the key is not 1 to 256 bytes of clean UTF-8");
    if (value.n > VALUE_MAX)
        return child_complain(c, service, "the value is over 64 KiB");
    uint64_t number = issue(c, (struct ticket){.kind = TICKET_KV, .on_kv = done, .arg = arg});
    struct buf *out = link_begin(c->link, FRAME_KV, number);
    frame_put_u32(out, is_write);
    frame_put_str(out, key);
    frame_put_span(out, value);
    link_end(c->link);
    return FB_OK;
}

int child_kv_get(const struct fb_host *host, const char *key, fb_kv_fn *done, void *arg)
{
    if (!done)
        return child_complain(child_of(host), "kv_get", "done is required");
    return ask_kv(child_of(host), "kv_get", false, key, SPAN_NONE, done, arg);
}

int child_kv_set(const struct fb_host *host, const char *key, const char *value, size_t n, fb_kv_fn *done,
                 void *arg)
{
    return ask_kv(child_of(host), "kv_set", true, key, (struct span){value, value ? n : 0}, done, arg);
}

const char *child_on_kv_done(struct child *c, const struct frame *f, int *fd)
{
    (void)fd;
    struct frame_reader r = frame_read(f);
    int status = (int)frame_get_u32(&r);
    struct span value = frame_get_span(&r);
    struct ticket *t = find(c, f->token, TICKET_KV);
    if (!t)
        return NULL;
    struct ticket taken = redeem(c, t);
    char *copy = span_strdup(value); /* NUL terminated, and not in the way of the next read */
    if (taken.on_kv)
        taken.on_kv(taken.arg, status, copy, copy ? value.n : 0);
    free(copy);
    return NULL;
}

/* ---- Events ---- */

int child_want_events(const struct fb_host *host, const char *types)
{
    struct child *c = child_of(host);
    if (child_is_elsewhere(c, "want_events"))
        return FB_ERR_INVALID;
    if (!types || strlen(types) > TYPES_MAX || !text_is_clean(span_of(types)))
        return child_complain(c, "want_events", "types are not up to 4000 bytes of clean UTF-8");
    struct buf *out = link_begin(c->link, FRAME_EVENTS, 0);
    frame_put_str(out, types);
    link_end(c->link);
    return FB_OK;
}

/* ---- Text ---- */

int child_want_text(const struct fb_host *host, uint32_t formats, uint32_t max_text)
{
    struct child *c = child_of(host);
    if (child_is_elsewhere(c, "want_text"))
        return FB_ERR_INVALID;
    if (c->is_open)
        return child_complain(c, "want_text", "it is for open alone");
    if (formats & ~(uint32_t)(FB_FORMAT_PLAIN | FB_FORMAT_MARKDOWN | FB_FORMAT_HTML))
        return child_complain(c, "want_text", "formats has bits that enum fb_format does not know");
    if (max_text > 0 && max_text < TEXT_CHARACTERS_MIN)
        return child_complain(c, "want_text", "max_text is neither 0 nor at least 40");
    c->form.formats = formats ? formats : FB_FORMAT_PLAIN;
    c->form.max_text = max_text;
    return FB_OK;
}
