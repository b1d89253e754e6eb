/* Hysteresis. It knows no channel, and tells nobody. */
#include "bridge/outage.h"

void outage_init(struct outage *o, mono_ms_t now)
{
    *o = (struct outage){.since = now, .failed_at = now};
}

void outage_failed(struct outage *o, mono_ms_t now)
{
    o->failed_at = now;
    o->has_worked = false;
}

void outage_worked(struct outage *o)
{
    o->has_worked = true;
}

void outage_alert(struct outage *o, mono_ms_t now)
{
    outage_failed(o, now);
    o->is_alerted = true;
}

bool outage_is_certain(const struct outage *o, mono_ms_t now)
{
    return o->is_alerted || (o->is_bad && now - o->since >= OUTAGE_OFFLINE_AFTER_MS);
}

bool outage_wants(struct outage *o, bool is_up, bool is_unreachable, bool is_offline, mono_ms_t now)
{
    int64_t quiet = now - o->failed_at;

    if (quiet >= OUTAGE_QUIET_MS || (o->has_worked && quiet >= OUTAGE_CALM_MS))
        o->is_alerted = false;
    bool is_bad = !is_up || (is_unreachable && quiet < OUTAGE_QUIET_MS) || o->is_alerted;
    if (is_bad != o->is_bad) {
        o->is_bad = is_bad;
        o->since = now;
    }
    if (is_offline)
        return is_bad || now - o->since < OUTAGE_OK_AFTER_MS;
    return outage_is_certain(o, now);
}
