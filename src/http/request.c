/*
 * Decides which requests become exchanges: routes, methods, sizes, types. The rest is refused here, and as
 * early as it can be known: before a body is read.
 * Refuses to know how bytes come and go, and what handlers do.
 * Invariant: after a refusal that leaves bytes of the request unread, the connection closes.
 */
#include "http/serving.h"
#include "http/text.h"
#include <string.h>

struct verdict {
    const struct http_route *route;
    int status;      /* 0: accepted */
    const char *why; /* NULL for 415 */
};

#define REFUSED(code, sentence) ((struct verdict){.status = (code), .why = (sentence)})

static bool path_matches(const struct http_route *r, struct span path)
{
    size_t n = strlen(r->path);
    if (path.n < n || memcmp(path.p, r->path, n) != 0)
        return false;
    if (path.n == n)
        return true;
    return r->match == HTTP_PREFIX && (r->path[n - 1] == '/' || path.p[n] == '/');
}

static struct verdict find_route(const struct http_server *s, const struct http_head *h)
{
    bool is_known = false;
    for (size_t i = 0; i < s->route_n; i++)
        if (path_matches(&s->routes[i], h->path)) {
            if (http_methods_have(s->routes[i].methods, h->method))
                return (struct verdict){.route = &s->routes[i]};
            is_known = true;
        }
    return is_known ? REFUSED(405, "This path does not take this method.")
                    : REFUSED(404, "There is nothing at this path.");
}

static struct span header_of(const struct http_head *h, const char *name)
{
    struct span wanted = span_of(name);
    for (unsigned i = 0; i < h->field_n; i++)
        if (span_ieq(h->field[i].name, wanted))
            return h->field[i].value;
    return SPAN_NONE;
}

static bool is_missing_length(const struct http_head *h, const struct http_route *r)
{
    return r->body_type && !h->has_length && !h->is_chunked &&
           (span_is(h->method, "POST") || span_is(h->method, "PUT") || span_is(h->method, "PATCH"));
}

static struct verdict judge(const struct http_server *s, const struct http_head *h)
{
    if (h->field_n > s->limits.header_n)
        return REFUSED(431, "There are too many header lines.");
    struct verdict v = find_route(s, h);
    if (v.status)
        return v;
    const struct http_route *r = v.route;
    bool has_body = h->is_chunked || h->length > 0;
    if (h->length > r->body_max_bytes || (h->is_chunked && r->body_max_bytes == 0))
        return REFUSED(413,
                       "The body is larger than is taken here (limits.callback_body, limits.hook_body).");
    if (is_missing_length(h, r))
        return REFUSED(411, "The request has no Content-Length.");
    if (has_body && r->body_type && !http_media_type_is(header_of(h, "content-type"), r->body_type))
        return (struct verdict){.route = r, .status = 415}; /* the sentence has words of the request's */
    if (h->length > server_room(s))
        return REFUSED(429, "The server holds as many requests as it can: try again later.");
    return v;
}

/* "Allow: GET, HEAD, POST" of all routes at this path. */
static void write_allow(const struct http_server *s, struct span path, struct buf *out)
{
    const char *separator = "Allow: ";
    for (size_t i = 0; i < s->route_n; i++)
        if (path_matches(&s->routes[i], path)) {
            buf_add_str(out, separator);
            http_methods_list(s->routes[i].methods, out);
            separator = ", ";
        }
    buf_add_str(out, "\r\n");
}

#define LATER "Retry-After: 5\r\n" /* what fills the server is there for seconds */

static void refuse(struct conn *c, int status, const char *reason, const char *headers, bool is_head)
{
    struct http_server *s = c->server;
    struct buf body;
    buf_init(&body, 65536);
    s->refuse(&body, status, reason);
    s->stats.refused++;
    struct answer a = {.status = status,
                       .content_type = "application/json",
                       .headers = status == 429 ? LATER : headers,
                       .body = buf_span(&body),
                       .is_head = is_head};
    answer_send(c, &a);
    buf_fini(&body);
    conn_answered(c);
}

void request_refuse(struct conn *c, int status, const char *reason, const char *headers)
{
    if (c->x) {
        struct http_exchange *x = c->x;
        c->x = NULL;
        exchange_free(x);
    }
    c->is_last = c->is_cut = true;
    refuse(c, status, reason, headers, false);
}

/* What of the request follows its head in `after`; SIZE_MAX if it has not all arrived. */
static size_t rest_of_request(const struct http_head *h, struct span after)
{
    return h->is_chunked || h->length > after.n ? SIZE_MAX : (size_t)h->length;
}

/* A refused request whose body is here already does not cost the connection. */
static size_t refuse_whole(struct conn *c, const struct http_head *h, const struct verdict *v,
                           struct span after)
{
    struct buf allow;
    buf_init(&allow, 1024);
    if (v->status == 405)
        write_allow(c->server, h->path, &allow);
    size_t body_n = rest_of_request(h, after);
    if (body_n == SIZE_MAX || h->wants_close)
        c->is_last = true;
    c->is_cut = body_n == SIZE_MAX;
    char wrong[HTTP_WRONG_TYPE_BYTES];
    const char *why =
        v->why ? v->why : http_wrong_type(header_of(h, "content-type"), v->route->body_type, wrong);
    refuse(c, v->status, why, allow.n ? allow.p : NULL, span_is(h->method, "HEAD"));
    buf_fini(&allow);
    return body_n == SIZE_MAX ? after.n : body_n;
}

static void dispatch(struct conn *c)
{
    struct http_exchange *x = c->x;
    conn_enter(c, CONN_OPEN);
    x->route->handler(x, x->route->arg);
}

/* How much of `after` belongs to this request, now that it is an exchange. */
static size_t begin(struct conn *c, const struct http_head *h, const struct http_route *route,
                    struct span text, struct span after)
{
    struct http_exchange *x = c->x = exchange_new(c, route, h, text);
    size_t n = strlen(route->path);
    struct span rest = {x->path.p + n, x->path.n - n};
    if (rest.n && route->path[n - 1] != '/')
        rest = (struct span){rest.p + 1, rest.n - 1};
    if (http_percent_decode(rest, false, &x->rest_decoded) != OK) {
        request_refuse(c, 400, "The path has a bad percent-encoding.", NULL);
        return after.n;
    }
    x->rest = buf_span(&x->rest_decoded);
    if (!h->is_chunked && h->length == 0) {
        c->is_corked = after.n > 0;
        dispatch(c);
        return 0;
    }
    conn_enter(c, CONN_BODY);
    if (h->expects_continue && after.n == 0)
        conn_send(c, SPAN_LIT("HTTP/1.1 100 Continue\r\n\r\n"), SPAN_NONE);
    return 0;
}

static size_t wait_for_head(struct conn *c, struct span in)
{
    if (in.n >= c->server->limits.head_bytes) {
        request_refuse(c, 431, "The request's head is too large.", NULL);
        return in.n;
    }
    c->scanned = (unsigned)in.n;
    if (c->state == CONN_IDLE)
        conn_enter(c, CONN_HEAD);
    return 0;
}

size_t request_read_head(struct conn *c, struct span in)
{
    struct http_server *s = c->server;
    if (c->state == CONN_IDLE) {
        c->began_at = s->now;
        c->scanned = 0;
    }
    if (in.n >= 2 && in.p[0] == '\r' && in.p[1] == '\n') {
        c->scanned = 0;
        return 2; /* RFC 9112 2.2: an empty line before the request is passed over */
    }
    size_t n = http_head_end(in, c->scanned);
    if (n == 0)
        return wait_for_head(c, in);
    struct span text = {in.p, n}, after = {in.p + n, in.n - n};
    int status = 431;
    const char *why = "The request's head is too large.";
    if (n > s->limits.head_bytes || http_head_parse(text, &s->parsed, &status, &why) != OK) {
        request_refuse(c, status, why, NULL);
        return in.n;
    }
    struct verdict v = judge(s, &s->parsed);
    c->is_corked = rest_of_request(&s->parsed, after) < after.n;
    if (v.status)
        return n + refuse_whole(c, &s->parsed, &v, after);
    c->is_last = s->parsed.wants_close;
    return n + begin(c, &s->parsed, v.route, text, after);
}

static size_t feed_chunks(struct conn *c, struct span in)
{
    struct http_exchange *x = c->x;
    struct http_server *s = c->server;
    size_t used = 0, before = x->body.cap;
    bool is_done = false;
    enum err e =
        in.n > server_room(s) ? ERR_FULL : http_chunks_feed(&x->chunks, in, &used, &x->body, &is_done);
    server_account(s, before, x->body.cap);
    if (e == OK) {
        x->body_left = is_done ? 0 : 1;
        return used;
    }
    if (e == ERR_FULL)
        request_refuse(c, 429, "The server holds as many requests as it can: try again later.", NULL);
    else if (e == ERR_LIMIT)
        request_refuse(
            c, 413, "The body is larger than is taken here (limits.callback_body, limits.hook_body).", NULL);
    else
        request_refuse(c, 400, "The chunks of the body are malformed.", NULL);
    return 0;
}

static size_t feed_length(struct conn *c, struct span in)
{
    struct http_exchange *x = c->x;
    size_t n = x->body_left < in.n ? (size_t)x->body_left : in.n;
    if (server_hold(c->server, &x->body, (struct span){in.p, n}) != OK) {
        request_refuse(c, 429, "The server holds as many requests as it can: try again later.", NULL);
        return 0;
    }
    x->body_left -= n;
    return n;
}

size_t request_read_body(struct conn *c, struct span in)
{
    size_t n = c->x->is_chunked ? feed_chunks(c, in) : feed_length(c, in);
    if (n == 0) /* refused */
        return in.n;
    if (c->x->body_left == 0) {
        c->is_corked = n < in.n;
        dispatch(c);
    }
    return n;
}
