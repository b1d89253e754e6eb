/*
 * The account as the control API and the agent's page see it: more than Front's API tells, in fewer words.
 */
#ifndef SIM_VIEW_H
#define SIM_VIEW_H

#include "base/json.h"
#include "sim/account.h"

enum { SIM_VIEW_LIST_MAX = 500 };

void sim_view_channel(struct jout *j, const struct sim_channel *c);
void sim_view_message(struct jout *j, const struct sim_message *m);
/* With all messages and comments, oldest first. */
void sim_view_conversation(struct jout *j, const struct sim_conversation *c);
/* The conversations changed last come first; without their messages but the last. */
void sim_view_conversations(struct jout *j, const struct sim_account *a);

#endif
