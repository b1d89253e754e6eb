#include "fake_http.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static struct http_call *first;
static const char *const *told; /* the headers of the answer that on_done hears of */

struct http_call *fake_first(void)
{
    return first;
}

unsigned fake_open_n(void)
{
    unsigned n = 0;

    for (struct http_call *c = first; c; c = c->next)
        n++;
    return n;
}

struct http_call *http_call_start(struct http_client *c, const struct http_request *r, http_done_fn *on_done,
                                  void *arg)
{
    struct http_call *call = mem_zalloc(sizeof *call), **at = &first;
    char *body = r->body.p ? mem_zalloc(r->body.n + 1) : NULL;

    (void)c;
    if (body)
        memcpy(body, r->body.p, r->body.n);
    *call = (struct http_call){.method = mem_strdup(r->method),
                               .url = mem_strdup(r->url),
                               .body = body,
                               .timeout_ms = r->timeout_ms,
                               .max_answer_bytes = r->max_answer_bytes,
                               .on_done = on_done,
                               .arg = arg};
    for (size_t i = 0; i < r->header_n; i++) {
        if (strcmp(r->headers[i].name, "Authorization") == 0)
            call->authorization = mem_strdup(r->headers[i].value);
        if (strcmp(r->headers[i].name, "Content-Type") == 0)
            call->content_type = mem_strdup(r->headers[i].value);
    }
    while (*at)
        at = &(*at)->next;
    *at = call;
    return call;
}

static void end(struct http_call *call, struct http_answer *a)
{
    struct http_call **at = &first;

    while (*at != call)
        at = &(*at)->next;
    *at = call->next;
    told = call->headers;
    call->on_done(a, call->arg);
    free(call->method);
    free(call->url);
    free(call->body);
    free(call->authorization);
    free(call->content_type);
    free(call);
}

void fake_answer(int status, const char *body, const char *const *headers)
{
    struct http_answer a = {.is_sent = true, .status = status, .body = {body, strlen(body)}};

    first->headers = headers;
    end(first, &a);
}

void fake_fail(enum http_fail fail, bool is_sent)
{
    struct http_answer a = {.fail = fail, .is_sent = is_sent};

    end(first, &a);
}

void http_call_cancel(struct http_call *call)
{
    struct http_answer a = {.fail = HTTP_FAIL_CANCELLED, .is_sent = true};

    end(call, &a);
}

struct span http_answer_header(const struct http_answer *a, const char *name)
{
    (void)a;
    for (const char *const *h = told; h && h[0]; h += 2)
        if (strcasecmp(h[0], name) == 0)
            return span_of(h[1]);
    return SPAN_NONE;
}

const char *http_fail_text(enum http_fail f)
{
    return f == HTTP_FAIL_CONNECT ? "no connection" : "it failed";
}

int64_t http_retry_after(struct span value, wall_ms_t now, int64_t max_ms)
{
    uint64_t s;

    (void)now;
    return span_u64(value, &s) ? (int64_t)s * 1000 < max_ms ? (int64_t)s * 1000 : max_ms : -1;
}
