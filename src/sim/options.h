/*
 * The simulator's options by name and kind, a row each, so that none is misspelt in silence.
 * Knows nothing of what they mean: see configure.c.
 */
#ifndef SIM_OPTIONS_H
#define SIM_OPTIONS_H

#include "base/config.h"
#include "base/json.h"

/* sim_options_check adds a mistake, with its line, for each key that is not known and each value of a wrong kind. */
void sim_options_check(struct jval options, struct config_mistakes *mistakes);

#endif
