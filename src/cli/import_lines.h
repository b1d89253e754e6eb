/*
 * The lines of a file, one at a time, in memory that does not grow with the file: what is longer than a line of history
 * may be is skipped and said.
 *
 * Owns: the span of a line is borrowed until the next call.
 */
#ifndef CLI_IMPORT_LINES_H
#define CLI_IMPORT_LINES_H

#include "base/buf.h"
#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

struct import_lines {
    int fd;
    char *buffer;
    size_t cap, at, n; /* what is read and not given yet: buffer[at .. n) */
    size_t max_bytes;  /* of a line */
    uint64_t number;   /* of the line that was given last, from 1 */
    uint64_t read_n;   /* bytes of the file that are read and given */
    bool is_end, is_begun;
    int error; /* errno of ERR_IO */
};

void import_lines_init(struct import_lines *l, int fd, size_t max_bytes);
void import_lines_fini(struct import_lines *l); /* fd stays open */
/* OK; ERR_LIMIT: this one is too long; ERR_NOT_FOUND: there are no more; ERR_IO; ERR_CANCELLED: a signal came. */
MUST_CHECK enum err import_lines_next(struct import_lines *l, struct span *line);

#endif
