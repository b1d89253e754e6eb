/*
 * front-bridge channel test: does an adapter keep the promises of the interface? Settings come from the
 * command line or from a channel of the configuration; the suite itself is host/conform.
 */
#include "base/json.h"
#include "base/mem.h"
#include "bridge/preflight.h"
#include "cli/command.h"
#include "cli/text.h"
#include "host/conform.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUT_BYTES_MAX = 1 << 20, LINE_BYTES_MAX = 16384, SETTINGS_BYTES_MAX = 1 << 20, REPEAT_MAX = 1000 };

static const struct option options[] = {
    {"set", 0, "KEY=VALUE ...", "a setting of the adapter, as often as needed; a list: 'KEY=[a, b]'"},
    {"channel", 0, "NAME", "take adapter and settings from this channel of the configuration"},
    {"repeat", 0, "N", "messages in the search for leaks, sent twice (100)"},
    {"deadline", 0, "DURATION", "of every call (10s)"},
    {"json", 0, NULL, "as JSON"},
    {NULL, 0, NULL, NULL},
};

struct run {
    struct config *config; /* owns channel, or NULL: it is ours */
    struct config_channel *channel;
    struct conform_options o;
    struct buf out;
    struct jout j;
    bool is_json;
    unsigned kept_n, broken_n, skipped_n, delivered_n;
};

/* ---- What is to be tested ---- */

/* A list or a map is read as the configuration would; anything else is text, whatever is in it. */
static void write_value(struct span value, struct buf *json)
{
    struct jout j;
    if (value.n && (*value.p == '[' || *value.p == '{') && config_setting_json(value, json))
        return;
    jout_init(&j, json);
    jout_span(&j, value);
}

static void add_setting(struct config_channel *c, const char *text)
{
    const char *equals = strchr(text, '=');
    struct buf json;
    buf_init(&json, SETTINGS_BYTES_MAX);
    write_value(span_of(equals + 1), &json);
    c->setting = mem_realloc(c->setting, (c->setting_n + 1) * sizeof *c->setting);
    struct config_setting *s = &c->setting[c->setting_n++];
    *s = (struct config_setting){.key = mem_strndup(text, (size_t)(equals - text))};
    s->json.p = buf_take(&json, &s->json.n);
}

static int channel_of_arguments(struct run *r, const struct options *o)
{
    r->channel = mem_zalloc(sizeof *r->channel);
    r->channel->name = mem_strdup("conform");
    for (unsigned i = 0; i < o->argument_n; i++) {
        if (strchr(o->argument[i], '='))
            add_setting(r->channel, o->argument[i]);
        else if (!r->channel->adapter)
            r->channel->adapter = mem_strdup(o->argument[i]);
        else
            return command_fail(EXIT_USAGE, "%.100s is no setting: write KEY=VALUE", o->argument[i]);
    }
    return r->channel->adapter
               ? EXIT_FINE
               : command_fail(EXIT_USAGE, "which adapter? Write its name or a path ending in .so");
}

static int channel_of_config(struct run *r, const struct options *o, const char *name)
{
    if (o->argument_n)
        return command_fail(EXIT_USAGE,
                            "--channel takes adapter and settings from the configuration: leave %.100s out",
                            o->argument[0]);
    r->config = command_config(o);
    if (!r->config)
        return EXIT_USAGE;
    r->channel = (struct config_channel *)(uintptr_t)config_channel_find(r->config, span_of(name));
    return r->channel ? EXIT_FINE : command_no_channel(r->config, name);
}

static int limits(struct run *r, const struct options *o)
{
    const char *repeat = options_get(o, "repeat"), *deadline = options_get(o, "deadline");
    uint64_t n = 0;
    if (repeat && (!span_u64(span_of(repeat), &n) || n == 0 || n > REPEAT_MAX))
        return command_fail(EXIT_USAGE, "--repeat is a number from 1 to %d", REPEAT_MAX);
    if (deadline && (config_duration(span_of(deadline), &r->o.attempt_ms) != OK || r->o.attempt_ms < 100))
        return command_fail(EXIT_USAGE, "--deadline is a duration of at least 100ms, such as 10s");
    r->o.repeat = (unsigned)n;
    return EXIT_FINE;
}

static void run_fini(struct run *r)
{
    struct config_channel *own = r->config ? NULL : r->channel;
    for (size_t i = 0; own && i < own->setting_n; i++) {
        free(own->setting[i].key);
        free((char *)(uintptr_t)own->setting[i].json.p);
    }
    if (own) {
        free(own->setting);
        free(own->adapter);
        free(own->name);
        free(own);
    }
    config_free(r->config);
}

/* ---- The report ---- */

static const char *const result_name[] = {
    [CONFORM_KEPT] = "kept", [CONFORM_BROKEN] = "broken", [CONFORM_SKIPPED] = "skipped"};

static void on_report(enum conform_result result, const char *promise, const char *text, void *arg)
{
    struct run *r = arg;
    unsigned *count[] = {
        [CONFORM_KEPT] = &r->kept_n, [CONFORM_BROKEN] = &r->broken_n, [CONFORM_SKIPPED] = &r->skipped_n};
    ++*count[result];
    if (!r->is_json) {
        printf("%-8s %s%s%s\n", result_name[result], promise, *text ? ": " : "", text);
        fflush(stdout);
        return;
    }
    jout_object(&r->j);
    jout_kv_str(&r->j, "promise", promise);
    jout_kv_str(&r->j, "result", result_name[result]);
    jout_kv_str(&r->j, "text", text);
    jout_object_end(&r->j);
}

/* What the adapter logs, and what a program that it runs writes to standard error: beside the report, never in it. */
static void on_line(const char *text, void *arg)
{
    struct buf line;
    (void)arg;
    buf_init(&line, LINE_BYTES_MAX);
    buf_addf(&line, "%-8s ", "log");
    text_add_safe(&line, span_of(text));
    fprintf(stderr, "%s\n", buf_span(&line).p);
    buf_fini(&line);
}

/* As the adapter's author knows it: without "channels.NAME.settings.". */
static const char *short_key(const struct run *r, const char *key)
{
    static const char head[] = "channels.", tail[] = ".settings.";
    size_t n = strlen(r->channel->name);
    if (strncmp(key, head, sizeof head - 1) != 0 || strncmp(key + sizeof head - 1, r->channel->name, n) != 0)
        return key;
    key += sizeof head - 1 + n;
    return strncmp(key, tail, sizeof tail - 1) == 0 ? key + sizeof tail - 1 : "";
}

static void report_mistakes(struct run *r, const struct config_mistakes *m)
{
    for (size_t i = 0; i < m->n; i++) {
        const char *key = short_key(r, m->item[i].key);
        char text[1200];
        snprintf(text, sizeof text, "%s%s%s", key, *key ? ": " : "", m->item[i].text);
        on_report(CONFORM_BROKEN, "loads, and accepts its settings", text, r);
    }
    if (m->n == 0)
        on_report(CONFORM_KEPT, "loads, and accepts its settings", "", r);
}

static int verdict(struct run *r)
{
    bool is_kept = r->broken_n == 0;
    if (r->is_json) {
        jout_array_end(&r->j);
        jout_kv_i64(&r->j, "kept", r->kept_n);
        jout_kv_i64(&r->j, "broken", r->broken_n);
        jout_kv_i64(&r->j, "skipped", r->skipped_n);
        jout_kv_i64(&r->j, "delivered", r->delivered_n);
        jout_kv_bool(&r->j, "conforms", is_kept);
        jout_object_end(&r->j);
        buf_add_char(&r->out, '\n');
    } else {
        buf_addf(&r->out, "\n%s %s: %u kept, %u broken, %u skipped.\n", r->channel->adapter,
                 !is_kept         ? "does not conform"
                 : r->delivered_n ? "conforms"
                                  : "breaks no promise, but delivered nothing, so that most were not seen",
                 r->kept_n, r->broken_n, r->skipped_n);
    }
    int code = command_print(&r->out);
    return is_kept ? code : EXIT_FAILED;
}

/* ---- The test ---- */

/* A secret that a webhook may ask for under the name that most adapters use. */
static char *token_of(struct span settings)
{
    struct json doc;
    char *token = json_parse(&doc, settings) == OK ? json_dup(json_get(json_root(&doc), "token"), 500) : NULL;
    json_fini(&doc);
    return token;
}

static int test(struct run *r)
{
    const struct config one = {.channel = r->channel, .channel_n = 1};
    struct config_mistakes mistakes = {0};
    struct preflight found = {0};
    log_setup(LOG_ERROR, LOG_TEXT, 2);
    enum err e = preflight_run(&found, &one, &mistakes);
    report_mistakes(r, &mistakes);
    if (e == OK && mistakes.n == 0) {
        char *token = token_of(span_of(found.channel[0].settings));
        r->o.adapter_path = found.channel[0].adapter_path;
        r->o.settings = span_of(found.channel[0].settings);
        r->o.token = token;
        r->o.on_line = on_line;
        r->o.delivered_n = &r->delivered_n;
        conform_run(&r->o, on_report, r);
        free(token);
    }
    preflight_fini(&found);
    config_mistakes_fini(&mistakes);
    return verdict(r);
}

static void begin(struct run *r, bool as_json)
{
    r->is_json = as_json;
    if (!as_json)
        return;
    jout_init(&r->j, &r->out);
    jout_object(&r->j);
    jout_kv_str(&r->j, "adapter", r->channel->adapter);
    jout_key(&r->j, "promises");
    jout_array(&r->j);
}

static int run(const struct options *o)
{
    struct run r = {0};
    const char *name = options_get(o, "channel");
    buf_init(&r.out, OUT_BYTES_MAX);
    int code = limits(&r, o);
    if (code == EXIT_FINE)
        code = name ? channel_of_config(&r, o, name) : channel_of_arguments(&r, o);
    if (code == EXIT_FINE) {
        begin(&r, options_has(o, "json"));
        code = test(&r);
    }
    run_fini(&r);
    return code;
}

const struct command command_channel_test = {
    .name = "channel test",
    .arguments = "ADAPTER [KEY=VALUE ...]",
    .summary = "test whether an adapter keeps the promises of the interface",
    .help =
        "Runs ADAPTER (a name, or a path ending in .so) in a real channel host against a scripted bridge\n"
        "and prints a line for each promise of front_bridge/channel.h. Messages to the recipient\n"
        "\"conform\" really leave: let the settings name a backend for tests. A failed delivery is no\n"
        "broken promise, as long as it ends once, in time, and with a sentence; where nothing is delivered "
        "the\n"
        "promise is skipped, since it was not seen. A value that begins with [ or { is read as the\n"
        "configuration would read it: --set 'command=[python3, /opt/chat/echo.py]'. What the adapter logs,\n"
        "and a program of exec writes to standard error, is on standard error, after \"log\". Exit status 1 "
        "if\n"
        "a promise is broken. A running bridge hides its store and configuration from adapters, and so new "
        "files beside\n"
        "them; nothing is hidden here.\n",
    .options = options,
    .argument_most = ARGUMENTS_MAX,
    .run = run,
};
