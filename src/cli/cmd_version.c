/* front-bridge version */
#include "base/json.h"
#include "cli/command.h"
#include <front_bridge/channel.h>

static const struct option options[] = {
    {"json", 0, NULL, "as JSON"},
    {NULL, 0, NULL, NULL},
};

static int run(const struct options *o)
{
    struct buf out;
    buf_init(&out, 256);
    if (options_has(o, "json"))
        buf_addf(&out, "{\"version\":\"%s\",\"abi\":\"%u.%u\"}\n", FB_VERSION, FB_ABI_MAJOR, FB_ABI_MINOR);
    else
        buf_addf(&out, "front-bridge %s (adapter ABI %u.%u)\n", FB_VERSION, FB_ABI_MAJOR, FB_ABI_MINOR);
    return command_print(&out);
}

const struct command command_version = {
    .name = "version",
    .arguments = "",
    .summary = "print the version",
    .help = "Prints the version of the program and of the adapter ABI that it speaks.\n",
    .options = options,
    .has_no_config = true,
    .run = run,
};
