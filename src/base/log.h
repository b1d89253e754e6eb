/*
 * One line per event: JSON or text, on standard error.
 *
 * Keys are stable (README, "Logs"), values are typed, secrets and message bodies never appear: give ids.
 * The layer that decides writes the line, once. Lines are gathered and written by log_flush (once a loop turn,
 * and at once for warnings and errors), so that a busy second costs a few writes. Nothing waits for a reader: what
 * does not fit in 256 KiB is dropped and counted ("log_lines_lost"). A value is cut at 1 KiB.
 * Thread: any. A forked child begins with nothing gathered.
 *
 *     log_info("delivered", LOG_STR("channel", name), LOG_I64("attempt", n));
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/buf.h"
#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

struct log_field {
    const char *key;
    enum { LOG_FIELD_STR, LOG_FIELD_SPAN, LOG_FIELD_I64 } type;
    const char *str;
    struct span span;
    int64_t i64;
};

#define LOG_STR(k, v)  ((struct log_field){.key = (k), .type = LOG_FIELD_STR, .str = (v)})
#define LOG_SPAN(k, v) ((struct log_field){.key = (k), .type = LOG_FIELD_SPAN, .span = (v)})
#define LOG_I64(k, v)  ((struct log_field){.key = (k), .type = LOG_FIELD_I64, .i64 = (int64_t)(v)})

void log_setup(enum log_level level, enum log_format format, int fd);
bool log_wants(enum log_level level);
/* log_line writes event (a stable word in snake_case; the tests look) and n fields. */
void log_line(enum log_level level, const char *event, const struct log_field *fields, size_t n);
void log_flush(void);
/*
 * log_last_words flushes and waits up to a second for a slow reader: for the end of a process. It runs by itself
 * at exit and when must fails, but not before _exit.
 */
void log_last_words(void);

#define LOG_LINE_(level, event, ...)                                                                         \
    do {                                                                                                     \
        if (log_wants(level)) {                                                                              \
            const struct log_field log_fields_[] = {__VA_ARGS__};                                            \
            log_line(level, event, log_fields_, sizeof log_fields_ / sizeof log_fields_[0]);                 \
        }                                                                                                    \
    } while (0)
#define log_debug(event, ...) LOG_LINE_(LOG_DEBUG, event, ##__VA_ARGS__)
#define log_info(event, ...)  LOG_LINE_(LOG_INFO, event, ##__VA_ARGS__)
#define log_warn(event, ...)  LOG_LINE_(LOG_WARN, event, ##__VA_ARGS__)
#define log_error(event, ...) LOG_LINE_(LOG_ERROR, event, ##__VA_ARGS__)

#endif
