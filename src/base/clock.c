/* Reads the clocks and writes times for people; it knows no time zone but UTC. */
#include "base/clock.h"
#include <string.h>
#include <time.h>

static int64_t read_ms(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * SECOND_MS + t.tv_nsec / 1000000;
}

wall_ms_t clock_wall_ms(void)
{
    return read_ms(CLOCK_REALTIME);
}

mono_ms_t clock_mono_ms(void)
{
    return read_ms(CLOCK_MONOTONIC);
}

struct timeval clock_tv(int64_t delay_ms)
{
    if (delay_ms < 0)
        delay_ms = 0;
    return (struct timeval){.tv_sec = delay_ms / SECOND_MS, .tv_usec = delay_ms % SECOND_MS * 1000};
}

static void put(char *at, unsigned digits, int64_t value)
{
    while (digits--) {
        at[digits] = (char)('0' + value % 10);
        value /= 10;
    }
}

/* Days since 1970 to a date, by eras of 400 years that begin in March, so that the leap day comes last. */
static void put_date(char *at, int64_t days)
{
    const int64_t shifted = days + 719468; /* since 0000-03-01 */
    const int64_t era = shifted / 146097, day_of_era = shifted % 146097;
    const int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t month_from_march = (5 * day_of_year + 2) / 153;
    const int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;

    put(at, 4, era * 400 + year_of_era + (month <= 2));
    put(at + 5, 2, month);
    put(at + 8, 2, day_of_year - (153 * month_from_march + 2) / 5 + 1);
}

void clock_iso(wall_ms_t at, char out[25])
{
    static const wall_ms_t first = INT64_C(-62135596800000); /* 0001-01-01 */
    static const wall_ms_t last = INT64_C(253402300799999);  /* 9999-12-31 */
    if (at < first)
        at = first;
    if (at > last)
        at = last;

    int64_t days = at / DAY_MS, ms = at % DAY_MS;
    if (ms < 0) {
        ms += DAY_MS;
        days--;
    }
    memcpy(out, "0000-00-00T00:00:00.000Z", 25);
    put_date(out, days);
    put(out + 11, 2, ms / HOUR_MS);
    put(out + 14, 2, ms / MINUTE_MS % 60);
    put(out + 17, 2, ms / SECOND_MS % 60);
    put(out + 20, 3, ms % SECOND_MS);
}
