/*
 * Looking for a message of ours in what Front shows: the answer to its POST was lost. Pure; fuzzed.
 *
 * Our id went with every POST and is shown in metadata.headers.front_bridge_id (custom channels) or
 * metadata.external_id (application channels, and then to the channel's own JWT alone). A message that may be ours
 * and does not show its ids here is a candidate: its own resource says more.
 */
#ifndef FRONT_RECONCILE_H
#define FRONT_RECONCILE_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"

enum { RECONCILE_PAGE = 100, RECONCILE_CANDIDATES_MAX = 32 };

struct sought {
    const char *id;     /* ours */
    const char *handle; /* the customer's: candidates name it */
    bool is_hidden;     /* ids are not shown to whoever asked */
    wall_ms_t since;    /* nothing older is ours; 0: not known */
    struct span text;   /* of a comment, which shows no id */
};

struct finding {
    char *message_id, *uid, *conversation; /* of the message that is ours; NULL: not shown */
    bool is_found;
    bool is_readable; /* false: no list of what was asked for */
    bool is_past;     /* a list sorted by creation has come to what is older than since */
    char *next;       /* the token of the next page; NULL: this is the last */
    char *candidate[RECONCILE_CANDIDATES_MAX];
    unsigned candidate_n;
    bool is_crowded; /* there were more candidates */
};
void finding_fini(struct finding *f);

/* Each reads one answer of Front; json may be NULL. Call finding_fini after it. */
void reconcile_messages(struct finding *f, const struct json *json,
                        const struct sought *s); /* of a conversation */
/* Comments of a conversation: no id of ours is shown there, so ours is the one of these words that is not older than since. */
void reconcile_comments(struct finding *f, const struct json *json, const struct sought *s);
void reconcile_events(struct finding *f, const struct json *json, const struct sought *s);
void reconcile_message(struct finding *f, const struct json *json, const struct sought *s); /* one message */

/* The paths of the searches; token NULL: the first page. Times are of emission. */
void reconcile_messages_path(struct buf *out, const char *conversation, const char *token);
void reconcile_comments_path(struct buf *out, const char *conversation, const char *token);
struct reconcile_window {
    const char *inbox;
    bool is_from_agent;
    wall_ms_t after, before;
};
void reconcile_events_path(struct buf *out, const struct reconcile_window *w, const char *token);

#endif
