/* One form for sentences and times in every answer. */
#include "admin/ops_answer.h"

void ops_write_word(struct buf *out, const char *key, const char *value)
{
    struct jout j;

    jout_init(&j, out);
    jout_object(&j);
    jout_kv_str(&j, key, value);
    jout_object_end(&j);
}

void ops_kv_time(struct jout *j, const char *key, wall_ms_t at)
{
    char text[25];

    if (at <= 0 || at == INT64_MAX)
        return;
    clock_iso(at, text);
    jout_kv_str(j, key, text);
}
