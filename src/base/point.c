/* Ends or stalls the process at a named point, as a test asked in the environment; empty in other builds. */
#include "base/point.h"

#ifdef FB_TEST_POINTS
#include "base/err.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { POINTS_MAX = 2 };

static struct point {
    char name[64];
    bool is_kill;
    long visit; /* at which it happens; 0: at each */
    long ms;    /* sleep */
    atomic_long visits;
} points[POINTS_MAX];

static size_t point_n;

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* number reads the N behind a colon, and moves on behind it; -1 if there is something else. */
static long number(const char **text)
{
    char *end;
    const long n = **text == ':' ? strtol(*text + 1, &end, 10) : 0;
    if (n <= 0)
        return -1;
    *text = end;
    return n;
}

/* parse_one reads NAME=kill, NAME=kill:N, NAME=sleep:MS or NAME=sleep:MS:N; a test that mistypes must not pass. */
static const char *parse_one(const char *text)
{
    must(point_n < POINTS_MAX);
    struct point *p = &points[point_n++];
    const char *action = strchrnul(text, '=');
    const size_t name_bytes = (size_t)(action - text);
    const bool is_sleep = strncmp(action, "=sleep", 6) == 0;
    p->is_kill = strncmp(action, "=kill", 5) == 0;
    const char *end = action + (is_sleep ? 6 : p->is_kill ? 5 : 0);
    if (is_sleep)
        p->ms = number(&end);
    p->visit = *end == ':' ? number(&end) : p->is_kill;
    const bool is_front_bridge_point_well_written = (is_sleep || p->is_kill) && p->ms >= 0 && p->visit >= 0 &&
                                                    (!*end || *end == ',') && name_bytes < sizeof p->name;
    must(is_front_bridge_point_well_written);
    memcpy(p->name, text, name_bytes);
    return end;
}

static void parse(void)
{
    const char *text = getenv("FRONT_BRIDGE_POINT");
    while (text && *text)
        text = parse_one(*text == ',' ? text + 1 : text);
}

static void stall(long ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0)
        ;
}

static void reach(struct point *p)
{
    const long visit = atomic_fetch_add(&p->visits, 1) + 1;
    if (p->visit && visit != p->visit)
        return;
    if (p->is_kill)
        kill(getpid(), SIGKILL);
    else
        stall(p->ms);
}

void point_reached(const char *name)
{
    pthread_once(&once, parse);
    for (size_t i = 0; i < point_n; i++)
        if (strcmp(name, points[i].name) == 0)
            reach(&points[i]);
}
#endif
