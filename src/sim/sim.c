/*
 * Puts the simulator together: server, client, account, chat, pages. Decides the order in which they end.
 */
#include "sim/sim.h"
#include "base/mem.h"
#include "sim/app.h"
#include "sim/chat.h"
#include "sim/control.h"
#include "sim/control_events.h"
#include "sim/notify.h"
#include "sim/pages.h"
#include "sim/shape.h"
#include "sim/world.h"
#include <stdlib.h>

enum { DEFAULT_LIMIT = 200, DEFAULT_PER_RESOURCE = 5, ROUTES_MAX = 64 };

void sim_note(struct sim *s, const struct sim_moment_info *info)
{
    if (s->observe)
        s->observe(s->observe_arg, info);
}

void sim_changed(struct sim *s, const struct sim_conversation *c)
{
    struct buf out;
    buf_init(&out, 256);
    buf_addf(&out, "{\"conversation\":\"%s\"}", c->id);
    sim_feed_tell(&s->feed, "conversation", buf_span(&out));
    buf_fini(&out);
}

static void on_chat_note(void *arg, const struct sim_moment_info *info)
{
    sim_note(arg, info);
}

static void refuse(struct buf *body, int status, const char *reason)
{
    sim_shape_error(body, status, reason, SPAN_NONE);
}

struct table {
    struct http_route route[ROUTES_MAX];
    size_t n;
};

static void add_routes(struct table *t, const struct http_route *routes, size_t n, void *arg)
{
    must(t->n + n <= ROUTES_MAX);
    for (size_t i = 0; i < n; i++) {
        t->route[t->n] = routes[i];
        t->route[t->n++].arg = arg;
    }
}

static struct http_server *server_new(struct sim *s)
{
    static const char *const api[] = {"/channels", "/messages", "/conversations", "/events", "/download",
                                      "/inboxes",  "/me"};
    struct table t = {.n = 0};
    for (size_t i = 0; i < ARRAY_LEN(api); i++)
        add_routes(&t,
                   &(struct http_route){.methods = "GET POST PUT PATCH DELETE",
                                        .path = api[i],
                                        .match = HTTP_PREFIX,
                                        .body_max_bytes = SIM_BODY_MAX,
                                        .handler = sim_on_api},
                   1, s);
    add_routes(&t, sim_control_routes, sim_control_route_n, s);
    add_routes(&t, sim_event_routes, sim_event_route_n, s);
    add_routes(&t, sim_chat_routes, sim_chat_route_n, s->chat);
    add_routes(&t, sim_page_routes, sim_page_route_n, NULL);
    return http_server_new(s->base, &http_limits_default, t.route, t.n, refuse);
}

struct sim *sim_new(struct event_base *base)
{
    struct sim *s = mem_zalloc(sizeof *s);
    wall_ms_t now = clock_wall_ms();
    s->base = base;
    s->created_delay_ms = SIM_DEFAULT_CREATED_DELAY_MS;
    s->attachments_max = SIM_ATTACHMENTS_MAX;
    s->notice_ms = SIM_NOTICE_MS;
    s->notice_retry_ms = SIM_NOTICE_RETRY_MS;
    LIST_INIT(&s->call);
    LIST_INIT(&s->app);
    LIST_INIT(&s->notice);
    LIST_INIT(&s->feed.listener);
    STAILQ_INIT(&s->pending);
    sim_account_init(&s->account, "Simulated Company", now);
    sim_limiter_init(&s->limiter, DEFAULT_LIMIT, DEFAULT_LIMIT / 2, DEFAULT_PER_RESOURCE, now);
    s->http = http_client_new(
        base, &(struct http_client_options){.connections_per_host = 512, .connections = 1024});
    s->chat = sim_chat_new(base, s->http, &s->feed, on_chat_note, s);
    s->server = server_new(s);
    return s;
}

void sim_free(struct sim *s)
{
    if (!s)
        return;
    s->observe = NULL;
    http_client_free(s->http); /* first: ends the sends, which answer exchanges */
    sim_notify_stop(s);
    sim_app_stop(s);
    sim_api_stop(s);
    sim_feed_end(&s->feed);
    sim_chat_free(s->chat);
    http_server_free(s->server);
    sim_create_stop(s);
    sim_account_fini(&s->account);
    sim_tokens_fini(&s->tokens);
    sim_journal_clear(&s->journal);
    sim_hooks_fini(&s->hooks);
    free(s->token);
    free(s->secret);
    free(s->app_uid);
    free(s->app_secret);
    free(s);
}

enum err sim_listen(struct sim *s, const char *address, struct buf *why)
{
    return http_server_listen(s->server, address, why);
}

unsigned sim_port(const struct sim *s)
{
    return http_server_port(s->server);
}

void sim_observe(struct sim *s, sim_observe_fn *fn, void *arg)
{
    s->observe = fn;
    s->observe_arg = arg;
}

void sim_chat_say(struct sim *s, const char *handle, const char *name, struct span text)
{
    sim_chat_write(s->chat, handle, name, text);
}

struct sim_account *sim_account(struct sim *s)
{
    return &s->account;
}
