/*
 * The loop's side of the store: takes operations in, hands them back, says whether it works. It decides only
 * what is refused; all else is the thread's and the engine's. Invariant: an operation is in exactly one list
 * from its post to its on_done.
 */
#include "store/store.h"
#include "base/mem.h"
#include "store/claim.h"
#include "store/event.h"
#include "store/expire.h"
#include "store/fact.h"
#include "store/import.h"
#include "store/later.h"
#include "store/map.h"
#include "store/operator.h"
#include "store/thread.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { WAITING_MAX = 8192, WAITING_BYTES_MAX = 64 << 20, BATCH_MAX = 1024 };

static const struct engine_type *const engines[] = {&engine_sqlite};

/* ---- Lists ---- */

void list_push(struct op_list *l, struct store_op *op)
{
    op->next = NULL;
    if (l->last)
        l->last->next = op;
    else
        l->first = op;
    l->last = op;
    l->n++;
}

struct store_op *list_pop(struct op_list *l)
{
    struct store_op *op = l->first;
    if (!op)
        return NULL;
    l->first = op->next;
    if (!l->first)
        l->last = NULL;
    l->n--;
    op->next = NULL;
    return op;
}

void list_append(struct op_list *l, struct op_list *more)
{
    if (!more->first)
        return;
    if (l->last)
        l->last->next = more->first;
    else
        l->first = more->first;
    l->last = more->last;
    l->n += more->n;
    *more = (struct op_list){0};
}

void list_prepend(struct op_list *l, struct op_list *more)
{
    struct op_list behind = *l;
    *l = *more;
    *more = (struct op_list){0};
    list_append(l, &behind);
}

/* ---- Handing back ---- */

static void ring(struct store *s)
{
    uint64_t one = 1;
    ssize_t n = write(s->event_fd, &one, sizeof one);
    (void)n; /* a full counter rings as well */
}

void store_hand_back(struct store *s, struct op_list *ops)
{
    if (!ops->first)
        return;
    pthread_mutex_lock(&s->lock);
    bool was_empty = !s->done.first;
    list_append(&s->done, ops);
    pthread_mutex_unlock(&s->lock);
    if (was_empty)
        ring(s);
}

void store_tell_loop(struct store *s)
{
    ring(s);
}

static void tell_health(struct store *s)
{
    bool is_ok = store_is_healthy(s);
    if (is_ok == s->told_healthy)
        return;
    s->told_healthy = is_ok;
    if (!s->options.on_health)
        return;
    struct buf reason;
    buf_init(&reason, 2048);
    store_reason(s, &reason);
    s->options.on_health(is_ok, reason.p ? reason.p : "", s->options.arg);
    buf_fini(&reason);
}

static void deliver(struct store *s)
{
    pthread_mutex_lock(&s->lock);
    struct op_list done = s->done;
    s->done = (struct op_list){0};
    pthread_mutex_unlock(&s->lock);
    struct store_op *op;
    while ((op = list_pop(&done)))
        op->on_done(op);
}

static void on_ring(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    uint64_t count;
    ssize_t n = read(fd, &count, sizeof count);
    (void)n;
    tell_health(arg);
    deliver(arg);
}

/* ---- Open and close ---- */

static const struct engine_type *engine_for(const char *url)
{
    for (size_t i = 0; i < ARRAY_LEN(engines); i++)
        if (engines[i]->takes(url))
            return engines[i];
    return NULL;
}

static void init_locks(struct store *s)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->wake, &attr);
    pthread_cond_init(&s->opened, &attr);
    pthread_condattr_destroy(&attr);
}

static void start_thread(struct store *s)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the loop's */
    must(pthread_create(&s->thread, NULL, thread_main, s) == 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_setname_np(s->thread, "store");
    pthread_mutex_lock(&s->lock);
    while (!s->was_opened)
        pthread_cond_wait(&s->opened, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

enum err store_open(struct store **out, struct event_base *base, const struct store_options *o,
                    struct buf *why)
{
    const struct engine_type *type = engine_for(o->url);
    if (!type) {
        buf_addf(why, "%s: no such kind of store: give a directory", o->url);
        return ERR_INVALID;
    }
    struct store *s = mem_zalloc(sizeof *s);
    s->type = type;
    s->url = mem_strdup(o->url);
    s->options = *o;
    s->options.url = s->url;
    if (s->options.waiting_max == 0)
        s->options.waiting_max = WAITING_MAX;
    if (s->options.batch_max == 0)
        s->options.batch_max = BATCH_MAX;
    s->told_healthy = true;
    buf_init(&s->reason, 2048);
    init_locks(s);
    s->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    must(s->event_fd >= 0);
    s->event = event_new(base, s->event_fd, EV_READ | EV_PERSIST, on_ring, s);
    must(s->event && event_add(s->event, NULL) == 0);
    start_thread(s);
    *out = s;
    return OK;
}

void store_close(struct store *s, int64_t wait_ms)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    s->is_stopping = true;
    s->stop_by = clock_mono_ms() + wait_ms;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    while (s->done.first)
        deliver(s);
    event_free(s->event);
    close(s->event_fd);
    pthread_cond_destroy(&s->wake);
    pthread_cond_destroy(&s->opened);
    pthread_mutex_destroy(&s->lock);
    buf_fini(&s->reason);
    free(s->doubt);
    free(s->url);
    free(s);
}

/* ---- Health ---- */

bool store_is_healthy(const struct store *s)
{
    return atomic_load(&s->is_healthy);
}

void store_reason(const struct store *s, struct buf *out)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&s->lock;
    pthread_mutex_lock(lock);
    buf_add_span(out, buf_span(&s->reason));
    pthread_mutex_unlock(lock);
}

const char *store_tag(const struct store *s)
{
    return atomic_load_explicit(&s->has_tag, memory_order_acquire) ? s->tag : "";
}

/* ---- Posting ---- */

bool store_may_refuse(const struct store_op *op)
{
    if (op->verb == STORE_KV)
        return !container_of((struct store_op *)(uintptr_t)op, struct store_kv, op)->is_write;
    return op_class[op->verb].may_refuse;
}

static enum err verdict(const struct store *s, const struct store_op *op, size_t bytes)
{
    if (s->is_stopping)
        return ERR_CANCELLED;
    if (!store_is_healthy(s) && store_may_refuse(op))
        return ERR_IO;
    if (op_class[op->verb].bytes &&
        (s->put_n >= s->options.waiting_max || s->put_bytes + bytes > WAITING_BYTES_MAX))
        return ERR_FULL;
    return OK;
}

static void post(struct store *s, struct store_op *op, enum store_verb verb)
{
    op->verb = verb;
    atomic_store_explicit(&op->is_abandoned, false, memory_order_relaxed);
    op_class[verb].reset(op);
    size_t bytes = op_class[verb].bytes ? op_class[verb].bytes(op) : 0;
    pthread_mutex_lock(&s->lock);
    op->result = verdict(s, op, bytes);
    bool is_refused = op->result != OK, ring_loop = is_refused && !s->done.first,
         wake = !is_refused && s->is_idle;
    if (is_refused) {
        list_push(&s->done, op);
    } else {
        list_push(op_class[verb].goes_first ? &s->first : &s->rest, op);
        s->put_n += op_class[verb].bytes != NULL;
        s->put_bytes += bytes;
    }
    if (wake) {
        s->is_idle = false;
        pthread_cond_signal(&s->wake);
    }
    pthread_mutex_unlock(&s->lock);
    if (ring_loop)
        ring(s);
}

#define POST(name, verb)                                                                                     \
    void store_post_##name(struct store *s, struct store_##name *p)                                          \
    {                                                                                                        \
        post(s, &p->op, verb);                                                                               \
    }
POST(put, STORE_PUT)
POST(import, STORE_IMPORT)
POST(claim, STORE_CLAIM)
POST(settle, STORE_SETTLE)
POST(cancel, STORE_CANCEL)
POST(orphans, STORE_ORPHANS)
POST(expire, STORE_EXPIRE)
POST(prune, STORE_PRUNE)
POST(list, STORE_LIST)
POST(show, STORE_SHOW)
POST(about, STORE_ABOUT)
POST(stats, STORE_STATS)
POST(learn, STORE_LEARN)
POST(learnt, STORE_LEARNT)
POST(receipt, STORE_RECEIPT)
POST(merge, STORE_MERGE)
POST(reports, STORE_REPORTS)
POST(reported, STORE_REPORTED)
POST(kv, STORE_KV)
POST(fact, STORE_FACT)
POST(event_put, STORE_EVENT_PUT)
POST(events_due, STORE_EVENTS_DUE)
POST(event_end, STORE_EVENT_END)
POST(event_list, STORE_EVENT_LIST)
POST(event_replay, STORE_EVENT_REPLAY)
POST(confirm, STORE_CONFIRM)
POST(standing, STORE_STANDING)
POST(standings, STORE_STANDINGS)
POST(files_due, STORE_FILES_DUE)
POST(file_end, STORE_FILE_END)
POST(file_get, STORE_FILE_GET)
POST(file_lost, STORE_FILE_LOST)
POST(files_known, STORE_FILES_KNOWN)
POST(event_release, STORE_EVENT_RELEASE)
POST(failed, STORE_FAILED)
#undef POST

void store_post_admin(struct store *s, struct store_admin *p)
{
    p->after_id = p->is_more ? p->last_id : 0;
    post(s, &p->op, STORE_ADMIN);
}

void store_abandon(struct store_put *p)
{
    atomic_store(&p->op.is_abandoned, true);
}
