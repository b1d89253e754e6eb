/*
 * History, as operators import it.
 *
 *   POST /api/v1/imports?channel=NAME   lines of history (front/history.h), one JSON object a line
 *   GET  /api/v1/imports?channel=NAME   how far the history of this channel is, or of every one that has some
 *
 * A post answers {"lines":…,"stored":…,"known":…,"bad":[{"line":…,"reason":…}]}: known are lines that are there
 * already, bad those that are not taken; the others go on. 429: there is no room for the good ones, and none of them was
 * stored. What was answered is durable.
 *
 * Thread: the loop's. Cost: a parse of the lines and one commit.
 */
#ifndef ADMIN_OPS_IMPORT_H
#define ADMIN_OPS_IMPORT_H

#include "admin/ops.h"
#include "front/history.h"
#include "store/import.h"

enum { OPS_IMPORT_LINES_MAX = STORE_IMPORT_MAX, OPS_IMPORT_BODY_MAX = HISTORY_LINE_MAX + (1 << 20) };

/* rest is what follows /api/v1/imports; body must last until done. */
void ops_import_run(const struct ops_context *x, struct span method, struct span rest, struct span query,
                    struct span body, ops_done_fn *done, void *arg);

#endif
