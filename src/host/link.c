/*
 * Moves frames through the socket pair. Decides when to write (once a loop turn), how much to read (one
 * buffer a turn, so that one busy child does not hold the loop) and which descriptors belong to which frame.
 * Knows nothing of what frames mean.
 *
 * Danger: the kernel hands over descriptors with the first byte of the sendmsg that carried them and never
 * merges bytes beyond them into the same recvmsg (unix(7), SCM_RIGHTS). So a frame with descriptors begins a
 * sendmsg of its own, and what has arrived before its frame is whole belongs to the frame under way.
 */
#include "host/link.h"
#include "base/clock.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BYTES = 64 << 10, KEEP_BYTES = 256 << 10, CROWDED_MS = 20 };

struct attached { /* descriptors that wait for the byte at position to be written */
    uint64_t position;
    unsigned fd_n;
    int fd[FRAME_FDS_MAX];
    struct attached *next;
};

struct link {
    int fd;
    enum frame_side in_side;
    struct event *read_event, *write_event;
    struct event *later; /* when writing is tried again, though the socket has room */
    const struct link_events *events;
    void *arg;
    struct buf out;
    size_t out_at;    /* written so far of out */
    uint64_t written; /* bytes ever written */
    size_t frame_at;  /* where in out the open frame begins */
    struct attached *attached, **attached_tail;
    char *in;
    size_t in_n, in_cap;
    int in_fd[FRAME_FDS_MAX];
    unsigned in_fd_n;
    bool is_paused, is_ended;
    const char *fault;
};

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_writable(evutil_socket_t fd, short what, void *arg);

struct link *link_new(struct event_base *base, int fd, enum frame_side in, size_t out_max_bytes,
                      const struct link_events *e, void *arg)
{
    struct link *l = mem_zalloc(sizeof *l);
    l->fd = fd;
    l->in_side = in;
    l->events = e;
    l->arg = arg;
    buf_init(&l->out, out_max_bytes);
    l->attached_tail = &l->attached;
    must(evutil_make_socket_nonblocking(fd) == 0);
    l->read_event = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, l);
    l->write_event = event_new(base, fd, EV_WRITE, on_writable, l);
    l->later = evtimer_new(base, on_writable, l);
    must(l->read_event && l->write_event && l->later);
    event_add(l->read_event, NULL);
    return l;
}

static void close_all(int *fd, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (fd[i] >= 0)
            close(fd[i]);
    }
}

static void drop_attached(struct link *l)
{
    struct attached *a = l->attached;
    l->attached = a->next;
    if (!l->attached)
        l->attached_tail = &l->attached;
    close_all(a->fd, a->fd_n);
    free(a);
}

void link_free(struct link *l)
{
    if (!l)
        return;
    event_free(l->read_event);
    event_free(l->write_event);
    event_free(l->later);
    while (l->attached)
        drop_attached(l);
    close_all(l->in_fd, l->in_fd_n);
    close(l->fd);
    buf_fini(&l->out);
    free(l->in);
    free(l);
}

static void end(struct link *l, const char *fault)
{
    if (l->is_ended)
        return;
    l->is_ended = true;
    event_del(l->read_event);
    event_del(l->write_event);
    event_del(l->later);
    l->events->on_end(l, fault, l->arg);
}

/* ---- Output ---- */

struct buf *link_begin(struct link *l, enum frame_type type, uint64_t token)
{
    l->frame_at = frame_begin(&l->out, type, 0, token);
    return &l->out;
}

void link_attach(struct link *l, const int *fd, unsigned fd_n)
{
    must(fd_n <= FRAME_FDS_MAX);
    if (fd_n == 0 || l->out.is_over)
        return;
    struct attached *a = mem_zalloc(sizeof *a);
    a->position = l->written + l->frame_at - l->out_at;
    for (unsigned i = 0; i < fd_n; i++) {
        a->fd[i] = fcntl(fd[i], F_DUPFD_CLOEXEC, 3);
        if (a->fd[i] < 0)
            break;
        a->fd_n++;
    }
    if (a->fd_n < fd_n)
        l->fault = "out of descriptors";
    l->out.p[l->frame_at + 5] = (char)a->fd_n; /* the head's fd_n */
    *l->attached_tail = a;
    l->attached_tail = &a->next;
}

void link_end(struct link *l)
{
    frame_end(&l->out, l->frame_at);
    if (l->out.is_over)
        l->fault = "it does not read what it is sent";
    if (!l->is_ended && !event_pending(l->write_event, EV_WRITE, NULL))
        event_active(l->write_event, EV_WRITE, 0);
}

void link_send(struct link *l, enum frame_type type, uint64_t token)
{
    link_begin(l, type, token);
    link_end(l);
}

size_t link_waiting(const struct link *l)
{
    return l->out.n - l->out_at;
}

uint64_t link_position(const struct link *l)
{
    return l->written + link_waiting(l);
}

bool link_has_left(const struct link *l, uint64_t position)
{
    return l->written > position;
}

/* The bytes that one sendmsg may carry: up to the next frame with descriptors, which begins another. */
static size_t sendable(const struct link *l, const struct attached **with)
{
    const struct attached *a = l->attached;
    *with = NULL;
    if (a && a->position == l->written) {
        *with = a;
        a = a->next;
    }
    return a ? (size_t)(a->position - l->written) : link_waiting(l);
}

static ssize_t send_some(struct link *l)
{
    const struct attached *with;
    struct iovec iov = {.iov_len = sendable(l, &with), .iov_base = l->out.p + l->out_at};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * FRAME_FDS_MAX)];
    if (with) {
        msg.msg_control = control;
        msg.msg_controllen = CMSG_SPACE(sizeof(int) * with->fd_n);
        memset(control, 0, sizeof control);
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        *c = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        c->cmsg_len = CMSG_LEN(sizeof(int) * with->fd_n);
        memcpy(CMSG_DATA(c), with->fd, sizeof(int) * with->fd_n);
    }
    ssize_t n = sendmsg(l->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0 && with)
        drop_attached(l);
    return n;
}

static void forget_written(struct link *l)
{
    size_t rest = link_waiting(l);
    if (rest > 0 && l->out_at < rest)
        return;
    if (rest)
        memmove(l->out.p, l->out.p + l->out_at, rest);
    l->out.n = rest;
    l->out_at = 0;
    if (rest == 0 && l->out.cap > KEEP_BYTES) {
        size_t max = l->out.max_bytes;
        buf_fini(&l->out);
        buf_init(&l->out, max);
    }
}

enum wrote {
    WROTE_ALL,
    WROTE_FULL, /* the socket has no room */
    WROTE_CROWDED, /* this user has too many descriptors on their way (unix(7), ETOOMANYREFS): soon there are fewer */
    WROTE_BROKEN
};

/* write_out writes what the socket takes. */
static enum wrote write_out(struct link *l)
{
    while (link_waiting(l) > 0) {
        ssize_t n = send_some(l);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? WROTE_FULL : errno == ETOOMANYREFS ? WROTE_CROWDED : WROTE_BROKEN;
        l->written += (uint64_t)n;
        l->out_at += (size_t)n;
    }
    forget_written(l);
    return WROTE_ALL;
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct link *l = arg;
    struct timeval soon = clock_tv(CROWDED_MS);
    if (l->fault) {
        end(l, l->fault);
        return;
    }
    enum wrote wrote = write_out(l);
    if (wrote == WROTE_FULL)
        event_add(l->write_event, NULL);
    else if (wrote == WROTE_CROWDED)
        event_add(l->later, &soon);
    /* A broken pipe shows at the reading side too, after what the peer wrote before it died. */
}

bool link_flush_wait(struct link *l, int timeout_ms)
{
    mono_ms_t until = clock_mono_ms() + timeout_ms;
    enum wrote wrote;
    while ((wrote = write_out(l)) == WROTE_FULL || wrote == WROTE_CROWDED) {
        mono_ms_t left = until - clock_mono_ms();
        struct pollfd p = {.fd = l->fd, .events = POLLOUT};
        if (left <= 0)
            break;
        if (wrote == WROTE_CROWDED)
            poll(NULL, 0, left < CROWDED_MS ? (int)left : CROWDED_MS);
        else if (poll(&p, 1, (int)left) <= 0)
            break;
    }
    return link_waiting(l) == 0;
}

void link_end_output(struct link *l)
{
    write_out(l);
    shutdown(l->fd, SHUT_WR);
}

/* ---- Input ---- */

static void take_descriptors(struct link *l, struct msghdr *msg)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (l->in_fd_n < FRAME_FDS_MAX) {
                l->in_fd[l->in_fd_n++] = fd;
            } else {
                close(fd);
                l->fault = "more descriptors than a frame may carry";
            }
        }
    }
    if (msg->msg_flags & MSG_CTRUNC)
        l->fault = "more descriptors than a frame may carry";
}

static ssize_t receive_some(struct link *l)
{
    if (l->in_cap - l->in_n < READ_BYTES / 2) {
        l->in_cap = l->in_n + READ_BYTES;
        l->in = mem_realloc(l->in, l->in_cap);
    }
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * FRAME_FDS_MAX)];
    struct iovec iov = {.iov_base = l->in + l->in_n, .iov_len = l->in_cap - l->in_n};
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t n = recvmsg(l->fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (n > 0) {
        l->in_n += (size_t)n;
        take_descriptors(l, &msg);
    }
    return n;
}

static const char *hand_over(struct link *l, const struct frame *f)
{
    if (f->fd_n > l->in_fd_n)
        return "a frame without the descriptors that it announces";
    int fd[FRAME_FDS_MAX];
    memcpy(fd, l->in_fd, sizeof(int) * f->fd_n);
    l->in_fd_n -= f->fd_n;
    memmove(l->in_fd, l->in_fd + f->fd_n, sizeof(int) * l->in_fd_n);
    const char *fault = l->events->on_frame(l, f, fd, l->arg);
    close_all(fd, f->fd_n);
    return fault;
}

/* How many descriptors may be here before the frame under way is whole. */
static unsigned expected_descriptors(const struct link *l, size_t at)
{
    if (at == l->in_n)
        return 0;
    return l->in_n - at < FRAME_HEAD_BYTES ? FRAME_FDS_MAX : (unsigned char)l->in[at + 5];
}

static void make_room(struct link *l, size_t at, size_t needed)
{
    l->in_n -= at;
    if (at > 0) /* not once more for each piece of a long frame */
        memmove(l->in, l->in + at, l->in_n);
    if (needed > l->in_cap) {
        l->in_cap = needed;
        l->in = mem_realloc(l->in, needed);
    } else if (l->in_n == 0 && l->in_cap > KEEP_BYTES) {
        free(l->in);
        l->in = NULL;
        l->in_cap = 0;
    }
}

/* handle_frames hands over every whole frame; false when the link has ended. */
static bool handle_frames(struct link *l)
{
    size_t at = 0, needed = 0;
    while (!l->is_paused && !l->fault) {
        struct frame f;
        enum err e = frame_next((struct span){l->in + at, l->in_n - at}, l->in_side, &f, &needed, &l->fault);
        if (e != OK)
            break;
        at += needed;
        needed = 0;
        l->fault = hand_over(l, &f);
    }
    if (!l->fault && !l->is_paused && l->in_fd_n > expected_descriptors(l, at))
        l->fault = "descriptors that no frame announces";
    make_room(l, at, needed);
    if (l->fault)
        end(l, l->fault);
    return !l->is_ended;
}

/* read_turn reads one buffer; false when there is nothing more now. */
static bool read_turn(struct link *l)
{
    ssize_t n = receive_some(l);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n <= 0) {
        end(l, NULL);
        return false;
    }
    return handle_frames(l);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct link *l = arg;
    if (l->in_n == 0 || handle_frames(l))
        read_turn(l);
}

void link_pause(struct link *l, bool is_paused)
{
    if (l->is_paused == is_paused || l->is_ended)
        return;
    l->is_paused = is_paused;
    if (is_paused) {
        event_del(l->read_event);
    } else {
        event_add(l->read_event, NULL);
        event_active(l->read_event, EV_READ, 0); /* whole frames may be here already */
    }
}

void link_drain(struct link *l)
{
    l->is_paused = false;
    if (!l->is_ended && (l->in_n == 0 || handle_frames(l))) {
        while (!l->is_ended && read_turn(l))
            continue;
    }
}
