/*
 * Keeps the events and counts their ids. Refuses to know what a part is (part.c) and how it is written
 * (event_shape.c). Invariant: see the header.
 */
#include "sim/event.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

enum { ID_DIGITS_MAX = 40 };

const struct sim_event_type sim_event_types[] = {
    {"assign", "assignee_changed", "teammate", "teammate"},
    {"unassign", "assignee_changed", "teammate", NULL},
    {"archive", "conversation_archived", "teammate", NULL},
    {"reopen", "conversation_reopened", "teammate", NULL},
    {"trash", "conversation_deleted", "teammate", NULL},
    {"restore", "conversation_restored", "teammate", NULL},
    {"comment", "new_comment_added", "teammate", "comment"},
    {"mention", "new_comment_added", "teammate", "comment"},
    {"inbound", "inbound_received", "inboxes", "message"},
    {"outbound", "outbound_sent", "inboxes", "message"},
    {"out_reply", "outbound_sent", "inboxes", "message"},
    {"move", "conversation_moved", "teammate", "inboxes"},
    {"forward", "forward", "teammate", "message"},
    {"tag", "tag_added", "teammate", "tag"},
    {"untag", "tag_removed", "teammate", "tag"},
    {"link_added", "link_added", "teammate", "link"},
    {"link_removed", "link_removed", "teammate", "link"},
    {"sending_error", "message_delivery_failed", "recipient", "message"},
    {"message_bounce_error", "message_delivery_failed", "recipient", "message"},
    {"reminder", "conversation_snooze_expired", NULL, NULL},
    {"conversations_merged", "conversations_merged", "teammate", "deleted_conversation_ids"},
    {"custom_field_updated", "custom_field_updated", "teammate", "custom_field"},
};
const size_t sim_event_type_n = ARRAY_LEN(sim_event_types);

const struct sim_event_type *sim_event_type_find(const char *name)
{
    for (size_t i = 0; i < sim_event_type_n; i++)
        if (!strcmp(sim_event_types[i].name, name))
            return &sim_event_types[i];
    return NULL;
}

/* ---- Ids ---- */

static int digits_compare(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    if (n != m)
        return n < m ? -1 : 1;
    return strcmp(a, b);
}

int sim_event_id_compare(const char *a, const char *b)
{
    return digits_compare(a + 4, b + 4);
}

static void count_up(char digits[SIM_EVENT_ID_BYTES])
{
    size_t at = strlen(digits);
    while (at > 0 && digits[at - 1] == 'z')
        digits[--at] = '0';
    if (at > 0) {
        digits[at - 1] = digits[at - 1] == '9' ? 'a' : (char)(digits[at - 1] + 1);
        return;
    }
    size_t n = strlen(digits);
    must(n < ID_DIGITS_MAX);
    memmove(digits + 1, digits, n + 1);
    digits[0] = '1';
}

static void count_down(char digits[SIM_EVENT_ID_BYTES])
{
    size_t at = strlen(digits);
    while (digits[at - 1] == '0')
        digits[--at] = 'z';
    digits[at - 1] = digits[at - 1] == 'a' ? '9' : (char)(digits[at - 1] - 1);
    if (digits[0] == '0' && digits[1])
        memmove(digits, digits + 1, strlen(digits));
}

void sim_event_log_init(struct sim_event_log *log, uint64_t first)
{
    char reversed[16] = "";
    size_t n = 0, at = 0;
    *log = (struct sim_event_log){0};
    for (uint64_t v = first; v || !n; v /= 36)
        reversed[n++] = "0123456789abcdefghijklmnopqrstuvwxyz"[v % 36];
    while (n)
        log->last[at++] = reversed[--n];
}

static bool is_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
}

enum err sim_event_log_next(struct sim_event_log *log, struct span digits)
{
    char next[SIM_EVENT_ID_BYTES] = "";
    if (!digits.n || digits.n > ID_DIGITS_MAX - 8 || digits.p[0] == '0')
        return ERR_INVALID;
    for (size_t i = 0; i < digits.n; i++)
        if (!is_digit(digits.p[i]))
            return ERR_INVALID;
    memcpy(next, digits.p, digits.n);
    if (digits_compare(next, log->last) <= 0)
        return ERR_INVALID;
    count_down(next);
    memcpy(log->last, next, sizeof next);
    return OK;
}

/* ---- The log ---- */

void sim_part_fini(struct sim_part *p)
{
    free(p->data);
    *p = (struct sim_part){0};
}

static void event_free(struct sim_event *e)
{
    sim_part_fini(&e->source);
    sim_part_fini(&e->target);
    free(e->type);
    free(e);
}

void sim_event_log_clear(struct sim_event_log *log)
{
    for (unsigned i = 0; i < log->n; i++)
        event_free(log->item[i]);
    free(log->item);
    free(log->sorted);
    log->item = log->sorted = NULL;
    log->n = log->cap = 0;
    sim_index_fini(&log->by_id);
}

void sim_event_log_fini(struct sim_event_log *log)
{
    sim_event_log_clear(log);
}

static void grow(struct sim_event_log *log)
{
    log->cap = log->cap ? 2 * log->cap : 64;
    log->item = mem_realloc(log->item, log->cap * sizeof *log->item);
    log->sorted = mem_realloc(log->sorted, log->cap * sizeof *log->sorted);
}

/* Most events are the newest in both orders, so that the walk from the end is short. */
static void sort_in(struct sim_event_log *log, struct sim_event *e)
{
    unsigned at = log->n;
    while (at > 0 && log->sorted[at - 1]->created_at > e->created_at)
        at--;
    memmove(&log->sorted[at + 1], &log->sorted[at], (log->n - at) * sizeof *log->sorted);
    log->sorted[at] = e;
}

struct sim_event *sim_event_log_add(struct sim_event_log *log, const struct sim_event *draft)
{
    struct sim_event *e = mem_dup(draft, sizeof *draft);
    if (log->n == SIM_EVENTS_MAX) {
        event_free(e);
        return NULL;
    }
    if (log->n == log->cap)
        grow(log);
    count_up(log->last);
    memcpy(e->id, "evt_", 4);
    memcpy(e->id + 4, log->last, strlen(log->last) + 1);
    sort_in(log, e);
    log->item[log->n++] = e;
    sim_index_put(&log->by_id, span_of(e->id), e);
    return e;
}

struct sim_event *sim_event_find(const struct sim_event_log *log, struct span id)
{
    return span_starts(id, "evt_") ? sim_index_get(&log->by_id, id) : NULL;
}
