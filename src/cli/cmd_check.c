/*
 * front-bridge check: everything that can be wrong with a configuration, before it runs. Reports all
 * mistakes, also those of adapters in a file that has others.
 */
#include "base/json.h"
#include "bridge/preflight.h"
#include "cli/command.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { OUT_BYTES_MAX = 2 << 20 };

static const struct option options[] = {
    {"json", 0, NULL, "as JSON"},
    {NULL, 0, NULL, NULL},
};

static void check_readable(const char *key, const char *file, unsigned line, struct config_mistakes *mistakes)
{
    if (file && access(file, R_OK) != 0)
        config_mistake(mistakes, line, key,
                       "the file %.200s cannot be read: %s; name a PEM file that the bridge's user may read",
                       file, strerror(errno));
}

static void check_all(const struct config *c, struct config_mistakes *mistakes)
{
    check_readable("tls.cert", c->listen_cert, c->listen_cert_line, mistakes);
    check_readable("tls.key", c->listen_key, c->listen_key_line, mistakes);
    struct preflight seen;
    if (preflight_run(&seen, c, mistakes) != OK)
        must(mistakes->n > 0);
    preflight_fini(&seen);
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static void write_text(const char *file, const struct config *c, const struct config_mistakes *m,
                       struct buf *out)
{
    if (m->n)
        buf_addf(out, "%s has %zu mistake%s.\n", file, m->n, plural(m->n));
    else
        buf_addf(out, "%s is right: %zu channel%s, %zu account%s.\n", file, c->channel_n,
                 plural(c->channel_n), c->account_n, plural(c->account_n));
}

static void write_list(struct jout *j, const char *key, const struct config_mistakes *m)
{
    jout_key(j, key);
    jout_array(j);
    for (size_t i = 0; i < m->n; i++) {
        jout_object(j);
        jout_kv_i64(j, "line", m->item[i].line);
        jout_kv_str(j, "key", m->item[i].key);
        jout_kv_str(j, "text", m->item[i].text);
        jout_object_end(j);
    }
    jout_array_end(j);
}

static void write_json(const char *file, const struct config *c, const struct config_mistakes *m,
                       const struct config_mistakes *warnings, struct buf *out)
{
    struct jout j;
    jout_init(&j, out);
    jout_object(&j);
    jout_kv_str(&j, "file", file);
    jout_kv_bool(&j, "is_right", m->n == 0);
    jout_kv_i64(&j, "channels", c ? (int64_t)c->channel_n : 0);
    jout_kv_i64(&j, "accounts", c ? (int64_t)c->account_n : 0);
    write_list(&j, "mistakes", m);
    write_list(&j, "warnings", warnings);
    jout_object_end(&j);
    buf_add_char(out, '\n');
}

static int report(const struct options *o, const char *file, const struct config *c,
                  const struct config_mistakes *m, const struct config_mistakes *warnings)
{
    struct buf out, lines;
    buf_init(&out, OUT_BYTES_MAX);
    buf_init(&lines, 2 * OUT_BYTES_MAX);
    config_print(m, file, &lines);
    config_print(warnings, file, &lines);
    if (options_has(o, "json")) {
        write_json(file, c, m, warnings, &out);
    } else {
        fputs(buf_span(&lines).p, stderr);
        write_text(file, c, m, &out);
    }
    buf_fini(&lines);
    int code = command_print(&out);
    return m->n ? EXIT_USAGE : code;
}

static int run(const struct options *o)
{
    const char *file = o->argument_n ? o->argument[0] : config_path(options_get(o, "config"));
    struct config_mistakes mistakes = {0}, warnings = {0};
    struct config *c = config_draft(file, &mistakes);
    must(c || mistakes.n > 0);
    if (c)
        check_all(c, &mistakes);
    if (mistakes.n == 0)
        config_warnings(c, &warnings); /* of a draft they might be wrong */
    int code = report(o, file, c, &mistakes, &warnings);
    config_mistakes_fini(&mistakes);
    config_mistakes_fini(&warnings);
    config_free(c);
    return code;
}

const struct command command_check = {
    .name = "check",
    .arguments = "[FILE]",
    .summary = "check the configuration and every adapter",
    .help = "Reads the configuration, loads the adapter of each channel and lets it look at its settings.\n"
            "Every mistake is printed with file, line, key and what to write instead; nothing is started\n"
            "and nobody is called. Exit status 2 if there are mistakes. Warnings are no mistakes: dry_run, "
            "only_to,\n"
            "what is not registered yet, and a public_url without TLS.\n",
    .options = options,
    .argument_most = 1,
    .run = run,
};
