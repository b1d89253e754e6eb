/* Asks the store about some hundred names at a time. Names of this process are never among them. */
#include "bridge/sweep.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/files.h"
#include <stdlib.h>

enum { BATCH = 500 };

struct sweep {
    struct bridge *bridge;
    char **name;
    unsigned n, at, removed_n;
    bool is_known[BATCH];
    struct store_files_known known;
};

static void sweep_free(struct sweep *s)
{
    for (unsigned i = 0; i < s->n; i++)
        free(s->name[i]);
    free(s->name);
    free(s);
}

static void next(struct sweep *s)
{
    unsigned left = s->n - s->at;

    if (left == 0) {
        if (s->removed_n > 0)
            log_info("files_removed", LOG_I64("files", s->removed_n),
                     LOG_STR("reason", "an earlier process had not finished them"));
        sweep_free(s);
        return;
    }
    s->known.name = (const char *const *)(const void *)(s->name + s->at);
    s->known.name_n = left < BATCH ? left : BATCH;
    s->known.is_known = s->is_known;
    store_post_files_known(s->bridge->store, &s->known);
}

static void on_known(struct store_op *op)
{
    struct sweep *s = container_of(op, struct sweep, known.op);

    if (op->result != OK || !s->bridge->files) {
        sweep_free(s); /* the next start looks again */
        return;
    }
    for (unsigned i = 0; i < s->known.name_n; i++) {
        if (s->is_known[i])
            continue;
        files_remove(s->bridge->files, s->known.name[i]);
        s->removed_n++;
    }
    s->at += s->known.name_n;
    next(s);
}

void sweep_start(struct bridge *b)
{
    struct sweep *s = mem_zalloc(sizeof *s);

    s->bridge = b;
    s->known.op.on_done = on_known;
    s->n = files_left_over(b->files, &s->name);
    next(s);
}
