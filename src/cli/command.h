/*
 * The commands. To add one: write cmd_NAME.c with a `const struct command command_NAME`, and add a line to
 * COMMANDS and to CMakeLists.txt. Overview, --help and suggestions come from the rows.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "base/config.h"
#include "cli/options.h"

/* In the order of the overview. */
#define COMMANDS(X)                                                                                          \
    X(run)                                                                                                   \
    X(check)                                                                                                 \
    X(doctor)                                                                                                \
    X(health)                                                                                                \
    X(demo)                                                                                                  \
    X(sign)                                                                                                  \
    X(sim)                                                                                                   \
    X(import)                                                                                                \
    X(queue_list)                                                                                            \
    X(queue_show)                                                                                            \
    X(queue_retry)                                                                                           \
    X(queue_hold)                                                                                            \
    X(queue_release)                                                                                         \
    X(queue_drop)                                                                                            \
    X(dead_list)                                                                                             \
    X(dead_show)                                                                                             \
    X(dead_retry)                                                                                            \
    X(dead_drop)                                                                                             \
    X(events_list)                                                                                           \
    X(events_show)                                                                                           \
    X(events_replay)                                                                                         \
    X(channel_test)                                                                                          \
    X(channel_register)                                                                                      \
    X(channel_list)                                                                                          \
    X(channel_resume)                                                                                        \
    X(channel_host)                                                                                          \
    X(man)                                                                                                   \
    X(config_reference)                                                                                      \
    X(version)

enum exit_code {
    EXIT_FINE = 0,
    EXIT_FAILED = 1,    /* what was asked for failed */
    EXIT_USAGE = 2,     /* usage or configuration; also a file that is given and cannot be read */
    EXIT_TRY_LATER = 75 /* the data directory is in use */
};

struct command {
    const char *name;             /* "check", "channel list" */
    const char *arguments;        /* "[FILE]"; "" for none */
    const char *summary;          /* one line, for the overview */
    const char *help;             /* what --help says between usage and options; ends with a newline */
    const struct option *options; /* besides --help and -c; NULL: none */
    unsigned argument_least, argument_most;
    bool is_hidden;     /* not in the overview */
    bool has_no_config; /* reads no configuration: -c is refused */
    int (*run)(const struct options *o);
};

#define COMMAND_DECLARE(name) extern const struct command command_##name;
COMMANDS(COMMAND_DECLARE)
#undef COMMAND_DECLARE

/* command_config loads the configuration that -c names. NULL: it said what is wrong; leave with EXIT_USAGE.
 */
struct config *command_config(const struct options *o);
/* command_mistakes prints what is wrong with file to standard error, a line each. */
void command_mistakes(const struct config_mistakes *mistakes, const char *file);
/* command_fail prints "front-bridge: …" to standard error and gives code. */
int command_fail(int code, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* command_no_channel says that the configuration has no channel of this name, and which is near; EXIT_USAGE. */
int command_no_channel(const struct config *c, const char *name);
/* command_print writes out to standard output and frees it; EXIT_FINE, or EXIT_FAILED if that fails. */
int command_print(struct buf *out);
/* command_read reads a whole file, or standard input for "-" or NULL, up to the limit of out. EXIT_FINE, or
 * EXIT_USAGE: what was given cannot be read, and it said why. */
MUST_CHECK int command_read(const char *file, struct buf *out);

#endif
