/*
 * Decides who answers an operator: the running bridge, else the store. Knows nothing of what is asked.
 * Invariant: the store is opened only under its lock, and only where there already is one.
 */
#include "cli/ops_call.h"
#include "admin/ops.h"
#include "base/log.h"
#include "cli/command.h"
#include "http/client.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_MS = 30 * 1000, CHANGE_MS = 10 * 60 * 1000, PATH_BYTES_MAX = 4096, WHY_BYTES_MAX = 4096 };

void ops_answer_init(struct ops_answer *a)
{
    a->status = 0;
    buf_init(&a->json, OPS_ANSWER_MAX);
}

void ops_answer_fini(struct ops_answer *a)
{
    buf_fini(&a->json);
}

static void take_answer(struct ops_answer *a, int status, struct span json)
{
    a->status = status;
    buf_clear(&a->json);
    buf_add_span(&a->json, json);
}

/* ---- The bridge ---- */

struct asking {
    struct event_base *base;
    struct ops_answer *out;
    enum http_fail fail;
};

static void on_http_done(const struct http_answer *answer, void *arg)
{
    struct asking *a = arg;

    a->fail = answer->fail;
    if (answer->fail == HTTP_FAIL_NONE)
        take_answer(a->out, answer->status, answer->body);
    event_base_loopbreak(a->base);
}

/* What is asked. */
struct question {
    const struct config *config;
    const char *method, *target;
    struct span body;
    struct buf *why; /* one sentence, where the code is not EXIT_FINE */
};

static int fail(const struct question *q, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
static int fail(const struct question *q, int code, const char *fmt, ...)
{
    va_list args;
    char sentence[2 * PATH_BYTES_MAX];

    va_start(args, fmt);
    vsnprintf(sentence, sizeof sentence, fmt, args);
    va_end(args);
    buf_add_str(q->why, sentence);
    return code;
}

static enum http_fail ask(const char *socket, const char *method, const char *target, struct span body,
                          struct ops_answer *out)
{
    struct asking a = {.base = event_base_new(), .out = out};
    struct buf url;

    must(a.base);
    buf_init(&url, 16384);
    buf_addf(&url, "http://localhost%s", target);
    struct http_client *client =
        http_client_new(a.base, &(struct http_client_options){.unix_socket = socket});
    const struct http_request r = {.method = method,
                                   .url = url.p,
                                   .body = body,
                                   .body_fd = -1,
                                   .timeout_ms = strcmp(method, "GET") == 0 ? READ_MS : CHANGE_MS,
                                   .max_answer_bytes = OPS_ANSWER_MAX};
    http_call_start(client, &r, on_http_done, &a);
    event_base_dispatch(a.base);
    http_client_free(client);
    event_base_free(a.base);
    buf_fini(&url);
    return a.fail;
}

/* ---- The store ---- */

struct local {
    struct ops_answer *out;
    bool is_answered, is_failing;
};

static void on_ops_done(int status, struct span json, void *arg)
{
    struct local *l = arg;

    take_answer(l->out, status, json);
    l->is_answered = true;
}

static void on_health(bool is_ok, const char *reason, void *arg)
{
    struct local *l = arg;

    (void)reason;
    l->is_failing = !is_ok;
}

/* Nobody waits for a store that fails: closing it ends what was asked, and ops.c says the store's reason. */
static int ask_store(const struct question *q, struct ops_answer *out)
{
    struct local l = {.out = out};
    struct event_base *base = event_base_new();
    struct store *store = NULL;
    struct buf why;
    size_t path_n = strcspn(q->target, "?");
    const char *query = q->target + path_n + (q->target[path_n] == '?');
    int code = EXIT_FINE;

    must(base);
    buf_init(&why, WHY_BYTES_MAX);
    const struct store_options options = {.url = q->config->store, .on_health = on_health, .arg = &l};
    if (store_open(&store, base, &options, &why) == OK) {
        const struct ops_context x = {.store = store, .config = q->config};
        ops_run(&x, span_of(q->method), (struct span){q->target, path_n}, span_of(query), q->body,
                on_ops_done, &l);
        while (!l.is_answered && !l.is_failing)
            must(event_base_loop(base, EVLOOP_ONCE) == 0);
        store_close(store, 0);
        must(l.is_answered);
    } else {
        code = fail(q, EXIT_FAILED, "%s", why.p);
    }
    event_base_free(base);
    buf_fini(&why);
    return code;
}

/* What fails is answered, so the store's own lines in the log would only say it twice. */
static void silence_log(void)
{
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

    if (fd >= 0)
        log_setup(LOG_ERROR, LOG_TEXT, fd);
}

static int ask_locked(const struct question *q, struct ops_answer *out)
{
    struct buf why;
    int fd = -1, code;

    buf_init(&why, WHY_BYTES_MAX);
    enum err e = store_lock(q->config->store, 0, &fd, &why);
    if (e == OK) {
        silence_log();
        code = ask_store(q, out);
        close(fd);
    } else if (e == ERR_CONFLICT) {
        code = fail(q, EXIT_TRY_LATER,
                    "another process uses %s, but takes no commands at admin.sock there; if it is just "
                    "starting or stopping, try again in a moment",
                    q->config->store);
    } else {
        code = fail(q, EXIT_FAILED, "%s", why.p);
    }
    buf_fini(&why);
    return code;
}

/* ---- Which of them ---- */

static int look_for_store(const struct question *q)
{
    const char *store = q->config->store;
    struct buf path;
    struct stat st;

    buf_init(&path, PATH_BYTES_MAX);
    buf_addf(&path, "%s/front-bridge.db", store);
    bool is_there = stat(path.p, &st) == 0;
    int error = errno;
    buf_fini(&path);
    if (is_there)
        return EXIT_FINE;
    if (error == ENOENT || error == ENOTDIR)
        return fail(q, EXIT_FAILED, "there is no store in %s yet; front-bridge run makes it", store);
    return fail(q, EXIT_FAILED, "%s cannot be read: %s; run this as the bridge's user", store,
                strerror(error));
}

static int fail_asking(const struct question *q, enum http_fail how, const char *socket)
{
    if (how == HTTP_FAIL_TIMEOUT)
        return fail(q, EXIT_TRY_LATER, "the bridge at %s has not answered in time; it may still be at it",
                    socket);
    return fail(q, how == HTTP_FAIL_BROKEN ? EXIT_TRY_LATER : EXIT_FAILED,
                "the bridge at %s gave no answer: %s", socket, http_fail_text(how));
}

bool ops_ask_bridge(const struct config *c, const char *target, struct ops_answer *out)
{
    struct buf socket;

    buf_init(&socket, PATH_BYTES_MAX);
    buf_addf(&socket, "%s/admin.sock", c->store);
    bool is_answered = ask(socket.p, "GET", target, SPAN_NONE, out) == HTTP_FAIL_NONE && out->status == 200;
    buf_fini(&socket);
    return is_answered;
}

int ops_send(const struct config *c, const char *method, const char *target, struct span body,
             struct ops_answer *out, struct buf *why)
{
    const struct question q = {.config = c, .method = method, .target = target, .body = body, .why = why};
    struct buf socket;

    buf_init(&socket, PATH_BYTES_MAX);
    buf_addf(&socket, "%s/admin.sock", c->store);
    enum http_fail how = ask(socket.p, method, target, body, out);
    int code = EXIT_FINE;
    if (how == HTTP_FAIL_CONNECT) {
        code = look_for_store(&q);
        if (code == EXIT_FINE)
            code = ask_locked(&q, out);
    } else if (how != HTTP_FAIL_NONE) {
        code = fail_asking(&q, how, socket.p);
    }
    buf_fini(&socket);
    return code;
}

int ops_call(const struct config *c, const char *method, const char *target, struct ops_answer *out)
{
    struct buf why;

    buf_init(&why, 2 * WHY_BYTES_MAX);
    int code = ops_send(c, method, target, SPAN_NONE, out, &why);
    if (code != EXIT_FINE)
        command_fail(code, "%s", why.p);
    buf_fini(&why);
    return code;
}
