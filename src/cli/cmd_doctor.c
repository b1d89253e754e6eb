/*
 * front-bridge doctor: what is wrong between Front, this bridge and the backends, found by asking all of
 * them. Decides the order of the checks and how long they may take.
 */
#include "cli/doctor.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/ops_call.h"
#include <stdlib.h>
#include <string.h>

enum { OUT_BYTES_MAX = 4 << 20, FRONT_ID_BYTES_MAX = 200, TIME_MS = 20000 };

static const struct option options[] = {
    {"timeout", 0, "TIME", "how long all of it may take (20s)"},
    {"json", 0, NULL, "as JSON"},
    {NULL, 0, NULL, NULL},
};

/* ---- The run ---- */

void doctor_begin(struct doctor *d)
{
    d->under_way++;
}

void doctor_end(struct doctor *d)
{
    if (--d->under_way == 0)
        event_base_loopbreak(d->base);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
    struct doctor *d = arg;

    (void)fd;
    (void)what;
    d->is_over = true;
    event_base_loopbreak(d->base);
}

struct jval doctor_live(const struct doctor *d, size_t i)
{
    struct jval v = json_first(json_get(d->bridge, "channels"));

    while (v.doc && !json_is(json_get(v, "name"), d->config->channel[i].name))
        v = json_next(v);
    return v;
}

char *doctor_front_channel(const struct doctor *d, size_t i)
{
    const char *given = d->config->channel[i].front_channel;

    return given ? mem_strdup(given)
                 : json_dup(json_get(doctor_live(d, i), "front_channel"), FRONT_ID_BYTES_MAX);
}

/* ---- Channels ---- */

static struct finding *add(struct doctor *d, size_t i, const char *check)
{
    return findings_add(&d->findings, check, "channel %s", d->config->channel[i].name);
}

static void add_front(struct doctor *d, size_t i)
{
    const struct config_channel *c = &d->config->channel[i];
    struct channel_checks *checks = &d->channel[i];
    char *id = doctor_front_channel(d, i);

    checks->front = add(d, i, "in Front");
    if (!id && c->kind == CHANNEL_CUSTOM) {
        finding_say(checks->front, FINDING_PROBLEM, "it has no front_channel yet");
        finding_cure(checks->front, "run `front-bridge channel register %s --inbox inb_…`", c->name);
    } else if (!id) {
        finding_say(checks->front, FINDING_WARNING, "it is not connected yet");
        finding_cure(checks->front, "run `front-bridge channel register %s`: it says what to do in Front",
                     c->name);
    } else if (!c->account->token) {
        finding_say(checks->front, FINDING_NOTE, FINDING_SKIPPED ": that needs an API token");
    }
    if (id && c->kind == CHANNEL_APPLICATION)
        checks->app = add(d, i, "app");
    free(id);
}

static void add_webhook(struct doctor *d, size_t i)
{
    const struct config_channel *c = &d->config->channel[i];
    const char *url = d->config->public_url;

    if (c->kind != CHANNEL_CUSTOM)
        return;
    struct finding *f = d->channel[i].webhook = add(d, i, "callback URL");
    finding_say(f, FINDING_NOTE, "Front does not show which URL it calls; it has to be %s/front/%s",
                url ? url : "PUBLIC_URL", c->name);
    if (url)
        finding_cure(f, "`front-bridge channel register %s` sets it", c->name);
}

static void add_channel(struct doctor *d, size_t i)
{
    const struct preflight_channel *p = &d->preflight->channel[i];
    struct channel_checks *checks = &d->channel[i];

    checks->adapter = add(d, i, "adapter");
    finding_say(checks->adapter, FINDING_OK, "%s %s takes its settings", p->name, p->version);
    if (d->bridge.doc) {
        checks->status = add(d, i, "status");
        judge_status(checks->status, doctor_live(d, i));
    }
    if (d->config->channel[i].dry_run)
        finding_say(add(d, i, "dry run"), FINDING_WARNING, "nothing leaves, and nothing is written to Front");
    if (d->config->channel[i].only_to.n > 0)
        finding_say(add(d, i, "only_to"), FINDING_WARNING, "it writes to nobody but those in its list (%zu)",
                    d->config->channel[i].only_to.n);
    add_front(d, i);
    add_webhook(d, i);
    checks->signature = add(d, i, "signature");
    checks->backend = mem_calloc(p->url_n + 1, sizeof(struct finding *));
    for (size_t k = 0; k < p->url_n; k++)
        checks->backend[k] = add(d, i, "backend");
}

/* ---- All of it ---- */

static void look(struct doctor *d)
{
    struct event *deadline = evtimer_new(d->base, on_deadline, d);
    const struct timeval tv = clock_tv(d->time_ms);

    must(deadline && event_add(deadline, &tv) == 0);
    store_look(d);
    front_visits_add(d);
    url_visit_add(d);
    for (size_t i = 0; i < d->config->channel_n; i++)
        add_channel(d, i);
    front_visits_start(d);
    url_visit_start(d);
    if (d->under_way > 0)
        event_base_dispatch(d->base);
    d->is_over = true;
    front_visits_stop(d);
    url_visit_stop(d);
    must(d->under_way == 0);
    event_free(deadline);
}

static void write_json(const struct doctor *d, struct buf *out)
{
    struct jout j;

    jout_init(&j, out);
    jout_object(&j);
    jout_kv_bool(&j, "is_well", findings_count(&d->findings, FINDING_PROBLEM) == 0);
    jout_kv_i64(&j, "problems", findings_count(&d->findings, FINDING_PROBLEM));
    jout_kv_i64(&j, "warnings", findings_count(&d->findings, FINDING_WARNING));
    jout_key(&j, "checks");
    findings_write_json(&d->findings, &j);
    jout_key(&j, "front_requests");
    jout_object(&j);
    for (size_t i = 0; i < d->config->account_n; i++)
        jout_kv_i64(&j, d->config->account[i].name, (int64_t)front_visit_cost(d, i));
    jout_object_end(&j);
    jout_object_end(&j);
    buf_add_char(out, '\n');
}

static void write_text(const struct doctor *d, struct buf *out)
{
    unsigned problems = findings_count(&d->findings, FINDING_PROBLEM);
    unsigned warnings = findings_count(&d->findings, FINDING_WARNING);

    findings_write_text(&d->findings, out);
    buf_addf(out, "%u problem%s, %u warning%s.", problems, problems == 1 ? "" : "s", warnings,
             warnings == 1 ? "" : "s");
    for (size_t i = 0; i < d->config->account_n; i++)
        buf_addf(out, " Account %s: %llu requests to Front.", d->config->account[i].name,
                 (unsigned long long)front_visit_cost(d, i));
    buf_add_char(out, '\n');
}

static int report(const struct doctor *d, bool is_json)
{
    struct buf out;

    buf_init(&out, OUT_BYTES_MAX);
    (is_json ? write_json : write_text)(d, &out);
    int code = command_print(&out);
    return findings_count(&d->findings, FINDING_PROBLEM) > 0 ? EXIT_FAILED : code;
}

static int examine(const struct options *o, int64_t time_ms, const struct config *c,
                   const struct preflight *seen)
{
    struct ops_answer a;
    struct json doc = {0};
    struct doctor d = {.config = c, .preflight = seen, .base = event_base_new(), .time_ms = time_ms};

    must(d.base);
    ops_answer_init(&a);
    if (ops_ask_bridge(c, "/api/v1/channels", &a) && json_parse(&doc, buf_span(&a.json)) == OK)
        d.bridge = json_root(&doc);
    d.http = http_client_new(d.base, &(struct http_client_options){0});
    d.channel = mem_calloc(c->channel_n, sizeof *d.channel);
    look(&d);
    int code = report(&d, options_has(o, "json"));
    front_visits_free(&d);
    url_visit_free(&d);
    for (size_t i = 0; i < c->channel_n; i++)
        free(d.channel[i].backend);
    free(d.channel);
    findings_fini(&d.findings);
    http_client_free(d.http);
    event_base_free(d.base);
    json_fini(&doc);
    ops_answer_fini(&a);
    return code;
}

static int run(const struct options *o)
{
    struct config_mistakes mistakes = {0};
    struct preflight seen;
    const char *time = options_get(o, "timeout");
    int64_t time_ms = TIME_MS;
    int code = EXIT_USAGE;

    if (time && (config_duration(span_of(time), &time_ms) != OK || time_ms < SECOND_MS || time_ms > HOUR_MS))
        return command_fail(EXIT_USAGE, "--timeout takes 1s to 1h");
    struct config *c = command_config(o);
    if (!c)
        return code;
    if (preflight_run(&seen, c, &mistakes) == OK)
        code = examine(o, time_ms, c, &seen);
    else
        command_mistakes(&mistakes, c->file);
    preflight_fini(&seen);
    config_mistakes_fini(&mistakes);
    config_free(c);
    return code;
}

const struct command command_doctor = {
    .name = "doctor",
    .arguments = "",
    .summary = "ask Front, the bridge and the backends what is wrong",
    .help =
        "Asks Front, the running bridge and the backends, and prints a line for each check: ok, a note "
        "(what\n"
        "cannot be seen from here), a warning or a problem, with what to do about it. Nothing is changed:\n"
        "scopes are looked for with calls that cannot succeed, the signature with a callback that the "
        "bridge\n"
        "refuses once it has checked it (its log shows \"refused\"), and to backends it only connects. Of\n"
        "Front's rate limit it takes 12 requests for each account with a token, and one for each channel.\n"
        "Exit status 1 if there is a problem, 2 if the configuration has mistakes.\n",
    .options = options,
    .run = run,
};
