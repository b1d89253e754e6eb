/*
 * Decides what one call says to libcurl and takes from it: which addresses it may reach, its headers, form or body, and where
 * the answer goes.
 * Refuses to know when calls begin and end, what is called, to follow redirects, and to send a request twice that must not be.
 * Invariant: what a call put into its handle is out of it again before the call is freed.
 */
#include "http/call.h"
#include "base/mem.h"
#include "base/point.h"
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ANSWER_HEAD_MAX = 64 << 10,
    ANSWER_MAX_DEFAULT = 1 << 20,
    CONNECT_MS_MAX = 10000,
    /* Many servers close a connection that had no request for 5 s (Node's default). One that was idle for 4 s
     * is not used again, lest a request meets the close half way. */
    IDLE_S_MAX = 3,
    STALL_BYTES_PER_S = 1024, /* what is slower moves hardly a byte */
};

/* ---- Where it may go, and how often ---- */

static bool may_reach(const struct http_call *call, const char *numeric)
{
    return !call->denies_private || http_address_is_public(numeric) ||
           (call->allowed && http_networks_have(call->allowed, numeric));
}

static bool may_open(const struct http_call *call, const struct sockaddr *address)
{
    char numeric[INET6_ADDRSTRLEN] = "";
    if (address->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, numeric,
                  sizeof numeric);
    else if (address->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, numeric,
                  sizeof numeric);
    return may_reach(call, numeric);
}

static curl_socket_t on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    struct http_call *call = arg;
    if (!may_open(call, &address->addr)) {
        call->is_denied = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/*
 * Called each time that libcurl is about to send the request. Two things are decided here and nowhere else:
 * - A connection that another call opened may lead to an address that this one must not reach.
 * - When a reused connection ends before a byte of the answer, libcurl sends the request again on a new one.
 *   Mostly the server had closed it for being idle; but it may as well have acted on the request and died,
 * and the two look alike. So what is not idempotent (RFC 9110 9.2.2) is not sent again: the call ends as
 * broken with is_sent, and whoever knows the peer decides.
 */
static int on_request(void *arg, char *peer, char *local, int peer_port, int local_port)
{
    (void)local, (void)peer_port, (void)local_port;
    struct http_call *call = arg;
    if (!may_reach(call, peer)) {
        call->is_denied = true;
        return CURL_PREREQFUNC_ABORT;
    }
    return call->request_n++ && !call->is_repeatable ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* ---- The answer ---- */

static size_t on_answer_head(char *line, size_t size, size_t n, void *arg)
{
    struct http_call *call = arg;
    if (n >= 5 && memcmp(line, "HTTP/", 5) == 0)
        buf_clear(&call->head); /* 100 Continue, or the real one after it */
    else
        buf_add(&call->head, line, n);
    call->is_too_large = call->is_too_large || call->head.is_over;
    return call->head.is_over ? 0 : size * n;
}

static bool goes_elsewhere(const struct http_call *call)
{
    long status = 0;
    if (call->on_bytes)
        must(curl_easy_getinfo(call->handle, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK);
    return status == 200;
}

static size_t hand_over(struct http_call *call, struct span bytes)
{
    call->bytes_n += bytes.n;
    call->is_too_large = call->is_too_large || call->bytes_n > call->bytes_max;
    call->is_stopped = call->is_stopped || call->is_too_large || !call->on_bytes(bytes, call->arg);
    return call->is_stopped ? 0 : bytes.n;
}

static size_t on_answer_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct http_call *call = arg;
    if (n > 0 && goes_elsewhere(call))
        return hand_over(call, (struct span){bytes, size * n});
    buf_add(&call->body, bytes, n);
    call->is_too_large = call->is_too_large || call->body.is_over;
    return call->body.is_over ? 0 : size * n;
}

/* ---- What is read from files ---- */

static size_t on_want_bytes(char *out, size_t size, size_t n, void *arg)
{
    struct file_source *f = arg;
    uint64_t left = f->bytes - f->at;
    size_t room = size * n < left ? size * n : (size_t)left;
    ssize_t got = pread(f->fd, out, room, (off_t)f->at);
    if (got < 0 || (got == 0 && room > 0)) /* shorter than it was said to be */
        return CURL_READFUNC_ABORT;
    POINT("mid_upload");
    f->at += (size_t)got;
    return (size_t)got;
}

static int on_seek(void *arg, curl_off_t offset, int origin)
{
    struct file_source *f = arg;
    if (origin != SEEK_SET || offset < 0)
        return CURL_SEEKFUNC_FAIL;
    f->at = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* ---- The request ---- */

CURL *call_handle_new(const char *ca_file, const char *unix_socket)
{
    CURL *h = curl_easy_init();
    must(h);
    SET(h, CURLOPT_NOSIGNAL, 1L);
    SET(h, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(h, CURLOPT_PROXY, "");
    SET(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(h, CURLOPT_MAXAGE_CONN, (long)IDLE_S_MAX);
    SET(h, CURLOPT_UPLOAD_BUFFERSIZE, 16384L);
    SET(h, CURLOPT_USERAGENT, "front-bridge/" FB_VERSION);
    SET(h, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    SET(h, CURLOPT_PREREQFUNCTION, on_request);
    SET(h, CURLOPT_HEADERFUNCTION, on_answer_head);
    SET(h, CURLOPT_WRITEFUNCTION, on_answer_body);
    SET(h, CURLOPT_READFUNCTION, on_want_bytes);
    SET(h, CURLOPT_SEEKFUNCTION, on_seek);
    if (ca_file)
        SET(h, CURLOPT_CAINFO, ca_file);
    if (unix_socket)
        SET(h, CURLOPT_UNIX_SOCKET_PATH, unix_socket);
    return h;
}

static bool is_token(const char *s)
{
    static const char allowed[] =
        "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return *s && !s[strspn(s, allowed)];
}

bool call_is_sendable(const struct http_request *r)
{
    if (!is_token(r->method))
        return false;
    for (size_t i = 0; i < r->header_n; i++)
        if (!is_token(r->headers[i].name) || strpbrk(r->headers[i].value, "\r\n"))
            return false;
    for (size_t i = 0; i < r->part_n; i++)
        if (!r->part[i].value.p &&
            (strpbrk(r->part[i].content_type, "\r\n") || (r->part[i].cid && strpbrk(r->part[i].cid, "\r\n"))))
            return false;
    return true;
}

static bool is_one_of(const char *word, const char *const *list)
{
    while (*list && strcmp(word, *list) != 0)
        list++;
    return *list != NULL;
}

static void add_line(struct http_call *call, const char *text)
{
    struct curl_slist *longer = curl_slist_append(call->lines, text);
    must(longer);
    call->lines = longer;
}

static void add_headers(struct http_call *call, const struct http_request *r)
{
    bool has_type = false;
    struct buf line;
    buf_init(&line, SIZE_MAX / 2);
    for (size_t i = 0; i < r->header_n; i++) {
        const struct http_header_line *h = &r->headers[i];
        has_type = has_type || span_ieq(span_of(h->name), SPAN_LIT("content-type"));
        buf_clear(&line);
        buf_add_str(&line, h->name);
        buf_add_str(&line, *h->value ? ": " : ";"); /* libcurl's way to say an empty value */
        buf_add_str(&line, h->value);
        add_line(call, line.p);
    }
    buf_fini(&line);
    add_line(call, "Expect:");
    if (!has_type && r->part_n == 0)
        add_line(call, "Content-Type:");
    SET(call->handle, CURLOPT_HTTPHEADER, call->lines);
}

static void add_file(curl_mimepart *part, const struct http_part *p, struct file_source *source)
{
    *source = (struct file_source){.fd = p->fd, .bytes = p->bytes};
    must(curl_mime_data_cb(part, (curl_off_t)p->bytes, on_want_bytes, on_seek, NULL, source) == CURLE_OK);
    must(curl_mime_filename(part, p->filename) == CURLE_OK &&
         curl_mime_type(part, p->content_type) == CURLE_OK);
    if (!p->cid)
        return;
    struct buf line;
    buf_init(&line, SIZE_MAX / 2);
    buf_addf(&line, "Content-ID: <%s>", p->cid);
    struct curl_slist *headers = curl_slist_append(NULL, line.p);
    must(headers && curl_mime_headers(part, headers, 1) == CURLE_OK);
    buf_fini(&line);
}

static void add_form(struct http_call *call, const struct http_request *r)
{
    call->form = curl_mime_init(call->handle);
    call->source = mem_calloc(r->part_n, sizeof *call->source);
    must(call->form);
    for (size_t i = 0; i < r->part_n; i++) {
        const struct http_part *p = &r->part[i];
        curl_mimepart *part = curl_mime_addpart(call->form);
        must(part && curl_mime_name(part, p->name) == CURLE_OK);
        if (p->value.p)
            must(curl_mime_data(part, p->value.p, p->value.n) == CURLE_OK);
        else
            add_file(part, p, &call->source[i]);
    }
    SET(call->handle, CURLOPT_MIMEPOST, call->form);
}

static void add_body(struct http_call *call, const struct http_request *r)
{
    static const char *const with_body[] = {"POST", "PUT", "PATCH", NULL};
    CURL *h = call->handle;
    bool has_file = r->body_fd >= 0 && r->body_fd_bytes > 0;
    if (r->part_n > 0) {
        add_form(call, r);
    } else if (!has_file && !r->body.p && !is_one_of(r->method, with_body)) {
        SET(h, CURLOPT_HTTPGET, 1L);
        SET(h, CURLOPT_NOBODY, strcmp(r->method, "HEAD") == 0 ? 1L : 0L);
    } else {
        SET(h, CURLOPT_POST, 1L);
        call->body_file = (struct file_source){.fd = r->body_fd, .bytes = r->body_fd_bytes};
        call->sent = has_file ? NULL : mem_dup(r->body.p, r->body.n);
        SET(h, CURLOPT_POSTFIELDS, call->sent);
        SET(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(has_file ? r->body_fd_bytes : r->body.n));
    }
    SET(h, CURLOPT_CUSTOMREQUEST, r->method);
}

static int64_t within(int64_t v, int64_t min, int64_t max)
{
    return v < min ? min : v > max ? max : v;
}

bool call_set_up(struct http_call *call, const struct http_request *r)
{
    CURL *h = call->handle;
    int64_t total_ms = within(r->timeout_ms, 1, DAY_MS); /* to libcurl 0 would be for ever */
    SET(h, CURLOPT_PRIVATE, call);
    SET(h, CURLOPT_OPENSOCKETDATA, call);
    SET(h, CURLOPT_PREREQDATA, call);
    SET(h, CURLOPT_HEADERDATA, call);
    SET(h, CURLOPT_WRITEDATA, call);
    SET(h, CURLOPT_READDATA, &call->body_file);
    SET(h, CURLOPT_SEEKDATA, &call->body_file);
    SET(h, CURLOPT_CONNECT_ONLY, call->connects_only ? 1L : 0L);
    SET(h, CURLOPT_TIMEOUT_MS, (long)total_ms);
    SET(h, CURLOPT_CONNECTTIMEOUT_MS, (long)within(total_ms, 1, CONNECT_MS_MAX));
    SET(h, CURLOPT_LOW_SPEED_LIMIT, r->stall_ms ? (long)STALL_BYTES_PER_S : 0L);
    SET(h, CURLOPT_LOW_SPEED_TIME, (long)(r->stall_ms / SECOND_MS));
    /* An error may be longer than the body that is wanted. */
    uint64_t max = call->bytes_max > call->body.max_bytes ? call->bytes_max : call->body.max_bytes;
    SET(h, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)max);
    add_headers(call, r);
    add_body(call, r);
    return curl_easy_setopt(h, CURLOPT_URL, r->url) == CURLE_OK;
}

void call_undo_set_up(struct http_call *call)
{
    SET(call->handle, CURLOPT_HTTPHEADER, NULL);
    SET(call->handle, CURLOPT_POSTFIELDS, NULL);
    SET(call->handle, CURLOPT_MIMEPOST, NULL);
    curl_mime_free(call->form);
    call->form = NULL;
}

struct http_call *call_new(struct http_client *c, const struct http_request *r, http_done_fn *on_done,
                           void *arg)
{
    static const char *const repeatable[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE", NULL};
    struct http_call *call = mem_zalloc(sizeof *call);
    call->client = c;
    call->on_done = on_done;
    call->arg = arg;
    call->body_file.fd = -1;
    call->started_at = clock_mono_ms();
    call->denies_private = r->denies_private;
    call->allowed = r->allowed;
    call->connects_only = r->connects_only;
    call->is_repeatable = is_one_of(r->method, repeatable);
    buf_init(&call->head, ANSWER_HEAD_MAX);
    call->on_bytes = r->on_bytes;
    call->bytes_max = r->on_bytes ? r->max_answer_bytes : 0;
    buf_init(&call->body, r->max_answer_bytes && !r->on_bytes ? r->max_answer_bytes : ANSWER_MAX_DEFAULT);
    return call;
}

void call_free(struct http_call *call)
{
    curl_slist_free_all(call->lines);
    free(call->sent);
    free(call->source);
    buf_fini(&call->head);
    buf_fini(&call->body);
    free(call);
}
