/*
 * channel-host: one adapter in a process of its own. Reads frames, calls the adapter, and leaves when the
 * bridge does. Decides the order of its life (hello, load, open, calls, stop, close); what services do is in
 * the other child_*.c.
 */
#include "host/host.h"
#include "host/child.h"
#include "base/json.h"
#include "base/mem.h"
#include "host/loader.h"
#include "host/sandbox.h"
#include "host/spawn.h"
#include "text/parts.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { SOCKET_FD = 3, WHY_MAX = 2000, HIDE_MAX = 64, LAST_WORDS_MS = 2000 };

/* ---- What the adapter may call ---- */

static const char *setting_of(const struct fb_host *host, const char *key)
{
    const struct child *c = child_of(host);
    for (size_t i = 0; key && i < c->setting_n; i++) {
        if (strcmp(c->setting[2 * i], key) == 0)
            return c->setting[2 * i + 1];
    }
    return NULL;
}

static const void *extension(const struct fb_host *host, const char *name)
{
    (void)host, (void)name;
    return NULL;
}

static void give_services(struct child *c)
{
    c->host = (struct fb_host){
        .size = sizeof c->host,
        .abi_major = FB_ABI_MAJOR,
        .abi_minor = FB_ABI_MINOR,
        .channel = c->channel,
        .setting = setting_of,
        .log = child_log,
        .now_ms = child_now,
        .complete = child_complete,
        .reply = child_reply,
        .receive = child_receive,
        .receipt = child_receipt,
        .want_events = child_want_events,
        .timer = child_timer,
        .timer_cancel = child_timer_cancel,
        .watch = child_watch,
        .post = child_post,
        .http = child_http,
        .http_cancel = child_http_cancel,
        .kv_get = child_kv_get,
        .kv_set = child_kv_set,
        .extension = extension,
        .want_text = child_want_text,
    };
}

/* ---- Hello ---- */

static bool take_settings(struct child *c, struct span json)
{
    struct json doc;
    bool is_good = json_parse(&doc, json) == OK && json_type(json_root(&doc)) == JSON_OBJECT;
    struct buf scratch;
    buf_init(&scratch, json.n + 1);
    if (is_good)
        c->setting = mem_calloc(2 * (size_t)json_len(json_root(&doc)) + 1, sizeof *c->setting);
    for (struct jval v = is_good ? json_first(json_root(&doc)) : (struct jval){0}; v.doc; v = json_next(v)) {
        char *value = json_type(v) == JSON_STRING ? json_dup(v, json.n) : span_strdup(json_raw(v));
        if (json_type(v) == JSON_NULL) {
            free(value);
            continue;
        }
        buf_clear(&scratch);
        c->setting[2 * c->setting_n] = span_strdup(json_key(v, &scratch));
        c->setting[2 * c->setting_n++ + 1] = value;
    }
    buf_fini(&scratch);
    json_fini(&doc);
    return is_good;
}

static void name_process(const char *channel)
{
    char name[16];
    snprintf(name, sizeof name, "fb:%.12s", channel);
    prctl(PR_SET_NAME, name);
}

static void fail(struct child *c, struct span why)
{
    struct buf *out = link_begin(c->link, FRAME_FAILED, 0);
    frame_put_span(out, why);
    link_end(c->link);
    link_flush_wait(c->link, LAST_WORDS_MS);
    c->exit_code = 1;
    event_base_loopbreak(c->base);
}

static uint32_t takes(const struct fb_module *m)
{
    return (m->failed ? 1u : 0) | (m->event ? 2u : 0) | (m->request ? 4u : 0);
}

static void say_ready(struct child *c)
{
    const struct fb_module *m = c->module;
    struct buf *out = link_begin(c->link, FRAME_READY, 0);
    frame_put_str(out, m->name);
    frame_put_str(out, m->version);
    frame_put_u32(out, m->abi_minor);
    frame_put_u32(out, m->capabilities);
    frame_put_u32(out, c->form.formats);
    frame_put_u32(out, c->form.max_text);
    frame_put_u32(out, m->in_flight);
    frame_put_u32(out, takes(m));
    link_end(c->link);
}

/* An adapter's sentence is its own buffer: it may be empty, or lack its end. */
static void report(struct child *c, const char *call, int result, char *why)
{
    struct buf line;
    why[WHY_MAX - 1] = 0;
    buf_init(&line, WHY_MAX + 100);
    if (*why)
        buf_add_str(&line, why);
    else
        buf_addf(&line, "The adapter's %s returned %d and gave no reason.", call, result);
    fail(c, buf_span(&line));
    buf_fini(&line);
}

/* Nobody looked at max_text before 1.2: what an older module says counts if it can be kept to, and refuses no module. */
static struct letter_form form_of(const struct fb_module *m)
{
    bool has_limit = m->abi_minor >= 2 || m->max_text >= TEXT_CHARACTERS_MIN;
    return (struct letter_form){.formats = m->formats ? m->formats : FB_FORMAT_PLAIN,
                                .capabilities = m->capabilities,
                                .max_text = has_limit ? m->max_text : 0};
}

static bool open_adapter(struct child *c)
{
    char why[WHY_MAX] = "";
    int result = c->module->validate ? c->module->validate(&c->host, why, sizeof why) : FB_OK;
    if (result != FB_OK) {
        report(c, "validate", result, why);
        return false;
    }
    void *other = NULL;
    if (c->probe & HOST_PROBE_TWICE)
        result = c->module->open(&c->host, &other, why, sizeof why);
    if (result == FB_OK)
        result = c->module->open(&c->host, &c->self, why, sizeof why);
    if (result != FB_OK) {
        report(c, "open", result, why);
        return false;
    }
    if (c->probe & HOST_PROBE_TWICE) /* the one that stays must not mind */
        c->module->close(other);
    c->is_open = true;
    return true;
}

static void load(struct child *c, const char *path)
{
    struct buf why;
    buf_init(&why, WHY_MAX);
    if (adapter_load(path, &c->adapter, &why) == OK) {
        c->module = adapter_module(c->adapter);
        c->form = form_of(c->module);
        if (open_adapter(c))
            say_ready(c);
    } else {
        fail(c, buf_span(&why));
    }
    buf_fini(&why);
}

static const char *on_hello(struct child *c, const struct frame *f, int *fd)
{
    (void)fd;
    struct frame_reader r = frame_read(f);
    if (c->channel)
        return "a second hello";
    if (frame_get_u32(&r) != FRAME_VERSION)
        return "another version of the bridge";
    c->probe = frame_get_u32(&r);
    c->channel = span_strdup(frame_get_span(&r));
    char *path = span_strdup(frame_get_span(&r));
    struct span settings = frame_get_span(&r);
    c->ca_file = span_strdup(frame_get_span(&r));
    uint32_t hide_n = frame_get_u32(&r);
    if (hide_n > HIDE_MAX)
        hide_n = 0;
    char *hide[HIDE_MAX];
    for (uint32_t i = 0; i < hide_n; i++)
        hide[i] = span_strdup(frame_get_span(&r));
    bool is_good = frame_read_ended(&r) && c->channel && path && take_settings(c, settings);
    if (is_good) {
        name_process(c->channel);
        give_services(c);
        sandbox_enter(hide, hide_n, c->probe & HOST_PROBE_READABLE);
        load(c, path);
    }
    for (uint32_t i = 0; i < hide_n; i++)
        free(hide[i]);
    free(path);
    return is_good ? NULL : "a malformed hello";
}

/* ---- Stop ---- */

static void stop_adapter(struct child *c)
{
    if (c->is_stopping)
        return;
    c->is_stopping = true;
    if (c->is_open && c->module->stop)
        c->module->stop(c->self);
}

static void close_adapter(struct child *c)
{
    if (!c->is_open)
        return;
    c->is_open = false;
    c->module->close(c->self);
}

static void on_finish(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct child *c = arg;
    if (c->call_n || c->store_n || c->kv_n)
        return;
    close_adapter(c);
    link_flush_wait(c->link, LAST_WORDS_MS);
    event_base_loopbreak(c->base);
}

void child_may_finish(struct child *c)
{
    if (c->is_stopping)
        event_active(c->finish_event, EV_TIMEOUT, 0);
}

static const char *on_stop(struct child *c, const struct frame *f, int *fd)
{
    (void)f, (void)fd;
    stop_adapter(c);
    child_may_finish(c);
    return NULL;
}

static const char *on_ping(struct child *c, const struct frame *f, int *fd)
{
    (void)fd;
    link_send(c->link, FRAME_PONG, f->token);
    return NULL;
}

/* ---- Frames ---- */

static const struct {
    enum frame_type type;
    bool needs_open;
    const char *(*handle)(struct child *c, const struct frame *f, int *fd);
} handlers[] = {
    {FRAME_HELLO, false, on_hello},
    {FRAME_DELIVER, true, child_on_deliver},
    {FRAME_NOTICE, true, child_on_notice},
    {FRAME_REQUEST, true, child_on_request},
    {FRAME_EXPIRE, true, child_on_expire},
    {FRAME_STORED, true, child_on_stored},
    {FRAME_KV_DONE, true, child_on_kv_done},
    {FRAME_PING, false, on_ping},
    {FRAME_STOP, false, on_stop},
};

static const char *on_frame(struct link *l, const struct frame *f, int *fd, void *arg)
{
    (void)l;
    struct child *c = arg;
    for (size_t i = 0; i < ARRAY_LEN(handlers); i++) {
        if (handlers[i].type == f->type)
            return !handlers[i].needs_open || c->is_open ? handlers[i].handle(c, f, fd) : NULL;
    }
    return "a frame that no one handles";
}

/* The bridge has gone, or wants us to: nothing that is still open will be heard. */
static void on_end(struct link *l, const char *fault, void *arg)
{
    (void)l;
    struct child *c = arg;
    if (fault)
        fprintf(stderr, "channel-host %s: the bridge sent %s\n", c->channel ? c->channel : "", fault);
    stop_adapter(c);
    close_adapter(c);
    event_base_loopbreak(c->base);
}

static void on_sigterm(int sig)
{
    (void)sig;
    kill(0, SIGKILL); /* the group: also what the adapter started */
}

static struct child *child_new(void)
{
    static const struct link_events events = {.on_frame = on_frame, .on_end = on_end};
    struct child *c = mem_zalloc(sizeof *c);
    c->loop_thread = pthread_self();
    c->base = event_base_new();
    must(c->base);
    c->finish_event = event_new(c->base, -1, 0, on_finish, c);
    must(c->finish_event);
    c->link = link_new(c->base, SOCKET_FD, TO_CHILD, CHILD_OUT_MAX, &events, c);
    child_log_init(c);
    child_loop_init(c);
    return c;
}

/* The adapter's library stays loaded and the posts' lock alive: its threads may still run. */
static void child_free(struct child *c)
{
    child_http_fini(c);
    child_loop_fini(c);
    child_calls_fini(c);
    text_cuts_fini(&c->cuts);
    child_log_fini(c);
    event_free(c->finish_event);
    link_free(c->link);
    event_base_free(c->base);
    for (size_t i = 0; i < 2 * c->setting_n; i++) {
        mem_wipe(c->setting[i], strlen(c->setting[i]));
        free(c->setting[i]);
    }
    free(c->setting);
    free(c->channel);
    free(c->ca_file);
}

int host_child_main(void)
{
    static struct child *c; /* threads of the adapter may look at it until the process has ended */
    if (fcntl(SOCKET_FD, F_SETFD, FD_CLOEXEC) != 0) {
        fprintf(stderr,
                "channel-host is started by front-bridge itself; use `front-bridge channel test X.so`.\n");
        return 2;
    }
    unsetenv(SPAWN_IS_CHILD);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, on_sigterm);
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* from now on the whole group goes, not we alone */
    c = child_new();
    event_base_dispatch(c->base);
    int code = c->exit_code;
    child_free(c);
    return code;
}
