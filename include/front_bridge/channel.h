/*
 * front_bridge/channel.h: the channel adapter ABI, version 1.2
 *
 * This file is the manual for adapter authors. An adapter connects one chat system (the *backend*) to
 * front-bridge, which connects it to Front. It is a shared object with one exported function:
 *
 *     #include <front_bridge/channel.h>
 *
 *     static const struct fb_module module = {
 *         FB_MODULE_HEAD,
 *         .name = "mychat", .version = "1.0",
 *         .formats = FB_FORMAT_PLAIN,
 *         .open = my_open, .deliver = my_deliver, .close = my_close,
 *     };
 *     FB_EXPORT const struct fb_module *fb_channel_module(void) { return &module; }
 *
 *     cc -shared -fPIC -o mychat.so mychat.c
 *
 * and `front-bridge channel test ./mychat.so` tells whether it keeps the promises written here. Nothing is
 * linked: every service of the host is a pointer in struct fb_host. channels/template in the source tree is
 * the adapter to copy.
 *
 * ---- The life of an adapter -------------------------------------------------------------------------------
 *
 * Each channel of the configuration runs in a process of its own, the *host*, which loads one adapter and
 * opens one instance of it. If the adapter crashes or hangs, the host is ended and started again; other
 * channels notice nothing, and no message is lost: what was under way counts as `unknown`.
 *
 *     open ── deliver, failed, event, request (any number, interleaved) ── stop ── close
 *
 * open     makes an instance. After FB_OK the host calls the instance until close.
 * deliver  one message for one recipient. Ends by exactly one complete(), now or later, in any order.
 * failed   Front tells that a message could not be delivered (sending_error,
 *          message_bounce_error). Ends by complete().
 * event    something else happened in Front, of the types asked for by want_events(). Ends by
 *          complete().
 * request  an HTTP request of the backend to /hooks/CHANNEL. Ends by exactly one reply().
 * stop     no new calls will come; finish what is open. The host waits until no token is open, some seconds
 *          at most, then calls close.
 * close    frees everything. Tokens that are still open then settle as `unknown`; timers, watches, posts and
 *          HTTP calls are ended by the host, and no callback comes any more, not even `done` of a receive:
 *          free what you passed as `arg`.
 *
 * ---- Rules ------------------------------------------------------------------------------------------------
 *
 * Threads    [loop] marks what is called, or may be called, on the host's one thread only; [any] is safe from
 *            every thread. Callbacks of the adapter are always [loop]. An adapter with threads of its own
 *            comes back with post().
 * Blocking   is allowed but costs: an instance that blocks handles nothing else. Each call has a deadline
 *            (deadline_ms in the delivery, notice or request); a host that is still silent after it is ended.
 * Memory     Nothing is freed across this border. What the host passes is borrowed until the call's
 *            completion (complete or reply for a token, also when that returns FB_ERR_TOKEN because the
 *            deadline has passed), else until the callback returns. What the adapter passes is copied before
 *            the service returns.
 * Strings    are UTF-8, NUL terminated, without control characters (below 0x20, and 0x7f) but newline and
 *            tab. NULL means absent. What a backend sends is not like that by itself: clean it before you
 *            hand it over.
 * Callbacks  A service never calls back from inside itself: `done` and timers come in a later turn of the
 *            loop.
 * Processes  The host ignores SIGPIPE and waits for no child that it did not make: fork and waitpid are
 *            yours.
 * Files      The bridge's configuration and data are hidden from the host where the kernel has Landlock, and
 *            so is a file made later directly in a directory on the way to them: keep yours in a directory of
 *            their own, made before the bridge starts. `channel test` hides nothing.
 * Instances  Several instances of a module must be able to live in one process: keep state in the instance,
 *            not in statics.
 * Growth     Every struct that crosses the border starts with its size (but struct fb_header, which will
 *            never change). A field is there if size covers it (FB_HAS) and, for a pointer, if it is set.
 *            Elements of an array are as far apart as the first one's size says: take them by FB_AT(array,
 *            i), since array[i] goes astray when a later host has larger ones. Fields are only ever appended
 *            within one major version. A host takes any module of its own major version; zero what you do not
 *            use.
 * Trust      An adapter runs as the user of the bridge and is trusted code; the process border contains
 *            faults, not malice.
 * Languages  C11, or C++ with designated initializers: gcc and clang take them in C++17 (-pedantic warns),
 *            the standard has them since C++20.
 *
 * ---- Long texts -------------------------------------------------------------------------------------------
 *
 * An adapter that says how much text one message may have (max_text of its module, or want_text) gets a longer one in
 * parts, each a delivery of its own. A part ends between paragraphs, lines, sentences or words, is as valid by itself as
 * the whole, and ends with its number: "(1/3)". The next comes when the one before is delivered, and nothing comes between.
 * A part that is tried again is the same part with the same id. The first has the subject and in_reply_to, the last the
 * attachments. If a part is rejected, those behind it do not come, and the agent reads how many arrived. More than 99 parts
 * are refused.
 * A character is a UTF-16 code unit of what is handed over, number, marks and tags included. text, markdown and html
 * have each at most max_text of them.
 *
 * ---- Changes ----------------------------------------------------------------------------------------------
 *
 * 1.0  first.
 * 1.1  markdown of an fb_delivery.
 * 1.2  part and part_n of an fb_delivery; want_text of the host; max_text counts (that of a module of 1.0 or 1.1 if it is at
 *      least 40); attachments of an fb_inbound are taken; what, about and the like of an fb_inbound; fb_stored without an id.
 */
#ifndef FRONT_BRIDGE_CHANNEL_H
#define FRONT_BRIDGE_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FB_ABI_MAJOR 1u
#define FB_ABI_MINOR 2u
#define FB_EXPORT    __attribute__((visibility("default")))

/* The first three fields of a module, read before anything else. */
#define FB_MODULE_HEAD                                                                                       \
    .abi_major = FB_ABI_MAJOR, .abi_minor = FB_ABI_MINOR, .size = (uint32_t)sizeof(struct fb_module)

/* FB_HAS(p, field): is the field inside what the other side knows of? */
#define FB_HAS(p, field) ((p)->size >= (uint32_t)(offsetof(__typeof__(*(p)), field) + sizeof((p)->field)))

/* FB_AT(array, i): element i of an array that the other side built. */
#define FB_AT(array, i)                                                                                      \
    ((__typeof__(&(array)[0]))(const void *)((const char *)(array) + (size_t)(i) * (array)->size))

/* What a service or a call returns. */
enum {
    FB_OK = 0,
    FB_ERR_INVALID = -1, /* an argument breaks a rule of this file; the log says which */
    FB_ERR_TOKEN = -2,   /* the token is not open: completed before, past its deadline, or never given */
    FB_ERR_FULL = -3,    /* too much is under way: try again later */
    FB_ERR_FAILED = -4,  /* it did not work; for open: a sentence was written to why */
    FB_ERR_NOT_FOUND = -5,
    FB_ERR_CLOSED = -6 /* the host is stopping */
};

/* A call that awaits its end. Never reused in a process; a copy may be kept as long as you like. */
typedef uint64_t fb_token;

struct fb_host;

/* ---- Settings: what people write under `settings:` in the configuration -------------------------------- */

enum fb_setting_kind {
    FB_SETTING_STRING = 1,
    FB_SETTING_INTEGER = 2,  /* "42" */
    FB_SETTING_BOOL = 3,     /* "true" or "false" */
    FB_SETTING_DURATION = 4, /* written 5s, 10m; read as milliseconds: "5000" */
    FB_SETTING_SIZE = 5,     /* written 10MiB; read as bytes */
    FB_SETTING_URL = 6,      /* absolute, http or https */
    FB_SETTING_LIST = 7,     /* of strings; read as a JSON array */
    FB_SETTING_MAP = 8       /* of strings; read as a JSON object */
};

enum { FB_SETTING_REQUIRED = 1u, FB_SETTING_SECRET = 2u /* never shown or logged; KEY_file is accepted */ };

struct fb_setting {
    uint32_t size;
    uint32_t kind;
    uint32_t flags;
    const char *key;
    const char *fallback; /* as people would write it, or NULL */
    const char *help;     /* one line */
};

/* ---- What comes from Front ----------------------------------------------------------------------------- */

struct fb_person {
    uint32_t size;
    const char *handle; /* the address in the backend; NULL for an author */
    const char *name;
    const char *email;
};

/* A file. Of a delivery: fd is open until the delivery is completed, and stays the host's; url is for the backend, and needs
 * nothing but itself. An adapter without FB_CAN_ATTACHMENTS gets names alone: fd is -1 and url NULL. */
struct fb_attachment {
    uint32_t size;
    int32_t fd; /* readable from the start, or -1 */
    uint64_t bytes;
    const char *filename; /* without folders */
    const char *content_type;
    const char *url; /* ends after an hour; each attempt has a new one */
    const char *cid; /* set for inline images of html */
};

enum fb_format { FB_FORMAT_PLAIN = 1u, FB_FORMAT_MARKDOWN = 2u, FB_FORMAT_HTML = 4u };

/* One message for one recipient. id, channel, text, recipient and its handle are never NULL: a message
 * without words has the text "" here, and null in json. */
struct fb_delivery {
    uint32_t size;
    uint32_t attempt;      /* 1, 2, … */
    int64_t deadline_ms;   /* wall time, see now_ms: complete before it, else the attempt counts as unknown */
    int64_t created_at_ms; /* when it was written in Front; wall time */
    const char *id;        /* ours, as in fb3k9x2m-1z; the idempotency key: the same on every attempt of the
                              same text, and followed by .2, .3 after an agent has edited it; that of a
                              part ends with -p1, -p2, … */
    const char *channel;
    const char *front_message_id;
    const char *front_conversation_id;
    const char *front_event_id;
    const char *conversation_id; /* the backend's own, if known */
    const char *subject;
    const char *text;        /* plain text, always: Front's own, else made of its HTML */
    const char *html;        /* with FB_FORMAT_HTML: from an allow-list of elements, nothing in it can run */
    const char *in_reply_to; /* the backend's id of the message this one answers, if known */
    const struct fb_person *recipient;
    const struct fb_person *author; /* NULL: no person (a rule, the API) */
    const struct fb_attachment *attachments;
    uint32_t attachment_n;
    const char *json; /* the whole delivery in the wire form of channels/http and channels/exec */
    size_t json_n;
    /* 1.1 */
    const char *markdown; /* with FB_FORMAT_MARKDOWN: CommonMark, and ~~struck~~ */
    /* 1.2 */
    uint32_t part;   /* 1, 2, …: which part of a long text this is */
    uint32_t part_n; /* 1: it is the whole */
};

/* A failure report or another event. */
struct fb_notice {
    uint32_t size;
    const char *type; /* "sending_error", "message_bounce_error", or any event type of Front */
    const char *id;   /* ours; the idempotency key */
    const char *front_message_id;
    const char *front_conversation_id;
    const char *front_event_id;
    const char *recipient_handle; /* failures: whose message it was */
    const char *reason;           /* failures: why, as Front says it */
    const char *json;             /* the whole notice in the wire form, with the data of source and target */
    size_t json_n;
    int64_t deadline_ms; /* wall time: complete before it */
};

/* ---- How an attempt ends ------------------------------------------------------------------------------- */

enum fb_outcome_kind {
    FB_DELIVERED = 1, /* the backend has it */
    FB_RETRY = 2, /* not now: try again, after retry_after_ms if it is set, else by the channel's back-off */
    FB_REJECTED = 3, /* never: reason is a plain sentence that the agent reads in Front */
    FB_HOLD = 4,     /* an operator must look at it first; later messages pass it */
    FB_UNKNOWN = 5   /* it may have arrived; the channel's when_unsure decides */
};

enum {
    FB_OUTCOME_UNREACHABLE = 1u /* with FB_RETRY: the backend cannot be reached at all; pauses the channel */
};

struct fb_outcome {
    uint32_t size;
    uint32_t kind;
    uint32_t flags;
    int32_t code;                /* the backend's status code, for people; 0: none */
    int64_t retry_after_ms;      /* FB_RETRY: at least so long; 0: the back-off decides */
    const char *reason;          /* one plain sentence; required but for FB_DELIVERED */
    const char *external_id;     /* FB_DELIVERED: the backend's message id */
    const char *conversation_id; /* FB_DELIVERED: the backend's conversation id; later deliveries carry it */
};

/* ---- What goes to Front -------------------------------------------------------------------------------- */

enum fb_direction {
    FB_FROM_CUSTOMER = 0, /* a customer wrote */
    FB_FROM_AGENT = 1     /* someone of the company wrote in the backend; `to` names the customers */
};

/* What an fb_inbound tells of. Front shows the changes of messages in no other way than as words: an edit or delete of a
 * customer becomes a message in the thread that says so, a reaction and what FB_FROM_AGENT did a comment on the conversation.
 * They are stored, ordered and recognised by their id like messages; an id of one kind says nothing of the others'. A
 * message that is still on its way to Front goes as it was, and what happened to it follows. */
enum fb_what {
    FB_MESSAGE = 0,
    FB_EDIT = 1,     /* text, markdown or html is the new text, not empty; no attachments */
    FB_DELETE = 2,   /* taken back; no text, no attachments */
    FB_REACTION = 3, /* emoji; no text, no attachments */
    FB_TYPING = 4    /* counted, and not stored: done is called with FB_OK and no id */
};

/* One message of the backend, or what happened to one. Ids, handles, names, addresses and the subject have up to 1,024 bytes; of
 * its attachments filename, content_type and cid up to 255, url up to 4,096. */
struct fb_inbound {
    uint32_t size;
    uint32_t direction;
    const char *id; /* the backend's id: the same id is stored once. NULL: cannot be recognised again */
    const char *conversation_id;    /* the backend's; NULL: the sender's handle decides */
    const struct fb_person *sender; /* handle required */
    const char *text;     /* exactly one of text, markdown and html, up to 512 KiB; with attachments it */
    const char *markdown; /*   may be empty or left out */
    const char *html;
    const char *subject;
    const char *in_reply_to;    /* the backend's id of an earlier message */
    int64_t sent_at_ms;         /* wall time; 0: now */
    const struct fb_person *to; /* FB_FROM_AGENT: up to 50; the first one decides about the conversation */
    uint32_t to_n;
    uint32_t attachment_n;
    const struct fb_attachment
        *attachments; /* up to 32; filename and content_type required; url (https or http, fetched by the
                                 bridge from public addresses and the networks of a setting allow_private,
                                 an FB_SETTING_LIST, if you declare one) or else fd (over 0; a regular file, read from its start; duplicated by
                                 the host, but not to be written to any more). Over 25 MB in all done says no */
    const char *author_email; /* FB_FROM_AGENT: the teammate in Front, if there is one of this address */
    /* 1.2: what happened to an earlier message, which is named by exactly one of the three; FB_MESSAGE and FB_TYPING name
     * none. sender says who did it, to as for a message. */
    uint32_t what;                 /* enum fb_what */
    uint32_t is_removed;           /* FB_REACTION: it was taken away again */
    const char *about;             /* the backend's id of it, whoever wrote it */
    const char *about_delivery_id; /* ours, of a delivery; */
    const char *about_external_id; /*   or the backend's, as FB_DELIVERED told it */
    const char *emoji;             /* FB_REACTION: up to 128 bytes, or a name such as ":thumbs_up:" */
};

/* How receive() or receipt() ended. */
struct fb_stored {
    uint32_t size;
    int32_t status; /* FB_OK: durable, acknowledge it now. FB_ERR_FULL, FB_ERR_FAILED: do not, try again.
                             FB_ERR_INVALID: never will be, message says why.
                             FB_ERR_NOT_FOUND: a receipt that names no delivery of this channel */
    uint32_t is_duplicate; /* this id was stored before; id is the same as then */
    const char *id;        /* ours; NULL with FB_OK: there was nothing to store (FB_TYPING) */
    const char *message;   /* a plain sentence when status is not FB_OK */
};
typedef void fb_stored_fn(void *arg, const struct fb_stored *stored); /* [loop] */

enum fb_receipt_status { FB_RECEIPT_DELIVERED = 1, FB_RECEIPT_READ = 2, FB_RECEIPT_FAILED = 3 };

/* What became of a delivery later. Name it by delivery_id (ours) or external_id (the backend's). */
struct fb_receipt {
    uint32_t size;
    uint32_t status;
    const char *delivery_id;
    const char *external_id;
    const char *reason; /* FB_RECEIPT_FAILED */
};

/* ---- HTTP ---------------------------------------------------------------------------------------------- */

struct fb_header {
    const char *name;
    const char *value;
};

/* A request to /hooks/CHANNEL[/…]. It is *not* authenticated: that is the adapter's work. */
struct fb_request {
    uint32_t size;
    uint32_t header_n;
    const char *method;
    const char *path;  /* what follows /hooks/CHANNEL: "" or "/…" */
    const char *query; /* without "?"; NULL if none */
    const char *peer;  /* numeric address */
    const struct fb_header *headers;
    const char *body; /* the raw bytes; NULL if they are in fd */
    uint64_t body_n;
    int32_t fd; /* a large body as a file, readable from the start; -1 if body is set; stays the host's */
    int64_t deadline_ms; /* wall time: reply before it, else the backend hears 503 */
};

struct fb_reply {
    uint32_t size;
    int32_t status;           /* 200 to 599 */
    const char *content_type; /* NULL: application/json if there is a body */
    const char *body;
    size_t body_n;
    const struct fb_header *headers;
    uint32_t header_n;
};

/* Refuse private, loopback and link-local addresses: for URLs that came from outside. */
enum { FB_HTTP_PUBLIC_ONLY = 1u };

struct fb_http_request {
    uint32_t size;
    uint32_t flags;
    const char *method;
    const char *url;
    const struct fb_header *headers;
    uint32_t header_n;
    uint32_t timeout_ms; /* 0: 30 s */
    const char *body;
    size_t body_n;
    uint64_t max_answer_bytes; /* 0: 1 MiB; at most 64 MiB */
    uint64_t body_fd_bytes;    /* over 0: the body is so much of the file body_fd; keep it open until done */
    int32_t body_fd;
};

enum fb_http_fail {
    FB_HTTP_OK = 0,          /* there is a status */
    FB_HTTP_UNREACHABLE = 1, /* no connection: nothing was sent */
    FB_HTTP_LOST = 2,        /* sent, perhaps; no usable answer */
    FB_HTTP_REFUSED = 3      /* the host did not call it: bad URL, forbidden address, certificate not valid */
};

struct fb_http_answer {
    uint32_t size;
    uint32_t fail; /* enum fb_http_fail */
    int32_t status;
    uint32_t header_n;
    const struct fb_header *headers;
    const char *body; /* NUL terminated for convenience; body_n does not count it */
    size_t body_n;
    const char *message; /* a few plain words when fail is set */
};
typedef void fb_http_fn(void *arg, const struct fb_http_answer *answer); /* [loop] */

/* ---- The module ---------------------------------------------------------------------------------------- */

enum fb_capability {
    FB_CAN_IDEMPOTENT = 1u << 0,  /* the backend ignores an id it has seen: unknown attempts are sent again */
    FB_CAN_ATTACHMENTS = 1u << 1, /* takes attachments; else a line with their names is added */
    /* For people who read what an adapter can do; each is taken from one that does not declare it, too. */
    FB_CAN_RECEIPTS = 1u << 2, /* calls receipt() */
    FB_CAN_EDITS = 1u << 3,    /* hands over FB_EDIT, FB_DELETE and FB_REACTION */
    FB_CAN_TYPING = 1u << 4,   /* hands over FB_TYPING */
    FB_CAN_PARALLEL = 1u << 5  /* several deliveries may be under way at once; else one at a time */
};

struct fb_module {
    uint32_t abi_major; /* FB_MODULE_HEAD */
    uint32_t abi_minor;
    uint32_t size;
    uint32_t capabilities; /* enum fb_capability */
    const char *name;      /* [a-z0-9_-], up to 32 characters */
    const char *version;
    const char *summary; /* one line */
    uint32_t formats;    /* enum fb_format: what text it takes; 0: plain */
    uint32_t max_text;   /* characters in one message, at least 40; 0: no limit. See "Long texts" */
    const struct fb_setting *settings;
    uint32_t setting_n;
    uint32_t in_flight; /* deliveries under way at once, with FB_CAN_PARALLEL; 0: 64 */

    /* [loop] Looks at the settings alone: `front-bridge check` calls it. No I/O, but for a look whether a file
     * is there. Only setting() and log() may be used. FB_OK, or FB_ERR_INVALID with one sentence in why that
     * says what to write instead; the first setting that it names in `backticks` is where people are sent.
     * May be NULL. */
    int (*validate)(const struct fb_host *host, char *why, size_t why_n);
    /* [loop] Makes an instance. FB_OK sets *self; else one sentence goes into why. Required. */
    int (*open)(const struct fb_host *host, void **self, char *why, size_t why_n);
    /* [loop] Required. */
    void (*deliver)(void *self, fb_token token, const struct fb_delivery *delivery);
    /* [loop] May be NULL: the notice is dropped, and counted. */
    void (*failed)(void *self, fb_token token, const struct fb_notice *notice);
    /* [loop] May be NULL. */
    void (*event)(void *self, fb_token token, const struct fb_notice *notice);
    /* [loop] May be NULL: /hooks/CHANNEL answers 404. */
    void (*request)(void *self, fb_token token, const struct fb_request *request);
    /* [loop] May be NULL. */
    void (*stop)(void *self);
    /* [loop] Required. */
    void (*close)(void *self);
};

/* The one exported function. [any] Returns the same pointer always; touches nothing. */
FB_EXPORT const struct fb_module *fb_channel_module(void);
typedef const struct fb_module *fb_channel_module_fn(void);
#define FB_MODULE_SYMBOL "fb_channel_module"

/* ---- The host's services ------------------------------------------------------------------------------- */

enum fb_log_level { FB_LOG_DEBUG = 0, FB_LOG_INFO = 1, FB_LOG_WARN = 2, FB_LOG_ERROR = 3 };
enum { FB_WATCH_READ = 1u, FB_WATCH_WRITE = 2u };

typedef void fb_timer_fn(void *arg);
typedef void fb_watch_fn(void *arg, int fd, uint32_t ready);
typedef void fb_post_fn(void *arg);
/* status: FB_OK, FB_ERR_NOT_FOUND or FB_ERR_FAILED. */
typedef void fb_kv_fn(void *arg, int status, const char *value, size_t n);

/* Pass the host pointer that open was given as the first argument. It lives until close has returned. */
struct fb_host {
    uint32_t size;
    uint32_t abi_major;
    uint32_t abi_minor;
    uint32_t reserved;
    const char *channel; /* the name in the configuration */

    /* [loop] The value of a declared setting, or its fallback, in the form that enum fb_setting_kind states;
     * it lives until close has returned. NULL: not set. */
    const char *(*setting)(const struct fb_host *host, const char *key);
    /* [any] One line without a newline. No secrets, no message text. */
    void (*log)(const struct fb_host *host, int level, const char *text);
    /* [any] Wall time in milliseconds. */
    int64_t (*now_ms)(const struct fb_host *host);

    /* [loop] Ends deliver, failed or event. The second complete of a token is FB_ERR_TOKEN and changes
     * nothing. */
    int (*complete)(const struct fb_host *host, fb_token token, const struct fb_outcome *outcome);
    /* [loop] Ends request. */
    int (*reply)(const struct fb_host *host, fb_token token, const struct fb_reply *reply);

    /* [loop] Hands a message over; done is called once, when it is durable or refused: acknowledge the
     * backend then and not before. FB_ERR_INVALID, FB_ERR_FULL, FB_ERR_CLOSED are returned at once, without a
     * call of done. */
    int (*receive)(const struct fb_host *host, const struct fb_inbound *inbound, fb_stored_fn *done,
                   void *arg);
    /* [loop] Reports what became of a delivery later; done as for receive. */
    int (*receipt)(const struct fb_host *host, const struct fb_receipt *receipt, fb_stored_fn *done,
                   void *arg);
    /* [loop] Asks for other events; space-separated types of Front, or "*". Usually in open. */
    int (*want_events)(const struct fb_host *host, const char *types);

    /* [loop] Calls fn once after delay_ms. Returns an id (never 0), or 0 when there are too many (1000). */
    uint64_t (*timer)(const struct fb_host *host, int64_t delay_ms, fb_timer_fn *fn, void *arg);
    /* [loop] After it fn will not be called. An id that has fired is ignored. */
    void (*timer_cancel)(const struct fb_host *host, uint64_t id);
    /* [loop] Calls fn while fd is readable or writable. One watch per fd; events 0 ends it. The fd stays
     * yours: end the watch before closing it. */
    int (*watch)(const struct fb_host *host, int fd, uint32_t events, fb_watch_fn *fn, void *arg);
    /* [any] Calls fn on the loop, soon and in order. The way back from another thread. */
    int (*post)(const struct fb_host *host, fb_post_fn *fn, void *arg);

    /* [loop] A request to the backend: keep-alive, TLS verified, redirects not followed. done is called once,
     * later. Returns an id, or 0 when there are too many (1000). */
    uint64_t (*http)(const struct fb_host *host, const struct fb_http_request *request, fb_http_fn *done,
                     void *arg);
    /* [loop] After it done will not be called. */
    void (*http_cancel)(const struct fb_host *host, uint64_t id);

    /* [loop] A small durable store of the channel's own: keys up to 256 bytes, values up to 64 KiB, 10,000
     * keys. */
    int (*kv_get)(const struct fb_host *host, const char *key, fb_kv_fn *done, void *arg);
    /* [loop] value NULL deletes; done (may be NULL) is called when it is durable. */
    int (*kv_set)(const struct fb_host *host, const char *key, const char *value, size_t n, fb_kv_fn *done,
                  void *arg);

    /* [loop] A named addition to this ABI, or NULL. None exists in 1.0. */
    const void *(*extension)(const struct fb_host *host, const char *name);

    /* 1.2 */
    /* [loop] In open alone: what text this instance takes, instead of what the module declares. formats is enum fb_format,
     * 0: plain; max_text as in the module. FB_ERR_INVALID: unknown formats, or a max_text of 1 to 39. */
    int (*want_text)(const struct fb_host *host, uint32_t formats, uint32_t max_text);
};

/* ---- Two helpers that every webhook needs; compiled into the adapter ----------------------------------- */

/* fb_header_get: the value of a header, whose name is compared without case; NULL if it is not there. */
static inline const char *fb_header_get(const struct fb_header *headers, uint32_t n, const char *name)
{
    for (uint32_t i = 0; i < n; i++) {
        const char *a = headers[i].name, *b = name;
        while (*a && (*a == *b || (((*a ^ *b) == 0x20) && (*a | 0x20) >= 'a' && (*a | 0x20) <= 'z')))
            a++, b++;
        if (!*a && !*b)
            return headers[i].value;
    }
    return NULL;
}

/* fb_secret_equal compares what came from outside with a secret, in a time that tells nothing but the length.
 * NULL equals nothing. */
static inline int fb_secret_equal(const char *given, const char *secret)
{
    size_t n = 0, m = 0;
    unsigned char differs = 0;
    if (!given || !secret)
        return 0;
    while (given[n])
        n++;
    while (secret[m])
        m++;
    if (n != m)
        return 0;
    for (size_t i = 0; i < n; i++)
        differs = (unsigned char)(differs | (given[i] ^ secret[i]));
    return !differs;
}

#ifdef __cplusplus
}
#endif
#endif
