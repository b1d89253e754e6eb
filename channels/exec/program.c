/*
 * The program while it runs: its pipes, its end, and when it is started again.
 *
 * Decides when it may be written to and read from; does not know what the lines mean.
 * Invariant: what it said before it ended is heard before its calls are given up; it is ended only from the
 * top of an event, never while one of its lines is looked at.
 */
#include "base/mem.h"
#include "exec.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    READ_BYTES = 65536,
    DRAIN_BYTES = 4 << 20, /* of what an ended program left in its pipe */
    LEAVE_MS = 100,        /* between closing its output and being gone */
    TERM_MS = 500,
    CLOSE_LEAVE_MS = 1000,
    CLOSE_TERM_MS = 1000,
};

enum got { GOT_SOME, GOT_NOTHING, GOT_END };

static void on_restart(void *arg);

bool program_is_up(const struct channel *ch)
{
    return ch->child.pid != 0;
}

size_t program_unread(const struct channel *ch)
{
    return ch->out.n - ch->out_at;
}

void channel_noise(struct channel *ch, int level, const char *text)
{
    mono_ms_t now = clock_mono_ms();
    if (now - ch->noise_since >= SECOND_MS) {
        ch->noise_since = now;
        ch->noise_n = 0;
    }
    if (++ch->noise_n <= NOISE_PER_SECOND)
        ch->host->log(ch->host, level, text);
    else if (ch->noise_n == NOISE_PER_SECOND + 1)
        ch->host->log(ch->host, FB_LOG_WARN,
                      "the program causes too many lines: the rest of this second is left out");
}

static void noise_line(void *arg, struct span line, enum line_part part)
{
    if (part == LINE_GOES_ON || part == LINE_ENDS)
        return;
    char text[NOISE_MAX_BYTES + 20] = "program: ";
    size_t n = strlen(text);
    if (wire_line(part == LINE_WHOLE ? line : SPAN_LIT("(a long line)"), text + n, sizeof text - n))
        channel_noise(arg, FB_LOG_INFO, text);
}

static enum got pipe_read(int fd, struct lines *lines, line_fn *on_line, struct channel *ch)
{
    char bytes[READ_BYTES];
    ssize_t n = read(fd, bytes, sizeof bytes);
    if (n > 0)
        lines_feed(lines, (struct span){bytes, (size_t)n}, on_line, ch);
    return n > 0 ? GOT_SOME : n < 0 && (errno == EAGAIN || errno == EINTR) ? GOT_NOTHING : GOT_END;
}

static enum got said_read(struct channel *ch)
{
    enum got got = pipe_read(ch->child.out, &ch->said, talk_line, ch);
    if (got == GOT_SOME)
        ch->heard_at = clock_mono_ms();
    return got;
}

static enum got noise_read(struct channel *ch)
{
    return pipe_read(ch->child.err, &ch->noise, noise_line, ch);
}

static void drain(struct channel *ch, enum got (*read_more)(struct channel *))
{
    for (int n = 0; n < DRAIN_BYTES && read_more(ch) == GOT_SOME; n += READ_BYTES)
        continue;
}

static void watches_end(struct channel *ch)
{
    const int fds[] = {ch->child.in, ch->child.out, ch->child.err, ch->child.exit_fd};
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (fds[i] >= 0)
            ch->host->watch(ch->host, fds[i], 0, NULL, NULL);
    ch->in_events = ch->out_events = 0;
}

static void restart_later(struct channel *ch)
{
    mono_ms_t now = clock_mono_ms();
    if (now - ch->started_at >= UP_LONG_MS)
        ch->backoff_ms = ch->restart_ms;
    ch->restart_at = now + ch->backoff_ms;
    ch->restart_timer = ch->host->timer(ch->host, ch->backoff_ms, on_restart, ch);
    ch->backoff_ms = 2 * ch->backoff_ms < RESTART_MAX_MS ? 2 * ch->backoff_ms : RESTART_MAX_MS;
}

/* program_over settles what the program leaves behind. */
static void program_over(struct channel *ch, const char *reason, int leave_ms, int term_ms)
{
    char text[200];
    struct buf how;
    buf_init(&how, sizeof ch->ended - 1);
    drain(ch, said_read);
    drain(ch, noise_read);
    watches_end(ch);
    child_end(&ch->child, leave_ms, term_ms, &how);
    snprintf(ch->ended, sizeof ch->ended, "%.60s", buf_span(&how).p);
    buf_fini(&how);
    if (ch->noise.part.n)
        noise_line(ch, buf_span(&ch->noise.part), LINE_WHOLE);
    lines_reset(&ch->said);
    lines_reset(&ch->noise);
    buf_clear(&ch->out);
    ch->out_at = 0;
    snprintf(text, sizeof text, "the program %s (%s)", reason, ch->ended);
    ch->host->log(ch->host, ch->is_stopping ? FB_LOG_INFO : FB_LOG_WARN, text);
    calls_program_ended(ch);
    if (!ch->is_stopping)
        restart_later(ch);
}

void program_restart(struct channel *ch, const char *reason)
{
    if (program_is_up(ch))
        program_over(ch, reason, 0, TERM_MS);
}

/* ---- Events ---- */

static void on_said(void *arg, int fd, uint32_t ready)
{
    struct channel *ch = arg;
    (void)fd, (void)ready;
    if (said_read(ch) == GOT_END)
        program_over(ch, "closed its output", LEAVE_MS, TERM_MS);
    program_pump(ch);
}

static void on_noise(void *arg, int fd, uint32_t ready)
{
    struct channel *ch = arg;
    (void)ready;
    if (noise_read(ch) == GOT_END) /* it may close that */
        ch->host->watch(ch->host, fd, 0, NULL, NULL);
}

static void on_exit_ready(void *arg, int fd, uint32_t ready)
{
    struct channel *ch = arg;
    (void)fd, (void)ready;
    program_over(ch, "ended", LEAVE_MS, TERM_MS);
    program_pump(ch);
}

static void on_writable(void *arg, int fd, uint32_t ready)
{
    (void)fd, (void)ready;
    program_pump(arg);
}

static void on_restart(void *arg)
{
    struct channel *ch = arg;
    struct buf why;
    ch->restart_timer = 0;
    buf_init(&why, WIRE_SENTENCE_MAX);
    if (program_start(ch, &why)) {
        ch->host->log(ch->host, FB_LOG_ERROR, buf_span(&why).p);
        ch->started_at = clock_mono_ms();
        restart_later(ch);
    }
    buf_fini(&why);
    program_pump(ch);
}

/* ---- Writing ---- */

/* False if the program does not listen any more. */
static bool out_flush(struct channel *ch)
{
    while (program_unread(ch)) {
        ssize_t n = write(ch->child.in, ch->out.p + ch->out_at, program_unread(ch));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN;
        ch->out_at += (size_t)n;
        ch->wrote_at = clock_mono_ms();
    }
    buf_clear(&ch->out);
    ch->out_at = 0;
    return true;
}

static void watch_set(struct channel *ch, int fd, uint32_t *current, uint32_t wanted, fb_watch_fn *fn)
{
    if (fd >= 0 && *current != wanted)
        ch->host->watch(ch->host, fd, wanted, fn, ch);
    *current = wanted;
}

/* A program that does not read is not read either, so that nothing piles up here. */
static void watches_set(struct channel *ch)
{
    size_t unread = program_unread(ch);
    bool may_talk = unread <= OUT_SEND_BYTES && ch->receiving_n < RECEIVES_MAX;
    watch_set(ch, ch->child.in, &ch->in_events, unread ? FB_WATCH_WRITE : 0, on_writable);
    watch_set(ch, ch->child.out, &ch->out_events, may_talk ? FB_WATCH_READ : 0, on_said);
    if (unread)
        calls_sweep_at(ch, ch->wrote_at + ch->timeout_ms);
}

void program_pump(struct channel *ch)
{
    if (!program_is_up(ch))
        return;
    if (ch->child.in >= 0) {
        calls_send(ch);
        if (!out_flush(ch)) {
            program_over(ch, "closed its input", LEAVE_MS, TERM_MS);
            return;
        }
    }
    watches_set(ch);
    if (ch->is_stopping && ch->child.in >= 0 && !program_unread(ch) && TAILQ_EMPTY(&ch->calls) &&
        !ch->receiving_n) {
        close(ch->child.in); /* it reads the end of its input, and leaves */
        ch->child.in = -1;
    }
}

/* ---- Life ---- */

enum err program_start(struct channel *ch, struct buf *why)
{
    char text[80];
    if (child_start(ch->argv, ch->envp, &ch->child, why))
        return ERR_IO;
    ch->generation++;
    ch->started_at = ch->heard_at = ch->wrote_at = clock_mono_ms();
    ch->host->watch(ch->host, ch->child.err, FB_WATCH_READ, on_noise, ch);
    if (ch->child.exit_fd >= 0)
        ch->host->watch(ch->host, ch->child.exit_fd, FB_WATCH_READ, on_exit_ready, ch);
    watches_set(ch);
    snprintf(text, sizeof text, "the program runs (pid %d)", (int)ch->child.pid);
    ch->host->log(ch->host, FB_LOG_INFO, text);
    return OK;
}

void program_stop(struct channel *ch)
{
    ch->is_stopping = true;
    ch->host->timer_cancel(ch->host, ch->restart_timer);
    program_pump(ch);
}

void program_close(struct channel *ch)
{
    struct buf how;
    if (!program_is_up(ch))
        return;
    buf_init(&how, sizeof ch->ended);
    watches_end(ch);
    child_end(&ch->child, CLOSE_LEAVE_MS, CLOSE_TERM_MS, &how);
    buf_fini(&how);
}
