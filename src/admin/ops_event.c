/* Reads a filter by one table, posts a store operation, writes its result. What an event means is not known here. */
#include "admin/ops_event.h"
#include "admin/ops_answer.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "front/event.h"
#include "http/server.h"
#include "http/text.h"
#include "store/event.h"
#include <stdlib.h>
#include <string.h>

enum { VALUE_MAX = 4096 };

struct job {
    const struct ops_context *x;
    ops_done_fn *done;
    void *arg;
    char *account, *channel, *types, *inboxes, *state, *id, *after, *before, *limit, *from, *all;
    struct store_event_filter filter;
    unsigned replayed_n;
    union {
        struct store_event_list list;
        struct store_event_replay replay;
    } op;
};

static const struct parameter {
    const char *name;
    size_t offset;
} parameters[] = {
    {"account", offsetof(struct job, account)}, {"channel", offsetof(struct job, channel)},
    {"types", offsetof(struct job, types)},     {"inboxes", offsetof(struct job, inboxes)},
    {"state", offsetof(struct job, state)},     {"id", offsetof(struct job, id)},
    {"after", offsetof(struct job, after)},     {"before", offsetof(struct job, before)},
    {"limit", offsetof(struct job, limit)},     {"from", offsetof(struct job, from)},
    {"all", offsetof(struct job, all)},
};

static char **value_of(struct job *job, const struct parameter *p)
{
    return (char **)(void *)((char *)job + p->offset);
}

/* ---- Answers ---- */

static void end(struct job *job, int status, struct span json)
{
    job->done(status, json, job->arg);
    for (size_t i = 0; i < ARRAY_LEN(parameters); i++)
        free(*value_of(job, &parameters[i]));
    free(job);
}

static void fail(struct job *job, int status, const char *sentence)
{
    struct buf out;

    buf_init(&out, 4096);
    ops_write_word(&out, "error", sentence);
    end(job, status, buf_span(&out));
    buf_fini(&out);
}

static void fail_store(struct job *job)
{
    fail(job, 503, "The store does not work at the moment; try again.");
}

static void write_event(struct jout *j, const struct store_event *e, bool has_data)
{
    jout_object(j);
    jout_kv_str(j, "id", e->event_id);
    jout_kv_str(j, "type", e->type);
    jout_kv_str(j, "account", e->account);
    jout_kv_str(j, "channel", *e->via ? e->via : NULL);
    jout_kv_str(j, "origin", e->origin == EVENT_CAUGHT_UP ? "caught up" : "called");
    ops_kv_time(j, "emitted_at", e->emitted_at);
    ops_kv_time(j, "stored_at", e->stored_at);
    jout_kv_str(j, "state", store_event_state_name(e->state));
    jout_kv_str(j, "result", e->result);
    if (e->state == EVENT_WAITING)
        ops_kv_time(j, "due_at", e->due_at);
    if (has_data)
        jout_kv_raw(j, "data", e->body ? (struct span){e->body, e->body_n} : SPAN_LIT("null"));
    jout_object_end(j);
}

/* ---- The filter ---- */

static struct span next_pair(const char **p, const char *end)
{
    const char *amp = memchr(*p, '&', (size_t)(end - *p)), *stop = amp ? amp : end;
    struct span pair = {*p, (size_t)(stop - *p)};

    *p = amp ? amp + 1 : end;
    return pair;
}

static char *decode(struct span text)
{
    struct buf value;

    buf_init(&value, VALUE_MAX);
    buf_add(&value, "", 0);
    if (http_percent_decode(text, true, &value) == OK && !value.is_over)
        return buf_take(&value, NULL);
    buf_fini(&value);
    return NULL;
}

static bool take_parameter(struct job *job, struct span pair)
{
    const char *equals = memchr(pair.p, '=', pair.n);
    struct span name = {pair.p, equals ? (size_t)(equals - pair.p) : pair.n};

    for (size_t i = 0; i < ARRAY_LEN(parameters); i++) {
        char **value = value_of(job, &parameters[i]);
        if (!span_is(name, parameters[i].name) || !equals || *value)
            continue;
        *value = decode((struct span){equals + 1, (size_t)(pair.p + pair.n - equals - 1)});
        return *value != NULL;
    }
    return false;
}

/* A filter that is misspelt must not mean "everything". */
static bool read_parameters(struct job *job, struct span query)
{
    const char *p = query.p, *stop = p ? p + query.n : p;

    while (p < stop) {
        struct span pair = next_pair(&p, stop);
        if (pair.n > 0 && !take_parameter(job, pair)) {
            fail(job, 400,
                 "A parameter is unknown, given twice or not well written; there are account, channel, "
                 "types, inboxes, "
                 "state, id, after, before, limit, from and all.");
            return false;
        }
    }
    return true;
}

static bool read_states(struct job *job)
{
    char *text = job->state ? mem_strdup(job->state) : NULL, *rest = text, *name;
    bool is_good = true;

    while (rest && (name = strsep(&rest, ","))) {
        int s = store_event_state_parse(name);
        is_good &= s >= 0;
        if (s >= 0)
            job->filter.states |= 1u << s;
    }
    free(text);
    if (!is_good)
        fail(job, 400, "The states of events are waiting, acted, ignored and failed.");
    return is_good;
}

static bool read_number(struct job *job, const char *text, wall_ms_t *out)
{
    uint64_t n;

    if (!text)
        return true;
    if (!span_u64(span_of(text), &n) || n > (uint64_t)INT64_MAX) {
        fail(job, 400, "after, before and limit are numbers; times are in milliseconds since 1970.");
        return false;
    }
    *out = (wall_ms_t)n;
    return true;
}

/* ",a,b," so that the store finds whole words. */
static void frame_types(struct job *job)
{
    char *framed;

    if (!job->types)
        return;
    must(asprintf(&framed, ",%s,", job->types) >= 0);
    free(job->types);
    job->types = framed;
}

static bool read_filter(struct job *job)
{
    struct store_event_filter *f = &job->filter;

    if (!read_states(job) || !read_number(job, job->after, &f->after) ||
        !read_number(job, job->before, &f->before))
        return false;
    f->account = job->account;
    f->channel = job->channel;
    f->event_id = job->id;
    f->types = job->types;
    return true;
}

/* ---- List and show ---- */

static bool is_in(const struct job *job, const struct store_event *e);

static void write_next(struct jout *j, const struct store_event_list *p)
{
    char next[64];

    if (!p->is_more || p->event_n == 0)
        return;
    const struct store_event *last = &p->event[p->event_n - 1];
    snprintf(next, sizeof next, "%lld.%lld", (long long)last->emitted_at, (long long)last->id);
    jout_kv_str(j, "next", next);
}

static void on_list(struct store_op *op)
{
    struct store_event_list *p = container_of(op, struct store_event_list, op);
    struct job *job = container_of(p, struct job, op.list);
    struct buf out;
    struct jout j;

    if (op->result != OK) {
        store_event_list_fini(p);
        fail_store(job);
        return;
    }
    if (job->id && p->event_n == 0) {
        fail(job, 404, "There is no such event here.");
        return;
    }
    buf_init(&out, OPS_ANSWER_MAX);
    jout_init(&j, &out);
    jout_object(&j);
    jout_key(&j, "events");
    jout_array(&j);
    for (unsigned i = 0; i < p->event_n; i++)
        if (is_in(job, &p->event[i]))
            write_event(&j, &p->event[i], job->id != NULL);
    jout_array_end(&j);
    write_next(&j, p);
    jout_object_end(&j);
    store_event_list_fini(p);
    end(job, out.is_over ? 503 : 200, buf_span(&out));
    buf_fini(&out);
}

struct search {
    const char *inboxes;
    bool is_found;
};

static void look_for(struct span id, void *arg)
{
    struct search *s = arg;
    const char *at = s->inboxes;

    while (*at && !s->is_found) {
        size_t n = strcspn(at, ",");
        s->is_found = span_eq(id, (struct span){at, n});
        at += n + (at[n] == ',');
    }
}

static bool is_in(const struct job *job, const struct store_event *e)
{
    struct search s = {.inboxes = job->inboxes};
    struct front_event what = {0};
    struct json doc;
    struct buf ignored;

    if (!job->inboxes)
        return true;
    if (!e->body)
        return false;
    buf_init(&ignored, 1024);
    if (json_parse(&doc, (struct span){e->body, e->body_n}) == OK &&
        front_event_read(&what, json_root(&doc), &ignored) == OK)
        front_event_inboxes(&what, look_for, &s);
    front_event_fini(&what);
    json_fini(&doc);
    buf_fini(&ignored);
    return s.is_found;
}

static bool read_from(struct job *job, struct store_event_list *p)
{
    long long at, id;
    int n = 0;

    if (!job->from)
        return true;
    if (sscanf(job->from, "%lld.%lld%n", &at, &id, &n) != 2 || job->from[n] || at <= 0 || id <= 0) {
        fail(job, 400, "from is what the page before gave as next.");
        return false;
    }
    p->from_at = at;
    p->from_id = id;
    return true;
}

static void list(struct job *job)
{
    struct store_event_list *p = &job->op.list;
    wall_ms_t limit = OPS_LIST_DEFAULT;

    frame_types(job);
    if (!read_filter(job) || !read_number(job, job->limit, &limit) || !read_from(job, p))
        return;
    if (limit < 1 || limit > OPS_LIST_MAX) {
        fail(job, 400, "limit is a number from 1 to 1000.");
        return;
    }
    p->op.on_done = on_list;
    p->filter = job->filter;
    p->max = (unsigned)limit;
    p->wants_body = job->id || job->inboxes;
    store_post_event_list(job->x->store, p);
}

static void show(struct job *job, struct span id)
{
    free(job->id);
    job->id = decode(id);
    if (job->id)
        list(job);
    else
        fail(job, 400, "The event's id is not well written.");
}

/* ---- Replay ---- */

static void on_replayed(struct store_op *op)
{
    struct store_event_replay *p = container_of(op, struct store_event_replay, op);
    struct job *job = container_of(p, struct job, op.replay);
    char text[64];

    if (op->result != OK) {
        fail_store(job);
        return;
    }
    job->replayed_n += p->event_n;
    if (p->is_more) {
        store_post_event_replay(job->x->store, p);
        return;
    }
    log_info("operator", LOG_STR("verb", "replay"), LOG_I64("events", job->replayed_n));
    if (job->x->on_change)
        job->x->on_change(job->x->arg);
    snprintf(text, sizeof text, "{\"replayed\":%u}", job->replayed_n);
    end(job, 200, span_of(text));
}

static void replay(struct job *job)
{
    struct store_event_replay *p = &job->op.replay;
    bool is_all = job->all && strcmp(job->all, "1") == 0;

    frame_types(job);
    if (!read_filter(job))
        return;
    if (is_all == (job->id != NULL)) {
        fail(job, 400, "Name an event with id=, or say all=1 with what it is about (types=, after=, …).");
        return;
    }
    p->op.on_done = on_replayed;
    p->filter = job->filter;
    p->now = clock_wall_ms();
    store_post_event_replay(job->x->store, p);
}

/* ---- Search ---- */

static void on_searched(uint64_t found_n, uint64_t new_n, const char *why, void *arg)
{
    struct job *job = arg;
    char text[100];

    if (why) {
        fail(job, 502, why);
        return;
    }
    snprintf(text, sizeof text, "{\"found\":%llu,\"new\":%llu}", (unsigned long long)found_n,
             (unsigned long long)new_n);
    end(job, 200, span_of(text));
}

static void search(struct job *job)
{
    const struct config *c = job->x->config;
    const struct config_account *a = job->account        ? config_account_find(c, span_of(job->account))
                                     : c->account_n == 1 ? &c->account[0]
                                                         : NULL;

    if (!read_filter(job))
        return;
    if (!job->x->search)
        fail(job, 503, "Front can be asked only while the bridge runs: start it, then try again.");
    else if (!a)
        fail(job, 400, "Say which account is meant: account=NAME, as in the configuration.");
    else if (!job->after)
        fail(job, 400, "Say from when on: --after 2h, or after= in milliseconds since 1970.");
    else
        job->x->search(
            &(struct ops_search){.account = a->name,
                                 .types = job->types,
                                 .inboxes = job->inboxes,
                                 .after = job->filter.after,
                                 .before = job->filter.before ? job->filter.before : clock_wall_ms()},
            on_searched, job, job->x->arg);
}

void ops_event_run(const struct ops_context *x, struct span method, struct span rest, struct span query,
                   ops_done_fn *done, void *arg)
{
    struct job *job = mem_zalloc(sizeof *job);
    bool is_get = span_is(method, "GET");

    *job = (struct job){.x = x, .done = done, .arg = arg};
    if (!read_parameters(job, query))
        return;
    if (is_get && rest.n == 0)
        list(job);
    else if (is_get && rest.n > 1 && rest.p[0] == '/')
        show(job, (struct span){rest.p + 1, rest.n - 1});
    else if (!is_get && span_is(rest, "/replay"))
        replay(job);
    else if (!is_get && span_is(rest, "/search"))
        search(job);
    else
        fail(job, 404, "There is no such verb; POST …/replay or …/search.");
}
