/*
 * Preflight: every adapter is looked at once, in a short-lived process of its own, before the bridge runs.
 *
 * The bridge holds Front's secrets and never loads foreign code; so a child of its own loads each adapter,
 * checks the channel's settings against what the module declares, and reports; one that crashes or hangs is a
 * mistake. `check` and `run` see the same mistakes.
 */
#ifndef BRIDGE_PREFLIGHT_H
#define BRIDGE_PREFLIGHT_H

#include "base/config.h"
#include "base/err.h"

struct preflight {
    struct preflight_channel {
        char *adapter_path;
        char *settings; /* JSON object: the adapter's settings as canonical text, defaults applied */
        char *name, *version;
        uint32_t capabilities;
        char **url; /* of the settings that hold one: where the backend is */
        size_t url_n;
    } * channel; /* as many as the configuration has, in its order */
    size_t channel_n;
};

/* Forks: call it before there are threads. ERR_INVALID: mistakes says what is wrong. */
MUST_CHECK enum err preflight_run(struct preflight *p, const struct config *c,
                                  struct config_mistakes *mistakes);
void preflight_fini(struct preflight *p);

#endif
