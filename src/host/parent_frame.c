/*
 * What a child says, taken as hostile: every field is checked before the bridge hears of it, and a frame that
 * lies (a token that is not open, text that is no text, more than was allowed) ends the child. Knows nothing
 * of messages.
 */
#include "host/parent.h"
#include "base/log.h"
#include "base/mem.h"
#include "host/inbound.h"
#include "host/text.h"
#include "text/parts.h"
#include <front_bridge/channel.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_MAX = 256, VALUE_MAX = 64 << 10, REPLY_HEADERS_MAX = 32, TICKET_BITS = 40 };

static bool is_text(struct span s, size_t max)
{
    return s.n <= max && text_is_clean(s);
}

/* ---- Its life ---- */

static bool copy_word(char out[33], struct span s)
{
    if (!s.p || s.n == 0 || s.n > 32 || !text_is_header_value(s))
        return false;
    memcpy(out, s.p, s.n);
    out[s.n] = 0;
    return true;
}

static const char *on_ready(struct host *h, const struct frame *f, int *fd)
{
    (void)fd;
    struct frame_reader r = frame_read(f);
    struct host_adapter a = {0};
    bool is_named = copy_word(a.name, frame_get_span(&r));
    is_named &= copy_word(a.version, frame_get_span(&r));
    a.abi_minor = frame_get_u32(&r);
    a.capabilities = frame_get_u32(&r);
    a.formats = frame_get_u32(&r);
    a.max_text = frame_get_u32(&r);
    uint32_t in_flight = frame_get_u32(&r), takes = frame_get_u32(&r);
    if (h->status != HOST_STARTING && h->status != HOST_STOPPING)
        return "that it is ready twice";
    if (!is_named || !frame_read_ended(&r))
        return "a malformed description of its adapter";
    a.takes_failed = takes & 1;
    a.takes_events = takes & 2;
    a.takes_requests = takes & 4;
    unsigned most = a.capabilities & FB_CAN_PARALLEL ? (in_flight ? in_flight : 64) : 1;
    unsigned wanted = h->o.in_flight_max ? h->o.in_flight_max : 64;
    h->credit_max = most < wanted ? most : wanted;
    if (h->credit_max > HOST_IN_FLIGHT_MAX)
        h->credit_max = HOST_IN_FLIGHT_MAX;
    h->adapter = a;
    h->is_known = true;
    if (h->status == HOST_STARTING)
        host_came_up(h);
    return NULL;
}

static const char *on_failed(struct host *h, const struct frame *f, int *fd)
{
    (void)fd;
    struct frame_reader r = frame_read(f);
    struct span why = frame_get_span(&r);
    struct buf line;
    if (!frame_read_ended(&r))
        return "a malformed failure";
    buf_init(&line, 2048);
    text_clean_line(&line, why, 2000);
    free(h->failure);
    h->failure = line.n ? buf_take(&line, NULL) : mem_strdup("The adapter gave no reason.");
    buf_fini(&line);
    return NULL;
}

static const char *on_pong(struct host *h, const struct frame *f, int *fd)
{
    (void)f, (void)fd;
    if (!h->pinged_at)
        return "an answer to nothing";
    h->pinged_at = 0;
    return NULL;
}

/* ---- Ends of calls ---- */

static void credit(struct host *h)
{
    if (host_credits(h) > 0)
        HOST_CALLBACK(h, on_credit(h, h->arg));
}

/* end_of gives the open call that a frame ends and releases it; NULL: *fault says why not, or the caller has
 * heard its end. */
static bool end_of(struct host *h, const struct frame *f, bool is_request, struct pending *out,
                   const char **fault)
{
    struct pending *p = host_pending(h, f->token);
    if (!p || (p->kind == PENDING_REQUEST) != is_request) {
        *fault = "the end of a call that is not open";
        return false;
    }
    *fault = NULL;
    *out = *p;
    host_release(h, p);
    if (out->list == LIST_EXPIRED)
        credit(h);
    return out->list != LIST_EXPIRED;
}

/* Parts are counted by what the child says: it may not contradict what it has said before, nor itself. */
static bool are_fair_parts(const struct pending *p, uint32_t kind, const struct outcome *o)
{
    const struct message_parts *before = &p->parts;
    bool is_given_up = o->part_n == 0 && kind != FB_DELIVERED;
    if (p->kind != PENDING_DELIVERY)
        return o->part_n == 0 && o->part_cut == 0;
    if (o->part_n > TEXT_PARTS_MAX || o->part_cut < 0 || (o->part_n > 1) != (o->part_cut > 0))
        return false;
    if (before->sent == 0)
        return is_given_up || o->part_n > 0;
    return is_given_up || (o->part_n == before->n && o->part_cut == before->cut);
}

static bool is_fair_outcome(uint32_t kind, const struct outcome *o)
{
    return kind >= FB_DELIVERED && kind <= FB_UNKNOWN && is_text(o->reason, 1000) &&
           is_text(o->external_id, 512) && is_text(o->conversation_id, 512) && o->retry_after_ms >= 0 &&
           (kind == FB_DELIVERED || o->reason.n > 0);
}

static const char *on_outcome(struct host *h, const struct frame *f, int *fd)
{
    (void)fd;
    static const enum outcome_kind kinds[] = {[FB_DELIVERED] = OUTCOME_DELIVERED,
                                              [FB_RETRY] = OUTCOME_RETRY,
                                              [FB_REJECTED] = OUTCOME_REJECTED,
                                              [FB_HOLD] = OUTCOME_HOLD,
                                              [FB_UNKNOWN] = OUTCOME_UNKNOWN};
    struct frame_reader r = frame_read(f);
    uint32_t kind = frame_get_u32(&r);
    struct outcome o = {.is_unreachable = frame_get_u32(&r) & FB_OUTCOME_UNREACHABLE};
    o.code = (int)frame_get_u32(&r);
    o.retry_after_ms = frame_get_i64(&r);
    o.reason = frame_get_span(&r);
    o.external_id = frame_get_span(&r);
    o.conversation_id = frame_get_span(&r);
    o.part_n = frame_get_u32(&r);
    o.part_cut = frame_get_i64(&r);
    const struct pending *p = host_pending(h, f->token);
    if (!frame_read_ended(&r) || !is_fair_outcome(kind, &o) || (p && !are_fair_parts(p, kind, &o)))
        return "a malformed outcome";
    struct pending ended;
    const char *fault;
    if (end_of(h, f, false, &ended, &fault)) {
        o.kind = kinds[kind];
        o.is_unreachable &= kind == FB_RETRY;
        HOST_CALLBACK(h, on_outcome(h, ended.token, &o, h->arg));
        credit(h);
    }
    return fault;
}

static bool read_headers(struct frame_reader *r, struct buf *lines)
{
    uint32_t n = frame_get_u32(r);
    if (n > REPLY_HEADERS_MAX)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        struct span name = frame_get_span(r), value = frame_get_span(r);
        if (!text_is_header_name(name) || !text_is_header_value(value))
            return false;
        buf_addf(lines, "%.*s: %.*s\r\n", SPAN_FMT(name), SPAN_FMT(value));
    }
    return !lines->is_over;
}

static const char *on_reply(struct host *h, const struct frame *f, int *fd)
{
    (void)fd;
    struct frame_reader r = frame_read(f);
    uint32_t status = frame_get_u32(&r);
    struct span type = frame_get_span(&r), body = frame_get_span(&r);
    struct pending ended;
    struct buf lines;
    const char *fault = "a malformed reply";
    buf_init(&lines, 160 << 10);
    bool is_fair = read_headers(&r, &lines) && frame_read_ended(&r) && status >= 200 && status <= 599 &&
                   body.p && (!type.p || text_is_header_value(type));
    if (is_fair && end_of(h, f, true, &ended, &fault)) {
        if (!type.p && body.n)
            type = SPAN_LIT("application/json");
        HOST_CALLBACK(h, on_reply(h, ended.token, (int)status, type, body, lines.n ? lines.p : NULL, h->arg));
        credit(h);
    }
    buf_fini(&lines);
    return fault;
}

static const char *on_closed(struct host *h, const struct frame *f, int *fd)
{
    (void)fd;
    struct pending *p = host_pending(h, f->token);
    if (!p || p->list != LIST_EXPIRED)
        return "that it closed a call which has not expired";
    host_release(h, p);
    credit(h);
    return NULL;
}

/* ---- Questions ---- */

/* next_ticket checks that the child numbers without gaps, and makes a ticket that no other life of it can
 * have. */
static bool next_ticket(struct host *h, const struct frame *f, uint64_t *ticket)
{
    if (f->token != h->asked_last + 1 || f->token >> TICKET_BITS)
        return false;
    h->asked_last = f->token;
    *ticket = h->incarnation << TICKET_BITS | f->token;
    return true;
}

static const char *take_store(struct host *h, const struct frame *f, int *fd, bool is_receipt)
{
    struct frame_reader r = frame_read(f);
    struct host_receive q = {.is_receipt = is_receipt, .json = frame_get_span(&r)};
    const char *why = "a malformed message";
    if (!frame_read_ended(&r) || !q.json.p)
        return why;
    if ((is_receipt ? receipt_check(q.json, &why) : inbound_check(q.json, f->fd_n, &why)) != OK)
        return why;
    if (!next_ticket(h, f, &q.ticket))
        return "a message without the next ticket";
    q.fd = fd;
    q.fd_n = f->fd_n;
    h->stores_n++;
    host_ask_again(h);
    HOST_CALLBACK(h, on_receive(h, &q, h->arg));
    return NULL;
}

static const char *on_receive(struct host *h, const struct frame *f, int *fd)
{
    return take_store(h, f, fd, false);
}

static const char *on_receipt(struct host *h, const struct frame *f, int *fd)
{
    return take_store(h, f, fd, true);
}

static const char *on_kv(struct host *h, const struct frame *f, int *fd)
{
    (void)fd;
    struct frame_reader r = frame_read(f);
    uint32_t is_write = frame_get_u32(&r);
    struct span key = frame_get_span(&r), value = frame_get_span(&r);
    uint64_t ticket;
    if (!frame_read_ended(&r) || is_write > 1 || key.n == 0 || !is_text(key, KEY_MAX) ||
        value.n > VALUE_MAX || (value.p && !is_write))
        return "a malformed key or value";
    if (!next_ticket(h, f, &ticket))
        return "a key without the next ticket";
    h->kvs_n++;
    host_ask_again(h);
    HOST_CALLBACK(h, on_kv(h, ticket, is_write, key, value, h->arg));
    return NULL;
}

static bool is_current(const struct host *h, uint64_t ticket)
{
    return h->link && ticket >> TICKET_BITS == h->incarnation;
}

static uint64_t child_ticket(uint64_t ticket)
{
    return ticket & ((UINT64_C(1) << TICKET_BITS) - 1);
}

static int abi_status(enum err e)
{
    switch (e) {
    case OK:
        return FB_OK;
    case ERR_INVALID:
    case ERR_LIMIT:
        return FB_ERR_INVALID;
    case ERR_FULL:
        return FB_ERR_FULL;
    case ERR_NOT_FOUND:
        return FB_ERR_NOT_FOUND;
    default:
        return FB_ERR_FAILED;
    }
}

void host_stored(struct host *h, uint64_t ticket, enum err result, bool is_duplicate, const char *id,
                 const char *message)
{
    if (!is_current(h, ticket))
        return; /* asked by a process that is no more */
    struct buf *out = link_begin(h->link, FRAME_STORED, child_ticket(ticket));
    frame_put_u32(out, (uint32_t)abi_status(result));
    frame_put_u32(out, is_duplicate);
    frame_put_str(out, id);
    frame_put_span(out, message ? (struct span){message, strnlen(message, 2000)} : SPAN_NONE);
    link_end(h->link);
    h->stores_n--;
    host_ask_again(h);
}

void host_kv_done(struct host *h, uint64_t ticket, enum err result, struct span value)
{
    if (!is_current(h, ticket))
        return;
    struct buf *out = link_begin(h->link, FRAME_KV_DONE, child_ticket(ticket));
    frame_put_u32(out, (uint32_t)abi_status(result));
    frame_put_span(out, value.n <= VALUE_MAX ? value : SPAN_NONE);
    link_end(h->link);
    h->kvs_n--;
    host_ask_again(h);
}

/* ---- Chatter ---- */

static bool may_chat(struct host *h)
{
    mono_ms_t now = clock_mono_ms();
    h->chatter += (now - h->chatter_at) * HOST_CHATTER_PER_S;
    if (h->chatter > HOST_CHATTER_BURST * 1000)
        h->chatter = HOST_CHATTER_BURST * 1000;
    h->chatter_at = now;
    h->chatter -= 1000;
    return h->chatter >= 0;
}

static const char *on_events(struct host *h, const struct frame *f, int *fd)
{
    (void)fd;
    struct frame_reader r = frame_read(f);
    struct span types = frame_get_span(&r);
    if (!frame_read_ended(&r) || !types.p || !is_text(types, 4000))
        return "a malformed list of events";
    if (!may_chat(h))
        return "a flood of wishes";
    free(h->wanted_events);
    h->wanted_events = span_strdup(types);
    return NULL;
}

static const char *on_log(struct host *h, const struct frame *f, int *fd)
{
    (void)fd;
    static const enum log_level levels[] = {LOG_DEBUG, LOG_INFO, LOG_WARN,
                                            LOG_ERROR, [HOST_LOG_COMPLAINT] = LOG_WARN};
    struct frame_reader r = frame_read(f);
    uint32_t level = frame_get_u32(&r);
    struct span text = frame_get_span(&r);
    if (!frame_read_ended(&r) || level >= ARRAY_LEN(levels))
        return "a malformed log line";
    if (!may_chat(h))
        return "a flood of log lines";
    struct buf line;
    buf_init(&line, 4096);
    text_clean_line(&line, text, 2000);
    if (h->events->on_log)
        HOST_CALLBACK(h, on_log(h, (int)level, line.n ? line.p : "", h->arg));
    else
        LOG_LINE_(levels[level], "adapter", LOG_STR("channel", h->o.channel),
                  LOG_SPAN("text", buf_span(&line)));
    buf_fini(&line);
    return NULL;
}

/* ---- Dispatch ---- */

static const struct {
    enum frame_type type;
    const char *(*handle)(struct host *h, const struct frame *f, int *fd);
} handlers[] = {
    {FRAME_READY, on_ready},     {FRAME_FAILED, on_failed}, {FRAME_OUTCOME, on_outcome},
    {FRAME_REPLY, on_reply},     {FRAME_CLOSED, on_closed}, {FRAME_RECEIVE, on_receive},
    {FRAME_RECEIPT, on_receipt}, {FRAME_KV, on_kv},         {FRAME_EVENTS, on_events},
    {FRAME_LOG, on_log},         {FRAME_PONG, on_pong},
};

const char *host_on_frame(struct link *l, const struct frame *f, int *fd, void *arg)
{
    (void)l;
    struct host *h = arg;
    h->heard_at = clock_mono_ms();
    for (size_t i = 0; i < ARRAY_LEN(handlers); i++) {
        if (handlers[i].type == f->type)
            return handlers[i].handle(h, f, fd);
    }
    return "a frame that no one handles";
}

bool host_wants_event(const struct host *h, const char *type)
{
    size_t n = strlen(type);
    for (const char *at = h->wanted_events; at && *at;) {
        size_t word = strcspn(at, " ");
        if ((word == n && memcmp(at, type, n) == 0) || (word == 1 && *at == '*'))
            return true;
        at += word + strspn(at + word, " ");
    }
    return false;
}
