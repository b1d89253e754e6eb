/*
 * Carries out sendings of events and handshakes. Refuses to know who wants which event (hook.c).
 * Invariant: a notice is in s->notice until it has ended; it copies what it needs, so that a reset or a
 * removed webhook changes nothing of it.
 */
#include "sim/notify.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "front/signature.h"
#include "sim/shape.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOTICE_MAX = 16 << 20, JOURNAL_BODY_MAX = 16384, STALE_MS = 10 * 60 * 1000 };

struct sim_notice {
    struct sim *sim;
    enum sim_hook_kind kind;
    char hook[SIM_ID_BYTES], event[SIM_EVENT_ID_BYTES];
    char *url, *secret;
    enum sim_signing signing;
    struct buf body;
    char signature[SIGNATURE_TEXT_MAX], timestamp[24];
    char challenge[33]; /* empty: an event, no handshake */
    unsigned attempt_n;
    int status[SIM_NOTICE_ATTEMPTS];
    struct event *again;
    struct sim_gather *gather;
    LIST_ENTRY(sim_notice) link;
};

static void notice_free(struct sim_notice *n)
{
    LIST_REMOVE(n, link);
    if (n->again)
        event_free(n->again);
    sim_gather_release(n->gather);
    buf_fini(&n->body);
    free(n->url);
    free(n->secret);
    free(n);
}

/* ---- What came of it ---- */

static void write_result(const struct sim_notice *n, struct jout *j, const struct http_answer *a,
                         bool is_taken)
{
    jout_kv_str(j, "to", sim_hook_kind_name(n->kind));
    jout_kv_str(j, "hook", *n->hook ? n->hook : NULL);
    jout_kv_str(j, "event", *n->event ? n->event : NULL);
    jout_kv_str(j, "url", n->url);
    jout_kv_i64(j, "status", a->status);
    jout_kv_i64(j, "attempts", n->attempt_n);
    jout_key(j, "statuses");
    jout_array(j);
    for (unsigned i = 0; i < n->attempt_n; i++)
        jout_i64(j, n->status[i]);
    jout_array_end(j);
    jout_kv_i64(j, "took_ms", a->took_ms);
    jout_kv_bool(j, *n->challenge ? "is_valid" : "is_taken", is_taken);
    jout_kv_str(j, "failure", a->fail == HTTP_FAIL_NONE ? NULL : http_fail_text(a->fail));
    if (a->body.p && a->body.n <= JOURNAL_BODY_MAX)
        jout_kv_span(j, "answer", a->body);
}

static void journal(const struct sim_notice *n, const struct http_answer *a, bool is_taken)
{
    struct sim_journal *log = &n->sim->journal;
    struct buf text;
    struct jout j;
    sim_journal_open(log, &j, &text, clock_wall_ms());
    jout_kv_str(&j, "kind", *n->challenge ? "sync" : "event");
    write_result(n, &j, a, is_taken);
    jout_kv_str(&j, "signature", n->signature);
    jout_kv_str(&j, "timestamp", n->kind == SIM_HOOK_APPLICATION ? n->timestamp : NULL);
    if (n->body.n <= JOURNAL_BODY_MAX)
        jout_kv_span(&j, "body", buf_span(&n->body));
    sim_journal_close(log, &j);
    sim_journal_count(log, *n->challenge ? "sync" : "event", a->status);
}

static void count_failure(const struct sim_notice *n, bool is_taken)
{
    struct sim_hook *hook = sim_hook_find(&n->sim->hooks, span_of(n->hook));
    if (!hook)
        return;
    hook->failed_n = is_taken ? 0 : hook->failed_n + 1;
    hook->is_disabled |= hook->disable_after && hook->failed_n >= hook->disable_after;
}

/* A webhook that was tried is used from now on, or was never there. */
static void decide(const struct sim_notice *n, bool is_valid)
{
    struct sim_hook *hook = sim_hook_find(&n->sim->hooks, span_of(n->hook));
    if (hook && is_valid)
        hook->is_disabled = false;
    else if (hook)
        sim_hook_remove(&n->sim->hooks, hook);
}

static bool is_echoed(const struct sim_notice *n, struct span answer)
{
    struct json doc;
    bool is_ok =
        json_parse(&doc, answer) == OK && json_is(json_get(json_root(&doc), "challenge"), n->challenge);
    json_fini(&doc);
    return is_ok;
}

static void settle(struct sim_notice *n, const struct http_answer *a)
{
    bool is_taken = a->fail == HTTP_FAIL_NONE && a->status >= 200 && a->status < 300 &&
                    (!*n->challenge || is_echoed(n, a->body));
    journal(n, a, is_taken);
    if (*n->challenge)
        decide(n, is_taken);
    else
        count_failure(n, is_taken);
    sim_feed_tell(&n->sim->feed, "api", SPAN_LIT("{}"));
    if (n->gather) {
        jout_object(&n->gather->j);
        write_result(n, &n->gather->j, a, is_taken);
        jout_object_end(&n->gather->j);
    }
    notice_free(n);
}

/* ---- The sending ---- */

static void attempt(struct sim_notice *n);

static void on_again(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    attempt(arg);
}

static bool is_worth_retrying(const struct sim_notice *n, const struct http_answer *a)
{
    if (n->kind != SIM_HOOK_APPLICATION || *n->challenge || n->attempt_n == SIM_NOTICE_ATTEMPTS)
        return false;
    return a->fail == HTTP_FAIL_TIMEOUT || a->status == 408 || a->status == 429 || a->status == 500;
}

static void on_answer(const struct http_answer *a, void *arg)
{
    struct sim_notice *n = arg;
    n->status[n->attempt_n - 1] = a->status;
    if (!is_worth_retrying(n, a)) {
        settle(n, a);
        return;
    }
    struct timeval delay = clock_tv(n->sim->notice_retry_ms);
    if (!n->again)
        n->again = evtimer_new(n->sim->base, on_again, n);
    must(n->again);
    evtimer_add(n->again, &delay);
}

static const char *default_secret(const struct sim_notice *n)
{
    const char *own = n->kind == SIM_HOOK_APPLICATION ? n->sim->app_secret : n->sim->secret;
    return own ? own : "";
}

static void sign(struct sim_notice *n)
{
    struct span body = buf_span(&n->body);
    const char *secret = n->secret ? n->secret : default_secret(n);
    wall_ms_t at = clock_wall_ms() - (n->signing == SIM_SIGN_STALE ? STALE_MS : 0);
    snprintf(n->timestamp, sizeof n->timestamp, "%lld", (long long)at);
    if (n->signing == SIM_SIGN_WRONG)
        secret = "another secret";
    if (n->kind == SIM_HOOK_APPLICATION)
        signature_make_sha256(body, span_of(n->timestamp), secret, n->signature);
    else
        signature_make_sha1(body, secret, n->signature);
}

static void attempt(struct sim_notice *n)
{
    struct http_header_line header[5] = {{"Content-Type", "application/json"},
                                         {"User-Agent", "front-bridge-simulator"}};
    size_t header_n = 2;
    sign(n);
    if (n->signing != SIM_SIGN_NONE)
        header[header_n++] = (struct http_header_line){"X-Front-Signature", n->signature};
    if (n->kind == SIM_HOOK_APPLICATION && n->signing != SIM_SIGN_NONE)
        header[header_n++] = (struct http_header_line){"X-Front-Request-Timestamp", n->timestamp};
    if (*n->challenge)
        header[header_n++] = (struct http_header_line){"X-Front-Challenge", n->challenge};
    const struct http_request request = {.method = "POST",
                                         .url = n->url,
                                         .headers = header,
                                         .header_n = header_n,
                                         .body = buf_span(&n->body),
                                         .body_fd = -1,
                                         .timeout_ms = *n->challenge ? SIM_HANDSHAKE_MS : n->sim->notice_ms};
    n->attempt_n++;
    http_call_start(n->sim->http, &request, on_answer, n);
}

static struct sim_notice *notice_new(struct sim *s, enum sim_hook_kind kind, const char *url,
                                     const char *secret, struct sim_gather *g)
{
    struct sim_notice *n = mem_zalloc(sizeof *n);
    n->sim = s;
    n->kind = kind;
    n->url = mem_strdup(url ? url : "");
    n->secret = secret ? mem_strdup(secret) : NULL;
    n->gather = g;
    sim_gather_hold(g);
    buf_init(&n->body, NOTICE_MAX);
    LIST_INSERT_HEAD(&s->notice, n, link);
    return n;
}

/* Every link of ours leads to base instead. */
static void relink(struct buf *body, const char *base)
{
    struct buf out;
    const char *at = body->p, *hit;
    buf_init(&out, NOTICE_MAX);
    for (; (hit = strstr(at, SIM_LINK_BASE)); at = hit + strlen(SIM_LINK_BASE)) {
        buf_add(&out, at, (size_t)(hit - at));
        buf_add_str(&out, base);
    }
    buf_add_str(&out, at);
    buf_fini(body);
    *body = out;
}

static void write_envelope(struct jout *j, const struct sim_notice_spec *spec)
{
    const struct sim_event_type *type = sim_event_type_find(spec->event->type);
    jout_object(j);
    jout_kv_str(j, "type", type ? type->webhook : spec->event->type);
    jout_kv_raw(j, "authorization", SPAN_LIT("{\"id\":\"" SIM_COMPANY_ID "\"}"));
    jout_key(j, "payload");
    sim_shape_event(j, spec->event, &spec->view);
    jout_object_end(j);
}

void sim_notify(struct sim *s, const struct sim_notice_spec *spec, struct sim_gather *g)
{
    struct sim_notice *n = notice_new(s, spec->kind, spec->url, spec->secret, g);
    struct jout j;
    n->signing = spec->signing;
    snprintf(n->hook, sizeof n->hook, "%s", spec->hook ? spec->hook : "");
    memcpy(n->event, spec->event->id, sizeof n->event);
    jout_init(&j, &n->body);
    if (spec->kind == SIM_HOOK_APPLICATION)
        write_envelope(&j, spec);
    else
        sim_shape_event(&j, spec->event, &spec->view);
    if (spec->links)
        relink(&n->body, spec->links);
    attempt(n);
}

struct sim_notice_spec sim_notice_to(const struct sim_hook *hook)
{
    const struct sim_channel *c = hook->channel;
    return (struct sim_notice_spec){.kind = hook->kind,
                                    .hook = hook->id,
                                    .url = c ? c->webhook_url : hook->url,
                                    .secret = c && !hook->secret ? c->secret : hook->secret};
}

static void notify_hook(struct sim *s, const struct sim_hook *hook, const struct sim_event *e,
                        struct sim_gather *g)
{
    struct sim_notice_spec spec = sim_notice_to(hook);
    spec.event = e;
    spec.view = sim_event_view(hook->form);
    sim_notify(s, &spec, g);
}

void sim_notify_all(struct sim *s, const struct sim_event *e, struct sim_gather *g)
{
    for (unsigned i = 0; i < s->hooks.n; i++)
        if (sim_hook_wants(s->hooks.item[i], e))
            notify_hook(s, s->hooks.item[i], e, g);
}

void sim_handshake(struct sim *s, const struct sim_hook *hook, struct sim_gather *g)
{
    struct sim_notice *n = notice_new(s, SIM_HOOK_APPLICATION, hook->url, hook->secret, g);
    uint8_t raw[16];
    memcpy(n->hook, hook->id, sizeof n->hook);
    crypto_random(raw, sizeof raw);
    for (size_t i = 0; i < sizeof raw; i++)
        snprintf(n->challenge + 2 * i, 3, "%02x", raw[i]);
    buf_add_str(&n->body, "{\"type\":\"sync\",\"authorization\":{\"id\":\"" SIM_COMPANY_ID "\"}}");
    attempt(n);
}

void sim_notify_stop(struct sim *s)
{
    for (struct sim_notice *n; (n = LIST_FIRST(&s->notice));)
        notice_free(n);
}
