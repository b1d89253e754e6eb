/* One operation of the store for each redirect that was followed; the same twice changes nothing. */
#include "bridge/moved.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/map.h"
#include <stdlib.h>

struct moved {
    struct store_merge op;
    struct span gone;
    struct bridge *bridge;
    char *from, *to;
};

static void on_merged(struct store_op *op)
{
    struct moved *m = container_of(op, struct moved, op.op);

    if (op->result == OK)
        log_info("conversation_moved", LOG_STR("from", m->from), LOG_STR("to", m->to));
    m->bridge->receive_n--;
    free(m->from);
    free(m->to);
    free(m);
}

static void on_moved(struct span from, struct span to, void *arg)
{
    struct account *a = arg;
    struct moved *m = mem_zalloc(sizeof *m);

    m->bridge = a->bridge;
    m->from = span_strdup(from);
    m->to = span_strdup(to);
    m->gone = span_of(m->from);
    m->op = (struct store_merge){.op.on_done = on_merged,
                                 .into = span_of(m->to),
                                 .is_redirect = true,
                                 .gone = &m->gone,
                                 .gone_n = 1,
                                 .now = clock_wall_ms()};
    m->bridge->receive_n++;
    store_post_merge(m->bridge->store, &m->op);
}

void moved_watch(struct account *a)
{
    front_client_on_moved(a->front, on_moved, a);
}
