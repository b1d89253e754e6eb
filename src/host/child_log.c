/*
 * The adapter's log lines on their way to the bridge, and the wall clock. Decides how many lines a second are
 * worth carrying. Lines of other threads come back through post; both services are safe from any thread.
 */
#include "host/child.h"
#include "base/clock.h"
#include "base/mem.h"
#include "host/host.h"
#include "host/text.h"
#include <stdio.h>
#include <stdlib.h>

enum { LINE_MAX_BYTES = 2000, BURST = 200, PER_SECOND = 100 };

struct child_log {
    int64_t tokens; /* thousandths of a line */
    mono_ms_t filled_at;
    uint64_t dropped;
};

struct far_line { /* from another thread */
    struct child *child;
    int level;
    struct buf text;
};

static void send_line(struct child *c, int level, struct span text)
{
    struct buf *out = link_begin(c->link, FRAME_LOG, 0);
    frame_put_u32(out, (uint32_t)level);
    frame_put_span(out, text);
    link_end(c->link);
}

static void refill(struct child_log *l)
{
    mono_ms_t now = clock_mono_ms();
    l->tokens += (now - l->filled_at) * PER_SECOND;
    if (l->tokens > BURST * 1000)
        l->tokens = BURST * 1000;
    l->filled_at = now;
}

static void log_here(struct child *c, int level, struct span text)
{
    struct child_log *l = c->log;
    refill(l);
    if (l->tokens < 1000) {
        l->dropped++;
        return;
    }
    l->tokens -= 1000;
    if (l->dropped) {
        char line[80];
        snprintf(line, sizeof line, "%llu more lines of the adapter were dropped",
                 (unsigned long long)l->dropped);
        l->dropped = 0;
        send_line(c, FB_LOG_WARN, span_of(line));
    }
    send_line(c, level, text);
}

static void on_far_line(void *arg)
{
    struct far_line *f = arg;
    log_here(f->child, f->level, buf_span(&f->text));
    buf_fini(&f->text);
    free(f);
}

static void log_anywhere(struct child *c, int level, const char *text)
{
    struct far_line f = {.child = c, .level = level};
    buf_init(&f.text, LINE_MAX_BYTES);
    text_clean_line(&f.text, span_of(text ? text : ""), LINE_MAX_BYTES - 1);
    if (pthread_equal(pthread_self(), c->loop_thread)) {
        log_here(c, f.level, buf_span(&f.text));
        buf_fini(&f.text);
        return;
    }
    struct far_line *far = mem_dup(&f, sizeof f);
    if (child_post(&c->host, on_far_line, far) != FB_OK) {
        buf_fini(&far->text);
        free(far);
    }
}

void child_log(const struct fb_host *host, int level, const char *text)
{
    log_anywhere(child_of(host), level < FB_LOG_DEBUG || level > FB_LOG_ERROR ? FB_LOG_INFO : level, text);
}

int64_t child_now(const struct fb_host *host)
{
    (void)host;
    return clock_wall_ms();
}

int child_complain(struct child *c, const char *service, const char *rule)
{
    struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    buf_addf(&line, "%s: %s", service, rule);
    log_here(c, HOST_LOG_COMPLAINT, buf_span(&line));
    buf_fini(&line);
    return FB_ERR_INVALID;
}

bool child_is_elsewhere(struct child *c, const char *service)
{
    char line[100];
    if (pthread_equal(pthread_self(), c->loop_thread))
        return false;
    snprintf(line, sizeof line, "%s: called from another thread; come back with post()", service);
    log_anywhere(c, HOST_LOG_COMPLAINT, line);
    return true;
}

void child_log_init(struct child *c)
{
    c->log = mem_zalloc(sizeof *c->log);
    *c->log = (struct child_log){.tokens = BURST * 1000, .filled_at = clock_mono_ms()};
}

void child_log_fini(struct child *c)
{
    free(c->log);
    c->log = NULL;
}
