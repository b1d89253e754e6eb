/*
 * Reads the query of a search, and finds its pages. Refuses to know how an event is written.
 * Invariant: what is not visible yet is not there at all, in no count and on no page.
 */
#include "sim/search.h"
#include "base/json.h"
#include "base/mem.h"
#include "http/server.h"
#include "sim/account.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUERY_TEXT_MAX = 8192 };

/* ---- The query ---- */

static enum err add(char **list, unsigned *n, unsigned max, struct span value)
{
    if (*n == max || !value.n)
        return ERR_INVALID;
    list[(*n)++] = mem_strndup(value.p, value.n);
    return OK;
}

static enum err take_type(struct sim_search *q, struct span value)
{
    return add(q->type, &q->type_n, SIM_SEARCH_TYPES_MAX, value);
}

static enum err take_inbox(struct sim_search *q, struct span value)
{
    return add(q->inbox, &q->inbox_n, SIM_SEARCH_INBOXES_MAX, value);
}

static enum err take_time(struct span value, wall_ms_t *out)
{
    struct json doc;
    const char *point = memchr(value.p, '.', value.n);
    if (point && value.p + value.n - point > 4)
        return ERR_INVALID; /* json_millis would round it */
    enum err e = json_parse(&doc, value);
    if (e == OK)
        e = json_millis(json_root(&doc), out);
    json_fini(&doc);
    return e != OK || *out <= 0 ? ERR_INVALID : OK;
}

static enum err take_before(struct sim_search *q, struct span value)
{
    return take_time(value, &q->before);
}

static enum err take_after(struct sim_search *q, struct span value)
{
    return take_time(value, &q->after);
}

static enum err take_limit(struct sim_search *q, struct span value)
{
    uint64_t n;
    if (!span_u64(value, &n) || !n)
        return ERR_INVALID;
    q->limit = n < SIM_SEARCH_LIMIT ? (unsigned)n : SIM_SEARCH_LIMIT;
    return OK;
}

static enum err take_order(struct sim_search *q, struct span value)
{
    q->is_ascending = span_is(value, "asc");
    return q->is_ascending || span_is(value, "desc") ? OK : ERR_INVALID;
}

static enum err take_sort(struct sim_search *q, struct span value)
{
    (void)q;
    return span_is(value, "created_at") ? OK : ERR_INVALID;
}

#define TOKEN_MASK UINT64_C(0x5eed0fba6e500000)

static enum err take_token(struct sim_search *q, struct span value)
{
    char text[17] = "", *end;
    if (value.n != 16)
        return ERR_INVALID;
    memcpy(text, value.p, 16);
    q->from = strtoull(text, &end, 16) ^ TOKEN_MASK;
    return *end || q->from > SIM_EVENTS_MAX ? ERR_INVALID : OK;
}

static const struct {
    const char *key;
    enum err (*take)(struct sim_search *q, struct span value);
    const char *wants;
} keys[] = {
    {"q[types]", take_type, "up to 64 types"},
    {"q[inboxes]", take_inbox, "up to 64 inbox ids"},
    {"q[before]", take_before, "seconds with up to three decimals"},
    {"q[after]", take_after, "seconds with up to three decimals"},
    {"limit", take_limit, "a count, of which 15 are used at most"},
    {"page_token", take_token, "a token of a page before it"},
    {"sort_order", take_order, "asc or desc"},
    {"sort_by", take_sort, "created_at"},
};

/* "q[types][]" and "q[types][0]" are "q[types]". */
static bool key_is(struct span name, const char *key)
{
    size_t n = strlen(key);
    if (name.n < n || memcmp(name.p, key, n))
        return false;
    if (name.n == n)
        return true;
    bool is_list = key[0] == 'q' && (key[2] == 't' || key[2] == 'i');
    return is_list && name.n >= n + 2 && name.p[n] == '[' && name.p[name.n - 1] == ']';
}

static enum err take_pair(struct sim_search *q, struct span name, struct span value, struct buf *why)
{
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (!key_is(name, keys[i].key))
            continue;
        if (keys[i].take(q, value) == OK)
            return OK;
        buf_addf(why, "%s should be %s", keys[i].key, keys[i].wants);
        return ERR_INVALID;
    }
    if (!span_starts(name, "q["))
        return OK;
    buf_addf(why, "%.*s is no part of a search", SPAN_FMT(name));
    return ERR_INVALID;
}

static enum err take_raw(struct sim_search *q, struct span raw, struct buf *why)
{
    const char *equals = memchr(raw.p, '=', raw.n);
    struct span name = {raw.p, equals ? (size_t)(equals - raw.p) : raw.n};
    struct span value = equals ? (struct span){equals + 1, raw.n - name.n - 1} : SPAN_LIT("");
    struct buf n, v;
    buf_init(&n, QUERY_TEXT_MAX);
    buf_init(&v, QUERY_TEXT_MAX);
    enum err e = http_percent_decode(name, true, &n);
    if (e == OK)
        e = http_percent_decode(value, true, &v);
    if (e == OK)
        e = take_pair(q, buf_span(&n), buf_span(&v), why);
    else
        buf_add_str(why, "The query is not well encoded");
    buf_fini(&n);
    buf_fini(&v);
    return e;
}

static struct span next_pair(struct span *query)
{
    const char *end = memchr(query->p, '&', query->n);
    struct span pair = {query->p, end ? (size_t)(end - query->p) : query->n};
    size_t used = pair.n + (end ? 1 : 0);
    *query = (struct span){query->p + used, query->n - used};
    return pair;
}

enum err sim_search_read(struct sim_search *q, struct span query, struct buf *why)
{
    *q = (struct sim_search){.limit = SIM_SEARCH_LIMIT};
    while (query.n) {
        struct span pair = next_pair(&query);
        if (pair.n && take_raw(q, pair, why) != OK)
            return ERR_INVALID;
    }
    return OK;
}

void sim_search_fini(struct sim_search *q)
{
    for (unsigned i = 0; i < q->type_n; i++)
        free(q->type[i]);
    for (unsigned i = 0; i < q->inbox_n; i++)
        free(q->inbox[i]);
    *q = (struct sim_search){0};
}

void sim_search_next(struct span query, uint64_t place, struct buf *out)
{
    while (query.n) {
        struct span pair = next_pair(&query);
        if (!pair.n || span_starts(pair, "page_token="))
            continue;
        buf_add_span(out, pair);
        buf_add_char(out, '&');
    }
    buf_addf(out, "page_token=%016llx", (unsigned long long)(place ^ TOKEN_MASK));
}

/* ---- The pages ---- */

static bool has_type(const struct sim_search *q, const struct sim_event *e)
{
    for (unsigned i = 0; i < q->type_n; i++)
        if (!strcmp(q->type[i], e->type))
            return true;
    return !q->type_n;
}

static bool has_inbox(const struct sim_search *q, const struct sim_event *e)
{
    for (unsigned i = 0; i < q->inbox_n; i++)
        if (e->inbox && !strcmp(q->inbox[i], e->inbox->id))
            return true;
    return !q->inbox_n;
}

static bool fits(const struct sim_search *q, const struct sim_event *e)
{
    return (!q->after || e->emitted_at > q->after) && (!q->before || e->emitted_at < q->before) &&
           (!q->conversation || sim_conversation_now(e->conversation) == q->conversation) && has_type(q, e) &&
           has_inbox(q, e);
}

/* What counts for places: all that is visible, or all that fits. */
static bool counts(const struct sim_search *q, const struct sim_event *e, wall_ms_t now)
{
    return e->visible_at <= now && (q->is_thin || fits(q, e));
}

void sim_search_page(const struct sim_event_log *log, const struct sim_search *q, wall_ms_t now,
                     struct sim_page *page)
{
    uint64_t place = 0;
    *page = (struct sim_page){.is_last = true, .next = q->from};
    for (unsigned i = 0; i < log->n; i++) {
        const struct sim_event *e = log->sorted[q->is_ascending ? i : log->n - 1 - i];
        if (!counts(q, e, now) || place++ < q->from)
            continue;
        if (page->next == q->from + q->limit) {
            page->is_last = false;
            return;
        }
        page->next++;
        if (fits(q, e))
            page->event[page->n++] = e;
    }
}
