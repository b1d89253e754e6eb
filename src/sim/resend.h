/*
 * Sends an event once more, as it is or altered: what an attacker, a broken proxy or a future Front may send.
 */
#ifndef SIM_RESEND_H
#define SIM_RESEND_H

#include "sim/gather.h"
#include "sim/world.h"

enum { SIM_RESEND_TIMES_MAX = 1000 };

/* sim_resend_event carries out POST /sim/notify (control_events.h). What it returns is held once, by the
 * caller; NULL: why holds one sentence and x is still open. */
struct sim_gather *sim_resend_event(struct sim *s, struct jval spec, struct http_exchange *x,
                                    const char **why);

#endif
