/*
 * What is in flight to a child, by slot, and its deadlines, by ordered list. Decides when a call ends for its
 * caller without the child's word: a deadline, a crash. A slot is used again only after the child has closed
 * its token, so that whatever it says of any other token is a lie.
 */
#include "host/parent.h"
#include "base/json.h"
#include "base/mem.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { REQUEST_HEAD_MAX = 96 << 10, BODY_FILE_MAX = 256 << 20 };

/* ---- Lists ---- */

static void list_remove(struct host *h, unsigned at)
{
    struct pending *p = &h->slot[at];
    struct pending_list *l = &h->list[p->list];
    *(p->prev == NO_SLOT ? &l->first : &h->slot[p->prev].next) = p->next;
    *(p->next == NO_SLOT ? &l->last : &h->slot[p->next].prev) = p->prev;
}

static void list_append(struct host *h, unsigned at, uint8_t list)
{
    struct pending *p = &h->slot[at];
    struct pending_list *l = &h->list[list];
    p->list = list;
    p->prev = l->last;
    p->next = NO_SLOT;
    *(l->last == NO_SLOT ? &l->first : &h->slot[l->last].next) = at;
    l->last = at;
}

static unsigned slot_of(const struct host *h, const struct pending *p)
{
    return (unsigned)(p - h->slot);
}

void host_calls_init(struct host *h)
{
    h->free_first = NO_SLOT;
    for (unsigned i = 0; i < LISTS; i++)
        h->list[i] = (struct pending_list){NO_SLOT, NO_SLOT};
}

void host_calls_fini(struct host *h)
{
    free(h->slot);
}

static void grow(struct host *h)
{
    unsigned cap = h->slot_cap ? 2 * h->slot_cap : 32;
    h->slot = mem_realloc(h->slot, cap * sizeof *h->slot);
    for (unsigned i = cap; i-- > h->slot_cap;) {
        h->slot[i] = (struct pending){.kind = PENDING_FREE, .next = h->free_first};
        h->free_first = i;
    }
    h->slot_cap = cap;
}

/* begin opens a call; its frame comes next in the output. */
static struct pending *begin(struct host *h, enum pending_kind kind, uint64_t token, int64_t within_ms)
{
    if (h->free_first == NO_SLOT)
        grow(h);
    unsigned at = h->free_first;
    struct pending *p = &h->slot[at];
    h->free_first = p->next;
    *p = (struct pending){.kind = kind,
                          .token = token,
                          .wire = ++h->generation << 16 | at,
                          .position = link_position(h->link),
                          .due = clock_mono_ms() + within_ms};
    list_append(h, at, kind == PENDING_REQUEST ? LIST_REQUESTS : LIST_ATTEMPTS);
    h->open_n[kind]++;
    host_tick_by(h, p->due);
    return p;
}

struct pending *host_pending(struct host *h, uint64_t wire)
{
    unsigned at = (unsigned)(wire & 0xffff);
    struct pending *p = at < h->slot_cap ? &h->slot[at] : NULL;
    return p && p->kind != PENDING_FREE && p->wire == wire ? p : NULL;
}

void host_release(struct host *h, struct pending *p)
{
    unsigned at = slot_of(h, p);
    list_remove(h, at);
    h->open_n[p->kind]--;
    h->fd_n -= p->fd_n;
    *p = (struct pending){.kind = PENDING_FREE, .next = h->free_first};
    h->free_first = at;
}

/* ---- Ends without the child's word ---- */

static void end_attempt(struct host *h, uint64_t token, const struct outcome *o)
{
    HOST_CALLBACK(h, on_outcome(h, token, o, h->arg));
}

static void end_request(struct host *h, uint64_t token)
{
    static const char body[] =
        "{\"type\":\"internal_error\",\"message\":\"The channel cannot take this now. Try again.\"}";
    HOST_CALLBACK(h, on_reply(h, token, 503, SPAN_LIT("application/json"), span_of(body),
                              "Retry-After: 5\r\n", h->arg));
}

static void end_without_answer(struct host *h, enum pending_kind kind, uint64_t token,
                               const struct outcome *o)
{
    if (kind == PENDING_REQUEST)
        end_request(h, token);
    else
        end_attempt(h, token, o);
}

/* expire_one ends a call for its caller and asks the child to close it; the slot stays taken until the child
 * has. */
static void expire_one(struct host *h, unsigned at, mono_ms_t now)
{
    const struct outcome late = {.kind = OUTCOME_UNKNOWN,
                                 .reason = SPAN_LIT("The adapter did not answer before the deadline.")};
    struct pending *p = &h->slot[at];
    enum pending_kind kind = p->kind;
    uint64_t token = p->token;
    list_remove(h, at);
    list_append(h, at, LIST_EXPIRED);
    p->due = now + HOST_GRACE_MS;
    link_send(h->link, FRAME_EXPIRE, p->wire);
    end_without_answer(h, kind, token, &late);
}

bool host_expire(struct host *h, mono_ms_t now)
{
    for (unsigned i = LIST_ATTEMPTS; i <= LIST_REQUESTS; i++) {
        while (h->link && h->list[i].first != NO_SLOT && h->slot[h->list[i].first].due <= now)
            expire_one(h, h->list[i].first, now);
    }
    unsigned oldest = h->list[LIST_EXPIRED].first;
    return oldest != NO_SLOT && h->slot[oldest].due <= now && h->heard_at + HOST_GRACE_MS <= now;
}

mono_ms_t host_calls_due(const struct host *h)
{
    mono_ms_t due = INT64_MAX;
    for (unsigned i = LIST_ATTEMPTS; i <= LIST_REQUESTS; i++) {
        if (h->list[i].first != NO_SLOT && h->slot[h->list[i].first].due < due)
            due = h->slot[h->list[i].first].due;
    }
    unsigned oldest = h->list[LIST_EXPIRED].first;
    if (oldest != NO_SLOT) {
        mono_ms_t patience = h->slot[oldest].due;
        if (patience < h->heard_at + HOST_GRACE_MS)
            patience = h->heard_at + HOST_GRACE_MS;
        due = patience < due ? patience : due;
    }
    return due;
}

static unsigned sent_n(const struct host *h)
{
    unsigned n = 0;
    for (unsigned i = 0; i < h->slot_cap; i++)
        n += h->slot[i].kind != PENDING_FREE && link_has_left(h->link, h->slot[i].position);
    return n;
}

void host_settle_all(struct host *h, bool was_crash)
{
    bool was_alone = sent_n(h) == 1;
    for (unsigned i = 0; i < h->slot_cap; i++) {
        struct pending p = h->slot[i];
        if (p.kind == PENDING_FREE)
            continue;
        struct outcome o = {
            .kind = OUTCOME_UNKNOWN, .was_crash = was_crash, .was_alone = was_crash && was_alone};
        o.reason = was_crash ? SPAN_LIT("The adapter's process ended before it answered.")
                             : SPAN_LIT("The channel was stopped before the adapter answered.");
        if (!link_has_left(h->link, p.position))
            o = (struct outcome){.kind = OUTCOME_RETRY,
                                 .is_unsent = true,
                                 .reason = SPAN_LIT("The channel's process ended before it was sent.")};
        host_release(h, &h->slot[i]);
        if (p.list != LIST_EXPIRED)
            end_without_answer(h, p.kind, p.token, &o);
    }
}

/* ---- Calls of the bridge ---- */

unsigned host_credits(const struct host *h)
{
    unsigned in_flight = h->open_n[PENDING_DELIVERY];
    if (h->status != HOST_UP || in_flight >= h->credit_max || link_waiting(h->link) > HOST_OUT_SOFT ||
        h->fd_n + HOST_FILES_MAX > HOST_FDS_MAX)
        return 0;
    /* Where deliveries bring files, each may bring as many as it can. */
    unsigned by_files = h->fd_n > 0 ? (HOST_FDS_MAX - h->fd_n) / HOST_FILES_MAX : h->credit_max;
    unsigned left = h->credit_max - in_flight;
    return left < by_files ? left : by_files;
}

unsigned host_in_flight(const struct host *h)
{
    return h->open_n[PENDING_DELIVERY];
}

static int64_t attempt_ms(const struct host *h)
{
    return h->o.attempt_ms ? h->o.attempt_ms : 30 * SECOND_MS;
}

enum err host_deliver(struct host *h, uint64_t token, struct span json, const int *fd, unsigned fd_n,
                      const struct message_parts *parts)
{
    if (json.n > FRAME_WIRE_MAX - 32 || fd_n > HOST_FILES_MAX)
        return ERR_LIMIT;
    if (host_credits(h) == 0)
        return ERR_FULL;
    struct pending *p = begin(h, PENDING_DELIVERY, token, attempt_ms(h));
    p->fd_n = (uint16_t)fd_n;
    h->fd_n += fd_n;
    if (parts)
        p->parts = *parts;
    struct buf *out = link_begin(h->link, FRAME_DELIVER, p->wire);
    link_attach(h->link, fd, fd_n);
    frame_put_i64(out, clock_wall_ms() + attempt_ms(h));
    frame_put_u32(out, p->parts.sent);
    frame_put_i64(out, p->parts.cut);
    frame_put_span(out, json);
    link_end(h->link);
    return OK;
}

enum err host_notify(struct host *h, uint64_t token, bool is_failure, struct span json)
{
    if (json.n > FRAME_WIRE_MAX - 32)
        return ERR_LIMIT;
    if (h->status != HOST_UP || h->open_n[PENDING_NOTICE] >= HOST_NOTICES_MAX ||
        link_waiting(h->link) > HOST_OUT_SOFT)
        return ERR_FULL;
    struct pending *p = begin(h, PENDING_NOTICE, token, attempt_ms(h));
    struct buf *out = link_begin(h->link, FRAME_NOTICE, p->wire);
    frame_put_i64(out, clock_wall_ms() + attempt_ms(h));
    frame_put_u32(out, is_failure);
    frame_put_span(out, json);
    link_end(h->link);
    return OK;
}

static size_t head_bytes(const struct host_request *r)
{
    size_t n = r->method.n + r->path.n + r->query.n + r->peer.n;
    for (unsigned i = 0; i < r->header_n; i++)
        n += r->header[i].name.n + r->header[i].value.n + 2 * sizeof(uint32_t);
    return n;
}

/* body_file puts a body into a sealed file of memory; -1 if there is none to be had. */
static int body_file(struct span body)
{
    int fd = memfd_create("webhook", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    size_t at = 0;
    while (fd >= 0 && at < body.n) {
        ssize_t n = write(fd, body.p + at, body.n - at);
        if (n <= 0) {
            close(fd);
            return -1;
        }
        at += (size_t)n;
    }
    if (fd >= 0) {
        lseek(fd, 0, SEEK_SET);
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
    }
    return fd;
}

static void send_request(struct host *h, uint64_t wire, int64_t within_ms, const struct host_request *r,
                         int fd)
{
    struct buf *out = link_begin(h->link, FRAME_REQUEST, wire);
    if (fd >= 0)
        link_attach(h->link, &fd, 1);
    frame_put_i64(out, clock_wall_ms() + within_ms);
    frame_put_i64(out, (int64_t)r->body.n);
    frame_put_u32(out, r->header_n);
    for (unsigned i = 0; i < r->header_n; i++) {
        frame_put_span(out, r->header[i].name);
        frame_put_span(out, r->header[i].value);
    }
    frame_put_span(out, r->method);
    frame_put_span(out, r->path);
    frame_put_span(out, r->query);
    frame_put_span(out, r->peer);
    frame_put_span(out, fd >= 0 ? SPAN_NONE : r->body);
    link_end(h->link);
}

enum err host_request(struct host *h, uint64_t token, const struct host_request *r)
{
    int64_t within_ms = h->o.request_ms ? h->o.request_ms : 20 * SECOND_MS;
    int fd = -1;
    if (h->status != HOST_UP)
        return ERR_IO;
    if (!h->adapter.takes_requests)
        return ERR_NOT_FOUND;
    if (h->open_n[PENDING_REQUEST] >= HOST_REQUESTS_MAX || link_waiting(h->link) > HOST_OUT_SOFT)
        return ERR_FULL;
    if (head_bytes(r) > REQUEST_HEAD_MAX || r->body.n > BODY_FILE_MAX)
        return ERR_LIMIT;
    if (r->body.n > FRAME_INLINE_BODY_MAX && (fd = body_file(r->body)) < 0)
        return ERR_FULL;
    send_request(h, begin(h, PENDING_REQUEST, token, within_ms)->wire, within_ms, r, fd);
    if (fd >= 0)
        close(fd);
    return OK;
}
