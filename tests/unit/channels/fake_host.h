/*
 * A scripted host for the unit tests of adapters: it loads a built .so and plays every service of struct
 * fb_host.
 *
 * Shape: timers, posts and watched descriptors are real and run inside fake_run; HTTP calls, received
 * messages and replies are only written down, and end when the test says so. What an adapter must never do (a
 * second watch, a completion inside a service, a token completed twice) fails the test by itself.
 */
#ifndef TESTS_FAKE_HOST_H
#define TESTS_FAKE_HOST_H

#include <front_bridge/channel.h>
#include <stdbool.h>

enum { FAKE_MAX = 256 };

struct fake_outcome {
    bool is_done;
    uint32_t kind, flags;
    int32_t code;
    int64_t retry_after_ms;
    char *reason, *external_id, *conversation_id; /* NULL: absent */
};

struct fake_reply {
    bool is_done;
    int status;
    char *body;        /* never NULL once done */
    char *retry_after; /* headers of interest */
    char *allow;
};

struct fake_http {
    bool is_open;
    char *method, *url, *body;
    size_t body_n;
    uint32_t timeout_ms, header_n;
    struct fb_header headers[64];
    fb_http_fn *done;
    void *arg;
};

struct fake_file {
    char *filename, *content_type, *url, *cid, *content; /* content: of a descriptor, with a NUL after it */
    uint64_t bytes;
};

struct fake_received {
    bool is_open, is_receipt;
    struct fb_inbound
        inbound; /* strings copied; to is not kept, but to_handle is the first; attachments are file */
    struct fake_file file[32];
    struct fb_receipt receipt;
    char *sender_handle, *sender_name, *to_handle;
    fb_stored_fn *done;
    void *arg;
};

struct fake {
    struct fb_host host; /* first: what the adapter sees */
    const struct fb_module *module;
    void *self;
    char why[512];
    int64_t skew_ms;                       /* added to the clock: fake_advance */
    int receive_result;                    /* what receive and receipt return at once */
    bool is_http_full;                     /* http returns 0 */
    char *wanted;                          /* want_events */
    uint32_t formats, max_text;            /* want_text */
    char *log;                             /* every line, "W text\n" */
    struct fake_outcome outcome[FAKE_MAX]; /* by token */
    struct fake_reply reply[FAKE_MAX];     /* by token */
    struct fake_http http[FAKE_MAX];
    unsigned http_n;
    struct fake_received received[FAKE_MAX];
    unsigned received_n;
    struct fake_private *private;
};

/* fake_new loads so; a test fails at once if that does not work. Settings: the declared fallbacks until
 * fake_set. */
struct fake *fake_new(const char *so);
void fake_free(struct fake *f); /* closes first, if it is open */
void fake_set(struct fake *f, const char *key,
              const char *value);  /* in the form of enum fb_setting_kind; NULL: unset */
int fake_validate(struct fake *f); /* f->why has the sentence */
int fake_open(struct fake *f);
void fake_stop(struct fake *f);
void fake_close(struct fake *f); /* and checks that nothing of it is left behind */

/* json NULL: a small delivery with this id and text. */
void fake_deliver(struct fake *f, fb_token token, const char *id, const char *text, const char *json);
/* given's id, text, json, recipient and deadline_ms count; what is missing is made. All of it is freed when
 * the token ends. */
void fake_deliver_to(struct fake *f, fb_token token, const struct fb_delivery *given);
void fake_notice(struct fake *f, fb_token token, bool is_failure, const char *id, const char *json);
/* headers: "name: value\n…", borrowed; fd -1 or a file with the body. */
void fake_request(struct fake *f, fb_token token, const char *method, const char *path, const char *headers,
                  const char *body, int fd);
void fake_http_answer(struct fake *f, unsigned i, int status, const char *headers, const char *body);
void fake_http_fail(struct fake *f, unsigned i, uint32_t fail, const char *message);
void fake_stored(struct fake *f, unsigned i, int status, bool is_duplicate, const char *id,
                 const char *message);
const char *fake_http_header(const struct fake_http *h, const char *name);

/* fake_run turns the loop for ms, or until until(f, arg) holds; says whether it holds (NULL: false). */
bool fake_run(struct fake *f, int ms, bool (*until)(struct fake *f, void *arg), void *arg);
void fake_advance(struct fake *f, int64_t ms);         /* makes that time pass for now_ms and timers */
bool fake_run_outcome(struct fake *f, fb_token token); /* runs up to 10 s until the token is done */
bool fake_run_reply(struct fake *f, fb_token token);
bool fake_run_received(struct fake *f, unsigned n);  /* … until n were received */
bool fake_run_log(struct fake *f, const char *text); /* … until the log holds text */
unsigned fake_timers(const struct fake *f);
unsigned fake_watches(const struct fake *f);

#endif
