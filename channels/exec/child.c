/*
 * Starts and ends a process. Knows nothing of what is said over the pipes.
 *
 * Invariant: between fork and exec only async-signal-safe calls are made, since the process may have threads
 * (those that resolve names); and the group is killed before its leader is reaped, since its number may be
 * given away after that.
 */
#include "child.h"
#include "base/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { POLL_MS = 5, FDS_FALLBACK = 1024 };

struct pipes {
    int in[2], out[2], err[2], failure[2]; /* [0] reads, [1] writes */
};

static void fd_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void pipes_close(struct pipes *p)
{
    for (int *fd = p->in; fd < p->failure + 2; fd++)
        fd_close(fd);
}

static enum err pipes_open(struct pipes *p)
{
    memset(p, -1, sizeof *p);
    if (pipe2(p->in, O_CLOEXEC) || pipe2(p->out, O_CLOEXEC) || pipe2(p->err, O_CLOEXEC) ||
        pipe2(p->failure, O_CLOEXEC)) {
        pipes_close(p);
        return ERR_IO;
    }
    for (int *fd = p->in; fd < p->failure + 2; fd++)
        must(*fd > STDERR_FILENO);
    return OK;
}

static void fds_hide(void)
{
    if (syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC, Linux 5.11 */) == 0)
        return;
    for (int fd = 3; fd < FDS_FALLBACK; fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* The host limits itself to what an adapter needs; V8 and others reserve far more address space than they
 * use. */
static void limits_lift(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_AS, &r) == 0) {
        r.rlim_cur = r.rlim_max;
        setrlimit(RLIMIT_AS, &r);
    }
}

static _Noreturn void child_main(const struct pipes *p, pid_t parent, char *const *argv, char *const *envp)
{
    sigset_t none;
    sigemptyset(&none);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    for (int sig = 1; sig < NSIG; sig++)
        signal(sig, SIG_DFL); /* an ignored SIGPIPE would be inherited */
    sigprocmask(SIG_SETMASK, &none, NULL);
    dup2(p->in[0], STDIN_FILENO);
    dup2(p->out[1], STDOUT_FILENO);
    dup2(p->err[1], STDERR_FILENO);
    fds_hide();
    limits_lift();
    execvpe(argv[0], argv, envp);
    int error = errno;
    while (write(p->failure[1], &error, sizeof error) < 0 && errno == EINTR)
        continue;
    _exit(127);
}

/* The errno of a failed exec, or 0: the pipe closes itself when exec succeeds. */
static int failure_read(int fd)
{
    int error = 0;
    ssize_t n;
    do
        n = read(fd, &error, sizeof error);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof error ? error : 0;
}

static int fd_take(int *fd)
{
    int taken = *fd;
    *fd = -1;
    fcntl(taken, F_SETFL, O_NONBLOCK);
    return taken;
}

enum err child_start(char *const *argv, char *const *envp, struct child *out, struct buf *why)
{
    struct pipes p;
    if (pipes_open(&p)) {
        buf_addf(why, "No pipe can be made: %s.", strerror(errno));
        return ERR_IO;
    }
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        child_main(&p, parent, argv, envp);
    int error = pid < 0 ? errno : 0;
    fd_close(&p.failure[1]);
    error = error ? error : failure_read(p.failure[0]);
    if (error) {
        buf_addf(why, "%.200s cannot be started: %s.", argv[0], strerror(error));
        pipes_close(&p);
        if (pid > 0)
            waitpid(pid, NULL, 0);
        return ERR_IO;
    }
    setpgid(pid, pid); /* whoever of the two comes first */
    *out = (struct child){pid, fd_take(&p.in[1]), fd_take(&p.out[0]), fd_take(&p.err[0]),
                          (int)syscall(SYS_pidfd_open, pid, 0)};
    pipes_close(&p);
    return OK;
}

/* Looks without reaping: the group still has its number. */
static bool has_ended(const struct child *c, int wait_ms)
{
    mono_ms_t end = clock_mono_ms() + wait_ms;
    for (;;) {
        siginfo_t info = {0};
        if (waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOWAIT | WNOHANG) < 0 || info.si_pid)
            return true;
        mono_ms_t left = end - clock_mono_ms();
        if (left <= 0)
            return false;
        struct pollfd ready = {.fd = c->exit_fd, .events = POLLIN};
        poll(&ready, 1, c->exit_fd >= 0 ? (int)left : POLL_MS);
    }
}

void child_end(struct child *c, int natural_ms, int term_ms, struct buf *how)
{
    int status = 0;
    fd_close(&c->in);
    if (c->pid && !has_ended(c, natural_ms)) {
        kill(-c->pid, SIGTERM);
        has_ended(c, term_ms);
    }
    if (c->pid) {
        kill(-c->pid, SIGKILL);
        while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
            continue;
        buf_addf(how, WIFSIGNALED(status) ? "signal %d" : "exit code %d",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    }
    c->pid = 0;
    fd_close(&c->out);
    fd_close(&c->err);
    fd_close(&c->exit_fd);
}
