/* What the store's tests share: a store in a temporary directory, and its operations made synchronous. */
#ifndef STORE_TEST_KIT_H
#define STORE_TEST_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "store/claim.h"
#include "store/event.h"
#include "store/expire.h"
#include "store/fact.h"
#include "store/import.h"
#include "store/later.h"
#include "store/map.h"
#include "store/operator.h"

struct kit {
    struct event_base *base;
    struct store *store;
    char dir[64];
    unsigned health_n; /* how often it changed */
};

void kit_open(struct kit *k);   /* makes the directory */
void kit_reopen(struct kit *k); /* closes and opens the store */
void kit_start(struct kit *k);  /* opens the store in dir */
void kit_stop(struct kit *k);   /* closes it */
void kit_close(struct kit *k);  /* and removes the directory */
/* For cmocka: *state is an open kit; at the end its counters and heads are checked. */
int kit_set_up(void **state);
int kit_tear_down(void **state);
void kit_turn(struct kit *k); /* one turn of the loop, waiting for something */
void kit_await(struct kit *k, const struct store_op *op);
void kit_await_health(struct kit *k, bool is_ok);
void kit_expect(void *op); /* marks an operation as not done: set its on_done */

enum err kit_put(struct kit *k, struct store_put *p);
enum err kit_import(struct kit *k, struct store_import *p);
enum err kit_claim(struct kit *k, struct store_claim *p);
enum err kit_settle(struct kit *k, struct store_settle *p);
enum err kit_cancel(struct kit *k, struct store_cancel *p);
enum err kit_orphans(struct kit *k, struct store_orphans *p);
enum err kit_expire(struct kit *k, struct store_expire *p);
enum err kit_prune(struct kit *k, struct store_prune *p);
enum err kit_admin(struct kit *k, struct store_admin *p);
enum err kit_list(struct kit *k, struct store_list *p);
enum err kit_show(struct kit *k, struct store_show *p);
enum err kit_about(struct kit *k, struct store_about *p);
enum err kit_stats(struct kit *k, struct store_stats *p);
enum err kit_learn(struct kit *k, struct store_learn *p);
enum err kit_learnt(struct kit *k, struct store_learnt *p);
enum err kit_merge(struct kit *k, struct store_merge *p);
enum err kit_kv(struct kit *k, struct store_kv *p);
enum err kit_confirm(struct kit *k, struct store_confirm *p);
enum err kit_standing(struct kit *k, struct store_standing *p);
enum err kit_files_due(struct kit *k, struct store_files_due *p);
enum err kit_file_end(struct kit *k, struct store_file_end *p);
enum err kit_file_get(struct kit *k, struct store_file_get *p);
enum err kit_files_known(struct kit *k, struct store_files_known *p);
enum err kit_reports(struct kit *k, struct store_reports *p);
enum err kit_failed(struct kit *k, struct store_failed *p);
enum err kit_receipt(struct kit *k, struct store_receipt *p);
enum err kit_reported(struct kit *k, struct store_reported *p);
enum err kit_event_put(struct kit *k, struct store_event_put *p);
enum err kit_event_release(struct kit *k, struct store_event_release *p);
enum err kit_events_due(struct kit *k, struct store_events_due *p);
enum err kit_event_end(struct kit *k, struct store_event_end *p);
enum err kit_event_list(struct kit *k, struct store_event_list *p);
enum err kit_event_replay(struct kit *k, struct store_event_replay *p);
enum err kit_file_lost(struct kit *k, struct store_file_lost *p);

void on_kit_done(struct store_op *op);

/* ---- Short forms; the clock is NOW unless a test moves it ---- */
enum { NOW = 1000000, LIFE = 3600000 };
#define CHANNEL "support"

struct put1 {
    struct store_put put;
    struct store_item item;
};
/* put1 puts one message out: id NULL means none. */
struct store_item put1(struct kit *k, const char *id, const char *lane, const char *body, unsigned start_max);
struct store_item put_at(struct kit *k, const char *id, const char *lane, const char *body,
                         unsigned start_max, wall_ms_t now);
struct delivered { /* what is NULL is absent */
    const char *id, *handle, *conversation, *thread_ref;
    const char *external_id, *peer_conversation; /* what the backend answers */
    const char *lane, *body;                     /* NULL: id, "{}" */
};
/* deliver1 puts a delivery, starts it, and lets the backend take it; returns its id. */
int64_t deliver1(struct kit *k, const struct delivered *d);
/* claim1 claims one message at a time and returns its id, or 0. */
int64_t claim_at(struct kit *k, wall_ms_t now);
enum err settle1(struct kit *k, int64_t id, uint32_t attempt, enum message_verb verb);
enum message_state state_of(struct kit *k, int64_t id);
uint64_t count_of(struct kit *k, enum message_state s);
/* check_sums compares the counters with the rows themselves, and every lane's head with the rule. */
void check_sums(struct kit *k);

#endif
