/*
 * Reads Front's replies, which are as hostile as anything else from outside: one table sorts them, one
 * sentence is made of what they say, and a redirect can change the path of a call but not its host.
 */
#include "front/reply.h"
#include "base/mem.h"
#include "front/link.h"
#include <string.h>
#include <time.h>

enum { RETRY_AFTER_MAX_MS = 600000 };

/* ---- Classes ---- */

/* The first row that fits decides. Sent and unanswered, a POST may have been accepted; other methods can be
 * repeated. */
static const struct {
    int from, to;
    enum front_class class;
} statuses[] = {
    {408, 408, FRONT_CALL_RETRY},
    {425, 425, FRONT_CALL_RETRY},
    {429, 429, FRONT_CALL_RETRY},
    {500, 599, FRONT_CALL_RETRY},
};

static enum front_class unanswered(const struct reply *r)
{
    return r->is_sent && r->is_post ? FRONT_CALL_UNKNOWN : FRONT_CALL_RETRY;
}

enum front_class reply_class(const struct reply *r)
{
    if (r->fail == HTTP_FAIL_CANCELLED)
        return FRONT_CALL_CANCELLED;
    if (r->fail != HTTP_FAIL_NONE)
        return unanswered(r);
    if (r->status == 204 || r->status == 205)
        return FRONT_CALL_OK;
    if (r->status >= 200 && r->status < 300)
        return r->has_json ? FRONT_CALL_OK : unanswered(r);
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
        if (r->status >= statuses[i].from && r->status <= statuses[i].to)
            return statuses[i].class;
    return FRONT_CALL_REFUSED;
}

bool reply_is_unreachable(const struct reply *r)
{
    return r->fail != HTTP_FAIL_NONE && r->fail != HTTP_FAIL_CANCELLED && !r->is_sent;
}

/* ---- Reasons ---- */

static bool is_control(unsigned char c)
{
    return c < 0x20 || c == 0x7f;
}

/* add_words appends a string on one line: runs of blanks and control characters become one space. */
static void add_words(struct buf *out, struct span s)
{
    bool owes_space = false;

    for (size_t i = 0; i < s.n; i++) {
        if (is_control((unsigned char)s.p[i]) || s.p[i] == ' ') {
            owes_space = out->n > 0;
            continue;
        }
        if (owes_space)
            buf_add_char(out, ' ');
        owes_space = false;
        buf_add_char(out, s.p[i]);
    }
}

static void add_part(struct buf *out, struct jval part, const char *before)
{
    struct buf scratch;

    buf_init(&scratch, 16384);
    struct span s = json_span(part, &scratch);
    if (s.n > 0) {
        buf_add_str(out, before);
        add_words(out, s);
    }
    buf_fini(&scratch);
}

static void add_error(struct buf *out, struct jval error)
{
    add_part(out, json_get(error, "title"), ": ");
    add_part(out, json_get(error, "message"), ": ");
    for (struct jval d = json_first(json_get(error, "details")); d.doc; d = json_next(d))
        add_part(out, d, "; ");
}

/* end_sentence cuts what is too long between two characters, and ends it with a full stop. */
static void end_sentence(struct buf *text, struct buf *out)
{
    static const char dots[] = "…";
    struct span s = buf_span(text);
    bool is_cut = s.n > REPLY_REASON_MAX - sizeof dots;

    if (is_cut) {
        s.n = REPLY_REASON_MAX - sizeof dots;
        while (s.n > 0 && ((unsigned char)s.p[s.n] & 0xc0) == 0x80)
            s.n--;
    }
    while (s.n > 0 && (s.p[s.n - 1] == '.' || s.p[s.n - 1] == ' '))
        s.n--;
    buf_add_span(out, s);
    buf_add_str(out, is_cut ? dots : ".");
}

void reply_reason(const struct reply *r, struct jval body, struct buf *out)
{
    struct buf text;

    buf_init(&text, 65536);
    if (r->fail != HTTP_FAIL_NONE) {
        buf_addf(&text, "Front gave no answer: %s", http_fail_text(r->fail));
    } else {
        buf_addf(&text, "Front answered %d", r->status);
        if (json_has(json_get(body, "_error")))
            add_error(&text, json_get(body, "_error"));
        else if (reply_is_redirect(r->status))
            buf_add_str(&text, ": it redirects to somewhere that is not followed");
        else if (!r->has_json)
            buf_add_str(&text, " with a body that is not JSON");
        else
            buf_add_str(&text, " and did not say why");
    }
    end_sentence(&text, out);
    buf_fini(&text);
}

/* ---- Headers ---- */

static int64_t number_of(struct span s)
{
    uint64_t n;

    return span_u64(s, &n) && n <= INT64_MAX ? (int64_t)n : -1;
}

/* An HTTP date, "Sun, 06 Nov 1994 08:49:37 GMT", in seconds; -1 if it is none. */
static int64_t date_of(struct span s)
{
    char text[40];
    struct tm tm = {0};

    if (s.n == 0 || s.n >= sizeof text)
        return -1;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    return end && *end == '\0' ? timegm(&tm) : -1;
}

void reply_rate(struct rate_headers *out, int status, reply_header_fn *get, const void *arg, wall_ms_t now)
{
    *out = (struct rate_headers){
        .limit = number_of(get(arg, "x-ratelimit-limit")),
        .remaining = number_of(get(arg, "x-ratelimit-remaining")),
        .reset_at_s = number_of(get(arg, "x-ratelimit-reset")),
        .burst_limit = number_of(get(arg, "x-ratelimit-burst-limit")),
        .burst_remaining = number_of(get(arg, "x-ratelimit-burst-remaining")),
        .retry_after_ms = http_retry_after(get(arg, "retry-after"), now, RETRY_AFTER_MAX_MS),
        .date_s = date_of(get(arg, "date")),
        .status = status,
    };
}

/* ---- Redirects ---- */

enum err reply_redirect(const char *api, struct span location, struct buf *url)
{
    struct span own = front_host_of_link(span_of(api));
    struct span host = front_host_of_link(location);
    struct buf absolute;
    enum err e = OK;

    must(own.p != NULL);
    buf_init(&absolute, 8192);
    if (!host.p) { /* a path on the same host; "//host/path" is none */
        if (!span_starts(location, "/") || span_starts(location, "//") || span_starts(location, "/\\"))
            return ERR_DENIED;
        buf_add_str(&absolute, "https://h");
    } else if (!span_ieq(own, host) && !(front_host_is_fronts(own) && front_host_is_fronts(host))) {
        return ERR_DENIED;
    }
    buf_add_span(&absolute, location);
    struct span path = front_path_of_link(buf_span(&absolute));
    if (!path.p || absolute.is_over) {
        e = ERR_DENIED;
    } else {
        buf_add(url, api, (size_t)(own.p + own.n - api));
        buf_add_span(url, path);
    }
    buf_fini(&absolute);
    return e;
}
