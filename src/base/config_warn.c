/*
 * What is right as it stands, and still worth a word: what keeps a channel back, and what is not there yet.
 */
#include "base/config_value.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void warn_of_url(const struct config *c, struct config_mistakes *w)
{
    if (!c->public_url) {
        config_mistake(w, 0, "public_url",
                       "it is not there; `channel register`, `doctor` and links to files need it");
        return;
    }
    char *authority = span_strdup(config_authority(span_of(c->public_url)));
    if (authority && strncmp(c->public_url, "http://", 7) == 0 && !config_address_is_loopback(authority))
        config_mistake(w, c->public_url_line, "public_url",
                       "without TLS anyone on the way can read the messages; write https://%s", authority);
    free(authority);
}

static void warn_of_channel(const struct config_channel *c, struct config_mistakes *w)
{
    char key[128];

    must(snprintf(key, sizeof key, "channels.%s", c->name) > 0);
    if (c->kind == CHANNEL_CUSTOM && !c->front_channel)
        config_mistake(
            w, c->line, key,
            "without its front_channel it cannot post to Front; run `front-bridge channel register %s`",
            c->name);
    if (c->dry_run)
        config_mistake(w, c->line, key, "dry_run is on: nothing leaves, and nothing is written to Front");
    if (c->only_to.n > 0)
        config_mistake(w, c->line, key, "only_to is set: it writes to nobody else");
}

void config_warnings(const struct config *c, struct config_mistakes *warnings)
{
    warnings->are_warnings = true;
    warn_of_url(c, warnings);
    for (size_t i = 0; i < c->channel_n; i++)
        warn_of_channel(&c->channel[i], warnings);
}
