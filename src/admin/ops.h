/*
 * Operators' requests about messages: one language for the admin listener, STORE/admin.sock and the CLI
 * without a bridge.
 *
 *   GET  /api/v1/messages?channel=&direction=&state=&reason=&limit=&before=   newest first
 *   GET  /api/v1/messages/ID                                                  one, with attempts and body
 *   POST /api/v1/messages/VERB?id=ID,ID…   or   ?all=1&channel=&state=…       retry, hold, release, drop
 *   the same under /api/v1/dead, for dead letters alone (retry, drop)
 *   POST /api/v1/channels/NAME/resume                                         see ops_channel.h
 *   …    /api/v1/events…                                                      see ops_event.h
 *   GET, POST /api/v1/imports?channel=                                        see ops_import.h
 *
 * A delivery that goes in parts has "parts":{"delivered":2,"of":3}. One message has "files", if it has any: each with its
 * "filename", "content_type", "bytes" if known, "state" (wanted, ready, gone) and "reason". An open message that has no reason of
 * its own and waits because the account's calls do has "waits_for":"Front's rate limit".
 *
 * A verb answers {"changed":…,"skipped":…,"missing":…}: skipped are those whose state does not allow it; if any is
 * missing, "missing_ids":["…"] names them; if all are, it is a 404. Ids that are none are refused before anything is changed. While the store fails every request ends with 503 and
 * its reason.
 *
 * Thread: the loop's. Cost: one short read or one bounded write; a change of many goes on in further batches.
 */
#ifndef ADMIN_OPS_H
#define ADMIN_OPS_H

#include "base/buf.h"
#include "base/config.h"
#include "store/store.h"

enum { OPS_LIST_DEFAULT = 100, OPS_LIST_MAX = 1000, OPS_IDS_MAX = 100, OPS_ANSWER_MAX = 64 << 20 };

/* status is an HTTP status; json the answer, or {"error":"one sentence"}. Borrowed during the call. */
typedef void ops_done_fn(int status, struct span json, void *arg);

/* A window of Front's events that an operator wants to be looked at; strings are borrowed during the call. */
struct ops_search {
    const char *account, *types, *inboxes; /* types and inboxes: with commas between, or NULL */
    wall_ms_t after, before;
};
typedef void ops_searched_fn(uint64_t found_n, uint64_t new_n, const char *why, void *arg);

struct store_message;

struct ops_context {
    struct store *store;
    const struct config *config;
    void (*on_change)(void *arg); /* messages may be due now; may be NULL */
    /* opens a channel that Front has deleted, in the bridge that runs; NULL: none does, so the store is told */
    void (*resume)(const char *channel, void (*done)(enum err e, void *done_arg), void *done_arg, void *arg);
    /* asks Front for events, in the bridge that runs; NULL: none does. done is called once, later or from inside. */
    void (*search)(const struct ops_search *s, ops_searched_fn *done, void *done_arg, void *arg);
    void (*on_import)(const char *channel, void *arg); /* lines of its history were stored; may be NULL */
    /* how many a minute Front's allowance would let go, 0: not known yet; NULL: no bridge runs */
    int64_t (*history_rate)(const char *channel, void *arg);
    /* is it Front's rate limit that messages like m wait for? NULL: no bridge runs */
    bool (*waits_for_rate)(const struct store_message *m, void *arg);
    void *arg;
};

/* ops_run answers one request; done is called once, later or from inside. x, and body, must last until then. */
void ops_run(const struct ops_context *x, struct span method, struct span path, struct span query,
             struct span body, ops_done_fn *done, void *arg);

#endif
