/* One list of what is being asked; a path that is asked already gets one more who waits. */
#include "bridge/resolve.h"
#include "base/mem.h"
#include "bridge/staging.h"
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct waiter {
    STAILQ_ENTRY(waiter) link;
    front_done_fn *done;
    void *arg;
};

struct question {
    LIST_ENTRY(question) link;
    char *path;
    STAILQ_HEAD(waiters, waiter) waiter;
};

struct resolver {
    struct account *account;
    LIST_HEAD(questions, question) question;
};

struct resolver *resolver_new(struct account *a)
{
    struct resolver *r = mem_zalloc(sizeof *r);

    r->account = a;
    LIST_INIT(&r->question);
    return r;
}

void resolver_free(struct resolver *r)
{
    must(!r || LIST_EMPTY(&r->question));
    free(r);
}

static void on_answer(const struct front_result *result, void *arg)
{
    struct question *q = arg;
    struct waiter *w;

    LIST_REMOVE(q, link);
    while ((w = STAILQ_FIRST(&q->waiter))) {
        STAILQ_REMOVE_HEAD(&q->waiter, link);
        w->done(result, w->arg);
        free(w);
    }
    free(q->path);
    free(q);
}

static struct question *find(const struct resolver *r, const char *path)
{
    struct question *q;

    LIST_FOREACH(q, &r->question, link)
    if (strcmp(q->path, path) == 0)
        return q;
    return NULL;
}

static struct question *ask(struct resolver *r, const char *call, const char *path, const char *resource,
                            const char *channel)
{
    struct question *q = mem_zalloc(sizeof *q);

    q->path = mem_strdup(path);
    STAILQ_INIT(&q->waiter);
    LIST_INSERT_HEAD(&r->question, q, link);
    staging_read(r->account,
                 &(struct front_request){.name = call,
                                         .lane = RATE_RESOLVE,
                                         .auth = r->account->config->token || !channel ? FRONT_AUTH_TOKEN
                                                                                       : FRONT_AUTH_CHANNEL,
                                         .channel = channel,
                                         .method = "GET",
                                         .path = path,
                                         .resource = resource},
                 on_answer, q);
    return q;
}

void resolve(struct resolver *r, const char *call, const char *path, const char *resource,
             const char *channel, front_done_fn *done, void *arg)
{
    struct question *q = find(r, path);
    struct waiter *w = mem_zalloc(sizeof *w);

    if (!q)
        q = ask(r, call, path, resource, channel);
    *w = (struct waiter){.done = done, .arg = arg};
    STAILQ_INSERT_TAIL(&q->waiter, w, link);
}
