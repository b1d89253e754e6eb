/*
 * What follows a command on the command line, by a table of options. Every command has --help, those that read
 * the configuration have --config, and then what its own table adds or explains anew; each mistake is one sentence with the nearest option.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "base/buf.h"
#include "base/err.h"
#include <stdbool.h>

enum { OPTIONS_MAX = 24, ARGUMENTS_MAX = 32 };

struct option {
    const char *name;  /* "json": --json; ends the table when NULL */
    char letter;       /* 'c': -c; 0: none */
    const char *value; /* "FILE": takes a value, so called in the help; NULL: a switch. "KEY=VALUE ...": may
                          be given often, and each value is one more argument */
    const char *help;  /* one line */
};

struct options {
    const struct option *option; /* the command's own table, or NULL */
    bool has_config;             /* it reads the configuration: there is -c */
    const char *value[OPTIONS_MAX];
    const char *argument[ARGUMENTS_MAX];
    unsigned argument_n;
};

/* The options that every command has: -c, if it has_config, and --help. */
const struct option *options_common(bool has_config);

/* options_parse reads argv, which starts after the command's name. ERR_INVALID: why holds one sentence. */
MUST_CHECK enum err options_parse(struct options *o, const struct option *own, bool has_config, int argc,
                                  char *const *argv, struct buf *why);
bool options_has(const struct options *o, const char *name);
const char *options_get(const struct options *o, const char *name); /* NULL: not given */
/* options_help appends one line for each option. */
void options_help(const struct option *own, bool has_config, struct buf *out);

#endif
