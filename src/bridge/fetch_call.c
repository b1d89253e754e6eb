/*
 * Brings the bytes of one file onto the disk. Decides what may be asked, how much may come and whether what came is the file;
 * it refuses to know how often it is tried.
 */
#include "bridge/fetch_call.h"
#include "base/mem.h"
#include "base/point.h"
#include "bridge/staging.h"
#include "front/enclosure.h"
#include "http/text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CALL_MS = 5 * 60 * 1000, /* 25 MB at 85 kB/s */
    STALL_MS = 20 * 1000,    /* with hardly a byte */
    REDIRECTS_MAX = 3,       /* of a backend's URL */
    URL_MAX = 8192,
};

static struct bridge *bridge_of(const struct fetch *t)
{
    return t->channel->bridge;
}

/* ---- Bytes ---- */

static bool write_all(struct fetch *t, struct span bytes)
{
    while (bytes.n > 0) {
        ssize_t n = write(t->fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            t->error = errno;
            return false;
        }
        bytes = (struct span){bytes.p + n, bytes.n - (size_t)n};
    }
    return true;
}

static bool on_bytes(struct span bytes, void *arg)
{
    struct fetch *t = arg;

    POINT("mid_fetch");
    t->bytes += (int64_t)bytes.n;
    sha256_add(t->sum, bytes);
    return write_all(t, bytes);
}

uint64_t fetch_message_max(const struct fetch *t)
{
    return t->file.direction == MESSAGE_IN ? enclosures_max(bridge_of(t)->config->attachments_bytes) : 0;
}

/* Of one file: what a backend takes, or what is left of what Front takes of its message. */
static uint64_t most_of(const struct fetch *t)
{
    uint64_t max = fetch_message_max(t), beside = (uint64_t)t->file.beside;

    if (max == 0)
        return bridge_of(t)->config->attachments_bytes;
    return beside < max ? max - beside : 0;
}

static size_t limit_of(const struct fetch *t)
{
    uint64_t most = most_of(t);
    uint64_t announced = t->file.bytes >= 0 ? (uint64_t)t->file.bytes : most;

    return (size_t)(announced < most ? announced : most);
}

/* A login page, an error page: what sits between us and the file. */
static bool is_web_page_instead(const struct fetch *t, struct span content_type)
{
    bool is_page = http_media_type_is(content_type, "text/html") ||
                   http_media_type_is(content_type, "application/xhtml+xml");
    const char *wanted = t->file.content_type;
    bool may_be = strcmp(wanted, "text/html") == 0 || strcmp(wanted, "application/xhtml+xml") == 0 ||
                  (strcmp(wanted, "application/octet-stream") == 0 && t->bytes == t->file.bytes);

    return is_page && !may_be;
}

/* The whole answer is here: is it the file? */
static void arrived(struct fetch *t, struct span content_type)
{
    enum fetch_end end = FETCH_DONE;

    buf_clear(&t->why);
    if (is_web_page_instead(t, content_type)) {
        buf_addf(&t->why, "a web page came instead of a file of type %s", t->file.content_type);
        end = FETCH_OTHER;
    } else if (t->file.bytes >= 0 && t->bytes != t->file.bytes) {
        buf_addf(&t->why, "it is %lld bytes long and not %lld, as was announced", (long long)t->bytes,
                 (long long)t->file.bytes);
        end = FETCH_OTHER;
    }
    fetch_judge(t, end, 200, 0);
}

void fetch_is_too_much(struct fetch *t)
{
    char most[SIZE_TEXT_BYTES];

    buf_clear(&t->why);
    buf_addf(&t->why, "the files of this message are larger than %s together",
             config_size_text(fetch_message_max(t), most));
    fetch_judge(t, FETCH_TOO_MUCH, 0, 0);
}

static void too_large(struct fetch *t)
{
    char most[SIZE_TEXT_BYTES];
    bool is_lie = t->file.bytes >= 0 && (uint64_t)t->file.bytes <= most_of(t);

    if (!is_lie && t->file.direction == MESSAGE_IN && t->file.beside > 0) {
        fetch_is_too_much(t);
        return;
    }
    buf_clear(&t->why);
    if (is_lie)
        buf_addf(&t->why, "it is longer than the %lld bytes that were announced", (long long)t->file.bytes);
    else
        buf_addf(&t->why, "it is larger than %s", config_size_text(most_of(t), most));
    fetch_judge(t, FETCH_TOO_LARGE, 0, 0);
}

static bool begin(struct fetch *t)
{
    t->bytes = 0;
    t->error = 0;
    t->fd = files_create(bridge_of(t)->files, t->job.name);
    if (t->fd < 0) {
        t->job.name[0] = '\0';
        fetch_fail(t, FETCH_NO_ROOM, strerror(errno));
        return false;
    }
    t->sum = sha256_begin();
    return true;
}

/* ---- From Front ---- */

static struct span without_full_stop(struct span s)
{
    while (s.n > 0 && s.p[s.n - 1] == '.')
        s.n--;
    return s;
}

static void on_front(const struct front_result *r, void *arg)
{
    static const enum fetch_end ends[] = {[FRONT_CALL_OK] = FETCH_DONE,
                                          [FRONT_CALL_RETRY] = FETCH_FAILED,
                                          [FRONT_CALL_REFUSED] = FETCH_REFUSED,
                                          [FRONT_CALL_UNKNOWN] = FETCH_FAILED,
                                          [FRONT_CALL_CANCELLED] = FETCH_FAILED};
    struct fetch *t = arg;

    t->front = NULL;
    if (r->class == FRONT_CALL_CANCELLED) {
        fetch_free(t);
    } else if (t->error) {
        fetch_fail(t, FETCH_NO_ROOM, strerror(t->error));
    } else if (r->class == FRONT_CALL_OK && r->status == 200) {
        arrived(t, r->content_type);
    } else if (r->is_too_large) {
        too_large(t);
    } else {
        enum fetch_end end = ends[r->class] == FETCH_DONE ? FETCH_OTHER : ends[r->class];
        buf_clear(&t->why);
        buf_add_span(&t->why, without_full_stop(r->reason));
        if (t->why.n == 0)
            buf_addf(&t->why, "Front answered %d", r->status);
        fetch_judge(t, end == FETCH_REFUSED && r->status == 0 ? FETCH_FORBIDDEN : end, r->status,
                    r->retry_after_ms);
    }
}

/* An application channel's own token opens its own messages' files; else the account's token opens all. */
static void ask_front(struct fetch *t)
{
    struct channel *ch = t->channel;
    bool is_channels = ch->config->kind == CHANNEL_APPLICATION && channel_front_id(ch);
    struct buf path;

    if (!begin(t))
        return;
    buf_init(&path, URL_MAX);
    if (is_channels)
        front_path(&path, "/messages/%s/download/%s", t->file.source_id, t->file.origin);
    else
        front_path(&path, "/download/%s", t->file.origin);
    t->front =
        staging_call(ch,
                     &(struct front_request){.name = "download",
                                             .lane = RATE_ATTACHMENTS,
                                             .auth = is_channels ? FRONT_AUTH_CHANNEL : FRONT_AUTH_TOKEN,
                                             .channel = channel_front_id(ch),
                                             .method = "GET",
                                             .path = path.p,
                                             .on_bytes = on_bytes,
                                             .max_bytes = limit_of(t),
                                             .timeout_ms = CALL_MS,
                                             .stall_ms = STALL_MS},
                     on_front, t);
    buf_fini(&path);
}

/* ---- From a backend ---- */

static void ask_backend(struct fetch *t);

/* Where a redirect points: another URL, or another path of the same host; what else there is, is not followed. */
static char *target_of(const char *url, struct span location)
{
    struct span authority = config_authority(span_of(url));
    struct buf target;

    if (span_starts(location, "http://") || span_starts(location, "https://"))
        return span_strdup(location);
    if (!authority.p || location.n == 0 || location.p[0] != '/' || span_starts(location, "//"))
        return NULL;
    buf_init(&target, URL_MAX);
    buf_add(&target, url, (size_t)(authority.p + authority.n - url));
    buf_add_span(&target, location);
    if (!target.is_over)
        return buf_take(&target, NULL);
    buf_fini(&target);
    return NULL;
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static bool follow(struct fetch *t, const struct http_answer *a)
{
    if (a->fail != HTTP_FAIL_NONE || !is_redirect(a->status) || t->redirects == REDIRECTS_MAX)
        return false;
    char *target = target_of(t->url, http_answer_header(a, "location"));
    if (!target)
        return false;
    free(t->url);
    t->url = target;
    t->redirects++;
    fetch_drop_bytes(t);
    ask_backend(t);
    return true;
}

static enum fetch_end end_of(const struct http_answer *a)
{
    if (a->fail == HTTP_FAIL_URL || a->fail == HTTP_FAIL_ADDRESS)
        return FETCH_FORBIDDEN;
    if (a->fail != HTTP_FAIL_NONE || a->status == 408 || a->status == 425 || a->status == 429 ||
        a->status >= 500)
        return FETCH_FAILED;
    return a->status >= 300 ? FETCH_REFUSED : FETCH_OTHER;
}

static void on_backend(const struct http_answer *a, void *arg)
{
    struct fetch *t = arg;

    t->http = NULL;
    if (a->fail == HTTP_FAIL_CANCELLED) {
        fetch_free(t);
    } else if (t->error) {
        fetch_fail(t, FETCH_NO_ROOM, strerror(t->error));
    } else if (a->fail == HTTP_FAIL_NONE && a->status == 200) {
        arrived(t, http_answer_header(a, "content-type"));
    } else if (a->fail == HTTP_FAIL_TOO_LARGE) {
        too_large(t);
    } else if (!follow(t, a)) {
        buf_clear(&t->why);
        if (a->fail != HTTP_FAIL_NONE)
            buf_add_str(&t->why, http_fail_text(a->fail));
        else
            buf_addf(&t->why, "its address answered %d", a->status);
        int64_t retry_after =
            http_retry_after(http_answer_header(a, "retry-after"), clock_wall_ms(), HOUR_MS);
        fetch_judge(t, end_of(a), a->status, retry_after > 0 ? retry_after : 0);
    }
}

/* The URL came from outside: it reaches the public Internet, and what the channel's settings allow. */
static void ask_backend(struct fetch *t)
{
    if (!begin(t))
        return;
    t->http = http_call_start(bridge_of(t)->abroad,
                              &(struct http_request){.method = "GET",
                                                     .url = t->url,
                                                     .on_bytes = on_bytes,
                                                     .max_answer_bytes = limit_of(t),
                                                     .timeout_ms = CALL_MS,
                                                     .stall_ms = STALL_MS,
                                                     .denies_private = true,
                                                     .allowed = &t->channel->allowed},
                              on_backend, t);
}

/* ---- Either ---- */

void fetch_call(struct fetch *t)
{
    if (t->file.direction == MESSAGE_OUT) {
        ask_front(t);
        return;
    }
    if (t->file.beside > 0 && most_of(t) == 0) {
        fetch_is_too_much(t);
        return;
    }
    t->url = mem_strdup(t->file.origin);
    ask_backend(t);
}
