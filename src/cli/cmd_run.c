/*
 * run: the bridge on an event loop, from the configuration to a clean end.
 */
#include "admin/admin.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "bridge/bridge.h"
#include "cli/command.h"
#include "cli/process.h"
#include "host/host.h"
#include "store/store.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WHY_MAX = 4096 };

struct run {
    struct event_base *base;
    struct bridge *bridge;
    struct admin *admin;
    const struct config *config;
    struct event *signal[4];
    bool is_stopping, is_over;
};

static void on_stopped(void *arg)
{
    struct run *run = arg;

    run->is_over = true;
}

/* The first signal lets what is under way end; the second does not wait. */
static void on_stop_signal(evutil_socket_t number, short what, void *arg)
{
    struct run *run = arg;

    (void)what;
    log_info("stopping", LOG_STR("signal", strsignal((int)number)));
    if (run->is_stopping)
        run->is_over = true;
    else
        bridge_stop(run->bridge, on_stopped, run);
    run->is_stopping = true;
}

/* What a renewed certificate needs; without TLS there is nothing to do, and a lost terminal ends nothing. */
static void on_hangup(evutil_socket_t number, short what, void *arg)
{
    struct run *run = arg;
    struct buf why;

    (void)number;
    (void)what;
    buf_init(&why, WHY_MAX);
    if (bridge_reload(run->bridge, &why) == OK)
        log_info("reloaded");
    else
        log_error("not_reloaded", LOG_SPAN("reason", buf_span(&why)));
    buf_fini(&why);
}

/* As the first process of a container we inherit every orphan; the channels' children are the host library's.
 */
static void on_child_signal(evutil_socket_t number, short what, void *arg)
{
    (void)number;
    (void)what;
    (void)arg;
    host_reap_others();
}

/* While the loop does not watch signals there is nothing to end in order. Without a handler process 1 would not
 * get them at all. */
static void on_early_signal(int number)
{
    (void)number;
    _exit(EXIT_FINE);
}

static void watch_signals(struct run *run)
{
    run->signal[0] = evsignal_new(run->base, SIGTERM, on_stop_signal, run);
    run->signal[1] = evsignal_new(run->base, SIGINT, on_stop_signal, run);
    run->signal[2] = evsignal_new(run->base, SIGHUP, on_hangup, run);
    if (getpid() == 1)
        run->signal[3] = evsignal_new(run->base, SIGCHLD, on_child_signal, run);
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

/* ---- Opening and closing ---- */

static enum err open_parts(struct run *run, const struct preflight *preflight, struct buf *why)
{
    enum err e = bridge_open(&run->bridge, run->base, run->config, preflight, why);

    if (e == OK)
        e = admin_open(&run->admin, run->base, run->bridge, run->config, why);
    if (e == OK && write_ports(run) != OK) {
        buf_addf(why, "%s/ports cannot be written; give the user of the bridge write access to its store",
                 run->config->store);
        e = ERR_IO;
    }
    return e;
}

static void close_parts(struct run *run)
{
    if (run->bridge)
        bridge_close(run->bridge); /* the last completions of its store answer the admin's requests */
    admin_close(run->admin);
    for (unsigned i = 0; i < ARRAY_LEN(run->signal); i++)
        if (run->signal[i])
            event_free(run->signal[i]);
}

/* One turn after the other, and after each the lines that it logged. */
static void turn(struct run *run)
{
    do
        log_flush();
    while (!run->is_over && event_base_loop(run->base, EVLOOP_ONCE) == 0);
}

static int serve(const struct config *c, const struct preflight *preflight)
{
    struct run run = {.config = c, .base = event_base_new()};
    struct buf why;
    int code = EXIT_FINE;

    must(run.base);
    buf_init(&why, WHY_MAX);
    watch_signals(&run);
    if (open_parts(&run, preflight, &why) == OK) {
        log_info("ready", LOG_STR("listen", c->listen), LOG_I64("port", bridge_port(run.bridge)),
                 LOG_I64("admin_port", admin_port(run.admin)), LOG_STR("version", FB_VERSION));
        turn(&run);
    } else {
        code = command_fail(EXIT_FAILED, "%s", why.p);
    }
    close_parts(&run);
    event_base_free(run.base);
    buf_fini(&why);
    return code;
}

/* A store that is a directory belongs to one bridge at a time; the next waits for its turn. */
static int serve_locked(const struct config *c, const struct preflight *preflight)
{
    struct buf why;
    int lock_fd = -1, code;

    buf_init(&why, WHY_MAX);
    enum err e = store_lock(c->store, 0, &lock_fd, &why);
    if (e == ERR_CONFLICT && c->lock_wait_ms > 0) {
        log_warn("store_in_use", LOG_SPAN("reason", buf_span(&why)), LOG_I64("wait_ms", c->lock_wait_ms));
        buf_clear(&why);
        e = store_lock(c->store, c->lock_wait_ms, &lock_fd, &why);
    }
    if (e == OK)
        code = serve(c, preflight);
    else
        code = command_fail(e == ERR_CONFLICT ? EXIT_TRY_LATER : EXIT_FAILED, "%s", why.p);
    if (lock_fd >= 0)
        close(lock_fd);
    buf_fini(&why);
    return code;
}

static enum err look_at_adapters(const struct config *c, struct preflight *preflight)
{
    struct config_mistakes mistakes = {0};
    enum err e = preflight_run(preflight, c, &mistakes);

    command_mistakes(&mistakes, c->file);
    config_mistakes_fini(&mistakes);
    return e;
}

static int run(const struct options *o)
{
    struct config *c = command_config(o);
    struct preflight preflight = {0};
    int code = EXIT_USAGE;

    if (!c)
        return EXIT_USAGE;
    process_harden();
    signal(SIGTERM, on_early_signal);
    signal(SIGINT, on_early_signal);
    log_setup(c->log_level, c->log_format, STDERR_FILENO);
    if (look_at_adapters(c, &preflight) == OK)
        code = serve_locked(c, &preflight);
    preflight_fini(&preflight);
    config_free(c);
    return code;
}

const struct command command_run = {
    .name = "run",
    .arguments = "",
    .summary = "run the bridge",
    .help =
        "Runs the bridge until SIGTERM or SIGINT, which let attempts in flight end (a second one does not).\n"
        "SIGHUP reads the certificate of the public listener again.\n"
        "The ports it listens on are written to STORE/ports. Waits for a store that another bridge uses\n"
        "(lock_wait), then leaves with 75.\n",
    .run = run,
};
