/*
 * Starts the bridge that the demo shows, finds its ports, asks it whether it is ready, and leaves nothing
 * behind. Refuses to know what the demo shows. Invariant: while a demo_bridge lives its folder exists;
 * afterwards neither the folder nor the process does.
 */
#include "cli/demo_bridge.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "http/client.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { POLL_MS = 20, READY_WITHIN_MS = 30000, STOP_WITHIN_MS = 10000, FILE_MAX = 64 << 10, LOG_TAIL = 2000 };

struct demo_bridge {
    char folder[PATH_MAX];
    pid_t pid; /* 0: not running */
    struct event_base *base;
    struct http_client *http;
    struct event *poll, *child;
    mono_ms_t began_at;
    struct demo_bridge_state state;
    bool is_asking, is_ready; /* ready: its store and listeners; then its channel is awaited */
    demo_ready_fn *on_ready;
    void *arg;
};

const char *demo_bridge_folder(const struct demo_bridge *b)
{
    return b->folder;
}

static void path_in(const struct demo_bridge *b, const char *name, struct buf *out)
{
    buf_init(out, PATH_MAX);
    buf_addf(out, "%s/%s", b->folder, name);
}

static bool write_file(const struct demo_bridge *b, const char *name, struct span text)
{
    struct buf path;
    path_in(b, name, &path);
    int fd = open(path.p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool is_ok = fd >= 0 && write(fd, text.p, text.n) == (ssize_t)text.n;
    is_ok = (fd < 0 || close(fd) == 0) && is_ok;
    buf_fini(&path);
    return is_ok;
}

/* read_tail appends the last bytes of a file, at most max of them. */
static void read_tail(const struct demo_bridge *b, const char *name, off_t max, struct buf *out)
{
    struct buf path;
    char text[FILE_MAX];
    path_in(b, name, &path);
    int fd = open(path.p, O_RDONLY | O_CLOEXEC);
    buf_fini(&path);
    if (fd < 0)
        return;
    off_t end = lseek(fd, 0, SEEK_END);
    ssize_t n = pread(fd, text, (size_t)(end < max ? end : max), end < max ? 0 : end - max);
    if (n > 0)
        buf_add(out, text, (size_t)n);
    close(fd);
}

static void write_config(const struct demo_bridge *b, const struct demo_bridge_options *o, struct buf *out)
{
    buf_addf(out,
             "# The demo's own configuration, with secrets made for this run.\n"
             "listen: 127.0.0.1:0\n"
             "admin: {listen: 127.0.0.1:0}\n"
             "store: %s/store\n"
             "log: {format: text, level: info}\n"
             "accounts:\n"
             "  demo:\n"
             "    api: http://127.0.0.1:%u\n"
             "    app: {uid: %s, secret: %s}\n",
             b->folder, o->front_port, o->app_uid, o->app_secret);
    buf_addf(out,
             "channels:\n"
             "  demo:\n"
             "    account: demo\n"
             "    kind: application\n"
             "    front_channel: cha_demo\n"
             "    adapter: http\n"
             "    answer: {wait: 5s, on_timeout: accept}\n"
             "    retry: {first: 1s, factor: 2, max: 10s, give_up: 10m}\n"
             "    settings:\n"
             "      url: http://127.0.0.1:%u/chat/deliver\n"
             "      secret: %s\n"
             "      timeout: 4s\n",
             o->front_port, o->chat_secret);
}

/* ---- The process ---- */

/* A group of its own, so that Ctrl-C reaches the demo alone, which then ends the bridge in order. */
_Noreturn static void become_bridge(const char *config, int log, pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (getppid() != parent || null < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
        _exit(1);
    execl("/proc/self/exe", "front-bridge", "run", "-c", config, (char *)NULL);
    _exit(1);
}

static bool start_process(struct demo_bridge *b)
{
    struct buf config, log_path;
    pid_t parent = getpid();
    path_in(b, "front-bridge.yaml", &config);
    path_in(b, "log", &log_path);
    int log = open(log_path.p, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    b->pid = log < 0 ? -1 : fork();
    if (b->pid == 0)
        become_bridge(config.p, log, parent);
    if (log >= 0)
        close(log);
    buf_fini(&config);
    buf_fini(&log_path);
    bool is_started = b->pid > 0;
    b->pid = is_started ? b->pid : 0;
    return is_started;
}

static void tell(struct demo_bridge *b, const char *why)
{
    evtimer_del(b->poll);
    b->state.why = why;
    b->on_ready(b->arg, &b->state);
}

static void fail(struct demo_bridge *b, const char *what)
{
    struct buf why;
    buf_init(&why, FILE_MAX);
    buf_addf(&why, "%s; its last lines:\n", what);
    read_tail(b, "log", LOG_TAIL, &why);
    tell(b, why.p);
    buf_fini(&why);
}

static void on_child(evutil_socket_t number, short what, void *arg)
{
    struct demo_bridge *b = arg;
    int status;
    (void)number;
    (void)what;
    if (!b->pid || waitpid(b->pid, &status, WNOHANG) != b->pid)
        return;
    b->pid = 0;
    fail(b, "the bridge has ended");
}

/* ---- Is it ready? ---- */

static bool read_ports(struct demo_bridge *b)
{
    struct buf text;
    struct json doc;
    int64_t port = 0, admin_port = 0;
    buf_init(&text, 4096);
    read_tail(b, "store/ports", 4096, &text);
    bool is_ok = json_parse(&doc, buf_span(&text)) == OK &&
                 json_i64(json_get(json_root(&doc), "listen"), &port) == OK &&
                 json_i64(json_get(json_root(&doc), "admin"), &admin_port) == OK;
    json_fini(&doc);
    buf_fini(&text);
    b->state.port = (unsigned)port;
    b->state.admin_port = (unsigned)admin_port;
    return is_ok;
}

static bool is_channel_up(struct span metrics)
{
    static const char line[] = "front_bridge_channel_up{channel=\"demo\"} 1";
    return metrics.n && memmem(metrics.p, metrics.n, line, sizeof line - 1);
}

static void on_asked(const struct http_answer *a, void *arg)
{
    struct demo_bridge *b = arg;
    b->is_asking = false;
    if (a->fail != HTTP_FAIL_NONE || a->status != 200)
        return;
    if (b->is_ready && is_channel_up(a->body))
        tell(b, NULL);
    b->is_ready = true;
}

static void ask(struct demo_bridge *b)
{
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u/%s", b->state.admin_port,
             b->is_ready ? "metrics" : "readyz");
    b->is_asking = true;
    http_call_start(b->http,
                    &(struct http_request){.method = "GET", .url = url, .body_fd = -1, .timeout_ms = 2000},
                    on_asked, b);
}

static void on_poll(evutil_socket_t fd, short what, void *arg)
{
    struct demo_bridge *b = arg;
    (void)fd;
    (void)what;
    if (clock_mono_ms() - b->began_at > READY_WITHIN_MS)
        fail(b, "the bridge was not ready within 30 seconds");
    else if (!b->is_asking && (b->state.admin_port || read_ports(b)))
        ask(b);
}

/* ---- Begin and end ---- */

static bool make_folder(struct demo_bridge *b)
{
    const char *under = getenv("TMPDIR");
    snprintf(b->folder, sizeof b->folder, "%s/front-bridge-demo-XXXXXX", under && *under ? under : "/tmp");
    if (mkdtemp(b->folder))
        return true;
    b->folder[0] = '\0';
    return false;
}

static bool prepare(struct demo_bridge *b, const struct demo_bridge_options *o)
{
    struct buf text;
    buf_init(&text, FILE_MAX);
    if (!make_folder(b))
        return false;
    write_config(b, o, &text);
    bool is_ok = write_file(b, "front-bridge.yaml", buf_span(&text)) && start_process(b);
    mem_wipe(text.p, text.n);
    buf_fini(&text);
    return is_ok;
}

static void watch(struct demo_bridge *b)
{
    struct timeval every = clock_tv(POLL_MS);
    b->http = http_client_new(b->base, &(struct http_client_options){0});
    b->poll = event_new(b->base, -1, EV_PERSIST, on_poll, b);
    b->child = evsignal_new(b->base, SIGCHLD, on_child, b);
    must(b->poll && b->child);
    evtimer_add(b->poll, &every);
    evsignal_add(b->child, NULL);
}

enum err demo_bridge_start(struct event_base *base, const struct demo_bridge_options *o,
                           demo_ready_fn *on_ready, void *arg, struct demo_bridge **out, struct buf *why)
{
    struct demo_bridge *b = mem_zalloc(sizeof *b);
    b->base = base;
    b->began_at = clock_mono_ms();
    b->on_ready = on_ready;
    b->arg = arg;
    watch(b); /* before the process starts, so that its end is not missed */
    if (!prepare(b, o)) {
        buf_addf(why, "a bridge cannot be started in %s: %s", b->folder[0] ? b->folder : "$TMPDIR",
                 strerror(errno));
        demo_bridge_stop(b);
        return ERR_IO;
    }
    *out = b;
    return OK;
}

/* The loop goes on turning: what the bridge has under way with the simulator may end well. */
static void stop_process(struct event_base *base, pid_t pid)
{
    mono_ms_t began_at = clock_mono_ms();
    must(pid > 1);
    kill(pid, SIGTERM);
    while (waitpid(pid, NULL, WNOHANG) == 0) {
        if (clock_mono_ms() - began_at > STOP_WITHIN_MS)
            kill(pid, SIGKILL);
        event_base_loop(base, EVLOOP_NONBLOCK);
        usleep(5000);
    }
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void demo_bridge_stop(struct demo_bridge *b)
{
    if (!b)
        return;
    event_free(b->child);
    event_free(b->poll);
    http_client_free(b->http);
    if (b->pid)
        stop_process(b->base, b->pid);
    if (b->folder[0])
        nftw(b->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(b);
}
