/* One form for sentences and times in every answer. */
#include "admin/ops_answer.h"
#include <stdio.h>

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

void ops_fail_list(ops_done_fn *done, void *arg, int status, const char *fmt, va_list args)
{
    char sentence[1024];
    struct buf out;

    vsnprintf(sentence, sizeof sentence, fmt, args);
    buf_init(&out, 8192);
    ops_write_word(&out, "error", sentence);
    done(status, buf_span(&out), arg);
    buf_fini(&out);
}

void ops_fail(ops_done_fn *done, void *arg, int status, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    ops_fail_list(done, arg, status, fmt, args);
    va_end(args);
}

void ops_fail_store(ops_done_fn *done, void *arg, const struct store *store)
{
    struct buf why;

    buf_init(&why, 2048);
    store_reason(store, &why);
    ops_fail(done, arg, 503, "The store does not work: %.400s",
             why.n ? why.p : "it is being closed; try again");
    buf_fini(&why);
}
