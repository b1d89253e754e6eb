/*
 * The adapter's requests to its backend, by the HTTP client on the host's loop, which is made when the first
 * is asked for. Decides what an answer is called at the ABI: nothing sent, perhaps sent, never called.
 */
#include "host/child.h"
#include "base/mem.h"
#include "http/client.h"
#include <stdlib.h>
#include <strings.h>

enum { TIMEOUT_MS = 30000, TIMEOUT_MAX_MS = 600000, HEADERS_MAX = 100, ANSWER_HEADERS_MAX = 100 };
#define ANSWER_MAX (UINT64_C(64) << 20)

struct exchange {
    struct child *child;
    struct http_call *call; /* NULL: free */
    fb_http_fn *done;       /* NULL: nobody listens any more */
    void *arg;
    uint64_t id;
};

struct child_https {
    struct http_client *client;
    struct exchange slot[CHILD_HTTP_MAX];
    uint64_t generation;
    unsigned hint;
};

static enum fb_http_fail fail_of(const struct http_answer *a)
{
    switch (a->fail) {
    case HTTP_FAIL_NONE:
        return FB_HTTP_OK;
    case HTTP_FAIL_URL:
    case HTTP_FAIL_ADDRESS:
    case HTTP_FAIL_TLS:
        return FB_HTTP_REFUSED;
    case HTTP_FAIL_CONNECT:
        return FB_HTTP_UNREACHABLE;
    default:
        return a->is_sent ? FB_HTTP_LOST : FB_HTTP_UNREACHABLE;
    }
}

static uint32_t copy_headers(const struct http_answer *a, struct fb_header *out)
{
    struct span name, value;
    uint32_t n = 0;
    while (n < ANSWER_HEADERS_MAX && http_answer_header_at(a, n, &name, &value)) {
        out[n].name = span_strdup(name);
        out[n].value = span_strdup(value);
        n++;
    }
    return n;
}

static void call_done(fb_http_fn *done, void *arg, const struct http_answer *a)
{
    struct fb_header header[ANSWER_HEADERS_MAX];
    char *body = span_strdup(a->body.p ? a->body : SPAN_LIT(""));
    struct fb_http_answer out = {.size = sizeof out,
                                 .fail = fail_of(a),
                                 .status = a->status,
                                 .headers = header,
                                 .header_n = copy_headers(a, header),
                                 .body = body,
                                 .body_n = a->body.n,
                                 .message = a->fail == HTTP_FAIL_NONE ? NULL : http_fail_text(a->fail)};
    done(arg, &out);
    for (uint32_t i = 0; i < out.header_n; i++) {
        free((char *)(uintptr_t)header[i].name);
        free((char *)(uintptr_t)header[i].value);
    }
    free(body);
}

static void on_done(const struct http_answer *a, void *arg)
{
    struct exchange *x = arg;
    fb_http_fn *done = x->done;
    x->call = NULL;
    x->done = NULL;
    if (done)
        call_done(done, x->arg, a);
}

static struct exchange *free_exchange(struct child_https *h)
{
    for (unsigned i = 0; i < CHILD_HTTP_MAX; i++) {
        unsigned at = (h->hint + i) % CHILD_HTTP_MAX;
        if (!h->slot[at].call) {
            h->hint = (at + 1) % CHILD_HTTP_MAX;
            return &h->slot[at];
        }
    }
    return NULL;
}

static const char *request_fault(const struct fb_http_request *q, fb_http_fn *done)
{
    if (!q || !FB_HAS(q, max_answer_bytes))
        return "the request's size is not set";
    if (!q->method || !*q->method || !q->url || !done)
        return "method, url and done are required";
    if (q->header_n > HEADERS_MAX)
        return "there are more than 100 headers";
    for (uint32_t i = 0; i < q->header_n; i++) {
        if (!q->headers[i].name || !q->headers[i].value)
            return "a header has no name or value";
    }
    return NULL;
}

/* libcurl would guess a scheme for a URL without one; an empty URL it refuses, by done like any other. */
static const char *absolute(const char *url)
{
    return strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0 ? url : "";
}

static struct http_call *start(struct child_https *h, const struct fb_http_request *q, struct exchange *x)
{
    struct http_header_line line[HEADERS_MAX];
    for (uint32_t i = 0; i < q->header_n; i++)
        line[i] = (struct http_header_line){q->headers[i].name, q->headers[i].value};
    uint64_t most = q->max_answer_bytes < ANSWER_MAX ? q->max_answer_bytes : ANSWER_MAX;
    uint32_t timeout_ms = q->timeout_ms ? q->timeout_ms : TIMEOUT_MS;
    struct http_request r = {.method = q->method,
                             .url = absolute(q->url),
                             .headers = line,
                             .header_n = q->header_n,
                             .body = {q->body, q->body ? q->body_n : 0},
                             .body_fd = -1,
                             .timeout_ms = timeout_ms < TIMEOUT_MAX_MS ? timeout_ms : TIMEOUT_MAX_MS,
                             .max_answer_bytes = (size_t)most,
                             .denies_private = q->flags & FB_HTTP_PUBLIC_ONLY};
    if (FB_HAS(q, body_fd) && q->body_fd_bytes > 0) {
        r.body_fd = q->body_fd;
        r.body_fd_bytes = q->body_fd_bytes;
    }
    return http_call_start(h->client, &r, on_done, x);
}

static struct child_https *https_of(struct child *c)
{
    if (!c->https) {
        c->https = mem_zalloc(sizeof *c->https);
        c->https->client = http_client_new(c->base, &(struct http_client_options){.ca_file = c->ca_file});
    }
    return c->https;
}

uint64_t child_http(const struct fb_host *host, const struct fb_http_request *q, fb_http_fn *done, void *arg)
{
    struct child *c = child_of(host);
    if (child_is_elsewhere(c, "http"))
        return 0;
    const char *fault = request_fault(q, done);
    if (fault) {
        child_complain(c, "http", fault);
        return 0;
    }
    struct child_https *h = https_of(c);
    struct exchange *x = free_exchange(h);
    if (!x)
        return 0;
    *x = (struct exchange){.child = c, .done = done, .arg = arg};
    x->id = ++h->generation * CHILD_HTTP_MAX + (uint64_t)(x - h->slot);
    x->call = start(h, q, x);
    return x->id;
}

void child_http_cancel(const struct fb_host *host, uint64_t id)
{
    struct child *c = child_of(host);
    if (child_is_elsewhere(c, "http_cancel") || !c->https)
        return;
    struct exchange *x = &c->https->slot[id % CHILD_HTTP_MAX];
    if (!x->call || x->id != id)
        return;
    x->done = NULL;
    http_call_cancel(x->call);
}

void child_http_fini(struct child *c)
{
    if (!c->https)
        return;
    for (unsigned i = 0; i < CHILD_HTTP_MAX; i++)
        c->https->slot[i].done = NULL;
    http_client_free(c->https->client);
    free(c->https);
    c->https = NULL;
}
