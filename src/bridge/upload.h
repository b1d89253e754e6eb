/*
 * The files of a message on their way to Front: which of them go, what is said of the others, and the form that carries them.
 *
 * A customer's message goes without a file that cannot be had, or that does not fit in; a sentence in its text says so.
 */
#ifndef BRIDGE_UPLOAD_H
#define BRIDGE_UPLOAD_H

#include "bridge/channel.h"
#include "front/form.h"

struct upload;

/* upload_new takes m's files; NULL: it has none. */
struct upload *upload_new(struct queue *q, struct store_message *m);
void upload_free(struct upload *u);

/* What is to be said in the text; borrowed. u may be NULL. */
const struct span *upload_notes(const struct upload *u, unsigned *n);
bool upload_has_files(const struct upload *u);

/* upload_pack makes the form out of the JSON of the call, with the files opened, and puts it in the place of r's body.
 * False: the message must not leave now, and *instead is how its attempt ends. Always call upload_unpack after the call has
 * started. */
bool upload_pack(struct upload *u, struct front_request *r, struct outcome *instead);
void upload_unpack(struct upload *u);

#endif
