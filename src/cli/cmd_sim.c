/*
 * front-bridge sim: the Front simulator alone, for tests and for trying a bridge without an account.
 * Decides nothing but where it listens; everything else is src/sim.
 */
#include "base/json.h"
#include "base/mem.h"
#include "cli/command.h"
#include "sim/options.h"
#include "sim/sim.h"
#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { OPTIONS_BYTES_MAX = 1 << 20 };

static const struct option options[] = {
    {"listen", 0, "ADDRESS", "where to listen; port 0 takes a free one (default 127.0.0.1:0)"},
    {"port-file", 0, "FILE", "write the port there once it listens"},
    {"token", 0, "TOKEN", "the API token that the account knows"},
    {"config", 'c', "FILE", "the simulator's options: JSON itself, or a file that holds it"},
    {NULL, 0, NULL, NULL},
};

/* line_at counts from 1. */
static unsigned line_at(struct span text, size_t at)
{
    unsigned line = 1;
    for (size_t i = 0; i < at && i < text.n; i++)
        line += text.p[i] == '\n';
    return line;
}

/* is_readable says whether these are options of the simulator, and on standard error, with file and line, what is
 * none. */
static bool is_readable(struct span text, const char *file)
{
    struct json doc;
    struct config_mistakes mistakes = {0};
    if (json_parse(&doc, text) != OK)
        config_mistake(&mistakes, line_at(text, doc.error_at), "", "this is no JSON: %s", doc.error);
    else if (json_type(json_root(&doc)) != JSON_OBJECT)
        config_mistake(&mistakes, 1, "", "the options are one JSON object: {...}");
    else
        sim_options_check(json_root(&doc), &mistakes);
    json_fini(&doc);
    command_mistakes(&mistakes, file);
    bool is_ok = mistakes.n == 0;
    config_mistakes_fini(&mistakes);
    return is_ok;
}

static bool configure_text(struct sim *s, struct span text, struct buf *why)
{
    struct json doc;
    bool is_ok = json_parse(&doc, text) == OK && sim_configure(s, json_root(&doc), why) == OK;
    json_fini(&doc);
    return is_ok;
}

static bool configure_token(struct sim *s, const char *token, struct buf *why)
{
    struct buf text;
    struct jout j;
    buf_init(&text, 8192);
    jout_init(&j, &text);
    jout_object(&j);
    jout_kv_str(&j, "token", token);
    jout_object_end(&j);
    bool is_ok = configure_text(s, buf_span(&text), why);
    buf_fini(&text);
    return is_ok;
}

/* The value of --config is JSON itself, or names a file that holds it. */
static bool read_config(const char *config, struct buf *text)
{
    if (*config == '{')
        buf_add_str(text, config);
    else if (command_read(config, text) != EXIT_FINE)
        return false;
    return is_readable(buf_span(text), *config == '{' ? "--config" : config);
}

/* Whoever waits for the file must never read half of it. */
static bool write_port(const char *path, unsigned port, struct buf *why)
{
    char fresh[PATH_MAX];
    snprintf(fresh, sizeof fresh, "%s.new", path);
    FILE *f = fopen(fresh, "we");
    bool is_ok = f && fprintf(f, "%u\n", port) > 0;
    is_ok = (!f || fclose(f) == 0) && is_ok && rename(fresh, path) == 0;
    if (!is_ok)
        buf_addf(why, "%s cannot be written: %s", path, strerror(errno));
    return is_ok;
}

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    event_base_loopbreak(arg);
}

static void serve(struct event_base *base, const struct sim *s)
{
    struct event *interrupt = evsignal_new(base, SIGINT, on_signal, base);
    struct event *terminate = evsignal_new(base, SIGTERM, on_signal, base);
    must(interrupt && terminate);
    evsignal_add(interrupt, NULL);
    evsignal_add(terminate, NULL);
    printf("The agent's page     http://127.0.0.1:%u/\n"
           "The customer's chat  http://127.0.0.1:%u/chat\n",
           sim_port(s), sim_port(s));
    fflush(stdout);
    event_base_dispatch(base);
    event_free(interrupt);
    event_free(terminate);
}

static bool is_ready(struct sim *s, const struct options *o, struct span config, struct buf *why)
{
    const char *listen = options_get(o, "listen"), *token = options_get(o, "token");
    const char *port_file = options_get(o, "port-file");
    return (!config.n || configure_text(s, config, why)) && (!token || configure_token(s, token, why)) &&
           sim_listen(s, listen ? listen : "127.0.0.1:0", why) == OK &&
           (!port_file || write_port(port_file, sim_port(s), why));
}

static int simulate(const struct options *o, struct span config)
{
    struct buf why;
    int code = EXIT_FINE;
    struct event_base *base = event_base_new();
    must(base);
    struct sim *s = sim_new(base);
    buf_init(&why, 1024);
    if (is_ready(s, o, config, &why))
        serve(base, s);
    else
        code = command_fail(EXIT_USAGE, "%s", buf_span(&why).p);
    buf_fini(&why);
    sim_free(s);
    event_base_free(base);
    return code;
}

static int run(const struct options *o)
{
    struct buf config;
    const char *given = options_get(o, "config");
    buf_init(&config, OPTIONS_BYTES_MAX);
    int code = !given || read_config(given, &config) ? simulate(o, given ? buf_span(&config) : SPAN_NONE)
                                                     : EXIT_USAGE;
    buf_fini(&config);
    return code;
}

const struct command command_sim = {
    .name = "sim",
    .arguments = "",
    .summary = "run a simulated Front account, for tests",
    .help =
        "Runs a Front account in memory: its REST API, signed callbacks with a 7 s clock, events with their\n"
        "search and webhooks, an agent's page at /, a customer's chat at /chat, and a control API under\n"
        "/sim/. Whoever reaches it may do anything: leave it on loopback. Here -c takes the simulator's own\n"
        "options, each of which may be left out; what is not among them is refused:\n\n"
        "  {\"token\", \"tokens\": [{\"token\", \"scopes\"}], \"company\", \"secret\" (the company's),\n"
        "   \"app\": {\"uid\", \"secret\"}, \"dedupe\",\n"
        "   \"rate\": {\"limit\", \"burst\", \"per_resource\"}, \"created_delay_ms\",\n"
        "   \"attachments\": {\"max_bytes\", \"kept_bytes\"}, \"inboxes\": [{\"id\", \"name\"}],\n"
        "   \"channels\": [{\"id\", \"kind\", \"name\", \"address\", \"inbox\", \"webhook_url\",\n"
        "                 \"secret\", \"type\"}],\n"
        "   \"lag_ms\", \"next_event\": \"evt_...\", \"echo_errors\", \"thin_pages\",\n"
        "   \"imported\", \"imported_delay_ms\", \"webhook_timeout_ms\", \"webhook_retry_ms\",\n"
        "   \"webhooks\": [{\"kind\", \"url\" or \"channel\", \"types\", \"inboxes\", \"form\", \"secret\",\n"
        "                 \"disable_after\"}],\n"
        "   \"chat\": {\"hook_url\", \"secret\"}}\n",
    .options = options,
    .run = run,
};
