/* Front sends calls about merged conversations on to where those went: learnt into the map, so that the next call goes there
 * directly. */
#ifndef BRIDGE_MOVED_H
#define BRIDGE_MOVED_H

#include "bridge/channel.h"

/* moved_watch makes the client of an account tell the store. */
void moved_watch(struct account *a);

#endif
