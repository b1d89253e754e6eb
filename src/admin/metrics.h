/*
 * The bridge in Prometheus' text format. The names are a contract (README, "Metrics"); labels are bounded by
 * the configuration and by our own enums, never by what comes from outside.
 */
#ifndef ADMIN_METRICS_H
#define ADMIN_METRICS_H

#include "bridge/channel.h"

/* metrics_write appends everything; stats is a finished store_stats, or NULL while the store does not answer.
 */
void metrics_write(struct buf *out, const struct bridge *b, const struct store_stats *stats);

#endif
