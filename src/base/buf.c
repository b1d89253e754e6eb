/* Borrowed and owned bytes. A buf never holds more than its maximum, and what it holds ends with a NUL. */
#include "base/buf.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { BUF_FIRST_BYTES = 64 };

struct span span_of(const char *s)
{
    return s ? (struct span){s, strlen(s)} : SPAN_NONE;
}

bool span_eq(struct span a, struct span b)
{
    return a.n == b.n && !a.p == !b.p && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool span_is(struct span a, const char *s)
{
    return span_eq(a, span_of(s));
}

bool span_starts(struct span a, const char *prefix)
{
    const size_t n = strlen(prefix);
    return a.p && a.n >= n && memcmp(a.p, prefix, n) == 0;
}

static unsigned char folded(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool span_ieq(struct span a, struct span b)
{
    if (!a.p || !b.p)
        return a.p == b.p;
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (folded(a.p[i]) != folded(b.p[i]))
            return false;
    return true;
}

char *span_strdup(struct span s)
{
    if (!s.p)
        return NULL;
    char *copy = mem_realloc(NULL, s.n + 1);
    if (s.n)
        memcpy(copy, s.p, s.n);
    copy[s.n] = '\0';
    return copy;
}

bool span_u64(struct span s, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, 10U, &value) ||
            __builtin_add_overflow(value, (uint64_t)(s.p[i] - '0'), &value))
            return false;
    }
    if (s.n == 0)
        return false;
    *out = value;
    return true;
}

void buf_init(struct buf *b, size_t max_bytes)
{
    *b = (struct buf){.max_bytes = max_bytes};
}

void buf_fini(struct buf *b)
{
    free(b->p);
    *b = (struct buf){.max_bytes = b->max_bytes};
}

void buf_clear(struct buf *b)
{
    buf_cut(b, 0);
}

void buf_cut(struct buf *b, size_t n)
{
    must(n <= b->n);
    b->n = n;
    b->is_over = false;
    if (b->p)
        b->p[n] = '\0';
}

static void grow(struct buf *b, size_t need)
{
    size_t cap = b->cap ? b->cap : BUF_FIRST_BYTES;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    if (cap > b->max_bytes)
        cap = b->max_bytes + 1;
    b->p = mem_realloc(b->p, cap);
    b->cap = cap;
}

void buf_reserve(struct buf *b, size_t n)
{
    const size_t room = b->max_bytes - b->n, more = n < room ? n : room;
    if (b->cap <= b->n + more)
        grow(b, b->n + more + 1);
    b->p[b->n] = '\0';
}

char *buf_extend(struct buf *b, size_t n)
{
    if (b->is_over || n > b->max_bytes - b->n) {
        b->is_over = true;
        return NULL;
    }
    if (b->cap <= b->n + n)
        grow(b, b->n + n + 1);
    char *room = b->p + b->n;
    b->n += n;
    b->p[b->n] = '\0';
    return room;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
    char *room = buf_extend(b, n);
    if (room && n)
        memcpy(room, p, n);
}

void buf_add_span(struct buf *b, struct span s)
{
    buf_add(b, s.p, s.n);
}

void buf_add_str(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_add_char(struct buf *b, char c)
{
    if (b->cap - b->n < 2 || b->is_over || b->n == b->max_bytes) {
        buf_add(b, &c, 1);
        return;
    }
    b->p[b->n++] = c;
    b->p[b->n] = '\0';
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
    char small[256];
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    const int n = vsnprintf(small, sizeof small, fmt, args);
    must(n >= 0);
    if ((size_t)n < sizeof small) {
        buf_add(b, small, (size_t)n);
    } else {
        char *room = buf_extend(b, (size_t)n);
        if (room)
            vsnprintf(room, (size_t)n + 1, fmt, again);
    }
    va_end(again);
    va_end(args);
}

struct span buf_span(const struct buf *b)
{
    return b->p ? (struct span){b->p, b->n} : SPAN_LIT("");
}

char *buf_take(struct buf *b, size_t *n)
{
    char *p = b->p ? b->p : mem_strdup("");
    if (n)
        *n = b->n;
    *b = (struct buf){.max_bytes = b->max_bytes};
    return p;
}
