/*
 * Whether a channel is to be shown as offline in Front. Pure: time is an argument.
 *
 * Offline: for OUTAGE_OFFLINE_AFTER_MS its adapter has not been up or its backend could not be reached, or one cause
 * has failed so many messages that it is an alert (report.h). Online again: for OUTAGE_OK_AFTER_MS nothing of that
 * holds. An alert holds until a message got through and OUTAGE_CALM_MS passed without another failure. A backend
 * that nobody has tried for OUTAGE_QUIET_MS is taken for reachable, and an alert for over: while the channel is
 * offline perhaps no agent writes, and only a message can show that it works.
 */
#ifndef BRIDGE_OUTAGE_H
#define BRIDGE_OUTAGE_H

#include "base/clock.h"
#include <stdbool.h>

enum {
    OUTAGE_OFFLINE_AFTER_MS = 10 * 1000,
    OUTAGE_OK_AFTER_MS = 15 * 1000,
    OUTAGE_CALM_MS = 60 * 1000,
    OUTAGE_QUIET_MS = 5 * 60 * 1000,
};

struct outage {
    bool is_bad; /* since `since`; else it has been good since then */
    bool is_alerted, has_worked;
    mono_ms_t since, failed_at;
};

void outage_init(struct outage *o, mono_ms_t now);
/* What deliveries tell: the backend could not be reached, or a message failed for good; one got through; an alert. */
void outage_failed(struct outage *o, mono_ms_t now);
void outage_worked(struct outage *o);
void outage_alert(struct outage *o, mono_ms_t now);

/* outage_wants says whether Front should show the channel as offline, which it does now if is_offline. To be asked
 * every second or so. */
bool outage_wants(struct outage *o, bool is_up, bool is_unreachable, bool is_offline, mono_ms_t now);
/* outage_is_certain says whether it would be called an outage by what was seen since outage_init. */
bool outage_is_certain(const struct outage *o, mono_ms_t now);

#endif
