/*
 * Keeps and writes messages. Refuses to know how they came. Invariant: what is in waiting is CHAT_WAITING,
 * oldest first.
 */
#include "sim/chat_store.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

void chat_store_init(struct chat_store *s, wall_ms_t now)
{
    *s = (struct chat_store){.sequence = (uint64_t)now};
    STAILQ_INIT(&s->waiting);
}

void chat_store_clear(struct chat_store *s)
{
    for (unsigned i = 0; i < s->n; i++) {
        struct chat_message *m = s->item[i];
        free(m->handle);
        free(m->name);
        free(m->text);
        free(m->author);
        free(m->conversation);
        free(m->why);
        free(m);
    }
    free(s->item);
    sim_index_fini(&s->by_webhook);
    uint64_t sequence = s->sequence;
    chat_store_init(s, 0);
    s->sequence = sequence;
}

struct chat_message *chat_store_add(struct chat_store *s, const char *handle, struct span text, wall_ms_t now)
{
    if (s->n == CHAT_MESSAGES_MAX)
        return NULL;
    if (s->n == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 64;
        s->item = mem_realloc(s->item, s->cap * sizeof(struct chat_message *));
    }
    struct chat_message *m = mem_zalloc(sizeof *m);
    s->item[s->n++] = m;
    snprintf(m->id, sizeof m->id, "chat%llu", (unsigned long long)++s->sequence);
    m->handle = mem_strdup(handle);
    m->text = mem_strndup(text.p ? text.p : "", text.n);
    m->at = now;
    return m;
}

static void view(struct jout *j, const struct chat_message *m)
{
    static const char *const states[] = {"received", "waiting", "taken", "refused"};
    jout_object(j);
    jout_kv_str(j, "id", m->id);
    jout_kv_str(j, "handle", m->handle);
    jout_kv_str(j, "name", m->name);
    jout_kv_str(j, "text", m->text);
    jout_kv_str(j, "author", m->author);
    jout_kv_str(j, "conversation_id", m->conversation);
    jout_kv_str(j, "state", states[m->state]);
    jout_kv_str(j, "why", m->why);
    jout_kv_i64(j, "attempts", m->attempt_n);
    jout_kv_seconds(j, "at", m->at);
    jout_object_end(j);
}

void chat_store_list(const struct chat_store *s, struct span handle, struct jout *j)
{
    unsigned first = s->n, left = CHAT_LIST_MAX;
    while (first && left) {
        first--;
        left -= !handle.p || span_is(handle, s->item[first]->handle);
    }
    jout_array(j);
    for (unsigned i = first; i < s->n; i++)
        if (!handle.p || span_is(handle, s->item[i]->handle))
            view(j, s->item[i]);
    jout_array_end(j);
}
