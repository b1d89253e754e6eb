/*
 * One process per data directory, by a lock that the kernel drops with the process: a crash leaves nothing to
 * clean up. Invariant: the pid in the file is for people to read; only the lock counts.
 */
#include "base/mem.h"
#include "store/store.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 50 };

static enum err fail(struct buf *why, const char *dir, const char *what)
{
    buf_addf(why, "%s: %s: %s: give the bridge's user a directory that it may write", dir, what,
             strerror(errno));
    return ERR_IO;
}

static enum err open_lock(const char *dir, int *fd, struct buf *why)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/lock", dir) >= (int)sizeof path) {
        buf_addf(why, "%s: the name is too long", dir);
        return ERR_IO;
    }
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return fail(why, dir, "the directory cannot be made");
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*fd < 0)
        return fail(why, dir, "the lock file cannot be opened");
    return OK;
}

static void write_pid(int fd)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%d\n", (int)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n)
        return; /* nobody relies on it */
}

static void say_holder(const char *dir, int fd, struct buf *why)
{
    char text[24] = "";
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    long pid = n > 0 ? strtol(text, NULL, 10) : 0;
    if (pid > 0)
        buf_addf(why, "%s is in use by process %ld: end it first, or give this one another directory", dir,
                 pid);
    else
        buf_addf(why, "%s is in use by another process: end it first, or give this one another directory",
                 dir);
}

enum err store_lock(const char *dir, int64_t wait_ms, int *lock_fd, struct buf *why)
{
    int fd = -1;
    mono_ms_t until = clock_mono_ms() + wait_ms;
    enum err e = open_lock(dir, &fd, why);
    if (e != OK)
        return e;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            e = fail(why, dir, "the lock file cannot be locked");
            close(fd);
            return e;
        }
        if (clock_mono_ms() >= until) {
            say_holder(dir, fd, why);
            close(fd);
            return ERR_CONFLICT;
        }
        nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL);
    }
    write_pid(fd);
    *lock_fd = fd;
    return OK;
}
