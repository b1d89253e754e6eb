/*
 * The loop runs until the call has ended, or its time is over; then the call is cancelled.
 */
#include "cli/front_once.h"
#include "base/mem.h"
#include <stdlib.h>

enum { TIME_MS = 30000 };

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
