/*
 * Makes anything that Front has events for happen to a conversation, for tests: the effect on the account,
 * and the event in the log, which is not yet sent.
 */
#ifndef SIM_ACT_H
#define SIM_ACT_H

#include "sim/world.h"

/*
 * sim_act reads {"type","conversation" or "message","source"?,"target"?,"teammate"?,"assignee"?,"rule"?,
 * "tag"?,"link"?,"field"?,"text"?,"inbox"?,"recipient"?,"emitted_at"?,"created_at"?}. source and target are a
 * kind's name, "none", or {"type","id"?,"data"?} as it stands. On error why holds one sentence.
 */
struct sim_event *sim_act(struct sim *s, struct jval spec, const char **why);
/* {"into","from":[…],"teammate"?,"deleted_as"?:"objects"} */
struct sim_event *sim_act_merge(struct sim *s, struct jval spec, const char **why);

#endif
