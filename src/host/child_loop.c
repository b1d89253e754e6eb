/*
 * The adapter's timers, watched descriptors and posts from its other threads, on the host's one loop. Bounded
 * tables; an id carries a generation, so that one that has fired is ignored for ever.
 */
#include "host/child.h"
#include "base/clock.h"
#include "base/mem.h"
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct timer {
    struct child *child;
    struct event *event;
    fb_timer_fn *fn; /* NULL: free */
    void *arg;
    uint64_t id;
};

struct child_timers {
    struct timer slot[CHILD_TIMERS_MAX];
    uint64_t generation;
    unsigned free_hint;
};

struct watch {
    int fd;
    struct event *event;
    fb_watch_fn *fn;
    void *arg;
    struct watch *next;
};

struct child_watches {
    struct watch *first;
    unsigned n;
};

struct post {
    fb_post_fn *fn;
    void *arg;
    struct post *next;
};

struct child_posts {
    pthread_mutex_t lock;
    struct post *first, **tail;
    unsigned n;
    bool is_closed;
    int eventfd;
    struct event *event;
};

/* ---- Timers ---- */

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct timer *t = arg;
    fb_timer_fn *fn = t->fn;
    t->fn = NULL;
    fn(t->arg);
}

static struct timer *free_timer(struct child_timers *t)
{
    for (unsigned i = 0; i < CHILD_TIMERS_MAX; i++) {
        unsigned at = (t->free_hint + i) % CHILD_TIMERS_MAX;
        if (!t->slot[at].fn) {
            t->free_hint = (at + 1) % CHILD_TIMERS_MAX;
            return &t->slot[at];
        }
    }
    return NULL;
}

uint64_t child_timer(const struct fb_host *host, int64_t delay_ms, fb_timer_fn *fn, void *arg)
{
    struct child *c = child_of(host);
    struct timer *t = fn && !child_is_elsewhere(c, "timer") ? free_timer(c->timers) : NULL;
    if (!t)
        return 0;
    if (!t->event)
        t->event = evtimer_new(c->base, on_timer, t);
    must(t->event);
    t->child = c;
    t->fn = fn;
    t->arg = arg;
    t->id = ++c->timers->generation * CHILD_TIMERS_MAX + (uint64_t)(t - c->timers->slot);
    struct timeval tv = clock_tv(delay_ms);
    event_add(t->event, &tv);
    return t->id;
}

void child_timer_cancel(const struct fb_host *host, uint64_t id)
{
    struct timer *t = &child_of(host)->timers->slot[id % CHILD_TIMERS_MAX];
    if (child_is_elsewhere(child_of(host), "timer_cancel") || !t->fn || t->id != id)
        return;
    t->fn = NULL;
    event_del(t->event);
}

/* ---- Watches ---- */

static void on_watch(evutil_socket_t fd, short what, void *arg)
{
    struct watch *w = arg;
    uint32_t ready = (what & EV_READ ? FB_WATCH_READ : 0) | (what & EV_WRITE ? FB_WATCH_WRITE : 0);
    w->fn(w->arg, (int)fd, ready);
}

static void end_watch(struct child_watches *all, struct watch **at)
{
    struct watch *w = *at;
    *at = w->next;
    all->n--;
    event_free(w->event);
    free(w);
}

static struct watch **find_watch(struct child_watches *all, int fd)
{
    struct watch **at = &all->first;
    while (*at && (*at)->fd != fd)
        at = &(*at)->next;
    return at;
}

static int add_watch(struct child *c, int fd, short what, fb_watch_fn *fn, void *arg)
{
    if (c->watches->n >= CHILD_WATCHES_MAX)
        return FB_ERR_FULL;
    struct watch *w = mem_zalloc(sizeof *w);
    *w = (struct watch){.fd = fd, .fn = fn, .arg = arg};
    w->event = event_new(c->base, fd, (short)(what | EV_PERSIST), on_watch, w);
    if (!w->event || event_add(w->event, NULL) != 0) { /* epoll refuses plain files */
        if (w->event)
            event_free(w->event);
        free(w);
        return child_complain(c, "watch", "the descriptor cannot be watched");
    }
    w->next = c->watches->first;
    c->watches->first = w;
    c->watches->n++;
    return FB_OK;
}

int child_watch(const struct fb_host *host, int fd, uint32_t events, fb_watch_fn *fn, void *arg)
{
    struct child *c = child_of(host);
    if (child_is_elsewhere(c, "watch"))
        return FB_ERR_INVALID;
    struct watch **at = find_watch(c->watches, fd);
    short what = (short)((events & FB_WATCH_READ ? EV_READ : 0) | (events & FB_WATCH_WRITE ? EV_WRITE : 0));
    if (fd < 0 || (what && !fn))
        return child_complain(c, "watch", "a descriptor and a function are required");
    if (*at)
        end_watch(c->watches, at);
    return what ? add_watch(c, fd, what, fn, arg) : FB_OK;
}

/* ---- Posts ---- */

int child_post(const struct fb_host *host, fb_post_fn *fn, void *arg)
{
    struct child_posts *p = child_of(host)->posts;
    int result = FB_ERR_FULL;
    if (!fn)
        return FB_ERR_INVALID;
    pthread_mutex_lock(&p->lock);
    if (p->is_closed) {
        result = FB_ERR_CLOSED;
    } else if (p->n < CHILD_POSTS_MAX) {
        struct post *one = mem_zalloc(sizeof *one);
        *one = (struct post){.fn = fn, .arg = arg};
        *p->tail = one;
        p->tail = &one->next;
        p->n++;
        eventfd_write(p->eventfd, 1);
        result = FB_OK;
    }
    pthread_mutex_unlock(&p->lock);
    return result;
}

static struct post *take_posts(struct child_posts *p)
{
    pthread_mutex_lock(&p->lock);
    struct post *all = p->first;
    p->first = NULL;
    p->tail = &p->first;
    p->n = 0;
    pthread_mutex_unlock(&p->lock);
    return all;
}

static void on_posted(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct child *c = arg;
    eventfd_t count;
    eventfd_read((int)fd, &count);
    for (struct post *p = take_posts(c->posts), *next; p; p = next) {
        next = p->next;
        p->fn(p->arg);
        free(p);
    }
}

void child_loop_init(struct child *c)
{
    c->timers = mem_zalloc(sizeof *c->timers);
    c->watches = mem_zalloc(sizeof *c->watches);
    struct child_posts *p = c->posts = mem_zalloc(sizeof *c->posts);
    pthread_mutex_init(&p->lock, NULL);
    p->tail = &p->first;
    p->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    must(p->eventfd >= 0);
    p->event = event_new(c->base, p->eventfd, EV_READ | EV_PERSIST, on_posted, c);
    must(p->event);
    event_add(p->event, NULL);
}

/* Danger: other threads of the adapter may still post; the lock and the closed flag stay until the process
 * ends. */
void child_loop_fini(struct child *c)
{
    for (unsigned i = 0; i < CHILD_TIMERS_MAX; i++) {
        if (c->timers->slot[i].event)
            event_free(c->timers->slot[i].event);
    }
    free(c->timers);
    while (c->watches->first)
        end_watch(c->watches, &c->watches->first);
    free(c->watches);
    pthread_mutex_lock(&c->posts->lock);
    c->posts->is_closed = true;
    pthread_mutex_unlock(&c->posts->lock);
    event_free(c->posts->event);
    for (struct post *p = take_posts(c->posts), *next; p; p = next) {
        next = p->next;
        free(p);
    }
}
