/*
 * Operators' requests about Front's events. Inside src/admin only.
 *
 *   GET  /api/v1/events?account=&channel=&types=&inboxes=&state=&after=&before=&limit=&from=   newest first; after and
 *        before are milliseconds of emission; from is `next` of the page before
 *   GET  /api/v1/events/ID                one, once for each URL that it came to, with its data
 *   POST /api/v1/events/replay?id=ID or ?all=1&types=&…     acts on them again; {"replayed":…}
 *   POST /api/v1/events/search?account=&types=&inboxes=&after=&before=
 *        asks Front, and acts on what is not known; {"found":…,"new":…}. Only while the bridge runs.
 *
 * What an event tells of is known by its own key: replaying one never delivers twice.
 */
#ifndef ADMIN_OPS_EVENT_H
#define ADMIN_OPS_EVENT_H

#include "admin/ops.h"

/* ops_event_run answers one request; rest is what follows "/api/v1/events". */
void ops_event_run(const struct ops_context *x, struct span method, struct span rest, struct span query,
                   ops_done_fn *done, void *arg);

#endif
