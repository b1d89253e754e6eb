/*
 * POST /events/ACCOUNT: rule webhooks (SHA1) and application webhooks (SHA256, with the handshake), which name no
 * channel. Thread: the loop's.
 */
#ifndef BRIDGE_WEBHOOK_H
#define BRIDGE_WEBHOOK_H

#include "http/server.h"

void webhook_request(struct http_exchange *x, void *arg); /* arg: the bridge */

#endif
