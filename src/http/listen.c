/*
 * Decides where the server listens and whom it accepts: addresses, unix sockets, the connection limits, and
 * what happens when the process is out of descriptors.
 * Refuses to know what connections do.
 * Invariant: a listener that cannot accept is not watched, so that the loop never spins on it.
 */
#include "http/serving.h"
#include "base/log.h"
#include "base/mem.h"
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024, ACCEPTS_AT_ONCE = 64, SHORTAGE_MS = 100, IDLE_GRACE_MS = 250, WARN_EVERY_MS = 10000 };

struct listener {
    struct http_server *server;
    int fd;
    unsigned port;
    char *unix_path;
    struct tls_identity *tls;
    struct event *ready;
    LIST_ENTRY(listener) link;
};

static void peer_text(const struct sockaddr_storage *from, char out[INET6_ADDRSTRLEN])
{
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)from;
    if (from->ss_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)from)->sin_addr, out, INET6_ADDRSTRLEN);
    else if (from->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
        inet_ntop(AF_INET, six->sin6_addr.s6_addr + 12, out, INET6_ADDRSTRLEN);
    else if (from->ss_family == AF_INET6)
        inet_ntop(AF_INET6, &six->sin6_addr, out, INET6_ADDRSTRLEN);
    else
        memcpy(out, "unix", sizeof "unix");
}

static bool is_full(const struct http_server *s)
{
    return s->stats.connections >= s->limits.connection_n;
}

/* Who makes room when there is none. Whoever has just come has not had the time to send a request. */
static struct conn *longest_idle(const struct http_server *s)
{
    struct conn *c = TAILQ_FIRST(&s->idle);
    return c && c->idle_at <= s->now - IDLE_GRACE_MS ? c : NULL;
}

static void welcome(struct listener *l, int fd, const struct sockaddr_storage *from)
{
    struct http_server *s = l->server;
    struct transport io = {.fd = fd};
    struct peer_key key;
    bool has_key = s->peers && peer_key_of(from, &key);
    if (has_key && !peers_add(s->peers, &key)) {
        close(fd);
        return;
    }
    if (l->tls && tls_accept(l->tls, &io) != OK) {
        if (has_key)
            peers_remove(s->peers, &key);
        close(fd);
        return;
    }
    if (is_full(s))
        conn_close(longest_idle(s));
    char peer[INET6_ADDRSTRLEN];
    peer_text(from, peer);
    conn_open(s, io, peer, has_key ? &key : NULL);
}

static void keep_reserve(struct http_server *s)
{
    if (s->reserve_fd < 0)
        s->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/*
 * Out of descriptors: whoever waits is left in the kernel's queue for the next try. When a try is in vain
 * again, one of them is turned away through the reserve, so that the queue moves and peers learn of it.
 */
static void on_shortage(struct listener *l)
{
    struct http_server *s = l->server;
    if (s->warned_at <= s->now - WARN_EVERY_MS) {
        s->warned_at = s->now;
        log_warn("out_of_descriptors", LOG_I64("connections", s->stats.connections));
    }
    if (s->is_short && s->reserve_fd >= 0) {
        close(s->reserve_fd);
        s->reserve_fd = -1;
        int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            close(fd);
        keep_reserve(s);
    }
    s->is_short = true;
    listeners_pause(s, SHORTAGE_MS);
}

static bool is_shortage(int e)
{
    return e == EMFILE || e == ENFILE || e == ENOBUFS || e == ENOMEM;
}

/* False when there is no more to accept for now. */
static bool accept_one(struct listener *l)
{
    struct http_server *s = l->server;
    if (is_full(s) && !longest_idle(s)) {
        listeners_pause(s, TAILQ_EMPTY(&s->idle) ? 0 : IDLE_GRACE_MS);
        return false;
    }
    struct sockaddr_storage from = {0};
    socklen_t n = sizeof from;
    int fd = accept4(l->fd, (struct sockaddr *)&from, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        s->is_short = false;
        welcome(l, fd, &from);
        return true;
    }
    if (is_shortage(errno)) {
        on_shortage(l);
        return false;
    }
    /* Errors of the one connection that has just gone again are not ours (accept(2)). */
    return errno != EAGAIN && errno != EBADF && errno != EINVAL;
}

static void on_acceptable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct listener *l = arg;
    server_tick(l->server);
    for (int i = 0; i < ACCEPTS_AT_ONCE && accept_one(l); i++)
        ;
}

static void on_accept_again(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    listeners_resume(arg);
}

void listeners_pause(struct http_server *s, int64_t retry_ms)
{
    struct listener *l;
    struct timeval delay = clock_tv(retry_ms);
    s->stats.is_accepting = false;
    LIST_FOREACH(l, &s->listeners, link) must(event_del(l->ready) == 0);
    if (retry_ms)
        must(event_add(s->accept_again, &delay) == 0);
}

void listeners_resume(struct http_server *s)
{
    struct listener *l;
    if (s->stats.is_accepting || s->is_stopping)
        return;
    s->stats.is_accepting = true;
    LIST_FOREACH(l, &s->listeners, link) must(event_add(l->ready, NULL) == 0);
}

static void listener_free(struct listener *l)
{
    LIST_REMOVE(l, link);
    event_free(l->ready);
    close(l->fd);
    if (l->unix_path)
        unlink(l->unix_path);
    free(l->unix_path);
    tls_identity_free(l->tls);
    free(l);
}

void listeners_close(struct http_server *s)
{
    struct listener *l;
    while ((l = LIST_FIRST(&s->listeners)))
        listener_free(l);
    if (s->accept_again)
        event_free(s->accept_again);
    s->accept_again = NULL;
    if (s->reserve_fd >= 0)
        close(s->reserve_fd);
    s->reserve_fd = -1;
}

static struct listener *listener_new(struct http_server *s, int fd, struct tls_identity *tls)
{
    struct listener *l = mem_zalloc(sizeof *l);
    l->server = s;
    l->fd = fd;
    l->tls = tls_identity_share(tls);
    l->ready = event_new(s->base, fd, EV_READ | EV_PERSIST, on_acceptable, l);
    must(l->ready && event_add(l->ready, NULL) == 0);
    if (!s->accept_again)
        s->accept_again = evtimer_new(s->base, on_accept_again, s);
    must(s->accept_again);
    keep_reserve(s);
    struct listener *last = LIST_FIRST(&s->listeners);
    while (last && LIST_NEXT(last, link))
        last = LIST_NEXT(last, link);
    if (last)
        LIST_INSERT_AFTER(last, l, link);
    else
        LIST_INSERT_HEAD(&s->listeners, l, link);
    return l;
}

static enum err complain(struct buf *why, const char *address)
{
    buf_addf(why, "Cannot listen on %s: %s.", address, strerror(errno));
    return ERR_IO;
}

/* A socket file that nobody listens on is left over from a process that was killed. */
static bool is_left_over(const struct sockaddr_un *sun)
{
    struct stat st;
    if (lstat(sun->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    bool is_dead = connect(fd, (const struct sockaddr *)sun, sizeof *sun) != 0 && errno == ECONNREFUSED;
    close(fd);
    return is_dead;
}

static enum err listen_unix(struct http_server *s, const char *address, const char *path, struct buf *why)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    const size_t path_n = strlen(path);
    if (path_n >= sizeof sun.sun_path) {
        buf_addf(why, "Cannot listen on %s: the path of a unix socket has at most %zu bytes.", address,
                 sizeof sun.sun_path - 1);
        return ERR_INVALID;
    }
    memcpy(sun.sun_path, path, path_n);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return complain(why, address);
    if (is_left_over(&sun))
        unlink(path);
    /* On Linux the file gets the mode of the unbound socket, so there is no moment with a wider one. */
    if (fchmod(fd, 0600) != 0 || bind(fd, (struct sockaddr *)&sun, sizeof sun) != 0 ||
        listen(fd, BACKLOG) != 0) {
        enum err e = complain(why, address);
        close(fd);
        return e;
    }
    listener_new(s, fd, NULL)->unix_path = mem_strdup(path);
    return OK;
}

static void set_port(struct sockaddr_storage *at, unsigned port)
{
    if (at->ss_family == AF_INET)
        ((struct sockaddr_in *)at)->sin_port = htons((uint16_t)port);
    else
        ((struct sockaddr_in6 *)at)->sin6_port = htons((uint16_t)port);
}

static unsigned bound_port(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } at = {0};
    socklen_t n = sizeof at;
    must(getsockname(fd, &at.any, &n) == 0);
    return ntohs(at.any.sa_family == AF_INET ? at.four.sin_port : at.six.sin6_port);
}

/* A listening descriptor, or -1 with errno. is_any: an IPv6 socket that takes IPv4 too. */
static int bind_tcp(const struct sockaddr_storage *at, socklen_t n, bool is_any)
{
    int on = 1, v6only = !is_any;
    int fd = socket(at->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    bool is_bound = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0;
    if (at->ss_family == AF_INET6)
        is_bound = is_bound && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof v6only) == 0;
    /* What is accepted inherits it on Linux: a call less for each connection. */
    is_bound = is_bound && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
               bind(fd, (const struct sockaddr *)at, n) == 0 && listen(fd, BACKLOG) == 0;
    if (is_bound)
        return fd;
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

static enum err listen_any(struct http_server *s, const char *address, unsigned port,
                           struct tls_identity *tls, struct buf *why)
{
    struct sockaddr_storage six = {.ss_family = AF_INET6}, four = {.ss_family = AF_INET};
    set_port(&six, port);
    set_port(&four, port);
    int fd = bind_tcp(&six, sizeof(struct sockaddr_in6), true);
    if (fd < 0 && errno != EADDRINUSE && errno != EACCES) /* a machine without IPv6 */
        fd = bind_tcp(&four, sizeof(struct sockaddr_in), false);
    if (fd < 0)
        return complain(why, address);
    listener_new(s, fd, tls)->port = bound_port(fd);
    return OK;
}

static bool split_address(const char *address, char host[256], unsigned *port)
{
    const char *colon = strrchr(address, ':');
    uint64_t number;
    if (!colon || !span_u64(span_of(colon + 1), &number) || number > 65535)
        return false;
    size_t n = (size_t)(colon - address);
    bool is_bracketed = n >= 2 && address[0] == '[' && address[n - 1] == ']';
    if (is_bracketed) {
        address++;
        n -= 2;
    } else if (memchr(address, ':', n))
        return false;
    if (n >= 256)
        return false;
    memcpy(host, address, n);
    host[n] = '\0';
    *port = (unsigned)number;
    return true;
}

/* Listens on every address that host has; the first decides a free port. */
static enum err listen_found(struct http_server *s, const char *address, const struct addrinfo *found,
                             unsigned port, struct tls_identity *tls, struct buf *why)
{
    struct listener *first = NULL;
    for (const struct addrinfo *a = found; a; a = a->ai_next) {
        struct sockaddr_storage at = {0};
        memcpy(&at, a->ai_addr, a->ai_addrlen);
        set_port(&at, first ? first->port : port);
        int fd = bind_tcp(&at, a->ai_addrlen, false);
        if (fd < 0 && (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT) && (first || a->ai_next))
            continue;
        if (fd < 0)
            return complain(why, address);
        struct listener *l = listener_new(s, fd, tls);
        l->port = bound_port(fd);
        first = first ? first : l;
    }
    return first ? OK : complain(why, address);
}

static enum err listen_tcp(struct http_server *s, const char *address, struct tls_identity *tls,
                           struct buf *why)
{
    char host[256];
    unsigned port;
    if (!split_address(address, host, &port)) {
        buf_addf(why, "Cannot listen on %s: write it as HOST:PORT, [IPv6]:PORT, :PORT or unix:/PATH.",
                 address);
        return ERR_INVALID;
    }
    if (!host[0])
        return listen_any(s, address, port, tls, why);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found;
    int failed = getaddrinfo(host, NULL, &hints, &found);
    if (failed) {
        buf_addf(why, "Cannot listen on %s: %s.", address, gai_strerror(failed));
        return ERR_INVALID;
    }
    enum err e = listen_found(s, address, found, port, tls, why);
    freeaddrinfo(found);
    return e;
}

enum err http_server_listen(struct http_server *s, const char *address, struct buf *why)
{
    if (strncmp(address, "unix:", 5) == 0)
        return listen_unix(s, address, address + 5, why);
    return listen_tcp(s, address, NULL, why);
}

enum err http_server_listen_tls(struct http_server *s, const char *address, const char *cert_file,
                                const char *key_file, struct buf *why)
{
    struct tls_identity *tls;
    enum err e = tls_identity_new(cert_file, key_file, &tls, why);
    if (e)
        return e;
    e = listen_tcp(s, address, tls, why);
    tls_identity_free(tls);
    return e;
}

enum err http_server_reload_tls(struct http_server *s, struct buf *why)
{
    struct listener *l;
    enum err e = OK;
    LIST_FOREACH(l, &s->listeners, link)
    if (l->tls && !e)
        e = tls_identity_reload(l->tls, why);
    return e;
}

unsigned http_server_port(const struct http_server *s)
{
    struct listener *l;
    LIST_FOREACH(l, &s->listeners, link)
    if (l->port)
        return l->port;
    return 0;
}
