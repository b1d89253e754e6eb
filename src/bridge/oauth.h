/*
 * Sign-in for an app whose channels are connected by OAuth in Front: /apps/ACCOUNT/oauth/authorize, …/token and
 * …/token/introspect. Off unless the account has app.oauth.
 *
 * A person types a channel's API key on a page of ours and is sent back to Front with a code; Front exchanges it for
 * tokens, asks whose they are, and sends one as the bearer of `authorization`: it names the channel. Codes work once; a
 * redirect URL is taken only if it stands in the configuration, letter by letter; wrong keys are few a minute.
 * Source: RFC 6749, 7636 (S256), 7662; Front, "Token introspection for channel identification".
 */
#ifndef BRIDGE_OAUTH_H
#define BRIDGE_OAUTH_H

#include "bridge/channel.h"

struct oauth *oauth_new(const struct config_account *account); /* NULL: it is off */
void oauth_free(struct oauth *o);

/* oauth_request handles what follows /apps/ACCOUNT/oauth/. */
void oauth_request(struct account *a, struct http_exchange *x, struct span rest);
/* oauth_channel gives the channel that a bearer token names; NULL: it is no token of ours that is valid now. */
const char *oauth_channel(const struct account *a, struct span token);

#endif
