/*
 * The store's thread: makes one transaction of what has queued up, answers it, and outlives failures of the
 * engine. Invariant: an operation is answered OK only after the commit that holds it. What must not be lost
 * goes back to where it came from when a commit fails.
 */
#include "store/thread.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/point.h"
#include "store/claim.h"
#include "store/import.h"
#include <string.h>
#include <time.h>

enum { OPEN_EVERY_MS = 1000, BATCH_BYTES_MAX = 8 << 20 };

const double store_commit_bounds_s[STORE_COMMIT_BUCKETS] = {0.0005, 0.001, 0.0025, 0.005, 0.01,
                                                            0.025,  0.05,  0.1,    0.5,   2.5};

/* ---- Health ---- */

static void set_health(struct store *s, bool is_ok, struct span reason)
{
    pthread_mutex_lock(&s->lock);
    buf_clear(&s->reason);
    buf_add_span(&s->reason, reason);
    bool has_changed = atomic_load(&s->is_healthy) != is_ok || !s->was_opened;
    atomic_store(&s->is_healthy, is_ok);
    s->was_opened = true;
    pthread_cond_signal(&s->opened);
    pthread_mutex_unlock(&s->lock);
    if (!has_changed)
        return;
    if (!is_ok)
        log_error("store_failing", LOG_SPAN("reason", reason));
    else
        log_info("store_ready", LOG_STR("url", s->url));
    store_tell_loop(s);
}

/* Takes out of l what is answered ERR_IO while the engine fails. */
static void split_refused(struct op_list *l, struct op_list *refused)
{
    struct op_list kept = {0};
    struct store_op *op;
    while ((op = list_pop(l))) {
        if (!store_may_refuse(op)) {
            list_push(&kept, op);
            continue;
        }
        op_class[op->verb].reset(op);
        op->result = ERR_IO;
        list_push(refused, op);
    }
    *l = kept;
}

static void refuse_posted(struct store *s)
{
    struct op_list refused = {0};
    pthread_mutex_lock(&s->lock);
    split_refused(&s->first, &refused);
    split_refused(&s->rest, &refused);
    s->put_n = s->put_bytes = 0;
    pthread_mutex_unlock(&s->lock);
    store_hand_back(s, &refused);
}

/* Refuses what the running batch holds of new work, and puts the rest of it back in front. */
static void give_up_batch(struct store *s)
{
    struct op_list refused = {0}, first = {0}, rest = {0};
    struct store_op *op;
    split_refused(&s->batch, &refused);
    split_refused(&s->reads, &refused);
    while ((op = list_pop(&s->batch)))
        list_push(op_class[op->verb].goes_first ? &first : &rest, op);
    pthread_mutex_lock(&s->lock);
    list_prepend(&s->first, &first);
    list_prepend(&s->rest, &rest);
    pthread_mutex_unlock(&s->lock);
    store_hand_back(s, &refused);
}

static void lose_engine(struct store *s)
{
    set_health(s, false, buf_span(&s->engine->why));
    give_up_batch(s);
    s->type->close(s->engine);
    s->engine = NULL;
    if (s->has_worked)
        s->open_at = clock_mono_ms(); /* it may have been a moment's trouble */
    refuse_posted(s);
}

static bool is_our_database(struct store *s, const struct engine *e, struct buf *why)
{
    if (!atomic_load(&s->has_tag)) {
        memcpy(s->tag, e->tag, sizeof s->tag);
        atomic_store_explicit(&s->has_tag, true, memory_order_release);
    }
    if (strcmp(s->tag, e->tag) == 0)
        return true;
    buf_addf(why, "%s: another database was put in place of ours: restart the bridge to use it", s->url);
    return false;
}

static enum err settle_doubts(struct store *s, struct engine *e, struct buf *why)
{
    if (s->doubt_n == 0)
        return OK;
    enum err r = s->type->undo(e, s->doubt, s->doubt_n);
    if (r == OK)
        s->doubt_n = 0;
    else
        buf_add_span(why, buf_span(&e->why));
    return r;
}

static void open_engine(struct store *s)
{
    struct buf why;
    struct engine *e = NULL;
    buf_init(&why, 1024);
    s->open_at = clock_mono_ms() + OPEN_EVERY_MS;
    s->has_worked = false;
    if (s->type->open(&e, s->url, &why) == OK && is_our_database(s, e, &why) &&
        settle_doubts(s, e, &why) == OK) {
        s->engine = e;
        set_health(s, true, SPAN_LIT(""));
    } else {
        if (e)
            s->type->close(e);
        set_health(s, false, buf_span(&why));
        refuse_posted(s);
    }
    buf_fini(&why);
}

/* ---- Batches ---- */

static void doubt(struct store *s, int64_t id, uint32_t attempt)
{
    if (s->doubt_n == s->doubt_cap) {
        s->doubt_cap = s->doubt_cap ? s->doubt_cap * 2 : 64;
        s->doubt = mem_realloc(s->doubt, s->doubt_cap * sizeof *s->doubt);
    }
    s->doubt[s->doubt_n++] = (struct engine_doubt){id, attempt};
}

static void doubt_put(struct store *s, const struct store_put *p)
{
    for (unsigned i = 0; i < p->item_n; i++)
        if (p->item[i].how == STORE_NEW || p->item[i].how == STORE_AGAIN)
            doubt(s, p->item[i].id, 0);
}

static void doubt_import(struct store *s, const struct store_import *p)
{
    for (unsigned i = 0; i < p->line_n; i++)
        if (p->line[i].how == STORE_NEW || p->line[i].how == STORE_AGAIN)
            doubt(s, p->line[i].id, 0);
}

static void doubt_claim(struct store *s, const struct store_claim *p)
{
    for (unsigned i = 0; i < p->message_n; i++)
        doubt(s, p->message[i].id, p->message[i].attempt);
}

/* The commit failed, so it may have happened: what is about to be refused must then be undone. */
static void doubt_batch(struct store *s)
{
    for (struct store_op *op = s->batch.first; op; op = op->next) {
        if (op->result == OK && op->verb == STORE_PUT)
            doubt_put(s, container_of(op, struct store_put, op));
        else if (op->result == OK && op->verb == STORE_IMPORT)
            doubt_import(s, container_of(op, struct store_import, op));
        else if (op->result == OK && op->verb == STORE_CLAIM)
            doubt_claim(s, container_of(op, struct store_claim, op));
    }
}

static bool is_abandoned(struct store_op *op)
{
    return op->verb == STORE_PUT && atomic_load(&op->is_abandoned);
}

static bool has_put(const struct store *s)
{
    for (const struct store_op *op = s->batch.first; op; op = op->next)
        if ((op->verb == STORE_PUT || op->verb == STORE_IMPORT) && op->result == OK)
            return true;
    return false;
}

/* False: the transaction must be rolled back. */
static bool run_operations(struct store *s, bool is_isolated)
{
    struct engine *e = s->engine;
    for (struct store_op *op = s->batch.first; op; op = op->next) {
        op_class[op->verb].reset(op);
        op->result = ERR_CANCELLED;
        if (is_abandoned(op))
            continue;
        if (op->verb == STORE_SETTLE)
            POINT("before_settle");
        if (op->verb == STORE_FACT)
            POINT("before_fact");
        op->result = s->type->run(e, op);
        if (e->is_broken || (e->is_spoilt && !is_isolated))
            return false;
    }
    return true;
}

static bool has_late_abandoned(struct store *s)
{
    for (struct store_op *op = s->batch.first; op; op = op->next)
        if (op->result == OK && is_abandoned(op))
            return true;
    return false;
}

/* Up to the commit. A batch that a bad operation spoils, or of which a put was abandoned, runs once more,
 * isolated. */
static bool prepare_batch(struct store *s)
{
    struct engine *e = s->engine;
    for (int round = 0;; round++) {
        bool is_isolated = round > 0;
        if (s->type->begin(e, is_isolated) != OK)
            return false;
        bool is_done = run_operations(s, is_isolated);
        if (is_done && (is_isolated || !has_late_abandoned(s)))
            return true;
        if (!is_done && !e->is_broken)
            log_error("store_operation_failed", LOG_SPAN("reason", buf_span(&e->why)));
        s->type->rollback(e);
        if (e->is_broken)
            return false;
    }
}

static void note_time(struct store *s, const struct timespec *from, const struct timespec *to)
{
    int64_t ns = (to->tv_sec - from->tv_sec) * 1000000000 + (to->tv_nsec - from->tv_nsec);
    for (int i = 0; i < STORE_COMMIT_BUCKETS; i++)
        if ((double)ns <= store_commit_bounds_s[i] * 1e9)
            atomic_fetch_add_explicit(&s->commit_bucket[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->commit_n, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->commit_ns, (uint64_t)ns, memory_order_relaxed);
}

static bool commit_batch(struct store *s)
{
    struct timespec from, to;
    bool puts = has_put(s);
    if (puts)
        POINT("before_commit");
    clock_gettime(CLOCK_MONOTONIC, &from);
    if (s->type->commit(s->engine) != OK) {
        doubt_batch(s);
        return false;
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    note_time(s, &from, &to);
    s->has_worked = true;
    if (puts)
        POINT("after_commit");
    return true;
}

static bool run_reads(struct store *s)
{
    for (struct store_op *op = s->reads.first; op; op = op->next) {
        op->result = s->type->read(s->engine, op);
        if (s->engine->is_broken)
            return false;
    }
    return true;
}

static void run_batch(struct store *s)
{
    if (s->batch.first) {
        if (!prepare_batch(s) || !commit_batch(s)) {
            lose_engine(s);
            return;
        }
        store_hand_back(s, &s->batch);
    }
    if (!run_reads(s)) {
        lose_engine(s);
        return;
    }
    store_hand_back(s, &s->reads);
    s->type->rest(s->engine);
    if (s->engine->is_broken)
        lose_engine(s);
}

static void take(struct store *s, struct op_list *from, size_t *bytes)
{
    while (from->first && s->batch.n + s->reads.n < s->options.batch_max && *bytes < BATCH_BYTES_MAX) {
        struct store_op *op = list_pop(from);
        if (op_class[op->verb].bytes) {
            size_t n = op_class[op->verb].bytes(op);
            *bytes += n;
            s->put_n--;
            s->put_bytes -= n;
        }
        list_push(op_class[op->verb].is_read ? &s->reads : &s->batch, op);
    }
}

static void take_batch(struct store *s)
{
    size_t bytes = 0;
    pthread_mutex_lock(&s->lock);
    take(s, &s->first, &bytes);
    take(s, &s->rest, &bytes);
    pthread_mutex_unlock(&s->lock);
}

/* ---- The thread ---- */

static void wait_until(struct store *s, mono_ms_t at)
{
    struct timespec t;
    int64_t left = at - clock_mono_ms();
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += left / 1000;
    t.tv_nsec += left % 1000 * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_nsec -= 1000000000;
        t.tv_sec++;
    }
    if (left > 0)
        pthread_cond_timedwait(&s->wake, &s->lock, &t);
}

/* Waits while there is nothing to do; false: it is time to end. Called with the lock held. */
static bool wait_for_work(struct store *s)
{
    for (;;) {
        bool is_empty = !s->first.first && !s->rest.first;
        mono_ms_t now = clock_mono_ms();
        if (s->is_stopping && (is_empty || (!s->engine && now >= s->stop_by)))
            return false;
        if (s->engine ? !is_empty : now >= s->open_at)
            return true;
        if (s->engine) {
            s->is_idle = true;
            pthread_cond_wait(&s->wake, &s->lock);
            s->is_idle = false;
        } else {
            wait_until(s, s->is_stopping && s->stop_by < s->open_at ? s->stop_by : s->open_at);
        }
    }
}

static bool next_turn(struct store *s)
{
    pthread_mutex_lock(&s->lock);
    bool goes_on = wait_for_work(s);
    pthread_mutex_unlock(&s->lock);
    return goes_on;
}

static void cancel_posted(struct store *s)
{
    struct op_list left = {0};
    pthread_mutex_lock(&s->lock);
    list_append(&left, &s->first);
    list_append(&left, &s->rest);
    pthread_mutex_unlock(&s->lock);
    for (struct store_op *op = left.first; op; op = op->next)
        op->result = ERR_CANCELLED;
    store_hand_back(s, &left);
}

void *thread_main(void *arg)
{
    struct store *s = arg;
    open_engine(s);
    while (next_turn(s)) {
        if (!s->engine) {
            open_engine(s);
            continue;
        }
        take_batch(s);
        run_batch(s);
    }
    cancel_posted(s);
    if (s->engine)
        s->type->close(s->engine);
    return NULL;
}

void store_commit_times(const struct store *s, struct store_commit_times *out)
{
    for (int i = 0; i < STORE_COMMIT_BUCKETS; i++)
        out->bucket[i] = atomic_load_explicit(&s->commit_bucket[i], memory_order_relaxed);
    out->n = atomic_load_explicit(&s->commit_n, memory_order_relaxed);
    out->sum_s = (double)atomic_load_explicit(&s->commit_ns, memory_order_relaxed) * 1e-9;
}
