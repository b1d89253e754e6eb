/*
 * Where a channel is in Front: its inbox, its address, its type, as GET /channels/{id} says. Asked when
 * somebody first needs it, and again an hour later; who needs it and finds it unknown comes again later.
 * Thread: the loop's.
 */
#ifndef BRIDGE_PLACE_H
#define BRIDGE_PLACE_H

#include "bridge/channel.h"

struct place {
    char *inbox;   /* inb_…; NULL: the channel is in none */
    char *address; /* the handle in `from` of what is sent by it; NULL: Front does not say */
    char *type;    /* of the channel: "custom", …; NULL: Front does not say */
};

/* place_of gives what is known, or NULL, and then asks Front unless it is being asked or has just refused. why, if
 * not NULL, gets a word on what is missing. */
const struct place *place_of(struct channel *ch, const char **why);

struct placer *placer_new(struct channel *ch);
void placer_free(struct placer *p);
/* placer_forget says that the channel is another one in Front now: it is asked for again when it is needed. */
void placer_forget(struct placer *p);

#endif
