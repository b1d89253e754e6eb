/*
 * A request's head, then its body if that is chunked. Whatever the bytes: every span lies inside them, and a
 * body that comes byte by byte is decoded (or refused) as one that comes at once.
 */
#include "http/head.h"
#include <string.h>

static struct http_head head;

static void check_inside(struct span text, struct span s)
{
    must(!s.p || (s.p >= text.p && s.p + s.n <= text.p + text.n));
}

static void check_head(struct span text)
{
    check_inside(text, head.method);
    check_inside(text, head.target);
    check_inside(text, head.query);
    must(head.path.n > 0 && head.field_n <= HTTP_HEADERS_MAX && !(head.is_chunked && head.has_length));
    for (unsigned i = 0; i < head.field_n; i++) {
        check_inside(text, head.field[i].name);
        check_inside(text, head.field[i].value);
        must(!memchr(head.field[i].value.p, '\n', head.field[i].value.n));
    }
}

static enum err feed_by(size_t step, struct span in, size_t *used, struct buf *out, bool *is_done)
{
    struct http_chunks c = {0};
    enum err e = OK;
    *used = 0;
    *is_done = false;
    while (*used < in.n && !e && !*is_done) {
        size_t n = in.n - *used < step ? in.n - *used : step, taken = 0;
        e = http_chunks_feed(&c, (struct span){in.p + *used, n}, &taken, out, is_done);
        must(e || taken > 0);
        *used += taken;
    }
    return e;
}

static void check_chunks(struct span in)
{
    struct buf whole, bytes;
    bool is_done[2];
    size_t used[2];
    buf_init(&whole, 4096);
    buf_init(&bytes, 4096);
    enum err at_once = feed_by(SIZE_MAX, in, &used[0], &whole, &is_done[0]);
    enum err by_bytes = feed_by(1, in, &used[1], &bytes, &is_done[1]);
    must(at_once == by_bytes && is_done[0] == is_done[1]);
    must(at_once || (used[0] == used[1] && span_eq(buf_span(&whole), buf_span(&bytes))));
    must(!whole.is_over && !bytes.is_over);
    buf_fini(&whole);
    buf_fini(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span all = {(const char *)data, size};
    int status = 0;
    const char *why = NULL;
    size_t n = size ? http_head_end(all, 0) : 0;
    must(n <= size);
    if (n == 0)
        return 0;
    struct span text = {all.p, n};
    if (http_head_parse(text, &head, &status, &why) != OK) {
        must(status >= 400 && status <= 505 && why);
        return 0;
    }
    check_head(text);
    if (head.is_chunked)
        check_chunks((struct span){all.p + n, size - n});
    return 0;
}
