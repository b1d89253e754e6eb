/*
 * The calls of the simulated API that are not in calls.c, where the table of all of them is.
 */
#ifndef SIM_CALLS_H
#define SIM_CALLS_H

#include "sim/fields.h"
#include "sim/page.h"

/* Shared by the calls that bring messages (calls.c). */
bool sim_call_has_room(struct sim_call *c); /* false: refused, the account holds as many as it can */
struct sim_channel *sim_call_channel_of_kind(struct sim_call *c, enum channel_kind kind); /* NULL: refused */
void sim_call_take_body(struct sim_fields *f, bool is_html, struct sim_message *m);
void sim_call_answer_accepted(struct sim_call *c, const struct sim_message *m); /* 202 */
void sim_call_accept(struct sim_call *c, struct sim_message *m); /* the same; takes m and the call's files */
bool sim_call_may_see(const struct sim_call *c, const struct sim_channel *channel);

/* calls_import.c: what names messages in another system, and accepting each once only, if is_once. */
void sim_call_take_external(struct sim_fields *f, struct sim_message *m);
void sim_call_accept_once(struct sim_call *c, struct sim_message *m, const char *scope, bool is_once);
void sim_call_outbound(struct sim_call *c);
void sim_call_import(struct sim_call *c);

/* calls_channel.c */
void sim_call_channels(struct sim_call *c);
void sim_call_channel(struct sim_call *c);
void sim_call_channel_patch(struct sim_call *c);
void sim_call_channel_create(struct sim_call *c);
void sim_call_channel_validate(struct sim_call *c);
void sim_call_inboxes(struct sim_call *c);
void sim_call_inbox(struct sim_call *c);
void sim_call_inbox_channels(struct sim_call *c);

/* calls_seen.c */
void sim_call_see(struct sim_call *c);
void sim_call_seen(struct sim_call *c);

/* calls_file.c */
void sim_call_download(struct sim_call *c);
void sim_call_message_download(struct sim_call *c);

#endif
