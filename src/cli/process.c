/* Secrets stay in this process: no core file, no ptrace by its own user, files for the owner alone. */
#include "cli/process.h"
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

void process_harden(void)
{
    struct rlimit files;

    umask(077);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN); /* until the loop reads certificates anew on it */
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
#ifndef FB_SANITIZED /* the leak checker looks at its own process through ptrace */
    prctl(PR_SET_DUMPABLE, 0);
#endif
}
