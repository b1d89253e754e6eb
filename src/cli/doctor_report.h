/*
 * What `doctor` has found: a list of checks, each made when it begins and answered once, so that their order
 * is the same whatever comes back first. Pure.
 *
 * Texts may hold words from outside; they are made safe for a terminal when they are printed. No secret is
 * ever put into one.
 */
#ifndef CLI_DOCTOR_REPORT_H
#define CLI_DOCTOR_REPORT_H

#include "base/json.h"

enum finding_level {
    FINDING_OPEN = 0, /* not answered yet */
    FINDING_OK,
    FINDING_NOTE, /* cannot be seen from here, or was not looked at */
    FINDING_WARNING,
    FINDING_PROBLEM,
    FINDING_LEVELS
};

struct finding {
    enum finding_level level;
    char *subject; /* "account main" */
    char *check;   /* "token" */
    char *text;    /* what is so */
    char *cure;    /* what to do; NULL: nothing */
};

struct findings {
    struct finding **item;
    size_t n;
};

/* findings_add begins a check. The finding stays where it is until findings_fini. */
struct finding *findings_add(struct findings *list, const char *check, const char *subject, ...)
    PRINTF_LIKE(3, 4);
void findings_fini(struct findings *list);
/* finding_say answers a check, again if it has an answer. */
void finding_say(struct finding *f, enum finding_level level, const char *fmt, ...) PRINTF_LIKE(3, 4);
void finding_cure(struct finding *f, const char *fmt, ...) PRINTF_LIKE(2, 3);
unsigned findings_count(const struct findings *list, enum finding_level level);

/* How a note begins that says why a check was not made. As text, all of one reason are one line. */
#define FINDING_SKIPPED "not looked at"

void findings_write_text(const struct findings *list, struct buf *out);
void findings_write_json(const struct findings *list, struct jout *j); /* an array */

#endif
