/*
 * Decides what a connection does next: read, work, write, wait, close. One enum, one function changes it.
 * Refuses to know what a request means; that is request.c's.
 * Invariant: after each turn a connection waits for something with a deadline, or for a handler's answer.
 */
#include "http/serving.h"
#include "base/mem.h"
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Comments that keep a quiet stream alive through proxies, and how long a last answer may take to be read. */
enum { STREAM_PING_MS = 15000, LINGER_MS = 2000 };

enum { ANSWER_MAX = 64 << 20 };

static mono_ms_t deadline_of(const struct conn *c)
{
    const struct http_limits *l = &c->server->limits;
    mono_ms_t now = c->server->now;
    switch (c->state) {
    case CONN_IDLE:
        return now + (transport_is_ready(&c->io) ? l->idle_ms : l->head_ms);
    case CONN_HEAD:
        return c->began_at + l->head_ms;
    case CONN_BODY:
        return c->began_at + l->request_ms;
    case CONN_WRITING:
        return now + l->write_ms;
    case CONN_STREAM:
        return now + STREAM_PING_MS;
    case CONN_LINGER:
        return now + LINGER_MS;
    case CONN_NEW:
    case CONN_OPEN:
    case CONN_STATES:
        break;
    }
    return WHEEL_NEVER;
}

void conn_enter(struct conn *c, enum conn_state state)
{
    struct http_server *s = c->server;
    if (c->state == CONN_IDLE)
        TAILQ_REMOVE(&s->idle, c, idle_link);
    c->state = state;
    if (state == CONN_IDLE) {
        c->idle_at = s->now;
        TAILQ_INSERT_TAIL(&s->idle, c, idle_link);
    }
    server_set_deadline(s, c, deadline_of(c));
}

static size_t pending(const struct conn *c)
{
    return c->out.n - c->out_at;
}

/* What the peer may send while its current request is being worked on: the next head, no more. */
static bool has_room(const struct conn *c)
{
    if (c->is_eof || c->is_gone)
        return false;
    return (c->state != CONN_OPEN && c->state != CONN_WRITING) || c->in.n < c->server->limits.head_bytes;
}

static void watch(struct event *ready, bool *is_on, bool wants)
{
    if (*is_on == wants)
        return;
    *is_on = wants;
    must((wants ? event_add(ready, NULL) : event_del(ready)) == 0);
}

static void lose(struct conn *c)
{
    c->is_gone = true;
}

/* The answer is with the kernel: what now? */
static void finish_answer(struct conn *c)
{
    if (!c->is_last)
        conn_enter(c, CONN_IDLE);
    else if (c->is_cut && !c->is_eof) {
        transport_end(&c->io);
        conn_enter(c, CONN_LINGER);
    } else
        lose(c);
}

static void forget_written(struct conn *c, size_t n)
{
    c->out_at += n;
    if (pending(c) == 0) {
        server_release(c->server, &c->out);
        c->out_at = 0;
    }
    if (c->state == CONN_WRITING || c->state == CONN_STREAM)
        server_set_deadline(c->server, c, deadline_of(c));
}

static void drop_file(struct conn *c)
{
    if (c->file_fd < 0)
        return;
    (void)close(c->file_fd);
    c->file_fd = -1;
    c->server->stats.files--;
}

/* Progress counts by steps, so that a peer that takes a byte now and then cannot keep a descriptor for ever. */
static void forget_sent(struct conn *c, uint64_t n)
{
    c->file_at += n;
    c->file_left -= n;
    c->file_unmarked += n;
    if (c->file_left == 0)
        drop_file(c);
    if (c->file_unmarked < FILE_STEP_BYTES && c->file_left > 0)
        return;
    c->file_unmarked = 0;
    server_set_deadline(c->server, c, deadline_of(c));
}

static void flush_file(struct conn *c)
{
    for (uint64_t turn = 0; c->file_fd >= 0 && !c->is_gone && turn < FILE_TURN_BYTES;) {
        size_t room = c->file_left < FILE_TURN_BYTES ? (size_t)c->file_left : FILE_TURN_BYTES;
        ssize_t n = transport_send_file(&c->io, c->file_fd, c->file_at, room);
        if (n == 0 || n == TRANSPORT_BROKEN)
            lose(c); /* a body that ends early must not look whole */
        if (n <= 0)
            return;
        turn += (uint64_t)n;
        forget_sent(c, (uint64_t)n);
    }
}

static void flush(struct conn *c)
{
    while (pending(c) && !c->is_gone) {
        struct iovec rest = {c->out.p + c->out_at, pending(c)};
        ssize_t n = transport_write(&c->io, &rest, 1);
        if (n == TRANSPORT_BROKEN)
            lose(c);
        else if (n < 0 && c->state == CONN_IDLE)
            conn_enter(c, CONN_WRITING); /* no further request until gathered answers are read */
        if (n < 0)
            return;
        forget_written(c, (size_t)n);
    }
    if (c->state != CONN_WRITING || c->is_gone)
        return;
    flush_file(c);
    if (c->file_fd < 0 && !c->is_gone)
        finish_answer(c);
}

static void keep(struct conn *c, struct span rest)
{
    size_t before = c->out.cap;
    buf_add_span(&c->out, rest);
    server_account(c->server, before, c->out.cap);
    if (c->out.is_over)
        lose(c);
}

void conn_send(struct conn *c, struct span head, struct span body)
{
    size_t sent = 0;
    if (!pending(c) && (!c->is_corked || body.n > ANSWERS_GATHERED)) {
        struct iovec parts[2] = {{(void *)(uintptr_t)head.p, head.n}, {(void *)(uintptr_t)body.p, body.n}};
        ssize_t n = transport_write(&c->io, parts, body.n ? 2 : 1);
        if (n == TRANSPORT_BROKEN)
            lose(c);
        sent = n > 0 ? (size_t)n : 0;
    }
    if (c->is_gone || sent == head.n + body.n)
        return;
    size_t from_head = sent < head.n ? sent : head.n, from_body = sent - from_head;
    keep(c, (struct span){head.p + from_head, head.n - from_head});
    if (body.n)
        keep(c, (struct span){body.p + from_body, body.n - from_body});
}

void conn_send_file(struct conn *c, int fd, uint64_t at, uint64_t n)
{
    if (n == 0 || c->is_gone) {
        (void)close(fd);
        return;
    }
    c->file_fd = fd;
    c->file_at = at;
    c->file_left = n;
    c->file_unmarked = 0;
    c->server->stats.files++;
}

void conn_answered(struct conn *c)
{
    if (c->is_corked && c->file_fd < 0 && !c->is_last && pending(c) < ANSWERS_GATHERED) {
        conn_enter(c, CONN_IDLE);
        return;
    }
    conn_enter(c, CONN_WRITING);
    flush(c);
}

static void end_of_input(struct conn *c)
{
    c->is_eof = true;
    if (c->state == CONN_HEAD || c->state == CONN_BODY)
        request_refuse(c, 400, "The connection ended before the request did.", NULL);
    else if (c->state != CONN_OPEN && c->state != CONN_WRITING)
        lose(c);
}

/* consume hands bytes to the request reader until it wants more, or until an answer is owed first. */
static size_t consume(struct conn *c, struct span in)
{
    size_t used = 0;
    while (used < in.n && !c->is_gone) {
        struct span rest = {in.p + used, in.n - used};
        size_t n = 0;
        if (c->state == CONN_BODY)
            n = request_read_body(c, rest);
        else if (c->state == CONN_IDLE || c->state == CONN_HEAD)
            n = request_read_head(c, rest);
        else if (c->state == CONN_LINGER || c->state == CONN_STREAM)
            n = rest.n; /* nobody will ask for it */
        if (n == 0)
            break;
        used += n;
    }
    c->is_corked = false;
    return used;
}

static void consume_kept(struct conn *c)
{
    size_t used = consume(c, buf_span(&c->in));
    if (used == c->in.n)
        server_release(c->server, &c->in);
    else if (used) {
        c->in.n -= used;
        memmove(c->in.p, c->in.p + used, c->in.n);
    }
}

static void keep_input(struct conn *c, struct span bytes)
{
    if (bytes.n == 0 || server_hold(c->server, &c->in, bytes) == OK)
        return;
    if (c->state == CONN_HEAD)
        request_refuse(c, 429, "The server holds as many requests as it can: try again later.", NULL);
    else
        lose(c);
}

static void arrived(struct conn *c, size_t n)
{
    struct http_server *s = c->server;
    struct span bytes = {s->scratch, n};
    if (c->in.n) {
        keep_input(c, bytes);
        consume_kept(c);
        return;
    }
    c->arrived_at = s->now;
    size_t used = consume(c, bytes);
    if (!c->is_gone && c->state != CONN_LINGER)
        keep_input(c, (struct span){bytes.p + used, n - used});
}

static ssize_t read_some(struct conn *c)
{
    if (c->state != CONN_LINGER)
        return transport_read(&c->io, c->server->scratch, SCRATCH_BYTES);
    /* After transport_end TLS has nothing more to say: its bytes are thrown away undecoded. */
    ssize_t n = read(c->io.fd, c->server->scratch, SCRATCH_BYTES);
    return n > 0 || (n < 0 && errno == EAGAIN) ? TRANSPORT_WAIT : 0;
}

static void take_input(struct conn *c)
{
    ssize_t n = read_some(c);
    if (n > 0)
        arrived(c, (size_t)n);
    else if (n == 0)
        end_of_input(c);
    else if (n == TRANSPORT_BROKEN)
        lose(c);
    else if (n == TRANSPORT_TURN)
        c->wants_turn = true;
    if (n == SCRATCH_BYTES)
        server_later(c);
}

void conn_settle(struct conn *c)
{
    if (c->is_pumping)
        return;
    if (c->is_gone) {
        conn_close(c);
        return;
    }
    if (c->state == CONN_IDLE && c->in.n)
        server_later(c);
    watch(&c->read_ready, &c->is_reading, has_room(c));
    watch(&c->write_ready, &c->is_writing, pending(c) > 0 || c->file_fd >= 0 || c->wants_turn);
}

void conn_pump(struct conn *c)
{
    c->is_pumping = true;
    c->wants_turn = false;
    flush(c);
    if (c->in.n && !c->is_gone && (c->state == CONN_IDLE || c->state == CONN_LINGER))
        consume_kept(c);
    if (has_room(c))
        take_input(c);
    flush(c);
    c->is_pumping = false;
    conn_settle(c);
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    struct conn *c = arg;
    server_tick(c->server);
    if (what & EV_WRITE)
        c->is_writing = false; /* not persistent, unlike reading */
    conn_pump(c);
}

void conn_expired(struct conn *c)
{
    if (c->state == CONN_HEAD || c->state == CONN_BODY) {
        request_refuse(c, 408, "The request took too long to arrive.", NULL);
        conn_settle(c);
    } else if (c->state == CONN_STREAM && !pending(c)) {
        if (!c->x->is_raw)
            conn_send(c, SPAN_LIT(":\n\n"), SPAN_NONE);
        conn_enter(c, CONN_STREAM);
        conn_settle(c);
    } else
        conn_close(c);
}

void conn_open(struct http_server *s, struct transport io, const char *peer, const struct peer_key *key)
{
    struct conn *c = mem_zalloc(sizeof *c);
    c->server = s;
    c->io = io;
    c->file_fd = -1;
    strncpy(c->peer, peer, sizeof c->peer - 1);
    c->is_counted = key != NULL;
    if (key)
        c->peer_key = *key;
    buf_init(&c->in, SCRATCH_BYTES + s->limits.head_bytes);
    buf_init(&c->out, ANSWER_MAX);
    event_assign(&c->read_ready, s->base, io.fd, EV_READ | EV_PERSIST, on_ready, c);
    event_assign(&c->write_ready, s->base, io.fd, EV_WRITE, on_ready, c);
    TAILQ_INSERT_TAIL(&s->conns, c, link);
    s->stats.connections++;
    s->stats.accepted++;
    conn_enter(c, CONN_IDLE);
    conn_settle(c);
}

static void leave_exchange(struct conn *c)
{
    struct http_exchange *x = c->x;
    if (!x)
        return;
    c->x = NULL;
    x->conn = NULL;
    if (c->state == CONN_STREAM) {
        void (*on_closed)(void *arg) = x->on_closed;
        void *arg = x->on_closed_arg;
        exchange_free(x);
        on_closed(arg);
    } else if (c->state != CONN_OPEN)
        exchange_free(x);
}

void conn_close(struct conn *c)
{
    struct http_server *s = c->server;
    if (c->is_pumping) {
        lose(c);
        return;
    }
    leave_exchange(c);
    event_del(&c->read_ready);
    event_del(&c->write_ready);
    wheel_remove(&c->deadline);
    TAILQ_REMOVE(&s->conns, c, link);
    if (c->state == CONN_IDLE)
        TAILQ_REMOVE(&s->idle, c, idle_link);
    if (c->is_waiting)
        TAILQ_REMOVE(&s->later, c, later_link);
    if (c->is_counted && s->peers)
        peers_remove(s->peers, &c->peer_key);
    server_release(s, &c->in);
    server_release(s, &c->out);
    drop_file(c);
    transport_close(&c->io);
    free(c);
    s->stats.connections--;
    listeners_resume(s);
}
