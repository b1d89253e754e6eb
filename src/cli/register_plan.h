/*
 * What `channel register` decides: which channel of an inbox is ours, and what of a channel's settings is
 * kept. Pure.
 *
 * Front answers the making of a channel without its id. So it is made under a name with a mark that nobody
 * else uses, is found by that, and loses the mark then: two registrations at once cannot take each other's.
 */
#ifndef CLI_REGISTER_PLAN_H
#define CLI_REGISTER_PLAN_H

#include "base/json.h"

enum { REGISTER_NAME_MAX = 128, REGISTER_ID_MAX = 200 };

/* register_name appends what a channel is called in Front; mark may be NULL. */
void register_name(struct buf *out, const char *channel, const char *mark);

/*
 * register_find gives the id of the first custom channel in list (of Front's) that is called so, with this
 * mark, or with none or any where mark is NULL; NULL: there is none. other is an id that does not count, or
 * NULL. Free it.
 */
char *register_find(struct jval list, const char *channel, const char *mark, const char *other);

/* register_new gives the id of the only custom channel without any name that is in after and not in before;
 * NULL: there is none, or several. One that has a name is somebody else's. */
char *register_new(struct jval before, struct jval after);

/* register_settings writes the settings object that sets url and keeps all else that Front shows of channel,
 * for Front replaces the whole of it. channel may be absent. */
void register_settings(struct jout *j, struct jval channel, const char *url);

#endif
