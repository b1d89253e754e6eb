/*
 * Finds the command that argv names, reads its options and runs it. Knows commands by their rows only.
 */
#include "base/mem.h"
#include "cli/command.h"
#include <stdio.h>
#include <string.h>

#define COMMAND_ROW(name) &command_##name,
static const struct command *const commands[] = {COMMANDS(COMMAND_ROW)};

enum { HELP_BYTES_MAX = 16384 };

static void add_row(struct buf *out, const struct command *c)
{
    char usage[80];
    snprintf(usage, sizeof usage, "%s %s", c->name, c->arguments);
    buf_addf(out, "  %-34s  %s\n", usage, c->summary);
}

static int overview(void)
{
    struct buf out;
    buf_init(&out, HELP_BYTES_MAX);
    buf_add_str(&out, "front-bridge connects any chat system to Front.\n\n"
                      "Usage: front-bridge COMMAND [OPTIONS]\n\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (!commands[i]->is_hidden)
            add_row(&out, commands[i]);
    buf_add_str(&out, "\nEvery command explains itself by --help. Those that read the configuration take\n"
                      "-c FILE (else $FRONT_BRIDGE_CONFIG, else /etc/front-bridge.yaml).\n"
                      "Exit status: 0 fine, 1 it failed, 2 usage or configuration, 75 try again later.\n");
    return command_print(&out);
}

static int help(const struct command *c)
{
    struct buf out;
    buf_init(&out, HELP_BYTES_MAX);
    buf_addf(&out, "Usage: front-bridge %s %s%s[OPTIONS]\n\n%s\n", c->name, c->arguments,
             c->arguments[0] ? " " : "", c->help);
    options_help(c->options, !c->has_no_config, &out);
    return command_print(&out);
}

/* matches gives how many words of argv name c: 1, 2, or 0 if they do not. */
static int matches(const struct command *c, int argc, char *const *argv)
{
    size_t first_n = strcspn(c->name, " ");
    bool has_two = c->name[first_n] == ' ';
    if (argc < 1 + has_two || strlen(argv[0]) != first_n || strncmp(argv[0], c->name, first_n) != 0)
        return 0;
    return !has_two ? 1 : strcmp(argv[1], c->name + first_n + 1) == 0 ? 2 : 0;
}

static bool is_group(const struct command *c, const char *word)
{
    size_t n = strlen(word);
    return strncmp(c->name, word, n) == 0 && c->name[n] == ' ';
}

/* list_group prints the commands below word, such as `channel`, to f; false: there are none. */
static bool list_group(const char *word, FILE *f)
{
    struct buf out;
    buf_init(&out, HELP_BYTES_MAX);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (is_group(commands[i], word))
            add_row(&out, commands[i]);
    bool is_any = out.n > 0;
    if (is_any)
        fprintf(f, "Usage: front-bridge %s COMMAND [OPTIONS]\n\n%s", word, out.p);
    buf_fini(&out);
    return is_any;
}

static int unknown(int argc, char *const *argv)
{
    const char *names[ARRAY_LEN(commands)];
    char typed[80];
    snprintf(typed, sizeof typed, "%s", argv[0]);
    bool wants_help = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
    if (list_group(argv[0], wants_help ? stdout : stderr)) {
        if (wants_help)
            return EXIT_FINE;
        if (argc < 2 || argv[1][0] == '-')
            return EXIT_USAGE;
        snprintf(typed, sizeof typed, "%s %.60s", argv[0], argv[1]);
    }
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        names[i] = commands[i]->name;
    const char *near = config_nearest(typed, names, ARRAY_LEN(commands));
    if (near)
        return command_fail(EXIT_USAGE, "there is no command \"%s\"; did you mean \"%s\"?", typed, near);
    return command_fail(EXIT_USAGE, "there is no command \"%s\"; front-bridge alone lists them", typed);
}

static int run(const struct command *c, int argc, char *const *argv)
{
    struct options o;
    struct buf why;
    buf_init(&why, 1024);
    enum err e = options_parse(&o, c->options, !c->has_no_config, argc, argv, &why);
    int code = EXIT_USAGE;
    if (e)
        command_fail(EXIT_USAGE, "%s (front-bridge %s --help)", buf_span(&why).p, c->name);
    else if (options_has(&o, "help"))
        code = help(c);
    else if (o.argument_n < c->argument_least)
        command_fail(EXIT_USAGE, "an argument is missing: front-bridge %s %s", c->name, c->arguments);
    else if (o.argument_n > c->argument_most)
        command_fail(EXIT_USAGE, "\"%.60s\" is one argument too many: front-bridge %s%s%s",
                     o.argument[c->argument_most], c->name, *c->arguments ? " " : "", c->arguments);
    else
        code = c->run(&o);
    buf_fini(&why);
    return code;
}

static bool asks_for(const char *word, const char *name)
{
    return strcmp(word, name) == 0 || (strncmp(word, "--", 2) == 0 && strcmp(word + 2, name) == 0);
}

int main(int argc, char **argv)
{
    if (argc < 2 || asks_for(argv[1], "help") || strcmp(argv[1], "-h") == 0)
        return overview();
    if (strcmp(argv[1], "--version") == 0)
        return run(&command_version, argc - 2, argv + 2);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        int words = matches(commands[i], argc - 1, argv + 1);
        if (words)
            return run(commands[i], argc - 1 - words, argv + 1 + words);
    }
    return unknown(argc - 1, argv + 1);
}
