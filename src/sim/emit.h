/*
 * Writes into the log what has happened, and sends it where it goes.
 */
#ifndef SIM_EMIT_H
#define SIM_EMIT_H

#include "sim/part.h"
#include "sim/world.h"

/* sim_visible_at says when what happens now is shown by the API; 0: at once, whatever the clock does. */
wall_ms_t sim_visible_at(const struct sim *s, wall_ms_t now);
/* sim_write takes the draft's type and parts; emitted_at 0: now; created_at 0: as emitted. NULL: the log is
 * full. It sends nothing yet: sim_notify_all is the caller's. */
struct sim_event *sim_write(struct sim *s, struct sim_event *draft);

/* What the simulator does by itself, told as Front tells it. */
void sim_emit_message(struct sim *s, struct sim_message *m); /* inbound, outbound or out_reply */
void sim_emit_failure(struct sim *s, struct sim_message *m); /* sending_error, if that is switched on */
void sim_emit_comment(struct sim *s, struct sim_conversation *c, const struct sim_comment *comment,
                      struct sim_part source);
/* A new status: archive, reopen, trash or restore; nothing if it is no new one. */
void sim_emit_status(struct sim *s, struct sim_conversation *c, const char *before, struct sim_part source);

#endif
