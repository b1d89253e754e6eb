/*
 * The exec adapter: JSON lines with a child program. See README.md for what is said.
 *
 * Shape: a channel has one program at a time (program.c), the calls that the host waits for (calls.c), and
 * the messages of the program that wait to be stored (talk.c). Invariant: a call is queued, or sent to the
 * program that runs now; when that ends, none of what was sent to it is left.
 */
#ifndef CHANNEL_EXEC_EXEC_H
#define CHANNEL_EXEC_EXEC_H

#include "base/clock.h"
#include "child.h"
#include "lines.h"
#include "skim.h"
#include "wire/wire.h"
#include <sys/queue.h>

enum {
    IN_FLIGHT_MAX = 64,
    LINE_MAX_BYTES = 2 << 20, /* one line of the program */
    NOISE_MAX_BYTES = 1000,   /* one line of its standard error */
    OUT_SEND_BYTES = 1 << 20, /* with more than this unread by the program, nothing new is sent */
    OUT_MAX_BYTES = 64 << 20, /* what could be unread at all: a delivery or request and the answers */
    CALL_JSON_MAX = 16 << 20, /* a larger delivery is refused */
    REQUEST_BODY_MAX = 1 << 20,
    RECEIVES_MAX = 64,      /* messages that wait to be stored; with more the program is not read */
    REF_MAX = 256,          /* bytes of a ref, as JSON */
    NOISE_PER_SECOND = 20,  /* lines that the program may cause in the log */
    RESTART_MAX_MS = 30000, /* the back-off ends there */
    UP_LONG_MS = 30000,     /* and begins anew after this */
    DEADLINE_MARGIN_MS = 500,
};

enum call_kind { CALL_DELIVER, CALL_FAILED, CALL_EVENT, CALL_REQUEST };

struct call {
    TAILQ_ENTRY(call) link;
    enum call_kind kind;
    bool is_sent;
    fb_token token;
    mono_ms_t sent_at, due;
    union { /* borrowed until the call is over */
        const struct fb_delivery *delivery;
        const struct fb_notice *notice;
        const struct fb_request *request;
    };
};
TAILQ_HEAD(calls, call);

struct receiving;

struct channel {
    const struct fb_host *host;
    char **argv, **envp; /* owned */
    int64_t timeout_ms, restart_ms;
    unsigned in_flight_max;

    struct child child;
    unsigned generation; /* of the program: which one asked */
    mono_ms_t started_at, heard_at, wrote_at, restart_at;
    int64_t backoff_ms;
    uint64_t restart_timer;
    char ended[64]; /* how the last one ended */
    bool is_stopping;
    uint32_t in_events, out_events; /* what is watched now */
    struct lines said, noise;
    struct skim skim; /* of a line that is too long */
    struct buf out;   /* what the program has not read */
    size_t out_at;

    struct calls calls; /* in the order in which they came */
    unsigned sent_n;    /* deliveries and notices that the program has */
    uint64_t sweep_timer;
    mono_ms_t sweep_at;

    LIST_HEAD(receivings, receiving) receivings;
    unsigned receiving_n;

    mono_ms_t noise_since;
    unsigned noise_n;
};

/* program.c */
MUST_CHECK enum err program_start(struct channel *ch, struct buf *why);
/* program_pump sends what may be sent and writes what can be written. Call it after anything has changed. */
void program_pump(struct channel *ch);
/* program_restart ends a program that breaks the rules; reason is for people. */
void program_restart(struct channel *ch, const char *reason);
void program_stop(struct channel *ch);  /* no new calls; lets it end */
void program_close(struct channel *ch); /* it is gone after this */
bool program_is_up(const struct channel *ch);
size_t program_unread(const struct channel *ch);
/* channel_noise logs a line on behalf of the program, so many a second and no more. */
void channel_noise(struct channel *ch, int level, const char *text);

/* calls.c */
void calls_deliver(void *self, fb_token token, const struct fb_delivery *d);
void calls_failed(void *self, fb_token token, const struct fb_notice *n);
void calls_event(void *self, fb_token token, const struct fb_notice *n);
void calls_request(void *self, fb_token token, const struct fb_request *r);
void calls_send(struct channel *ch); /* puts into ch->out what there is room for */
void calls_sweep_at(struct channel *ch, mono_ms_t at);
void calls_program_ended(struct channel *ch); /* what it had is unknown, what waited is tried again */
struct call *calls_sent(struct channel *ch, fb_token token,
                        bool is_request); /* NULL: it does not have that */
void call_complete(struct channel *ch, struct call *c, const struct fb_outcome *o);
void call_reply(struct channel *ch, struct call *c, const struct fb_reply *r);
void calls_fini(struct channel *ch);

/* talk.c: a line of the program, or a piece of one that is too long. */
void talk_line(void *self, struct span bytes, enum line_part part);
void talk_fini(struct channel *ch);

#endif
