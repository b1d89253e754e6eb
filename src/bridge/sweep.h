/*
 * What an earlier process wrote into the directory of files and did not live to name in the store: removed at the start.
 */
#ifndef BRIDGE_SWEEP_H
#define BRIDGE_SWEEP_H

#include "bridge/channel.h"

/* sweep_start looks what is there now; what it finds to be nobody's is removed as soon as the store says so. */
void sweep_start(struct bridge *b);

#endif
