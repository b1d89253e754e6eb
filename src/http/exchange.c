/*
 * Decides how an answer looks on the wire; what handlers see of a request.
 * Refuses to know what is asked or answered.
 * Invariant: an exchange ends exactly once: by http_reply, http_refuse, http_drop, http_stream_end, or its
 * stream's on_closed.
 */
#include "http/serving.h"
#include "http/text.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UNKNOWN_TYPE "application/octet-stream"

static struct span moved(struct span s, const char *from, const char *to)
{
    if (!s.p || s.p < from)
        return s;
    return (struct span){to + (s.p - from), s.n};
}

/* The head's spans point into text, which is the connection's; the exchange gets its own copy of both. */
static void copy_head(struct http_exchange *x, const struct http_head *h, struct span text)
{
    char *own = (char *)&x->field[h->field_n];
    memcpy(own, text.p, text.n);
    for (unsigned i = 0; i < h->field_n; i++) {
        x->field[i].name = moved(h->field[i].name, text.p, own);
        x->field[i].value = moved(h->field[i].value, text.p, own);
    }
    x->field_n = h->field_n;
    x->method = moved(h->method, text.p, own);
    x->query = moved(h->query, text.p, own);
    bool is_inside = h->path.p >= text.p && h->path.p < text.p + text.n; /* or the literal "/" */
    x->path = is_inside ? moved(h->path, text.p, own) : h->path;
}

struct http_exchange *exchange_new(struct conn *c, const struct http_route *route, const struct http_head *h,
                                   struct span text)
{
    struct http_server *s = c->server;
    size_t size = sizeof(struct http_exchange) + h->field_n * sizeof(struct http_field) + text.n;
    struct http_exchange *x = mem_realloc(NULL, size);
    memset(x, 0, sizeof *x);
    x->server = s;
    x->conn = c;
    x->route = route;
    x->first_byte_at = c->arrived_at;
    x->is_chunked = h->is_chunked;
    x->body_left = h->length;
    x->is_head = span_is(h->method, "HEAD");
    x->wants_keep_alive_line = h->minor == 0 && !h->wants_close;
    x->size = size;
    memcpy(x->peer, c->peer, sizeof x->peer);
    buf_init(&x->rest_decoded, s->limits.head_bytes);
    buf_init(&x->body, route->body_max_bytes);
    copy_head(x, h, text);
    LIST_INSERT_HEAD(&s->exchanges, x, link);
    s->stats.exchanges++;
    server_account(s, 0, size);
    return x;
}

void exchange_free(struct http_exchange *x)
{
    struct http_server *s = x->server;
    if (s) {
        LIST_REMOVE(x, link);
        s->stats.exchanges--;
        server_account(s, x->size + x->body.cap, 0);
    }
    buf_fini(&x->body);
    buf_fini(&x->rest_decoded);
    free(x);
}

static void write_status_line(struct buf *b, int status)
{
    char code[16];
    (void)snprintf(code, sizeof code, "%d ", status);
    buf_add_str(b, "HTTP/1.1 ");
    buf_add_str(b, code);
    buf_add_str(b, http_reason(status));
    buf_add_str(b, "\r\n");
}

static void write_line(struct buf *b, const char *name, const char *value)
{
    buf_add_str(b, name);
    buf_add_str(b, value);
    buf_add_str(b, "\r\n");
}

/* Types of attachments come from outside; one with a line break would be a header of its own. */
static bool is_one_line(const char *text)
{
    return !strpbrk(text, "\r\n");
}

static void write_length(struct buf *b, uint64_t n)
{
    char digits[24], *p = digits + sizeof digits;
    *--p = '\0';
    do
        *--p = (char)('0' + n % 10);
    while (n /= 10);
    write_line(b, "Content-Length: ", p);
}

void answer_send(struct conn *c, const struct answer *a)
{
    struct http_server *s = c->server;
    struct buf *b = &s->head;
    c->is_last = c->is_last || s->is_stopping || c->is_eof;
    buf_clear(b);
    if (a->status == 200)
        buf_add_span(b, SPAN_LIT("HTTP/1.1 200 OK\r\n"));
    else
        write_status_line(b, a->status);
    buf_add_str(b, server_date(s));
    if (a->content_type)
        write_line(b, "Content-Type: ", is_one_line(a->content_type) ? a->content_type : UNKNOWN_TYPE);
    if (a->headers)
        buf_add_str(b, a->headers);
    if (c->is_last)
        buf_add_span(b, SPAN_LIT("Connection: close\r\n"));
    else if (a->has_keep_alive_line)
        buf_add_span(b, SPAN_LIT("Connection: keep-alive\r\n"));
    if (a->status != 204 && a->status != 304)
        write_length(b, a->has_file ? a->file_bytes : a->body.n);
    buf_add_span(b, SPAN_LIT("\r\n"));
    must(!b->is_over);
    bool has_body = !a->is_head && a->status != 204 && a->status != 304;
    conn_send(c, buf_span(b), has_body ? a->body : SPAN_NONE);
}

void http_reply(struct http_exchange *x, int status, const char *content_type, struct span body,
                const char *headers)
{
    must(status >= 200 && status <= 599);
    struct conn *c = x->conn;
    if (!c) {
        exchange_free(x);
        return;
    }
    must(c->state == CONN_OPEN);
    if (!c->is_pumping)
        server_tick(c->server);
    struct answer a = {.status = status,
                       .content_type = content_type,
                       .headers = headers,
                       .body = body,
                       .is_head = x->is_head,
                       .has_keep_alive_line = x->wants_keep_alive_line};
    answer_send(c, &a);
    c->x = NULL;
    exchange_free(x);
    conn_answered(c);
    conn_settle(c);
}

void http_reply_file(struct http_exchange *x, int status, const char *content_type, int fd, uint64_t at,
                     uint64_t n, const char *headers)
{
    struct conn *c = x->conn;
    if (!c) {
        (void)close(fd);
        exchange_free(x);
        return;
    }
    must(c->state == CONN_OPEN && fd >= 0);
    if (!c->is_pumping)
        server_tick(c->server);
    struct answer a = {.status = status,
                       .content_type = content_type,
                       .headers = headers,
                       .is_head = x->is_head,
                       .has_keep_alive_line = x->wants_keep_alive_line,
                       .has_file = true,
                       .file_bytes = n};
    answer_send(c, &a);
    conn_send_file(c, fd, at, x->is_head ? 0 : n);
    c->x = NULL;
    exchange_free(x);
    conn_answered(c);
    conn_settle(c);
}

void http_drop(struct http_exchange *x)
{
    struct conn *c = x->conn;
    if (c)
        c->x = NULL;
    exchange_free(x);
    if (c)
        conn_close(c);
}

void http_refuse(struct http_exchange *x, int status, const char *reason)
{
    struct buf body;
    buf_init(&body, 65536);
    if (x->server)
        x->server->refuse(&body, status, reason);
    http_reply(x, status, "application/json", buf_span(&body), NULL);
    buf_fini(&body);
}

void http_on_health(struct http_exchange *x, void *arg)
{
    (void)arg;
    http_reply(x, 200, "text/plain", SPAN_LIT("ok\n"), NULL);
}

static void nothing(void *arg)
{
    (void)arg;
}

/* on_closed never runs inside a call of the stream's owner. */
static void stream_settle(struct conn *c)
{
    if (c->is_gone)
        server_later(c);
    else
        conn_settle(c);
}

static void stream_start(struct http_exchange *x, struct span head, void (*on_closed)(void *arg), void *arg)
{
    struct conn *c = x->conn;
    must(c && c->state == CONN_OPEN);
    x->on_closed = on_closed ? on_closed : nothing;
    x->on_closed_arg = arg;
    c->is_last = true;
    c->is_corked = false;
    conn_enter(c, CONN_STREAM);
    conn_send(c, head, SPAN_LIT("Connection: close\r\n\r\n"));
    c->is_gone = c->is_gone || x->is_head || c->is_eof;
    stream_settle(c);
}

void http_stream_start(struct http_exchange *x, void (*on_closed)(void *arg), void *arg)
{
    stream_start(
        x, SPAN_LIT("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"),
        on_closed, arg);
}

void http_raw_start(struct http_exchange *x, struct span head, void (*on_closed)(void *arg), void *arg)
{
    x->is_raw = true;
    stream_start(x, head, on_closed, arg);
}

static void write_event(struct buf *b, const char *event, struct span data)
{
    if (event)
        buf_addf(b, "event: %s\n", event);
    while (data.n) {
        const char *end = memchr(data.p, '\n', data.n);
        size_t n = end ? (size_t)(end - data.p) : data.n;
        buf_add_str(b, "data: ");
        buf_add(b, data.p, n);
        buf_add_char(b, '\n');
        n += end ? 1 : 0;
        data = (struct span){data.p + n, data.n - n};
    }
    buf_add_char(b, '\n');
}

static void stream_write(struct conn *c, struct span bytes, bool is_over)
{
    if (is_over || c->out.n - c->out_at + bytes.n > STREAM_BACKLOG_MAX)
        c->is_gone = true; /* a reader that lags behind loads the page again */
    else
        conn_send(c, bytes, SPAN_NONE);
    stream_settle(c);
}

void http_raw_write(struct http_exchange *x, struct span bytes)
{
    if (!x->conn->is_gone)
        stream_write(x->conn, bytes, false);
}

void http_stream_event(struct http_exchange *x, const char *event, struct span data)
{
    if (x->conn->is_gone)
        return;
    struct buf text;
    buf_init(&text, STREAM_BACKLOG_MAX);
    write_event(&text, event, data);
    stream_write(x->conn, buf_span(&text), text.is_over);
    buf_fini(&text);
}

void http_stream_end(struct http_exchange *x)
{
    struct conn *c = x->conn;
    c->x = NULL;
    exchange_free(x);
    server_tick(c->server);
    conn_answered(c);
    conn_settle(c);
}

struct span http_method(const struct http_exchange *x)
{
    return x->method;
}

struct span http_path(const struct http_exchange *x)
{
    return x->path;
}

struct span http_query(const struct http_exchange *x)
{
    return x->query;
}

struct span http_rest(const struct http_exchange *x)
{
    return x->rest;
}

struct span http_header(const struct http_exchange *x, const char *name)
{
    struct span wanted = span_of(name);
    for (unsigned i = 0; i < x->field_n; i++)
        if (span_ieq(x->field[i].name, wanted))
            return x->field[i].value;
    return SPAN_NONE;
}

bool http_header_at(const struct http_exchange *x, size_t i, struct span *name, struct span *value)
{
    if (i >= x->field_n)
        return false;
    *name = x->field[i].name;
    *value = x->field[i].value;
    return true;
}

struct span http_body(const struct http_exchange *x)
{
    return buf_span(&x->body);
}

mono_ms_t http_first_byte_at(const struct http_exchange *x)
{
    return x->first_byte_at;
}

struct span http_peer(const struct http_exchange *x)
{
    return span_of(x->peer);
}

enum err http_query_get(const struct http_exchange *x, const char *key, struct buf *out)
{
    struct span value = http_query_find(x->query, key);
    return value.p ? http_percent_decode(value, true, out) : ERR_NOT_FOUND;
}
