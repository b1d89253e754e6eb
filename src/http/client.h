/*
 * The HTTP client: libcurl's multi interface on the loop. Used for Front by the bridge, and for backends by
 * the channel hosts.
 *
 * Shape: a client has a connection pool and limits; a call is one request, owned by the client from
 * http_call_start until its on_done has returned.
 * Invariant: on_done is called exactly once for every started call, never from inside http_call_start.
 * Redirects are never followed here: whoever knows the host policy decides. No cookies, no netrc, no proxy
 * from the environment. TLS is verified. One call never sends twice what is not idempotent (POST, PATCH).
 * Thread: the loop's only.
 */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include <event2/event.h>
#include <stdbool.h>

struct http_client;
struct http_call;

struct http_client_options {
    unsigned connections_per_host; /* 0: 64 */
    unsigned connections;          /* 0: 256 */
    const char *ca_file;           /* NULL: the system's */
    const char *unix_socket;       /* NULL, or the path every call connects to */
};

struct http_client *http_client_new(struct event_base *base, const struct http_client_options *o);
/* Open calls end with HTTP_FAIL_CANCELLED first. Not from an on_done. */
void http_client_free(struct http_client *c);

enum http_fail {
    HTTP_FAIL_NONE = 0,  /* there is a status */
    HTTP_FAIL_URL,       /* not a URL that we call (scheme, host), or a header with a line break */
    HTTP_FAIL_ADDRESS,   /* the name resolves to an address that the call may not reach */
    HTTP_FAIL_CONNECT,   /* no name, no route, refused, or no connection in time: nothing was sent */
    HTTP_FAIL_TLS,       /* the certificate does not prove the host: nothing was sent */
    HTTP_FAIL_TIMEOUT,   /* the deadline passed; is_sent says whether the request may have arrived */
    HTTP_FAIL_BROKEN,    /* the connection ended or the answer is no HTTP; is_sent as above */
    HTTP_FAIL_TOO_LARGE, /* the answer is larger than max_answer_bytes */
    HTTP_FAIL_STOPPED,   /* on_bytes did not want more */
    HTTP_FAIL_CANCELLED, /* http_call_cancel or http_client_free */
};
const char *http_fail_text(enum http_fail f); /* a few plain words */

struct http_header_line {
    const char *name, *value;
};

/* A field of a multipart/form-data body, or a file that is streamed from its beginning. */
struct http_part {
    const char *name;
    struct span value; /* a field's; absent: a file */
    int fd;            /* the caller keeps it open */
    uint64_t bytes;
    const char *filename, *content_type;
    const char *cid; /* Content-ID; may be NULL */
};

/* Takes a piece of a body; false ends the call with HTTP_FAIL_STOPPED. */
typedef bool http_bytes_fn(struct span bytes, void *arg);

struct http_request {
    const char *method; /* "POST" */
    const char *url;
    const struct http_header_line *headers;
    size_t header_n;
    struct span body;             /* copied; absent: no body */
    int body_fd;                  /* a file to stream as the body instead; the caller keeps it open */
    uint64_t body_fd_bytes;       /* 0: body_fd is not used */
    const struct http_part *part; /* the body as a form instead, with a Content-Type of its own */
    size_t part_n;
    http_bytes_fn *on_bytes; /* gets the body of a 200 as it comes, instead of the answer; may be NULL */
    int64_t timeout_ms;      /* the whole call */
    int64_t stall_ms;        /* ends it when so long hardly a byte moves; whole seconds; 0: no */
    size_t max_answer_bytes; /* 0: 1 MiB */
    bool connects_only;      /* connect, prove the certificate, say nothing: ends with status 0 */
    bool denies_private;     /* refuse loopback, link-local, private and other non-public addresses */
    const struct http_networks *allowed; /* but these; outlives the call; NULL: none */
};

struct http_answer {
    enum http_fail fail;
    bool is_sent;     /* some of the request may have reached the peer */
    int status;       /* 0 unless fail is HTTP_FAIL_NONE, and with connects_only */
    struct span body; /* borrowed during on_done */
    struct span head; /* header lines without the status line; for http_answer_header */
    int64_t took_ms;
};

/* An answer's header, case folded; absent if it is not there. Borrowed during on_done. */
struct span http_answer_header(const struct http_answer *a, const char *name);
bool http_answer_header_at(const struct http_answer *a, size_t i, struct span *name, struct span *value);

typedef void http_done_fn(const struct http_answer *a, void *arg);

/* Copies what it needs of r. Always gives a call; a bad URL ends by on_done too. */
struct http_call *http_call_start(struct http_client *c, const struct http_request *r, http_done_fn *on_done,
                                  void *arg);
/* http_call_cancel ends the call with HTTP_FAIL_CANCELLED, before it returns. Not from its own on_done. */
void http_call_cancel(struct http_call *call);

/* http_retry_after reads a Retry-After header (seconds or a date): ms from now, at most max_ms; -1 if it is
 * absent or malformed. */
int64_t http_retry_after(struct span value, wall_ms_t now, int64_t max_ms);
/* Networks such as 10.0.0.0/8 and fd00::/8, or single addresses. */
enum { HTTP_NETWORKS_MAX = 100 };
struct http_networks {
    struct http_network {
        uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d */
        unsigned bits;       /* of 128 */
    } item[HTTP_NETWORKS_MAX];
    size_t n;
};
MUST_CHECK enum err http_networks_add(struct http_networks *list, const char *text);
bool http_networks_have(const struct http_networks *list, const char *numeric);
/* http_address_is_public says whether a numeric address may be reached under denies_private. */
bool http_address_is_public(const char *numeric);

#endif
