/*
 * Front's events: what happened in a conversation, as callbacks, webhooks and GET /events tell it. Pure; fuzzed.
 *
 * An event has a source (who did it), a target (what it was done to) and a conversation. Each of them comes as
 * a preview (id, type and link, perhaps as `data`) or in full (with `data`, which may be null), and may be absent: it is decided
 * part by part. Links yield ids only. Source: Front, "Events"; types beyond that page: Front's OpenAPI
 * (EventResponse). Owns: struct front_event borrows the text of its document and owns its strings.
 */
#ifndef FRONT_EVENT_H
#define FRONT_EVENT_H

#include "base/clock.h"
#include "base/json.h"

enum { EVENT_ID_MAX = 200, EVENT_TYPE_MAX = 64, EVENT_MERGED_MAX = 100 };

enum event_type {
    EVENT_UNKNOWN, /* carried through: Front adds types */
    EVENT_ASSIGN,
    EVENT_UNASSIGN,
    EVENT_ARCHIVE,
    EVENT_REOPEN,
    EVENT_TRASH,
    EVENT_RESTORE,
    EVENT_COMMENT,
    EVENT_MENTION,
    EVENT_INBOUND,
    EVENT_OUTBOUND,
    EVENT_OUT_REPLY,
    EVENT_MOVE,
    EVENT_FORWARD,
    EVENT_TAG,
    EVENT_UNTAG,
    EVENT_LINK_ADDED,
    EVENT_LINK_REMOVED,
    EVENT_SENDING_ERROR,
    EVENT_BOUNCE_ERROR,
    EVENT_REMINDER,
    EVENT_MERGED,
    EVENT_TYPE_N
};

/* Kinds of sources and targets, as a bit set in the table of types. */
enum event_kind {
    EVENT_OF_NOTHING,
    EVENT_OF_TEAMMATE,
    EVENT_OF_RULE,
    EVENT_OF_INBOXES,
    EVENT_OF_RECIPIENT,
    EVENT_OF_MESSAGE,
    EVENT_OF_COMMENT,
    EVENT_OF_TAG,
    EVENT_OF_LINK,
    EVENT_OF_MERGED,  /* deleted_conversation_ids */
    EVENT_OF_PROGRAM, /* api, oauth_client */
    EVENT_OF_ANOTHER, /* a kind that we have no use for */
    EVENT_KIND_N
};

enum event_form { EVENT_ABSENT, EVENT_PREVIEW, EVENT_FULL };

struct event_part {
    enum event_form form;
    enum event_kind kind;
    char *type;       /* as Front names the kind; NULL: not said */
    char *id;         /* NULL: none */
    struct jval data; /* EVENT_FULL; may be null, and is an array for inboxes */
};

struct front_event {
    enum event_type type;
    char *type_name; /* the API's name, whatever the webhook called it */
    char *id;        /* evt_… */
    wall_ms_t emitted_at;
    struct event_part source, target;
    struct event_part conversation; /* data is the conversation itself */
    unsigned foreign_link_n;        /* links to hosts other than Front's: counted, never contacted */
    const char *fault; /* why it must not be acted on: its parts do not belong together; NULL: it may be */
};

/* front_event_read: ERR_INVALID or ERR_LIMIT, with one sentence in why, only for what is no event at all; it
 * leaves an empty *e then, which need not be freed. */
MUST_CHECK enum err front_event_read(struct front_event *e, struct jval event, struct buf *why);
void front_event_fini(struct front_event *e);

const char *event_type_name(enum event_type t);     /* "out_reply"; NULL for EVENT_UNKNOWN */
enum event_type event_type_parse(struct span name); /* of the API or of application webhooks */
/* event_type_canonical gives the API's name for a name of application webhooks ("outbound_sent"), else name itself. */
struct span event_type_canonical(struct span name);
/* event_type_fits: does a target of this kind belong to the type? */
bool event_type_fits(enum event_type t, enum event_kind target);
/* The sources that Front's page names for a type: bit set of 1u << enum event_kind. */
unsigned event_type_sources(enum event_type t);

/* event_id_compare orders ids as the numbers that they are, of any length: <0, 0, >0. ERR_INVALID: one of them is none. */
MUST_CHECK enum err event_id_compare(struct span a, struct span b, int *order);

/* front_event_merged visits the ids of the conversations that were merged away: strings, or objects with an id. */
void front_event_merged(const struct front_event *e, void (*visit)(struct span id, void *arg), void *arg);
/* front_event_inboxes visits the ids of the inboxes that are its source. */
void front_event_inboxes(const struct front_event *e, void (*visit)(struct span id, void *arg), void *arg);

#endif
