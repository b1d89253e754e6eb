/*
 * Operators' requests about a channel: POST /api/v1/channels/NAME/resume opens one again that Front has deleted.
 * 409 if it is not deleted, 404 if there is no such channel. Inside src/admin only.
 */
#ifndef ADMIN_OPS_CHANNEL_H
#define ADMIN_OPS_CHANNEL_H

#include "admin/ops.h"

/* ops_channel_run answers one request; rest is what follows "/api/v1/channels". */
void ops_channel_run(const struct ops_context *x, struct span method, struct span rest, ops_done_fn *done,
                     void *arg);

#endif
