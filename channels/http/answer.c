/*
 * What an answer of the backend means: one table for failures, one for status codes. Pure.
 *
 * Invariant: an outcome other than delivered has a plain sentence, whatever the backend wrote.
 */
#include "http.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { DATE_CHARS_MAX = 64 };

struct rule {
    int from, to;
    uint32_t kind;
    const char *reason; /* %d: the status */
};

/* The first that fits. 3xx: a redirect is no answer of the backend; following it would carry secrets
 * elsewhere. */
static const struct rule status_rules[] = {
    {200, 299, FB_DELIVERED, ""},
    {300, 399, FB_RETRY,
     "The chat system answered with a redirect (%d): set `url` to the address it moved to."},
    {408, 408, FB_RETRY, "The chat system was too slow to read the message (%d)."},
    {425, 425, FB_RETRY, "The chat system is not ready for the message yet (%d)."},
    {429, 429, FB_RETRY, "The chat system takes no more messages right now (%d)."},
    {400, 499, FB_REJECTED, "The chat system refused the message (%d)."},
    {500, 599, FB_RETRY, "The chat system has a problem of its own (%d)."},
    {0, 999999, FB_RETRY, "The chat system answered with a status that means nothing (%d)."},
};

static const struct {
    uint32_t kind, flags;
    const char *reason; /* %s: the host's words */
} failures[] = {
    [FB_HTTP_OK] = {0},
    [FB_HTTP_UNREACHABLE] = {FB_RETRY, FB_OUTCOME_UNREACHABLE, "The chat system cannot be reached: %s."},
    [FB_HTTP_LOST] = {FB_UNKNOWN, 0, "The chat system may have the message, but its answer was lost: %s."},
    [FB_HTTP_REFUSED] = {FB_RETRY, FB_OUTCOME_UNREACHABLE, "The chat system was not called: %s."},
};

static int64_t bounded_ms(int64_t seconds)
{
    return 1000 * (seconds < 0 ? 0 : seconds > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : seconds);
}

/* "Sun, 06 Nov 1994 08:49:37 GMT", the one form that may be sent (RFC 9110, 5.6.7). No strptime: it follows
 * the locale. */
static bool date_read(const char *text, int64_t *seconds)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char month[4];
    struct tm tm = {0};
    int end = 0;
    if (strlen(text) > DATE_CHARS_MAX ||
        sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &tm.tm_mday, month, &tm.tm_year,
               &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) != 6 ||
        !end || text[end])
        return false;
    const char *at = strstr(months, month);
    if (!at || strlen(month) != 3 || (at - months) % 3)
        return false;
    tm.tm_mon = (int)(at - months) / 3;
    tm.tm_year -= 1900;
    *seconds = (int64_t)timegm(&tm);
    return true;
}

int64_t answer_retry_after(const char *value, int64_t now_ms)
{
    uint64_t seconds;
    int64_t at;
    if (!value)
        return 0;
    if (span_u64(span_of(value), &seconds))
        return bounded_ms(seconds > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : (int64_t)seconds);
    return date_read(value, &at) ? bounded_ms(at - now_ms / 1000) : 0;
}

static void ids_read(struct jval body, struct verdict *out)
{
    if (wire_id(json_get(body, "external_id"), out->external_id))
        out->outcome.external_id = out->external_id;
    if (wire_id(json_get(body, "conversation_id"), out->conversation_id))
        out->outcome.conversation_id = out->conversation_id;
}

/* sentence_read replaces the default sentence by the backend's own, if there is one. */
static void sentence_read(struct jval body, struct verdict *out)
{
    struct buf text;
    char line[WIRE_SENTENCE_MAX];
    buf_init(&text, WIRE_TEXT_MAX);
    struct span message = json_span(json_get(body, "message"), &text);
    if (message.n && wire_line(message, line, sizeof line))
        memcpy(out->reason, line, sizeof line);
    buf_fini(&text);
}

/* body_read takes what the backend says beside its status, if that is a JSON object. */
static void body_read(const struct fb_http_answer *a, struct verdict *out)
{
    struct json doc;
    if (!a->body_n)
        return;
    if (!json_parse(&doc, (struct span){a->body, a->body_n})) {
        if (out->outcome.kind == FB_DELIVERED)
            ids_read(json_root(&doc), out);
        else if (out->outcome.kind == FB_REJECTED)
            sentence_read(json_root(&doc), out);
    }
    json_fini(&doc);
}

static void status_judge(const struct fb_http_answer *a, int64_t now_ms, struct verdict *out)
{
    const struct rule *rule = status_rules;
    int status = a->status < 0 ? 0 : a->status % 1000000;
    while (status < rule->from || status > rule->to)
        rule++;
    out->outcome.kind = rule->kind;
    snprintf(out->reason, sizeof out->reason, rule->reason, status);
    if (rule->kind == FB_RETRY)
        out->outcome.retry_after_ms =
            answer_retry_after(fb_header_get(a->headers, a->header_n, "retry-after"), now_ms);
    body_read(a, out);
}

static void fail_judge(const struct fb_http_answer *a, struct verdict *out)
{
    uint32_t fail = a->fail <= FB_HTTP_REFUSED ? a->fail : FB_HTTP_LOST;
    char words[WIRE_SENTENCE_MAX];
    wire_line(span_of(a->message ? a->message : "no reason is known"), words, sizeof words / 2);
    out->outcome.kind = failures[fail].kind;
    out->outcome.flags = failures[fail].flags;
    snprintf(out->reason, sizeof out->reason, failures[fail].reason, words);
}

void answer_judge(const struct fb_http_answer *a, int64_t now_ms, struct verdict *out)
{
    *out = (struct verdict){.outcome.size = sizeof out->outcome, .outcome.code = a->status};
    if (a->fail == FB_HTTP_OK)
        status_judge(a, now_ms, out);
    else
        fail_judge(a, out);
    if (out->outcome.kind != FB_DELIVERED)
        out->outcome.reason = out->reason;
}
