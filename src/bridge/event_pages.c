/* What is made of an event, and when Front is asked, is not its business. */
#include "bridge/event_pages.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/point.h"
#include "bridge/events.h"
#include "bridge/staging.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    PATH_MAX_BYTES = 7168, /* less than what the client takes */
    PAGES_MAX = 20000,     /* of one search */
    RESULTS_MAX = 200,     /* of one page */
};

/* One event of a page on its way into the store. */
struct find {
    struct event_pages *pages;
    struct event_words words;
    char *body;
    struct store_event_put put;
};

void event_pages_fini(struct event_pages *p)
{
    free(p->token);
    free(p->seen);
    p->token = NULL;
    p->seen = NULL;
    p->seen_n = 0;
    p->search = (struct search){0};
    p->is_last = p->is_bad = p->is_lossy = false;
    p->page_n = p->found_n = p->new_n = 0;
}

static void page_is_stored(struct event_pages *p)
{
    POINT("after_page");
    if (p->account->bridge->is_stopping)
        p->on_end(p, EVENT_PAGES_STOPPED, "the bridge is stopping");
    else if (p->is_bad)
        p->on_end(p, EVENT_PAGES_USELESS, "Front's pages go round: a token came twice");
    else if (p->is_last)
        p->on_end(p, EVENT_PAGES_READ, NULL);
    else
        p->on_page(p);
}

static void find_free(struct find *f)
{
    event_words_fini(&f->words);
    free(f->body);
    free(f);
}

static void on_stored(struct store_op *op)
{
    struct find *f = container_of(op, struct find, put.op);
    struct event_pages *p = f->pages;

    p->new_n += op->result == OK && f->put.is_new;
    p->is_lossy |= op->result != OK;
    find_free(f);
    if (--p->put_n > 0)
        return;
    if (p->is_lossy)
        p->on_end(p, EVENT_PAGES_FAILED, "the store takes nothing at the moment");
    else
        page_is_stored(p);
}

static void put_event(struct event_pages *p, struct jval item)
{
    struct front_event e;
    struct buf why;
    struct span raw = json_raw(item);

    buf_init(&why, 1024);
    if (front_event_read(&e, item, &why) == OK) {
        struct find *f = mem_zalloc(sizeof *f);
        *f = (struct find){.pages = p, .body = mem_strndup(raw.p, raw.n)};
        f->put = (struct store_event_put){.op.on_done = on_stored,
                                          .account = p->account->config->name,
                                          .via = "",
                                          .body = {f->body, raw.n},
                                          .origin = EVENT_CAUGHT_UP,
                                          .emitted_at = e.emitted_at,
                                          .now = clock_wall_ms(),
                                          .due_at = INT64_MAX};
        event_words_put(&f->words, &e, &f->put);
        p->found_n++;
        store_post_event_put(p->account->bridge->store, &f->put);
    } else {
        p->put_n--; /* Front writes what is no event: nothing can be made of it */
        log_warn("event_unreadable", LOG_STR("account", p->account->config->name),
                 LOG_SPAN("reason", buf_span(&why)));
    }
    front_event_fini(&e);
    buf_fini(&why);
}

static uint64_t hash_of(const char *s)
{
    uint64_t h = UINT64_C(14695981039346656037);

    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);
    return h;
}

/* False: it has been here before, or there are too many. */
static bool see(struct event_pages *p, const char *token)
{
    uint64_t h = hash_of(token);

    for (unsigned i = 0; i < p->seen_n; i++)
        if (p->seen[i] == h)
            return false;
    if (p->seen_n == PAGES_MAX)
        return false;
    if (!p->seen)
        p->seen = mem_calloc(PAGES_MAX, sizeof *p->seen);
    p->seen[p->seen_n++] = h;
    return true;
}

static void take_page(struct event_pages *p, struct jval page)
{
    struct jval results = json_get(page, "_results");
    struct buf token;

    buf_init(&token, SEARCH_TOKEN_MAX);
    enum err next = search_next(page, &token);
    free(p->token);
    p->token = next == OK ? buf_take(&token, NULL) : NULL;
    p->is_last = next == ERR_NOT_FOUND;
    p->is_bad = next == ERR_INVALID || (p->token && !see(p, p->token));
    buf_fini(&token);
    p->page_n++;
    p->put_n = 1; /* until all are posted */
    unsigned n = 0;
    for (struct jval e = json_first(results); e.doc && n < RESULTS_MAX; e = json_next(e), n++) {
        p->put_n++;
        put_event(p, e);
    }
    if (--p->put_n == 0)
        page_is_stored(p);
}

static void on_page_answer(const struct front_result *r, void *arg)
{
    struct event_pages *p = arg;
    char why[200];

    if (r->class == FRONT_CALL_CANCELLED) {
        p->on_end(p, EVENT_PAGES_STOPPED, "the bridge is stopping");
    } else if (r->class == FRONT_CALL_OK && r->json &&
               json_type(json_get(json_root(r->json), "_results")) == JSON_ARRAY) {
        take_page(p, json_root(r->json));
    } else if (r->class == FRONT_CALL_REFUSED && p->token && p->seen_n == 0) {
        /* A token of an earlier process that Front knows no more: the window begins anew. */
        free(p->token);
        p->token = NULL;
        event_pages_ask(p);
    } else {
        snprintf(why, sizeof why, "Front's list of events: %.*s", r->reason.n < 150 ? (int)r->reason.n : 150,
                 r->reason.n ? r->reason.p : "");
        p->on_end(p, r->class == FRONT_CALL_REFUSED ? EVENT_PAGES_USELESS : EVENT_PAGES_FAILED, why);
    }
}

void event_pages_ask(struct event_pages *p)
{
    struct buf path;

    if (p->account->bridge->is_stopping) {
        p->on_end(p, EVENT_PAGES_STOPPED, "the bridge is stopping"); /* the client may be gone already */
        return;
    }
    p->search.page_token = span_of(p->token);
    buf_init(&path, PATH_MAX_BYTES);
    search_path(&p->search, &path);
    if (path.is_over)
        p->on_end(p, EVENT_PAGES_USELESS, "the query is too long for Front: name fewer types and inboxes");
    else
        staging_read(
            p->account,
            &(struct front_request){
                .name = "events", .lane = p->lane, .auth = FRONT_AUTH_TOKEN, .method = "GET", .path = path.p},
            on_page_answer, p);
    buf_fini(&path);
}
