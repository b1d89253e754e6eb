/*
 * What agents do to a conversation: assign, label, merge. Pure.
 */
#ifndef SIM_CONVERSATION_H
#define SIM_CONVERSATION_H

#include "sim/account.h"

/* p NULL: nobody. */
void sim_conversation_assign(struct sim_conversation *c, const struct sim_person *p);
void sim_conversation_tag(struct sim_conversation *c, const char *name, bool is_on);
void sim_conversation_link(struct sim_conversation *c, const char *url, bool is_on);
/*
 * sim_conversation_merge moves what from holds into `into`: messages in the order of their creation,
 * comments, external ids and threads. from stays as a name for it. ERR_CONFLICT: it is the same, or it was
 * merged before.
 */
MUST_CHECK enum err sim_conversation_merge(struct sim_account *a, struct sim_conversation *into,
                                           struct sim_conversation *from, wall_ms_t now);

#endif
