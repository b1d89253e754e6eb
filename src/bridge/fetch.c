/*
 * One file from its hand-out to its end: a call, bytes as they come, a sync, and the word to the store. What an end means is
 * fetch_policy's business.
 */
#include "bridge/fetch.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/point.h"
#include "bridge/fetch_policy.h"
#include "bridge/life.h"
#include "bridge/staging.h"
#include "http/text.h"
#include "store/files.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FETCHES_MAX = 4,           /* of one channel and direction */
    CALL_MS = 5 * 60 * 1000,   /* 25 MB at 85 kB/s */
    STALL_MS = 20 * 1000,      /* with hardly a byte */
    LEASE_MS = 15 * 60 * 1000, /* then the store hands it out again */
    STORE_FAILED_MS = 1000,    /* after a store failure */
    REDIRECTS_MAX = 3,         /* of a backend's URL */
    URL_MAX = 8192,
    WHY_MAX = 500,
};

LIST_HEAD(fetches, fetch);

struct fetcher {
    struct channel *channel;
    enum message_direction direction;
    struct store_files_due due;
    bool is_posted, is_closed;
    wall_ms_t next_at;
    struct event *timer;
    struct fetches fetches;
    unsigned busy_n;
    struct fetch_stats stats;
};

struct fetch {
    LIST_ENTRY(fetch) link;
    struct fetcher *fetcher;
    struct store_file file;
    struct front_call *front; /* while Front has it */
    struct http_call *http;   /* while the backend has it */
    char *url;
    unsigned redirects;
    int fd;    /* -1: none */
    int error; /* errno of a write that failed; 0: none */
    struct sha256_sum *sum;
    struct file_job job; /* its name is that of the file */
    char sha256[FILE_SHA256_BYTES];
    int64_t bytes;
    struct buf why, reason;
    struct store_file_end end;
};

static void on_due(struct store_op *op);
static void on_timer(evutil_socket_t fd, short what, void *arg);
static void on_kept(struct file_job *j);
static void on_ended(struct store_op *op);
static void look(struct fetcher *f);

static struct bridge *bridge_of(const struct fetch *t)
{
    return t->fetcher->channel->bridge;
}

/* ---- Life ---- */

struct fetcher *fetcher_new(struct channel *ch, enum message_direction d)
{
    struct fetcher *f = mem_zalloc(sizeof *f);

    f->channel = ch;
    f->direction = d;
    f->due = (struct store_files_due){
        .op.on_done = on_due, .direction = d, .channel = ch->config->name, .retry_ms = LEASE_MS};
    f->next_at = INT64_MAX; /* the keeper says when the store is ready */
    f->timer = evtimer_new(ch->bridge->base, on_timer, f);
    must(f->timer);
    LIST_INIT(&f->fetches);
    return f;
}

void fetcher_free(struct fetcher *f)
{
    if (!f)
        return;
    event_free(f->timer);
    free(f);
}

struct fetch_stats fetcher_stats(const struct fetcher *f)
{
    return f->stats;
}

static struct fetch *fetch_new(struct fetcher *f, struct store_file *file)
{
    struct fetch *t = mem_zalloc(sizeof *t);

    t->fetcher = f;
    t->file = *file;
    *file = (struct store_file){0};
    t->fd = -1;
    buf_init(&t->why, WHY_MAX);
    buf_init(&t->reason, 2 * WHY_MAX);
    LIST_INSERT_HEAD(&f->fetches, t, link);
    f->busy_n++;
    return t;
}

/* What was written is of no use. */
static void drop_bytes(struct fetch *t)
{
    if (t->sum)
        sha256_end_hex(t->sum, t->sha256);
    t->sum = NULL;
    if (t->fd >= 0)
        close(t->fd);
    t->fd = -1;
    if (t->job.name[0] && bridge_of(t)->files)
        files_remove(bridge_of(t)->files, t->job.name);
    t->job.name[0] = '\0';
}

static void fetch_free(struct fetch *t)
{
    LIST_REMOVE(t, link);
    t->fetcher->busy_n--;
    drop_bytes(t);
    store_file_fini(&t->file);
    buf_fini(&t->why);
    buf_fini(&t->reason);
    free(t->url);
    free(t);
}

void fetcher_close(struct fetcher *f)
{
    f->is_closed = true;
    event_del(f->timer);
    for (struct fetch *t = LIST_FIRST(&f->fetches), *next; t; t = next) {
        next = LIST_NEXT(t, link);
        if (t->front)
            front_call_cancel(t->front);
        else if (t->http)
            http_call_cancel(t->http);
    }
}

/* ---- Ends ---- */

static void post_end(struct fetch *t)
{
    t->end.op.on_done = on_ended;
    t->end.id = t->file.id;
    t->end.now = clock_wall_ms();
    t->end.quota_bytes = bridge_of(t)->config->channel_quota_bytes;
    store_post_file_end(bridge_of(t)->store, &t->end);
}

static void write_line(const struct fetch *t)
{
    static const char *const event[] = {
        [FILE_WANTED] = "file_not_fetched", [FILE_READY] = "file_fetched", [FILE_GONE] = "file_gone"};

    log_line(t->end.state == FILE_READY ? LOG_INFO : LOG_WARN, event[t->end.state],
             (const struct log_field[]){
                 LOG_STR("channel", t->fetcher->channel->config->name),
                 LOG_STR("direction", message_direction_name(t->fetcher->direction)),
                 LOG_STR("source_id", t->file.source_id),
                 LOG_I64("tries", t->file.tries + 1),
                 LOG_I64("bytes", t->bytes),
                 LOG_SPAN("reason", buf_span(&t->why)),
             },
             t->end.state == FILE_READY ? 5 : 6);
}

/* The end of the call is judged; what is to be tried again, or never, is told to the store at once. */
static void judge(struct fetch *t, enum fetch_end end, int status, int64_t retry_after_ms)
{
    const struct fetch_facts facts = {.direction = t->fetcher->direction,
                                      .end = end,
                                      .status = status,
                                      .tries = t->file.tries + 1,
                                      .retry_after_ms = retry_after_ms,
                                      .filename = t->file.filename,
                                      .why = buf_span(&t->why)};
    struct fetch_verdict v = fetch_verdict(t->fetcher->channel->config, &facts, (uint64_t)t->file.id);

    t->end.state = v.state;
    if (v.state == FILE_READY) {
        t->job.fd = t->fd;
        t->fd = -1;
        t->job.on_done = on_kept;
        sha256_end_hex(t->sum, t->sha256);
        t->sum = NULL;
        files_keep(bridge_of(t)->files, &t->job);
        return;
    }
    drop_bytes(t);
    buf_clear(&t->reason);
    fetch_sentence(&facts, v.state, &t->reason);
    t->end.due_at = clock_wall_ms() + v.delay_ms;
    t->end.reason = buf_span(&t->reason);
    t->end.name = t->end.sha256 = NULL;
    post_end(t);
}

static void fail(struct fetch *t, enum fetch_end end, const char *why)
{
    buf_clear(&t->why);
    buf_add_str(&t->why, why);
    judge(t, end, 0, 0);
}

static void on_kept(struct file_job *j)
{
    struct fetch *t = container_of(j, struct fetch, job);

    POINT("after_fetch");
    if (j->result != OK) {
        j->name[0] = '\0'; /* removed already */
        fail(t, FETCH_NO_ROOM, j->result == ERR_FULL ? "the disk is full" : "the disk failed");
        return;
    }
    t->end.name = j->name;
    t->end.sha256 = t->sha256;
    t->end.bytes = t->bytes;
    post_end(t);
}

static void count(struct fetch *t)
{
    struct fetch_stats *s = &t->fetcher->stats;

    s->fetched += t->end.state == FILE_READY;
    s->bytes += t->end.state == FILE_READY ? (uint64_t)t->bytes : 0;
    s->failed += t->end.state == FILE_WANTED;
    s->gone += t->end.state == FILE_GONE;
}

static void on_ended(struct store_op *op)
{
    struct fetch *t = container_of(op, struct fetch, end.op);
    struct fetcher *f = t->fetcher;
    struct queue *q = f->direction == MESSAGE_OUT ? &f->channel->out : &f->channel->in;

    if (op->result == ERR_FULL) {
        fail(t, FETCH_NO_ROOM, "the channel's quota is used up");
        return;
    }
    if (op->result == OK) {
        write_line(t);
        count(t);
        if (t->end.state == FILE_READY)
            t->job.name[0] = '\0'; /* the store's now */
        if (t->end.state == FILE_WANTED && t->end.due_at < f->next_at)
            f->next_at = t->end.due_at;
        if (t->end.message_n > 0)
            queue_due(q, t->end.now);
    }
    fetch_free(t);
    if (f->is_closed)
        return;
    queue_kick(q);
    look(f);
}

/* ---- Bytes ---- */

static bool write_all(struct fetch *t, struct span bytes)
{
    while (bytes.n > 0) {
        ssize_t n = write(t->fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            t->error = errno;
            return false;
        }
        bytes = (struct span){bytes.p + n, bytes.n - (size_t)n};
    }
    return true;
}

static bool on_bytes(struct span bytes, void *arg)
{
    struct fetch *t = arg;

    POINT("mid_fetch");
    t->bytes += (int64_t)bytes.n;
    sha256_add(t->sum, bytes);
    return write_all(t, bytes);
}

static size_t limit_of(const struct fetch *t)
{
    uint64_t most = bridge_of(t)->config->attachments_bytes;
    uint64_t announced = t->file.bytes >= 0 ? (uint64_t)t->file.bytes : most;

    return (size_t)(announced < most ? announced : most);
}

/* A login page, an error page: what sits between us and the file. */
static bool is_web_page_instead(const struct fetch *t, struct span content_type)
{
    bool is_page = http_media_type_is(content_type, "text/html") ||
                   http_media_type_is(content_type, "application/xhtml+xml");
    const char *wanted = t->file.content_type;
    bool may_be = strcmp(wanted, "text/html") == 0 || strcmp(wanted, "application/xhtml+xml") == 0 ||
                  (strcmp(wanted, "application/octet-stream") == 0 && t->bytes == t->file.bytes);

    return is_page && !may_be;
}

/* The whole answer is here: is it the file? */
static void arrived(struct fetch *t, struct span content_type)
{
    enum fetch_end end = FETCH_DONE;

    buf_clear(&t->why);
    if (is_web_page_instead(t, content_type)) {
        buf_addf(&t->why, "a web page came instead of a file of type %s", t->file.content_type);
        end = FETCH_OTHER;
    } else if (t->file.bytes >= 0 && t->bytes != t->file.bytes) {
        buf_addf(&t->why, "it is %lld bytes long and not %lld, as was announced", (long long)t->bytes,
                 (long long)t->file.bytes);
        end = FETCH_OTHER;
    }
    judge(t, end, 200, 0);
}

static void too_large(struct fetch *t)
{
    buf_clear(&t->why);
    if (t->file.bytes >= 0)
        buf_addf(&t->why, "it is longer than the %lld bytes that were announced", (long long)t->file.bytes);
    else
        buf_addf(&t->why, "it is larger than %llu MB",
                 (unsigned long long)(bridge_of(t)->config->attachments_bytes / 1000000));
    judge(t, FETCH_TOO_LARGE, 0, 0);
}

static bool begin(struct fetch *t)
{
    t->bytes = 0;
    t->error = 0;
    t->fd = files_create(bridge_of(t)->files, t->job.name);
    if (t->fd < 0) {
        t->job.name[0] = '\0';
        fail(t, FETCH_NO_ROOM, strerror(errno));
        return false;
    }
    t->sum = sha256_begin();
    return true;
}

/* ---- From Front ---- */

static struct span without_full_stop(struct span s)
{
    while (s.n > 0 && s.p[s.n - 1] == '.')
        s.n--;
    return s;
}

static void on_front(const struct front_result *r, void *arg)
{
    static const enum fetch_end ends[] = {[FRONT_CALL_OK] = FETCH_DONE,
                                          [FRONT_CALL_RETRY] = FETCH_FAILED,
                                          [FRONT_CALL_REFUSED] = FETCH_REFUSED,
                                          [FRONT_CALL_UNKNOWN] = FETCH_FAILED,
                                          [FRONT_CALL_CANCELLED] = FETCH_FAILED};
    struct fetch *t = arg;

    t->front = NULL;
    if (r->class == FRONT_CALL_CANCELLED) {
        fetch_free(t);
    } else if (t->error) {
        fail(t, FETCH_NO_ROOM, strerror(t->error));
    } else if (r->class == FRONT_CALL_OK && r->status == 200) {
        arrived(t, r->content_type);
    } else if (r->is_too_large) {
        too_large(t);
    } else {
        enum fetch_end end = ends[r->class] == FETCH_DONE ? FETCH_OTHER : ends[r->class];
        buf_clear(&t->why);
        buf_add_span(&t->why, without_full_stop(r->reason));
        if (t->why.n == 0)
            buf_addf(&t->why, "Front answered %d", r->status);
        judge(t, end == FETCH_REFUSED && r->status == 0 ? FETCH_FORBIDDEN : end, r->status,
              r->retry_after_ms);
    }
}

/* An application channel's own token opens its own messages' files; else the account's token opens all. */
static void ask_front(struct fetch *t)
{
    struct channel *ch = t->fetcher->channel;
    bool is_channels = ch->config->kind == CHANNEL_APPLICATION && channel_front_id(ch);
    struct buf path;

    if (!begin(t))
        return;
    buf_init(&path, URL_MAX);
    if (is_channels)
        front_path(&path, "/messages/%s/download/%s", t->file.source_id, t->file.origin);
    else
        front_path(&path, "/download/%s", t->file.origin);
    t->front =
        staging_call(ch,
                     &(struct front_request){.name = "download",
                                             .lane = RATE_ATTACHMENTS,
                                             .auth = is_channels ? FRONT_AUTH_CHANNEL : FRONT_AUTH_TOKEN,
                                             .channel = channel_front_id(ch),
                                             .method = "GET",
                                             .path = path.p,
                                             .on_bytes = on_bytes,
                                             .max_bytes = limit_of(t),
                                             .timeout_ms = CALL_MS,
                                             .stall_ms = STALL_MS},
                     on_front, t);
    buf_fini(&path);
}

/* ---- From a backend ---- */

static void ask_backend(struct fetch *t);

/* Where a redirect points: another URL, or another path of the same host; what else there is, is not followed. */
static char *target_of(const char *url, struct span location)
{
    struct span authority = config_authority(span_of(url));
    struct buf target;

    if (span_starts(location, "http://") || span_starts(location, "https://"))
        return span_strdup(location);
    if (!authority.p || location.n == 0 || location.p[0] != '/' || span_starts(location, "//"))
        return NULL;
    buf_init(&target, URL_MAX);
    buf_add(&target, url, (size_t)(authority.p + authority.n - url));
    buf_add_span(&target, location);
    if (target.is_over)
        buf_clear(&target);
    return target.n > 0 ? buf_take(&target, NULL) : NULL;
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static bool follow(struct fetch *t, const struct http_answer *a)
{
    if (a->fail != HTTP_FAIL_NONE || !is_redirect(a->status) || t->redirects == REDIRECTS_MAX)
        return false;
    char *target = target_of(t->url, http_answer_header(a, "location"));
    if (!target)
        return false;
    free(t->url);
    t->url = target;
    t->redirects++;
    drop_bytes(t);
    ask_backend(t);
    return true;
}

static enum fetch_end end_of(const struct http_answer *a)
{
    if (a->fail == HTTP_FAIL_URL || a->fail == HTTP_FAIL_ADDRESS)
        return FETCH_FORBIDDEN;
    if (a->fail != HTTP_FAIL_NONE || a->status == 408 || a->status == 425 || a->status == 429 ||
        a->status >= 500)
        return FETCH_FAILED;
    return a->status >= 300 ? FETCH_REFUSED : FETCH_OTHER;
}

static void on_backend(const struct http_answer *a, void *arg)
{
    struct fetch *t = arg;

    t->http = NULL;
    if (a->fail == HTTP_FAIL_CANCELLED) {
        fetch_free(t);
    } else if (t->error) {
        fail(t, FETCH_NO_ROOM, strerror(t->error));
    } else if (a->fail == HTTP_FAIL_NONE && a->status == 200) {
        arrived(t, http_answer_header(a, "content-type"));
    } else if (a->fail == HTTP_FAIL_TOO_LARGE) {
        too_large(t);
    } else if (!follow(t, a)) {
        buf_clear(&t->why);
        if (a->fail != HTTP_FAIL_NONE)
            buf_add_str(&t->why, http_fail_text(a->fail));
        else
            buf_addf(&t->why, "its address answered %d", a->status);
        int64_t retry_after =
            http_retry_after(http_answer_header(a, "retry-after"), clock_wall_ms(), HOUR_MS);
        judge(t, end_of(a), a->status, retry_after > 0 ? retry_after : 0);
    }
}

/* The URL came from outside: it reaches the public Internet, and what the channel's settings allow. */
static void ask_backend(struct fetch *t)
{
    if (!begin(t))
        return;
    t->http = http_call_start(bridge_of(t)->http,
                              &(struct http_request){.method = "GET",
                                                     .url = t->url,
                                                     .on_bytes = on_bytes,
                                                     .max_answer_bytes = limit_of(t),
                                                     .timeout_ms = CALL_MS,
                                                     .stall_ms = STALL_MS,
                                                     .denies_private = true,
                                                     .allowed = &t->fetcher->channel->allowed},
                              on_backend, t);
}

/* ---- What is due ---- */

static bool is_under_way(const struct fetcher *f, int64_t id)
{
    const struct fetch *t;

    LIST_FOREACH(t, &f->fetches, link)
    if (t->file.id == id)
        return true;
    return false;
}

static void start(struct fetcher *f, struct store_file *file)
{
    if (is_under_way(f, file->id))
        return;
    struct fetch *t = fetch_new(f, file);
    if (!t->file.origin) {
        fail(t, FETCH_FORBIDDEN, "nobody says where it is");
    } else if (f->direction == MESSAGE_OUT) {
        ask_front(t);
    } else {
        t->url = mem_strdup(t->file.origin);
        ask_backend(t);
    }
}

static void on_due(struct store_op *op)
{
    struct fetcher *f = container_of(op, struct fetcher, due.op);

    f->is_posted = false;
    if (op->result != OK) {
        f->next_at = clock_wall_ms() + STORE_FAILED_MS;
    } else {
        if (f->due.next_at < f->next_at)
            f->next_at = f->due.next_at;
        for (unsigned i = 0; i < f->due.file_n; i++)
            if (!f->is_closed && !f->channel->bridge->is_stopping)
                start(f, &f->due.file[i]);
        store_files_due_fini(&f->due);
    }
    if (!f->is_closed)
        look(f);
}

static void look(struct fetcher *f)
{
    wall_ms_t now = clock_wall_ms();

    if (f->is_posted || f->channel->bridge->is_stopping || f->busy_n >= FETCHES_MAX ||
        f->next_at == INT64_MAX || channel_is_closed(f->channel))
        return;
    if (f->next_at > now) {
        struct timeval tv = clock_tv(f->next_at - now);
        event_add(f->timer, &tv);
        return;
    }
    f->is_posted = true;
    f->next_at = INT64_MAX;
    f->due.now = now;
    f->due.max = FETCHES_MAX - f->busy_n;
    store_post_files_due(f->channel->bridge->store, &f->due);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    look(arg);
}

void fetcher_soon(struct fetcher *f)
{
    f->next_at = 0;
    look(f);
}
