/*
 * Puts the parts together and takes them apart. Knows the order in which they start and stop, and nothing
 * else.
 */
#include "bridge/bridge.h"
#include "base/log.h"
#include "base/mem.h"
#include "bridge/app.h"
#include "bridge/attempt.h"
#include "bridge/author.h"
#include "bridge/channel.h"
#include "bridge/catch_up.h"
#include "bridge/delivery.h"
#include "bridge/events.h"
#include "bridge/fetch.h"
#include "bridge/hooks.h"
#include "bridge/intake.h"
#include "bridge/keeper.h"
#include "bridge/life.h"
#include "bridge/links.h"
#include "bridge/moved.h"
#include "bridge/oauth.h"
#include "bridge/place.h"
#include "bridge/presence.h"
#include "bridge/receive.h"
#include "bridge/reception.h"
#include "bridge/relay.h"
#include "bridge/report.h"
#include "bridge/resolve.h"
#include "bridge/webhook.h"
#include "bridge/staging.h"
#include "bridge/sweep.h"
#include "store/files.h"
#include "store/import.h"
#include <stdlib.h>
#include <sys/resource.h>

enum {
    STOP_MS = 7000, /* a host takes five seconds at most */
    STOP_CHECK_MS = 20,
    HTTP_CONNECTIONS = 64, /* to Front, of all accounts */
    ABROAD_CONNECTIONS = 256,
};

/* ---- Small answers ---- */

static void refusal(struct buf *body, int status, const char *reason)
{
    front_answer_error(body, front_error_of_status(status), span_of(reason));
}

/* ---- Channels ---- */

struct channel *bridge_channel(const struct bridge *b, struct span name)
{
    for (size_t i = 0; i < b->config->channel_n; i++)
        if (span_is(name, b->config->channel[i].name))
            return &b->channel[i];
    return NULL;
}

struct account *bridge_account(const struct bridge *b, struct span name)
{
    for (size_t i = 0; i < b->config->account_n; i++)
        if (span_is(name, b->config->account[i].name))
            return &b->account[i];
    return NULL;
}

bool channel_may_resend(const struct channel *ch, enum message_direction d)
{
    const struct host_adapter *adapter = host_adapter(ch->host);
    uint32_t capabilities = adapter ? adapter->capabilities : ch->capabilities;

    if (d == MESSAGE_IN) /* Front is asked first whether it has it: see the relay */
        return true;
    switch (ch->config->when_unsure) {
    case UNSURE_RESEND:
        return true;
    case UNSURE_HOLD:
        return false;
    case UNSURE_AUTO:
        return capabilities & FB_CAN_IDEMPOTENT;
    }
    never("when_unsure has three values");
}

bool channel_takes_files(const struct channel *ch)
{
    const struct host_adapter *adapter = host_adapter(ch->host);
    uint32_t capabilities = adapter ? adapter->capabilities : ch->capabilities;

    return (capabilities & FB_CAN_ATTACHMENTS) && !ch->config->dry_run;
}

static void on_status(struct host *h, enum host_status s, const char *reason, void *arg)
{
    struct channel *ch = arg;

    (void)h;
    (void)reason;
    if (s == HOST_UP)
        queue_kick(&ch->out);
}

static const struct host_events host_events = {
    .on_status = on_status,
    .on_outcome = delivery_on_outcome,
    .on_credit = delivery_on_credit,
    .on_receive = receive_on_message,
    .on_reply = hooks_on_reply,
    .on_kv = receive_on_kv,
};

static struct account *account_of(struct bridge *b, const struct config_account *config)
{
    return &b->account[config - b->config->account];
}

static void set_secrets(struct channel *ch)
{
    const struct config_account *account = ch->config->account;

    if (ch->config->secrets.n > 0) {
        ch->secret = ch->config->secrets.item;
        ch->secret_n = ch->config->secrets.n;
    } else if (ch->config->kind == CHANNEL_CUSTOM) {
        ch->secret = account->secrets.item;
        ch->secret_n = account->secrets.n;
    } else {
        ch->secret = &account->app_secret;
        ch->secret_n = account->app_secret ? 1 : 0;
    }
}

/* The adapter declares `allow_private`, or has no such setting; preflight has seen that it is well written. */
static void read_allowed(struct channel *ch, struct span settings)
{
    struct json doc, list;
    char *text = NULL;

    if (json_parse(&doc, settings) == OK)
        text = json_dup(json_get(json_root(&doc), "allow_private"), settings.n);
    if (text && json_parse(&list, span_of(text)) == OK)
        for (struct jval v = json_first(json_root(&list)); v.doc; v = json_next(v)) {
            char *network = json_dup(v, 64);
            if (network && http_networks_add(&ch->allowed, network) != OK)
                log_warn("allow_private_ignored", LOG_STR("channel", ch->config->name),
                         LOG_STR("network", network));
            free(network);
        }
    if (text)
        json_fini(&list);
    json_fini(&doc);
    free(text);
}

static void channel_init(struct channel *ch, struct bridge *b, const struct config_channel *config,
                         const struct preflight_channel *seen)
{
    const char *const hide[] = {b->config->store, b->config->file, NULL};

    *ch = (struct channel){.bridge = b, .config = config, .account = account_of(b, config->account)};
    ch->capabilities = seen->capabilities;
    set_secrets(ch);
    slots_init(&ch->attempts, ATTEMPTS_MAX);
    slots_init(&ch->hooks, HOOKS_MAX);
    store_history_name(config->name, ch->history_name);
    for (enum queue_way w = 0; w < WAY_N; w++) {
        queue_init(channel_queue(ch, w), ch, w);
        ch->fetch[w] = fetcher_new(channel_queue(ch, w));
    }
    TAILQ_INIT(&ch->receives);
    presence_init(ch);
    ch->reporter = reporter_new(ch);
    read_allowed(ch, span_of(seen->settings));
    ch->placer = placer_new(ch);
    ch->host = host_new(b->base,
                        &(struct host_options){.channel = config->name,
                                               .adapter_path = seen->adapter_path,
                                               .settings = span_of(seen->settings),
                                               .hide = hide},
                        &host_events, ch);
}

/* After a second signal something may still be out; it is unknown at the next start. */
static void channel_fini(struct channel *ch)
{
    host_free(ch->host);
    for (unsigned i = 0; i < ch->attempts.max; i++)
        if (ch->attempts.slot[i].item)
            attempt_free(ch->attempts.slot[i].item);
    for (unsigned i = 0; i < ch->hooks.max; i++)
        if (ch->hooks.slot[i].item)
            http_drop(ch->hooks.slot[i].item);
    slots_fini(&ch->attempts);
    slots_fini(&ch->hooks);
    reporter_free(ch->reporter);
    for (enum queue_way w = 0; w < WAY_N; w++)
        fetcher_free(ch->fetch[w]);
    placer_free(ch->placer);
}

/* ---- Opening ---- */

static void on_schedule(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    queue_tick(arg);
}

void bridge_wake(struct bridge *b)
{
    queue_tick(b);
}

void bridge_requeued(struct bridge *b)
{
    wall_ms_t now = clock_wall_ms();
    mono_ms_t mono = clock_mono_ms();

    for (size_t i = 0; i < b->config->channel_n; i++) {
        breaker_hurry(&b->channel[i].breaker, mono);
        breaker_hurry(&b->channel[i].account->breaker, mono);
        for (enum queue_way w = 0; w < WAY_N; w++) {
            queue_due(channel_queue(&b->channel[i], w), now);
            fetcher_soon(b->channel[i].fetch[w]);
        }
    }
    for (size_t i = 0; i < b->config->account_n; i++)
        eventer_soon(b->account[i].eventer);
    keeper_expiry(b->keeper, now);
    queue_tick(b);
}

void bridge_imported(struct bridge *b, struct span name)
{
    struct channel *ch = bridge_channel(b, name);
    wall_ms_t now = clock_wall_ms();

    if (!ch)
        return;
    queue_due(&ch->history, now);
    keeper_expiry(b->keeper, history_expiry(now));
    queue_kick(&ch->history);
    fetcher_soon(ch->fetch[WAY_HISTORY]);
}

static void on_health(bool is_ok, const char *reason, void *arg)
{
    struct bridge *b = arg;

    if (is_ok)
        log_info("store_ok", LOG_STR("store", b->config->store));
    else
        log_error("store_failing", LOG_STR("store", b->config->store), LOG_STR("reason", reason));
    if (is_ok)
        bridge_requeued(b);
    for (size_t i = 0; is_ok && i < b->config->account_n; i++)
        catcher_soon(b->account[i].catcher); /* callbacks were refused meanwhile */
}

static void on_stop_check(evutil_socket_t fd, short what, void *arg);

/* The other half of what the process may open is for hosts, calls and files: strangers cannot take it. */
static unsigned connections_of(const struct config *c)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur / 2 >= c->connections)
        return c->connections;
    log_warn("connections_limited", LOG_I64("connections", (int64_t)files.rlim_cur / 2),
             LOG_STR("reason", "the process may open too few files for limits.connections: raise ulimit -n"));
    return (unsigned)(files.rlim_cur / 2);
}

static struct http_server *server_new(struct bridge *b)
{
    const struct config *c = b->config;
    struct http_limits limits = http_limits_default;
    const struct http_route route[] = {
        {"POST DELETE", "/front", HTTP_PREFIX, c->callback_body_bytes, "application/json", intake_front, b},
        {"GET POST", "/apps", HTTP_PREFIX, c->callback_body_bytes, NULL, app_request, b},
        {"POST", "/events", HTTP_PREFIX, c->callback_body_bytes, "application/json", webhook_request, b},
        {"GET POST PUT DELETE", "/hooks", HTTP_PREFIX, c->hook_body_bytes, NULL, hooks_request, b},
        {"GET", "/files/", HTTP_PREFIX, 0, NULL, links_request, b},
        {"GET", "/healthz", HTTP_EXACT, 0, NULL, http_on_health, NULL},
    };

    limits.head_bytes = c->head_bytes;
    limits.connection_n = connections_of(c);
    return http_server_new(b->base, &limits, route, ARRAY_LEN(route), refusal);
}

static enum err bind_public(struct bridge *b, struct buf *why)
{
    const struct config *c = b->config;

    if (c->listen_cert)
        return http_server_listen_tls(b->server, c->listen, c->listen_cert, c->listen_key, why);
    return http_server_listen(b->server, c->listen, why);
}

static void make_parts(struct bridge *b, const struct preflight *preflight)
{
    const struct config *c = b->config;

    b->http = http_client_new(b->base, &(struct http_client_options){.connections = HTTP_CONNECTIONS});
    b->abroad = http_client_new(b->base, &(struct http_client_options){.connections = ABROAD_CONNECTIONS});
    b->schedule = evtimer_new(b->base, on_schedule, b);
    b->stop_check = event_new(b->base, -1, EV_PERSIST, on_stop_check, b);
    must(b->schedule && b->stop_check);
    b->receptions = receptions_new();
    b->files = files_open(b->base, c->store);
    b->links = links_new(b);
    b->account = mem_calloc(c->account_n, sizeof *b->account);
    for (size_t i = 0; i < c->account_n; i++)
        b->account[i] = (struct account){.bridge = b,
                                         .config = &c->account[i],
                                         .front = front_client_new(b->base, b->http, &c->account[i]),
                                         .oauth = oauth_new(&c->account[i]),
                                         .authors = authors_new()};
    for (size_t i = 0; i < c->account_n; i++) {
        moved_watch(&b->account[i]);
        b->account[i].resolver = resolver_new(&b->account[i]);
        b->account[i].eventer = eventer_new(&b->account[i]);
        b->account[i].catcher = catcher_new(&b->account[i]);
    }
    b->channel = mem_calloc(c->channel_n, sizeof *b->channel);
    for (size_t i = 0; i < c->channel_n; i++)
        channel_init(&b->channel[i], b, &c->channel[i], &preflight->channel[i]);
    b->keeper = keeper_new(b);
    b->server = server_new(b);
}

/* What customers write to such a channel waits, and is dead after retry.give_up. */
static void announce_unregistered(const struct config *c)
{
    for (size_t i = 0; i < c->channel_n; i++)
        if (c->channel[i].kind == CHANNEL_CUSTOM && !c->channel[i].front_channel)
            log_warn(
                "no_front_channel", LOG_STR("channel", c->channel[i].name),
                LOG_STR("means", "nothing can be posted to Front; front-bridge channel register makes it"));
}

/* With the key of the links there may be deliveries. */
static void on_links(struct bridge *b)
{
    sweep_start(b);
    keeper_start(b->keeper);
}

enum err bridge_open(struct bridge **out, struct event_base *base, const struct config *config,
                     const struct preflight *preflight, struct buf *why)
{
    struct bridge *b = mem_zalloc(sizeof *b);

    b->base = base;
    b->config = config;
    enum err e =
        store_open(&b->store, base,
                   &(struct store_options){.url = config->store, .on_health = on_health, .arg = b}, why);
    if (e != OK) {
        free(b);
        return e;
    }
    make_parts(b, preflight);
    e = bind_public(b, why);
    if (e != OK) {
        bridge_close(b);
        return e;
    }
    staging_announce(config);
    announce_unregistered(config);
    life_start(b);
    events_recall(b);
    for (size_t i = 0; i < config->account_n; i++)
        catcher_start(b->account[i].catcher);
    links_start(b->links, on_links);
    for (size_t i = 0; i < config->channel_n; i++)
        host_start(b->channel[i].host);
    *out = b;
    return OK;
}

enum err bridge_reload(struct bridge *b, struct buf *why)
{
    return b->config->listen_cert ? http_server_reload_tls(b->server, why) : OK;
}

unsigned bridge_port(const struct bridge *b)
{
    return http_server_port(b->server);
}

bool bridge_is_ready(const struct bridge *b, struct buf *why)
{
    if (b->is_stopping)
        buf_add_str(why, "The bridge is stopping.");
    else if (!store_is_healthy(b->store))
        store_reason(b->store, why);
    return why->n == 0;
}

/* ---- Stopping ---- */

static bool hosts_are_down(const struct bridge *b)
{
    for (size_t i = 0; i < b->config->channel_n; i++)
        if (host_pid(b->channel[i].host) != 0)
            return false;
    return true;
}

static bool is_idle(const struct bridge *b)
{
    for (size_t i = 0; i < b->config->channel_n; i++)
        if (reporter_busy_n(b->channel[i].reporter) > 0)
            return false;
    return receptions_n(b->receptions) == 0 && b->taking_n == 0 && b->attempt_n == 0 && b->receive_n == 0 &&
           keeper_is_idle(b->keeper) && life_is_idle(b);
}

/* First what is under way ends, then the hosts, then us; past the deadline, whatever is left is unknown at
 * the next start. */
static void on_stop_check(evutil_socket_t fd, short what, void *arg)
{
    struct bridge *b = arg;
    bool is_late = clock_mono_ms() >= b->stop_by;

    (void)fd;
    (void)what;
    if (!is_late && !(is_idle(b) && hosts_are_down(b)))
        return;
    event_del(b->stop_check);
    b->on_stopped(b->stopped_arg);
}

void bridge_stop(struct bridge *b, void (*on_stopped)(void *arg), void *arg)
{
    struct timeval tv = clock_tv(STOP_CHECK_MS);

    must(!b->is_stopping);
    b->is_stopping = true;
    b->on_stopped = on_stopped;
    b->stopped_arg = arg;
    b->stop_by = clock_mono_ms() + STOP_MS;
    http_server_stop(b->server);
    keeper_stop(b->keeper);
    event_del(b->schedule);
    receptions_stop(b);
    for (size_t i = 0; i < b->config->channel_n; i++)
        host_stop(b->channel[i].host);
    event_add(b->stop_check, &tv);
}

void bridge_close(struct bridge *b)
{
    const struct config *c = b->config;

    b->is_stopping = true; /* also where it never ran: nothing may begin while it is taken apart */
    /* What ends here posts its last operation; the store takes it, or hands it back, before it is closed. */
    for (size_t i = 0; i < c->channel_n; i++) {
        relay_close(&b->channel[i]);
        for (enum queue_way w = 0; w < WAY_N; w++)
            fetcher_close(b->channel[i].fetch[w]);
    }
    for (size_t i = 0; i < c->account_n; i++) {
        front_client_free(b->account[i].front);
        authors_free(b->account[i].authors);
        oauth_free(b->account[i].oauth);
    }
    files_close(b->files);
    b->files = NULL;
    store_close(b->store, STOP_MS);
    receptions_free(b->receptions);
    life_fini(b);
    for (size_t i = 0; i < c->account_n; i++) {
        catcher_free(b->account[i].catcher);
        eventer_free(b->account[i].eventer);
        resolver_free(b->account[i].resolver);
    }
    for (size_t i = 0; i < c->channel_n; i++)
        channel_fini(&b->channel[i]);
    http_server_free(b->server);
    http_client_free(b->http);
    http_client_free(b->abroad);
    links_free(b->links);
    keeper_free(b->keeper);
    event_free(b->schedule);
    event_free(b->stop_check);
    free(b->account);
    free(b->channel);
    free(b);
}
