/* Words and figures. What is not known is not said. */
#include "cli/import_text.h"
#include "cli/text.h"
#include <stdio.h>

enum { BAR_WIDTH = 20, LINE_BYTES_MAX = 1024 };

/* ---- Pace ---- */

void import_pace_add(struct import_pace *p, uint64_t done, mono_ms_t now)
{
    unsigned last = (p->next + IMPORT_PACE_SAMPLES - 1) % IMPORT_PACE_SAMPLES;

    if (p->n > 0 && now - p->sample[last].at < IMPORT_PACE_EVERY_MS)
        return;
    p->sample[p->next].at = now;
    p->sample[p->next].done = done;
    p->next = (p->next + 1) % IMPORT_PACE_SAMPLES;
    if (p->n < IMPORT_PACE_SAMPLES)
        p->n++;
}

double import_pace_per_minute(const struct import_pace *p, uint64_t done, mono_ms_t now)
{
    if (p->n == 0)
        return -1;
    unsigned first = (p->next + IMPORT_PACE_SAMPLES - p->n) % IMPORT_PACE_SAMPLES;
    mono_ms_t since = now - p->sample[first].at;
    if (since < IMPORT_PACE_LEAST_MS || done < p->sample[first].done)
        return -1;
    return (double)(done - p->sample[first].done) * (double)MINUTE_MS / (double)since;
}

/* ---- Text ---- */

void import_text_count(struct buf *out, uint64_t n)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);

    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            buf_add_char(out, ',');
        buf_add_char(out, digits[i]);
    }
}

static void add_pace(struct buf *out, double per_minute)
{
    if (per_minute >= 600)
        buf_addf(out, "%.0f a second", per_minute / 60);
    else if (per_minute >= 1)
        buf_addf(out, "%.0f a minute", per_minute);
    else
        buf_addf(out, "%.1f an hour", per_minute * 60);
}

void import_text_forecast(struct buf *out, uint64_t left, double per_minute, int64_t plan_per_minute)
{
    double pace = per_minute >= 0 ? per_minute : (double)plan_per_minute;

    if (left == 0) {
        buf_add_str(out, "nothing left");
    } else if (pace > 0) {
        buf_add_str(out, "about ");
        text_add_duration(out, (int64_t)((double)left / pace * (double)MINUTE_MS));
        buf_add_str(out, per_minute >= 0 ? " at " : " at the plan's ");
        add_pace(out, pace);
    } else {
        buf_add_str(out, per_minute < 0 ? "no forecast yet" : "nothing has moved lately");
    }
}

static void add_bar(struct buf *out, double part)
{
    int filled = (int)(part * BAR_WIDTH);

    buf_add_char(out, '[');
    for (int i = 0; i < BAR_WIDTH; i++)
        buf_add_char(out, i < filled ? '#' : '-');
    buf_add_str(out, "] ");
}

void import_text_progress(struct buf *out, const struct import_progress *p, bool has_bar, size_t width)
{
    double part = p->total > 0 ? (double)p->done / (double)p->total : 0;
    struct buf line;

    buf_init(&line, LINE_BYTES_MAX);
    text_add_safe(&line, text_cut(span_of(p->what), 40, 1));
    buf_add_str(&line, ": ");
    if (has_bar && p->total > 0)
        add_bar(&line, part > 1 ? 1 : part);
    if (p->total > 0)
        buf_addf(&line, "%.1f %%, ", (part > 1 ? 1 : part) * 100);
    import_text_count(&line, p->done);
    if (p->total > 0) {
        buf_add_str(&line, " of ");
        import_text_count(&line, p->total);
    }
    buf_addf(&line, " %s, ", p->of_what);
    if (p->bad_n > 0)
        buf_addf(&line, "%u bad, ", p->bad_n);
    import_text_forecast(&line, p->total > p->done ? p->total - p->done : 0, p->per_minute,
                         p->plan_per_minute);
    buf_add_span(out, text_cut(buf_span(&line), width, 1));
    buf_fini(&line);
}
