/* Costs nothing for ids that Front takes as they are. */
#include "bridge/naming.h"
#include "base/mem.h"
#include "front/thread.h"

void naming_add_as(struct naming *n, struct span ref, struct span id)
{
    if (span_eq(ref, id))
        return;
    must(n->n < NAMING_MAX);
    n->alias[n->n++] = (struct store_alias){.ref = ref, .id = id};
}

void naming_add(struct naming *n, struct span id)
{
    if (id.n <= FRONT_REF_MAX)
        return;
    must(n->n < NAMING_MAX);
    struct buf *ref = &n->ref[n->n];
    buf_init(ref, FRONT_REF_MAX);
    front_ref(id, ref);
    naming_add_as(n, buf_span(ref), id);
}

void naming_fini(struct naming *n)
{
    for (unsigned i = 0; i < n->n; i++)
        buf_fini(&n->ref[i]);
    n->n = 0;
}
