/*
 * Sends callbacks as Front does: signed, with a clock of 7 seconds, and shows the agent what came of it. A
 * failed send falls back to a draft that keeps its id. Invariant: a message is in flight at most once; a
 * message that a reset took away meanwhile is found missing, not used.
 */
#include "base/mem.h"
#include "front/signature.h"
#include "sim/emit.h"
#include "sim/shape.h"
#include "sim/verdict.h"
#include "sim/world.h"
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

enum { CALLBACK_MAX = 16 << 20 };

struct flight {
    struct sim *sim;
    char id[SIM_ID_BYTES];
    struct sim_channel *channel; /* channels live as long as the account */
    struct buf body;
    char signature[SIGNATURE_TEXT_MAX], timestamp[24];
    sim_sent_fn *done;
    void *arg;
};

static void journal(const struct flight *f, const struct http_answer *a, const struct sim_verdict *v)
{
    struct buf text;
    struct jout j;
    sim_journal_open(&f->sim->journal, &j, &text, clock_wall_ms());
    jout_kv_str(&j, "kind", "callback");
    jout_kv_str(&j, "channel", f->channel->id);
    jout_kv_str(&j, "message", f->id);
    jout_kv_i64(&j, "status", a->status);
    jout_kv_i64(&j, "took_ms", a->took_ms);
    jout_kv_bool(&j, "is_sent", v->is_sent);
    jout_kv_str(&j, "error_type", v->type);
    jout_kv_str(&j, "error_message", v->message);
    jout_kv_str(&j, "hint", v->hint);
    jout_kv_str(&j, "signature", f->signature);
    jout_kv_str(&j, "timestamp", f->channel->kind == CHANNEL_CUSTOM ? NULL : f->timestamp);
    if (f->body.n <= 16384)
        jout_kv_span(&j, "body", buf_span(&f->body));
    if (a->body.n <= 16384)
        jout_kv_span(&j, "answer", a->body);
    sim_journal_close(&f->sim->journal, &j);
    sim_journal_count(&f->sim->journal, "callback", a->status);
}

static void set(char **field, const char *value)
{
    free(*field);
    *field = value ? mem_strdup(value) : NULL;
}

static void settle(struct sim *s, struct sim_message *m, const struct sim_verdict *v, int64_t took_ms)
{
    wall_ms_t now = clock_wall_ms();
    m->took_ms = took_ms;
    m->state = v->is_sent ? SIM_SENT : SIM_FAILED;
    m->is_draft = !v->is_sent;
    set(&m->error_type, v->type);
    set(&m->error_message, v->message);
    set(&m->error_hint, v->hint);
    if (v->is_sent)
        sim_account_sent(&s->account, m, v->external_id, v->external_conversation_id, now);
    else
        m->version++;
    sim_changed(s, m->conversation);
    if (v->is_sent)
        sim_emit_message(s, m);
    else
        sim_emit_failure(s, m);
}

static void on_answer(const struct http_answer *a, void *arg)
{
    struct flight *f = arg;
    struct sim *s = f->sim;
    struct sim_message *m = sim_message_find(&s->account, span_of(f->id));
    struct sim_verdict v;
    sim_verdict_judge(&v, f->channel->kind, a->fail, a->status, a->body);
    journal(f, a, &v);
    if (m) {
        settle(s, m, &v, a->took_ms);
        sim_note(
            s, &(struct sim_moment_info){.at = SIM_AT_CALLBACK_ANSWERED, .message = m, .status = a->status});
    }
    if (f->done)
        f->done(f->arg, m);
    sim_verdict_fini(&v);
    buf_fini(&f->body);
    free(f);
}

static void sign(struct flight *f)
{
    const char *own =
        f->channel->kind == CHANNEL_CUSTOM && f->sim->secret ? f->sim->secret : f->sim->app_secret;
    const char *secret = f->channel->secret ? f->channel->secret : own;
    struct span body = buf_span(&f->body);
    snprintf(f->timestamp, sizeof f->timestamp, "%lld", (long long)clock_wall_ms());
    if (f->channel->kind == CHANNEL_CUSTOM)
        signature_make_sha1(body, secret ? secret : "", f->signature);
    else
        signature_make_sha256(body, span_of(f->timestamp), secret ? secret : "", f->signature);
}

static void start(struct flight *f)
{
    const struct http_header_line header[] = {{"Content-Type", "application/json"},
                                              {"User-Agent", "front-bridge-simulator"},
                                              {"X-Front-Signature", f->signature},
                                              {"X-Front-Request-Timestamp", f->timestamp}};
    const struct http_request request = {.method = "POST",
                                         .url = f->channel->webhook_url ? f->channel->webhook_url : "",
                                         .headers = header,
                                         .header_n = f->channel->kind == CHANNEL_CUSTOM ? 3 : 4,
                                         .body = buf_span(&f->body),
                                         .body_fd = -1,
                                         .timeout_ms = SIM_ANSWER_MS};
    http_call_start(f->sim->http, &request, on_answer, f);
}

static struct flight *flight_new(struct sim *s, const struct sim_message *m, const char *type)
{
    struct flight *f = mem_zalloc(sizeof *f);
    f->sim = s;
    f->channel = m->channel;
    memcpy(f->id, m->id, sizeof f->id);
    buf_init(&f->body, CALLBACK_MAX);
    sim_shape_callback(&f->body, m, type);
    sign(f);
    return f;
}

/* What is no custom message does not go through a channel's server: e-mail is sent, and that is all. */
static void deliver_elsewhere(struct sim *s, struct sim_message *m, sim_sent_fn *done, void *arg)
{
    const struct sim_verdict sent = {.is_sent = true};
    settle(s, m, &sent, 0);
    if (done)
        done(arg, m);
}

static void deliver(struct sim *s, struct sim_message *m, sim_sent_fn *done, void *arg)
{
    if (m->channel->type) {
        deliver_elsewhere(s, m, done, arg);
        return;
    }
    struct flight *f = flight_new(s, m, m->is_auto_reply ? "message_autoreply" : "message");
    f->done = done;
    f->arg = arg;
    m->state = SIM_SENDING;
    m->took_ms = -1;
    start(f);
    sim_note(s, &(struct sim_moment_info){.at = SIM_AT_CALLBACK_SENT, .message = m});
    sim_changed(s, m->conversation);
}

static void address(struct sim_message *m, const struct sim_person *to, unsigned n)
{
    m->to = mem_calloc(n, sizeof *m->to);
    m->to_n = n;
    for (unsigned i = 0; i < n; i++) {
        m->to[i].handle = mem_strdup(to[i].handle);
        m->to[i].name = to[i].name ? mem_strdup(to[i].name) : NULL;
    }
}

/* A teammate's user name is what stands before the @ of the address. */
static void sign_by(struct sim_message *m, const char *name, const char *email)
{
    if (!name && !email)
        return;
    m->author.name = name ? mem_strdup(name) : NULL;
    m->author.email = email ? mem_strdup(email) : NULL;
    m->author.handle = email ? mem_strndup(email, strcspn(email, "@")) : mem_strdup(name);
}

static const char *refuse_send(const struct sim *s, const struct sim_send *send,
                               const struct sim_conversation *conversation)
{
    if (s->account.message_n >= SIM_MESSAGES_MAX)
        return "The simulator is full: POST /sim/reset";
    if (!sim_channel_find(&s->account, span_of(send->channel)))
        return "There is no such channel";
    if (send->conversation && !conversation)
        return "There is no such conversation";
    if (conversation && conversation->channel != conversation->channel->inbox->none &&
        !span_is(span_of(send->channel), conversation->channel->id))
        return "The conversation belongs to another channel";
    if (!conversation && !send->to_n)
        return "A new conversation needs someone to write to";
    return send->to_n > SIM_RECIPIENTS_MAX ? "There are too many recipients" : NULL;
}

static void attach(struct sim *s, struct sim_message *m, const struct sim_send *send)
{
    char id[SIM_ID_BYTES];
    for (unsigned i = 0; i < send->file_n; i++) {
        sim_account_id(&s->account, "fil_", id);
        sim_message_attach(m, sim_file_new(&s->account.files, id, &send->file[i]));
    }
}

struct sim_message *sim_send(struct sim *s, const struct sim_send *send, sim_sent_fn *done, void *arg,
                             const char **why)
{
    struct sim_conversation *conversation =
        send->conversation ? sim_conversation_find(&s->account, span_of(send->conversation)) : NULL;
    *why = refuse_send(s, send, conversation);
    if (*why)
        return NULL;
    wall_ms_t now = clock_wall_ms();
    struct sim_message *m = sim_message_new(sim_channel_find(&s->account, span_of(send->channel)), now);
    address(m, send->to_n ? send->to : &conversation->customer, send->to_n ? send->to_n : 1);
    if (send->html)
        sim_message_html(m, span_of(send->html));
    else
        sim_message_text(m, span_of(send->text));
    attach(s, m, send);
    m->subject = send->subject ? mem_strdup(send->subject) : NULL;
    m->is_draft = send->is_draft;
    sign_by(m, send->author_name, send->author_email);
    if (conversation)
        conversation->channel = m->channel; /* an imported one has got one now */
    sim_account_write(&s->account, m, conversation, now);
    m->visible_at = sim_visible_at(s, now);
    deliver(s, m, done, arg);
    return m;
}

enum err sim_resend(struct sim *s, struct sim_message *m, struct span text, sim_sent_fn *done, void *arg)
{
    if (m->state != SIM_FAILED)
        return ERR_CONFLICT;
    if (text.p)
        sim_message_text(m, text);
    m->version++;
    m->is_draft = true;
    deliver(s, m, done, arg);
    return OK;
}

/* A rule answers: nobody wrote it, and it goes to whoever wrote last. */
void sim_autoreply(struct sim *s, struct sim_conversation *c, const char *text, bool has_metadata,
                   sim_sent_fn *done, void *arg, const char **why)
{
    wall_ms_t now = clock_wall_ms();
    const struct sim_send send = {.channel = c->channel->id, .conversation = c->id};
    *why = refuse_send(s, &send, c);
    if (!*why && c->channel->kind != CHANNEL_APPLICATION)
        *why = "Only application channels have auto replies of their own";
    if (*why)
        return;
    struct sim_message *m = sim_message_new(c->channel, now);
    address(m, &c->customer, 1);
    sim_message_text(m, span_of(text));
    m->is_auto_reply = true;
    m->has_no_metadata = !has_metadata;
    sim_account_write(&s->account, m, c, now);
    m->visible_at = sim_visible_at(s, now);
    deliver(s, m, done, arg);
}
