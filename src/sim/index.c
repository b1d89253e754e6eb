/*
 * Open addressing with linear probing and FNV-1a. Removal shifts the followers back, so that there are no
 * tombstones: every probe ends at the first free slot.
 */
#include "sim/index.h"
#include "base/mem.h"
#include <stdlib.h>

static size_t hash(struct span key)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < key.n; i++)
        h = (h ^ (unsigned char)key.p[i]) * UINT64_C(0x100000001b3);
    return (size_t)(h ^ (h >> 32));
}

static size_t find(const struct sim_index *i, struct span key)
{
    size_t at = hash(key) & (i->cap - 1);
    while (i->slot[at].key && !span_is(key, i->slot[at].key))
        at = (at + 1) & (i->cap - 1);
    return at;
}

static void grow(struct sim_index *i)
{
    struct sim_index bigger = {.cap = i->cap ? i->cap * 2 : 64, .n = i->n};
    bigger.slot = mem_calloc(bigger.cap, sizeof *bigger.slot);
    for (size_t k = 0; k < i->cap; k++)
        if (i->slot[k].key)
            bigger.slot[find(&bigger, span_of(i->slot[k].key))] = i->slot[k];
    free(i->slot);
    *i = bigger;
}

void sim_index_fini(struct sim_index *i)
{
    for (size_t k = 0; k < i->cap; k++)
        free(i->slot[k].key);
    free(i->slot);
    *i = (struct sim_index){0};
}

void *sim_index_get(const struct sim_index *i, struct span key)
{
    return i->cap ? i->slot[find(i, key)].value : NULL;
}

void sim_index_put(struct sim_index *i, struct span key, void *value)
{
    must(value);
    if (i->n * 3 >= i->cap * 2)
        grow(i);
    size_t at = find(i, key);
    if (!i->slot[at].key) {
        i->slot[at].key = mem_strndup(key.p ? key.p : "", key.n);
        i->n++;
    }
    i->slot[at].value = value;
}

void sim_index_remove(struct sim_index *i, struct span key)
{
    if (!i->cap)
        return;
    size_t hole = find(i, key);
    if (!i->slot[hole].key)
        return;
    free(i->slot[hole].key);
    i->slot[hole] = (struct sim_index_slot){0};
    i->n--;
    size_t mask = i->cap - 1;
    for (size_t at = (hole + 1) & mask; i->slot[at].key; at = (at + 1) & mask) {
        size_t home = hash(span_of(i->slot[at].key)) & mask;
        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        i->slot[hole] = i->slot[at];
        i->slot[at] = (struct sim_index_slot){0};
        hole = at;
    }
}
