/*
 * The three things that operators do with messages, the same for `queue` and `dead`: list them, look at one,
 * change some. Each gives the command's exit code.
 */
#ifndef CLI_OPS_ASK_H
#define CLI_OPS_ASK_H

#include "base/json.h"
#include "cli/command.h"

/* Every option with a value is a parameter of the API (admin/ops.h) of that name. */
#define OPS_CHANNEL   "channel", 0, "NAME", "only this channel"
#define OPS_DIRECTION "direction", 0, "WAY", "only \"out\" (to the backend) or \"in\" (to Front)"
#define OPS_STATE     "state", 0, "STATE[,...]", "only these states: queued, sending, held, unknown, dead ..."
#define OPS_REASON    "reason", 0, "TEXT", "only with exactly this reason"
#define OPS_LIMIT     "limit", 0, "N", "the newest N, at most 1000 (100)"
#define OPS_ALL       "all", 0, NULL, "all that the other options select, instead of IDs"
#define OPS_JSON      "json", 0, NULL, "as JSON"

/* The end of the help of each command that changes messages. */
#define OPS_CHANGE_HELP                                                                                      \
    "IDs are those of the list. Exit status 1 if one that is named was not there or was left alone, or if\n" \
    "--all found none.\n"

/* What every request to that API is made of. */
void ops_add_encoded(struct buf *target, const char *text);
void ops_add_parameter(struct buf *target, const char *name, const char *value); /* "name=value&" */
/* ops_add_json writes the answer as it is, if --json was given; false: it was not. */
bool ops_add_json(const struct options *o, struct jval answer, struct buf *out);
/* ops_ask sends target and lets present write what comes back; its code counts where the printing went well. */
typedef int ops_present_fn(const struct options *o, const struct config *c, struct jval answer, void *arg,
                           struct buf *out);
int ops_ask(const struct options *o, const char *method, struct buf *target, ops_present_fn *present,
            void *arg);
/* ops_refuse_channel says it if --channel names no channel of the configuration; then it is EXIT_USAGE. Only where
 * nothing was found: the store may have something of one that was there before. */
bool ops_refuse_channel(const struct options *o, const struct config *c);

int ops_list(const struct options *o, bool is_dead);
int ops_show(const struct options *o, bool is_dead);
int ops_change(const struct options *o, bool is_dead, const char *verb);

#endif
