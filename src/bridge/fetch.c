/*
 * One file from its hand-out to its end: a call (fetch_call.c), a sync, and the word to the store. What an end means is
 * fetch_policy's business.
 */
#include "bridge/fetch.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/point.h"
#include "bridge/fetch_call.h"
#include "bridge/life.h"
#include <stdlib.h>
#include <unistd.h>

enum {
    FETCHES_MAX = 4,           /* of one queue */
    LEASE_MS = 15 * 60 * 1000, /* then the store hands it out again */
    STORE_FAILED_MS = 1000,    /* after a store failure */
    WHY_MAX = 500,
};

LIST_HEAD(fetches, fetch);

struct fetcher {
    struct queue *queue; /* whose messages wait for the files */
    struct store_files_due due;
    bool is_posted, is_closed;
    wall_ms_t next_at;
    struct event *timer;
    struct fetches fetches;
    unsigned busy_n;
};

static void on_due(struct store_op *op);
static void on_timer(evutil_socket_t fd, short what, void *arg);
static void on_kept(struct file_job *j);
static void on_ended(struct store_op *op);
static void look(struct fetcher *f);

static struct bridge *bridge_of(const struct fetch *t)
{
    return t->channel->bridge;
}

/* ---- Life ---- */

struct fetcher *fetcher_new(struct queue *q)
{
    struct channel *ch = q->channel;
    struct fetcher *f = mem_zalloc(sizeof *f);

    f->queue = q;
    f->due = (struct store_files_due){.op.on_done = on_due,
                                      .direction = q->direction,
                                      .channel = q->way == WAY_HISTORY ? ch->history_name : ch->config->name,
                                      .retry_ms = LEASE_MS};
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

static struct fetch *fetch_new(struct fetcher *f, struct store_file *file)
{
    struct fetch *t = mem_zalloc(sizeof *t);

    t->fetcher = f;
    t->channel = f->queue->channel;
    t->file = *file;
    *file = (struct store_file){0};
    t->fd = -1;
    buf_init(&t->why, WHY_MAX);
    buf_init(&t->reason, 2 * WHY_MAX);
    LIST_INSERT_HEAD(&f->fetches, t, link);
    f->busy_n++;
    return t;
}

void fetch_drop_bytes(struct fetch *t)
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

void fetch_free(struct fetch *t)
{
    LIST_REMOVE(t, link);
    t->fetcher->busy_n--;
    fetch_drop_bytes(t);
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
    t->end.message_bytes = fetch_message_max(t);
    store_post_file_end(bridge_of(t)->store, &t->end);
}

static void write_line(const struct fetch *t)
{
    static const char *const event[] = {
        [FILE_WANTED] = "file_not_fetched", [FILE_READY] = "file_fetched", [FILE_GONE] = "file_gone"};

    log_line(t->end.state == FILE_READY ? LOG_INFO : LOG_WARN, event[t->end.state],
             (const struct log_field[]){
                 LOG_STR("channel", t->channel->config->name),
                 LOG_STR("direction", message_direction_name(t->file.direction)),
                 LOG_STR("source_id", t->file.source_id),
                 LOG_I64("tries", t->file.tries + 1),
                 LOG_I64("bytes", t->bytes),
                 LOG_SPAN("reason", buf_span(&t->why)),
             },
             t->end.state == FILE_READY ? 5 : 6);
}

/* The end of the call is judged; what is to be tried again, or never, is told to the store at once. */
void fetch_judge(struct fetch *t, enum fetch_end end, int status, int64_t retry_after_ms)
{
    const struct fetch_facts facts = {.direction = t->file.direction,
                                      .end = end,
                                      .status = status,
                                      .tries = t->file.tries + 1,
                                      .retry_after_ms = retry_after_ms,
                                      .filename = t->file.filename,
                                      .why = buf_span(&t->why)};
    struct fetch_verdict v = fetch_verdict(t->channel->config, &facts, (uint64_t)t->file.id);

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
    fetch_drop_bytes(t);
    buf_clear(&t->reason);
    fetch_sentence(&facts, v.state, &t->reason);
    t->end.due_at = clock_wall_ms() + v.delay_ms;
    t->end.reason = buf_span(&t->reason);
    t->end.name = t->end.sha256 = NULL;
    post_end(t);
}

void fetch_fail(struct fetch *t, enum fetch_end end, const char *why)
{
    buf_clear(&t->why);
    buf_add_str(&t->why, why);
    fetch_judge(t, end, 0, 0);
}

static void on_kept(struct file_job *j)
{
    struct fetch *t = container_of(j, struct fetch, job);

    POINT("after_fetch");
    if (j->result != OK) {
        j->name[0] = '\0'; /* removed already */
        fetch_fail(t, FETCH_NO_ROOM, j->result == ERR_FULL ? "the disk is full" : "the disk failed");
        return;
    }
    t->end.name = j->name;
    t->end.sha256 = t->sha256;
    t->end.bytes = t->bytes;
    post_end(t);
}

static void count(struct fetch *t)
{
    struct file_stats *s = &t->channel->stats.files[t->file.direction];

    s->n[t->end.state]++;
    s->bytes += t->end.state == FILE_READY ? (uint64_t)t->bytes : 0;
}

static void on_ended(struct store_op *op)
{
    struct fetch *t = container_of(op, struct fetch, end.op);
    struct fetcher *f = t->fetcher;
    struct queue *q = f->queue;

    if (op->result == ERR_FULL) {
        fetch_fail(t, FETCH_NO_ROOM, "the channel's quota is used up");
        return;
    }
    if (op->result == ERR_LIMIT) { /* others of the message came meanwhile */
        fetch_is_too_much(t);
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
    if (t->file.origin)
        fetch_call(t);
    else
        fetch_fail(t, FETCH_FORBIDDEN, "nobody says where it is");
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
            if (!f->is_closed && !f->queue->channel->bridge->is_stopping)
                start(f, &f->due.file[i]);
        store_files_due_fini(&f->due);
    }
    if (!f->is_closed)
        look(f);
}

static void look(struct fetcher *f)
{
    wall_ms_t now = clock_wall_ms();

    if (f->is_posted || !f->queue->is_open || f->queue->channel->bridge->is_stopping ||
        f->busy_n >= FETCHES_MAX || f->next_at == INT64_MAX || channel_is_closed(f->queue->channel))
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
    store_post_files_due(f->queue->channel->bridge->store, &f->due);
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
