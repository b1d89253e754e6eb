/*
 * The control API under /sim/, for tests and for the agent's page: JSON both ways, no authentication (sim.h).
 *
 *   GET|POST  /sim/channels            the list; add one, or change it by id:
 *                                      {"id"?,"kind"?,"name"?,"address"?,"inbox"?,"webhook_url"?,"secret"?,
 *                                      "type"?}
 *   GET       /sim/conversations[/ID]  the list; one with all its messages and comments
 *   GET       /sim/messages/ID         one message; ID is msg_… or alt:uid:…
 *   POST      /sim/send                {"channel","conversation" or "to":[{"handle","name"?}],"text",
 *                                      "html"?,"subject"?,"author"?:{"name","email"} or null,"is_draft"?,
 *                                      "attachments"?: attach.h,"wait"?}
 *   GET       /sim/files/ID            a file's bytes; its hash is with its message
 *   POST      /sim/resend              {"message","text"?,"wait"?:true}
 *   POST      /sim/comment             {"conversation","text","author"?}
 *   GET|POST|DELETE /sim/faults        fault.h
 *   GET       /sim/log?after=N         the journal
 *   POST      /sim/config              sim.h
 *   POST      /sim/burst               {"channel","n","concurrency"?,"conversations"?}, see burst.h
 *   POST      /sim/reset               forgets conversations, messages, faults, the journal and the chat
 *   GET       /sim/stream              server-sent events
 *
 * Events, merges and webhooks are in control_events.h.
 */
#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H

#include "http/server.h"

extern const struct http_route sim_control_routes[];
extern const size_t sim_control_route_n;

#endif
