/*
 * What the parts of the simulator share: one struct, known to src/sim alone.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "base/clock.h"
#include "http/client.h"
#include "http/server.h"
#include "sim/account.h"
#include "sim/fault.h"
#include "sim/feed.h"
#include "sim/hook.h"
#include "sim/journal.h"
#include "sim/limiter.h"
#include "sim/sim.h"
#include "sim/token.h"
#include <sys/queue.h>

struct sim_app_call;
struct sim_call;
struct sim_chat;
struct sim_notice;
struct sim_pending;

enum {
    SIM_BODY_MAX = 26 << 20,
    SIM_TEXT_MAX = 256 << 10,
    SIM_ATTACHMENTS_MAX = 25 * 1000 * 1000,
    SIM_DEFAULT_CREATED_DELAY_MS = 50
};

struct sim {
    struct event_base *base;
    struct http_client *http;
    struct http_server *server;
    struct sim_account account;
    struct sim_limiter limiter;
    struct sim_tokens tokens;
    char *token, *app_uid, *app_secret;
    char *secret; /* the company's API secret: signs what has no secret of its own */
    struct sim_faults faults;
    struct sim_journal journal;
    struct sim_feed feed;
    struct sim_chat *chat;
    LIST_HEAD(sim_calls, sim_call) call; /* API calls not yet answered */
    int64_t created_delay_ms;
    bool dedupes;                       /* inbound_messages and outbound_messages, by external_id */
    size_t attachments_max;             /* bytes of one upload */
    int64_t lag_ms;                     /* so long an event, and its message, are not yet shown */
    int64_t notice_ms, notice_retry_ms; /* how long a webhook may take; the pause before the next attempt */
    bool has_echo;                      /* a failed send is told as a sending_error */
    bool has_thin_pages;                /* see search.h */
    struct sim_hooks hooks;
    int64_t imported_delay_ms;                      /* from a message's creation to its message_imported */
    bool has_no_imported;                           /* there is none */
    LIST_HEAD(sim_app_calls, sim_app_call) app;     /* calls of an app's server not yet ended */
    LIST_HEAD(sim_notices, sim_notice) notice;      /* sendings of events not yet ended */
    STAILQ_HEAD(sim_pendings, sim_pending) pending; /* accepted, not yet created */
    struct event *creator;
    sim_observe_fn *observe;
    void *observe_arg;
};

void sim_note(struct sim *s, const struct sim_moment_info *info);
/* sim_changed tells the pages that a conversation is new or different. */
void sim_changed(struct sim *s, const struct sim_conversation *c);

/* configure.c: NULL on error, with one sentence in why. */
struct sim_channel *sim_configure_channel(struct sim *s, struct jval spec, struct buf *why);

/* send.c */
void sim_autoreply(struct sim *s, struct sim_conversation *c, const char *text, bool has_metadata,
                   sim_sent_fn *done, void *arg, const char **why);

/* create.c: 202 now, created a little later. Takes m. */
void sim_create_later(struct sim *s, struct sim_message *m);
void sim_create_stop(struct sim *s); /* forgets what is pending */

/* api.c: a handler of the server, with the sim as arg. */
void sim_on_api(struct http_exchange *x, void *arg);
void sim_api_stop(struct sim *s); /* ends what is open */

#endif
