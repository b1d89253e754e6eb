/*
 * A small chat system, as a backend of the `http` adapter: it receives deliveries, shows them to its
 * customers, and posts what they write to the bridge.
 *
 *   POST  /chat/deliver           a delivery of the http wire: verified, deduplicated by webhook-id
 *   POST  /chat/say               {"handle","name"?,"text"}: a customer writes
 *   GET   /chat/messages?handle=  {"messages":[…],"mode":…}; without handle those of everyone
 *   POST  /chat/mode              {"mode":"ok","503","400" or "hang","next"?}: how deliveries are answered,
 *                                 or only the `next` ones
 *
 * A customer's conversation id is "chat-" and the handle. What the bridge does not take is posted again every
 * two seconds with the same id; one customer's messages keep their order.
 */
#ifndef SIM_CHAT_H
#define SIM_CHAT_H

#include "base/json.h"
#include "http/client.h"
#include "http/server.h"
#include "sim/feed.h"
#include "sim/sim.h"

struct sim_chat;

typedef void sim_chat_note_fn(void *arg, const struct sim_moment_info *info);

struct sim_chat *sim_chat_new(struct event_base *base, struct http_client *http, struct sim_feed *feed,
                              sim_chat_note_fn *note, void *arg);
void sim_chat_free(struct sim_chat *c); /* after the client: no post is under way */
void sim_chat_clear(struct sim_chat *c);
/* {"hook_url","secret"}; secret "" or absent: nothing is signed or verified. */
MUST_CHECK enum err sim_chat_configure(struct sim_chat *c, struct jval options, struct buf *why);
void sim_chat_write(struct sim_chat *c, const char *handle, const char *name, struct span text);

extern const struct http_route sim_chat_routes[]; /* arg: the chat */
extern const size_t sim_chat_route_n;

#endif
