/*
 * A channel host, seen from the bridge: one child process with one adapter, and what goes to and fro.
 *
 * Shape: host_new describes it, host_start runs it, and it is kept running (restart with back-off) until host_stop.
 * Each deliver, notice and request carries a token of the caller's; the host ends each exactly once, by
 * on_outcome or on_reply, whatever the child does: an answer, a deadline, a crash.
 * Invariant: at most host_credits() deliveries are in flight; nothing that the child sends can make the bridge
 * allocate more than the limits below.
 * Log: each change of status with its reason, and the adapter's lines; the bridge need not repeat them.
 * Thread: the loop's, which must be the main thread (the parent-death signal follows the forking thread).
 */
#ifndef HOST_HOST_H
#define HOST_HOST_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "store/state.h"
#include <event2/event.h>
#include <stdbool.h>

struct host;

enum outcome_kind { OUTCOME_DELIVERED = 1, OUTCOME_RETRY, OUTCOME_REJECTED, OUTCOME_HOLD, OUTCOME_UNKNOWN };

/* How an attempt ended. Spans are borrowed during the callback. */
struct outcome {
    enum outcome_kind kind;
    bool is_unreachable; /* RETRY: the backend cannot be reached at all */
    bool was_crash;      /* UNKNOWN: the child died with it in flight */
    bool was_alone;      /* nothing else was in flight then */
    bool is_unsent;      /* RETRY: the adapter never saw it; the attempt does not count */
    int code;
    int64_t retry_after_ms; /* 0: the back-off decides */
    struct span reason;
    struct span external_id;
    struct span conversation_id;
    unsigned part_n; /* the message goes in so many parts, and this was one of them; 0: not known */
    int64_t part_cut;
};

struct host_adapter { /* what the loaded module says of itself */
    char name[33], version[33];
    uint32_t abi_minor, capabilities, formats, max_text;
    bool takes_failed, takes_events, takes_requests;
};

/* A message or receipt of the backend. Answer it by host_stored, once, at any time. */
struct host_receive {
    uint64_t ticket;
    bool is_receipt;
    struct span json; /* the wire form "inbound" or "receipt", of sound grammar and size */
    int *fd; /* its attachments' files, in order; closed after the callback unless taken (set to -1) */
    unsigned fd_n;
};

enum host_status {
    HOST_DOWN,
    HOST_STARTING,
    HOST_UP,
    HOST_FAILED, /* open failed; tried again by back-off */
    HOST_STOPPING
};

enum { HOST_LOG_COMPLAINT = LOG_ERROR + 1 /* the adapter broke a rule of the ABI; logged as a warning */ };

struct host_events {
    /* A line of the adapter. May be NULL: then it goes to the log, with the channel's name. */
    void (*on_log)(struct host *h, int level, const char *text, void *arg);
    void (*on_status)(struct host *h, enum host_status s, const char *reason, void *arg);
    void (*on_outcome)(struct host *h, uint64_t token, const struct outcome *o, void *arg);
    void (*on_credit)(struct host *h, void *arg); /* room for another delivery */
    void (*on_receive)(struct host *h, struct host_receive *r, void *arg);
    void (*on_reply)(struct host *h, uint64_t token, int status, struct span content_type, struct span body,
                     const char *headers, void *arg);
    /* key-value: answer by host_kv_done(h, ticket, …), once. value absent and !is_write: a read. */
    void (*on_kv)(struct host *h, uint64_t ticket, bool is_write, struct span key, struct span value,
                  void *arg);
};

/* The child can be looked at in /proc; it opens a second instance first, and closes it when both are open. */
enum { HOST_PROBE_READABLE = 1, HOST_PROBE_TWICE = 2 };

struct host_options {
    const char *channel;
    const char *adapter_path; /* the shared object */
    struct span settings;     /* JSON object key -> value as text, defaults applied; see struct fb_setting */
    int64_t attempt_ms;       /* deadline of a delivery and of a notice; 0: 30 s */
    int64_t request_ms;       /* deadline of a webhook request; 0: 20 s */
    unsigned in_flight_max;   /* 0: 64; lowered by what the module declares */
    int64_t stop_ms;          /* grace between stop and kill; 0: 5 s */
    int64_t heartbeat_ms;     /* silence outside any call, twice; 0: 5 s */
    /* Paths that Landlock hides from the child, then NULL. New files directly in a directory on the way to one are
     * out of its reach too. */
    const char *const *hide;
    const char *ca_file;
    unsigned probe; /* for channel test; 0 for all others */
};

struct host *host_new(struct event_base *base, const struct host_options *o, const struct host_events *e,
                      void *arg);
/* host_free kills what still runs; no callbacks any more. Not from inside one. */
void host_free(struct host *h);
void host_start(struct host *h);
/* host_stop lets attempts in flight end for stop_ms, then ends the child; on_status(HOST_DOWN) says when. */
void host_stop(struct host *h);

enum host_status host_status(const struct host *h);
const struct host_adapter *host_adapter(const struct host *h); /* NULL until it was up once */
unsigned host_credits(const struct host *h); /* deliveries that may be sent now; 0 unless HOST_UP */
unsigned host_in_flight(const struct host *h);
int host_pid(const struct host *h); /* 0: none */
bool host_wants_event(const struct host *h, const char *type);

/* host_deliver sends one attempt. json is the wire form of a delivery, complete; fd are the files of its attachments, in
 * order, which stay the caller's: at most HOST_FILES_MAX. A text that is too long for the adapter goes in parts, of which this
 * is the next one after parts->sent (NULL: the first); json and fd are the whole message's each time. ERR_FULL: no credit. */
enum { HOST_FILES_MAX = 32 };
MUST_CHECK enum err host_deliver(struct host *h, uint64_t token, struct span json, const int *fd,
                                 unsigned fd_n, const struct message_parts *parts);
/* host_notify sends a notice (a failure, or an event that the adapter asked for). */
MUST_CHECK enum err host_notify(struct host *h, uint64_t token, bool is_failure, struct span json);

struct host_header {
    struct span name, value;
};

struct host_request {
    struct span method, path, query, peer;
    const struct host_header *header;
    unsigned header_n;
    struct span body; /* over 64 KiB it travels as a descriptor */
};
/* ERR_FULL: too many open; ERR_NOT_FOUND: the adapter takes no requests; ERR_IO: the host is down. */
MUST_CHECK enum err host_request(struct host *h, uint64_t token, const struct host_request *r);

/* host_stored answers a host_receive. result OK, ERR_FULL, ERR_IO, or ERR_INVALID with a sentence. */
void host_stored(struct host *h, uint64_t ticket, enum err result, bool is_duplicate, const char *id,
                 const char *message);
void host_kv_done(struct host *h, uint64_t ticket, enum err result, struct span value);

/* For process 1 only, on SIGCHLD: waits for zombies that are nobody's here. Do not call it where other parts of the process
 * wait for children of their own. */
void host_reap_others(void);

/* channel-host: the child's main. argv has nothing; the socket is descriptor 3. Returns the exit code. */
int host_child_main(void);

#endif
