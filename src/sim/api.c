/*
 * The front door of the simulated REST API: route, identity, rate limit, faults, then the call; every answer
 * carries the rate headers and gets its line in the journal. Refuses to know what the calls do (calls.c).
 * Invariant: a call is in sim->call until it is answered, exactly once.
 */
#include "sim/api.h"
#include "base/mem.h"
#include "http/text.h"
#include "sim/upload.h"
#include <stdlib.h>
#include <string.h>

enum { ENDLESS_EVERY_MS = 50, ENDLESS_CHUNK = 1024, HALF_MAX = 256 << 10 };

enum sim_view sim_call_view(const struct sim_call *c)
{
    return c->who.caller == SIM_CALLER_CHANNEL ? SIM_VIEW_CHANNEL : SIM_VIEW_COMPANY;
}

struct span sim_call_segment(const struct sim_call *c, unsigned i)
{
    return i < c->segment_n ? span_of(c->segment[i]) : SPAN_NONE;
}

void sim_call_refuse(struct sim_call *c, int status, const char *message, struct span details)
{
    c->status = status;
    buf_clear(&c->out);
    sim_shape_error(&c->out, status, message, details);
}

static void call_free(struct sim_call *c)
{
    LIST_REMOVE(c, link);
    for (unsigned i = 0; i < c->segment_n; i++)
        free(c->segment[i]);
    if (c->timer)
        event_free(c->timer);
    json_fini(&c->doc);
    buf_fini(&c->form_text);
    multipart_fini(&c->form);
    buf_fini(&c->out);
    buf_fini(&c->headers);
    free(c);
}

static const char *caller_name(const struct sim_call *c)
{
    static const char *const names[] = {"none", "token", "jwt"};
    return names[c->who.caller];
}

static void journal_files(struct jout *j, const struct multipart *form)
{
    jout_key(j, "files");
    jout_array(j);
    for (unsigned i = 0; i < form->n; i++) {
        if (!form->part[i].filename)
            continue;
        jout_object(j);
        jout_kv_str(j, "field", form->part[i].name);
        jout_kv_str(j, "filename", form->part[i].filename);
        jout_kv_str(j, "content_type", form->part[i].content_type);
        jout_kv_i64(j, "size", (int64_t)form->part[i].data.n);
        jout_object_end(j);
    }
    jout_array_end(j);
}

static void journal(struct sim_call *c, const char *outcome)
{
    struct sim *s = c->sim;
    struct buf text;
    struct jout j;
    const char *name = c->route ? c->route->name : "unknown";
    struct span body = c->is_form ? buf_span(&c->form_text) : http_body(c->x);
    sim_journal_open(&s->journal, &j, &text, clock_wall_ms());
    jout_kv_str(&j, "kind", "api");
    jout_kv_str(&j, "call", name);
    jout_kv_span(&j, "method", http_method(c->x));
    jout_kv_span(&j, "path", http_path(c->x));
    jout_kv_str(&j, "caller", caller_name(c));
    jout_kv_i64(&j, "status", c->status);
    jout_kv_str(&j, "outcome", outcome);
    jout_kv_i64(&j, "took_ms", clock_mono_ms() - c->started_at);
    if (body.n && body.n <= 16384)
        jout_kv_span(&j, "body", body);
    if (c->is_form)
        journal_files(&j, &c->form);
    sim_journal_close(&s->journal, &j);
    sim_journal_count(&s->journal, name, c->status);
    sim_note(s, &(struct sim_moment_info){.at = SIM_AT_API_CALLED, .text = name, .status = c->status});
    sim_feed_tell(&s->feed, "api", SPAN_LIT("{}"));
}

/* ---- Answers ---- */

static void answer(struct sim_call *c, const char *content_type, struct span body, const char *outcome)
{
    journal(c, outcome);
    sim_limiter_headers(&c->sim->limiter, clock_wall_ms(), &c->headers);
    http_reply(c->x, c->status, content_type, body, c->headers.n ? c->headers.p : NULL);
    call_free(c);
}

/* What the call answers if nothing is wrong with it. */
static struct span real_body(const struct sim_call *c, const char **content_type)
{
    if (c->served) {
        *content_type = c->fault.content_type[0] ? c->fault.content_type : c->served->content_type;
        return (struct span){c->served->bytes, c->served->size};
    }
    *content_type = c->out.n ? "application/json" : NULL;
    return buf_span(&c->out);
}

static void answer_really(struct sim_call *c)
{
    const char *content_type;
    struct span body = real_body(c, &content_type);
    answer(c, content_type, body, "answered");
}

static void answer_html(struct sim_call *c)
{
    c->status = c->fault.status ? c->fault.status : 200;
    answer(c, "text/html", SPAN_LIT("<!doctype html><title>502</title><h1>Bad gateway</h1>"), "html");
}

static void answer_empty(struct sim_call *c)
{
    c->status = c->fault.status ? c->fault.status : 200;
    answer(c, NULL, SPAN_LIT(""), "empty");
}

static void answer_huge(struct sim_call *c)
{
    struct buf body;
    c->status = c->fault.status ? c->fault.status : 200;
    buf_init(&body, SIM_HUGE_BYTES + 16);
    buf_add_str(&body, "{\"a\":\"");
    static const char chunk[1024] = {[0 ... 1023] = 'a'};
    while (body.n < SIM_HUGE_BYTES)
        buf_add(&body, chunk, sizeof chunk);
    buf_add_str(&body, "\"}");
    answer(c, "application/json", buf_span(&body), "huge");
    buf_fini(&body);
}

static void answer_redirect(struct sim_call *c)
{
    c->status = c->fault.status ? c->fault.status : 302;
    buf_addf(&c->headers, "Location: %s\r\n", c->fault.location);
    answer(c, NULL, SPAN_LIT(""), "redirect");
}

static void answer_limited(struct sim_call *c)
{
    buf_addf(&c->headers, "Retry-After: %lld\r\n",
             (long long)(c->fault.retry_after_s ? c->fault.retry_after_s : 1));
    sim_call_refuse(c, 429, "Rate limit exceeded", SPAN_NONE);
    answer_really(c);
}

static void answer_status(struct sim_call *c)
{
    if (c->fault.retry_after_s)
        buf_addf(&c->headers, "Retry-After: %lld\r\n", (long long)c->fault.retry_after_s);
    sim_call_refuse(c, c->fault.status, "The simulator was asked to refuse this call", SPAN_NONE);
    answer_really(c);
}

static void answer_dropped(struct sim_call *c)
{
    c->status = 0;
    journal(c, "dropped");
    http_drop(c->x);
    call_free(c);
}

static void on_stream_closed(void *arg)
{
    struct sim_call *c = arg;
    call_free(c);
}

static void on_endless(evutil_socket_t fd, short what, void *arg)
{
    static const char chunk[ENDLESS_CHUNK] = {[0 ... ENDLESS_CHUNK - 1] = '.'};
    struct sim_call *c = arg;
    (void)fd;
    (void)what;
    http_raw_write(c->x, (struct span){chunk, sizeof chunk});
}

/* start_raw begins an answer that is not what it says; length -1: it says no length. */
static void start_raw(struct sim_call *c, const char *content_type, int64_t length)
{
    struct buf head;
    buf_init(&head, 8192);
    buf_addf(&head, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n", c->status, http_reason(c->status),
             content_type ? content_type : "application/json");
    if (length >= 0)
        buf_addf(&head, "Content-Length: %lld\r\n", (long long)length);
    c->is_stream = true;
    http_raw_start(c->x, buf_span(&head), on_stream_closed, c);
    buf_fini(&head);
}

static void answer_endless(struct sim_call *c)
{
    struct timeval every = clock_tv(ENDLESS_EVERY_MS);
    c->status = 200;
    journal(c, "endless");
    c->timer = event_new(c->sim->base, -1, EV_PERSIST, on_endless, c);
    must(c->timer);
    event_add(c->timer, &every);
    start_raw(c, "application/octet-stream", -1);
}

static void answer_half(struct sim_call *c, const char *outcome)
{
    const char *content_type;
    struct span body = real_body(c, &content_type);
    journal(c, outcome);
    start_raw(c, content_type, (int64_t)body.n);
    body.n = body.n / 2 < HALF_MAX ? body.n / 2 : HALF_MAX;
    http_raw_write(c->x, body);
}

static void answer_stalled(struct sim_call *c)
{
    answer_half(c, "stalled");
}

static void answer_short(struct sim_call *c)
{
    answer_half(c, "short");
    http_stream_end(c->x);
    call_free(c);
}

static void answer_never(struct sim_call *c)
{
    c->status = 0;
    journal(c, "hanging");
}

static void (*const fault_answers[])(struct sim_call *c) = {
    [SIM_FAULT_NONE] = answer_really,        [SIM_FAULT_STATUS] = answer_status,
    [SIM_FAULT_DROP] = answer_dropped,       [SIM_FAULT_HTML] = answer_html,
    [SIM_FAULT_EMPTY] = answer_empty,        [SIM_FAULT_HUGE] = answer_huge,
    [SIM_FAULT_ENDLESS] = answer_endless,    [SIM_FAULT_REDIRECT] = answer_redirect,
    [SIM_FAULT_RATE_LIMIT] = answer_limited, [SIM_FAULT_HANG] = answer_never,
    [SIM_FAULT_STALL] = answer_stalled,      [SIM_FAULT_SHORT] = answer_short,
    [SIM_FAULT_PAGE_LOOP] = answer_really,
};

/* ---- The way of a call ---- */

static void finish(struct sim_call *c)
{
    bool is_carried_out = c->fault.kind == SIM_FAULT_NONE || c->fault.is_applied;
    if (is_carried_out && sim_upload_read(c))
        c->route->handler(c);
    fault_answers[c->fault.kind](c);
}

static void on_latency(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    finish(arg);
}

static bool is_identified(struct sim_call *c)
{
    c->who = sim_tokens_check(&c->sim->tokens, http_header(c->x, "Authorization"), clock_wall_ms());
    if (c->who.caller == SIM_CALLER_NONE) {
        sim_call_refuse(c, 401, c->who.why, SPAN_NONE);
        return false;
    }
    bool is_company = c->who.caller == SIM_CALLER_COMPANY;
    if (!(c->route->allowed & (is_company ? SIM_FOR_COMPANY : SIM_FOR_CHANNEL))) {
        sim_call_refuse(c, 403,
                        is_company ? "This call needs the channel's own JWT"
                                   : "This call needs the company's API token",
                        SPAN_NONE);
        return false;
    }
    if (!sim_identity_may(&c->who, c->route->scope)) {
        struct buf why;
        buf_init(&why, 256);
        buf_addf(&why, "The API token does not have the scope %s", c->route->scope);
        sim_call_refuse(c, 403, why.p, SPAN_NONE);
        buf_fini(&why);
        return false;
    }
    if (!is_company && c->segment_n > 1 && !strcmp(c->segment[0], "channels") &&
        strcmp(c->segment[1], c->who.channel)) {
        sim_call_refuse(c, 403, "The JWT is for another channel", SPAN_NONE);
        return false;
    }
    return true;
}

static bool is_within_limits(struct sim_call *c)
{
    struct span resource = c->segment_n > 1 ? span_of(c->segment[1]) : SPAN_NONE;
    struct sim_limit_verdict v = sim_limiter_take(&c->sim->limiter, resource, clock_wall_ms());
    if (v.is_allowed)
        return true;
    buf_addf(&c->headers, "Retry-After: %lld\r\n", (long long)v.retry_after_s);
    sim_call_refuse(c, 429, v.why, SPAN_NONE);
    return false;
}

static bool segments_match(const struct sim_call *c, const char *pattern)
{
    unsigned i = 0;
    for (const char *p = pattern; *p; i++) {
        size_t n = strcspn(p, "/");
        if (i == c->segment_n)
            return false;
        bool is_any = n == 1 && *p == '+';
        if (!is_any && (strlen(c->segment[i]) != n || memcmp(c->segment[i], p, n)))
            return false;
        p += p[n] ? n + 1 : n;
    }
    return i == c->segment_n;
}

static bool is_routed(struct sim_call *c)
{
    bool is_path_known = false;
    for (size_t i = 0; i < sim_route_n && !c->route; i++) {
        if (!segments_match(c, sim_routes[i].pattern))
            continue;
        is_path_known = true;
        if (span_is(http_method(c->x), sim_routes[i].method))
            c->route = &sim_routes[i];
    }
    if (c->route)
        return true;
    sim_call_refuse(c, is_path_known ? 405 : 404,
                    is_path_known ? "This method is not known here" : "The simulator has no such call",
                    SPAN_NONE);
    return false;
}

static bool is_cut(struct sim_call *c, struct span path)
{
    for (const char *p = path.p, *end = path.p + path.n; p < end;) {
        const char *from = ++p; /* behind the slash */
        while (p < end && *p != '/')
            p++;
        struct buf segment;
        buf_init(&segment, 4096);
        if (c->segment_n == SIM_SEGMENTS_MAX ||
            http_percent_decode((struct span){from, (size_t)(p - from)}, false, &segment) != OK) {
            buf_fini(&segment);
            sim_call_refuse(c, 404, "The simulator has no such call", SPAN_NONE);
            return false;
        }
        c->segment[c->segment_n++] = mem_strndup(segment.n ? segment.p : "", segment.n);
        buf_fini(&segment);
    }
    return true;
}

static bool is_stream_fault(enum sim_fault_kind kind)
{
    return kind == SIM_FAULT_ENDLESS || kind == SIM_FAULT_STALL || kind == SIM_FAULT_SHORT;
}

void sim_on_api(struct http_exchange *x, void *arg)
{
    struct sim *s = arg;
    struct sim_call *c = mem_zalloc(sizeof *c);
    c->sim = s;
    c->x = x;
    c->started_at = clock_mono_ms();
    buf_init(&c->out, SIM_SHAPE_MAX);
    buf_init(&c->headers, 4096);
    buf_init(&c->form_text, SIM_BODY_MAX);
    jout_init(&c->j, &c->out);
    LIST_INSERT_HEAD(&s->call, c, link);
    if (!is_cut(c, http_path(x)) || !is_routed(c) || !is_identified(c) || !is_within_limits(c)) {
        answer_really(c);
        return;
    }
    c->fault = sim_faults_take(&s->faults, c->route->name);
    /* A stream must begin while the peer is surely there: such an answer knows no latency. */
    if (!c->fault.latency_ms || is_stream_fault(c->fault.kind)) {
        finish(c);
        return;
    }
    struct timeval delay = clock_tv(c->fault.latency_ms);
    c->timer = evtimer_new(s->base, on_latency, c);
    must(c->timer);
    evtimer_add(c->timer, &delay);
}

void sim_api_stop(struct sim *s)
{
    for (struct sim_call *c = LIST_FIRST(&s->call), *next; c; c = next) {
        next = LIST_NEXT(c, link);
        if (c->is_stream)
            http_stream_end(c->x);
        else
            http_drop(c->x);
        call_free(c);
    }
}
