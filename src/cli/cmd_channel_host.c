/* front-bridge channel-host: the child in which one adapter runs. Started by `run`, never by people. */
#include "cli/command.h"
#include "host/host.h"

static int run(const struct options *o)
{
    (void)o;
    return host_child_main();
}

const struct command command_channel_host = {
    .name = "channel-host",
    .arguments = "",
    .summary = "run one adapter (started by front-bridge itself)",
    .help = "Runs one adapter for the bridge that started it. Not for use by hand.\n",
    .is_hidden = true,
    .has_no_config = true,
    .run = run,
};
