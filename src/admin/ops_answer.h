/* What the answers to operators' requests have in common. Pure; inside src/admin only. */
#ifndef ADMIN_OPS_ANSWER_H
#define ADMIN_OPS_ANSWER_H

#include "base/clock.h"
#include "base/json.h"

/* ops_write_word appends {"KEY":"VALUE"}, such as {"error":"one sentence"}. */
void ops_write_word(struct buf *out, const char *key, const char *value);
/* ops_kv_time writes a time as people read it; nothing for one that is not set or never comes. */
void ops_kv_time(struct jout *j, const char *key, wall_ms_t at);

#endif
