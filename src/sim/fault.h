/*
 * Injected faults: what the next calls of the simulated API get instead of, or before, their real answer.
 * Pure.
 *
 * A fault names a call ("incoming_messages", "*" for any) and how many calls it strikes; the first fault that
 * fits is used.
 */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include "base/buf.h"
#include "base/json.h"
#include <stdbool.h>

enum sim_fault_kind {
    SIM_FAULT_NONE = 0, /* latency alone */
    SIM_FAULT_STATUS,   /* an _error of this status */
    SIM_FAULT_DROP, /* the connection closes without an answer; the call takes effect unless applied is false
                     */
    SIM_FAULT_HTML,
    SIM_FAULT_EMPTY,
    SIM_FAULT_HUGE,     /* 10 MB */
    SIM_FAULT_ENDLESS,  /* a body that never ends */
    SIM_FAULT_REDIRECT, /* to another host */
    SIM_FAULT_RATE_LIMIT,
    SIM_FAULT_HANG,      /* no answer at all */
    SIM_FAULT_STALL,     /* half of the real answer, then nothing */
    SIM_FAULT_SHORT,     /* half of the real answer, then the end */
    SIM_FAULT_PAGE_LOOP, /* a page of events names itself as the next one */
};

struct sim_fault {
    char call[40];
    enum sim_fault_kind kind;
    int status; /* 0: the kind's own */
    int64_t latency_ms, retry_after_s;
    bool is_applied; /* the call takes effect all the same */
    char location[256];
    char content_type[80]; /* of the real answer, instead of its own; empty: its own */
    int64_t left;          /* calls; -1: until cleared */
};

enum { SIM_FAULTS_MAX = 32, SIM_HUGE_BYTES = 10 << 20, SIM_LATENCY_MAX_MS = 10 * 60 * 1000 };

struct sim_faults {
    struct sim_fault item[SIM_FAULTS_MAX];
    unsigned n;
};

/* sim_faults_add reads {"call"?,"next"?,"latency_ms"?,"status"?,"applied"?, one of "drop_response html empty
 * huge endless redirect rate_limit hang stall short page_loop", "content_type"?}; why gets one sentence on
 * error. */
MUST_CHECK enum err sim_faults_add(struct sim_faults *f, struct jval spec, const char **why);
/* sim_faults_take finds the fault for a call and counts it off; kind NONE and no latency: none. */
struct sim_fault sim_faults_take(struct sim_faults *f, const char *call);

#endif
