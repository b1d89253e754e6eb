/*
 * Carries out an application channel's life, a call after the other. Refuses to know sends (send.c).
 * Invariant: a call is in s->app until it has ended; whoever waits for it is answered once.
 */
#include "sim/app.h"
#include "base/mem.h"
#include "front/signature.h"
#include "sim/control_io.h"
#include "sim/shape.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { APP_BODY_MAX = 16 << 20, JOURNAL_BODY_MAX = 16384, APP_MS = 7000, TOKEN_MAX = 4096 };

/* One call, and what is to follow. */
struct sim_app_call {
    struct sim *sim;
    const char *type, *method; /* literals */
    struct sim_channel *channel;
    char *url, *key;
    char message[SIM_ID_BYTES]; /* message_imported: the message, as it is when the call leaves */
    struct buf body;
    char signature[SIGNATURE_TEXT_MAX], timestamp[24];
    struct event *later;
    void (*on_end)(struct sim_app_call *c, const struct http_answer *a); /* may be NULL */
    struct connecting *connecting;
    struct http_exchange *x; /* disconnect: who waits */
    LIST_ENTRY(sim_app_call) link;
};

static struct sim_app_call *call_new(struct sim *s, const char *type, struct sim_channel *channel,
                                     const char *url)
{
    struct sim_app_call *c = mem_zalloc(sizeof *c);
    c->sim = s;
    c->type = type;
    c->method = "POST";
    c->channel = channel;
    c->url = mem_strdup(url ? url : "");
    buf_init(&c->body, APP_BODY_MAX);
    LIST_INSERT_HEAD(&s->app, c, link);
    return c;
}

static void call_free(struct sim_app_call *c)
{
    LIST_REMOVE(c, link);
    if (c->later)
        event_free(c->later);
    buf_fini(&c->body);
    free(c->url);
    free(c->key);
    free(c);
}

static bool is_taken(const struct http_answer *a)
{
    return a->fail == HTTP_FAIL_NONE && a->status >= 200 && a->status < 300;
}

static void journal(const struct sim_app_call *c, const struct http_answer *a)
{
    struct sim_journal *log = &c->sim->journal;
    struct buf text;
    struct jout j;
    sim_journal_open(log, &j, &text, clock_wall_ms());
    jout_kv_str(&j, "kind", "app");
    jout_kv_str(&j, "type", c->type);
    jout_kv_str(&j, "method", c->method);
    jout_kv_str(&j, "url", c->url);
    jout_kv_str(&j, "channel", c->channel ? c->channel->id : NULL);
    jout_kv_str(&j, "message", *c->message ? c->message : NULL);
    jout_kv_i64(&j, "status", a->status);
    jout_kv_i64(&j, "took_ms", a->took_ms);
    jout_kv_bool(&j, "is_taken", is_taken(a));
    jout_kv_str(&j, "failure", a->fail == HTTP_FAIL_NONE ? NULL : http_fail_text(a->fail));
    jout_kv_str(&j, "signature", c->signature);
    jout_kv_str(&j, "timestamp", c->timestamp);
    if (c->body.n <= JOURNAL_BODY_MAX)
        jout_kv_span(&j, "body", buf_span(&c->body));
    if (a->body.p && a->body.n <= JOURNAL_BODY_MAX)
        jout_kv_span(&j, "answer", a->body);
    sim_journal_close(log, &j);
    sim_journal_count(log, c->type, a->status);
    sim_feed_tell(&c->sim->feed, "api", SPAN_LIT("{}"));
}

static void on_answer(const struct http_answer *a, void *arg)
{
    struct sim_app_call *c = arg;
    journal(c, a);
    if (c->on_end)
        c->on_end(c, a);
    call_free(c);
}

static void sign(struct sim_app_call *c)
{
    const char *own = c->channel && c->channel->secret ? c->channel->secret : c->sim->app_secret;
    snprintf(c->timestamp, sizeof c->timestamp, "%lld", (long long)clock_wall_ms());
    signature_make_sha256(buf_span(&c->body), span_of(c->timestamp), own ? own : "", c->signature);
}

static void start(struct sim_app_call *c)
{
    struct buf bearer;
    buf_init(&bearer, TOKEN_MAX + 16);
    sign(c);
    if (c->key)
        buf_addf(&bearer, "Bearer %s", c->key);
    const struct http_header_line header[] = {{"Content-Type", "application/json"},
                                              {"User-Agent", "front-bridge-simulator"},
                                              {"X-Front-Signature", c->signature},
                                              {"X-Front-Request-Timestamp", c->timestamp},
                                              {"Authorization", bearer.p}};
    const struct http_request request = {.method = c->method,
                                         .url = c->url,
                                         .headers = header,
                                         .header_n = c->key ? 5 : 4,
                                         .body = c->body.n ? buf_span(&c->body) : SPAN_NONE,
                                         .body_fd = -1,
                                         .timeout_ms = APP_MS};
    http_call_start(c->sim->http, &request, on_answer, c);
    buf_fini(&bearer);
}

/* ---- message_imported ---- */

static void on_later(evutil_socket_t fd, short what, void *arg)
{
    struct sim_app_call *c = arg;
    const struct sim_message *m = sim_message_find(&c->sim->account, span_of(c->message));
    (void)fd;
    (void)what;
    if (!m) { /* a reset took it away */
        call_free(c);
        return;
    }
    sim_shape_callback(&c->body, m, c->type);
    start(c);
}

void sim_tell_imported(struct sim *s, const struct sim_message *m)
{
    if (!m->channel->webhook_url || s->has_no_imported)
        return;
    struct sim_app_call *c = call_new(s, "message_imported", m->channel, m->channel->webhook_url);
    struct timeval delay = clock_tv(s->imported_delay_ms);
    memcpy(c->message, m->id, sizeof c->message);
    c->later = evtimer_new(s->base, on_later, c);
    must(c->later);
    evtimer_add(c->later, &delay);
}

/* ---- Connecting ---- */

struct connecting {
    struct sim *sim;
    struct http_exchange *x;
    struct sim_channel *channel;
    char *url, *key, *address, *name;
    char *token, *last_token; /* of the next page of addresses, of the one before */
    struct buf addresses;     /* JSON, without brackets */
    struct jout j;
    unsigned address_n, page_n;
    bool is_among; /* address is one of those listed */
};

static void connecting_free(struct connecting *n)
{
    char *owned[] = {n->url, n->key, n->address, n->name, n->token, n->last_token};
    for (size_t i = 0; i < ARRAY_LEN(owned); i++)
        free(owned[i]);
    buf_fini(&n->addresses);
    free(n);
}

static void finish(struct connecting *n, const struct http_answer *a, const char *why)
{
    struct buf out;
    struct jout j;
    control_open(&out, &j);
    jout_object(&j);
    jout_kv_str(&j, "channel", n->channel->id);
    jout_kv_str(&j, "address", n->address);
    jout_kv_str(&j, "webhook_url", n->channel->webhook_url);
    jout_kv_bool(&j, "is_connected", !why);
    jout_key(&j, "addresses");
    jout_array(&j);
    if (n->addresses.n)
        jout_raw(&j, buf_span(&n->addresses));
    jout_array_end(&j);
    jout_kv_i64(&j, "pages", n->page_n);
    jout_kv_i64(&j, "status", a->status);
    jout_kv_str(&j, "why", why);
    if (a->body.p && a->body.n <= JOURNAL_BODY_MAX)
        jout_kv_span(&j, "answer", a->body);
    jout_object_end(&j);
    control_reply(n->x, 200, &out);
    connecting_free(n);
}

static void take(char **field, char *value)
{
    free(*field);
    *field = value;
}

static const char *read_success(struct json *doc, const struct http_answer *a)
{
    if (a->fail != HTTP_FAIL_NONE)
        return http_fail_text(a->fail);
    if (json_parse(doc, a->body) != OK || json_type(json_root(doc)) != JSON_OBJECT)
        return "The answer is not a JSON object";
    return is_taken(a) && json_is(json_get(json_root(doc), "type"), "success") ? NULL
                                                                               : "The answer is no success";
}

static const char *accept_authorization(struct connecting *n, struct jval answer)
{
    char *url = json_dup(json_get(answer, "webhook_url"), 4096);
    if (!url || !*url) {
        free(url);
        return "The answer has no webhook_url";
    }
    take(&n->channel->webhook_url, url);
    if (n->address)
        take(&n->channel->address, mem_strdup(n->address));
    if (n->name)
        take(&n->channel->name, mem_strdup(n->name));
    return NULL;
}

static void on_authorized(struct sim_app_call *c, const struct http_answer *a)
{
    struct json doc = {0};
    const char *why = read_success(&doc, a);
    if (!why)
        why = accept_authorization(c->connecting, json_root(&doc));
    finish(c->connecting, a, why);
    json_fini(&doc);
}

static struct sim_app_call *call_for(struct connecting *n, const char *type,
                                     void (*on_end)(struct sim_app_call *c, const struct http_answer *a))
{
    struct sim_app_call *c = call_new(n->sim, type, n->channel, n->url);
    c->key = n->key ? mem_strdup(n->key) : NULL;
    c->connecting = n;
    c->on_end = on_end;
    return c;
}

static void authorize(struct connecting *n)
{
    struct sim_app_call *c = call_for(n, "authorization", on_authorized);
    struct jout j;
    jout_init(&j, &c->body);
    jout_object(&j);
    jout_kv_str(&j, "type", "authorization");
    jout_key(&j, "payload");
    jout_object(&j);
    jout_kv_str(&j, "channel_id", n->channel->id);
    if (n->name)
        jout_kv_str(&j, "name", n->name);
    if (n->address)
        jout_kv_str(&j, "address", n->address);
    jout_object_end(&j);
    jout_object_end(&j);
    start(c);
}

static void on_addresses(struct sim_app_call *c, const struct http_answer *a);

static void list_addresses(struct connecting *n)
{
    struct sim_app_call *c = call_for(n, "list_addresses", on_addresses);
    struct jout j;
    jout_init(&j, &c->body);
    jout_object(&j);
    jout_kv_str(&j, "type", "list_addresses");
    jout_key(&j, "payload");
    jout_object(&j);
    if (n->token)
        jout_kv_str(&j, "page_token", n->token);
    jout_object_end(&j);
    jout_object_end(&j);
    n->page_n++;
    start(c);
}

static const char *take_address(struct connecting *n, struct jval entry)
{
    char *address = json_dup(json_get(entry, "address"), 512);
    if (!address || !*address || n->address_n == SIM_APP_ADDRESSES_MAX) {
        free(address);
        return "An address is missing, or there are too many of them";
    }
    n->address_n++;
    jout_raw(&n->j, json_raw(entry));
    if (!n->address) {
        n->address = address;
        n->is_among = true;
        return NULL;
    }
    n->is_among |= !strcmp(n->address, address);
    free(address);
    return NULL;
}

static const char *take_page(struct connecting *n, struct jval answer)
{
    struct jval list = json_get(answer, "addresses");
    const char *why = json_type(list) == JSON_ARRAY ? NULL : "The answer has no addresses";
    for (struct jval e = json_first(list); e.doc && !why; e = json_next(e))
        why = take_address(n, e);
    take(&n->last_token, n->token);
    n->token = json_dup(json_path(answer, "pagination.next_page_token"), TOKEN_MAX);
    if (why || !n->token)
        return why;
    if (n->page_n == SIM_APP_PAGES_MAX)
        return "There are too many pages of addresses";
    return n->last_token && !strcmp(n->last_token, n->token) ? "The pages of addresses go in a circle" : NULL;
}

static void on_addresses(struct sim_app_call *c, const struct http_answer *a)
{
    struct connecting *n = c->connecting;
    struct json doc = {0};
    const char *why = read_success(&doc, a);
    if (!why)
        why = take_page(n, json_root(&doc));
    json_fini(&doc);
    if (!why && n->token) {
        list_addresses(n);
        return;
    }
    if (!why && !n->is_among)
        why = "The address is not among those that the app lists";
    if (why)
        finish(n, a, why);
    else
        authorize(n);
}

static struct sim_channel *find_channel(struct sim *s, struct jval spec, struct buf *why)
{
    char *id = json_dup(json_get(spec, "channel"), 64);
    struct sim_channel *c = sim_channel_find(&s->account, span_of(id));
    const struct sim_channel_spec made = {.id = id, .kind = CHANNEL_APPLICATION};
    if (!c && sim_channel_add(&s->account, &made, &c) != OK)
        buf_add_str(why, "There are too many channels, or the id is too long");
    free(id);
    if (c && c->kind != CHANNEL_APPLICATION) {
        buf_add_str(why, "Only an application channel is connected");
        return NULL;
    }
    return c;
}

enum err sim_connect(struct sim *s, struct jval spec, struct http_exchange *x, struct buf *why)
{
    char *url = json_dup(json_get(spec, "url"), 4096);
    struct sim_channel *channel = url ? find_channel(s, spec, why) : NULL;
    if (!channel) {
        buf_add_str(why, url ? "" : "url is missing: the app's base URL");
        free(url);
        return ERR_INVALID;
    }
    struct connecting *n = mem_zalloc(sizeof *n);
    n->sim = s;
    n->x = x;
    n->channel = channel;
    n->url = url;
    n->key = json_dup(json_get(spec, "key"), TOKEN_MAX);
    n->address = json_dup(json_get(spec, "address"), 512);
    n->name = json_dup(json_get(spec, "name"), 512);
    buf_init(&n->addresses, APP_BODY_MAX);
    jout_init(&n->j, &n->addresses);
    if (json_bool(json_get(spec, "list"), false))
        list_addresses(n);
    else
        authorize(n);
    return OK;
}

/* ---- The end ---- */

static void on_deleted(struct sim_app_call *c, const struct http_answer *a)
{
    struct buf out;
    struct jout j;
    if (is_taken(a))
        take(&c->channel->webhook_url, NULL);
    control_open(&out, &j);
    jout_object(&j);
    jout_kv_i64(&j, "status", a->status);
    jout_kv_bool(&j, "is_taken", is_taken(a));
    jout_kv_span(&j, "answer", a->body.n <= JOURNAL_BODY_MAX ? a->body : SPAN_NONE);
    jout_object_end(&j);
    control_reply(c->x, 200, &out);
}

enum err sim_disconnect(struct sim *s, struct jval spec, struct http_exchange *x, struct buf *why)
{
    char *id = json_dup(json_get(spec, "channel"), 64);
    struct sim_channel *channel = sim_channel_find(&s->account, span_of(id));
    free(id);
    if (!channel || !channel->webhook_url) {
        buf_add_str(why, "channel is the id of one that is connected");
        return ERR_INVALID;
    }
    struct sim_app_call *c = call_new(s, "delete", channel, channel->webhook_url);
    c->method = "DELETE";
    c->x = x;
    c->on_end = on_deleted;
    if (json_bool(json_get(spec, "body"), true))
        buf_addf(&c->body, "{\"type\":\"delete\",\"payload\":{\"channel_id\":\"%s\"}}", channel->id);
    start(c);
    return OK;
}

void sim_app_stop(struct sim *s)
{
    for (struct sim_app_call *c; (c = LIST_FIRST(&s->app));)
        call_free(c);
}
