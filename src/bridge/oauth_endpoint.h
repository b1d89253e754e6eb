/*
 * What the endpoints of a sign-in share: its state, its parameters, its channels.
 *
 * Thread: the loop's. An endpoint answers x, always.
 */
#ifndef BRIDGE_OAUTH_ENDPOINT_H
#define BRIDGE_OAUTH_ENDPOINT_H

#include "base/json.h"
#include "bridge/channel.h"
#include "bridge/oauth_token.h"

enum {
    OAUTH_VALUE_MAX = 4096, /* bytes of a parameter */
};

struct oauth {
    const struct config_account *config;
    struct oauth_signer signer;
    struct oauth_codes codes;
    struct oauth_guard guard;
};

/* ---- Endpoints ---- */

void oauth_authorize(struct account *a, struct http_exchange *x); /* oauth_sign_in.c */
void oauth_exchange(struct account *a,
                    struct http_exchange *x); /* oauth_exchange.c: a code or refresh token */
void oauth_introspect(struct account *a, struct http_exchange *x); /* oauth_exchange.c */

/* ---- Parameters: of a query, a form, or a JSON object ---- */

struct oauth_params {
    struct span form;
    bool is_json, is_bad;
    struct json doc;
};

void oauth_params_init(struct oauth_params *p, const struct http_exchange *x);
void oauth_params_fini(struct oauth_params *p);
/* oauth_param gives a value, in value; absent if it is not there. One that cannot be read makes all of them bad. */
struct span oauth_param(struct oauth_params *p, const char *key, struct buf *value);
/* oauth_wipe ends a buffer that had a secret in it. */
void oauth_wipe(struct buf *b);

/* ---- Channels that can be signed in to ---- */

const struct config_channel *oauth_channel_named(const struct account *a, struct span name);
const struct config_channel *oauth_channel_by_key(const struct account *a, struct span key);
/* oauth_read_token: as oauth_token_read, of the account's channels. */
MUST_CHECK enum err oauth_read_token(const struct account *a, enum oauth_use use, struct span text,
                                     struct oauth_token *t);

void oauth_count(struct account *a, enum app_call_kind kind, enum front_error e);

#endif
