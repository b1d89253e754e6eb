/*
 * Tokens: the calls that the bridge has open here, and how the adapter ends them. Decides that each ends
 * exactly once and that what the adapter says is fit to travel. Knows nothing of what a message is.
 *
 * A token's low 16 bits are its slot, the rest a generation that the bridge never repeats: a token kept too
 * long matches nothing.
 */
#include "host/child.h"
#include "base/mem.h"
#include "host/text.h"
#include "text/parts.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    REASON_MAX = 500,
    ID_MAX = 512,
    REPLY_BODY_MAX = 1 << 20,
    REPLY_HEADERS_MAX = 32,
    LETTER_MAX = 64 << 20,
};

static struct open_call *slot_for(struct child *c, uint64_t token)
{
    unsigned slot = (unsigned)(token & 0xffff);
    if (slot >= CHILD_CALLS_MAX)
        return NULL;
    if (slot >= c->call_cap) {
        unsigned cap = slot + 64;
        c->call = mem_realloc(c->call, cap * sizeof *c->call);
        memset(c->call + c->call_cap, 0, (cap - c->call_cap) * sizeof *c->call);
        c->call_cap = cap;
    }
    return &c->call[slot];
}

static struct open_call *find(struct child *c, uint64_t token)
{
    unsigned slot = (unsigned)(token & 0xffff);
    struct open_call *call = slot < c->call_cap ? &c->call[slot] : NULL;
    return call && call->kind != CALL_FREE && call->token == token ? call : NULL;
}

static const char *begin(struct child *c, const struct frame *f, enum call_kind kind, struct decoded *d)
{
    struct open_call *call = slot_for(c, f->token);
    if (!call || call->kind != CALL_FREE) {
        decoded_free(d);
        return "a token that is open already";
    }
    *call = (struct open_call){.kind = kind, .token = f->token, .decoded = d};
    c->call_n++;
    return NULL;
}

/* Danger: the adapter may be deep inside deliver when it completes; what it borrowed lives until it has
 * returned. */
static void finish(struct child *c, struct open_call *call)
{
    if (call->decoded && c->running == call->decoded)
        c->is_running_over = true;
    else
        decoded_free(call->decoded);
    *call = (struct open_call){.kind = CALL_FREE};
    c->call_n--;
    child_may_finish(c);
}

static void enter(struct child *c, struct decoded *d)
{
    c->running = d;
    c->is_running_over = false;
}

static void leave(struct child *c)
{
    if (c->is_running_over)
        decoded_free(c->running);
    c->running = NULL;
}

/* ---- From the bridge ---- */

/* What cannot be given to the adapter ends here, and without a word on parts. */
static const char *end_unseen(struct child *c, uint64_t token, enum fb_outcome_kind kind, const char *reason)
{
    struct buf *out = link_begin(c->link, FRAME_OUTCOME, token);
    frame_put_u32(out, kind);
    frame_put_u32(out, 0);
    frame_put_u32(out, 0);
    frame_put_i64(out, 0);
    frame_put_str(out, reason);
    frame_put_span(out, SPAN_NONE);
    frame_put_span(out, SPAN_NONE);
    frame_put_u32(out, 0);
    frame_put_i64(out, 0);
    link_end(c->link);
    return NULL;
}

/* A message that cannot be read here must not end the host again and again: an operator looks at it. */
static const char *hold(struct child *c, uint64_t token)
{
    return end_unseen(c, token, FB_HOLD, "The bridge sent a message that is no JSON object.");
}

/* The agent reads why. */
static const char *refuse(struct child *c, uint64_t token, enum err e)
{
    char reason[200];
    if (e == ERR_CONFLICT)
        snprintf(reason, sizeof reason,
                 "What is left no longer fits into what the chat system takes: send it as a new message.");
    else if (c->form.max_text > 0)
        snprintf(reason, sizeof reason,
                 "The text is too long: it would be more than %d messages of %u characters.", TEXT_PARTS_MAX,
                 c->form.max_text);
    else
        snprintf(reason, sizeof reason, "The message is too large for this channel.");
    return end_unseen(c, token, FB_REJECTED, reason);
}

const char *child_on_deliver(struct child *c, const struct frame *f, int *fd)
{
    struct frame_reader r = frame_read(f);
    int64_t deadline_ms = frame_get_i64(&r);
    struct letter_part part = {.at = frame_get_u32(&r), .cut = frame_get_i64(&r)};
    struct span json = frame_get_span(&r);
    struct decoded *d;
    if (!frame_read_ended(&r) || part.at >= TEXT_PARTS_MAX)
        return "a malformed delivery";
    struct buf letter;
    buf_init(&letter, LETTER_MAX);
    enum err e = letter_write(&c->cuts, json, &c->form, &part, &letter);
    if (e == ERR_LIMIT || e == ERR_CONFLICT) {
        buf_fini(&letter);
        return refuse(c, f->token, e);
    }
    unsigned fd_n = part.at + 1 < part.n ? 0 : f->fd_n; /* files go with the last */
    if (e == OK)
        e = decode_delivery(buf_span(&letter), deadline_ms, fd, fd_n, &d);
    buf_fini(&letter);
    if (e != OK)
        return hold(c, f->token);
    for (unsigned i = 0; i < fd_n; i++)
        fd[i] = -1;
    const char *fault = begin(c, f, CALL_DELIVER, d);
    if (fault)
        return fault;
    find(c, f->token)->part = part;
    enter(c, d);
    c->module->deliver(c->self, f->token, &d->delivery);
    leave(c);
    return NULL;
}

/* A notice that nobody takes is done: the bridge asks before it sends, this is for modules that change their
 * mind. */
static void call_notice(struct child *c, fb_token token, bool is_failure, const struct fb_notice *notice)
{
    void (*fn)(void *, fb_token, const struct fb_notice *) =
        is_failure ? c->module->failed : c->module->event;
    const struct fb_outcome done = {.size = sizeof done, .kind = FB_DELIVERED};
    if (fn)
        fn(c->self, token, notice);
    else
        child_complete(&c->host, token, &done);
}

const char *child_on_notice(struct child *c, const struct frame *f, int *fd)
{
    (void)fd;
    struct frame_reader r = frame_read(f);
    int64_t deadline_ms = frame_get_i64(&r);
    bool is_failure = frame_get_u32(&r) != 0;
    struct span json = frame_get_span(&r);
    struct decoded *d;
    if (!frame_read_ended(&r))
        return "a malformed notice";
    if (decode_notice(json, deadline_ms, &d) != OK)
        return hold(c, f->token);
    const char *fault = begin(c, f, CALL_NOTICE, d);
    if (fault)
        return fault;
    enter(c, d);
    call_notice(c, f->token, is_failure, &d->notice);
    leave(c);
    return NULL;
}

const char *child_on_request(struct child *c, const struct frame *f, int *fd)
{
    struct decoded *d;
    if (decode_request(f, f->fd_n ? fd[0] : -1, &d) != OK)
        return "a malformed request";
    if (f->fd_n)
        fd[0] = -1;
    const char *fault = begin(c, f, CALL_REQUEST, d);
    if (fault)
        return fault;
    const struct fb_reply none = {.size = sizeof none, .status = 404};
    enter(c, d);
    if (c->module->request)
        c->module->request(c->self, f->token, &d->request);
    else
        child_reply(&c->host, f->token, &none);
    leave(c);
    return NULL;
}

/* The adapter borrows what it was given until it ends the call, deadline or not. */
static void lapse(struct child *c, struct open_call *call)
{
    struct decoded *d = call->decoded;
    call->decoded = NULL;
    d->token = call->token;
    d->next = c->lapsed;
    c->lapsed = d;
    c->lapsed_n++;
    c->lapsed_fd_n += d->file_n;
}

/* give_back ends the borrowing of a call that had lapsed; its token has been closed before. */
static int give_back(struct child *c, const char *service, fb_token token)
{
    for (struct decoded **at = &c->lapsed; *at; at = &(*at)->next) {
        struct decoded *d = *at;
        if (d->token == token) {
            *at = d->next;
            c->lapsed_n--;
            c->lapsed_fd_n -= d->file_n;
            decoded_free(d);
            return FB_ERR_TOKEN;
        }
    }
    child_complain(c, service, "the token is not open: was it ended before?");
    return FB_ERR_TOKEN;
}

/* If the token has been ended meanwhile, its end has left already and the bridge will read it. */
const char *child_on_expire(struct child *c, const struct frame *f, int *fd)
{
    (void)fd;
    struct open_call *call = find(c, f->token);
    if (call) {
        link_send(c->link, FRAME_CLOSED, f->token);
        lapse(c, call);
        finish(c, call);
    }
    bool is_much = c->lapsed_n > CHILD_LAPSED_MAX || c->lapsed_fd_n > CHILD_LAPSED_FDS_MAX;
    return is_much ? "more calls than the adapter ever ends" : NULL;
}

void child_calls_fini(struct child *c)
{
    for (unsigned i = 0; i < c->call_cap; i++)
        decoded_free(c->call[i].decoded);
    for (struct decoded *d = c->lapsed, *next; d; d = next) {
        next = d->next;
        decoded_free(d);
    }
    free(c->call);
    c->lapsed = NULL;
    c->call = NULL;
    c->call_cap = c->call_n = 0;
}

/* ---- From the adapter ---- */

static const char *reason_of(struct child *c, const struct fb_outcome *o)
{
    if (o->kind == FB_DELIVERED || (o->reason && *o->reason))
        return o->reason;
    child_complain(c, "complete", "a reason is required unless it was delivered");
    return "The adapter gave no reason.";
}

static const char *id_of(struct child *c, const char *id, const char *what)
{
    if (!id || !*id)
        return NULL;
    if (strlen(id) <= ID_MAX && text_is_clean(span_of(id)))
        return id;
    child_complain(c, "complete", what);
    return NULL;
}

static void put_clean(struct buf *out, const char *s, size_t max)
{
    struct buf clean;
    buf_init(&clean, max);
    text_clean_line(&clean, span_of(s), max);
    frame_put_span(out, s ? buf_span(&clean) : SPAN_NONE);
    buf_fini(&clean);
}

int child_complete(const struct fb_host *host, fb_token token, const struct fb_outcome *o)
{
    struct child *c = child_of(host);
    if (child_is_elsewhere(c, "complete"))
        return FB_ERR_INVALID;
    struct open_call *call = find(c, token);
    if (!call || call->kind == CALL_REQUEST)
        return give_back(c, "complete", token);
    if (!o || !FB_HAS(o, conversation_id))
        return child_complain(c, "complete", "the outcome's size is not set");
    if (o->kind < FB_DELIVERED || o->kind > FB_UNKNOWN)
        return child_complain(c, "complete", "the outcome is none of enum fb_outcome_kind");
    /* Complaints are frames too: make them before this one begins. */
    const char *reason = reason_of(c, o);
    const char *external_id = id_of(c, o->external_id, "external_id is too long or not clean; it is dropped");
    const char *conversation_id =
        id_of(c, o->conversation_id, "conversation_id is too long or not clean; it is dropped");
    struct buf *out = link_begin(c->link, FRAME_OUTCOME, token);
    frame_put_u32(out, o->kind);
    frame_put_u32(out, o->flags & FB_OUTCOME_UNREACHABLE);
    frame_put_u32(out, (uint32_t)o->code);
    frame_put_i64(out, o->retry_after_ms > 0 ? o->retry_after_ms : 0);
    put_clean(out, reason, REASON_MAX);
    frame_put_str(out, external_id);
    frame_put_str(out, conversation_id);
    frame_put_u32(out, call->part.n);
    frame_put_i64(out, call->part.cut);
    link_end(c->link);
    finish(c, call);
    return FB_OK;
}

static const char *reply_fault(const struct fb_reply *q)
{
    if (!q || !FB_HAS(q, header_n))
        return "the reply's size is not set";
    if (q->status < 200 || q->status > 599)
        return "the status is not 200 to 599";
    if (q->body_n > REPLY_BODY_MAX)
        return "the body is over 1 MiB";
    if (q->header_n > REPLY_HEADERS_MAX)
        return "there are more than 32 headers";
    if (q->content_type && !text_is_header_value(span_of(q->content_type)))
        return "the content type has characters that no header may have";
    for (uint32_t i = 0; i < q->header_n; i++) {
        if (!text_is_header_name(span_of(q->headers[i].name)) ||
            !text_is_header_value(span_of(q->headers[i].value)))
            return "a header has a name or value that no header may have";
    }
    return NULL;
}

int child_reply(const struct fb_host *host, fb_token token, const struct fb_reply *q)
{
    struct child *c = child_of(host);
    if (child_is_elsewhere(c, "reply"))
        return FB_ERR_INVALID;
    struct open_call *call = find(c, token);
    if (!call || call->kind != CALL_REQUEST)
        return give_back(c, "reply", token);
    const char *fault = reply_fault(q);
    if (fault)
        return child_complain(c, "reply", fault);
    struct buf *out = link_begin(c->link, FRAME_REPLY, token);
    frame_put_u32(out, (uint32_t)q->status);
    frame_put_str(out, q->content_type);
    frame_put_span(out, (struct span){q->body ? q->body : "", q->body ? q->body_n : 0});
    frame_put_u32(out, q->header_n);
    for (uint32_t i = 0; i < q->header_n; i++) {
        frame_put_str(out, q->headers[i].name);
        frame_put_str(out, q->headers[i].value);
    }
    link_end(c->link);
    finish(c, call);
    return FB_OK;
}
