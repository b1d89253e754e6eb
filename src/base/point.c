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

static struct {
    char name[64]; /* empty: no point is set */
    bool is_kill;
    long value; /* kill: at which visit; sleep: milliseconds */
    atomic_long visits;
} point;

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* number reads the N behind a colon; 0 if there is something else. */
static long number(const char *text)
{
    char *end;
    const long n = *text == ':' ? strtol(text + 1, &end, 10) : 0;
    return n && *end == '\0' ? n : 0;
}

/* parse reads NAME=kill, NAME=kill:N or NAME=sleep:MS; a test that mistypes must not pass. */
static void parse(void)
{
    const char *text = getenv("FRONT_BRIDGE_POINT");
    if (!text || !*text)
        return;
    const char *action = strchrnul(text, '=');
    const size_t name_bytes = (size_t)(action - text);
    point.is_kill = strncmp(action, "=kill", 5) == 0;
    if (point.is_kill)
        point.value = action[5] ? number(action + 5) : 1;
    else if (strncmp(action, "=sleep", 6) == 0)
        point.value = number(action + 6);
    const bool is_front_bridge_point_well_written = point.value > 0 && name_bytes < sizeof point.name;
    must(is_front_bridge_point_well_written);
    memcpy(point.name, text, name_bytes);
}

static void stall(long ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0)
        ;
}

void point_reached(const char *name)
{
    pthread_once(&once, parse);
    if (strcmp(name, point.name) != 0)
        return;
    if (!point.is_kill)
        stall(point.value);
    else if (atomic_fetch_add(&point.visits, 1) + 1 == point.value)
        kill(getpid(), SIGKILL);
}
#endif
