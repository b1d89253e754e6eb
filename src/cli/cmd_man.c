/*
 * front-bridge man: the man pages, from the tables of commands, options and keys, so that they cannot say
 * anything else than --help does. Only what no table knows is written here.
 */
#include "base/config_keys.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/man_text.h"
#include <string.h>

enum { PAGE_BYTES_MAX = 1 << 20 };

#define DATE "November 22, 2026"

#define COMMAND_ROW(name) &command_##name,
static const struct command *const commands[] = {COMMANDS(COMMAND_ROW)};

struct section {
    const char *title, *text;
};

static const struct section about_program[] = {
    {"DESCRIPTION",
     "front-bridge stores what Front sends to a custom or application channel before it says success, "
     "delivers it\n"
     "through a channel adapter, and posts what customers write back to Front, inside Front's rate limits.\n"
     "\n"
     "Every command explains itself by `--help`; those that read the configuration take `-c FILE`.\n"},
    {NULL, NULL},
};

static const struct section about_use[] = {
    {"ENVIRONMENT", "`FRONT_BRIDGE_CONFIG` names the configuration where `-c` is not given.\n"
                    "\n"
                    "`FRONT_BRIDGE_CHANNELS` is a directory that is searched for adapters first.\n"
                    "\n"
                    "The configuration may name any other as `${NAME}`.\n"},
    {"FILES", "`/etc/front-bridge.yaml` is the configuration; see front-bridge.yaml(5).\n"
              "\n"
              "`/var/lib/front-bridge` is the store, unless configured. In it, `admin.sock` is where queue "
              "and dead talk\n"
              "to the bridge that runs, and `ports` holds the ports it listens on.\n"},
    {"EXIT STATUS",
     "0 if all is fine, 1 if what was asked for failed, 2 for wrong usage or configuration or a file that\n"
     "is given and cannot be read, 75 if it should be tried again later (the store is in use).\n"},
    {"EXAMPLES", "Send again what died while the chat system was down:\n"
                 "  front-bridge dead list\n"
                 "  front-bridge dead retry --all --channel support\n"
                 "Look at what waits for an operator:\n"
                 "  front-bridge queue list --state held,unknown\n"},
    {NULL, NULL},
};

static const struct section about_file[] = {
    {"DESCRIPTION",
     "The configuration of front-bridge(1), in YAML. Unknown keys, wrong types and duplicates are mistakes;\n"
     "`front-bridge check` tells all of them.\n"
     "\n"
     "`${NAME}` in any value stands for an environment variable, `$$` for a dollar sign. A secret may come "
     "from a\n"
     "file: `KEY_file` instead of `KEY`. Durations are written `250ms`, `5s`, `10m`, `24h` or `30d`, sizes "
     "`512`,\n"
     "`64KiB` or `1MiB`.\n"},
    {"EXAMPLES", "  listen: 0.0.0.0:8080\n"
                 "  store: /var/lib/front-bridge\n"
                 "  accounts:\n"
                 "    main:\n"
                 "      token: ${FRONT_API_TOKEN}\n"
                 "      secrets: [${FRONT_API_SECRET}]\n"
                 "  channels:\n"
                 "    support:\n"
                 "      account: main\n"
                 "      front_channel: cha_123\n"
                 "      adapter: http\n"
                 "      settings:\n"
                 "        url: https://chat.example.com/from-front\n"
                 "        secret: ${CHAT_SECRET}\n"},
    {NULL, NULL},
};

static void write_sections(struct buf *out, const struct section *s)
{
    for (; s->title; s++) {
        buf_addf(out, ".Sh %s\n", s->title);
        man_text_paragraphs(out, s->text);
    }
}

/* ---- Section 1 ---- */

static void write_option(struct buf *out, const struct option *o)
{
    buf_add_str(out, ".It ");
    if (o->letter)
        buf_addf(out, "Fl %c , ", o->letter);
    buf_addf(out, "Fl -%s", o->name);
    if (o->value)
        buf_addf(out, " Ar %s", o->value);
    buf_add_char(out, '\n');
    man_text_add(out, span_of(o->help));
    buf_add_char(out, '\n');
}

static void write_options(struct buf *out, const struct option *o)
{
    buf_add_str(out, ".Bl -tag -width Ds\n");
    for (; o->name; o++)
        write_option(out, o);
    buf_add_str(out, ".El\n");
}

static void write_command(struct buf *out, const struct command *c)
{
    buf_addf(out, ".Ss front-bridge %s%s%s\n", c->name, c->arguments[0] ? " " : "", c->arguments);
    man_text_paragraphs(out, c->help);
    if (c->options)
        write_options(out, c->options);
}

static void write_program(struct buf *out)
{
    buf_add_str(out, ".Dd " DATE "\n.Dt FRONT-BRIDGE 1\n.Os\n.Sh NAME\n.Nm front-bridge\n"
                     ".Nd connects any chat system to Front\n"
                     ".Sh SYNOPSIS\n.Nm\n.Ar command\n.Op Fl c Ar FILE\n.Op Ar options\n.Op Ar arguments\n");
    write_sections(out, about_program);
    buf_add_str(
        out, ".Sh OPTIONS\nThese are every command's, but for the first where no configuration is read:\n");
    write_options(out, options_common(true));
    buf_add_str(out, ".Sh COMMANDS\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (!commands[i]->is_hidden)
            write_command(out, commands[i]);
    write_sections(out, about_use);
    buf_add_str(out, ".Sh SEE ALSO\n.Xr front-bridge.yaml 5\n");
}

/* ---- Section 5 ---- */

static void write_key(struct buf *out, const struct config_key *k)
{
    struct buf text;

    buf_init(&text, 4096);
    buf_add_str(out, ".It ");
    config_key_write_path(k, &text);
    man_text_add(out, buf_span(&text));
    buf_add_str(out, "\n(");
    buf_clear(&text);
    config_key_write_values(k, &text);
    if (k->fallback)
        buf_addf(&text, "; default `%s`", k->fallback);
    else if (k->is_required)
        buf_add_str(&text, "; required");
    man_text_add(out, buf_span(&text));
    buf_add_str(out, ")\n");
    man_text_add(out, span_of(k->help));
    buf_add_char(out, '\n');
    buf_fini(&text);
}

static void write_file(struct buf *out)
{
    buf_add_str(out, ".Dd " DATE "\n.Dt FRONT-BRIDGE.YAML 5\n.Os\n.Sh NAME\n.Nm front-bridge.yaml\n"
                     ".Nd configuration of front-bridge\n");
    write_sections(out, about_file);
    buf_add_str(out, ".Sh KEYS\nACCOUNT and CHANNEL are names of your own.\n.Bl -tag -width Ds\n");
    for (size_t i = 0; i < config_key_n; i++)
        write_key(out, &config_keys[i]);
    buf_add_str(out, ".El\n.Sh SEE ALSO\n.Xr front-bridge 1\n");
}

static int run(const struct options *o)
{
    struct buf out;

    buf_init(&out, PAGE_BYTES_MAX);
    if (strcmp(o->argument[0], "1") == 0)
        write_program(&out);
    else if (strcmp(o->argument[0], "5") == 0)
        write_file(&out);
    else
        return command_fail(EXIT_USAGE, "there is no section %.20s; write 1 or 5", o->argument[0]);
    must(!out.is_over);
    return command_print(&out);
}

const struct command command_man = {
    .name = "man",
    .arguments = "SECTION",
    .summary = "print a man page",
    .help = "Prints front-bridge(1), or front-bridge.yaml(5), as mdoc; `cmake --install` puts them where man "
            "looks.\n",
    .argument_least = 1,
    .argument_most = 1,
    .is_hidden = true,
    .has_no_config = true,
    .run = run,
};
