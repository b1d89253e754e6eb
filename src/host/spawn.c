/*
 * fork and exec of this executable as `channel-host`. Decides what a child inherits: one socket as descriptor
 * 3, standard error, a handful of environment variables, nothing else. Waits by pidfd, so that no SIGCHLD
 * handler is shared with anyone.
 *
 * Danger: the bridge has other threads, so between fork and exec only async-signal-safe calls are made;
 * everything that allocates is prepared before.
 */
#include "host/spawn.h"
#include "host/host.h"
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILD_SOCKET = 3 };

struct spawn {
    pid_t pid;
    int pidfd;
    struct event *exit_event;
    spawn_exit_fn *on_exit;
    void *arg;
    bool is_reaped;
    struct spawn *next;
};

/* All that run, for host_reap_others, which must leave them alone. */
static struct spawn *running;

static const char *const inherited[] = {
    "PATH",
    "TZ",
    "LANG",
    "LC_ALL",
    "TMPDIR", /* where the files of customers lie until the bridge has them */
#ifdef FB_SANITIZED
    "ASAN_OPTIONS",
    "UBSAN_OPTIONS",
    "TSAN_OPTIONS",
    "LSAN_OPTIONS",
#endif
#ifdef FB_TEST_POINTS /* a test that fakes the clock fakes it for everyone */
    "LD_PRELOAD",
    "FAKETIME_TIMESTAMP_FILE",
    "FAKETIME_NO_CACHE",
    "FAKETIME_DONT_FAKE_MONOTONIC",
#endif
};

struct plan { /* all that the child needs between fork and exec */
    char *env[ARRAY_LEN(inherited) + 2];
    int socket;
    pid_t parent;
};

static void plan_environment(struct plan *p)
{
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(inherited); i++) {
        const char *value = getenv(inherited[i]);
        struct buf line;
        if (!value)
            continue;
        buf_init(&line, 64 << 10);
        buf_addf(&line, "%s=%s", inherited[i], value);
        p->env[n++] = buf_take(&line, NULL);
    }
    p->env[n++] = mem_strdup(SPAWN_IS_CHILD "=1");
    p->env[n] = NULL;
}

static void plan_fini(struct plan *p)
{
    for (size_t i = 0; p->env[i]; i++)
        free(p->env[i]);
}

/* Runs in the child. */
_Noreturn static void become_host(const struct plan *p)
{
    static char name[] = "front-bridge", command[] = "channel-host";
    char *argv[] = {name, command, NULL};
    sigset_t none;
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != p->parent) /* it died before the line above */
        _exit(0);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    umask(077);
    int null = open("/dev/null", O_RDWR);
    if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
        _exit(126);
    if (p->socket == CHILD_SOCKET)
        fcntl(CHILD_SOCKET, F_SETFD, 0);
    else if (dup2(p->socket, CHILD_SOCKET) < 0)
        _exit(126);
    if (close_range(CHILD_SOCKET + 1, ~0u, 0) != 0)
        _exit(126);
    execve("/proc/self/exe", argv, p->env);
    _exit(127);
}

static void on_pidfd(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct spawn *s = arg;
    int status = 0;
    /* The group first, while the zombie still holds its number. */
    kill(-s->pid, SIGKILL);
    if (waitpid(s->pid, &status, WNOHANG) == 0)
        return;
    s->is_reaped = true;
    event_del(s->exit_event);
    s->on_exit(s, status, s->arg);
    if (getpid() == 1) /* strangers may have waited behind it */
        host_reap_others();
}

static struct spawn *adopt(struct event_base *base, pid_t pid, int pidfd, spawn_exit_fn *on_exit, void *arg)
{
    struct spawn *s = mem_zalloc(sizeof *s);
    *s = (struct spawn){.pid = pid, .pidfd = pidfd, .on_exit = on_exit, .arg = arg, .next = running};
    running = s;
    s->exit_event = event_new(base, pidfd, EV_READ | EV_PERSIST, on_pidfd, s);
    must(s->exit_event);
    event_add(s->exit_event, NULL);
    return s;
}

static enum err refuse(struct buf *why, const char *what)
{
    buf_addf(why, "The channel's process could not be started: %s: %s.", what, strerror(errno));
    return ERR_IO;
}

enum err spawn_start(struct event_base *base, spawn_exit_fn *on_exit, void *arg, struct spawn **out,
                     int *socket, struct buf *why)
{
    int pair[2];
    if (getenv(SPAWN_IS_CHILD)) {
        buf_add_str(why, "A channel host starts no channel hosts.");
        return ERR_DENIED;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return refuse(why, "socketpair");
    struct plan p = {.socket = pair[1], .parent = getpid()};
    plan_environment(&p);
    pid_t pid = fork();
    if (pid == 0)
        become_host(&p);
    int fork_errno = errno;
    plan_fini(&p);
    close(pair[1]);
    int pidfd = pid > 0 ? pidfd_open(pid, 0) : -1;
    if (pidfd < 0) {
        if (pid > 0) {
            kill(pid, SIGKILL);
            waitpid(pid, NULL, 0);
        } else {
            errno = fork_errno;
        }
        close(pair[0]);
        return refuse(why, pid > 0 ? "pidfd_open (Linux 5.3 or later)" : "fork");
    }
    setpgid(pid, pid); /* the child does it too: whoever comes first */
    *out = adopt(base, pid, pidfd, on_exit, arg);
    *socket = pair[0];
    return OK;
}

pid_t spawn_pid(const struct spawn *s)
{
    return s->pid;
}

void spawn_signal(struct spawn *s, int sig)
{
    if (!s->is_reaped)
        kill(-s->pid, sig);
}

void spawn_free(struct spawn *s)
{
    if (!s)
        return;
    struct spawn **at = &running;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    if (!s->is_reaped) {
        kill(s->pid, SIGKILL); /* should its group not exist yet */
        kill(-s->pid, SIGKILL);
        waitpid(s->pid, NULL, 0);
    }
    event_free(s->exit_event);
    close(s->pidfd);
    free(s);
}

static bool is_ours(pid_t pid)
{
    const struct spawn *s = running;
    while (s && s->pid != pid)
        s = s->next;
    return s != NULL;
}

void host_reap_others(void)
{
    siginfo_t info;
    for (;;) {
        info.si_pid = 0;
        /* One of ours at the front is left to its pidfd; the next SIGCHLD or call gets to those behind it. */
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0 ||
            is_ours(info.si_pid))
            return;
        waitpid(info.si_pid, NULL, WNOHANG);
    }
}
