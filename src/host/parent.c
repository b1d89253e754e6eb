/*
 * The life of a channel host: start, restart with back-off, heartbeat, stop. Decides when a child is given up
 * and says why in one sentence; set_status alone changes the status. One timer does it all: on_tick looks
 * what is due, and arms itself for what comes next.
 */
#include "host/parent.h"
#include "base/log.h"
#include "base/mem.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static void on_tick(evutil_socket_t fd, short what, void *arg);
static void start_child(struct host *h);

static const char *const status_text[] = {"down", "starting", "up", "failed", "stopping"};

static void set_status(struct host *h, enum host_status s, const char *reason)
{
    static const enum log_level levels[] = {LOG_WARN, LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_DEBUG};
    enum log_level level = s == HOST_DOWN && !reason ? LOG_INFO : levels[s];
    h->status = s;
    LOG_LINE_(level, "channel_host", LOG_STR("channel", h->o.channel), LOG_STR("status", status_text[s]),
              LOG_I64("pid", host_pid(h)), LOG_STR("reason", reason ? reason : ""));
    if (h->events->on_status)
        HOST_CALLBACK(h, on_status(h, s, reason, h->arg));
}

/* ---- The one timer ---- */

void host_tick_by(struct host *h, mono_ms_t at)
{
    if (at >= h->tick_at)
        return;
    h->tick_at = at;
    struct timeval tv = clock_tv(at - clock_mono_ms());
    event_add(h->tick, &tv);
}

static mono_ms_t sooner(mono_ms_t a, mono_ms_t b)
{
    return b && b < a ? b : a;
}

static int64_t heartbeat_ms(const struct host *h)
{
    return h->o.heartbeat_ms ? h->o.heartbeat_ms : HOST_HEARTBEAT_MS;
}

static void arm(struct host *h)
{
    mono_ms_t at = INT64_MAX;
    h->tick_at = INT64_MAX;
    if (h->link)
        at = host_calls_due(h);
    at = sooner(at, h->restart_at);
    at = sooner(at, h->stop_at);
    if (h->link && h->status == HOST_STARTING)
        at = sooner(at, h->started_at + HOST_START_MS);
    if (h->status == HOST_UP)
        at = sooner(at, (h->pinged_at ? h->pinged_at : h->heard_at) + heartbeat_ms(h));
    if (at != INT64_MAX)
        host_tick_by(h, at);
}

/* ---- The end of a child ---- */

void host_kill(struct host *h, const char *fault)
{
    if (!h->fault) {
        h->fault = mem_strdup(fault);
        log_warn("channel_host_ended", LOG_STR("channel", h->o.channel), LOG_I64("pid", host_pid(h)),
                 LOG_STR("reason", fault));
    }
    if (h->spawn)
        spawn_signal(h->spawn, SIGKILL);
}

/* Was it stopped, and went by itself or by the signals of step_towards_end? */
static bool is_peaceful(const struct host *h, int wait_status)
{
    return h->status == HOST_STOPPING &&
           (h->stop_phase >= 2 || (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0));
}

static const char *scene(const struct host *h)
{
    return h->status == HOST_STARTING ? " in open" : h->status == HOST_STOPPING ? " while it stopped" : "";
}

/* What is to be said of a child that has ended: in its words, ours, or the kernel's. NULL: it was stopped,
 * and went. */
static char *epitaph(struct host *h, int wait_status)
{
    struct buf line;
    buf_init(&line, 4096);
    if (h->failure)
        buf_add_str(&line, h->failure);
    else if (h->fault)
        buf_addf(&line, "The channel's process was ended: %s.", h->fault);
    else if (is_peaceful(h, wait_status))
        return NULL;
    else if (WIFSIGNALED(wait_status))
        buf_addf(&line, "The adapter crashed%s: signal %d (%s).", scene(h), WTERMSIG(wait_status),
                 strsignal(WTERMSIG(wait_status)));
    else if (WEXITSTATUS(wait_status) == 127 && h->status == HOST_STARTING)
        buf_add_str(&line, "The channel's process could not be started: exec failed.");
    else
        buf_addf(&line, "The adapter ended its process%s with exit code %d.", scene(h),
                 WEXITSTATUS(wait_status));
    return buf_take(&line, NULL);
}

static int64_t backoff_ms(unsigned failures)
{
    int64_t delay = HOST_BACKOFF_MS;
    while (failures-- > 0 && delay < HOST_BACKOFF_MAX_MS)
        delay *= 2;
    return delay < HOST_BACKOFF_MAX_MS ? delay : HOST_BACKOFF_MAX_MS;
}

static void plan_restart(struct host *h)
{
    mono_ms_t now = clock_mono_ms();
    if (h->up_at && now - h->up_at >= HOST_STEADY_MS)
        h->failures = 0;
    h->restart_at = now + backoff_ms(h->failures++);
}

static void forget_child(struct host *h)
{
    link_free(h->link);
    h->link = NULL;
    spawn_free(h->spawn);
    h->spawn = NULL;
    free(h->failure);
    free(h->fault);
    free(h->wanted_events);
    h->failure = h->fault = h->wanted_events = NULL;
    h->stop_at = h->pinged_at = 0;
    h->stop_phase = 0;
    h->stores_n = h->kvs_n = 0;
    h->asked_last = 0;
}

/* What the child wrote before it died counts: read it first, then settle what it left open. */
static void on_exit_of_child(struct spawn *s, int wait_status, void *arg)
{
    (void)s;
    struct host *h = arg;
    link_drain(h->link);
    char *reason = epitaph(h, wait_status);
    bool was_starting = h->status == HOST_STARTING, was_stopping = h->status == HOST_STOPPING;
    h->status = was_stopping ? HOST_STOPPING : HOST_DOWN;
    host_settle_all(h, !was_stopping || reason);
    forget_child(h);
    if (h->wants_up)
        plan_restart(h);
    h->up_at = 0;
    set_status(h, was_starting ? HOST_FAILED : HOST_DOWN, reason);
    free(reason);
    arm(h);
}

/* ---- The beginning ---- */

static void on_link_end(struct link *l, const char *fault, void *arg)
{
    (void)l;
    struct host *h = arg;
    if (fault) {
        char line[200];
        snprintf(line, sizeof line, "it sent %s", fault);
        host_kill(h, line);
    } else if (h->stop_phase == 0) { /* it has closed its end: give it a moment to go */
        h->stop_phase = 1;
        h->stop_at = clock_mono_ms() + HOST_EXIT_MS;
        host_tick_by(h, h->stop_at);
    }
}

static void say_hello(struct host *h)
{
    unsigned hide_n = 0;
    while (h->hide[hide_n])
        hide_n++;
    struct buf *out = link_begin(h->link, FRAME_HELLO, 0);
    frame_put_u32(out, FRAME_VERSION);
    frame_put_u32(out, h->o.probe);
    frame_put_str(out, h->o.channel);
    frame_put_str(out, h->o.adapter_path);
    frame_put_span(out, h->o.settings);
    frame_put_str(out, h->o.ca_file);
    frame_put_u32(out, hide_n);
    for (unsigned i = 0; i < hide_n; i++)
        frame_put_str(out, h->hide[i]);
    link_end(h->link);
}

static void start_child(struct host *h)
{
    static const struct link_events link_events = {.on_frame = host_on_frame, .on_end = on_link_end};
    struct buf why;
    int fd;
    h->restart_at = 0;
    h->started_at = h->heard_at = h->chatter_at = clock_mono_ms();
    h->chatter = HOST_CHATTER_BURST * 1000;
    buf_init(&why, 1000);
    if (spawn_start(h->base, on_exit_of_child, h, &h->spawn, &fd, &why) != OK) {
        plan_restart(h);
        set_status(h, HOST_FAILED, why.p);
    } else {
        h->incarnation++;
        h->link = link_new(h->base, fd, TO_BRIDGE, HOST_OUT_MAX, &link_events, h);
        say_hello(h);
        set_status(h, HOST_STARTING, NULL);
    }
    buf_fini(&why);
}

void host_came_up(struct host *h)
{
    h->up_at = clock_mono_ms();
    set_status(h, HOST_UP, NULL);
    if (host_credits(h) > 0)
        HOST_CALLBACK(h, on_credit(h, h->arg));
    arm(h);
}

void host_ask_again(struct host *h)
{
    link_pause(h->link, h->stores_n > HOST_ASKED_MAX || h->kvs_n > HOST_ASKED_MAX);
}

/* ---- What is due ---- */

static void step_towards_end(struct host *h, mono_ms_t now)
{
    h->stop_phase++;
    h->stop_at = now + HOST_EXIT_MS;
    if (h->stop_phase == 1)
        link_end_output(h->link);
    else if (h->stop_phase == 2)
        spawn_signal(h->spawn, SIGTERM);
    else
        spawn_signal(h->spawn, SIGKILL);
}

static bool is_anything_open(const struct host *h)
{
    return h->open_n[PENDING_DELIVERY] || h->open_n[PENDING_NOTICE] || h->open_n[PENDING_REQUEST];
}

/* Silence counts while no call is open: an adapter may block, and each call has its own deadline. */
static void beat(struct host *h, mono_ms_t now)
{
    bool is_deaf = h->stores_n > HOST_ASKED_MAX || h->kvs_n > HOST_ASKED_MAX; /* we are, not it */
    if (is_anything_open(h) || is_deaf) {
        h->heard_at = is_deaf ? now : h->heard_at;
        h->pinged_at = h->pinged_at ? now : 0;
    }
    if (h->pinged_at && now - h->pinged_at >= heartbeat_ms(h)) {
        host_kill(h, "it was silent for too long outside any call");
    } else if (!h->pinged_at && now - h->heard_at >= heartbeat_ms(h)) {
        h->pinged_at = now;
        link_send(h->link, FRAME_PING, 0);
    }
}

static void look_at_child(struct host *h, mono_ms_t now)
{
    if (host_expire(h, now))
        host_kill(h, "it was silent past a deadline");
    if (h->status == HOST_STARTING && now - h->started_at >= HOST_START_MS)
        host_kill(h, "its open did not end within 30 s");
    if (h->status == HOST_UP)
        beat(h, now);
    if (h->stop_at && h->stop_at <= now)
        step_towards_end(h, now);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct host *h = arg;
    mono_ms_t now = clock_mono_ms();
    h->tick_at = INT64_MAX;
    if (h->link)
        look_at_child(h, now);
    else if (h->status == HOST_STOPPING)
        set_status(h, HOST_DOWN, NULL);
    else if (h->wants_up && h->restart_at && h->restart_at <= now)
        start_child(h);
    arm(h);
}

/* ---- What the bridge calls ---- */

static char **copy_list(const char *const *list)
{
    size_t n = 0;
    while (list && list[n])
        n++;
    char **copy = mem_calloc(n + 1, sizeof *copy);
    for (size_t i = 0; i < n; i++)
        copy[i] = mem_strdup(list[i]);
    return copy;
}

struct host *host_new(struct event_base *base, const struct host_options *o, const struct host_events *e,
                      void *arg)
{
    struct host *h = mem_zalloc(sizeof *h);
    h->base = base;
    h->events = e;
    h->arg = arg;
    h->o = *o;
    h->o.channel = mem_strdup(o->channel);
    h->o.adapter_path = mem_strdup(o->adapter_path);
    h->o.settings = o->settings.p ? (struct span){span_strdup(o->settings), o->settings.n} : SPAN_NONE;
    h->o.ca_file = o->ca_file ? mem_strdup(o->ca_file) : NULL;
    h->hide = copy_list(o->hide);
    h->o.hide = NULL;
    h->tick_at = INT64_MAX;
    h->tick = evtimer_new(base, on_tick, h);
    must(h->tick);
    host_calls_init(h);
    return h;
}

void host_free(struct host *h)
{
    if (!h)
        return;
    must(h->callback_depth == 0);
    forget_child(h);
    event_free(h->tick);
    host_calls_fini(h);
    for (char **p = h->hide; *p; p++)
        free(*p);
    free(h->hide);
    free((char *)(uintptr_t)h->o.channel);
    free((char *)(uintptr_t)h->o.adapter_path);
    if (h->o.settings.p) {
        mem_wipe((char *)(uintptr_t)h->o.settings.p, h->o.settings.n);
        free((char *)(uintptr_t)h->o.settings.p);
    }
    free((char *)(uintptr_t)h->o.ca_file);
    free(h);
}

void host_start(struct host *h)
{
    must(!h->spawn);
    h->wants_up = true;
    start_child(h);
    arm(h);
}

void host_stop(struct host *h)
{
    h->wants_up = false;
    h->restart_at = 0;
    if (h->status == HOST_STOPPING)
        return;
    set_status(h, HOST_STOPPING, NULL);
    if (h->link) {
        link_send(h->link, FRAME_STOP, 0);
        h->stop_at = clock_mono_ms() + (h->o.stop_ms ? h->o.stop_ms : 5 * SECOND_MS);
        host_tick_by(h, h->stop_at);
    } else {
        host_tick_by(h, clock_mono_ms());
    }
}

enum host_status host_status(const struct host *h)
{
    return h->status;
}

const struct host_adapter *host_adapter(const struct host *h)
{
    return h->is_known ? &h->adapter : NULL;
}

int host_pid(const struct host *h)
{
    return h->spawn ? spawn_pid(h->spawn) : 0;
}
