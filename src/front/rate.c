/*
 * Decides when the next request may go. It knows no HTTP and no clock of its own.
 * Invariant: in_flight is the number of requests taken and not yet ended, and everything Front has counted of
 * ours is either below `left` already or still in flight.
 */
#include "front/rate.h"
#include "base/err.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

#define TIME_SANE_S (INT64_C(1) << 40)

enum {
    WINDOW_MS = 60000,
    WINDOW_SANE_MS = 180000, /* a reset further away than this is not believed */
    RESET_SLACK_S = 2,       /* resets nearer together than this are the same window */
    AFTER_WINDOW_MS = 250,   /* the first request of a window goes this long after its beginning */
    PROBE_EVERY_MS = 1000,
    RESOURCE_WINDOW_MS = 1100, /* Front's second, and what the network may squeeze out of it */
    RESOURCES_MAX = 64,
    BURST_LEFT = 2, /* never drawn */
    PAUSE_MAX_MS = 300000,
    WATCHED_LEAST_MS = 5000, /* what others do in less time says little of what they do in a minute */
    COUNT_MAX = 1000000,
    WAIT_FOR_ANSWER_MS = 250,
};

struct resource {
    char id[64];
    unsigned next;
    mono_ms_t sent_at[RATE_PER_RESOURCE_MAX];
};

struct rate {
    unsigned reserve_percent, per_resource;
    unsigned in_flight;
    unsigned together_n; /* requests since none was in flight */
    bool has_answer;
    mono_ms_t blind_at; /* when the minute of blind requests began */
    unsigned blind_n;

    int64_t limit; /* 0: Front has not said yet */
    int64_t left;  /* the lowest remaining of this window */
    int64_t burst; /* the last burst-remaining; -1: never said */
    int64_t reset_at_s;
    mono_ms_t window_end;
    mono_ms_t probe_at;    /* the next probe */
    bool is_probe_history; /* the last one was history's: it holds up nobody else */

    mono_ms_t counted_from;          /* since when we watch this window, */
    int64_t counted_left;            /* what was left of it then, */
    unsigned answered_n;             /* and how many answers to us it gave since */
    int64_t others_n, others_last_n; /* requests of others in this window, and in the one before */
    mono_ms_t answer_at;

    mono_ms_t pause_until;
    unsigned refused_row; /* 429s without a Retry-After, one after another */
    uint64_t refused_n;

    struct resource resource[RESOURCES_MAX];
    unsigned resource_n;
};

struct rate *rate_new(unsigned reserve_percent, unsigned per_resource_per_second, mono_ms_t now)
{
    struct rate *r = mem_zalloc(sizeof *r);

    must(per_resource_per_second <= RATE_PER_RESOURCE_MAX);
    r->reserve_percent = reserve_percent > 100 ? 100 : reserve_percent;
    r->per_resource = per_resource_per_second;
    r->burst = r->reset_at_s = -1;
    r->blind_at = r->answer_at = now;
    return r;
}

void rate_free(struct rate *r)
{
    free(r);
}

/* ---- One resource ---- */

static mono_ms_t last_use(const struct rate *r, const struct resource *s)
{
    return s->sent_at[(s->next + r->per_resource - 1) % r->per_resource];
}

/* resource_get finds the resource, or takes the place of the one that was used least lately. */
static struct resource *resource_get(struct rate *r, struct span id)
{
    struct resource *oldest = r->resource;

    if (!id.p || r->per_resource == 0 || id.n >= sizeof oldest->id)
        return NULL;
    for (struct resource *s = r->resource; s < r->resource + r->resource_n; s++) {
        if (span_is(id, s->id))
            return s;
        if (last_use(r, s) < last_use(r, oldest))
            oldest = s;
    }
    if (r->resource_n < RESOURCES_MAX)
        oldest = &r->resource[r->resource_n++];
    *oldest = (struct resource){.next = 0};
    memcpy(oldest->id, id.p, id.n);
    for (unsigned i = 0; i < r->per_resource; i++)
        oldest->sent_at[i] = INT64_MIN / 2;
    return oldest;
}

/* History leaves one of a resource's places to whoever comes next. */
static int64_t resource_wait(const struct rate *r, const struct resource *s, enum rate_lane lane,
                             mono_ms_t now)
{
    if (!s)
        return 0;
    unsigned at = lane == RATE_HISTORY ? (s->next + 1) % r->per_resource : s->next;
    return s->sent_at[at] + RESOURCE_WINDOW_MS - now;
}

static void resource_count(const struct rate *r, struct resource *s, mono_ms_t now)
{
    if (!s)
        return;
    s->sent_at[s->next] = now;
    s->next = (s->next + 1) % r->per_resource;
}

/* ---- The minute ---- */

static int64_t reserve_of(const struct rate *r, enum rate_lane lane)
{
    return lane == RATE_STATUS ? 0 : (r->limit * r->reserve_percent + 99) / 100;
}

/* What others may have taken since the last answer, and half as much again. Nothing while we are alone. */
static int64_t others_guard(const struct rate *r, mono_ms_t now)
{
    int64_t watched_ms = r->answer_at - r->counted_from;
    int64_t others =
        r->others_n * WINDOW_MS / (watched_ms < WATCHED_LEAST_MS ? WATCHED_LEAST_MS : watched_ms);

    if (others < r->others_last_n)
        others = r->others_last_n;
    if (others <= 0)
        return 0;
    return 2 + 3 * others * (now - r->answer_at + SECOND_MS) / (2 * WINDOW_MS);
}

/*
 * What history leaves of the allowance of a minute that ends at `end`: an even share for the time that is left, and
 * one. So it is spread over the minute and uses up what nobody else wants, and whoever else comes finds a place at
 * once. A minute that is over says nothing of the next, of which all is left.
 */
static int64_t share_left(int64_t allowance, mono_ms_t end, mono_ms_t now)
{
    int64_t left_ms = end > now && end - now < WINDOW_MS ? end - now : WINDOW_MS;

    return 1 + allowance * left_ms / WINDOW_MS;
}

/* The ms until history has its turn, if free_n stays as it is. */
static int64_t share_wait(int64_t allowance, int64_t free_n, mono_ms_t end, mono_ms_t now)
{
    return allowance > 0 ? end - ((free_n - 1) * WINDOW_MS - 1) / allowance - now : INT64_MAX;
}

static bool may_draw_burst(const struct rate *r, enum rate_lane lane, mono_ms_t now)
{
    return lane <= RATE_INBOUND && reserve_of(r, lane) == 0 && now < r->window_end &&
           r->burst - r->in_flight > BURST_LEFT + 2 * others_guard(r, now);
}

/* Only a guess about others is in the way, and it is old: one request goes, whose answer says how things are. */
static bool is_hearsay(const struct rate *r, int64_t reserve, mono_ms_t now)
{
    return r->in_flight == 0 && r->left > reserve && now - r->answer_at >= PROBE_EVERY_MS;
}

static int64_t window_wait(const struct rate *r, enum rate_lane lane, mono_ms_t now)
{
    int64_t reserve = reserve_of(r, lane);
    int64_t guard = others_guard(r, now);

    if (r->burst > BURST_LEFT + guard || guard < reserve)
        guard = 0; /* what others take by surprise, the burst or the reserve pays */
    int64_t free_n = r->left - r->in_flight - reserve - guard, allowance = r->limit - reserve;
    int64_t kept = lane == RATE_HISTORY ? share_left(allowance, r->window_end, now) : 0;
    if (free_n > kept || may_draw_burst(r, lane, now))
        return 0;
    if (guard > 0 && lane <= RATE_INBOUND && is_hearsay(r, reserve, now))
        return 0;
    mono_ms_t probe_at = r->window_end + AFTER_WINDOW_MS;
    if (lane != RATE_HISTORY && r->is_probe_history && now >= probe_at)
        return 0;
    if (probe_at < r->probe_at)
        probe_at = r->probe_at;
    int64_t wait = probe_at - now;
    if (free_n > 1 && kept > 0 && now < r->window_end) {
        int64_t turn = share_wait(allowance, free_n, r->window_end, now);
        return turn < wait ? turn : wait;
    }
    if (r->in_flight > 0 && wait > WAIT_FOR_ANSWER_MS)
        wait = WAIT_FOR_ANSWER_MS;
    return wait > 0 ? wait : 0;
}

/*
 * Until the first answer a request goes alone, but for a second at most: it may be an upload of minutes, and nobody
 * waits for that. If answers say nothing, the smallest plan's minute.
 */
static int64_t blind_wait(struct rate *r, enum rate_lane lane, mono_ms_t now)
{
    if (!r->has_answer && r->in_flight > 0 && now < r->probe_at)
        return r->probe_at - now < WAIT_FOR_ANSWER_MS ? r->probe_at - now : WAIT_FOR_ANSWER_MS;
    if (now - r->blind_at >= WINDOW_MS) {
        r->blind_at = now;
        r->blind_n = 0;
    }
    mono_ms_t end = r->blind_at + WINDOW_MS;
    int64_t free_n = RATE_ASSUMED - (int64_t)r->blind_n;
    if (free_n > (lane == RATE_HISTORY ? share_left(RATE_ASSUMED, end, now) : 0))
        return 0;
    return free_n > 1 ? share_wait(RATE_ASSUMED, free_n, end, now) : end - now;
}

int64_t rate_take(struct rate *r, enum rate_lane lane, struct span resource, mono_ms_t now)
{
    struct resource *s = resource_get(r, resource);
    int64_t wait = r->pause_until - now;

    if (wait <= 0)
        wait = resource_wait(r, s, lane, now);
    if (wait <= 0)
        wait = r->limit > 0 ? window_wait(r, lane, now) : blind_wait(r, lane, now);
    if (wait > 0)
        return wait;
    if (now >= r->window_end) {
        r->probe_at = now + PROBE_EVERY_MS;
        r->is_probe_history = lane == RATE_HISTORY;
    }
    resource_count(r, s, now);
    r->in_flight++;
    r->together_n++;
    r->blind_n++;
    return 0;
}

/* ---- What answers say ---- */

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
    return v < low ? low : v > high ? high : v;
}

/* When the window ends, on our monotonic clock; -1 if the headers do not say, or say nonsense. */
static mono_ms_t end_of_window(const struct rate_headers *h, wall_ms_t wall_now, mono_ms_t now)
{
    if (h->reset_at_s < 0)
        return -1;
    int64_t left_ms = h->date_s >= 0 ? (h->reset_at_s - h->date_s) * 1000 : h->reset_at_s * 1000 - wall_now;
    return left_ms < -WINDOW_SANE_MS || left_ms > WINDOW_SANE_MS ? -1 : now + left_ms;
}

enum age { AGE_OLD, AGE_SAME, AGE_NEW };

static enum age age_of(const struct rate *r, const struct rate_headers *h, bool is_alone, mono_ms_t now)
{
    if (r->limit == 0)
        return AGE_NEW;
    if (h->reset_at_s < 0 || r->reset_at_s < 0)
        return now >= r->window_end ? AGE_NEW : AGE_SAME;
    if (h->reset_at_s > r->reset_at_s + RESET_SLACK_S)
        return AGE_NEW;
    if (h->reset_at_s < r->reset_at_s - RESET_SLACK_S)
        return is_alone ? AGE_NEW : AGE_OLD;
    return AGE_SAME;
}

static void learn_window(struct rate *r, const struct rate_headers *h, bool is_alone, wall_ms_t wall_now,
                         mono_ms_t now)
{
    enum age age = age_of(r, h, is_alone, now);
    int64_t remaining = clamp(h->remaining, 0, COUNT_MAX);
    mono_ms_t end = end_of_window(h, wall_now, now);

    if (age == AGE_OLD)
        return;
    if (age == AGE_NEW) {
        r->left = remaining;
        r->reset_at_s = h->reset_at_s;
        r->window_end = end < 0 ? now + WINDOW_MS : end;
        r->others_last_n = r->others_n;
        r->answered_n = 0;
        r->counted_left = r->limit > 0 ? r->limit : remaining + 1;
        r->counted_from = r->limit > 0 ? r->window_end - WINDOW_MS : now;
    }
    /* Sent when nothing else was under way: no other answer can know better. */
    if (is_alone || remaining < r->left)
        r->left = remaining;
    if (end >= 0 && end < r->window_end)
        r->window_end = end;
    if (h->limit > 0)
        r->limit = clamp(h->limit, 1, COUNT_MAX);
    else if (r->limit == 0)
        r->limit = remaining > RATE_ASSUMED ? remaining : RATE_ASSUMED;
    r->answered_n++;
    if (r->left > 0) /* once it is used up, what we send no longer shows in it */
        r->others_n = r->counted_left - r->left - r->answered_n - r->in_flight;
}

/* Remembered at its lowest, like left, until an answer comes that knows better. */
static void learn_burst(struct rate *r, int64_t remaining, bool is_alone)
{
    if (is_alone || r->burst < 0 || remaining < r->burst)
        r->burst = clamp(remaining, 0, COUNT_MAX);
}

/* An answer without the headers, or none at all: Front may have counted the request. */
static void learn_nothing(struct rate *r, mono_ms_t now)
{
    if (r->left > 0)
        r->left--;
    if (now > r->window_end + WINDOW_MS)
        r->limit = 0;
}

static void learn_refusal(struct rate *r, const struct rate_headers *h, struct resource *s, mono_ms_t now)
{
    int64_t pause = h->retry_after_ms;

    r->refused_n++;
    if (pause < 0) {
        pause = SECOND_MS << (r->refused_row < 6 ? r->refused_row : 6);
        r->refused_row++;
    }
    pause = clamp(pause, 0, PAUSE_MAX_MS);
    if (r->pause_until < now + pause)
        r->pause_until = now + pause;
    for (unsigned i = 0; s && i < r->per_resource; i++)
        s->sent_at[i] = now;
}

static int64_t sane_time(int64_t at_s)
{
    return at_s > 0 && at_s < TIME_SANE_S ? at_s : -1;
}

void rate_learn(struct rate *r, const struct rate_headers *said, struct span resource, wall_ms_t wall_now,
                mono_ms_t now)
{
    struct rate_headers sane = *said, *h = &sane;

    must(r->in_flight > 0);
    h->reset_at_s = sane_time(h->reset_at_s);
    h->date_s = sane_time(h->date_s);
    bool is_alone = r->together_n == 1;
    if (--r->in_flight == 0)
        r->together_n = 0;
    if (h->status != 0) {
        r->has_answer = true;
        r->answer_at = now;
    }
    if (h->status == 429)
        learn_refusal(r, h, resource_get(r, resource), now);
    else if (h->status != 0)
        r->refused_row = 0;
    if (h->status == 503 && h->retry_after_ms > 0)
        r->pause_until = now + clamp(h->retry_after_ms, 0, PAUSE_MAX_MS);
    if (h->burst_remaining >= 0)
        learn_burst(r, h->burst_remaining, is_alone);
    if (h->remaining >= 0)
        learn_window(r, h, is_alone, wall_now, now);
    else
        learn_nothing(r, now);
}

struct rate_view rate_view(const struct rate *r, mono_ms_t now)
{
    int64_t pause = r->pause_until - now;
    int64_t remaining = r->limit > 0 ? r->left - r->in_flight : 0;

    return (struct rate_view){.limit = r->limit,
                              .remaining = remaining > 0 ? remaining : 0,
                              .pause_ms = pause > 0 ? pause : 0,
                              .refused_n = r->refused_n};
}
