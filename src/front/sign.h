/*
 * What a backend says beyond messages and receipts: a message was changed, taken back or reacted to, somebody types. Front
 * has no call for any of it; what each becomes there is one table. Pure; fuzzed.
 *
 * Shape: one object of the wire, told apart by its `type`. It becomes a message in the thread, or a comment on the
 * conversation, that says in one sentence what happened; or nothing.
 */
#ifndef FRONT_SIGN_H
#define FRONT_SIGN_H

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

enum sign { SIGN_NONE /* a message */, SIGN_EDIT, SIGN_DELETE, SIGN_REACTION, SIGN_TYPING, SIGN_N };

enum sign_form {
    SIGN_AS_MESSAGE, /* news: it is read like a message, and reopens the conversation */
    SIGN_AS_COMMENT, /* to know: it reopens nothing, and is nobody's message */
    SIGN_IGNORED,    /* Front has no place for it */
};

enum { SIGN_EMOJI_MAX = 128 /* bytes; also of a name, ":thumbs_up:" */ };

enum sign sign_of(struct jval wire); /* SIGN_NONE also for a type that is none of these */
const char *sign_name(enum sign s);  /* as `type` says it: "edit"; "message" */
/* sign_form says what becomes of it, by what it is and by who did it. */
enum sign_form sign_form(struct jval wire);

bool sign_takes_text(struct jval wire); /* a message or its new text; nothing else has words */
/* sign_check looks at what its type demands: ERR_INVALID and a few words in why. Fine for a message. */
MUST_CHECK enum err sign_check(struct jval wire, struct buf *why);

/* The earlier message that it is about, as far as it is known. */
struct sign_about {
    bool is_known;
    bool is_delivery; /* it came from Front; else it is a message of the backend */
    struct span body; /* in its wire form; absent: no longer known */
};

/* sign_sentence appends what happened as HTML of ours: who, what, and the beginning of the message that it is about.
 * about may be NULL. Nothing for a message. */
void sign_sentence(struct jval wire, const struct sign_about *about, struct buf *html);
/* sign_comment makes the Markdown of a comment from such HTML. Nobody is mentioned in it, whatever it quotes. */
void sign_comment(struct span html, struct buf *out);

#endif
