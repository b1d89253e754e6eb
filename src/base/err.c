/* The end of a process that met the impossible. */
#include "base/err.h"
#include "base/log.h"
#include <stdio.h>
#include <stdlib.h>

_Noreturn void must_failed(const char *cond, const char *file, int line)
{
    log_last_words();
    fprintf(stderr, "front-bridge: this cannot be: \"%s\" is false at %s:%d; please report it.\n", cond, file,
            line);
    abort();
}
