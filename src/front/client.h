/*
 * Front's REST API, one client per account: tokens, the rate budget, lanes and errors by class.
 *
 * Shape: a call waits in its lane until the budget lets it go, then ends by on_done exactly once. All calls
 * of the process to Front pass here; the token goes only to the account's configured API host; redirects to
 * other hosts are refused, 301 on the same host is followed with the same method and body (merged
 * conversations). Thread: the loop's only.
 */
#ifndef FRONT_CLIENT_H
#define FRONT_CLIENT_H

#include "base/buf.h"
#include "base/config.h"
#include "base/err.h"
#include "front/rate.h"
#include "http/client.h"
#include <event2/event.h>

struct front_client;
struct front_call;

struct front_client *front_client_new(struct event_base *base, struct http_client *http,
                                      const struct config_account *account);
/* front_client_on_moved: a call about a conversation was sent on by Front, for good, and taken at another one. from and to
 * are borrowed; comes before the call's on_done. */
typedef void front_moved_fn(struct span from, struct span to, void *arg);
void front_client_on_moved(struct front_client *c, front_moved_fn *on_moved, void *arg);
void front_client_free(struct front_client *c); /* open calls end with FRONT_CALL_CANCELLED first */

enum front_auth {
    FRONT_AUTH_TOKEN,
    FRONT_AUTH_CHANNEL /* a fresh JWT for `channel`; falls back to nothing */
};

enum front_class {
    FRONT_CALL_OK,      /* 2xx */
    FRONT_CALL_RETRY,   /* 429, 5xx, no connection: not accepted, try again (after retry_after_ms if set) */
    FRONT_CALL_REFUSED, /* other 4xx, or a redirect elsewhere: never; reason is Front's own title and message
                         */
    FRONT_CALL_UNKNOWN, /* sent, and no usable answer: it may have been accepted */
    FRONT_CALL_CANCELLED,
};

struct front_result {
    enum front_class class;
    bool is_unreachable;      /* RETRY: no connection at all */
    bool is_sent;             /* it may have left; false: it waited for its turn */
    bool is_too_large;        /* RETRY: the body was larger than max_bytes */
    int status;               /* 0: none */
    int64_t retry_after_ms;   /* 0: not said */
    int64_t date_s;           /* Front's clock as it answered; -1: not said */
    struct span reason;       /* one sentence; for OK: empty */
    struct span content_type; /* of the answer; absent: not said */
    struct span body;         /* raw; borrowed */
    const struct json *json;  /* NULL if the body is not JSON */
};

typedef void front_done_fn(const struct front_result *r, void *arg);

struct front_request {
    const char *name; /* for metrics, from the table in tally.c: "incoming_messages" */
    enum rate_lane lane;
    enum front_auth auth;
    const char *channel; /* FRONT_AUTH_CHANNEL: the cha_ id (the JWT's sub) */
    const char *method;
    const char *path;     /* "/channels/cha_1/incoming_messages"; segments percent-encoded by front_path */
    const char *resource; /* whose 5 per second applies, or NULL */
    struct span body;     /* JSON; absent: none */
    /* Instead of body a form, with its Content-Type; descriptors are duplicated. */
    const struct http_part *part;
    size_t part_n;
    /* For what is no JSON: gets the body of a 200 as it comes, up to max_bytes in all; false ends the call, which then is
     * FRONT_CALL_RETRY. It has the arg of on_done. */
    http_bytes_fn *on_bytes;
    size_t max_bytes;
    int64_t timeout_ms; /* 0: 30 s */
    int64_t stall_ms;   /* ends it when hardly a byte moves for so long; 0: no */
    bool is_read_only;  /* refuse it unless it is a GET */
};

struct front_call *front_call_start(struct front_client *c, const struct front_request *r,
                                    front_done_fn *on_done, void *arg);
void front_call_cancel(struct front_call *call);
/* How many calls of a lane wait for the budget: whoever has more work of that lane keeps it in the store. */
unsigned front_client_waiting(const struct front_client *c, enum rate_lane lane);
struct rate_view front_client_rate(const struct front_client *c);

/* Counts for front_bridge_front_requests_total{account,call,status}; visit every row. */
void front_client_counts(const struct front_client *c,
                         void (*visit)(const char *call, int status, uint64_t n, void *arg), void *arg);

/* front_path appends fmt, in which each %s is percent-encoded as one path segment. */
void front_path(struct buf *out, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* front_jwt writes an HS256 token of an app for a channel: iss uid, sub channel, random jti, exp in 25 s. */
void front_jwt(struct buf *out, const char *app_uid, const char *app_secret, const char *channel,
               wall_ms_t now);

#endif
