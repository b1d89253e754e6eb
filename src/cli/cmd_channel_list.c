/*
 * front-bridge channel list: the channels of the configuration, and how they are in the bridge that runs. Without
 * one, or where it does not know a channel, their state is unknown, and that is no failure.
 */
#include "base/json.h"
#include "cli/command.h"
#include "cli/ops_call.h"
#include "cli/text.h"
#include <string.h>

enum { WIDEST = 120 /* of a column: a path may be longer */ };

static const struct option options[] = {
    {"json", 0, NULL, "as JSON"},
    {NULL, 0, NULL, NULL},
};

static const char *kind_name(const struct config_channel *c)
{
    return c->kind == CHANNEL_CUSTOM ? "custom" : "application";
}

/* What the bridge says of a channel; absent if it says nothing. */
static struct jval live(struct jval answer, const char *name)
{
    struct jval v = json_first(json_get(answer, "channels"));

    while (v.doc && !json_is(json_get(v, "name"), name))
        v = json_next(v);
    return v;
}

/* What it says of a channel's history; absent if there is none. */
static struct jval history(struct jval imports, const char *name)
{
    struct jval v = json_first(json_get(imports, "imports"));

    while (v.doc && !json_is(json_get(v, "channel"), name))
        v = json_next(v);
    return v;
}

static void copy_json(struct jout *j, const char *key, struct jval v)
{
    if (v.doc)
        jout_kv_raw(j, key, json_raw(v));
    else
        jout_kv_str(j, key, NULL);
}

/* The configuration's, else what the bridge has learnt. */
static void write_front_channel(const struct config_channel *channel, struct jval now, struct jout *j)
{
    if (channel->front_channel)
        jout_kv_str(j, "front_channel", channel->front_channel);
    else
        copy_json(j, "front_channel", json_get(now, "front_channel"));
}

static void write_json(const struct config *c, struct jval answer, struct jval imports, struct buf *out)
{
    struct jout j;
    jout_init(&j, out);
    jout_array(&j);
    for (size_t i = 0; i < c->channel_n; i++) {
        const struct config_channel *channel = &c->channel[i];
        struct jval now = live(answer, channel->name);
        jout_object(&j);
        jout_kv_str(&j, "name", channel->name);
        jout_kv_str(&j, "kind", kind_name(channel));
        jout_kv_str(&j, "adapter", channel->adapter);
        jout_kv_str(&j, "account", channel->account->name);
        write_front_channel(channel, now, &j);
        jout_kv_bool(&j, "dry_run", channel->dry_run);
        jout_key(&j, "only_to");
        jout_array(&j);
        for (size_t k = 0; k < channel->only_to.n; k++)
            jout_str(&j, channel->only_to.item[k]);
        jout_array_end(&j);
        copy_json(&j, "status", json_get(now, "status"));
        copy_json(&j, "paused", json_get(now, "paused"));
        copy_json(&j, "import", history(imports, channel->name));
        jout_object_end(&j);
    }
    jout_array_end(&j);
    buf_add_char(out, '\n');
}

/* "up", "up, paused", or "-" where nobody knows. */
static void write_status(struct jval now, struct buf *out)
{
    struct buf raw, text;

    buf_init(&raw, 256);
    buf_init(&text, 1024);
    text_add_safe(&text, json_span(json_get(now, "status"), &raw));
    if (json_bool(json_get(now, "paused"), false))
        buf_add_str(&text, ", paused");
    text_add_cell(out, text.n ? buf_span(&text) : SPAN_LIT("-"), 16);
    buf_fini(&raw);
    buf_fini(&text);
}

static void write_restrictions(const struct config_channel *c, struct buf *out)
{
    if (c->dry_run)
        buf_addf(out, "%s: dry run; nothing leaves to its backend, and nothing is written to Front.\n",
                 c->name);
    for (size_t i = 0; i < c->only_to.n; i++) {
        buf_addf(out, i == 0 ? "%s: writes only to " : ", ", c->name);
        text_add_safe(out, span_of(c->only_to.item[i]));
    }
    if (c->only_to.n > 0)
        buf_add_str(out, ".\n");
}

static void add_front_channel(const struct config_channel *channel, struct jval now, struct buf *out)
{
    struct buf raw, text;

    buf_init(&raw, 256);
    buf_init(&text, 1024);
    if (channel->front_channel)
        buf_add_str(&text, channel->front_channel);
    else
        text_add_safe(&text, json_span(json_get(now, "front_channel"), &raw));
    buf_add_span(out, text.n ? buf_span(&text) : SPAN_LIT("-"));
    buf_add_char(out, '\n');
    buf_fini(&raw);
    buf_fini(&text);
}

static void write_history(const char *name, struct jval h, struct buf *out)
{
    int64_t waiting = 0;

    if (json_i64(json_get(h, "waiting"), &waiting) == OK && waiting > 0)
        buf_addf(out, "%s: %lld lines of history wait; front-bridge import --status %s says how long.\n",
                 name, (long long)waiting, name);
}

struct widths {
    int name, adapter, account;
};

static void widen(int *width, const char *text)
{
    size_t n = strlen(text);

    if (n > (size_t)*width && n <= WIDEST)
        *width = (int)n;
}

/* A column is as wide as what is longest in it, so that none shifts the others. */
static struct widths widths_of(const struct config *c)
{
    struct widths w = {16, 16, 12};

    for (size_t i = 0; i < c->channel_n; i++) {
        widen(&w.name, c->channel[i].name);
        widen(&w.adapter, c->channel[i].adapter);
        widen(&w.account, c->channel[i].account->name);
    }
    return w;
}

static void write_text(const struct config *c, struct jval answer, struct jval imports, struct buf *out)
{
    struct widths w = widths_of(c);

    buf_addf(out, "%-*s %-16s %-12s %-*s %-*s %s\n", w.name, "CHANNEL", "STATUS", "KIND", w.adapter,
             "ADAPTER", w.account, "ACCOUNT", "FRONT CHANNEL");
    for (size_t i = 0; i < c->channel_n; i++) {
        const struct config_channel *channel = &c->channel[i];
        buf_addf(out, "%-*s ", w.name, channel->name);
        write_status(live(answer, channel->name), out);
        buf_addf(out, " %-12s %-*s %-*s ", kind_name(channel), w.adapter, channel->adapter, w.account,
                 channel->account->name);
        add_front_channel(channel, live(answer, channel->name), out);
    }
    for (size_t i = 0; i < c->channel_n; i++)
        write_restrictions(&c->channel[i], out);
    for (size_t i = 0; i < c->channel_n; i++)
        write_history(c->channel[i].name, history(imports, c->channel[i].name), out);
}

/* Absent where nobody answers. */
static struct jval ask(const struct config *c, const char *target, struct ops_answer *a, struct json *doc)
{
    bool is_known = ops_ask_bridge(c, target, a) && json_parse(doc, buf_span(&a->json)) == OK;

    return is_known ? json_root(doc) : (struct jval){0};
}

static int run(const struct options *o)
{
    struct ops_answer a, b;
    struct json doc = {0}, more = {0};
    struct buf out;
    struct config *c = command_config(o);
    if (!c)
        return EXIT_USAGE;
    ops_answer_init(&a);
    ops_answer_init(&b);
    buf_init(&out, 16 << 20);
    struct jval answer = ask(c, "/api/v1/channels", &a, &doc), imports = ask(c, "/api/v1/imports", &b, &more);
    if (options_has(o, "json"))
        write_json(c, answer, imports, &out);
    else
        write_text(c, answer, imports, &out);
    json_fini(&doc);
    json_fini(&more);
    ops_answer_fini(&a);
    ops_answer_fini(&b);
    config_free(c);
    return command_print(&out);
}

const struct command command_channel_list = {
    .name = "channel list",
    .arguments = "",
    .summary = "list the channels and how they are",
    .help =
        "Lists the channels of the configuration, with their adapter, account and channel in Front. While "
        "the\n"
        "bridge runs, each has a status: starting, up, down, failed or stopping, and whether it is paused\n"
        "because its backend cannot be reached; deleted and resuming are said of an application channel "
        "that\n"
        "Front has deleted, and of one that is just being opened again. Else the status is \"-\", in JSON "
        "null.\n"
        "An application channel whose id is not in the configuration has the one that the bridge has "
        "learnt.\n"
        "Below stands which of them keep back what they would send (dry_run, only_to), and whose history "
        "waits.\n",
    .options = options,
    .run = run,
};
