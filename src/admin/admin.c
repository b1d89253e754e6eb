/*
 * Routes and who may use them. What is asked about messages goes to ops.c, what is counted to metrics.c.
 */
#include "admin/admin.h"
#include "admin/metrics.h"
#include "admin/ops.h"
#include "admin/ops_answer.h"
#include "admin/ops_import.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/mem.h"
#include "bridge/catch_up.h"
#include "bridge/life.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { METRICS_MAX = 16 << 20, ANSWER_MAX = 1 << 20 };

struct admin {
    struct bridge *bridge;
    const struct config *config;
    struct http_server *tcp, *local;
    struct ops_context ops;
};

/* ---- Answers ---- */

static void refusal(struct buf *body, int status, const char *reason)
{
    (void)status;
    ops_write_word(body, "error", reason);
}

static bool is_bearer(struct span header, const char *token)
{
    struct span given = header;

    if (!span_starts(given, "Bearer "))
        return false;
    given = (struct span){given.p + 7, given.n - 7};
    return crypto_equal(given, span_of(token));
}

static bool is_loopback_name(struct span host)
{
    const char *colon = host.n && host.p[0] != '[' ? memchr(host.p, ':', host.n) : NULL;
    struct span name = {host.p, colon ? (size_t)(colon - host.p) : host.n};

    return span_is(name, "localhost") || span_starts(name, "127.") || span_starts(name, "[::1]");
}

/* Without a token whoever reaches the listener is trusted, but not the web pages that a browser on this machine shows:
 * they betray themselves by an Origin, or by the foreign name that they made point here. */
static bool is_from_a_page(struct http_exchange *x)
{
    return http_header(x, "Origin").p || !is_loopback_name(http_header(x, "Host"));
}

static bool may(const struct admin *a, struct http_exchange *x)
{
    const char *token = a->config->admin_token;

    if (span_is(http_peer(x), "unix"))
        return true;
    if (token ? is_bearer(http_header(x, "Authorization"), token) : !is_from_a_page(x))
        return true;
    if (token)
        http_refuse(x, 401, "Send the admin token as \"Authorization: Bearer TOKEN\".");
    else
        http_refuse(x, 403,
                    "Without an admin token only programs on this machine may ask, by a loopback name.");
    return false;
}

static void on_readyz(struct http_exchange *x, void *arg)
{
    struct admin *a = arg;
    struct buf why;

    buf_init(&why, 1024);
    if (bridge_is_ready(a->bridge, &why))
        http_reply(x, 200, "text/plain", SPAN_LIT("ready\n"), NULL);
    else
        http_refuse(x, 503, why.p);
    buf_fini(&why);
}

/* ---- Metrics ---- */

struct scrape {
    struct admin *admin;
    struct http_exchange *x;
    struct store_stats stats;
};

static void on_stats(struct store_op *op)
{
    struct scrape *s = container_of(op, struct scrape, stats.op);
    struct buf out;

    buf_init(&out, METRICS_MAX);
    metrics_write(&out, s->admin->bridge, op->result == OK ? &s->stats : NULL);
    http_reply(s->x, 200, "text/plain; version=0.0.4", buf_span(&out), NULL);
    buf_fini(&out);
    store_stats_fini(&s->stats);
    free(s);
}

static void on_metrics(struct http_exchange *x, void *arg)
{
    struct admin *a = arg;
    struct scrape *s;

    if (!may(a, x))
        return;
    s = mem_zalloc(sizeof *s);
    s->admin = a;
    s->x = x;
    s->stats.op.on_done = on_stats;
    store_post_stats(a->bridge->store, &s->stats);
}

/* ---- The API ---- */

static void on_ops_done(int status, struct span json, void *arg)
{
    http_reply(arg, status, "application/json", json, NULL);
}

static void on_ops(struct http_exchange *x, void *arg)
{
    struct admin *a = arg;

    if (may(a, x))
        ops_run(&a->ops, http_method(x), http_path(x), http_query(x), http_body(x), on_ops_done, x);
}

static const char *status_name(enum host_status s)
{
    static const char *const name[] = {[HOST_DOWN] = "down",
                                       [HOST_STARTING] = "starting",
                                       [HOST_UP] = "up",
                                       [HOST_FAILED] = "failed",
                                       [HOST_STOPPING] = "stopping"};
    return name[s];
}

static void write_channel(struct jout *j, const struct channel *ch)
{
    const struct host_adapter *adapter = host_adapter(ch->host);

    jout_object(j);
    jout_kv_str(j, "name", ch->config->name);
    jout_kv_str(j, "account", ch->config->account->name);
    jout_kv_str(j, "kind", ch->config->kind == CHANNEL_CUSTOM ? "custom" : "application");
    jout_kv_str(j, "adapter", adapter ? adapter->name : ch->config->adapter);
    if (adapter)
        jout_kv_str(j, "version", adapter->version);
    jout_kv_str(j, "front_channel", channel_front_id(ch));
    jout_kv_str(j, "status", life_name(ch) ? life_name(ch) : status_name(host_status(ch->host)));
    jout_kv_bool(j, "paused", ch->breaker.is_open);
    if (ch->config->kind == CHANNEL_APPLICATION)
        jout_kv_bool(j, "offline_in_front", ch->life.standing.is_offline);
    jout_kv_bool(j, "dry_run", ch->config->dry_run);
    jout_kv_i64(j, "only_to", (int64_t)ch->config->only_to.n);
    jout_kv_i64(j, "pid", host_pid(ch->host));
    jout_kv_i64(j, "in_flight", host_in_flight(ch->host));
    jout_object_end(j);
}

/* Calls that Front's rate limit lets go later. */
static int64_t waiting_n(const struct account *a)
{
    int64_t n = 0;

    for (enum rate_lane lane = 0; lane < RATE_LANE_N; lane++)
        n += front_client_waiting(a->front, lane);
    return n;
}

static void write_account(struct jout *j, const struct account *a)
{
    struct rate_view rate = front_client_rate(a->front);

    jout_object(j);
    jout_kv_str(j, "name", a->config->name);
    jout_kv_str(j, "api", a->config->api);
    jout_kv_i64(j, "rate_limit", rate.limit > 0 ? rate.limit : RATE_ASSUMED);
    jout_kv_bool(j, "rate_is_assumed", rate.limit == 0);
    jout_kv_i64(j, "rate_remaining", rate.remaining);
    jout_kv_i64(j, "waiting", waiting_n(a));
    jout_kv_i64(j, "refused", (int64_t)rate.refused_n);
    jout_kv_bool(j, "paused", a->breaker.is_open);
    jout_object_end(j);
}

static void reply_all(struct http_exchange *x, const struct admin *a, bool is_channels)
{
    const struct bridge *b = a->bridge;
    size_t n = is_channels ? b->config->channel_n : b->config->account_n;
    struct buf out;
    struct jout j;

    buf_init(&out, ANSWER_MAX);
    jout_init(&j, &out);
    jout_object(&j);
    jout_key(&j, is_channels ? "channels" : "accounts");
    jout_array(&j);
    for (size_t i = 0; i < n; i++) {
        if (is_channels)
            write_channel(&j, &b->channel[i]);
        else
            write_account(&j, &b->account[i]);
    }
    jout_array_end(&j);
    jout_object_end(&j);
    http_reply(x, 200, "application/json", buf_span(&out), NULL);
    buf_fini(&out);
}

static void on_channels(struct http_exchange *x, void *arg)
{
    if (may(arg, x))
        reply_all(x, arg, true);
}

static void on_accounts(struct http_exchange *x, void *arg)
{
    if (may(arg, x))
        reply_all(x, arg, false);
}

/* ---- Opening ---- */

static void on_change(void *arg)
{
    bridge_requeued(arg);
}

/* An operator's search, until it is done. */
struct searching {
    struct catcher_search search;
    ops_searched_fn *done;
    void *arg;
};

static void end_search(struct searching *s, uint64_t found_n, uint64_t new_n, const char *why)
{
    s->done(found_n, new_n, why, s->arg);
    free(s->search.types);
    free(s->search.inboxes);
    free(s);
}

static void on_searched(struct catcher_search *search, uint64_t found_n, uint64_t new_n, const char *why)
{
    end_search(container_of(search, struct searching, search), found_n, new_n, why);
}

static void search(const struct ops_search *o, ops_searched_fn *done, void *done_arg, void *arg)
{
    struct bridge *b = arg;
    struct account *a = bridge_account(b, span_of(o->account));
    struct searching *s = mem_zalloc(sizeof *s);

    *s = (struct searching){.search = {.types = o->types ? mem_strdup(o->types) : NULL,
                                       .inboxes = o->inboxes ? mem_strdup(o->inboxes) : NULL,
                                       .after = o->after,
                                       .before = o->before,
                                       .done = on_searched},
                            .done = done,
                            .arg = done_arg};
    must(a);
    enum err e = catcher_search(a->catcher, &s->search);
    if (e != OK)
        end_search(s, 0, 0,
                   e == ERR_INVALID ? "Name at most 64 types and 64 inboxes, each shorter than 64 characters."
                                    : "A look is under way; try again in a minute.");
}

static void resume(const char *channel, void (*done)(enum err e, void *done_arg), void *done_arg, void *arg)
{
    life_resume(bridge_channel(arg, span_of(channel)), done, done_arg);
}

static void on_import(const char *channel, void *arg)
{
    bridge_imported(arg, span_of(channel));
}

static bool waits_for_rate(const struct store_message *m, void *arg)
{
    const struct channel *ch = bridge_channel(arg, span_of(m->channel));
    enum rate_lane lane = m->kind == KIND_IMPORT ? RATE_HISTORY : RATE_INBOUND;

    return ch && m->direction == MESSAGE_IN && front_client_waiting(ch->account->front, lane) > 0;
}

/* Of the plan, what the reserve leaves. */
static int64_t history_rate(const char *channel, void *arg)
{
    const struct channel *ch = bridge_channel(arg, span_of(channel));
    struct rate_view rate = front_client_rate(ch->account->front);

    return rate.limit * (100 - (int64_t)ch->account->config->rate_reserve_percent) / 100;
}

static struct http_server *server_new(struct admin *a, struct event_base *base)
{
    const struct http_route route[] = {
        {"GET", "/healthz", HTTP_EXACT, 0, NULL, http_on_health, NULL},
        {"GET", "/readyz", HTTP_EXACT, 0, NULL, on_readyz, a},
        {"GET", "/metrics", HTTP_EXACT, 0, NULL, on_metrics, a},
        {"GET", "/api/v1/channels", HTTP_EXACT, 0, NULL, on_channels, a},
        {"POST", "/api/v1/channels", HTTP_PREFIX, 0, NULL, on_ops, a},
        {"GET", "/api/v1/accounts", HTTP_EXACT, 0, NULL, on_accounts, a},
        {"GET POST", "/api/v1/messages", HTTP_PREFIX, 0, NULL, on_ops, a},
        {"GET POST", "/api/v1/events", HTTP_PREFIX, 0, NULL, on_ops, a},
        {"GET POST", "/api/v1/dead", HTTP_PREFIX, 0, NULL, on_ops, a},
        {"GET POST", "/api/v1/imports", HTTP_EXACT, OPS_IMPORT_BODY_MAX, NULL, on_ops, a},
    };
    return http_server_new(base, &http_limits_default, route, ARRAY_LEN(route), refusal);
}

static enum err bind_socket(struct admin *a, struct buf *why)
{
    struct buf path;
    struct stat st;

    /* Only a store that is a directory has a socket; a shared one is administered through the listener. */
    if (stat(a->config->store, &st) != 0 || !S_ISDIR(st.st_mode))
        return OK;
    buf_init(&path, 4096);
    buf_addf(&path, "unix:%s/admin.sock", a->config->store);
    enum err e = http_server_listen(a->local, path.p, why);
    buf_fini(&path);
    return e;
}

enum err admin_open(struct admin **out, struct event_base *base, struct bridge *b, const struct config *c,
                    struct buf *why)
{
    struct admin *a = mem_zalloc(sizeof *a);

    a->bridge = b;
    a->config = c;
    a->ops = (struct ops_context){.store = b->store,
                                  .config = c,
                                  .on_change = on_change,
                                  .resume = resume,
                                  .search = search,
                                  .on_import = on_import,
                                  .history_rate = history_rate,
                                  .waits_for_rate = waits_for_rate,
                                  .arg = b};
    a->tcp = server_new(a, base);
    a->local = server_new(a, base);
    enum err e = http_server_listen(a->tcp, c->admin_listen, why);
    if (e == OK)
        e = bind_socket(a, why);
    if (e != OK) {
        admin_close(a);
        return e;
    }
    *out = a;
    return OK;
}

void admin_close(struct admin *a)
{
    if (!a)
        return;
    http_server_free(a->tcp);
    http_server_free(a->local);
    free(a);
}

unsigned admin_port(const struct admin *a)
{
    return http_server_port(a->tcp);
}
