/*
 * The REST calls that read events. Refuses to know which events a page holds (search.c).
 */
#include "base/mem.h"
#include "sim/api.h"
#include "sim/event_shape.h"
#include "sim/search.h"
#include <string.h>

static void links(struct sim_call *c, const struct sim_conversation *of)
{
    jout_key(&c->j, "_links");
    jout_object(&c->j);
    if (of)
        sim_shape_link(&c->j, "self", "conversations", of->id, "/events");
    else
        jout_kv_str(&c->j, "self", SIM_LINK_BASE "/events");
    jout_object_end(&c->j);
}

/* The fault page_loop: the next page is this one, for ever. */
static void pagination(struct sim_call *c, const struct sim_search *q, const struct sim_page *page)
{
    bool is_looping = c->fault.kind == SIM_FAULT_PAGE_LOOP;
    struct buf next;
    buf_init(&next, 32768);
    buf_addf(&next, "%s%.*s?", SIM_LINK_BASE, SPAN_FMT(http_path(c->x)));
    sim_search_next(http_query(c->x), is_looping ? q->from : page->next, &next);
    jout_key(&c->j, "_pagination");
    jout_object(&c->j);
    jout_kv_str(&c->j, "next", page->is_last && !is_looping ? NULL : next.p);
    jout_object_end(&c->j);
    buf_fini(&next);
}

static void write_page(struct sim_call *c, const struct sim_search *q)
{
    const struct sim_event_view view = sim_event_view(SIM_FORM_FULL);
    struct sim_page page;
    sim_search_page(&c->sim->account.events, q, clock_wall_ms(), &page);
    c->status = 200;
    jout_object(&c->j);
    pagination(c, q, &page);
    links(c, q->conversation);
    jout_key(&c->j, "_results");
    jout_array(&c->j);
    for (unsigned i = 0; i < page.n; i++)
        sim_shape_event(&c->j, page.event[i], &view);
    jout_array_end(&c->j);
    jout_object_end(&c->j);
}

void sim_call_events(struct sim_call *c)
{
    struct sim_search q;
    struct buf why;
    const struct sim_conversation *of = NULL;
    if (c->segment_n > 1 && !(of = sim_call_conversation(c)))
        return;
    buf_init(&why, 512);
    if (sim_search_read(&q, http_query(c->x), &why) == OK) {
        q.conversation = of;
        q.is_thin = c->sim->has_thin_pages;
        write_page(c, &q);
    } else {
        sim_call_refuse(c, 400, why.p, SPAN_NONE);
    }
    sim_search_fini(&q);
    buf_fini(&why);
}

void sim_call_conversation_inboxes(struct sim_call *c)
{
    const struct sim_conversation *of = sim_call_conversation(c);
    if (!of)
        return;
    c->status = 200;
    jout_object(&c->j);
    jout_key(&c->j, "_links");
    jout_object(&c->j);
    sim_shape_link(&c->j, "self", "conversations", of->id, "/inboxes");
    jout_object_end(&c->j);
    jout_key(&c->j, "_results");
    sim_shape_inboxes(&c->j, of->inbox);
    jout_object_end(&c->j);
}

void sim_call_event(struct sim_call *c)
{
    const struct sim_event_view view = sim_event_view(SIM_FORM_FULL);
    const struct sim_event *e = sim_event_find(&c->sim->account.events, sim_call_segment(c, 1));
    if (!e || e->visible_at > clock_wall_ms()) {
        sim_call_refuse(c, 404, "Unknown event", SPAN_NONE);
        return;
    }
    c->status = 200;
    sim_shape_event(&c->j, e, &view);
}
