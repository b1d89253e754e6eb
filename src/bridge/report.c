/*
 * From a report in the store to a call of Front's API. Which failures are late is decided where they settle.
 */
#include "bridge/report.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "bridge/outgoing.h"
#include "bridge/staging.h"
#include "front/reconcile.h"
#include "store/later.h"
#include <stdlib.h>
#include <string.h>

enum {
    AGAIN_MS = 30 * 1000, /* after a call that Front could not take */
    TRIES_MAX = 100,
    UNSURE_MAX = 3, /* comments whose answer was lost, and which are not found */
    WINDOW_MS = 60 * 1000,
    FAILED_MS = 1000,      /* after a store failure */
    CLOCKS_MS = 60 * 1000, /* between Front's clock and ours */
    REASON_MAX = 500,
    BODY_MAX = 8192,
};

struct reporter {
    struct channel *channel;
    struct store_reports op;
    struct report_causes causes;
    bool is_posted;
    wall_ms_t next_at;
    unsigned busy_n;
};

/* One report, from its hand-out to its end. */
struct report {
    struct reporter *reporter;
    const struct way *way;
    unsigned tries;
    wall_ms_t since; /* it was not told before */
    char *source_id, *recipient, *conversation, *thread_ref, *reason;
    const char *cause; /* the end of reason, without what had arrived */
    struct store_reported op;
};

static void on_reports(struct store_op *op);
static void on_reported(struct store_op *op);

/* ---- Causes ---- */

static struct report_cause *cause_slot(struct report_causes *c, const char *text, mono_ms_t now)
{
    struct report_cause *oldest = &c->cause[0];

    for (unsigned i = 0; i < REPORT_CAUSES; i++) {
        if (c->cause[i].n > 0 && now - c->cause[i].since < WINDOW_MS && strcmp(c->cause[i].text, text) == 0)
            return &c->cause[i];
        if (c->cause[i].n == 0 || (oldest->n > 0 && c->cause[i].since < oldest->since))
            oldest = &c->cause[i];
    }
    *oldest = (struct report_cause){.since = now};
    memcpy(oldest->text, text, sizeof oldest->text);
    return oldest;
}

unsigned report_count(struct report_causes *c, struct span cause, mono_ms_t now)
{
    char text[REPORT_CAUSE_BYTES] = "";

    if (cause.n > 0)
        memcpy(text, cause.p, cause.n < sizeof text ? cause.n : sizeof text - 1);
    return ++cause_slot(c, text, now)->n;
}

/* ---- Life ---- */

struct reporter *reporter_new(struct channel *ch)
{
    struct reporter *r = mem_zalloc(sizeof *r);

    r->channel = ch;
    r->op.op.on_done = on_reports;
    r->op.channel = ch->config->name;
    return r;
}

void reporter_free(struct reporter *r)
{
    free(r);
}

void reporter_soon(struct reporter *r)
{
    r->next_at = 0;
}

unsigned reporter_busy_n(const struct reporter *r)
{
    return r->busy_n;
}

static void report_free(struct report *t)
{
    t->reporter->busy_n--;
    free(t->source_id);
    free(t->recipient);
    free(t->conversation);
    free(t->thread_ref);
    free(t->reason);
    free(t);
}

static void finish(struct report *t)
{
    t->op.op.on_done = on_reported;
    store_post_reported(t->reporter->channel->bridge->store, &t->op);
}

static void on_reported(struct store_op *op)
{
    report_free(container_of(op, struct report, op.op));
}

/* ---- The ways to tell: each step is a call, and the next when Front has answered it ---- */

static void write_status(const struct report *t, struct jout *j)
{
    jout_kv_str(j, "status", "failed");
    jout_kv_str(j, "reason", t->reason);
}

/* fill_in writes a template with what it names in braces; what it does not know stands as it is. */
static void fill_in(const struct report *t, const char *at, struct buf *out)
{
    const struct {
        const char *name, *value;
    } words[] = {{"{recipient}", t->recipient}, {"{reason}", t->reason}};

    while (*at) {
        size_t i = 0;
        while (i < ARRAY_LEN(words) && strncmp(at, words[i].name, strlen(words[i].name)) != 0)
            i++;
        if (i < ARRAY_LEN(words)) {
            buf_add_str(out, words[i].value);
            at += strlen(words[i].name);
        } else {
            buf_add_char(out, *at++);
        }
    }
}

static void add_words(const struct report *t, struct buf *text)
{
    fill_in(t, t->reporter->channel->config->late_failure_text, text);
}

static void write_comment(const struct report *t, struct jout *j)
{
    struct buf text;

    buf_init(&text, BODY_MAX);
    add_words(t, &text);
    jout_kv_span(j, "body", buf_span(&text));
    buf_fini(&text);
}

static void write_open(const struct report *t, struct jout *j)
{
    (void)t;
    jout_kv_str(j, "status", "open");
}

static void path_of_status(const struct report *t, struct buf *path)
{
    char *external_id = delivery_external_id(t->source_id);

    front_path(path, "/channels/%s/conversations/%s/messages/%s/status",
               channel_front_id(t->reporter->channel), t->thread_ref, external_id);
    free(external_id);
}

static void path_of_comments(const struct report *t, struct buf *path)
{
    front_path(path, "/conversations/%s/comments", t->conversation);
}

static void path_of_conversation(const struct report *t, struct buf *path)
{
    front_path(path, "/conversations/%s", t->conversation);
}

static const struct way {
    const char *call, *method;
    enum front_auth auth;
    void (*path)(const struct report *t, struct buf *path);
    void (*body)(const struct report *t, struct jout *j);
    int next; /* when Front took it, or refused it; -1: that was all */
} ways[] = {
    {"message_status", "PUT", FRONT_AUTH_CHANNEL, path_of_status, write_status, -1},
    {"conversation", "PATCH", FRONT_AUTH_TOKEN, path_of_conversation, write_open, 2},
    /* Last, because it is the one that must not be repeated: a report that is not over is told from the beginning. */
    {"comments", "POST", FRONT_AUTH_TOKEN, path_of_comments, write_comment, -1},
    {"conversation_comments", "GET", FRONT_AUTH_TOKEN, path_of_comments, NULL, -1},
};
enum { BY_STATUS = 0, BY_COMMENT = 1, BY_LOOKING = 3 };

static bool may_status(const struct report *t)
{
    const struct config_channel *c = t->reporter->channel->config;

    return c->kind == CHANNEL_APPLICATION && channel_front_id(t->reporter->channel) && t->thread_ref;
}

static bool may_comment(const struct report *t)
{
    return t->conversation && t->reporter->channel->config->account->token;
}

/* A comment that was begun before may be there, its answer lost or the bridge dead then: Front is asked first. */
static const struct way *comment_way(const struct report *t)
{
    return &ways[t->tries > 0 ? BY_LOOKING : BY_COMMENT];
}

static const struct way *first_way(const struct report *t)
{
    switch (t->reporter->channel->config->late_failure) {
    case LATE_NONE:
        return NULL;
    case LATE_STATUS:
        return may_status(t) ? &ways[BY_STATUS] : NULL;
    case LATE_COMMENT:
        return may_comment(t) ? comment_way(t) : NULL;
    case LATE_AUTO:
        return may_status(t) ? &ways[BY_STATUS] : may_comment(t) ? comment_way(t) : NULL;
    }
    never("late_failure has four values");
}

static void on_answer(const struct front_result *r, void *arg);
static void on_look(const struct front_result *r, void *arg);

static void call(struct report *t)
{
    struct buf path, body;
    struct jout j;

    buf_init(&path, 4096);
    buf_init(&body, BODY_MAX);
    t->way->path(t, &path);
    jout_init(&j, &body);
    jout_object(&j);
    if (t->way->body)
        t->way->body(t, &j);
    jout_object_end(&j);
    staging_call(t->reporter->channel,
                 &(struct front_request){.name = t->way->call,
                                         .lane = RATE_STATUS,
                                         .auth = t->way->auth,
                                         .channel = channel_front_id(t->reporter->channel),
                                         .method = t->way->method,
                                         .path = path.p,
                                         .body = t->way->body ? buf_span(&body) : SPAN_NONE},
                 t->way == &ways[BY_LOOKING] ? on_look : on_answer, t);
    buf_fini(&path);
    buf_fini(&body);
}

static void go_on(struct report *t, const struct way *next)
{
    t->way = next;
    call(t);
}

static void write_line(const struct report *t, const char *event, struct span reason)
{
    log_warn(event, LOG_STR("channel", t->reporter->channel->config->name),
             LOG_STR("source_id", t->source_id), LOG_STR("call", t->way ? t->way->call : "none"),
             LOG_SPAN("reason", reason));
}

/* Newest first: what was begun a while ago is on the first page. */
static bool is_shown(const struct report *t, const struct json *comments)
{
    struct finding f;
    struct buf text;

    buf_init(&text, BODY_MAX);
    add_words(t, &text);
    reconcile_comments(&f, comments, &(struct sought){.text = buf_span(&text), .since = t->since});
    bool is_found = f.is_found;
    finding_fini(&f);
    buf_fini(&text);
    return is_found;
}

/* The comment comes last, so that all was told if it is there. Who may not look tells once more rather than not at all. */
static void on_look(const struct front_result *r, void *arg)
{
    struct report *t = arg;

    if (r->class == FRONT_CALL_OK && is_shown(t, r->json)) {
        write_line(t, "failure_told", span_of(t->reason));
        finish(t);
    } else if (r->class == FRONT_CALL_OK || r->class == FRONT_CALL_REFUSED) {
        go_on(t, &ways[BY_COMMENT]);
    } else if (t->tries >= TRIES_MAX) {
        write_line(t, "failure_not_told", r->reason);
        finish(t);
    } else {
        report_free(t); /* the store hands it out again */
    }
}

static void on_answer(const struct front_result *r, void *arg)
{
    struct report *t = arg;
    bool is_first_try_of_auto = t->way == &ways[BY_STATUS] && may_comment(t) &&
                                t->reporter->channel->config->late_failure == LATE_AUTO;

    if (t->way->next >= 0 && (r->class == FRONT_CALL_OK || r->class == FRONT_CALL_REFUSED)) {
        if (r->class == FRONT_CALL_REFUSED)
            write_line(t, "not_reopened", r->reason);
        go_on(t, &ways[t->way->next]);
    } else if (r->class == FRONT_CALL_OK) {
        write_line(t, "failure_told", span_of(t->reason));
        finish(t);
    } else if (r->class == FRONT_CALL_REFUSED && is_first_try_of_auto) {
        go_on(t, comment_way(t));
    } else if (r->class == FRONT_CALL_REFUSED || t->tries >= TRIES_MAX ||
               (r->class == FRONT_CALL_UNKNOWN && t->tries >= UNSURE_MAX)) {
        write_line(t, "failure_not_told", r->reason);
        finish(t);
    } else {
        report_free(t); /* the store hands it out again */
    }
}

/* ---- From the store ---- */

static const char *cause_of(const char *reason, const struct message_parts *parts)
{
    struct buf arrived;

    buf_init(&arrived, 256);
    message_parts_say(parts, SPAN_NONE, &arrived);
    bool is_told = arrived.n > 0 && span_starts(span_of(reason), arrived.p);
    const char *cause = is_told ? reason + arrived.n : reason;
    buf_fini(&arrived);
    return cause;
}

/* moved_to: where its conversation was merged into; NULL: nowhere. */
static struct report *report_new(struct reporter *r, const struct store_message *m, const char *moved_to,
                                 unsigned tries)
{
    const char *conversation = moved_to ? moved_to : m->conversation;
    struct report *t = mem_zalloc(sizeof *t);
    struct span reason = m->reason ? span_of(m->reason) : SPAN_LIT("it could not be delivered");

    t->reporter = r;
    t->tries = tries;
    t->since = (m->ended_at > 0 ? m->ended_at : m->created_at) - CLOCKS_MS;
    t->op.id = m->id;
    t->source_id = mem_strdup(m->source_id);
    t->recipient = mem_strdup(m->recipient);
    t->conversation = conversation && *conversation ? mem_strdup(conversation) : NULL;
    t->thread_ref = m->thread_ref ? mem_strdup(m->thread_ref) : NULL;
    t->reason = mem_strndup(reason.p, reason.n < REASON_MAX ? reason.n : REASON_MAX);
    t->cause = cause_of(t->reason, &m->parts);
    r->busy_n++;
    return t;
}

/* One of many of the same cause is not told by itself; the first of them raises the alert. */
static bool is_one_of_many(struct report *t)
{
    struct reporter *r = t->reporter;
    unsigned n = t->tries > 0 ? 1 : report_count(&r->causes, span_of(t->cause), clock_mono_ms());

    if (n == REPORT_CAUSE_MAX + 1) {
        outage_alert(&r->channel->presence.outage, clock_mono_ms());
        r->channel->stats.alerts++;
        log_error("many_failures", LOG_STR("channel", r->channel->config->name), LOG_STR("reason", t->cause));
    }
    if (n > REPORT_CAUSE_MAX)
        outage_failed(&r->channel->presence.outage, clock_mono_ms());
    return n > REPORT_CAUSE_MAX;
}

static void tell(struct reporter *r, const struct store_message *m, const char *moved_to, unsigned tries)
{
    struct report *t = report_new(r, m, moved_to, tries);

    if (is_one_of_many(t)) {
        finish(t);
        return;
    }
    t->way = first_way(t);
    if (t->way) {
        call(t);
        return;
    }
    if (r->channel->config->late_failure != LATE_NONE)
        write_line(
            t, "failure_not_told",
            SPAN_LIT("its conversation is not known in Front, or what the call needs is not configured"));
    finish(t);
}

static void on_reports(struct store_op *op)
{
    struct reporter *r = container_of(op, struct reporter, op.op);

    r->is_posted = false;
    if (op->result != OK) {
        r->next_at = clock_wall_ms() + FAILED_MS;
        return;
    }
    if (r->op.next_at < r->next_at)
        r->next_at = r->op.next_at;
    for (unsigned i = 0; i < r->op.message_n; i++)
        if (!r->channel->bridge->is_stopping)
            tell(r, &r->op.message[i], r->op.moved_to[i], r->op.tries[i]);
    store_reports_fini(&r->op);
}

void reporter_tick(struct reporter *r, wall_ms_t now)
{
    if (r->is_posted || r->busy_n > 0 || now < r->next_at)
        return;
    r->is_posted = true;
    r->next_at = INT64_MAX;
    r->op.now = now;
    r->op.retry_ms = AGAIN_MS;
    store_post_reports(r->channel->bridge->store, &r->op);
}
