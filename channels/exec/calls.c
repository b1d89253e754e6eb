/*
 * What the host waits for: deliveries, notices and webhook requests, from their coming to their end.
 *
 * Decides what is sent when, and how a call ends to which the program says nothing.
 * Invariant: a call is in ch->calls exactly as long as its token is open; sent_n counts the sent ones but
 * requests.
 */
#include "base/crypto.h"
#include "base/mem.h"
#include "exec.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {"deliver", "failed", "event", "request"};

static void on_sweep(void *arg);

static void call_free(struct channel *ch, struct call *c)
{
    ch->sent_n -= c->is_sent && c->kind != CALL_REQUEST;
    TAILQ_REMOVE(&ch->calls, c, link);
    free(c);
}

static void reply(struct channel *ch, fb_token token, int status, const char *sentence)
{
    static const struct fb_header later = {"retry-after", "5"};
    char json[200];
    snprintf(json, sizeof json, "{\"error\":\"%s\"}", sentence);
    const struct fb_reply r = {.size = sizeof r,
                               .status = status,
                               .body = json,
                               .body_n = strlen(json),
                               .headers = &later,
                               .header_n = status == 503};
    ch->host->reply(ch->host, token, &r);
}

void call_complete(struct channel *ch, struct call *c, const struct fb_outcome *o)
{
    fb_token token = c->token;
    call_free(ch, c);
    ch->host->complete(ch->host, token, o);
}

void call_reply(struct channel *ch, struct call *c, const struct fb_reply *r)
{
    fb_token token = c->token;
    call_free(ch, c);
    if (ch->host->reply(ch->host, token, r) == FB_ERR_INVALID)
        reply(ch, token, 500, "The channel's program answered with what cannot be sent; the log says why.");
}

static void complete(struct channel *ch, fb_token token, uint32_t kind, uint32_t flags,
                     int64_t retry_after_ms, const char *reason)
{
    const struct fb_outcome o = {
        .size = sizeof o, .kind = kind, .flags = flags, .retry_after_ms = retry_after_ms, .reason = reason};
    ch->host->complete(ch->host, token, &o);
}

/* How a call ends without the program: kind and reason are for a delivery or notice. */
static void call_end(struct channel *ch, struct call *c, uint32_t kind, uint32_t flags, const char *reason)
{
    fb_token token = c->token;
    bool is_request = c->kind == CALL_REQUEST;
    call_free(ch, c);
    if (is_request)
        reply(ch, token, 503, "The channel's program cannot answer now: try again in a moment.");
    else
        complete(ch, token, kind, flags, 0, reason);
}

/* ---- Coming ---- */

static struct call *call_add(struct channel *ch, enum call_kind kind, fb_token token, int64_t deadline_ms)
{
    int64_t left_ms =
        deadline_ms ? deadline_ms - ch->host->now_ms(ch->host) - DEADLINE_MARGIN_MS : ch->timeout_ms;
    struct call *c = mem_zalloc(sizeof *c);
    *c = (struct call){.kind = kind, .token = token, .due = clock_mono_ms() + (left_ms > 0 ? left_ms : 0)};
    TAILQ_INSERT_TAIL(&ch->calls, c, link);
    calls_sweep_at(ch, c->due);
    return c;
}

/* may_take ends a delivery or notice that the program cannot get. */
static bool may_take(struct channel *ch, fb_token token, size_t json_n)
{
    char reason[160];
    if (!program_is_up(ch)) {
        int64_t left_ms = ch->restart_at - clock_mono_ms();
        snprintf(reason, sizeof reason,
                 "The channel's program is not running (%s); it is started again soon.", ch->ended);
        complete(ch, token, FB_RETRY, FB_OUTCOME_UNREACHABLE, left_ms > 0 && !ch->is_stopping ? left_ms : 0,
                 reason);
        return false;
    }
    if (json_n > CALL_JSON_MAX) {
        complete(ch, token, FB_REJECTED, 0, 0, "The message is too large for this channel.");
        return false;
    }
    return true;
}

void calls_deliver(void *self, fb_token token, const struct fb_delivery *d)
{
    struct channel *ch = self;
    if (!may_take(ch, token, d->json_n))
        return;
    call_add(ch, CALL_DELIVER, token, d->deadline_ms)->delivery = d;
    program_pump(ch);
}

static void notify(struct channel *ch, enum call_kind kind, fb_token token, const struct fb_notice *n)
{
    if (!may_take(ch, token, n->json_n))
        return;
    call_add(ch, kind, token, FB_HAS(n, deadline_ms) ? n->deadline_ms : 0)->notice = n;
    program_pump(ch);
}

void calls_failed(void *self, fb_token token, const struct fb_notice *n)
{
    notify(self, CALL_FAILED, token, n);
}

void calls_event(void *self, fb_token token, const struct fb_notice *n)
{
    notify(self, CALL_EVENT, token, n);
}

void calls_request(void *self, fb_token token, const struct fb_request *r)
{
    struct channel *ch = self;
    if (!program_is_up(ch) || program_unread(ch) > OUT_SEND_BYTES) {
        reply(ch, token, 503, "The channel's program is not running or busy: try again in a moment.");
    } else if (r->body_n > REQUEST_BODY_MAX) {
        reply(ch, token, 413, "The body is larger than 1 MiB.");
    } else {
        call_add(ch, CALL_REQUEST, token, FB_HAS(r, deadline_ms) ? r->deadline_ms : 0)->request = r;
        program_pump(ch);
    }
}

/* ---- Sending ---- */

static void name_fold(const char *name, struct buf *out)
{
    for (; *name; name++)
        buf_add_char(out, *name >= 'A' && *name <= 'Z' ? (char)(*name | 0x20) : *name);
}

/* A name that comes several times is one member, with the values joined as HTTP does. */
static void headers_write(struct jout *j, const struct fb_request *r)
{
    jout_key(j, "headers");
    jout_object(j);
    for (uint32_t i = 0; i < r->header_n; i++) {
        if (fb_header_get(r->headers, i, r->headers[i].name))
            continue;
        struct buf name, value;
        buf_init(&name, WIRE_LINE_MAX);
        buf_init(&value, 4 * WIRE_LINE_MAX);
        name_fold(r->headers[i].name, &name);
        buf_add_str(&value, r->headers[i].value);
        for (uint32_t k = i + 1; k < r->header_n; k++)
            if (fb_header_get(&r->headers[k], 1, r->headers[i].name))
                buf_addf(&value, ", %s", r->headers[k].value);
        jout_key_span(j, buf_span(&name));
        jout_span(j, buf_span(&value));
        buf_fini(&name);
        buf_fini(&value);
    }
    jout_object_end(j);
}

static void body_write(struct jout *j, struct span bytes)
{
    if (wire_is_utf8(bytes)) {
        jout_kv_span(j, "body", bytes);
        return;
    }
    struct buf text;
    buf_init(&text, 2 * REQUEST_BODY_MAX);
    base64_encode(&text, bytes);
    jout_kv_span(j, "body_base64", buf_span(&text));
    buf_fini(&text);
}

static void request_write(struct jout *j, const struct fb_request *r)
{
    struct wire_body body;
    jout_kv_str(j, "method", r->method);
    jout_kv_str(j, "path", r->path ? r->path : "");
    jout_kv_str(j, "query", r->query);
    jout_kv_str(j, "peer", r->peer);
    headers_write(j, r);
    body_write(j, wire_body_load(r, REQUEST_BODY_MAX, &body) ? SPAN_LIT("") : body.bytes);
    wire_body_fini(&body);
}

static void call_write(struct channel *ch, const struct call *c)
{
    char token[24];
    struct jout j;
    size_t from = ch->out.n;
    snprintf(token, sizeof token, "%" PRIu64, c->token);
    if (!program_unread(ch))
        ch->wrote_at = clock_mono_ms();
    jout_init(&j, &ch->out);
    jout_object(&j);
    jout_kv_str(&j, "type", kind_names[c->kind]);
    jout_kv_str(&j, "token", token);
    if (c->kind == CALL_REQUEST)
        request_write(&j, c->request);
    else if (c->kind == CALL_DELIVER)
        jout_kv_raw(&j, "delivery", (struct span){c->delivery->json, c->delivery->json_n});
    else
        jout_kv_raw(&j, "notice", (struct span){c->notice->json, c->notice->json_n});
    jout_object_end(&j);
    must(!ch->out.is_over);
    for (char *p = ch->out.p + from; p < ch->out.p + ch->out.n; p++)
        if (*p == '\n' || *p == '\r') /* white space between values: inside strings it is escaped */
            *p = ' ';
    buf_add_char(&ch->out, '\n');
}

void calls_send(struct channel *ch)
{
    mono_ms_t now = clock_mono_ms();
    struct call *c;
    TAILQ_FOREACH(c, &ch->calls, link)
    {
        if (c->is_sent || (c->kind != CALL_REQUEST && ch->sent_n >= ch->in_flight_max))
            continue;
        if (program_unread(ch) > OUT_SEND_BYTES)
            return;
        call_write(ch, c);
        c->is_sent = true;
        c->sent_at = now;
        c->due = c->due < now + ch->timeout_ms ? c->due : now + ch->timeout_ms;
        ch->sent_n += c->kind != CALL_REQUEST;
        calls_sweep_at(ch, c->due);
    }
}

struct call *calls_sent(struct channel *ch, fb_token token, bool is_request)
{
    struct call *c;
    TAILQ_FOREACH(c, &ch->calls, link)
    if (c->is_sent && c->token == token && (c->kind == CALL_REQUEST) == is_request)
        return c;
    return NULL;
}

/* ---- Ending without an answer ---- */

void calls_sweep_at(struct channel *ch, mono_ms_t at)
{
    mono_ms_t now = clock_mono_ms();
    if (ch->sweep_timer && ch->sweep_at <= at)
        return;
    if (ch->sweep_timer)
        ch->host->timer_cancel(ch->host, ch->sweep_timer);
    ch->sweep_at = at;
    ch->sweep_timer = ch->host->timer(ch->host, at > now ? at - now : 0, on_sweep, ch);
}

/* A program that has said nothing at all since it got the call does not work any more. */
static bool call_expire(struct channel *ch, struct call *c)
{
    bool is_silent = c->is_sent && ch->heard_at <= c->sent_at;
    if (c->is_sent)
        call_end(ch, c, FB_UNKNOWN, 0,
                 "The channel's program did not say in time what became of the message.");
    else
        call_end(ch, c, FB_RETRY, 0, "The channel's program was busy with other messages all the time.");
    return is_silent;
}

static void on_sweep(void *arg)
{
    struct channel *ch = arg;
    mono_ms_t now = clock_mono_ms();
    bool is_silent = false;
    ch->sweep_timer = 0;
    for (struct call *c = TAILQ_FIRST(&ch->calls), *next; c; c = next) {
        next = TAILQ_NEXT(c, link);
        if (c->due <= now)
            is_silent |= call_expire(ch, c);
        else
            calls_sweep_at(ch, c->due);
    }
    if (program_unread(ch) && ch->wrote_at + ch->timeout_ms <= now)
        program_restart(ch, "does not read its input");
    else if (is_silent)
        program_restart(ch, "does not answer");
    program_pump(ch);
}

void calls_program_ended(struct channel *ch)
{
    char lost[160], later[160];
    snprintf(lost, sizeof lost, "The channel's program ended with the message in its hands (%s).", ch->ended);
    snprintf(later, sizeof later, "The channel's program is not running (%s); it is started again soon.",
             ch->ended);
    for (struct call *c = TAILQ_FIRST(&ch->calls), *next; c; c = next) {
        next = TAILQ_NEXT(c, link);
        if (c->is_sent)
            call_end(ch, c, FB_UNKNOWN, 0, lost);
        else
            call_end(ch, c, FB_RETRY, FB_OUTCOME_UNREACHABLE, later);
    }
}

void calls_fini(struct channel *ch)
{
    while (!TAILQ_EMPTY(&ch->calls))
        call_free(ch, TAILQ_FIRST(&ch->calls));
}
