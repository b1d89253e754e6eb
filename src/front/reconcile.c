/*
 * Decides whether a message that Front shows is ours. It trusts no shape: what cannot be read is said to be so,
 * since "not found" leads to sending again.
 */
#include "front/reconcile.h"
#include "base/mem.h"
#include "front/client.h"
#include "front/link.h"
#include <stdlib.h>
#include <string.h>

enum { LINK_MAX_BYTES = 8192, ID_MAX = 1024, COMMENT_MAX = 2 << 20 };

void finding_fini(struct finding *f)
{
    for (unsigned i = 0; i < f->candidate_n; i++)
        free(f->candidate[i]);
    free(f->message_id);
    free(f->uid);
    free(f->conversation);
    free(f->next);
    *f = (struct finding){0};
}

/* ---- One message ---- */

static bool shows_our_id(struct jval message, const char *id)
{
    return json_is(json_path(message, "metadata.external_id"), id) ||
           json_is(json_path(message, "metadata.headers.front_bridge_id"), id);
}

static bool names(struct jval message, const char *handle)
{
    for (struct jval r = json_first(json_get(message, "recipients")); r.doc; r = json_next(r))
        if (json_is(json_get(r, "handle"), handle))
            return true;
    return false;
}

static char *id_of_link(struct jval link)
{
    struct buf scratch;

    buf_init(&scratch, LINK_MAX_BYTES);
    char *id = span_strdup(front_id_of_link(json_span(link, &scratch)));
    buf_fini(&scratch);
    return id;
}

static void take(struct finding *f, struct jval message)
{
    f->is_found = f->is_readable = true; /* wherever the next page may be */
    f->message_id = json_dup(json_get(message, "id"), FRONT_ID_MAX);
    f->uid = json_dup(json_get(message, "message_uid"), FRONT_ID_MAX);
    f->conversation = id_of_link(json_path(message, "_links.related.conversation"));
}

static void add_candidate(struct finding *f, char *id)
{
    if (id && f->candidate_n < RECONCILE_CANDIDATES_MAX) {
        f->candidate[f->candidate_n++] = id;
        return;
    }
    f->is_crowded = f->is_crowded || id;
    free(id);
}

static void consider(struct finding *f, struct jval message, const struct sought *s)
{
    if (f->is_found || json_type(message) != JSON_OBJECT)
        return;
    if (shows_our_id(message, s->id))
        take(f, message);
    else if (s->is_hidden && names(message, s->handle))
        add_candidate(f, json_dup(json_get(message, "id"), FRONT_ID_MAX));
}

/* ---- Lists ---- */

/* A preview says nothing of its message but the id. */
static void consider_target(struct finding *f, struct jval event, const struct sought *s)
{
    struct jval target = json_get(event, "target"), data = json_get(target, "data");

    if (json_has(data))
        consider(f, data, s);
    else if (json_has(json_get(target, "id")))
        add_candidate(f, json_dup(json_get(target, "id"), FRONT_ID_MAX));
    else
        add_candidate(f, id_of_link(json_path(target, "_links.self")));
}

static void read_next(struct finding *f, struct jval root)
{
    struct jval next = json_path(root, "_pagination.next");
    struct buf link, token;

    if (!json_has(next))
        return;
    buf_init(&link, LINK_MAX_BYTES);
    buf_init(&token, ID_MAX);
    if (front_page_token_of_link(json_span(next, &link), &token) == OK)
        f->next = buf_take(&token, NULL);
    else
        f->is_readable = false; /* there is more, and nobody knows where */
    buf_fini(&link);
    buf_fini(&token);
}

static struct jval results_of(struct finding *f, const struct json *json)
{
    struct jval results = json ? json_get(json_root(json), "_results") : (struct jval){0};

    *f = (struct finding){.is_readable = json_type(results) == JSON_ARRAY};
    if (f->is_readable)
        read_next(f, json_root(json));
    return results;
}

void reconcile_messages(struct finding *f, const struct json *json, const struct sought *s)
{
    struct jval results = results_of(f, json);
    int64_t at;

    for (struct jval m = json_first(results); m.doc; m = json_next(m)) {
        consider(f, m, s);
        f->is_past = s->since > 0 && json_millis(json_get(m, "created_at"), &at) == OK && at < s->since;
    }
}

/* What Front may change of a comment's markup. */
static bool is_passed_over(char c)
{
    return (unsigned char)c <= ' ' || c == '\\';
}

static struct span pass_over(struct span s)
{
    while (s.n > 0 && is_passed_over(*s.p))
        s = (struct span){s.p + 1, s.n - 1};
    return s;
}

static bool has_same_words(struct span a, struct span b)
{
    for (;;) {
        a = pass_over(a);
        b = pass_over(b);
        if (a.n == 0 || b.n == 0)
            return a.n == b.n;
        if (*a.p != *b.p)
            return false;
        a = (struct span){a.p + 1, a.n - 1};
        b = (struct span){b.p + 1, b.n - 1};
    }
}

static bool is_ours(struct jval comment, const struct sought *s)
{
    struct buf body;

    buf_init(&body, COMMENT_MAX);
    struct span shown = json_span(json_get(comment, "body"), &body);
    bool is_same = shown.n > 0 && !body.is_over && has_same_words(shown, s->text);
    buf_fini(&body);
    return is_same;
}

void reconcile_comments(struct finding *f, const struct json *json, const struct sought *s)
{
    struct jval results = results_of(f, json);
    int64_t at;

    for (struct jval c = json_first(results); c.doc && !f->is_found && !f->is_past; c = json_next(c)) {
        f->is_past = json_millis(json_get(c, "posted_at"), &at) == OK && at < s->since;
        f->is_found = !f->is_past && is_ours(c, s);
        f->is_readable |= f->is_found;
    }
}

void reconcile_events(struct finding *f, const struct json *json, const struct sought *s)
{
    struct jval results = results_of(f, json);

    for (struct jval e = json_first(results); e.doc; e = json_next(e))
        consider_target(f, e, s);
}

void reconcile_message(struct finding *f, const struct json *json, const struct sought *s)
{
    struct jval message = json ? json_root(json) : (struct jval){0};

    *f = (struct finding){.is_readable = json_type(message) == JSON_OBJECT};
    if (f->is_readable && shows_our_id(message, s->id))
        take(f, message);
}

/* ---- Paths ---- */

static void add_token(struct buf *out, const char *token)
{
    buf_addf(out, "limit=%d", RECONCILE_PAGE);
    if (token)
        front_path(out, "&page_token=%s", token);
}

void reconcile_messages_path(struct buf *out, const char *conversation, const char *token)
{
    front_path(out, "/conversations/%s/messages?", conversation);
    add_token(out, token);
}

/* Front documents no limit for these, and none is asked for. */
void reconcile_comments_path(struct buf *out, const char *conversation, const char *token)
{
    front_path(out, "/conversations/%s/comments", conversation);
    if (token)
        front_path(out, "?page_token=%s", token);
}

static void add_time(struct buf *out, const char *key, wall_ms_t at)
{
    buf_addf(out, "q%%5B%s%%5D=%lld.%03lld&", key, (long long)(at / 1000), (long long)(at % 1000));
}

void reconcile_events_path(struct buf *out, const struct reconcile_window *w, const char *token)
{
    static const char *const types[] = {"inbound", "outbound", "out_reply"};
    unsigned from = w->is_from_agent ? 1 : 0, until = w->is_from_agent ? 3 : 1;

    buf_add_str(out, "/events?");
    for (unsigned i = from; i < until; i++)
        buf_addf(out, "q%%5Btypes%%5D%%5B%%5D=%s&", types[i]);
    buf_add_str(out, "q%5Binboxes%5D%5B%5D=");
    front_path(out, "%s&", w->inbox);
    add_time(out, "after", w->after);
    add_time(out, "before", w->before);
    add_token(out, token);
}
