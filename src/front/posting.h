/*
 * What the bodies of calls are written with, out of a message of the wire or a line of history: its people, its ids and
 * its text. incoming.c and history.c say what stands where. Pure.
 */
#ifndef FRONT_POSTING_H
#define FRONT_POSTING_H

#include "base/json.h"
#include "front/incoming.h"

struct posting {
    struct jout j;
    struct jval root; /* of the wire */
    const struct incoming *in;
};

/* Each of these writes nothing where there is nothing to write. */
void posting_field(struct posting *p, const char *key, const char *path); /* of the wire */
void posting_known(struct posting *p, const char *key, const char *value);
/* posting_ref writes an id of the backend as one that Front takes: a long one as a digest, the same each time. */
void posting_ref(struct posting *p, const char *key, const char *path);

void posting_person(struct posting *p, const char *key, struct jval person, bool has_email);
/* The sender of an imported message; an agent is known by the channel's address and the teammate's id. */
void posting_imported_sender(struct posting *p, bool is_inbound);
/* `to` as Front takes it for application channels (objects), and for an inbox (handles alone). */
void posting_customers(struct posting *p);
void posting_handles(struct posting *p, const char *instead /* where the wire names nobody; NULL: nobody */);

/* posting_html makes what Front is posted as the text: HTML of ours alone, what happened where it is a sign, a placeholder for
 * no text, and what is to be said of files that do not come with it. False: it is too long. */
MUST_CHECK bool posting_html(const struct posting *p, struct buf *html);

/* How a text may be written: exactly one of these keys is in a message that has one. */
unsigned posting_text_n(struct jval root);

#endif
