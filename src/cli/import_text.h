/* How an import is going, as text for people: counts, a bar, a pace and a forecast. Pure. */
#ifndef CLI_IMPORT_TEXT_H
#define CLI_IMPORT_TEXT_H

#include "base/buf.h"
#include "base/clock.h"
#include <stdint.h>

enum { IMPORT_PACE_SAMPLES = 64, IMPORT_PACE_EVERY_MS = 5000, IMPORT_PACE_LEAST_MS = 20000 };

/* How fast something has gone lately: a sample every five seconds, so over the last five minutes. */
struct import_pace {
    struct {
        mono_ms_t at;
        uint64_t done;
    } sample[IMPORT_PACE_SAMPLES];
    unsigned n, next;
};
void import_pace_add(struct import_pace *p, uint64_t done, mono_ms_t now);
/* A minute's worth; -1: it was not watched for long enough. */
double import_pace_per_minute(const struct import_pace *p, uint64_t done, mono_ms_t now);

struct import_progress {
    const char *what; /* the channel, or the file */
    uint64_t done, total;
    const char *of_what;     /* "lines", "sent" */
    double per_minute;       /* -1: not known */
    int64_t plan_per_minute; /* what is gone by while it is not; 0: not known either */
    unsigned bad_n;
};
/* One line of at most `width` characters, without a line break; a bar in it if it is for a terminal. */
void import_text_progress(struct buf *out, const struct import_progress *p, bool has_bar, size_t width);
/* import_text_forecast appends "about 16h at 96 a minute", or why there is none. */
void import_text_forecast(struct buf *out, uint64_t left, double per_minute, int64_t plan_per_minute);
/* import_text_count appends "1,234,567". */
void import_text_count(struct buf *out, uint64_t n);

#endif
