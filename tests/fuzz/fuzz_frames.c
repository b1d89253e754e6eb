/*
 * A child's bytes against the bridge's side of a host, and a bridge's against the child's decoders. The first
 * byte chooses; what is checked is that nothing is read or written out of bounds and that every open call
 * ends at most once.
 */
#include "base/mem.h"
#include "base/log.h"
#include "host/decode.h"
#include "host/letter.h"
#include "host/parent.h"
#include "text/cuts.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static unsigned ends[4];

static const struct message_parts parts = {.sent = 1, .n = 3, .cut = 77};

static void on_outcome(struct host *h, uint64_t token, const struct outcome *o, void *arg)
{
    (void)h, (void)arg;
    must(token < 4 && ends[token]++ == 0);
    must(o->kind >= OUTCOME_DELIVERED && o->kind <= OUTCOME_UNKNOWN);
    bool is_same = o->part_n == parts.n && o->part_cut == parts.cut;
    must(token == 1 ? is_same || (o->part_n == 0 && o->kind != OUTCOME_DELIVERED) : o->part_n == 0);
}

static void on_reply(struct host *h, uint64_t token, int status, struct span type, struct span body,
                     const char *headers, void *arg)
{
    (void)h, (void)type, (void)body, (void)headers, (void)arg;
    must(token < 4 && ends[token]++ == 0 && status >= 200 && status <= 599);
}

static void on_receive(struct host *h, struct host_receive *r, void *arg)
{
    (void)arg;
    host_stored(h, r->ticket, OK, false, "id", NULL);
}

static void on_kv(struct host *h, uint64_t ticket, bool is_write, struct span key, struct span value,
                  void *arg)
{
    (void)is_write, (void)key, (void)arg;
    host_kv_done(h, ticket, OK, value);
}

static void on_credit(struct host *h, void *arg)
{
    (void)h, (void)arg;
}

static void on_end(struct link *l, const char *fault, void *arg)
{
    (void)l, (void)fault, (void)arg;
}

static const struct host_events events = {.on_outcome = on_outcome,
                                          .on_credit = on_credit,
                                          .on_receive = on_receive,
                                          .on_reply = on_reply,
                                          .on_kv = on_kv};
static const struct link_events link_events = {.on_frame = host_on_frame, .on_end = on_end};

static struct host *host_with_calls(struct event_base *base, int fd)
{
    struct host_options o = {.channel = "fuzz", .adapter_path = "x.so", .settings = SPAN_LIT("{}")};
    struct host_request q = {.method = SPAN_LIT("GET"), .path = SPAN_LIT("/"), .peer = SPAN_LIT("::1")};
    struct host *h = host_new(base, &o, &events, NULL);
    h->link = link_new(base, fd, TO_BRIDGE, 1 << 20, &link_events, h);
    h->chatter = 1000000;
    h->chatter_at = clock_mono_ms();
    h->status = HOST_UP;
    h->credit_max = 8;
    h->adapter.takes_requests = true;
    must(host_deliver(h, 1, SPAN_LIT("{}"), NULL, 0, &parts) == OK);
    must(host_notify(h, 2, true, SPAN_LIT("{}")) == OK);
    must(host_request(h, 3, &q) == OK);
    return h;
}

static void as_child(struct span in)
{
    struct event_base *base = event_base_new();
    int pair[2], fd[FRAME_FDS_MAX];
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    for (unsigned i = 0; i < FRAME_FDS_MAX; i++)
        fd[i] = -1;
    memset(ends, 0, sizeof ends);
    struct host *h = host_with_calls(base, pair[0]);
    struct frame f;
    size_t used;
    const char *why = NULL;
    while (!why && frame_next(in, TO_BRIDGE, &f, &used, &why) == OK) {
        why = host_on_frame(h->link, &f, fd, h);
        in.p += used;
        in.n -= used;
    }
    host_settle_all(h, true);
    must(ends[1] == 1 && ends[2] == 1 && ends[3] == 1);
    host_free(h);
    close(pair[1]);
    event_base_free(base);
}

/* A delivery of any JSON, to any adapter, with any cut: what is written once is written again. */
static void as_letter(struct span in)
{
    uint64_t seed[2] = {0};
    memcpy(seed, in.p, in.n < sizeof seed ? in.n : sizeof seed);
    const struct letter_form form = {.formats = (uint32_t)seed[0],
                                     .capabilities = (uint32_t)(seed[0] >> 8),
                                     .max_text = (uint32_t)(40 + (seed[0] >> 16) % 5000)};
    struct letter_part part = {.at = (unsigned)(seed[0] >> 40) % 99, .cut = (int64_t)seed[1]}, first = {0};
    struct span json = in.n > sizeof seed ? (struct span){in.p + sizeof seed, in.n - sizeof seed} : SPAN_NONE;
    struct text_cuts cuts = {0};
    struct buf out;
    buf_init(&out, 1 << 20);
    if (letter_write(&cuts, json, &form, &part, &out) == OK)
        must(part.at < part.n && (part.n > 1) == (part.cut > 0));
    buf_clear(&out);
    if (letter_write(&cuts, json, &form, &first, &out) == OK && first.n > 1) {
        struct letter_part last = {.at = first.n - 1, .cut = first.cut};
        buf_clear(&out);
        enum err e = letter_write(&cuts, json, &form, &last, &out);
        must(e == ERR_LIMIT || (e == OK && last.n == first.n && last.cut == first.cut));
    }
    buf_fini(&out);
    text_cuts_fini(&cuts);
}

static void as_bridge(struct span in)
{
    struct decoded *d;
    struct frame f;
    size_t used;
    const char *why;
    if (decode_delivery(in, 1, NULL, 0, &d) == OK)
        decoded_free(d);
    if (decode_notice(in, 1, &d) == OK)
        decoded_free(d);
    if (frame_next(in, TO_CHILD, &f, &used, &why) == OK && decode_request(&f, -1, &d) == OK)
        decoded_free(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static int null = -1;
    if (null < 0) {
        null = open("/dev/null", O_WRONLY);
        log_setup(LOG_ERROR, LOG_JSON, null);
    }
    if (n == 0)
        return 0;
    struct span in = {(const char *)data + 1, n - 1};
    if (data[0] % 3 == 0)
        as_child(in);
    else if (data[0] % 3 == 1)
        as_bridge(in);
    else
        as_letter(in);
    return 0;
}
