/*
 * Looks at the adapter of one channel in a process of its own: an adapter that crashes or hangs is a mistake
 * like others.
 */
#ifndef CLI_CHECK_H
#define CLI_CHECK_H

#include "base/config.h"

/* check_adapter finds, loads and asks the adapter of c, and adds what is wrong to mistakes. No threads may
 * run. */
void check_adapter(const struct config_channel *c, struct config_mistakes *mistakes);

#endif
