/*
 * Forks, loads, reports through a pipe. Decides nothing: the rules are the loader's and the module's own.
 */
#include "bridge/preflight.h"
#include "base/json.h"
#include "base/mem.h"
#include "host/loader.h"
#include "host/settings.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REPORT_MAX = 16 << 20 };
