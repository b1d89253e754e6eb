/*
 * The calls of the simulated API that are not in calls.c, where the table of all of them is.
 */
#ifndef SIM_CALLS_H
#define SIM_CALLS_H

#include "sim/fields.h"

/* Shared by the calls that bring messages (calls.c). */
void sim_call_accept(struct sim_call *c, struct sim_message *m); /* 202; takes m and the call's files */
bool sim_call_may_see(const struct sim_call *c, const struct sim_channel *channel);

/* calls_file.c */
void sim_call_download(struct sim_call *c);
void sim_call_message_download(struct sim_call *c);

#endif
