/*
 * A backend's message on its way to Front: checked at acceptance, and made into the body of a call when it is
 * relayed. A customer wrote it, or somebody of the company did over there. Pure; fuzzed.
 *
 * Whatever the backend sent, Front is posted HTML that we wrote ourselves: plain text escaped with its line
 * breaks, Markdown rendered, HTML rebuilt from an allow-list. Our id goes with every message
 * (metadata.headers, metadata.external_id), so that one whose answer was lost can be found again.
 */
#ifndef FRONT_INCOMING_H
#define FRONT_INCOMING_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"

enum {
    INCOMING_ID_MAX = 1024,
    INCOMING_HANDLE_MAX = 512,
    INCOMING_SUBJECT_MAX = 1024,
    INCOMING_TEXT_MAX = 512 << 10,
    INCOMING_MARKDOWN_MAX =
        64 << 10, /* libcmark 0.30.2 needs 0.1 s for the worst of these, but 9 s for 512 KiB */
};

enum { INCOMING_TO_MAX = 50 };

/* incoming_check: ERR_INVALID or ERR_LIMIT, and why says what is wrong with an inbound object of the wire in
 * a few words. */
MUST_CHECK enum err incoming_check(struct span wire, struct buf *why);

struct incoming {
    struct span wire;         /* as accepted */
    const char *id;           /* ours */
    const char *thread_ref;   /* see front/thread.h */
    wall_ms_t created_at;     /* when it was accepted, where the wire does not say when it was written */
    const char *author_id;    /* of an agent: the teammate's id in Front; NULL: not known */
    const char *address;      /* of an agent: the channel's own; NULL: not known */
    const char *conversation; /* of an agent, custom: Front's conversation; NULL: not known */
    const char
        *reply_to; /* application: the external id, as Front was told it, of what this answers; NULL: none */
    bool has_phones;         /* customers' handles are phone numbers: see front/phone.h */
    const struct span *note; /* sentences that are added to the text */
    unsigned note_n;
    const struct sign_about *about; /* of a sign: the message that it is about; NULL: not known */
};

/* The check of a document that is open, for what adds to it (history.c). */
MUST_CHECK enum err incoming_check_root(struct jval root, struct buf *why);

/* incoming_check_phones: ERR_INVALID, and why says which customer's handle is no phone number. */
MUST_CHECK enum err incoming_check_phones(struct jval root, struct buf *why);

/* incoming_is_from_agent: somebody of the company wrote it, over there. */
bool incoming_is_from_agent(struct jval wire);

/*
 * The bodies of calls; out is sticky: look at is_over.
 * A customer's message: POST /channels/{id}/incoming_messages (custom) and inbound_messages (application).
 */
MUST_CHECK enum err incoming_custom(const struct incoming *in, struct buf *out, struct buf *why);
MUST_CHECK enum err incoming_application(const struct incoming *in, struct buf *out, struct buf *why);
/*
 * An agent's message: POST /channels/{id}/outbound_messages (application). A custom channel has no such call: its
 * inbox takes it as an imported message, POST /inboxes/{id}/imported_messages, which Front takes once for each
 * external_id.
 */
MUST_CHECK enum err incoming_agent_application(const struct incoming *in, struct buf *out, struct buf *why);
MUST_CHECK enum err incoming_agent_custom(const struct incoming *in, struct buf *out, struct buf *why);

/* A sign as a comment: POST /conversations/{id}/comments, whose body is Markdown. */
MUST_CHECK enum err incoming_comment(const struct incoming *in, struct buf *out, struct buf *why);

/* The message_uid of Front's 202. json may be NULL: ERR_INVALID, as when it is not there. */
MUST_CHECK enum err incoming_uid(const struct json *json, struct buf *uid);
/* The conversation's id in a message resource. */
MUST_CHECK enum err incoming_conversation(const struct json *json, struct buf *id);

#endif
