#include "rig.h"
#include "base/log.h"
#include <stdio.h>
#include <unistd.h>

static void on_status(struct host *h, enum host_status s, const char *reason, void *arg)
{
    struct rig *r = arg;
    (void)h;
    r->up_n += s == HOST_UP;
    r->down_n += s == HOST_DOWN;
    r->failed_n += s == HOST_FAILED;
    if (reason)
        snprintf(r->reason, sizeof r->reason, "%s", reason);
}

static void on_outcome(struct host *h, uint64_t token, const struct outcome *o, void *arg)
{
    struct rig *r = arg;
    (void)h;
    struct rig_outcome *out = &r->outcome[r->outcome_n % ARRAY_LEN(r->outcome)];
    *out = (struct rig_outcome){.token = token, .o = *o};
    snprintf(out->reason, sizeof out->reason, "%.*s", SPAN_FMT(o->reason));
    snprintf(out->external_id, sizeof out->external_id, "%.*s", SPAN_FMT(o->external_id));
    r->outcome_n++;
}

static void on_credit(struct host *h, void *arg)
{
    (void)h;
    ((struct rig *)arg)->credit_n++;
}

static void on_receive(struct host *h, struct host_receive *q, void *arg)
{
    struct rig *r = arg;
    r->receive_n++;
    r->ticket = q->ticket;
    snprintf(r->json, sizeof r->json, "%.*s", SPAN_FMT(q->json));
    r->fd_n = q->fd_n;
    if (q->fd_n && read(q->fd[0], r->file, 4) < 0)
        fail();
    if (r->answers)
        host_stored(h, q->ticket, q->is_receipt ? ERR_NOT_FOUND : OK, true, "fb-1",
                    q->is_receipt ? "No such delivery." : NULL);
}

static void on_reply(struct host *h, uint64_t token, int status, struct span type, struct span body,
                     const char *headers, void *arg)
{
    struct rig *r = arg;
    (void)h, (void)token, (void)type;
    r->reply_n++;
    r->reply_status = status;
    snprintf(r->reply_body, sizeof r->reply_body, "%.*s", SPAN_FMT(body));
    snprintf(r->reply_headers, sizeof r->reply_headers, "%s", headers ? headers : "");
}

static void on_kv(struct host *h, uint64_t ticket, bool is_write, struct span key, struct span value,
                  void *arg)
{
    struct rig *r = arg;
    (void)key;
    r->kv_n++;
    if (is_write)
        snprintf(r->value, sizeof r->value, "%.*s", SPAN_FMT(value));
    if (r->answers)
        host_kv_done(h, ticket, OK, is_write ? SPAN_NONE : span_of(r->value));
}

static const struct host_events events = {
    .on_status = on_status,
    .on_outcome = on_outcome,
    .on_credit = on_credit,
    .on_receive = on_receive,
    .on_reply = on_reply,
    .on_kv = on_kv,
};

char rig_channels[4096];

void rig_fixture(int argc, char **argv)
{
    char exe[4000];
    if (argc > 1 && strcmp(argv[1], "channel-host") == 0)
        exit(host_child_main());
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    assert_true(n > 0);
    exe[n] = 0;
    *strrchr(exe, '/') = 0;
    snprintf(rig_channels, sizeof rig_channels, "%s/channels", exe);
    log_setup(LOG_ERROR, LOG_TEXT, 2);
}

void rig_open(struct rig *r, const char *adapter, const struct host_options *o)
{
    char path[4096];
    struct host_options options = {0};
    *r = (struct rig){.answers = true};
    if (o)
        options = *o;
    snprintf(path, sizeof path, "%.3900s/%.100s.so", rig_channels, adapter);
    options.channel = "test";
    options.adapter_path = path;
    if (!options.settings.p)
        options.settings = SPAN_LIT("{\"colour\":\"blue\"}");
    r->base = event_base_new();
    r->host = host_new(r->base, &options, &events, r);
}

void rig_close(struct rig *r)
{
    host_free(r->host);
    event_base_free(r->base);
}

bool rig_wait(struct rig *r, const unsigned *counter, unsigned n, int timeout_ms)
{
    mono_ms_t until = clock_mono_ms() + timeout_ms;
    while (*counter < n && clock_mono_ms() < until) {
        struct timeval tv = clock_tv(20);
        event_base_loopexit(r->base, &tv);
        event_base_loop(r->base, EVLOOP_ONCE);
    }
    return *counter >= n;
}

void rig_run(struct rig *r, int ms)
{
    unsigned never = 0;
    rig_wait(r, &never, 1, ms);
}

void rig_up(struct rig *r)
{
    host_start(r->host);
    if (!rig_wait(r, &r->up_n, 1, 20000))
        fail_msg("not up: %s", r->reason);
}

void rig_deliver(struct rig *r, uint64_t token, const char *text, const char *subject)
{
    struct buf json;
    struct jout j;
    buf_init(&json, 32 << 20);
    jout_init(&j, &json);
    jout_object(&j);
    jout_kv_str(&j, "type", "message");
    jout_kv_str(&j, "id", "d1");
    jout_kv_str(&j, "text", text);
    jout_kv_str(&j, "subject", subject);
    jout_object_end(&j);
    enum err e = host_deliver(r->host, token, buf_span(&json), NULL, 0, NULL);
    buf_fini(&json);
    assert_int_equal(e, OK);
}

const struct rig_outcome *rig_say(struct rig *r, const char *text, const char *subject)
{
    unsigned n = r->outcome_n;
    rig_deliver(r, 1000 + n, text, subject);
    if (!rig_wait(r, &r->outcome_n, n + 1, 20000))
        fail_msg("no outcome of %s", text);
    const struct rig_outcome *o = &r->outcome[n % ARRAY_LEN(r->outcome)];
    assert_int_equal(o->token, 1000 + n);
    return o;
}

void rig_stop(struct rig *r)
{
    unsigned n = r->down_n;
    host_stop(r->host);
    assert_true(rig_wait(r, &r->down_n, n + 1, 20000));
}
