/*
 * The control API's part for events and for application channels, under /sim/ like the rest (control.h).
 *
 *   GET    /sim/events?after=N       the log, oldest first, beginning with number N (0 is the first)
 *   POST   /sim/events               makes something happen: act.h; "wait"?:true waits for what was sent
 *   POST   /sim/merge                merges conversations: act.h
 *   GET|POST|DELETE /sim/webhooks[/ID]  hook.h; an application's is tried by a handshake first, unless it has
 *                                    "handshake":false
 *   POST   /sim/notify               {"event"?,"hook"? or "kind","url","secret"?,"form"?,"source"?,"target"?,
 *                                    "conversation"?,"replace"?:{},"links"?,"signature"?,"times"?}: sends an
 *                                    event once more, as it is or altered
 *   POST   /sim/import-old           {"channel","conversation"? or "from","text","created_at","is_inbound"?,
 *                                    "rules"?}: a message of long ago, imported now
 *   POST   /sim/connect              a person connects an application channel: app.h
 *   POST   /sim/disconnect           or deletes it: app.h
 *   POST   /sim/autoreply            {"conversation","text","metadata"?:true}: a rule's message_autoreply
 *
 * In /sim/notify the event is the last one if none is named; without hook and url it goes to all that want
 * it. source, target and conversation are forms (event_shape.h); what stands in replace ("id", "type",
 * "emitted_at", "source", "target", "conversation") replaces that part; links replaces the company's host in
 * every link; signature is right, wrong, none or stale.
 */
#ifndef SIM_CONTROL_EVENTS_H
#define SIM_CONTROL_EVENTS_H

#include "http/server.h"

extern const struct http_route sim_event_routes[];
extern const size_t sim_event_route_n;

#endif
