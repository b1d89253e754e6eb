/*
 * What the agent sees after a send, from what the channel's server answered. Pure.
 *
 * Source: Front, "Custom channels" and "Application channels": success, or one of seven error types with a
 * message; 7 seconds; anything else shows "channel servers are unresponsive".
 */
#ifndef SIM_VERDICT_H
#define SIM_VERDICT_H

#include "base/buf.h"
#include "base/config.h"
#include "http/client.h"
#include <stdbool.h>

enum { SIM_ANSWER_MS = 7000, SIM_EXTERNAL_ID_MAX = 200 };

struct sim_verdict {
    bool is_sent;
    char *type;    /* error type, when it is not sent */
    char *message; /* what the agent reads; NULL when it is sent */
    char *hint;    /* for developers: why the answer was no answer; NULL if it was one */
    char *external_id, *external_conversation_id;
};

void sim_verdict_judge(struct sim_verdict *v, enum channel_kind kind, enum http_fail fail, int status,
                       struct span body);
void sim_verdict_fini(struct sim_verdict *v);

#endif
