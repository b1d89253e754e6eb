/*
 * From a token to a file and its bytes. Decides what a reader may see of a file: its bytes, its name and type, as
 * something to be saved and never to be shown.
 */
#include "bridge/links.h"
#include "base/crypto.h"
#include "base/filename.h"
#include "base/log.h"
#include "base/mem.h"
#include "bridge/intake.h"
#include "http/text.h"
#include "store/files.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SERVED_MAX = 256, /* files that are read at the same time */
    URL_MAX = 4096,
    HEADERS_MAX = 4096,
};

struct links {
    struct bridge *bridge;
    uint8_t key[FILE_LINK_KEY_BYTES];
    char hex[2 * FILE_LINK_KEY_BYTES + 1];
    bool has_key;
    struct store_fact fact;
    void (*on_ready)(struct bridge *b);
    unsigned busy_n;
};

/* ---- The key ---- */

static void on_key(struct store_op *op);

struct links *links_new(struct bridge *b)
{
    struct links *l = mem_zalloc(sizeof *l);

    l->bridge = b;
    l->fact = (struct store_fact){.op.on_done = on_key, .owner = "bridge", .key = "files_key"};
    return l;
}

void links_free(struct links *l)
{
    if (!l)
        return;
    mem_wipe(l->key, sizeof l->key);
    mem_wipe(l->hex, sizeof l->hex);
    free(l);
}

void links_start(struct links *l, void (*on_ready)(struct bridge *b))
{
    l->on_ready = on_ready;
    store_post_fact(l->bridge->store, &l->fact);
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool take_key(struct links *l, const char *hex)
{
    if (strlen(hex) != 2 * (size_t)FILE_LINK_KEY_BYTES)
        return false;
    for (size_t i = 0; i < FILE_LINK_KEY_BYTES; i++) {
        int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        l->key[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static void make_key(struct links *l)
{
    struct buf hex;

    crypto_random(l->key, sizeof l->key);
    buf_init(&hex, sizeof l->hex);
    hex_encode(&hex, (struct span){(const char *)l->key, sizeof l->key});
    memcpy(l->hex, hex.p, hex.n);
    mem_wipe(hex.p, hex.n);
    buf_fini(&hex);
    l->fact.is_write = true;
    l->fact.value = span_of(l->hex);
    store_post_fact(l->bridge->store, &l->fact);
}

static void on_key(struct store_op *op)
{
    struct links *l = container_of(op, struct links, fact.op);
    bool is_written = l->fact.is_write && op->result == OK;
    bool is_read = !l->fact.is_write && op->result == OK && take_key(l, l->fact.found);

    if (l->fact.found)
        mem_wipe(l->fact.found, strlen(l->fact.found));
    free(l->fact.found);
    l->fact.found = NULL;
    if (op->result == ERR_CANCELLED)
        return; /* the bridge is closing */
    if (!is_written && !is_read) {
        make_key(l);
        return;
    }
    l->has_key = true;
    if (!l->bridge->is_stopping)
        l->on_ready(l->bridge);
}

/* ---- Links ---- */

/* Where we listen ourselves, for backends on this machine, when nobody has said how we are reached. */
static void write_own_address(const struct bridge *b, struct buf *out)
{
    const struct config *c = b->config;
    const char *colon = strrchr(c->listen, ':');
    size_t host_n = colon ? (size_t)(colon - c->listen) : 0;
    struct span host = {c->listen, host_n};
    bool is_any = host_n == 0 || span_is(host, "0.0.0.0") || span_is(host, "[::]") || span_is(host, "*");

    buf_addf(out, "%s://%.*s:%u", c->listen_cert ? "https" : "http",
             SPAN_FMT(is_any ? SPAN_LIT("127.0.0.1") : host), bridge_port(b));
}

void links_write(const struct links *l, int64_t file_id, wall_ms_t now, struct buf *out)
{
    const char *url = l->bridge->config->public_url;
    size_t n = url ? strlen(url) : 0;

    must(l->has_key);
    while (n > 0 && url[n - 1] == '/')
        n--;
    if (url)
        buf_add(out, url, n);
    else
        write_own_address(l->bridge, out);
    buf_add_str(out, "/files/");
    file_link_write(l->key, file_id, now + FILE_LINK_LIFE_MS, out);
}

/* ---- Requests ---- */

/* A request from its token to its answer. */
struct serving {
    struct links *links;
    struct http_exchange *x;
    struct store_file_get get;
};

unsigned links_busy_n(const struct links *l)
{
    return l->busy_n;
}

static void refuse_missing(struct http_exchange *x)
{
    http_refuse(x, 404, "There is no file at this link.");
}

static void refuse_busy(struct http_exchange *x, const char *why)
{
    struct buf body;

    buf_init(&body, 512);
    front_answer_error(&body, FRONT_INTERNAL_ERROR, span_of(why));
    http_reply(x, 503, "application/json", buf_span(&body), "Retry-After: 5\r\n");
    buf_fini(&body);
}

static void write_etag(const struct store_file *f, struct buf *out)
{
    buf_addf(out, "\"%.32s\"", f->sha256);
}

/* Whatever the file is, a browser saves it and runs nothing of it. */
static void write_headers(const struct store_file *f, struct buf *out)
{
    buf_add_str(out, "Content-Disposition: ");
    filename_disposition(f->filename, out);
    buf_add_str(out, "\r\nETag: ");
    write_etag(f, out);
    buf_add_str(out,
                "\r\nAccept-Ranges: bytes\r\nCache-Control: private, max-age=3600\r\n"
                "X-Content-Type-Options: nosniff\r\nContent-Security-Policy: default-src 'none'; sandbox\r\n"
                "Cross-Origin-Resource-Policy: same-origin\r\nReferrer-Policy: no-referrer\r\n");
}

/* Whether one of a list of tags, as in If-None-Match, is ours. */
static bool names(struct span list, struct span etag)
{
    return list.p && (span_is(list, "*") || memmem(list.p, list.n, etag.p, etag.n) != NULL);
}

static void answer(struct serving *s, int fd)
{
    const struct store_file *f = &s->get.file;
    uint64_t size = (uint64_t)f->bytes, at, n;
    struct buf headers, etag;

    buf_init(&headers, HEADERS_MAX);
    buf_init(&etag, 64);
    write_headers(f, &headers);
    write_etag(f, &etag);
    struct span condition = http_header(s->x, "if-range");
    bool is_same = !condition.p || span_eq(condition, buf_span(&etag));
    enum http_range range = http_range(is_same ? http_header(s->x, "range") : SPAN_NONE, size, &at, &n);
    if (names(http_header(s->x, "if-none-match"), buf_span(&etag))) {
        close(fd);
        http_reply(s->x, 304, NULL, SPAN_NONE, headers.p);
    } else if (range == HTTP_RANGE_OUTSIDE) {
        close(fd);
        buf_addf(&headers, "Content-Range: bytes */%llu\r\n", (unsigned long long)size);
        http_reply(s->x, 416, NULL, SPAN_NONE, headers.p);
    } else {
        if (range == HTTP_RANGE_PART)
            buf_addf(&headers, "Content-Range: bytes %llu-%llu/%llu\r\n", (unsigned long long)at,
                     (unsigned long long)(at + n - 1), (unsigned long long)size);
        http_reply_file(s->x, range == HTTP_RANGE_PART ? 206 : 200, f->content_type, fd, at, n, headers.p);
    }
    buf_fini(&headers);
    buf_fini(&etag);
}

static void on_found(struct store_op *op)
{
    struct serving *s = container_of(op, struct serving, get.op);
    struct store_file *f = &s->get.file;
    bool is_there = op->result == OK && f->state == FILE_READY && f->name && f->sha256;
    int fd = is_there ? files_read(s->links->bridge->files, f->name) : -1;

    s->links->busy_n--;
    if (fd >= 0)
        answer(s, fd);
    else if (op->result == OK || op->result == ERR_NOT_FOUND)
        refuse_missing(s->x);
    else
        refuse_busy(s->x, "The file cannot be read now; try again.");
    store_file_fini(f);
    free(s);
}

static void look_up(struct links *l, struct http_exchange *x, int64_t id)
{
    struct serving *s = mem_zalloc(sizeof *s);

    *s = (struct serving){.links = l, .x = x, .get = {.op.on_done = on_found, .id = id}};
    l->busy_n++;
    store_post_file_get(l->bridge->store, &s->get);
}

void links_request(struct http_exchange *x, void *arg)
{
    struct bridge *b = arg;
    struct links *l = b->links;
    int64_t id;

    if (!l->has_key || l->busy_n + http_server_stats(b->server).files >= SERVED_MAX) {
        refuse_busy(x, "Too many files are being read; try again.");
        return;
    }
    switch (file_link_read(l->key, http_rest(x), clock_wall_ms(), &id)) {
    case OK:
        look_up(l, x, id);
        break;
    case ERR_DENIED:
        http_refuse(x, 410, "This link has expired.");
        break;
    default:
        refuse_missing(x);
    }
}
