/*
 * Counts what an answer waits for. Invariant: the exchange is answered once, when nothing holds it any more.
 */
#include "sim/gather.h"
#include "base/mem.h"
#include "sim/control_io.h"
#include <stdlib.h>

struct sim_gather *sim_gather_new(struct http_exchange *x, int status)
{
    struct sim_gather *g = mem_zalloc(sizeof *g);
    g->x = x;
    g->status = status;
    g->holds = 1;
    control_open(&g->out, &g->j);
    jout_object(&g->j);
    return g;
}

void sim_gather_open(struct sim_gather *g)
{
    jout_key(&g->j, "sent");
    jout_array(&g->j);
}

void sim_gather_hold(struct sim_gather *g)
{
    if (g)
        g->holds++;
}

void sim_gather_release(struct sim_gather *g)
{
    if (!g || --g->holds)
        return;
    jout_array_end(&g->j);
    jout_object_end(&g->j);
    control_reply(g->x, g->status, &g->out);
    free(g);
}
