/*
 * Asks Front, through the bridge's own client and inside its limits. First who the token is: where that fails
 * nothing more is asked, so that a wrong token costs one request. Then all at once.
 */
#include "base/mem.h"
#include "cli/doctor.h"
#include <stdlib.h>

enum { PATH_MAX_BYTES = 1024 };

enum probe_kind { PROBE_ME, PROBE_SCOPE, PROBE_CHANNEL, PROBE_APP };

struct probe {
    struct front_visit *visit;
    enum probe_kind kind;
    struct finding *finding;
    struct front_call *call; /* under way */
    struct scope scope;
    const struct config_channel *channel;
    char *front_channel;
};

struct front_visit {
    struct doctor *doctor;
    const struct config_account *account;
    struct front_client *client;
    struct finding *api, *token, *clock, *rate;
    struct probe me, *probe;
    unsigned probe_n, open_n;
};

/* ---- What is to be asked ---- */

static struct probe *add_probe(struct front_visit *v, enum probe_kind kind, struct finding *f)
{
    struct probe *p = &v->probe[v->probe_n++];

    *p = (struct probe){.visit = v, .kind = kind, .finding = f};
    return p;
}

static void add_scopes(struct front_visit *v)
{
    struct scope scope[SCOPES_MAX];
    unsigned n = scopes_of(v->doctor->config, v->doctor->preflight, v->account, scope);

    for (unsigned i = 0; i < n; i++) {
        char check[64];
        must(snprintf(check, sizeof check, "scope %s", scope[i].name) > 0);
        struct finding *f = findings_add(&v->doctor->findings, check, "account %s", v->account->name);
        add_probe(v, PROBE_SCOPE, f)->scope = scope[i];
    }
}

void front_visits_add(struct doctor *d)
{
    const struct config *c = d->config;

    d->visit = mem_calloc(c->account_n, sizeof *d->visit);
    for (size_t i = 0; i < c->account_n; i++) {
        struct front_visit *v = &d->visit[i];
        const char *name = c->account[i].name;
        v->doctor = d;
        v->account = &c->account[i];
        v->client = front_client_new(d->base, d->http, v->account);
        v->probe = mem_calloc(SCOPES_MAX + 2 * c->channel_n, sizeof *v->probe);
        v->api = findings_add(&d->findings, "api", "account %s", name);
        v->token = findings_add(&d->findings, "token", "account %s", name);
        v->clock = findings_add(&d->findings, "clock", "account %s", name);
        v->rate = findings_add(&d->findings, "rate", "account %s", name);
        if (v->account->token)
            add_scopes(v);
    }
}

static void add_channels(struct front_visit *v)
{
    struct doctor *d = v->doctor;

    for (size_t i = 0; i < d->config->channel_n; i++) {
        const struct config_channel *c = &d->config->channel[i];
        if (c->account != v->account)
            continue;
        const struct channel_checks *checks = &d->channel[i];
        if (checks->front && checks->front->level == FINDING_OPEN) {
            struct probe *p = add_probe(v, PROBE_CHANNEL, checks->front);
            p->channel = c;
            p->front_channel = doctor_front_channel(d, i);
        }
        if (checks->app && checks->app->level == FINDING_OPEN) {
            struct probe *p = add_probe(v, PROBE_APP, checks->app);
            p->channel = c;
            p->front_channel = doctor_front_channel(d, i);
        }
    }
}

/* ---- Asking ---- */

static void on_answer(const struct front_result *r, void *arg);

static struct front_request request_of(const struct probe *p)
{
    struct front_request r = {.lane = RATE_RESOLVE, .auth = FRONT_AUTH_TOKEN, .method = "GET"};

    switch (p->kind) {
    case PROBE_ME:
        r.name = "me";
        break;
    case PROBE_SCOPE:
        r.name = p->scope.call;
        r.method = p->scope.method;
        r.body = span_of(p->scope.body);
        break;
    case PROBE_CHANNEL:
        r.name = "channel";
        break;
    case PROBE_APP:
        r.name = "message";
        r.auth = FRONT_AUTH_CHANNEL;
        r.channel = p->front_channel;
        break;
    }
    return r;
}

static void ask(struct probe *p)
{
    struct front_request r = request_of(p);
    struct buf path;

    buf_init(&path, PATH_MAX_BYTES);
    if (p->kind == PROBE_CHANNEL)
        front_path(&path, "/channels/%s", p->front_channel);
    else
        buf_add_str(&path, p->kind == PROBE_ME      ? "/me"
                           : p->kind == PROBE_SCOPE ? p->scope.path
                                                    : "/messages/msg_0");
    r.path = path.p;
    p->visit->open_n++;
    doctor_begin(p->visit->doctor);
    p->call = front_call_start(p->visit->client, &r, on_answer, p);
    buf_fini(&path);
}

static void ask_all(struct front_visit *v)
{
    for (unsigned i = 0; i < v->probe_n; i++)
        ask(&v->probe[i]);
}

static void skip_all(struct front_visit *v, const char *why)
{
    for (unsigned i = 0; i < v->probe_n; i++)
        finding_say(v->probe[i].finding, FINDING_NOTE, FINDING_SKIPPED ": %s", why);
    if (v->clock->level == FINDING_OPEN)
        finding_say(v->clock, FINDING_NOTE, FINDING_SKIPPED ": %s", why);
}

static void on_me(struct front_visit *v, const struct front_result *r)
{
    if (!judge_api(v->api, v->account->api, r)) {
        finding_say(v->token, FINDING_NOTE, FINDING_SKIPPED ": Front was not reached");
        skip_all(v, "Front was not reached");
        return;
    }
    judge_clock(v->clock, r->date_s, clock_wall_ms());
    if (!judge_token(v->token, r))
        skip_all(v, "Front did not take the token");
    else if (v->doctor->is_over)
        skip_all(v, "the time was over");
    else
        ask_all(v);
}

/* Without a token there is no GET /me: the first answer to an app says who is there. */
static void learn_by_app(struct front_visit *v, const struct front_result *r)
{
    if (v->api->level != FINDING_OPEN)
        return;
    if (judge_api(v->api, v->account->api, r))
        judge_clock(v->clock, r->date_s, clock_wall_ms());
    else
        finding_say(v->clock, FINDING_NOTE, FINDING_SKIPPED ": Front was not reached");
}

static void on_answer(const struct front_result *r, void *arg)
{
    struct probe *p = arg;
    struct front_visit *v = p->visit;

    p->call = NULL;
    switch (p->kind) {
    case PROBE_ME:
        on_me(v, r);
        break;
    case PROBE_SCOPE:
        judge_scope(p->finding, &p->scope, r);
        break;
    case PROBE_CHANNEL:
        judge_channel(p->finding, p->channel, p->front_channel, r);
        break;
    case PROBE_APP:
        learn_by_app(v, r);
        judge_app(p->finding, r);
        break;
    }
    if (--v->open_n == 0)
        judge_rate(v->rate, front_client_rate(v->client));
    doctor_end(v->doctor);
}

static void start(struct front_visit *v)
{
    static const char none[] = FINDING_SKIPPED ": there is neither a token nor a connected channel";

    add_channels(v);
    if (v->account->token) {
        v->me = (struct probe){.visit = v, .kind = PROBE_ME};
        ask(&v->me);
        return;
    }
    finding_say(v->token, FINDING_NOTE, "there is none; application channels need none");
    ask_all(v);
    if (v->probe_n > 0)
        return;
    finding_say(v->api, FINDING_NOTE, none);
    finding_say(v->clock, FINDING_NOTE, none);
    finding_say(v->rate, FINDING_NOTE, none);
}

void front_visits_start(struct doctor *d)
{
    for (size_t i = 0; i < d->config->account_n; i++)
        start(&d->visit[i]);
}

void front_visits_stop(struct doctor *d)
{
    for (size_t i = 0; i < d->config->account_n; i++) {
        struct front_visit *v = &d->visit[i];
        if (v->me.call)
            front_call_cancel(v->me.call);
        for (unsigned k = 0; k < v->probe_n; k++)
            if (v->probe[k].call)
                front_call_cancel(v->probe[k].call);
    }
}

static void add_count(const char *call, int status, uint64_t n, void *arg)
{
    (void)call, (void)status;
    *(uint64_t *)arg += n;
}

uint64_t front_visit_cost(const struct doctor *d, size_t account)
{
    uint64_t n = 0;

    front_client_counts(d->visit[account].client, add_count, &n);
    return n;
}

void front_visits_free(struct doctor *d)
{
    for (size_t i = 0; i < d->config->account_n; i++) {
        struct front_visit *v = &d->visit[i];
        for (unsigned k = 0; k < v->probe_n; k++)
            free(v->probe[k].front_channel);
        free(v->probe);
        front_client_free(v->client);
    }
    free(d->visit);
}
