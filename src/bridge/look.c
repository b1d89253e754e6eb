/*
 * Decides the order of questions. A source that was closed once stays closed: it costs one question, not three.
 * Invariant: LOOK_ABSENT only after the last pass, with a source read to its end and no candidate left unseen.
 */
#include "bridge/look.h"
#include "base/err.h"

/* Front answers 202 before the message exists. */
static const int64_t pass_at_ms[LOOK_PASSES] = {2000, 5000, 15000};

void look_init(struct look *l, bool has_conversation, mono_ms_t lost_at, mono_ms_t now)
{
    *l = (struct look){.lost_at = lost_at, .is_closed[LOOK_CONVERSATION] = !has_conversation};
    while (l->pass < LOOK_PASSES - 1 && now >= lost_at + pass_at_ms[l->pass + 1])
        l->pass++;
}

static bool is_last(const struct look *l)
{
    return l->pass == LOOK_PASSES - 1;
}

static bool is_wanted(const struct look *l)
{
    if (l->source == LOOK_SOURCE_N || l->is_closed[l->source])
        return false;
    return l->source == LOOK_CONVERSATION || is_last(l) || !l->is_read[LOOK_CONVERSATION];
}

static void next_source(struct look *l)
{
    l->source++;
    l->page_n = 0;
}

static void next_pass(struct look *l)
{
    l->pass++;
    l->source = LOOK_CONVERSATION;
    l->page_n = 0;
    for (unsigned i = 0; i < LOOK_SOURCE_N; i++)
        l->is_read[i] = false;
}

static enum look_next conclude(const struct look *l)
{
    return l->is_read[LOOK_CONVERSATION] || l->is_read[LOOK_EVENTS] ? LOOK_ABSENT : LOOK_IMPOSSIBLE;
}

enum look_next look_next(struct look *l, mono_ms_t now, mono_ms_t *at)
{
    if (l->is_found)
        return LOOK_FOUND;
    if (l->is_away)
        return LOOK_LATER;
    *at = l->lost_at + pass_at_ms[l->pass];
    if (now < *at)
        return LOOK_WAIT;
    if (l->candidate_n > 0)
        return LOOK_CANDIDATE;
    while (l->source != LOOK_SOURCE_N && !is_wanted(l))
        next_source(l);
    if (l->source != LOOK_SOURCE_N)
        return LOOK_PAGE;
    if (is_last(l))
        return conclude(l);
    next_pass(l);
    *at = l->lost_at + pass_at_ms[l->pass];
    return now < *at ? LOOK_WAIT : look_next(l, now, at);
}

static void close_source(struct look *l)
{
    l->is_closed[l->source] = true;
    l->is_read[l->source] = false;
    next_source(l);
}

void look_close(struct look *l)
{
    for (unsigned i = 0; i < LOOK_SOURCE_N; i++) {
        l->is_closed[i] = true;
        l->is_read[i] = false;
    }
    l->candidate_n = 0;
    l->source = LOOK_SOURCE_N;
}

void look_page(struct look *l, enum look_answer a, unsigned candidate_n)
{
    must(l->source != LOOK_SOURCE_N);
    l->is_found = a == LOOK_IS_IT;
    l->is_away = a == LOOK_NOT_NOW;
    l->candidate_n = candidate_n;
    if (a == LOOK_CLOSED || (a == LOOK_MORE && ++l->page_n == LOOK_PAGES_MAX)) {
        l->candidate_n = 0;
        close_source(l);
    } else if (a == LOOK_END) {
        l->is_read[l->source] = true;
        next_source(l);
    }
}

/* A candidate that we are not let see leaves the question open: what was read says nothing then. */
void look_candidate(struct look *l, enum look_answer a)
{
    must(l->candidate_n > 0);
    l->candidate_n--;
    l->is_found = l->is_found || a == LOOK_IS_IT;
    l->is_away = l->is_away || a == LOOK_NOT_NOW;
    if (a == LOOK_CLOSED)
        look_close(l);
}
