/*
 * A program that says anything at all to the exec adapter: nothing dirty reaches the host, every token ends
 * once, and what is written back is one JSON object per line.
 */
#include "base/mem.h"
#include "exec/exec.h"
#include <stdlib.h>
#include <string.h>

enum { TOKENS = 6, CHUNK = 97 };

static unsigned ended[TOKENS + 1], stored_n;

static void must_be_clean(const char *s)
{
    for (; s && *s; s++)
        must(((unsigned char)*s >= ' ' && *s != 0x7f) || *s == '\n' || *s == '\t');
}

/* ---- The rest of the adapter, which has no program here ---- */

bool program_is_up(const struct channel *ch)
{
    (void)ch;
    return true;
}

size_t program_unread(const struct channel *ch)
{
    return ch->out.n - ch->out_at;
}

void program_pump(struct channel *ch)
{
    calls_send(ch);
}

void program_restart(struct channel *ch, const char *reason)
{
    (void)ch, (void)reason;
}

void channel_noise(struct channel *ch, int level, const char *text)
{
    (void)ch, (void)level;
    must_be_clean(text);
    must(!strchr(text, '\n'));
}

/* ---- A host ---- */

static int64_t now_ms(const struct fb_host *host)
{
    (void)host;
    return 1700000000000;
}

static uint64_t timer(const struct fb_host *host, int64_t delay_ms, fb_timer_fn *fn, void *arg)
{
    (void)host, (void)fn, (void)arg;
    must(delay_ms >= 0);
    return 1;
}

static void timer_cancel(const struct fb_host *host, uint64_t id)
{
    (void)host, (void)id;
}

static int complete(const struct fb_host *host, fb_token token, const struct fb_outcome *o)
{
    (void)host;
    must(token >= 1 && token <= 4 && ended[token]++ == 0);
    must(o->kind >= FB_DELIVERED && o->kind <= FB_UNKNOWN && (o->kind == FB_DELIVERED || *o->reason));
    must(o->retry_after_ms >= 0);
    must_be_clean(o->reason);
    must_be_clean(o->external_id);
    must_be_clean(o->conversation_id);
    return FB_OK;
}

static int reply(const struct fb_host *host, fb_token token, const struct fb_reply *r)
{
    (void)host;
    must(token > 4 && token <= TOKENS && ended[token]++ == 0);
    must(r->status >= 200 && r->status <= 599 && r->header_n <= 32);
    must_be_clean(r->content_type);
    for (uint32_t i = 0; i < r->header_n; i++)
        must_be_clean(r->headers[i].value);
    return FB_OK;
}

static int receive(const struct fb_host *host, const struct fb_inbound *m, fb_stored_fn *done, void *arg)
{
    (void)host, (void)done, (void)arg;
    must(m->sender->handle);
    must_be_clean(m->text);
    return ++stored_n % 3 ? FB_OK : FB_ERR_FULL;
}

static int receipt(const struct fb_host *host, const struct fb_receipt *r, fb_stored_fn *done, void *arg)
{
    (void)host, (void)done, (void)arg;
    must(r->status);
    return ++stored_n % 3 ? FB_OK : FB_ERR_CLOSED;
}

/* ---- */

static void calls_open(struct channel *ch)
{
    static const struct fb_delivery d = {.size = sizeof d, .id = "d", .json = "{\n}", .json_n = 3};
    static const struct fb_notice n = {.size = sizeof n, .id = "n", .json = "{}", .json_n = 2};
    static const struct fb_request r = {.size = sizeof r, .method = "POST", .path = "", .fd = -1};
    calls_deliver(ch, 1, &d);
    calls_deliver(ch, 2, &d);
    calls_failed(ch, 3, &n);
    calls_event(ch, 4, &n);
    calls_request(ch, 5, &r);
    calls_request(ch, 6, &r);
}

static void answers_check(const struct channel *ch)
{
    for (size_t at = 0; at < ch->out.n;) {
        const char *line = ch->out.p + at;
        size_t n = (size_t)((const char *)memchr(line, '\n', ch->out.n - at) - line);
        struct json doc;
        must(json_parse(&doc, (struct span){line, n}) == OK && json_has(json_get(json_root(&doc), "type")));
        json_fini(&doc);
        at += n + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct fb_host host = {.size = sizeof host,
                                        .now_ms = now_ms,
                                        .complete = complete,
                                        .reply = reply,
                                        .receive = receive,
                                        .receipt = receipt,
                                        .timer = timer,
                                        .timer_cancel = timer_cancel};
    struct channel ch = {.host = &host, .timeout_ms = 1000, .in_flight_max = 3, .child = {.pid = 1, .in = 0}};
    memset(ended, 0, sizeof ended);
    stored_n = 0;
    TAILQ_INIT(&ch.calls);
    LIST_INIT(&ch.receivings);
    buf_init(&ch.out, OUT_MAX_BYTES);
    lines_init(&ch.said, 4096);
    calls_open(&ch);
    for (size_t at = 0; at < size; at += CHUNK) {
        size_t n = size - at < CHUNK ? size - at : CHUNK;
        lines_feed(&ch.said, (struct span){(const char *)data + at, n}, talk_line, &ch);
        program_pump(&ch);
    }
    answers_check(&ch);
    calls_program_ended(&ch);
    for (unsigned i = 1; i <= TOKENS; i++)
        must(ended[i] == 1);
    calls_fini(&ch);
    talk_fini(&ch);
    lines_fini(&ch.said);
    buf_fini(&ch.out);
    return 0;
}
