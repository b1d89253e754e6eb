/*
 * Gathers lines in one bounded buffer and writes them when asked, or at once when they matter.
 * It never waits long for whoever reads: a reader that has stopped costs one short wait, then nothing but
 * lines, and the lines lost are counted in the log itself. Invariant: the buffer holds whole lines, except
 * that the first may have been partly written.
 */
#include "base/log.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log_text.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LOG_BUFFER_BYTES = 256 * 1024,
    LOG_FLUSH_BYTES = 32 * 1024, /* gathered this much: write without being asked */
    LOG_VALUE_BYTES = 1024,      /* a longer value is cut */
    LOG_LAST_WORDS_MS = 1000,
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int least = LOG_INFO;
static enum log_format format = LOG_JSON;
static int out_fd = STDERR_FILENO;
static struct buf gathered = {.max_bytes = LOG_BUFFER_BYTES};
static uint64_t lost;

static const char *const level_name[] = {
    [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error"};

static bool has_room(mono_ms_t deadline)
{
    const mono_ms_t left = deadline ? deadline - clock_mono_ms() : 0;
    struct pollfd p = {.fd = out_fd, .events = POLLOUT};
    return poll(&p, 1, left > 0 ? (int)left : 0) > 0;
}

/* A pipe that polls as writable takes PIPE_BUF bytes without blocking, hence the small pieces. */
static void write_out(mono_ms_t deadline)
{
    size_t done = 0;
    while (done < gathered.n && has_room(deadline)) {
        const size_t piece = gathered.n - done < PIPE_BUF ? gathered.n - done : PIPE_BUF;
        const ssize_t n = write(out_fd, gathered.p + done, piece);
        if (n > 0)
            done += (size_t)n;
        else if (errno == EAGAIN)
            break;
        else if (errno != EINTR)
            done = gathered.n; /* nobody can be told */
    }
    if (done) {
        memmove(gathered.p, gathered.p + done, gathered.n - done);
        buf_cut(&gathered, gathered.n - done);
    }
}

static struct span value_of(const struct log_field *f)
{
    struct span s = f->type == LOG_FIELD_STR ? span_of(f->str) : f->span;
    if (s.n > LOG_VALUE_BYTES)
        s.n = LOG_VALUE_BYTES;
    return s;
}

static void add_json(enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
    struct jout j;
    char time[25];
    clock_iso(clock_wall_ms(), time);
    jout_init(&j, &gathered);
    jout_object(&j);
    jout_kv_str(&j, "time", time);
    jout_kv_str(&j, "level", level_name[level]);
    jout_kv_str(&j, "event", event);
    for (size_t i = 0; i < n; i++) {
        if (fields[i].type == LOG_FIELD_I64)
            jout_kv_i64(&j, fields[i].key, fields[i].i64);
        else
            jout_kv_span(&j, fields[i].key, value_of(&fields[i]));
    }
    jout_object_end(&j);
}

static void add_text(enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
    char time[25];
    clock_iso(clock_wall_ms(), time);
    buf_addf(&gathered, "%s %-5s ", time, level_name[level]);
    log_text_safe(&gathered, span_of(event));
    for (size_t i = 0; i < n; i++) {
        buf_add_char(&gathered, ' ');
        log_text_safe(&gathered, span_of(fields[i].key));
        buf_add_char(&gathered, '=');
        if (fields[i].type == LOG_FIELD_I64)
            buf_addf(&gathered, "%lld", (long long)fields[i].i64);
        else
            log_text_value(&gathered, value_of(&fields[i]));
    }
}

/* add_line appends a whole line or nothing. */
static bool add_line(enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
    const size_t before = gathered.n;
    (format == LOG_JSON ? add_json : add_text)(level, event, fields, n);
    buf_add_char(&gathered, '\n');
    if (!gathered.is_over)
        return true;
    buf_cut(&gathered, before);
    return false;
}

/* deadline 0: write what can be written now. */
static void flush_locked(mono_ms_t deadline)
{
    write_out(deadline);
    if (lost && gathered.n == 0) {
        const struct log_field lines = LOG_I64("lines", lost);
        add_line(LOG_WARN, "log_lines_lost", &lines, 1);
        lost = 0;
        write_out(deadline);
    }
}

static void before_fork(void)
{
    pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&lock);
}

static void after_fork_in_child(void)
{
    buf_cut(&gathered, 0);
    lost = 0;
    pthread_mutex_unlock(&lock);
}

static void watch_process(void)
{
    pthread_atfork(before_fork, after_fork, after_fork_in_child);
    atexit(log_last_words);
}

void log_setup(enum log_level level, enum log_format new_format, int fd)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_process);
    pthread_mutex_lock(&lock);
    flush_locked(0);
    atomic_store(&least, level);
    format = new_format;
    out_fd = fd;
    pthread_mutex_unlock(&lock);
}

bool log_wants(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&least, memory_order_relaxed);
}

void log_line(enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
    if (!log_wants(level))
        return;
    pthread_mutex_lock(&lock);
    if (!add_line(level, event, fields, n)) {
        write_out(0);
        if (!add_line(level, event, fields, n))
            lost++;
    }
    if (level >= LOG_WARN || gathered.n >= LOG_FLUSH_BYTES)
        flush_locked(0);
    pthread_mutex_unlock(&lock);
}

void log_flush(void)
{
    pthread_mutex_lock(&lock);
    flush_locked(0);
    pthread_mutex_unlock(&lock);
}

void log_last_words(void)
{
    if (pthread_mutex_trylock(&lock) == 0) {
        flush_locked(clock_mono_ms() + LOG_LAST_WORDS_MS);
        pthread_mutex_unlock(&lock);
    }
}
