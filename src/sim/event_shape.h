/*
 * An event as Front writes it: whole, or as a preview, or anything between, part by part. Pure.
 *
 * Source: Front, "Events"; core-api.json, EventResponse. A part is full with a "data" (even null), a preview
 * with an id, a link to itself and a type; a preview of what has no id holds its "_meta" alone.
 */
#ifndef SIM_EVENT_SHAPE_H
#define SIM_EVENT_SHAPE_H

#include "base/json.h"
#include "sim/account.h"
#include "sim/event.h"

enum sim_form {
    SIM_FORM_FULL,
    SIM_FORM_PREVIEW,
    SIM_FORM_SLIM,   /* _meta, and a data that holds id and link alone */
    SIM_FORM_NULL,   /* _meta, and a data that is null; a conversation: null */
    SIM_FORM_META,   /* _meta alone; a conversation: {} */
    SIM_FORM_ABSENT, /* no such part */
};
/* sim_form_named finds "full", "preview", …; false if there is no such form. */
bool sim_form_named(struct jval name, enum sim_form *out);
const char *sim_form_name(enum sim_form f);

/* How one event is written. What is in raw stands there instead of what the event has. */
struct sim_event_view {
    enum sim_form source, target, conversation;
    struct {
        struct jval id, type, emitted_at, source, target, conversation;
    } raw;
};
struct sim_event_view sim_event_view(enum sim_form all);

void sim_shape_event(struct jout *j, const struct sim_event *e, const struct sim_event_view *view);
void sim_shape_inboxes(struct jout *j, const struct sim_inbox *inbox); /* an array of one */

#endif
