/*
 * What Front calls of an app and of an application channel, beside messages: the app's base URL, and the calls that
 * tell of the channel itself.
 */
#ifndef BRIDGE_APP_H
#define BRIDGE_APP_H

#include "bridge/channel.h"

/* app_request handles /apps/ACCOUNT: `authorization` and `list_addresses`; arg is the bridge. */
void app_request(struct http_exchange *x, void *arg);

/* Of a channel's own URL, once its signature is right: DELETE, and the rows of intake.c's table. */
void app_delete(struct channel *ch, struct http_exchange *x);
void app_on_delete(struct channel *ch, struct http_exchange *x, struct callback **c);
void app_on_imported(struct channel *ch, struct http_exchange *x, struct callback **c);

#endif
