/*
 * What the store knows of each operation: its class, and how to forget its results. A table; no verb is
 * special anywhere else but the put (refusal, abandonment).
 */
#include "base/mem.h"
#include "store/claim.h"
#include "store/engine.h"
#include "store/event.h"
#include "store/expire.h"
#include "store/fact.h"
#include "store/import.h"
#include "store/later.h"
#include "store/map.h"
#include "store/operator.h"
#include <stdlib.h>
#include <string.h>

#define OP(type) struct type *p = container_of(op, struct type, op)

void store_put_fini(struct store_put *p)
{
    free(p->told);
    p->told = NULL;
    for (unsigned i = 0; i < p->item_n; i++) {
        free(p->item[i].peer_conversation);
        free(p->item[i].reply);
        free(p->item[i].peer_recipient);
        p->item[i].peer_conversation = p->item[i].reply = p->item[i].peer_recipient = NULL;
    }
}

void store_file_fini(struct store_file *f)
{
    free(f->block);
    *f = (struct store_file){0};
}

void store_message_fini(struct store_message *m)
{
    for (unsigned i = 0; m->file && i < m->file_n; i++)
        store_file_fini(&m->file[i]);
    free(m->file);
    free(m->block);
    *m = (struct store_message){0};
}

static void free_messages(struct store_message **message, unsigned *n)
{
    for (unsigned i = 0; i < *n; i++)
        store_message_fini(&(*message)[i]);
    free(*message);
    *message = NULL;
    *n = 0;
}

void store_claim_fini(struct store_claim *p)
{
    free_messages(&p->message, &p->message_n);
}

void store_list_fini(struct store_list *p)
{
    free_messages(&p->message, &p->message_n);
}

void store_show_fini(struct store_show *p)
{
    store_message_fini(&p->message);
    for (unsigned i = 0; i < p->attempt_n; i++)
        free(p->attempt[i].reason);
    free(p->attempt);
    p->attempt = NULL;
    p->attempt_n = 0;
}

void store_about_fini(struct store_about *p)
{
    store_message_fini(&p->message);
}

void store_stats_fini(struct store_stats *p)
{
    free(p->count);
    p->count = NULL;
    p->count_n = 0;
}

void store_learn_fini(struct store_learn *p)
{
    for (unsigned i = 0; i < p->lesson_n; i++)
        free(p->lesson[i].message_uid);
    p->lesson_n = 0;
}

static void reset_put(struct store_op *op)
{
    OP(store_put);
    store_put_fini(p);
    for (unsigned i = 0; i < p->item_n; i++) {
        struct store_item *item = &p->item[i];
        *item = (struct store_item){.recipient = item->recipient,
                                    .lane = item->lane,
                                    .body = item->body,
                                    .file = item->file,
                                    .file_n = item->file_n};
    }
}

static void reset_import(struct store_op *op)
{
    OP(store_import);
    for (unsigned i = 0; i < p->line_n; i++)
        p->line[i].id = 0;
}

static void reset_claim(struct store_op *op)
{
    OP(store_claim);
    store_claim_fini(p);
    p->next_due = INT64_MAX;
}

static void reset_settle(struct store_op *op)
{
    OP(store_settle);
    p->is_promoted = false;
}

static void reset_cancel(struct store_op *op)
{
    OP(store_cancel);
    p->is_promoted = false;
}

static void reset_orphans(struct store_op *op)
{
    OP(store_orphans);
    p->message_n = 0;
}

static void reset_expire(struct store_op *op)
{
    OP(store_expire);
    p->expired_n = 0;
    p->is_more = false;
    p->next_at = INT64_MAX;
}

void store_prune_fini(struct store_prune *p)
{
    for (unsigned i = 0; i < p->dropped_n; i++)
        free(p->dropped[i]);
    p->dropped_n = 0;
}

static void reset_prune(struct store_op *op)
{
    OP(store_prune);
    store_prune_fini(p);
    p->body_n = p->key_n = p->map_n = 0;
    p->is_more = false;
}

static void reset_admin(struct store_op *op)
{
    OP(store_admin);
    p->message_n = p->skipped_n = 0;
    p->is_more = false;
}

static void reset_list(struct store_op *op)
{
    OP(store_list);
    store_list_fini(p);
    p->is_more = false;
}

static void reset_show(struct store_op *op)
{
    OP(store_show);
    store_show_fini(p);
}

static void reset_about(struct store_op *op)
{
    OP(store_about);
    store_about_fini(p);
    p->is_history = false;
}

static void reset_stats(struct store_op *op)
{
    OP(store_stats);
    store_stats_fini(p);
}

static void reset_learn(struct store_op *op)
{
    OP(store_learn);
    store_learn_fini(p);
    p->next_at = INT64_MAX;
}

void store_reports_fini(struct store_reports *p)
{
    for (unsigned i = 0; i < p->message_n; i++) {
        store_message_fini(&p->message[i]);
        free(p->moved_to[i]);
        p->moved_to[i] = NULL;
    }
    p->message_n = 0;
}

static void reset_reports(struct store_op *op)
{
    OP(store_reports);
    store_reports_fini(p);
    p->next_at = INT64_MAX;
}

static void reset_receipt(struct store_op *op)
{
    OP(store_receipt);
    p->is_new = p->has_report = p->is_queued = false;
}

static void reset_merge(struct store_op *op)
{
    OP(store_merge);
    p->link_n = 0;
}

static void reset_nothing(struct store_op *op)
{
    (void)op;
}

static void reset_confirm(struct store_op *op)
{
    OP(store_confirm);
    p->found_id = 0;
    p->is_new = p->is_promoted = false;
}

void store_standings_fini(struct store_standings *p)
{
    free(p->item);
    p->item = NULL;
    p->item_n = 0;
}

static void reset_standings(struct store_op *op)
{
    OP(store_standings);
    store_standings_fini(p);
}

static void reset_kv(struct store_op *op)
{
    OP(store_kv);
    free(p->found);
    p->found = NULL;
    p->found_n = 0;
}

static void reset_fact(struct store_op *op)
{
    OP(store_fact);
    free(p->found);
    p->found = NULL;
}

static void reset_event_put(struct store_op *op)
{
    OP(store_event_put);
    p->is_new = false;
}

static const char *const event_states[EVENT_STATE_N] = {[EVENT_WAITING] = "waiting",
                                                        [EVENT_ACTED] = "acted",
                                                        [EVENT_IGNORED] = "ignored",
                                                        [EVENT_FAILED] = "failed"};

const char *store_event_state_name(enum event_state s)
{
    return (unsigned)s < EVENT_STATE_N ? event_states[s] : "?";
}

int store_event_state_parse(const char *name)
{
    for (int i = 0; i < EVENT_STATE_N; i++)
        if (strcmp(name, event_states[i]) == 0)
            return i;
    return -1;
}

void store_event_fini(struct store_event *e)
{
    free(e->account);
    free(e->via);
    free(e->event_id);
    free(e->type);
    free(e->result);
    free(e->body);
    *e = (struct store_event){0};
}

void store_events_due_fini(struct store_events_due *p)
{
    for (unsigned i = 0; i < p->event_n; i++)
        store_event_fini(&p->event[i]);
    p->event_n = 0;
}

static void reset_events_due(struct store_op *op)
{
    OP(store_events_due);
    store_events_due_fini(p);
    p->set_aside_id[0] = p->set_aside_type[0] = '\0';
    p->next_at = INT64_MAX;
}

void store_event_list_fini(struct store_event_list *p)
{
    for (unsigned i = 0; i < p->event_n; i++)
        store_event_fini(&p->event[i]);
    free(p->event);
    p->event = NULL;
    p->event_n = 0;
}

static void reset_event_list(struct store_op *op)
{
    OP(store_event_list);
    store_event_list_fini(p);
    p->is_more = false;
}

static void reset_event_replay(struct store_op *op)
{
    OP(store_event_replay);
    p->event_n = 0;
    p->is_more = false;
}

void store_files_due_fini(struct store_files_due *p)
{
    for (unsigned i = 0; i < p->file_n; i++)
        store_file_fini(&p->file[i]);
    p->file_n = 0;
}

static void reset_files_due(struct store_op *op)
{
    OP(store_files_due);
    store_files_due_fini(p);
    p->next_at = INT64_MAX;
}

static void reset_file_end(struct store_op *op)
{
    OP(store_file_end);
    p->message_n = 0;
}

static void reset_file_get(struct store_op *op)
{
    OP(store_file_get);
    store_file_fini(&p->file);
}

static void reset_event_release(struct store_op *op)
{
    OP(store_event_release);
    p->event_n = 0;
}

static void reset_failed(struct store_op *op)
{
    OP(store_failed);
    p->cancelled_n = p->delivered_n = p->ended_n = 0;
    p->is_promoted = false;
}

static size_t bytes_of_put(const struct store_op *op)
{
    const struct store_put *p = container_of((struct store_op *)(uintptr_t)op, struct store_put, op);
    size_t sum = 0;
    for (unsigned i = 0; i < p->item_n; i++)
        sum += p->item[i].body.n;
    return sum;
}

static size_t bytes_of_import(const struct store_op *op)
{
    const struct store_import *p = container_of((struct store_op *)(uintptr_t)op, struct store_import, op);
    size_t sum = 0;
    for (unsigned i = 0; i < p->line_n; i++)
        sum += p->line[i].body.n;
    return sum;
}

static size_t bytes_of_event(const struct store_op *op)
{
    return container_of((struct store_op *)(uintptr_t)op, struct store_event_put, op)->body.n;
}

const struct op_class op_class[STORE_VERB_N] = {
    [STORE_PUT] = {"put", .may_refuse = true, .reset = reset_put, .bytes = bytes_of_put},
    [STORE_IMPORT] = {"import", .may_refuse = true, .reset = reset_import, .bytes = bytes_of_import},
    [STORE_CLAIM] = {"claim", .may_refuse = true, .reset = reset_claim},
    [STORE_SETTLE] = {"settle", .goes_first = true, .reset = reset_settle},
    [STORE_CANCEL] = {"cancel", .goes_first = true, .reset = reset_cancel},
    [STORE_ORPHANS] = {"orphans", .goes_first = true, .reset = reset_orphans},
    [STORE_EXPIRE] = {"expire", .reset = reset_expire},
    [STORE_PRUNE] = {"prune", .reset = reset_prune},
    [STORE_ADMIN] = {"admin", .reset = reset_admin},
    [STORE_LIST] = {"list", .may_refuse = true, .is_read = true, .reset = reset_list},
    [STORE_SHOW] = {"show", .may_refuse = true, .is_read = true, .reset = reset_show},
    [STORE_ABOUT] = {"about", .may_refuse = true, .is_read = true, .reset = reset_about},
    [STORE_STATS] = {"stats", .may_refuse = true, .is_read = true, .reset = reset_stats},
    [STORE_LEARN] = {"learn", .may_refuse = true, .reset = reset_learn},
    [STORE_LEARNT] = {"learnt", .goes_first = true, .reset = reset_nothing},
    [STORE_RECEIPT] = {"receipt", .may_refuse = true, .reset = reset_receipt},
    [STORE_MERGE] = {"merge", .goes_first = true, .reset = reset_merge},
    [STORE_REPORTS] = {"reports", .may_refuse = true, .reset = reset_reports},
    [STORE_REPORTED] = {"reported", .goes_first = true, .reset = reset_nothing},
    [STORE_KV] = {"kv", .reset = reset_kv},
    [STORE_FACT] = {"fact", .reset = reset_fact},
    [STORE_EVENT_PUT] = {"event_put", .may_refuse = true, .reset = reset_event_put, .bytes = bytes_of_event},
    [STORE_EVENTS_DUE] = {"events_due", .may_refuse = true, .reset = reset_events_due},
    [STORE_EVENT_END] = {"event_end", .goes_first = true, .reset = reset_nothing},
    [STORE_EVENT_LIST] = {"event_list", .may_refuse = true, .is_read = true, .reset = reset_event_list},
    [STORE_EVENT_REPLAY] = {"event_replay", .reset = reset_event_replay},
    [STORE_FILES_DUE] = {"files_due", .may_refuse = true, .reset = reset_files_due},
    [STORE_FILE_END] = {"file_end", .goes_first = true, .reset = reset_file_end},
    [STORE_FILE_GET] = {"file_get", .may_refuse = true, .is_read = true, .reset = reset_file_get},
    [STORE_FILE_LOST] = {"file_lost", .goes_first = true, .reset = reset_nothing},
    [STORE_FILES_KNOWN] = {"files_known", .reset = reset_nothing},
    [STORE_EVENT_RELEASE] = {"event_release", .reset = reset_event_release},
    [STORE_FAILED] = {"failed", .goes_first = true, .reset = reset_failed},
    [STORE_STANDINGS] = {"standings", .may_refuse = true, .reset = reset_standings},
    [STORE_STANDING] = {"standing", .reset = reset_nothing},
    [STORE_CONFIRM] = {"confirm", .goes_first = true, .reset = reset_confirm},
};
