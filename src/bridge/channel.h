/*
 * What the stations of the bridge share: the structs of a bridge, an account and a channel at work.
 */
#ifndef BRIDGE_CHANNEL_H
#define BRIDGE_CHANNEL_H

#include "base/histogram.h"
#include "base/slots.h"
#include "bridge/bridge.h"
#include "bridge/outage.h"
#include "bridge/policy.h"
#include "bridge/queue.h"
#include "front/answer.h"
#include "front/callback.h"
#include "front/client.h"
#include "front/sign.h"
#include "host/host.h"
#include "http/client.h"
#include "http/server.h"
#include "store/event.h"
#include "store/fact.h"
#include "store/operator.h"
#include <front_bridge/channel.h>
#include <sys/queue.h>

enum {
    CALLBACK_SHAPE_N = CALLBACK_SYNC + 1,
    FRONT_ERROR_N = FRONT_INTERNAL_ERROR + 1,
    OUTCOME_N = OUTCOME_UNKNOWN + 1,
    ATTEMPTS_MAX = 1024, /* of a channel in its host */
    HOOKS_MAX = 256,     /* requests of a backend in its channel's host */
};

/* How a channel stands with Front: life.h. */
struct life {
    struct standing standing; /* what is durable */
    struct store_admin pass;  /* holds or releases the channel's messages */
    wall_ms_t pass_at;        /* the next one, while stopped */
    bool is_passing, is_swept;
    enum store_life pass_for; /* what the channel was when the pass began */
    unsigned change_n;        /* on their way to the store */
};

/* What Front is told of how the channel works: presence.h. */
struct presence {
    struct outage outage;
    bool is_busy, is_telling_offline;
    bool has_told_offline; /* in this process */
    mono_ms_t again_at;
};

/* Of one direction: how often a file's fetch or copy ended so, and what was stored. */
struct file_stats {
    uint64_t n[FILE_STATE_N], bytes;
};

enum sign_result { SIGN_ACCEPTED, SIGN_AGAIN, SIGN_NOT_KEPT, SIGN_RESULT_N };

struct channel_stats {
    uint64_t callbacks[CALLBACK_SHAPE_N][FRONT_ERROR_N];
    uint64_t deliveries[OUTCOME_N], inbound[OUTCOME_N], history[OUTCOME_N];
    uint64_t foreign_links, late_failures, alerts;
    uint64_t confirmed, confirmed_again, unconfirmed;
    uint64_t unsent;            /* messages that only an event told of, and that must not be sent any more */
    struct file_stats files[2]; /* by direction */
    uint64_t signs[SIGN_N][SIGN_RESULT_N];
    struct histogram delivery_time, answer_time;
};

enum app_call_kind {
    APP_AUTHORIZATION,
    APP_ADDRESSES,
    APP_SIGN_IN,
    APP_TOKEN,
    APP_INTROSPECT,
    APP_OTHER,
    APP_CALL_N
};

struct oauth;

struct account {
    struct bridge *bridge;
    const struct config_account *config;
    struct oauth *oauth; /* NULL: sign-in is off */
    uint64_t app_calls[APP_CALL_N][FRONT_ERROR_N];
    uint64_t webhooks[FRONT_ERROR_N];
    struct front_client *front;
    struct breaker breaker;
    struct authors *authors;
    struct eventer *eventer;
    struct catcher *catcher;
    struct resolver *resolver;
    uint64_t events[EVENT_TYPE_N][EVENT_STATE_N];
    uint64_t foreign_links; /* in webhooks */
};

struct channel {
    struct bridge *bridge;
    const struct config_channel *config;
    struct account *account;
    char *const *secret; /* what Front signs with: the channel's own, else the account's */
    size_t secret_n;
    struct host *host;
    uint32_t capabilities; /* of the adapter, as preflight saw it */
    struct queue out, in, history;
    char history_name[STORE_CHANNEL_BYTES]; /* where the store keeps it */
    struct breaker breaker;                 /* of the backend */
    struct slots attempts;                  /* token -> struct attempt, while the host has it */
    struct slots hooks;                     /* token -> struct http_exchange */
    unsigned promised_n;                    /* attempts that puts under way may start */
    struct life life;
    struct presence presence;
    bool has_events; /* events come to this channel's own URL, */
    enum recall_state { RECALL_ASKED, RECALL_DONE, RECALL_FAILED } recall; /* as the store says */
    bool has_suspects; /* there may be messages that were in flight at a crash: one at a time, they first */
    struct learner *learner;
    struct reporter *reporter;
    struct fetcher *fetch[WAY_N];
    struct http_networks allowed;   /* private ones that URLs of the backend's files may reach */
    TAILQ_HEAD(, receive) receives; /* handed over and not posted to the store yet: their files are copied */
    LIST_HEAD(, relay) relays;      /* on their way to Front, one per attempt of `in` and `history` */
    struct placer *placer;
    struct channel_stats stats;
};

struct roll;

struct bridge {
    struct event_base *base;
    const struct config *config;
    struct store *store;
    struct http_server *server;
    struct http_client *http; /* to Front */
    struct http_client
        *abroad; /* to where backends' files are: who is slow there keeps no call to Front waiting */
    struct account *account;
    struct channel *channel;
    struct event *schedule, *stop_check;
    wall_ms_t ticked_at; /* when the queues were last looked at */
    struct keeper *keeper;
    struct roll *roll; /* how the channels stand, being read; NULL: it is known */
    struct receptions *receptions;
    struct files *files; /* NULL: closed */
    struct links *links;
    unsigned taking_n;             /* events on their way into the store */
    unsigned attempt_n, receive_n; /* under way: what a stop waits for */
    unsigned deposit_fd_n;         /* files that are being copied */
    uint64_t deposit_bytes;        /* and how large they are */
    bool is_stopping;
    mono_ms_t stop_by;
    void (*on_stopped)(void *arg);
    void *stopped_arg;
};

/* channel_front_id gives Front's id of the channel: the configuration's, else the learnt one; NULL: not known. */
const char *channel_front_id(const struct channel *ch);
/* channel_address gives the channel's handle in Front as far as the configuration says it. */
const char *channel_address(const struct channel *ch);
struct account *bridge_account(const struct bridge *b, struct span name); /* NULL: none */
static inline struct queue *channel_queue(struct channel *ch, enum queue_way way)
{
    struct queue *const queue[WAY_N] = {
        [WAY_OUT] = &ch->out, [WAY_IN] = &ch->in, [WAY_HISTORY] = &ch->history};
    return queue[way];
}

struct channel *bridge_channel(const struct bridge *b, struct span name); /* NULL: none */
/* channel_takes_files says whether the files of its messages are fetched for the adapter. */
bool channel_takes_files(const struct channel *ch);
/* channel_may_resend says whether an attempt of which nobody knows the end may be made again. */
bool channel_may_resend(const struct channel *ch, enum message_direction d);
/* bridge_wake asks every queue to look again. */
void bridge_wake(struct bridge *b);

#endif
