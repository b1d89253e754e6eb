/*
 * What has happened in the simulated account: the log of its events. Pure.
 *
 * Shape: an event has a type, a conversation, a source and a target; each part is kept as what it was then,
 * but for messages and inboxes, which are shown as they are now.
 * Ids are evt_ and a sequential number in base 36, of any size: a longer one is larger, else the order of the
 * digits decides. They are never reused.
 * Invariant: the log is in the order of emission; sorted is in the order of the targets' creation, then of
 * the ids.
 */
#ifndef SIM_EVENT_H
#define SIM_EVENT_H

#include "base/clock.h"
#include "base/err.h"
#include "sim/index.h"
#include <stdbool.h>

struct sim_message;
struct sim_inbox;
struct sim_conversation;

enum { SIM_EVENTS_MAX = 1000000, SIM_EVENT_ID_BYTES = 48, SIM_EVENT_TYPE_MAX = 60, SIM_PART_ID_MAX = 63 };

/* What a source or a target is; at most one of data, message and inbox. */
struct sim_part {
    char kind[40];    /* _meta.type; empty: the event has no such part */
    char id[64];      /* empty: it has none */
    const char *path; /* of its link: "teammates" */
    char *data;       /* JSON */
    const struct sim_message *message;
    const struct sim_inbox *inbox;
};

struct sim_event {
    char id[SIM_EVENT_ID_BYTES];
    char *type;
    wall_ms_t emitted_at, visible_at; /* before visible_at the API does not show it */
    wall_ms_t created_at;             /* the target's creation */
    struct sim_conversation *conversation;
    const struct sim_inbox *inbox; /* where it happened */
    struct sim_part source, target;
};

struct sim_event_log {
    char last[SIM_EVENT_ID_BYTES]; /* the digits of the last id */
    struct sim_event **item, **sorted;
    unsigned n, cap;
    struct sim_index by_id;
};

/* The types that Front documents, with the kinds of their source and target; NULL: it has none. */
struct sim_event_type {
    const char *name, *webhook; /* webhook: how an application webhook calls it */
    const char *source, *target;
};
extern const struct sim_event_type sim_event_types[];
extern const size_t sim_event_type_n;
const struct sim_event_type *sim_event_type_find(const char *name); /* NULL: none of Front's */

void sim_event_log_init(struct sim_event_log *log, uint64_t first);
void sim_event_log_fini(struct sim_event_log *log);
void sim_event_log_clear(struct sim_event_log *log); /* ids go on */
/* sim_event_log_next makes digits the next id's; ERR_INVALID: they are no larger than the last one's, or none.
 */
MUST_CHECK enum err sim_event_log_next(struct sim_event_log *log, struct span digits);

/* sim_event_log_add takes the draft's type and parts, and gives the event its id. NULL if there is no room
 * (what it took is freed). */
struct sim_event *sim_event_log_add(struct sim_event_log *log, const struct sim_event *draft);
struct sim_event *sim_event_find(const struct sim_event_log *log, struct span id);
int sim_event_id_compare(const char *a, const char *b); /* as numbers */
void sim_part_fini(struct sim_part *p);

#endif
