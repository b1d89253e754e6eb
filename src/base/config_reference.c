/*
 * The table of keys as Markdown, for the README and `front-bridge config-reference`; its words also for the
 * man page.
 */
#include "base/config_value.h"
#include <string.h>

static const char *placeholder(const struct config_key *k)
{
    return config_key_scope(k) == SCOPE_ACCOUNT ? "ACCOUNT" : "CHANNEL";
}

void config_key_write_path(const struct config_key *k, struct buf *out)
{
    const char *star = strchr(k->path, '*');
    if (star)
        buf_addf(out, "`%.*s%s%s`", (int)(star - k->path), k->path, placeholder(k), star + 1);
    else
        buf_addf(out, "`%s`", k->path);
    if (k->kind == KEY_SECRET || k->kind == KEY_SECRETS)
        buf_add_str(out, " or `…_file`");
}

void config_key_write_values(const struct config_key *k, struct buf *out)
{
    if (!k->choices)
        buf_add_str(out, config_kind_noun(k->kind));
    for (size_t i = 0; k->choices && k->choices[i]; i++)
        buf_addf(out, "%s`%s`", i ? ", " : "", k->choices[i]);
    if (k->least)
        buf_addf(out, ", %s to %s", k->least, k->most);
}

void config_reference(struct buf *out)
{
    buf_add_str(out, "| Key | Value | Default | Meaning |\n|---|---|---|---|\n");
    for (size_t i = 0; i < config_key_n; i++) {
        const struct config_key *k = &config_keys[i];
        buf_add_str(out, "| ");
        config_key_write_path(k, out);
        buf_add_str(out, " | ");
        config_key_write_values(k, out);
        buf_addf(out, k->fallback ? " | `%s`" : " | %s",
                 k->fallback      ? k->fallback
                 : k->is_required ? "required"
                                  : "");
        buf_addf(out, " | %s |\n", k->help);
    }
}
