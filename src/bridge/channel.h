/*
 * What the stations of the bridge share: the structs of a bridge, an account and a channel at work.
 */
#ifndef BRIDGE_CHANNEL_H
#define BRIDGE_CHANNEL_H

#include "base/histogram.h"
#include "base/slots.h"
#include "bridge/bridge.h"
#include "bridge/policy.h"
#include "bridge/queue.h"
#include "front/answer.h"
#include "front/callback.h"
#include "front/client.h"
#include "host/host.h"
#include "http/client.h"
#include "http/server.h"
#include "store/store.h"
#include <front_bridge/channel.h>

enum {
    CALLBACK_SHAPE_N = CALLBACK_SYNC + 1,
    FRONT_ERROR_N = FRONT_INTERNAL_ERROR + 1,
    OUTCOME_N = OUTCOME_UNKNOWN + 1,
    ATTEMPTS_MAX = 1024, /* of a channel in its host */
    HOOKS_MAX = 256,     /* requests of a backend in its channel's host */
};

struct channel_stats {
    uint64_t callbacks[CALLBACK_SHAPE_N][FRONT_ERROR_N];
    uint64_t deliveries[OUTCOME_N], inbound[OUTCOME_N];
    uint64_t foreign_links, late_failures, alerts;
    struct histogram delivery_time, answer_time;
};

struct account {
    struct bridge *bridge;
    const struct config_account *config;
    struct front_client *front;
    struct breaker breaker;
};

struct channel {
    struct bridge *bridge;
    const struct config_channel *config;
    struct account *account;
    char *const *secret; /* what Front signs with: the channel's own, else the account's */
    size_t secret_n;
    struct host *host;
    uint32_t capabilities; /* of the adapter, as preflight saw it */
    struct queue out, in;
    struct breaker breaker; /* of the backend */
    struct slots attempts;  /* token -> struct attempt, while the host has it */
    struct slots hooks;     /* token -> struct http_exchange */
    unsigned promised_n;    /* attempts that puts under way may start */
    bool has_suspects; /* there may be messages that were in flight at a crash: one at a time, they first */
    struct learner *learner;
    struct reporter *reporter;
    struct placer *placer;
    struct channel_stats stats;
};

struct bridge {
    struct event_base *base;
    const struct config *config;
    struct store *store;
    struct http_server *server;
    struct http_client *http;
    struct account *account;
    struct channel *channel;
    struct event *schedule, *stop_check;
    wall_ms_t ticked_at; /* when the queues were last looked at */
    struct keeper *keeper;
    struct receptions *receptions;
    unsigned attempt_n, receive_n; /* under way: what a stop waits for */
    bool is_stopping;
    mono_ms_t stop_by;
    void (*on_stopped)(void *arg);
    void *stopped_arg;
};

struct channel *bridge_channel(const struct bridge *b, struct span name); /* NULL: none */
/* channel_may_resend says whether an attempt of which nobody knows the end may be made again. */
bool channel_may_resend(const struct channel *ch, enum message_direction d);
/* bridge_wake asks every queue to look again. */
void bridge_wake(struct bridge *b);

#endif
