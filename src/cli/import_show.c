/* What front-bridge import says while it works: a bar on a terminal, a line now and then elsewhere. */
#include "cli/import.h"
#include "cli/text.h"
#include <stdio.h>

enum {
    TERMINAL_MS = 200, /* between two looks of the bar */
    LOG_MS = 10000,    /* and between two lines of it on a pipe */
    WIDTH = 79,
};

void import_clear_bar(const struct import *m)
{
    if (m->is_terminal)
        fputs("\r\033[K", stderr);
}

void import_show(struct import *m, const struct import_progress *p, bool is_last)
{
    mono_ms_t now = clock_mono_ms();
    struct buf line;

    if (!is_last && now - m->shown_at < (m->is_terminal ? TERMINAL_MS : LOG_MS))
        return;
    m->shown_at = now;
    buf_init(&line, 1024);
    import_text_progress(&line, p, m->is_terminal, WIDTH);
    import_clear_bar(m);
    fprintf(stderr, m->is_terminal ? "%s" : "%s\n", line.p);
    if (is_last && m->is_terminal)
        fputc('\n', stderr);
    fflush(stderr);
    buf_fini(&line);
}

void import_show_reading(struct import *m)
{
    uint64_t total = m->file_bytes && m->lines.read_n
                         ? (uint64_t)((double)m->line_n * (double)m->file_bytes / (double)m->lines.read_n)
                         : 0;
    mono_ms_t now = clock_mono_ms();

    import_pace_add(&m->pace, m->line_n, now);
    import_show(m,
                &(struct import_progress){.what = m->file,
                                          .done = m->line_n,
                                          .total = total > m->line_n ? total : m->line_n,
                                          .of_what = "lines read",
                                          .per_minute = import_pace_per_minute(&m->pace, m->line_n, now),
                                          .bad_n = (unsigned)m->bad_n},
                false);
}

void import_say_bad(struct import *m, uint64_t number, struct span reason)
{
    struct buf out, safe;
    struct jout j;

    m->bad_n++;
    import_clear_bar(m);
    buf_init(&out, IMPORT_WHY_MAX);
    buf_init(&safe, IMPORT_WHY_MAX);
    if (m->is_json) {
        jout_init(&j, &out);
        jout_object(&j);
        jout_kv_i64(&j, "line", (int64_t)number);
        jout_kv_span(&j, "bad", reason);
        jout_object_end(&j);
    } else {
        text_add_safe(&safe, reason);
        buf_addf(&out, "%s:%llu: %s", m->file, (unsigned long long)number, safe.p ? safe.p : "");
    }
    puts(out.p);
    buf_fini(&out);
    buf_fini(&safe);
}
