/*
 * Changes conversations as agents do. Refuses to know that events tell of it.
 * Invariant: after a merge every thread that led to the one conversation leads to the other.
 */
#include "sim/conversation.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

static char *copy(const char *s)
{
    return s ? mem_strdup(s) : NULL;
}

void sim_conversation_assign(struct sim_conversation *c, const struct sim_person *p)
{
    struct sim_person fresh = {0};
    if (p)
        fresh =
            (struct sim_person){.handle = copy(p->handle), .name = copy(p->name), .email = copy(p->email)};
    free(c->assignee.handle);
    free(c->assignee.name);
    free(c->assignee.email);
    c->assignee = fresh;
}

static void label(char ***list, unsigned *n, const char *name, bool is_on)
{
    unsigned at = 0;
    while (at < *n && strcmp((*list)[at], name))
        at++;
    if (is_on && at == *n) {
        *list = mem_realloc(*list, (*n + 1) * sizeof **list);
        (*list)[(*n)++] = mem_strdup(name);
    } else if (!is_on && at < *n) {
        free((*list)[at]);
        memmove(&(*list)[at], &(*list)[at + 1], (--*n - at) * sizeof **list);
    }
}

void sim_conversation_tag(struct sim_conversation *c, const char *name, bool is_on)
{
    label(&c->tag, &c->tag_n, name, is_on);
}

void sim_conversation_link(struct sim_conversation *c, const char *url, bool is_on)
{
    label(&c->link, &c->link_n, url, is_on);
}

static int by_creation(const void *a, const void *b)
{
    const struct sim_message *const *x = a, *const *y = b;
    if ((*x)->created_at != (*y)->created_at)
        return (*x)->created_at < (*y)->created_at ? -1 : 1;
    return strcmp((*x)->id, (*y)->id);
}

static void move_messages(struct sim_conversation *into, struct sim_conversation *from)
{
    unsigned n = into->message_n + from->message_n;
    into->message = mem_realloc(into->message, (n + 1) * sizeof *into->message);
    into->message_cap = n + 1;
    for (unsigned i = 0; i < from->message_n; i++) {
        from->message[i]->conversation = into;
        into->message[into->message_n++] = from->message[i];
    }
    from->message_n = 0;
    qsort(into->message, n, sizeof *into->message, by_creation);
}

static void move_comments(struct sim_conversation *into, struct sim_conversation *from)
{
    unsigned n = into->comment_n + from->comment_n;
    into->comment = mem_realloc(into->comment, (n + 1) * sizeof *into->comment);
    for (unsigned i = 0; i < from->comment_n; i++)
        into->comment[into->comment_n++] = from->comment[i];
    from->comment_n = 0;
}

static void move_external(struct sim_conversation *into, struct sim_conversation *from)
{
    unsigned n = into->external_n + from->external_n;
    into->external = mem_realloc(into->external, (n + 1) * sizeof *into->external);
    for (unsigned i = 0; i < from->external_n; i++)
        into->external[into->external_n++] = from->external[i];
    from->external_n = 0;
}

static void move_threads(struct sim_index *threads, struct sim_conversation *into,
                         const struct sim_conversation *from)
{
    for (size_t i = 0; i < threads->cap; i++)
        if (threads->slot[i].key && threads->slot[i].value == from)
            threads->slot[i].value = into;
}

enum err sim_conversation_merge(struct sim_account *a, struct sim_conversation *into,
                                struct sim_conversation *from, wall_ms_t now)
{
    if (into == from || into->merged_into || from->merged_into)
        return ERR_CONFLICT;
    move_messages(into, from);
    move_comments(into, from);
    move_external(into, from);
    move_threads(&a->by_thread, into, from);
    from->merged_into = into;
    into->updated_at = now;
    return OK;
}
