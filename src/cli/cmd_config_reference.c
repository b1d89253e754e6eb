/* front-bridge config-reference: the part of the README that comes from the table of keys. */
#include "cli/command.h"

static int run(const struct options *o)
{
    (void)o;
    struct buf out;
    buf_init(&out, 1 << 20);
    config_reference(&out);
    return command_print(&out);
}

const struct command command_config_reference = {
    .name = "config-reference",
    .arguments = "",
    .summary = "print all keys of the configuration",
    .help = "Prints every key of the configuration, its default and its meaning, as a Markdown table.\n",
    .is_hidden = true,
    .has_no_config = true,
    .run = run,
};
