/*
 * 202 now, created a little later: what POST accepted waits here. Refuses to know how it threads.
 * Invariant: messages are created in the order in which they were accepted.
 */
#include "base/mem.h"
#include "sim/app.h"
#include "sim/emit.h"
#include "sim/world.h"
#include <stdlib.h>

struct sim_pending {
    struct sim_message *message;
    mono_ms_t due;
    STAILQ_ENTRY(sim_pending) link;
};

static void create(struct sim *s, struct sim_message *m)
{
    if (m->is_import)
        sim_account_history(&s->account, m, clock_wall_ms());
    else
        sim_account_receive(&s->account, m, clock_wall_ms());
    sim_note(s, &(struct sim_moment_info){.at = SIM_AT_MESSAGE_CREATED, .message = m});
    sim_changed(s, m->conversation);
    sim_emit_message(s, m);
    if (m->channel->kind == CHANNEL_APPLICATION)
        sim_tell_imported(s, m);
}

static void arm(struct sim *s, mono_ms_t now)
{
    const struct sim_pending *first = STAILQ_FIRST(&s->pending);
    if (!first)
        return;
    struct timeval delay = clock_tv(first->due - now);
    evtimer_add(s->creator, &delay);
}

static void on_due(evutil_socket_t fd, short what, void *arg)
{
    struct sim *s = arg;
    mono_ms_t now = clock_mono_ms();
    (void)fd;
    (void)what;
    for (struct sim_pending *p; (p = STAILQ_FIRST(&s->pending)) && p->due <= now; free(p)) {
        STAILQ_REMOVE_HEAD(&s->pending, link);
        create(s, p->message);
    }
    arm(s, now);
}

void sim_create_later(struct sim *s, struct sim_message *m)
{
    mono_ms_t now = clock_mono_ms();
    struct sim_pending *p = mem_zalloc(sizeof *p);
    if (!s->creator)
        s->creator = evtimer_new(s->base, on_due, s);
    must(s->creator);
    p->message = m;
    p->due = now + s->created_delay_ms;
    STAILQ_INSERT_TAIL(&s->pending, p, link);
    if (STAILQ_FIRST(&s->pending) == p)
        arm(s, now);
}

void sim_create_stop(struct sim *s)
{
    for (struct sim_pending *p; (p = STAILQ_FIRST(&s->pending)); free(p)) {
        STAILQ_REMOVE_HEAD(&s->pending, link);
        sim_message_free(p->message);
    }
    if (s->creator)
        event_free(s->creator);
    s->creator = NULL;
}
