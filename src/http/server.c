/*
 * Holds a server together: its limits, its one timer, its account of memory, its beginning and its end.
 * Refuses to know HTTP.
 * Invariant: what is added to buffered_bytes is taken off again with the memory it stands for.
 */
#include "http/serving.h"
#include "base/mem.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const struct http_limits http_limits_default = {
    .head_bytes = 16 << 10,
    .header_n = HTTP_HEADERS_MAX,
    .connection_n = 10000,
    .buffered_bytes = 256 << 20,
    .head_ms = 10 * SECOND_MS,
    .request_ms = MINUTE_MS,
    .idle_ms = 75 * SECOND_MS,
    .write_ms = 30 * SECOND_MS,
};

void server_tick(struct http_server *s)
{
    s->now = clock_mono_ms();
}

static void arm(struct http_server *s, mono_ms_t at)
{
    if (at >= s->timer_at)
        return;
    struct timeval delay = clock_tv(at - s->now);
    s->timer_at = at;
    must(event_add(s->timer, &delay) == 0);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct http_server *s = arg;
    struct wheel_node *n;
    server_tick(s);
    s->timer_at = WHEEL_NEVER;
    while ((n = wheel_take(&s->wheel, s->now)))
        conn_expired(container_of(n, struct conn, deadline));
    arm(s, wheel_next(&s->wheel));
}

void server_set_deadline(struct http_server *s, struct conn *c, mono_ms_t due)
{
    wheel_set(&s->wheel, &c->deadline, due);
    arm(s, wheel_at(&c->deadline));
}

static void on_later(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct http_server *s = arg;
    struct conn *c;
    server_tick(s);
    s->turn++; /* what is put off again meanwhile waits for the next turn of the loop */
    while ((c = TAILQ_FIRST(&s->later)) && c->later_turn != s->turn) {
        TAILQ_REMOVE(&s->later, c, later_link);
        c->is_waiting = false;
        conn_pump(c);
    }
}

void server_later(struct conn *c)
{
    if (c->is_waiting)
        return;
    struct http_server *s = c->server;
    const struct timeval at_once = {0, 0};
    c->is_waiting = true;
    c->later_turn = s->turn;
    TAILQ_INSERT_TAIL(&s->later, c, later_link);
    /* A timer, not event_active, which would run again before anything is polled. */
    must(event_add(s->later_event, &at_once) == 0);
}

size_t server_room(const struct http_server *s)
{
    size_t used = s->stats.buffered_bytes, max = s->limits.buffered_bytes;
    return used < max ? max - used : 0;
}

void server_account(struct http_server *s, size_t before, size_t after)
{
    s->stats.buffered_bytes = s->stats.buffered_bytes - before + after;
}

enum err server_hold(struct http_server *s, struct buf *b, struct span bytes)
{
    if (bytes.n > server_room(s))
        return ERR_FULL;
    size_t before = b->cap;
    buf_add_span(b, bytes);
    must(!b->is_over);
    server_account(s, before, b->cap);
    return OK;
}

void server_release(struct http_server *s, struct buf *b)
{
    size_t max_bytes = b->max_bytes;
    server_account(s, b->cap, 0);
    buf_fini(b);
    buf_init(b, max_bytes);
}

const char *server_date(struct http_server *s)
{
    time_t now = (time_t)(clock_wall_ms() / SECOND_MS);
    if (now != s->date_s) {
        struct tm tm;
        s->date_s = now;
        gmtime_r(&now, &tm);
        must(strftime(s->date, sizeof s->date, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm) > 0);
    }
    return s->date;
}

struct http_server *http_server_new(struct event_base *base, const struct http_limits *limits,
                                    const struct http_route *routes, size_t route_n, http_refuse_fn *refuse)
{
    struct http_server *s = mem_zalloc(sizeof *s);
    (void)signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
    s->base = base;
    s->limits = limits ? *limits : http_limits_default;
    s->routes = mem_dup(routes, route_n * sizeof *routes);
    s->route_n = route_n;
    s->refuse = refuse;
    s->stats.is_accepting = true;
    s->reserve_fd = -1;
    s->timer_at = WHEEL_NEVER;
    LIST_INIT(&s->listeners);
    TAILQ_INIT(&s->conns);
    TAILQ_INIT(&s->idle);
    TAILQ_INIT(&s->later);
    LIST_INIT(&s->exchanges);
    if (s->limits.per_address_n)
        s->peers = peers_new(s->limits.per_address_n);
    server_tick(s);
    s->warned_at = INT64_MIN / 2;
    wheel_init(&s->wheel, s->now);
    buf_init(&s->head, 65536);
    s->timer = evtimer_new(base, on_timer, s);
    s->later_event = evtimer_new(base, on_later, s);
    must(s->timer && s->later_event);
    return s;
}

void http_server_stop(struct http_server *s)
{
    struct conn *c, *next;
    s->is_stopping = true;
    s->stats.is_accepting = false;
    listeners_close(s);
    for (c = TAILQ_FIRST(&s->idle); c; c = next) {
        next = TAILQ_NEXT(c, idle_link);
        conn_close(c);
    }
}

void http_server_free(struct http_server *s)
{
    if (!s)
        return;
    struct conn *c;
    struct http_exchange *x;
    http_server_stop(s);
    while ((c = TAILQ_FIRST(&s->conns))) {
        must(!c->is_pumping); /* not from a handler */
        conn_close(c);
    }
    while ((x = LIST_FIRST(&s->exchanges))) {
        LIST_REMOVE(x, link);
        x->server = NULL;
    }
    event_free(s->timer);
    event_free(s->later_event);
    peers_free(s->peers);
    buf_fini(&s->head);
    free(s->routes);
    free(s);
}

struct http_server_stats http_server_stats(const struct http_server *s)
{
    return s->stats;
}
