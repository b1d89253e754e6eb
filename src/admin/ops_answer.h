/* What the answers to operators' requests have in common. Inside src/admin only. */
#ifndef ADMIN_OPS_ANSWER_H
#define ADMIN_OPS_ANSWER_H

#include "admin/ops.h"
#include "base/clock.h"
#include "base/json.h"
#include <stdarg.h>

/* ops_write_word appends {"KEY":"VALUE"}, such as {"error":"one sentence"}. */
void ops_write_word(struct buf *out, const char *key, const char *value);
/* ops_kv_time writes a time as people read it; nothing for one that is not set or never comes. */
void ops_kv_time(struct jout *j, const char *key, wall_ms_t at);
/* ops_fail answers with a sentence, ops_fail_store with the store's reason for not working. */
void ops_fail(ops_done_fn *done, void *arg, int status, const char *fmt, ...) PRINTF_LIKE(4, 5);
void ops_fail_list(ops_done_fn *done, void *arg, int status, const char *fmt, va_list args)
    __attribute__((format(printf, 4, 0)));
void ops_fail_store(ops_done_fn *done, void *arg, const struct store *store);

#endif
