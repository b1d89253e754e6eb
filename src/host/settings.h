/*
 * The settings of a channel against what its adapter declares, before anything runs.
 *
 * Shape: settings_check turns what people wrote into the values that an adapter reads (struct fb_setting), as
 * the JSON object that struct host_options wants; settings_validate lets the adapter itself look at them.
 * Errors: every mistake goes into the list with its line and cure; a secret never does.
 */
#ifndef HOST_SETTINGS_H
#define HOST_SETTINGS_H

#include "base/config.h"
#include <front_bridge/channel.h>

/* settings_check appends {"key": "value as text", …} to json, defaults applied. ERR_INVALID: mistakes has
 * more, or the configuration had one about these settings already. */
MUST_CHECK enum err settings_check(const struct config_channel *c, const struct fb_module *m,
                                   struct config_mistakes *mistakes, struct buf *json);

/* settings_validate calls the module's validate(), if it has one, with what settings_check made. A refusal is
 * a mistake of the first setting that its sentence names in backticks, else of all. */
MUST_CHECK enum err settings_validate(const struct config_channel *c, const struct fb_module *m,
                                      struct span json, struct config_mistakes *mistakes);

#endif
