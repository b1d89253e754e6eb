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

enum { SIM_JWT_AHEAD_MS = 30 * 1000, SIM_JTI_MAX = 4096, SIM_GRANTS_MAX = 16 };

/* A further token of the company, that may do only some things. */
struct sim_grant {
    char *token;
    char *scopes; /* separated by blanks */
};

struct sim_tokens {
    const char *token; /* borrowed; it may do everything; NULL: it is not valid */
    struct sim_grant grant[SIM_GRANTS_MAX];
    unsigned grant_n;
    const char *app_uid, *app_secret;
    struct sim_index jti;
    char *ring[SIM_JTI_MAX]; /* the keys of jti, oldest forgotten first */
    unsigned next;
};

enum sim_caller { SIM_CALLER_NONE, SIM_CALLER_COMPANY, SIM_CALLER_CHANNEL };

struct sim_identity {
    enum sim_caller caller;
    char channel[64];   /* SIM_CALLER_CHANNEL: the sub */
    const char *scopes; /* SIM_CALLER_COMPANY: borrowed from the grant; NULL: all */
    const char *why;    /* SIM_CALLER_NONE: a plain sentence */
};

/* sim_tokens_grant adds a token; ERR_FULL. sim_tokens_revoke forgets all that were added. */
MUST_CHECK enum err sim_tokens_grant(struct sim_tokens *t, const char *token, const char *scopes);
void sim_tokens_revoke(struct sim_tokens *t);
/* Scopes limit API tokens; a channel's JWT is limited to its channel instead. scope NULL: none is needed. */
bool sim_identity_may(const struct sim_identity *who, const char *scope);

/* sim_tokens_check reads an Authorization header. */
struct sim_identity sim_tokens_check(struct sim_tokens *t, struct span authorization, wall_ms_t now);
void sim_tokens_fini(struct sim_tokens *t);

#endif
