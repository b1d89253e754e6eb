/* The words for errors, and the end of a process that met the impossible. */
#include "base/err.h"
#include "base/log.h"
#include <stdio.h>
#include <stdlib.h>

const char *err_text(enum err e)
{
    static const char *const text[] = {
        [OK] = "fine",
        [ERR_INVALID] = "not valid",
        [ERR_LIMIT] = "larger than allowed",
        [ERR_NOT_FOUND] = "not found",
        [ERR_CONFLICT] = "not possible in this state",
        [ERR_FULL] = "no room now, try again later",
        [ERR_DENIED] = "not allowed",
        [ERR_IO] = "a file, socket or database failed",
        [ERR_CANCELLED] = "cancelled",
    };
    return (unsigned)e < sizeof text / sizeof text[0] ? text[e] : "unknown error";
}

_Noreturn void must_failed(const char *cond, const char *file, int line)
{
    log_last_words();
    fprintf(stderr, "front-bridge: this cannot be: \"%s\" is false at %s:%d; please report it.\n", cond, file,
            line);
    abort();
}
