/* front-bridge queue …: messages of all states. A row a command; the doing is ops_ask.c's. */
#include "cli/ops_ask.h"

static const struct option list_options[] = {
    {OPS_CHANNEL}, {OPS_DIRECTION}, {OPS_STATE}, {OPS_REASON}, {OPS_LIMIT}, {OPS_JSON}, {NULL, 0, NULL, NULL},
};
static const struct option show_options[] = {
    {OPS_JSON},
    {NULL, 0, NULL, NULL},
};
static const struct option change_options[] = {
    {OPS_ALL}, {OPS_CHANNEL}, {OPS_DIRECTION}, {OPS_STATE}, {OPS_REASON}, {OPS_JSON}, {NULL, 0, NULL, NULL},
};

/* Of those that act on messages of one state alone. */
static const struct option one_state_options[] = {
    {OPS_ALL}, {OPS_CHANNEL}, {OPS_DIRECTION}, {OPS_REASON}, {OPS_JSON}, {NULL, 0, NULL, NULL},
};

static int run_list(const struct options *o)
{
    return ops_list(o, false);
}

static int run_show(const struct options *o)
{
    return ops_show(o, false);
}

static int run_retry(const struct options *o)
{
    return ops_change(o, false, "retry");
}

static int run_hold(const struct options *o)
{
    return ops_change(o, false, "hold");
}

static int run_release(const struct options *o)
{
    return ops_change(o, false, "release");
}

static int run_drop(const struct options *o)
{
    return ops_change(o, false, "drop");
}

const struct command command_queue_list = {
    .name = "queue list",
    .arguments = "",
    .summary = "list messages, newest first",
    .help =
        "Lists messages of all states, newest first, whether the bridge runs or not. The states are queued,\n"
        "sending, delivered, accepted, rejected, cancelled, held, unknown, dead and dropped.\n",
    .options = list_options,
    .run = run_list,
};

const struct command command_queue_show = {
    .name = "queue show",
    .arguments = "ID",
    .summary = "show a message and all that happened to it",
    .help = "Shows a message: its ids on both sides, when it was received, every attempt with its outcome, "
            "and the\n"
            "beginning of its text. --json has the whole of it.\n",
    .options = show_options,
    .argument_least = 1,
    .argument_most = 1,
    .run = run_show,
};

const struct command command_queue_retry = {
    .name = "queue retry",
    .arguments = "[ID...]",
    .summary = "send again what is held, unknown or dead",
    .help =
        "Queues messages again, with a new life of their channel's retry.give_up. What is queued already is\n"
        "tried at once, if it is named. --all without --state means all that are held, unknown or "
        "dead.\n" OPS_CHANGE_HELP,
    .options = change_options,
    .argument_most = ARGUMENTS_MAX,
    .run = run_retry,
};

const struct command command_queue_hold = {
    .name = "queue hold",
    .arguments = "[ID...]",
    .summary = "put waiting messages aside",
    .help = "Puts queued messages aside, until they are released, retried or dropped. Those behind them go "
            "on.\n" OPS_CHANGE_HELP,
    .options = one_state_options,
    .argument_most = ARGUMENTS_MAX,
    .run = run_hold,
};

const struct command command_queue_release = {
    .name = "queue release",
    .arguments = "[ID...]",
    .summary = "let held messages go on",
    .help = "Queues messages again that were held by an operator or by their adapter.\n" OPS_CHANGE_HELP,
    .options = one_state_options,
    .argument_most = ARGUMENTS_MAX,
    .run = run_release,
};

const struct command command_queue_drop = {
    .name = "queue drop",
    .arguments = "[ID...]",
    .summary = "take messages out for good",
    .help =
        "Takes out messages that are queued, held, unknown or dead: they are never sent.\n" OPS_CHANGE_HELP,
    .options = change_options,
    .argument_most = ARGUMENTS_MAX,
    .run = run_drop,
};
