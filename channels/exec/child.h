/*
 * A child process with three pipes, in a process group of its own that ends with it.
 *
 * Shape: in is our end of its standard input, out and err are ours of its output; all are non-blocking.
 * exit_fd (a pidfd) is readable when it has ended, -1 where the kernel has none. Descriptors are -1 when
 * closed.
 */
#ifndef CHANNEL_EXEC_CHILD_H
#define CHANNEL_EXEC_CHILD_H

#include "base/buf.h"
#include "base/err.h"
#include <sys/types.h>

struct child {
    pid_t pid; /* 0: none */
    int in, out, err, exit_fd;
};

/* child_start runs argv with environment envp (both end with NULL). ERR_IO writes a sentence to why. */
MUST_CHECK enum err child_start(char *const *argv, char *const *envp, struct child *out, struct buf *why);

/*
 * child_end makes sure that the child and its group are gone: waits natural_ms for it to leave by itself,
 * then TERM and term_ms, then KILL. Closes all descriptors and says in how how it ended ("exit code 1",
 * "signal 9"). Cost: blocks for as long as it waits.
 */
void child_end(struct child *c, int natural_ms, int term_ms, struct buf *how);

#endif
