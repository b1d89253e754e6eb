/*
 * Decides when a call begins and ends on the wire with libcurl, and which of a few ways to fail it was.
 * Refuses to know what a request or an answer holds (call.c).
 * Invariant: a call is in calls from its start to its on_done; libcurl never calls an owner's function.
 */
#include "base/mem.h"
#include "http/call.h"
#include <event2/event_struct.h>
#include <signal.h>
#include <stdlib.h>

enum { HANDLES_KEPT = 64 };

TAILQ_HEAD(call_list, http_call);

struct http_client {
    struct event_base *base;
    CURLM *multi;
    struct event *timer, *later;
    struct call_list calls;
    CURL *handle[HANDLES_KEPT];
    unsigned handle_n;
    char *ca_file, *unix_socket;
};

struct socket_watch {
    struct event ready;
    struct http_client *client;
    short what;
};

#define SET_MULTI(multi, option, value) must(curl_multi_setopt((multi), (option), (value)) == CURLM_OK)

/* ---- Sockets and time, as libcurl wants them ---- */

static void step(struct http_client *c, curl_socket_t fd, int what);

static void on_socket_ready(evutil_socket_t fd, short what, void *arg)
{
    struct socket_watch *w = arg;
    step(w->client, fd, (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0));
}

static int on_want_socket(CURL *handle, curl_socket_t fd, int want, void *arg, void *assigned)
{
    (void)handle;
    struct http_client *c = arg;
    struct socket_watch *w = assigned;
    short what = (short)((want & CURL_POLL_IN ? EV_READ : 0) | (want & CURL_POLL_OUT ? EV_WRITE : 0));
    if (want == CURL_POLL_REMOVE) {
        if (w)
            event_del(&w->ready);
        free(w);
        return 0;
    }
    if (!w) {
        w = mem_zalloc(sizeof *w);
        w->client = c;
        must(curl_multi_assign(c->multi, fd, w) == CURLM_OK);
    } else if (w->what == what)
        return 0;
    else
        event_del(&w->ready);
    w->what = what;
    event_assign(&w->ready, c->base, fd, (short)(what | EV_PERSIST), on_socket_ready, w);
    must(event_add(&w->ready, NULL) == 0);
    return 0;
}

static int on_want_timer(CURLM *multi, long delay_ms, void *arg)
{
    (void)multi;
    struct http_client *c = arg;
    struct timeval delay = clock_tv(delay_ms);
    return delay_ms < 0 ? event_del(c->timer) : event_add(c->timer, &delay);
}

/* ---- A call's life ---- */

static CURL *handle_take(struct http_client *c)
{
    return c->handle_n ? c->handle[--c->handle_n] : call_handle_new(c->ca_file, c->unix_socket);
}

static void handle_give_back(struct http_client *c, CURL *h)
{
    if (c->handle_n < HANDLES_KEPT)
        c->handle[c->handle_n++] = h;
    else
        curl_easy_cleanup(h);
}

static bool begin(struct http_call *call, const struct http_request *r)
{
    call->handle = handle_take(call->client);
    return call_set_up(call, r) && curl_multi_add_handle(call->client->multi, call->handle) == CURLM_OK;
}

static void drop_handle(struct http_call *call)
{
    CURL *h = call->handle;
    if (!h)
        return;
    (void)curl_multi_remove_handle(call->client->multi, h);
    call_undo_set_up(call);
    call->handle = NULL;
    if (call->connects_only)
        curl_easy_cleanup(h); /* closes the connection, which is of no more use */
    else
        handle_give_back(call->client, h);
}

static void tell_later(struct http_client *c)
{
    const struct timeval at_once = {0, 0};
    must(event_add(c->later, &at_once) == 0);
}

struct http_call *http_call_start(struct http_client *c, const struct http_request *r, http_done_fn *on_done,
                                  void *arg)
{
    struct http_call *call = call_new(c, r, on_done, arg);
    TAILQ_INSERT_TAIL(&c->calls, call, link);
    if (call_is_sendable(r) && begin(call, r))
        return call;
    drop_handle(call);
    TAILQ_REMOVE(&c->calls, call, link);
    TAILQ_INSERT_HEAD(&c->calls, call, link);
    tell_later(c);
    return call;
}

static void end(struct http_call *call, enum http_fail fail, bool is_sent, int status)
{
    struct http_answer a = {.fail = fail,
                            .is_sent = is_sent,
                            .status = fail == HTTP_FAIL_NONE ? status : 0,
                            .body = buf_span(&call->body),
                            .head = buf_span(&call->head),
                            .took_ms = clock_mono_ms() - call->started_at};
    call->is_ending = true;
    TAILQ_REMOVE(&call->client->calls, call, link);
    drop_handle(call);
    call->on_done(&a, call->arg);
    call_free(call);
}

/* Whether a byte of the request has left: libcurl counts them, over all its tries. */
static bool is_sent(const struct http_call *call)
{
    long bytes = 0;
    must(!call->handle || curl_easy_getinfo(call->handle, CURLINFO_REQUEST_SIZE, &bytes) == CURLE_OK);
    return bytes > 0;
}

static enum http_fail classify(const struct http_call *call, CURLcode result, bool sent)
{
    if (call->is_denied)
        return HTTP_FAIL_ADDRESS;
    if (call->is_too_large)
        return HTTP_FAIL_TOO_LARGE;
    if (call->is_stopped)
        return HTTP_FAIL_STOPPED;
    switch ((int)result) {
    case CURLE_OK:
        return HTTP_FAIL_NONE;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL: /* of the URL, or of the answer */
        return sent ? HTTP_FAIL_BROKEN : HTTP_FAIL_URL;
    case CURLE_FILESIZE_EXCEEDED:
        return HTTP_FAIL_TOO_LARGE;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return HTTP_FAIL_TLS;
    case CURLE_OPERATION_TIMEDOUT:
        return sent ? HTTP_FAIL_TIMEOUT : HTTP_FAIL_CONNECT;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
        return HTTP_FAIL_CONNECT;
    default: /* a handshake that ended, among others */
        return sent ? HTTP_FAIL_BROKEN : HTTP_FAIL_CONNECT;
    }
}

static void finish(CURL *handle, CURLcode result)
{
    char *private;
    long status = 0;
    must(curl_easy_getinfo(handle, CURLINFO_PRIVATE, &private) == CURLE_OK);
    must(curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK);
    struct http_call *call = (struct http_call *)(void *)private;
    bool sent = is_sent(call);
    end(call, classify(call, result, sent), sent, (int)status);
}

static void step(struct http_client *c, curl_socket_t fd, int what)
{
    int running, left;
    CURLMsg *m;
    must(curl_multi_socket_action(c->multi, fd, what, &running) == CURLM_OK);
    while ((m = curl_multi_info_read(c->multi, &left)))
        if (m->msg == CURLMSG_DONE)
            finish(m->easy_handle, m->data.result);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    step(arg, CURL_SOCKET_TIMEOUT, 0);
}

/* Calls that were refused as they started have no handle and are first in the list. One is told at a time, so
 * that whoever answers a refusal with the same call again does not hold up the loop. */
static void on_later(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct http_client *c = arg;
    struct http_call *call = TAILQ_FIRST(&c->calls);
    if (!call || call->handle)
        return;
    tell_later(c);
    end(call, HTTP_FAIL_URL, false, 0);
}

void http_call_cancel(struct http_call *call)
{
    must(!call->is_ending);
    end(call, HTTP_FAIL_CANCELLED, is_sent(call), 0);
}

/* ---- The client ---- */

struct http_client *http_client_new(struct event_base *base, const struct http_client_options *o)
{
    static const struct http_client_options defaults;
    struct http_client *c = mem_zalloc(sizeof *c);
    o = o ? o : &defaults;
    (void)signal(SIGPIPE, SIG_IGN);
    must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    c->base = base;
    c->ca_file = o->ca_file ? mem_strdup(o->ca_file) : NULL;
    c->unix_socket = o->unix_socket ? mem_strdup(o->unix_socket) : NULL;
    TAILQ_INIT(&c->calls);
    c->timer = evtimer_new(base, on_timer, c);
    c->later = evtimer_new(base, on_later, c);
    c->multi = curl_multi_init();
    must(c->timer && c->later && c->multi);
    long total = o->connections ? (long)o->connections : 256;
    SET_MULTI(c->multi, CURLMOPT_SOCKETFUNCTION, on_want_socket);
    SET_MULTI(c->multi, CURLMOPT_SOCKETDATA, c);
    SET_MULTI(c->multi, CURLMOPT_TIMERFUNCTION, on_want_timer);
    SET_MULTI(c->multi, CURLMOPT_TIMERDATA, c);
    SET_MULTI(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
              o->connections_per_host ? (long)o->connections_per_host : 64);
    SET_MULTI(c->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, total);
    SET_MULTI(c->multi, CURLMOPT_MAXCONNECTS, total);
    return c;
}

void http_client_free(struct http_client *c)
{
    struct http_call *call;
    if (!c)
        return;
    while ((call = TAILQ_FIRST(&c->calls)))
        http_call_cancel(call);
    while (c->handle_n)
        curl_easy_cleanup(c->handle[--c->handle_n]);
    must(curl_multi_cleanup(c->multi) == CURLM_OK);
    event_free(c->timer);
    event_free(c->later);
    free(c->ca_file);
    free(c->unix_socket);
    free(c);
    curl_global_cleanup();
}
