/*
 * Who calls the simulated API: the bearer of the company's token, or a channel with a fresh JWT. Pure but for
 * the memory of seen `jti`s, which the caller keeps. Source: Front, "Partner channel token": HS256 with the
 * app secret, iss = app UID, sub = channel id, jti once only, exp at most 30 s ahead.
 */
#ifndef SIM_TOKEN_H
#define SIM_TOKEN_H

#include "base/buf.h"
#include "base/clock.h"
#include "sim/index.h"
#include <stdbool.h>

enum { SIM_JWT_AHEAD_MS = 30 * 1000, SIM_JTI_MAX = 4096 };

struct sim_tokens {
    const char *token; /* borrowed; NULL: none is valid */
    const char *app_uid, *app_secret;
    struct sim_index jti;
    char *ring[SIM_JTI_MAX]; /* the keys of jti, oldest forgotten first */
    unsigned next;
};

enum sim_caller { SIM_CALLER_NONE, SIM_CALLER_COMPANY, SIM_CALLER_CHANNEL };

struct sim_identity {
    enum sim_caller caller;
    char channel[64]; /* SIM_CALLER_CHANNEL: the sub */
    const char *why;  /* SIM_CALLER_NONE: a plain sentence */
};

/* sim_tokens_check reads an Authorization header. */
struct sim_identity sim_tokens_check(struct sim_tokens *t, struct span authorization, wall_ms_t now);
void sim_tokens_fini(struct sim_tokens *t);

#endif
