/*
 * Plays the bridge to one host: sends what the suite wants sent, answers what the adapter asks, and writes
 * down how each call ended. Judges nothing.
 */
#include "host/conform_bridge.h"
#include "base/json.h"
#include "base/mem.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ATTEMPT_MS = 10000 };

/* ---- The bridge's side ---- */

/* One complaint is told once: it would break every promise under which something is delivered. */
static void on_log(struct host *h, int level, const char *text, void *arg)
{
    struct conform *c = arg;
    size_t n = strlen(c->heard);
    (void)h;
    if (level != HOST_LOG_COMPLAINT && c->o->on_line)
        c->o->on_line(text, c->arg);
    if (level != HOST_LOG_COMPLAINT || strstr(c->heard, text))
        return;
    snprintf(c->heard + n, sizeof c->heard - n, "%s\n", text);
    if (!c->complaint[0])
        snprintf(c->complaint, sizeof c->complaint, "%s", text);
}

static void on_status(struct host *h, enum host_status s, const char *reason, void *arg)
{
    struct conform *c = arg;
    (void)h;
    if (s == HOST_DOWN || s == HOST_FAILED) {
        c->has_ended = true;
        snprintf(c->down_reason, sizeof c->down_reason, "%s", reason ? reason : "");
    }
}

static struct conform_ending *ending_of(struct conform *c, uint64_t token)
{
    must(token < c->token_n);
    c->ended_n++;
    c->ending[token].n++;
    return &c->ending[token];
}

static void on_outcome(struct host *h, uint64_t token, const struct outcome *o, void *arg)
{
    struct conform *c = arg;
    struct conform_ending *e = ending_of(c, token);
    (void)h;
    e->kind = o->kind;
    c->delivered_n += o->kind == OUTCOME_DELIVERED;
    e->part_n = o->part_n;
    e->part_cut = o->part_cut;
    snprintf(e->reason, sizeof e->reason, "%.*s", SPAN_FMT(o->reason));
}

static void on_credit(struct host *h, void *arg)
{
    (void)h, (void)arg;
}

void conform_store(struct conform *c, uint64_t ticket)
{
    char id[32];
    snprintf(id, sizeof id, "conform-%u", c->receive_n);
    host_stored(c->host, ticket, OK, false, id, NULL);
}

static void on_receive(struct host *h, struct host_receive *r, void *arg)
{
    struct conform *c = arg;
    (void)h;
    c->receive_n++;
    if (c->withholds && !r->is_receipt && !c->withheld)
        c->withheld = r->ticket;
    else
        conform_store(c, r->ticket);
}

static void on_reply(struct host *h, uint64_t token, int status, struct span type, struct span body,
                     const char *headers, void *arg)
{
    (void)h, (void)type, (void)body, (void)headers;
    ending_of(arg, token)->status = status;
}

static void on_kv(struct host *h, uint64_t ticket, bool is_write, struct span key, struct span value,
                  void *arg)
{
    (void)key, (void)value, (void)arg;
    host_kv_done(h, ticket, is_write ? OK : ERR_NOT_FOUND, SPAN_NONE);
}

static const struct host_events events = {
    .on_log = on_log,
    .on_status = on_status,
    .on_outcome = on_outcome,
    .on_credit = on_credit,
    .on_receive = on_receive,
    .on_reply = on_reply,
    .on_kv = on_kv,
};

void conform_turn(struct conform *c)
{
    struct timeval tv = clock_tv(20);
    event_base_loopexit(c->base, &tv);
    event_base_loop(c->base, EVLOOP_ONCE);
}

static int64_t attempt_ms(const struct conform *c)
{
    return c->o->attempt_ms ? c->o->attempt_ms : ATTEMPT_MS;
}

bool conform_settle(struct conform *c)
{
    mono_ms_t until = clock_mono_ms() + 3 * attempt_ms(c);
    while (c->ended_n < c->token_n && clock_mono_ms() < until)
        conform_turn(c);
    return c->ended_n == c->token_n;
}

void conform_rest(struct conform *c, int64_t ms)
{
    mono_ms_t until = clock_mono_ms() + ms;
    while (clock_mono_ms() < until)
        conform_turn(c);
}

uint64_t conform_token(struct conform *c)
{
    must(c->token_n < CONFORM_TOKENS_MAX);
    return c->token_n++;
}

/* ---- Deliveries ---- */

static void write_person(struct jout *j, const char *key, const char *handle, const char *name,
                         const char *email)
{
    jout_key(j, key);
    jout_object(j);
    if (handle)
        jout_kv_str(j, "handle", handle);
    jout_kv_str(j, "name", name);
    if (email)
        jout_kv_str(j, "email", email);
    jout_object_end(j);
}

enum { FILE_BYTES = 12345 };

/* A file as the bridge gives it: readable from the start, and nobody's to change. */
static int open_file(void)
{
    static char bytes[FILE_BYTES];
    int fd = memfd_create("attachment", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    must(fd >= 0);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 31);
    must(pwrite(fd, bytes, sizeof bytes, 0) == sizeof bytes);
    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
    return fd;
}

static void write_files(struct jout *j, bool has_file)
{
    jout_key(j, "attachments");
    jout_array(j);
    if (has_file) {
        jout_object(j);
        jout_kv_str(j, "filename", "caf\xc3\xa9.png");
        jout_kv_str(j, "content_type", "image/png");
        jout_kv_i64(j, "size", FILE_BYTES);
        jout_kv_str(j, "url", "http://127.0.0.1:9/files/none");
        jout_object_end(j);
    }
    jout_array_end(j);
}

static void write_delivery(struct jout *j, const struct conform_message *m, uint64_t number)
{
    char id[40];
    snprintf(id, sizeof id, "conform%llu", (unsigned long long)number);
    jout_object(j);
    jout_kv_str(j, "type", "message");
    jout_kv_str(j, "id", id);
    jout_kv_i64(j, "attempt", m->attempt ? m->attempt : 1);
    jout_kv_str(j, "channel", "conform");
    jout_key(j, "front");
    jout_object(j);
    jout_kv_str(j, "message_id", m->is_bare ? NULL : "msg_conform");
    jout_kv_str(j, "conversation_id", m->is_bare ? NULL : "cnv_conform");
    jout_kv_str(j, "event_id", NULL);
    jout_object_end(j);
    jout_kv_str(j, "conversation_id", m->is_bare ? NULL : "conversation-1");
    write_person(j, "recipient", "conform", m->is_bare ? NULL : "Conny Form", NULL);
    if (m->is_bare)
        jout_kv_str(j, "author", NULL);
    else
        write_person(j, "author", NULL, "Ada Agent", "ada@example.com");
    jout_kv_str(j, "subject", m->subject);
    jout_kv_str(j, "text", m->text);
    jout_kv_str(j, "html", m->html);
    write_files(j, m->has_file);
    jout_kv_str(j, "in_reply_to", NULL);
    jout_kv_seconds(j, "created_at", clock_wall_ms());
    jout_object_end(j);
}

bool conform_post(struct conform *c, const struct conform_message *m, uint64_t number)
{
    struct buf json;
    struct jout j;
    mono_ms_t until = clock_mono_ms() + 3 * attempt_ms(c);
    while (host_credits(c->host) == 0 && !c->has_ended && clock_mono_ms() < until)
        conform_turn(c);
    if (host_credits(c->host) == 0)
        return false;
    buf_init(&json, 4 << 20);
    jout_init(&j, &json);
    write_delivery(&j, m, number);
    int fd = m->has_file ? open_file() : -1;
    bool is_sent =
        host_deliver(c->host, conform_token(c), buf_span(&json), &fd, m->has_file, &m->parts) == OK;
    if (fd >= 0)
        close(fd);
    buf_fini(&json);
    return is_sent;
}

void conform_open(struct conform *c, unsigned probe)
{
    struct host_options o = {.channel = "conform",
                             .adapter_path = c->o->adapter_path,
                             .settings = c->o->settings,
                             .attempt_ms = attempt_ms(c),
                             .request_ms = attempt_ms(c),
                             .stop_ms = CONFORM_STOP_MS,
                             .probe = probe};
    c->host = host_new(c->base, &o, &events, c);
    c->has_ended = false;
    c->down_reason[0] = 0;
}
