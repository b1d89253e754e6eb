/* front-bridge dead …: the dead letters alone. A row a command; the doing is ops_ask.c's. */
#include "cli/ops_ask.h"

static const struct option list_options[] = {
    {OPS_CHANNEL}, {OPS_DIRECTION}, {OPS_REASON}, {OPS_LIMIT}, {OPS_JSON}, {NULL, 0, NULL, NULL},
};
static const struct option show_options[] = {
    {OPS_JSON},
    {NULL, 0, NULL, NULL},
};
static const struct option change_options[] = {
    {OPS_ALL}, {OPS_CHANNEL}, {OPS_DIRECTION}, {OPS_REASON}, {OPS_JSON}, {NULL, 0, NULL, NULL},
};

static int run_list(const struct options *o)
{
    return ops_list(o, true);
}

static int run_show(const struct options *o)
{
    return ops_show(o, true);
}

static int run_retry(const struct options *o)
{
    return ops_change(o, true, "retry");
}

static int run_drop(const struct options *o)
{
    return ops_change(o, true, "drop");
}

const struct command command_dead_list = {
    .name = "dead list",
    .arguments = "",
    .summary = "list the dead letters and their reasons",
    .help = "Lists the messages that failed for good, newest first, and counts them by reason below.\n",
    .options = list_options,
    .run = run_list,
};

const struct command command_dead_show = {
    .name = "dead show",
    .arguments = "ID",
    .summary = "show a dead letter and all that happened to it",
    .help = "Shows a dead letter: its ids on both sides, every attempt with its outcome, and the beginning "
            "of its\n"
            "text. --json has the whole of it.\n",
    .options = show_options,
    .argument_least = 1,
    .argument_most = 1,
    .run = run_show,
};

const struct command command_dead_retry = {
    .name = "dead retry",
    .arguments = "[ID...]",
    .summary = "send dead letters again",
    .help = "Queues dead letters again, with a new life of their channel's retry.give_up.\n" OPS_CHANGE_HELP,
    .options = change_options,
    .argument_most = ARGUMENTS_MAX,
    .run = run_retry,
};

const struct command command_dead_drop = {
    .name = "dead drop",
    .arguments = "[ID...]",
    .summary = "take dead letters out for good",
    .help = "Takes dead letters out: they are never sent, and are listed no more.\n" OPS_CHANGE_HELP,
    .options = change_options,
    .argument_most = ARGUMENTS_MAX,
    .run = run_drop,
};
