/*
 * Parses a request, posts a store operation, writes its result as JSON. What a verb may do in which state is
 * the store's table; nothing of it is repeated here.
 */
#include "admin/ops.h"
#include "admin/ops_answer.h"
#include "admin/ops_channel.h"
#include "admin/ops_event.h"
#include "admin/ops_import.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "bridge/policy.h"
#include "http/server.h"
#include "http/text.h"
#include "store/operator.h"
#include <stdlib.h>
#include <string.h>

enum { VALUE_MAX = 4096, LIFE_MS = 4 * 3600 * 1000 };

#define OPS_PREFIX "/api/v1/"

struct job {
    const struct ops_context *x;
    ops_done_fn *done;
    void *arg;
    bool is_dead; /* dead letters alone */
    const struct ops_verb *verb;
    char *channel, *reason;
    unsigned changed_n, skipped_n, missing_n;
    int64_t id[OPS_IDS_MAX];
    unsigned id_n,
        id_at; /* id_at: the next to be changed; the first missing_n are those that were not there */
    union {
        struct store_list list;
        struct store_show show;
        struct store_admin admin;
    } op;
};

static const struct ops_verb {
    const char *name;
    enum message_verb verb;
    bool is_for_dead;
} verbs[] = {
    {"retry", VERB_REQUEUE, true},
    {"hold", VERB_HOLD, false},
    {"release", VERB_RELEASE, false},
    {"drop", VERB_DROP, true},
};

/* ---- Answers ---- */

static void job_free(struct job *job)
{
    free(job->channel);
    free(job->reason);
    free(job);
}

static void end(struct job *job, int status, struct span json)
{
    job->done(status, json, job->arg);
    job_free(job);
}

static void fail(struct job *job, int status, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void fail(struct job *job, int status, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    ops_fail_list(job->done, job->arg, status, fmt, args);
    va_end(args);
    job_free(job);
}

static void fail_missing(struct job *job)
{
    fail(job, 404, job->is_dead ? "There is no such dead letter." : "There is no such message.");
}

static void fail_store(struct job *job)
{
    ops_fail_store(job->done, job->arg, job->x->store);
    job_free(job);
}

static bool is_failed(struct job *job, enum err e)
{
    if (e == OK)
        return false;
    if (e == ERR_NOT_FOUND)
        fail_missing(job);
    else if (e == ERR_LIMIT)
        fail(job, 503, "The list took too long to make; narrow it by channel=, state= or reason=.");
    else
        fail_store(job);
    return true;
}

static void kv_text(struct jout *j, const char *key, const char *text)
{
    if (text && *text)
        jout_kv_str(j, key, text);
}

/* What has a reason waits for that. */
static bool waits_for_rate(const struct ops_context *x, const struct store_message *m)
{
    bool is_due = m->state == MESSAGE_SENDING || (m->state == MESSAGE_QUEUED && !m->reason);

    return is_due && x->waits_for_rate && x->waits_for_rate(m, x->arg);
}

static void write_files(struct jout *j, const struct store_message *m)
{
    static const char *const states[FILE_STATE_N] = {
        [FILE_WANTED] = "wanted", [FILE_READY] = "ready", [FILE_GONE] = "gone"};

    if (m->file_n == 0)
        return;
    jout_key(j, "files");
    jout_array(j);
    for (unsigned i = 0; i < m->file_n; i++) {
        const struct store_file *f = &m->file[i];
        jout_object(j);
        kv_text(j, "filename", f->filename);
        kv_text(j, "content_type", f->content_type);
        if (f->bytes >= 0)
            jout_kv_i64(j, "bytes", f->bytes);
        jout_kv_str(j, "state", states[f->state]);
        kv_text(j, "reason", f->reason);
        jout_object_end(j);
    }
    jout_array_end(j);
}

static void write_message(struct jout *j, const struct ops_context *x, const struct store_message *m)
{
    char id[STORE_ID_BYTES];

    store_id_format(x->store, m->id, id);
    jout_kv_str(j, "id", id);
    jout_kv_str(j, "channel", m->channel);
    jout_kv_str(j, "direction", message_direction_name(m->direction));
    jout_kv_str(j, "state", message_state_name(m->state));
    kv_text(j, "source_id", m->source_id);
    kv_text(j, m->direction == MESSAGE_OUT ? "recipient" : "sender", m->recipient);
    kv_text(j, "conversation", m->conversation);
    kv_text(j, "thread_ref", m->thread_ref);
    kv_text(j, "peer_conversation", m->peer_conversation);
    kv_text(j, "event_id", m->event_id);
    kv_text(j, "external_id", m->external_id);
    if (m->parts.n > 1) {
        jout_key(j, "parts");
        jout_object(j);
        jout_kv_i64(j, "delivered", m->parts.sent);
        jout_kv_i64(j, "of", m->parts.n);
        jout_object_end(j);
    }
    jout_kv_i64(j, "attempts", m->attempt);
    kv_text(j, "reason", m->reason);
    if (waits_for_rate(x, m))
        jout_kv_str(j, "waits_for", "Front's rate limit");
    ops_kv_time(j, "created_at", m->created_at);
    ops_kv_time(j, "received_at", m->stored_at);
    ops_kv_time(j, "updated_at", m->updated_at);
    if (message_is_open(m->state)) {
        ops_kv_time(j, "due_at", m->due_at);
        ops_kv_time(j, "expires_at", m->expires_at);
    }
}

static void on_list(struct store_op *op)
{
    struct store_list *list = container_of(op, struct store_list, op);
    struct job *job = container_of(list, struct job, op.list);
    struct buf out;
    struct jout j;

    if (op->result == OK) {
        buf_init(&out, OPS_ANSWER_MAX);
        jout_init(&j, &out);
        jout_object(&j);
        jout_key(&j, "messages");
        jout_array(&j);
        for (unsigned i = 0; i < list->message_n; i++) {
            jout_object(&j);
            write_message(&j, job->x, &list->message[i]);
            jout_object_end(&j);
        }
        jout_array_end(&j);
        jout_object_end(&j);
        store_list_fini(list);
        end(job, 200, buf_span(&out));
        buf_fini(&out);
    } else {
        store_list_fini(list);
        is_failed(job, op->result);
    }
}

static void write_attempt(struct jout *j, const struct store_attempt *a)
{
    jout_object(j);
    jout_kv_i64(j, "n", a->n);
    ops_kv_time(j, "started_at", a->started_at);
    ops_kv_time(j, "ended_at", a->ended_at);
    jout_kv_str(j, "outcome", a->outcome);
    if (a->code)
        jout_kv_i64(j, "code", a->code);
    kv_text(j, "reason", a->reason);
    jout_object_end(j);
}

static void on_show(struct store_op *op)
{
    struct store_show *show = container_of(op, struct store_show, op);
    struct job *job = container_of(show, struct job, op.show);
    struct buf out;
    struct jout j;

    if (op->result == OK && job->is_dead && show->message.state != MESSAGE_DEAD) {
        store_show_fini(show);
        fail_missing(job);
    } else if (op->result == OK) {
        buf_init(&out, OPS_ANSWER_MAX);
        jout_init(&j, &out);
        jout_object(&j);
        write_message(&j, job->x, &show->message);
        write_files(&j, &show->message);
        jout_key(&j, "timeline");
        jout_array(&j);
        for (unsigned i = 0; i < show->attempt_n; i++)
            write_attempt(&j, &show->attempt[i]);
        jout_array_end(&j);
        if (show->message.body)
            jout_kv_raw(&j, "body", (struct span){show->message.body, show->message.body_n});
        jout_object_end(&j);
        store_show_fini(show);
        end(job, 200, buf_span(&out));
        buf_fini(&out);
    } else {
        store_show_fini(show);
        is_failed(job, op->result);
    }
}

static void write_missing(struct jout *j, const struct job *job)
{
    char id[STORE_ID_BYTES];

    jout_key(j, "missing_ids");
    jout_array(j);
    for (unsigned i = 0; i < job->missing_n; i++) {
        store_id_format(job->x->store, job->id[i], id);
        jout_str(j, id);
    }
    jout_array_end(j);
}

static void end_change(struct job *job)
{
    struct buf out;
    struct jout j;

    log_info("operator", LOG_STR("verb", job->verb->name), LOG_I64("changed", job->changed_n),
             LOG_I64("skipped", job->skipped_n));
    if (job->changed_n > 0 && job->x->on_change)
        job->x->on_change(job->x->arg);
    buf_init(&out, 256 + OPS_IDS_MAX * (STORE_ID_BYTES + 4));
    jout_init(&j, &out);
    jout_object(&j);
    jout_kv_i64(&j, "changed", job->changed_n);
    jout_kv_i64(&j, "skipped", job->skipped_n);
    jout_kv_i64(&j, "missing", job->missing_n);
    if (job->missing_n > 0)
        write_missing(&j, job);
    jout_object_end(&j);
    end(job, 200, buf_span(&out));
    buf_fini(&out);
}

/* next_change posts what is left to do; false: nothing is. */
static bool next_change(struct job *job)
{
    struct store_admin *p = &job->op.admin;

    if (!p->is_more) {
        if (job->id_at == job->id_n)
            return false;
        p->filter.id = job->id[job->id_at++];
    }
    store_post_admin(job->x->store, p);
    return true;
}

static void on_changed(struct store_op *op)
{
    struct store_admin *admin = container_of(op, struct store_admin, op);
    struct job *job = container_of(admin, struct job, op.admin);

    if (op->result == ERR_NOT_FOUND)
        job->id[job->missing_n++] = admin->filter.id;
    else if (is_failed(job, op->result))
        return;
    job->changed_n += admin->message_n;
    job->skipped_n += admin->skipped_n;
    if (next_change(job))
        return;
    if (job->missing_n > 0 && job->missing_n == job->id_n)
        fail_missing(job);
    else
        end_change(job);
}

/* ---- Requests ---- */

/* query_get decodes one parameter of a query into a new string; NULL if it is not there. */
static char *query_get(struct span query, const char *key)
{
    struct span encoded = http_query_find(query, key);
    struct buf value;

    if (!encoded.p)
        return NULL;
    buf_init(&value, VALUE_MAX);
    buf_add(&value, "", 0);
    if (http_percent_decode(encoded, true, &value) == OK && !value.is_over)
        return buf_take(&value, NULL);
    buf_fini(&value);
    return NULL;
}

/* A filter that is misspelt must not mean "everything". */
static bool knows_all(struct job *job, struct span query)
{
    static const char *const known[] = {"channel", "direction", "state", "reason",
                                        "limit",   "before",    "id",    "all"};
    const char *p = query.p, *end = p ? p + query.n : p;

    while (p < end) {
        const char *amp = memchr(p, '&', (size_t)(end - p)), *stop = amp ? amp : end;
        const char *equals = memchr(p, '=', (size_t)(stop - p));
        struct span name = {p, (size_t)((equals ? equals : stop) - p)};
        bool is_known = false;
        for (unsigned i = 0; i < ARRAY_LEN(known); i++)
            is_known = is_known || span_is(name, known[i]);
        if (!is_known) {
            fail(
                job, 400,
                "There is no parameter \"%.*s\"; there are channel, direction, state, reason, limit, before, "
                "id and all.",
                name.n < 40 ? (int)name.n : 40, name.p);
            return false;
        }
        p = amp ? amp + 1 : end;
    }
    return true;
}

static bool read_states(struct job *job, struct span query, struct store_filter *f)
{
    char *text = query_get(query, "state"), *rest = text, *name;

    while (rest && (name = strsep(&rest, ","))) {
        int state = message_state_parse(name);
        if (state < 0) {
            fail(job, 400,
                 "There is no state \"%s\"; the states are queued, sending, delivered, accepted, rejected, "
                 "cancelled, held, unknown, dead and dropped.",
                 name);
            free(text);
            return false;
        }
        f->states |= 1u << state;
    }
    free(text);
    if (job->is_dead)
        f->states = 1u << MESSAGE_DEAD;
    return true;
}

static bool read_direction(struct job *job, struct span query, struct store_filter *f)
{
    char *text = query_get(query, "direction");
    bool is_good = true;

    f->direction = -1;
    if (text && strcmp(text, "out") == 0)
        f->direction = MESSAGE_OUT;
    else if (text && strcmp(text, "in") == 0)
        f->direction = MESSAGE_IN;
    else if (text)
        is_good = false;
    free(text);
    if (!is_good)
        fail(job, 400, "A direction is \"out\" (to the backend) or \"in\" (to Front).");
    return is_good;
}

/* read_ids reads a list with commas between; what is none of this store's is refused as missing. */
static bool read_ids(struct job *job, struct span query, const char *key, int64_t *id, unsigned max,
                     unsigned *n)
{
    char *text = query_get(query, key), *rest = text, *name;

    while (rest && (name = strsep(&rest, ","))) {
        if (*n == max)
            fail(job, 400, "%s= takes at most %u ids at a time.", key, max);
        else if (store_id_parse(job->x->store, span_of(name), &id[*n]) != OK)
            fail(job, 404, "\"%.100s\" is no message id of this store.", name);
        else if (++*n)
            continue;
        free(text);
        return false;
    }
    free(text);
    return true;
}

static bool read_filter(struct job *job, struct span query, struct store_filter *f)
{
    unsigned before_n = 0;

    job->channel = query_get(query, "channel");
    job->reason = query_get(query, "reason");
    f->channel = job->channel;
    f->reason = job->reason;
    return read_states(job, query, f) && read_direction(job, query, f) &&
           read_ids(job, query, "before", &f->before_id, 1, &before_n);
}

static void list(struct job *job, struct span query)
{
    struct store_list *p = &job->op.list;
    char *limit = query_get(query, "limit");
    uint64_t max = OPS_LIST_DEFAULT;

    bool is_number = !limit || (span_u64(span_of(limit), &max) && max >= 1 && max <= OPS_LIST_MAX);
    free(limit);
    if (!is_number) {
        fail(job, 400, "limit is a number from 1 to %d.", OPS_LIST_MAX);
        return;
    }
    p->op.on_done = on_list;
    p->max = (unsigned)max;
    if (read_filter(job, query, &p->filter))
        store_post_list(job->x->store, p);
}

static void show(struct job *job, struct span id)
{
    job->op.show.op.on_done = on_show;
    if (store_id_parse(job->x->store, id, &job->op.show.id) == OK)
        store_post_show(job->x->store, &job->op.show);
    else
        fail(job, 404, "\"%.*s\" is no message id of this store.", SPAN_FMT(id));
}

/* How long a message that is tried again may take: its channel's give_up, else the longest there is. */
static int64_t life_ms(const struct job *job)
{
    const struct config *c = job->x->config;
    int64_t longest = 0;
    struct span name;

    if (job->channel && store_history_of(span_of(job->channel), &name))
        return history_expiry(0);

    for (size_t i = 0; i < c->channel_n; i++) {
        if (job->channel && strcmp(job->channel, c->channel[i].name) == 0)
            return c->channel[i].retry_give_up_ms;
        if (c->channel[i].retry_give_up_ms > longest)
            longest = c->channel[i].retry_give_up_ms;
    }
    return longest ? longest : LIFE_MS;
}

static void change(struct job *job, struct span query)
{
    struct store_admin *p = &job->op.admin;
    char *all = query_get(query, "all");
    bool is_all = all && strcmp(all, "1") == 0;

    free(all);
    p->op.on_done = on_changed;
    p->verb = job->verb->verb;
    if (!read_filter(job, query, &p->filter) || !read_ids(job, query, "id", job->id, OPS_IDS_MAX, &job->id_n))
        return;
    if (is_all == (job->id_n > 0)) {
        fail(job, 400,
             "Name messages with id=, or say all=1 with what it is about (channel=, state=, reason=).");
        return;
    }
    p->now = clock_wall_ms();
    p->expires_in_ms = life_ms(job);
    p->is_more = is_all; /* without ids there is one round at least */
    p->last_id = 0;
    next_change(job);
}

/* ---- Dispatch ---- */

static bool take(struct span *path, const char *prefix)
{
    size_t n = strlen(prefix);

    if (!span_starts(*path, prefix))
        return false;
    *path = (struct span){path->p + n, path->n - n};
    return true;
}

static const struct ops_verb *verb_find(struct span name, bool is_dead)
{
    for (unsigned i = 0; i < ARRAY_LEN(verbs); i++)
        if (span_is(name, verbs[i].name) && (!is_dead || verbs[i].is_for_dead))
            return &verbs[i];
    return NULL;
}

void ops_run(const struct ops_context *x, struct span method, struct span path, struct span query,
             struct span body, ops_done_fn *done, void *arg)
{
    if (take(&path, OPS_PREFIX "imports")) {
        ops_import_run(x, method, path, query, body, done, arg);
        return;
    }
    if (take(&path, OPS_PREFIX "channels")) {
        ops_channel_run(x, method, path, done, arg);
        return;
    }
    if (take(&path, OPS_PREFIX "events")) {
        ops_event_run(x, method, path, query, done, arg);
        return;
    }
    struct job *job = mem_zalloc(sizeof *job);
    *job = (struct job){.x = x, .done = done, .arg = arg};
    job->is_dead = take(&path, OPS_PREFIX "dead");
    if (!job->is_dead && !take(&path, OPS_PREFIX "messages")) {
        fail(job, 404, "There is nothing here; see /api/v1/messages, /api/v1/dead and /api/v1/events.");
        return;
    }
    if (!store_is_healthy(x->store)) {
        fail_store(job);
        return;
    }
    if (!knows_all(job, query))
        return;
    bool is_one = take(&path, "/");
    bool is_get = span_is(method, "GET");
    job->verb = is_one && !is_get ? verb_find(path, job->is_dead) : NULL;
    if (job->verb)
        change(job, query);
    else if (is_get && is_one)
        show(job, path);
    else if (is_get && path.n == 0)
        list(job, query);
    else
        fail(job, 404, "There is no such verb; POST …/retry, …/hold, …/release or …/drop.");
}
