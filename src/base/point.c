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

/* parse reads NAME=kill, NAME=kill:N or NAME=sleep:MS; a test that mistypes must not pass. */
static void parse(void)
{
    const char *text = getenv("FRONT_BRIDGE_POINT");
    if (!text || !*text)
        return;
    const char *action = strchr(text, '=');
    must(action && (size_t)(action - text) < sizeof point.name &&
         "FRONT_BRIDGE_POINT is NAME=kill[:N] or NAME=sleep:MS");
    memcpy(point.name, text, (size_t)(action - text));
    point.is_kill = strncmp(action, "=kill", 5) == 0;
    must((point.is_kill || strncmp(action, "=sleep:", 7) == 0) &&
         "the action of FRONT_BRIDGE_POINT is kill or sleep:MS");
    const char *value = strchr(action, ':');
    point.value = value ? strtol(value + 1, NULL, 10) : 1;
    must(point.value > 0 && "the number in FRONT_BRIDGE_POINT is positive");
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
