/*
 * Inside the store: what the loop's side (store.c) and the thread's side (thread.c) share.
 * Invariant: what is under `lock` is touched only with it held; the rest belongs to one side, as noted.
 */
#ifndef STORE_THREAD_H
#define STORE_THREAD_H

#include "store/engine.h"
#include <pthread.h>

struct op_list {
    struct store_op *first, *last;
    size_t n;
};

void list_push(struct op_list *l, struct store_op *op);
struct store_op *list_pop(struct op_list *l);               /* NULL when empty */
void list_append(struct op_list *l, struct op_list *more);  /* empties more */
void list_prepend(struct op_list *l, struct op_list *more); /* empties more */

struct store {
    const struct engine_type *type;
    char *url;
    struct store_options options;
    struct event *event; /* loop */
    int event_fd;
    bool told_healthy; /* loop */
    pthread_t thread;

    pthread_mutex_t lock;
    pthread_cond_t wake, opened;
    struct op_list first, rest; /* posted: what frees resources, the others */
    struct op_list done;        /* to be handed back */
    size_t put_n, put_bytes;    /* new work that waits */
    bool is_idle;               /* the thread waits for `wake` */
    bool was_opened;            /* tried, at least */
    bool is_stopping;
    mono_ms_t stop_by;
    struct buf reason;

    atomic_bool is_healthy;
    atomic_bool has_tag;
    char tag[ENGINE_TAG_BYTES]; /* written once, before has_tag */
    atomic_uint_fast64_t commit_bucket[STORE_COMMIT_BUCKETS], commit_n, commit_ns;

    /* the thread's */
    struct engine *engine; /* NULL while it fails */
    mono_ms_t open_at;     /* next time to try */
    bool has_worked;       /* something was committed since it was opened */
    struct op_list batch, reads;
    struct engine_doubt *doubt;
    size_t doubt_n, doubt_cap;
};

void *thread_main(void *store);
/* store_hand_back gives finished operations to the loop; store_tell_loop wakes it for a change of health. */
void store_hand_back(struct store *s, struct op_list *ops);
void store_tell_loop(struct store *s);
bool store_may_refuse(const struct store_op *op);
const char *store_tag(const struct store *s);

#endif
