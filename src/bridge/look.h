/*
 * Looking before posting again: the answer to a POST was lost, and Front may have the message. Which source is
 * asked when, and what follows from the answers. Pure.
 *
 * Shape: passes, apart from each other as Front may need time to create what it accepted. A pass reads the
 * conversation, where it is known, and the inbox's events: these where the conversation said nothing, and in the
 * last pass in any case. Found in any pass is found; not there is only believed in the last one, and only if a
 * source was read to its end.
 */
#ifndef BRIDGE_LOOK_H
#define BRIDGE_LOOK_H

#include "base/clock.h"
#include <stdbool.h>

enum { LOOK_PASSES = 3, LOOK_PAGES_MAX = 20 };

enum look_source { LOOK_CONVERSATION, LOOK_EVENTS, LOOK_SOURCE_N };

struct look {
    mono_ms_t lost_at;
    unsigned pass, page_n;
    enum look_source source;
    bool is_closed[LOOK_SOURCE_N]; /* it is not there, or Front does not let us see it */
    bool is_read[LOOK_SOURCE_N];   /* to its end, in this pass */
    bool is_found, is_away;
    unsigned candidate_n; /* messages to be looked at one by one before the source goes on */
};

enum look_next {
    LOOK_WAIT,      /* until *at */
    LOOK_PAGE,      /* ask look->source for its next page */
    LOOK_CANDIDATE, /* ask for one of the candidates */
    LOOK_FOUND,
    LOOK_ABSENT,     /* it may be posted again */
    LOOK_LATER,      /* Front cannot be asked now */
    LOOK_IMPOSSIBLE, /* nobody will ever know */
};

enum look_answer {
    LOOK_IS_IT,
    LOOK_MORE,    /* not on this page, and there is another one */
    LOOK_END,     /* not there, and that was all */
    LOOK_CLOSED,  /* refused, missing, or not to be read */
    LOOK_NOT_NOW, /* no answer, or told to come later */
};

/* lost_at: when the answer was lost. Passes whose time is over by now are one. */
void look_init(struct look *l, bool has_conversation, mono_ms_t lost_at, mono_ms_t now);
enum look_next look_next(struct look *l, mono_ms_t now, mono_ms_t *at);
/* look_page takes the answer to a page: candidate_n messages of it may be ours too. */
void look_page(struct look *l, enum look_answer a, unsigned candidate_n);
/* look_close says that no source can tell: whoever confirms the message meanwhile is what is left. */
void look_close(struct look *l);
/* look_candidate takes the answer for one of them. */
void look_candidate(struct look *l, enum look_answer a);

#endif
