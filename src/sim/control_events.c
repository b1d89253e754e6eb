/*
 * Carries out the control API's part for events. Refuses to know what an event does (act.c) and how it is
 * sent (notify.c). Invariant: every exchange is answered once; one that waits for sendings is answered by the
 * last one's end.
 */
#include "sim/control_events.h"
#include "base/mem.h"
#include "sim/act.h"
#include "sim/app.h"
#include "sim/control_io.h"
#include "sim/import_old.h"
#include "sim/notify.h"
#include "sim/resend.h"
#include "sim/view.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOTIFY_BODY_MAX = 8 << 20, LIST_MAX = 1000 };

/* ---- The log ---- */

static void write_event(struct jout *j, const struct sim_event *e)
{
    const struct sim_event_view view = sim_event_view(SIM_FORM_FULL);
    sim_shape_event(j, e, &view);
}

static void list_events(struct http_exchange *x, struct sim *s)
{
    struct buf text, out;
    struct jout j;
    uint64_t after = 0;
    buf_init(&text, 32);
    if (http_query_get(x, "after", &text) == OK && !span_u64(buf_span(&text), &after))
        after = 0;
    buf_fini(&text);
    control_open(&out, &j);
    jout_array(&j);
    for (uint64_t i = after; i < s->account.events.n && i - after < LIST_MAX; i++)
        write_event(&j, s->account.events.item[i]);
    jout_array_end(&j);
    control_reply(x, 200, &out);
}

typedef struct sim_event *act_fn(struct sim *s, struct jval spec, const char **why);

static void act(struct http_exchange *x, struct sim *s, struct jval spec, act_fn *fn)
{
    const char *why;
    const struct sim_event *e = fn(s, spec, &why);
    if (!e) {
        http_refuse(x, 400, why);
        return;
    }
    struct sim_gather *g = sim_gather_new(x, 201);
    jout_key(&g->j, "event");
    write_event(&g->j, e);
    sim_gather_open(g);
    if (json_bool(json_get(spec, "send"), true))
        sim_notify_all(s, e, json_bool(json_get(spec, "wait"), true) ? g : NULL);
    sim_gather_release(g);
}

static void on_events(struct http_exchange *x, void *arg)
{
    struct json doc;
    if (span_is(http_method(x), "GET")) {
        list_events(x, arg);
    } else if (control_read(x, &doc)) {
        act(x, arg, json_root(&doc), sim_act);
        json_fini(&doc);
    }
}

static void on_merge(struct http_exchange *x, void *arg)
{
    struct json doc;
    if (!control_read(x, &doc))
        return;
    act(x, arg, json_root(&doc), sim_act_merge);
    json_fini(&doc);
}

/* ---- Webhooks ---- */

static void list_hooks(struct http_exchange *x, const struct sim *s)
{
    struct buf out;
    struct jout j;
    control_open(&out, &j);
    jout_array(&j);
    for (unsigned i = 0; i < s->hooks.n; i++)
        sim_hook_view(&j, s->hooks.item[i]);
    jout_array_end(&j);
    control_reply(x, 200, &out);
}

static void add_hook(struct http_exchange *x, struct sim *s, struct jval spec)
{
    struct buf why;
    buf_init(&why, 512);
    struct sim_hook *hook = sim_hook_add(&s->hooks, &s->account, spec, &why);
    if (!hook) {
        control_refuse(x, 400, &why);
        return;
    }
    buf_fini(&why);
    struct sim_gather *g = sim_gather_new(x, 201);
    jout_key(&g->j, "webhook");
    sim_hook_view(&g->j, hook);
    sim_gather_open(g);
    if (hook->kind == SIM_HOOK_APPLICATION && json_bool(json_get(spec, "handshake"), true)) {
        hook->is_disabled = true;
        sim_handshake(s, hook, g);
    }
    sim_gather_release(g);
}

static void remove_hooks(struct http_exchange *x, struct sim *s)
{
    struct span id = http_rest(x);
    struct sim_hook *hook = sim_hook_find(&s->hooks, id);
    if (id.n && !hook) {
        http_refuse(x, 404, "There is no such webhook");
        return;
    }
    if (hook)
        sim_hook_remove(&s->hooks, hook);
    else
        sim_hooks_fini(&s->hooks);
    list_hooks(x, s);
}

static void on_webhooks(struct http_exchange *x, void *arg)
{
    struct json doc;
    if (span_is(http_method(x), "GET")) {
        list_hooks(x, arg);
    } else if (span_is(http_method(x), "DELETE")) {
        remove_hooks(x, arg);
    } else if (control_read(x, &doc)) {
        add_hook(x, arg, json_root(&doc));
        json_fini(&doc);
    }
}

/* ---- Sending an event once more ---- */

static void on_notify(struct http_exchange *x, void *arg)
{
    struct json doc;
    const char *why;
    if (!control_read(x, &doc))
        return;
    struct sim_gather *g = sim_resend_event(arg, json_root(&doc), x, &why);
    if (g)
        sim_gather_release(g);
    else
        http_refuse(x, 400, why);
    json_fini(&doc);
}

/* ---- Messages of long ago ---- */

static void on_import_old(struct http_exchange *x, void *arg)
{
    struct json doc;
    const char *why;
    if (!control_read(x, &doc))
        return;
    const struct sim_message *m = sim_import_old(arg, json_root(&doc), &why);
    if (m) {
        struct buf out;
        struct jout j;
        control_open(&out, &j);
        sim_view_message(&j, m);
        control_reply(x, 201, &out);
    } else {
        http_refuse(x, 400, why);
    }
    json_fini(&doc);
}

/* ---- Application channels ---- */

typedef enum err app_fn(struct sim *s, struct jval spec, struct http_exchange *x, struct buf *why);

static void app(struct http_exchange *x, struct sim *s, app_fn *fn)
{
    struct json doc;
    struct buf why;
    if (!control_read(x, &doc))
        return;
    buf_init(&why, 512);
    if (fn(s, json_root(&doc), x, &why) == OK)
        buf_fini(&why);
    else
        control_refuse(x, 400, &why);
    json_fini(&doc);
}

static void on_connect(struct http_exchange *x, void *arg)
{
    app(x, arg, sim_connect);
}

static void on_disconnect(struct http_exchange *x, void *arg)
{
    app(x, arg, sim_disconnect);
}

static void on_replied(void *arg, const struct sim_message *m)
{
    struct buf out;
    struct jout j;
    if (!m) {
        http_refuse(arg, 409, "The simulator was reset while the message was on its way");
        return;
    }
    control_open(&out, &j);
    sim_view_message(&j, m);
    control_reply(arg, 200, &out);
}

static void on_autoreply(struct http_exchange *x, void *arg)
{
    struct sim *s = arg;
    struct json doc;
    const char *why = "It needs a conversation that is there, and a text";
    if (!control_read(x, &doc))
        return;
    struct jval spec = json_root(&doc);
    char *id = json_dup(json_get(spec, "conversation"), 64);
    char *text = json_dup(json_get(spec, "text"), SIM_TEXT_MAX);
    struct sim_conversation *c = sim_conversation_find(&s->account, span_of(id));
    if (c && text)
        sim_autoreply(s, c, text, json_bool(json_get(spec, "metadata"), true), on_replied, x, &why);
    if (why)
        http_refuse(x, 400, why);
    free(id);
    free(text);
    json_fini(&doc);
}

#define ROUTE(m, p, kind, max, fn)                                                                           \
    {                                                                                                        \
        .methods = (m), .path = (p), .match = (kind), .body_max_bytes = (max), .handler = (fn)               \
    }
const struct http_route sim_event_routes[] = {
    ROUTE("GET POST", "/sim/events", HTTP_EXACT, CONTROL_BODY_MAX, on_events),
    ROUTE("POST", "/sim/merge", HTTP_EXACT, CONTROL_BODY_MAX, on_merge),
    ROUTE("GET POST DELETE", "/sim/webhooks", HTTP_PREFIX, CONTROL_BODY_MAX, on_webhooks),
    ROUTE("POST", "/sim/notify", HTTP_EXACT, NOTIFY_BODY_MAX, on_notify),
    ROUTE("POST", "/sim/connect", HTTP_EXACT, CONTROL_BODY_MAX, on_connect),
    ROUTE("POST", "/sim/disconnect", HTTP_EXACT, CONTROL_BODY_MAX, on_disconnect),
    ROUTE("POST", "/sim/autoreply", HTTP_EXACT, CONTROL_BODY_MAX, on_autoreply),
    ROUTE("POST", "/sim/import-old", HTTP_EXACT, CONTROL_BODY_MAX, on_import_old),
};
const size_t sim_event_route_n = ARRAY_LEN(sim_event_routes);
