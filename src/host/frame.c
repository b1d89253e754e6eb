/*
 * Frames to bytes and back. One table says what each type may be: who sends it, how large, with descriptors
 * or not. Knows nothing of sockets or of what the fields mean. Invariant: no read goes beyond the span that
 * was given.
 */
#include "host/frame.h"
#include "base/mem.h"
#include <string.h>

struct head {
    uint32_t body_n;
    uint8_t type, fd_n, reserved[2];
    uint64_t token;
};
_Static_assert(sizeof(struct head) == FRAME_HEAD_BYTES, "the head has no padding");

enum {
    REQUEST_MAX = FRAME_INLINE_BODY_MAX + (192 << 10),
    REPLY_MAX = (1 << 20) + (64 << 10),
    KV_MAX = 66 << 10
};

struct rule {
    uint8_t type, side;
    unsigned fd_max;
    size_t body_max;
};

static const struct rule rules[] = {
    {FRAME_HELLO, TO_CHILD, 0, 4 << 20},
    {FRAME_DELIVER, TO_CHILD, FRAME_FDS_MAX, FRAME_WIRE_MAX},
    {FRAME_NOTICE, TO_CHILD, 0, FRAME_WIRE_MAX},
    {FRAME_REQUEST, TO_CHILD, 1, REQUEST_MAX},
    {FRAME_EXPIRE, TO_CHILD, 0, 0},
    {FRAME_STORED, TO_CHILD, 0, 4 << 10},
    {FRAME_KV_DONE, TO_CHILD, 0, KV_MAX},
    {FRAME_PING, TO_CHILD, 0, 0},
    {FRAME_STOP, TO_CHILD, 0, 0},
    {FRAME_READY, TO_BRIDGE, 0, 4 << 10},
    {FRAME_FAILED, TO_BRIDGE, 0, 4 << 10},
    {FRAME_OUTCOME, TO_BRIDGE, 0, 8 << 10},
    {FRAME_REPLY, TO_BRIDGE, 0, REPLY_MAX},
    {FRAME_CLOSED, TO_BRIDGE, 0, 0},
    {FRAME_RECEIVE, TO_BRIDGE, FRAME_FDS_MAX, FRAME_INBOUND_MAX + 16},
    {FRAME_RECEIPT, TO_BRIDGE, 0, 16 << 10},
    {FRAME_KV, TO_BRIDGE, 0, KV_MAX},
    {FRAME_EVENTS, TO_BRIDGE, 0, 4 << 10},
    {FRAME_LOG, TO_BRIDGE, 0, 4 << 10},
    {FRAME_PONG, TO_BRIDGE, 0, 0},
};

static const struct rule *rule_of(unsigned type)
{
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        if (rules[i].type == type)
            return &rules[i];
    }
    return NULL;
}

size_t frame_max(enum frame_type type)
{
    const struct rule *r = rule_of(type);
    return r ? r->body_max : 0;
}

static const char *head_fault(const struct head *h, enum frame_side side)
{
    const struct rule *r = rule_of(h->type);
    if (!r || r->side != (uint8_t)side)
        return "a frame of an unknown type";
    if (h->body_n > r->body_max)
        return "a frame over the limit of its type";
    if (h->fd_n > r->fd_max)
        return "a frame with more descriptors than its type may carry";
    if (h->reserved[0] || h->reserved[1])
        return "a frame with reserved bytes set";
    return NULL;
}

enum err frame_next(struct span in, enum frame_side side, struct frame *out, size_t *used, const char **why)
{
    struct head h;
    if (in.n < sizeof h) {
        *used = 0;
        return ERR_NOT_FOUND;
    }
    memcpy(&h, in.p, sizeof h);
    const char *fault = head_fault(&h, side);
    if (fault) {
        *why = fault;
        return ERR_INVALID;
    }
    *used = sizeof h + h.body_n;
    if (in.n < *used)
        return ERR_NOT_FOUND;
    *out =
        (struct frame){.type = h.type, .fd_n = h.fd_n, .token = h.token, .body = {in.p + sizeof h, h.body_n}};
    return OK;
}

size_t frame_begin(struct buf *out, enum frame_type type, unsigned fd_n, uint64_t token)
{
    size_t at = out->n;
    struct head h = {.type = (uint8_t)type, .fd_n = (uint8_t)fd_n, .token = token};
    buf_add(out, &h, sizeof h);
    return at;
}

void frame_end(struct buf *out, size_t begun_at)
{
    if (out->is_over)
        return;
    uint32_t body_n = (uint32_t)(out->n - begun_at - FRAME_HEAD_BYTES);
    memcpy(out->p + begun_at, &body_n, sizeof body_n);
}

void frame_put_u32(struct buf *out, uint32_t v)
{
    buf_add(out, &v, sizeof v);
}

void frame_put_i64(struct buf *out, int64_t v)
{
    buf_add(out, &v, sizeof v);
}

void frame_put_span(struct buf *out, struct span s)
{
    must(s.n < UINT32_MAX);
    frame_put_u32(out, s.p ? (uint32_t)s.n : UINT32_MAX);
    if (s.n)
        buf_add(out, s.p, s.n);
}

void frame_put_str(struct buf *out, const char *s)
{
    frame_put_span(out, span_of(s));
}

struct frame_reader frame_read(const struct frame *f)
{
    return (struct frame_reader){.left = f->body};
}

static void get(struct frame_reader *r, void *out, size_t n)
{
    if (r->is_bad || r->left.n < n) {
        r->is_bad = true;
        memset(out, 0, n);
        return;
    }
    memcpy(out, r->left.p, n);
    r->left.p += n;
    r->left.n -= n;
}

uint32_t frame_get_u32(struct frame_reader *r)
{
    uint32_t v;
    get(r, &v, sizeof v);
    return v;
}

int64_t frame_get_i64(struct frame_reader *r)
{
    int64_t v;
    get(r, &v, sizeof v);
    return v;
}

struct span frame_get_span(struct frame_reader *r)
{
    uint32_t n = frame_get_u32(r);
    if (r->is_bad || n == UINT32_MAX)
        return SPAN_NONE;
    if (n > r->left.n) {
        r->is_bad = true;
        return SPAN_NONE;
    }
    struct span s = {r->left.p, n};
    r->left.p += n;
    r->left.n -= n;
    return s;
}

bool frame_read_ended(const struct frame_reader *r)
{
    return !r->is_bad && r->left.n == 0;
}
