/*
 * What the files of the server share: the server, its connections and its exchanges.
 *
 * Shape: listen.c makes connections, conn.c moves their bytes and states, request.c decides what becomes an
 * exchange, exchange.c is what handlers see, server.c holds it all together.
 * Invariant: a connection's state changes in conn_enter alone; a connection is freed in conn_close alone, and
 * never while is_pumping. An exchange outlives its connection and its server until it is answered.
 */
#ifndef HTTP_SERVING_H
#define HTTP_SERVING_H

#include "http/head.h"
#include "http/peers.h"
#include "http/server.h"
#include "http/transport.h"
#include "http/wheel.h"
#include <netinet/in.h>
#include <sys/queue.h>
#include <event2/event_struct.h>

enum {
    SCRATCH_BYTES = 65536,       /* read at a time, by all connections */
    ANSWERS_GATHERED = 65536,    /* pipelined answers are written together up to this */
    FILE_TURN_BYTES = 512 << 10, /* of a file sent in one turn of the loop */
    FILE_STEP_BYTES = 64 << 10,  /* a peer must take so much of a file within write_ms */
    STREAM_BACKLOG_MAX = 1 << 20 /* events a reader of a stream may lag behind */
};

enum conn_state {
    CONN_NEW,     /* not yet in any list */
    CONN_IDLE,    /* no byte of a request is here */
    CONN_HEAD,    /* some of a head is here */
    CONN_BODY,    /* the head is accepted, some of the body is here */
    CONN_OPEN,    /* the exchange is with its handler */
    CONN_WRITING, /* the answer waits for the peer to take it */
    CONN_STREAM,  /* server-sent events */
    CONN_LINGER,  /* the last answer is sent; what still comes is thrown away, lest a reset overtakes it */
    CONN_STATES
};

struct conn {
    struct http_server *server;
    struct transport io;
    enum conn_state state;
    bool is_pumping; /* its own code is on the stack: closing waits */
    bool is_gone;    /* to be closed as soon as it may be */
    bool is_eof;     /* the peer sends nothing more */
    bool is_last;    /* closes after this answer */
    bool is_cut;     /* something that the peer sends will not be read */
    bool is_corked;  /* more requests are at hand: answers gather in out */
    bool is_reading, is_writing;
    bool wants_turn; /* TLS wants to write before it can read */
    bool is_waiting; /* in server->later, since later_turn */
    bool is_counted; /* in server->peers */
    unsigned later_turn;
    unsigned scanned; /* of in, for the end of the head */
    struct buf in;    /* bytes read but not consumed */
    struct buf out;   /* bytes answered but not written */
    size_t out_at;
    int file_fd; /* follows out; -1: none */
    uint64_t file_at, file_left, file_unmarked;
    mono_ms_t idle_at;
    mono_ms_t arrived_at; /* when the bytes at hand were read */
    mono_ms_t began_at;   /* when the request became the current one */
    struct http_exchange *x;
    struct wheel_node deadline;
    struct event read_ready, write_ready;
    TAILQ_ENTRY(conn) link, idle_link, later_link;
    struct peer_key peer_key;
    char peer[INET6_ADDRSTRLEN];
};

TAILQ_HEAD(conn_list, conn);

struct listener;
LIST_HEAD(listener_list, listener);

struct http_exchange {
    struct http_server *server; /* NULL: it has gone */
    struct conn *conn;          /* NULL: the peer has left */
    LIST_ENTRY(http_exchange) link;
    const struct http_route *route;
    mono_ms_t first_byte_at;
    struct span method, path, query, rest;
    struct buf rest_decoded, body;
    struct http_chunks chunks;
    uint64_t body_left;
    bool is_chunked, is_head, wants_keep_alive_line;
    bool is_raw; /* a stream of bytes, not of events */
    void (*on_closed)(void *arg);
    void *on_closed_arg;
    size_t size;
    char peer[INET6_ADDRSTRLEN];
    unsigned field_n;
    struct http_field field[]; /* then the head's text */
};

LIST_HEAD(exchange_list, http_exchange);

struct http_server {
    struct event_base *base;
    struct http_limits limits;
    struct http_route *routes;
    size_t route_n;
    http_refuse_fn *refuse;
    struct http_server_stats stats;
    bool is_stopping;
    bool is_short; /* of descriptors, since the last connection was accepted */
    struct listener_list listeners;
    struct event *accept_again;
    int reserve_fd;
    mono_ms_t warned_at; /* of it */
    struct peers *peers;
    struct conn_list conns, idle, later;
    struct exchange_list exchanges;
    struct wheel wheel;
    struct event *timer, *later_event;
    unsigned turn; /* of later_event */
    mono_ms_t timer_at, now;
    struct buf head; /* of the answer being written */
    int64_t date_s;  /* date's second */
    char date[40];   /* "Date: …\r\n" */
    struct http_head parsed;
    char scratch[SCRATCH_BYTES];
};

/* server.c */
void server_tick(struct http_server *s); /* reads the time, once a callback */
void server_set_deadline(struct http_server *s, struct conn *c, mono_ms_t due);
void server_later(struct conn *c); /* conn_pump from the loop */
/* server_hold adds bytes to b within buffered_bytes; ERR_FULL adds nothing. server_release frees them. */
MUST_CHECK enum err server_hold(struct http_server *s, struct buf *b, struct span bytes);
size_t server_room(const struct http_server *s);
void server_account(struct http_server *s, size_t before, size_t after);
void server_release(struct http_server *s, struct buf *b);
const char *server_date(struct http_server *s);

/* listen.c */
void listeners_close(struct http_server *s);
void listeners_pause(struct http_server *s, int64_t retry_ms); /* 0: until a connection closes */
void listeners_resume(struct http_server *s);

/* conn.c */
void conn_open(struct http_server *s, struct transport io, const char *peer, const struct peer_key *key);
void conn_enter(struct conn *c, enum conn_state state);
void conn_pump(struct conn *c);
void conn_close(struct conn *c);
void conn_expired(struct conn *c);
/* conn_send writes what it can and keeps the rest. */
void conn_send(struct conn *c, struct span head, struct span body);
/* conn_send_file lets n bytes of a file follow; takes fd. */
void conn_send_file(struct conn *c, int fd, uint64_t at, uint64_t n);
void conn_answered(struct conn *c); /* the current request has its answer in conn_send */
void conn_settle(struct conn *c);   /* after a change from outside the pump */

/* request.c: how much of in was consumed, 0 if more is needed. */
size_t request_read_head(struct conn *c, struct span in);
size_t request_read_body(struct conn *c, struct span in);
/* request_refuse answers by the server itself and closes after it, with lines of headers or NULL. */
void request_refuse(struct conn *c, int status, const char *reason, const char *headers);

/* exchange.c */
struct http_exchange *exchange_new(struct conn *c, const struct http_route *route, const struct http_head *h,
                                   struct span text);
void exchange_free(struct http_exchange *x);
/* answer_send writes a whole answer to c, with Content-Length. */
struct answer {
    int status;
    const char *content_type, *headers;
    struct span body;
    bool is_head, has_keep_alive_line;
    bool has_file; /* its bytes follow by conn_send_file, instead of body */
    uint64_t file_bytes;
};
void answer_send(struct conn *c, const struct answer *a);

#endif
