/*
 * What Front asks of an application channel's server besides sends: to be let in, its addresses, the news
 * that a message was imported, and the end of a channel.
 *
 * Source: Front, "Application channels": authorization and list_addresses go to the app's one base URL with
 * the user's key as a bearer token, the rest to the webhook_url of the answer; all signed SHA256 with the
 * app's secret. Each call stands in the journal as "app".
 */
#ifndef SIM_APP_H
#define SIM_APP_H

#include "sim/gather.h"
#include "sim/world.h"

enum { SIM_APP_PAGES_MAX = 50, SIM_APP_ADDRESSES_MAX = 5000 };

/*
 * What a person does in Front's settings to connect a channel:
 * {"url","key"?,"channel"?,"list"?,"address"?,"name"?}. With list the addresses are asked for
 * first, page by page, and address must be among them (absent: the first is taken). channel is an
 * application channel's id; it is made if it is not there. The answer: {"channel","webhook_url",
 * "is_connected","address","addresses","pages","status","answer","why"}. On error why holds one sentence and
 * x is still open.
 */
MUST_CHECK enum err sim_connect(struct sim *s, struct jval spec, struct http_exchange *x, struct buf *why);
/* The channel is deleted in Front: {"channel","body"?:true}. The answer: {"status","answer","is_taken"}. */
MUST_CHECK enum err sim_disconnect(struct sim *s, struct jval spec, struct http_exchange *x, struct buf *why);
/* sim_tell_imported tells the channel's server that m was created, s->imported_delay_ms later. */
void sim_tell_imported(struct sim *s, const struct sim_message *m);
void sim_app_stop(struct sim *s); /* after the client: ends what is not sent yet */

#endif
