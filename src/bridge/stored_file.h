/*
 * Files in the store's directory, opened for a message that is about to leave. What the disk has lost is told to the store,
 * which has it fetched again, or lets the message go on without it.
 */
#ifndef BRIDGE_STORED_FILE_H
#define BRIDGE_STORED_FILE_H

#include "bridge/channel.h"

/* stored_file_open opens a file that is FILE_READY, of a message of q, for reading. -1: not now, and *instead is how the
 * attempt ends. */
int stored_file_open(struct queue *q, const struct store_file *f, struct outcome *instead);

#endif
