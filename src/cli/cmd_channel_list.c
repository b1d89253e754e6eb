/* front-bridge channel list: the channels of the configuration. */
#include "base/json.h"
#include "cli/command.h"

static const struct option options[] = {
    {"json", 0, NULL, "as JSON"},
    {NULL, 0, NULL, NULL},
};

static const char *kind_name(const struct config_channel *c)
{
    return c->kind == CHANNEL_CUSTOM ? "custom" : "application";
}

static void write_json(const struct config *c, struct buf *out)
{
    struct jout j;
    jout_init(&j, out);
    jout_array(&j);
    for (size_t i = 0; i < c->channel_n; i++) {
        const struct config_channel *channel = &c->channel[i];
        jout_object(&j);
        jout_kv_str(&j, "name", channel->name);
        jout_kv_str(&j, "kind", kind_name(channel));
        jout_kv_str(&j, "adapter", channel->adapter);
        jout_kv_str(&j, "account", channel->account->name);
        jout_kv_str(&j, "front_channel", channel->front_channel);
        jout_object_end(&j);
    }
    jout_array_end(&j);
    buf_add_char(out, '\n');
}

static void write_text(const struct config *c, struct buf *out)
{
    buf_addf(out, "%-24s %-12s %-20s %-16s %s\n", "CHANNEL", "KIND", "ADAPTER", "ACCOUNT", "FRONT CHANNEL");
    for (size_t i = 0; i < c->channel_n; i++) {
        const struct config_channel *channel = &c->channel[i];
        buf_addf(out, "%-24s %-12s %-20s %-16s %s\n", channel->name, kind_name(channel), channel->adapter,
                 channel->account->name, channel->front_channel ? channel->front_channel : "-");
    }
}

static int run(const struct options *o)
{
    struct buf out;
    struct config *c = command_config(o);
    if (!c)
        return EXIT_USAGE;
    buf_init(&out, 16 << 20);
    if (options_has(o, "json"))
        write_json(c, &out);
    else
        write_text(c, &out);
    config_free(c);
    return command_print(&out);
}

const struct command command_channel_list = {
    .name = "channel list",
    .arguments = "",
    .summary = "list the channels of the configuration",
    .help = "Lists the channels of the configuration, with their adapter, account and channel in Front.\n",
    .options = options,
    .run = run,
};
