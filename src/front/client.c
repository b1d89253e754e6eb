/*
 * Sends calls to Front as fast as the budget lets them go, in the order of their lanes, and ends each exactly
 * once. It knows no message: what an answer means for one is its caller's business. Invariant: a call is in
 * one list: its lane's while it waits, `sent` while Front has it; on_done is only ever called from the loop,
 * or from inside a cancel, and after it the call is gone.
 */
#include "front/client.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "front/link.h"
#include "front/reply.h"
#include "front/tally.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

enum {
    CALL_TIMEOUT_MS = 30000,
    ANSWER_MAX_BYTES = 1 << 20,
    READ_MAX_BYTES = 16 << 20, /* of a GET: a page of events holds whole e-mails */
    REDIRECTS_MAX = 3,
    URL_MAX_BYTES = 8192,
    AUTHORIZATION_MAX_BYTES = 16384,
};

struct front_call {
    TAILQ_ENTRY(front_call) link;
    struct front_client *client;
    size_t name;
    enum rate_lane lane;
    enum front_auth auth;
    char *channel, *method, *url, *resource, *body;
    size_t body_n;
    struct http_part *part; /* strings and descriptors are ours */
    size_t part_n;
    http_bytes_fn *on_bytes;
    size_t max_bytes;
    int64_t timeout_ms, stall_ms;
    unsigned redirects;
    char *moved_from; /* the conversation that it was about before Front sent it on; NULL: it did not */
    bool is_read_only;
    struct http_call *http; /* NULL: waiting */
    front_done_fn *on_done;
    void *arg;
};
TAILQ_HEAD(calls, front_call);

struct front_client {
    const struct config_account *account;
    struct http_client *http;
    struct rate *rate;
    struct event *timer;
    mono_ms_t due; /* when the timer fires; INT64_MAX: it does not */
    struct calls lane[RATE_LANE_N], sent;
    unsigned waiting_n[RATE_LANE_N];
    struct tally tally;
    front_moved_fn *on_moved;
    void *moved_arg;
};

/* ---- Calls ---- */

static void on_timer(evutil_socket_t fd, short what, void *arg);

static void wake(struct front_client *c, int64_t delay_ms)
{
    mono_ms_t due = clock_mono_ms() + delay_ms;

    if (due >= c->due)
        return;
    c->due = due;
    const struct timeval tv = clock_tv(delay_ms);
    must(evtimer_add(c->timer, &tv) == 0);
}

static void wait_in_lane(struct front_call *call, bool is_first)
{
    struct front_client *c = call->client;

    if (is_first)
        TAILQ_INSERT_HEAD(&c->lane[call->lane], call, link);
    else
        TAILQ_INSERT_TAIL(&c->lane[call->lane], call, link);
    c->waiting_n[call->lane]++;
    wake(c, 0);
}

static void leave_lane(struct front_call *call)
{
    TAILQ_REMOVE(&call->client->lane[call->lane], call, link);
    call->client->waiting_n[call->lane]--;
}

/* ---- Forms: a call that waits keeps its own ---- */

static char *dup_or_null(const char *s)
{
    return s ? mem_strdup(s) : NULL;
}

static struct http_part *parts_dup(const struct http_part *part, size_t n)
{
    struct http_part *own = n ? mem_calloc(n, sizeof *own) : NULL;

    for (size_t i = 0; i < n; i++) {
        own[i] = part[i];
        own[i].name = mem_strdup(part[i].name);
        own[i].value.p = part[i].value.p ? mem_dup(part[i].value.p, part[i].value.n) : NULL;
        own[i].filename = dup_or_null(part[i].filename);
        own[i].content_type = dup_or_null(part[i].content_type);
        own[i].cid = dup_or_null(part[i].cid);
        own[i].fd = part[i].value.p ? -1 : fcntl(part[i].fd, F_DUPFD_CLOEXEC, 3);
    }
    return own;
}

static void parts_free(struct http_part *part, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free((char *)(uintptr_t)part[i].name);
        free((char *)(uintptr_t)part[i].value.p);
        free((char *)(uintptr_t)part[i].filename);
        free((char *)(uintptr_t)part[i].content_type);
        free((char *)(uintptr_t)part[i].cid);
        if (part[i].fd >= 0)
            close(part[i].fd);
    }
    free(part);
}

struct front_call *front_call_start(struct front_client *c, const struct front_request *r,
                                    front_done_fn *on_done, void *arg)
{
    struct front_call *call = mem_zalloc(sizeof *call);
    struct buf url;

    buf_init(&url, URL_MAX_BYTES);
    buf_add_str(&url, c->account->api);
    buf_add_str(&url, r->path);
    must(!url.is_over);
    *call = (struct front_call){.client = c,
                                .name = tally_name(r->name),
                                .lane = r->lane,
                                .auth = r->auth,
                                .channel = r->channel ? mem_strdup(r->channel) : NULL,
                                .method = mem_strdup(r->method),
                                .url = buf_take(&url, NULL),
                                .resource = r->resource ? mem_strdup(r->resource) : NULL,
                                .body = r->body.p ? mem_dup(r->body.p, r->body.n) : NULL,
                                .body_n = r->body.n,
                                .part = parts_dup(r->part, r->part_n),
                                .part_n = r->part_n,
                                .on_bytes = r->on_bytes,
                                .max_bytes = r->max_bytes,
                                .timeout_ms = r->timeout_ms ? r->timeout_ms : CALL_TIMEOUT_MS,
                                .stall_ms = r->stall_ms,
                                .is_read_only = r->is_read_only,
                                .on_done = on_done,
                                .arg = arg};
    wait_in_lane(call, false);
    return call;
}

static void call_free(struct front_call *call)
{
    free(call->channel);
    free(call->method);
    free(call->url);
    free(call->resource);
    free(call->moved_from);
    free(call->body);
    parts_free(call->part, call->part_n);
    free(call);
}

/* The call is in no list any more. */
static void finish(struct front_call *call, const struct front_result *result)
{
    call->on_done(result, call->arg);
    call_free(call);
}

/* ---- Answers ---- */

static struct span header_of(const void *arg, const char *name)
{
    return http_answer_header(arg, name);
}

static void learn(struct front_call *call, const struct http_answer *a, struct rate_headers *h)
{
    struct front_client *c = call->client;
    wall_ms_t now = clock_wall_ms();

    reply_rate(h, a->fail == HTTP_FAIL_NONE ? a->status : 0, header_of, a, now);
    rate_learn(c->rate, h, span_of(call->resource), now, clock_mono_ms());
    tally_add(&c->tally, call->name, h->status);
    if (h->status == 429)
        log_warn("front_rate_refused", LOG_STR("account", c->account->name),
                 LOG_STR("call", tally_name_text(call->name)), LOG_I64("remaining", h->remaining),
                 LOG_I64("retry_after_ms", h->retry_after_ms));
}

/* A redirect for the moment teaches nothing. */
static void note_move(struct front_call *call, int status)
{
    struct span id = front_conversation_of_link(span_of(call->url));

    if (status != 307 && id.p && !call->moved_from)
        call->moved_from = span_strdup(id);
}

/* Front has taken it: the conversation is there. */
static void tell_move(const struct front_call *call)
{
    struct span to = front_conversation_of_link(span_of(call->url));

    if (call->client->on_moved && call->moved_from && to.p && !span_is(to, call->moved_from))
        call->client->on_moved(span_of(call->moved_from), to, call->client->moved_arg);
}

/* follow sends the call again, to where the answer points, if that is on our own host. */
static bool follow(struct front_call *call, const struct http_answer *a)
{
    struct buf url;

    if (a->fail != HTTP_FAIL_NONE || !reply_is_redirect(a->status) || call->redirects == REDIRECTS_MAX)
        return false;
    buf_init(&url, URL_MAX_BYTES);
    if (reply_redirect(call->client->account->api, http_answer_header(a, "location"), &url) != OK ||
        url.is_over) {
        buf_fini(&url);
        return false;
    }
    note_move(call, a->status);
    free(call->url);
    call->url = buf_take(&url, NULL);
    call->redirects++;
    wait_in_lane(call, true);
    return true;
}

static void conclude(struct front_call *call, const struct http_answer *a, const struct rate_headers *h)
{
    struct json doc = {0};
    struct buf reason;
    bool is_json = a->body.n > 0 && json_parse(&doc, a->body) == OK;
    const struct reply reply = {.fail = a->fail,
                                .is_sent = a->is_sent,
                                .status = a->status,
                                .is_post = strcmp(call->method, "POST") == 0,
                                .has_json = is_json || call->on_bytes};
    struct front_result result = {.class = reply_class(&reply),
                                  .is_sent = a->is_sent,
                                  .status = a->status,
                                  .retry_after_ms = h->retry_after_ms > 0 ? h->retry_after_ms : 0,
                                  .date_s = h->date_s,
                                  .is_too_large = a->fail == HTTP_FAIL_TOO_LARGE,
                                  .content_type = http_answer_header(a, "content-type"),
                                  .body = a->body,
                                  .json = is_json ? &doc : NULL};

    buf_init(&reason, 2 * REPLY_REASON_MAX);
    result.is_unreachable = result.class == FRONT_CALL_RETRY && reply_is_unreachable(&reply);
    if (result.class != FRONT_CALL_OK)
        reply_reason(&reply, is_json ? json_root(&doc) : (struct jval){0}, &reason);
    result.reason = buf_span(&reason);
    if (result.class == FRONT_CALL_OK)
        tell_move(call);
    finish(call, &result);
    buf_fini(&reason);
    json_fini(&doc);
}

static void on_answer(const struct http_answer *a, void *arg)
{
    struct front_call *call = arg;
    struct front_client *c = call->client;
    struct rate_headers h;

    TAILQ_REMOVE(&c->sent, call, link);
    call->http = NULL;
    learn(call, a, &h);
    wake(c, 0);
    if (!follow(call, a))
        conclude(call, a, &h);
}

/* ---- Sending ---- */

/* why_not gives the reason why a call may not be made; NULL: it may. */
static const char *why_not(const struct front_call *call)
{
    const struct config_account *a = call->client->account;

    if (call->is_read_only && strcmp(call->method, "GET") != 0)
        return "This is a dry run: nothing is written to Front.";
    if (call->auth == FRONT_AUTH_TOKEN)
        return a->token ? NULL : "The account has no API token, which this call needs.";
    return a->app_secret && call->channel
               ? NULL
               : "The account has no app secret, or the channel no id, which this call needs.";
}

/* authorize writes the header's value; a fresh token for each request of an app. */
static void authorize(const struct front_call *call, struct buf *out)
{
    const struct config_account *a = call->client->account;

    buf_add_str(out, "Bearer ");
    if (call->auth == FRONT_AUTH_TOKEN)
        buf_add_str(out, a->token);
    else
        front_jwt(out, a->app_uid, a->app_secret, call->channel, clock_wall_ms());
}

static void refuse(struct front_call *call, const char *why)
{
    const struct front_result result = {.class = FRONT_CALL_REFUSED, .date_s = -1, .reason = span_of(why)};

    finish(call, &result);
}

static bool on_bytes(struct span bytes, void *arg)
{
    const struct front_call *call = arg;

    return call->on_bytes(bytes, call->arg);
}

static size_t max_answer(const struct front_call *call)
{
    if (call->on_bytes)
        return call->max_bytes;
    return strcmp(call->method, "GET") == 0 ? READ_MAX_BYTES : ANSWER_MAX_BYTES;
}

static void send_call(struct front_call *call)
{
    struct buf authorization;

    buf_init(&authorization, AUTHORIZATION_MAX_BYTES);
    authorize(call, &authorization);
    const struct http_header_line headers[] = {
        {"Authorization", authorization.p},
        {"Accept", call->on_bytes ? "*/*" : "application/json"},
        {"Content-Type", "application/json"},
    };
    const struct http_request request = {
        .method = call->method,
        .url = call->url,
        .headers = headers,
        .header_n = call->body ? 3 : 2,
        .body = {call->body, call->body_n},
        .body_fd = -1,
        .part = call->part,
        .part_n = call->part_n,
        .on_bytes = call->on_bytes ? on_bytes : NULL,
        .timeout_ms = call->timeout_ms,
        .stall_ms = call->stall_ms,
        .max_answer_bytes = max_answer(call),
    };
    TAILQ_INSERT_TAIL(&call->client->sent, call, link);
    call->http = http_call_start(call->client->http, &request, on_answer, call);
    mem_wipe(authorization.p, authorization.n);
    buf_fini(&authorization);
}

/*
 * Every call of a lane is tried: one that waits for its own resource holds up no other. After a refusal,
 * whose on_done may have changed the lane, the rest is left to the next turn.
 */
static int64_t try_lane(struct front_client *c, enum rate_lane lane, mono_ms_t now)
{
    int64_t soonest = INT64_MAX;
    struct front_call *call, *next;

    for (call = TAILQ_FIRST(&c->lane[lane]); call; call = next) {
        next = TAILQ_NEXT(call, link);
        const char *why = why_not(call);
        if (why) {
            leave_lane(call);
            refuse(call, why);
            return 0;
        }
        int64_t wait = rate_take(c->rate, lane, span_of(call->resource), now);
        if (wait <= 0) {
            leave_lane(call);
            send_call(call);
        } else if (wait < soonest) {
            soonest = wait;
        }
    }
    return soonest;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct front_client *c = arg;
    mono_ms_t now = clock_mono_ms();
    int64_t soonest = INT64_MAX;

    (void)fd;
    (void)what;
    c->due = INT64_MAX;
    for (enum rate_lane lane = 0; lane < RATE_LANE_N; lane++) {
        int64_t wait = try_lane(c, lane, now);
        if (wait < soonest)
            soonest = wait;
    }
    if (soonest != INT64_MAX)
        wake(c, soonest);
}

/* ---- The client ---- */

struct front_client *front_client_new(struct event_base *base, struct http_client *http,
                                      const struct config_account *account)
{
    struct front_client *c = mem_zalloc(sizeof *c);

    c->account = account;
    c->http = http;
    c->rate = rate_new(account->rate_reserve_percent, account->rate_per_resource, clock_mono_ms());
    c->timer = evtimer_new(base, on_timer, c);
    must(c->timer != NULL);
    c->due = INT64_MAX;
    for (enum rate_lane lane = 0; lane < RATE_LANE_N; lane++)
        TAILQ_INIT(&c->lane[lane]);
    TAILQ_INIT(&c->sent);
    return c;
}

void front_client_on_moved(struct front_client *c, front_moved_fn *on_moved, void *arg)
{
    c->on_moved = on_moved;
    c->moved_arg = arg;
}

void front_call_cancel(struct front_call *call)
{
    const struct front_result cancelled = {
        .class = FRONT_CALL_CANCELLED, .date_s = -1, .reason = SPAN_LIT("It was cancelled.")};

    if (call->http) {
        http_call_cancel(call->http); /* ends in on_answer */
        return;
    }
    leave_lane(call);
    finish(call, &cancelled);
}

void front_client_free(struct front_client *c)
{
    struct front_call *call;

    if (!c)
        return;
    for (enum rate_lane lane = 0; lane < RATE_LANE_N; lane++)
        while ((call = TAILQ_FIRST(&c->lane[lane])))
            front_call_cancel(call);
    while ((call = TAILQ_FIRST(&c->sent)))
        front_call_cancel(call);
    event_free(c->timer);
    rate_free(c->rate);
    free(c);
}

unsigned front_client_waiting(const struct front_client *c, enum rate_lane lane)
{
    return c->waiting_n[lane];
}

struct rate_view front_client_rate(const struct front_client *c)
{
    return rate_view(c->rate, clock_mono_ms());
}

void front_client_counts(const struct front_client *c,
                         void (*visit)(const char *call, int status, uint64_t n, void *arg), void *arg)
{
    for (size_t i = 0; i < c->tally.row_n; i++)
        visit(tally_name_text(c->tally.row[i].name), c->tally.row[i].status, c->tally.row[i].n, arg);
}
