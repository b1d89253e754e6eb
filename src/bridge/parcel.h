/*
 * A delivery with its files: what goes into its frame. Packed anew for each attempt, since links end.
 */
#ifndef BRIDGE_PARCEL_H
#define BRIDGE_PARCEL_H

#include "bridge/channel.h"

struct parcel {
    struct span body; /* the stored one, with what the adapter is told of the files */
    int fd[HOST_FILES_MAX];
    unsigned fd_n;
    struct buf text; /* holds body, if it is not m's own */
};

/* parcel_pack borrows m. False: the message must not leave now, and *instead is how its attempt ends. */
bool parcel_pack(struct parcel *p, struct channel *ch, const struct store_message *m,
                 struct outcome *instead);
void parcel_fini(struct parcel *p);

#endif
