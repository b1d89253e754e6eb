/*
 * Turns what happens into events. Refuses to know who made it happen.
 * Invariant: a new message that lags and the event of it become visible at the same time.
 */
#include "sim/emit.h"
#include "base/mem.h"
#include "sim/notify.h"
#include <string.h>

wall_ms_t sim_visible_at(const struct sim *s, wall_ms_t now)
{
    return s->lag_ms ? now + s->lag_ms : 0;
}

struct sim_event *sim_write(struct sim *s, struct sim_event *draft)
{
    wall_ms_t now = clock_wall_ms();
    if (!draft->emitted_at)
        draft->emitted_at = now;
    if (!draft->created_at)
        draft->created_at = draft->emitted_at;
    draft->visible_at = sim_visible_at(s, now);
    if (draft->conversation && !draft->inbox)
        draft->inbox = draft->conversation->inbox;
    struct sim_event *e = sim_event_log_add(&s->account.events, draft);
    if (!e)
        return NULL;
    sim_feed_tell(&s->feed, "event", SPAN_LIT("{}"));
    return e;
}

static const struct sim_event *emit(struct sim *s, struct sim_event *draft)
{
    const struct sim_event *e = sim_write(s, draft);
    if (e)
        sim_notify_all(s, e, NULL);
    return e;
}

static const struct sim_event *emit_of_message(struct sim *s, const char *type, const struct sim_message *m,
                                               struct sim_part source)
{
    struct sim_event draft = {.type = mem_strdup(type),
                              .conversation = m->conversation,
                              .created_at = m->created_at,
                              .source = source,
                              .target = sim_part_message(m)};
    return emit(s, &draft);
}

void sim_emit_message(struct sim *s, struct sim_message *m)
{
    const char *type = m->state == SIM_RECEIVED ? "inbound" : m->replied_to ? "out_reply" : "outbound";
    const struct sim_event *e = emit_of_message(s, type, m, sim_part_inbox(m->conversation->inbox));
    if (e)
        m->visible_at = e->visible_at;
}

void sim_emit_failure(struct sim *s, struct sim_message *m)
{
    if (s->has_echo)
        emit_of_message(s, "sending_error", m, sim_part_recipient(m->to_n ? &m->to[0] : NULL));
}

void sim_emit_comment(struct sim *s, struct sim_conversation *c, const struct sim_comment *comment,
                      struct sim_part source)
{
    struct sim_event draft = {.type = mem_strdup("comment"),
                              .conversation = c,
                              .source = source,
                              .target = sim_part_comment(c, comment)};
    emit(s, &draft);
}

static const char *type_of_change(const char *before, const char *after)
{
    static const struct {
        const char *before, *after, *type;
    } changes[] = {
        {NULL, "archived", "archive"},  {NULL, "deleted", "trash"}, {NULL, "spam", "trash"},
        {"archived", "open", "reopen"}, {NULL, "open", "restore"},
    };
    for (size_t i = 0; i < ARRAY_LEN(changes); i++)
        if (strcmp(before, after) && !strcmp(changes[i].after, after) &&
            (!changes[i].before || !strcmp(changes[i].before, before)))
            return changes[i].type;
    return NULL;
}

void sim_emit_status(struct sim *s, struct sim_conversation *c, const char *before, struct sim_part source)
{
    const char *type = type_of_change(before, c->status);
    if (!type) {
        sim_part_fini(&source);
        return;
    }
    struct sim_event draft = {.type = mem_strdup(type), .conversation = c, .source = source};
    emit(s, &draft);
}
