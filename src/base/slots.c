/* A free list over an array; a token is a generation and an index. */
#include "base/slots.h"
#include "base/err.h"
#include "base/mem.h"
#include <stdlib.h>

enum { INDEX_BITS = 16, NO_SLOT = 0xffff };

void slots_init(struct slots *s, unsigned max)
{
    must(max > 0 && max <= NO_SLOT);
    *s = (struct slots){.slot = mem_calloc(max, sizeof *s->slot), .max = max};
    for (unsigned i = 0; i < max; i++)
        s->slot[i].next_free = i + 1 < max ? i + 1 : NO_SLOT;
}

void slots_fini(struct slots *s)
{
    free(s->slot);
    *s = (struct slots){0};
}

uint64_t slots_add(struct slots *s, void *item)
{
    must(item);
    if (s->used_n == s->max)
        return 0;
    unsigned i = s->first_free;
    s->first_free = s->slot[i].next_free;
    s->slot[i].item = item;
    s->slot[i].token = ++s->last_generation << INDEX_BITS | i;
    s->used_n++;
    return s->slot[i].token;
}

static void *find(const struct slots *s, uint64_t token)
{
    unsigned i = token & ((1u << INDEX_BITS) - 1);

    return token && i < s->max && s->slot[i].token == token ? s->slot[i].item : NULL;
}

void *slots_take(struct slots *s, uint64_t token)
{
    void *item = find(s, token);

    if (!item)
        return NULL;
    unsigned i = token & ((1u << INDEX_BITS) - 1);
    s->slot[i] = (struct slot){.next_free = s->first_free};
    s->first_free = i;
    s->used_n--;
    return item;
}
