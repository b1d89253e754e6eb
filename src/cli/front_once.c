/*
 * The loop runs until the call has ended, or its time is over; then the call is cancelled.
 */
#include "cli/front_once.h"
#include "base/mem.h"
#include "front/link.h"
#include <stdlib.h>

enum { TIME_MS = 30000, PAGES_MAX = 50, LIST_MAX_BYTES = 8 << 20, LINK_MAX_BYTES = 4096 };

struct talk {
    struct event_base *base;
    struct front_answer *answer;
    bool is_done;
};

void front_once_init(struct front_once *o, const struct config_account *account)
{
    o->base = event_base_new();
    must(o->base);
    o->http = http_client_new(o->base, &(struct http_client_options){0});
    o->client = front_client_new(o->base, o->http, account);
}

void front_once_fini(struct front_once *o)
{
    front_client_free(o->client);
    http_client_free(o->http);
    event_base_free(o->base);
}

static void on_answer(const struct front_result *r, void *arg)
{
    struct talk *t = arg;
    struct front_answer *a = t->answer;
    bool is_late = r->class == FRONT_CALL_CANCELLED;

    a->class = r->class;
    a->status = r->status;
    a->reason = is_late ? mem_strdup("Front is slow, or its rate limit is used up; try again in a minute.")
                        : span_strdup(r->reason);
    a->body = (struct span){span_strdup(r->body), r->body.n};
    a->has_json = a->body.p && json_parse(&a->doc, a->body) == OK;
    t->is_done = true;
    event_base_loopbreak(t->base);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    event_base_loopbreak(arg);
}

bool front_once_call(struct front_once *o, const char *method, const char *path, struct span body,
                     struct front_answer *a)
{
    struct talk t = {.base = o->base, .answer = a};
    const struct timeval tv = clock_tv(TIME_MS);
    const struct front_request r = {.name = "channel",
                                    .lane = RATE_STATUS,
                                    .auth = FRONT_AUTH_TOKEN,
                                    .method = method,
                                    .path = path,
                                    .body = body};

    *a = (struct front_answer){0};
    struct front_call *call = front_call_start(o->client, &r, on_answer, &t);
    struct event *deadline = evtimer_new(o->base, on_deadline, o->base);
    must(deadline && event_add(deadline, &tv) == 0);
    event_base_dispatch(o->base);
    event_free(deadline);
    if (!t.is_done)
        front_call_cancel(call);
    return a->class == FRONT_CALL_OK;
}

void front_answer_fini(struct front_answer *a)
{
    json_fini(&a->doc);
    free(a->reason);
    free((void *)(uintptr_t)a->body.p);
    *a = (struct front_answer){0};
}

struct jval front_answer_root(const struct front_answer *a)
{
    return a->has_json ? json_root(&a->doc) : (struct jval){0};
}

static void add_page(struct jout *all, struct jval page)
{
    for (struct jval v = json_first(json_get(page, "_results")); v.doc; v = json_next(v))
        jout_raw(all, json_raw(v));
}

/* next_path gives the path of the page after this one; NULL: it is the last. */
static char *next_path(struct jval page)
{
    struct buf scratch;

    buf_init(&scratch, LINK_MAX_BYTES);
    char *path = span_strdup(front_path_of_link(json_span(json_path(page, "_pagination.next"), &scratch)));
    buf_fini(&scratch);
    return path;
}

/* take_list makes a the answer with this body. Half a list would be taken for the whole. */
static bool take_list(struct front_answer *a, struct buf *body, bool is_whole)
{
    front_answer_fini(a);
    if (!is_whole) {
        a->class = FRONT_CALL_REFUSED;
        a->reason = mem_strdup("The list is longer than what can be looked through.");
        return false;
    }
    a->class = FRONT_CALL_OK;
    a->status = 200;
    a->reason = mem_strdup("");
    a->body.p = buf_take(body, &a->body.n);
    a->has_json = json_parse(&a->doc, a->body) == OK;
    return true;
}

bool front_once_list(struct front_once *o, const char *path, struct front_answer *a)
{
    char *next = mem_strdup(path);
    struct buf body;
    struct jout all;
    bool is_good = true;

    buf_init(&body, LIST_MAX_BYTES);
    jout_init(&all, &body);
    jout_object(&all);
    jout_key(&all, "_results");
    jout_array(&all);
    for (unsigned n = 0; next && is_good && n < PAGES_MAX; n++) {
        if (n > 0)
            front_answer_fini(a);
        is_good = front_once_call(o, "GET", next, SPAN_NONE, a);
        free(next);
        add_page(&all, front_answer_root(a));
        next = is_good ? next_path(front_answer_root(a)) : NULL;
    }
    jout_array_end(&all);
    jout_object_end(&all);
    if (is_good)
        is_good = take_list(a, &body, !next && !body.is_over);
    free(next);
    buf_fini(&body);
    return is_good;
}
