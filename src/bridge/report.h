/*
 * Late failures: the agent heard success, and the message failed for good after all. The agent is told, once
 * a message.
 *
 * How: PUT status `failed` where Front takes it (application channels), else a comment on the conversation,
 * which is reopened. When one cause fails more than REPORT_CAUSE_MAX messages of a channel in a minute, the
 * rest of them is one alert in log and metrics: a backend that is down must not reopen five hundred
 * conversations. Invariant: a report stands in the store until it is done with; a comment that was begun before, and
 * whose end nobody saw, is looked for in the conversation. What cannot be looked for is told again rather than not at all.
 */
#ifndef BRIDGE_REPORT_H
#define BRIDGE_REPORT_H

#include "bridge/channel.h"

enum { REPORT_CAUSE_MAX = 5, REPORT_CAUSES = 8, REPORT_CAUSE_BYTES = 120 };

/* How often each cause failed lately. Pure. */
struct report_causes {
    struct report_cause {
        char text[REPORT_CAUSE_BYTES];
        mono_ms_t since;
        unsigned n;
    } cause[REPORT_CAUSES];
};
/* report_count counts one more failure of this cause and gives how many it were in this minute. */
unsigned report_count(struct report_causes *c, struct span cause, mono_ms_t now);

struct reporter *reporter_new(struct channel *ch);
void reporter_free(struct reporter *r);
/* reporter_soon says that there is something to tell. */
void reporter_soon(struct reporter *r);
/* reporter_tick asks the store for what is to be told, when that is due. */
void reporter_tick(struct reporter *r, wall_ms_t now);
unsigned reporter_busy_n(const struct reporter *r); /* calls under way */

#endif
