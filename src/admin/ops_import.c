/*
 * Lines to rows, and counts to figures. What a line may say is history.c's, what is known the store's.
 * Invariant: a line is answered as stored or known only after the commit.
 */
#include "admin/ops_import.h"
#include "admin/ops_answer.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "bridge/deposit.h"
#include "bridge/naming.h"
#include "bridge/policy.h"
#include "front/thread.h"
#include "http/server.h"
#include "http/text.h"
#include <stdlib.h>
#include <string.h>

enum { REASON_MAX = 1024, NAME_MAX_BYTES = 256 };

struct request {
    const struct ops_context *x;
    const struct config_channel *channel; /* NULL: every one */
    ops_done_fn *done;
    void *arg;
};

/* ---- Lines ---- */

/* A line on its way to the store: what the store borrows of it. */
struct line {
    struct history parts;
    struct buf thread_ref;
    struct naming naming;
    struct store_file_put *file; /* NULL: none */
};

struct batch {
    struct request request;
    unsigned number;        /* of the line that is read, from 1 */
    unsigned line_n, bad_n; /* lines that are not empty; bad ones */
    struct buf bad;         /* members of a JSON array */
    struct jout j;          /* on it */
    struct line *line;      /* those that are good */
    struct store_import op;
};

static void batch_free(struct batch *b)
{
    for (unsigned i = 0; i < b->op.line_n; i++) {
        history_fini(&b->line[i].parts);
        buf_fini(&b->line[i].thread_ref);
        naming_fini(&b->line[i].naming);
        free(b->line[i].file);
    }
    buf_fini(&b->bad);
    free(b->line);
    free(b->op.line);
    free(b);
}

static void add_bad(struct batch *b, struct span reason)
{
    b->bad_n++;
    jout_object(&b->j);
    jout_kv_i64(&b->j, "line", b->number);
    jout_kv_span(&b->j, "reason", reason);
    jout_object_end(&b->j);
}

static unsigned add_files(struct line *l)
{
    const struct enclosures *files = l->parts.files;

    if (!files)
        return 0;
    l->file = mem_calloc(ATTACHMENTS_MAX, sizeof *l->file);
    deposit_rows(files, l->file);
    return files->n;
}

/* History is threaded as live messages are; a rolling thread of today says nothing of the past. */
static void add_good(struct batch *b, struct line *l, struct span text)
{
    const struct config_channel *c = b->request.channel;
    enum thread_mode mode = c->thread == THREAD_ROLLING ? THREAD_CONVERSATION : c->thread;
    unsigned file_n = add_files(l);
    struct span customer = buf_span(&l->parts.customer), conversation = buf_span(&l->parts.conversation);

    buf_init(&l->thread_ref, FRONT_REF_MAX);
    thread_ref(mode, customer, conversation, b->op.now, &l->thread_ref);
    naming_add(&l->naming, buf_span(&l->parts.id));
    naming_add(&l->naming, conversation);
    b->op.line[b->op.line_n++] = (struct store_import_line){
        .source_id = buf_span(&l->parts.id),
        .recipient = customer,
        .spelling = l->parts.spelling.n > 0 ? buf_span(&l->parts.spelling) : SPAN_NONE,
        .lane = conversation.n > 0 ? conversation : customer,
        .conversation = conversation.n > 0 ? conversation : SPAN_NONE,
        .thread_ref = buf_span(&l->thread_ref),
        .reply_to = l->parts.reply_to.n > 0 ? buf_span(&l->parts.reply_to) : SPAN_NONE,
        .alias = l->naming.alias,
        .alias_n = l->naming.n,
        .body = text,
        .file = l->file,
        .file_n = file_n,
    };
}

static void read_line(struct batch *b, struct span text)
{
    struct line *l = &b->line[b->op.line_n];
    struct buf why;

    buf_init(&why, REASON_MAX);
    enum err e = history_read(&l->parts, text, b->request.channel->kind, b->op.now, &why);
    if (!e && b->request.channel->handles == HANDLES_PHONE)
        e = history_phone(&l->parts, &why);
    if (!e && text.n > b->op.quota_bytes && b->op.quota_bytes > 0) {
        buf_add_str(&why, "it is larger than limits.channel_quota allows");
        e = ERR_LIMIT;
    }
    if (!e) {
        add_good(b, l, text);
    } else {
        add_bad(b, buf_span(&why));
        history_fini(&l->parts);
    }
    buf_fini(&why);
}

static bool is_blank(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != ' ' && s.p[i] != '\t' && s.p[i] != '\r')
            return false;
    return true;
}

/* False: there are too many. */
static bool read_lines(struct batch *b, struct span body)
{
    const char *p = body.p, *end = p + body.n;

    while (p < end) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        struct span text = {p, (size_t)((stop ? stop : end) - p)};
        b->number++;
        if (!is_blank(text)) {
            if (b->line_n++ == OPS_IMPORT_LINES_MAX)
                return false;
            read_line(b, text);
        }
        p = stop ? stop + 1 : end;
    }
    return true;
}

static void answer(struct batch *b)
{
    unsigned stored_n = 0;
    struct buf out;
    struct jout j;

    for (unsigned i = 0; i < b->op.line_n; i++)
        stored_n += b->op.line[i].how == STORE_NEW || b->op.line[i].how == STORE_AGAIN;
    log_info("imported", LOG_STR("channel", b->request.channel->name), LOG_I64("stored", stored_n),
             LOG_I64("known", b->op.line_n - stored_n), LOG_I64("bad", b->bad_n));
    if (stored_n > 0 && b->request.x->on_import)
        b->request.x->on_import(b->request.channel->name, b->request.x->arg);
    buf_init(&out, OPS_ANSWER_MAX);
    jout_init(&j, &out);
    jout_object(&j);
    jout_kv_i64(&j, "lines", b->line_n);
    jout_kv_i64(&j, "stored", stored_n);
    jout_kv_i64(&j, "known", b->op.line_n - stored_n);
    jout_key(&j, "bad");
    jout_array(&j);
    if (b->bad.n > 0)
        jout_raw(&j, buf_span(&b->bad));
    jout_array_end(&j);
    jout_object_end(&j);
    b->request.done(200, buf_span(&out), b->request.arg);
    buf_fini(&out);
}

static void on_stored(struct store_op *op)
{
    struct batch *b = container_of(op, struct batch, op.op);

    if (op->result == OK)
        answer(b);
    else if (op->result == ERR_FULL)
        ops_fail(
            b->request.done, b->request.arg, 429,
            "There is no room: the history of \"%s\" may wait in up to limits.channel_quota. None of these "
            "lines was "
            "stored; send them again later.",
            b->request.channel->name);
    else
        ops_fail_store(b->request.done, b->request.arg, b->request.x->store);
    batch_free(b);
}

static void post(const struct request *r, struct span body)
{
    const struct config_channel *c = r->channel;
    struct batch *b = mem_zalloc(sizeof *b);
    wall_ms_t now = clock_wall_ms();

    b->request = *r;
    b->line = mem_calloc(OPS_IMPORT_LINES_MAX, sizeof *b->line);
    b->op = (struct store_import){.op.on_done = on_stored,
                                  .channel = c->name,
                                  .follows_link = c->kind == CHANNEL_APPLICATION,
                                  .now = now,
                                  .expires_at = history_expiry(now),
                                  .quota_bytes = r->x->config->channel_quota_bytes,
                                  .line = mem_calloc(OPS_IMPORT_LINES_MAX, sizeof *b->op.line)};
    buf_init(&b->bad, OPS_ANSWER_MAX / 2);
    jout_init(&b->j, &b->bad);
    if (!read_lines(b, body)) {
        ops_fail(r->done, r->arg, 413, "Send at most %d lines at a time.", OPS_IMPORT_LINES_MAX);
        batch_free(b);
    } else if (b->op.line_n == 0) {
        answer(b);
        batch_free(b);
    } else {
        store_post_import(r->x->store, &b->op);
    }
}

/* ---- Figures ---- */

struct figures {
    struct request request;
    struct store_stats op;
};

static void write_figures(struct jout *j, const struct request *r, const char *channel,
                          const struct store_count *c)
{
    static const struct store_count none;
    const uint64_t *n = (c ? c : &none)->n;

    jout_object(j);
    jout_kv_str(j, "channel", channel);
    jout_kv_i64(j, "waiting", (int64_t)(n[MESSAGE_QUEUED] + n[MESSAGE_SENDING]));
    jout_kv_i64(j, "imported", (int64_t)(n[MESSAGE_ACCEPTED] + n[MESSAGE_DELIVERED]));
    jout_kv_i64(j, "held", (int64_t)n[MESSAGE_HELD]);
    jout_kv_i64(j, "unknown", (int64_t)n[MESSAGE_UNKNOWN]);
    jout_kv_i64(j, "dead", (int64_t)(n[MESSAGE_DEAD] + n[MESSAGE_REJECTED]));
    jout_kv_i64(j, "dropped", (int64_t)(n[MESSAGE_DROPPED] + n[MESSAGE_CANCELLED]));
    if (r->x->history_rate)
        jout_kv_i64(j, "per_minute", r->x->history_rate(channel, r->x->arg));
    jout_object_end(j);
}

static const struct store_count *count_of(const struct store_stats *s, const char *channel)
{
    char name[STORE_CHANNEL_BYTES];

    store_history_name(channel, name);
    for (unsigned i = 0; i < s->count_n; i++)
        if (s->count[i].direction == MESSAGE_IN && strcmp(s->count[i].channel, name) == 0)
            return &s->count[i];
    return NULL;
}

static void on_stats(struct store_op *op)
{
    struct figures *f = container_of(op, struct figures, op.op);
    const struct config *c = f->request.x->config;
    struct buf out;
    struct jout j;

    if (op->result != OK) {
        ops_fail_store(f->request.done, f->request.arg, f->request.x->store);
    } else {
        buf_init(&out, OPS_ANSWER_MAX);
        jout_init(&j, &out);
        jout_object(&j);
        jout_key(&j, "imports");
        jout_array(&j);
        for (size_t i = 0; i < c->channel_n; i++) {
            const struct store_count *n = count_of(&f->op, c->channel[i].name);
            if (f->request.channel ? f->request.channel == &c->channel[i] : n != NULL)
                write_figures(&j, &f->request, c->channel[i].name, n);
        }
        jout_array_end(&j);
        jout_object_end(&j);
        f->request.done(200, buf_span(&out), f->request.arg);
        buf_fini(&out);
    }
    store_stats_fini(&f->op);
    free(f);
}

static void get(const struct request *r)
{
    struct figures *f = mem_zalloc(sizeof *f);

    f->request = *r;
    f->op.op.on_done = on_stats;
    store_post_stats(r->x->store, &f->op);
}

/* ---- Requests ---- */

/* The one parameter there is. False: it was answered. */
static bool read_channel(struct request *r, struct span query, bool is_post)
{
    struct span encoded = http_query_find(query, "channel");
    struct buf name;

    buf_init(&name, NAME_MAX_BYTES);
    bool is_readable = !encoded.p || http_percent_decode(encoded, true, &name) == OK;
    if (encoded.p && is_readable)
        r->channel = config_channel_find(r->x->config, buf_span(&name));
    bool is_good = encoded.p ? r->channel != NULL : !is_post && query.n == 0;
    if (!is_good)
        ops_fail(r->done, r->arg, encoded.p ? 404 : 400, "%s",
                 encoded.p ? "There is no such channel in the configuration."
                           : "Say whose history it is: ?channel=NAME.");
    buf_fini(&name);
    return is_good;
}

void ops_import_run(const struct ops_context *x, struct span method, struct span rest, struct span query,
                    struct span body, ops_done_fn *done, void *arg)
{
    struct request r = {.x = x, .done = done, .arg = arg};
    bool is_post = span_is(method, "POST");

    if (rest.n > 0)
        ops_fail(done, arg, 404, "There is nothing here; see /api/v1/imports.");
    else if (!store_is_healthy(x->store))
        ops_fail_store(done, arg, x->store);
    else if (!read_channel(&r, query, is_post))
        return;
    else if (!is_post)
        get(&r);
    else if (r.channel->dry_run)
        ops_fail(
            done, arg, 409,
            "\"%s\" has dry_run, in which nothing is written to Front: nothing was imported. Try it with "
            "--check, or take "
            "dry_run out.",
            r.channel->name);
    else
        post(&r, body);
}
