/*
 * Reads and counts faults. Refuses to know what a connection is: api.c carries them out.
 */
#include "sim/fault.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *key;
    enum sim_fault_kind kind;
    bool is_applied;
} kinds[] = {
    {"drop_response", SIM_FAULT_DROP, true},
    {"html", SIM_FAULT_HTML, false},
    {"empty", SIM_FAULT_EMPTY, false},
    {"huge", SIM_FAULT_HUGE, false},
    {"endless", SIM_FAULT_ENDLESS, false},
    {"redirect", SIM_FAULT_REDIRECT, false},
    {"rate_limit", SIM_FAULT_RATE_LIMIT, false},
    {"hang", SIM_FAULT_HANG, false},
    {"stall", SIM_FAULT_STALL, true},
    {"short", SIM_FAULT_SHORT, true},
    {"page_loop", SIM_FAULT_PAGE_LOOP, true},
};

static bool text(struct jval v, char *out, size_t size, const char *fallback)
{
    char *given = json_has(v) ? json_dup(v, size - 1) : mem_strdup(fallback);
    if (!given)
        return false;
    memcpy(out, given, strlen(given) + 1);
    free(given);
    return true;
}

static void read_kind(struct jval spec, struct sim_fault *f)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct jval v = json_get(spec, kinds[i].key);
        if (!json_has(v) || !json_bool(v, true))
            continue;
        f->kind = kinds[i].kind;
        f->is_applied = kinds[i].is_applied;
        return;
    }
    if (f->status)
        f->kind = SIM_FAULT_STATUS;
}

enum err sim_faults_add(struct sim_faults *f, struct jval spec, const char **why)
{
    struct sim_fault fault = {.left = 1};
    int64_t status = 0;
    struct jval target = json_get(spec, "redirect");
    *why = "next is -1 or a count, latency_ms at most 600000, status 200 to 599, call a name of at most 39 "
           "characters";
    if (json_type(spec) != JSON_OBJECT ||
        !json_i64_within(json_get(spec, "next"), -1, 1000000, &fault.left) ||
        !json_i64_within(json_get(spec, "latency_ms"), 0, SIM_LATENCY_MAX_MS, &fault.latency_ms) ||
        !json_i64_within(json_get(spec, "retry_after"), 0, 3600, &fault.retry_after_s) ||
        !json_i64_within(json_get(spec, "status"), 200, 599, &status) ||
        !text(json_get(spec, "call"), fault.call, sizeof fault.call, "*") ||
        !text(json_type(target) == JSON_STRING ? target : (struct jval){0}, fault.location,
              sizeof fault.location, "http://192.0.2.1/elsewhere") ||
        !text(json_get(spec, "content_type"), fault.content_type, sizeof fault.content_type, ""))
        return ERR_INVALID;
    fault.status = (int)status;
    read_kind(spec, &fault);
    fault.is_applied = json_bool(json_get(spec, "applied"), fault.is_applied);
    *why = "A fault needs a status, a latency_ms, a content_type or a kind";
    if (!fault.kind && !fault.latency_ms && !fault.content_type[0])
        return ERR_INVALID;
    *why = "There are too many faults: clear them by DELETE";
    if (f->n == SIM_FAULTS_MAX)
        return ERR_FULL;
    f->item[f->n++] = fault;
    return OK;
}

struct sim_fault sim_faults_take(struct sim_faults *f, const char *call)
{
    for (unsigned i = 0; i < f->n; i++) {
        struct sim_fault *item = &f->item[i];
        if (strcmp(item->call, "*") && strcmp(item->call, call))
            continue;
        struct sim_fault taken = *item;
        if (item->left > 0 && --item->left == 0)
            memmove(item, item + 1, (--f->n - i) * sizeof *item);
        return taken;
    }
    return (struct sim_fault){0};
}
