/*
 * Receipts: marking a message as seen, and who saw it. Refuses to know who looked: Front's own answer names
 * one entry, for the first time.
 */
#include "base/mem.h"
#include "sim/calls.h"
#include <stdio.h>

static struct sim_message *message_of(struct sim_call *c)
{
    struct sim_message *m = sim_message_find(&c->sim->account, sim_call_segment(c, 1));
    if (m && sim_call_may_see(c, m->channel))
        return m;
    sim_call_refuse(c, 404, "Unknown message", SPAN_NONE);
    return NULL;
}

void sim_call_see(struct sim_call *c)
{
    struct sim_message *m = message_of(c);
    if (!m)
        return;
    if (m->state == SIM_RECEIVED) {
        sim_call_refuse(c, 400, "Only a message that was sent from Front can be seen", SPAN_NONE);
        return;
    }
    if (!m->seen)
        m->seen = mem_zalloc(sizeof *m->seen);
    int64_t wait_ms = sim_seen_mark(m->seen, clock_wall_ms());
    if (wait_ms) {
        buf_addf(&c->headers, "Retry-After: %lld\r\n", (long long)((wait_ms + SECOND_MS - 1) / SECOND_MS));
        sim_call_refuse(c, 429, "A message is marked as seen at most 10 times in an hour", SPAN_NONE);
        return;
    }
    c->status = 204;
    sim_changed(c->sim, m->conversation);
}

static void receipt(struct jout *j, const struct sim_message *m)
{
    char at[32];
    snprintf(at, sizeof at, "%lld", (long long)m->seen->first_at);
    jout_object(j);
    jout_key(j, "_links");
    jout_object(j);
    sim_shape_link(j, "self", "messages", m->id, "/seen");
    jout_key(j, "related");
    jout_object(j);
    sim_shape_link(j, "message", "messages", m->id, "");
    jout_object_end(j);
    jout_object_end(j);
    jout_kv_str(j, "first_seen_at", at); /* a string, says Front's document */
    jout_kv_str(j, "seen_by", NULL);
    jout_object_end(j);
}

void sim_call_seen(struct sim_call *c)
{
    const struct sim_message *m = message_of(c);
    char path[64];
    if (!m)
        return;
    snprintf(path, sizeof path, "messages/%s/seen", m->id);
    c->status = 200;
    struct sim_page page;
    sim_page_open(&page, c, path, m->seen != NULL);
    if (page.at < page.end)
        receipt(&c->j, m);
    sim_page_close(&page, c);
}
