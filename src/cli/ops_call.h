/*
 * An operator's request (admin/ops.h), answered by the bridge that runs, through STORE/admin.sock, or else by
 * the store itself, opened here under its lock. Which of them it was makes no difference to the answer.
 *
 * Owns: ops_answer_fini frees what ops_call has put there. Never creates a store.
 */
#ifndef CLI_OPS_CALL_H
#define CLI_OPS_CALL_H

#include "base/config.h"

struct ops_answer {
    int status; /* of HTTP */
    struct buf json;
};

void ops_answer_init(struct ops_answer *a);
void ops_answer_fini(struct ops_answer *a);

/* ops_call asks "GET" or "POST" of "/api/v1/…?…". EXIT_FINE: there is an answer, of whatever status; else it
 * said why there is none. */
MUST_CHECK int ops_call(const struct config *c, const char *method, const char *target,
                        struct ops_answer *out);

/* ops_send is the same with a body (absent: none), and says nothing: why takes the sentence. EXIT_TRY_LATER: it may
 * be another matter in a moment. */
MUST_CHECK int ops_send(const struct config *c, const char *method, const char *target, struct span body,
                        struct ops_answer *out, struct buf *why);

/* ops_ask_bridge asks "GET" of the running bridge alone. False: none answers; nothing was said about it. */
MUST_CHECK bool ops_ask_bridge(const struct config *c, const char *target, struct ops_answer *out);

#endif
