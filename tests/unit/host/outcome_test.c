/* What a child says of the parts of a message: it may contradict neither what it has said before, nor itself. */
#include "base/log.h"
#include "host/parent.h"
#include <front_bridge/channel.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct outcome heard;
static unsigned heard_n;

static void on_outcome(struct host *h, uint64_t token, const struct outcome *o, void *arg)
{
    (void)h, (void)token, (void)arg;
    heard = *o;
    heard_n++;
}

static void on_credit(struct host *h, void *arg)
{
    (void)h, (void)arg;
}

static void on_end(struct link *l, const char *fault, void *arg)
{
    (void)l, (void)fault, (void)arg;
}

static const struct host_events events = {.on_outcome = on_outcome, .on_credit = on_credit};
static const struct link_events link_events = {.on_frame = host_on_frame, .on_end = on_end};

struct rig {
    struct event_base *base;
    struct host *host;
    int pair[2];
};

static void rig_open(struct rig *r)
{
    const struct host_options o = {.channel = "x", .adapter_path = "x.so", .settings = SPAN_LIT("{}")};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, r->pair), 0);
    r->base = event_base_new();
    r->host = host_new(r->base, &o, &events, NULL);
    r->host->link = link_new(r->base, r->pair[0], TO_BRIDGE, 1 << 20, &link_events, r->host);
    r->host->status = HOST_UP;
    r->host->credit_max = 8;
    heard_n = 0;
}

static void rig_close(struct rig *r)
{
    host_free(r->host);
    close(r->pair[1]);
    event_base_free(r->base);
}

static uint64_t open_wire(const struct host *h)
{
    for (unsigned i = 0; i < h->slot_cap; i++)
        if (h->slot[i].kind != PENDING_FREE)
            return h->slot[i].wire;
    return 0;
}

/* The fault of an outcome of the one open call; NULL: none. */
static const char *end_call(struct rig *r, uint32_t kind, uint32_t n, int64_t cut)
{
    struct buf b;
    struct frame f;
    size_t used;
    const char *why = NULL;
    int fd = -1;

    buf_init(&b, 4096);
    size_t at = frame_begin(&b, FRAME_OUTCOME, 0, open_wire(r->host));
    for (int i = 0; i < 3; i++)
        frame_put_u32(&b, i == 0 ? kind : 0);
    frame_put_i64(&b, 0);
    frame_put_str(&b, "A reason.");
    frame_put_span(&b, SPAN_NONE);
    frame_put_span(&b, SPAN_NONE);
    frame_put_u32(&b, n);
    frame_put_i64(&b, cut);
    frame_end(&b, at);
    assert_int_equal(frame_next(buf_span(&b), TO_BRIDGE, &f, &used, &why), OK);
    why = host_on_frame(r->host->link, &f, &fd, r->host);
    buf_fini(&b);
    return why;
}

static const struct {
    struct message_parts before;
    uint32_t kind, n;
    int64_t cut;
    bool is_fair;
} rows[] = {
    {{0}, FB_DELIVERED, 1, 0, true},
    {{0}, FB_DELIVERED, 3, 7, true},
    {{0}, FB_RETRY, 99, 7, true},
    {{0}, FB_REJECTED, 0, 0, true}, /* the adapter did not see it */
    {{0}, FB_DELIVERED, 0, 0, false},
    {{0}, FB_DELIVERED, 1, 7, false},
    {{0}, FB_DELIVERED, 3, 0, false},
    {{0}, FB_DELIVERED, 3, -7, false},
    {{0}, FB_DELIVERED, 100, 7, false},
    {{0}, FB_HOLD, 0, 7, false},
    {{.n = 3, .cut = 7}, FB_DELIVERED, 4, 8, true}, /* cut anew: nothing was delivered */
    {{1, 3, 7}, FB_DELIVERED, 3, 7, true},
    {{1, 3, 7}, FB_UNKNOWN, 3, 7, true},
    {{1, 3, 7}, FB_REJECTED, 0, 0, true},
    {{1, 3, 7}, FB_DELIVERED, 0, 0, false},
    {{1, 3, 7}, FB_DELIVERED, 1, 0, false},
    {{1, 3, 7}, FB_DELIVERED, 4, 7, false},
    {{1, 3, 7}, FB_RETRY, 3, 8, false},
    {{2, 3, 7}, FB_DELIVERED, 2, 7, false},
};

static void test_parts_of_an_outcome(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rig r;
        rig_open(&r);
        assert_int_equal(host_deliver(r.host, 1, SPAN_LIT("{}"), NULL, 0, &rows[i].before), OK);
        const char *fault = end_call(&r, rows[i].kind, rows[i].n, rows[i].cut);
        if ((fault == NULL) != rows[i].is_fair || heard_n != rows[i].is_fair)
            fail_msg("row %zu: %s", i, fault ? fault : "is fair");
        if (rows[i].is_fair) {
            assert_int_equal(heard.part_n, rows[i].n);
            assert_int_equal(heard.part_cut, rows[i].cut);
        } else {
            assert_string_equal(fault, "a malformed outcome");
        }
        rig_close(&r);
    }
}

static void test_a_notice_has_no_parts(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 2; n++) {
        struct rig r;
        rig_open(&r);
        assert_int_equal(host_notify(r.host, 1, true, SPAN_LIT("{}")), OK);
        assert_true((end_call(&r, FB_DELIVERED, n, 0) == NULL) == (n == 0));
        rig_close(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_of_an_outcome),
        cmocka_unit_test(test_a_notice_has_no_parts),
    };
    log_setup(LOG_ERROR, LOG_TEXT, 2);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
