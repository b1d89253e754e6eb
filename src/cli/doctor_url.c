/*
 * Calls the bridge as Front would, with something that it refuses once it has looked at the signature: an
 * empty object. And connects to backends, without saying a word to them.
 */
#include "base/mem.h"
#include "cli/doctor.h"
#include "front/signature.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { URL_MAX_BYTES = 2048, SECRETS_MAX = 3, TRIPS = SECRETS_MAX + 1 };

static const struct span nothing = {"{}", 2};

/* One call; n: the number of the secret, 0 for the forgery. */
struct trip {
    struct url_visit *visit;
    size_t channel, backend;
    unsigned n;
    struct http_call *call;
};

struct url_visit {
    struct doctor *doctor;
    struct finding *url;
    struct trip health, *trip, *connection;
    size_t trip_n, connection_n;
};

static struct heard heard_of(const struct http_answer *a)
{
    return (struct heard){.fail = a->fail, .status = a->status, .body = a->body};
}

static void start_call(struct trip *t, const struct http_request *r, http_done_fn *on_done)
{
    doctor_begin(t->visit->doctor);
    t->call = http_call_start(t->visit->doctor->http, r, on_done, t);
}

static struct http_request request_to(const struct trip *t, const char *url)
{
    return (struct http_request){.method = "GET",
                                 .url = url,
                                 .body_fd = -1,
                                 .timeout_ms = t->visit->doctor->time_ms,
                                 .max_answer_bytes = 65536};
}

/* ---- The signature round trip ---- */

/* A finding that is worse stays: several answers speak of one channel. */
static void on_signed(const struct http_answer *a, void *arg)
{
    struct trip *t = arg;
    struct doctor *d = t->visit->doctor;
    struct finding *f = d->channel[t->channel].signature;
    struct heard h = heard_of(a);

    t->call = NULL;
    if (f->level != FINDING_PROBLEM) {
        if (t->n == 0)
            (void)judge_forgery(f, &h);
        else
            (void)judge_signature(f, &d->config->channel[t->channel], t->n, &h);
    }
    doctor_end(d);
}

/* A signature of the right form that no secret makes: that of a good one over something else. */
static void sign(const struct config_channel *c, unsigned n, const char *timestamp,
                 char out[SIGNATURE_TEXT_MAX])
{
    const char *secret = c->secrets.item[n > 0 ? n - 1 : 0];
    struct span body = n > 0 ? nothing : SPAN_LIT("[]");

    if (c->kind == CHANNEL_CUSTOM)
        signature_make_sha1(body, secret, out);
    else
        signature_make_sha256(body, span_of(timestamp), secret, out);
}

static void call_channel(struct trip *t)
{
    const struct config *config = t->visit->doctor->config;
    const struct config_channel *c = &config->channel[t->channel];
    char signature[SIGNATURE_TEXT_MAX], timestamp[24];
    struct buf url;

    buf_init(&url, URL_MAX_BYTES);
    buf_addf(&url, "%s/front/%s", config->public_url, c->name);
    snprintf(timestamp, sizeof timestamp, "%lld", (long long)clock_wall_ms());
    sign(c, t->n, timestamp, signature);
    const struct http_header_line headers[] = {
        {"Content-Type", "application/json"},
        {"X-Front-Signature", signature},
        {"X-Front-Request-Timestamp", timestamp},
    };
    struct http_request r = request_to(t, url.p);
    r.method = "POST";
    r.headers = headers;
    r.header_n = c->kind == CHANNEL_CUSTOM ? 2 : 3;
    r.body = nothing;
    start_call(t, &r, on_signed);
    buf_fini(&url);
}

static void call_channels(struct url_visit *v)
{
    for (size_t i = 0; i < v->doctor->config->channel_n; i++) {
        size_t n = v->doctor->config->channel[i].secrets.n;
        for (unsigned k = 0; k <= n && k <= SECRETS_MAX; k++) {
            struct trip *t = &v->trip[v->trip_n++];
            *t = (struct trip){.visit = v, .channel = i, .n = k};
            call_channel(t);
        }
    }
}

static void skip_channels(struct url_visit *v, const char *why)
{
    for (size_t i = 0; i < v->doctor->config->channel_n; i++)
        finding_say(v->doctor->channel[i].signature, FINDING_NOTE, FINDING_SKIPPED ": %s", why);
}

static void on_health(const struct http_answer *a, void *arg)
{
    struct trip *t = arg;
    struct url_visit *v = t->visit;
    struct heard h = heard_of(a);

    t->call = NULL;
    if (!judge_public_url(v->url, v->doctor->config->public_url, &h))
        skip_channels(v, "the bridge does not answer at public_url");
    else if (v->doctor->is_over)
        skip_channels(v, "the time was over");
    else
        call_channels(v);
    doctor_end(v->doctor);
}

static void ask_health(struct url_visit *v)
{
    struct buf url;

    buf_init(&url, URL_MAX_BYTES);
    buf_addf(&url, "%s/healthz", v->doctor->config->public_url);
    v->health = (struct trip){.visit = v};
    struct http_request r = request_to(&v->health, url.p);
    start_call(&v->health, &r, on_health);
    buf_fini(&url);
}

/* ---- Backends ---- */

static void on_connected(const struct http_answer *a, void *arg)
{
    struct trip *t = arg;
    struct doctor *d = t->visit->doctor;

    t->call = NULL;
    judge_backend(d->channel[t->channel].backend[t->backend],
                  d->preflight->channel[t->channel].url[t->backend], a->fail);
    doctor_end(d);
}

static void connect_all(struct url_visit *v)
{
    const struct preflight *p = v->doctor->preflight;

    for (size_t i = 0; i < p->channel_n; i++)
        for (size_t k = 0; k < p->channel[i].url_n; k++) {
            struct trip *t = &v->connection[v->connection_n++];
            *t = (struct trip){.visit = v, .channel = i, .backend = k};
            struct http_request r = request_to(t, p->channel[i].url[k]);
            r.connects_only = true;
            start_call(t, &r, on_connected);
        }
}

/* ---- The visit ---- */

void url_visit_add(struct doctor *d)
{
    struct url_visit *v = d->url = mem_zalloc(sizeof *v);
    size_t urls = 0;

    v->doctor = d;
    v->url = findings_add(&d->findings, "reachable", "public_url");
    for (size_t i = 0; i < d->preflight->channel_n; i++)
        urls += d->preflight->channel[i].url_n;
    v->trip = mem_calloc(TRIPS * d->config->channel_n, sizeof *v->trip);
    v->connection = mem_calloc(urls + 1, sizeof *v->connection);
}

void url_visit_start(struct doctor *d)
{
    struct url_visit *v = d->url;

    connect_all(v);
    if (d->config->public_url) {
        ask_health(v);
        return;
    }
    finding_say(v->url, FINDING_WARNING, "it is not in the configuration");
    finding_cure(v->url, "write public_url: https://…, as Front reaches the bridge");
    skip_channels(v, "there is no public_url");
}

static void cancel(struct trip *t)
{
    if (t->call)
        http_call_cancel(t->call);
}

void url_visit_stop(struct doctor *d)
{
    cancel(&d->url->health);
    for (size_t i = 0; i < d->url->trip_n; i++)
        cancel(&d->url->trip[i]);
    for (size_t i = 0; i < d->url->connection_n; i++)
        cancel(&d->url->connection[i]);
}

void url_visit_free(struct doctor *d)
{
    free(d->url->trip);
    free(d->url->connection);
    free(d->url);
}
