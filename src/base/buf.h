/*
 * Bytes: struct span borrows them, struct buf owns and grows them up to a mandatory maximum.
 *
 * A buf is a sticky builder: append without checking, ask is_over once at the end. After the limit is hit
 * nothing more is appended and what is there stays valid.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/err.h"
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
    const char *p; /* NULL means absent; an empty string is a non-NULL p with n == 0 */
    size_t n;
};

#define SPAN_NONE   ((struct span){NULL, 0})
#define SPAN_LIT(s) ((struct span){"" s, sizeof(s) - 1})
/* For printf: "%.*s", SPAN_FMT(x) */
#define SPAN_FMT(s) (int)(s).n, (s).p ? (s).p : ""

struct span span_of(const char *s); /* NULL gives SPAN_NONE */
bool span_eq(struct span a, struct span b);
bool span_is(struct span a, const char *s);
bool span_starts(struct span a, const char *prefix);
bool span_ieq(struct span a, struct span b); /* ASCII case folded */
char *span_strdup(struct span s);            /* NULL for an absent span; free() it */
/* span_u64 reads a whole decimal number; false if s is anything else or does not fit. */
bool span_u64(struct span s, uint64_t *out);

struct buf {
    char *p; /* always NUL terminated once something was appended */
    size_t n, cap, max_bytes;
    bool is_over;
};

void buf_init(struct buf *b, size_t max_bytes);
void buf_fini(struct buf *b);
void buf_clear(struct buf *b); /* keeps the memory and the limit */
void buf_add(struct buf *b, const void *p, size_t n);
void buf_add_span(struct buf *b, struct span s);
void buf_add_str(struct buf *b, const char *s);
void buf_add_char(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* buf_reserve makes room for n more bytes, so that many small appends need not grow it step by step. */
void buf_reserve(struct buf *b, size_t n);
/* buf_extend appends n bytes for the caller to fill at once; NULL, and is_over, if they do not fit. */
char *buf_extend(struct buf *b, size_t n);
void buf_cut(struct buf *b, size_t n);     /* keeps the first n bytes, and forgets is_over */
struct span buf_span(const struct buf *b); /* borrowed until the next append; never absent */
/* buf_take hands the bytes over as a NUL-terminated string, and empties b. */
char *buf_take(struct buf *b, size_t *n);

#endif
