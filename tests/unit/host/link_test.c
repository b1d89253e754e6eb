/* A link whose descriptors the kernel does not take yet: they wait, and nothing is lost. */
#include "base/clock.h"
#include "base/err.h"
#include "host/link.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <event2/event.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534, FLOOD = 200, FEW = 64, WAIT_MS = 10000, NOT_CROWDED = 77 };

struct heard {
    struct event_base *base;
    unsigned frame_n, fd_n;
    bool has_ended;
};

static const char *on_frame(struct link *l, const struct frame *f, int *fd, void *arg)
{
    struct heard *h = arg;

    (void)l;
    (void)fd;
    h->frame_n++;
    h->fd_n += f->fd_n;
    event_base_loopbreak(h->base);
    return NULL;
}

static void on_end(struct link *l, const char *fault, void *arg)
{
    struct heard *h = arg;

    (void)l;
    (void)fault;
    h->has_ended = true;
}

/* Descriptors on their way count for their user until somebody takes them, or their socket is closed. */
static void flood(int fd, int what)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * FLOOD)] = {0};
    char byte = 0;
    struct iovec iov = {.iov_base = &byte, .iov_len = 1};
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

    *c = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int) * FLOOD)};
    for (int i = 0; i < FLOOD; i++)
        memcpy(CMSG_DATA(c) + (size_t)i * sizeof what, &what, sizeof what);
    must(sendmsg(fd, &msg, 0) == 1);
}

static void run(struct event_base *base, int64_t ms)
{
    struct timeval tv = clock_tv(ms);

    event_base_loopexit(base, &tv);
    event_base_dispatch(base);
}

/* As somebody who has no right to more: what it ends with says how it went. */
static int crowded(void)
{
    static const struct link_events events = {on_frame, on_end};
    struct rlimit few = {FEW, FEW};
    struct heard here = {0}, there = {0};
    int pair[2], crowd[2], file = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (geteuid() == 0)
        must(setresuid(NOBODY, NOBODY, NOBODY) == 0);
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, crowd) == 0);
    here.base = there.base = event_base_new();
    struct link *sender = link_new(here.base, pair[0], TO_BRIDGE, 1 << 20, &events, &here);
    struct link *receiver = link_new(there.base, pair[1], TO_CHILD, 1 << 20, &events, &there);
    flood(crowd[0], file);
    must(setrlimit(RLIMIT_NOFILE, &few) == 0);
    link_begin(sender, FRAME_DELIVER, 1);
    link_attach(sender, &file, 1);
    link_end(sender);
    run(here.base, 100);
    bool is_crowded = link_waiting(sender) > 0;
    bool is_whole = there.frame_n == (is_crowded ? 0 : 1);
    close(crowd[0]);
    close(crowd[1]);
    if (is_crowded)
        run(here.base, WAIT_MS);
    is_whole &= there.frame_n == 1 && there.fd_n == 1 && !here.has_ended && !there.has_ended;
    link_free(sender);
    link_free(receiver);
    event_base_free(here.base);
    close(file);
    return !is_whole ? 1 : is_crowded ? 0 : NOT_CROWDED;
}

static void test_too_many_descriptors_on_their_way(void **state)
{
    int status;

    (void)state;
    pid_t pid = fork();
    if (pid == 0)
        _exit(crowded());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NOT_CROWDED)
        skip(); /* a kernel, or a user, without this limit */
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_too_many_descriptors_on_their_way)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
