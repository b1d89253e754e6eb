/*
 * Options into values by a table. It decides how options are written (--name VALUE, --name=VALUE, -x VALUE,
 * `--` ends them) and knows none but -c and --help. Invariant: a value that is not NULL was given once.
 */
#include "cli/options.h"
#include "base/config.h"
#include "base/mem.h"
#include <string.h>

const struct option options_common[] = {
    {"config", 'c', "FILE", "the configuration (else $FRONT_BRIDGE_CONFIG, else /etc/front-bridge.yaml)"},
    {"help", 'h', NULL, "this text"},
    {NULL, 0, NULL, NULL},
};

/* option_at gives option i of both tables, first the command's own; NULL after the last. */
static const struct option *option_at(const struct option *own, size_t i)
{
    for (; own && own->name; own++)
        if (i-- == 0)
            return own;
    return i < 2 ? &options_common[i] : NULL;
}

static size_t find_name(const struct option *own, struct span name)
{
    size_t i = 0;
    for (const struct option *o; (o = option_at(own, i)); i++)
        if (span_is(name, o->name))
            break;
    return i;
}

static size_t find_letter(const struct option *own, char letter)
{
    size_t i = 0;
    for (const struct option *o; (o = option_at(own, i)); i++)
        if (o->letter == letter)
            break;
    return i;
}

static enum err unknown(const struct option *own, const char *text, struct buf *why)
{
    const char *names[OPTIONS_MAX];
    size_t n = 0;
    for (const struct option *o; n < OPTIONS_MAX && (o = option_at(own, n)); n++)
        names[n] = o->name;
    const char *near = strncmp(text, "--", 2) == 0 ? config_nearest(text + 2, names, n) : NULL;
    buf_addf(why, "there is no option %.60s", text);
    if (near)
        buf_addf(why, "; did you mean --%s?", near);
    return ERR_INVALID;
}

static enum err add_argument(struct options *o, const char *text, struct buf *why)
{
    if (o->argument_n == ARGUMENTS_MAX) {
        buf_addf(why, "there are more than %d arguments", ARGUMENTS_MAX);
        return ERR_INVALID;
    }
    o->argument[o->argument_n++] = text;
    return OK;
}

static enum err take(struct options *o, size_t i, const char *text, const char *value, struct buf *why)
{
    const struct option *option = option_at(o->option, i);
    must(i < OPTIONS_MAX);
    if (!option)
        return unknown(o->option, text, why);
    if (option->value && !value)
        buf_addf(why, "--%s needs a value: --%s %s", option->name, option->name, option->value);
    else if (!option->value && value)
        buf_addf(why, "--%s takes no value", option->name);
    else if (option->value && strstr(option->value, " ..."))
        return add_argument(o, value, why);
    else if (o->value[i])
        buf_addf(why, "--%s is given twice", option->name);
    else
        o->value[i] = value ? value : "";
    return why->n ? ERR_INVALID : OK;
}

/* take_option reads the option at argv[0] and gives how many words it took; 0: why says what is wrong. */
static int take_option(struct options *o, int argc, char *const *argv, struct buf *why)
{
    const char *text = argv[0], *next = argc > 1 ? argv[1] : NULL, *equals = strchr(text, '=');
    bool is_long = text[1] == '-';
    size_t name_n = equals ? (size_t)(equals - text) - 2 : strlen(text) - 2;
    size_t i =
        is_long ? find_name(o->option, (struct span){text + 2, name_n}) : find_letter(o->option, text[1]);
    const struct option *option = option_at(o->option, i);
    bool has_own_value = is_long ? equals != NULL : text[2] != '\0';
    const char *own_value = is_long ? (equals ? equals + 1 : NULL) : text + 2;
    bool takes_next = option && option->value && !has_own_value && next;
    const char *value = has_own_value ? own_value : takes_next ? next : NULL;
    return take(o, i, text, value, why) ? 0 : takes_next ? 2 : 1;
}

enum err options_parse(struct options *o, const struct option *own, int argc, char *const *argv,
                       struct buf *why)
{
    *o = (struct options){.option = own};
    bool are_over = false;
    for (int i = 0; i < argc;) {
        if (!are_over && strcmp(argv[i], "--") == 0) {
            are_over = true;
            i++;
        } else if (!are_over && argv[i][0] == '-' && argv[i][1] != '\0') {
            int taken = take_option(o, argc - i, argv + i, why);
            if (taken == 0)
                return ERR_INVALID;
            i += taken;
        } else if (add_argument(o, argv[i++], why) != OK) {
            return ERR_INVALID;
        }
    }
    return OK;
}

const char *options_get(const struct options *o, const char *name)
{
    size_t i = find_name(o->option, span_of(name));
    must(option_at(o->option, i));
    return o->value[i];
}

bool options_has(const struct options *o, const char *name)
{
    return options_get(o, name) != NULL;
}

void options_help(const struct option *own, struct buf *out)
{
    const struct option *o;
    for (size_t i = 0; (o = option_at(own, i)); i++) {
        if (find_name(own, span_of(o->name)) != i)
            continue; /* the command's own takes its place */
        size_t start = out->n;
        if (o->letter)
            buf_addf(out, "  -%c, --%s", o->letter, o->name);
        else
            buf_addf(out, "      --%s", o->name);
        if (o->value)
            buf_addf(out, " %s", o->value);
        buf_addf(out, "%*s%s\n", out->n - start < 28 ? (int)(28 - (out->n - start)) : 2, "", o->help);
    }
}
