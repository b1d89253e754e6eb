/*
 * The HTTP/1.1 server: everything that listens (public, admin, admin.sock, simulator) is one of these.
 *
 * Shape: a server has listeners and a table of routes. A request that matches a route and is within every
 * limit becomes an exchange; the handler answers it at once or later, exactly once, by http_reply. What never
 * becomes an exchange (malformed, too large, too slow, no route) is answered by the server itself through
 * the refusal writer, so that all answers have Front's form.
 * Invariant: every connection is in one state with one deadline; no peer can hold memory or a descriptor
 * longer than the limits say.
 * Thread: the loop's only.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include <event2/event.h>

struct http_server;
struct http_exchange;

struct http_limits {
    size_t head_bytes;      /* request line and headers: 431 */
    unsigned header_n;      /* header lines: 431 */
    unsigned connection_n;  /* at most; beyond it the oldest idle one is closed, else accepting pauses */
    unsigned per_address_n; /* connections from one peer address; 0: no limit */
    size_t buffered_bytes;  /* request bodies held in memory by all connections: 429 beyond */
    int64_t head_ms;        /* first byte to end of head: 408 */
    int64_t request_ms;     /* first byte to end of body: 408 */
    int64_t idle_ms;        /* keep-alive without a byte: closed */
    int64_t write_ms;       /* without progress in writing an answer: closed */
};
extern const struct http_limits http_limits_default;

enum http_match { HTTP_EXACT, HTTP_PREFIX /* the path itself, or the path followed by "/…" */ };

/* The first route that matches path and method is taken. Where GET is allowed HEAD is too. */
struct http_route {
    const char *methods; /* space separated, such as "POST DELETE"; others are answered 405 with Allow */
    const char *path;    /* "/healthz", "/front/" */
    enum http_match match;
    size_t body_max_bytes; /* 413 as soon as Content-Length or the chunks exceed it; 0: no body allowed */
    const char *body_type; /* the media type demanded of a non-empty body (415), or NULL for any */
    void (*handler)(struct http_exchange *x, void *arg);
    void *arg;
};

/* Writes the JSON body of an answer that the server gives by itself; reason is a plain sentence. */
typedef void http_refuse_fn(struct buf *body, int status, const char *reason);

struct http_server *http_server_new(struct event_base *base, const struct http_limits *limits,
                                    const struct http_route *routes, size_t route_n, http_refuse_fn *refuse);
/* Closes listeners and connections; exchanges still open live on until they are answered. Not from a handler.
 */
void http_server_free(struct http_server *s);

/* http_server_listen binds "host:port", "[v6]:port", ":port" (all addresses, IPv4 and IPv6) or "unix:/path"
 * (mode 0600). Port 0 picks a free one. On error, why holds one sentence that names the address. */
MUST_CHECK enum err http_server_listen(struct http_server *s, const char *address, struct buf *why);
/* The same with TLS: certificate chain and key in PEM files. http_server_reload_tls reads them again. */
MUST_CHECK enum err http_server_listen_tls(struct http_server *s, const char *address, const char *cert_file,
                                           const char *key_file, struct buf *why);
MUST_CHECK enum err http_server_reload_tls(struct http_server *s, struct buf *why);
unsigned http_server_port(const struct http_server *s); /* of the first TCP listener */
/* http_server_stop accepts nothing more: listeners close, idle connections close, open exchanges go on and
 * their answers carry "Connection: close". */
void http_server_stop(struct http_server *s);

struct http_server_stats {
    unsigned connections, exchanges;
    size_t buffered_bytes;
    unsigned files;             /* being sent by http_reply_file */
    uint64_t accepted, refused; /* since start; refused: answers given by the server itself */
    bool is_accepting;          /* false while out of descriptors or connections */
};
struct http_server_stats http_server_stats(const struct http_server *s);

/* What a handler may read until it has answered. All spans are borrowed from the exchange. */
struct span http_method(const struct http_exchange *x);
struct span http_path(const struct http_exchange *x);  /* without the query, as sent (not percent-decoded) */
struct span http_query(const struct http_exchange *x); /* without "?"; absent if there is none */
/* What follows a prefix route's path and its slash, percent-decoded. */
struct span http_rest(const struct http_exchange *x);
/* A header by its name, case folded; absent if it is not there. */
struct span http_header(const struct http_exchange *x, const char *name);
/* Every header in turn: for (size_t i = 0; http_header_at(x, i, &name, &value); i++). */
bool http_header_at(const struct http_exchange *x, size_t i, struct span *name, struct span *value);
struct span http_body(const struct http_exchange *x); /* raw bytes, de-chunked; never absent */
mono_ms_t http_first_byte_at(const struct http_exchange *x);
struct span http_peer(const struct http_exchange *x); /* "203.0.113.7", or "unix" */
/* http_query_get finds one parameter and appends its decoded value; ERR_NOT_FOUND if it is not there. */
MUST_CHECK enum err http_query_get(const struct http_exchange *x, const char *key, struct buf *out);
/* http_percent_decode appends the decoded text; ERR_INVALID on a bad escape or an encoded NUL. */
MUST_CHECK enum err http_percent_decode(struct span text, bool plus_is_space, struct buf *out);

/*
 * http_reply answers and ends the exchange: x is gone after it. Also right when the peer has left (nothing is
 * sent). headers is text of whole lines "Name: value\r\n", or NULL. Bodies are copied.
 */
void http_reply(struct http_exchange *x, int status, const char *content_type, struct span body,
                const char *headers);
/* http_reply_file is http_reply with n bytes of a file from `at` on as its body, read as the peer takes them. fd is
 * taken. A file that ends too early ends the connection. */
void http_reply_file(struct http_exchange *x, int status, const char *content_type, int fd, uint64_t at,
                     uint64_t n, const char *headers);
/* http_drop closes the connection without an answer, as a broken server does; x is gone after it. */
void http_drop(struct http_exchange *x);
/* http_refuse answers through the server's refusal writer. */
void http_refuse(struct http_exchange *x, int status, const char *reason);
/* http_on_health is a route's handler: 200 "ok", which says that the loop turns. */
void http_on_health(struct http_exchange *x, void *arg);

/*
 * Server-sent events: http_stream_start answers with an open-ended text/event-stream, from inside the
 * handler; each http_stream_event writes one event (event NULL: without a name), http_stream_end the end.
 * on_closed is called once if the peer leaves first or lags a MiB behind, never from inside these calls; the
 * exchange is gone then.
 */
void http_stream_start(struct http_exchange *x, void (*on_closed)(void *arg), void *arg);
/* The same with a head of the caller's own (status line and header lines, without the blank line) and bytes as
 * they are: for servers that answer wrongly on purpose. */
void http_raw_start(struct http_exchange *x, struct span head, void (*on_closed)(void *arg), void *arg);
void http_raw_write(struct http_exchange *x, struct span bytes);
void http_stream_event(struct http_exchange *x, const char *event, struct span data);
void http_stream_end(struct http_exchange *x);

#endif
