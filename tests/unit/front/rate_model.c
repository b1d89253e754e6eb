#include "rate_model.h"
#include "base/mem.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { FLIGHT_MAX = 64, PER_RESOURCE = 5, STEP_MS = 10 };
#define EPOCH INT64_C(1700000000000)

struct flight {
    bool is_used, is_judged, is_lost;
    int64_t arrives_at, back_at;
    unsigned resource;
    struct rate_headers headers;
};

struct front {
    const struct world *w;
    int64_t window_at, used;
    double burst;
    int64_t burst_at;
    int64_t at[16][PER_RESOURCE];
    unsigned next[16];
};

static unsigned dice(unsigned *seed, unsigned n)
{
    *seed = *seed * 1103515245u + 12345u;
    return n ? (*seed >> 8) % n : 0;
}

/* Front's side: wall is its own clock. */
static bool front_takes(struct front *f, int resource, int64_t wall)
{
    if (wall >= f->window_at + 60000) {
        f->window_at = wall - wall % 1000;
        f->used = 0;
    }
    f->burst =
        fmin((double)f->w->burst, f->burst + (double)f->w->burst * (double)(wall - f->burst_at) / 600000.0);
    f->burst_at = wall;
    if (f->used >= f->w->limit && f->burst < 1)
        return false;
    if (resource >= 0) {
        int64_t *oldest = &f->at[resource][f->next[resource] % PER_RESOURCE];
        if (*oldest && wall - *oldest < 1000)
            return false;
        *oldest = wall;
        f->next[resource]++;
    }
    if (f->used < f->w->limit)
        f->used++;
    else
        f->burst -= 1;
    return true;
}

static struct rate_headers front_says(const struct front *f, bool is_taken, int64_t wall)
{
    struct rate_headers h = {-1, -1, -1, -1, -1, -1, -1, is_taken ? 202 : 429};

    if (!f->w->is_dateless)
        h.date_s = wall / 1000;
    if (!is_taken)
        h.retry_after_ms = (f->window_at + 60000 - wall + 999) / 1000 * 1000;
    if (f->w->is_silent)
        return h;
    h.limit = f->w->limit;
    h.remaining = f->w->limit - f->used;
    h.reset_at_s = f->window_at / 1000 + 60;
    if (f->w->burst > 0) {
        h.burst_limit = f->w->burst;
        h.burst_remaining = (int64_t)f->burst;
    }
    return h;
}

struct live {
    int64_t came_at[256]; /* those that wait, a ring */
    unsigned first, n;
};

static struct span resource_name(unsigned i, char out[16])
{
    snprintf(out, 16, "cha_%u", i);
    return span_of(out);
}

static void start(struct world *w, struct flight *x, unsigned resource, int64_t now)
{
    bool is_slow = w->slow_every && w->sent_n % w->slow_every == 0;
    int64_t there = w->latency_ms / 2 + dice(&w->seed, (unsigned)w->jitter_ms + 1);
    int64_t back = is_slow ? 25000 : w->latency_ms / 2 + dice(&w->seed, (unsigned)w->jitter_ms * 4 + 1);

    *x = (struct flight){.is_used = true,
                         .is_lost = dice(&w->seed, 1000) < w->lost_per_mille,
                         .arrives_at = now + there,
                         .back_at = now + there + back,
                         .resource = resource};
}

/* What is in a hurry asks before all else, as in the client. */
static void send_live(struct world *w, struct rate *r, struct flight *flights, struct live *live, int64_t now)
{
    char name[16];

    if (w->live_every_ms && dice(&w->seed, (unsigned)(w->live_every_ms / STEP_MS)) == 0 && live->n < 256)
        live->came_at[(live->first + live->n++) % 256] = now;
    for (unsigned i = 0; i < FLIGHT_MAX && live->n > 0; i++) {
        if (flights[i].is_used)
            continue;
        if (rate_take(r, RATE_INBOUND, resource_name(w->live_resource, name), now) > 0)
            return;
        start(w, &flights[i], w->live_resource, now);
        int64_t waited = now - live->came_at[live->first++ % 256];
        live->n--;
        w->live_n++;
        w->live_waited_ms += waited;
        w->live_worst_ms = waited > w->live_worst_ms ? waited : w->live_worst_ms;
    }
}

static void send_all(struct world *w, struct rate *r, struct flight *flights, int64_t now)
{
    char name[16];

    for (unsigned tries = 0; tries < w->resources; tries++)
        for (unsigned i = 0; i < FLIGHT_MAX; i++) {
            unsigned resource = (w->sent_n + tries) % w->resources;
            if (flights[i].is_used)
                continue;
            if (rate_take(r, w->lane, resource_name(resource, name), now) > 0)
                break;
            w->sent_n++;
            start(w, &flights[i], resource, now);
        }
}

static void judge(struct world *w, struct front *f, struct flight *flights, int64_t now)
{
    for (unsigned i = 0; i < FLIGHT_MAX; i++) {
        struct flight *x = &flights[i];
        if (!x->is_used || x->is_judged || x->arrives_at > now)
            continue;
        bool is_taken = front_takes(f, (int)x->resource, EPOCH + now);
        w->refused_n += !is_taken;
        x->headers = front_says(f, is_taken, EPOCH + now);
        x->is_judged = true;
    }
}

static void answer(struct world *w, struct rate *r, struct flight *flights, int64_t now)
{
    const struct rate_headers none = {-1, -1, -1, -1, -1, -1, -1, 0};
    char name[16];

    for (unsigned i = 0; i < FLIGHT_MAX; i++) {
        struct flight *x = &flights[i];
        if (!x->is_used || !x->is_judged || x->back_at > now)
            continue;
        rate_learn(r, x->is_lost ? &none : &x->headers, resource_name(x->resource, name),
                   EPOCH + now + w->skew_ms, now);
        x->is_used = false;
    }
}

/* The company's other tools: at random, and not regular. */
static void others(struct world *w, struct front *f, int64_t now)
{
    if (dice(&w->seed, 1000000) < w->others_per_minute * STEP_MS * 1000000 / 60000) {
        bool is_taken = front_takes(f, -1, EPOCH + now);
        w->others_n += is_taken;
        w->others_refused_n += !is_taken;
    }
}

static int64_t usual(int64_t given, int64_t otherwise)
{
    return given == 0 ? otherwise : given < 0 ? 0 : given;
}

void world_run(struct world *w)
{
    w->limit = usual(w->limit, 200);
    w->burst = usual(w->burst, w->limit / 2);
    w->resources = (unsigned)usual(w->resources, 1);
    w->lane = (enum rate_lane)usual(w->lane, RATE_INBOUND);
    w->latency_ms = usual(w->latency_ms, 100);
    w->jitter_ms = usual(w->jitter_ms, 50);
    w->minutes = (unsigned)usual(w->minutes, 30);
    struct front f = {.w = w, .burst = (double)w->burst, .burst_at = EPOCH};
    struct flight *flights = mem_calloc(FLIGHT_MAX, sizeof *flights);
    struct rate *r = rate_new(w->reserve_percent, PER_RESOURCE, 0);
    int64_t end = (int64_t)w->minutes * 60000;
    struct live live = {.first = 0};

    for (int64_t now = 0; now < end; now += STEP_MS) {
        others(w, &f, now);
        judge(w, &f, flights, now);
        answer(w, r, flights, now);
        send_live(w, r, flights, &live, now);
        if (!w->is_quiet)
            send_all(w, r, flights, now);
    }
    w->allowance = (double)w->limit * w->minutes + (double)w->burst * (1 + w->minutes / 10.0);
    rate_free(r);
    free(flights);
}
