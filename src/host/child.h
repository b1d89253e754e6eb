/*
 * Inside a channel host: what the files of the child side share. One process, one adapter, one instance.
 *
 * Shape: child.c reads frames and starts calls of the adapter; each child_*.c gives some services of struct
 * fb_host. Invariant: the adapter is never called from inside a service; a token is ended exactly once; after
 * close nothing of the adapter is called any more. Thread: the loop's, but child_post, child_log and
 * child_now.
 */
#ifndef HOST_CHILD_H
#define HOST_CHILD_H

#include "base/buf.h"
#include "host/decode.h"
#include "host/letter.h"
#include "host/link.h"
#include "text/cuts.h"
#include <event2/event.h>
#include <front_bridge/channel.h>
#include <pthread.h>
#include <stdbool.h>

enum {
    CHILD_CALLS_MAX = 4096,      /* open tokens */
    CHILD_LAPSED_MAX = 4096,     /* calls that the adapter has let lapse and never ended */
    CHILD_LAPSED_FDS_MAX = 1024, /* and descriptors of their files */
    CHILD_TICKETS_MAX = 64,      /* unanswered receives and receipts */
    CHILD_KV_MAX = 64,           /* unanswered key-value calls */
    CHILD_TIMERS_MAX = 1000,
    CHILD_HTTP_MAX = 1000,
    CHILD_WATCHES_MAX = 1024,
    CHILD_POSTS_MAX = 10000,
    CHILD_OUT_MAX = 64 << 20, /* bytes that wait for the bridge: past it the bridge is stuck */
    CHILD_OUT_SOFT = 4 << 20, /* past it nothing new is taken from the adapter */
};

enum call_kind { CALL_FREE = 0, CALL_DELIVER, CALL_NOTICE, CALL_REQUEST };

struct open_call { /* one token of the bridge */
    enum call_kind kind;
    uint64_t token;
    struct decoded *decoded; /* what the adapter borrows */
    struct letter_part part; /* of a delivery */
};

enum ticket_kind { TICKET_FREE = 0, TICKET_STORE, TICKET_KV };

struct ticket { /* one question to the bridge */
    enum ticket_kind kind;
    uint64_t number;
    fb_stored_fn *on_stored;
    fb_kv_fn *on_kv;
    void *arg;
};

struct child_timers;
struct child_watches;
struct child_posts;
struct child_https;
struct child_log;

struct child {
    struct fb_host host; /* what the adapter knows of us */
    struct event_base *base;
    struct link *link;
    struct event *finish_event;
    const struct fb_module *module;
    struct adapter *adapter;
    void *self;
    struct letter_form form; /* the text that it takes */
    struct text_cuts cuts;   /* long texts that are under way */
    char *channel, *ca_file;
    char **setting; /* key, value, key, value, …, NULL */
    size_t setting_n;
    struct open_call *call;
    unsigned call_cap, call_n;
    struct decoded *lapsed; /* past their deadline, but not yet given back by complete or reply */
    unsigned lapsed_n, lapsed_fd_n;
    struct decoded *running; /* what the adapter's callback on the stack borrows */
    bool is_running_over;    /* its token ended from inside */
    struct ticket ticket[CHILD_TICKETS_MAX + CHILD_KV_MAX];
    unsigned store_n, kv_n;
    uint64_t ticket_last;
    struct child_timers *timers;
    struct child_watches *watches;
    struct child_posts *posts;
    struct child_https *https;
    struct child_log *log;
    pthread_t loop_thread;
    bool is_open, is_stopping;
    unsigned probe; /* see struct host_options */
    int exit_code;
};

static inline struct child *child_of(const struct fb_host *host)
{
    return (struct child *)(void *)(uintptr_t)host; /* host is its first member, and ours to write */
}

/* child_complain logs which rule of the header a service's argument breaks; returns FB_ERR_INVALID. */
int child_complain(struct child *c, const char *service, const char *rule);
/* child_is_elsewhere: a [loop] service was called from another thread. It is logged, and must change nothing.
 */
bool child_is_elsewhere(struct child *c, const char *service);
/* child_may_finish looks, in a later turn, whether a stopping host has nothing open any more. */
void child_may_finish(struct child *c);

/* child_call.c: tokens. Each gives NULL or a fault of the frame. */
const char *child_on_deliver(struct child *c, const struct frame *f, int *fd);
const char *child_on_notice(struct child *c, const struct frame *f, int *fd);
const char *child_on_request(struct child *c, const struct frame *f, int *fd);
const char *child_on_expire(struct child *c, const struct frame *f, int *fd);
int child_complete(const struct fb_host *host, fb_token token, const struct fb_outcome *outcome);
int child_reply(const struct fb_host *host, fb_token token, const struct fb_reply *reply);
void child_calls_fini(struct child *c);

/* child_ticket.c: receive, receipt and the key-value store. */
const char *child_on_stored(struct child *c, const struct frame *f, int *fd);
const char *child_on_kv_done(struct child *c, const struct frame *f, int *fd);
int child_receive(const struct fb_host *host, const struct fb_inbound *inbound, fb_stored_fn *done,
                  void *arg);
int child_receipt(const struct fb_host *host, const struct fb_receipt *receipt, fb_stored_fn *done,
                  void *arg);
int child_kv_get(const struct fb_host *host, const char *key, fb_kv_fn *done, void *arg);
int child_kv_set(const struct fb_host *host, const char *key, const char *value, size_t n, fb_kv_fn *done,
                 void *arg);
int child_want_events(const struct fb_host *host, const char *types);
int child_want_text(const struct fb_host *host, uint32_t formats, uint32_t max_text);

/* child_loop.c: timers, watches, posts. */
void child_loop_init(struct child *c);
void child_loop_fini(struct child *c);
uint64_t child_timer(const struct fb_host *host, int64_t delay_ms, fb_timer_fn *fn, void *arg);
void child_timer_cancel(const struct fb_host *host, uint64_t id);
int child_watch(const struct fb_host *host, int fd, uint32_t events, fb_watch_fn *fn, void *arg);
int child_post(const struct fb_host *host, fb_post_fn *fn, void *arg);

/* child_log.c: the log, and the clock. */
void child_log_init(struct child *c);
void child_log_fini(struct child *c);
void child_log(const struct fb_host *host, int level, const char *text);
int64_t child_now(const struct fb_host *host);

/* child_http.c: requests to the backend. */
uint64_t child_http(const struct fb_host *host, const struct fb_http_request *request, fb_http_fn *done,
                    void *arg);
void child_http_cancel(const struct fb_host *host, uint64_t id);
void child_http_fini(struct child *c);

#endif
