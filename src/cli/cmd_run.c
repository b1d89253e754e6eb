/*
 * run: the bridge on an event loop, from the configuration to a clean end.
 */
#include "admin/admin.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "bridge/bridge.h"
#include "cli/process.h"
#include "store/store.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_CONFIGURATION = 2, EXIT_LATER = 75, WHY_MAX = 4096 };

struct run {
    struct event_base *base;
    struct bridge *bridge;
    struct admin *admin;
    const struct config *config;
    struct event *signal[3];
    bool is_stopping;
};

static void on_stopped(void *arg)
{
    struct run *run = arg;

    event_base_loopbreak(run->base);
}

/* The first signal lets what is under way end; the second does not wait. */
static void on_stop_signal(evutil_socket_t number, short what, void *arg)
{
    struct run *run = arg;

    (void)what;
    log_info("stopping", LOG_STR("signal", strsignal((int)number)));
    if (run->is_stopping) {
        event_base_loopbreak(run->base);
        return;
    }
    run->is_stopping = true;
    bridge_stop(run->bridge, on_stopped, run);
}

/* As the first process of a container we inherit every orphan; the channels' children are the host library's. */
static void on_child_signal(evutil_socket_t number, short what, void *arg)
{
    (void)number;
    (void)what;
    (void)arg;
    host_reap_others();
}

static void watch_signals(struct run *run)
{
    run->signal[0] = evsignal_new(run->base, SIGTERM, on_stop_signal, run);
    run->signal[1] = evsignal_new(run->base, SIGINT, on_stop_signal, run);
    if (getpid() == 1)
        run->signal[2] = evsignal_new(run->base, SIGCHLD, on_child_signal, run);
    for (unsigned i = 0; i < ARRAY_LEN(run->signal); i++)
        if (run->signal[i])
            event_add(run->signal[i], NULL);
}

/* STORE/ports tells scripts which ports were picked, whole or not at all. */
static enum err write_ports(const struct run *run)
{
    struct buf text, path, temporary;
    enum err e = ERR_IO;

    buf_init(&text, 256);
    buf_init(&path, 4096);
    buf_init(&temporary, 4096);
    buf_addf(&text, "{\"listen\":%u,\"admin\":%u}\n", bridge_port(run->bridge), admin_port(run->admin));
    buf_addf(&path, "%s/ports", run->config->store);
    buf_addf(&temporary, "%s/ports.new", run->config->store);
    int fd = open(temporary.p, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0) {
        if (write(fd, text.p, text.n) == (ssize_t)text.n && rename(temporary.p, path.p) == 0)
            e = OK;
        close(fd);
    }
    buf_fini(&text);
    buf_fini(&path);
    buf_fini(&temporary);
    return e;
}
