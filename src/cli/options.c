/*
 * Options into values by a table. It decides how options are written (--name VALUE, --name=VALUE, -x VALUE,
 * `--` ends them) and knows none but -c and --help. Invariant: a value that is not NULL was given once.
 */
#include "cli/options.h"
#include "base/config.h"
#include "base/mem.h"
#include <string.h>

static const struct option common[] = {
    {"config", 'c', "FILE", "the configuration (else $FRONT_BRIDGE_CONFIG, else /etc/front-bridge.yaml)"},
    {"help", 'h', NULL, "this text"},
    {NULL, 0, NULL, NULL},
};

const struct option *options_common(bool has_config)
{
    return has_config ? common : common + 1;
}

/* option_at gives option i of both tables, first the command's own; NULL after the last. */
static const struct option *option_at(const struct options *o, size_t i)
{
    const struct option *tables[] = {o->option, options_common(o->has_config)};
    for (size_t t = 0; t < ARRAY_LEN(tables); t++)
        for (const struct option *p = tables[t]; p && p->name; p++)
            if (i-- == 0)
                return p;
    return NULL;
}

static size_t find_name(const struct options *o, struct span name)
{
    size_t i = 0;
    for (const struct option *p; (p = option_at(o, i)); i++)
        if (span_is(name, p->name))
            break;
    return i;
}

static size_t find_letter(const struct options *o, char letter)
{
    size_t i = 0;
    for (const struct option *p; (p = option_at(o, i)); i++)
        if (p->letter == letter)
            break;
    return i;
}

static enum err unknown(const struct options *o, const char *text, struct buf *why)
{
    const char *names[OPTIONS_MAX];
    size_t n = 0;
    for (const struct option *p; n < OPTIONS_MAX && (p = option_at(o, n)); n++)
        names[n] = p->name;
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
    const struct option *option = option_at(o, i);
    must(i < OPTIONS_MAX);
    if (!option)
        return unknown(o, text, why);
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
    size_t i = is_long ? find_name(o, (struct span){text + 2, name_n}) : find_letter(o, text[1]);
    const struct option *option = option_at(o, i);
    bool has_own_value = is_long ? equals != NULL : text[2] != '\0';
    const char *own_value = is_long ? (equals ? equals + 1 : NULL) : text + 2;
    bool takes_next = option && option->value && !has_own_value && next;
    const char *value = has_own_value ? own_value : takes_next ? next : NULL;
    return take(o, i, text, value, why) ? 0 : takes_next ? 2 : 1;
}

enum err options_parse(struct options *o, const struct option *own, bool has_config, int argc,
                       char *const *argv, struct buf *why)
{
    *o = (struct options){.option = own, .has_config = has_config};
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
    size_t i = find_name(o, span_of(name));
    must(option_at(o, i));
    return o->value[i];
}

bool options_has(const struct options *o, const char *name)
{
    return options_get(o, name) != NULL;
}

void options_help(const struct option *own, bool has_config, struct buf *out)
{
    const struct options all = {.option = own, .has_config = has_config};
    const struct option *o;
    for (size_t i = 0; (o = option_at(&all, i)); i++) {
        if (find_name(&all, span_of(o->name)) != i)
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
