/*
 * Downloads. Refuses to know how a download goes wrong: that is api.c's.
 */
#include "sim/calls.h"

static void serve(struct sim_call *c, const struct sim_file *f)
{
    if (f && f->message->conversation && f->message->visible_at <= clock_wall_ms() && f->bytes) {
        c->status = 200;
        c->served = f;
    } else {
        sim_call_refuse(c, 404, "Unknown attachment", SPAN_NONE);
    }
}

void sim_call_download(struct sim_call *c)
{
    serve(c, sim_files_find(&c->sim->account.files, sim_call_segment(c, 1)));
}

void sim_call_message_download(struct sim_call *c)
{
    const struct sim_message *m = sim_message_find(&c->sim->account, sim_call_segment(c, 1));
    const struct sim_file *f = sim_files_find(&c->sim->account.files, sim_call_segment(c, 3));
    if (!m || !sim_call_may_see(c, m->channel))
        sim_call_refuse(c, 404, "Unknown message", SPAN_NONE);
    else
        serve(c, f && f->message == m ? f : NULL);
}
