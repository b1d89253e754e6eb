/*
 * A message of long ago, imported now: its event is emitted now, and sorted where the message belongs.
 */
#ifndef SIM_IMPORT_OLD_H
#define SIM_IMPORT_OLD_H

#include "sim/world.h"

/* {"channel","conversation" or "from","text","created_at","is_inbound"?:true,"external_id"?,"rules"?:false};
 * with rules it is told to rules' webhooks too. NULL: why holds one sentence. */
struct sim_message *sim_import_old(struct sim *s, struct jval spec, const char **why);

#endif
