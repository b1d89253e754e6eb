/*
 * Time. What is stored is wall time, what a timer waits for is monotonic; both are milliseconds.
 * Pure modules take `now` as an argument and never call these.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <sys/time.h>

typedef int64_t wall_ms_t; /* since 1970-01-01 UTC; may jump */
typedef int64_t mono_ms_t; /* since some start; never goes back */

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)

wall_ms_t clock_wall_ms(void);
mono_ms_t clock_mono_ms(void);

/* clock_tv turns a delay into a timeval for libevent; less than nothing becomes nothing. */
struct timeval clock_tv(int64_t delay_ms);

/* clock_iso writes "2026-01-31T12:00:00.123Z" into out (25 bytes). */
void clock_iso(wall_ms_t at, char out[25]);

#endif
